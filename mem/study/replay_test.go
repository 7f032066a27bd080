package study

import (
	"context"
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"unsafe"

	"github.com/baremetaldevx86/microdr/mem"
)

// TestReplay plays random work and the traces of testdata to all policies.
func TestReplay(t *testing.T) {
	traces := map[string]*Trace{"random": randomTrace(3000)}
	for _, name := range []string{"short.rep", "amptjp-like.rep"} {
		file, err := os.Open("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if traces[name], err = ReadTrace(file); err != nil {
			t.Fatal(err)
		}
	}
	for name, trace := range traces {
		peak, _ := trace.Peak()
		calls := 0
		results, err := Replay(t.Context(), trace, Kinds(), ReplayOptions{Rounds: 2, Limit: 32 << 20, Progress: func(string, int, int) { calls++ }})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if calls < 4*len(Kinds()) {
			t.Errorf("%s: %d reports of progress", name, calls)
		}
		for i, r := range results {
			if r.Policy != Kinds()[i].Name || r.Failed != "" || r.Ops != len(trace.Ops) || r.PeakLive != peak {
				t.Errorf("%s: %+v", name, r)
			}
			if r.Mean <= 0 || r.P50 > r.P999 || r.P999 > r.Max || r.Ratio < 1 || r.PeakResident < peak || !shares(r.Internal, r.External, r.MeanInternal, r.MeanExternal) {
				t.Errorf("%s: %+v", name, r)
			}
			checkPanel(t, trace, r.Panel)
		}
	}
}

func shares(all ...float64) bool {
	for _, x := range all {
		if !(x >= 0 && x <= 1) {
			return false
		}
	}
	return true
}

// checkPanel holds the placements to the trace: no two overlap in address and time at once, and they add up to what lives.
func checkPanel(t *testing.T, trace *Trace, p Panel) {
	t.Helper()
	live := make([]int64, len(trace.Ops)+1)
	for i, b := range p.Blocks {
		if b.From >= b.To || b.Offset < 0 || b.Size <= 0 {
			t.Fatalf("%s: %+v", p.Name, b)
		}
		for op := b.From; op < b.To; op++ {
			live[op] += b.Size
		}
		for _, o := range p.Blocks[:min(i, 300)] {
			if b.From < o.To && o.From < b.To && b.Offset < o.Offset+o.Size && o.Offset < b.Offset+b.Size {
				t.Fatalf("%s: %+v and %+v", p.Name, b, o)
			}
		}
	}
	sizes := make([]int64, trace.Blocks)
	want := int64(0)
	for i, op := range trace.Ops {
		want += op.Size - sizes[op.ID]
		sizes[op.ID] = op.Size
		if live[i] != want {
			t.Fatalf("%s: after operation %d %d bytes are placed, want %d", p.Name, i, live[i], want)
		}
	}
	for _, s := range p.Samples {
		if s.Live > s.Granted || s.Granted > s.Resident {
			t.Fatalf("%s: %+v", p.Name, s)
		}
	}
}

// TestReplayRunsOut plays more than the limit holds: a result, and no error.
func TestReplayRunsOut(t *testing.T) {
	trace := &Trace{}
	for i := range 100_000 { // so many that not every one is sampled
		trace.Ops = append(trace.Ops, Op{ID: int32(i), Size: 100_000})
		trace.Blocks++
	}
	results, err := Replay(t.Context(), trace, Kinds(), ReplayOptions{Rounds: 1, Limit: 32 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if !strings.Contains(r.Failed, "out of memory") || r.Ops < 50 || r.Ops > 336 || r.PeakLive != int64(r.Ops)*100_000 {
			t.Errorf("%+v", r)
		}
		last := r.Panel.Samples[len(r.Panel.Samples)-1]
		want := mem.Counters{Live: last.Live, Granted: last.Granted, Resident: last.Resident}
		if last.Live != r.PeakLive || r.Internal != want.Internal() || r.External != want.External() {
			t.Errorf("%s: %v and %v of fragmentation at the end, want those of %+v", r.Policy, r.Internal, r.External, last)
		}
	}
}

// TestReplaySamplesTheEnd: whatever the steps between samples are, the last operation has one.
func TestReplaySamplesTheEnd(t *testing.T) {
	trace := &Trace{Blocks: 1}
	for range 5000 {
		trace.Ops = append(trace.Ops, Op{Size: 1000}, Op{Kind: OpFree})
	}
	results, err := Replay(t.Context(), trace, Kinds()[:1], ReplayOptions{Rounds: 1, Limit: 32 << 20})
	if err != nil {
		t.Fatal(err)
	}
	taken := results[0].Panel.Samples
	if last := taken[len(taken)-1].Op; len(taken) == len(trace.Ops) || last != len(trace.Ops)-1 {
		t.Errorf("%d samples, the last one of operation %d, want fewer than %d operations and the last of them", len(taken), last, len(trace.Ops))
	}
}

// TestReplayTooLarge plays a block that a policy can never have: also a result.
func TestReplayTooLarge(t *testing.T) {
	trace := &Trace{Ops: []Op{{Size: 10}, {ID: 1, Size: 1000}}, Blocks: 2}
	picky := Kind{Name: "picky", New: func(source mem.Source, limit int) (Policy, error) {
		p, err := newTLSF(source, limit)
		return small{p}, err
	}}
	results, err := Replay(t.Context(), trace, []Kind{picky}, ReplayOptions{Rounds: 1, Limit: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if r := results[0]; r.Ops != 1 || !strings.Contains(r.Failed, "operation 2: ") || r.PeakLive != 10 {
		t.Errorf("%+v", r)
	}
}

// small has no block beyond 100 bytes.
type small struct{ Policy }

func (s small) Alloc(size int) (mem.Span, error) {
	if size > 100 {
		return mem.Span{}, mem.ErrSize
	}
	return s.Policy.Alloc(size)
}

func TestReplayCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	if _, err := Replay(ctx, randomTrace(100), Kinds(), ReplayOptions{Rounds: 1, Limit: 4 << 20}); !errors.Is(err, why) {
		t.Errorf("error %v", err)
	}
}

// TestReplayFindsOverlaps plays to a policy that hands everything out twice.
func TestReplayFindsOverlaps(t *testing.T) {
	memory := make([]byte, 1<<16)
	broken := Kind{Name: "broken", New: func(mem.Source, int) (Policy, error) { return &twice{memory: memory}, nil }}
	for name, trace := range map[string]*Trace{"random": randomTrace(100), "never freed": {Ops: []Op{{Size: 9}, {ID: 1, Size: 9}}, Blocks: 2}} {
		_, err := Replay(t.Context(), trace, []Kind{broken}, ReplayOptions{Rounds: 1, Limit: 1})
		if err == nil || !strings.Contains(err.Error(), "overwritten") && !strings.Contains(err.Error(), "lost") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

type twice struct{ memory []byte }

func (w *twice) Alloc(size int) (mem.Span, error) {
	s, err := mem.NewArena(mem.Options{Source: goMemory{w.memory}}).Alloc(size)
	return s, err
}
func (w *twice) Free(mem.Span)          {}
func (w *twice) Counters() mem.Counters { return mem.Counters{} }
func (w *twice) Close() error           { return nil }

// goMemory lends the same memory to everybody.
type goMemory struct{ b []byte }

func (g goMemory) Reserve(int) (mem.Span, error) { return spanOf(g.b), nil }
func (goMemory) Commit(mem.Span) error           { return nil }
func (goMemory) Purge(mem.Span) error            { return nil }
func (goMemory) Release(mem.Span) error          { return nil }

// spanOf makes a span of a slice, which package mem alone does otherwise.
func spanOf(b []byte) mem.Span {
	s := struct {
		base unsafe.Pointer
		size int
	}{unsafe.Pointer(&b[0]), len(b)}
	return *(*mem.Span)(unsafe.Pointer(&s))
}

func TestHistogram(t *testing.T) {
	for ns := int64(0); ns < 1<<20; ns++ {
		b := bucketOf(ns)
		if least := leastOf(b); least > ns || float64(ns-least) > float64(ns)/histogramSteps+1 || leastOf(b+1) <= ns {
			t.Fatalf("%d ns are in bucket %d, from %d", ns, b, least)
		}
	}
	if b := bucketOf(math.MaxInt64); b >= len(histogram{}.counts) {
		t.Errorf("bucket %d of %d", b, len(histogram{}.counts))
	}
	var h histogram
	for i := range int64(1000) {
		h.add(i)
	}
	h.add(-5)
	if p50, p999 := h.quantile(0.5), h.quantile(0.999); p50 < 480 || p50 > 500 || p999 < 960 || p999 > 999 || h.quantile(1) != 999 {
		t.Errorf("quantiles %v, %v, %v", p50, p999, h.quantile(1))
	}
}
