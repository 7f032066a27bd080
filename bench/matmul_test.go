package bench

import (
	"context"
	"strings"
	"testing"
)

// TestOpenBLAS: the product that is timed beside OpenBLAS is the one that OpenBLAS computes.
func TestOpenBLAS(t *testing.T) {
	blas, err := compileOpenBLAS(context.Background(), "sgemm.c")
	if err != nil {
		t.Skip(err)
	}
	defer blas.Close()
	s := &suite{KernelOptions: KernelOptions{Rounds: 1}}
	rows, err := s.product(context.Background(), blas, &matrices{m: 33, n: 21, k: 50, bar: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 || rows[0].Name != "33x21x50 of the FMA peak" || rows[1].Unit != "GFLOP/s" || !(rows[0].Ours > 0) {
		t.Errorf("got %+v", rows)
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
		err := near(r.ours, r.theirs, 100)
		if r.want == "" && err != nil || r.want != "" && (err == nil || !strings.Contains(err.Error(), r.want)) {
			t.Errorf("%v and %v: %v, want %q", r.ours, r.theirs, err, r.want)
		}
	}
}
