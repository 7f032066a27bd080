package jit

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"unsafe"

	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// Tiles are micro-kernels, and packers of their panels, for one target. They are compiled when they are first asked
// for, some microseconds and a kilobyte or two each, and stay. They serve any number of goroutines.
type Tiles struct {
	target Target
	pages  *Pages

	mu      sync.Mutex // guards what follows
	places  []placement
	tiles   map[TileShape]Tile
	rows    map[panelShape]Packer
	columns Packer
	closed  bool
}

// NewTiles returns an empty set, whose code will lie on the given pages.
func NewTiles(t Target, pages *Pages) *Tiles {
	return &Tiles{target: t, pages: pages, tiles: map[TileShape]Tile{}, rows: map[panelShape]Packer{}}
}

// Close frees the code. Nobody may be running it, and nothing more is compiled.
func (t *Tiles) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for _, p := range t.places {
		errs = append(errs, t.pages.free(p))
	}
	t.places, t.closed = nil, true
	return errors.Join(errs...)
}

// Compile sees to the code for some shapes, all that is missing at once. The error says that the system refuses
// executable memory.
func (t *Tiles) Compile(shapes ...TileShape) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return errors.New("jit: the micro-kernels are closed")
	}
	code := &amd64.Code{}
	var set []func(code unsafe.Pointer)
	begin := func(known func(code unsafe.Pointer)) {
		for len(code.Bytes)%codeAlignment != 0 {
			code.Bytes = append(code.Bytes, breakpoint)
		}
		at := len(code.Bytes)
		set = append(set, func(code unsafe.Pointer) { known(unsafe.Add(code, at)) })
	}
	for _, s := range shapes {
		t.compile(s, code, begin)
	}
	if t.columns.code == nil {
		begin(func(code unsafe.Pointer) { t.columns.code = code })
		transposeColumns(code)
	}
	if len(set) == 0 {
		return nil
	}
	place, err := t.pages.place(code.Bytes)
	if err != nil {
		maps.DeleteFunc(t.tiles, func(_ TileShape, tile Tile) bool { return tile.code == nil })
		maps.DeleteFunc(t.rows, func(_ panelShape, p Packer) bool { return p.code == nil })
		return fmt.Errorf("jit: %w", err)
	}
	t.places = append(t.places, place)
	for _, known := range set {
		known(place.code)
	}
	return nil
}

// breakpoint is int3, which fills gaps.
const breakpoint = 0xcc

// compile writes what is missing for a shape; begin is told of each piece of code. What is begun but has no place yet
// is in the maps as nil, so that nothing is written twice.
func (t *Tiles) compile(s TileShape, code *amd64.Code, begin func(known func(code unsafe.Pointer))) {
	if s.Rows < 1 || s.Vectors < 1 || s.Rows > TileRows(t.target, s.Vectors) {
		panic(fmt.Sprintf("jit: no tile of %d rows of %d vectors for %v", s.Rows, s.Vectors, t.target))
	}
	if _, ok := t.tiles[s]; !ok {
		t.tiles[s] = Tile{}
		begin(func(code unsafe.Pointer) { t.tiles[s] = Tile{code} })
		newTileEmitter(t.target, s, code).emit()
	}
	panel := panelShape{s.Vectors, s.Tail}
	if _, ok := t.rows[panel]; !ok {
		t.rows[panel] = Packer{}
		begin(func(code unsafe.Pointer) { t.rows[panel] = Packer{code} })
		newTileEmitter(t.target, TileShape{1, s.Vectors, s.Tail}, code).copyRows()
	}
}

// Tile returns the micro-kernel of a shape that was compiled.
func (t *Tiles) Tile(s TileShape) Tile {
	t.mu.Lock()
	defer t.mu.Unlock()
	tile := t.tiles[s]
	if tile.code == nil {
		panic(fmt.Sprintf("jit: no micro-kernel of %+v was compiled", s))
	}
	return tile
}

// Rows returns what copies rows of B to a panel for a shape that was compiled: in a call, From is a row and Step the
// bytes from one to the next, Count the number of rows. Lanes that do not exist become zero.
func (t *Tiles) Rows(s TileShape) Packer {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.rows[panelShape{s.Vectors, s.Tail}]
	if p.code == nil {
		panic(fmt.Sprintf("jit: no packer for panels of %+v was compiled", s))
	}
	return p
}

// Columns returns what transposes a B whose columns have unit stride, 8 columns of a panel at a time: From is element
// 0 of the first, Step the bytes from one to the next, and of each 8*Count elements are packed.
func (t *Tiles) Columns() Packer {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.columns
}
