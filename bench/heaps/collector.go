package heaps

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/baremetaldevx86/microdr/bench"
)

const (
	held       = 8 << 30  // bytes that are live beside the collector
	heldNeeds  = 12 << 30 // bytes that have to be free for it
	goObjects  = 1 << 19  // that the collector finds
	cycles     = 11       // of the collector in an order
	takesTurns = 5        // orders of each process in a round
)

// holder makes live blocks of the standard sizes; where they are is written down where the collector does not look.
type holder struct{ blocks []struct{ p, size uintptr } }

func (h *holder) hold(a allocator, blocks int) {
	h.blocks = make([]struct{ p, size uintptr }, blocks)
	for i := range h.blocks {
		b := a.alloc(int(sizeOf(mix(uint64(i)))))
		touch(b)
		h.blocks[i] = struct{ p, size uintptr }{uintptr(b.p), uintptr(b.size)}
	}
}

// blocksOf returns how many blocks of the standard sizes have so many bytes together.
func blocksOf(bytes int64) (blocks int) {
	for bytes > 0 {
		bytes -= int64(sizeOf(mix(uint64(blocks))))
		blocks++
	}
	return blocks
}

type object struct{ next *object }

// passHold makes so many blocks, less one, and keeps them as long as the process lives.
func (p *server) passHold(h heap, o order) ([]int64, error) {
	p.held.hold(h.workers(1)[0], o.n-1)
	for range goObjects {
		p.objects = &object{p.objects}
	}
	runtime.GC()
	return []int64{int64(len(p.held.blocks))}, nil
}

// passCollect answers the nanoseconds of a collection, in the median.
func (p *server) passCollect(heap, order) ([]int64, error) {
	var s bench.Series
	for range cycles {
		begun := time.Now()
		runtime.GC()
		s = append(s, float64(time.Since(begun)))
	}
	return []int64{int64(s.Median())}, nil
}

// collector measures the time of a collection with much memory live outside of the collector's heap, beside the same
// without.
func collector(ctx context.Context, s *suite, row string) ([]bench.Row, error) {
	if free := freeMemory(); free < heldNeeds {
		s.Warn(fmt.Sprintf("heaps: %d MB are free, or nothing tells, and it takes %d: left out: %s", free>>20, heldNeeds>>20, row))
		return nil, nil
	}
	with, err := s.holding(ctx, blocksOf(held))
	if err != nil {
		return nil, err
	}
	defer with.close()
	without, err := s.holding(ctx, 0)
	if err != nil {
		return nil, err
	}
	defer without.close()
	var times [2]bench.Series
	for range s.Rounds * takesTurns {
		for i, p := range []*process{with, without} {
			answer, err := p.order(order{pass: "collect", n: 1, folder: s.folder})
			if err != nil {
				return nil, errors.Join(err, ctx.Err())
			}
			times[i] = append(times[i], float64(answer[0])/1e6)
		}
	}
	r := bench.Compare(row, "ms", bench.Lower, times[0], times[1])
	r.Note = fmt.Sprintf("a collection of %d Go objects, beside the same with nothing off-heap", goObjects)
	return []bench.Row{r}, nil
}

// holding starts a process that holds so many blocks.
func (s *suite) holding(ctx context.Context, blocks int) (*process, error) {
	p, err := s.start(ctx, Ours)
	if err != nil {
		return nil, err
	}
	if _, err := p.order(order{pass: "hold", n: blocks + 1, folder: s.folder}); err != nil {
		return nil, errors.Join(err, p.close(), ctx.Err())
	}
	return p, nil
}
