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
func (v *Vector) JacobianPhys() []Entry { return v.NewDifferential().At(v) }

// Differential computes JacobianPhys again and again: what it needs for that it
// allocates once.
type Differential struct {
	v       *Vector // at present
	entries []Entry
	// Around v, for the central differences of cameras' numbers.
	delta     []float64
	near, far [2]*Vector
}

// NewDifferential returns one for v and the vectors that RetractTo leads to
// from there. It serves one goroutine at a time.
func (v *Vector) NewDifferential() *Differential {
	j := &Differential{}
	for i := range v.seats {
		if v.seats[i].derived && j.delta == nil {
			j.delta = make([]float64, v.dim)
			j.near, j.far = [2]*Vector{v.Copy(), v.Copy()}, [2]*Vector{v.Copy(), v.Copy()}
		}
	}
	return j
}

// At is JacobianPhys of v, until the next call.
func (j *Differential) At(v *Vector) []Entry {
	j.v, j.entries = v, j.entries[:0]
	for i := range v.blocks {
		j.block(&v.blocks[i], &v.seats[i])
	}
	return j.entries
}

// put adds an entry, unless it is zero.
func (j *Differential) put(row, col int, value float64) {
	if value != 0 {
		j.entries = append(j.entries, Entry{row, col, value})
	}
}

// uniformNames names the uniforms that a block moves, in the order in which
// Differential counts them: of every camera cameraNames where it moves cameras;
// else wx, wy, wz of a rotation, then the translation that goes with it; else
// the components.
func (v *Vector) uniformNames(i int) []string {
	b, at := &v.blocks[i], &v.seats[i]
	var names []string
	add := func(path string, components ...string) {
		for _, c := range components {
			names = append(names, path+c)
		}
	}
	switch {
	case b.Kind == KindPerPixel:
	case at.derived:
		for _, c := range v.scene.Cameras {
			add(c.Name+".", cameraNames[:]...)
		}
	case b.Kind == KindPose:
		add(at.path+".rotation", ".wx", ".wy", ".wz")
		add(at.path+".translation", ".x", ".y", ".z")
	case b.Kind == KindRotation:
		add(at.path, ".wx", ".wy", ".wz")
		if at.pose != nil {
			add(strings.TrimSuffix(at.path, ".rotation")+".translation", ".x", ".y", ".z")
		}
	default:
		components := components(b.leaf(v.scene).v.Type())
		if components == nil {
			return []string{at.path}
		}
		for _, c := range components {
			add(at.path, "."+c)
		}
	}
	return names
}

// findRows finds the rows of block i by the names of all uniforms.
func (v *Vector) findRows(i int, rows map[string]int) {
	for _, name := range v.uniformNames(i) {
		row, ok := rows[name]
		if !ok {
			panic("scene: no uniform " + name)
		}
		v.blocks[i].rows = append(v.blocks[i].rows, row)
	}
}

func (j *Differential) block(b *Block, at *seat) {
	switch {
	case b.Kind == KindPerPixel:
	case at.derived:
		j.cameras(b)
	case b.Kind == KindPose:
		j.turn(b, at.field.(*Pose))
		for i := range 3 {
			j.put(b.rows[3+i], b.Offset+3+i, 1)
		}
	case b.Kind == KindRotation:
		j.turn(b, at.pose)
	case b.Kind == KindUnitVector:
		d := Vec3(*at.field.(*Direction))
		u, w := TangentBasis(d)
		for i := range 3 {
			j.put(b.rows[i], b.Offset, length(d)*u[i])
			j.put(b.rows[i], b.Offset+1, length(d)*w[i])
		}
	default:
		first := max(b.component, 0)
		for i, p := range at.own {
			j.put(b.rows[first+i], b.Offset+i, b.slope(*p))
		}
	}
}

// turn puts the rows of a rotation by w and, where it is about another point
// than the origin, those of the translation: dt/dw = d(R c - exp(w) R c)/dw =
// [R c]x.
func (j *Differential) turn(b *Block, pose *Pose) {
	var arm Mat3
	if b.About != (Vec3{}) { // then there is a pose
		arm = skew(pose.Rotation.Matrix().Apply(b.About))
	}
	col := b.Offset
	for k := range 3 {
		if b.component >= 0 && k != b.component {
			continue
		}
		j.put(b.rows[k], col, 1)
		if b.About != (Vec3{}) {
			for i := range 3 {
				j.put(b.rows[3+i], col, arm[i][k])
			}
		}
		col++
	}
}

// cameraNames are the uniforms of a camera that parameters move.
var cameraNames = [10]string{"extrinsics.wx", "extrinsics.wy", "extrinsics.wz", "extrinsics.tx", "extrinsics.ty", "extrinsics.tz",
	"intrinsics.fx", "intrinsics.fy", "intrinsics.cx", "intrinsics.cy"}

// cameras puts the rows of every camera that the block moves, by a central
// difference of fourth order on the host: exact to about 1e-11, relative.
func (j *Differential) cameras(b *Block) {
	const h = 1e-3
	for d := range b.Dofs {
		col := b.Offset + d
		for side, sign := range [2]float64{1, -1} {
			j.delta[col] = sign * h
			j.v.RetractTo(j.near[side], j.delta)
			j.delta[col] = sign * 2 * h
			j.v.RetractTo(j.far[side], j.delta)
		}
		j.delta[col] = 0
		for c := range j.v.scene.Cameras {
			name := j.v.scene.Cameras[c].Name
			base, _ := j.v.scene.Extrinsics(name)
			n1, n2 := cameraNumbers(j.near[0].scene, name, base.R), cameraNumbers(j.near[1].scene, name, base.R)
			f1, f2 := cameraNumbers(j.far[0].scene, name, base.R), cameraNumbers(j.far[1].scene, name, base.R)
			for i := range cameraNames {
				x := (8*(n1[i]-n2[i]) - (f1[i] - f2[i])) / (12 * h)
				if math.Abs(x) > 1e-10 {
					j.put(b.rows[len(cameraNames)*c+i], col, x)
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
