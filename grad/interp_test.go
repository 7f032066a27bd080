package grad

import (
	"math"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
)

// The oracle of these tests: a plain float64 interpreter of lane programs and modules. It recomputes by recursion
// and is written for clarity only.

type scalar struct {
	f    float64 // floats
	bits uint64  // integers and truth values
}

type machine struct {
	m        *ir.Module
	uniforms map[string]float64
	buffers  map[string][]float64
}

func newMachine(m *ir.Module) *machine {
	return &machine{m: m, uniforms: map[string]float64{}, buffers: map[string][]float64{}}
}

// frame is the state of one lane, or of one call.
type frame struct {
	mc    *machine
	p     *ir.Program
	lane  int
	args  []scalar
	state map[ir.Value]scalar
	memo  map[ir.Value]scalar
	multi map[ir.Value][]scalar
}

func (mc *machine) frame(p *ir.Program, lane int, args []scalar) *frame {
	return &frame{mc, p, lane, args, map[ir.Value]scalar{}, map[ir.Value]scalar{}, map[ir.Value][]scalar{}}
}

// floats evaluates float values of the lane program recorded in b.
func (mc *machine) floats(b *ir.Builder, vs ...ir.Value) []float64 {
	f := mc.frame(b.Program(), 0, nil)
	out := make([]float64, len(vs))
	for i, v := range vs {
		out[i] = f.value(v).f
	}
	return out
}

func (f *frame) value(v ir.Value) scalar {
	if x, ok := f.state[v]; ok {
		return x
	}
	if x, ok := f.memo[v]; ok {
		return x
	}
	x := f.compute(v)
	f.memo[v] = x
	return x
}

func floatBits(t ir.Type, x scalar) uint64 {
	switch t {
	case ir.F32:
		return uint64(ir.Bits32(float32(x.f)))
	case ir.F64:
		return math.Float64bits(x.f)
	}
	return x.bits
}

func fromBits(t ir.Type, u uint64) scalar {
	switch t {
	case ir.F32:
		return scalar{f: float64(math.Float32frombits(uint32(u)))}
	case ir.F64:
		return scalar{f: math.Float64frombits(u)}
	}
	return scalar{bits: u}
}

func (f *frame) compute(v ir.Value) scalar {
	n := f.p.Node(v)
	arg := func(i int) scalar { return f.value(n.Args[i]) }
	switch n.Op {
	case ir.OpConst:
		return fromBits(n.Type, n.Imm)
	case ir.OpUniform:
		return scalar{f: f.mc.uniforms[f.mc.m.Uniforms[n.Imm].Name]}
	case ir.OpLane:
		return scalar{bits: uint64(f.lane)}
	case ir.OpParam:
		return f.args[n.Imm]
	case ir.OpSelect:
		if arg(0).bits != 0 {
			return arg(1)
		}
		return arg(2)
	case ir.OpConvert:
		return f.convert(n, arg(0))
	case ir.OpBitcast:
		return fromBits(n.Type, floatBits(f.p.Node(n.Args[0]).Type, arg(0)))
	case ir.OpDetach:
		return arg(0)
	case ir.OpGather:
		data, i := f.mc.buffers[f.mc.m.Buffers[n.Imm].Name], int(int32(arg(0).bits))
		if i < 0 || i >= len(data) {
			return scalar{}
		}
		return scalar{f: data[i]}
	case ir.OpResult:
		f.value(n.Args[0])
		return f.multi[n.Args[0]][n.Imm]
	case ir.OpCall:
		c := f.p.Call(v)
		f.multi[v] = f.call(f.mc.m.Funcs[c.Func].Body, c.Args)
		return scalar{}
	case ir.OpLoop:
		f.multi[v] = f.loop(f.p.Loop(v))
		return scalar{}
	}
	return f.arithmetic(n)
}

func (f *frame) convert(n *ir.Node, x scalar) scalar {
	from := f.p.Node(n.Args[0]).Type
	if from.IsFloat() && n.Type.IsFloat() {
		return x
	}
	if from.IsFloat() {
		return scalar{bits: ir.ConvertBits(n.Type, ir.F64, math.Float64bits(x.f))}
	}
	return fromBits(n.Type, ir.ConvertBits(n.Type, from, x.bits))
}

func (f *frame) arithmetic(n *ir.Node) scalar {
	var u [3]uint64
	var x [3]float64
	t := f.p.Node(n.Args[0]).Type
	for i := range n.Op.Info().Args {
		a := f.value(n.Args[i])
		x[i] = a.f
		u[i] = a.bits
		if t.IsFloat() {
			u[i] = math.Float64bits(a.f)
		}
	}
	switch {
	case !t.IsFloat():
		return scalar{bits: ir.Scalar(n.Op, t, u)}
	case n.Op.Info().Compare:
		return scalar{bits: ir.Scalar(n.Op, ir.F64, u)}
	}
	return scalar{f: ir.ScalarF64(n.Op, x[0], x[1], x[2])}
}

func (f *frame) call(body *ir.Program, args []ir.Value) []scalar {
	var in []scalar
	for _, a := range args {
		in = append(in, f.value(a))
	}
	g := f.mc.frame(body, f.lane, in)
	var out []scalar
	for _, r := range body.Results {
		out = append(out, g.value(r))
	}
	return out
}

func (f *frame) loop(l *ir.Loop) []scalar {
	var now []scalar
	for _, v := range l.Init {
		now = append(now, f.value(v))
	}
	n := 0
	for ; n < l.Max; n++ {
		f.enter(l, now)
		if f.value(l.Cond).bits == 0 {
			break
		}
		next := make([]scalar, len(now))
		for i, v := range l.Next {
			next[i] = f.value(v)
		}
		now = next
	}
	f.enter(l, nil)
	return append(now, scalar{bits: uint64(n)})
}

// enter forgets what depends on the states of l and sets them anew.
func (f *frame) enter(l *ir.Loop, states []scalar) {
	for v := range f.memo {
		if f.p.Encloses(l.Scope, f.p.Node(v).Scope) {
			delete(f.memo, v)
		}
	}
	for i, s := range l.States {
		if delete(f.state, s); states != nil {
			f.state[s] = states[i]
		}
	}
}

// run executes the module's stages.
func (mc *machine) run(t *testing.T) {
	t.Helper()
	if err := ir.Verify(mc.m); err != nil {
		t.Fatal(err)
	}
	for i := range mc.m.Buffers {
		if b := &mc.m.Buffers[i]; b.Life != ir.Input {
			mc.buffers[b.Name] = make([]float64, b.Len())
		} else if len(mc.buffers[b.Name]) != b.Len() {
			t.Fatalf("buffer %s has %d elements, not %d", b.Name, len(mc.buffers[b.Name]), b.Len())
		}
	}
	for i := range mc.m.Stages {
		switch s := &mc.m.Stages[i]; s.Kind {
		case ir.StageMap:
			mc.runMap(s)
		case ir.StageReduce:
			mc.runReduce(s)
		default:
			t.Fatalf("stage %v", s.Kind)
		}
	}
}

func (mc *machine) runMap(s *ir.Stage) {
	for lane := range s.Lanes() {
		f := mc.frame(s.Prog, lane, nil)
		for _, e := range s.Prog.Effects {
			data := mc.buffers[mc.m.Buffers[e.Buffer].Name]
			i, x := int(int32(f.value(e.Index).bits)), f.value(e.Value).f
			switch {
			case i < 0 || i >= len(data):
			case e.Kind == ir.Store:
				data[i] = x
			default:
				data[i] += x
			}
		}
	}
}

func (mc *machine) runReduce(s *ir.Stage) {
	in, out := mc.buffers[mc.m.Buffers[s.In[0]].Name], mc.buffers[mc.m.Buffers[s.Out[0]].Name]
	for i := range out {
		outer, inner := i/s.Inner, i%s.Inner
		at := func(k int) float64 { return in[(outer*s.Group+k)*s.Inner+inner] }
		x := at(0)
		for k := 1; k < s.Group; k++ {
			switch s.Reduce {
			case ir.ReduceMin:
				x = min(x, at(k))
			case ir.ReduceMax:
				x = max(x, at(k))
			default:
				x += at(k)
			}
		}
		if s.Reduce == ir.ReduceMean {
			x /= float64(s.Group)
		}
		out[i] = x
	}
}
