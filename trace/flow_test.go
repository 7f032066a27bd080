package trace_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/trace"
)

// walker is a loop's state with structs and an array inside, and a leaf of every type.
type walker struct {
	At    trace.Vec3
	Steps trace.Int
	Hash  trace.Uint
	Far   trace.Bool
	Last  struct{ Pair [2]trace.Float }
}

// A walk of unequal length in each lane; every leaf of the state must come back in its place.
func TestWhile(t *testing.T) {
	args := [][]float64{{0.5}, {1}, {2.5}, {7}, {100}, {-1}}
	check(t, "While", args,
		func(r *trace.Recorder, x []trace.Float) []trace.Float {
			start := walker{At: r.Vec3(0, 1, 2), Steps: r.Int(0), Hash: r.Uint(17), Far: r.Bool(false)}
			start.Last.Pair = [2]trace.Float{r.Float(0), r.Float(1)}
			end, n := trace.While(r, 20, start, func(s walker) (trace.Bool, walker) {
				next := s
				next.At = s.At.Add(r.Vec3(1, 2, 3))
				next.Steps = s.Steps.Plus(2)
				next.Hash = s.Hash.Times(5)
				next.Far = s.At.X.Above(2)
				next.Last.Pair = [2]trace.Float{s.Last.Pair[1], s.Last.Pair[0].Add(s.Last.Pair[1])}
				return s.At.X.Lt(x[0]), next
			})
			return append(floats(end.At), end.Steps.Float(), end.Hash.And(r.Uint(0xffff)).Float(), end.Far.Float(),
				end.Last.Pair[0], end.Last.Pair[1], n.Float())
		},
		func(x []float64) []float64 {
			at, hash, far, a, b, n := 0.0, uint32(17), false, 0.0, 1.0, 0
			for ; n < 20 && at < x[0]; n++ {
				far = at > 2
				at, hash, a, b = at+1, hash*5, b, a+b
			}
			return []float64{at, 1 + 2*at, 2 + 3*at, float64(2 * n), float64(hash & 0xffff), truth(far), a, b, float64(n)}
		})
}

func TestWhileInWhile(t *testing.T) {
	args := grid(2, 0, 1, 3, 6)
	check(t, "nested", args,
		func(r *trace.Recorder, x []trace.Float) []trace.Float {
			type state struct{ I, Sum trace.Float }
			end, _ := trace.While(r, 10, state{r.Float(0), r.Float(0)}, func(s state) (trace.Bool, state) {
				inner, n := trace.While(r, 10, state{r.Float(0), s.Sum}, func(q state) (trace.Bool, state) {
					return q.I.Lt(x[1]), state{q.I.Plus(1), q.Sum.Add(s.I.Times(10).Add(q.I))}
				})
				return s.I.Lt(x[0]), state{s.I.Plus(1), inner.Sum.Add(n.Float())}
			})
			return []trace.Float{end.Sum}
		},
		func(x []float64) []float64 {
			sum := 0.0
			for i := range int(x[0]) {
				for j := range int(x[1]) {
					sum += float64(10*i + j)
				}
				sum += x[1]
			}
			return []float64{sum}
		})
}

type polar struct{ Radius, Angle trace.Float }

type sector struct {
	P     polar
	Count trace.Int
	Wide  trace.Bool
}

func TestDefineAndCall(t *testing.T) {
	m := &ir.Module{Name: "call"}
	square := trace.Define(m, "square", func(r *trace.Recorder, x trace.Float) trace.Float { return x.Sq() })
	toPlane := trace.Define(m, "toPlane", func(r *trace.Recorder, s sector) trace.Vec3 {
		radius := s.Wide.Select(square.Call(r, s.P.Radius), s.P.Radius)
		return trace.Vec3{X: radius.Mul(s.P.Angle.Cos()), Y: radius.Mul(s.P.Angle.Sin()), Z: s.Count.Plus(1).Float()}
	})
	if toPlane.Name != "toPlane" || m.Funcs[toPlane.Index].Name != "toPlane" {
		t.Errorf("function %d is named %q in the module, %q here", toPlane.Index, m.Funcs[toPlane.Index].Name, toPlane.Name)
	}
	args := grid(2, 0.5, 1.5, 3)
	got := run(t, m, args, func(r *trace.Recorder, x []trace.Float) []trace.Float {
		a := toPlane.Call(r, sector{polar{x[0], x[1]}, r.Int(4), x[0].Above(1)})
		return floats(a)
	})
	for i, x := range args {
		radius := x[0]
		if radius > 1 {
			radius *= radius
		}
		want := []float64{radius * math.Cos(x[1]), radius * math.Sin(x[1]), 5}
		if !slices.EqualFunc(got[i], want, near) {
			t.Errorf("toPlane%v = %v, want %v", x, got[i], want)
		}
	}
}

func TestDefineList(t *testing.T) {
	m := &ir.Module{Name: "list"}
	f := trace.DefineList(m, "sums", 3, func(r *trace.Recorder, x []trace.Float) []trace.Float {
		return []trace.Float{x[0].Add(x[1]), x[1].Sub(x[2])}
	})
	args := [][]float64{{1, 2, 4}, {-3, 0.5, 0.25}}
	got := run(t, m, args, func(r *trace.Recorder, x []trace.Float) []trace.Float { return trace.CallList(r, f, x) })
	for i, x := range args {
		if want := []float64{x[0] + x[1], x[1] - x[2]}; !slices.Equal(got[i], want) {
			t.Errorf("sums%v = %v, want %v", x, got[i], want)
		}
	}
}

func TestUniforms(t *testing.T) {
	m := &ir.Module{}
	r := trace.New(m)
	r.UniformVec3("center")
	r.UniformInt("count")
	r.UniformUint("seed")
	if x := r.Uniform("center.y"); x.V != r.UniformVec3("center").Y.V {
		t.Error("one name gave two uniforms")
	}
	want := []ir.Uniform{{Name: "center.x", Type: ir.F32}, {Name: "center.y", Type: ir.F32}, {Name: "center.z", Type: ir.F32},
		{Name: "count", Type: ir.I32}, {Name: "seed", Type: ir.U32}}
	if !slices.Equal(m.Uniforms, want) {
		t.Errorf("got %v, want %v", m.Uniforms, want)
	}
}

func TestFlattenAndBack(t *testing.T) {
	r := trace.New(&ir.Module{})
	s := sector{polar{r.Float(1), r.Float(2)}, r.Int(3), r.Bool(true)}
	if back := trace.Unflatten[sector](r, trace.Flatten(s)); back != s {
		t.Errorf("got %v, want %v", back, s)
	}
	if f := r.FloatOf(s.P.Angle.V); f != s.P.Angle {
		t.Errorf("got %v, want %v", f, s.P.Angle)
	}
}

func TestEffects(t *testing.T) {
	m := &ir.Module{}
	out := m.AddBuffer("out", ir.F32, ir.Output, 3)
	r := trace.New(m)
	x := r.Gather(out, r.Lane())
	r.Store(out, r.Lane(), x)
	r.ScatterAdd(out, r.Int(2), x)
	want := []ir.Effect{{Kind: ir.Store, Buffer: out, Index: r.Lane().V, Value: x.V},
		{Kind: ir.ScatterAdd, Buffer: out, Index: r.Int(2).V, Value: x.V}}
	if got := r.Program().Effects; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Mistakes of the caller panic where they are made.
func TestMixedRecordings(t *testing.T) {
	a, b := trace.New(&ir.Module{}), trace.New(&ir.Module{})
	x, y, p, i := a.Float(1), b.Float(2), a.Bool(true), a.Int(1)
	buffer := a.Module().AddBuffer("b", ir.F32, ir.Output, 4)
	rows := map[string]func(){
		"Add":        func() { x.Add(y) },
		"Lt":         func() { x.Lt(y) },
		"FMA":        func() { x.FMA(x, y) },
		"Select":     func() { p.Select(x, y) },
		"Select if":  func() { p.Select(y, x) },
		"SelectInt":  func() { p.SelectInt(i, b.Int(2)) },
		"Int":        func() { i.Add(b.Int(2)) },
		"Uint":       func() { a.Uint(1).Add(b.Uint(2)) },
		"And":        func() { p.And(b.Bool(true)) },
		"Vec3":       func() { a.Vec3(1, 2, 3).Dot(b.Vec3(1, 2, 3)) },
		"Gather":     func() { a.Gather(buffer, b.Int(0)) },
		"Store":      func() { a.Store(buffer, i, y) },
		"ScatterAdd": func() { a.ScatterAdd(buffer, b.Int(0), x) },
		"zero value": func() { x.Add(trace.Float{}) },
		"both zero":  func() { trace.Float{}.Add(trace.Float{}) },
		"While init": func() {
			trace.While(a, 3, y, func(s trace.Float) (trace.Bool, trace.Float) { return s.Below(1), s })
		},
		"While next": func() {
			r := trace.New(&ir.Module{})
			trace.While(r, 3, r.Float(0), func(s trace.Float) (trace.Bool, trace.Float) { return s.Below(1), y })
		},
		"While again": func() {
			r := trace.New(&ir.Module{})
			trace.While(r, 3, r.Float(0), func(s trace.Float) (trace.Bool, trace.Float) { return y.Below(1), s })
		},
		"Define":     func() { trace.Define(a.Module(), "f", func(r *trace.Recorder, z trace.Float) trace.Float { return x }) },
		"CallList":   func() { trace.CallList(a, 0, []trace.Float{y}) },
		"state type": func() { trace.Flatten(struct{ N int }{1}) },
		"too few":    func() { trace.Unflatten[trace.Vec2](a, trace.Flatten(x)) },
		"too many":   func() { trace.Unflatten[trace.Float](a, trace.Flatten(a.Vec2(1, 2))) },
	}
	for name, mistake := range rows {
		t.Run(name, func(t *testing.T) {
			defer func() {
				message, _ := recover().(string)
				if !strings.HasPrefix(message, "trace: ") {
					t.Errorf("panics with %q, want a message of package trace", message)
				}
			}()
			mistake()
		})
	}
}
