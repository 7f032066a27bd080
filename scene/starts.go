package scene

import (
	"fmt"
	"math"
)

// AtStart returns a copy of s with every parameter's start put in.
func (s *Scene) AtStart() (*Scene, error) {
	return s.at(func(p *Parameter) []float64 { return p.Start })
}

// AtTruth returns a copy of s with every parameter's truth put in.
func (s *Scene) AtTruth() (*Scene, error) {
	return s.at(func(p *Parameter) []float64 { return p.Truth })
}

func (s *Scene) at(values func(*Parameter) []float64) (*Scene, error) {
	out := s.Clone()
	if s.Fit == nil {
		return out, nil
	}
	for i := range s.Fit.Parameters {
		p := &s.Fit.Parameters[i]
		if x := values(p); x != nil {
			if err := out.Set(p.Path, x); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// Hypotheses is the number of starts that s.Fit.Starts describes with the
// given number of random draws (0: the file's), at least 1.
func (s *Scene) Hypotheses(draws int) int {
	if s.Fit == nil || s.Fit.Starts == nil {
		return max(draws, 1)
	}
	if draws <= 0 {
		draws = s.Fit.Starts.Count
	}
	return draws * s.gridSize()
}

func (s *Scene) gridSize() int {
	n := 1
	if s.Fit != nil && s.Fit.Starts != nil {
		for _, a := range s.Fit.Starts.Grid {
			n *= a.Count
		}
	}
	return n
}

// Hypothesis returns the k-th start, 0 <= k < Hypotheses(draws): random draw
// k / gridSize from the parameters' ranges around the start, then grid point
// k mod gridSize around that. With a single draw the draw is the start itself.
// The same seed and k give the same scene, to rounding, on every machine.
func (s *Scene) Hypothesis(draws, k int) (*Scene, error) {
	starts := Starts{Count: 1, Seed: 1}
	if s.Fit != nil && s.Fit.Starts != nil {
		starts = *s.Fit.Starts
	}
	if draws <= 0 {
		draws = starts.Count
	}
	if k < 0 || k >= draws*s.gridSize() {
		return nil, fmt.Errorf("scene: no start %d of %d", k, draws*s.gridSize())
	}
	out, err := s.AtStart()
	if err != nil || s.Fit == nil {
		return out, err
	}
	if draws > 1 {
		if err := out.scatter(&starts, k/s.gridSize()); err != nil {
			return nil, err
		}
	}
	return out, out.shift(starts.Grid, k%s.gridSize())
}

// scatter moves every parameter that has a range by its draw.
func (s *Scene) scatter(starts *Starts, draw int) error {
	for i := range s.Fit.Parameters {
		p := &s.Fit.Parameters[i]
		if p.Range == nil {
			continue
		}
		b, err := makeBlock(s, p)
		if err != nil {
			return fmt.Errorf("scene: parameter %s: %w", p.Path, err)
		}
		r := &Random{Key: uint64(starts.Seed), Stream: uint64(draw), Substream: uint32(i)}
		b.scatter(s, p.Range, starts.Exact, r)
	}
	return nil
}

// scatter moves one block's field within widths, its row's half-widths.
func (b *Block) scatter(s *Scene, widths []float64, exact bool, r *Random) {
	const rad = math.Pi / 180
	switch b.Kind {
	case KindPose:
		w := ball(r, widths[0]*rad, exact)
		t := ball(r, widths[1], exact)
		b.retract(s, []float64{w[0], w[1], w[2], t[0], t[1], t[2]})
	case KindRotation:
		if b.component >= 0 {
			b.retract(s, []float64{(2*r.Float64() - 1) * widths[0] * rad})
			return
		}
		w := ball(r, widths[0]*rad, exact)
		b.retract(s, w[:])
	case KindUnitVector:
		angle, turn := widths[0]*rad, 2*math.Pi*r.Float64()
		if u := r.Float64(); !exact {
			angle *= math.Sqrt(u)
		}
		b.retract(s, []float64{angle * math.Cos(turn), angle * math.Sin(turn)})
	default:
		for i, p := range b.leaf(s).floats() {
			if b.component < 0 || i == b.component {
				*p += (2*r.Float64() - 1) * widths[min(i, len(widths)-1)]
			}
		}
	}
}

// ball draws a vector of length radius (exact) or uniformly within the ball.
func ball(r *Random, radius float64, exact bool) Vec3 {
	z, turn, u := 2*r.Float64()-1, 2*math.Pi*r.Float64(), r.Float64()
	if !exact {
		radius *= math.Cbrt(u)
	}
	h := math.Sqrt(1 - z*z)
	return Vec3{radius * h * math.Cos(turn), radius * h * math.Sin(turn), radius * z}
}

// shift moves the scene to a point of the grid; the first axis varies fastest.
func (s *Scene) shift(grid []Axis, point int) error {
	base := s.Clone()
	for _, a := range grid {
		i := point % a.Count
		point /= a.Count
		offset := a.From
		if a.Count > 1 {
			offset += (a.To - a.From) * float64(i) / float64(a.Count-1)
		}
		l, component, err := s.lookup(a.Path)
		if err != nil {
			return fmt.Errorf("scene: %w", err)
		}
		if p, ok := l.v.Addr().Interface().(*Pose); ok {
			var along Vec3
			along[int(a.Along[0]-'x')] = offset
			if a.Frame == "own" {
				along = base.poseOf(a.Path).Rotation.Matrix().Apply(along)
			}
			p.Translation = add(p.Translation, along)
			continue
		}
		*l.floats()[max(component, 0)] += offset
	}
	return nil
}
