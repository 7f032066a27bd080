package study

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unsafe"

	"github.com/baremetaldevx86/microdr/mem"
)

// ReplayOptions say how a trace is played.
type ReplayOptions struct {
	Rounds int        // of timing each policy; their medians count
	Limit  int        // bytes of address space that a policy may take
	Source mem.Source // mem.OS{} if nil

	// Progress, if set, is called now and then with the operations done, of so many.
	Progress func(what string, done, of int)
}

// Result is what one policy made of a trace. Latencies are those of single operations, without the touching of pages and
// without what reading the clock costs.
type Result struct {
	Policy string  `json:"policy"`
	Failed string  `json:"failed,omitempty"` // why it did not get to the end; the rest is of what it did until then
	Ops    int     `json:"operations"`       // that it did
	Mean   float64 `json:"ns_per_operation"` // with the first byte of every page written
	P50    float64 `json:"p50_ns"`
	P999   float64 `json:"p99.9_ns"`
	Max    float64 `json:"max_ns"`

	PeakLive     int64   `json:"peak_live"`     // bytes asked for
	PeakResident int64   `json:"peak_resident"` // bytes
	Ratio        float64 `json:"resident_over_live"`
	Internal     float64 `json:"internal"` // fragmentation when most is live, 0 to 1, as mem.Counters define it; of those that failed, at the sample with most
	External     float64 `json:"external"`
	MeanInternal float64 `json:"mean_internal"` // over the operations
	MeanExternal float64 `json:"mean_external"`
	Faults       int64   `json:"faults"` // page faults of one round; -1 where the system does not count

	Panel Panel `json:"-"` // to draw
}

// samples is how many times the counters are looked at.
const samples = 1000

// Replay plays a trace to policies: once to check that contents stay and to look at the counters, in rounds to time the
// whole, all policies in turn, and once to time each operation. A policy that runs out of memory stops there, which is a
// result and no error.
func Replay(ctx context.Context, t *Trace, kinds []Kind, o ReplayOptions) ([]Result, error) {
	if o.Source == nil {
		o.Source = mem.OS{}
	}
	r := &replay{ReplayOptions: o, ctx: ctx, trace: t, of: len(kinds) * (o.Rounds + 2) * len(t.Ops)}
	r.peakLive, r.peakOp = t.Peak()
	results := make([]Result, len(kinds))
	for i, kind := range kinds {
		if err := r.look(kind, &results[i]); err != nil {
			return nil, err
		}
	}
	times := make([][]float64, len(kinds))
	for range o.Rounds {
		for i, kind := range kinds {
			ns, err := r.time(kind, &results[i])
			if err != nil {
				return nil, err
			}
			times[i] = append(times[i], ns)
		}
	}
	for i, kind := range kinds {
		results[i].Mean = median(times[i])
		if err := r.latencies(kind, &results[i]); err != nil {
			return nil, err
		}
	}
	return results, nil
}

func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(x))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// replay is one call of Replay.
type replay struct {
	ReplayOptions
	ctx      context.Context
	trace    *Trace
	peakLive int64
	peakOp   int
	done, of int
	atEnd    func(*player) error // of the pass, if set
}

// pass plays the trace with a fresh policy. do does one operation; an error that the policy has no room ends the pass early,
// and is in failed. cost is of the operations alone.
func (r *replay) pass(what string, kind Kind, source mem.Source, do func(p *player, i int, op Op) error) (failed string, cost cost, err error) {
	defer func(done int) { r.done = done + len(r.trace.Ops) }(r.done)
	policy, err := kind.New(source, r.Limit)
	if err != nil {
		return err.Error(), cost, nil
	}
	defer func() { err = errors.Join(err, policy.Close()) }()
	p := &player{policy: policy, blocks: make([]mem.Span, r.trace.Blocks)}
	for i := range p.blocks {
		p.blocks[i] = mem.Span{} // its page is there now
	}
	begun := now()
	for i, op := range r.trace.Ops {
		if i%reportEvery == 0 {
			if err := r.report(what+" "+kind.Name, i); err != nil {
				return "", cost, err
			}
		}
		if err := do(p, i, op); noRoom(err) {
			return fmt.Sprintf("operation %d: %v", i+1, err), begun.until(i), nil
		} else if err != nil {
			return "", cost, fmt.Errorf("study: %s: operation %d: %w", kind.Name, i+1, err)
		}
	}
	cost = begun.until(len(r.trace.Ops))
	if r.atEnd != nil {
		err = r.atEnd(p)
	}
	return "", cost, err
}

// noRoom tells whether an error is what a policy says to a block for which it has no room, now or ever.
func noRoom(err error) bool { return errors.Is(err, mem.ErrNoMemory) || errors.Is(err, mem.ErrSize) }

// reportEvery is how many operations are done between looks at the context.
const reportEvery = 1 << 14

func (r *replay) report(what string, ops int) error {
	if r.Progress != nil {
		r.Progress(what, r.done+ops, r.of)
	}
	if r.ctx.Err() != nil {
		return context.Cause(r.ctx)
	}
	return nil
}

// cost is what operations took.
type cost struct {
	ops    int
	time   time.Duration
	faults int64 // -1 where the system does not count
}

// moment is when operations begin.
type moment struct {
	time   time.Time
	faults mem.Faults
	err    error
}

func now() moment {
	faults, err := mem.CountFaults()
	return moment{time.Now(), faults, err}
}

func (m moment) until(ops int) cost {
	c := cost{ops, time.Since(m.time), -1}
	if m.err == nil {
		after, _ := mem.CountFaults()
		c.faults = after.Minor + after.Major - m.faults.Minor - m.faults.Major
	}
	return c
}

// player is a policy that plays a trace.
type player struct {
	policy Policy
	blocks []mem.Span // by ID
}

// do does one operation, as a program would but for the use of the memory.
func (p *player) do(op Op) error {
	block := &p.blocks[op.ID]
	switch op.Kind {
	case OpFree:
		p.policy.Free(*block)
		*block = mem.Span{}
		return nil
	case OpAlloc:
		s, err := p.policy.Alloc(int(op.Size))
		*block = s
		return err
	}
	s, err := p.policy.Alloc(int(op.Size))
	if err != nil {
		return err
	}
	copy(s.Bytes(), block.Bytes())
	p.policy.Free(*block)
	*block = s
	return nil
}

// touch writes a byte on every page of a block: its first, and the first of each page that begins in it.
func touch(s mem.Span) {
	const page = 4096
	for at := 0; at < s.Size(); at += page - int(uintptr(s.Base())+uintptr(at))%page {
		*(*byte)(unsafe.Add(s.Base(), at)) = 1
	}
}

// time returns the nanoseconds of an operation of a whole pass, with all pages touched.
func (r *replay) time(kind Kind, result *Result) (float64, error) {
	_, cost, err := r.pass("timing", kind, r.Source, func(p *player, _ int, op Op) error {
		err := p.do(op)
		if op.Kind != OpFree {
			touch(p.blocks[op.ID])
		}
		return err
	})
	result.Faults = cost.faults
	return float64(cost.time) / float64(max(cost.ops, 1)), err
}

// latencies times every operation alone.
func (r *replay) latencies(kind Kind, result *Result) error {
	var h histogram
	origin := time.Now()
	_, _, err := r.pass("timing each operation of", kind, r.Source, func(p *player, _ int, op Op) error {
		begun := time.Since(origin)
		err := p.do(op)
		h.add(int64(time.Since(origin) - begun))
		if op.Kind != OpFree {
			touch(p.blocks[op.ID])
		}
		return err
	})
	clock := clockCost()
	if h.total == 0 {
		return err
	}
	for quantile, into := range map[float64]*float64{0.5: &result.P50, 0.999: &result.P999, 1: &result.Max} {
		*into = max(0, h.quantile(quantile)-clock)
	}
	return err
}

// clockCost returns what two readings of the clock lie apart, in nanoseconds, in the median.
func clockCost() float64 {
	var h histogram
	origin := time.Now()
	for range 100_000 {
		begun := time.Since(origin)
		h.add(int64(time.Since(origin) - begun))
	}
	return h.quantile(0.5)
}
