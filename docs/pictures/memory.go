package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/fit"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/mem/study"
	"github.com/baremetaldevx86/microdr/scene"
)

// memory makes the pictures and the tables of docs/memory.md: heaps under every policy, of the fit of examples/table and of
// work that replaces blocks at random.
func memory(ctx context.Context) error {
	table, err := recordFit(ctx, "examples/table")
	if err != nil {
		return err
	}
	for name, trace := range map[string]*study.Trace{"table": table, "replacing": replacing(2000, 30_000)} {
		results, err := study.Replay(ctx, trace, study.Kinds(), study.ReplayOptions{Rounds: 5, Limit: 4 << 30, Progress: replayed})
		if err != nil {
			return err
		}
		var panels []study.Panel
		fmt.Printf("\n%s: %d operations on %d blocks\n", name, len(trace.Ops), trace.Blocks)
		for _, r := range results {
			panels = append(panels, r.Panel)
			fmt.Printf("| `%s` | %.0f | %.0f | %.0f | %.1f | %.2f | %.0f %% | %.0f %% | %d |\n", r.Policy, r.Mean, r.P50, r.P999, r.Max/1000, r.Ratio, 100*r.Internal, 100*r.External, r.Faults)
		}
		path := filepath.Join("docs", "memory-"+name+".png")
		if err := film.WriteAtomic(path, func(w io.Writer) error { return study.Plot(w, "png", panels) }); err != nil {
			return err
		}
	}
	return nil
}

func replayed(what string, done, of int) { fmt.Fprintf(os.Stderr, "%s, %d of %d\n", what, done+1, of) }

// recordFit fits a scene and returns what was allocated.
func recordFit(ctx context.Context, path string) (*study.Trace, error) {
	s, err := scene.Load(path)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "pictures")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	trace := filepath.Join(folder, "trace")
	r, err := study.Record(trace)
	if err != nil {
		return nil, err
	}
	if _, err := fit.Run(ctx, s, fit.Options{OnEvent: progress, Memory: kernel.Memory{Recorder: r}}); err != nil {
		return nil, err
	}
	if err := r.Close(); err != nil {
		return nil, err
	}
	file, err := os.Open(trace)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return study.ReadTrace(file)
}

// replacing is the standard work of `microdr mem bench` on fewer slots, since the list of all blocks takes its time: a block
// freed at random and one allocated, 90 % of 16 B to 1 KiB, 9 % up to 32 KiB, 1 % up to 1 MiB, uniform in the logarithm.
// In the middle nine blocks of ten are freed, and then the slots fill up again.
func replacing(slots, operations int) *study.Trace {
	t := &study.Trace{}
	random := scene.Random{Key: 4, Stream: 1}
	live := make([]int32, slots)
	for i := range live {
		live[i] = -1
	}
	free := func(slot int) {
		if live[slot] >= 0 {
			t.Ops = append(t.Ops, study.Op{Kind: study.OpFree, ID: live[slot]})
			live[slot] = -1
		}
	}
	for i := range operations {
		if i == operations/2 {
			for slot := range live {
				if slot%10 != 0 {
					free(slot)
				}
			}
		}
		slot := int(random.Float64() * float64(slots))
		free(slot)
		live[slot] = int32(t.Blocks)
		t.Ops = append(t.Ops, study.Op{ID: live[slot], Size: size(random.Float64(), random.Float64())})
		t.Blocks++
	}
	return t
}

func size(which, where float64) int64 {
	low, high := 4.0, 10.0
	switch {
	case which >= 0.99:
		low, high = 15, 20
	case which >= 0.9:
		low, high = 10, 15
	}
	return int64(math.Exp2(low + where*(high-low)))
}
