package scene

import (
	"math"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
)

// TestRetractTo compares steps within copies with those that make new scenes,
// a whole walk of them, and their derivatives and values.
func TestRetractTo(t *testing.T) {
	v := everythingVector(t)
	at, next := v.Copy(), v.Copy()
	differential, reader := v.NewDifferential(), NewReader()
	for step := range 5 {
		delta := make([]float64, v.Dim())
		for i := range delta {
			if i%5 != step {
				delta[i] = 0.02 * math.Sin(float64(1+i+7*step))
			}
		}
		v = v.At(v.Retract(delta))
		at.RetractTo(next, delta)
		at, next = next, at
		if !reflect.DeepEqual(at.Scene(), v.Scene()) {
			t.Fatalf("step %d leads to another scene", step)
		}
		if got, want := differential.At(at), v.JacobianPhys(); !slices.Equal(got, want) {
			t.Errorf("step %d: derivatives\n%v\nwant\n%v", step, got, want)
		}
		if got, want := reader.Values(at.Scene()), uniformValues(v.Scene()); !slices.Equal(got, want) {
			t.Errorf("step %d: values\n%v\nwant\n%v", step, got, want)
		}
		var want []float64
		for _, b := range v.Blocks() {
			numbers, err := v.Scene().Get(b.Path)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, numbers...)
		}
		if got := at.AppendNumbers(nil); !slices.Equal(got, want) {
			t.Errorf("step %d: numbers\n%v\nwant\n%v", step, got, want)
		}
	}
}

// TestMovingAllocatesNothing: what an optimizer asks of a vector in every
// iteration costs no memory.
func TestMovingAllocatesNothing(t *testing.T) {
	v := everythingVector(t)
	to, delta := v.Copy(), make([]float64, v.Dim())
	differential, reader := v.NewDifferential(), NewReader()
	for i := range delta {
		delta[i] = 1e-3
	}
	var numbers []float64
	move := func() {
		v.RetractTo(to, delta)
		differential.At(to)
		reader.Values(to.Scene())
		numbers = to.AppendNumbers(numbers[:0])
	}
	move()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10 {
		move()
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n != 0 {
		t.Errorf("10 moves allocate %d bytes in %d pieces", n, after.Mallocs-before.Mallocs)
	}
}
