package trace_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/philox"
	"github.com/baremetaldevx86/microdr/trace"
)

// TestPhilox has the known answers of Random123's kat_vectors, and compares random counters and keys with package
// philox.
func TestPhilox(t *testing.T) {
	const ones = 0xffffffff
	given := [][6]uint32{ // counter and key
		{},
		{ones, ones, ones, ones, ones, ones},
		{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0},
	}
	want := [][4]uint32{
		{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
		{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
		{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		var x [6]uint32
		for i := range x {
			x[i] = random.Uint32()
		}
		given = append(given, x)
		want = append(want, philox.Words([4]uint32(x[:4]), [2]uint32(x[4:])))
	}

	m := &ir.Module{Name: "philox"}
	r := trace.New(m)
	in, out := m.AddBuffer("in", ir.U32, ir.Input, len(given), 6), m.AddBuffer("out", ir.U32, ir.Output, len(given), 4)
	var x [6]trace.Uint
	for i := range x {
		x[i] = trace.Uint{R: r, V: r.B.Gather(in, r.Lane().Times(6).Plus(i).V)}
	}
	for i, word := range trace.Philox([4]trace.Uint(x[:4]), [2]trace.Uint(x[4:])) {
		r.B.Store(out, r.Lane().Times(4).Plus(i).V, word.V)
	}
	m.AddMap("words", r.Program(), len(given))

	e := kernel.New(kernel.Options{Verify: true})
	defer e.Close()
	k, err := e.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	args := kernel.Args{Buffers: make([]*kernel.Buffer, 2)}
	for i := range args.Buffers {
		if args.Buffers[i], err = e.NewBuffer(ir.U32, m.Buffers[i].Len()); err != nil {
			t.Fatal(err)
		}
		defer args.Buffers[i].Free()
	}
	for i, row := range given {
		copy(args.Buffers[in].Words()[6*i:], row[:])
	}
	if err := k.Run(context.Background(), args); err != nil {
		t.Fatal(err)
	}
	for i := range given {
		if got := [4]uint32(args.Buffers[out].Words()[4*i:]); got != want[i] {
			t.Errorf("words of %x: %x, want %x", given[i], got, want[i])
		}
	}
}
