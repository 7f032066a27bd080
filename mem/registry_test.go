package mem

import (
	"runtime"
	"testing"
)

func TestRegistry(t *testing.T) {
	var r Registry
	kept := []*Heap{NewHeap(Options{Name: "b", Registry: &r}), NewHeap(Options{Name: "b", Registry: &r})}
	arena := NewArena(Options{Name: "a", Registry: &r})
	closed := NewHeap(Options{Name: "c", Registry: &r})
	mustAlloc(t, arena, 100)
	mustAlloc(t, kept[0], 20)
	mustAlloc(t, kept[1], 1_000_000)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		NewArena(Options{Name: "lost", Registry: &r})
	}
	runtime.GC()
	runtime.GC()
	got := r.Holdings()
	if len(got) != 2 || got[0].Name != "a" || got[0].Kind != "arena" || got[1].Name != "b" || got[1].Kind != "heap" {
		t.Fatalf("holdings %+v", got)
	}
	if a, b := got[0], got[1]; a.Total.Live != 100 || b.Count != 2 || b.Total.Live != 1_000_020 || b.Total.Blocks != 2 {
		t.Errorf("holdings %+v", got)
	}
	blocks := int64(0)
	for _, class := range got[1].Classes {
		blocks += class.Blocks
	}
	if blocks != 2 {
		t.Errorf("%d blocks in all classes, want 2", blocks)
	}
	runtime.KeepAlive(kept)
	runtime.KeepAlive(arena)
}
