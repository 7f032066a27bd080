package eval_test

import (
	"math"
	"testing"
	"unsafe"

	"github.com/baremetaldevx86/microdr/eval"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/trace"
)

type state struct {
	X trace.Float
	N trace.Int
}

// TestLoopLanesStopOnTheirOwn runs Newton's square root with a different number of iterations in each lane.
func TestLoopLanesStopOnTheirOwn(t *testing.T) {
	const lanes = 1000
	m := &ir.Module{Name: "newton"}
	out := m.AddBuffer("out", ir.F32, ir.Output, lanes)
	its := m.AddBuffer("its", ir.I32, ir.Output, lanes)
	r := trace.New(m)
	target := r.Lane().Float().Plus(1)
	end, n := trace.While(r, 50, state{target, r.Int(0)}, func(s state) (trace.Bool, state) {
		again := s.X.Sq().Sub(target).Abs().Gt(target.Times(1e-6))
		return again, state{s.X.Add(target.Div(s.X)).Times(0.5), s.N.Plus(1)}
	})
	r.Store(out, r.Lane(), end.X)
	r.B.Store(its, r.Lane().V, n.Sub(end.N).V)
	m.AddMap("newton", r.Program(), lanes)
	if err := ir.Verify(m); err != nil {
		t.Fatal(err)
	}
	code, err := eval.Compile(m, m.Stages[0].Prog, eval.F32)
	if err != nil {
		t.Fatal(err)
	}
	got, diff := make([]float32, lanes), make([]int32, lanes)
	w := code.NewWorker()
	w.Begin(&eval.Launch{Buffers: []eval.Memory{
		{Ptr: unsafe.Pointer(&got[0]), Len: lanes}, {Ptr: unsafe.Pointer(&diff[0]), Len: lanes}}})
	w.Run(0, lanes)
	for i := range got {
		want := math.Sqrt(float64(i + 1))
		if math.Abs(float64(got[i])-want) > 2e-6*want {
			t.Errorf("lane %d: %g, want %g", i, got[i], want)
		}
		if diff[i] != 0 {
			t.Errorf("lane %d: the loop's own count differs from the state's by %d", i, diff[i])
		}
	}
}
