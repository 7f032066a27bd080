package fit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/scene"
)

// Options say what a run needs beyond the scene. The zero value fits without
// leaving anything on disk.
type Options struct {
	Folder     string      // run folder, made if it does not exist; "": none
	Starts     int         // random starts; 0: the scene's
	Iterations int         // most iterations; 0: the scene's
	Workers    int         // goroutines of the renderer; 0: one for each core
	OnEvent    func(Event) // called from Run's goroutine, if set

	Memory kernel.Memory // where the renderer's memory comes from
}

// Run fits the scene's parameters to its views' images and returns the
// result, which it also leaves in the run folder. When the context is
// cancelled it stops at the best point so far and still returns a whole
// result, with reason "cancelled". An error names what was wrong with the
// scene, an image or the folder; nothing half-written is left then.
func Run(ctx context.Context, s *scene.Scene, o Options) (*Result, error) {
	e := newEngine(o.Workers, o.Memory)
	defer e.Close()
	return run(ctx, s, o, e.open)
}

func run(ctx context.Context, s *scene.Scene, o Options, open opener) (*Result, error) {
	f, err := newFitter(s, o, open)
	if err != nil {
		return nil, &InputError{err}
	}
	defer f.close()
	if err := f.prepareFolder(); err != nil {
		return nil, err
	}
	defer f.staging.discard()
	if err := f.loadTargets(ctx); err != nil {
		return nil, err
	}
	if len(f.mapPaths) > 0 {
		return f.runMaps(ctx)
	}
	f.openAhead(ctx)
	start, err := f.chooseStart(ctx)
	if err != nil {
		return nil, err
	}
	end, err := f.descend(ctx, start)
	if err != nil {
		return nil, err
	}
	// A cancelled fit is assessed and written all the same.
	ctx = context.WithoutCancel(ctx)
	result, err := f.assess(ctx, end)
	if err != nil {
		return nil, err
	}
	return result, f.finish(ctx, result)
}

// fitter is one run.
type fitter struct {
	Options
	open      opener
	start     *scene.Scene  // parameters at their starts
	truth     *scene.Scene  // at their truths; the start where there is none
	vec       *scene.Vector // at start
	seed      uint32
	targets   []target
	ahead     *ahead
	spare     []*level     // that hypotheses were refined on
	level     *level       // the last one of the pyramid, kept for the assessment and the pictures
	staging   *staging     // nil without a run folder
	crew      *kernel.Crew // shares what is computed around the renderer
	mapPaths  []string     // parameters given per pixel
	steps     []Step       // of the chosen start
	iteration int
	limit     int
	begun     time.Time
	tried     int // starts
	chosen    int
}

func newFitter(s *scene.Scene, o Options, open opener) (*fitter, error) {
	if s.Fit == nil || len(s.Fit.Parameters) == 0 {
		return nil, errors.New("fit: the scene says nothing to fit, expected fit.parameters")
	}
	f := &fitter{Options: o, open: open, begun: time.Now(), tried: 1}
	var err error
	if f.start, err = s.AtStart(); err != nil {
		return nil, fmt.Errorf("fit: %w", err)
	}
	if f.vec, err = scene.NewVector(f.start); err != nil {
		return nil, fmt.Errorf("fit: %w", err)
	}
	f.start = f.vec.Scene()
	if f.truth, err = f.start.AtTruth(); err != nil {
		return nil, fmt.Errorf("fit: %w", err)
	}
	f.mapPaths = mapPaths(f.vec)
	if len(f.mapPaths) > 0 && f.vec.Dim() > 0 {
		return nil, fmt.Errorf("fit: %s is given per pixel: it can not be fitted together with parameters that are not", f.mapPaths[0])
	}
	f.crew = kernel.NewCrew(f.workers() - 1)
	f.seed = uint32(f.start.Integrator.Seed)
	f.limit = f.iterationLimit()
	return f, nil
}

func (f *fitter) iterationLimit() int {
	switch o := f.start.Fit.Optimizer; {
	case f.Iterations > 0:
		return f.Iterations
	case o.LM != nil:
		return o.LM.Iterations
	case o.Adam != nil:
		return o.Adam.Iterations
	}
	return 30
}

func (f *fitter) close() {
	f.keep(nil)
	f.ahead.close()
	for _, l := range f.spare {
		l.close()
	}
	f.crew.Close()
}

// keep replaces the level that is kept.
func (f *fitter) keep(l *level) {
	if f.level != nil && f.level != l {
		f.level.close()
	}
	f.level = l
}

func (f *fitter) seconds() float64 { return time.Since(f.begun).Seconds() }

func (f *fitter) tell(e Event) {
	if f.OnEvent != nil {
		f.OnEvent(e)
	}
}

// step records an iteration and tells about it.
func (f *fitter) step(s Step) {
	s.Event, s.Limit, s.Seconds = "step", f.limit, f.seconds()
	f.steps = append(f.steps, s)
	f.tell(Event{Kind: StepEvent, Step: s})
}

// stepsAhead is how many steps there is room for at most when a level begins:
// the list of very many grows.
const stepsAhead = 1 << 12

// pyramid lists the scales, coarse to fine, without repetition at the end.
func (f *fitter) pyramid() []int {
	if p := f.start.Fit.Pyramid; len(p) > 0 {
		return p
	}
	return []int{1}
}

// descend runs the optimizer over the pyramid, coarse to fine. Every level
// before the last may use half of the iterations that are left.
func (f *fitter) descend(ctx context.Context, from outcome) (outcome, error) {
	f.encodeTargets()
	end := from
	scales := f.pyramid()
	for i := range scales {
		last := i == len(scales)-1
		limit := f.limit - f.iteration
		if !last {
			limit = (limit + 1) / 2
		}
		var err error
		if end, err = f.descendLevel(ctx, end.vec, i, limit, last); err != nil {
			return end, err
		}
		if end.reason == optim.Cancelled {
			break
		}
	}
	return end, nil
}

// coarseTolerance ends a level that another one follows.
const coarseTolerance = 1e-4

func (f *fitter) descendLevel(ctx context.Context, vec *scene.Vector, place, limit int, last bool) (outcome, error) {
	l, err := f.takeLevel(ctx, place, vec)
	if err != nil {
		if ctx.Err() != nil {
			return outcome{vec: vec, cost: math.NaN(), reason: optim.Cancelled}, nil
		}
		return outcome{}, err
	}
	f.keep(l)
	f.steps = slices.Grow(f.steps, min(limit+1, stepsAhead))
	if o := f.start.Fit.Optimizer.Adam; o != nil {
		return f.runAdam(ctx, l, vec, o, limit)
	}
	return f.runLM(ctx, l, vec, limit, last)
}

func (f *fitter) runLM(ctx context.Context, l *level, vec *scene.Vector, limit int, last bool) (outcome, error) {
	o := scene.LM{Damping: 1e-3, Tolerance: 1e-8}
	if lm := f.start.Fit.Optimizer.LM; lm != nil {
		o = *lm
	}
	rejections := 5
	if !last {
		o.Tolerance, rejections = math.Max(o.Tolerance, coarseTolerance), 3
	}
	err := l.aim(ctx, vec)
	first := math.NaN()
	if err == nil {
		first, err = l.cost(ctx, vec)
	}
	if err == nil {
		f.step(Step{Iteration: f.iteration, Loss: l.mean(first), Rate: Number(o.Damping), Level: l.scale, Accepted: true})
	}
	before := f.iteration
	solver := optim.LM{MaxIterations: limit, Damping: o.Damping, MaxRejections: rejections,
		DecreaseTolerance: math.Max(o.Tolerance, l.meaningful(vec.Dim())),
		OnStep: func(s optim.Step) {
			f.iteration = before + s.Iteration
			f.step(Step{Iteration: f.iteration, Loss: l.mean(s.Cost), Rate: Number(s.Damping), Level: l.scale, Accepted: s.Accepted})
		}}
	return l.levenberg(ctx, vec, solver)
}

func (f *fitter) runAdam(ctx context.Context, l *level, vec *scene.Vector, o *scene.Adam, limit int) (outcome, error) {
	before := f.iteration
	return l.adam(ctx, vec, o, rates(vec, f.start.Fit.Parameters), limit, func(i int, cost float64) {
		f.iteration = before + i
		f.step(Step{Iteration: f.iteration, Loss: l.mean(cost), Rate: Number(o.Rate), Level: l.scale, Accepted: true})
	})
}
