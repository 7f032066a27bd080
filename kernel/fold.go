package kernel

import (
	"errors"
	"sync"
	"unsafe"

	"github.com/baremetaldevx86/microdr/eval"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit"
)

// folds are an engine's code for folding elements: one for each operation and type, made when it is first needed.
type folds struct {
	mu     sync.Mutex // guards what follows
	byKind map[foldKind]*jit.Fold
	closed bool
}

type foldKind struct {
	op ir.ReduceOp
	t  ir.Type
}

// foldOf returns the code that folds a reduction's elements, nil where the portable executor does.
func (e *Engine) foldOf(r *eval.Reduction) (*jit.Fold, error) {
	op, t, ok := r.Fold()
	if e.backend == Eval || !ok {
		return nil, nil
	}
	e.folds.mu.Lock()
	defer e.folds.mu.Unlock()
	if e.folds.closed {
		return nil, errClosed
	}
	kind := foldKind{op, t}
	if f, ok := e.folds.byKind[kind]; ok {
		return f, nil
	}
	f, err := jit.NewFold(op, t, e.backend.target(), e.pages)
	if err != nil {
		return nil, err
	}
	if e.folds.byKind == nil {
		e.folds.byKind = map[foldKind]*jit.Fold{}
	}
	e.folds.byKind[kind] = f
	return f, nil
}

// close frees the code; no kernel may be running.
func (f *folds) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for _, fold := range f.byKind {
		if fold != nil {
			errs = append(errs, fold.Close())
		}
	}
	f.byKind, f.closed = nil, true
	return errors.Join(errs...)
}

// folder is a jit.Folder as package eval wants it.
type folder struct{ *jit.Folder }

func (f folder) Rows(acc, src unsafe.Pointer, r eval.Rows) error {
	return f.Folder.Rows(acc, src, jit.Rows(r))
}
