package kernel

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/ir/irtest"
	"github.com/baremetaldevx86/microdr/jit"
	"github.com/baremetaldevx86/microdr/trace"
)

// chain is n maps, each of which adds 1 to what the one before it leaves.
func chain(n, lanes int) *ir.Module {
	m := &ir.Module{Name: "chain"}
	from := m.AddBuffer("in", ir.F32, ir.Input, lanes)
	for i := range n {
		to := m.AddBuffer(fmt.Sprint("t", i), ir.F32, ir.Temp, lanes)
		if i == n-1 {
			m.Buffers[to].Life = ir.Output
		}
		r := trace.New(m)
		r.Store(to, r.Lane(), r.Gather(from, r.Lane()).Plus(1))
		m.AddMap(fmt.Sprint("map", i), r.Program(), lanes)
		from = to
	}
	return m
}

// A chain of maps holds two temporaries at once, whatever its length, and scatter_adds hold their pairs.
func TestPeak(t *testing.T) {
	const lanes = 1000
	temporary := alignLine(4*lanes + jit.Slack)
	scattered := &ir.Module{Name: "scattered"}
	out := scattered.AddBuffer("out", ir.F32, ir.Output, 7)
	r := trace.New(scattered)
	r.ScatterAdd(out, r.Lane().Mod(7), r.Float(1))
	scattered.AddMap("add", r.Program(), lanes)
	for _, row := range []struct {
		m    *ir.Module
		want int
	}{
		{chain(1, lanes), 0},
		{chain(2, lanes), temporary},
		{chain(3, lanes), 2 * temporary},
		{chain(30, lanes), 2 * temporary},
		{scattered, 2 * alignLine(4*lanes)},
	} {
		e := New(Options{Workers: 1})
		k, err := e.Compile(row.m)
		if err != nil {
			t.Fatal(err)
		}
		if got := k.Peak(); got != row.want {
			t.Errorf("%s of %d stages: %d bytes, want %d", row.m.Name, len(row.m.Stages), got, row.want)
		}
		k.Close()
		e.Close()
	}
}

// TestPack packs random ranges: none that live at the same time overlap, and the block is not much larger than what the
// fullest stage needs.
func TestPack(t *testing.T) {
	sizes, needs := 0, 0
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 3))
		list := make([]*place, 1+r.IntN(40))
		alive := make([]int, 30)
		for i := range list {
			p := &place{bytes: 64 * r.IntN(1<<r.IntN(10)), first: r.IntN(30)}
			p.last = min(29, p.first+r.IntN(1+r.IntN(12)))
			list[i] = p
			for s := p.first; s <= p.last; s++ {
				alive[s] += p.bytes
			}
		}
		size, need := pack(list), 0
		for _, n := range alive {
			need = max(need, n)
		}
		sizes, needs = sizes+size, needs+need
		for i, p := range list {
			if p.offset < 0 || p.offset%64 != 0 || p.offset+p.bytes > size {
				t.Fatalf("seed %d: %+v lies outside of %d bytes", seed, p, size)
			}
			for _, q := range list[:i] {
				together := p.first <= q.last && q.first <= p.last
				if together && p.offset < q.offset+q.bytes && q.offset < p.offset+p.bytes {
					t.Fatalf("seed %d: %+v and %+v overlap", seed, p, q)
				}
			}
		}
	}
	if float64(sizes) > 1.05*float64(needs) {
		t.Errorf("%d bytes in all, where the fullest stages need %d", sizes, needs)
	}
}

// network is a random module of maps, some of which write only parts of their temporaries or scatter into them, and
// reductions, each of something that was written before.
func network(seed uint64) *ir.Module {
	rnd := rand.New(rand.NewPCG(seed, 9))
	m := &ir.Module{Name: fmt.Sprint("network", seed)}
	written := []int{m.AddBuffer("in", ir.F32, ir.Input, 500)}
	for i := range 3 + rnd.IntN(25) {
		from := written[max(0, len(written)-1-rnd.IntN(6))]
		n := m.Buffers[from].Len()
		life := ir.Temp
		if rnd.IntN(4) == 0 {
			life = ir.Output
		}
		if rnd.IntN(4) == 0 && n > 1 {
			to := m.AddBuffer(fmt.Sprint("b", i), ir.F32, life)
			m.AddReduce(fmt.Sprint("s", i), ir.ReduceSum, from, to, n, 1)
			written = append(written, to)
			continue
		}
		size := 1 + rnd.IntN(700)
		to := m.AddBuffer(fmt.Sprint("b", i), ir.F32, life, size)
		r := trace.New(m)
		x := r.Gather(from, r.Lane().Mod(n)).Plus(float64(i)).Times(0.5)
		lanes := size
		switch rnd.IntN(4) {
		case 0:
			lanes = 1 + rnd.IntN(size)
			r.Store(to, r.Lane(), x)
		case 1:
			r.ScatterAdd(to, r.Lane().Times(3).Mod(size+5), x)
		default:
			r.Store(to, r.Lane(), x)
		}
		m.AddMap(fmt.Sprint("s", i), r.Program(), lanes)
		written = append(written, to)
	}
	return m
}

// TestSharedMemory runs random modules, twice each, whose temporaries share memory, and compares them with the
// interpreter, where all have their own.
func TestSharedMemory(t *testing.T) {
	shared := 0
	for seed := range uint64(60) {
		m := network(seed)
		want := irtest.Interpreted(m, seed)
		uniforms, memory := irtest.Fill(m, seed)
		e := New(Options{Workers: 2})
		k, err := e.Compile(m)
		if err != nil {
			t.Fatal(err)
		}
		args := Args{Uniforms: uniforms, Buffers: make([]*Buffer, len(m.Buffers))}
		sum := 0
		for i := range m.Buffers {
			b := &m.Buffers[i]
			if b.Life == ir.Temp {
				sum += temporaryBytes(b, Float32)
				continue
			}
			if args.Buffers[i], err = e.NewBuffer(b.Type, b.Len()); err != nil {
				t.Fatal(err)
			}
			for j := range b.Len() {
				args.Buffers[i].Float32s()[j] = math.Float32frombits(uint32(memory[i][j]))
			}
		}
		for run := range 2 {
			if err := k.Run(context.Background(), args); err != nil {
				t.Fatal(err)
			}
			for i, b := range args.Buffers {
				if b != nil && differs(b, want[i]) {
					t.Errorf("seed %d, run %d: %s differs\n%s", seed, run, m.Buffers[i].Name, ir.Print(m))
				}
			}
		}
		if k.Peak() < sum {
			shared++
		}
		for _, b := range args.Buffers {
			b.Free()
		}
		k.Close()
		e.Close()
	}
	if shared < 20 {
		t.Errorf("only %d modules share memory", shared)
	}
}

func differs(b *Buffer, want []uint64) bool {
	for i, x := range b.Float32s() {
		if uint64(ir.Bits32(x)) != want[i] {
			return true
		}
	}
	return false
}
