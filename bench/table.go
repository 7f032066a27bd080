package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/baremetaldevx86/microdr/fit"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/render"
	"github.com/baremetaldevx86/microdr/scene"
)

// tableSide is the resolution at which the table is rendered.
const tableSide = 256

// table loads examples/table and returns it with the numbers that its fit moves.
func (s *suite) table() (*scene.Scene, render.Options, error) {
	sc, err := scene.Load(filepath.Join(s.Examples, "table"))
	if err != nil {
		return nil, render.Options{}, &InputError{err}
	}
	for i := range sc.Cameras {
		sc.Cameras[i].Resolution = [2]int{tableSide, tableSide}
	}
	params, _, err := fit.Moved(sc)
	if err != nil {
		return nil, render.Options{}, &InputError{err}
	}
	return sc, render.Options{Params: params}, nil
}

// tableView is the table's view on an engine of one worker.
type tableView struct {
	engine  *kernel.Engine
	view    *render.View
	scene   *scene.Scene
	adjoint []float32

	image    []float32 // of the last run
	gradient []float64
}

func (s *suite) openTable(b kernel.Backend) (*tableView, error) {
	sc, options, err := s.table()
	if err != nil {
		return nil, err
	}
	t := &tableView{engine: kernel.New(kernel.Options{Workers: 1, Backend: b}), scene: sc}
	if t.view, err = render.NewView(t.engine, sc, sc.Views[0].Name, options); err != nil {
		t.engine.Close()
		return nil, &InputError{err}
	}
	t.adjoint = between(3*len(t.view.Pixels()), 8, -1, 1)
	return t, nil
}

func (t *tableView) close() {
	t.view.Close()
	t.engine.Close()
}

// runGradient is the Side of forward and reverse.
func (t *tableView) runGradient(ctx context.Context, n int) (time.Duration, error) {
	begun := time.Now()
	for range n {
		var err error
		if t.image, t.gradient, err = t.view.Gradient(ctx, t.scene, t.adjoint); err != nil {
			return 0, err
		}
	}
	return time.Since(begun), nil
}

// runImage is the Side of the image alone.
func (t *tableView) runImage(ctx context.Context, n int) (time.Duration, error) {
	begun := time.Now()
	for range n {
		if _, err := t.view.Render(ctx, t.scene); err != nil {
			return 0, err
		}
	}
	return time.Since(begun), nil
}

// tableGradient measures image and gradient of the table by all that its fit moves, beside the portable executor and
// beside the image alone.
func tableGradient(ctx context.Context, s *suite, names []string) ([]Row, error) {
	ours, err := s.openTable(kernel.Auto)
	if err != nil {
		return nil, err
	}
	defer ours.close()
	portable, err := s.openTable(kernel.Eval)
	if err != nil {
		return nil, err
	}
	defer portable.close()
	t, err := Rounds(ctx, s.Rounds, ours.runGradient, portable.runGradient, ours.runImage)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(ours.image, portable.image) || !slices.Equal(ours.gradient, portable.gradient) {
		return nil, fmt.Errorf("bench: the backends disagree on the image or the gradient")
	}
	rows := []Row{
		Compare(names[0], "ms", Lower, t[0].Times(milliseconds), t[1].Times(milliseconds)),
		Compare(names[1], "ms", Lower, t[0].Times(milliseconds), t[2].Times(milliseconds)),
	}
	rows[0].Note = fmt.Sprintf("eval, both on one worker; %dx%d, %d derivatives", tableSide, tableSide, len(ours.gradient))
	rows[1].Note = fmt.Sprintf("the image alone: forward+reverse takes %s times as long", figures(1/rows[1].Ratio))
	return rows, nil
}

// radiance returns the table's radiance stage in reverse mode, as a module of its own: what the search finds becomes
// an input.
func (s *suite) radiance() (*ir.Module, error) {
	sc, options, err := s.table()
	if err != nil {
		return nil, err
	}
	m, err := render.Trace(sc, sc.Views[0].Name, options, render.Reverse)
	if err != nil {
		return nil, &InputError{err}
	}
	alone := m.Clone()
	alone.Name = "radiance"
	alone.Stages = slices.DeleteFunc(alone.Stages, func(stage ir.Stage) bool { return stage.Name != "radiance" })
	if len(alone.Stages) != 1 {
		return nil, fmt.Errorf("bench: the image of the table has %d radiance stages", len(alone.Stages))
	}
	reads, _ := alone.Stages[0].Reads()
	for _, b := range reads {
		alone.Buffers[b].Life = ir.Input
	}
	return alone, nil
}
