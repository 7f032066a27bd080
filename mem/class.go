package mem

import "math/bits"

// Size classes are multiples of [Alignment] up to 512 bytes, then eight to
// each doubling. So a class beyond 512 wastes less than one eighth of a block.
const (
	linearClasses = 8        // 64, 128, .. 512
	linearBits    = 9        // 1<<9 is the last of them
	stepBits      = 3        // 1<<3 classes to a doubling
	largestSmall  = 32 << 10 // bytes; larger blocks get pages of their own
	classCount    = linearClasses + (15-linearBits)<<stepBits
)

// classOf returns the smallest class whose blocks hold size bytes,
// 1 <= size <= largestSmall.
func classOf(size int) int {
	if size <= 1<<linearBits {
		return (size - 1) / Alignment
	}
	doubling := bits.Len(uint(size-1)) - 1 // 1<<doubling < size <= 2<<doubling
	step := (size-1)>>(doubling-stepBits) - 1<<stepBits
	return linearClasses + (doubling-linearBits)<<stepBits + step
}

// classSize returns the bytes of one block of the class.
func classSize(class int) int {
	if class < linearClasses {
		return (class + 1) * Alignment
	}
	doubling := linearBits + (class-linearClasses)>>stepBits
	step := (class - linearClasses) & (1<<stepBits - 1)
	return (1<<stepBits + step + 1) << (doubling - stepBits)
}
