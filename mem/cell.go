//go:build !race

package mem

import "sync/atomic"

// A cell is a number that one goroutine writes and any may read. On every machine that Go runs on, an aligned word is
// written at once, so the writer needs no atomic store, which costs as much as a whole allocation; readers load
// atomically and see some value that was written. The race detector cannot know that, see cell_race.go.
type cell struct{ value int64 }

// get is for the writer.
func (c *cell) get() int64 { return c.value }

func (c *cell) set(x int64) { c.value = x }

// add adds and returns the sum.
func (c *cell) add(x int64) int64 {
	c.value += x
	return c.value
}

// read is for others.
func (c *cell) read() int64 { return atomic.LoadInt64(&c.value) }

// A cell32 is a cell of 32 bits.
type cell32 struct{ value uint32 }

func (c *cell32) get() uint32  { return c.value }
func (c *cell32) set(x uint32) { c.value = x }
func (c *cell32) read() uint32 { return atomic.LoadUint32(&c.value) }
