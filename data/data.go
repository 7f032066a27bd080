// Package data reads sets of labelled images and deals them out in batches: shuffled, augmented, normalised, made ahead
// by several workers, and the same bit for bit whatever their number. It must not know what a network is, nor keep any
// state of a training but where it stands (State). Start with Source, then LoadMNIST and OpenFolder, then NewLoader.
package data

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

// Shape is the size of an image. Its numbers lie channel by channel, each in rows from the top: index (c * Height + y)
// * Width + x.
type Shape struct {
	Channels, Height, Width int
}

// Len returns the numbers of an image.
func (s Shape) Len() int { return s.Channels * s.Height * s.Width }

// check refuses shapes of no image, and those beyond 2^30 numbers.
func (s Shape) check() error {
	const limit = 1 << 30
	if s.Channels < 1 || s.Height < 1 || s.Width < 1 || s.Height > limit/s.Channels ||
		s.Width > limit/(s.Channels*s.Height) {
		return fmt.Errorf("images of %d channels of %dx%d, expected 1 to %d numbers", s.Channels, s.Width, s.Height, limit)
	}
	return nil
}

// Source is a set of labelled images of one shape. Several goroutines may call its methods at once.
type Source interface {
	Len() int
	Shape() Shape

	// Read writes image i, from 0 to Len()-1, to pixels, which has Shape().Len() numbers, and returns its class.
	Read(i int, pixels []float32) (label int32, err error)
}

// ByteImages is a set in memory with a byte a number, read as byte / 255.
type ByteImages struct {
	shape  Shape
	pixels []uint8
	labels []int32
	values [256]float32
}

// NewByteImages returns a set of len(labels) images that lie in pixels one after the other. The slices become the
// set's.
func NewByteImages(shape Shape, pixels []uint8, labels []int32) (*ByteImages, error) {
	if err := checkImages(shape, len(pixels), len(labels)); err != nil {
		return nil, err
	}
	b := &ByteImages{shape: shape, pixels: pixels, labels: labels}
	for i := range b.values {
		b.values[i] = float32(float64(i) / 255)
	}
	return b, nil
}

func checkImages(shape Shape, pixels, labels int) error {
	if err := shape.check(); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if labels > math.MaxInt32 || pixels/shape.Len() != labels || pixels%shape.Len() != 0 {
		return fmt.Errorf("data: %d labels for %d numbers, expected one for each %d", labels, pixels, shape.Len())
	}
	return nil
}

// Len implements [Source].
func (b *ByteImages) Len() int { return len(b.labels) }

// Shape implements [Source].
func (b *ByteImages) Shape() Shape { return b.shape }

// Read implements [Source].
func (b *ByteImages) Read(i int, pixels []float32) (int32, error) {
	n := b.shape.Len()
	for k, v := range b.pixels[i*n:][:n] {
		pixels[k] = b.values[v]
	}
	return b.labels[i], nil
}

// FloatImages is a set in memory.
type FloatImages struct {
	shape  Shape
	pixels []float32
	labels []int32
}

// NewFloatImages returns a set of len(labels) images that lie in pixels one after the other. The slices become the
// set's.
func NewFloatImages(shape Shape, pixels []float32, labels []int32) (*FloatImages, error) {
	if err := checkImages(shape, len(pixels), len(labels)); err != nil {
		return nil, err
	}
	return &FloatImages{shape, pixels, labels}, nil
}

// Len implements [Source].
func (f *FloatImages) Len() int { return len(f.labels) }

// Shape implements [Source].
func (f *FloatImages) Shape() Shape { return f.shape }

// Read implements [Source].
func (f *FloatImages) Read(i int, pixels []float32) (int32, error) {
	n := f.shape.Len()
	copy(pixels, f.pixels[i*n:][:n])
	return f.labels[i], nil
}

// Preload reads a whole set into memory, with a worker on each processor, so that an epoch decodes no file. It ends at
// the first error, which is the set's, or when ctx does.
func Preload(ctx context.Context, source Source) (*FloatImages, error) {
	shape, n := source.Shape(), source.Len()
	if err := shape.check(); err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	f := &FloatImages{shape, make([]float32, n*shape.Len()), make([]int32, n)}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				label, err := source.Read(i, f.pixels[i*shape.Len():][:shape.Len()])
				if err != nil {
					cancel(err)
				}
				f.labels[i] = label
			}
		})
	}
	workers.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return f, nil
}

// Statistics returns the mean and the standard deviation of each channel over a whole set, which is what Options
// normalises by. A channel that never varies has the deviation 0, which Options refuses.
func Statistics(source Source) (mean, deviation []float32, err error) {
	shape, n := source.Shape(), source.Len()
	if err := shape.check(); err != nil || n == 0 {
		return nil, nil, fmt.Errorf("data: statistics of %d images of shape %v, expected some", n, shape)
	}
	plane := shape.Height * shape.Width
	pixels := make([]float32, shape.Len())
	sums, squares := make([]float64, shape.Channels), make([]float64, shape.Channels)
	for i := range n {
		if _, err := source.Read(i, pixels); err != nil {
			return nil, nil, err
		}
		for c := range sums {
			for _, v := range pixels[c*plane:][:plane] {
				sums[c] += float64(v)
				squares[c] += float64(float64(v) * float64(v))
			}
		}
	}
	count := float64(n) * float64(plane)
	for c := range sums {
		m := sums[c] / count
		mean = append(mean, float32(m))
		deviation = append(deviation, float32(math.Sqrt(max(0, squares[c]/count-float64(m*m)))))
	}
	return mean, deviation, nil
}
