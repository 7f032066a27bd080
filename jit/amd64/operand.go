package amd64

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

// operandKind says what an RM holds.
type operandKind uint8

const (
	kindNone operandKind = iota
	kindVec
	kindMask
	kindReg
	kindMem
)

// RM is the operand of an instruction that may be a register or memory: the field r/m of the encoding.
type RM struct {
	kind      operandKind
	reg       uint8 // of a register operand
	base      Reg
	indexed   bool
	vectorIdx bool // the index is a vector register
	index     uint8
	scale     uint8 // 1, 2, 4 or 8
	broadcast bool  // one element, for all
	disp      int32
}

// V is a vector register as an operand.
func V(v Vec) RM { return RM{kind: kindVec, reg: uint8(v)} }

// K is a mask register as an operand.
func K(k Mask) RM { return RM{kind: kindMask, reg: uint8(k)} }

// R is a general register as an operand.
func R(r Reg) RM { return RM{kind: kindReg, reg: uint8(r)} }

// Mem is the memory at base + disp.
func Mem(base Reg, disp int32) RM { return RM{kind: kindMem, base: base, disp: disp} }

// Index adds index*scale to the address of a memory operand; the index may not be RSP.
func (m RM) Index(index Reg, scale uint8) RM {
	m.indexed, m.index, m.scale = true, uint8(index), scale
	return m
}

// Lanes adds the lanes of a vector register, sign-extended and times scale, to the address: gathers and scatters.
func (m RM) Lanes(index Vec, scale uint8) RM {
	m.indexed, m.vectorIdx, m.index, m.scale = true, true, uint8(index), scale
	return m
}

// Broadcast makes one element of memory the operand of every lane.
func (m RM) Broadcast() RM {
	m.broadcast = true
	return m
}

// IsMem tells whether the operand is memory.
func (m RM) IsMem() bool { return m.kind == kindMem }

// IsBroadcast tells whether the operand is one element of memory for all lanes.
func (m RM) IsBroadcast() bool { return m.broadcast }

// Whole undoes Broadcast.
func (m RM) Whole() RM {
	m.broadcast = false
	return m
}

// Plus moves a memory operand by some bytes.
func (m RM) Plus(bytes int32) RM {
	m.disp += bytes
	return m
}
