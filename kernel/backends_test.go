package kernel_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/ir/irtest"
	"github.com/baremetaldevx86/microdr/kernel"
)

// TestBackendsAgree runs 10,000 random programs on every backend of this machine and compares all with the interpreter,
// bit for bit. Some are long enough to need more registers than there are.
func TestBackendsAgree(t *testing.T) {
	programs := uint64(10_000)
	if testing.Short() {
		programs = 500
	}
	engines := map[kernel.Backend]*kernel.Engine{}
	for _, b := range kernel.Backends() {
		engines[b] = kernel.New(kernel.Options{Backend: b, Workers: 1})
		defer engines[b].Close()
	}
	var wg sync.WaitGroup
	parts := uint64(runtime.GOMAXPROCS(0))
	for part := range parts {
		wg.Go(func() {
			for seed := 1_000_000 + part; seed < 1_000_000+programs && !t.Failed(); seed += parts {
				p := randomProgram(seed)
				for b, e := range engines {
					if difference := compare(e, p); difference != "" {
						t.Errorf("%s: %s", b, difference)
					}
				}
			}
		})
	}
	wg.Wait()
}

// randomProgram has a few lanes, or up to three blocks; few nodes, or hundreds.
func randomProgram(seed uint64) *program {
	o := irtest.Options{Lanes: []int{1, 2, 15, 16, 17, 33, 64, 65}[seed%8]}
	switch seed % 40 {
	case 0:
		o.Lanes = 257 + int(seed%500)
	case 1, 21:
		o.Nodes = 400
	}
	p := &program{m: irtest.Random(seed, o), seed: seed}
	p.uniforms, p.memory = irtest.Fill(p.m, seed)
	after := irtest.Interpreted(p.m, seed)
	for i := range p.m.Buffers {
		p.want = append(p.want, numbersOf(p.m.Buffers[i].Type, after[i]))
	}
	return p
}

func compare(e *kernel.Engine, p *program) string {
	k, err := e.Compile(p.m)
	if err != nil {
		return err.Error()
	}
	defer k.Close()
	difference, err := p.run(context.Background(), e, k)
	if err != nil {
		return err.Error()
	}
	return difference
}

// TestRandomProgramsNearTheOracle compares the float32 results of random arithmetic with the float64 oracle's, which
// evaluates the unexpanded program. Random programs lose accuracy without end (they subtract neighbours and round to
// integers), so this is a count: of the numbers whose magnitude float32 has, nearly all agree to a few digits.
func TestRandomProgramsNearTheOracle(t *testing.T) {
	near, all := 0, 0
	oracle := kernel.New(kernel.Options{Precision: kernel.Float64, Workers: 1})
	defer oracle.Close()
	for _, b := range kernel.Backends() {
		e := kernel.New(kernel.Options{Backend: b, Workers: 1})
		defer e.Close()
		for seed := range uint64(300) {
			p := &program{m: smooth(seed), seed: seed}
			p.uniforms, p.memory = irtest.Fill(p.m, seed)
			got, want := outputs(t, e, p), outputs(t, oracle, p)
			for i := range want {
				if size := math.Abs(want[i]); size > 1e-30 && size < 1e30 {
					all++
					if math.Abs(got[i]-want[i]) < 1e-3*size {
						near++
					}
				}
			}
		}
	}
	if all < 10_000 || near < all*97/100 {
		t.Errorf("%d of %d numbers agree with the oracle", near, all)
	}
}

// smooth is a random program of arithmetic and transcendentals on floats between 1/2 and 2, without differences.
func smooth(seed uint64) *ir.Module {
	m := &ir.Module{Name: fmt.Sprint("smooth", seed)}
	out := m.AddBuffer("out", ir.F32, ir.Output, 40)
	b := ir.NewBuilder(m)
	lane := b.Lane()
	pool := []ir.Value{b.Binary(ir.OpAdd, b.Binary(ir.OpDiv, b.Convert(ir.F32, lane), b.ConstF32(40)), b.ConstF32(0.7))}
	unary := []ir.Op{ir.OpSqrt, ir.OpExp, ir.OpTanh, ir.OpErf, ir.OpSin, ir.OpAbs}
	binary := []ir.Op{ir.OpAdd, ir.OpMul, ir.OpDiv, ir.OpMin, ir.OpMax, ir.OpPow, ir.OpAtan2}
	x := seed
	next := func(n int) int {
		x = x*6364136223846793005 + 1442695040888963407
		return int(x >> 33 % uint64(n))
	}
	for range 12 {
		v := b.Unary(unary[next(len(unary))], pool[next(len(pool))])
		v = b.Binary(binary[next(len(binary))], v, pool[next(len(pool))])
		v = b.Binary(ir.OpMin, b.Binary(ir.OpMax, b.Unary(ir.OpAbs, v), b.ConstF32(0.5)), b.ConstF32(2))
		pool = append(pool, v)
	}
	sum := pool[0]
	for _, v := range pool[1:] {
		sum = b.Binary(ir.OpAdd, sum, v)
	}
	b.Store(out, lane, sum)
	m.AddMap("main", b.Program(), 40)
	return m
}

func outputs(t *testing.T, e *kernel.Engine, p *program) []float64 {
	t.Helper()
	k, err := e.Compile(p.m)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	out, err := e.NewBuffer(ir.F32, 40)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Free()
	if err := k.Run(context.Background(), kernel.Args{Uniforms: p.uniforms, Buffers: []*kernel.Buffer{out}}); err != nil {
		t.Fatal(err)
	}
	numbers := make([]float64, 40)
	out.Read(numbers)
	return numbers
}
