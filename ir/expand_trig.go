package ir

// The angle a = |x| <= 2^22 is reduced to r = a - n pi/2, n = round(a * 2/pi) < 2^22 (Cody and Waite 1980).
//
// pi/2 = piOver2Hi + piOver2Mid + piOver2Lo + 1e-23. The first difference is exact: it is a multiple of 2^-24 (of
// piOver2Hi's last place and, where n > 0, of a's) and below 1. The other two round once each, relative to r.
// n is the nearest integer but for an error of 2^22 * 2^-25 in a * 2/pi, so |r| < 0.9.
const (
	twoOverPi  = 0x1.45f306p-1
	piOver2Hi  = 0x1.921fb6p+0
	piOver2Mid = -0x1.777a5cp-25
	piOver2Lo  = -0x1.ee59dap-50
)

// reduceAngle returns r and n as int32, of which only the two low bits mean something. An angle out of range,
// infinite or NaN gives r = NaN.
func (e emitter) reduceAngle(x Value) (r, n Value) {
	a := e.abs(x)
	a = e.sel(e.le(a, e.f(MaxAngle)), a, e.nan())
	k := e.fma(a, e.f(twoOverPi), e.f(roundBig))
	nf := e.sub(k, e.f(roundBig))
	r = e.fma(nf, e.f(-piOver2Hi), a)
	r = e.fma(nf, e.f(-piOver2Mid), r)
	r = e.fma(nf, e.f(-piOver2Lo), r)
	return r, e.bits(k)
}

// sinCosReduced returns sin r and cos r for |r| <= 0.9.
//
// sin r = r + r^3 P(r^2), P to 2^-26; cos r = 1 - r^2/2 + r^4 Q(r^2), Q to 2^-31.
func (e emitter) sinCosReduced(r Value) (sin, cos Value) {
	s := e.mul(r, r)
	p := e.poly(s, -0x1.555556p-3, 0x1.111156p-7, -0x1.a035bcp-13, 0x1.7276eap-19)
	q := e.poly(s, 0x1.55553cp-5, -0x1.6c04ap-10, 0x1.980092p-16)
	sin = e.fma(e.mul(r, s), p, r)
	cos = e.fma(e.mul(s, s), q, e.fma(s, e.f(-0.5), e.f(1)))
	return sin, cos
}

func (e emitter) odd(n Value) Value { return e.eq(e.and(n, e.i(1)), e.i(1)) }

// flip returns v with its sign flipped where bit 31 of bits is set.
func (e emitter) flip(v, bits Value) Value {
	return e.float(e.xor(e.bits(v), e.and(bits, e.i(signBit))))
}

// sin: in quadrant n it is sin r, cos r, -sin r, -cos r, and odd in x.
func (e emitter) sin(x Value) Value {
	r, n := e.reduceAngle(x)
	s, c := e.sinCosReduced(r)
	return e.flip(e.sel(e.odd(n), c, s), e.xor(e.shl(n, 30), e.bits(x)))
}

// cos: in quadrant n it is cos r, -sin r, -cos r, sin r.
func (e emitter) cos(x Value) Value {
	r, n := e.reduceAngle(x)
	s, c := e.sinCosReduced(r)
	return e.flip(e.sel(e.odd(n), s, c), e.shl(e.add(n, e.i(1)), 30))
}

// tan: in even quadrants it is tan r, in odd ones -1/tan r, and odd in x.
//
// tan r = r + r^3 P(r^2), P to 2^-29.
func (e emitter) tan(x Value) Value {
	r, n := e.reduceAngle(x)
	s := e.mul(r, r)
	p := e.poly(s, 0x1.555548p-2, 0x1.11153ep-3, 0x1.b93aa4p-5, 0x1.7197cp-6, 0x1.a782ap-8, 0x1.110a6cp-7,
		-0x1.e320fcp-9, 0x1.a35feep-9)
	t := e.fma(e.mul(r, s), p, r)
	return e.flip(e.sel(e.odd(n), e.div(e.f(-1), t), t), e.bits(x))
}

// atan2(y, x): with a = min/max of |x| and |y|, atan a is turned into its octant as c pi/2 +- atan a.
//
// atan a = a + a^3 P(a^2) for 0 <= a <= 1, P to 2^-28.
func (e emitter) atan2(y, x Value) Value {
	ax, ay := e.abs(x), e.abs(y)
	steep := e.lt(ax, ay)
	a := e.ratio(e.sel(steep, ax, ay), e.sel(steep, ay, ax))
	s := e.mul(a, a)
	p := e.poly(s, -0x1.55553ep-2, 0x1.9991e4p-3, -0x1.242086p-3, 0x1.c08c46p-4, -0x1.58087ep-4,
		0x1.da2488p-5, -0x1.fd6994p-6, 0x1.64025ap-7, -0x1.d30316p-10)
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
