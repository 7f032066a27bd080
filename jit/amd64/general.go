package amd64

import (
	"encoding/binary"
	"fmt"
)

// Condition is when a jump is taken, as the opcode holds it.
type Condition uint8

// The conditions. Below and Above compare unsigned numbers.
const (
	Below        Condition = 2
	AboveOrEqual Condition = 3
	Equal        Condition = 4
	NotEqual     Condition = 5
	BelowOrEqual Condition = 6
	Above        Condition = 7
	Negative     Condition = 8
	Less         Condition = 12
	GreaterEqual Condition = 13
)

var conditionNames = [16]string{"o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"}

// Size is the number of bytes that a general instruction works on.
type Size uint8

// The sizes. Instructions of four bytes clear the upper half of a register they write.
const (
	Size4 Size = 4
	Size8 Size = 8
)

// general is an instruction with a register and an operand that may be memory.
type general struct {
	name         string
	prefix       byte    // 0: none
	opcode       [2]byte // the second 0: none
	size         Size    // of the operation
	regSize      Size    // for the text, where it is not size
	rmSize       Size
	operandFirst bool // r/m stands first in the text
	memory       bool // r/m is memory
}

// general appends an instruction.
func (c *Code) general(g general, reg Reg, m RM) {
	start := len(c.Bytes)
	if g.memory && !m.IsMem() {
		refuse(g.name, "an operand that is not memory")
	}
	if reg > R15 {
		refuse(g.name, "no such register")
	}
	c.head(&g, uint8(reg), &m)
	c.write(m.encode(uint8(reg), 0))
	if c.List {
		c.list(start, g.text(reg, m))
	}
}

// head appends what precedes ModRM: the prefix, REX if it is needed, and the opcode.
func (c *Code) head(g *general, reg uint8, m *RM) {
	if g.size != Size4 && g.size != Size8 {
		refuse(g.name, "no such size")
	}
	if m.uses&^indexed != rmReg && m.uses&^indexed != rmMem {
		refuse(g.name, "an operand that is neither a general register nor memory")
	}
	var o octets
	if g.prefix != 0 {
		o = o.and(uint64(g.prefix), 1)
	}
	rex := byte(0x40) | byte(g.size)&8 | reg>>3<<2 | m.index>>3<<1 | (uint8(m.base)|m.reg)>>3
	if rex != 0x40 {
		o = o.and(uint64(rex), 1)
	}
	o = o.and(uint64(g.opcode[0]), 1)
	if g.opcode[1] != 0 {
		o = o.and(uint64(g.opcode[1]), 1)
	}
	c.write(o)
}

func (g *general) text(reg Reg, m RM) string {
	regSize, rmSize := g.size, g.size
	if g.regSize != 0 {
		regSize = g.regSize
	}
	if g.rmSize != 0 {
		rmSize = g.rmSize
	}
	a, b := reg.name(regSize), m.general(rmSize)
	switch {
	case g.name == "lea":
		b = m.address(0)
	case g.operandFirst:
		a, b = b, a
	}
	return g.name + " " + a + ", " + b
}

// Load is mov reg, r/m.
func (c *Code) Load(size Size, dst Reg, m RM) {
	c.general(general{name: "mov", opcode: [2]byte{0x8b}, size: size}, dst, m)
}

// Store is mov r/m, reg.
func (c *Code) Store(size Size, m RM, src Reg) {
	c.general(general{name: "mov", opcode: [2]byte{0x89}, size: size, operandFirst: true}, src, m)
}

// StoreByte is mov byte [m], reg; the register is one of RAX to RBX, or R8 and above.
func (c *Code) StoreByte(m RM, src Reg) {
	if src >= RSP && src <= RDI {
		refuse("mov", "no byte of that register")
	}
	c.general(general{name: "mov", opcode: [2]byte{0x88}, size: Size4, regSize: 1, rmSize: 1, operandFirst: true, memory: true}, src, m)
}

// StoreWord is mov word [m], reg.
func (c *Code) StoreWord(m RM, src Reg) {
	c.general(general{name: "mov", prefix: 0x66, opcode: [2]byte{0x89}, size: Size4, regSize: 2, rmSize: 2, operandFirst: true, memory: true}, src, m)
}

// LoadAddress is lea reg, [m].
func (c *Code) LoadAddress(dst Reg, m RM) {
	c.general(general{name: "lea", opcode: [2]byte{0x8d}, size: Size8, memory: true}, dst, m)
}

// SignExtend is movsxd reg, r/m: 64 bits from 32.
func (c *Code) SignExtend(dst Reg, m RM) {
	c.general(general{name: "movsxd", opcode: [2]byte{0x63}, size: Size8, rmSize: Size4}, dst, m)
}

// Move is mov dst, src.
func (c *Code) Move(size Size, dst, src Reg) { c.Load(size, dst, R(src)) }

// Add is add reg, r/m.
func (c *Code) Add(size Size, dst Reg, m RM) {
	c.general(general{name: "add", opcode: [2]byte{0x03}, size: size}, dst, m)
}

// Sub is sub reg, r/m.
func (c *Code) Sub(size Size, dst Reg, m RM) {
	c.general(general{name: "sub", opcode: [2]byte{0x2b}, size: size}, dst, m)
}

// And is and reg, r/m.
func (c *Code) And(size Size, dst Reg, m RM) {
	c.general(general{name: "and", opcode: [2]byte{0x23}, size: size}, dst, m)
}

// Compare is cmp reg, r/m.
func (c *Code) Compare(size Size, a Reg, m RM) {
	c.general(general{name: "cmp", opcode: [2]byte{0x3b}, size: size}, a, m)
}

// Test is test r/m, reg.
func (c *Code) Test(size Size, m RM, b Reg) {
	c.general(general{name: "test", opcode: [2]byte{0x85}, size: size, operandFirst: true}, b, m)
}

// TrailingZeros is tzcnt reg, r/m, of 32 bits.
func (c *Code) TrailingZeros(dst Reg, m RM) {
	c.general(general{name: "tzcnt", prefix: 0xf3, opcode: [2]byte{0x0f, 0xbc}, size: Size4}, dst, m)
}

// PopCount is popcnt reg, r/m, of 32 bits.
func (c *Code) PopCount(dst Reg, m RM) {
	c.general(general{name: "popcnt", prefix: 0xf3, opcode: [2]byte{0x0f, 0xb8}, size: Size4}, dst, m)
}

// immediate appends an instruction of group 1 with an operand and a constant, sign-extended. Constants of 32 bits have
// a shorter form for RAX.
func (c *Code) immediate(size Size, digit byte, name string, m RM, x int32) {
	start := len(c.Bytes)
	short := x == int32(int8(x))
	g := general{name: name, opcode: [2]byte{0x81}, size: size}
	switch {
	case short:
		g.opcode[0] = 0x83
	case m == R(RAX):
		g.opcode[0] = digit<<3 | 5
	}
	c.head(&g, 0, &m)
	if short || m != R(RAX) {
		c.write(m.encode(digit, 0))
	}
	if short {
		c.Bytes = append(c.Bytes, byte(x))
	} else {
		c.imm32(uint32(x))
	}
	if c.List {
		c.list(start, name+" "+m.general(size)+", "+hex(int64(x), size))
	}
}

func (c *Code) imm32(x uint32) { c.Bytes = binary.LittleEndian.AppendUint32(c.Bytes, x) }

// AddImm is add r/m, x.
func (c *Code) AddImm(size Size, m RM, x int32) { c.immediate(size, 0, "add", m, x) }

// AndImm is and r/m, x.
func (c *Code) AndImm(size Size, m RM, x int32) { c.immediate(size, 4, "and", m, x) }

// SubImm is sub r/m, x.
func (c *Code) SubImm(size Size, m RM, x int32) { c.immediate(size, 5, "sub", m, x) }

// CompareImm is cmp r/m, x.
func (c *Code) CompareImm(size Size, m RM, x int32) { c.immediate(size, 7, "cmp", m, x) }

// StoreImm is mov r/m, x, sign-extended to the size.
func (c *Code) StoreImm(size Size, m RM, x int32) {
	if m.uses == rmReg && size == Size4 {
		c.LoadImm(Reg(m.reg), uint32(x))
		return
	}
	start := len(c.Bytes)
	c.head(&general{name: "mov", opcode: [2]byte{0xc7}, size: size}, 0, &m)
	c.write(m.encode(0, 0))
	c.imm32(uint32(x))
	if c.List {
		c.list(start, "mov "+m.general(size)+", "+hex(int64(x), size))
	}
}

// LoadImm is mov reg, x of 32 bits; the upper half is cleared.
func (c *Code) LoadImm(dst Reg, x uint32) {
	start := len(c.Bytes)
	m := R(dst)
	c.head(&general{name: "mov", opcode: [2]byte{0xb8 | byte(dst)&7}, size: Size4}, 0, &m)
	c.imm32(x)
	if c.List {
		c.list(start, "mov "+dst.name(Size4)+", "+hex(int64(x), Size4))
	}
}

// Jump is jmp.
func (c *Code) Jump(l Label) {
	start := len(c.Bytes)
	c.reference(octets{0xe9, 1}, l)
	if c.List {
		c.list(start, fmt.Sprintf("jmp L%d", l))
	}
}

// JumpIf is a conditional jump.
func (c *Code) JumpIf(when Condition, l Label) {
	if when > 15 {
		refuse("j", "no such condition")
	}
	start := len(c.Bytes)
	c.reference(octets{0x0f | (0x80|uint64(when))<<8, 2}, l)
	if c.List {
		c.list(start, fmt.Sprintf("j%s L%d", conditionNames[when], l))
	}
}

// JumpTo is jmp to the address in a register.
func (c *Code) JumpTo(r Reg) {
	start := len(c.Bytes)
	m := R(r)
	c.head(&general{name: "jmp", opcode: [2]byte{0xff}, size: Size4}, 0, &m) // of 64 bits in any case
	c.write(m.encode(4, 0))
	if c.List {
		c.list(start, "jmp "+r.name(Size8))
	}
}

// AddressOf is lea reg, [rip + label].
func (c *Code) AddressOf(dst Reg, l Label) {
	if dst > R15 {
		refuse("lea", "no such register")
	}
	start := len(c.Bytes)
	rex, modRM := 0x48|dst>>3<<2, dst&7<<3|5
	c.reference(octets{uint64(rex) | 0x8d<<8 | uint64(modRM)<<16, 3}, l)
	if c.List {
		c.list(start, fmt.Sprintf("lea %s, [rip+L%d]", dst.name(Size8), l))
	}
}

// Return is vzeroupper, without which Go's code would run slower, and ret.
func (c *Code) Return() {
	start := len(c.Bytes)
	c.Bytes = append(c.Bytes, 0xc5, 0xf8, 0x77)
	if c.List {
		c.list(start, "vzeroupper")
	}
	c.Bytes = append(c.Bytes, 0xc3)
	if c.List {
		c.list(start+3, "ret")
	}
}
