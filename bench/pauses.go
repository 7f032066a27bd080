package bench

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/baremetaldevx86/microdr/kernel"
)

const (
	pauseBar      = 200 // microseconds
	pauseMetric   = "/sched/pauses/total/gc:seconds"
	pauseRoundGCs = 20 // collections in a round, of two pauses each
)

// load keeps workers busy until its context ends.
type load func(ctx context.Context) error

// pauses measures for how long the garbage collector stops the world while kernels run on all workers, in turn with
// the same while the workers do nothing, and while they count: where other processes hold a core, the world stops late
// whatever runs in it. Pauses of all rounds count together: a percentile of few of them would say little.
func pauses(ctx context.Context, s *suite, names []string) ([]Row, error) {
	j, err := spheres().open(kernel.Options{Workers: s.Workers})
	if err != nil {
		return nil, err
	}
	defer j.close()
	if _, err := j.run(ctx, 1); err != nil {
		return nil, err
	}
	kernels := func(ctx context.Context) error { return runUntil(ctx, j) }
	loads := []load{rest, counting(s.Workers), kernels}
	all := make([]histogram, len(loads))
	for range s.Rounds {
		for i, l := range loads {
			h, err := collectUnder(ctx, l)
			if err != nil {
				return nil, err
			}
			all[i].add(h)
		}
	}
	return pauseRows(names, &all[0], &all[1], &all[2]), nil
}

// pauseRows makes the rows of the median and of the 99th percentile beside the bar, and of the latter beside Go.
func pauseRows(names []string, idle, counted, busy *histogram) []Row {
	var rows []Row
	for i, p := range []float64{0.5, 0.99, 0.99} {
		ours, peer := busy.quantile(p)*microseconds, counted.quantile(p)*microseconds
		r := Row{Name: names[i], Ours: ours, Baseline: pauseBar, Unit: "us",
			Note: fmt.Sprintf("%d pauses; %s while nothing runs; a bar", busy.total(), figures(idle.quantile(p)*microseconds))}
		if i == 2 {
			r.Baseline, r.Note = peer, "goroutines that count on all workers"
		}
		r.Ratio = Ratio(Lower, r.Ours, r.Baseline)
		rows = append(rows, r)
	}
	return rows
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

// rest is the load of nothing.
func rest(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// counting is the load of goroutines that the runtime can stop anywhere.
func counting(workers int) load {
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	return func(ctx context.Context) error {
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for ctx.Err() == nil {
					for range 1 << 16 {
					}
				}
			})
		}
		wg.Wait()
		return nil
	}
}

// collectUnder returns the pauses of a round of collections under a load.
func collectUnder(ctx context.Context, l load) (*histogram, error) {
	running, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- l(running) }()
	h := collect(ctx)
	stop()
	if err := <-done; err != nil {
		return nil, err
	}
	return h, ctx.Err()
}

// collect lets the collector run, over garbage made between the collections, and returns the pauses.
func collect(ctx context.Context) *histogram {
	before := readPauses()
	for range pauseRoundGCs {
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

// add counts what another histogram, of the same bounds, has counted.
func (h *histogram) add(other *histogram) {
	if h.counts == nil {
		h.counts, h.bounds = make([]uint64, len(other.counts)), other.bounds
	}
	for i, n := range other.counts {
		h.counts[i] += n
	}
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
