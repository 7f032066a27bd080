package kernel_test

import (
	"context"
	"fmt"
	"log"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/trace"
)

// The mean of the squares of a million numbers, scaled by a uniform: a map over the elements and a reduction. A run
// with another uniform uses the same code.
func Example() {
	const n = 1 << 20
	m := &ir.Module{Name: "mean"}
	x := m.AddBuffer("x", ir.F32, ir.Input, n)
	squares := m.AddBuffer("squares", ir.F32, ir.Temp, n)
	mean := m.AddBuffer("mean", ir.F32, ir.Output)
	r := trace.New(m)
	r.Store(squares, r.Lane(), r.Gather(x, r.Lane()).Sq().Mul(r.Uniform("scale")))
	m.AddMap("square", r.Program(), n)
	m.AddReduce("mean", ir.ReduceMean, squares, mean, n, 1)

	engine := kernel.New(kernel.Options{})
	defer engine.Close()
	k, err := engine.Compile(m)
	if err != nil {
		log.Fatal(err)
	}
	defer k.Close()
	in, err := engine.NewBuffer(ir.F32, n)
	if err != nil {
		log.Fatal(err)
	}
	defer in.Free()
	out, err := engine.NewBuffer(ir.F32, 1)
	if err != nil {
		log.Fatal(err)
	}
	defer out.Free()
	for i := range in.Float32s() {
		in.Float32s()[i] = float32(i%3) - 1
	}
	for _, scale := range []float64{1, 3} {
		args := kernel.Args{Uniforms: []float64{scale}, Buffers: []*kernel.Buffer{in, nil, out}}
		if err := k.Run(context.Background(), args); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%.3f\n", out.Float32s()[0])
	}
	// Output:
	// 0.667
	// 2.000
}
