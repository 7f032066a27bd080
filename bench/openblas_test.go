package bench

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
)

// TestOpenBLAS: what is timed beside OpenBLAS is what OpenBLAS computes.
func TestOpenBLAS(t *testing.T) {
	strided := square(2, 3, 9, 5, 3, 2)
	computations := map[string][]*computation{"sgemm.c": {product(33, 21, 50, 1), product(1, 7, 5, 0)}}
	for _, c := range []ir.Conv{square(3, 2, 7, 4, 5, 1), strided} {
		for c.Mode = range ir.ConvFilter + 1 {
			computations["conv.c"] = append(computations["conv.c"], convolution(c, 1))
		}
	}
	for file, all := range computations {
		blas, err := compileOpenBLAS(context.Background(), file)
		if err != nil {
			_, noCompiler := exec.LookPath("gcc")
			missing := func(part string) bool { return strings.Contains(err.Error(), part) }
			if noCompiler != nil || missing("cblas.h: No such file") || missing("cannot find -lopenblas") {
				t.Skip(err)
			}
			t.Fatal(err) // sources that gcc does not take
		}
		defer blas.Close()
		s := &suite{KernelOptions: KernelOptions{Options: Options{Rounds: 1}}, blas: blas}
		for _, q := range all {
			rows, err := q.measure(context.Background(), s, q.rows())
			if err != nil {
				t.Errorf("%s: %v", q.name, err)
				continue
			}
			var names []string
			for _, r := range rows {
				if names = append(names, r.Name); !(r.Ours > 0) || !(r.Baseline > 0) {
					t.Errorf("%+v", r)
				}
			}
			if !slices.Equal(names, q.rows()) {
				t.Errorf("got the rows %q, want %q", names, q.rows())
			}
		}
	}
}

// TestNear: sums in another order are near, other sums are not.
func TestNear(t *testing.T) {
	for _, r := range []struct {
		ours, theirs []float32
		want         string
	}{
		{[]float32{1, 2}, []float32{1, 2.000002}, ""},
		{[]float32{1, 2}, []float32{1, 2.001}, "element 1 is 2 here"},
		{[]float32{1}, []float32{1, 2}, "1 and 2 elements"},
	} {
		err := (&computation{terms: 100}).near(r.ours, r.theirs)
		if r.want == "" && err != nil || r.want != "" && (err == nil || !strings.Contains(err.Error(), r.want)) {
			t.Errorf("%v and %v: %v, want %q", r.ours, r.theirs, err, r.want)
		}
	}
}
