package irtest_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/ir/irtest"
)

// TestSplitReductions interprets reductions with programs, and the maps and reductions that they are split into.
func TestSplitReductions(t *testing.T) {
	for seed := range uint64(60) {
		m := irtest.RandomReduction(seed, irtest.Options{})
		split := ir.SplitReductions(m)
		if err := ir.Verify(split); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, ir.Print(split))
		}
		if len(split.Stages) != 2 || split.Stages[1].Prog != nil || m.Stages[0].Prog == nil {
			t.Fatalf("seed %d: not split\n%s", seed, ir.Print(split))
		}
		want, got := irtest.Interpreted(m, seed), irtest.Interpreted(split, seed)
		if out := m.Stages[0].Out[0]; !reflect.DeepEqual(got[out], want[out]) {
			t.Fatalf("seed %d: other results\n%s", seed, ir.Print(split))
		}
	}
}

// TestScanAndSort interprets small stages by hand.
func TestScanAndSort(t *testing.T) {
	const nan = 0x7fc00000
	const head = "module m buffer in TYPE [6] input buffer out TYPE [6] output buffer from i32 [6] output "
	one, two, minus := uint64(0x3f800000), uint64(0x40000000), uint64(0xbf800000)
	zero, minusZero := uint64(0), uint64(1<<31)
	for _, r := range []struct {
		typ, stage    string
		in, out, from []uint64
	}{
		{"f32", "scan s (in) -> (out) group 3 inner 2", []uint64{minusZero, one, one, one, two, nan}, []uint64{minusZero, one, one, two, 0x40400000, nan}, nil},
		{"i32", "scan s (in) -> (out) group 3 inner 1", []uint64{1, 2, 3, 1<<31 - 1, 1, 5}, []uint64{1, 3, 6, 1<<31 - 1, 1 << 31, 1<<31 + 5}, nil},
		{"f32", "sort s (in) -> (out, from) group 6", []uint64{nan, two, zero, minusZero, minus, one},
			[]uint64{minus, zero, minusZero, one, two, nan}, []uint64{4, 2, 3, 5, 1, 0}},
		{"f32", "sort s (in) -> (out, from) group 6 descending", []uint64{nan, two, minusZero, zero, minus, one},
			[]uint64{two, one, minusZero, zero, minus, nan}, []uint64{1, 5, 2, 3, 4, 0}},
		{"i32", "sort s (in) -> (out, from) group 3", []uint64{5, 1<<32 - 1, 5, 2, 1, 0},
			[]uint64{1<<32 - 1, 5, 5, 0, 1, 2}, []uint64{1, 0, 2, 2, 1, 0}},
	} {
		m, err := ir.Parse("m", []byte(strings.ReplaceAll(head, "TYPE", r.typ)+r.stage))
		if err != nil {
			t.Fatal(err)
		}
		mem := irtest.NewMemory(m)
		mem[0] = r.in
		irtest.InterpretModule(m, nil, mem)
		irtest.Canonical(m, mem)
		if !reflect.DeepEqual(mem[1], r.out) || r.from != nil && !reflect.DeepEqual(mem[2], r.from) {
			t.Errorf("%s of %x gives %x from %d", r.stage, r.in, mem[1], mem[2])
		}
	}
}
