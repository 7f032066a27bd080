package bench

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

//go:embed c/*.c c/*.h c/openblas/*.c
var sources embed.FS

// compilerFlags let gcc use all that the machine has, and nothing that would change a bit.
var compilerFlags = []string{"-std=gnu11", "-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno",
	"-fno-trapping-math", "-mprefer-vector-width=512"}

// Baseline is a program of baselines in C, compiled for this machine.
type Baseline struct {
	folder, program string
	environment     []string // what the program gets besides ours
}

// CompileBaseline compiles the C baselines with the machine's gcc. The error says why there are none: no compiler, or
// one that does not take them.
func CompileBaseline(ctx context.Context) (*Baseline, error) {
	b, err := compileC(ctx, []string{"c/*.c"})
	if err != nil {
		return nil, fmt.Errorf("bench: no baselines in C: %w", err)
	}
	return b, nil
}

// compileC makes a program of the sources that match one of the patterns.
func compileC(ctx context.Context, patterns []string, libraries ...string) (*Baseline, error) {
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "microdr-bench-")
	if err != nil {
		return nil, err
	}
	b := &Baseline{folder: folder, program: filepath.Join(folder, "baseline.exe")}
	if err := b.compile(ctx, gcc, patterns, libraries); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (b *Baseline) compile(ctx context.Context, gcc string, patterns, libraries []string) error {
	if err := os.CopyFS(b.folder, sources); err != nil {
		return err
	}
	args := slices.Clone(compilerFlags)
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join(b.folder, filepath.FromSlash(pattern)))
		if err != nil {
			return err
		}
		args = append(args, files...)
	}
	args = append(append(args, libraries...), "-o", b.program)
	if out, err := exec.CommandContext(ctx, gcc, args...).CombinedOutput(); err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("gcc: %w: %s", err, first)
	}
	return nil
}

// Close removes the program.
func (b *Baseline) Close() error { return os.RemoveAll(b.folder) }

// peer is a running copy of the program; it answers orders as c/serve.c describes. Its buffers stay where they are
// from round to round.
type peer struct {
	command *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Reader
	words   bytes.Buffer // stderr
	output  int          // floats
}

// start runs the program.
func (b *Baseline) start(ctx context.Context) (*peer, error) {
	p := &peer{command: exec.CommandContext(ctx, b.program)}
	p.command.Env = append(os.Environ(), b.environment...)
	p.command.Stderr = &p.words
	var err error
	if p.orders, err = p.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	answers, err := p.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	p.answers = bufio.NewReaderSize(answers, 1<<16)
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	return p, nil
}

// close ends the process.
func (p *peer) close() error {
	p.orders.Close()
	return p.command.Wait()
}

// failed is what an order came to that got no answer.
func (p *peer) failed(err error) error {
	if waited := p.close(); waited != nil {
		err = errors.Join(err, waited)
	}
	return fmt.Errorf("bench: the baseline in C: %w: %s", err, strings.TrimSpace(p.words.String()))
}

// load hands over a problem. The order is what the program takes with it: see c/table.c and c/openblas.
func (p *peer) load(order string, q *problem) error {
	w := bufio.NewWriterSize(p.orders, 1<<16)
	fmt.Fprintf(w, "load %s\n", order)
	for _, in := range q.inputs {
		binary.Write(w, binary.NativeEndian, in)
	}
	for _, u := range q.uniforms {
		binary.Write(w, binary.NativeEndian, float32(u))
	}
	if err := w.Flush(); err != nil { // of any write before it, too
		return p.failed(err)
	}
	if _, err := p.answers.ReadString('\n'); err != nil {
		return p.failed(err)
	}
	p.output = q.module.Buffers[len(q.module.Buffers)-1].Len()
	return nil
}

// run computes n times and returns the time that took, by the clock of the C program.
func (p *peer) run(_ context.Context, n int) (time.Duration, error) {
	if _, err := fmt.Fprintf(p.orders, "run %d\n", n); err != nil {
		return 0, p.failed(err)
	}
	var ns int64
	if _, err := fmt.Fscanf(p.answers, "%d\n", &ns); err != nil {
		return 0, p.failed(err)
	}
	return time.Duration(ns), nil
}

// read returns what the last run computed.
func (p *peer) read() ([]float32, error) {
	if _, err := io.WriteString(p.orders, "read\n"); err != nil {
		return nil, p.failed(err)
	}
	out := make([]float32, p.output)
	if err := binary.Read(p.answers, binary.NativeEndian, out); err != nil {
		return nil, p.failed(err)
	}
	return out, nil
}
