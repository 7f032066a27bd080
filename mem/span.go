package mem

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"unsafe"
)

// Alignment is the alignment in bytes of every block that an [Arena] or [Vectors]
// hands out: one cache line, and one 512-bit vector.
const Alignment = 64

// ErrSize marks a size that no allocator can serve: zero, negative, or so
// large that rounding it up overflows.
var ErrSize = errors.New("size out of range")

// ErrNoMemory marks a refusal by the operating system.
var ErrNoMemory = errors.New("out of memory")

// A Span is a range of addresses outside the garbage collector's care. It is
// a plain value: copying it does not copy the bytes, and whoever allocated it
// frees it. The zero Span is empty.
type Span struct {
	base unsafe.Pointer
	size int
}

// Base returns the address of the first byte, nil for the zero Span.
func (s Span) Base() unsafe.Pointer { return s.base }

// Size returns the length in bytes.
func (s Span) Size() int { return s.size }

// Bytes returns the span as a byte slice that shares its memory. The slice
// must not be used after the span is freed; the collector does not notice.
func (s Span) Bytes() []byte { return unsafe.Slice((*byte)(s.base), s.size) }

// Sub returns bytes [from, to) of s. It panics where a slice expression would.
func (s Span) Sub(from, to int) Span {
	if from < 0 || to < from || to > s.size {
		panic(fmt.Sprintf("mem: span [%d:%d] of %d bytes", from, to, s.size))
	}
	return Span{unsafe.Add(s.base, from), to - from}
}

func (s Span) address() uintptr { return uintptr(s.base) }

// An Allocator hands out blocks of at least one byte, aligned to 16 or more. The contents of a block are undefined until written.
type Allocator interface {
	Alloc(size int) (Span, error)
}

// Slice returns s as a []T of Size()/sizeof(T) elements that shares its
// memory. It refuses a T that holds Go pointers (the collector would not see
// them), a T of size zero, and a span too loosely aligned for T.
func Slice[T any](s Span) ([]T, error) {
	if err := plain[T](); err != nil {
		return nil, err
	}
	var zero T
	if s.address()%unsafe.Alignof(zero) != 0 {
		return nil, fmt.Errorf("mem: span at %#x is not aligned for %T", s.address(), zero)
	}
	return unsafe.Slice((*T)(s.base), s.size/int(unsafe.Sizeof(zero))), nil
}

// Make allocates n zeroed elements of T from a, with T restricted as for
// [Slice]. The span is what the Heap's Free wants back; an Arena needs nothing.
func Make[T any](a Allocator, n int) ([]T, Span, error) {
	if err := plain[T](); err != nil {
		return nil, Span{}, err
	}
	var zero T
	size, err := product(n, int(unsafe.Sizeof(zero)))
	if err != nil {
		return nil, Span{}, err
	}
	s, err := a.Alloc(size)
	if err != nil {
		return nil, Span{}, err
	}
	clear(s.Bytes())
	return unsafe.Slice((*T)(s.base), n), s, nil
}

// product returns count*size, or an error that is [ErrSize].
func product(count, size int) (int, error) {
	high, low := bits.Mul64(uint64(max(count, 0)), uint64(size))
	if count <= 0 || high != 0 || low > math.MaxInt {
		return 0, fmt.Errorf("mem: %d elements of %d bytes: %w", count, size, ErrSize)
	}
	return int(low), nil
}

// roundUp rounds size up to a multiple of unit, a power of two. It gives an
// error that is [ErrSize] if size is not positive or the result overflows.
func roundUp(size, unit int) (int, error) {
	if size <= 0 || size > math.MaxInt-unit {
		return 0, fmt.Errorf("mem: %d bytes: %w", size, ErrSize)
	}
	return (size + unit - 1) &^ (unit - 1), nil
}
