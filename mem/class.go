package mem

import "math/bits"

// Size classes are multiples of 16 up to 256 bytes, then eight to each doubling. So a block wastes less than 16 bytes or
// less than one eighth of itself, whichever is more.
const (
	minAlignment = 16
	classBits    = 15             // 1<<classBits is the last class
	largestSmall = 1 << classBits // bytes; larger blocks are extents
	classCount   = 16 + (classBits-8)*8
)

// classOf returns the smallest class whose blocks hold size bytes, 1 <= size <= largestSmall.
func classOf(size int) uint {
	last := uint(size - 1)
	doubling := uint(bits.Len(last|255) - 8) // 1<<(7+doubling) < size <= 1<<(8+doubling), 0 below
	return doubling<<3 + last>>(4+doubling)
}

// classSize returns the bytes of one block of the class.
func classSize(class uint) int {
	if class < 16 {
		return int(class+1) * 16
	}
	doubling := (class - 8) / 8
	return int(class-8*doubling+1) << (4 + doubling)
}

// alignedClass returns the smallest class whose blocks hold size bytes and are all aligned, or false if there is none.
func alignedClass(size, alignment int) (uint, bool) {
	if size > largestSmall || alignment > largestSmall {
		return 0, false
	}
	if alignment <= minAlignment {
		return classOf(size), true
	}
	for class := classOf(max(size, alignment)); class < classCount; class++ {
		if classSize(class)&(alignment-1) == 0 {
			return class, true
		}
	}
	return 0, false
}
