package eval

import (
	"unsafe"

	"github.com/baremetaldevx86/microdr/ir"
)

// Scanned is part of a scan: of the array [outer, group, inner] the places [Lo, Hi) along the middle, in the columns
// [First, End) of one outer index.
type Scanned struct {
	Outer, First, End, Lo, Hi int
}

// Scan computes part of a scan stage of module m. The places before Lo are there. Parts of other columns may run at the
// same time.
func Scan(m *ir.Module, s *ir.Stage, precision Precision, buffers []Memory, p Scanned) {
	in, out := buffers[s.In[0]], buffers[s.Out[0]]
	switch inMemory(m.Buffers[s.In[0]].Type, precision) {
	case ir.F64:
		scan(s, elements[float64](in), elements[float64](out), p)
	case ir.I32:
		scan(s, elements[int32](in), elements[int32](out), p)
	default:
		scan(s, elements[float32](in), elements[float32](out), p)
	}
}

func scan[T number](s *ir.Stage, in, out []T, p Scanned) {
	if s.Inner == 1 {
		in, out = in[p.Outer*s.Group:][p.Lo:p.Hi], out[p.Outer*s.Group:][:p.Hi]
		runningSums(out[p.Lo:], in, out[:p.Lo])
		return
	}
	for g := p.Lo; g < p.Hi; g++ {
		row := (p.Outer*s.Group + g) * s.Inner
		x, y := in[row+p.First:row+p.End], out[row+p.First:row+p.End]
		if g == 0 {
			copy(y, x)
			continue
		}
		before := out[row-s.Inner+p.First:][:len(x)]
		for i := range y[:len(x)] {
			y[i] = before[i] + x[i]
		}
	}
}

// runningSums goes on with the sums of a row.
func runningSums[T number](out, in, before []T) {
	if len(before) == 0 {
		out[0] = in[0] // not 0 + in[0], which would lose the sign of -0
		before, out, in = out[:1], out[1:], in[1:]
	}
	sum := before[len(before)-1]
	out = out[:len(in)]
	for i, x := range in {
		sum += x
		out[i] = sum
	}
}

// SortScratch returns how many bytes of memory the sort of a row of n elements needs.
func SortScratch(n int, precision Precision) int {
	if precision == F64 {
		return n * int(unsafe.Sizeof(wideKey{}))
	}
	return 2 * 8 * n
}
