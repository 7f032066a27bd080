package amd64

import "fmt"

// Emit appends an instruction in its shortest encoding: VEX where the operands allow it, else EVEX.
func (c *Code) Emit(in Inst) {
	f := &forms[in.Op]
	start := len(c.Bytes)
	if f.needsEVEX(&in) {
		c.evex(f, &in)
	} else {
		c.vex(f, &in)
	}
	if f.has(imm) {
		c.Bytes = append(c.Bytes, in.Imm)
	}
	if c.List {
		c.list(start, f.text(&in))
	}
}

func (c *Code) list(start int, text string) {
	c.Lines = append(c.Lines, Line{start, len(c.Bytes) - start, c.Tag, text})
}

func refuse(f *form, why string) { panic(fmt.Sprintf("amd64: %s: %s", f.name, why)) }

// needsEVEX chooses the encoding and refuses operands that neither has.
func (f *form) needsEVEX(in *Inst) bool {
	f.check(in)
	vector := func(flag flags, n uint8) bool { return f.has(flag) && n > 15 }
	high := vector(regVec, in.Reg) || vector(srcVec, in.Src) ||
		in.RM.kind == kindVec && in.RM.reg > 15 || in.RM.vectorIdx && in.RM.index > 15
	wants := in.Width == W512 || in.Mask != K0 || in.RM.broadcast || high
	switch {
	case f.has(evexOnly):
		return true
	case f.has(vexOnly):
		if wants {
			refuse(f, "no 512 bits, masks, broadcasts or registers above 15")
		}
		return false
	}
	return wants
}

// check refuses operands that do not fit the form.
func (f *form) check(in *Inst) {
	switch {
	case f.name == "":
		panic(fmt.Sprintf("amd64: no instruction %d", in.Op))
	case in.RM.kind == kindNone:
		refuse(f, "an operand is missing")
	case in.Zero && (in.Mask == K0 || in.RM.kind == kindMem && f.has(store)):
		refuse(f, "zeroing needs a mask and a register")
	case in.RM.broadcast && (!in.RM.IsMem() || f.has(noBroadcast)):
		refuse(f, "no broadcast")
	case in.RM.vectorIdx != f.has(gathers):
		refuse(f, "only gathers and scatters, and all of them, take a vector of indices")
	case in.RM.kind == kindVec && !f.has(rmVec) || in.RM.kind == kindMask && !f.has(rmMask) ||
		in.RM.kind == kindReg && !f.has(rmReg) || in.RM.kind == kindMem && !f.has(rmMem):
		refuse(f, "an operand of another kind")
	case in.RM.indexed && !in.RM.vectorIdx && Reg(in.RM.index) == RSP:
		refuse(f, "RSP as index")
	case !f.has(srcVec|srcMask) && in.Src != 0:
		refuse(f, "an operand too many")
	case f.has(gathers) && f.has(evexOnly) && in.Mask == K0:
		refuse(f, "needs a mask")
	case in.Reg > f.most(regVec, regMask) || f.has(srcVec|srcMask) && in.Src > f.most(srcVec, srcMask):
		refuse(f, "no such register")
	}
}

// most returns the highest number of the register that a field may hold.
func (f *form) most(vec, mask flags) uint8 {
	switch {
	case f.has(vec):
		return 31
	case f.has(mask):
		return 7
	}
	return 15
}

// vex appends prefix, opcode and operands in VEX encoding.
func (c *Code) vex(f *form, in *Inst) {
	reg, src := f.fields(in)
	r, x, b := reg>>3, in.RM.indexBit(), in.RM.baseBit()
	l := byte(in.Width)
	if f.has(l1) {
		l = 1
	}
	last := ^src&15<<3 | l<<2 | byte(f.prefix)
	if x == 0 && b == 0 && f.vexW == 0 && f.opmap == map0F {
		c.Bytes = append(c.Bytes, 0xc5, (^r&1)<<7|last)
	} else {
		c.Bytes = append(c.Bytes, 0xc4, (^r&1)<<7|(^x&1)<<6|(^b&1)<<5|byte(f.opmap), f.vexW<<7|last)
	}
	c.Bytes = append(c.Bytes, f.opcode)
	c.modRM(reg&7, &in.RM, 1)
}

// evex does the same in EVEX encoding.
func (c *Code) evex(f *form, in *Inst) {
	rm := &in.RM
	x, b := rm.indexBit(), rm.baseBit()
	if rm.kind == kindVec {
		x = rm.reg >> 4
	}
	reg, src := f.fields(in)
	v := src >> 4
	if rm.vectorIdx {
		v = rm.index >> 4
	}
	p0 := ^reg>>3&1<<7 | ^x&1<<6 | ^b&1<<5 | ^reg>>4&1<<4 | byte(f.opmap)
	p1 := f.evexW<<7 | ^src&15<<3 | 1<<2 | byte(f.prefix)
	p2 := byte(in.Width)<<5 | ^v&1<<3 | byte(in.Mask)
	if in.Zero {
		p2 |= 1 << 7
	}
	if rm.broadcast {
		p2 |= 1 << 4
	}
	c.Bytes = append(c.Bytes, 0x62, p0, p1, p2, f.opcode)
	c.modRM(reg&7, rm, f.unit(in))
}

// fields returns what goes into the fields reg and vvvv. Where the opcode takes up reg, the destination is in vvvv.
func (f *form) fields(in *Inst) (reg, src uint8) {
	if f.has(extended) {
		return f.digit, in.Reg
	}
	return in.Reg, in.Src
}

// unit is what EVEX scales a displacement of 8 bits by.
func (f *form) unit(in *Inst) int32 {
	if in.RM.broadcast {
		return int32(f.element)
	}
	n := int32(in.Width.bytes())
	switch f.tuple {
	case half:
		return n / 2
	case quarter:
		return n / 4
	case element:
		return int32(f.element)
	case fixed32:
		return 32
	}
	return n
}

func (m *RM) indexBit() byte {
	if m.indexed {
		return m.index >> 3
	}
	return 0
}

func (m *RM) baseBit() byte {
	if m.kind == kindMem {
		return byte(m.base) >> 3
	}
	return m.reg >> 3
}

// modRM appends the bytes ModRM and SIB and the displacement, which is one byte where it is a small multiple of unit.
func (c *Code) modRM(reg byte, m *RM, unit int32) {
	if m.kind != kindMem {
		c.Bytes = append(c.Bytes, 3<<6|reg<<3|m.reg&7)
		return
	}
	base := byte(m.base) & 7
	var mod byte
	switch {
	case m.disp == 0 && base != byte(RBP):
		mod = 0
	case m.disp%unit == 0 && m.disp/unit >= -128 && m.disp/unit <= 127:
		mod = 1
	default:
		mod = 2
	}
	if m.indexed || base == byte(RSP) {
		index := byte(RSP) // none
		if m.indexed {
			index = m.index & 7
		}
		c.Bytes = append(c.Bytes, mod<<6|reg<<3|4, log2(m.scale)<<6|index<<3|base)
	} else {
		c.Bytes = append(c.Bytes, mod<<6|reg<<3|base)
	}
	switch mod {
	case 1:
		c.Bytes = append(c.Bytes, byte(m.disp/unit))
	case 2:
		c.imm32(m.disp)
	}
}

func (c *Code) imm32(x int32) {
	c.Bytes = append(c.Bytes, byte(x), byte(x>>8), byte(x>>16), byte(x>>24))
}

func log2(scale uint8) byte {
	switch scale {
	case 0, 1:
		return 0
	case 2:
		return 1
	case 4:
		return 2
	case 8:
		return 3
	}
	panic(fmt.Sprintf("amd64: scale %d", scale))
}
