package grad

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
)

// growing makes random programs of floats: arithmetic, branches, calls, and loops within loops.
type growing struct {
	*rand.Rand
	b     *ir.Builder
	funcs []int // functions of two floats
}

func (g *growing) pick(pool []ir.Value) ir.Value { return pool[g.IntN(len(pool))] }

// tame keeps values of moderate size, so that long programs stay finite.
func (g *growing) tame(v ir.Value) ir.Value {
	return g.b.Unary([]ir.Op{ir.OpSin, ir.OpTanh}[g.IntN(2)], v)
}

func (g *growing) grow(pool []ir.Value, n, depth int) []ir.Value {
	b := g.b
	for range n {
		x, y, z := g.pick(pool), g.pick(pool), g.pick(pool)
		var v ir.Value
		switch g.IntN(12) {
		case 0, 1:
			v = b.Binary(ir.OpMul, x, y)
		case 2:
			v = b.Binary([]ir.Op{ir.OpAdd, ir.OpSub}[g.IntN(2)], x, y)
		case 3:
			v = b.Ternary(ir.OpFMA, x, y, z)
		case 4:
			v = b.Binary([]ir.Op{ir.OpMin, ir.OpMax, ir.OpAtan2}[g.IntN(3)], x, y)
		case 5:
			v = b.Select(b.Binary(ir.OpLt, x, y), y, z)
		case 6:
			v = b.Unary([]ir.Op{ir.OpCos, ir.OpErf, ir.OpAbs, ir.OpNeg}[g.IntN(4)], x)
		case 7:
			v = b.Binary(ir.OpDiv, x, y)
		case 8:
			v = b.Unary([]ir.Op{ir.OpSqrt, ir.OpLog}[g.IntN(2)], b.Unary(ir.OpAbs, x))
		case 9:
			if len(g.funcs) > 0 {
				pool = append(pool, g.tame(b.Call(g.funcs[g.IntN(len(g.funcs))], x, y)[g.IntN(2)]))
			}
			continue
		default:
			if depth > 0 {
				pool = append(pool, g.loop(pool, depth-1)...)
			}
			continue
		}
		pool = append(pool, g.tame(v))
	}
	return pool
}

func (g *growing) loop(pool []ir.Value, depth int) []ir.Value {
	n := 1 + g.IntN(3)
	init := make([]ir.Value, n)
	for i := range init {
		init[i] = g.pick(pool)
	}
	sums := g.IntN(3) == 0
	limit := g.b.ConstI32(int32(g.IntN(6)))
	return counted(g.b, limit, []int{3, 11}[g.IntN(2)], init, func(i ir.Value, s []ir.Value) []ir.Value {
		inner := append(append([]ir.Value{i}, pool[max(0, len(pool)-6):]...), s...)
		if sums {
			inner = inner[:len(inner)-n]
		}
		inner = g.grow(inner, 4, depth)
		next := make([]ir.Value, n)
		for k := range next {
			next[k] = g.pick(inner)
			if sums {
				next[k] = g.b.Binary(ir.OpAdd, s[k], next[k])
			}
		}
		return next
	})
}

func randomRig(seed uint64) *rig {
	m := &ir.Module{}
	rng := rand.New(rand.NewPCG(seed, 7))
	var funcs []int
	for i := range 2 {
		funcs = append(funcs, define(m, name("f", i), 2, func(b *ir.Builder, e *emitter, p []ir.Value) []ir.Value {
			g := &growing{rng, b, funcs}
			pool := g.grow(append(p, b.Uniform("x1", ir.F32)), 5, 1)
			return []ir.Value{pool[len(pool)-1], g.pick(pool)}
		}))
	}
	at := []float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}
	return recordIn(m, at, func(b *ir.Builder, x []ir.Value) []ir.Value {
		g := &growing{rng, b, funcs}
		pool := g.grow(append([]ir.Value{}, x...), 12, 2)
		return pool[len(pool)-3:]
	})
}

// On random programs: both modes agree with each other, and with differences unless a kink is close by; second derivatives are symmetric and the same in both orders, and
// whatever is emitted passes the verifier.
func TestRandomPrograms(t *testing.T) {
	finite, agree, curved := 0, 0, 0
	for seed := range uint64(150) {
		r := randomRig(seed)
		f, b := r.forward(t, r.outs), r.reverse(t, r.outs)
		if math.IsNaN(size(f)) || math.IsInf(size(f), 0) {
			continue
		}
		if finite++; !closeTo(f, b, 1e-9) {
			t.Fatalf("seed %d: forward %v, reverse %v", seed, f, b)
		}
		if closeTo(f, r.differences(r.outs), 1e-4) {
			agree++
		}
		g, err := VJP(r.b, r.outs[:1], []ir.Value{r.b.ConstF32(1)}, r.x)
		if err != nil {
			t.Fatal(err)
		}
		h := r.forward(t, g)
		if math.IsNaN(size(h)) || size(h) > 1e6 {
			continue
		}
		if size(h) > 0 {
			curved++
		}
		if !closeTo(h, transpose(h), 1e-8) {
			t.Fatalf("seed %d: the Hessian is not symmetric: %v", seed, h)
		}
		if hr := r.reverse(t, g); !closeTo(h, hr, 1e-8) {
			t.Fatalf("seed %d: forward over reverse %v, reverse over reverse %v", seed, h, hr)
		}
		if err := verifyLane(r); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	t.Log(finite, agree, curved)
	if finite < 130 || agree < finite*19/20 || curved < 100 {
		t.Errorf("only %d programs are finite, %d agree with differences, %d are curved", finite, agree, curved)
	}
}

func size(a [][]float64) float64 {
	s := 0.0
	for _, row := range a {
		for _, x := range row {
			s = math.Hypot(s, x)
		}
	}
	return s
}

func transpose(a [][]float64) [][]float64 {
	out := zeroLike(a)
	for i := range a {
		for k := range a[i] {
			out[k][i] = a[i][k]
		}
	}
	return out
}
