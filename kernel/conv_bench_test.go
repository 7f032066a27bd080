package kernel_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
)

// BenchmarkConv runs layers of networks on one worker.
func BenchmarkConv(b *testing.B) {
	e := kernel.New(kernel.Options{Workers: 1})
	defer e.Close()
	three, one := [2]int{3, 3}, [2]int{1, 1}
	for _, c := range []ir.Conv{
		{Batch: 32, Channels: 1, Filters: 32, Height: 28, Width: 28, FilterHeight: 3, FilterWidth: 3, OutHeight: 28, OutWidth: 28, Pad: one},
		{Batch: 32, Channels: 32, Filters: 64, Height: 28, Width: 28, FilterHeight: 3, FilterWidth: 3, OutHeight: 28, OutWidth: 28, Pad: one},
		{Batch: 16, Channels: 64, Filters: 64, Height: 56, Width: 56, FilterHeight: 3, FilterWidth: 3, OutHeight: 56, OutWidth: 56, Pad: one},
		{Batch: 1, Channels: 3, Filters: 64, Height: 224, Width: 224, FilterHeight: 7, FilterWidth: 7, OutHeight: 112, OutWidth: 112,
			Stride: [2]int{2, 2}, Pad: three},
		{Batch: 16, Channels: 64, Filters: 64, Groups: 64, Height: 28, Width: 28, FilterHeight: 3, FilterWidth: 3, OutHeight: 28, OutWidth: 28, Pad: one},
		{Batch: 16, Channels: 256, Filters: 64, Height: 28, Width: 28, FilterHeight: 1, FilterWidth: 1, OutHeight: 28, OutWidth: 28},
	} {
		for c.Mode = range ir.ConvFilter + 1 {
			m := moduleOf(c, ir.F32)
			b.Run(fmt.Sprintf("%dx%dx%dx%d/%v", c.Batch, c.Channels, c.Height, c.Filters, c.Mode), func(b *testing.B) {
				k, err := e.Compile(m)
				if err != nil {
					b.Fatal(err)
				}
				defer k.Close()
				args := kernel.Args{}
				for i := range m.Buffers {
					buffer, err := e.NewBuffer(ir.F32, m.Buffers[i].Len())
					if err != nil {
						b.Fatal(err)
					}
					defer buffer.Free()
					for j := range buffer.Float32s() {
						buffer.Float32s()[j] = float32(j%7) - 3
					}
					args.Buffers = append(args.Buffers, buffer)
				}
				for b.Loop() {
					if err := k.Run(context.Background(), args); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(2*float64(m.Stages[0].Conv.FMAs())*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOPS")
			})
		}
	}
}
