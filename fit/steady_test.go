package fit

import (
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/scene"
)

// steadyFits are fits of one stage each, on the renderer: one for every way in
// which an iteration can go.
var steadyFits = []struct {
	name  string
	scene func(t *testing.T) *scene.Scene
}{
	{"a photograph", func(t *testing.T) *scene.Scene { return exampleAt(t, "chessboard", 4) }},
	{"two sampled views", func(t *testing.T) *scene.Scene { return exampleAt(t, "sphere", 2) }},
	{"masks that follow their object", func(t *testing.T) *scene.Scene {
		s := exampleAt(t, "sphere", 2)
		for i := range s.Views {
			s.Views[i].Mask = &scene.Mask{Object: "ball", Margin: 2}
		}
		return s
	}},
	{"reverse mode", func(t *testing.T) *scene.Scene {
		s := exampleAt(t, "sphere", 2)
		s.Fit.Optimizer = scene.Optimizer{Adam: &scene.Adam{Iterations: 12, Rate: 0.01, Beta1: 0.9, Beta2: 0.999, Tolerance: 1e-6}}
		return s
	}},
	{"many parameters", func(t *testing.T) *scene.Scene { return exampleAt(t, "table", 8) }},
	{"every pixel by itself", func(t *testing.T) *scene.Scene {
		dir := t.TempDir()
		_, views := writeStones(t, dir)
		s, err := scene.Parse("scene.yaml", []byte(replaceViews(stoneScene, views)))
		if err != nil {
			t.Fatal(err)
		}
		s.Dir = dir
		s.Cameras[0].Samples = 1
		return s
	}},
}

// exampleAt is an example from its start, at one scale.
func exampleAt(t *testing.T, name string, scale int) *scene.Scene {
	t.Helper()
	s, err := scene.Load("../examples/" + name)
	if err != nil {
		t.Fatal(err)
	}
	s.Fit.Pyramid, s.Fit.Starts = []int{scale}, nil
	return s
}

// warmIterations are those at whose end all memory of a stage is there.
const warmIterations = 2

// steadyIterations runs a fit's optimizer and tells what look counts from each
// iteration to the next, without the first ones, when a stage's memory is made.
// The collector is off: it would do work of its own.
func steadyIterations(t *testing.T, s *scene.Scene, look func() int) []int {
	t.Helper()
	e := newEngine(2, kernel.Memory{})
	defer e.Close()
	counts := make([]int, 0, 1000)
	f, err := newFitter(s, Options{Workers: 2, OnEvent: func(e Event) {
		if e.Kind == StepEvent {
			counts = append(counts, look())
		}
	}}, e.open)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	if err := f.loadTargets(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	warmScheduler()
	if len(f.mapPaths) > 0 {
		_, err = f.runMaps(t.Context())
	} else {
		f.openAhead(t.Context())
		_, err = f.descend(t.Context(), outcome{vec: f.vec})
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(counts) < warmIterations+4 {
		t.Fatalf("%d steps say nothing", len(counts))
	}
	for i := len(counts) - 1; i > 0; i-- {
		counts[i] -= counts[i-1]
	}
	return counts[warmIterations:]
}

// warmScheduler lets very many goroutines wait at the same time, some of them
// on threads of their own. The runtime keeps threads that it does not need, and
// for each processor a list of what goroutines need to wait (112 bytes): it
// makes new ones while that of the processor is empty, however many others
// have. It is not the fit that these would be counted for.
func warmScheduler() {
	var waiting, done sync.WaitGroup
	release := make(chan struct{})
	for i := range 1000 * runtime.GOMAXPROCS(0) {
		waiting.Add(1)
		done.Go(func() {
			if i < 8*runtime.GOMAXPROCS(0) {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
			}
			waiting.Done()
			<-release
		})
	}
	waiting.Wait()
	time.Sleep(time.Millisecond)
	close(release)
	done.Wait()
}

// steadyAttempts is how often a fit is run until no steady iteration of it allocates. What the fit allocates it allocates
// in every run. But goroutines wait and wake up at other places on a busy machine, and the runtime, and pools that
// are apart for each processor, then need a record or two (of some hundred bytes) that they did not need before.
const steadyAttempts = 3

// TestSteadyIterationAllocatesNothing: once a stage has its memory, an iteration
// takes not one byte from the Go heap.
func TestSteadyIterationAllocatesNothing(t *testing.T) {
	for _, row := range steadyFits {
		t.Run(row.name, func(t *testing.T) {
			for attempt := range steadyAttempts {
				var m runtime.MemStats
				bytes := steadyIterations(t, row.scene(t), func() int {
					runtime.ReadMemStats(&m)
					return int(m.TotalAlloc)
				})
				if slices.Max(bytes) == 0 {
					return
				}
				t.Logf("attempt %d: bytes allocated by the iterations: %v", attempt+1, bytes)
			}
			t.Errorf("some iteration allocates in each of %d runs", steadyAttempts)
		})
	}
}
