package bench

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/baremetaldevx86/microdr/kernel"
)

const (
	pauseBar      = 200 // microseconds
	pauseMetric   = "/sched/pauses/total/gc:seconds"
	pauseRoundGCs = 50 // collections in a round, of two pauses each
)

// pauses measures for how long the garbage collector stops the world while kernels run on all workers. Pauses of all
// rounds count together: a percentile of few of them would say little.
func pauses(ctx context.Context, s *suite, names []string) ([]Row, error) {
	idle := collect(ctx, s.Rounds)
	j, err := spheres().open(kernel.Options{Workers: s.Workers})
	if err != nil {
		return nil, err
	}
	defer j.close()
	if _, err := j.run(ctx, 1); err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- runUntil(running, j) }()
	busy := collect(ctx, s.Rounds)
	stop()
	if err := <-done; err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var rows []Row
	for i, p := range []float64{0.5, 0.99} {
		r := Against(names[i], "us", Lower, Series{busy.quantile(p) * microseconds}, pauseBar)
		r.OursSpread = Spread{}
		r.Note = fmt.Sprintf("%d pauses, the longest %s us; %s us without kernels; a bar", busy.total(),
			figures(busy.quantile(1)*microseconds), figures(idle.quantile(p)*microseconds))
		rows = append(rows, r)
	}
	return rows, nil
}

// runUntil runs a job again and again until ctx ends.
func runUntil(ctx context.Context, j *job) error {
	for ctx.Err() == nil {
		if _, err := j.run(ctx, 1); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// collect lets the collector run, over garbage made between the collections, and returns the pauses.
func collect(ctx context.Context, rounds int) *histogram {
	before := readPauses()
	for range rounds * pauseRoundGCs {
		if ctx.Err() != nil {
			break
		}
		litter(1 << 10)
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	return readPauses().since(before)
}

// litter makes n small objects that point to each other.
func litter(n int) {
	type link struct{ next *link }
	var list *link
	for range n {
		list = &link{list}
	}
	runtime.KeepAlive(list)
}

// histogram counts pauses by their length: counts[i] of those between bounds[i] and bounds[i+1], in seconds.
type histogram struct {
	counts []uint64
	bounds []float64
}

func readPauses() *histogram {
	sample := []metrics.Sample{{Name: pauseMetric}}
	metrics.Read(sample)
	h := sample[0].Value.Float64Histogram()
	return &histogram{append([]uint64(nil), h.Counts...), h.Buckets}
}

// since takes off what was counted before.
func (h *histogram) since(before *histogram) *histogram {
	for i, n := range before.counts {
		h.counts[i] -= n
	}
	return h
}

func (h *histogram) total() (n uint64) {
	for _, c := range h.counts {
		n += c
	}
	return n
}

// quantile returns the length that a fraction p of the pauses do not exceed: the upper bound of their bucket, or the
// lower one where there is no upper.
func (h *histogram) quantile(p float64) float64 {
	need := uint64(math.Ceil(p * float64(h.total())))
	var n uint64
	for i, c := range h.counts {
		if n += c; n >= need && n > 0 {
			if upper := h.bounds[i+1]; !math.IsInf(upper, 1) {
				return upper
			}
			return h.bounds[i]
		}
	}
	return 0
}
