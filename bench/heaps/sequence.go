package heaps

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"unsafe"
)

// op is one operation as it lies in a file, in the machine's byte order: the block in a slot is freed, and one of size
// bytes takes its place. c/work.h has the same.
type op struct {
	slot uint32 // with the flag handed
	size uint32
}

// handed marks an operation whose freed block, where there are two workers, is freed by the other one.
const handed = 1 << 31

// handedPart is how many of the operations have the mark.
const handedPart = 0.1

// The standard work of a worker.
const (
	Slots      = 20_000
	Operations = 20_000_000
)

// opAt is operation number i of a worker's sequence: a function of its number alone, so that a sequence needs no state
// and any part of it can be made again.
func opAt(worker, i, slots int) op {
	key := uint64(worker)<<56 + uint64(i)*2
	place := mix(key)
	o := op{slot: uint32(place >> 32 * uint64(slots) >> 32), size: sizeOf(mix(key + 1))}
	if float64(uint32(place)) < handedPart*(1<<32) {
		o.slot |= handed
	}
	return o
}

// mix is the output function of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
func mix(x uint64) uint64 {
	x = (x + 1) * 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// largest is more than any block has.
const largest = 1 << 20

// sizeOf makes a size of random bits: floor(2^u) with u uniform in [4, 10) for 90 % of them, in [10, 15) for 9 %, and in
// [15, 20) for the rest.
func sizeOf(bits uint64) uint32 {
	f := float64(bits>>11) / (1 << 53)
	u := 0.0
	switch {
	case f < 0.90:
		u = 4 + 6*f/0.90
	case f < 0.99:
		u = 10 + 5*(f-0.90)/0.09
	default:
		u = 15 + 5*(f-0.99)/0.01
	}
	return uint32(math.Exp2(u))
}

// sequence is what is known of a worker's sequence once it is written.
type sequence struct {
	operations int
	peak       int64    // live bytes at most
	sizes      []uint32 // of the blocks that are live at the end, by slot
}

func (s *sequence) live() (n int64) {
	for _, size := range s.sizes {
		n += int64(size)
	}
	return n
}

// surviving are the bytes that are live after most blocks were freed.
func (s *sequence) surviving() (n int64) {
	for slot, size := range s.sizes {
		if survives(slot) {
			n += int64(size)
		}
	}
	return n
}

// sequenceFile is where a worker's sequence lies.
func sequenceFile(folder string, worker int) string {
	return filepath.Join(folder, fmt.Sprint(worker, ".ops"))
}

// writeSequence writes a worker's sequence: first an operation for each slot in order, which fills it, then the others.
func writeSequence(folder string, worker, slots, operations int) (*sequence, error) {
	f, err := os.Create(sequenceFile(folder, worker))
	if err != nil {
		return nil, fmt.Errorf("heaps: %w", err)
	}
	defer f.Close()
	s := &sequence{operations: operations, sizes: make([]uint32, slots)}
	live := int64(0)
	chunk := make([]op, 0, 1<<15)
	for i := range slots + operations {
		o := opAt(worker, i, slots)
		if i < slots {
			o.slot = uint32(i)
		}
		size := &s.sizes[o.slot&^handed]
		live += int64(o.size) - int64(*size)
		*size = o.size
		s.peak = max(s.peak, live)
		if chunk = append(chunk, o); len(chunk) == cap(chunk) || i == slots+operations-1 {
			if _, err := f.Write(bytesOf(chunk)); err != nil {
				return nil, fmt.Errorf("heaps: %w", err)
			}
			chunk = chunk[:0]
		}
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("heaps: %w", err)
	}
	return s, nil
}

// bytesOf is the memory of operations.
func bytesOf(ops []op) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(ops))), len(ops)*int(unsafe.Sizeof(op{})))
}

// opsOf is the inverse of bytesOf; what is left over at the end is dropped.
func opsOf(b []byte) []op {
	return unsafe.Slice((*op)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(op{})))
}
