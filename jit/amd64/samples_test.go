package amd64

import "strings"

// The samples show every form of the table with every kind of operand that it takes, so that a new row of the table is
// tested by being there.

var (
	vexNumbers  = []uint8{0, 7, 8, 15}
	evexNumbers = []uint8{0, 7, 8, 15, 16, 23, 31}
	maskNumbers = []uint8{1, 0, 3, 7, 2}
	regNumbers  = []uint8{0, 4, 5, 7, 8, 12, 13, 15}
	bytes8      = []uint8{0x00, 0x01, 0x7f, 0x80, 0xff, 0x1e}
)

// addresses are the shapes that ModRM and SIB tell apart.
var addresses = []RM{
	Mem(RAX, 0), Mem(RSP, 0), Mem(RBP, 0), Mem(R12, 0), Mem(R13, 0), Mem(R15, 0), Mem(RDI, 0),
	Mem(RSP, 12), Mem(R12, -4), Mem(RBP, 1), Mem(R13, -1),
	Mem(RAX, 0x12345678), Mem(RSP, -0x12345678), Mem(R13, 0x7fffffff), Mem(RCX, -0x80000000),
	Mem(RAX, 0).Index(RCX, 1), Mem(RSP, 0).Index(RAX, 2), Mem(RBP, 0).Index(RBP, 4), Mem(R12, 0).Index(R12, 8),
	Mem(R13, 0).Index(R13, 1), Mem(RSI, 0x40).Index(R15, 4), Mem(R9, -0x40).Index(RDI, 8), Mem(RSP, 0x1000).Index(R8, 2),
	Mem(R15, 0x12345678).Index(RBP, 1), Mem(RBP, -0x80000000).Index(R12, 4), Mem(R13, 3).Index(RBX, 8),
}

// sampler makes the samples of a form. Its counter turns through the lists.
type sampler struct {
	op  Op
	f   *form
	n   int
	out []Inst
}

// turn returns an element of a list for operand i of the current sample.
func turn[T any](s *sampler, list []T, i int) T { return list[(s.n+i)%len(list)] }

// samples returns those of all forms.
func samples() []Inst {
	var out []Inst
	for op := range numOps {
		s := &sampler{op: op, f: &forms[op], n: int(op)}
		for w := W128; w <= W512; w++ {
			if s.f.has(no128 << w) {
				continue
			}
			if !s.f.has(evexOnly) && w != W512 {
				s.vex(w, w == W256 || s.f.has(only128))
			}
			if !s.f.has(vexOnly) {
				s.evex(w, w == W512 || s.f.has(only128))
			}
		}
		s.predicates()
		out = append(out, s.out...)
	}
	return out
}

// vex makes the samples of a width in VEX encoding; the widest gets more.
func (s *sampler) vex(w Width, widest bool) {
	if !widest {
		s.registers(w, vexNumbers, 2)
		return
	}
	s.registers(w, vexNumbers, len(vexNumbers))
	s.memory(w, vexNumbers, []int32{127, 128, -128, -129})
	if s.f.has(vexOnly) {
		s.shapes(w, vexNumbers)
	}
}

// evex does the same in EVEX encoding, where displacements of 8 bits count in units. VEX takes samples without high
// registers that both have.
func (s *sampler) evex(w Width, widest bool) {
	unit, element := int32(1)<<s.scale(w, false), int32(1)<<s.scale(w, true)
	s.memory(w, evexNumbers, []int32{127 * unit, 128 * unit})
	s.broadcasts(w, []int32{127 * element})
	if !widest {
		s.registers(w, evexNumbers, 1)
		s.masked(w, 1)
		return
	}
	s.registers(w, evexNumbers, len(evexNumbers))
	s.memory(w, evexNumbers, []int32{-128 * unit, -129 * unit, 3*unit + unit/2})
	s.broadcasts(w, []int32{128 * element, -128 * element, -129 * element})
	s.masked(w, 3)
	s.shapes(w, evexNumbers)
}

// scale is the logarithm of what short displacements are multiplied by.
func (s *sampler) scale(w Width, broadcast bool) uint {
	m := Mem(RAX, 0)
	if broadcast {
		m = m.Broadcast()
	}
	return s.f.scale(&Inst{Width: w, RM: m})
}

// add completes a sample and keeps it.
func (s *sampler) add(w Width, vectors []uint8, rm RM, mask Mask, zero bool) {
	in := Inst{Op: s.op, Width: w, RM: rm, Mask: mask, Zero: zero}
	in.Reg = s.number(vectors, regVec, regMask, 0)
	if s.f.has(srcVec | srcMask) {
		in.Src = s.number(vectors, srcVec, srcMask, 2)
	}
	switch {
	case s.f.has(fourth):
		in.Imm = turn(s, vexNumbers, 3) << 4
	case s.f.has(imm):
		in.Imm = turn(s, bytes8, 0)
	}
	if s.f.has(gathers) && s.f.has(evexOnly) && mask == K0 {
		in.Mask = Mask(1 + s.n%7)
	}
	s.n++
	s.out = append(s.out, in)
}

// number turns through the registers that a field may hold.
func (s *sampler) number(vectors []uint8, vec, mask flags, i int) uint8 {
	switch {
	case s.f.has(vec):
		return turn(s, vectors, i)
	case s.f.has(mask):
		return turn(s, maskNumbers, i)
	}
	return turn(s, regNumbers, i)
}

// register returns a register as the operand r/m.
func (s *sampler) register(vectors []uint8) (rm RM, ok bool) {
	switch {
	case s.f.has(rmVec):
		return V(Vec(turn(s, vectors, 1))), true
	case s.f.has(rmMask):
		return K(Mask(turn(s, maskNumbers, 1))), true
	case s.f.has(rmReg):
		return R(Reg(turn(s, regNumbers, 1))), true
	}
	return RM{}, false
}

func (s *sampler) registers(w Width, vectors []uint8, count int) {
	for range count {
		if rm, ok := s.register(vectors); ok {
			s.add(w, vectors, rm, K0, false)
		}
	}
}

// lanes makes an address one that the form takes.
func (s *sampler) lanes(m RM, vectors []uint8) RM {
	if s.f.has(gathers) {
		m = Mem(m.base, m.disp).Lanes(Vec(turn(s, vectors, 1)), turn(s, []uint8{1, 2, 4, 8}, 0))
	}
	return m
}

func (s *sampler) memory(w Width, vectors []uint8, displacements []int32) {
	if !s.f.has(rmMem) {
		return
	}
	for _, disp := range displacements {
		s.add(w, vectors, s.lanes(Mem(Reg(turn(s, regNumbers, 0)), disp), vectors), K0, false)
	}
}

// shapes takes a few of the addresses, others in each form.
func (s *sampler) shapes(w Width, vectors []uint8) {
	for range 6 {
		if s.f.has(rmMem) {
			s.add(w, vectors, s.lanes(turn(s, addresses, 5*s.n), vectors), K0, false)
		}
	}
}

func (s *sampler) broadcasts(w Width, displacements []int32) {
	if s.f.has(noBroadcast) || !s.f.has(rmMem) {
		return
	}
	for _, disp := range displacements {
		s.add(w, evexNumbers, Mem(Reg(turn(s, regNumbers, 3)), disp).Broadcast(), K0, false)
	}
}

// masked makes up to 3 samples of write masks and zeroing.
func (s *sampler) masked(w Width, count int) {
	if s.f.has(noMask) {
		return
	}
	zeroes := !s.f.has(gathers | regMask)
	if rm, ok := s.register(evexNumbers); ok {
		s.add(w, evexNumbers, rm, 7, zeroes)
		if count > 1 {
			s.add(w, evexNumbers, rm, 1, false)
		}
	}
	if s.f.has(rmMem) && (count > 1 || !s.f.has(rmVec)) {
		s.add(w, evexNumbers, s.lanes(turn(s, addresses, 3), evexNumbers), 5, zeroes && !s.f.has(store))
	}
}

// predicates makes all comparisons that have names, and one that has none.
func (s *sampler) predicates() {
	if !strings.HasPrefix(s.f.name, "vcmp") && !(strings.HasPrefix(s.f.name, "vpcmp") && s.f.has(imm)) {
		return
	}
	for predicate := range uint8(33) {
		s.add(W256, vexNumbers, V(Vec(turn(s, vexNumbers, 1))), K0, false)
		s.out[len(s.out)-1].Imm = predicate
	}
}

// generalSamples emits the general instructions, each with registers and the addresses.
func generalSamples(c *Code) {
	sizes := []Size{Size4, Size8}
	twoOperands := []func(size Size, r Reg, m RM){c.Load, func(size Size, r Reg, m RM) { c.Store(size, m, r) }, c.Add, c.Sub,
		c.And, c.Compare, func(size Size, r Reg, m RM) { c.Test(size, m, r) }}
	for _, size := range sizes {
		for _, emit := range twoOperands {
			for i, n := range regNumbers {
				emit(size, Reg(n), R(Reg(regNumbers[(i+3)%len(regNumbers)])))
				emit(size, Reg(n), addresses[3*i%len(addresses)])
			}
		}
		for i, n := range regNumbers {
			c.Move(size, Reg(n), Reg(regNumbers[(i+1)%len(regNumbers)]))
		}
	}
	for i, m := range addresses {
		n := Reg(regNumbers[i%len(regNumbers)])
		c.LoadAddress(n, m)
		c.SignExtend(n, m)
		c.TrailingZeros(n, m)
		c.PopCount(n, m)
		c.StoreWord(m, n)
		c.StoreByte(m, []Reg{RAX, RBX, R8, RCX, R15, RDX}[i%6])
	}
	for i, n := range regNumbers {
		m := R(Reg(regNumbers[(i+5)%len(regNumbers)]))
		c.SignExtend(Reg(n), m)
		c.TrailingZeros(Reg(n), m)
		c.PopCount(Reg(n), m)
		c.JumpTo(Reg(n))
		c.LoadImm(Reg(n), 0x80000000>>i)
	}
	immediateSamples(c, sizes)
	jumpSamples(c)
	c.Return()
}

func immediateSamples(c *Code, sizes []Size) {
	operands := append([]RM{R(RAX), R(RBX), R(RSP), R(R8), R(R13)}, addresses...)
	values := []int32{0, 1, 127, 128, -128, -129, 0x7fffffff, -0x80000000}
	for _, size := range sizes {
		for i, emit := range []func(Size, RM, int32){c.AddImm, c.AndImm, c.SubImm, c.CompareImm, c.StoreImm} {
			for j, x := range values {
				emit(size, R(RAX), x)
				emit(size, operands[(i+5*j)%len(operands)], x)
				emit(size, operands[(i+5*j+3)%len(operands)], x)
			}
		}
	}
}

// jumpSamples emits jumps to themselves, which text and bytes can tell without what surrounds them.
func jumpSamples(c *Code) {
	here := func() Label {
		l := c.NewLabel()
		c.Place(l)
		return l
	}
	c.Jump(here())
	for when := range Condition(16) {
		c.JumpIf(when, here())
	}
	for _, n := range regNumbers {
		c.AddressOf(Reg(n), here())
	}
}
