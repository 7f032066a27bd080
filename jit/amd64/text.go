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
		suffix := [...]string{1: "b", 2: "w", 4: "d", 8: ""}[size]
		return fmt.Sprintf("r%d%s", r, suffix)
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

// vectorName names a vector of some bytes; less than an xmm is the lower part of one.
func vectorName(n uint8, bytes int) string {
	letter := 'x'
	switch bytes {
	case 32:
		letter = 'y'
	case 64:
		letter = 'z'
	}
	return fmt.Sprintf("%cmm%d", letter, n)
}

func maskName(n uint8) string { return fmt.Sprintf("k%d", n) }

// text writes an instruction as the form says.
func (f *form) text(in *Inst) string {
	reg, src, rm := f.register(in), f.source(in), f.operand(in)
	var operands [4]string
	switch written := in.writeMask(); {
	case f.has(store):
		operands = [4]string{rm + written, src, reg}
	case f.has(wholeSource):
		operands = [4]string{reg, rm, src}
	default:
		operands = [4]string{reg + written, src, rm}
	}
	name, last := f.name, ""
	if f.has(imm) {
		name, last = f.immediate(in)
	}
	operands[3] = last
	separator := " "
	for _, operand := range operands {
		if operand != "" {
			name += separator + operand
			separator = ", "
		}
	}
	return name
}

// writeMask writes what follows the destination.
func (in *Inst) writeMask() string {
	s := ""
	if in.Mask != K0 {
		s = "{" + maskName(uint8(in.Mask)) + "}"
	}
	if in.Zero {
		s += "{z}"
	}
	return s
}

func (f *form) register(in *Inst) string {
	bytes := in.Width.bytes()
	switch {
	case f.has(regMask):
		return maskName(in.Reg)
	case f.has(regReg):
		return Reg(in.Reg).name(Size4)
	case f.has(halfReg):
		bytes /= 2
	}
	return vectorName(in.Reg, bytes)
}

func (f *form) source(in *Inst) string {
	switch {
	case f.has(srcVec):
		return vectorName(in.Src, in.Width.bytes())
	case f.has(srcMask):
		return maskName(in.Src)
	}
	return ""
}

// operand writes r/m.
func (f *form) operand(in *Inst) string {
	m, bytes := &in.RM, in.Width.bytes()
	if f.has(halfRM) {
		bytes /= 2
	}
	switch {
	case m.uses&rmVec != 0:
		if f.has(xmmRM) {
			bytes = 16
		}
		return vectorName(m.reg, bytes)
	case m.uses&rmMask != 0:
		return maskName(m.reg)
	case m.uses&rmReg != 0:
		return Reg(m.reg).name(Size4)
	}
	return f.memory(in, bytes)
}

// memory writes an operand of some bytes in memory.
func (f *form) memory(in *Inst, bytes int) string {
	whole := in.Width.bytes()
	indexBytes := whole
	if f.element == 8 { // indices have 4 bytes
		indexBytes /= 2
	}
	address := in.RM.address(indexBytes)
	switch {
	case in.RM.IsBroadcast() && f.has(halfReg) && in.Width < W512: // else the destination tells the number of elements
		return fmt.Sprintf("QWORD BCST %s{1to%d}", address, whole/8)
	case in.RM.IsBroadcast() && f.element == 8:
		return "QWORD BCST " + address
	case in.RM.IsBroadcast():
		return "DWORD BCST " + address
	case f.has(regMask) && !f.has(srcVec):
		bytes = 2
	case f.tuple == element:
		bytes = int(f.element)
	}
	return sizeNames[bytes] + address
}

var sizeNames = [...]string{1: "BYTE PTR ", 2: "WORD PTR ", 4: "DWORD PTR ", 8: "QWORD PTR ", 16: "XMMWORD PTR ",
	32: "YMMWORD PTR ", 64: "ZMMWORD PTR "}

// immediate writes the byte that follows: a fourth register, a predicate as part of the name, or a number.
func (f *form) immediate(in *Inst) (name, last string) {
	predicate := ""
	kind, compares := strings.CutPrefix(f.name, "vcmp")
	if compares && int(in.Imm) < len(floatPredicates) {
		predicate = "vcmp" + floatPredicates[in.Imm] + kind
	}
	kind, compares = strings.CutPrefix(f.name, "vpcmp")
	if compares && int(in.Imm) < len(intPredicates) && intPredicates[in.Imm] != "" {
		predicate = "vpcmp" + intPredicates[in.Imm] + kind
	}
	switch {
	case predicate != "":
		return predicate, ""
	case f.has(fourth):
		return f.name, vectorName(in.Imm>>4, in.Width.bytes())
	}
	return f.name, fmt.Sprintf("0x%x", in.Imm)
}

// Of the predicates of integers, those without a name are false and true.
var (
	floatPredicates = [...]string{"eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord",
		"eq_uq", "nge", "ngt", "false", "neq_oq", "ge", "gt", "true",
		"eq_os", "lt_oq", "le_oq", "unord_s", "neq_us", "nlt_uq", "nle_uq", "ord_s",
		"eq_us", "nge_uq", "ngt_uq", "false_os", "neq_os", "ge_oq", "gt_oq", "true_us"}
	intPredicates = [...]string{"eq", "lt", "le", "", "neq", "nlt", "nle", ""}
)

// general writes an operand of a general instruction.
func (m *RM) general(size Size) string {
	if m.uses&rmReg != 0 {
		return Reg(m.reg).name(size)
	}
	return sizeNames[size] + m.address(0)
}

// address writes the address of an operand; indexBytes is the length of a vector of indices.
func (m *RM) address(indexBytes int) string {
	s := "[" + m.base.name(Size8)
	if m.uses&indexed != 0 {
		index := Reg(m.index).name(Size8)
		if m.uses&gathers != 0 {
			index = vectorName(m.index, indexBytes)
		}
		s += fmt.Sprintf("+%s*%d", index, 1<<m.scale)
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
