package scene

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Vector is the fitted parameters of a scene as one flat vector of local
// coordinates, all 0 at the scene's current values.
type Vector struct {
	scene  *Scene
	blocks []Block
	seats  []seat // of the blocks in the scene
	dim    int
}

// NewVector makes the vector of s.Fit.Parameters at s's current values. An
// error names the parameter and what was expected of it.
func NewVector(s *Scene) (*Vector, error) {
	if s.Fit == nil {
		return nil, fmt.Errorf("scene: nothing to fit: no fit.parameters")
	}
	return NewVectorOf(s, s.Fit.Parameters)
}

// NewVectorOf makes the vector of the given parameters, which need not be
// those of s.Fit. Their Start and Truth are not used.
func NewVectorOf(s *Scene, params []Parameter) (*Vector, error) {
	v := &Vector{scene: s.Clone()}
	for i := range params {
		b, err := makeBlock(v.scene, &params[i])
		if err == nil {
			err = v.checkNew(&b)
		}
		if err != nil {
			return nil, fmt.Errorf("scene: parameter %s: %w", params[i].Path, err)
		}
		b.Offset, b.Parameter = v.dim, i
		v.dim += b.Dofs
		v.blocks = append(v.blocks, b)
	}
	v.seats = seatsOf(v.blocks, v.scene)
	rows := map[string]int{}
	for i, u := range Uniforms(v.scene) {
		rows[u.Name] = i
	}
	for i := range v.blocks {
		v.findRows(i, rows)
	}
	return v, nil
}

// checkNew refuses a field that is fitted already or outside its constraint.
func (v *Vector) checkNew(b *Block) error {
	for _, o := range v.blocks {
		if overlap(o.Path, b.Path) {
			return fmt.Errorf("overlaps with %s", o.Path)
		}
	}
	if b.Kind != KindPositive && b.Kind != KindBounds {
		return nil
	}
	values, err := v.scene.Get(b.Path)
	if err != nil {
		return err
	}
	return b.checkInside(values)
}

func overlap(a, b string) bool {
	return a == b || strings.HasPrefix(a, b+".") || strings.HasPrefix(b, a+".")
}

// Dim is the number of local coordinates, per-pixel parameters not counted.
func (v *Vector) Dim() int { return v.dim }

// Scene is the scene the vector stands at. It must not be changed.
func (v *Vector) Scene() *Scene { return v.scene }

// Blocks returns the parameters in order.
func (v *Vector) Blocks() []Block { return slices.Clone(v.blocks) }

// At returns the same parameters at the values of another scene of the same
// structure, such as one that Retract returned.
func (v *Vector) At(s *Scene) *Vector {
	return &Vector{scene: s, blocks: v.blocks, seats: seatsOf(v.blocks, s), dim: v.dim}
}

// Retract returns a new scene with the parameters moved by delta, of length
// Dim. Zeros leave a parameter bit for bit as it is.
func (v *Vector) Retract(delta []float64) *Scene {
	if len(delta) != v.dim {
		panic(fmt.Sprintf("scene: step of length %d for a vector of dimension %d", len(delta), v.dim))
	}
	s := v.scene.Clone()
	for i := range v.blocks {
		b := &v.blocks[i]
		b.retract(s, delta[b.Offset:b.Offset+b.Dofs])
	}
	return s
}

// Names returns a name for every local coordinate: the path and component it
// moves, with " (turn)" for rotations and " (tilt)" for directions.
func (v *Vector) Names() []string {
	var out []string
	for i := range v.blocks {
		out = append(out, v.blocks[i].names(v.scene)...)
	}
	return out
}

func (b *Block) names(s *Scene) []string {
	xyz := []string{".x", ".y", ".z"}
	var suffixes []string
	switch {
	case b.Kind == KindPerPixel:
		return nil
	case b.Kind == KindPose:
		suffixes = []string{".rotation.x (turn)", ".rotation.y (turn)", ".rotation.z (turn)", ".translation.x", ".translation.y", ".translation.z"}
	case b.Kind == KindUnitVector:
		suffixes = []string{" (tilt u)", " (tilt v)"}
	case b.component >= 0 || b.Dofs == 1:
		suffixes = []string{""}
	case b.Kind == KindRotation:
		for _, c := range xyz {
			suffixes = append(suffixes, c+" (turn)")
		}
	default:
		for _, c := range componentsOf(b.leaf(s)) {
			suffixes = append(suffixes, "."+c)
		}
	}
	out := make([]string, len(suffixes))
	for i, x := range suffixes {
		out[i] = b.Path + x
	}
	return out
}

func (b *Block) leaf(s *Scene) leaf {
	l, _, err := s.lookup(b.Path)
	if err != nil {
		panic("scene: " + err.Error())
	}
	return l
}

// Quantity is one number of the report table.
type Quantity struct {
	Name  string // path and component
	Unit  string // deg for rotations; else the field's own, "" for none
	Value float64
	Block int // index in Blocks
}

// Physical returns the parameters as numbers for a report: rotations as
// Rodrigues vectors in degrees, everything else as in the file.
func (v *Vector) Physical() []Quantity {
	var out []Quantity
	for i := range v.blocks {
		for _, q := range v.blocks[i].quantities(v.scene) {
			q.Block = i
			out = append(out, q)
		}
	}
	return out
}

func (b *Block) quantities(s *Scene) []Quantity {
	if b.Kind == KindPerPixel {
		return nil
	}
	l := b.leaf(s)
	values := l.floats()
	names := components(l.v.Type())
	if b.Kind == KindPose {
		names = []string{"rotation.x", "rotation.y", "rotation.z", "translation.x", "translation.y", "translation.z"}
	}
	var out []Quantity
	for i, p := range values {
		if b.component >= 0 && i != b.component {
			continue
		}
		q := Quantity{Name: b.Path, Unit: l.f.unit, Value: *p}
		if b.component < 0 && names != nil {
			q.Name += "." + names[i]
		}
		if b.Kind == KindPose {
			q.Unit = "scene"
		}
		if b.Kind == KindRotation || b.Kind == KindPose && i < 3 {
			q.Unit, q.Value = "deg", *p*180/math.Pi
		}
		out = append(out, q)
	}
	return out
}
