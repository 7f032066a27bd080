package mem

import (
	"math"
	"slices"
	"time"
)

// DefaultDecay is how long memory stays free, at the least, before its pages go back to the system; at the most it is
// three times that.
const DefaultDecay = time.Second

// A Clock makes things happen later.
type Clock interface {
	// NewTimer returns a timer that is not running. It calls f on a goroutine of its own.
	NewTimer(f func()) Timer
}

// A Timer is a [time.Timer], or something like it.
type Timer interface {
	Reset(time.Duration) bool
	Stop() bool
}

type systemClock struct{}

func (systemClock) NewTimer(f func()) Timer {
	t := time.AfterFunc(math.MaxInt64, f)
	t.Stop()
	return t
}

// ticksAfter is how many ticks follow the last activity: as many as it takes until everything that it left is old.
const ticksAfter = 3

// stir makes sure that the decay ticks. It costs a load where it does.
func (h *Heap) stir() {
	if h.stirred.Load() != ticksAfter {
		h.startTicking()
	}
}

func (h *Heap) startTicking() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stirred.Store(ticksAfter)
	h.schedule()
}

// schedule sets the clock for the next tick, under the lock.
func (h *Heap) schedule() {
	if h.due || h.closed || h.options.Decay < 0 {
		return
	}
	if h.timer == nil { // one for the heap's life: a tick takes nothing from the Go heap
		h.timer = h.options.clock().NewTimer(h.tick)
	}
	h.due = true
	h.timer.Reset(h.options.decay())
}

// tick gives back what has been free since the tick before the last. Caches in use do their part when they next look
// around.
func (h *Heap) tick() {
	h.ticking.Lock()
	defer h.ticking.Unlock()
	h.mu.Lock()
	h.due = false
	closed := h.closed
	h.mu.Unlock()
	if closed {
		return
	}
	h.epoch.Add(1)
	h.tidy(false)
	left := h.purgeExtents(isAged)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stirred.Add(-1) > 0 || left {
		h.schedule()
	}
}

// tidy does for caches that no worker has what a worker does for its own. No shared cache is closed meanwhile: that takes
// the lock ticking, too.
func (h *Heap) tidy(all bool) {
	h.mu.Lock()
	idle := len(h.idle)
	h.mu.Unlock()
	for range idle {
		h.tidyIdle(all)
	}
	for _, c := range *h.caches.Load() {
		h.mu.Lock()
		open := c.shared && !c.idle
		h.mu.Unlock()
		if open && c.using.CompareAndSwap(false, true) { // if not, it looks around by itself
			c.tidy(all)
			c.using.Store(false)
		}
	}
}

// tidyIdle tidies the cache that was idle longest.
func (h *Heap) tidyIdle(all bool) {
	h.mu.Lock()
	if len(h.idle) == 0 {
		h.mu.Unlock()
		return
	}
	c := h.idle[0]
	h.idle = slices.Delete(h.idle, 0, 1) // where it is, for a tick takes nothing from the Go heap
	c.idle = false
	h.mu.Unlock()
	c.tidy(all)
	h.retire(c)
}

// tidy takes in and sends what is on its way, and gives back what has been free for long, or all that is free.
func (c *Cache) tidy(all bool) {
	c.drain()
	c.sendAll()
	c.epoch = c.heap.epoch.Load()
	c.putFrontsBack()
	c.dissolveEmpty()
	c.scavenge(all)
}

// Trim gives everything back to the system that is free in the heap itself, in closed caches and in those of callers without
// one, without waiting for the decay. It costs page faults later on.
func (h *Heap) Trim() {
	h.ticking.Lock()
	defer h.ticking.Unlock()
	h.tidy(true)
	h.purgeExtents(isDirty)
}

// purgeBatch is how many extents are kept from use at a time while they are purged.
const purgeBatch = 16

// purgeExtents purges the free extents that have the flag, and makes those aged that are dirty. It tells whether any are.
func (h *Heap) purgeExtents(flag uint32) (left bool) {
	for _, r := range *h.regions.Load() {
		for {
			var batch [purgeBatch]uint32
			n, dirty := h.takeDirty(r, flag, &batch)
			purged := true
			for _, i := range batch[:n] {
				purged = h.purgeExtent(r, i) && purged
			}
			if n < purgeBatch || !purged { // what was refused is tried again at another tick
				left = left || dirty || !purged
				break
			}
		}
		if flag == isAged {
			h.age(r)
		}
	}
	return left
}

// takeDirty takes free extents with the flag out of circulation, and tells whether there are dirty ones without.
func (h *Heap) takeDirty(r *region, flag uint32, batch *[purgeBatch]uint32) (n int, dirty bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r.extents.free(func(i uint32, g *granule) {
		switch {
		case g.size&flag != 0 && n < purgeBatch:
			batch[n] = i
			n++
		case g.size&isDirty != 0:
			dirty = true
		}
	})
	for _, i := range batch[:n] {
		r.extents.unlink(i)
		r.extents.at(i).size &= sizeMask
	}
	return n, dirty
}

// purgeExtent purges an extent that was taken out of circulation and frees it. It tells whether that succeeded.
func (h *Heap) purgeExtent(r *region, i uint32) bool {
	g := r.extents.at(i)
	offset, size := int(i)<<granuleBits, int(g.size&sizeMask)<<granuleBits
	err := r.purge(offset, size)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil { // it stays what it was, and is tried again
		r.extents.give(i, isDirty)
		return false
	}
	h.resident -= r.forget(offset, size)
	r.extents.give(i, 0)
	return true
}

// age marks what is dirty now, to be purged at the next tick if it is still free then.
func (h *Heap) age(r *region) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r.extents.free(func(_ uint32, g *granule) {
		if g.size&isDirty != 0 {
			g.size |= isAged
		}
	})
}
