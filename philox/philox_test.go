package philox

import (
	"math"
	"testing"
)

// TestWords has the known answers of Random123's kat_vectors.
func TestWords(t *testing.T) {
	ones := uint32(math.MaxUint32)
	rows := []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{want: [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{ones, ones, ones, ones}, [2]uint32{ones, ones},
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	}
	for _, r := range rows {
		if got := Words(r.counter, r.key); got != r.want {
			t.Errorf("Words(%x, %x) = %x, want %x", r.counter, r.key, got, r.want)
		}
	}
}

// TestRandomIsAFunction: a sequence can be entered anywhere, and each field alone changes it.
func TestRandomIsAFunction(t *testing.T) {
	first := Random{Key: 1, Stream: 2, Substream: 3}
	first.Uint64()
	second := first.Uint64()
	if jumped := (&Random{1, 2, 3, 1}).Uint64(); jumped != second {
		t.Errorf("the number at 1 is %x, and %x in sequence", jumped, second)
	}
	for _, other := range []Random{{2, 2, 3, 1}, {1 << 40, 2, 3, 1}, {1, 3, 3, 1}, {1, 2 << 40, 3, 1}, {1, 2, 4, 1}} {
		if was := other; other.Uint64() == second {
			t.Errorf("%+v gives the number of another", was)
		}
	}
}

// TestBelow counts: six sides, 60000 throws, so that a count's standard deviation is 91.
func TestBelow(t *testing.T) {
	r, counts := Random{Key: 7}, [6]int{}
	for range 60000 {
		counts[r.Below(len(counts))]++
	}
	for side, n := range counts {
		if n < 9500 || n > 10500 {
			t.Errorf("side %d came %d times, want about 10000", side, n)
		}
	}
	if got := r.Below(1); got != 0 {
		t.Errorf("Below(1) = %d", got)
	}
}
