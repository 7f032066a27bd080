package heaps

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/baremetaldevx86/microdr/bench"
)

// Options say what Measure measures.
type Options struct {
	Rounds     int           // of each peer
	Slots      int           // live blocks a worker; 0: Slots
	Operations int           // a worker and a pass
	Decay      time.Duration // for memory to go back to the system
	Trace      *Trace        // for the row of that name; nil: there is none
	Only       []string      // rows whose names begin with one of these; nil: all

	// Program, with the arguments Args and a peer's name behind them, has to call Serve with that name.
	Program string
	Args    []string

	// Progress, if set, is told how many of all runs are done, and what comes next; Warn what is left out, and why.
	Progress func(done, all int, next string)
	Warn     func(line string)
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
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	return s.rows(ctx)
}

// results are the answers of all rounds.
type results struct {
	sequence *sequence
	answers  map[task][][]int64
}

// A task is one pass of one peer.
type task struct{ pass, peer string }

// series are the values of one pass of a peer, a round each; none where there is no such peer.
func (r *results) series(pass, peer string, value func([]int64) float64) bench.Series {
	var s bench.Series
	for _, answer := range r.answers[task{pass, peer}] {
		s = append(s, value(answer))
	}
	return s
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
	s := &suite{Options: o, results: results{answers: map[task][][]int64{}}}
	var names []string
	for _, m := range measures() {
		if m.name == "trace" && o.Trace == nil {
			continue
		}
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
	if m.own != nil {
		return []string{m.name}
	}
	var names []string
	for _, peer := range m.beside {
		names = append(names, m.name+" "+peer)
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

// prepare compiles and writes what the peers need.
func (s *suite) prepare(ctx context.Context) (err error) {
	s.Progress(0, 0, "compiling the peers in C")
	if s.programs, err = compileDrivers(ctx, s.folder, s.Warn); err != nil {
		return err
	}
	s.Progress(0, 0, "writing the operations")
	if s.Trace != nil {
		if err := s.Trace.write(s.folder); err != nil {
			return err
		}
	}
	for worker := range 2 {
		sequence, err := writeSequence(s.folder, worker, s.Slots, s.Operations)
		if err != nil {
			return err
		}
		if worker == 0 {
			s.sequence = sequence
		}
		if !slices.ContainsFunc(s.chosen, func(m measure) bool { return slices.Contains(m.passes, "exchange") }) {
			break
		}
	}
	return ctx.Err()
}

// tasks are what a round consists of: pass by pass, of each peer that a wanted row is about.
func (s *suite) tasks() []task {
	var tasks []task
	for _, m := range s.chosen {
		if !tellsResident && (slices.Contains(m.passes, "memory") || slices.Contains(m.passes, "freed")) {
			s.Warn("heaps: this system does not tell what memory a process holds; left out: " + m.name)
			continue
		}
		for _, pass := range m.passes {
			for _, peer := range append([]string{Ours}, m.beside...) {
				t := task{pass, peer}
				if s.has(peer) && (peer == Ours || s.wants(m.name+" "+peer)) && !slices.Contains(tasks, t) {
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

// run does all rounds. What mostly waits, and is not timed, does so at the same time for all peers.
func (s *suite) run(ctx context.Context) error {
	tasks := s.tasks()
	all := s.Rounds * len(tasks)
	for done := 0; done < all; {
		t := tasks[done%len(tasks)]
		alike := 1
		for t.pass == "freed" && (done+alike)%len(tasks) != 0 && tasks[(done+alike)%len(tasks)].pass == t.pass {
			alike++
		}
		next := t.pass + " of " + t.peer
		if alike > 1 {
			next += " and others"
		}
		s.Progress(done, all, next)
		at := done % len(tasks)
		if err := s.ask(ctx, tasks[at:at+alike]); err != nil {
			return err
		}
		done += alike
	}
	return nil
}

// ask does tasks at the same time.
func (s *suite) ask(ctx context.Context, tasks []task) error {
	answers, errs := make([][]int64, len(tasks)), make([]error, len(tasks))
	var wg sync.WaitGroup
	for i, t := range tasks {
		wg.Go(func() { answers[i], errs[i] = s.answer(ctx, t) })
	}
	wg.Wait()
	for i, t := range tasks {
		s.answers[t] = append(s.answers[t], answers[i])
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(errs...)
}

// answer has a task done by a process of its own.
func (s *suite) answer(ctx context.Context, t task) ([]int64, error) {
	o := order{t.pass, s.Slots, s.Decay, s.folder}
	switch t.pass {
	case "trace":
		o.n = s.Trace.slots
	case "arena":
		o.n = s.Operations
	}
	p, err := s.start(ctx, t.peer)
	if err != nil {
		return nil, err
	}
	answer, err := p.order(o)
	if why := p.close(); why != nil {
		err = why
	}
	if err == nil && len(answer) < answerLength(t.pass) {
		err = fmt.Errorf("heaps: the answer %v is too short", answer)
	}
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", t.pass, t.peer, err)
	}
	return answer, nil
}

// start starts a peer.
func (s *suite) start(ctx context.Context, peer string) (*process, error) {
	if program := s.programs[peer]; program != "" {
		return start(ctx, program)
	}
	return start(ctx, s.Program, append(slices.Clone(s.Args), peer)...)
}

// rows makes the rows of what was measured, and does the measurements that make their own.
func (s *suite) rows(ctx context.Context) ([]bench.Row, error) {
	var rows []bench.Row
	for _, m := range s.chosen {
		if m.own == nil {
			rows = append(rows, s.compare(&m)...)
			continue
		}
		s.Progress(0, 0, "measuring "+m.name)
		more, err := m.own(ctx, s, m.name)
		if err != nil {
			return rows, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

func (s *suite) compare(m *measure) []bench.Row {
	var rows []bench.Row
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
			if len(rows) == 0 {
				r.Note = m.note
			}
			rows = append(rows, r)
		}
	}
	return rows
}
