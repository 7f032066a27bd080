package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Options are what all measurements have in common.
type Options struct {
	Rounds int      // 0: 15
	Only   []string // rows whose names begin with one of these; nil: all

	// Progress, if set, is told what is about to be measured; Warn what is left out, or what else is to be known, and why.
	Progress, Warn func(line string)
}

// ErrNoRow is what comes of an Only that no row's name begins with.
var ErrNoRow = errors.New("bench: no such row")

// measurement makes the rows of its names, in order.
type measurement struct {
	rows      []string
	needsC    bool
	takesLong bool // is left out unless asked for
	measure   measureFunc
}

type measureFunc func(ctx context.Context, s *suite, names []string) ([]Row, error)

// suite is one run of measurements, and what they share.
type suite struct {
	KernelOptions
	c    *Baseline // nil where there is no compiler
	blas *Baseline // nil where there is none, or it is of no use

	triads     map[int]*job // by their number of workers, opened when one is needed first
	triadLanes int
}

func newSuite(o KernelOptions) *suite {
	return &suite{KernelOptions: o.complete(), triads: map[int]*job{}}
}

// complete fills in the defaults.
func (o KernelOptions) complete() KernelOptions {
	if o.Rounds == 0 {
		o.Rounds = 15
	}
	if o.Examples == "" {
		o.Examples = "examples"
	}
	for _, f := range []*func(string){&o.Progress, &o.Warn} {
		if *f == nil {
			*f = func(string) {}
		}
	}
	return o
}

// chosen returns the measurements that make a row that is wanted.
func (s *suite) chosen(all []measurement) ([]measurement, error) {
	var names []string
	var out []measurement
	for _, m := range all {
		names = append(names, m.rows...)
		if slices.ContainsFunc(m.rows, func(name string) bool { return s.wants(m, name) }) {
			out = append(out, m)
		}
	}
	for _, only := range s.Only {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, only) }) {
			return nil, fmt.Errorf("%w: %q, expected the beginning of one of %q", ErrNoRow, only, names)
		}
	}
	return out, nil
}

// wants tells whether a row of a measurement belongs in the result.
func (s *suite) wants(m measurement, name string) bool {
	if m.takesLong && s.Fits || !m.takesLong && len(s.Only) == 0 {
		return true
	}
	return slices.ContainsFunc(s.Only, func(only string) bool { return strings.HasPrefix(name, only) })
}

// measure makes the rows that are wanted. An error comes with those that were measured until then.
func (s *suite) measure(ctx context.Context, chosen []measurement) (rows []Row, err error) {
	for _, m := range chosen {
		if err := ctx.Err(); err != nil {
			return rows, err
		}
		s.Progress("measuring " + m.rows[0])
		more, err := m.measure(ctx, s, m.rows)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", m.rows[0], err)
		}
		rows = append(rows, slices.DeleteFunc(more, func(r Row) bool { return !s.wants(m, r.Name) })...)
	}
	return rows, nil
}

func (s *suite) close() {
	for _, b := range []*Baseline{s.c, s.blas} {
		if b != nil {
			b.Close()
		}
	}
	for _, j := range s.triads {
		j.close()
	}
}

// What seconds are multiplied with for a unit.
const (
	microseconds = 1e6
	milliseconds = 1e3
	nanoseconds  = 1e9
)
