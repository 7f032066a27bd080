package fit

import (
	"math"
	"testing"
)

// TestVerdict: a derivative that is wrong, missing or differs between the modes
// is named; one within the limits and the noise passes.
func TestVerdict(t *testing.T) {
	good := judged{reverse: 1, difference: 1.01, bias: -0.01, first: 1.02, forward: 1.02, size: 2, margin: 0.01, noise: 0.02}
	rows := []struct {
		name   string
		change func(*judged)
		want   Verdict
	}{
		{"as it should be", func(*judged) {}, Agrees},
		{"10 % off", func(j *judged) { j.reverse, j.bias = 0.9, -0.11 }, Disagrees},
		{"10 % off, in the noise", func(j *judged) { j.bias, j.margin, j.noise = -0.11, 0.2, 0.2 }, Agrees},
		{"sign wrong", func(j *judged) { j.reverse, j.bias, j.first, j.forward = -1, -2, -1, -1 }, Disagrees},
		{"all zero", func(j *judged) { *j = judged{difference: 1, bias: -1, margin: 0.1, noise: 0.1} }, SilentlyZero},
		{"zero, and nothing moves", func(j *judged) { *j = judged{} }, NoEffect},
		{"reverse zero, forward not", func(j *judged) { j.reverse, j.first, j.bias = 0, 0, -1 }, ModesDiffer},
		{"modes 1 % apart", func(j *judged) { j.forward = 1.04 }, ModesDiffer},
		{"nothing known", func(j *judged) { j.margin, j.noise = 3, 3 }, Unsure},
		{"NaN", func(j *judged) { j.forward = math.NaN() }, ModesDiffer},
	}
	for _, r := range rows {
		j := good
		r.change(&j)
		if got := verdict(j); got != r.want {
			t.Errorf("%s: %s, want %s", r.name, got, r.want)
		}
	}
}
