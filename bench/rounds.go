package bench

import (
	"context"
	"slices"
	"time"
)

// Series is one value for each round.
type Series []float64

// Median returns the middle value, or the mean of the two in the middle; 0 for no rounds.
func (s Series) Median() float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Spread returns the least and the greatest value.
func (s Series) Spread() Spread {
	if len(s) == 0 {
		return Spread{}
	}
	return Spread{slices.Min(s), slices.Max(s)}
}

// Times returns every value times k.
func (s Series) Times(k float64) Series { return s.zip(s, func(x, _ float64) float64 { return x * k }) }

// Over returns the quotients, round by round.
func (s Series) Over(t Series) Series { return s.zip(t, func(x, y float64) float64 { return x / y }) }

// Minus returns the differences, round by round.
func (s Series) Minus(t Series) Series { return s.zip(t, func(x, y float64) float64 { return x - y }) }

// Rates returns an amount over every value, which are seconds.
func (s Series) Rates(amount float64) Series {
	return s.zip(s, func(x, _ float64) float64 { return amount / x })
}

func (s Series) zip(t Series, f func(x, y float64) float64) Series {
	out := make(Series, len(s))
	for i := range s {
		out[i] = f(s[i], t[i])
	}
	return out
}

// Side is one of the things that are compared: it does its work n times and returns how long that took.
type Side func(ctx context.Context, n int) (time.Duration, error)

const (
	// roundTime is how long a round of a side lasts at least: a thousand times the clock's and the pipe's share.
	roundTime = 20 * time.Millisecond
	// patience is how long the rounds of a row may take before there are only enough of them for a median.
	patience    = time.Minute
	fewestRound = 3
)

// Rounds times the sides in turn: a round of the first, of the second, and so on, and again. Each is warmed up
// before. It returns the seconds of one repetition, a series for each side.
func Rounds(ctx context.Context, rounds int, sides ...Side) ([]Series, error) {
	counts := make([]int, len(sides))
	for i, side := range sides {
		n, err := calibrate(ctx, side)
		if err != nil {
			return nil, err
		}
		counts[i] = n
	}
	return inTurn(ctx, rounds, counts, sides)
}

// calibrate returns how many repetitions make a round.
func calibrate(ctx context.Context, side Side) (int, error) {
	for n := 1; ; n *= 2 {
		d, err := side(ctx, n)
		if err != nil || d >= roundTime {
			return n, err
		}
	}
}

// inTurn times the sides with the given repetitions, not warmed up.
func inTurn(ctx context.Context, rounds int, counts []int, sides []Side) ([]Series, error) {
	out := make([]Series, len(sides))
	begun := time.Now()
	for r := range rounds {
		if r >= fewestRound && time.Since(begun) > patience {
			break
		}
		for i, side := range sides {
			d, err := side(ctx, counts[i])
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return nil, err
			}
			out[i] = append(out[i], d.Seconds()/float64(counts[i]))
		}
	}
	return out, nil
}
