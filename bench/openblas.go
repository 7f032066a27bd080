package bench

import (
	"bufio"
	"context"
	"embed"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed c/openblas/*.c
var openBLASSources embed.FS

// openBLASEnvironment fixes the kernels of OpenBLAS to those for AVX-512, which it does not always choose by itself,
// and the threads to one.
var openBLASEnvironment = []string{"OPENBLAS_CORETYPE=SKYLAKEX", "OPENBLAS_NUM_THREADS=1"}

// compileOpenBLAS compiles a program that multiplies matrices by OpenBLAS, from a file of c/openblas. The error says
// why there is none.
func compileOpenBLAS(ctx context.Context, file string) (*Baseline, error) {
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		return nil, fmt.Errorf("bench: no OpenBLAS: %w", err)
	}
	folder, err := os.MkdirTemp("", "microdr-bench-")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	b := &Baseline{folder, filepath.Join(folder, "openblas.exe")}
	if err = os.CopyFS(folder, openBLASSources); err == nil {
		var out []byte
		source := filepath.Join(folder, "c", "openblas", file)
		compile := exec.CommandContext(ctx, gcc, "-std=gnu11", "-O2", source, "-lopenblas", "-o", b.program)
		if out, err = compile.CombinedOutput(); err != nil {
			first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
			err = fmt.Errorf("gcc: %w: %s", err, first)
		}
	}
	if err != nil {
		b.Close()
		return nil, fmt.Errorf("bench: no OpenBLAS: %w", err)
	}
	return b, nil
}

// multiply hands over a product, see c/openblas/sgemm.c, and does it once.
func (p *peer) multiply(ctx context.Context, q *matrices) ([]float32, error) {
	w := bufio.NewWriterSize(p.orders, 1<<16)
	fmt.Fprintf(w, "load %d %d %d\n", q.m, q.n, q.k)
	binary.Write(w, binary.NativeEndian, q.a)
	binary.Write(w, binary.NativeEndian, q.b)
	if err := w.Flush(); err != nil { // of any write before it, too
		return nil, p.failed(err)
	}
	if _, err := p.answers.ReadString('\n'); err != nil {
		return nil, p.failed(err)
	}
	p.loaded = &problem{lanes: q.m * q.n}
	if _, err := p.run(ctx, 1); err != nil {
		return nil, err
	}
	return p.read()
}

// near tells whether two products are the same but for rounding: sums of k terms in another order.
func near(ours, theirs []float32, k int) error {
	if len(ours) != len(theirs) {
		return fmt.Errorf("bench: products of %d and %d elements", len(ours), len(theirs))
	}
	for i, x := range ours {
		if difference := math.Abs(float64(x - theirs[i])); !(difference <= float64(k)*0x1p-22) {
			return fmt.Errorf("bench: OpenBLAS computes something else: element %d is %g here, %g there", i, x, theirs[i])
		}
	}
	return nil
}
