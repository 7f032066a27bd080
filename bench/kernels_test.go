package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
)

// baseline compiles the C, or skips the test where there is no gcc. A gcc that does not take the sources is a failure
// on the machines that they are written for.
func baseline(t *testing.T) *Baseline {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no baselines in C: ", err)
	}
	b, err := CompileBaseline(context.Background())
	if err != nil && strings.Contains(err.Error(), "neither AVX-512 nor AVX2") {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// TestSameBitsAsC: what is timed beside C computes what the C does.
func TestSameBitsAsC(t *testing.T) {
	s := &suite{c: baseline(t)}
	rows := []struct {
		function string
		problem  *problem
	}{
		{"fog", fog(1 << 14)},
		{"fog_by_hand", fog(1 << 14)},
		{"fog_march", fogMarch(1 << 12)},
		{"spheres", spheres()},
		{"spheres_in_pairs", spheres()},
		{"peak", peak(1 << 10)},
		{"triad", triad(1 << 14)},
	}
	for _, r := range rows {
		ours, err := r.problem.open(kernel.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer ours.close()
		p, err := s.peer(context.Background(), ours, r.problem, r.function)
		if err != nil {
			t.Errorf("%s: %v", r.function, err)
			continue
		}
		if err := p.close(); err != nil {
			t.Errorf("%s: %v", r.function, err)
		}
		if err := varied(ours.output()); err != nil {
			t.Errorf("%s: %v", r.function, err)
		}
	}
}

// varied refuses outputs on which any two programs agree.
func varied(out []float32) error {
	seen := map[float32]bool{}
	for _, x := range out {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return fmt.Errorf("an output is %g", x)
		}
		seen[x] = true
	}
	if len(seen) < len(out)/20 {
		return fmt.Errorf("%d values among %d outputs", len(seen), len(out))
	}
	return nil
}

func TestAgreeIsStrict(t *testing.T) {
	x := []float32{1, 0}
	for _, y := range [][]float32{{1, math.Float32frombits(1 << 31)}, {math.Nextafter32(1, 2), 0}, {1}} {
		if agree(x, y) == nil {
			t.Errorf("%v and %v agree", x, y)
		}
	}
	if err := agree(x, []float32{1, 0}); err != nil {
		t.Error(err)
	}
}

// TestBothWaysThroughTheFog: the select of the elementwise kernel goes either way in many lanes.
func TestBothWaysThroughTheFog(t *testing.T) {
	q := fog(1 << 14)
	before := 0
	for i, x := range q.inputs[0] {
		if y := q.inputs[1][i]; float64(x*x+y*y)+q.uniforms[0] < q.uniforms[1]*q.uniforms[1] {
			before++
		}
	}
	if before < q.lanes/5 || before > q.lanes*4/5 {
		t.Errorf("%d of %d lanes lie before the fog", before, q.lanes)
	}
	if n, err := q.operations(); err != nil || n != 27 {
		t.Errorf("%d operations, %v, want the 27 of its comment", n, err)
	}
}

func TestPeerRefuses(t *testing.T) {
	b := baseline(t)
	for name, load := range map[string]func(p *peer) error{
		"no computation": func(p *peer) error { return p.load(fog(64).order("nothing"), fog(64)) },
		"sizes":          func(p *peer) error { return p.load(fog(65).order("fog"), fog(65)) },
	} {
		p, err := b.start(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if err := load(p); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want an error with %q", err, name)
		}
	}
}

func TestRowsAndTheirNames(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range kernelMeasurements() {
		for _, name := range m.rows {
			if seen[name] || strings.Contains(name, ",") {
				t.Errorf("row %q is there twice, or --only cannot name it", name)
			}
			seen[name] = true
		}
	}
}

func TestChosen(t *testing.T) {
	rows := []struct {
		options KernelOptions
		want    string // of the first rows' names, the first letters
		refused bool
	}{
		{options: KernelOptions{}, want: "eestccllttgFm"},
		{options: KernelOptions{Fits: true}, want: "eestccllttgFmff"},
		{options: KernelOptions{Options: Options{Only: []string{"elementwise 16k"}}}, want: "e"},
		{options: KernelOptions{Options: Options{Only: []string{"compile", "gc pause p99"}}}, want: "ccg"},
		{options: KernelOptions{Options: Options{Only: []string{"fit t"}}}, want: "f"},
		{options: KernelOptions{Options: Options{Only: []string{"gc"}}, Fits: true}, want: "gff"},
		{options: KernelOptions{Options: Options{Only: []string{"elementwize"}}}, refused: true},
	}
	for _, r := range rows {
		chosen, err := (&suite{KernelOptions: r.options}).chosen(kernelMeasurements())
		got := ""
		for _, m := range chosen {
			got += m.rows[0][:1]
		}
		if errors.Is(err, ErrNoRow) != r.refused || !r.refused && got != r.want {
			t.Errorf("%+v: got %q, %v, want %q", r.options.Only, got, err, r.want)
		}
	}
}

// TestKernels makes rows of several measurements, in one short round each.
func TestKernels(t *testing.T) {
	o := KernelOptions{Examples: "../examples", Options: Options{Rounds: 1, Only: []string{"launch one tile", "compile radiance", "gc pause p99"}}}
	rows, err := Kernels(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"compile radiance", "compile radiance front", "compile radiance backend", "launch one tile", "launch one tile allocations", "gc pause p99", "gc pause p99 beside Go"}
	var got []string
	for _, r := range rows {
		got = append(got, r.Name)
		if r.Unit == "" || r.Note == "" || r.Ours < 0 || r.Ratio < 0 {
			t.Errorf("%+v is no row", r)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got the rows %q, want %q", got, want)
	}
}

// TestWithoutCompiler: rows that need gcc are left out, with a word on it, and the others are there.
func TestWithoutCompiler(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var words []string
	o := KernelOptions{Options: Options{Rounds: 1, Only: []string{"elementwise", "launch four"},
		Warn: func(line string) { words = append(words, line) }}}
	rows, err := Kernels(context.Background(), o)
	if err != nil || len(rows) != 2 || rows[0].Name != "launch four tiles" {
		t.Errorf("got %v, %v, want the rows of the launch", rows, err)
	}
	if len(words) != 1 || !strings.Contains(words[0], "gcc") || !strings.Contains(words[0], "elementwise 1M by hand") {
		t.Errorf("got the words %q, want one that names gcc and the rows", words)
	}
}

func TestMissingScene(t *testing.T) {
	_, err := Kernels(context.Background(), KernelOptions{Options: Options{Rounds: 1, Only: []string{"compile r"}}, Examples: t.TempDir()})
	var in *InputError
	if !errors.As(err, &in) {
		t.Errorf("got %v, want an InputError", err)
	}
}

// TestVariantsDiffer: no two modules of a measurement of compilation are the same, and all are well formed.
func TestVariantsDiffer(t *testing.T) {
	v, err := newVariants(straightLine(200))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{ir.Print(v.module): true}
	for range 20 {
		m := v.next()
		if err := ir.Verify(m); err != nil {
			t.Fatal(err)
		}
		seen[ir.Print(m)] = true
	}
	if len(seen) != 21 {
		t.Errorf("21 modules have %d texts", len(seen))
	}
}

func TestQuantile(t *testing.T) {
	h := &histogram{counts: []uint64{0, 90, 9, 1, 0}, bounds: []float64{math.Inf(-1), 0, 1, 2, 3, math.Inf(1)}}
	for _, r := range []struct{ p, want float64 }{{0.5, 1}, {0.9, 1}, {0.91, 2}, {0.99, 2}, {1, 3}} {
		if got := h.quantile(r.p); got != r.want {
			t.Errorf("quantile %g: got %g, want %g", r.p, got, r.want)
		}
	}
	var sum histogram
	sum.add(h)
	sum.add(h)
	if got := sum.quantile(0.91); got != 2 || sum.total() != 200 || h.total() != 100 {
		t.Errorf("twice the same: got %d pauses, of %d, the quantile %g, want 200 of 100, and 2", sum.total(), h.total(), got)
	}
	if got := (&histogram{counts: []uint64{0, 1}, bounds: []float64{0, 4, math.Inf(1)}}).quantile(0.5); got != 4 {
		t.Errorf("in the last bucket: got %g, want its lower bound", got)
	}
	if got := (&histogram{counts: []uint64{0}, bounds: []float64{0, 1}}).quantile(0.5); got != 0 {
		t.Errorf("of nothing: got %g, want 0", got)
	}
}
