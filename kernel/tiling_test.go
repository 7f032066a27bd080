package kernel

import (
	"testing"

	"github.com/baremetaldevx86/microdr/jit"
)

// TestTiling: the tiles of any matrix cover it once, and each has a shape that exists.
func TestTiling(t *testing.T) {
	for _, target := range []jit.Target{jit.AVX2, jit.AVX512} {
		for m := 1; m < 90; m += 1 + m/20 {
			for n := 1; n < 200; n += 1 + n/8 {
				g := newTiling(target, m, n, 100)
				if got := g.row(g.rows()); got != m || g.row(0) != 0 || g.row(g.high) != g.high*g.height {
					t.Fatalf("%v, %d x %d: %d rows in %+v", target, m, n, got, g)
				}
				columns := 0
				for panel := range g.panels() {
					s := g.shape(g.height, panel)
					if s.Rows > jit.TileRows(target, s.Vectors) || g.column(panel) != columns {
						t.Fatalf("%v, %d x %d: panel %d at %d is of %+v", target, m, n, panel, columns, s)
					}
					columns += s.Vectors * jit.TileLanes(target)
				}
				if g.lastVectors > 0 {
					columns += g.lastLanes - jit.TileLanes(target)
				}
				if columns != n {
					t.Fatalf("%v, %d x %d: %d columns in %+v", target, m, n, columns, g)
				}
			}
		}
	}
}

// TestTilingChoices: shapes for which there is one good choice.
func TestTilingChoices(t *testing.T) {
	for _, r := range []struct {
		m, n                  int
		vectors, height, rows int
	}{
		{1, 10, 1, 1, 1},        // all there is
		{100, 10, 1, 25, 4},     // high enough to keep the units busy
		{1500, 1040, 5, 5, 300}, // as many loads as it must
		{3, 1024, 6, 3, 1},      // wide enough
	} {
		g := newTiling(jit.AVX512, r.m, r.n, 256)
		if g.vectors != r.vectors || g.height != r.height || g.rows() != r.rows {
			t.Errorf("%d x %d: tiles of %d rows of %d vectors, %d of them, want %d, %d and %d", r.m, r.n, g.height, g.vectors, g.rows(),
				r.height, r.vectors, r.rows)
		}
	}
}
