package jit

// RunWithBudget is Run with calls of about so many nodes: with 1, they end at the end of every iteration.
func (w *Worker) RunWithBudget(lo, hi int, budget int64) error { return w.run(lo, hi, nil, budget) }
