package amd64

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

// Emit appends an instruction: in VEX encoding where the operands allow it, which is shorter, else in EVEX.
func (c *Code) Emit(in Inst) {
	if in.Op >= numOps {
		panic(fmt.Sprintf("amd64: no instruction %d", in.Op))
	}
	f := &forms[in.Op]
	wide := f.check(&in)
	reg, src := in.Reg, in.Src
	if f.has(extended) { // reg holds more of the opcode, and vvvv the destination
		reg, src = f.digit, in.Reg
	}
	var head octets
	scale := uint(0)
	if f.has(evexOnly) || wide {
		head, scale = f.evex(&in, reg, src), f.scale(&in)
	} else {
		head = f.vex(&in, reg, src)
	}
	tail := in.RM.encode(reg, scale)
	if f.has(imm) {
		tail = tail.and(uint64(in.Imm), 1)
	}
	start := len(c.Bytes)
	c.write2(head, tail)
	if c.List {
		c.list(start, f.text(&in))
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

// vex returns prefix and opcode in VEX encoding. The fields R, X, B and vvvv are inverted.
func (f *form) vex(in *Inst, reg, src uint8) octets {
	r, x, b := reg>>3&1, in.RM.index>>3&1, (uint8(in.RM.base)|in.RM.reg)>>3&1
	l := uint8(in.Width)
	if f.has(l1) {
		l = 1
	}
	last := (src^15)<<3 | l<<2 | uint8(f.prefix)
	if x|b|f.vexW == 0 && f.opmap == map0F {
		return octets{0xc5 | uint64((r^1)<<7|last)<<8 | uint64(f.opcode)<<16, 3}
	}
	first := (r^1)<<7 | (x^1)<<6 | (b^1)<<5 | uint8(f.opmap)
	return octets{0xc4 | uint64(first)<<8 | uint64(f.vexW<<7|last)<<16 | uint64(f.opcode)<<24, 4}
}

// evex does the same in EVEX encoding. The fifth bit of r/m is in X, and that of a vector of indices where that of
// vvvv is otherwise; R' and V' are inverted too.
func (f *form) evex(in *Inst, reg, src uint8) octets {
	rm := &in.RM
	x, b := (rm.index>>3|rm.reg>>4)&1, (uint8(rm.base)|rm.reg)>>3&1
	v := (src | rm.index) >> 4 & 1
	first := (reg>>3&1^1)<<7 | (x^1)<<6 | (b^1)<<5 | (reg>>4&1^1)<<4 | uint8(f.opmap)
	second := f.evexW<<7 | (src&15^15)<<3 | 1<<2 | uint8(f.prefix)
	third := bit(in.Zero)<<7 | uint8(in.Width)<<5 | bit(rm.IsBroadcast())<<4 | (v^1)<<3 | uint8(in.Mask)
	return octets{0x62 | uint64(first)<<8 | uint64(second)<<16 | uint64(third)<<24 | uint64(f.opcode)<<32, 5}
}

func bit(set bool) uint8 {
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
