//go:build !race

package fit

import (
	"runtime/debug"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// faultAttempts is how often a fit is run until no steady iteration of it
// faults. A fault that comes from what the fit does comes in every run. But the
// scheduler has its own, at any place: the registers of a goroutine that it
// preempts lie on a page of the stack that nothing has reached so far, threads
// wake up. One run in thirty sees such a fault on an idle machine, every other
// one on a very busy machine.
const faultAttempts = 20

// TestSteadyIterationFaultsNothing: nor does an iteration touch a page that has
// not been touched before, of whatever memory.
func TestSteadyIterationFaultsNothing(t *testing.T) {
	for _, row := range steadyFits {
		t.Run(row.name, func(t *testing.T) {
			for attempt := range faultAttempts {
				// Else memory that an earlier run has freed would serve this one, and
				// an iteration that allocates would not fault.
				debug.FreeOSMemory()
				faults := steadyIterations(t, row.scene(t), func() int { return pageFaults(t) })
				if slices.Max(faults) == 0 {
					return
				}
				t.Logf("attempt %d: page faults of the iterations: %v", attempt+1, faults)
			}
			t.Errorf("some iteration faults in each of %d runs", faultAttempts)
		})
	}
}

// pageFaults is how many the process has had.
func pageFaults(t *testing.T) int {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return int(u.Minflt + u.Majflt)
}
