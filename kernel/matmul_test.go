package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/ir/irtest"
	"github.com/baremetaldevx86/microdr/kernel"
)

// productModule is a module of one product.
func productModule(p *ir.MatMul, types [3]ir.Type, a, b int) *ir.Module {
	m := &ir.Module{Name: "product"}
	m.AddBuffer("a", types[0], ir.Input, a)
	m.AddBuffer("b", types[1], ir.Input, b)
	m.AddBuffer("c", types[2], ir.Output, p.Batches(), p.M, p.N)
	m.AddMatMul("multiply", p, 0, 1, 2)
	return m
}

// randomMatrix lays out matrices by rows, by columns or with gaps, in a buffer of the returned length.
func randomMatrix(random *rand.Rand, batch []int, rows, columns int) (a ir.Matrix, length int) {
	a.Row, a.Col = columns+random.IntN(3), 1
	switch random.IntN(8) {
	case 0, 1, 2:
		a.Row, a.Col = 1, rows+random.IntN(3)
	case 3:
		a.Row, a.Col = 2*columns+1, 2
	case 4:
		a.Row, a.Col = -a.Row, -1
	case 5:
		a.Row, a.Col = random.IntN(2), random.IntN(2)
	}
	size := 1
	for d := len(batch) - 1; d >= 0; d-- {
		stride := 0
		if random.IntN(3) > 0 {
			stride = rows*max(a.Row, -a.Row) + columns*max(a.Col, -a.Col)
			stride *= size
		}
		a.Batch = append([]int{stride}, a.Batch...)
		size *= batch[d] + 1
	}
	a.Offset = random.IntN(4)
	last := a.Offset
	for i, extent := range append(append([]int{}, batch...), rows, columns) {
		stride := append(append([]int{}, a.Batch...), a.Row, a.Col)[i]
		if stride < 0 {
			a.Offset -= (extent - 1) * stride
			last -= (extent - 1) * stride
			stride = 0
		}
		last += max(extent-1, 0) * stride
	}
	return a, last + 1
}

func randomProduct(seed uint64) *program {
	random := rand.New(rand.NewPCG(seed, 7))
	extent := func() int {
		if random.IntN(4) == 0 {
			return random.IntN(5)
		}
		return random.IntN(70)
	}
	p := &ir.MatMul{M: extent(), N: extent(), K: extent()}
	for range random.IntN(3) {
		p.Batch = append(p.Batch, random.IntN(4))
	}
	if seed%50 == 0 {
		p.K = 400 + random.IntN(900)
	}
	var a, b int
	p.A, a = randomMatrix(random, p.Batch, p.M, p.K)
	p.B, b = randomMatrix(random, p.Batch, p.K, p.N)
	types := [3]ir.Type{ir.F32, ir.F32, ir.F32}
	switch random.IntN(12) {
	case 0:
		types[0] = ir.F16
	case 1:
		types[1], types[2] = ir.BF16, ir.F64
	}
	q := &program{m: productModule(p, types, max(a, 1), max(b, 1)), seed: seed}
	q.memory = irtest.NewMemory(q.m)
	special := []float32{0, float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.NaN()), 0x1p-130, 0x1p90, 0x1p-90}
	for i := range q.memory[:2] {
		for j := range q.memory[i] {
			x := float32(random.NormFloat64())
			if random.IntN(400) == 0 {
				x = special[random.IntN(len(special))]
			}
			if q.memory[i][j] = uint64(math.Float32bits(x)); types[i] != ir.F32 {
				q.memory[i][j] = uint64(ir.ToHalf(types[i], x))
			}
		}
	}
	after := irtest.NewMemory(q.m)
	copy(after, q.memory[:2])
	irtest.InterpretModule(q.m, nil, after)
	for i := range q.m.Buffers {
		q.want = append(q.want, numbersOf(q.m.Buffers[i].Type, after[i]))
	}
	return q
}

// TestProductsOnAllBackends multiplies matrices of any strides on every backend, by one worker and by two, in blocks as
// they are and in small ones, and compares with chains of
// fused multiply-adds, bit for bit.
func TestProductsOnAllBackends(t *testing.T) {
	products := uint64(400)
	if testing.Short() {
		products = 100
	}
	engines := map[string]*kernel.Engine{}
	for _, b := range kernel.Backends() {
		for workers := 1; workers <= 2; workers++ {
			e := kernel.New(kernel.Options{Backend: b, Workers: workers})
			defer e.Close()
			engines[fmt.Sprint(b, " ", workers)] = e
			small := kernel.New(kernel.Options{Backend: b, Workers: workers})
			defer small.Close()
			small.SetSmallBlocks()
			engines[fmt.Sprint(b, " ", workers, ", small blocks")] = small
		}
	}
	for seed := range products {
		p := randomProduct(seed)
		for name, e := range engines {
			if difference := compare(e, p); difference != "" {
				t.Fatalf("%s, seed %d: %s\n%s", name, seed, difference, ir.Print(p.m))
			}
		}
	}
}

// TestPackedAgain multiplies matrices that are packed: what was packed for one of a batch, or in the run before, serves
// no other.
func TestPackedAgain(t *testing.T) {
	const rows, columns, terms, far, next = 4, 256, 16, 600, 16 // of A, from column to column and in the batch
	for _, batch := range []int{1, 4} {
		for _, step := range []int{1, 2} { // from row to row: columns are packed, or elements
			m := productModule(&ir.MatMul{Batch: []int{batch}, M: rows, N: columns, K: terms,
				A: ir.Matrix{Batch: []int{next}, Row: step, Col: far}, B: ir.Matrix{Batch: []int{terms * columns}, Row: columns, Col: 1}},
				[3]ir.Type{ir.F32, ir.F32, ir.F32}, terms*far, batch*terms*columns)
			for _, backend := range kernel.Backends() {
				e := kernel.New(kernel.Options{Backend: backend, Workers: 1})
				k, err := e.Compile(m)
				if err != nil {
					t.Fatal(err)
				}
				for seed := range uint64(3) {
					difference, err := interpreted(m, seed).run(context.Background(), e, k)
					if err != nil || difference != "" {
						t.Errorf("%v, batch of %d, rows %d apart, run %d: %v %s", backend, batch, step, seed, err, difference)
					}
				}
				k.Close()
				e.Close()
			}
		}
	}
}

// square is a module of a product n x n x n, its buffers on an engine, and its arguments.
func square(t *testing.T, e *kernel.Engine, n int) (*kernel.Kernel, kernel.Args) {
	t.Helper()
	m := productModule(&ir.MatMul{M: n, N: n, K: n, A: ir.Matrix{Row: n, Col: 1}, B: ir.Matrix{Row: 1, Col: n}},
		[3]ir.Type{ir.F32, ir.F32, ir.F32}, n*n, n*n)
	k, err := e.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	var args kernel.Args
	for i := range m.Buffers {
		b, err := e.NewBuffer(ir.F32, n*n)
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float32, n*n)
		for j := range x {
			x[j] = float32(j*(i+3)%17) / 8
		}
		b.Write32(x)
		args.Buffers = append(args.Buffers, b)
	}
	return k, args
}

// A product allocates nothing, small or shared among workers.
func TestProductAllocatesNothing(t *testing.T) {
	for _, backend := range kernel.Backends() {
		for _, n := range []int{5, 64} {
			e := kernel.New(kernel.Options{Backend: backend, Workers: 2})
			e.SetSmallBlocks()
			k, args := square(t, e, n)
			if got := testing.AllocsPerRun(50, func() {
				if err := k.Run(context.Background(), args); err != nil {
					t.Fatal(err)
				}
			}); got != 0 {
				t.Errorf("%s, %d: %v allocations a run", backend, n, got)
			}
			k.Close()
			e.Close()
		}
	}
}

// A product stops between pieces, and a later one is whole.
func TestProductCancelled(t *testing.T) {
	for _, backend := range kernel.Backends() {
		e := kernel.New(kernel.Options{Backend: backend, Workers: 2})
		e.SetSmallBlocks()
		k, args := square(t, e, 100)
		ctx, cancel := context.WithCancel(context.Background())
		last, total := 0, 0
		args.Progress = func(done, all int) {
			if last, total = done, all; done > all/10 {
				cancel()
			}
		}
		if err := k.Run(ctx, args); !errors.Is(err, context.Canceled) || last == total {
			t.Errorf("%s: got %v after %d of %d elements, want the context's error", backend, err, last, total)
		}
		if err := k.Run(context.Background(), args); err != nil || last != total || total != 100*100 {
			t.Errorf("%s: %v, told of %d of %d elements", backend, err, last, total)
		}
		k.Close()
		e.Close()
	}
}

// Under the oracle, products are chains of fused multiply-adds on float64.
func TestProductOracle(t *testing.T) {
	const n = 30
	e := kernel.New(kernel.Options{Precision: kernel.Float64, Workers: 2})
	defer e.Close()
	k, args := square(t, e, n)
	defer k.Close()
	third := make([]float64, n*n)
	for i := range third {
		third[i] = float64(i) / 3
	}
	for _, b := range args.Buffers[:2] {
		b.Write(third)
	}
	if err := k.Run(context.Background(), args); err != nil {
		t.Fatal(err)
	}
	got := make([]float64, n*n)
	args.Buffers[2].Read(got)
	for i := range got {
		want := 0.0
		for j := range n {
			want = math.FMA(third[i/n*n+j], third[i%n*n+j], want)
		}
		if got[i] != want {
			t.Fatalf("element %d is %v, want %v", i, got[i], want)
		}
	}
}

// The memory of a product goes back with its kernel.
func TestProductLeaksNothing(t *testing.T) {
	e := kernel.New(kernel.Options{Workers: 2})
	k, args := square(t, e, 600)
	if err := k.Run(context.Background(), args); err != nil {
		t.Fatal(err)
	}
	if e.Backend() != kernel.Eval && e.WorkerMemory().Live == 0 {
		t.Error("a product packs nothing")
	}
	if err := k.Close(); err != nil || e.WorkerMemory().Live != 0 {
		t.Errorf("%v, %d bytes left", err, e.WorkerMemory().Live)
	}
	for _, b := range args.Buffers {
		b.Free()
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// An explanation says what multiplies.
func TestExplainProduct(t *testing.T) {
	for _, backend := range kernel.Backends() {
		for _, out := range []ir.Type{ir.F32, ir.F64} {
			want := backend
			if out == ir.F64 {
				want = kernel.Eval
			}
			e := kernel.New(kernel.Options{Backend: backend})
			at := ir.Matrix{Row: 4, Col: 1}
			x, err := e.Explain(productModule(&ir.MatMul{M: 4, N: 4, K: 4, A: at, B: at}, [3]ir.Type{ir.F32, ir.F32, out}, 16, 16))
			if err != nil || x.Stages[0].Backend != want {
				t.Errorf("%s, %v: %v, %+v", backend, out, err, x)
			}
			e.Close()
		}
	}
}
