package trace_test

import (
	"context"
	"fmt"
	"log"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/trace"
)

// The distance from a sphere, traced once and run for eight points at a time.
func Example() {
	m := &ir.Module{Name: "sphere"}
	out := m.AddBuffer("distance", ir.F32, ir.Output, 8)
	r := trace.New(m)
	point := trace.Vec3{X: r.Lane().Float(), Y: r.Float(0), Z: r.Float(0)}
	distance := point.Sub(r.UniformVec3("center")).Length().Sub(r.Uniform("radius"))
	r.Store(out, r.Lane(), distance)
	m.AddMap("distance", r.Program(), 8)

	engine := kernel.New(kernel.Options{})
	defer engine.Close()
	k, err := engine.Compile(m)
	if err != nil {
		log.Fatal(err)
	}
	defer k.Close()
	buffer, err := engine.NewBuffer(ir.F32, 8)
	if err != nil {
		log.Fatal(err)
	}
	defer buffer.Free()
	args := kernel.Args{Uniforms: []float64{3, 0, 0, 1.5}, Buffers: []*kernel.Buffer{buffer}}
	if err := k.Run(context.Background(), args); err != nil {
		log.Fatal(err)
	}
	fmt.Println(buffer.Float32s())
	// Output: [1.5 0.5 -0.5 -1.5 -0.5 0.5 1.5 2.5]
}

// A loop over a struct of values: Newton's iteration for the square root, in each lane as long as it needs.
func ExampleWhile() {
	r := trace.New(&ir.Module{})
	type state struct{ Root, Error trace.Float }
	target := r.Lane().Float().Plus(2)
	end, iterations := trace.While(r, 50, state{target, r.Float(1)}, func(s state) (trace.Bool, state) {
		root := s.Root.Add(target.Div(s.Root)).Times(0.5)
		return s.Error.Above(1e-6), state{root, root.Sub(s.Root).Abs()}
	})
	_, _ = end.Root, iterations // store them, or compute with them
}
