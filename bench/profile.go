package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
)

// Profiler finds out how long the stages of a kernel take, and what part of the machine's peaks they reach. Its Observe
// belongs in the Options of the engine that runs the kernel.
type Profiler struct {
	kernel *kernel.Kernel
	times  []Series  // of a stage, a value for each round
	now    []float64 // seconds of the stages, in the round under way

	keep  bool // the arguments
	calls []kernel.Args
	lanes []int // of a stage, by all calls
}

// ProfileOptions say how a profile is made.
type ProfileOptions struct {
	Engine   *kernel.Engine // runs the kernel
	Workers  int            // goroutines of it; 0: one per processor
	Rounds   int
	Progress func(line string)
}

// Profile says where the time of something goes. Times and shares are medians of the rounds, which need not add up.
type Profile struct {
	Rounds    int
	Seconds   float64 // of the whole
	Stages    []StageProfile
	Rest      float64 // seconds of the whole outside of the stages
	RestShare float64
	Peaks     *Peaks // nil where there is no machine code to measure them with
}

// StageProfile is a stage's part.
type StageProfile struct {
	Name    string
	Kind    ir.StageKind
	Seconds float64
	Share   float64 // of the whole
	Lanes   int     // of a reduction: elements that it combines
	Flops   float64 // operations on floats, of all lanes
	Bytes   float64 // of elements read and written, likewise
}

// Observe takes note of a stage that ran.
func (p *Profiler) Observe(o kernel.Observation) {
	if p.kernel == nil {
		p.kernel = o.Kernel
		p.now = make([]float64, len(o.Kernel.Module().Stages))
	}
	if o.Kernel != p.kernel {
		return // one that counts
	}
	p.now[o.Stage] += o.Time.Seconds()
	if p.keep && o.Stage == 0 {
		p.calls = append(p.calls, kernel.Args{Uniforms: slices.Clone(o.Args.Uniforms), Buffers: slices.Clone(o.Args.Buffers)})
	}
}

// Profile times run, which runs one kernel, beside the machine's peaks.
func (p *Profiler) Profile(ctx context.Context, o ProfileOptions, run func(context.Context) error) (*Profile, error) {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	o.Progress("counting iterations")
	p.keep = true
	if err := run(ctx); err != nil {
		return nil, err
	}
	p.keep = false
	if p.kernel == nil {
		return nil, fmt.Errorf("bench: nothing ran that could be profiled")
	}
	amounts, err := p.count(ctx, o.Engine)
	if err != nil {
		return nil, err
	}
	o.Progress("preparing the measurement of the peaks")
	g, err := openGauges(o.Workers)
	if err != nil {
		return nil, err
	}
	defer g.close()
	o.Progress("measuring")
	t, err := Rounds(ctx, o.Rounds, append(g.sides(), p.side(run))...)
	if err != nil {
		return nil, err
	}
	last := len(t) - 1
	whole, rest := t[last], t[last]
	out := &Profile{Rounds: len(whole), Seconds: whole.Median(), Peaks: g.peaks(t[:last])}
	for i, a := range amounts {
		times := p.times[i][len(p.times[i])-len(whole):] // those before warmed up
		out.Stages = append(out.Stages, p.stage(i, a, times, whole))
		rest = rest.Minus(times)
	}
	out.Rest, out.RestShare = rest.Median(), rest.Over(whole).Median()
	return out, nil
}

// side is the run as a Side that notes the times of the stages.
func (p *Profiler) side(run func(context.Context) error) Side {
	p.times = make([]Series, len(p.now))
	return func(ctx context.Context, n int) (time.Duration, error) {
		clear(p.now)
		begun := time.Now()
		for range n {
			if err := run(ctx); err != nil {
				return 0, err
			}
		}
		took := time.Since(begun)
		for i, seconds := range p.now {
			p.times[i] = append(p.times[i], seconds/float64(n))
		}
		return took, nil
	}
}

// stage sums up stage i, which does so much, from its times and those of the whole.
func (p *Profiler) stage(i int, a amount, times, whole Series) StageProfile {
	s := &p.kernel.Module().Stages[i]
	return StageProfile{Name: s.Name, Kind: s.Kind, Seconds: times.Median(), Share: times.Over(whole).Median(),
		Lanes: p.lanes[i], Flops: a.flops, Bytes: a.bytes}
}

// count finds what each stage does in the calls that were kept. It runs them once more, with the loops counting.
func (p *Profiler) count(ctx context.Context, e *kernel.Engine) ([]amount, error) {
	m := p.kernel.Module()
	counted, first := withCounts(m)
	iterations, err := p.iterations(ctx, e, counted)
	if err != nil {
		return nil, err
	}
	calls := len(p.calls)
	p.lanes = make([]int, len(m.Stages))
	amounts := make([]amount, len(m.Stages))
	for i := range m.Stages {
		s := &m.Stages[i]
		if s.Kind != ir.StageMap {
			p.lanes[i] = calls * elements(m, s)
			amounts[i] = amount{}.plus(wholeStage(m, s), float64(calls))
			continue
		}
		p.lanes[i] = calls * s.Lanes()
		w := workOf(m, s)
		amounts[i] = w.total(p.lanes[i], iterations[first[i]:])
	}
	return amounts, nil
}

// iterations runs a module that counts on the kept calls and returns the sums of its last buffer.
func (p *Profiler) iterations(ctx context.Context, e *kernel.Engine, counted *ir.Module) ([]float64, error) {
	last := &counted.Buffers[len(counted.Buffers)-1]
	counts, err := e.NewBuffer(last.Type, last.Len())
	if err != nil {
		return nil, err
	}
	defer counts.Free()
	k, err := e.Compile(counted)
	if err != nil {
		return nil, err
	}
	defer k.Close()
	sums, values := make([]float64, last.Len()), make([]float64, last.Len())
	for _, a := range p.calls {
		a.Buffers = append(a.Buffers, counts)
		if err := k.Run(ctx, a); err != nil {
			return nil, err
		}
		counts.Read(values)
		for i, x := range values {
			sums[i] += x
		}
	}
	return sums, nil
}
