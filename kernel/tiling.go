package kernel

import (
	"math"

	"github.com/baremetaldevx86/microdr/jit"
)

// tiling cuts a matrix of m x n into tiles of micro-kernels: panels of some vectors from left to right, the last one
// narrower where n asks for that, and rows of tiles from top to bottom, high ones first and then those that have one
// row less, so that none is much smaller than the others.
type tiling struct {
	target      jit.Target
	n           int
	vectors     int // of a panel
	whole       int // panels so wide
	lastVectors int // of the last panel, 0: there is none but the whole ones
	lastLanes   int // of its last vector
	height      int // rows of a high tile
	high, low   int // how many rows of tiles there are of each
}

// newTiling chooses the tiling that is fastest by tileCost, for m, n > 0 and sums over k.
func newTiling(t jit.Target, m, n, k int) tiling {
	var best tiling
	least := math.Inf(1)
	lanes := jit.TileLanes(t)
	for vectors := 1; vectors <= (n+lanes-1)/lanes && jit.TileRows(t, vectors) > 0; vectors++ {
		g := tiling{target: t, n: n, vectors: vectors, whole: n / (vectors * lanes)}
		if rest := n % (vectors * lanes); rest > 0 {
			g.lastVectors = (rest + lanes - 1) / lanes
			g.lastLanes = rest - (g.lastVectors-1)*lanes
		}
		rows := (m + jit.TileRows(t, vectors) - 1) / jit.TileRows(t, vectors)
		g.height = (m + rows - 1) / rows
		g.high = m - rows*(g.height-1)
		g.low = rows - g.high
		if cost := g.cost(k); cost < least {
			best, least = g, cost
		}
	}
	return best
}

// cost is about how many cycles a product takes.
func (g *tiling) cost(k int) float64 {
	sum := 0.0
	for _, p := range []struct{ count, vectors int }{{g.whole, g.vectors}, {1, g.lastVectors}} {
		if p.vectors > 0 {
			high, low := tileCost(g.height, p.vectors, k), tileCost(g.height-1, p.vectors, k)
			sum += float64(p.count) * (float64(g.high)*high + float64(g.low)*low)
		}
	}
	return sum
}

// tileCost is about how many cycles a tile takes. For each k, the units do two multiply-adds a cycle and as many
// loads, the front takes in six operations, and a sum waits four cycles for the one before. Loads that hit no first
// level cost more; how much was measured: wide tiles, with fewest loads for their area, are faster than high ones.
func tileCost(rows, vectors, k int) float64 {
	r, v := float64(rows), float64(vectors)
	each := max(4, r*v/2, (r+v)/2, (r*v+r+v+4)/6) + (r+v)/64
	return each*float64(k) + 1.5*r*v + 30
}

// rows is the number of rows of tiles.
func (g *tiling) rows() int { return g.high + g.low }

// panels is the number of panels.
func (g *tiling) panels() int {
	if g.lastVectors > 0 {
		return g.whole + 1
	}
	return g.whole
}

// row is the first row of C in row i of tiles, for i up to rows().
func (g *tiling) row(i int) int { return i*g.height - max(0, i-g.high) }

// column is the first column of a panel.
func (g *tiling) column(panel int) int { return panel * g.vectors * jit.TileLanes(g.target) }

// shape is that of the tiles of a panel of so many rows.
func (g *tiling) shape(rows, panel int) jit.TileShape {
	if panel < g.whole {
		return jit.TileShape{Rows: rows, Vectors: g.vectors}
	}
	return jit.TileShape{Rows: rows, Vectors: g.lastVectors, Tail: g.lastLanes < jit.TileLanes(g.target)}
}

// shapes are those of all tiles.
func (g *tiling) shapes() (list []jit.TileShape) {
	for panel := max(0, g.whole-1); panel < g.panels(); panel++ {
		list = append(list, g.shape(g.height, panel))
		if g.low > 0 {
			list = append(list, g.shape(g.height-1, panel))
		}
	}
	return list
}
