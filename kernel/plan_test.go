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

// held are modules of stages that work in memory of their own.
func held() []*ir.Module {
	var all []*ir.Module
	add := func(name string, f func(m *ir.Module)) {
		m := &ir.Module{Name: name}
		f(m)
		all = append(all, m)
	}
	array := func(m *ir.Module, life ir.Lifetime, n int) int {
		return m.AddBuffer(fmt.Sprint("b", len(m.Buffers)), ir.F32, life, n)
	}
	product := func(m *ir.Module, life ir.Lifetime, rows, columns, terms int) int {
		a, b, c := array(m, ir.Input, rows*terms), array(m, ir.Input, terms*columns), array(m, life, rows*columns)
		m.AddMatMul(fmt.Sprint("multiply", c), &ir.MatMul{M: rows, N: columns, K: terms,
			A: ir.Matrix{Row: 1, Col: rows}, B: ir.Matrix{Row: 1, Col: terms}}, a, b, c)
		return c
	}
	add("a product that packs", func(m *ir.Module) { product(m, ir.Output, 600, 300, 40) })
	add("two products and a reduction", func(m *ir.Module) {
		product(m, ir.Output, 600, 300, 40)
		c := product(m, ir.Temp, 70, 1000, 30)
		m.AddReduce("sum", ir.ReduceSum, c, array(m, ir.Output, 1000), 70, 1000)
	})
	for mode := range ir.ConvFilter + 1 {
		add(fmt.Sprint("convolution ", mode), func(m *ir.Module) {
			c := ir.Conv{Mode: mode, Batch: 3, Channels: 10, Filters: 20, Groups: 1, Height: 14, Width: 14, FilterHeight: 3,
				FilterWidth: 3, OutHeight: 7, OutWidth: 7, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, Pad: [2]int{1, 1}}
			size := func(shape [4]int) int { return shape[0] * shape[1] * shape[2] * shape[3] }
			first, second, out := c.Shapes()
			a, b := array(m, ir.Input, size(first)), array(m, ir.Input, size(second))
			for range 2 {
				m.AddConv("convolve", c, a, b, array(m, ir.Output, size(out)))
			}
		})
	}
	add("a long reduction", func(m *ir.Module) {
		m.AddReduce("sum", ir.ReduceSum, array(m, ir.Input, 1<<17), array(m, ir.Output, 1), 1<<17, 1)
	})
	add("a sort of a scan", func(m *ir.Module) {
		a, b := array(m, ir.Input, 1<<15), array(m, ir.Temp, 1<<15)
		m.AddScan("scan", a, b, 1<<10, 1)
		indices := m.AddBuffer("indices", ir.I32, ir.Temp, 1<<15)
		m.AddSort("sort", b, array(m, ir.Output, 1<<15), indices, 1<<10, false)
	})
	return all
}

// TestPeakIsHeld: before the first run, Peak says what the allocators hold at the end of one.
func TestPeakIsHeld(t *testing.T) {
	for _, backend := range Backends() {
		for _, m := range held() {
			for workers := 1; workers <= 3; workers += 2 {
				e := New(Options{Backend: backend, Workers: workers})
				said, holds := peaks(t, e, m)
				if said != holds {
					t.Errorf("%v, %s, %d workers: holds %d bytes, said %d", backend, m.Name, workers, holds, said)
				}
				if backend != Eval && said == 0 {
					t.Errorf("%v, %s: holds nothing", backend, m.Name)
				}
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// peaks returns what the kernel of a module says that a run holds, and what two runs were found to hold at most.
func peaks(t *testing.T, e *Engine, m *ir.Module) (said, holds int) {
	k, err := e.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	said = k.Peak()
	args := Args{Buffers: make([]*Buffer, len(m.Buffers))}
	for i := range m.Buffers {
		if b := &m.Buffers[i]; b.Life != ir.Temp {
			if args.Buffers[i], err = e.NewBuffer(b.Type, b.Len()); err != nil {
				t.Fatal(err)
			}
			defer args.Buffers[i].Free()
		}
	}
	for range 2 {
		if err := k.Run(context.Background(), args); err != nil {
			t.Fatal(err)
		}
	}
	holds = int(k.arena.Counters().Peak + e.WorkerMemory().Live)
	for i := range k.stages {
		if r := k.stages[i].reduction; r != nil {
			holds += r.Partials() // which no allocator of ours knows
		}
	}
	return said, holds
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

// network is a random module of maps, some of which write only parts of their temporaries or scatter into them,
// reductions, products with maps behind them, and convolutions, each of something that was written before.
func network(seed uint64) *ir.Module {
	n := &growing{Rand: rand.New(rand.NewPCG(seed, 9)), m: &ir.Module{Name: fmt.Sprint("network", seed)}}
	n.written = []int{n.buffer(ir.Input, 500)}
	for range 3 + n.IntN(25) {
		n.life = ir.Temp
		if n.IntN(4) == 0 {
			n.life = ir.Output
		}
		[]func(){n.addMap, n.addMap, n.addMap, n.addSum, n.addElements, n.addProduct, n.addConv}[n.IntN(7)]()
	}
	return n.m
}

// growing is a random module that grows by a stage or two at a time.
type growing struct {
	*rand.Rand
	m       *ir.Module
	written []int
	life    ir.Lifetime // of what the next stages write
}

func (g *growing) buffer(life ir.Lifetime, n int) int {
	return g.m.AddBuffer(fmt.Sprint("b", len(g.m.Buffers)), ir.F32, life, n)
}

func (g *growing) name() string { return fmt.Sprint("s", len(g.m.Stages)) }

// pick returns something that was written not long ago, and how much of it there is.
func (g *growing) pick() (buffer, n int) {
	buffer = g.written[max(0, len(g.written)-1-g.IntN(6))]
	return buffer, g.m.Buffers[buffer].Len()
}

// element is one of a buffer, between bounds, so that products of many stay numbers.
func (g *growing) element(r *trace.Recorder, from int, index trace.Int) trace.Float {
	return r.Gather(from, index).Plus(float64(len(g.m.Stages))).Times(0.5).AtLeast(-20).AtMost(20)
}

func (g *growing) addMap() {
	from, n := g.pick()
	lanes := 1 + g.IntN(700)
	to := g.buffer(g.life, lanes)
	r := trace.New(g.m)
	switch x := g.element(r, from, r.Lane().Mod(n)); g.IntN(4) {
	case 0:
		r.Store(to, r.Lane(), x)
		lanes = 1 + g.IntN(lanes)
	case 1:
		r.ScatterAdd(to, r.Lane().Times(3).Mod(lanes+5), x)
	default:
		r.Store(to, r.Lane(), x)
	}
	g.m.AddMap(g.name(), r.Program(), lanes)
	g.written = append(g.written, to)
}

func (g *growing) addSum() {
	from, n := g.pick()
	to := g.buffer(g.life, 1)
	g.m.AddReduce(g.name(), ir.ReduceSum, from, to, n, 1)
	g.written = append(g.written, to)
}

// addElements adds a reduction of what a program computes.
func (g *growing) addElements() {
	from, n := g.pick()
	outer, group, inner := 1+g.IntN(9), 1+g.IntN(300), 1+g.IntN(9)
	to := g.buffer(g.life, outer*inner)
	r := trace.New(g.m)
	x := g.element(r, from, r.Lane().Mod(n))
	r.Program().Results = []ir.Value{x.V}
	g.m.AddReduceProgram(g.name(), ir.ReduceMean, r.Program(), to, outer, group, inner)
	g.written = append(g.written, to)
}

// addProduct adds a product and a map behind it that reads its own element of that and another one, mostly an epilogue;
// it may write only a part of what it writes to, which the next stages read all of.
func (g *growing) addProduct() {
	a, sizeA := g.pick()
	b, sizeB := g.pick()
	terms := 1 + g.IntN(min(sizeA, sizeB, 20))
	rows, columns := 1+g.IntN(min(sizeA/terms, 40)), 1+g.IntN(min(sizeB/terms, 40))
	lanes := rows * columns
	c := g.buffer(ir.Temp, lanes)
	g.m.AddMatMul(g.name(), &ir.MatMul{M: rows, N: columns, K: terms,
		A: ir.Matrix{Row: terms, Col: 1}, B: ir.Matrix{Row: columns, Col: 1}}, a, b, c)
	to := g.buffer(g.life, lanes+g.IntN(2)*g.IntN(100))
	other, n := g.pick()
	r := trace.New(g.m)
	x := g.element(r, c, r.Lane()).Add(g.element(r, other, r.Lane().Mod(n)))
	if g.IntN(5) == 0 {
		x = x.Add(g.element(r, c, r.Lane().Plus(1))) // no epilogue
	}
	r.Store(to, r.Lane(), x)
	g.m.AddMap(g.name(), r.Program(), lanes)
	if g.written = append(g.written, to); g.IntN(3) == 0 {
		g.written = append(g.written, c)
	}
}

// addConv adds a convolution of any mode with padding, that has memory of its own.
func (g *growing) addConv() {
	a, sizeA := g.pick()
	b, sizeB := g.pick()
	c := ir.Conv{Mode: ir.ConvMode(g.IntN(3)), Batch: 1, Channels: 1, Filters: 1, Groups: 1, Height: 1 + g.IntN(5),
		FilterHeight: 1, FilterWidth: 3, OutHeight: 1 + g.IntN(5), Stride: [2]int{1, 1 + g.IntN(2)}, Dilation: [2]int{1, 1},
		Pad: [2]int{0, 1}}
	c.Width, c.OutWidth = 1+g.IntN(20), 1+g.IntN(20)
	first, second, out := c.Shapes()
	size := func(shape [4]int) int { return shape[0] * shape[1] * shape[2] * shape[3] }
	if size(first) != sizeA { // as a map makes one of that size
		a = g.resized(a, sizeA, size(first))
	}
	if size(second) != sizeB {
		b = g.resized(b, sizeB, size(second))
	}
	to := g.buffer(g.life, size(out))
	g.m.AddConv(g.name(), c, a, b, to)
	g.written = append(g.written, to)
}

// resized adds a map that makes an array of another size.
func (g *growing) resized(from, n, size int) int {
	to := g.buffer(ir.Temp, size)
	r := trace.New(g.m)
	r.Store(to, r.Lane(), g.element(r, from, r.Lane().Mod(n)))
	g.m.AddMap(g.name(), r.Program(), size)
	return to
}

// TestSharedMemory runs random modules, twice each, whose temporaries share memory, and compares them with the
// interpreter, where all have their own. Products are cut into small pieces, so that their epilogues begin before they
// end.
func TestSharedMemory(t *testing.T) {
	shared, epilogues := 0, 0
	for _, backend := range Backends() {
		for seed := range uint64(60) {
			e := New(Options{Backend: backend, Workers: 2})
			e.SetSmallBlocks()
			k := runsAsInterpreted(t, e, network(seed), seed)
			if k.plan.size < sumOfTemporaries(k.module) {
				shared++
			}
			for i := range k.stages {
				if k.stages[i].inProduct {
					epilogues++
				}
			}
			k.Close()
			e.Close()
		}
	}
	if shared < 20*len(Backends()) || epilogues < 20*len(Backends()) {
		t.Errorf("only %d modules share memory, and there are %d epilogues", shared, epilogues)
	}
}

func sumOfTemporaries(m *ir.Module) (sum int) {
	for i := range m.Buffers {
		if b := &m.Buffers[i]; b.Life == ir.Temp {
			sum += temporaryBytes(b, Float32)
		}
	}
	return sum
}

// runsAsInterpreted runs a module twice and compares what is not temporary with the interpreter.
func runsAsInterpreted(t *testing.T, e *Engine, m *ir.Module, seed uint64) *Kernel {
	want := irtest.Interpreted(m, seed)
	uniforms, memory := irtest.Fill(m, seed)
	k, err := e.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	args := Args{Uniforms: uniforms, Buffers: make([]*Buffer, len(m.Buffers))}
	for i := range m.Buffers {
		b := &m.Buffers[i]
		if b.Life == ir.Temp {
			continue
		}
		if args.Buffers[i], err = e.NewBuffer(b.Type, b.Len()); err != nil {
			t.Fatal(err)
		}
		defer args.Buffers[i].Free()
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
				t.Errorf("%v, seed %d, run %d: %s differs\n%s", e.backend, seed, run, m.Buffers[i].Name, ir.Print(m))
			}
		}
	}
	return k
}

func differs(b *Buffer, want []uint64) bool {
	for i, x := range b.Float32s() {
		if uint64(ir.Bits32(x)) != want[i] {
			return true
		}
	}
	return false
}
