package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/baremetaldevx86/microdr/kernel"
)

// backendVariable is how a process is told what executes its programs.
const backendVariable = "MICRODR_BACKEND"

// fitExample times the fit of an example as a process of its own, beside the same on the portable executor.
func fitExample(name string) measureFunc {
	return func(ctx context.Context, s *suite, names []string) ([]Row, error) {
		if s.Program == "" {
			return nil, errors.New("bench: no program to time the fits of")
		}
		path := filepath.Join(s.Examples, name)
		if _, err := os.Stat(filepath.Join(path, "scene.yaml")); err != nil {
			return nil, &InputError{err}
		}
		ours, portable := &fitting{suite: s, path: path}, &fitting{suite: s, path: path, backend: kernel.Eval}
		t, err := inTurn(ctx, s.Rounds, []int{1, 1}, []Side{ours.run, portable.run})
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(ours.fitted, portable.fitted) {
			return nil, errors.New("bench: the backends disagree on the fitted scene")
		}
		r := Compare(names[0], "s", Lower, t[0], t[1])
		r.Note = "eval, whole process"
		return []Row{r}, nil
	}
}

// fitting is a fit by a process of its own.
type fitting struct {
	*suite
	path    string
	backend kernel.Backend
	fitted  []byte // the scene of the last one
}

func (f *fitting) run(ctx context.Context, n int) (time.Duration, error) {
	folder, err := os.MkdirTemp("", "microdr-bench-")
	if err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	defer os.RemoveAll(folder)
	begun := time.Now()
	for range n {
		c := exec.CommandContext(ctx, f.Program, "fit", f.path, "-o", filepath.Join(folder, "run"), "--quiet",
			"--workers", fmt.Sprint(f.Workers))
		c.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, backendVariable+"=") })
		if f.backend != kernel.Auto {
			c.Env = append(c.Env, backendVariable+"="+string(f.backend))
		}
		if out, err := c.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("bench: fit %s: %w: %s", f.path, err, bytes.TrimSpace(out))
		}
	}
	took := time.Since(begun)
	if f.fitted, err = os.ReadFile(filepath.Join(folder, "run", "scene.yaml")); err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	return took, nil
}
