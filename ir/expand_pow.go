package ir

// pow(x, y) = exp(y log |x|), with the sign of x where y is odd. An error in y log |x|, which reaches 104, is
// multiplied by the result, so the logarithm is kept as a sum of two floats, exact to 2^-31.

// pow gives the special values of IEEE 754 and Go's math.Pow: 1 for y = 0 or x = 1 even if the other is NaN; NaN for
// x < 0 finite and y not an integer; the sign of x for odd y, zeros and infinities included.
func (e emitter) pow(x, y Value) Value {
	ax := e.abs(x)
	mag := e.powPositive(ax, y)
	mag = e.sel(e.or(e.eq(y, e.f(0)), e.eq(ax, e.f(1))), e.f(1), mag)

	negative := e.lt(e.bits(x), e.i(0))
	integer := e.eq(e.b.Unary(OpTrunc, y), y)
	// Floats from 2^24 on are even. Where y is not an integer, the parity of its integer part has no effect.
	odd := e.odd(e.b.Convert(I32, e.clampAbove(e.abs(y), 0x1p24)))
	sign := e.sel(e.b.Binary(OpAnd, e.and(negative, odd), integer), e.i(signBit), e.i(0))
	signed := e.float(e.xor(e.bits(mag), sign))
	invalid := e.and(e.and(e.lt(x, e.f(0)), e.lt(ax, e.inf())), e.b.Unary(OpNot, integer))
	return e.sel(invalid, e.nan(), signed)
}

// powPositive returns a^y for a >= 0; NaN for 0^0, Inf^0 and 1^Inf.
func (e emitter) powPositive(a, y Value) Value {
	hi, lo := e.logTwo(a)
	hi = e.sel(e.lt(a, e.inf()), hi, a)
	hi = e.sel(e.eq(a, e.f(0)), e.neg(e.inf()), hi)
	p := e.mul(y, hi)
	tail := e.fma(y, lo, e.fma(y, hi, e.neg(p)))
	tail = e.sel(e.le(e.abs(p), e.f(-expMin)), tail, e.f(0)) // beyond, the tail may be large or NaN
	p = e.sel(e.lt(p, e.f(expMin)), e.f(expMin), p)
	m, n := e.expParts(e.clampAbove(p, expMax), tail)
	return e.scale(m, n)
}

// logTwo returns log(a) of a positive finite a as hi + lo.
//
// a = 2^n m, sqrt(1/2) <= m < sqrt 2; log m = 2 atanh q, q = (m-1)/(m+1) = qHi + qLo. With u = m-1 the remainder
// of the division, u - qHi (u+2) = (u - 2 qHi) - qHi u, has an exact bracket: u and 2 qHi differ by less than a
// factor of 2. atanh q = q + q^3 P(q^2), P to 2^-35; q^3 is below q/32, so it needs 5 bits less than q, but s = q^2
// and q^3 are carried as two floats all the same, since their errors add up otherwise.
func (e emitter) logTwo(a Value) (hi, lo Value) {
	m, n := e.frexp(a, e.f(0x1.6a09e6p-1))
	u := e.sub(m, e.f(1))
	inv := e.div(e.f(1), e.add(m, e.f(1)))
	q := e.mul(inv, u)
	qLo := e.mul(inv, e.fma(q, e.neg(u), e.fma(q, e.f(-2), u)))

	s := e.mul(q, q)
	sLo := e.fma(q, e.add(qLo, qLo), e.fma(q, q, e.neg(s)))
	p := e.poly(s, 0x1.555554p-2, 0x1.999c26p-3, 0x1.23d3e2p-3, 0x1.f13a38p-4)
	c := e.mul(s, q)
	cLo := e.fma(s, qLo, e.fma(sLo, q, e.fma(s, q, e.neg(c))))
	rest := e.fma(c, p, e.fma(cLo, p, qLo)) // atanh q - qHi

	// n ln 2 + 2 qHi + 2 rest, summed without loss; |n ln2Hi| > |2 qHi| unless n = 0.
	twoQ := e.add(q, q)
	t := e.fma(n, e.f(ln2Hi), twoQ)
	tLo := e.sub(twoQ, e.fma(n, e.f(-ln2Hi), t))
	tLo = e.fma(n, e.f(ln2Lo), e.fma(rest, e.f(2), tLo))
	hi = e.add(t, tLo)
	return hi, e.add(e.sub(t, hi), tLo)
}
