package eval

import (
	"cmp"
	"math"
	"slices"
	"unsafe"

	"github.com/baremetaldevx86/microdr/ir"
)

// Sorting goes by keys: unsigned numbers in the order of the elements, equal zeros and NaN included. The place of an
// element stands below its key, so that no two are equal and any sort is a stable one.

// wideKey is the key of an element of eight bytes.
type wideKey struct {
	key   uint64
	place int32
}

// SortRow sorts row number r of a sort stage of module m, in scratch of SortScratch bytes.
func SortRow(m *ir.Module, s *ir.Stage, precision Precision, buffers []Memory, r int, scratch unsafe.Pointer) {
	in, values := buffers[s.In[0]], buffers[s.Out[0]]
	n := s.Group
	places := elements[int32](buffers[s.Out[1]])[r*n:][:n]
	switch inMemory(m.Buffers[s.In[0]].Type, precision) {
	case ir.F64:
		row := elements[float64](in)[r*n:][:n]
		sortWide(row, places, s.Descending, unsafe.Slice((*wideKey)(scratch), n))
		pickPlaces(elements[float64](values)[r*n:][:n], row, places)
	case ir.I32:
		row := elements[int32](in)[r*n:][:n]
		sortWords(row, places, unsafe.Slice((*uint64)(scratch), 2*n), func(x int32) uint32 {
			return flip(uint32(x)^1<<31, s.Descending)
		})
		pickPlaces(elements[int32](values)[r*n:][:n], row, places)
	default:
		row := elements[float32](in)[r*n:][:n]
		sortWords(row, places, unsafe.Slice((*uint64)(scratch), 2*n), func(x float32) uint32 {
			return floatKey(x, s.Descending)
		})
		pickPlaces(elements[float32](values)[r*n:][:n], row, places)
	}
}

// pickPlaces writes the elements at the given places.
func pickPlaces[T number](values, row []T, places []int32) {
	for i, p := range places {
		values[i] = row[p]
	}
}

// flip turns the order of keys round.
func flip(key uint32, descending bool) uint32 {
	if descending {
		return ^key
	}
	return key
}

// floatKey orders floats by their bits: those of negative numbers turned round, and those of others above them.
func floatKey(x float32, descending bool) uint32 {
	b := math.Float32bits(x + 0) // -0 becomes 0
	switch {
	case x != x:
		return math.MaxUint32 // which no number has
	case b>>31 != 0:
		return flip(^b, descending)
	}
	return flip(b|1<<31, descending)
}

func sortWords[T number](row []T, places []int32, scratch []uint64, key func(T) uint32) {
	keys, other := scratch[:len(row)], scratch[len(row):]
	for i, x := range row {
		keys[i] = uint64(key(x))<<32 | uint64(i)
	}
	if len(row) < radixFrom {
		slices.Sort(keys)
	} else {
		keys = radixSort(keys, other)
	}
	for i, k := range keys {
		places[i] = int32(uint32(k))
	}
}

// radixFrom is from how many elements on counting digits is faster than comparing.
const radixFrom = 512

// radixSort sorts by the upper 32 bits, in three passes of 11 bits from the lowest, each stable. It returns one of the
// two slices, which have the same length.
func radixSort(keys, other []uint64) []uint64 {
	const digit = 11
	var counts [3][1 << digit]int
	for _, k := range keys {
		for d := range counts {
			counts[d][k>>(32+digit*d)&(1<<digit-1)]++
		}
	}
	for d := range counts {
		sum := 0
		for i, n := range counts[d] {
			counts[d][i] = sum
			sum += n
		}
		for _, k := range keys {
			at := &counts[d][k>>(32+digit*d)&(1<<digit-1)]
			other[*at] = k
			*at++
		}
		keys, other = other, keys
	}
	return keys
}

func sortWide(row []float64, places []int32, descending bool, keys []wideKey) {
	for i, x := range row {
		b := math.Float64bits(x + 0)
		if b>>63 != 0 {
			b = ^b
		} else {
			b |= 1 << 63
		}
		if descending {
			b = ^b
		}
		if x != x {
			b = math.MaxUint64
		}
		keys[i] = wideKey{b, int32(i)}
	}
	slices.SortFunc(keys, func(a, b wideKey) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.place, b.place))
	})
	for i := range keys {
		places[i] = keys[i].place
	}
}
