package mem

// watch decides whether every block takes the slow way, past a recorder or the debugger.
func (h *Heap) watch() {
	o := &h.options
	if h.debug = newDebugger(*o); o.Recorder != nil {
		h.recorded = o.Recorder.Open(o.Name)
	}
	h.watched = o.Recorder != nil || h.debug != nil
}

func (h *Heap) allocWatched(c *Cache, size, alignment int) (s Span, err error) {
	if h.debug != nil {
		defer c.alone()()
		if h.isClosed() {
			return Span{}, errClosed()
		}
		s, err = h.debug.alloc(size, alignment)
	} else {
		s, err = c.place(size, alignment)
	}
	if err == nil && h.options.Recorder != nil {
		h.options.Recorder.Alloc(h.recorded, s, alignment)
	}
	return s, err
}

func (h *Heap) freeWatched(c *Cache, span Span) {
	if h.options.Recorder != nil {
		h.options.Recorder.Free(h.recorded, span)
	}
	if h.debug != nil {
		defer c.alone()()
		h.debug.free(span)
		return
	}
	c.reclaim(span)
}

// alone panics if another goroutine uses the cache at this moment, or if it is closed. What it returns ends the use.
func (c *Cache) alone() func() {
	if c.closed() {
		panic("mem: a cache is used after it was closed")
	}
	if c.shared { // whoever is here has borrowed it
		return func() {}
	}
	if !c.using.CompareAndSwap(false, true) {
		panic("mem: a cache is used by two goroutines at once")
	}
	return func() { c.using.Store(false) }
}

func (c *Cache) closed() bool {
	c.heap.mu.Lock()
	defer c.heap.mu.Unlock()
	return c.idle
}

func (h *Heap) isClosed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}
