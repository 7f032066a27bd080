package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
)

// counted is a set whose images are functions of their index; some cannot be read.
type counted struct {
	n      int
	shape  Shape
	broken []int
}

func counting(n int, shape Shape, broken ...int) *counted { return &counted{n, shape, broken} }

func (c *counted) Len() int     { return c.n }
func (c *counted) Shape() Shape { return c.shape }

func (c *counted) Read(i int, pixels []float32) (int32, error) {
	if slices.Contains(c.broken, i) {
		return 0, fmt.Errorf("image %d is broken", i)
	}
	for k := range pixels {
		pixels[k] = float32((i*31+k*7)%101) / 101
	}
	return int32(i % 10), nil
}

// everything is options with all that is random.
func everything(batch int) Options {
	return Options{
		Batch:     batch,
		Start:     State{Seed: 12},
		Shuffle:   true,
		Augment:   Augmentation{Shift: 2, Flip: true, Rotate: 15, Scale: 0.2},
		Mean:      []float32{0.5, 0.4},
		Deviation: []float32{0.25, 2},
	}
}

// take copies the next n batches.
func take(t *testing.T, source Source, options Options, n int) []Batch {
	t.Helper()
	l, err := NewLoader(t.Context(), source, options)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var batches []Batch
	for range n {
		b, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		c := *b
		c.Pixels, c.Labels, c.Indices = slices.Clone(b.Pixels), slices.Clone(b.Labels), slices.Clone(b.Indices)
		batches = append(batches, c)
	}
	return batches
}

// requireSame compares batches bit for bit.
func requireSame(t *testing.T, name string, got, want []Batch) {
	t.Helper()
	for i := range want {
		g, w := got[i], want[i]
		if g.Epoch != w.Epoch || g.Number != w.Number || g.Last != w.Last || g.Shape != w.Shape ||
			!slices.Equal(g.Labels, w.Labels) || !slices.Equal(g.Indices, w.Indices) || !slices.Equal(g.Pixels, w.Pixels) {
			t.Fatalf("%s: batch %d is not the same", name, i)
		}
	}
}

// TestWorkersChangeNothing also varies how many batches are made ahead. The control is that another seed does change.
func TestWorkersChangeNothing(t *testing.T) {
	source := counting(101, Shape{2, 6, 7})
	want := take(t, source, everything(16), 20) // nearly three epochs
	for _, r := range []struct{ workers, prefetch int }{{1, 1}, {2, 5}, {8, 3}} {
		options := everything(16)
		options.Workers, options.Prefetch = r.workers, r.prefetch
		requireSame(t, fmt.Sprint(r), take(t, source, options, 20), want)
	}
	options := everything(16)
	options.Start.Seed++
	other := take(t, source, options, 1)
	if slices.Equal(other[0].Pixels, want[0].Pixels) || slices.Equal(other[0].Indices, want[0].Indices) {
		t.Error("another seed changes nothing")
	}
}

// TestPlaceChangesNothing: an image is augmented the same wherever it comes in its epoch, and anew in the next.
func TestPlaceChangesNothing(t *testing.T) {
	source := counting(40, Shape{2, 6, 7})
	byIndex := func(options Options) map[[2]int32][]float32 {
		images := map[[2]int32][]float32{}
		for _, b := range take(t, source, options, 2*40/options.Batch) {
			for k, index := range b.Indices {
				images[[2]int32{int32(b.Epoch), index}] = b.Pixels[k*84:][:84]
			}
		}
		return images
	}
	plain := everything(10)
	plain.Shuffle = false
	want, got := byIndex(plain), byIndex(everything(8))
	if len(want) != 80 || !maps.EqualFunc(want, got, slices.Equal) {
		t.Error("an image depends on its place")
	}
	same := 0
	for index := range int32(40) {
		if slices.Equal(want[[2]int32{0, index}], want[[2]int32{1, index}]) {
			same++
		}
	}
	if same > 0 {
		t.Errorf("%d images are the same in both epochs", same)
	}
}

// TestResume starts at every batch of two epochs, where a Loader that had come there stood.
func TestResume(t *testing.T) {
	source := counting(50, Shape{2, 6, 7})
	for _, drop := range []bool{false, true} {
		options := everything(8)
		options.DropLast = drop
		want := take(t, source, options, 20)
		l, err := NewLoader(t.Context(), source, options)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		for i := range 14 {
			resumed := options
			resumed.Start = l.State()
			requireSame(t, fmt.Sprintf("from %+v", l.State()), take(t, source, resumed, 3), want[i:i+3])
			if _, err := l.Next(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestEpochs: each image once an epoch, in an order of its own, and io.EOF at the end.
func TestEpochs(t *testing.T) {
	for _, r := range []struct {
		shuffle, drop bool
		sizes         []int // of the batches of an epoch
	}{
		{false, false, []int{8, 8, 8, 3}},
		{true, false, []int{8, 8, 8, 3}},
		{true, true, []int{8, 8, 8}},
	} {
		options := Options{Batch: 8, Epochs: 3, Shuffle: r.shuffle, DropLast: r.drop, Start: State{Seed: 4}}
		l, err := NewLoader(t.Context(), counting(27, Shape{1, 1, 2}), options)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if l.BatchesPerEpoch() != len(r.sizes) {
			t.Errorf("%+v: %d batches an epoch", r, l.BatchesPerEpoch())
		}
		orders := map[string]bool{}
		for epoch := range 3 {
			var order []int32
			for number, size := range r.sizes {
				b, err := l.Next()
				if err != nil {
					t.Fatal(err)
				}
				if b.Epoch != epoch || b.Number != number || len(b.Labels) != size || len(b.Pixels) != 2*size ||
					b.Last != (number == len(r.sizes)-1) {
					t.Errorf("%+v: epoch %d, batch %d: %d labels, last %v", r, b.Epoch, b.Number, len(b.Labels), b.Last)
				}
				for k, i := range b.Indices {
					if b.Labels[k] != i%10 {
						t.Errorf("%+v: image %d is labelled %d", r, i, b.Labels[k])
					}
				}
				order = append(order, b.Indices...)
			}
			orders[fmt.Sprint(order)] = true
			slices.Sort(order)
			if order = slices.Compact(order); len(order) != min(27, 8*len(r.sizes)) && !r.drop || r.drop && len(order) != 24 {
				t.Errorf("%+v: epoch %d has %d different images", r, epoch, len(order))
			}
		}
		if want := map[bool]int{false: 1, true: 3}[r.shuffle]; len(orders) != want {
			t.Errorf("%+v: %d different orders, want %d", r, len(orders), want)
		}
		for range 2 {
			if _, err := l.Next(); err != io.EOF {
				t.Errorf("%+v: after the end: %v", r, err)
			}
		}
	}
}

// TestOrder is a golden: a training that is resumed with a later version of this package sees the same order.
func TestOrder(t *testing.T) {
	o := newOrder(10, true, 1)
	for epoch, want := range [][]int32{{4, 2, 3, 9, 0, 7, 5, 1, 6, 8}, {1, 7, 4, 6, 5, 9, 8, 3, 2, 0}} {
		if o.begin(epoch); !slices.Equal(o.images, want) {
			t.Errorf("epoch %d: %v, want %v", epoch, o.images, want)
		}
	}
}

// TestOrderIsUniform: each image comes equally often at each place.
func TestOrderIsUniform(t *testing.T) {
	const n, epochs = 5, 20000
	o := newOrder(n, true, 9)
	var counts [n][n]int
	for epoch := range epochs {
		o.begin(epoch)
		for at, image := range o.images {
			counts[at][image]++
		}
	}
	for at, row := range counts {
		for image, count := range row {
			if count < epochs/n-300 || count > epochs/n+300 { // five standard deviations
				t.Errorf("image %d came %d times at %d, want about %d", image, count, at, epochs/n)
			}
		}
	}
}

func TestNormalise(t *testing.T) {
	set, err := NewFloatImages(Shape{2, 1, 2}, []float32{1, 2, 3, 4}, []int32{0})
	if err != nil {
		t.Fatal(err)
	}
	b := take(t, set, Options{Batch: 1, Mean: []float32{1, 2}, Deviation: []float32{0.5, 4}}, 1)
	if want := []float32{0, 2, 0.25, 0.5}; !slices.Equal(b[0].Pixels, want) {
		t.Errorf("%v, want %v", b[0].Pixels, want)
	}
}

func TestNewLoaderErrors(t *testing.T) {
	for _, r := range []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.Batch = 0 }, "batches of 0 of 20 images, expected at least 1"},
		{func(o *Options) { o.Batch, o.DropLast = 21, true }, "20 images, expected enough for a batch of 21"},
		{func(o *Options) { o.Start.Batch = 3 }, "start at epoch 0, batch 3, expected one of the 3 batches"},
		{func(o *Options) { o.Start.Epoch = -1 }, "start at epoch -1, batch 0, expected"},
		{func(o *Options) { o.Workers = -1 }, "0 epochs, -1 workers, 0 batches ahead, expected none to be negative"},
		{func(o *Options) { o.Mean = nil }, "0 means and 2 deviations, expected 2 of each"},
		{func(o *Options) { o.Deviation = []float32{1, 0} }, "channel 1: mean 0.4 and deviation 0, expected finite"},
		{func(o *Options) { o.Augment.Shift = 8 }, "shift by 8 pixels, expected 0 to the size of 7x6"},
		{func(o *Options) { o.Augment.Rotate = 181 }, "rotation by 181 degrees, expected 0 to 180"},
		{func(o *Options) { o.Augment.Scale = 1 }, "scale by 1 +- 1, expected 0 to less than 1"},
	} {
		options := everything(8)
		r.change(&options)
		if _, err := NewLoader(t.Context(), counting(20, Shape{2, 6, 7}), options); err == nil ||
			!strings.HasPrefix(err.Error(), "data: "+r.want) {
			t.Errorf("error %v, want %s", err, r.want)
		}
	}
	if _, err := NewLoader(t.Context(), counting(0, Shape{2, 6, 7}), everything(8)); err == nil {
		t.Error("an empty set: no error")
	}
}

// TestBrokenImage: the batches before it come; then the error of the first broken image of its batch, whoever meets it.
func TestBrokenImage(t *testing.T) {
	for _, workers := range []int{1, 8} {
		l, err := NewLoader(t.Context(), counting(100, Shape{1, 2, 2}, 95, 61, 57, 70), Options{Batch: 20, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		for range 2 {
			if _, err := l.Next(); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if _, err := l.Next(); err == nil || err.Error() != "data: image 57: image 57 is broken" {
				t.Errorf("%d workers: %v", workers, err)
			}
		}
	}
}

// TestFirstFailure: of several errors a batch has that of its first image, in whatever order they come.
func TestFirstFailure(t *testing.T) {
	for _, positions := range [][]int{{3, 5, 9}, {9, 5, 3}, {5, 3, 9}} {
		var s slot
		for _, at := range positions {
			s.fail(at, fmt.Errorf("at %d", at))
		}
		if err := s.failure(); err == nil || err.Error() != "at 3" {
			t.Errorf("%v: %v", positions, err)
		}
	}
}

// TestAllocations: once the buffers are there, batches and whole epochs take nothing from the heap.
func TestAllocations(t *testing.T) {
	set, err := NewByteImages(Shape{1, 28, 28}, make([]uint8, 100*784), make([]int32, 100))
	if err != nil {
		t.Fatal(err)
	}
	options := everything(16)
	options.Mean, options.Deviation, options.Workers = []float32{0.1}, []float32{0.3}, 2
	l, err := NewLoader(t.Context(), set, options)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	next := func() {
		if _, err := l.Next(); err != nil {
			t.Error(err)
		}
	}
	for range 50 {
		next()
	}
	if n := testing.AllocsPerRun(100, next); n != 0 {
		t.Errorf("%v allocations a batch", n)
	}
}

func TestClosed(t *testing.T) {
	l, err := NewLoader(t.Context(), counting(20, Shape{1, 2, 2}), Options{Batch: 8})
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	l.Close()
	if _, err := l.Next(); !errors.Is(err, context.Canceled) ||
		!strings.HasPrefix(err.Error(), "data: the loader is closed") {
		t.Errorf("Next of a closed loader: %v", err)
	}
}
