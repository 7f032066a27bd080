package amd64

import "math/bits"

// Vec is a vector register: xmm, ymm or zmm, 0 to 31 (VEX reaches 0 to 15).
type Vec uint8

// Mask is a mask register k0 to k7. As a write mask, K0 means none.
type Mask uint8

// K0 is no write mask.
const K0 Mask = 0

// Reg is a general register.
type Reg uint8

// The general registers.
const (
	RAX Reg = iota
	RCX
	RDX
	RBX
	RSP
	RBP
	RSI
	RDI
	R8
	R9
	R10
	R11
	R12
	R13
	R14
	R15
)

// Width is the length of a vector.
type Width uint8

// The widths, as VEX.L and EVEX.L'L hold them.
const (
	W128 Width = iota
	W256
	W512
)

// bytes returns the length in bytes.
func (w Width) bytes() int { return 16 << w }

// RM is the operand of an instruction that may be a register or memory: the field r/m of the encoding.
type RM struct {
	uses  flags // what a form must have, or must not, to take it
	reg   uint8 // of a register operand
	base  Reg
	index uint8
	scale uint8 // as a logarithm
	disp  int32
}

// V is a vector register as an operand.
func V(v Vec) RM {
	if v > 31 {
		refuse("V", "no such register")
	}
	return RM{uses: rmVec, reg: uint8(v)}
}

// K is a mask register as an operand.
func K(k Mask) RM {
	if k > 7 {
		refuse("K", "no such register")
	}
	return RM{uses: rmMask, reg: uint8(k)}
}

// R is a general register as an operand.
func R(r Reg) RM {
	if r > R15 {
		refuse("R", "no such register")
	}
	return RM{uses: rmReg, reg: uint8(r)}
}

// Mem is the memory at base + disp.
func Mem(base Reg, disp int32) RM {
	if base > R15 {
		refuse("Mem", "no such register")
	}
	return RM{uses: rmMem, base: base, disp: disp}
}

// Index adds index*scale to the address of a memory operand; the index may not be RSP. The scale is 1, 2, 4 or 8.
func (m RM) Index(index Reg, scale uint8) RM {
	if index == RSP || index > R15 {
		refuse("Index", "a register that cannot be an index")
	}
	return m.indexBy(uint8(index), scale)
}

// Lanes adds the lanes of a vector register, sign-extended and times scale, to the address: gathers and scatters.
func (m RM) Lanes(index Vec, scale uint8) RM {
	if index > 31 {
		refuse("Lanes", "no such register")
	}
	m.uses |= gathers
	return m.indexBy(uint8(index), scale)
}

func (m RM) indexBy(index, scale uint8) RM {
	switch {
	case !m.IsMem() || m.uses&indexed != 0:
		refuse("Index", "not memory, or it has an index")
	case scale > 8 || bits.OnesCount8(scale) != 1:
		refuse("Index", "the scale is 1, 2, 4 or 8")
	}
	m.uses |= indexed
	m.index, m.scale = index, uint8(bits.TrailingZeros8(scale))
	return m
}

// Broadcast makes one element of memory the operand of every lane.
func (m RM) Broadcast() RM {
	if !m.IsMem() {
		refuse("Broadcast", "not memory")
	}
	m.uses |= noBroadcast
	return m
}

// IsMem tells whether the operand is memory.
func (m RM) IsMem() bool { return m.uses&rmMem != 0 }

// IsBroadcast tells whether the operand is one element of memory for all lanes.
func (m RM) IsBroadcast() bool { return m.uses&noBroadcast != 0 }

// Whole undoes Broadcast.
func (m RM) Whole() RM {
	m.uses &^= noBroadcast
	return m
}

// Plus moves a memory operand by some bytes.
func (m RM) Plus(bytes int32) RM {
	if !m.IsMem() {
		refuse("Plus", "not memory")
	}
	m.disp += bytes
	return m
}
