package fit

import (
	"math"

	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/scene"
)

// lossOf returns the robust loss of a residual, and the factor that its
// target's value puts on it: a relative loss divides by the target's square,
// so that the factor does not depend on the parameters. (Noise in dark targets
// biases such a fit; epsilon should stay above the noise's variance.)
func lossOf(l scene.Loss) (loss optim.Loss, factor func(target float64) float64) {
	one := func(float64) float64 { return 1 }
	switch {
	case l.L1 != nil:
		return optim.L1{Width: l.L1.Epsilon}, one
	case l.Huber != nil:
		return optim.Huber{Width: l.Huber.Width}, one
	case l.RelativeL2 != nil:
		epsilon := l.RelativeL2.Epsilon
		return optim.L2{}, func(t float64) float64 { return 1 / (t*t + epsilon) }
	}
	return optim.L2{}, one
}

// emphasize is the weight of a residual by its target's value: the value to
// the given power, negative values counting as 0. Emphasis 2 is the intensity
// weighting of photometric stereo, which trusts bright pixels and so lessens
// the harm of shadows that the model does not have.
func emphasize(target, power float64) float64 {
	if power == 0 {
		return 1
	}
	return math.Pow(math.Max(0, target), power)
}
