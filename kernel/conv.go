package kernel

import (
	"runtime/pprof"

	"github.com/baremetaldevx86/microdr/eval"
)

// convolution is what a conv stage has besides its code.
type convolution struct {
	piece int // elements of the output that are computed between two looks for the context's end
}

// pieceFMAs is about how many multiply-adds of the portable executor make a piece: half a millisecond.
const pieceFMAs = 1 << 18

// prepareConv chooses what executes a convolution.
func (k *Kernel) prepareConv(s *stage) error {
	outs := k.module.Buffers[s.Out[0]].Len()
	s.conv.piece = max(1, pieceFMAs/max(1, s.Conv.FMAs()/outs))
	return nil
}

func (k *Kernel) convStage(s *stage) error {
	r := &k.now
	r.stage, r.outs, r.tile = s, k.module.Buffers[s.Out[0]].Len(), s.conv.piece
	r.next.Store(0)
	return k.parallel(min(k.engine.options.Workers, (r.outs+r.tile-1)/r.tile), k.works.conv)
}

// convPart computes pieces of the output until none is left.
func (k *Kernel) convPart(w int) {
	r := &k.now
	pprof.SetGoroutineLabels(r.stage.labels)
	for k.errs[w] == nil {
		lo := int(r.next.Add(1)-1) * r.tile
		if lo >= r.outs {
			return
		}
		if k.errs[w] = r.ctx.Err(); k.errs[w] == nil {
			eval.Conv(k.module, r.stage.Stage, k.engine.options.Precision, k.buffers, lo, min(lo+r.tile, r.outs))
		}
	}
}
