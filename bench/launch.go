package bench

import (
	"context"
	"fmt"
	"runtime"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/trace"
)

// What a launch may cost, in microseconds: with one tile, which no other worker has a part in, and with several.
const (
	launchBar        = 1
	launchWorkersBar = 5
)

// launch measures the run of a compiled program that has next to nothing to do, in tiles of 256 lanes and with two
// workers, and what the run allocates.
func launch(tiles int, bar float64) measureFunc {
	return func(ctx context.Context, s *suite, names []string) ([]Row, error) {
		lanes := tiles * ir.ReduceBlock
		q := newProblem("tiny", lanes, [][]float32{between(lanes, 7, -1, 1)}, []float64{3},
			func(r *trace.Recorder, in []trace.Float) trace.Float { return in[0].Mul(r.Uniform("k")) })
		j, err := q.open(kernel.Options{Workers: 2, TileLanes: ir.ReduceBlock})
		if err != nil {
			return nil, err
		}
		defer j.close()
		t, err := Rounds(ctx, s.Rounds, j.run)
		if err != nil {
			return nil, err
		}
		count, err := allocations(ctx, j, 1000)
		if err != nil {
			return nil, err
		}
		rows := []Row{
			Against(names[0], "us", Lower, t[0].Times(microseconds), bar),
			Against(names[1], "allocs/run", Lower, Series{count}, 0),
		}
		rows[0].Note = fmt.Sprintf("%d lanes, two workers; a bar", lanes)
		rows[1].Note = "a bar"
		rows[1].OursSpread = Spread{}
		return rows, nil
	}
}

// allocations returns how often a run allocates, in the mean.
func allocations(ctx context.Context, j *job, runs int) (float64, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := j.run(ctx, runs); err != nil {
		return 0, err
	}
	runtime.ReadMemStats(&after)
	// As testing.AllocsPerRun: whole allocations only, so that a stray one of the runtime does not count.
	return float64((after.Mallocs - before.Mallocs) / uint64(runs)), nil
}
