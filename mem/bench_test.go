package mem

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// A replacement is a step of the standard work: the block of a slot is freed, and a new one allocated.
type replacement struct{ slot, size uint32 }

const liveSlots = 20_000

// standardWork returns n steps over liveSlots slots. Of the sizes 90 % are 16 B to 1 KiB, 9 % up to 32 KiB and 1 % up to
// 1 MiB, their logarithms uniform.
func standardWork(n int) []replacement {
	random := rand.New(rand.NewPCG(1, 2))
	work := make([]replacement, n)
	for i := range work {
		low, high := 4.0, 10.0
		switch p := random.Float64(); {
		case p >= 0.99:
			low, high = 15, 20
		case p >= 0.9:
			low, high = 10, 15
		}
		work[i] = replacement{uint32(random.IntN(liveSlots)), uint32(math.Exp2(low + random.Float64()*(high-low)))}
	}
	return work
}

// BenchmarkStandardWork does it with the first byte of every page written, and without, which is the allocator alone.
func BenchmarkStandardWork(b *testing.B) {
	work := standardWork(1 << 20)
	for name, page := range map[string]int{"touched": 4096, "untouched": math.MaxInt / 2} {
		b.Run(name, func(b *testing.B) {
			h := NewHeap(Options{})
			c := h.NewCache()
			var slots [liveSlots]Span
			for i := range b.N {
				w := work[i&(len(work)-1)]
				c.Free(slots[w.slot])
				s, err := c.Alloc(int(w.size))
				if err != nil {
					b.Fatal(err)
				}
				for at := 0; at < s.size; at += page {
					*(*byte)(unsafe.Add(s.base, at)) = 1
				}
				slots[w.slot] = s
			}
			for _, s := range slots {
				c.Free(s)
			}
			c.Close()
			h.Close()
		})
	}
}

func BenchmarkHeap(b *testing.B) {
	h := NewHeap(Options{})
	c := h.NewCache()
	for name, a := range map[string]interface {
		Allocator
		Free(Span)
	}{"cache": c, "shared": h} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				s, err := a.Alloc(256)
				if err != nil {
					b.Fatal(err)
				}
				a.Free(s)
			}
		})
	}
}
