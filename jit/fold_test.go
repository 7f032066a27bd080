package jit

import (
	"errors"
	"math"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/cpu"

	"github.com/baremetaldevx86/microdr/ir"
)

// Code for both targets uses only registers and instructions that the target has: the encoder panics otherwise. It
// returns from both entries.
func TestFoldIsEncoded(t *testing.T) {
	for _, target := range []Target{AVX2, AVX512} {
		for op := ir.ReduceSum; op <= ir.ReduceProd; op++ {
			for _, typ := range []ir.Type{ir.F32, ir.I32, ir.F64} {
				ops, ok := foldOpsOf(op, typ)
				if want := typ == ir.F32 || typ == ir.I32 && op != ir.ReduceMean; ok != want {
					t.Errorf("%v of %v: there is code: %v", op, typ, ok)
				}
				if !ok {
					continue
				}
				returns := 0
				for _, line := range emitFold(ops, targets[target], true).code.Lines {
					if line.Text == "ret" {
						returns++
					}
					if target == AVX2 && (strings.Contains(line.Text, "zmm") || strings.Contains(line.Text, "{")) {
						t.Errorf("%v of %v for AVX2: %s", op, typ, line.Text)
					}
				}
				if returns != 2 {
					t.Errorf("%v of %v for %v returns in %d places", op, typ, target, returns)
				}
			}
		}
	}
}

// A folder tells of memory that is not there, and reads nothing behind what it is given.
func TestFoldFaults(t *testing.T) {
	if Probe() != nil || !CanRun || !cpu.X86.HasAVX2 {
		t.Skip("a machine without AVX2")
	}
	pages := &Pages{}
	f, err := NewFold(ir.ReduceSum, ir.F32, AVX2, pages)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	frame := make([]uint64, FoldFrame/8)
	w := f.NewFolder(unsafe.Pointer(&frame[0]))
	src := []float32{1, 2, 4, 8, 16, 32, float32(math.NaN())}
	var sums [2]float32
	if err := w.Groups(unsafe.Pointer(&sums[0]), unsafe.Pointer(&src[0]), 3, 2); err != nil || sums != [2]float32{7, 56} {
		t.Errorf("sums %v, error %v", sums, err)
	}
	var nowhere unsafe.Pointer
	*(*uintptr)(unsafe.Pointer(&nowhere)) = 1 << 12
	if err := w.Groups(unsafe.Pointer(&sums[0]), nowhere, 3, 2); !errors.Is(err, ErrAddress) {
		t.Errorf("a bad address gives %v", err)
	}
}
