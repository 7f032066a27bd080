package amd64

// A processor raises #UD, or does something else than meant, where an operand does not fit. Nothing here is reached by
// a correct compiler, so that a panic names the mistake where it is made.

func refuse(name, why string) { panic("amd64: " + name + ": " + why) }

// check refuses operands that do not fit the form.
func (f *form) check(in *Inst) {
	rm := &in.RM
	// The flags of the kinds of r/m stand in the order of the kinds; none is a shift by 255, which leaves nothing.
	if !f.has(rmVec<<(rm.kind-kindVec)) || in.Width > W512 || f.has(no128<<in.Width) {
		f.refuseKind(in)
	}
	if in.Reg|in.Src|rm.reg > 7 {
		f.checkNumbers(in)
	}
	if !f.has(srcVec|srcMask) && in.Src != 0 || !f.has(imm) && in.Imm != 0 {
		refuse(f.name, "an operand too many")
	}
	if f.has(fourth) && in.Imm&15 != 0 {
		refuse(f.name, "Imm is the number of a vector times 16")
	}
	if rm.kind == kindMem {
		rm.check(f.name, f.has(gathers))
	} else if rm.indexed || rm.broadcast || rm.disp != 0 {
		refuse(f.name, "an address of a register")
	}
	if f.has(noBroadcast) && rm.broadcast {
		refuse(f.name, "no broadcast")
	}
	if f.has(vexOnly) && in.beyondVEX() {
		refuse(f.name, "no 512 bits, masks, broadcasts or registers above 15")
	}
	if in.Mask != K0 || in.Zero {
		f.checkMask(in)
	}
	if f.has(gathers) {
		f.checkGather(in)
	}
}

// refuseKind says what is wrong with r/m or the width.
func (f *form) refuseKind(in *Inst) {
	switch {
	case in.RM.kind == kindNone:
		refuse(f.name, "an operand is missing")
	case in.Width > W512 || f.has(no128<<in.Width):
		refuse(f.name, "no such width")
	}
	refuse(f.name, "an operand of another kind")
}

// checkNumbers refuses registers that do not exist. Vectors above 15 are left to the encodings.
func (f *form) checkNumbers(in *Inst) {
	rm := uint8(15)
	switch in.RM.kind {
	case kindVec:
		rm = 31
	case kindMask:
		rm = 7
	}
	if in.Reg > f.most(regVec, regMask) || in.Src > f.most(srcVec, srcMask) || in.RM.reg > rm {
		refuse(f.name, "no such register")
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

// check refuses addresses that cannot be encoded.
func (m *RM) check(name string, vector bool) {
	switch {
	case m.vectorIdx != vector:
		refuse(name, "only gathers and scatters, and all of them, take a vector of indices")
	case m.base > R15:
		refuse(name, "no such base register")
	case !m.indexed:
		return
	case m.scale == 0 || m.scale > 8 || m.scale&(m.scale-1) != 0:
		refuse(name, "the scale is 1, 2, 4 or 8")
	case !vector && Reg(m.index) == RSP:
		refuse(name, "RSP as index")
	case m.index > 31 || !vector && m.index > 15:
		refuse(name, "no such index register")
	}
}

// checkMask refuses write masks. Zeroing is not for memory, nor for masks, which comparisons clear in any case.
func (f *form) checkMask(in *Inst) {
	switch {
	case in.Mask > 7:
		refuse(f.name, "no such mask")
	case f.has(noMask):
		refuse(f.name, "no mask")
	case in.Zero && (in.Mask == K0 || f.has(gathers|regMask) || in.RM.kind == kindMem && f.has(store)):
		refuse(f.name, "zeroing needs a mask and a vector register that is written whole")
	}
}

// checkGather refuses what gathers and scatters alone must not have: a gather stopped by a page fault goes on from its
// registers, so they must differ.
func (f *form) checkGather(in *Inst) {
	switch {
	case f.has(evexOnly) && in.Mask == K0:
		refuse(f.name, "needs a mask")
	case f.has(store):
		return
	case in.Reg == in.RM.index || f.has(srcVec) && (in.Src == in.Reg || in.Src == in.RM.index):
		refuse(f.name, "destination, indices and mask must be different registers")
	}
}
