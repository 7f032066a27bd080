package scene

import "math"

// Mat3 is a 3x3 matrix, row by row: m[row][column].
type Mat3 [3][3]float64

// Identity is the unit matrix.
func Identity() Mat3 { return Mat3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}} }

// Mul returns the product m n.
func (m Mat3) Mul(n Mat3) (out Mat3) {
	for i := range 3 {
		for j := range 3 {
			out[i][j] = m[i][0]*n[0][j] + m[i][1]*n[1][j] + m[i][2]*n[2][j]
		}
	}
	return out
}

// Apply returns m v.
func (m Mat3) Apply(v Vec3) Vec3 {
	var out Vec3
	for i := range 3 {
		out[i] = m[i][0]*v[0] + m[i][1]*v[1] + m[i][2]*v[2]
	}
	return out
}

// Transpose returns m's transpose, for a rotation its inverse.
func (m Mat3) Transpose() (out Mat3) {
	for i := range 3 {
		for j := range 3 {
			out[i][j] = m[j][i]
		}
	}
	return out
}

// Matrix returns exp([r]x) by Rodrigues' formula,
// R = I + sin(a)/a [r]x + (1 - cos a)/a^2 [r]x^2 with a = |r|.
func (r Rotation) Matrix() Mat3 {
	a2 := dot(Vec3(r), Vec3(r))
	a := math.Sqrt(a2)
	s, c := 1-a2/6, 0.5-a2/24 // Taylor, exact to rounding below 1e-4
	if a > 1e-4 {
		half := math.Sin(a / 2)
		s, c = math.Sin(a)/a, 2*half*half/a2
	}
	k := skew(Vec3(r))
	k2 := k.Mul(k)
	out := Identity()
	for i := range 3 {
		for j := range 3 {
			out[i][j] += s*k[i][j] + c*k2[i][j]
		}
	}
	return out
}

// RotationOf returns the Rodrigues vector of a rotation matrix, its angle in
// [0, pi]. It goes through the quaternion, which is exact near 0 and near pi.
func RotationOf(m Mat3) Rotation {
	// The largest of the four squared components is computed from the diagonal,
	// the others from sums and differences with it (Shepperd 1978).
	var q [4]float64 // w, x, y, z
	t := m[0][0] + m[1][1] + m[2][2]
	switch {
	case t >= m[0][0] && t >= m[1][1] && t >= m[2][2]:
		q = [4]float64{1 + t, m[2][1] - m[1][2], m[0][2] - m[2][0], m[1][0] - m[0][1]}
	case m[0][0] >= m[1][1] && m[0][0] >= m[2][2]:
		q = [4]float64{m[2][1] - m[1][2], 1 + 2*m[0][0] - t, m[0][1] + m[1][0], m[0][2] + m[2][0]}
	case m[1][1] >= m[2][2]:
		q = [4]float64{m[0][2] - m[2][0], m[0][1] + m[1][0], 1 + 2*m[1][1] - t, m[1][2] + m[2][1]}
	default:
		q = [4]float64{m[1][0] - m[0][1], m[0][2] + m[2][0], m[1][2] + m[2][1], 1 + 2*m[2][2] - t}
	}
	if q[0] < 0 {
		q = [4]float64{-q[0], -q[1], -q[2], -q[3]}
	}
	v := Vec3{q[1], q[2], q[3]}
	n := length(v)
	if n == 0 {
		return Rotation{}
	}
	angle := 2 * math.Atan2(n, q[0])
	return Rotation{v[0] / n * angle, v[1] / n * angle, v[2] / n * angle}
}

// Compose returns the rotation that does r first, then by: exp(by) exp(r).
func (r Rotation) Compose(by Rotation) Rotation {
	return RotationOf(by.Matrix().Mul(r.Matrix()))
}

// Angle returns the angle in radians between two rotations.
func (r Rotation) Angle(o Rotation) float64 {
	return length(Vec3(RotationOf(r.Matrix().Mul(o.Matrix().Transpose()))))
}

// leftInverse returns the inverse left Jacobian of SO(3) at r: the derivative
// of the Rodrigues vector of exp(w) exp(r) with respect to w at 0,
// I - [r]x/2 + (1/a^2 - (1 + cos a)/(2 a sin a)) [r]x^2.
func (r Rotation) leftInverse() Mat3 {
	a2 := dot(Vec3(r), Vec3(r))
	a := math.Sqrt(a2)
	c := 1.0/12 + a2/720
	if a > 1e-3 {
		c = (1 - a/2/math.Tan(a/2)) / a2
	}
	k := skew(Vec3(r))
	k2 := k.Mul(k)
	out := Identity()
	for i := range 3 {
		for j := range 3 {
			out[i][j] += c*k2[i][j] - k[i][j]/2
		}
	}
	return out
}

// TangentBasis returns two unit vectors that are orthogonal to n and to each
// other (Duff et al. 2017, "Building an Orthonormal Basis, Revisited"); n need
// not have unit length.
func TangentBasis(n Vec3) (u, v Vec3) {
	n = Normalize(n)
	sign := math.Copysign(1, n[2])
	a := -1 / (sign + n[2])
	b := n[0] * n[1] * a
	return Vec3{1 + sign*n[0]*n[0]*a, sign * b, -sign * n[0]}, Vec3{b, sign + n[1]*n[1]*a, -n[1]}
}

// RetractDirection moves n along the great circle that starts towards
// d[0] u + d[1] v, (u, v) = TangentBasis(n), by the angle |d| in radians. The
// length of n stays.
func RetractDirection(n Vec3, d [2]float64) Vec3 {
	angle := math.Hypot(d[0], d[1])
	if angle == 0 {
		return n
	}
	u, v := TangentBasis(n)
	c, s := math.Cos(angle), math.Sin(angle)/angle*length(n)
	var out Vec3
	for i := range 3 {
		out[i] = c*n[i] + s*(d[0]*u[i]+d[1]*v[i])
	}
	return out
}

// Normalize returns v / |v|, or v if it is zero.
func Normalize(v Vec3) Vec3 {
	n := length(v)
	if n == 0 {
		return v
	}
	return Vec3{v[0] / n, v[1] / n, v[2] / n}
}

func dot(a, b Vec3) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

func length(a Vec3) float64 { return math.Sqrt(dot(a, a)) }

func cross(a, b Vec3) Vec3 {
	return Vec3{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}

func sub(a, b Vec3) Vec3 { return Vec3{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }

func add(a, b Vec3) Vec3 { return Vec3{a[0] + b[0], a[1] + b[1], a[2] + b[2]} }

// skew returns [v]x, the matrix with [v]x w = v cross w.
func skew(v Vec3) Mat3 {
	return Mat3{{0, -v[2], v[1]}, {v[2], 0, -v[0]}, {-v[1], v[0], 0}}
}
