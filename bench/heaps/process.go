package heaps

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
)

// A process is a peer in a process of its own, which takes orders.
type process struct {
	command *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Reader
	words   bytes.Buffer // stderr
}

func start(ctx context.Context, program string, args ...string) (*process, error) {
	p := &process{command: exec.CommandContext(ctx, program, args...)}
	p.command.Stderr = &p.words
	var err error
	if p.orders, err = p.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("heaps: %w", err)
	}
	answers, err := p.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("heaps: %w", err)
	}
	p.answers = bufio.NewReaderSize(answers, 1<<16)
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("heaps: %w", err)
	}
	return p, nil
}

// order gives an order and returns the answer.
func (p *process) order(o order) ([]int64, error) {
	if _, err := fmt.Fprintln(p.orders, o); err != nil {
		return nil, fmt.Errorf("heaps: %s: %w", o.pass, err)
	}
	line, err := p.answers.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("heaps: %s: %w", o.pass, err)
	}
	return parseAnswer(line)
}

// close ends the process; the error has what it said on stderr.
func (p *process) close() error {
	p.orders.Close()
	if err := p.command.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(p.words.String()))
	}
	return nil
}

func parseAnswer(line string) ([]int64, error) {
	var answer []int64
	for _, word := range strings.Fields(line) {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("heaps: the answer %.80q: %w", line, err)
		}
		answer = append(answer, n)
	}
	return answer, nil
}
