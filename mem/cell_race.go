//go:build race

package mem

import "sync/atomic"

// A cell is a number that one goroutine writes and any may read, see cell.go.
type cell struct{ value int64 }

func (c *cell) get() int64  { return c.value }
func (c *cell) set(x int64) { atomic.StoreInt64(&c.value, x) }

func (c *cell) add(x int64) int64 { return atomic.AddInt64(&c.value, x) }

func (c *cell) read() int64 { return atomic.LoadInt64(&c.value) }

// A cell32 is a cell of 32 bits.
type cell32 struct{ value uint32 }

func (c *cell32) get() uint32  { return c.value }
func (c *cell32) set(x uint32) { atomic.StoreUint32(&c.value, x) }
func (c *cell32) read() uint32 { return atomic.LoadUint32(&c.value) }
