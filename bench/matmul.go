package bench

import (
	"context"
	"fmt"

	"github.com/baremetaldevx86/microdr/ir"
)

// MatMul measures products of float32 matrices, m x n x k by name, on one worker: beside OpenBLAS on one thread, and
// as a part of the peak of multiply-adds in the same rounds. An error comes with the rows that were measured until then.
func MatMul(ctx context.Context, o Options) ([]Row, error) {
	return besideOpenBLAS(ctx, o, "sgemm.c", products())
}

// products are what MatMul measures: squares, and what a layer of a small network has.
func products() []*computation {
	return []*computation{
		product(128, 128, 128, 75),
		product(256, 256, 256, 85),
		product(512, 512, 512, 88),
		product(1024, 1024, 1024, 85),
		product(1, 10, 128, 0),
		product(32, 784, 256, 0),
		product(100, 10, 128, 0),
		product(65, 33, 17, 0),
	}
}

// product is that of m x k and k x n floats below 1.
func product(m, n, k int, bar float64) *computation {
	return &computation{
		name: fmt.Sprintf("%dx%dx%d", m, n, k), bar: bar, fmas: m * n * k, terms: k,
		order: fmt.Sprintf("%d %d %d", m, n, k),
		problem: func() *problem {
			module := &ir.Module{Name: "product"}
			a, b := module.AddBuffer("a", ir.F32, ir.Input, m, k), module.AddBuffer("b", ir.F32, ir.Input, k, n)
			c := module.AddBuffer("c", ir.F32, ir.Output, m, n)
			left, right := ir.Matrix{Row: k, Col: 1}, ir.Matrix{Row: n, Col: 1}
			module.AddMatMul("multiply", &ir.MatMul{M: m, N: n, K: k, A: left, B: right}, a, b, c)
			return &problem{module: module, inputs: [][]float32{between(m*k, 11, -1, 1), between(k*n, 12, -1, 1)}}
		},
	}
}
