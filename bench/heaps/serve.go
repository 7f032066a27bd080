package heaps

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// An order is what a peer's process is told to do: a line of four words, of which the last one may have spaces. The answer
// is a line of integers.
type order struct {
	pass   string
	n      int           // live blocks of a worker, if the pass does not say otherwise
	wait   time.Duration // until memory is back at the system, in whole milliseconds
	folder string        // of the sequences
}

func (o order) String() string {
	return fmt.Sprintf("%s %d %d %s", o.pass, o.n, o.wait.Milliseconds(), o.folder)
}

func parseOrder(line string) (order, error) {
	if words := strings.SplitN(line, " ", 4); len(words) == 4 {
		n, err := strconv.Atoi(words[1])
		ms, wrong := strconv.Atoi(words[2])
		if err == nil && wrong == nil && n > 0 && ms >= 0 {
			return order{words[0], n, time.Duration(ms) * time.Millisecond, words[3]}, nil
		}
	}
	return order{}, fmt.Errorf("heaps: the order %q is not PASS N MILLISECONDS FOLDER", line)
}

// server is a peer in Go. What it holds stays from order to order.
type server struct {
	peer    string
	held    holder
	objects *object
}

// passes are what a peer in Go can be ordered to do. For those that the peers in C know, too, the numbers of the answers
// are listed in c/serve.c.
func (p *server) passes() map[string]func(heap, order) ([]int64, error) {
	return map[string]func(heap, order) ([]int64, error){
		"throughput": passLoop((*worker).replace),
		"lifo":       passLoop((*worker).lifo),
		"fifo":       passLoop((*worker).fifo),
		"latency":    passLatency,
		"memory":     passMemory,
		"freed":      passFreed,
		"exchange":   passExchange,
		"handover":   passHandover,
		"trace":      passTrace,
		"arena":      passArena,
		"hold":       p.passHold,
		"collect":    p.passCollect,
	}
}

// Serve makes this process a peer in Go: it takes orders from r, a line each, and answers on w, until r ends. Every order
// gets a heap of its own; but what the process holds of another one is still there, so for figures of memory it should
// be the only one.
func Serve(peer string, r io.Reader, w io.Writer) error {
	p := &server{peer: peer}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		answer, err := p.obey(lines.Text())
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

func (p *server) obey(line string) ([]int64, error) {
	o, err := parseOrder(line)
	if err != nil {
		return nil, err
	}
	pass := p.passes()[o.pass]
	if pass == nil {
		return nil, fmt.Errorf("heaps: no pass of the name %q", o.pass)
	}
	h, err := openGo(p.peer, o.n)
	if err != nil {
		return nil, err
	}
	return pass(h, o)
}

// sequence returns a worker's sequence, in its two parts.
func (o order) sequence(worker int) (filling, others []op, err error) {
	ops, err := readOps(sequenceFile(o.folder, worker))
	if err == nil && len(ops) < o.n {
		err = fmt.Errorf("heaps: a sequence of %d operations does not fill %d slots", len(ops), o.n)
	}
	if err != nil {
		return nil, nil, err
	}
	return ops[:o.n], ops[o.n:], nil
}
