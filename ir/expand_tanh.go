package ir

// tanh and erf are odd: both are computed for a = |x| and get the sign of x. Near 0 they are a polynomial; further
// out they are 1 minus something that exp gives and whose relative error the subtraction makes small.

// tanh a = a + a^3 P(a^2) for a < 0.6, P to 2^-28; 1 - 2/(e^2a + 1) above; 1 from 9.1 on.
func (e emitter) tanh(x Value) Value {
	a := e.clampAbove(e.abs(x), 10)
	s := e.mul(a, a)
	p := e.poly(s, -0x1.55553ep-2, 0x1.1109bep-3, -0x1.b89abap-5, 0x1.54c3c2p-6, -0x1.828776p-8)
	near := e.fma(e.mul(a, s), p, a)

	m, n := e.expParts(e.add(a, a), None)
	exp2a := e.scale(m, n)
	far := e.sub(e.f(1), e.div(e.f(2), e.add(exp2a, e.f(1))))
	return e.withSignOf(e.sel(e.lt(a, e.f(0.6)), near, far), x)
}

// erf a = a + a P(a^2) for a < 0.95, P to 2^-29; 1 - e^-t above, t = -log erfc a = a + a Q(a) fitted on 0.9..4; 1
// from 4 on.
func (e emitter) erf(x Value) Value {
	a := e.clampAbove(e.abs(x), 4)
	s := e.mul(a, a)
	p := e.poly(s, 0x1.06eba8p-3, -0x1.81273ep-2, 0x1.ce2ce6p-4, -0x1.b7f71ap-6, 0x1.53f224p-8, -0x1.a3515ep-11,
		0x1.4771fcp-14)
	near := e.fma(a, p, a)

	q := e.poly(a, 0x1.073576p-3, 0x1.457a66p-1, 0x1.af411cp-4, -0x1.774a54p-6, 0x1.a60ad2p-9, -0x1.c20616p-13)
	m, n := e.expParts(e.neg(e.fma(a, q, a)), None)
	far := e.sub(e.f(1), e.scale(m, n))
	return e.withSignOf(e.sel(e.lt(a, e.f(0.95)), near, far), x)
}
