package fit

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/scene"
)

// A mask by object follows the object. A level first settles: it keeps the
// pixels around the mask at its start, in which the object may move. It aims
// whenever the optimizer has gone on: what is outside of the mask then weighs
// nothing, and with one sample a pixel is not even rendered.

// shown says of every pixel of the image whether it showed a mask's object at
// a point.
type shown struct {
	point []float64
	hit   []bool
}

// settle keeps the pixels around the masks by object at a point.
func (l *level) settle(ctx context.Context, vec *scene.Vector) error {
	for _, v := range l.views {
		if v.mask == nil {
			continue
		}
		if err := v.settle(ctx, vec); err != nil {
			return err
		}
		if len(v.pixels) == 0 {
			return fmt.Errorf("fit: view %s at 1/%d of the resolution: %w", v.name, l.scale, errNothing)
		}
	}
	l.aimed = l.aimed[:0]
	l.sum()
	return nil
}

// reach is how far (as a share of the longer side of the picture) around a
// mask by object pixels are kept for the object to move within a level.
const reach = 0.06

func (v *levelView) settle(ctx context.Context, vec *scene.Vector) error {
	inside, err := v.whole(ctx, vec)
	if err != nil {
		return err
	}
	near := shrink(inside, v.width, v.height, -math.Ceil(reach*float64(max(v.width, v.height))))
	v.residuals = v.all.filter(near, v.channels)
	v.base, v.masked = slices.Clone(v.weights), nil
	v.setPixels(v.pixels)
	return nil
}

// filter returns the residuals of the pixels that keep is set for.
func (r *residuals) filter(keep []bool, channels int) residuals {
	n := 0
	for _, p := range r.pixels {
		if keep[p] {
			n++
		}
	}
	out := residuals{make([]int32, 0, n), make([]float32, 0, n*channels), make([]float64, 0, n*channels)}
	for i, p := range r.pixels {
		if keep[p] {
			out.pixels = append(out.pixels, p)
			out.target = append(out.target, r.target[i*channels:(i+1)*channels]...)
			out.weights = append(out.weights, r.weights[i*channels:(i+1)*channels]...)
		}
	}
	return out
}

// setPixels asks for other pixels.
func (v *levelView) setPixels(pixels []int32) {
	v.view.SetPixels(pixels)
	if v.slope != v.view {
		v.slope.SetPixels(pixels)
	}
	v.chosen = nil
	v.forget()
}

// whole is the mask by object of all pixels at a point.
func (v *levelView) whole(ctx context.Context, vec *scene.Vector) ([]bool, error) {
	point := pointOf(vec)
	if v.shown.hit == nil || !slices.Equal(v.shown.point, point) {
		v.view.SetPixels(nil)
		hit, err := v.view.MaskInto(ctx, vec.Scene(), v.mask.Object, nil)
		v.setPixels(v.pixels)
		if err != nil {
			return nil, err
		}
		v.shown = shown{point, hit}
	}
	return v.shown.hit, nil
}

// masks is the memory that masks by object are made in: of the pixels that may
// count, and of the whole image before and after its outline moves.
type masks struct {
	hit, inside []bool
	shrinker
}

// inside is the mask by object of the pixels that may count, on the whole image
// until the next call.
func (v *levelView) inside(ctx context.Context, vec *scene.Vector, point []float64) ([]bool, error) {
	if v.masks.inside == nil {
		v.masks.inside = make([]bool, v.width*v.height)
	}
	inside := v.masks.inside
	clear(inside)
	if v.shown.hit != nil && slices.Equal(v.shown.point, point) {
		for _, p := range v.pixels {
			inside[p] = v.shown.hit[p]
		}
		return inside, nil
	}
	hit, err := v.view.MaskInto(ctx, vec.Scene(), v.mask.Object, v.masks.hit)
	if err != nil {
		return nil, err
	}
	v.masks.hit = hit
	for i, p := range v.pixels {
		inside[p] = hit[i]
	}
	return inside, nil
}

// aim takes the masks by object anew at a point. They stay until the next
// call, so that costs compare.
func (l *level) aim(ctx context.Context, vec *scene.Vector) error {
	if !l.masked {
		return nil
	}
	l.point = vec.AppendNumbers(l.point[:0])
	if len(l.aimed) == 0 || !slices.Equal(l.aimed, l.point) {
		l.aimed = l.aimed[:0]
		for _, v := range l.views {
			if v.mask == nil {
				continue
			}
			inside, err := v.inside(ctx, vec, l.point)
			if err != nil {
				return err
			}
			v.aim(v.masks.shrink(inside, v.width, v.height, v.mask.Margin/float64(l.scale)))
		}
		l.sum()
		l.aimed = append(l.aimed, l.point...)
	}
	if l.count == 0 {
		return errNothing
	}
	return nil
}

// aim makes weights of a mask. What it leaves out is not rendered until the
// next one.
func (v *levelView) aim(mask []bool) {
	clear(v.weights)
	if v.masked = v.masked[:0]; cap(v.masked) < len(v.pixels) {
		v.masked = make([]int32, 0, len(v.pixels))
	}
	for i, p := range v.pixels {
		if mask[p] {
			v.masked = append(v.masked, int32(i))
			copy(v.weights[i*v.channels:(i+1)*v.channels], v.base[i*v.channels:])
		}
	}
	if v.slope == v.view { // else a trial's image serves the next mask, too
		v.choose(v.masked)
	}
}

// choose renders only these pixels from now on, nil: all.
func (v *levelView) choose(pixels []int32) {
	v.view.Choose(pixels)
	v.chosen = pixels
	v.forget()
}

// chooseAll renders all pixels until the masks are taken anew.
func (l *level) chooseAll() {
	if !l.masked {
		return
	}
	for _, v := range l.views {
		v.choose(nil)
	}
	l.aimed = l.aimed[:0]
}
