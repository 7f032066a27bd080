package amd64

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

// Emit appends an instruction: in VEX encoding where the operands allow it, which is shorter, else in EVEX. It is
// inlined, which spares a copy of what the caller just wrote.
func (c *Code) Emit(in Inst) { c.Append(&in) }

// Append is Emit of an instruction that need not be copied: that costs more than to encode it.

func (c *Code) Append(in *Inst) {
	if in.Op >= numOps {
		panic(fmt.Sprintf("amd64: no instruction %d", in.Op))
	}
	f := &forms[in.Op]
	wide := f.check(in)
	reg, src := in.Reg, in.Src
	if f.has(extended) { // reg holds more of the opcode, and vvvv the destination
		reg, src = f.digit, in.Reg
	}
	var head octets
	scale := uint(0)
	if f.has(evexOnly) || wide {
		head, scale = f.evex(in, reg, src), f.scale(in)
	} else {
		head = f.vex(in, reg, src)
	}
	tail := in.RM.encode(reg, scale)
	if f.has(imm) {
		tail = tail.and(uint64(in.Imm), 1)
	}
	start := len(c.Bytes)
	c.write2(head, tail)
	if c.List {
		c.list(start, f.text(in))
	}
}

func (c *Code) list(start int, text string) {
	c.Lines = append(c.Lines, Line{start, len(c.Bytes) - start, c.Tag, text})
}

// octets are up to 7 bytes of code, the first in the lowest bits: an instruction in two of them is written without
// looking at the room left for every byte.
type octets struct {
	bits uint64
	n    uint
}

// and appends the n bytes of x.
func (o octets) and(x uint64, n uint) octets { return octets{o.bits | x<<(o.n*8&63), o.n + n} }

// write appends one.
func (c *Code) write(o octets) { c.write2(o, octets{}) }

// write2 appends two. The bytes beyond them are overwritten by the next.
func (c *Code) write2(a, b octets) {
	n := uint(len(c.Bytes))
	if uint(cap(c.Bytes))-n < 16 {
		c.Bytes = slices.Grow(c.Bytes, 16)
	}
	room := c.Bytes[n : n+16]
	binary.LittleEndian.PutUint64(room, a.bits)
	binary.LittleEndian.PutUint64(room[a.n&7:], b.bits)
	c.Bytes = c.Bytes[:n+a.n+b.n]
}

// vex returns prefix and opcode in VEX encoding, where R, X, B and vvvv are inverted.
func (f *form) vex(in *Inst, reg, src uint8) octets {
	x, b := uint32(in.RM.index)&8, (uint32(in.RM.base)|uint32(in.RM.reg))&8
	r := (^uint32(reg) & 8) << 4
	last := (^uint32(src)&15)<<3 | uint32(in.Width)<<2 | uint32(f.prefix)
	if f.has(l1) {
		last |= 1 << 2
	}
	if x|b|uint32(f.vexW) == 0 && f.opmap == map0F {
		return octets{uint64(0xc5 | (r|last)<<8 | uint32(f.opcode)<<16), 3}
	}
	first := r | (x^8)<<3 | (b^8)<<2 | uint32(f.opmap)
	return octets{uint64(0xc4 | first<<8 | (uint32(f.vexW)<<7|last)<<16 | uint32(f.opcode)<<24), 4}
}

// evex does the same in EVEX encoding: 0x62, R X B R' 0 mmm, W vvvv 1 pp, z LL b V' aaa, opcode. The fifth bit of r/m
// is in X, and that of a vector of indices in V'. Inverted are R, X, B, R', vvvv and V'.
func (f *form) evex(in *Inst, reg, src uint8) octets {
	const inverted = 0xf0<<8 | 0x78<<16 | 0x08<<24
	rm, r, v := &in.RM, uint32(reg), uint32(src)
	index, register := uint32(rm.index), uint32(rm.reg)
	form := 0x62 | uint32(f.opmap)<<8 | uint32(f.evexW)<<23 | 1<<18 | uint32(f.prefix)<<16
	registers := (r&8)<<12 | ((index|register>>1)&8)<<11 | ((uint32(rm.base)|register)&8)<<10 | (r&16)<<8 |
		(v&15)<<19 | ((v|index)&16)<<23
	lanes := zeroing(in.Zero)<<31 | uint32(in.Width)<<29 | uint32(rm.uses&noBroadcast)/uint32(noBroadcast)<<28 | uint32(in.Mask)<<24
	return octets{uint64(form|registers^inverted|lanes) | uint64(f.opcode)<<32, 5}
}

func zeroing(set bool) uint32 {
	if set {
		return 1
	}
	return 0
}

// scale is the logarithm of what EVEX multiplies a displacement of 8 bits by.
func (f *form) scale(in *Inst) uint {
	switch {
	case in.RM.IsBroadcast() || f.tuple == element || f.tuple == packed:
		return uint(bits.TrailingZeros8(f.element))
	case f.tuple == fixed32:
		return 5
	}
	return 4 + uint(in.Width) - uint(f.tuple) // full, half
}

// encode returns the bytes ModRM and SIB and the displacement, which is one byte where it is a small multiple of
// 1<<scale. RBP and R13 as base need a displacement, RSP and R12 need SIB, in which RSP as index means none.
func (m *RM) encode(reg uint8, scale uint) octets {
	reg = reg & 7 << 3
	if !m.IsMem() {
		return octets{uint64(3<<6 | reg | m.reg&7), 1}
	}
	base := uint8(m.base) & 7
	mod, disp, size := uint8(2), uint64(uint32(m.disp)), uint(4)
	if short := m.disp >> scale; short<<scale == m.disp && short == int32(int8(short)) {
		mod, disp, size = 1, uint64(uint8(short)), 1
		if short == 0 && base != uint8(RBP) {
			mod, size = 0, 0
		}
	}
	switch {
	case m.uses&indexed != 0:
		sib := m.scale<<6 | m.index&7<<3 | base
		return octets{uint64(mod<<6|reg|4) | uint64(sib)<<8 | disp<<16, 2 + size}
	case base == uint8(RSP):
		return octets{uint64(mod<<6|reg|4) | uint64(RSP<<3|RSP)<<8 | disp<<16, 2 + size}
	}
	return octets{uint64(mod<<6|reg|base) | disp<<8, 1 + size}
}
