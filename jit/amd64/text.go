package amd64

import (
	"fmt"
	"strings"
)

// Text in Intel's syntax, as the GNU disassembler writes it.

var names8 = [...]string{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"}

// name returns a register's name at a size of 1, 2, 4 or 8 bytes.
func (r Reg) name(size Size) string {
	if r >= 8 {
		return fmt.Sprintf("r%d%s", r, map[Size]string{1: "b", 2: "w", 4: "d", 8: ""}[size])
	}
	switch size {
	case 8:
		return names8[r]
	case 4:
		return "e" + names8[r][1:]
	case 2:
		return names8[r][1:]
	}
	return names8[r][1:2] + "l"
}

func (r Reg) String() string { return r.name(Size8) }

func vectorName(n uint8, bytes int) string {
	return fmt.Sprintf("%cmm%d", map[int]byte{8: 'x', 16: 'x', 32: 'y', 64: 'z'}[bytes], n)
}

// text writes an instruction as the form says.
func (f *form) text(in *Inst) string {
	whole := in.Width.bytes()
	var ops []string
	reg := f.register(in, whole)
	rm := f.operand(in, whole)
	mask := ""
	if in.Mask != K0 {
		mask = fmt.Sprintf("{k%d}", in.Mask)
	}
	if in.Zero {
		mask += "{z}"
	}
	src := ""
	switch {
	case f.has(srcVec):
		src = vectorName(in.Src, whole)
	case f.has(srcMask):
		src = fmt.Sprintf("k%d", in.Src)
	}
	switch {
	case f.has(store):
		ops = []string{rm + mask, src, reg}
	case f.has(wholeSource):
		ops = []string{reg, rm, src}
	default:
		ops = []string{reg + mask, src, rm}
	}
	if f.opcode == 0x4a || f.opcode == 0x4b && f.opmap == map0F3A {
		ops = append(ops, vectorName(in.Imm>>4, whole))
	} else if f.has(imm) {
		ops = append(ops, fmt.Sprintf("0x%x", in.Imm))
	}
	kept := ops[:0]
	for _, op := range ops {
		if op != "" {
			kept = append(kept, op)
		}
	}
	return f.name + " " + strings.Join(kept, ", ")
}

func (f *form) register(in *Inst, whole int) string {
	switch {
	case f.has(regMask):
		return fmt.Sprintf("k%d", in.Reg)
	case f.has(regReg):
		return Reg(in.Reg).name(Size4)
	case f.has(halfReg):
		whole /= 2
	}
	return vectorName(in.Reg, whole)
}

// operand writes r/m.
func (f *form) operand(in *Inst, whole int) string {
	bytes := whole
	switch {
	case f.has(halfRM):
		bytes /= 2
	case f.has(xmmRM):
		bytes = 16
	}
	switch m := &in.RM; m.kind {
	case kindVec:
		return vectorName(m.reg, bytes)
	case kindMask:
		return fmt.Sprintf("k%d", m.reg)
	case kindReg:
		return Reg(m.reg).name(Size4)
	default:
		if m.broadcast {
			return map[uint8]string{4: "DWORD BCST ", 8: "QWORD BCST "}[f.element] + m.vectorAddress(whole)
		}
		if f.tuple == element {
			bytes = int(f.element)
		}
		if f.has(regMask) && !f.has(srcVec) {
			bytes = 2
		}
		return sizeNames[bytes] + m.vectorAddress(f.indexBytes(whole))
	}
}

// indexBytes is the width of a vector of indices: half of the vector where elements have 8 bytes.
func (f *form) indexBytes(whole int) int {
	if f.element == 8 {
		return whole / 2
	}
	return whole
}

var sizeNames = map[int]string{1: "BYTE PTR ", 2: "WORD PTR ", 4: "DWORD PTR ", 8: "QWORD PTR ", 16: "XMMWORD PTR ",
	32: "YMMWORD PTR ", 64: "ZMMWORD PTR "}

// general writes an operand of a general instruction.
func (m RM) general(size Size) string {
	if m.kind == kindReg {
		return Reg(m.reg).name(size)
	}
	return sizeNames[int(size)] + m.address()
}

func (m *RM) address() string { return m.vectorAddress(64) }

func (m *RM) vectorAddress(indexBytes int) string {
	s := "[" + m.base.name(Size8)
	if m.indexed {
		index := Reg(m.index).name(Size8)
		if m.vectorIdx {
			index = vectorName(m.index, indexBytes)
		}
		s += fmt.Sprintf("+%s*%d", index, max(m.scale, 1))
	}
	switch {
	case m.disp > 0:
		s += fmt.Sprintf("+0x%x", m.disp)
	case m.disp < 0:
		s += fmt.Sprintf("-0x%x", -int64(m.disp))
	case m.base&7 == RBP: // has a displacement in any case
		s += "+0x0"
	}
	return s + "]"
}

// hex writes a constant as the disassembler does: as the bits of its size.
func hex(x int64, size Size) string {
	if size == Size4 {
		return fmt.Sprintf("0x%x", uint32(x))
	}
	return fmt.Sprintf("0x%x", uint64(x))
}
