package trace_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/baremetaldevx86/microdr/trace"
)

// vec is the float64 twin of trace.Vec3.
type vec [3]float64

func (a vec) add(b vec) vec                    { return vec{a[0] + b[0], a[1] + b[1], a[2] + b[2]} }
func (a vec) mul(s float64) vec                { return vec{a[0] * s, a[1] * s, a[2] * s} }
func (a vec) dot(b vec) float64                { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }
func (a vec) length() float64                  { return math.Sqrt(a.dot(a)) }
func (a vec) each(f func(float64) float64) vec { return vec{f(a[0]), f(a[1]), f(a[2])} }

func (a vec) cross(b vec) vec {
	return vec{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}

// random returns rows of arguments, exact as float32.
func random(n, columns int) [][]float64 {
	r := rand.New(rand.NewPCG(1, uint64(columns)))
	rows := make([][]float64, n)
	for i := range rows {
		for range columns {
			rows[i] = append(rows[i], float64(float32(r.NormFloat64())))
		}
	}
	return rows
}

func vec3(x []trace.Float) trace.Vec3 { return trace.Vec3{X: x[0], Y: x[1], Z: x[2]} }

func floats(a trace.Vec3) []trace.Float { return []trace.Float{a.X, a.Y, a.Z} }

func TestVec3(t *testing.T) {
	type V = trace.Vec3
	type F = trace.Float
	rows := []struct {
		name string
		op   func(a, b V, s F) V
		want func(a, b vec, s float64) vec
	}{
		{"Add", func(a, b V, s F) V { return a.Add(b) }, func(a, b vec, s float64) vec { return a.add(b) }},
		{"Sub", func(a, b V, s F) V { return a.Sub(b) }, func(a, b vec, s float64) vec { return a.add(b.mul(-1)) }},
		{"Mul", func(a, b V, s F) V { return a.Mul(s) }, func(a, b vec, s float64) vec { return a.mul(s) }},
		{"Div", func(a, b V, s F) V { return a.Div(s) }, func(a, b vec, s float64) vec { return a.mul(1 / s) }},
		{"Times", func(a, b V, s F) V { return a.Times(2.5) }, func(a, b vec, s float64) vec { return a.mul(2.5) }},
		{"Neg", func(a, b V, s F) V { return a.Neg() }, func(a, b vec, s float64) vec { return a.mul(-1) }},
		{"MulEach", func(a, b V, s F) V { return a.MulEach(b) }, func(a, b vec, s float64) vec { return vec{a[0] * b[0], a[1] * b[1], a[2] * b[2]} }},
		{"Abs", func(a, b V, s F) V { return a.Abs() }, func(a, b vec, s float64) vec { return a.each(math.Abs) }},
		{"Max", func(a, b V, s F) V { return a.Max(b) }, func(a, b vec, s float64) vec {
			return vec{max(a[0], b[0]), max(a[1], b[1]), max(a[2], b[2])}
		}},
		{"AtLeast", func(a, b V, s F) V { return a.AtLeast(0.5) }, func(a, b vec, s float64) vec {
			return a.each(func(x float64) float64 { return max(x, 0.5) })
		}},
		{"MaxComponent", func(a, b V, s F) V { m := a.MaxComponent(); return V{X: m, Y: m, Z: m} }, func(a, b vec, s float64) vec {
			return a.each(func(float64) float64 { return max(a[0], a[1], a[2]) })
		}},
		{"Dot", func(a, b V, s F) V { return V{X: a.Dot(b), Y: a.Length(), Z: b.XY().Dot(a.XY())} }, func(a, b vec, s float64) vec {
			return vec{a.dot(b), a.length(), a[0]*b[0] + a[1]*b[1]}
		}},
		{"Cross", func(a, b V, s F) V { return a.Cross(b) }, func(a, b vec, s float64) vec { return a.cross(b) }},
		{"Normalize", func(a, b V, s F) V { return a.Normalize() }, func(a, b vec, s float64) vec { return a.mul(1 / a.length()) }},
		{"Mix", func(a, b V, s F) V { return a.Mix(b, s) }, func(a, b vec, s float64) vec { return a.mul(1 - s).add(b.mul(s)) }},
		{"MulAdd", func(a, b V, s F) V { return a.MulAdd(b, s) }, func(a, b vec, s float64) vec { return a.add(b.mul(s)) }},
		{"Detach", func(a, b V, s F) V { return a.Detach() }, func(a, b vec, s float64) vec { return a }},
		{"SelectVec3", func(a, b V, s F) V { return s.Above(0).SelectVec3(a, b) }, func(a, b vec, s float64) vec {
			if s > 0 {
				return a
			}
			return b
		}},
		{"Vec3", func(a, b V, s F) V { return s.R.Vec3(1, -2, 3.5) }, func(a, b vec, s float64) vec { return vec{1, -2, 3.5} }},
	}
	for _, row := range rows {
		check(t, row.name, random(20, 7),
			func(_ *trace.Recorder, x []F) []F { return floats(row.op(vec3(x), vec3(x[3:]), x[6])) },
			func(x []float64) []float64 { v := row.want(vec(x), vec(x[3:6]), x[6]); return v[:] })
	}
}

func TestVec2(t *testing.T) {
	check(t, "Vec2", random(20, 5),
		func(r *trace.Recorder, x []trace.Float) []trace.Float {
			a, b := trace.Vec2{X: x[0], Y: x[1]}, trace.Vec2{X: x[2], Y: x[3]}
			sum, difference := a.Add(b).Mul(x[4]), a.Sub(b).Abs().Detach()
			return []trace.Float{sum.X, sum.Y, difference.X, difference.Y, a.Dot(b), a.Length(), r.Vec2(3, 4).Length()}
		},
		func(x []float64) []float64 {
			return []float64{(x[0] + x[2]) * x[4], (x[1] + x[3]) * x[4], math.Abs(x[0] - x[2]), math.Abs(x[1] - x[3]),
				x[0]*x[2] + x[1]*x[3], math.Hypot(x[0], x[1]), 5}
		})
}

// mat is the float64 twin of trace.Mat3.
type mat [3]vec

func (m mat) mul(v vec) vec { return vec{m[0].dot(v), m[1].dot(v), m[2].dot(v)} }

func (m mat) transpose() (t mat) {
	for i := range m {
		for j := range m {
			t[j][i] = m[i][j]
		}
	}
	return t
}

func TestMat3(t *testing.T) {
	type M = trace.Mat3
	rows := []struct {
		name string
		op   func(m, n M, v trace.Vec3) trace.Vec3
		want func(m, n mat, v vec) vec
	}{
		{"Mul", func(m, n M, v trace.Vec3) trace.Vec3 { return m.Mul(v) }, func(m, n mat, v vec) vec { return m.mul(v) }},
		{"TMul", func(m, n M, v trace.Vec3) trace.Vec3 { return m.TMul(v) }, func(m, n mat, v vec) vec { return m.transpose().mul(v) }},
		{"Transpose", func(m, n M, v trace.Vec3) trace.Vec3 { return m.Transpose().Mul(v) }, func(m, n mat, v vec) vec { return m.transpose().mul(v) }},
		{"MulMat", func(m, n M, v trace.Vec3) trace.Vec3 { return m.MulMat(n).Mul(v) }, func(m, n mat, v vec) vec { return m.mul(n.mul(v)) }},
	}
	for _, row := range rows {
		check(t, row.name, random(20, 21),
			func(_ *trace.Recorder, x []trace.Float) []trace.Float {
				m := M{X: vec3(x), Y: vec3(x[3:]), Z: vec3(x[6:])}
				n := M{X: vec3(x[9:]), Y: vec3(x[12:]), Z: vec3(x[15:])}
				return floats(row.op(m, n, vec3(x[18:])))
			},
			func(x []float64) []float64 {
				m := mat{vec(x), vec(x[3:6]), vec(x[6:9])}
				n := mat{vec(x[9:12]), vec(x[12:15]), vec(x[15:18])}
				v := row.want(m, n, vec(x[18:]))
				return v[:]
			})
	}
}

// A small rotation differs from Rodrigues' formula by a sixth of the cube of its angle.
func TestRotate(t *testing.T) {
	args := random(20, 6)
	for _, row := range args {
		for i := range row[:3] {
			row[i] = float64(float32(row[i] * 0.005))
		}
	}
	check(t, "Rotate", args,
		func(r *trace.Recorder, x []trace.Float) []trace.Float {
			identity := trace.Mat3{X: r.Vec3(1, 0, 0), Y: r.Vec3(0, 1, 0), Z: r.Vec3(0, 0, 1)}
			return floats(identity.Rotate(vec3(x)).Mul(vec3(x[3:])))
		},
		func(x []float64) []float64 {
			w, v := vec(x), vec(x[3:])
			angle := w.length()
			axis := w.mul(1 / angle)
			v = v.mul(math.Cos(angle)).add(axis.cross(v).mul(math.Sin(angle))).add(axis.mul(axis.dot(v) * (1 - math.Cos(angle))))
			return v[:]
		})
}
