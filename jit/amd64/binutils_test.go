package amd64

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// needBinutils skips a test where the GNU disassembler or assembler is missing, or too old to know the syntax.
func needBinutils(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"objdump", "as"} {
		out, err := exec.Command(tool, "--version").Output()
		if err != nil {
			t.Skipf("no %s", tool)
		}
		var major, minor int
		first, _, _ := strings.Cut(string(out), "\n")
		version := regexp.MustCompile(`\d+\.\d+`).FindAllString(first, -1)
		if !strings.Contains(first, "GNU") || version == nil {
			t.Skipf("%s is not of GNU binutils: %s", tool, first)
		}
		fmt.Sscanf(version[len(version)-1], "%d.%d", &major, &minor)
		if major < 2 || major == 2 && minor < 40 {
			t.Skipf("%s %d.%d writes other text than 2.40", tool, major, minor)
		}
	}
}

var (
	objdumpLine = regexp.MustCompile(`^ *([0-9a-f]+):\t(.*)$`)
	jumpTarget  = regexp.MustCompile(`^(j\S+) 0x([0-9a-f]+)$`)
	leaTarget   = regexp.MustCompile(`\[rip\+0x[0-9a-f]+\] # 0x([0-9a-f]+)$`)
	labelName   = regexp.MustCompile(`\bL\d+\b`)
)

// disassemble returns what objdump prints of each line of the code. Where it decodes an instruction that does not start
// and end where ours does, the text of ours is missing.
func disassemble(t *testing.T, c *Code) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "code")
	if err := os.WriteFile(file, c.Bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("objdump", "-D", "-b", "binary", "-m", "i386:x86-64", "-M", "intel", "--no-show-raw-insn", "-w", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	at := map[int]string{}
	for line := range strings.Lines(string(out)) {
		if m := objdumpLine.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			offset, _ := strconv.ParseInt(m[1], 16, 64)
			at[int(offset)] = m[2]
		}
	}
	if len(at) != len(c.Lines) {
		t.Errorf("objdump sees %d instructions, not %d", len(at), len(c.Lines))
	}
	texts := make([]string, len(c.Lines))
	for i, line := range c.Lines {
		texts[i] = normalise(c, at[line.Offset])
	}
	return texts
}

// normalise writes a disassembled instruction as our listings do: a blank after each comma, and names of labels.
func normalise(c *Code, text string) string {
	text = strings.Join(strings.Fields(strings.ReplaceAll(text, ",", ", ")), " ")
	if m := jumpTarget.FindStringSubmatch(text); m != nil {
		return m[1] + " " + c.labelAt(m[2])
	}
	if m := leaTarget.FindStringSubmatch(text); m != nil {
		return strings.Replace(text, m[0], "[rip+"+c.labelAt(m[1])+"]", 1)
	}
	return text
}

func (c *Code) labelAt(hexadecimal string) string {
	at, _ := strconv.ParseInt(hexadecimal, 16, 64)
	for i, l := range c.labels {
		if l.at == int(at) {
			return fmt.Sprintf("L%d", i)
		}
	}
	return "no label at 0x" + hexadecimal
}

// slot is room for an instruction and some filling.
const slot = 16

// assemble returns what the GNU assembler makes of each text, in a slot filled up with 0xcc.
func assemble(t *testing.T, texts []string) [][]byte {
	t.Helper()
	folder := t.TempDir()
	source, object := filepath.Join(folder, "code.s"), filepath.Join(folder, "code.o")
	var s strings.Builder
	for _, text := range texts {
		fmt.Fprintf(&s, "%s\n.balign %d, 0xcc\n", labelName.ReplaceAllString(text, "."), slot)
	}
	if err := os.WriteFile(source, []byte(s.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("as", "--64", "-msyntax=intel", "-mnaked-reg", "-o", object, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%.2000s", err, out)
	}
	file, err := elf.Open(object)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	code, err := file.Section(".text").Data()
	if err != nil || len(code) != slot*len(texts) {
		t.Fatalf("%d bytes of code for %d instructions, %v", len(code), len(texts), err)
	}
	slots := make([][]byte, len(texts))
	for i := range slots {
		slots[i] = code[slot*i : slot*(i+1)]
	}
	return slots
}

// filled returns code as it stands in a slot.
func filled(code []byte) []byte {
	return append(bytes.Clone(code), bytes.Repeat([]byte{0xcc}, slot-len(code))...)
}
