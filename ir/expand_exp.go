package ir

// exp(x) = 2^n e^r with n = round(x / ln 2) and r = x - n ln 2, |r| <= 0.35.
//
// ln 2 = ln2Hi + ln2Lo. The difference x - n ln2Hi is exact: n ln2Hi is a multiple of 2^-24, x of 2^-25 or more
// wherever n is not 0, and the result is below 1/2.
const (
	log2E = 0x1.715476p+0
	ln2Hi = 0x1.62e43p-1
	ln2Lo = -0x1.05c61p-29
)

// The arguments beyond which exp is 0 and +Inf, whatever is added.
const (
	expMin = -104
	expMax = 89
)

func (e emitter) exp(x Value) Value {
	x = e.sel(e.lt(x, e.f(expMin)), e.f(expMin), x)
	p, n := e.expParts(e.clampAbove(x, expMax), None)
	return e.scale(p, n)
}

// expParts returns e^r, between 0.7 and 1.42, and the integer n, as a float, with e^(x+tail) = 2^n e^r. The tail, None
// for none, is small against 1.
//
// e^r = 1 + r + r^2 P(r), P to 2^-28.
func (e emitter) expParts(x, tail Value) (p, n Value) {
	n = e.sub(e.fma(x, e.f(log2E), e.f(roundBig)), e.f(roundBig))
	r := e.fma(n, e.f(-ln2Hi), x)
	r = e.fma(n, e.f(-ln2Lo), r)
	if tail != None {
		r = e.add(r, tail)
	}
	q := e.poly(r, 0x1.fffffcp-2, 0x1.555482p-3, 0x1.555826p-5, 0x1.124492p-7, 0x1.6afe16p-10)
	return e.add(e.fma(e.mul(r, r), q, r), e.f(1)), n
}

// scale returns p * 2^n; subnormal results and overflow come out.
func (e emitter) scale(p, n Value) Value { return e.b.Binary(OpScale, p, n) }

// log(x) = n ln 2 + log(1+f) with x = 2^n (1+f), 2/3 <= 1+f < 4/3.
//
// log(1+f) = f + f^2 (-1/2 + f P(f)), P to 2^-27. ln2Lo would change the result by 0.05 ulp and is left out.
func (e emitter) log(x Value) Value {
	m, n := e.frexp(x, e.f(2.0/3))
	f := e.sub(m, e.f(1))
	p := e.poly(f, 0x1.555506p-2, -0x1.fffefcp-3, 0x1.99d044p-3, -0x1.559c58p-3, 0x1.1ed65ep-3,
		-0x1.f32f4cp-4, 0x1.1e67a4p-3, -0x1.07d2cp-3)
	p = e.fma(e.mul(f, f), e.fma(p, f, e.f(-0.5)), f)
	finite := e.fma(n, e.f(ln2Hi), p)
	positive := e.sel(e.lt(x, e.inf()), finite, x) // log(+Inf) = +Inf, log(NaN) = NaN
	zero := e.sel(e.eq(x, e.f(0)), e.neg(e.inf()), e.nan())
	return e.sel(e.lt(e.f(0), x), positive, zero)
}

// frexp splits a positive finite x into m * 2^n, low <= m < 2 low, n an integer as float32. Other x give finite
// numbers of no meaning.
func (e emitter) frexp(x, low Value) (m, n Value) {
	subnormal := e.lt(x, e.f(0x1p-126))
	bits := e.bits(e.sel(subnormal, e.mul(x, e.f(0x1p23)), x))
	exp := e.shr(e.sub(bits, e.bits(low)), 23)
	m = e.float(e.sub(bits, e.shl(exp, 23)))
	return m, e.b.Convert(F32, e.sub(exp, e.sel(subnormal, e.i(23), e.i(0))))
}
