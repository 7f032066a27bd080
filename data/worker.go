package data

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// A slot is a batch while it is made, and the memory of the batches that it will be later.
type slot struct {
	batch  Batch // slices of what follows
	full   Batch
	left   atomic.Int32  // images that are not there yet
	filled chan struct{} // one element when none is left

	mu       sync.Mutex // guards what follows: several workers may fail
	failed   error
	failedAt int // position in the batch of the first image that failed
}

func newSlot(images int, shape Shape) *slot {
	full := Batch{
		Pixels:  make([]float32, images*shape.Len()),
		Labels:  make([]int32, images),
		Indices: make([]int32, images),
		Shape:   shape,
	}
	return &slot{full: full, filled: make(chan struct{}, 1)}
}

// begin makes the slot that of a batch with these images.
func (s *slot) begin(state State, images []int32, last bool) {
	n := len(images)
	s.batch = s.full
	s.batch.Pixels, s.batch.Labels, s.batch.Indices = s.full.Pixels[:n*s.full.Shape.Len()], s.full.Labels[:n],
		s.full.Indices[:n]
	s.batch.Epoch, s.batch.Number, s.batch.Last = state.Epoch, state.Batch, last
	copy(s.batch.Indices, images)
	s.left.Store(int32(n))
}

// fail remembers the error of the first image of the batch, whichever worker comes first.
func (s *slot) fail(position int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil || position < s.failedAt {
		s.failed, s.failedAt = err, position
	}
}

func (s *slot) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// task is a part of a batch for one worker.
type task struct {
	slot     *slot
	from, to int
}

// taskImages is the most in a task: enough that handing it over does not count, few enough that all workers end a batch
// together.
const taskImages = 8

// plan hands out the batches in their order, each in parts.
func (l *Loader) plan() {
	defer close(l.ordered)
	defer close(l.tasks)
	begun := -1 // epoch of the order
	for state := l.options.Start; l.options.Epochs == 0 || state.Epoch < l.options.Epochs; state = l.following(state) {
		var s *slot
		select {
		case s = <-l.free:
		case <-l.ctx.Done():
			return
		}
		if state.Epoch != begun {
			l.order.begin(state.Epoch)
			begun = state.Epoch
		}
		first := state.Batch * l.options.Batch
		members := l.order.images[first:min(first+l.options.Batch, len(l.order.images))]
		s.begin(state, members, state.Batch == l.perEpoch-1)
		l.ordered <- s // has room for all slots
		for from := 0; from < len(members); from += taskImages {
			select {
			case l.tasks <- task{s, from, min(from+taskImages, len(members))}:
			case <-l.ctx.Done():
				return
			}
		}
	}
}

// work makes images until there are no more tasks. After the end of the context nobody waits for a slot.
func (l *Loader) work() {
	scratch := make([]float32, l.source.Shape().Len())
	for t := range l.tasks {
		for i := t.from; i < t.to; i++ {
			if l.ctx.Err() != nil {
				return
			}
			if err := l.fill(&t.slot.batch, i, scratch); err != nil {
				t.slot.fail(i, err)
			}
		}
		if t.slot.left.Add(int32(t.from-t.to)) == 0 {
			t.slot.filled <- struct{}{}
		}
	}
}

// fill makes the image at a position of a batch.
func (l *Loader) fill(b *Batch, position int, scratch []float32) error {
	n, index := b.Shape.Len(), b.Indices[position]
	pixels := b.Pixels[position*n:][:n:n]
	read := pixels
	if l.options.Augment.random() {
		read = scratch
	}
	label, err := l.source.Read(int(index), read)
	if err != nil {
		return fmt.Errorf("data: image %d: %w", index, err)
	}
	b.Labels[position] = label
	if l.options.Augment.random() {
		c := l.options.Augment.draw(place{l.options.Start.Seed, uint32(b.Epoch), uint32(index)})
		l.options.Augment.apply(pixels, scratch, b.Shape, c)
	}
	l.normalise(pixels, b.Shape)
	return nil
}

func (l *Loader) normalise(pixels []float32, shape Shape) {
	plane := shape.Height * shape.Width
	for c, scale := range l.scales {
		mean, channel := l.options.Mean[c], pixels[c*plane:][:plane]
		for i, v := range channel {
			channel[i] = float32(v-mean) * scale
		}
	}
}
