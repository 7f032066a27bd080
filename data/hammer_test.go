package data

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// TestHammerCancel ends the context at any moment, before and while batches are made and waited for. A bubble of
// synctest fails when a goroutine is left over: nothing calls Close. (The test's own context would end them.)
func TestHammerCancel(t *testing.T) {
	for i := range 50 {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			l, err := NewLoader(ctx, counting(300, Shape{2, 4, 4}), everything(1+i%40))
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				for range i * 20 {
					synchronise()
				}
				cancel()
			}()
			for err == nil {
				_, err = l.Next()
			}
			if !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
		})
	}
}

// synchronise lets other goroutines run.
func synchronise() { done := make(chan struct{}); go close(done); <-done }

// TestHammerClose leaves at any batch, or at the end.
func TestHammerClose(t *testing.T) {
	for i := range 50 {
		synctest.Test(t, func(t *testing.T) {
			options := everything(16)
			options.Epochs, options.Workers = 2, 1+i%8
			l, err := NewLoader(context.Background(), counting(100, Shape{2, 4, 4}), options)
			if err != nil {
				t.Fatal(err)
			}
			for range i {
				if _, err := l.Next(); err != nil && err != io.EOF {
					t.Fatal(err)
				}
			}
			l.Close()
		})
	}
}

// TestHammerBroken meets an image that cannot be read. That ends all goroutines, although nothing calls Close.
func TestHammerBroken(t *testing.T) {
	for i := range 50 {
		synctest.Test(t, func(t *testing.T) {
			options := everything(16)
			options.Workers = 1 + i%8
			l, err := NewLoader(context.Background(), counting(100, Shape{2, 4, 4}, i*2, i*2+1), options)
			if err != nil {
				t.Fatal(err)
			}
			for err == nil {
				_, err = l.Next()
			}
			if errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
}

// slow reads an image in a second of the bubble's clock.
type slow struct{ *counted }

func (s slow) Read(i int, pixels []float32) (int32, error) {
	time.Sleep(time.Second)
	return s.counted.Read(i, pixels)
}

// TestDeadline: Next does not wait for images that are slow when the time is over, and workers stop within an image.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 2500*time.Millisecond)
		defer cancel()
		l, err := NewLoader(ctx, slow{counting(100, Shape{2, 4, 4})}, everything(50))
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := l.Next(); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 2500*time.Millisecond {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if l.Close(); time.Since(began) != 3*time.Second {
			t.Errorf("closed after %v, want 3 s", time.Since(began))
		}
	})
}

// TestHammerWorkers has many loaders on one set at once, each with more workers than processors.
func TestHammerWorkers(t *testing.T) {
	source := counting(64, Shape{2, 4, 4})
	want := take(t, source, everything(7), 30)
	for range 4 {
		t.Run("loader", func(t *testing.T) {
			t.Parallel()
			options := everything(7)
			options.Workers, options.Prefetch = 8, 4
			requireSame(t, "side by side", take(t, source, options, 30), want)
		})
	}
}
