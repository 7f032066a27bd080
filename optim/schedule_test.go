package optim_test

import (
	"math"
	"testing"

	"github.com/baremetaldevx86/microdr/optim"
)

func TestSchedules(t *testing.T) {
	wave := func(a, b, t float64) float64 { return b + (a-b)*(1+math.Cos(math.Pi*t))/2 }
	oneCycle := optim.OneCycle(101, 0.3, 0.04, 1e-4)
	restarts := optim.CosineRestarts(10, 2, 0.1)
	warm := optim.WarmUp(4, optim.Steps(2, 0.5))
	for _, row := range []struct {
		name     string
		schedule optim.Schedule
		step     int
		want     float64
	}{
		{"constant", optim.Constant(), 1000, 1},
		{"steps, first", optim.Steps(3, 0.1), 1, 1},
		{"steps, before the drop", optim.Steps(3, 0.1), 3, 1},
		{"steps, after the drop", optim.Steps(3, 0.1), 4, 0.1},
		{"steps, twice", optim.Steps(3, 0.1), 7, 0.01},
		{"multi-step, before", optim.MultiStep(0.5, 5, 8), 5, 1},
		{"multi-step, between", optim.MultiStep(0.5, 5, 8), 6, 0.5},
		{"multi-step, after", optim.MultiStep(0.5, 5, 8), 9, 0.25},
		{"exponential", optim.Exponential(0.9), 11, math.Pow(0.9, 10)},
		{"cosine, first", optim.Cosine(20, 0.2), 1, 1},
		{"cosine, middle", optim.Cosine(20, 0.2), 11, 0.6},
		{"cosine, a quarter", optim.Cosine(20, 0.2), 6, wave(1, 0.2, 0.25)},
		{"cosine, beyond", optim.Cosine(20, 0.2), 100, 0.2},
		{"restarts, first", restarts, 1, 1},
		{"restarts, last of the first period", restarts, 10, wave(1, 0.1, 0.9)},
		{"restarts, second period", restarts, 11, 1},
		{"restarts, its middle", restarts, 21, 0.55},
		{"restarts, third period", restarts, 31, 1},
		{"restarts, its quarter", restarts, 41, wave(1, 0.1, 0.25)},
		{"warm-up, first", warm, 1, 0.25},
		{"warm-up, last", warm, 4, 1},
		{"warm-up, then", warm, 5, 1},
		{"warm-up, later", warm, 7, 0.5},
		{"one cycle, first", oneCycle, 1, 0.04},
		{"one cycle, rising", oneCycle, 16, wave(0.04, 1, 0.5)},
		{"one cycle, top", oneCycle, 31, 1},
		{"one cycle, falling", oneCycle, 66, wave(1, 1e-4, 0.5)},
		{"one cycle, last", oneCycle, 101, 1e-4},
		{"one cycle, beyond", oneCycle, 200, 1e-4},
		{"one cycle of one step", optim.OneCycle(1, 0.3, 0.04, 1e-4), 1, 1},
	} {
		if got := row.schedule(row.step); math.Abs(got-row.want) > 1e-12 {
			t.Errorf("%s: step %d: %g, want %g", row.name, row.step, got, row.want)
		}
	}
}

// plain is a rule that is no Setter.
type plain struct{ optim.Rule }

func TestSetUniforms(t *testing.T) {
	for _, rule := range []optim.Rule{
		optim.SGDRule{Rate: 2}, optim.AdamWRule{Rate: 2, Decay: 3}, optim.RMSPropRule{Rate: 2},
		optim.L2Rule{Rule: plain{optim.AdamRule{Rate: 2}}, Decay: 3},
	} {
		want, count := rule.Uniforms(7), 0
		optim.SetUniforms(rule, 7, func(name string, value float64) {
			count++
			if w, ok := want[name]; !ok || w != value {
				t.Errorf("%T: %s is %g, want %g", rule, name, value, w)
			}
			if optim.IsRate(name) && value != 2 || optim.IsDecay(name) && value != 3 {
				t.Errorf("%T: %s is %g", rule, name, value)
			}
		})
		if count != len(want) {
			t.Errorf("%T: %d uniforms set, want %d", rule, count, len(want))
		}
	}
}
