package trace

// Vec2 is a vector of two floats in every lane.
type Vec2 struct{ X, Y Float }

// Add returns a + b.
func (a Vec2) Add(b Vec2) Vec2 { return Vec2{a.X.Add(b.X), a.Y.Add(b.Y)} }

// Sub returns a - b.
func (a Vec2) Sub(b Vec2) Vec2 { return Vec2{a.X.Sub(b.X), a.Y.Sub(b.Y)} }

// Mul returns a scaled by s.
func (a Vec2) Mul(s Float) Vec2 { return Vec2{a.X.Mul(s), a.Y.Mul(s)} }

// Dot returns the inner product.
func (a Vec2) Dot(b Vec2) Float { return a.X.Mul(b.X).Add(a.Y.Mul(b.Y)) }

// Length returns the Euclidean norm.
func (a Vec2) Length() Float { return a.Dot(a).Sqrt() }

// Abs takes each component's absolute value.
func (a Vec2) Abs() Vec2 { return Vec2{a.X.Abs(), a.Y.Abs()} }

// Detach returns a with derivative zero.
func (a Vec2) Detach() Vec2 { return Vec2{a.X.Detach(), a.Y.Detach()} }

// Vec3 is a vector of three floats in every lane: a point, a direction or a colour.
type Vec3 struct{ X, Y, Z Float }

// Map applies f to each component.
func (a Vec3) Map(f func(Float) Float) Vec3 { return Vec3{f(a.X), f(a.Y), f(a.Z)} }

// Zip applies f to each pair of components.
func (a Vec3) Zip(b Vec3, f func(x, y Float) Float) Vec3 {
	return Vec3{f(a.X, b.X), f(a.Y, b.Y), f(a.Z, b.Z)}
}

// Add returns a + b.
func (a Vec3) Add(b Vec3) Vec3 { return a.Zip(b, Float.Add) }

// Sub returns a - b.
func (a Vec3) Sub(b Vec3) Vec3 { return a.Zip(b, Float.Sub) }

// Mul returns a scaled by s.
func (a Vec3) Mul(s Float) Vec3 { return Vec3{a.X.Mul(s), a.Y.Mul(s), a.Z.Mul(s)} }

// Div returns a divided by s.
func (a Vec3) Div(s Float) Vec3 { return Vec3{a.X.Div(s), a.Y.Div(s), a.Z.Div(s)} }

// Times returns a scaled by k.
func (a Vec3) Times(k float64) Vec3 { return a.Mul(a.X.R.Float(k)) }

// MulEach returns the product by components: a colour through a filter.
func (a Vec3) MulEach(b Vec3) Vec3 { return a.Zip(b, Float.Mul) }

// Neg returns -a.
func (a Vec3) Neg() Vec3 { return a.Map(Float.Neg) }

// Abs takes each component's absolute value.
func (a Vec3) Abs() Vec3 { return a.Map(Float.Abs) }

// Max takes the greater of each pair of components.
func (a Vec3) Max(b Vec3) Vec3 { return a.Zip(b, Float.Max) }

// AtLeast takes max(component, k).
func (a Vec3) AtLeast(k float64) Vec3 { return a.Map(func(x Float) Float { return x.AtLeast(k) }) }

// MaxComponent returns the largest component.
func (a Vec3) MaxComponent() Float { return a.X.Max(a.Y).Max(a.Z) }

// Dot returns the inner product.
func (a Vec3) Dot(b Vec3) Float { return a.X.Mul(b.X).Add(a.Y.Mul(b.Y)).Add(a.Z.Mul(b.Z)) }

// Cross returns the vector product.
func (a Vec3) Cross(b Vec3) Vec3 {
	return Vec3{
		a.Y.Mul(b.Z).Sub(a.Z.Mul(b.Y)),
		a.Z.Mul(b.X).Sub(a.X.Mul(b.Z)),
		a.X.Mul(b.Y).Sub(a.Y.Mul(b.X)),
	}
}

// Length returns the Euclidean norm. Its derivative at the zero vector is zero (see package grad on sqrt).
func (a Vec3) Length() Float { return a.Dot(a).Sqrt() }

// Normalize returns a / |a|.
func (a Vec3) Normalize() Vec3 { return a.Div(a.Length()) }

// Mix returns a*(1-t) + b*t.
func (a Vec3) Mix(b Vec3, t Float) Vec3 { return a.Add(b.Sub(a).Mul(t)) }

// MulAdd returns a + b*s: the point at parameter s of the ray from a along b.
func (a Vec3) MulAdd(b Vec3, s Float) Vec3 { return a.Add(b.Mul(s)) }

// Detach returns a with derivative zero.
func (a Vec3) Detach() Vec3 { return a.Map(Float.Detach) }

// XY drops Z.
func (a Vec3) XY() Vec2 { return Vec2{a.X, a.Y} }

// Mat3 is a 3x3 matrix in every lane, by rows.
type Mat3 struct{ X, Y, Z Vec3 }

// Mul returns the matrix times the vector.
func (m Mat3) Mul(v Vec3) Vec3 { return Vec3{m.X.Dot(v), m.Y.Dot(v), m.Z.Dot(v)} }

// TMul returns the transposed matrix times the vector: for a rotation, the inverse.
func (m Mat3) TMul(v Vec3) Vec3 {
	return m.X.Mul(v.X).Add(m.Y.Mul(v.Y)).Add(m.Z.Mul(v.Z))
}

// Transpose exchanges rows and columns.
func (m Mat3) Transpose() Mat3 {
	return Mat3{
		Vec3{m.X.X, m.Y.X, m.Z.X},
		Vec3{m.X.Y, m.Y.Y, m.Z.Y},
		Vec3{m.X.Z, m.Y.Z, m.Z.Z},
	}
}

// MulMat returns the product m n.
func (m Mat3) MulMat(n Mat3) Mat3 {
	t := n.Transpose()
	row := func(v Vec3) Vec3 { return Vec3{v.Dot(t.X), v.Dot(t.Y), v.Dot(t.Z)} }
	return Mat3{row(m.X), row(m.Y), row(m.Z)}
}

// Rotate returns (I + [w] + [w]^2/2) m: m followed by a small rotation by |w| radians about w, exact to second
// order in w. Derivatives with respect to w at zero are those of the rotation group.
func (m Mat3) Rotate(w Vec3) Mat3 {
	col := func(v Vec3) Vec3 {
		wv := w.Cross(v)
		return v.Add(wv).Add(w.Cross(wv).Times(0.5))
	}
	t := m.Transpose()
	return Mat3{col(t.X), col(t.Y), col(t.Z)}.Transpose()
}
