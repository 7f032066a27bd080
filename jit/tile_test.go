package jit_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"unsafe"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit"
)

// shapesOf are all shapes of tiles that a target has.
func shapesOf(t jit.Target) (list []jit.TileShape) {
	for vectors := 1; jit.TileRows(t, vectors) > 0; vectors++ {
		for rows := 1; rows <= jit.TileRows(t, vectors); rows++ {
			list = append(list, jit.TileShape{Rows: rows, Vectors: vectors}, jit.TileShape{Rows: rows, Vectors: vectors, Tail: true})
		}
	}
	return list
}

// numbers returns floats of all magnitudes, some of them special.
func numbers(random *rand.Rand, n int) []float32 {
	special := []float32{0, float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
		0x1p-140, 0x1p100, 0x1p-100}
	list := make([]float32, n)
	for i := range list {
		list[i] = float32(random.NormFloat64())
		if random.IntN(300) == 0 {
			list[i] = special[random.IntN(len(special))]
		}
	}
	return list
}

// TestTiles runs micro-kernels of every shape and compares with chains of ir.FMA32; what surrounds the tile stays.
func TestTiles(t *testing.T) {
	for _, target := range targets(t) {
		shapes := shapesOf(target)
		tiles := compiled(t, target, shapes)
		for i, s := range shapes {
			for trial := range 6 {
				random := rand.New(rand.NewPCG(uint64(i), uint64(trial)))
				if difference := tryTile(target, tiles.Tile(s), s, random); difference != "" {
					t.Errorf("%v, %+v: %s", target, s, difference)
				}
			}
		}
		if err := tiles.Close(); err != nil {
			t.Error(err)
		}
	}
}

// compiled compiles shapes, in three parts that overlap.
func compiled(t *testing.T, target jit.Target, shapes []jit.TileShape) *jit.Tiles {
	t.Helper()
	tiles := jit.NewTiles(target, &jit.Pages{})
	third := len(shapes) / 3
	for _, part := range [][]jit.TileShape{shapes[:third], shapes[third/2 : 2*third], shapes} {
		if err := tiles.Compile(part...); err != nil {
			t.Fatal(err)
		}
	}
	return tiles
}

func tryTile(target jit.Target, tile jit.Tile, s jit.TileShape, random *rand.Rand) string {
	lanes := jit.TileLanes(target)
	columns, width := s.Vectors*lanes, s.Vectors*lanes
	count, k := 1+random.IntN(3), random.IntN(12)
	rows := count * s.Rows
	call := jit.TileCall{K: k, Count: count, Rows: s.Rows, Fresh: random.IntN(2) == 0}
	if s.Tail {
		last := 1 + random.IntN(lanes)
		columns += last - lanes
		call.SetTail(last)
	}
	aRow, aColumn := k+random.IntN(5), 1
	if random.IntN(2) == 0 {
		aRow, aColumn = 1+random.IntN(2), 2*rows+random.IntN(3)
	}
	bRow, cRow := width+random.IntN(20), columns+random.IntN(20)
	a, b := numbers(random, rows*aRow+k*aColumn+1), numbers(random, k*bRow+width)
	c := numbers(random, rows*cRow+1)
	if call.Fresh {
		c[0] = float32(math.NaN())
	}
	want := append([]float32(nil), c...)
	for i := range rows {
		for j := range columns {
			sum := want[i*cRow+j]
			if call.Fresh {
				sum = 0
			}
			for l := range k {
				sum = ir.FMA32(a[i*aRow+l*aColumn], b[l*bRow+j], sum)
			}
			want[i*cRow+j] = sum
		}
	}
	call.A, call.B, call.C = unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0]), unsafe.Pointer(&c[0])
	call.ARow, call.AColumn, call.BRow, call.CRow = 4*aRow, 4*aColumn, 4*bRow, 4*cRow
	call.Run(tile)
	runtime.KeepAlive(a)
	runtime.KeepAlive(b)
	for i := range want {
		if ir.Bits32(c[i]) != ir.Bits32(want[i]) {
			return fmt.Sprintf("k %d, count %d, strides %d %d: row %d column %d is %v, want %v", k, count, aRow, aColumn,
				i/cRow, i%cRow, c[i], want[i])
		}
	}
	return ""
}

// TestPackers packs panels of every width from rows, and eight columns at a time.
func TestPackers(t *testing.T) {
	for _, target := range targets(t) {
		shapes := shapesOf(target)
		packers := compiled(t, target, shapes)
		random := rand.New(rand.NewPCG(3, 4))
		for _, s := range shapes {
			if s.Rows == 1 {
				tryRows(t, target, packers.Rows(s), s, random)
			}
		}
		for count := 1; count < 5; count++ {
			tryColumns(t, packers.Columns(), count, random)
		}
		if err := packers.Close(); err != nil {
			t.Error(err)
		}
	}
}

func tryRows(t *testing.T, target jit.Target, p jit.Packer, s jit.TileShape, random *rand.Rand) {
	width := s.Vectors * jit.TileLanes(target)
	columns, rows, step := width, 1+random.IntN(5), width+random.IntN(9)
	call := jit.PackCall{Step: 4 * step, ToRow: 4 * width, Count: rows}
	if s.Tail {
		last := 1 + random.IntN(jit.TileLanes(target))
		columns += last - jit.TileLanes(target)
		call.SetTail(last)
	}
	from, to := numbers(random, rows*step), numbers(random, rows*width+1)
	want := append([]float32(nil), to...)
	for i := range rows * width {
		if want[i] = 0; i%width < columns {
			want[i] = from[i/width*step+i%width]
		}
	}
	call.From, call.To = unsafe.Pointer(&from[0]), unsafe.Pointer(&to[0])
	call.Run(p)
	runtime.KeepAlive(from)
	if i := firstDifference(to, want); i >= 0 {
		t.Errorf("%v, %+v: element %d of the panel is %v, want %v", target, s, i, to[i], want[i])
	}
}

func tryColumns(t *testing.T, p jit.Packer, count int, random *rand.Rand) {
	const columns = jit.PackedColumns
	rows, toRow := count*columns, columns+random.IntN(9)
	step := rows + random.IntN(9)
	from, to := numbers(random, columns*step), numbers(random, rows*toRow)
	want := append([]float32(nil), to...)
	for i := range rows * columns {
		want[i/columns*toRow+i%columns] = from[i%columns*step+i/columns]
	}
	call := jit.PackCall{From: unsafe.Pointer(&from[0]), To: unsafe.Pointer(&to[0]), Step: 4 * step, ToRow: 4 * toRow, Count: count}
	call.Run(p)
	runtime.KeepAlive(from)
	if i := firstDifference(to, want); i >= 0 {
		t.Errorf("%d rows: element %d of the panel is %v, want %v", rows, i, to[i], want[i])
	}
}

func firstDifference(got, want []float32) int {
	for i := range want {
		if ir.Bits32(got[i]) != ir.Bits32(want[i]) {
			return i
		}
	}
	return -1
}

// What closed micro-kernels had goes back, and they compile no more.
func TestTilesClosed(t *testing.T) {
	for _, target := range targets(t) {
		pages := &jit.Pages{}
		tiles := jit.NewTiles(target, pages)
		for rows := 1; rows < 4; rows++ {
			if err := tiles.Compile(jit.TileShape{Rows: rows, Vectors: 1}); err != nil {
				t.Fatal(err)
			}
		}
		if pages.Bytes() == 0 {
			t.Error("no code")
		}
		if err := tiles.Close(); err != nil || pages.Bytes() != 0 {
			t.Errorf("%v, %d bytes of code left", err, pages.Bytes())
		}
		if err := tiles.Compile(jit.TileShape{Rows: 1, Vectors: 1}); err == nil {
			t.Error("closed micro-kernels compile")
		}
	}
}
