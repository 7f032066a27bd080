package amd64

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden file; needs binutils")

var golden = filepath.Join("testdata", "golden.txt")

// goldenCode emits all samples.
func goldenCode() *Code {
	c := &Code{List: true}
	for _, in := range samples() {
		c.Emit(in)
	}
	generalSamples(c)
	return c
}

func (c *Code) bytesOf(i int) []byte {
	line := c.Lines[i]
	return c.Bytes[line.Offset : line.Offset+line.Size]
}

// row writes a line of the golden file.
func (c *Code) row(i int, text string) string {
	return fmt.Sprintf("%-34s%s\n", fmt.Sprintf("% x", c.bytesOf(i)), text)
}

// Bytes and text are those of the golden file, in which the text is objdump's.
func TestGolden(t *testing.T) {
	c := goldenCode()
	if *update {
		var b strings.Builder
		for i, text := range disassemble(t, c) {
			b.WriteString(c.row(i, text))
		}
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.SplitAfter(strings.TrimSuffix(string(file), "\n"), "\n")
	if len(want) != len(c.Lines) {
		t.Errorf("%d rows, want %d: go test ./jit/amd64 -update", len(want), len(c.Lines))
	}
	wrong := 0
	for i := range min(len(want), len(c.Lines)) {
		if got := c.row(i, c.Lines[i].Text); strings.TrimSuffix(got, "\n") != strings.TrimSuffix(want[i], "\n") {
			if wrong++; wrong <= 40 {
				t.Errorf("row %d:\n got %swant %s", i+1, got, want[i])
			}
		}
	}
	if wrong > 40 {
		t.Errorf("%d rows differ", wrong)
	}
}

// What objdump and as of this machine say is what the golden file says.
func TestBinutils(t *testing.T) {
	needBinutils(t)
	c := goldenCode()
	compareWithBinutils(t, c)
}

var (
	jump         = regexp.MustCompile(`^j\w+ L\d+$`)
	twoRegisters = regexp.MustCompile(`^(mov|add|sub|and|cmp) \w+, \w+$`)
	vectorMove   = regexp.MustCompile(`^vmov[au]p[sd] [xyz]mm\d+(\{k\d\})?(\{z\})?, [xyz]mm\d+$`)
)

// hint adds what makes as choose our encoding where there are two. With twin, these are the only differences from its
// choice:
//   - each of two registers could be r/m, in moves of vectors (as exchanges them where that saves a byte) and in moves
//     and arithmetic of general registers (as reads reg, we read r/m);
//   - equality of integers as a mask has an opcode without predicate, which is a byte shorter;
//   - we have no jumps of 8 bits.
func hint(code []byte, text string) string {
	switch {
	case jump.MatchString(text):
		return "{disp32} " + text
	case strings.HasPrefix(text, "vpcmpeq") && code[0] == 0x62:
		return strings.Replace(text, "eq", "", 1) + ", 0"
	case vectorMove.MatchString(text) && code[len(code)-2]&1 == 1:
		return "{store} " + text
	case vectorMove.MatchString(text), twoRegisters.MatchString(text) && code[len(code)-2]&2 == 2:
		return "{load} " + text
	}
	return text
}

// twin returns the same instruction in the encoding that as prefers: the 8 bytes of a vmovq in EVEX have two opcodes.
func twin(code []byte, text string) []byte {
	code = bytes.Clone(code)
	if strings.HasPrefix(text, "vmovq") && code[0] == 0x62 {
		code[4] = 0x7e
	}
	return code
}
