package data

import (
	"fmt"
	"testing"
)

// BenchmarkLoader deals out images of the size of MNIST's, an image an operation. Its baseline is reading them one
// after the other, without a loader, which is what a loader with one worker cannot be faster than.
func BenchmarkLoader(b *testing.B) {
	const n = 10000
	set, err := NewByteImages(Shape{1, 28, 28}, make([]uint8, n*784), make([]int32, n))
	if err != nil {
		b.Fatal(err)
	}
	pixels := make([]float32, 784)
	b.Run("read", func(b *testing.B) {
		for i := range b.N {
			set.Read(i*31%n, pixels)
		}
	})
	normal := Options{Batch: 128, Shuffle: true, Mean: []float32{0.1307}, Deviation: []float32{0.3081}}
	moved, turned := normal, normal
	moved.Augment = Augmentation{Shift: 2, Flip: true}
	turned.Augment = Augmentation{Shift: 2, Rotate: 15, Scale: 0.1}
	for _, r := range []struct {
		name    string
		options Options
	}{{"normalised", normal}, {"shifted", moved}, {"rotated", turned}} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s-%d", r.name, workers), func(b *testing.B) {
				r.options.Workers = workers
				l, err := NewLoader(b.Context(), set, r.options)
				if err != nil {
					b.Fatal(err)
				}
				defer l.Close()
				for i := 0; i < b.N; i += r.options.Batch {
					if _, err := l.Next(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
