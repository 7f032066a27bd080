package heaps

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/baremetaldevx86/microdr/bench"
)

// Options say what Measure measures.
type Options struct {
	Rounds     int      // of each peer
	Slots      int      // live blocks a worker; 0: Slots
	Operations int      // a worker and a pass
	Only       []string // rows whose names begin with one of these; nil: all

	// Program, with the arguments Args and a peer's name behind them, has to call Serve with that name.
	Program string
	Args    []string

	// Progress, if set, is told how many of all runs are done, and what comes next; Warn what is left out, and why.
	Progress func(done, all int, next string)
	Warn     func(line string)
}

// measure is a figure of every peer, and a row for each of them.
type measure struct {
	name   string // of its rows, before the peer's
	unit   string
	passes []string // that it is made of
	figure func(r *results, peer string) bench.Series
	bar    float64 // if not 0, there is a row beside it
	note   string
	floor  bool // has a row beside the floor, too
}

// measures is the table of what Measure measures, in order.
func measures() []measure {
	perOp := func(pass string) func(*results, string) bench.Series {
		return func(r *results, peer string) bench.Series {
			return r.series(pass, peer, func(a []int64) float64 { return float64(a[0]) / float64(r.sequence.operations) })
		}
	}
	quantile := func(p float64) func(*results, string) bench.Series {
		return func(r *results, peer string) bench.Series {
			return r.series("latency", peer, func(a []int64) float64 { return latencyOf(a, p) })
		}
	}
	resident := func(which int, live func(*sequence) int64) func(*results, string) bench.Series {
		return func(r *results, peer string) bench.Series {
			return r.series("memory", peer, func(a []int64) float64 { return float64(a[which]) / float64(live(r.sequence)) })
		}
	}
	return []measure{
		{name: "one worker", unit: "ns/op", passes: []string{"throughput"}, figure: perOp("throughput"), floor: true,
			note: "a free and an allocation, and the first byte of every page written"},
		{name: "latency p50", unit: "ns", passes: []string{"latency"}, figure: quantile(0.5), note: "without touching"},
		{name: "latency p99.9", unit: "ns", passes: []string{"latency"}, figure: quantile(0.999), bar: 5000},
		{name: "latency max", unit: "ns", passes: []string{"latency"}, figure: quantile(1)},
		{name: "memory peak", unit: "resident/live", passes: []string{"memory"}, bar: 1.5,
			figure: resident(0, func(s *sequence) int64 { return s.peak })},
		{name: "memory end", unit: "resident/live", passes: []string{"memory"}, figure: resident(1, (*sequence).live)},
	}
}

// latencyOf returns a quantile of an answer to the order of latency, less what the clock takes.
func latencyOf(answer []int64, p float64) float64 {
	clock := float64(answer[0])
	if p == 1 {
		return max(float64(answer[1])-clock, 0)
	}
	l := new(latencies)
	for i := 2; i+1 < len(answer); i += 2 {
		l.counts[answer[i]] = uint64(answer[i+1])
	}
	return max(l.quantile(p)-clock, 0)
}

// peers are the names of all peers that rows may be beside; the floor is one of them.
func peers() []string {
	return []string{"glibc", "jemalloc", "mimalloc", "modernc", "sync.Pool", "Go make", "floor"}
}

// results are the answers of all rounds.
type results struct {
	sequence *sequence
	answers  map[[2]string][][]int64 // by pass and peer
}

// series are the values of one pass of a peer, a round each; none where there is no such peer.
func (r *results) series(pass, peer string, value func([]int64) float64) bench.Series {
	var s bench.Series
	for _, answer := range r.answers[[2]string{pass, peer}] {
		s = append(s, value(answer))
	}
	return s
}

// Measure measures the allocators side by side. An error that is bench.ErrNoRow is about Only.
func Measure(ctx context.Context, o Options) ([]bench.Row, error) {
	s, err := newSuite(o)
	if err != nil {
		return nil, err
	}
	if s.folder, err = os.MkdirTemp("", "microdr-heaps-"); err != nil {
		return nil, fmt.Errorf("heaps: %w", err)
	}
	defer os.RemoveAll(s.folder)
	s.Progress(0, 0, "compiling the peers in C")
	if s.programs, err = compileDrivers(ctx, s.folder, s.Warn); err != nil {
		return nil, err
	}
	s.Progress(0, 0, "writing the sequence")
	if s.sequence, err = writeSequence(s.folder, 0, s.Slots, s.Operations); err != nil {
		return nil, err
	}
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	return s.rows(), nil
}

// suite is a run of Measure.
type suite struct {
	Options
	results
	chosen   []measure
	folder   string            // of the sequences and programs
	programs map[string]string // of the peers in C
}

func newSuite(o Options) (*suite, error) {
	if o.Slots == 0 {
		o.Slots = Slots
	}
	if o.Progress == nil {
		o.Progress = func(int, int, string) {}
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	s := &suite{Options: o, results: results{answers: map[[2]string][][]int64{}}}
	var names []string
	for _, m := range measures() {
		own := m.rowNames()
		names = append(names, own...)
		if slices.ContainsFunc(own, s.wants) {
			s.chosen = append(s.chosen, m)
		}
	}
	for _, only := range o.Only {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, only) }) {
			return nil, fmt.Errorf("%w: %q, expected the beginning of one of %q", bench.ErrNoRow, only, names)
		}
	}
	return s, nil
}

// rowNames are the names of the rows that a measure may have.
func (m *measure) rowNames() []string {
	var names []string
	for _, peer := range peers() {
		if peer != "floor" || m.floor {
			names = append(names, m.name+" "+peer)
		}
	}
	if m.bar != 0 {
		names = append(names, m.name+" bar")
	}
	return names
}

// wants tells whether a row belongs in the result.
func (s *suite) wants(row string) bool {
	return s.Only == nil || slices.ContainsFunc(s.Only, func(only string) bool { return strings.HasPrefix(row, only) })
}

// task is one pass of one peer.
type task struct{ pass, peer string }

// tasks are what a round consists of: pass by pass, of each peer that a wanted row is about.
func (s *suite) tasks() []task {
	var tasks []task
	for _, m := range s.chosen {
		if strings.HasPrefix(m.name, "memory") && !tellsResident {
			s.Warn("heaps: this system does not tell what memory a process holds; left out: " + m.name)
			continue
		}
		for _, pass := range m.passes {
			for _, peer := range append([]string{Ours}, peers()...) {
				t := task{pass, peer}
				if s.has(peer) && (peer == Ours || slices.Contains(m.rowNames(), m.name+" "+peer) && s.wants(m.name+" "+peer)) &&
					!slices.Contains(tasks, t) {
					tasks = append(tasks, t)
				}
			}
		}
	}
	return tasks
}

// has tells whether a peer can be run here.
func (s *suite) has(peer string) bool {
	inC := slices.ContainsFunc(libraries(), func(l library) bool { return l.peer == peer })
	return !inC || s.programs[peer] != ""
}

// run does all rounds.
func (s *suite) run(ctx context.Context) error {
	tasks := s.tasks()
	for round := range s.Rounds {
		for i, t := range tasks {
			s.Progress(round*len(tasks)+i, s.Rounds*len(tasks), t.pass+" of "+t.peer)
			answer, err := s.ask(ctx, t)
			if err != nil {
				return fmt.Errorf("%s: %w", t.peer, err)
			}
			key := [2]string{t.pass, t.peer}
			s.answers[key] = append(s.answers[key], answer)
		}
	}
	return nil
}

func (s *suite) ask(ctx context.Context, t task) ([]int64, error) {
	o := order{t.pass, s.Slots, s.folder}
	if program := s.programs[t.peer]; program != "" {
		return ask(ctx, o, program)
	}
	return ask(ctx, o, s.Program, append(slices.Clone(s.Args), t.peer)...)
}

// rows makes the rows of what was measured.
func (s *suite) rows() []bench.Row {
	var rows []bench.Row
	for _, m := range s.chosen {
		ours := m.figure(&s.results, Ours)
		for _, name := range m.rowNames() {
			theirs := m.figure(&s.results, strings.TrimPrefix(name, m.name+" "))
			switch {
			case !s.wants(name) || len(ours) == 0:
			case name == m.name+" bar":
				r := bench.Against(name, m.unit, bench.Lower, ours, m.bar)
				r.Note = "a bar"
				rows = append(rows, r)
			case len(theirs) > 0:
				r := bench.Compare(name, m.unit, bench.Lower, ours, theirs)
				r.Note = m.note
				rows = append(rows, r)
			}
		}
	}
	return rows
}
