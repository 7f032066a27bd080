package study

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/baremetaldevx86/microdr/mem"
)

// BenchmarkChurn replaces one of so many blocks, sizes log-uniform from 17 to 4112, after each was replaced some times.
func BenchmarkChurn(b *testing.B) {
	for _, blocks := range []int{1000, 10_000, 100_000} {
		for _, kind := range Kinds() {
			if kind.Name == "bump" || kind.Name == "list" && blocks > 10_000 {
				continue // the one would take no block back, the other take minutes
			}
			b.Run(fmt.Sprintf("%d/%s", blocks, kind.Name), func(b *testing.B) { churn(b, kind, blocks) })
		}
	}
}

func churn(b *testing.B, kind Kind, blocks int) {
	policy, err := kind.New(mem.OS{}, 1<<30)
	if err != nil {
		b.Fatal(err)
	}
	defer policy.Close()
	random := rand.New(rand.NewPCG(19, 20))
	spans := make([]mem.Span, blocks)
	replace := func(i int) {
		if spans[i] != (mem.Span{}) {
			policy.Free(spans[i])
		}
		if spans[i], err = policy.Alloc(16 + randomSize(random, 12)); err != nil {
			b.Fatal(err)
		}
	}
	for i := range spans {
		replace(i)
	}
	for range 4 * blocks {
		replace(random.IntN(blocks))
	}
	for b.Loop() {
		replace(random.IntN(blocks))
	}
	c := policy.Counters()
	b.ReportMetric(float64(c.Resident)/float64(c.Peak), "resident/peak")
}
