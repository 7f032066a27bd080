package bench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/trace"
)

const (
	compileBar   = 100 // microseconds for compileNodes
	compileNodes = 500
)

// compileRadiance measures the longest program that rendering makes: image and reverse sweep of a scene's radiance.
func compileRadiance(ctx context.Context, s *suite, names []string) ([]Row, error) {
	m, err := s.radiance()
	if err != nil {
		return nil, err
	}
	return s.compile(ctx, names, m)
}

func compileStraightLine(ctx context.Context, s *suite, names []string) ([]Row, error) {
	return s.compile(ctx, names, straightLine(2000))
}

// compile times the compilation of a module as a whole, and its front (verifying and lowering); what is left is the
// backend. Every time it is a module that was never seen before.
func (s *suite) compile(ctx context.Context, names []string, m *ir.Module) ([]Row, error) {
	engine := kernel.New(kernel.Options{Workers: 1})
	defer engine.Close()
	v, err := newVariants(m)
	if err != nil {
		return nil, err
	}
	k, err := engine.Compile(m)
	if err != nil {
		return nil, err
	}
	nodes := 0
	for _, stage := range k.Module().Stages {
		nodes += len(stage.Prog.Nodes)
	}
	k.Close()
	t, err := Rounds(ctx, s.Rounds, v.each(func(m *ir.Module) (func() error, error) {
		k, err := engine.Compile(m)
		if err != nil {
			return nil, err
		}
		return k.Close, nil
	}), v.each(func(m *ir.Module) (func() error, error) {
		if err := ir.Verify(m); err != nil {
			return nil, err
		}
		_, err := ir.Lower(m, ir.Passes(), false)
		return nil, err
	}))
	if err != nil {
		return nil, err
	}
	unit := microseconds * compileNodes / float64(nodes)
	var rows []Row
	for i, part := range []Series{t[0], t[1], t[0].Minus(t[1])} {
		r := Against(names[i], fmt.Sprintf("us/%d nodes", compileNodes), Lower, part.Times(unit), compileBar)
		r.Note = fmt.Sprintf("%d nodes once lowered, %s ms; a bar", nodes, figures(part.Median()*milliseconds))
		rows = append(rows, r)
	}
	return rows, nil
}

// variants makes modules that differ in one constant, so that no cache knows them.
type variants struct {
	module      *ir.Module
	stage, node int // the constant
	made        uint64
}

// newVariants finds a constant that can change: a float32 that no rule of folding looks at.
func newVariants(m *ir.Module) (*variants, error) {
	for i, stage := range m.Stages {
		if stage.Kind != ir.StageMap {
			continue
		}
		for j, n := range stage.Prog.Nodes {
			x := math.Float32frombits(uint32(n.Imm))
			if n.Op == ir.OpConst && n.Type == ir.F32 && x > 1e-6 && x != 1 {
				return &variants{module: m, stage: i, node: j}, nil
			}
		}
	}
	return nil, fmt.Errorf("bench: module %q has no constant to vary", m.Name)
}

// next returns another module.
func (v *variants) next() *ir.Module {
	v.made++
	m := v.module.Clone()
	p := *m.Stages[v.stage].Prog
	p.Nodes = append([]ir.Node(nil), p.Nodes...)
	p.Nodes[v.node].Imm += v.made
	m.Stages[v.stage].Prog = &p
	return m
}

// each is the Side that does something with new modules and then, off the clock, what that returns.
func (v *variants) each(do func(m *ir.Module) (after func() error, err error)) Side {
	return func(ctx context.Context, n int) (time.Duration, error) {
		var total time.Duration
		for range n {
			m := v.next()
			begun := time.Now()
			after, err := do(m)
			total += time.Since(begun)
			if err == nil && after != nil {
				err = after()
			}
			if err != nil {
				return 0, err
			}
		}
		return total, ctx.Err()
	}
}

// straightLine is a program of about n float operations, mixed as shading and its derivatives are: sums of products
// with uniforms and constants, quotients, roots, minima, comparisons and selects.
func straightLine(n int) *ir.Module {
	const lanes = 1 << 14
	random := rand.New(rand.NewPCG(1, 2))
	return newProblem("straight line", lanes, surfaces(lanes), nil, func(r *trace.Recorder, pool []trace.Float) trace.Float {
		// Mostly something recent, as in code that people write.
		pick := func() trace.Float { return pool[max(0, len(pool)-1-int(random.ExpFloat64()*20))] }
		for range n {
			k := r.Uniform([]string{"a", "b", "c", "d"}[random.IntN(4)])
			pool = append(pool, mixed(random, pick(), pick(), k))
		}
		sum := r.Float(0)
		for _, x := range pool[len(pool)-40:] {
			sum = sum.Add(x)
		}
		return sum
	}).module
}

// mixed returns one of many formulas of x, y and k.
func mixed(random *rand.Rand, x, y, k trace.Float) trace.Float {
	switch c := random.IntN(20); {
	case c < 5:
		return x.Add(y)
	case c < 7:
		return x.Sub(y.Mul(k))
	case c < 12:
		return x.Mul(y)
	case c < 13:
		return x.Times(0.5).Plus(random.Float64())
	case c < 15:
		return x.Div(y.Sq().Plus(1))
	case c < 16:
		return x.Abs().Plus(1).Sqrt()
	case c < 17:
		return x.AtLeast(0).Min(y)
	case c < 18:
		return x.FMA(k, y)
	}
	return x.Above(random.Float64()).Select(x, y)
}
