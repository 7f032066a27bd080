package jit

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"unsafe"

	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// A micro-kernel multiplies a few rows of A by a panel of B, some vectors wide, onto a tile of C that it holds in
// registers:
//
//	for every row r of the tile, for every k in order: C(r, :) = fma(A(r, k), B(k, :), C(r, :))
//
// B has unit stride along its rows, which lie anywhere: in a matrix or packed. A has any strides, since its elements
// are broadcast one by one. So products need no packing of A, and sums may go on through memory, in parts of k,
// without that a bit changes. What is good for speed (packed panels, blocks for the caches) is left to the caller;
// that the tile is high and wide enough to keep the units busy is up to TileShape.

// TileShape is the size of the tile of a micro-kernel.
type TileShape struct {
	Rows, Vectors int
	Tail          bool // only the first lanes of the last vector exist, as TileCall.SetTail says
}

// maxTileRows is how many rows the addresses of A reach: rowsOfBase from each of three base registers.
const (
	rowsOfBase  = 9
	maxTileRows = 3 * rowsOfBase
)

// TileLanes is the number of floats of a vector.
func TileLanes(t Target) int { return targets[t].lanes }

// TileRows is the most rows that a tile of so many vectors may have. 0: there is none so wide.
func TileRows(t Target, vectors int) int {
	return min(maxTileRows, (popcount(targets[t].vectors)-vectors-1)/vectors)
}

// Tile is the code of a micro-kernel, as long as its Tiles are not closed.
type Tile struct{ code unsafe.Pointer }

// TileCall is what a micro-kernel works on: Count tiles, one below the other, of the same panel of B. Strides are in
// bytes. The matrices lie outside of the Go heap. A row of B is read in whole vectors: without AVX-512, up to 28 bytes
// behind the columns that exist. It holds scratch of the call, so that each goroutine needs one of its own.
type TileCall struct {
	A, B, C unsafe.Pointer
	ARow    int // from one row of A to the next
	AColumn int // from one k to the next
	BRow    int // from one k to the next
	CRow    int
	Rows    int  // of C in one tile: those of the shape
	K       int  // 0 or more
	Count   int  // tiles, 1 or more
	Fresh   bool // sums start at +0, not at what C holds

	step, left int // scratch: bytes of A in a tile, tiles to do
	atA, atC   uintptr
	fresh      int
	tail       [8]int32 // lanes of the last vector that exist, for AVX2
	tailMask   uint16   // and for AVX-512
}

// SetTail says how many lanes of the last vector exist, for shapes with Tail.
func (c *TileCall) SetTail(lanes int) {
	c.tailMask = uint16(1<<lanes - 1)
	for i := range c.tail {
		c.tail[i] = 0
		if i < lanes {
			c.tail[i] = -1
		}
	}
}

// Run does it. A fault becomes a Go panic if debug.SetPanicOnFault is on, see Guard. A call should take no longer than
// some twenty microseconds, since the collector waits for it.
func (c *TileCall) Run(t Tile) {
	c.step, c.left = c.Rows*c.ARow, c.Count
	c.atA, c.atC = uintptr(c.A), uintptr(c.C)
	if c.fresh = 0; c.Fresh {
		c.fresh = 1
	}
	amd64.Enter(t.code, unsafe.Pointer(c))
}

// Guard does work that runs generated code, and makes an error of a fault in it.
func Guard(work func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		if fault := recover(); fault != nil {
			err = faultError(fault)
		}
	}()
	return work()
}

// faultError is the error of a recovered panic that a fault made; any other panic goes on.
func faultError(fault any) error {
	switch fault := fault.(type) {
	case interface{ Addr() uintptr }:
		return fmt.Errorf("jit: %w, %#x", ErrAddress, fault.Addr())
	case runtime.Error: // near zero, which Go takes for a nil pointer
		if fault.Error() == "runtime error: invalid memory address or nil pointer dereference" {
			return fmt.Errorf("jit: %w", ErrAddress)
		}
	}
	panic(fault)
}

// The places of a call's fields.
const (
	callA     = int32(unsafe.Offsetof(TileCall{}.atA))
	callARow  = int32(unsafe.Offsetof(TileCall{}.ARow))
	callACol  = int32(unsafe.Offsetof(TileCall{}.AColumn))
	callAStep = int32(unsafe.Offsetof(TileCall{}.step))
	callB     = int32(unsafe.Offsetof(TileCall{}.B))
	callBRow  = int32(unsafe.Offsetof(TileCall{}.BRow))
	callC     = int32(unsafe.Offsetof(TileCall{}.atC))
	callCRow  = int32(unsafe.Offsetof(TileCall{}.CRow))
	callK     = int32(unsafe.Offsetof(TileCall{}.K))
	callLeft  = int32(unsafe.Offsetof(TileCall{}.left))
	callFresh = int32(unsafe.Offsetof(TileCall{}.fresh))
	callTail  = int32(unsafe.Offsetof(TileCall{}.tail))
	callMask  = int32(unsafe.Offsetof(TileCall{}.tailMask))
)
