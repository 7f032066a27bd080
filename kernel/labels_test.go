package kernel_test

import (
	"bytes"
	"context"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/kernel"
)

// While a stage runs, profiles see its kernel's name and its own on the goroutines that run it, and the caller's labels
// are as before when it is over.
func TestProfileLabels(t *testing.T) {
	e := kernel.New(kernel.Options{Workers: 2, TileLanes: 256})
	defer e.Close()
	k, err := e.Compile(module())
	if err != nil {
		t.Fatal(err)
	}
	args := argumentsOf(t, e, k)
	during := ""
	args.Progress = func(done, total int) {
		if during == "" {
			during = goroutines(t)
		}
	}
	ctx := pprof.WithLabels(context.Background(), pprof.Labels("caller", "mine"))
	if err := k.Run(ctx, args); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(during, `"kernel":"test", "stage":"trace"`) {
		t.Errorf("while the stage runs, no goroutine has its labels:\n%s", during)
	}
	after := goroutines(t)
	if !strings.Contains(after, `"caller":"mine"`) {
		t.Errorf("afterwards, the caller's labels are gone:\n%s", after)
	}
	pprof.SetGoroutineLabels(context.Background())
}

// goroutines is the profile of all goroutines, as text with their labels.
func goroutines(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&out, 1); err != nil {
		t.Error(err)
	}
	return out.String()
}
