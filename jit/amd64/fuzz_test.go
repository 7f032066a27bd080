package amd64

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// source reads numbers from bytes, and zeros at their end.
type source struct{ data []byte }

func (s *source) below(n uint8) uint8 {
	if len(s.data) == 0 {
		return 0
	}
	b := s.data[0]
	s.data = s.data[1:]
	return b % n
}

func (s *source) oneIn(n uint8) bool { return s.below(n) == n-1 }

// instruction reads an instruction of any kind, possible or not. Most would be refused, so that in most the first byte
// has what is refused in any case mended.
func (s *source) instruction() Inst {
	lax := s.oneIn(8)
	in := Inst{Op: Op(s.below(255)), Width: Width(s.below(4)), Reg: s.below(33), Src: s.below(33), Mask: Mask(s.below(9)),
		Zero: s.oneIn(4), Imm: s.below(255)}
	if lax {
		in.RM = s.operand(rmVec<<s.below(5), s.oneIn(8), 32)
		return in
	}
	in.plausible()
	f := &forms[in.Op]
	kind := rmVec << s.below(4)
	for !f.has(kind) {
		if kind *= 2; kind > rmMem {
			kind = rmVec
		}
	}
	if f.has(vexOnly) {
		in.RM = s.operand(kind, f.has(gathers), 16).Whole()
	} else {
		in.RM = s.operand(kind, f.has(gathers), 32)
	}
	return in
}

// plausible mends the operands but r/m.
func (in *Inst) plausible() {
	in.Op %= numOps
	f := &forms[in.Op]
	in.Width %= 3
	if f.has(vexOnly) {
		in.Mask, in.Zero, in.Reg, in.Src = 0, false, in.Reg&15, in.Src&15
	}
	if !f.has(srcVec | srcMask) {
		in.Src = 0
	}
	if f.has(fourth) {
		in.Imm &= 0xf0
	} else if !f.has(imm) {
		in.Imm = 0
	}
}

// operand reads r/m of a kind, or none, with vectors below a number.
func (s *source) operand(kind flags, vector bool, vectors uint8) RM {
	switch kind {
	case rmVec:
		return V(Vec(s.below(vectors)))
	case rmMask:
		return K(Mask(s.below(8)))
	case rmReg:
		return R(Reg(s.below(16)))
	case rmMem:
		return s.memory(vector, vectors)
	}
	return RM{}
}

func (s *source) memory(vector bool, vectors uint8) RM {
	m := Mem(Reg(s.below(16)), int32(s.below(255))<<s.below(32))
	if s.oneIn(2) {
		m.disp = -m.disp
	}
	switch {
	case vector:
		m = m.Lanes(Vec(s.below(vectors)), 1<<s.below(4))
	case s.oneIn(2):
		if index := Reg(s.below(16)); index != RSP {
			m = m.Index(index, 1<<s.below(4))
		}
	}
	if s.oneIn(4) {
		m = m.Broadcast()
	}
	return m
}

// tryEmit emits an instruction and tells whether it was accepted.
func tryEmit(t *testing.T, c *Code, in Inst) bool {
	t.Helper()
	size, lines := len(c.Bytes), len(c.Lines)
	got := refusal(func() { c.Emit(in) })
	if got != "no refusal" {
		if !strings.HasPrefix(got, "amd64: ") {
			t.Fatalf("%+v: %s", in, got)
		}
		if len(c.Bytes) != size || len(c.Lines) != lines {
			t.Fatalf("%+v: refused, but something was written", in)
		}
		return false
	}
	return true
}

// checkEmitted holds what is true of every instruction.
func checkEmitted(t *testing.T, in Inst) {
	t.Helper()
	c, plain := &Code{List: true}, &Code{Bytes: []byte{0x90}}
	if !tryEmit(t, c, in) {
		return
	}
	plain.Emit(in)
	line := c.Lines[0]
	switch {
	case len(c.Lines) != 1 || line.Offset != 0 || line.Size != len(c.Bytes) || line.Size < 4 || line.Size > 12:
		t.Fatalf("%+v: %d bytes, listed as %+v", in, len(c.Bytes), c.Lines)
	case !bytes.Equal(plain.Bytes[1:], c.Bytes):
		t.Fatalf("%+v: % x without a listing, % x with one", in, plain.Bytes[1:], c.Bytes)
	case !strings.HasPrefix(line.Text, "v") && !strings.HasPrefix(line.Text, "k") || strings.Contains(line.Text, "%!"):
		t.Fatalf("%+v: %q", in, line.Text)
	}
}

// Whatever is asked for is refused with a reason, or encoded.
func FuzzEncode(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		f.Add(randomBytes(random))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkEmitted(t, (&source{data}).instruction()) })
}

func randomBytes(random *rand.Rand) []byte {
	data := make([]byte, 19)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	return data
}

// Random instructions are to objdump what our listing says, one by one, and every form is among them.
func TestRandomInstructions(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	c := &Code{List: true}
	seen := map[Op]int{}
	tries := 0
	for ; len(c.Lines) < 20_000 && tries < 1_000_000; tries++ {
		in := (&source{randomBytes(random)}).instruction()
		checkEmitted(t, in)
		if tryEmit(t, c, in) {
			seen[in.Op]++
		}
	}
	t.Logf("%d of %d accepted", len(c.Lines), tries)
	for op := range numOps {
		if seen[op] == 0 {
			t.Errorf("%s was never accepted", forms[op].name)
		}
	}
	needBinutils(t)
	compareWithBinutils(t, c)
}

// compareWithBinutils holds a listing against objdump's text, and the bytes against what as makes of that.
func compareWithBinutils(t *testing.T, c *Code) {
	t.Helper()
	wrong := 0
	fail := func(format string, args ...any) {
		if wrong++; wrong <= 20 {
			t.Errorf(format, args...)
		}
	}
	texts := disassemble(t, c)
	hinted := make([]string, len(texts))
	for i, text := range texts {
		if text != c.Lines[i].Text {
			fail("% x is %q, objdump says %q", c.bytesOf(i), c.Lines[i].Text, text)
		}
		hinted[i] = hint(c.bytesOf(i), text)
	}
	if wrong > 0 {
		t.Fatalf("%d texts differ", wrong)
	}
	for i, got := range assemble(t, hinted) {
		if want := filled(twin(c.bytesOf(i), texts[i])); !bytes.Equal(got, want) {
			fail("%s is %s, as says %s", hinted[i], fmt.Sprintf("% x", want), fmt.Sprintf("% x", got))
		}
	}
	if wrong > 0 {
		t.Fatalf("%d encodings differ", wrong)
	}
}
