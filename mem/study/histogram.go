package study

import "math/bits"

// A histogram counts durations in nanoseconds, in steps of at most 1/32 of their size.
type histogram struct {
	counts [64 * histogramSteps]int64
	total  int64
	max    int64
}

const histogramSteps = 32

// bucketOf returns the bucket of a duration from 0 on: itself below histogramSteps, then histogramSteps to each doubling.
func bucketOf(ns int64) int {
	if ns < histogramSteps {
		return int(ns)
	}
	doubling := bits.Len64(uint64(ns)) - bits.Len(histogramSteps)
	return doubling*histogramSteps + int(ns>>doubling)
}

// leastOf returns the least duration in a bucket.
func leastOf(bucket int) int64 {
	if bucket < 2*histogramSteps {
		return int64(bucket)
	}
	doubling := bucket/histogramSteps - 1
	return int64(bucket-doubling*histogramSteps) << doubling
}

func (h *histogram) add(ns int64) {
	ns = max(ns, 0)
	h.counts[bucketOf(ns)]++
	h.total++
	h.max = max(h.max, ns)
}

// quantile returns the least duration that the part q of all does not exceed, from 0 to 1; 0 for none.
func (h *histogram) quantile(q float64) float64 {
	rank, seen := int64(q*float64(h.total)), int64(0)
	for bucket, n := range h.counts {
		if seen += n; n > 0 && seen > rank {
			return float64(leastOf(bucket))
		}
	}
	return float64(h.max)
}
