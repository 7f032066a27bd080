package fit

import (
	"context"
	"slices"

	"github.com/baremetaldevx86/microdr/scene"
)

// ahead opens the levels of a pyramid, coarse to fine, while those before them
// run: to compile their programs takes as long as a few iterations. What a
// level is opened for does not depend on where the optimizer goes.
type ahead struct {
	opened []chan opened // by place in the pyramid
	cancel context.CancelFunc
}

type opened struct {
	level *level
	err   error
}

// openAhead begins to.
func (f *fitter) openAhead(ctx context.Context) {
	scales := f.pyramid()
	f.ahead = &ahead{opened: make([]chan opened, len(scales))}
	// A fit that is stopped needs its last level all the same.
	ctx, f.ahead.cancel = context.WithCancel(context.WithoutCancel(ctx))
	for i := range scales {
		f.ahead.opened[i] = make(chan opened, 1)
	}
	go func() {
		for i, scale := range scales {
			o := opened{err: ctx.Err()}
			if o.err == nil && !f.hasSpare(i) {
				o.level, o.err = f.openLevel(f.vec, scale, false)
			}
			f.ahead.opened[i] <- o
			close(f.ahead.opened[i])
		}
	}()
}

// close waits for what is under way and closes what nobody took.
func (a *ahead) close() {
	if a == nil {
		return
	}
	a.cancel()
	for _, c := range a.opened {
		if o := <-c; o.level != nil {
			o.level.close()
		}
	}
}

// takeLevel returns the level at a place of the pyramid, settled at vec.
func (f *fitter) takeLevel(ctx context.Context, i int, vec *scene.Vector) (*level, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o := <-f.ahead.opened[i]
	if o.level == nil && f.hasSpare(i) {
		o.level = f.takeSpare(f.pyramid()[i])
	}
	if o.level != nil && !o.level.serves(vec) {
		o.level.close()
		o.level = nil
	}
	if o.level == nil && o.err == nil { // it was taken before, or does not serve
		o.level, o.err = f.openLevel(vec, f.pyramid()[i], false)
	}
	if o.err != nil {
		return nil, o.err
	}
	if err := o.level.settle(ctx, vec); err != nil {
		o.level.close()
		return nil, err
	}
	return o.level, nil
}

// smallLevel is how many pixels a level has at most that the optimizer, which
// runs alone then, need not share among cores: to open it again takes longer.
const smallLevel = 1 << 13

// hasSpare reports whether the level at a place of the pyramid is one that
// hypotheses are refined on before the optimizer comes to it, and small.
func (f *fitter) hasSpare(place int) bool {
	pixels, scale := 0, f.pyramid()[place]
	for i := range f.targets {
		size := f.targets[i].image
		pixels += (size.Width/scale + 1) * (size.Height/scale + 1)
	}
	return place < 2 && f.start.Hypotheses(f.Starts) > 1 && pixels <= smallLevel
}

// takeSpare returns a level that hypotheses were refined on, nil if there is
// none: they need not have come so far.
func (f *fitter) takeSpare(scale int) *level {
	for i, l := range f.spare {
		if l.scale == scale {
			f.spare = slices.Delete(f.spare, i, i+1)
			return l
		}
	}
	return nil
}

// serves reports whether the level has the derivatives that vec needs.
func (l *level) serves(vec *scene.Vector) bool { return slices.Equal(l.params, movedUniforms(vec)) }

// lastLevel returns the last level of the pyramid at vec and keeps it.
func (f *fitter) lastLevel(ctx context.Context, vec *scene.Vector) (*level, error) {
	scales := f.pyramid()
	last := len(scales) - 1
	l := f.level
	if l != nil && l.scale == scales[last] && l.serves(vec) {
		return l, l.settle(ctx, vec)
	}
	var err error
	if l, err = f.takeLevel(ctx, last, vec); err == nil {
		f.keep(l)
	}
	return l, err
}
