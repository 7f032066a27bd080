package bench_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/bench"
)

func TestRatio(t *testing.T) {
	rows := []struct {
		better               bench.Better
		ours, baseline, want float64
	}{
		{bench.Lower, 2, 3, 1.5},
		{bench.Lower, 4, 1, 0.25},
		{bench.Higher, 3, 2, 1.5},
		{bench.Higher, 1, 4, 0.25},
		{bench.Lower, 0, 0, 1},
		{bench.Lower, 5, 0, 0},
		{bench.Lower, 0, 5, math.MaxFloat64},
	}
	for _, r := range rows {
		if got := bench.Ratio(r.better, r.ours, r.baseline); got != r.want {
			t.Errorf("%v beside %v (%v): got %v, want %v", r.ours, r.baseline, r.better, got, r.want)
		}
	}
}

// TestJSON holds the form that every `microdr bench` prints.
func TestJSON(t *testing.T) {
	r := bench.Compare("a", "ms", bench.Lower, bench.Series{3, 1, 2}, bench.Series{8, 6})
	r.Note = "not printed"
	got, err := json.Marshal([]bench.Row{r})
	if want := `[{"name":"a","ours":2,"baseline":7,"unit":"ms","ratio":3.5}]`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestTable(t *testing.T) {
	a := bench.Compare("quick", "ms", bench.Lower, bench.Series{0.5, 0.25, 1}, bench.Series{100, 2000, 1500})
	b := bench.Against("none", "allocs/run", bench.Lower, bench.Series{0}, 0)
	b.Note = "a bar"
	var out strings.Builder
	if err := bench.WriteTable(&out, []bench.Row{a, b}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	want := []string{"ours baseline unit ratio", "quick 0.500 (0.250..1.00) 1500 (100..2000) ms 3000.00", "none 0 0 allocs/run 1.00 a bar", ""}
	for i, line := range lines {
		if got := strings.Join(strings.Fields(line), " "); i >= len(want) || got != want[i] {
			t.Errorf("line %d: got %q, want %q", i, got, want)
		}
	}
}
