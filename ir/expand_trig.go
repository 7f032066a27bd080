package ir

// The angle a = |x| <= 2^20 is reduced to r = a - n pi/2, n = round(a * 2/pi) < 2^20 (Cody and Waite 1980).
//
// pi/2 = piOver2Hi + piOver2Mid + piOver2Lo + 1e-23. The first difference is exact: it is a multiple of 2^-24 (of
// piOver2Hi's last place and, where n > 0, of a's) and below 1. Where x is nearest to a multiple of pi/2, r is
// still 1e-8, so the other two decide it there. n is the nearest integer but for an error of 0.03 in a * 2/pi,
// hence |r| < 0.84.
const (
	twoOverPi  = 0x1.45f306p-1
	piOver2Hi  = 0x1.921fb6p+0
	piOver2Mid = -0x1.777a5cp-25
	piOver2Lo  = -0x1.ee59dap-50
)

// nearestQuadrant returns a - n piOver2Hi, n, and an int32 whose two low bits are those of n. An angle out of
// range, infinite or NaN gives NaN.
func (e emitter) nearestQuadrant(x Value) (r, n, bits Value) {
	a := e.abs(x)
	a = e.sel(e.le(a, e.f(MaxAngle)), a, e.nan())
	k := e.fma(a, e.f(twoOverPi), e.f(roundBig))
	n = e.sub(k, e.f(roundBig))
	return e.fma(n, e.f(-piOver2Hi), a), n, e.bits(k)
}

// sinCos returns sin r and cos r of the reduced angle, and the quadrant in the two low bits of n.
//
// sin r = r + r^3 P(r^2), P to 2^-27; cos r = 1 - r^2/2 + r^4 Q(r^2), Q to 2^-32.
func (e emitter) sinCos(x Value) (sin, cos, n Value) {
	r, nf, n := e.nearestQuadrant(x)
	r = e.fma(nf, e.f(-piOver2Mid), r)
	r = e.fma(nf, e.f(-piOver2Lo), r)
	s := e.mul(r, r)
	p := e.poly(s, -0x1.55553ep-3, 0x1.11046cp-7, -0x1.985676p-13)
	q := e.poly(s, 0x1.555544p-5, -0x1.6c08b6p-10, 0x1.98fa2p-16)
	sin = e.fma(e.mul(r, s), p, r)
	cos = e.fma(e.mul(s, s), q, e.fma(s, e.f(-0.5), e.f(1)))
	return sin, cos, n
}

func (e emitter) odd(n Value) Value { return e.eq(e.and(n, e.i(1)), e.i(1)) }

// flip returns v with its sign flipped where bit 31 of bits is set.
func (e emitter) flip(v, bits Value) Value {
	return e.float(e.xor(e.bits(v), e.and(bits, e.i(signBit))))
}

// sin: in quadrant n it is sin r, cos r, -sin r, -cos r, and odd in x.
func (e emitter) sin(x Value) Value {
	s, c, n := e.sinCos(x)
	return e.flip(e.sel(e.odd(n), c, s), e.xor(e.shl(n, 30), e.bits(x)))
}

// cos: in quadrant n it is cos r, -sin r, -cos r, sin r.
func (e emitter) cos(x Value) Value {
	s, c, n := e.sinCos(x)
	return e.flip(e.sel(e.odd(n), s, c), e.shl(e.add(n, e.i(1)), 30))
}

// tan: in even quadrants it is tan r, in odd ones -1/tan r, and odd in x. Near pi/4 it magnifies the error of r, so
// the last two steps of the reduction keep their rounding error in rLo (TwoSum, Knuth).
//
// tan r = r + r^3 P(r^2), P to 2^-28; tan' = 1 + tan^2.
func (e emitter) tan(x Value) Value {
	r1, nf, n := e.nearestQuadrant(x)
	m := e.mul(nf, e.f(-piOver2Mid))
	r, rLo := e.twoSum(r1, m)
	rLo = e.add(rLo, e.fma(nf, e.f(-piOver2Mid), e.neg(m)))
	rLo = e.fma(nf, e.f(-piOver2Lo), rLo)

	s := e.mul(r, r)
	p := e.poly(s, 0x1.555578p-2, 0x1.110774p-3, 0x1.bbe4cap-5, 0x1.52758ap-6, 0x1.95c6f6p-7, -0x1.d41d04p-10,
		0x1.58bd1p-8)
	cubic := e.mul(r, s)
	t := e.fma(cubic, p, r)
	rest := e.fma(cubic, p, e.fma(rLo, e.mul(t, t), rLo))
	t = e.add(r, rest)
	tLo := e.sub(rest, e.sub(t, r))
	return e.flip(e.sel(e.odd(n), e.neg(e.reciprocal(t, tLo)), t), e.bits(x))
}

// reciprocal returns 1/(hi + lo): one Newton step from 1/hi.
func (e emitter) reciprocal(hi, lo Value) Value {
	inv := e.div(e.f(1), hi)
	miss := e.fma(e.neg(inv), lo, e.fma(e.neg(inv), hi, e.f(1)))
	return e.fma(inv, miss, inv)
}

// twoSum returns the rounded sum of x and y, and what rounding lost.
func (e emitter) twoSum(x, y Value) (sum, lost Value) {
	sum = e.add(x, y)
	yy := e.sub(sum, x)
	return sum, e.add(e.sub(x, e.sub(sum, yy)), e.sub(y, yy))
}

// atan2(y, x): with a = min/max of |x| and |y|, atan a is turned into its octant as c pi/2 +- atan a.
//
// atan a = a + a^3 P(a^2) for 0 <= a <= 1, P to 2^-27: four coefficients are moved by a few ulp so that atan 1 comes
// out as pi/4 rounded.
func (e emitter) atan2(y, x Value) Value {
	ax, ay := e.abs(x), e.abs(y)
	steep := e.lt(ax, ay)
	a := e.ratio(e.sel(steep, ax, ay), e.sel(steep, ay, ax))
	s := e.mul(a, a)
	p := e.poly(s, -0x1.55553ep-2, 0x1.9991e4p-3, -0x1.242084p-3, 0x1.c08c4p-4, -0x1.58087cp-4,
		0x1.da248ap-5, -0x1.fd6994p-6, 0x1.64025ap-7, -0x1.d30316p-10)
	t := e.fma(e.mul(a, s), p, a)
	left := e.lt(e.bits(x), e.i(0)) // the sign bit: x = -0 is on the left
	t = e.sel(e.xor(steep, left), e.neg(t), t)
	c := e.sel(steep, e.f(1), e.sel(left, e.f(2), e.f(0)))
	t = e.fma(c, e.f(piOver2Hi), e.fma(c, e.f(piOver2Mid), t))
	return e.withSignOf(t, y)
}

// ratio returns small/large for 0 <= small <= large, with 0/0 = 0 and Inf/Inf = 1; NaN if either is.
func (e emitter) ratio(small, large Value) Value {
	large = e.sel(e.eq(large, e.f(0)), e.f(1), large)
	return e.sel(e.eq(small, large), e.f(1), e.div(small, large))
}
