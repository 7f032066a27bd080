package mem

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"weak"
)

// A Registry knows the allocators of a program, to tell what they hold. It keeps none of them alive but
// for heaps in debug mode. Its zero value is
// empty and ready to use, and a nil one knows nothing.
type Registry struct {
	mu      sync.Mutex
	members []member
}

// A member looks at an allocator.
type member struct {
	name, kind string
	look       func() (Counters, []ClassCounters, bool) // false when it is gone
	leaks      func() string
}

// Holding is what the allocators of one name and kind hold, together.
type Holding struct {
	Name    string          `json:"name"`
	Kind    string          `json:"kind"`  // "heap", "arena", or what Add was told
	Count   int             `json:"count"` // allocators
	Total   Counters        `json:"total"` // Peak is the sum of their peaks
	Classes []ClassCounters `json:"classes,omitempty"`
}

// Add enters something else that holds memory. look returns false when it is gone.
func (r *Registry) Add(name, kind string, look func() (Counters, bool)) {
	r.add(member{name: name, kind: kind, look: func() (Counters, []ClassCounters, bool) {
		k, ok := look()
		return k, nil, ok
	}})
}

func (r *Registry) addHeap(h *Heap) {
	p := weak.Make(h)
	r.add(member{name: h.options.Name, kind: "heap",
		look: func() (Counters, []ClassCounters, bool) {
			if h := p.Value(); h != nil && !h.isClosed() {
				return h.Counters(), h.Classes(), true
			}
			return Counters{}, nil, false
		},
		leaks: leaksOf(h)})
}

// leaksOf returns what lists a heap's live blocks. It keeps a heap in debug mode: that one was lost is worth telling.
func leaksOf(h *Heap) func() string {
	if h.debug == nil {
		return nil
	}
	return func() string {
		if h.isClosed() {
			return ""
		}
		return h.debug.leaks()
	}
}

func (r *Registry) addArena(a *Arena) {
	p := weak.Make(a)
	r.Add(a.options.Name, "arena", func() (Counters, bool) {
		if a := p.Value(); a != nil {
			return a.Counters(), true
		}
		return Counters{}, false
	})
}

// add enters a member. When there is no room it first drops those that are gone.
func (r *Registry) add(m member) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.members) == cap(r.members) {
		r.members = slices.DeleteFunc(r.members, func(m member) bool {
			_, _, present := m.look()
			return !present
		})
	}
	r.members = append(r.members, m)
}

func (r *Registry) all() []member {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.members)
}

// Holdings returns what the allocators hold now, sorted by name and kind.
func (r *Registry) Holdings() []Holding {
	sums := map[[2]string]*Holding{}
	for _, m := range r.all() {
		k, classes, present := m.look()
		if !present {
			continue
		}
		h := sums[[2]string{m.name, m.kind}]
		if h == nil {
			h = &Holding{Name: m.name, Kind: m.kind}
			sums[[2]string{m.name, m.kind}] = h
		}
		h.Count++
		h.Total = h.Total.plus(k)
		h.Classes = addClasses(h.Classes, classes)
	}
	list := []Holding{}
	for _, h := range sums {
		list = append(list, *h)
	}
	slices.SortFunc(list, func(a, b Holding) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind)) })
	return list
}

// Leaks lists the live blocks of the heaps in debug mode, by who allocated them; nothing if there are none.
func (r *Registry) Leaks() string {
	var text strings.Builder
	for _, m := range r.all() {
		if m.leaks == nil {
			continue
		}
		if leaks := m.leaks(); leaks != "" {
			text.WriteString("heap " + m.name + leaks + "\n")
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
	for i := range b {
		a[i].Slabs += b[i].Slabs
		a[i].Blocks += b[i].Blocks
		a[i].Allocations += b[i].Allocations
		a[i].Granted += b[i].Granted
	}
	return a
}
