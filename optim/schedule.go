package optim

import (
	"math"
	"slices"
	"strings"
)

// Schedule is what a rate is multiplied by at a step, from 1. It depends on
// the step alone, so that nothing of it need be saved.
type Schedule func(step int) float64

// Constant is 1.
func Constant() Schedule { return func(int) float64 { return 1 } }

// Steps multiplies by factor after every so many steps.
func Steps(every int, factor float64) Schedule {
	return func(step int) float64 { return math.Pow(factor, float64((step-1)/every)) }
}

// MultiStep multiplies by factor after each of the given steps.
func MultiStep(factor float64, at ...int) Schedule {
	at = slices.Clone(at)
	return func(step int) float64 {
		power := 0
		for _, a := range at {
			if step > a {
				power++
			}
		}
		return math.Pow(factor, float64(power))
	}
}

// Exponential multiplies by factor after every step.
func Exponential(factor float64) Schedule { return Steps(1, factor) }

// Cosine goes from 1 to least as half a cosine wave over so many steps, and
// stays there.
func Cosine(steps int, least float64) Schedule {
	return func(step int) float64 { return between(1, least, float64(step-1)/float64(steps)) }
}

// CosineRestarts is the cosine with warm restarts (Loshchilov and Hutter
// 2017): from 1 to least over the first period, then from 1 again, each period
// growth times as long as the one before, rounded to steps.
func CosineRestarts(first int, growth, least float64) Schedule {
	return func(step int) float64 {
		at, period := step-1, first
		for length := float64(first); at >= period; period = max(1, int(math.Round(length))) {
			at -= period
			length *= growth
		}
		return between(1, least, float64(at)/float64(period))
	}
}

// WarmUp rises linearly, from 1/steps of what then begins with, over so many
// steps, after which it is then.
func WarmUp(steps int, then Schedule) Schedule {
	return func(step int) float64 {
		if step <= steps {
			return then(1) * float64(step) / float64(steps)
		}
		return then(step - steps)
	}
}

// OneCycle is the policy of Smith and Topin (2019), with halves of cosine waves:
// from first up to 1 over the given fraction of all steps, and down to last at
// the end, where it stays.
func OneCycle(steps int, rise, first, last float64) Schedule {
	top := rise * float64(steps-1)
	return func(step int) float64 {
		at := float64(step - 1)
		if at < top {
			return between(first, 1, at/top)
		}
		return between(1, last, (at-top)/max(1, float64(steps-1)-top))
	}
}

// between goes from a to b as half a cosine wave while t goes from 0 to 1.
func between(a, b, t float64) float64 {
	return b + (a-b)*(1+math.Cos(math.Pi*min(1, t)))/2
}

// IsRate tells whether a step is proportional to a rule's uniform.
func IsRate(uniform string) bool { return strings.HasSuffix(uniform, ".rate") }

// IsDecay tells whether weight decay is proportional to a rule's uniform.
func IsDecay(uniform string) bool { return strings.HasSuffix(uniform, ".decay") }
