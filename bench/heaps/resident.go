package heaps

// sampleEvery is how many operations lie between two looks at the memory.
const sampleEvery = 2000

// passMemory answers the bytes that the process holds at most and at the end, beyond what it held before the first
// allocation.
func passMemory(h heap, o order) ([]int64, error) {
	s, err := newSampler(h, o)
	if err != nil {
		return nil, err
	}
	defer s.gauge.close()
	if err := s.run(); err != nil {
		return nil, err
	}
	return []int64{s.most - s.before, s.last - s.before}, nil
}

// sampler does the standard work and looks at the memory.
type sampler struct {
	*worker
	gauge              *gauge
	filling, ops       []op
	before, most, last int64
}

func newSampler(h heap, o order) (*sampler, error) {
	g, err := openGauge()
	if err != nil {
		return nil, err
	}
	s := &sampler{gauge: g}
	if s.filling, s.ops, err = o.sequence(0); err == nil {
		s.worker = newWorker(h.workers(1)[0], o.n)
		s.before, err = g.resident()
	}
	if err != nil {
		g.close()
		return nil, err
	}
	return s, nil
}

func (s *sampler) run() error {
	s.fill(s.filling)
	for rest := s.ops; len(rest) > 0; {
		n := min(sampleEvery, len(rest))
		s.replace(rest[:n])
		rest = rest[n:]
		if err := s.look(); err != nil {
			return err
		}
	}
	return s.look()
}

func (s *sampler) look() (err error) {
	if s.last, err = s.gauge.resident(); err == nil {
		s.most = max(s.most, s.last)
	}
	return err
}
