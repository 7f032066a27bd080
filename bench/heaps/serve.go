package heaps

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// An order is what a peer's process is told to do: one of the passes, with so many slots, on the sequences that lie in
// a folder. It is a line of three words, of which the last one may have spaces; the answer is a line of numbers.
type order struct {
	pass   string
	slots  int
	folder string
}

func (o order) String() string { return fmt.Sprintf("%s %d %s", o.pass, o.slots, o.folder) }

func parseOrder(line string) (order, error) {
	words := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 3)
	if len(words) == 3 {
		if slots, err := strconv.Atoi(words[1]); err == nil && slots > 0 {
			return order{words[0], slots, words[2]}, nil
		}
	}
	return order{}, fmt.Errorf("heaps: the order %q is not PASS SLOTS FOLDER", line)
}

// passes are what a peer in Go can be ordered to do. The numbers of each answer are those that c/serve.c tells of.
func passes() map[string]func(heap, order) ([]int64, error) {
	return map[string]func(heap, order) ([]int64, error){
		"throughput": passThroughput,
		"latency":    passLatency,
		"memory":     passMemory,
	}
}

// Serve makes this process a peer in Go: it takes orders from r, a line each, and answers on w, until r ends. Every order
// gets a heap of its own; but what the process holds of another one is still there, so for figures of memory it should
// be the only one.
func Serve(peer string, r io.Reader, w io.Writer) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		o, err := parseOrder(lines.Text())
		if err != nil {
			return err
		}
		answer, err := obey(peer, o)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(w, strings.Trim(fmt.Sprint(answer), "[]")); err != nil {
			return fmt.Errorf("heaps: %w", err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("heaps: %w", err)
	}
	return nil
}

func obey(peer string, o order) ([]int64, error) {
	pass := passes()[o.pass]
	if pass == nil {
		return nil, fmt.Errorf("heaps: no pass of the name %q", o.pass)
	}
	h, err := openGo(peer, o.slots)
	if err != nil {
		return nil, err
	}
	return pass(h, o)
}

// sequenceOf returns a worker's sequence, in its two parts.
func (o order) sequence(worker int) (filling, others []op, err error) {
	ops, err := readOps(sequenceFile(o.folder, worker))
	if err == nil && len(ops) < o.slots {
		err = fmt.Errorf("heaps: a sequence of %d operations does not fill %d slots", len(ops), o.slots)
	}
	if err != nil {
		return nil, nil, err
	}
	return ops[:o.slots], ops[o.slots:], nil
}

// passThroughput answers the nanoseconds that all operations took.
func passThroughput(h heap, o order) ([]int64, error) {
	filling, ops, err := o.sequence(0)
	if err != nil {
		return nil, err
	}
	w := newWorker(h.workers(1)[0], o.slots)
	w.fill(filling)
	begun := time.Now()
	w.replace(ops)
	return []int64{int64(time.Since(begun))}, nil
}

// passLatency answers the clock's own cost, the longest time, and then pairs of a bucket of latencies and its count.
func passLatency(h heap, o order) ([]int64, error) {
	filling, ops, err := o.sequence(0)
	if err != nil {
		return nil, err
	}
	w := newWorker(h.workers(1)[0], o.slots)
	w.fill(filling)
	l := new(latencies)
	w.timed(ops, l)
	answer := []int64{int64(clockCost()), l.most}
	for i, c := range l.counts {
		if c > 0 {
			answer = append(answer, int64(i), int64(c))
		}
	}
	return answer, nil
}

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
		s.worker = newWorker(h.workers(1)[0], o.slots)
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
