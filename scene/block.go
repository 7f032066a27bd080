package scene

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
)

// Kind is how a parameter may move.
type Kind string

// Kinds of parameters and their local coordinates d, 0 at the current value x.
const (
	KindFree       Kind = "free"        // x + d, for each number; may leave the field's range, see Validate
	KindPositive   Kind = "positive"    // x exp(d)
	KindBounds     Kind = "bounds"      // lo + (hi - lo) logistic(logit((x - lo) / (hi - lo)) + d); "unit" is [0, 1]
	KindUnitVector Kind = "unit_vector" // RetractDirection: 2 numbers, radians
	KindRotation   Kind = "rotation"    // exp([d]x) R: 3 numbers, radians (1 for a single component)
	KindPose       Kind = "pose"        // the rotation's 3 numbers about About, then the translation's 3
	KindPerPixel   Kind = "per-pixel"   // no uniforms: PixelDofs numbers for each pixel, moved by fit
)

// Block is one fitted parameter: a run of a Vector's local coordinates.
type Block struct {
	Path      string
	Kind      Kind
	Offset    int     // of its first local coordinate
	Dofs      int     // number of local coordinates; 0 for KindPerPixel
	PixelDofs int     // KindPerPixel: 1 or 3 for albedo (free, or positive), 2 for normals (unit vector)
	Lo, Hi    float64 // KindBounds
	About     Vec3    // KindPose, KindRotation inside a pose: the fixed point, object's own coordinates (a camera's: world)
	Parameter int     // index in the list the Vector was made of

	component int   // of the leaf, -1 for all
	rows      []int // of the uniforms that it moves, see uniformNames
}

// makeBlock checks one parameter against the scene and describes it.
func makeBlock(s *Scene, p *Parameter) (Block, error) {
	l, component, err := s.lookup(p.Path)
	if err != nil {
		return Block{}, err
	}
	b := Block{Path: p.Path, component: component, Lo: l.f.interval.lo, Hi: l.f.interval.hi}
	if b.Kind, err = kindOf(l, component, p.Constraint); err != nil {
		return b, err
	}
	if p.Constraint != nil && p.Constraint.Bounds != nil {
		b.Lo, b.Hi = p.Constraint.Bounds[0], p.Constraint.Bounds[1]
		if !(b.Lo < b.Hi) {
			return b, fmt.Errorf("bounds: expected a lower and a greater number, got [%g, %g]", b.Lo, b.Hi)
		}
		if r := l.f.interval; b.Lo < r.lo || b.Hi > r.hi {
			return b, fmt.Errorf("bounds: expected to stay within numbers %s, got [%g, %g]", r, b.Lo, b.Hi)
		}
	}
	if p.Constraint != nil && p.Constraint.Kind == "unit" {
		b.Lo, b.Hi = 0, 1
	}
	if p.About != nil {
		if !insidePose(s, l) {
			return b, fmt.Errorf("about needs a pose or a pose's rotation, %s is neither", p.Path)
		}
		b.About = *p.About
	}
	b.setDofs(l)
	return b, nil
}

func (b *Block) setDofs(l leaf) {
	switch {
	case b.Kind == KindPerPixel:
		b.PixelDofs = 2
		if a, ok := l.v.Interface().(AlbedoMap); ok {
			b.PixelDofs = a.Channels
		}
	case b.component >= 0:
		b.Dofs = 1
	case b.Kind == KindUnitVector:
		b.Dofs = 2
	default:
		b.Dofs = len(l.floats())
	}
}

// insidePose reports whether l is a pose or the rotation of one.
func insidePose(s *Scene, l leaf) bool {
	if l.v.Type() == reflect.TypeFor[Pose]() {
		return true
	}
	return l.v.Type() == reflect.TypeFor[Rotation]() && s.poseOf(l.path) != nil
}

// poseOf returns the pose that path (or path less ".rotation") names.
func (s *Scene) poseOf(path string) *Pose {
	l, _ := s.find(strings.TrimSuffix(path, ".rotation"))
	if l == nil || l.absent {
		return nil
	}
	p, _ := l.v.Addr().Interface().(*Pose)
	return p
}

// kindOf chooses how a leaf moves: what the scene says, if it fits the field,
// or what the field's range in the table asks for.
func kindOf(l leaf, component int, c *Constraint) (Kind, error) {
	natural := naturalKind(l, component)
	if c == nil {
		return natural, nil
	}
	asked := KindBounds
	switch c.Kind {
	case "":
	case "unit":
	default:
		asked = Kind(c.Kind)
	}
	fits := false
	switch natural {
	case KindFree, KindPositive, KindBounds:
		fits = asked == KindFree || asked == KindPositive || asked == KindBounds
	case KindUnitVector:
		fits = asked == KindUnitVector || asked == KindFree
	case KindRotation, KindPose:
		fits = asked == KindRotation
		asked = natural
	case KindPerPixel:
		_, normals := l.v.Interface().(NormalPixels)
		fits = normals == (asked == KindUnitVector)
		asked = natural
	}
	if !fits {
		return natural, fmt.Errorf("constraint does not fit %s, which is %s", l.path, natural)
	}
	return asked, nil
}

func naturalKind(l leaf, component int) Kind {
	switch l.v.Interface().(type) {
	case Pose:
		return KindPose
	case Rotation:
		return KindRotation
	case AlbedoMap, NormalPixels:
		return KindPerPixel
	case Direction:
		if component < 0 {
			return KindUnitVector
		}
		return KindFree
	}
	r := l.f.interval
	switch {
	case math.IsInf(r.lo, -1):
		return KindFree
	case math.IsInf(r.hi, 1):
		return KindPositive
	}
	return KindBounds
}

// checkInside reports a value that the block's constraint can not hold.
func (b *Block) checkInside(values []float64) error {
	for _, x := range values {
		switch {
		case b.Kind == KindPositive && x <= 0:
			return fmt.Errorf("%s is positive (constraint), it can not start from %g", b.Path, x)
		case b.Kind == KindBounds && (x <= b.Lo || x >= b.Hi):
			return fmt.Errorf("%s stays strictly between %g and %g (constraint), it can not start from %g", b.Path, b.Lo, b.Hi, x)
		}
	}
	return nil
}

// step moves one number of a free, positive or bounded block.
func (b *Block) step(x, d float64) float64 {
	switch b.Kind {
	case KindPositive:
		return x * math.Exp(d)
	case KindBounds:
		if d == 0 {
			return x
		}
		// lo + (hi-lo) / (1 + (hi-x)/(x-lo) exp(-d))
		return b.Lo + (b.Hi-b.Lo)/(1+(b.Hi-x)/(x-b.Lo)*math.Exp(-d))
	}
	return x + d
}

// slope is the derivative of step at d = 0.
func (b *Block) slope(x float64) float64 {
	switch b.Kind {
	case KindPositive:
		return x
	case KindBounds:
		return (x - b.Lo) * (b.Hi - x) / (b.Hi - b.Lo)
	}
	return 1
}

// retract moves the block's field in s, in place; zeros leave it as it is.
func (b *Block) retract(s *Scene, d []float64) {
	at := b.seat(s)
	b.retractAt(&at, d)
}

// retractAt is retract where the block's seat in the scene is known.
func (b *Block) retractAt(at *seat, d []float64) {
	if !slices.ContainsFunc(d, func(x float64) bool { return x != 0 }) {
		return
	}
	switch b.Kind {
	case KindPerPixel:
	case KindPose:
		p := at.field.(*Pose)
		p.turn(Rotation(d[:3]), b.About)
		p.Translation = add(p.Translation, Vec3(d[3:6]))
	case KindRotation:
		b.retractRotation(at, d)
	case KindUnitVector:
		v := at.field.(*Direction)
		*v = Direction(RetractDirection(Vec3(*v), [2]float64(d)))
	default:
		for i, p := range at.own {
			*p = b.step(*p, d[i])
		}
	}
}

func (b *Block) retractRotation(at *seat, d []float64) {
	var w Rotation
	if b.component >= 0 {
		w[b.component] = d[0]
	} else {
		w = Rotation(d)
	}
	if at.pose != nil {
		at.pose.turn(w, b.About)
		return
	}
	r := at.field.(*Rotation)
	if w != (Rotation{}) {
		*r = r.Compose(w)
	}
}

// turn rotates by exp(w) about the point that c, in the coordinates the pose
// maps from, has after the pose: R' = exp(w) R, t' = t + R c - R' c.
func (p *Pose) turn(w Rotation, c Vec3) {
	if w == (Rotation{}) {
		return
	}
	before := p.Rotation.Matrix()
	after := w.Matrix().Mul(before)
	p.Rotation = RotationOf(after)
	p.Translation = add(p.Translation, sub(before.Apply(c), after.Apply(c)))
}
