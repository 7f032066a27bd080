package heaps

import (
	"math/bits"
	"time"
)

// A latencies counts times in nanoseconds: exactly below 128, above in buckets 1/64 as wide as what they count.
// c/latency.h has the same.
type latencies struct {
	counts [latencyBuckets]uint64
	most   int64
}

const (
	latencyBits    = 6
	latencyBuckets = (64 - latencyBits) << latencyBits
)

// bucketOf returns the bucket of a time. For 2^e*64 <= ns < 2^e*128 it is the upper seven bits of ns, counted on from
// where the buckets of half the width end: e*64 + ns>>e.
func bucketOf(ns int64) int {
	e := max(bits.Len64(uint64(ns))-latencyBits-1, 0)
	return e<<latencyBits + int(ns>>e)
}

// bucketBounds returns the times [from, to) of a bucket.
func bucketBounds(bucket int) (from, to int64) {
	e := max(bucket>>latencyBits-1, 0)
	from = int64(bucket-e<<latencyBits) << e
	return from, from + 1<<e
}

func (l *latencies) add(ns int64) {
	ns = max(ns, 0)
	l.counts[bucketOf(ns)]++
	l.most = max(l.most, ns)
}

func (l *latencies) total() (n uint64) {
	for _, c := range l.counts {
		n += c
	}
	return n
}

// quantile returns the time that a part p of the times do not exceed, to the middle of its bucket.
func (l *latencies) quantile(p float64) float64 {
	need := p * float64(l.total())
	n := uint64(0)
	for i, c := range l.counts {
		if n += c; c > 0 && float64(n) >= need {
			from, to := bucketBounds(i)
			return float64(from+to-1) / 2
		}
	}
	return 0
}

// timed does the same and counts how long each free and allocation took, without the touching.
func (w *worker) timed(ops []op, l *latencies) {
	begun := time.Now()
	for _, o := range ops {
		s := &w.slots[o.slot&^handed]
		from := time.Since(begun)
		w.free(*s)
		b := w.alloc(int(o.size))
		l.add(int64(time.Since(begun) - from))
		touch(b)
		*s = b
	}
}

// clockCost returns what two readings of the clock lie apart, in the median.
func clockCost() float64 {
	l := new(latencies)
	begun := time.Now()
	for range 100_000 {
		from := time.Since(begun)
		l.add(int64(time.Since(begun) - from))
	}
	return l.quantile(0.5)
}

// passLatency answers the clock's own cost, the longest time, and then pairs of a bucket of latencies and its count.
func passLatency(h heap, o order) ([]int64, error) {
	filling, ops, err := o.sequence(0)
	if err != nil {
		return nil, err
	}
	w := newWorker(h.workers(1)[0], o.n)
	w.fill(filling)
	l := new(latencies)
	w.timed(ops, l)
	answer := []int64{int64(clockCost()), l.most}
	for i, c := range l.counts {
		if c > 0 {
			answer = append(answer, int64(i), int64(c))
		}
	}
	return answer, nil
}
