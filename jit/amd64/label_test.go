package amd64

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// target returns where the displacement at the end of a line leads.
func (c *Code) target(i int) int {
	end := c.Lines[i].Offset + c.Lines[i].Size
	return end + int(int32(binary.LittleEndian.Uint32(c.Bytes[end-4:])))
}

// jumps emits references of each kind to two labels, before and behind their places.
func jumps(c *Code) (a, b Label, refsA, refsB []int) {
	a, b = c.NewLabel(), c.NewLabel()
	refer := func(l Label, refs []int) []int {
		c.Jump(l)
		c.JumpIf(GreaterEqual, l)
		c.AddressOf(R9, l)
		n := len(c.Lines)
		return append(refs, n-3, n-2, n-1)
	}
	refsA = refer(a, refsA)
	refsB = refer(b, refsB)
	refsA = refer(a, refsA)
	c.Place(a)
	refsA = refer(a, refsA)
	refsB = refer(b, refsB)
	c.Place(b)
	refsB = refer(b, refsB)
	return a, b, refsA, refsB
}

func TestLabels(t *testing.T) {
	c := &Code{List: true}
	for round := range 2 { // the second in the memory of the first
		c.Reset()
		for range round {
			c.Return()
		}
		a, b, refsA, refsB := jumps(c)
		for _, x := range []struct {
			label Label
			at    int
			refs  []int
		}{{a, c.Lines[9+2*round].Offset, refsA}, {b, c.Lines[15+2*round].Offset, refsB}} {
			for _, i := range x.refs {
				if got := c.target(i); got != x.at {
					t.Errorf("round %d: %s leads to %d, want %d", round, c.Lines[i].Text, got, x.at)
				}
			}
		}
		if c.Unplaced() {
			t.Error("a label seems to be missing")
		}
		want := []int{c.Lines[9+2*round].Offset, c.Lines[15+2*round].Offset, -1}
		if c.NewLabel(); !slices.Equal(c.Labels(), want) {
			t.Errorf("round %d: the labels are at %d, want %d", round, c.Labels(), want)
		}
	}
}

// The disassembler finds the labels where the listing says they are.
func TestLabelsInBinutils(t *testing.T) {
	needBinutils(t)
	c := &Code{List: true}
	jumps(c)
	c.Return()
	for i, text := range disassemble(t, c) {
		if text != c.Lines[i].Text {
			t.Errorf("%q, objdump says %q", c.Lines[i].Text, text)
		}
	}
}

func TestUnplaced(t *testing.T) {
	c := &Code{}
	a, b := c.NewLabel(), c.NewLabel()
	if c.Unplaced() {
		t.Error("labels that nothing leads to need no place")
	}
	c.Jump(b)
	if !c.Unplaced() {
		t.Error("a jump to nowhere is not noticed")
	}
	c.Place(a)
	if !c.Unplaced() {
		t.Error("a jump to nowhere is not noticed once another label has a place")
	}
	c.Place(b)
	if c.Unplaced() {
		t.Error("placed, and still missing")
	}
	if got := refusal(func() { c.Place(b) }); !strings.Contains(got, "amd64: label L1 is placed twice") {
		t.Errorf("placed twice: %s", got)
	}
	c.Jump(c.NewLabel())
	if c.Reset(); c.Unplaced() || len(c.Bytes) != 0 {
		t.Error("Reset leaves something")
	}
	if l := c.NewLabel(); l != 0 {
		t.Errorf("the first label after Reset is %d", l)
	}
}

// Lines carry the tag that was current.
func TestTags(t *testing.T) {
	c := &Code{List: true, Tag: 7}
	c.Emit(Inst{Op: VADDPS, RM: V(1)})
	c.Tag = 8
	c.Return()
	if n := len(c.Lines); n != 3 || c.Lines[0].Tag != 7 || c.Lines[1].Tag != 8 || c.Lines[2].Tag != 8 {
		t.Errorf("%+v", c.Lines)
	}
}
