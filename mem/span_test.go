package mem

import (
	"errors"
	"math"
	"strings"
	"testing"
	"unsafe"
)

// refusing is a Source that lends only while budget lasts.
type refusing struct {
	OS
	budget int // bytes it still lends
}

func (r *refusing) Reserve(size int) (Span, error) {
	if size > r.budget {
		return Span{}, ErrNoMemory
	}
	r.budget -= size
	return r.OS.Reserve(size)
}

func TestOSReserve(t *testing.T) {
	for _, row := range []struct {
		size int
		want error
	}{
		{1, nil}, {4096, nil}, {1<<20 + 1, nil},
		{0, ErrSize}, {-1, ErrSize}, {math.MinInt, ErrSize}, {math.MaxInt, ErrSize},
		{math.MaxInt >> 2, ErrNoMemory},
	} {
		s, err := lend(OS{}, row.size)
		if !errors.Is(err, row.want) {
			t.Errorf("Reserve(%d): error %v, want %v", row.size, err, row.want)
		}
		if err != nil {
			continue
		}
		if s.Size() < row.size || s.address()%4096 != 0 {
			t.Errorf("Reserve(%d) = %d bytes at %#x", row.size, s.Size(), s.address())
		}
		for i, b := range s.Bytes() {
			if b != 0 {
				t.Fatalf("Reserve(%d): byte %d is %d", row.size, i, b)
			}
		}
		s.Bytes()[row.size-1] = 1
		if err := (OS{}).Release(s); err != nil {
			t.Error(err)
		}
	}
}

func refusal[T any](s Span) func() error {
	return func() error { _, err := Slice[T](s); return err }
}

func TestSliceRefuses(t *testing.T) {
	type plainStruct struct {
		A [3]float32
		B bool
		C uintptr
		_ [0]*int
	}
	type nested struct{ In struct{ At [2]*int } }
	block := make([]uint64, 16)
	s := Span{unsafe.Pointer(&block[0]), 128}
	for name, row := range map[string]struct {
		slice func() error
		want  string // in the error; empty for none
	}{
		"float32":    {refusal[float32](s), ""},
		"struct":     {refusal[plainStruct](s), ""},
		"pointer":    {refusal[*int](s), "holds Go pointers"},
		"string":     {refusal[string](s), "holds Go pointers"},
		"slice":      {refusal[[]byte](s), "holds Go pointers"},
		"map":        {refusal[map[int]int](s), "holds Go pointers"},
		"interface":  {refusal[any](s), "holds Go pointers"},
		"func":       {refusal[func()](s), "holds Go pointers"},
		"chan":       {refusal[chan int](s), "holds Go pointers"},
		"unsafe":     {refusal[unsafe.Pointer](s), "holds Go pointers"},
		"nested":     {refusal[nested](s), "holds Go pointers"},
		"empty":      {refusal[struct{}](s), "size zero"},
		"misaligned": {refusal[uint64](s.Sub(1, 9)), "not aligned"},
	} {
		err := row.slice()
		if row.want == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: error %v, want %q", name, err, row.want)
		}
	}
}

func TestSliceSharesMemory(t *testing.T) {
	block := make([]uint64, 4)
	words, err := Slice[uint32](Span{unsafe.Pointer(&block[0]), 30})
	if err != nil || len(words) != 7 {
		t.Fatalf("%d words, %v; want 7", len(words), err)
	}
	words[0], words[1] = 0xffffffff, 0xffffffff
	if block[0] != math.MaxUint64 {
		t.Errorf("block[0] = %#x", block[0])
	}
}

func TestMake(t *testing.T) {
	heap := NewHeap(Options{})
	CheckLeaks(t, heap)
	for _, n := range []int{0, -1, math.MinInt, math.MaxInt, math.MaxInt/8 + 1} {
		if _, _, err := Make[float64](heap, n); !errors.Is(err, ErrSize) {
			t.Errorf("Make(%d): error %v, want %v", n, err, ErrSize)
		}
	}
	if _, _, err := Make[string](heap, 1); err == nil {
		t.Error("Make[string] succeeded")
	}
	for range 2 { // the second time the block is a used one
		v, s, err := Make[float64](heap, 100)
		if err != nil || len(v) != 100 || s.Size() != 800 {
			t.Fatalf("%d elements, %d bytes, %v", len(v), s.Size(), err)
		}
		for i := range v {
			if v[i] != 0 {
				t.Fatalf("v[%d] = %v, want 0", i, v[i])
			}
			v[i] = 1
		}
		heap.Free(s)
	}
}

func TestSubPanicsOutside(t *testing.T) {
	s := Span{nil, 10}
	for _, row := range [][2]int{{-1, 2}, {3, 2}, {0, 11}} {
		if got := panicOf(func() { s.Sub(row[0], row[1]) }); !strings.Contains(got, "of 10 bytes") {
			t.Errorf("Sub(%d, %d): panic %q", row[0], row[1], got)
		}
	}
}

// panicOf returns what f panics with, empty if it does not.
func panicOf(f func()) (message string) {
	defer func() {
		if r := recover(); r != nil {
			message = r.(string)
		}
	}()
	f()
	return ""
}
