package mem

// watch decides whether every block takes the slow way, past a recorder or the debugger.
func (h *Heap) watch() {
	if h.options.Recorder != nil {
		h.recorded = h.options.Recorder.Open(h.options.Name)
	}
	h.watched = h.options.Recorder != nil
}

func (h *Heap) allocWatched(c *Cache, size, alignment int) (Span, error) {
	s, err := c.place(size, alignment)
	if err == nil && h.options.Recorder != nil {
		h.options.Recorder.Alloc(h.recorded, s, alignment)
	}
	return s, err
}

func (h *Heap) freeWatched(c *Cache, span Span) {
	if h.options.Recorder != nil {
		h.options.Recorder.Free(h.recorded, span)
	}
	c.reclaim(span)
}
