package kernel

import "github.com/baremetaldevx86/microdr/mem"

// SetSmallBlocks makes the engine cut matrix products into blocks and pieces of next to nothing, so that small products
// have many of them.
func (e *Engine) SetSmallBlocks() {
	e.products = limits{k: 16, rows: 8, packedK: 16, packedRows: 8, least: 64, most: 1 << 12, callWork: 8, shortRows: 1}
}

// WorkerMemory returns the counters of what workers hold.
func (e *Engine) WorkerMemory() mem.Counters { return e.heap.heap.Counters() }

// HasEpilogue tells whether the stage behind a product runs with it.
func (k *Kernel) HasEpilogue(stage int) bool { return k.stages[stage].epilogue != nil }
