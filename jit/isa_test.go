package jit_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/ir/irtest"
	"github.com/baremetaldevx86/microdr/jit"
)

// beyondAVX2 finds what only AVX-512 has: vectors of 512 bits or above 15, masks, broadcasts. The names of its
// instructions that there is no such operand of are not needed: they have EVEX encodings.
var beyondAVX2 = regexp.MustCompile(`zmm|mm(1[6-9]|[23][0-9])|\bk[0-7]\b|^k|\{|BCST`)

// TestAVX2Only looks for instructions that a machine without AVX-512 does not have.
func TestAVX2Only(t *testing.T) {
	programs := uint64(500)
	if testing.Short() {
		programs = 100
	}
	pages := &jit.Pages{}
	for seed := range programs {
		m := irtest.Random(seed, irtest.Options{Nodes: 40 + int(seed%5)*60})
		low, err := ir.Lower(m, ir.Passes(), false)
		if err != nil {
			t.Fatal(err)
		}
		p, err := jit.Compile(low, &low.Stages[0], jit.AVX2, pages, jit.Options{List: true})
		if err != nil {
			t.Fatal(err)
		}
		list := p.Listing()
		for _, line := range list.Lines {
			first := list.Bytes[line.Offset]
			vex := first == 0xc4 || first == 0xc5
			if beyondAVX2.MatchString(line.Text) || vex != strings.HasPrefix(line.Text, "v") {
				t.Fatalf("seed %d: %#x %s", seed, first, line.Text)
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
