package heaps

import (
	"context"
	"time"

	"github.com/baremetaldevx86/microdr/bench"
)

// A measure is a figure of every allocator, which makes a row beside each of the peers, or a measurement of its own.
type measure struct {
	name   string // of its rows, before the peer's
	unit   string
	passes []string // that the figure is made of
	beside []string // peers
	bar    float64  // if not 0, there is a row beside it
	figure func(r *results, peer string) bench.Series
	note   string // of the first row

	// own, if set, measures instead; its only row has the measure's name.
	own func(ctx context.Context, s *suite, row string) ([]bench.Row, error)
}

// What the design asks for where it asks for a number.
const (
	scalingBar  = 1.6  // two workers' time per operation beside one's
	tailBar     = 5000 // ns, the latency of which one operation in a thousand is above
	residentBar = 1.5  // at the peak, beside what is live
	freedBar    = 1.3  // after nine tenths were freed, beside what is live
	arenaBar    = 3    // ns
)

// allocators are the peers, and floors what takes their place in some rows: no allocator.
func allocators() []string {
	return []string{"glibc", "jemalloc", "mimalloc", "modernc", "sync.Pool", "Go make"}
}

func floors() []string { return []string{"floor in C", "floor"} }

// measures is the table of what Measure measures, in order.
func measures() []measure {
	all := allocators()
	andFloors := append(allocators(), floors()...)
	return []measure{
		{name: "one worker", unit: "ns/op", passes: []string{"throughput"}, beside: andFloors, figure: perOperation("throughput"),
			note: "a free and an allocation, the first byte of each page written; floor: no allocator"},
		{name: "two workers", unit: "ns/op", passes: []string{"exchange"}, beside: andFloors, figure: perOperation("exchange"),
			note: "of one of them; a tenth of the blocks is freed by the other"},
		{name: "two over one", unit: "x", passes: []string{"throughput", "exchange"}, beside: andFloors, bar: scalingBar,
			figure: func(r *results, peer string) bench.Series {
				return perOperation("exchange")(r, peer).Over(perOperation("throughput")(r, peer))
			}, note: "two workers beside one worker"},
		{name: "producer-consumer", unit: "ns/op", passes: []string{"handover"}, beside: all, figure: perOperation("handover"),
			note: "one worker allocates, another one frees"},
		{name: "lifo", unit: "ns/op", passes: []string{"lifo"}, beside: all, figure: perOperation("lifo")},
		{name: "fifo", unit: "ns/op", passes: []string{"fifo"}, beside: all, figure: perOperation("fifo")},
		{name: "trace", unit: "ns/op", passes: []string{"trace"}, beside: all, figure: perCounted("trace")},
		{name: "latency p50", unit: "ns", passes: []string{"latency"}, beside: all, figure: latencyQuantile(0.5),
			note: "of a free and an allocation, nothing written, less the clock's share"},
		{name: "latency p99.9", unit: "ns", passes: []string{"latency"}, beside: all, bar: tailBar, figure: latencyQuantile(0.999)},
		{name: "latency max", unit: "ns", passes: []string{"latency"}, beside: all, figure: latencyQuantile(1)},
		{name: "memory peak", unit: "resident/live", passes: []string{"memory"}, beside: all, bar: residentBar,
			figure: bytesOver("memory", 0, func(s *sequence) int64 { return s.peak }), note: "the most of each"},
		{name: "memory end", unit: "resident/live", passes: []string{"memory"}, beside: all,
			figure: bytesOver("memory", 1, (*sequence).live)},
		{name: "freed resident", unit: "resident/live", passes: []string{"freed"}, beside: all, bar: freedBar,
			figure: bytesOver("freed", 0, (*sequence).surviving),
			note:   "after nine tenths were freed and a wait with a few operations"},
		{name: "freed settled", unit: "resident/live", passes: []string{"freed"}, beside: all, bar: freedBar,
			figure: bytesOver("freed", 2, (*sequence).surviving),
			note:   "then ours and modernc trim, and Go collects; the peers in C do nothing"},
		{name: "freed least", unit: "pages/live", passes: []string{"freed"}, beside: all,
			figure: bytesOver("freed", 1, (*sequence).surviving), note: "the pages that what is left lies in"},
		{name: "arena", unit: "ns/op", passes: []string{"arena"}, bar: arenaBar, figure: perCounted("arena")},
		{name: "gc beside nothing", own: collector},
	}
}

// perOperation is the figure of a pass that answers the nanoseconds of all operations of a worker.
func perOperation(pass string) func(*results, string) bench.Series {
	return func(r *results, peer string) bench.Series {
		return r.series(pass, peer, func(a []int64) float64 { return float64(a[0]) / float64(r.sequence.operations) })
	}
}

// perCounted is the figure of a pass that answers nanoseconds and of how many operations they are.
func perCounted(pass string) func(*results, string) bench.Series {
	return func(r *results, peer string) bench.Series {
		return r.series(pass, peer, func(a []int64) float64 { return float64(a[0]) / float64(a[1]) })
	}
}

func latencyQuantile(p float64) func(*results, string) bench.Series {
	return func(r *results, peer string) bench.Series {
		return r.series("latency", peer, func(a []int64) float64 { return latencyOf(a, p) })
	}
}

// latencyOf returns a quantile of an answer to the order of latency, less what the clock takes.
func latencyOf(answer []int64, p float64) float64 {
	clock := float64(answer[0])
	if p == 1 {
		return max(float64(answer[1])-clock, 0)
	}
	l := new(latencies)
	for i := 2; i+1 < len(answer); i += 2 {
		l.counts[answer[i]] = uint64(answer[i+1])
	}
	return max(l.quantile(p)-clock, 0)
}

// bytesOver is the figure of one of the numbers that a pass answers, or the first where there are fewer, beside bytes of the
// sequence.
func bytesOver(pass string, which int, live func(*sequence) int64) func(*results, string) bench.Series {
	return func(r *results, peer string) bench.Series {
		return r.series(pass, peer, func(a []int64) float64 {
			if which >= len(a) {
				return float64(a[0]) / float64(live(r.sequence))
			}
			return float64(a[which]) / float64(live(r.sequence))
		})
	}
}

// answerLength is how many numbers the answer to a pass has at least.
func answerLength(pass string) int {
	switch pass {
	case "latency", "memory", "freed", "trace", "arena":
		return 2
	}
	return 1
}

// Decay is how long the peers wait for memory to go back to the system: a little longer than jemalloc keeps any.
const Decay = 11 * time.Second
