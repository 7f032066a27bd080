package bench_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/baremetaldevx86/microdr/bench"
)

func TestMedianAndSpread(t *testing.T) {
	rows := []struct {
		series bench.Series
		median float64
		spread bench.Spread
	}{
		{nil, 0, bench.Spread{}},
		{bench.Series{7}, 7, bench.Spread{Min: 7, Max: 7}},
		{bench.Series{9, 1, 5}, 5, bench.Spread{Min: 1, Max: 9}},
		{bench.Series{4, 1, 8, 2}, 3, bench.Spread{Min: 1, Max: 8}},
	}
	for _, r := range rows {
		before := slices.Clone(r.series)
		if got := r.series.Median(); got != r.median {
			t.Errorf("median of %v: got %v, want %v", r.series, got, r.median)
		}
		if got := r.series.Spread(); got != r.spread {
			t.Errorf("spread of %v: got %v, want %v", r.series, got, r.spread)
		}
		if !slices.Equal(before, r.series) {
			t.Errorf("%v became %v", before, r.series)
		}
	}
	if got := (bench.Series{6, 8}).Over(bench.Series{3, 2}).Times(10); !slices.Equal(got, bench.Series{20, 40}) {
		t.Errorf("6/3 and 8/2, times 10: got %v", got)
	}
	if got := (bench.Series{6, 8}).Minus(bench.Series{3, 2}); !slices.Equal(got, bench.Series{3, 6}) {
		t.Errorf("6-3 and 8-2: got %v", got)
	}
}

// clockwork is a side whose repetitions take a time of their own, without waiting for it.
func clockwork(calls *[]string, name string, each time.Duration) bench.Side {
	return func(_ context.Context, n int) (time.Duration, error) {
		*calls = append(*calls, name)
		return time.Duration(n) * each, nil
	}
}

func TestRoundsTakeTurns(t *testing.T) {
	var calls []string
	got, err := bench.Rounds(context.Background(), 3, clockwork(&calls, "a", time.Millisecond), clockwork(&calls, "b", time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "a", "b", "a", "b"}; !slices.Equal(calls[len(calls)-6:], want) {
		t.Errorf("the calls %v, want them to end with %v", calls, want)
	}
	if want := (bench.Series{0.001, 0.001, 0.001}); !slices.Equal(got[0], want) {
		t.Errorf("seconds of a repetition: got %v, want %v", got[0], want)
	}
	if want := (bench.Series{3600, 3600, 3600}); !slices.Equal(got[1], want) {
		t.Errorf("seconds of a repetition: got %v, want %v", got[1], want)
	}
}

func TestRoundsEndWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var calls []string
	if _, err := bench.Rounds(ctx, 3, clockwork(&calls, "a", time.Hour)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}
