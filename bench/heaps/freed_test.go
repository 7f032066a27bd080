package heaps

import (
	"slices"
	"testing"

	"github.com/baremetaldevx86/microdr/bench"
)

// TestFreedSettles: a peer is asked to settle once, after the wait, which has a few operations of its own.
func TestFreedSettles(t *testing.T) {
	folder := t.TempDir()
	if _, err := writeSequence(folder, 0, 100, 1000); err != nil {
		t.Fatal(err)
	}
	h := &books{}
	answer, err := passFreed(h, order{n: 100, folder: folder})
	if !tellsResident {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if all := len(h.all[0].frees); len(answer) != 3 || !slices.Equal(h.settled, []int{all}) {
		t.Errorf("answer %v, settled after %v frees of %d", answer, h.settled, all)
	}
}

// TestFreedRows: what was resident before and after a peer settled are rows of their own, and the same for peers that cannot.
func TestFreedRows(t *testing.T) {
	r := &results{&sequence{sizes: slices.Repeat([]uint32{100}, 100)}, map[task][][]int64{
		{"freed", "ours"}: {{700, 200, 300}}, {"freed", "C"}: {{900, 200}}}}
	live := float64(r.sequence.surviving())
	if live == 0 {
		t.Fatal("nothing survives")
	}
	for name, want := range map[string][2]float64{"freed resident": {700, 900}, "freed settled": {300, 900}, "freed least": {200, 200}} {
		m := measures()[slices.IndexFunc(measures(), func(m measure) bool { return m.name == name })]
		for i, peer := range []string{"ours", "C"} {
			if got := m.figure(r, peer); !slices.Equal(got, bench.Series{want[i] / live}) {
				t.Errorf("%s of %s: %v, want %g", name, peer, got, want[i]/live)
			}
		}
	}
}
