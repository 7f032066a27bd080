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
	for _, c := range []ir.Conv{
		squareConv(32, 1, 28, 32, 3, 28, 1),
		squareConv(32, 32, 28, 64, 3, 28, 1),
		squareConv(16, 64, 56, 64, 3, 56, 1),
		strided(squareConv(1, 3, 224, 64, 7, 112, 3), 2),
		depthwise(squareConv(16, 64, 28, 64, 3, 28, 1)),
		squareConv(16, 256, 28, 64, 1, 28, 0),
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
