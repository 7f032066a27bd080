package fit

import (
	"fmt"
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/scene"
)

// maskWeights returns the weight (0 or 1) of every pixel of a view's target:
// finite by then, it counts where the mask's file, polygon or rectangle and
// the valid range let it. A mask by object depends on the parameters and is
// left to the level.
func maskWeights(s *scene.Scene, v *scene.View, target *film.Image) (*film.Image, error) {
	weights := film.New(target.Width, target.Height, 1)
	for i := range weights.Pix {
		weights.Pix[i] = 1
	}
	if v.Mask != nil && v.Mask.Object == "" {
		if err := applyMask(s, v, weights); err != nil {
			return nil, err
		}
	}
	if v.Valid != nil {
		for i := range weights.Pix {
			for _, x := range target.Pix[i*target.Channels:][:target.Channels] {
				if x64 := float64(x); x64 < v.Valid[0] || x64 > v.Valid[1] {
					weights.Pix[i] = 0
				}
			}
		}
	}
	return weights, nil
}

func applyMask(s *scene.Scene, v *scene.View, weights *film.Image) error {
	m := v.Mask
	var inside func(x, y int) bool
	switch {
	case m.File != "":
		file, err := loadMask(fileOf(s, m.File), weights)
		if err != nil {
			return err
		}
		inside = func(x, y int) bool { return file.At(x, y)[0] >= 0.5 }
	case m.Rectangle != nil:
		r := m.Rectangle
		inside = func(x, y int) bool {
			cx, cy := float64(x)+0.5, float64(y)+0.5
			return cx >= r[0] && cx < r[2] && cy >= r[1] && cy < r[3]
		}
	default:
		inside = func(x, y int) bool { return insidePolygon(m.Polygon, float64(x)+0.5, float64(y)+0.5) }
	}
	selected := make([]bool, len(weights.Pix))
	for i := range selected {
		selected[i] = inside(i%weights.Width, i/weights.Width)
	}
	for i, in := range shrink(selected, weights.Width, weights.Height, m.Margin) {
		if !in {
			weights.Pix[i] = 0
		}
	}
	return nil
}

// loadMask reads a mask file as shares of its greatest value.
func loadMask(path string, like *film.Image) (*film.Image, error) {
	im, err := film.Load(path, film.Linear)
	if err != nil {
		return nil, err
	}
	if !im.SameSize(like) {
		return nil, fmt.Errorf("fit: mask %s is %dx%d, expected %dx%d as its view's image", path, im.Width, im.Height, like.Width, like.Height)
	}
	if err := im.CheckFinite(); err != nil {
		return nil, fmt.Errorf("fit: mask %s: %w", path, err)
	}
	gray := im.Gray()
	largest := float32(gray.MaxAbs())
	if largest == 0 {
		return nil, fmt.Errorf("fit: mask %s is black, expected pixels that count", path)
	}
	for i := range gray.Pix {
		gray.Pix[i] /= largest
	}
	return gray, nil
}

// insidePolygon is the even-odd rule.
func insidePolygon(corners []scene.Vec2, x, y float64) bool {
	inside := false
	for i, a := range corners {
		b := corners[(i+1)%len(corners)]
		if (a[1] > y) != (b[1] > y) && x < a[0]+(b[0]-a[0])*(y-a[1])/(b[1]-a[1]) {
			inside = !inside
		}
	}
	return inside
}

// shrink leaves the pixels that are farther than margin (pixels, between
// centres) from every pixel that is not selected; a negative margin grows the
// selection instead. What lies outside of the image does not shrink it.
func shrink(selected []bool, width, height int, margin float64) []bool {
	return new(shrinker).shrink(selected, width, height, margin)
}

// shrinker is the memory of shrink, for those that do it often.
type shrinker struct{ out, spread []bool }

// shrink is the function of that name, with a result until the next call.
func (s *shrinker) shrink(selected []bool, width, height int, margin float64) []bool {
	if margin == 0 {
		return selected
	}
	grow, radius := margin < 0, math.Abs(margin)
	reach := min(int(radius), height)
	if len(s.spread) != width {
		s.spread = make([]bool, width)
	}
	for i := range s.spread {
		s.spread[i] = grow
	}
	s.out = append(s.out[:0], selected...)
	out := s.out
	left, top, right, bottom := extent(selected, width, height)
	for y := max(0, top-1); y < min(height, bottom+1); y++ {
		for x := max(0, left-1); x < min(width, right+1); x++ {
			if selected[y*width+x] != grow || !onEdge(selected, x, y, width, height) {
				continue
			}
			for v := max(0, y-reach); v <= min(height-1, y+reach); v++ { // it spreads over a disk, row by row
				half := halfWidth(radius, v-y)
				copy(out[v*width+max(0, x-half):v*width+min(width, x+half+1)], s.spread)
			}
		}
	}
	return out
}

// extent is the smallest rectangle around the pixels that are selected, without
// its right and its bottom; it is empty if there are none.
func extent(selected []bool, width, height int) (left, top, right, bottom int) {
	left, top = width, height
	for y := range height {
		row := selected[y*width : (y+1)*width]
		x := slices.Index(row, true)
		if x < 0 {
			continue
		}
		left, top, bottom = min(left, x), min(top, y), y+1
		for x = width; x > right && !row[x-1]; x-- {
		}
		right = max(right, x)
	}
	return left, top, right, bottom
}

// halfWidth is that of a disk's row, in whole pixels.
func halfWidth(radius float64, row int) int {
	return int(math.Sqrt(radius*radius - float64(row*row)))
}

// onEdge reports whether a neighbour of the pixel differs from it.
func onEdge(selected []bool, x, y, width, height int) bool {
	i := y*width + x
	return x > 0 && selected[i-1] != selected[i] || x+1 < width && selected[i+1] != selected[i] ||
		y > 0 && selected[i-width] != selected[i] || y+1 < height && selected[i+width] != selected[i]
}
