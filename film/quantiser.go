package film

import "math"

// quantiser8 finds 8 bit codes by comparing instead of computing powers: the code of v is the number of limits, but the
// first, that v reaches. A limit is the least float32 with its code, so the codes are those of quantise to the bit.
type quantiser8 struct {
	limits [257]float32          // of every code; the last is never reached
	start  [quantiserCells]uint8 // code at the lower end of each cell of [0, 1]
}

// quantiserCells is such that the steepest part of the sRGB curve has less than one code a cell.
const quantiserCells = 1 << 12

func newQuantiser8(enc Encoding) *quantiser8 {
	q := &quantiser8{}
	for code := 1; code < 256; code++ {
		q.limits[code] = leastOf(enc, code)
	}
	q.limits[256] = float32(math.Inf(1))
	code := 0
	for i := range q.start {
		for q.limits[code+1] <= float32(i)/quantiserCells {
			code++
		}
		q.start[i] = uint8(code)
	}
	return q
}

// leastOf returns the least float32 whose code is at least the one given: the inverse curve comes close.
func leastOf(enc Encoding, code int) float32 {
	reaches := func(v float32) bool { return quantise(enc.encode(float64(v)), 0xff) >= code }
	v := float32(enc.decode((float64(code) - 0.5) / 0xff))
	for !reaches(v) {
		v = math.Nextafter32(v, 2)
	}
	for below := v; reaches(below); below = math.Nextafter32(below, -1) {
		v = below
	}
	return v
}

// code is quantise(enc.encode(v), 0xff).
func (q *quantiser8) code(v float32) uint8 {
	switch {
	case v >= 1:
		return 0xff
	case !(v > 0): // NaN too
		return 0
	}
	code := q.start[int(v*quantiserCells)]
	for v >= q.limits[int(code)+1] {
		code++
	}
	return code
}
