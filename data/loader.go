package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"sync"
)

// Options says how a Loader deals out a set.
type Options struct {
	Batch    int   // images in a batch, at least 1
	Start    State // the first batch, and the seed
	Epochs   int   // where Next ends: before the epoch of this number; 0 means never
	Shuffle  bool  // a new order for each epoch
	DropLast bool  // leave out the last batch of an epoch if it is not full
	Workers  int   // goroutines that read images; 0 means one for each processor
	Prefetch int   // batches that are made ahead; 0 means 2

	Augment Augmentation

	// Mean and Deviation have a number for each channel, or are empty: value v becomes (v - mean) / deviation. See
	// Statistics.
	Mean, Deviation []float32
}

// State is where a Loader stands: with the options as they were, a Loader that starts there goes on with the same
// batches bit for bit.
type State struct {
	Seed  uint64 // of all random numbers
	Epoch int    // passes through the set before this one
	Batch int    // batches of this epoch before this one
}

// Batch is a number of images and their classes. It belongs to the Loader, and is valid until Next is called again.
type Batch struct {
	Pixels  []float32 // images one after the other: len(Labels) * Shape.Len()
	Labels  []int32
	Indices []int32 // of the images in the set
	Shape   Shape   // of each image
	Epoch   int
	Number  int  // of the batch in its epoch, from 0
	Last    bool // no batch of this epoch follows
}

// Loader deals out a set of images in batches. Its workers read and augment the images of the next batches while the
// last one is used. One goroutine at a time may call Next and State.
type Loader struct {
	options  Options
	source   Source
	perEpoch int
	state    State // of what Next returns next
	order    *order
	scales   []float32 // 1 / deviation

	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	// A slot goes round: free, filled by the plan and the workers, waiting in its order, current, free.
	free    chan *slot
	tasks   chan task
	ordered chan *slot
	current *slot
	failure error
}

// NewLoader starts to make batches. It goes on until Close, or until ctx ends; both stop all of its goroutines.
func NewLoader(ctx context.Context, source Source, options Options) (*Loader, error) {
	l := &Loader{options: options, source: source, state: options.Start}
	if err := l.checked(); err != nil {
		return nil, err
	}
	l.applyDefaults()
	for _, d := range l.options.Deviation {
		l.scales = append(l.scales, float32(1/float64(d)))
	}
	l.order = newOrder(source.Len(), options.Shuffle, options.Start.Seed)
	l.ctx, l.cancel = context.WithCancel(ctx)
	slots := l.options.Prefetch + 1
	l.free, l.ordered, l.tasks = make(chan *slot, slots), make(chan *slot, slots), make(chan task)
	for range slots {
		l.free <- newSlot(l.options.Batch, source.Shape())
	}
	l.running.Go(l.plan)
	for range l.options.Workers {
		l.running.Go(l.work)
	}
	return l, nil
}

// Check returns the error that NewLoader would return for a source.
func (o Options) Check(source Source) error {
	return (&Loader{options: o, source: source, state: o.Start}).checked()
}

func (l *Loader) checked() error {
	if err := l.check(); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	return nil
}

// check also finds how many batches an epoch has.
func (l *Loader) check() error {
	o, shape, n := &l.options, l.source.Shape(), l.source.Len()
	if err := shape.check(); err != nil {
		return err
	}
	if n > math.MaxInt32 || o.Batch < 1 || o.Batch > math.MaxInt/shape.Len() {
		return fmt.Errorf("batches of %d of %d images, expected at least 1 and less than 2^31", o.Batch, n)
	}
	if l.perEpoch = n / o.Batch; n%o.Batch > 0 && !o.DropLast {
		l.perEpoch++
	}
	if l.perEpoch == 0 {
		return fmt.Errorf("%d images, expected enough for a batch of %d", n, o.Batch)
	}
	if s := o.Start; s.Epoch < 0 || s.Epoch > math.MaxInt32 || s.Batch < 0 || s.Batch >= l.perEpoch {
		return fmt.Errorf("start at epoch %d, batch %d, expected one of the %d batches of an epoch",
			s.Epoch, s.Batch, l.perEpoch)
	}
	if o.Epochs < 0 || o.Workers < 0 || o.Prefetch < 0 {
		return fmt.Errorf("%d epochs, %d workers, %d batches ahead, expected none to be negative",
			o.Epochs, o.Workers, o.Prefetch)
	}
	if err := checkNormal(o.Mean, o.Deviation, shape.Channels); err != nil {
		return err
	}
	return o.Augment.check(shape)
}

func checkNormal(mean, deviation []float32, channels int) error {
	if len(mean) == 0 && len(deviation) == 0 {
		return nil
	}
	if len(mean) != channels || len(deviation) != channels {
		return fmt.Errorf("%d means and %d deviations, expected %d of each", len(mean), len(deviation), channels)
	}
	for c, d := range deviation {
		if m := mean[c]; m-m != 0 || !(d > 0) || d-d != 0 {
			return fmt.Errorf("channel %d: mean %v and deviation %v, expected finite numbers, the second positive", c, m, d)
		}
	}
	return nil
}

func (l *Loader) applyDefaults() {
	if l.options.Workers == 0 {
		l.options.Workers = runtime.GOMAXPROCS(0)
	}
	if l.options.Prefetch == 0 {
		l.options.Prefetch = 2
	}
}

// BatchesPerEpoch returns how many batches an epoch has.
func (l *Loader) BatchesPerEpoch() int { return l.perEpoch }

// State returns where the Loader stands: a new one that starts there returns first what Next would return now.
func (l *Loader) State() State { return l.state }

// Next returns the next batch, and takes back the one before it. After the last epoch it returns io.EOF, when the
// context has ended or the Loader was closed an error that wraps context.Canceled or DeadlineExceeded. An image that
// could not be read ends the Loader: Next returns the error of the first such image, when its batch comes, and from
// then on.
func (l *Loader) Next() (*Batch, error) {
	if l.failure != nil {
		return nil, l.failure
	}
	if l.current != nil {
		l.free <- l.current // has room for all slots
		l.current = nil
	}
	s, err := l.wait()
	if err != nil {
		l.failure = err
		l.cancel()
		return nil, err
	}
	l.current = s
	l.state = l.following(l.state)
	return &s.batch, nil
}

// wait returns the next slot when it is filled.
func (l *Loader) wait() (*slot, error) {
	ended := func() error { return fmt.Errorf("data: no more batches: %w", l.ctx.Err()) }
	if l.ctx.Err() != nil {
		return nil, ended()
	}
	var s *slot
	select {
	case s = <-l.ordered:
	case <-l.ctx.Done():
		return nil, ended()
	}
	if s == nil { // closed
		if l.ctx.Err() != nil {
			return nil, ended()
		}
		return nil, io.EOF
	}
	select {
	case <-s.filled:
	case <-l.ctx.Done():
		return nil, ended()
	}
	return s, s.failure()
}

// following is the state after that of one batch.
func (l *Loader) following(s State) State {
	if s.Batch++; s.Batch == l.perEpoch {
		s.Epoch, s.Batch = s.Epoch+1, 0
	}
	return s
}

// Close stops all goroutines of the Loader and waits for them. No batch is valid afterwards. To interrupt a Next that
// waits in another goroutine, end the context instead.
func (l *Loader) Close() {
	l.cancel()
	l.running.Wait()
	if l.failure == nil || errors.Is(l.failure, io.EOF) {
		l.failure = fmt.Errorf("data: the loader is closed: %w", context.Canceled)
	}
}
