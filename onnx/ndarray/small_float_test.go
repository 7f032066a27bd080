package ndarray

import (
	"math"
	"testing"
)

// TestSmallFloatsRoundTrip goes through all numbers of 16 bits.
func TestSmallFloatsRoundTrip(t *testing.T) {
	for bits := range 1 << 16 {
		h, b := Half(bits), Brain(bits)
		if x := float64(h.Float32()); HalfOf(x) != h && !math.IsNaN(x) {
			t.Fatalf("HalfOf(%v) = %#x, expected %#x", x, HalfOf(x), h)
		}
		if x := float64(b.Float32()); BrainOf(x) != b && !math.IsNaN(x) {
			t.Fatalf("BrainOf(%v) = %#x, expected %#x", x, BrainOf(x), b)
		}
	}
}

// TestSmallFloatsRound looks around the middle between each two neighbours: below it, at it, where the even one wins,
// and above it, also by less than a float32 tells.
func TestSmallFloatsRound(t *testing.T) {
	for bits := range 0x7c00 {
		low := float64(Half(bits).Float32())
		high := float64(Half(bits + 1).Float32())
		if bits == 0x7bff {
			high = 65536 // where the next number would be
		}
		checkRounding(t, bits, low, high, func(x float64) int { return int(HalfOf(x)) })
	}
	for bits := range 0x7f7f {
		low, high := float64(Brain(bits).Float32()), float64(Brain(bits+1).Float32())
		checkRounding(t, bits, low, high, func(x float64) int { return int(BrainOf(x)) })
	}
}

func checkRounding(t *testing.T, bits int, low, high float64, round func(float64) int) {
	t.Helper()
	middle := (low + high) / 2
	for _, row := range []struct {
		x    float64
		want int
	}{
		{math.Nextafter(middle, 0), bits}, {middle, bits + bits&1}, {math.Nextafter(middle, math.Inf(1)), bits + 1},
	} {
		if got := round(row.x); got != row.want {
			t.Fatalf("%v, from %v to %v, gives %#x, expected %#x", row.x, low, high, got, row.want)
		}
		if got := round(-row.x); got != row.want|0x8000 {
			t.Fatalf("%v gives %#x, expected %#x", -row.x, got, row.want|0x8000)
		}
	}
}

func TestSmallFloatSpecials(t *testing.T) {
	inf := math.Inf(1)
	for _, row := range []struct {
		x     float64
		half  float64
		brain float64
	}{
		{inf, inf, inf}, {-inf, -inf, -inf}, {1e300, inf, inf}, {-70000, -inf, -70144}, {65504, 65504, 65536},
		{0, 0, 0}, {1e-300, 0, 0}, {math.NaN(), math.NaN(), math.NaN()},
	} {
		if got := float64(HalfOf(row.x).Float32()); got != row.half && !(math.IsNaN(got) && math.IsNaN(row.half)) {
			t.Errorf("HalfOf(%v) = %v, expected %v", row.x, got, row.half)
		}
		if got := float64(BrainOf(row.x).Float32()); got != row.brain && !(math.IsNaN(got) && math.IsNaN(row.brain)) {
			t.Errorf("BrainOf(%v) = %v, expected %v", row.x, got, row.brain)
		}
	}
}
