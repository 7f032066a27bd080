package mem

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"weak"
)

// A Registry knows the allocators of a program, to tell what they hold. It keeps none of them alive. Its zero value is
// empty and ready to use.
type Registry struct {
	mu     sync.Mutex
	heaps  []weak.Pointer[Heap]
	arenas []weak.Pointer[Arena]
}

// Holding is what the allocators of one name and kind hold, together.
type Holding struct {
	Name    string          `json:"name"`
	Kind    string          `json:"kind"`  // "heap" or "arena"
	Count   int             `json:"count"` // allocators
	Total   Counters        `json:"total"` // Peak is the sum of their peaks
	Classes []ClassCounters `json:"classes,omitempty"`
}

func (r *Registry) addHeap(h *Heap) {
	if r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.heaps = append(present(r.heaps), weak.Make(h))
	}
}

func (r *Registry) addArena(a *Arena) {
	if r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.arenas = append(present(r.arenas), weak.Make(a))
	}
}

// present drops what is gone, when there is no room otherwise.
func present[T any](all []weak.Pointer[T]) []weak.Pointer[T] {
	if len(all) < cap(all) {
		return all
	}
	return slices.DeleteFunc(all, func(p weak.Pointer[T]) bool { return p.Value() == nil })
}

// Holdings returns what the allocators hold now, sorted by name and kind.
func (r *Registry) Holdings() []Holding {
	sums := map[[2]string]*Holding{}
	sum := func(name, kind string, k Counters) *Holding {
		h := sums[[2]string{name, kind}]
		if h == nil {
			h = &Holding{Name: name, Kind: kind}
			sums[[2]string{name, kind}] = h
		}
		h.Count++
		h.Total = h.Total.plus(k)
		return h
	}
	heaps, arenas := r.members()
	for _, h := range heaps {
		into := sum(h.options.Name, "heap", h.Counters())
		into.Classes = addClasses(into.Classes, h.Classes())
	}
	for _, a := range arenas {
		sum(a.options.Name, "arena", a.Counters())
	}
	var all []Holding
	for _, h := range sums {
		all = append(all, *h)
	}
	slices.SortFunc(all, func(a, b Holding) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind)) })
	return all
}

func (r *Registry) members() (heaps []*Heap, arenas []*Arena) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.heaps {
		if h := p.Value(); h != nil && !h.isClosed() {
			heaps = append(heaps, h)
		}
	}
	for _, p := range r.arenas {
		if a := p.Value(); a != nil {
			arenas = append(arenas, a)
		}
	}
	return heaps, arenas
}

// Leaks lists the live blocks of the heaps in debug mode, by who allocated them; nothing if there are none.
func (r *Registry) Leaks() string {
	var text strings.Builder
	heaps, _ := r.members()
	for _, h := range heaps {
		if leaks := h.debug.leaks(); leaks != "" {
			text.WriteString("heap " + h.options.Name + leaks + "\n")
		}
	}
	return text.String()
}

func (c Counters) plus(d Counters) Counters {
	return Counters{c.Live + d.Live, c.Granted + d.Granted, c.Peak + d.Peak, c.Reserved + d.Reserved,
		c.Resident + d.Resident, c.Blocks + d.Blocks, c.Allocations + d.Allocations}
}

func addClasses(a, b []ClassCounters) []ClassCounters {
	if a == nil {
		return b
	}
	for i := range a {
		a[i].Slabs += b[i].Slabs
		a[i].Blocks += b[i].Blocks
		a[i].Allocations += b[i].Allocations
		a[i].Granted += b[i].Granted
	}
	return a
}
