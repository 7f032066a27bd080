package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/baremetaldevx86/microdr/kernel"
)

// besideC times a problem on one worker beside C functions that compute it, after making sure that they do. The first
// series is ours.
func (s *suite) besideC(ctx context.Context, q *problem, functions ...string) ([]Series, error) {
	ours, err := q.open(kernel.Options{Workers: 1})
	if err != nil {
		return nil, err
	}
	defer ours.close()
	sides := []Side{ours.run}
	for _, f := range functions {
		p, err := s.peer(ctx, ours, q, f)
		if err != nil {
			return nil, err
		}
		defer p.close()
		sides = append(sides, p.run)
	}
	return Rounds(ctx, s.Rounds, sides...)
}

// peer starts the C program with a problem whose outcome is found to be the one of ours.
func (s *suite) peer(ctx context.Context, ours *job, q *problem, function string) (*peer, error) {
	p, err := s.c.start(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.check(ctx, ours, q, q.order(function), agree); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// order is that to load a problem of lanes, for a C function to compute.
func (q *problem) order(function string) string {
	return fmt.Sprintf("%s %d %d %d", function, q.lanes, len(q.inputs), len(q.uniforms))
}

// check loads the problem, runs it on both sides and compares.
func (p *peer) check(ctx context.Context, ours *job, q *problem, order string, same func(ours, theirs []float32) error) error {
	if err := p.load(order, q); err != nil {
		return err
	}
	if _, err := p.run(ctx, 1); err != nil {
		return err
	}
	theirs, err := p.read()
	if err != nil {
		return err
	}
	if _, err := ours.run(ctx, 1); err != nil {
		return err
	}
	return same(ours.output(), theirs)
}

func elementwise(lanes int) measureFunc {
	return func(ctx context.Context, s *suite, names []string) ([]Row, error) {
		q := fog(lanes)
		operations, err := q.operations()
		if err != nil {
			return nil, err
		}
		t, err := s.besideC(ctx, q, "fog", "fog_by_hand")
		if err != nil {
			return nil, err
		}
		unit := nanoseconds / float64(lanes)
		rows := []Row{
			Compare(names[0], "ns/lane", Lower, t[0].Times(unit), t[1].Times(unit)),
			Compare(names[1], "ns/lane", Lower, t[0].Times(unit), t[2].Times(unit)),
		}
		for i, who := range []string{"C that gcc vectorises", "C vectorised by hand"} {
			r := &rows[i]
			r.Note = fmt.Sprintf("%s; %d ops a lane: %s and %s Gop/s", who, operations,
				figures(float64(operations)/r.Ours), figures(float64(operations)/r.Baseline))
		}
		return rows, nil
	}
}

func sphereTracing(ctx context.Context, s *suite, names []string) ([]Row, error) {
	q := spheres()
	t, err := s.besideC(ctx, q, "spheres", "spheres_in_pairs")
	if err != nil {
		return nil, err
	}
	unit := nanoseconds / float64(q.lanes)
	rows := []Row{
		Compare(names[0], "ns/lane", Lower, t[0].Times(unit), t[1].Times(unit)),
		Compare(names[1], "ns/lane", Lower, t[0].Times(unit), t[2].Times(unit)),
	}
	rows[0].Note = "C, a vector at a time"
	rows[1].Note = "C, two vectors at a time"
	return rows, nil
}

// rate makes the row of a problem of which every lane counts for amount.
func (s *suite) rate(ctx context.Context, name, unit string, q *problem, function string, amount float64) (Row, error) {
	t, err := s.besideC(ctx, q, function)
	if err != nil {
		return Row{}, err
	}
	amount *= float64(q.lanes)
	return Compare(name, unit, Higher, t[0].Rates(amount), t[1].Rates(amount)), nil
}

func fmaPeak(ctx context.Context, s *suite, names []string) ([]Row, error) {
	r, err := s.rate(ctx, names[0], "GFLOP/s", peak(1<<12), "peak", peakFlops*1e-9)
	r.Note = fmt.Sprintf("one worker, one thread of C, %d chains", peakChains)
	return []Row{r}, err
}

func bandwidth(ctx context.Context, s *suite, names []string) ([]Row, error) {
	q := triad(1 << 24)
	r, err := s.rate(ctx, names[0], "GB/s", q, "triad", triadBytes*1e-9)
	r.Note = fmt.Sprintf("STREAM triad, %d MB, one worker, one thread of C", q.lanes*triadBytes>>20)
	return []Row{r}, err
}

// twoWorkers measures what a second worker brings, beside what a second copy of the C process does: the throughput of
// both copies over that of one alone.
func twoWorkers(function string, make func() *problem) measureFunc {
	return func(ctx context.Context, s *suite, names []string) ([]Row, error) {
		q := make()
		var sides []Side
		for workers := 1; workers <= 2; workers++ {
			j, err := q.open(kernel.Options{Workers: workers})
			if err != nil {
				return nil, err
			}
			defer j.close()
			sides = append(sides, j.run)
			p, err := s.peer(ctx, j, q, function)
			if err != nil {
				return nil, err
			}
			defer p.close()
			sides = append(sides, p.run)
		}
		one, oneC, two, otherC := sides[0], sides[1], sides[2], sides[3]
		t, err := Rounds(ctx, s.Rounds, one, two, oneC, together(oneC, otherC))
		if err != nil {
			return nil, err
		}
		r := Compare(names[0], "x", Higher, t[0].Over(t[1]), t[2].Over(t[3]))
		r.Note = fmt.Sprintf("two C processes; one worker %s ms", figures(t[0].Median()*milliseconds))
		return []Row{r}, nil
	}
}

// together runs two sides at the same time. Its time is that in which both do n repetitions between them, at the
// sum of their rates.
func together(a, b Side) Side {
	return func(ctx context.Context, n int) (time.Duration, error) {
		var other time.Duration
		done := make(chan error, 1)
		go func() {
			var err error
			other, err = b(ctx, n)
			done <- err
		}()
		own, err := a(ctx, n)
		if failed := <-done; err == nil {
			err = failed
		}
		if err != nil {
			return 0, err
		}
		return time.Duration(1 / (1/float64(own) + 1/float64(other))), nil
	}
}
