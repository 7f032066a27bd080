package scene

import (
	"math"
	"strings"
)

// Entry is one nonzero of a sparse matrix.
type Entry struct {
	Row, Col int
	Value    float64
}

// JacobianPhys returns the derivative of Uniforms(v.Scene()) (rows, in that
// order) with respect to the local coordinates at 0 (columns). Where a
// rotation turns, its rows are wx, wy, wz; the matrix itself counts as
// constant.
func (v *Vector) JacobianPhys() []Entry {
	j := &jacobian{v: v}
	for i := range v.blocks {
		j.block(&v.blocks[i])
	}
	return j.out
}

type jacobian struct {
	v   *Vector
	out []Entry
}

// put adds an entry, unless it is zero.
func (j *jacobian) put(name string, col int, value float64) {
	row, ok := j.v.rows[name]
	if !ok {
		panic("scene: no uniform " + name)
	}
	if value != 0 {
		j.out = append(j.out, Entry{row, col, value})
	}
}

func (j *jacobian) block(b *Block) {
	if b.Kind == KindPerPixel {
		return
	}
	l := b.leaf(j.v.scene)
	if l.derived {
		j.cameras(b)
		return
	}
	path := l.path
	switch b.Kind {
	case KindPose:
		j.turn(path+".rotation", path+".translation", b, l.v.Interface().(Pose))
		for i, n := range []string{".x", ".y", ".z"} {
			j.put(path+".translation"+n, b.Offset+3+i, 1)
		}
	case KindRotation:
		pose := Pose{}
		if p := j.v.scene.poseOf(path); p != nil {
			pose = *p
		}
		j.turn(path, strings.TrimSuffix(path, ".rotation")+".translation", b, pose)
	case KindUnitVector:
		d := Vec3(l.v.Interface().(Direction))
		u, w := TangentBasis(d)
		for i, n := range []string{".x", ".y", ".z"} {
			j.put(path+n, b.Offset, length(d)*u[i])
			j.put(path+n, b.Offset+1, length(d)*w[i])
		}
	default:
		j.numbers(b, l)
	}
}

func (j *jacobian) numbers(b *Block, l leaf) {
	names := components(l.v.Type())
	col := b.Offset
	for i, p := range l.floats() {
		if b.component >= 0 && i != b.component {
			continue
		}
		name := l.path
		if names != nil {
			name += "." + names[i]
		}
		j.put(name, col, b.slope(*p))
		col++
	}
}

// turn puts the rows of a rotation by w and, where it is about another point
// than the origin, those of the translation: dt/dw = d(R c - exp(w) R c)/dw =
// [R c]x.
func (j *jacobian) turn(rotation, translation string, b *Block, pose Pose) {
	xyz := []string{"x", "y", "z"}
	arm := skew(pose.Rotation.Matrix().Apply(b.About))
	col := b.Offset
	for k := range 3 {
		if b.component >= 0 && k != b.component {
			continue
		}
		j.put(rotation+".w"+xyz[k], col, 1)
		if b.About != (Vec3{}) {
			for i := range 3 {
				j.put(translation+"."+xyz[i], col, arm[i][k])
			}
		}
		col++
	}
}

// cameras puts the rows of every camera that the block moves, by a central
// difference of fourth order on the host: exact to about 1e-11, relative.
func (j *jacobian) cameras(b *Block) {
	const h = 1e-3
	names := []string{"extrinsics.wx", "extrinsics.wy", "extrinsics.wz", "extrinsics.tx", "extrinsics.ty", "extrinsics.tz",
		"intrinsics.fx", "intrinsics.fy", "intrinsics.cx", "intrinsics.cy"}
	delta := make([]float64, j.v.dim)
	for d := range b.Dofs {
		col := b.Offset + d
		at := func(x float64) *Scene {
			delta[col] = x
			defer func() { delta[col] = 0 }()
			return j.v.Retract(delta)
		}
		near, far := [2]*Scene{at(h), at(-h)}, [2]*Scene{at(2 * h), at(-2 * h)}
		for _, c := range j.v.scene.Cameras {
			base, _ := j.v.scene.Extrinsics(c.Name)
			f := func(s *Scene) [10]float64 { return cameraNumbers(s, c.Name, base.R) }
			n1, n2, f1, f2 := f(near[0]), f(near[1]), f(far[0]), f(far[1])
			for i, name := range names {
				x := (8*(n1[i]-n2[i]) - (f1[i] - f2[i])) / (12 * h)
				if math.Abs(x) > 1e-10 {
					j.put(c.Name+"."+name, col, x)
				}
			}
		}
	}
}

// cameraNumbers is w of R = exp(w) base, then t, then the intrinsics.
func cameraNumbers(s *Scene, name string, base Mat3) [10]float64 {
	e, _ := s.Extrinsics(name)
	w := RotationOf(e.R.Mul(base.Transpose()))
	k := s.Camera(name).Intrinsics()
	return [10]float64{w[0], w[1], w[2], e.T[0], e.T[1], e.T[2], k.FX, k.FY, k.CX, k.CY}
}

// PhysicalJacobian returns the derivative of Physical() (rows) with respect to
// the local coordinates at 0 (columns), dense: a covariance C of the local
// coordinates is J C J^T in the report's units.
func (v *Vector) PhysicalJacobian() [][]float64 {
	var out [][]float64
	for i := range v.blocks {
		for _, row := range v.blocks[i].physical(v.scene) {
			full := make([]float64, v.dim)
			copy(full[v.blocks[i].Offset:], row)
			out = append(out, full)
		}
	}
	v.carryTranslations(out)
	return out
}

// carryTranslations adds what a pose's rotation, fitted by itself about another
// point than the origin, does to a translation that is fitted beside it.
func (v *Vector) carryTranslations(j [][]float64) {
	quantities := v.Physical()
	for i := range v.blocks {
		b := &v.blocks[i]
		if b.Kind != KindRotation || b.About == (Vec3{}) {
			continue
		}
		l := b.leaf(v.scene)
		pose := v.scene.poseOf(l.path)
		arm := skew(pose.Rotation.Matrix().Apply(b.About))
		for row, q := range quantities {
			axis, ok := strings.CutPrefix(q.Name, strings.TrimSuffix(l.path, ".rotation")+".translation.")
			if !ok {
				continue
			}
			for d := range b.Dofs {
				j[row][b.Offset+d] = arm[axis[0]-'x'][max(d, b.component)]
			}
		}
	}
}

// physical is the block's own part, rows of length Dofs.
func (b *Block) physical(s *Scene) [][]float64 {
	const deg = 180 / math.Pi
	l := b.leaf(s)
	switch b.Kind {
	case KindPerPixel:
		return nil
	case KindPose:
		return b.physicalPose(l.v.Interface().(Pose))
	case KindRotation:
		m := l.v.Interface().(Rotation).leftInverse()
		if k := b.component; k >= 0 {
			return [][]float64{{m[k][k] * deg}}
		}
		return [][]float64{scaled(m[0], deg), scaled(m[1], deg), scaled(m[2], deg)}
	case KindUnitVector:
		d := Vec3(l.v.Interface().(Direction))
		u, w := TangentBasis(d)
		n := length(d)
		return [][]float64{{n * u[0], n * w[0]}, {n * u[1], n * w[1]}, {n * u[2], n * w[2]}}
	}
	var out [][]float64
	for i, p := range l.floats() {
		if b.component < 0 || i == b.component {
			row := make([]float64, b.Dofs)
			row[len(out)] = b.slope(*p)
			out = append(out, row)
		}
	}
	return out
}

func (b *Block) physicalPose(p Pose) [][]float64 {
	m := p.Rotation.leftInverse()
	arm := skew(p.Rotation.Matrix().Apply(b.About))
	out := make([][]float64, 6)
	for i := range 3 {
		out[i] = append(scaled(m[i], 180/math.Pi), 0, 0, 0)
		t := []float64{arm[i][0], arm[i][1], arm[i][2], 0, 0, 0}
		t[3+i] = 1
		out[3+i] = t
	}
	return out
}

func scaled(v [3]float64, by float64) []float64 {
	return []float64{v[0] * by, v[1] * by, v[2] * by}
}
