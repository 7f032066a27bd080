package amd64

// A processor raises #UD, or does something else than meant, where an operand does not fit. Nothing here is reached by
// a correct compiler, so that a panic names the mistake where it is made. Operands that do not exist at all are refused
// by what makes an RM.

func refuse(name, why string) { panic("amd64: " + name + ": " + why) }

// required are the flags that a form must have if an instruction uses what they stand for. Others stand for what a form
// lacks: there they must not be set.
const required = rmVec | rmMask | rmReg | rmMem | imm | gathers

// check refuses operands that do not fit the form, and tells whether they need EVEX encoding if there are both.
func (f *form) check(in *Inst) (wide bool) {
	rm := &in.RM
	uses := rm.uses | no128<<in.Width
	// Only vectors have numbers above 15, as checkNumbers sees to.
	wide = in.Width == W512 || in.Mask != K0 || (in.Reg|in.Src|rm.reg|rm.index) > 15 || rm.uses&noBroadcast != 0
	if wide {
		uses |= vexOnly
	}
	if in.Imm != 0 {
		uses |= imm
	}
	if uses&(f.flags^required) != 0 || rm.uses == 0 || in.Width > W512 {
		f.explain(in, uses)
	}
	if n := in.Reg | in.Src; n > 31 || n > 7 && f.has(regMask|regReg|srcMask) || in.Src != 0 && !f.has(srcVec|srcMask) {
		f.checkNumbers(in)
	}
	if in.Mask != K0 || in.Zero {
		f.checkMask(in)
	}
	if f.has(gathers | fourth) {
		f.checkRare(in)
	}
	return wide
}

// explain refuses an instruction that uses what the form does not have.
func (f *form) explain(in *Inst, uses flags) {
	const kinds = rmVec | rmMask | rmReg | rmMem
	wrong := uses & (f.flags ^ required)
	switch {
	case in.RM.uses == 0:
		refuse(f.name, "an operand is missing")
	case in.Width > W512 || wrong&(no128|no256|no512) != 0:
		refuse(f.name, "no such width")
	case wrong&kinds != 0:
		refuse(f.name, "an operand of another kind")
	case wrong&noBroadcast != 0:
		refuse(f.name, "no broadcast")
	case wrong&vexOnly != 0:
		refuse(f.name, "no 512 bits, masks, broadcasts or registers above 15")
	case wrong&imm != 0:
		refuse(f.name, "an operand too many")
	}
	refuse(f.name, "only gathers and scatters take a vector of indices")
}

// checkNumbers refuses registers that do not exist. Vectors above 15 are left to the encodings.
func (f *form) checkNumbers(in *Inst) {
	if in.Src != 0 && !f.has(srcVec|srcMask) {
		refuse(f.name, "an operand too many")
	}
	if in.Reg > f.most(regVec, regMask) || in.Src > f.most(srcVec, srcMask) {
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

// checkMask refuses write masks. Zeroing is not for memory, nor for masks, which comparisons clear in any case.
func (f *form) checkMask(in *Inst) {
	switch {
	case in.Mask > 7:
		refuse(f.name, "no such mask")
	case f.has(noMask):
		refuse(f.name, "no mask")
	case in.Zero && (in.Mask == K0 || f.has(gathers|regMask) || in.RM.IsMem() && f.has(store)):
		refuse(f.name, "zeroing needs a mask and a vector register that is written whole")
	}
}

// checkRare refuses what only few instructions must not have. A gather stopped by a page fault goes on from its
// registers, so they must differ.
func (f *form) checkRare(in *Inst) {
	switch {
	case f.has(fourth):
		if in.Imm&15 != 0 {
			refuse(f.name, "Imm is the number of a vector times 16")
		}
	case in.RM.uses&gathers == 0:
		refuse(f.name, "needs a vector of indices")
	case f.has(evexOnly) && in.Mask == K0:
		refuse(f.name, "needs a mask")
	case f.has(store):
		return
	case in.Reg == in.RM.index || f.has(srcVec) && (in.Src == in.Reg || in.Src == in.RM.index):
		refuse(f.name, "destination, indices and mask must be different registers")
	}
}
