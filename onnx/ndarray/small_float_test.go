package ndarray

import (
	"math"
	"testing"
)

// TestSmallFloatSpecials tells the two formats apart; package array holds each to all its values and roundings.
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
