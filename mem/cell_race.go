//go:build race

package mem

import "sync/atomic"

// A cell is a number that one goroutine writes and any may read, see cell.go.
type cell struct{ value int64 }

func (c *cell) get() int64  { return c.value }
func (c *cell) set(x int64) { atomic.StoreInt64(&c.value, x) }

func (c *cell) add(x int64) int64 { return atomic.AddInt64(&c.value, x) }

func (c *cell) read() int64 { return atomic.LoadInt64(&c.value) }
