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

// problem is a computation that ours and the C do on the same numbers: a module of one map, whose buffers are the
// inputs and then the output, all of as many floats as there are lanes.
type problem struct {
	module   *ir.Module
	inputs   [][]float32
	uniforms []float64
	lanes    int
}

// newProblem records a problem: body computes the output's element from the inputs' elements.
func newProblem(name string, lanes int, inputs [][]float32, uniforms []float64, body func(r *trace.Recorder, in []trace.Float) trace.Float) *problem {
	m := &ir.Module{Name: name}
	for i := range inputs {
		m.AddBuffer(fmt.Sprintf("in%d", i), ir.F32, ir.Input, lanes)
	}
	out := m.AddBuffer("out", ir.F32, ir.Output, lanes)
	r := trace.New(m)
	var in []trace.Float
	for i := range inputs {
		in = append(in, r.Gather(i, r.Lane()))
	}
	r.Store(out, r.Lane(), body(r, in))
	m.AddMap(name, r.Program(), lanes)
	return &problem{m, inputs, uniforms, lanes}
}

// between returns n numbers of a uniform distribution, always the same ones for a stream.
func between(n int, stream uint64, lo, hi float32) []float32 {
	random := rand.New(rand.NewPCG(20, stream))
	out := make([]float32, n)
	for i := range out {
		out[i] = lo + (hi-lo)*random.Float32()
	}
	return out
}

// medium is fog of a color that begins at a distance.
type medium struct{ height2, near, density, color trace.Float }

func mediumOf(r *trace.Recorder) medium {
	return medium{r.Uniform("height2"), r.Uniform("near"), r.Uniform("density"), r.Uniform("color")}
}

// through returns what is left at the eye of the radiance c of a surface at (x, y).
func (m medium) through(x, y, c trace.Float) trace.Float {
	d := x.Sq().Add(y.Sq()).Add(m.height2).Sqrt()
	t := m.near.Sub(d).Mul(m.density).Exp()
	return d.Lt(m.near).Select(c, c.Sub(m.color).FMA(t, m.color))
}

// surfaces returns the inputs x, y and c: a third of the lanes lie before the fog.
func surfaces(lanes int) [][]float32 {
	return [][]float32{between(lanes, 1, -3, 3), between(lanes, 2, -3, 3), between(lanes, 3, 0, 1)}
}

// fog is the elementwise kernel: 3 inputs, a root, an exponential and a select, 27 operations once exp is expanded.
func fog(lanes int) *problem {
	return newProblem("fog", lanes, surfaces(lanes), []float64{0.5, 2, 0.3, 0.7},
		func(r *trace.Recorder, in []trace.Float) trace.Float { return mediumOf(r).through(in[0], in[1], in[2]) })
}

// fogMarch is the same 64 times a lane, x moving and the light of a step being the next one's surface: work that the
// memory does not hold up.
func fogMarch(lanes int) *problem {
	type state struct{ X, C trace.Float }
	return newProblem("fog march", lanes, surfaces(lanes), []float64{0.5, 2, 0.3, 0.7, 0.05},
		func(r *trace.Recorder, in []trace.Float) trace.Float {
			m, step := mediumOf(r), r.Uniform("step")
			end, _ := trace.While(r, 64, state{in[0], in[2]}, func(s state) (trace.Bool, state) {
				return r.Bool(true), state{s.X.Add(step), m.through(s.X, in[1], s.C)}
			})
			return end.C
		})
}

// spheres traces three spheres, 512x512, one sample a pixel: the yardstick of search loops.
func spheres() *problem {
	const side = 512
	type march struct{ T, F trace.Float }
	uniforms := []float64{-0.5, 0, -3, 0.6, 0.2, -3.5, 0, -0.7, -2.5}
	return newProblem("spheres", side*side, nil, uniforms, func(r *trace.Recorder, _ []trace.Float) trace.Float {
		u := r.Lane().Mod(side).Float().Plus(0.5).Over(side).Minus(0.5)
		v := r.Lane().Over(side).Float().Plus(0.5).Over(side).Minus(0.5)
		d := trace.Vec3{X: u, Y: v, Z: r.Float(-1)}.Normalize()
		a, b, c := r.UniformVec3("a"), r.UniformVec3("b"), r.UniformVec3("c")
		distance := func(p trace.Vec3) trace.Float {
			f := p.Sub(a).Length().Minus(0.7)
			f = f.Min(p.Sub(b).Length().Minus(0.5))
			return f.Min(p.Sub(c).Length().Minus(0.4))
		}
		end, _ := trace.While(r, 64, march{r.Float(0), r.Float(1)}, func(s march) (trace.Bool, march) {
			again := s.F.Above(1e-4).And(s.T.Below(20))
			f := distance(d.Mul(s.T))
			return again, march{s.T.Add(f), f}
		})
		return end.T
	})
}

// The chains of multiply-adds of a lane, as in c/peak.c.
const (
	peakChains = 12
	peakLinks  = 64
	peakFlops  = 2 * peakChains * peakLinks // a lane
)

// peak is independent chains of fused multiply-adds and nothing else worth counting.
func peak(lanes int) *problem {
	return newProblem("peak", lanes, [][]float32{between(lanes, 4, -1, 1)}, []float64{0.999, 0.01},
		func(r *trace.Recorder, in []trace.Float) trace.Float {
			scale, shift := r.Uniform("scale"), r.Uniform("shift")
			var x [peakChains]trace.Float
			for k := range x {
				x[k] = in[0].Plus(float64(k + 1))
			}
			for range peakLinks {
				for k := range x {
					x[k] = x[k].FMA(scale, shift)
				}
			}
			sum := x[0]
			for _, chain := range x[1:] {
				sum = sum.Add(chain)
			}
			return sum
		})
}

// triadBytes is what STREAM counts for a lane of the triad: two floats read, one written.
const triadBytes = 3 * 4

// triad is a + k*b over arrays that no cache of a core holds.
func triad(lanes int) *problem {
	return newProblem("triad", lanes, [][]float32{between(lanes, 5, -1, 1), between(lanes, 6, -1, 1)}, []float64{3},
		func(r *trace.Recorder, in []trace.Float) trace.Float {
			return in[0].Add(r.Uniform("k").Mul(in[1]))
		})
}

// operations counts what the lowered program computes in a lane, outside of loops: no constants, uniforms, memory, or
// changes of a type that keep the bits.
func (q *problem) operations() (int, error) {
	low, err := ir.Lower(q.module, ir.Passes(), false)
	if err != nil {
		return 0, err
	}
	count := 0
	for _, n := range low.Stages[0].Prog.Nodes {
		if n.Scope == ir.ScopeLane && n.Op.Info().Args > 0 && n.Op != ir.OpGather && n.Op != ir.OpBitcast {
			count++
		}
	}
	return count, nil
}

// job is a problem of ours, ready to run.
type job struct {
	engine *kernel.Engine
	kernel *kernel.Kernel
	args   kernel.Args
}

func (q *problem) open(o kernel.Options) (*job, error) {
	j := &job{engine: kernel.New(o), args: kernel.Args{Uniforms: q.uniforms}}
	var err error
	if j.kernel, err = j.engine.Compile(q.module); err != nil {
		j.close()
		return nil, err
	}
	for i, b := range q.module.Buffers {
		buffer, err := j.engine.NewBuffer(b.Type, b.Len())
		if err != nil {
			j.close()
			return nil, err
		}
		if i < len(q.inputs) {
			buffer.Write32(q.inputs[i])
		}
		j.args.Buffers = append(j.args.Buffers, buffer)
	}
	return j, nil
}

func (j *job) close() {
	if j.kernel != nil {
		j.kernel.Close()
	}
	for _, b := range j.args.Buffers {
		b.Free()
	}
	j.engine.Close()
}

// run is the job as a Side.
func (j *job) run(ctx context.Context, n int) (time.Duration, error) {
	begun := time.Now()
	for range n {
		if err := j.kernel.Run(ctx, j.args); err != nil {
			return 0, err
		}
	}
	return time.Since(begun), nil
}

// output returns what the last run computed, valid until close.
func (j *job) output() []float32 { return j.args.Buffers[len(j.args.Buffers)-1].Float32s() }

// agree tells whether two outputs are the same, bit for bit: a comparison of speed compares nothing if they are not.
func agree(ours, theirs []float32) error {
	if len(ours) != len(theirs) {
		return fmt.Errorf("bench: outputs of %d and %d elements", len(ours), len(theirs))
	}
	for i, x := range ours {
		if math.Float32bits(x) != math.Float32bits(theirs[i]) {
			return fmt.Errorf("bench: the baseline computes something else: element %d is %g here and %g there", i, x, theirs[i])
		}
	}
	return nil
}
