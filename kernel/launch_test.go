package kernel

import (
	"context"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
)

// BenchmarkLaunch runs 30 maps of 64 lanes each: what a stage costs besides its lanes.
func BenchmarkLaunch(b *testing.B) {
	const stages = 30
	e := New(Options{})
	defer e.Close()
	k, err := e.Compile(chain(stages, 64))
	if err != nil {
		b.Fatal(err)
	}
	defer k.Close()
	args := Args{Buffers: make([]*Buffer, len(k.module.Buffers))}
	for i, buffer := range k.module.Buffers {
		if buffer.Life != ir.Temp {
			if args.Buffers[i], err = e.NewBuffer(buffer.Type, buffer.Len()); err != nil {
				b.Fatal(err)
			}
		}
	}
	for b.Loop() {
		if err := k.Run(context.Background(), args); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/stages, "ns/stage")
}
