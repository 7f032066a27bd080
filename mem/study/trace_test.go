package study

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/baremetaldevx86/microdr/mem"
)

func TestReadText(t *testing.T) {
	for name, row := range map[string]struct {
		text string
		want []Op
	}{
		"all kinds":    {"a 7 100\nr 7 200\nf 7\n", []Op{{Size: 100}, {Kind: OpRealloc, Size: 200}, {Kind: OpFree}}},
		"header":       {"20000\n1\n1\n1\na 0 5\n", []Op{{Size: 5}}},
		"number again": {"a 0 5\nf 0\na 0 6", []Op{{Size: 5}, {Kind: OpFree}, {ID: 1, Size: 6}}},
		"space, CRLF":  {"  a\t0   5 \r\n\r\n\nf 0\r\n", []Op{{Size: 5}, {Kind: OpFree}}},
	} {
		got, err := ReadTrace(strings.NewReader(row.text))
		if err != nil || !reflect.DeepEqual(got.Ops, row.want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, row.want)
		}
	}
}

func TestReadTextErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "expected a recording, or lines",
		"1\n2\n3\n4\n":           "expected a recording, or lines",
		"a 0 5\nx 1 2":           `line 2, column 1: expected a, r or f, found "x"`,
		"a 0":                    "line 1, column 3: expected 3 words",
		"a 0 5 7":                "line 1, column 7: expected 3 words",
		"a 0 5\nf 0 5":           "line 2, column 5: expected 2 words",
		"a 0 -5":                 `line 1, column 5: expected a whole number from 0 on, found "-5"`,
		"a x 5":                  "line 1, column 3: expected a whole number",
		"a 0 0":                  "line 1, column 5: a block of 0 bytes, expected 1 to",
		"a 0 99999999999999":     "expected 1 to 68719476736",
		"a 0 5\na 0 5":           "line 2, column 3: block 0 is allocated already",
		"f 3":                    "line 1, column 3: block 3 is not allocated",
		"a 0 5\nf 0\nf 0":        "line 3, column 3: block 0 is not allocated",
		"1\n2\n3\n4\n5\na 0 5":   "line 5, column 1: expected a, r or f",
		strings.Repeat("a", 2e3): "line 1: expected at most 1000 bytes",
	} {
		if _, err := ReadTrace(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want %q", text, err, want)
		}
	}
}

// record runs work with a recorder, and returns the recording.
func record(t testing.TB, work func(r mem.Recorder)) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trace")
	r, err := Record(path)
	if err != nil {
		t.Fatal(err)
	}
	work(r)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	return b
}

// TestRecordHeap records what a heap and an arena do, and reads it back.
func TestRecordHeap(t *testing.T) {
	b := record(t, func(r mem.Recorder) {
		h := mem.NewHeap(mem.Options{Name: "things", Recorder: r})
		c := h.NewCache()
		first, _ := c.Alloc(100)
		second, _ := c.AllocAligned(5000, 4096)
		c.Free(first)
		a := mem.NewArena(mem.Options{Name: "passing", Recorder: r})
		a.Alloc(10)
		m := a.Mark()
		a.Alloc(20)
		a.Alloc(30)
		a.Rewind(m)
		h.Free(second)
		a.Alloc(40)
		a.Release()
		h.Close()
	})
	got, err := ReadTrace(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	want := []Op{{ID: 0, Size: 100, Alignment: 4}, {ID: 1, Size: 5000, Alignment: 12}, {Kind: OpFree, ID: 0},
		{ID: 2, Size: 10, Alignment: 6}, {ID: 3, Size: 20, Alignment: 6}, {ID: 4, Size: 30, Alignment: 6}, {Kind: OpFree, ID: 4}, {Kind: OpFree, ID: 3},
		{Kind: OpFree, ID: 1}, {ID: 5, Size: 40, Alignment: 6}, {Kind: OpFree, ID: 5}, {Kind: OpFree, ID: 2}}
	if !reflect.DeepEqual(got.Ops, want) || !reflect.DeepEqual(got.Allocators, []string{"things", "passing"}) {
		t.Errorf("read %v of %v, want %v", got.Ops, got.Allocators, want)
	}
	if len(b) > 100 {
		t.Errorf("%d bytes for %d records", len(b), len(want))
	}
	if bytes, op := got.Peak(); bytes != 5100 || op != 1 {
		t.Errorf("peak of %d bytes after operation %d", bytes, op)
	}
}

// TestReadCutOff cuts a recording off at every byte: what comes before is read.
func TestReadCutOff(t *testing.T) {
	b := record(t, func(r mem.Recorder) {
		h := mem.NewHeap(mem.Options{Name: "a", Recorder: r})
		s, _ := h.Alloc(1000)
		h.Free(s)
		h.Close()
	})
	whole, err := ReadTrace(bytes.NewReader(b))
	if err != nil || whole.CutOff != 0 || len(whole.Ops) != 2 {
		t.Fatalf("%v, %+v", err, whole)
	}
	ops := 0
	for n := len(magic); n < len(b); n++ {
		got, err := ReadTrace(bytes.NewReader(b[:n]))
		if err != nil || got.CutOff < int64(len(magic)) || got.CutOff > int64(n) {
			t.Fatalf("%d of %d bytes: %v, %+v", n, len(b), err, got)
		}
		if len(got.Ops) < ops || !slices.Equal(got.Ops, whole.Ops[:len(got.Ops)]) {
			t.Errorf("%d of %d bytes: %+v", n, len(b), got)
		}
		ops = len(got.Ops)
	}
	if ops != len(whole.Ops) {
		t.Errorf("%d operations without the end, want %d", ops, len(whole.Ops))
	}
	if _, err := ReadTrace(bytes.NewReader(append(b, 0))); err == nil || !strings.Contains(err.Error(), "nothing behind the end") {
		t.Errorf("a byte more: %v", err)
	}
}

func TestReadRecordingErrors(t *testing.T) {
	for name, row := range map[string]struct{ records, want string }{
		"kind":            {"\x07", "byte 8: expected a record of kind 0 to 4, found 7"},
		"allocator":       {"\x01\x00\x05", "byte 8: expected the number of one of 0 allocators, found 0"},
		"size":            {"\x00\x00\x01\x04\x00", "byte 10: a block of 0 bytes"},
		"huge size":       {"\x00\x00\x01\x04\xff\xff\xff\xff\xff\x7f", "expected 1 to"},
		"free of nothing": {"\x00\x00\x02\x00", "byte 10: the block 0 before the latest is not allocated"},
		"double free":     {"\x00\x00\x01\x04\x05\x02\x00\x02\x00", "byte 15: the block 0 before"},
		"rewind too far":  {"\x00\x00\x01\x04\x05\x03\x00\x02", "byte 13: expected to keep at most 1 blocks of an arena, found 2"},
		"rewound heap":    {"\x00\x00\x01\x04\x05\x02\x00\x03\x00\x00", "byte 15: expected to keep at most 0"},
		"long name":       {"\x00\xff\x7f", "a name of at most 1000 bytes, found 16383"},
		"count":           {"\x00\x00\x04\x05", "expected the end after 5 records, found it after 1"},
		"varint":          {"\xf8\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "varint of at most 64 bits"},
	} {
		if _, err := ReadTrace(strings.NewReader(magic + row.records)); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: error %v, want %q", name, err, row.want)
		}
	}
	many := strings.Repeat("\x00\x00", MaxAllocators+1)
	if _, err := ReadTrace(strings.NewReader(magic + many)); err == nil || !strings.Contains(err.Error(), "at most 1048576 allocators") {
		t.Errorf("many allocators: %v", err)
	}
	if _, err := ReadTrace(strings.NewReader("MDRMEM\x02\n")); err == nil || !strings.Contains(err.Error(), "version 1") {
		t.Errorf("another version: %v", err)
	}
}

// TestRecordKilled looks at what a process leaves that never closes its recording.
func TestRecordKilled(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r, err := Record(filepath.Join(folder, "trace"))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		h := mem.NewHeap(mem.Options{Recorder: r, Decay: -1})
		defer h.Close()
		for range 10 {
			if _, err := h.Alloc(100); err != nil {
				t.Fatal(err)
			}
			time.Sleep(writeEvery)
		}
		left, _ := filepath.Glob(filepath.Join(folder, ".*.unfinished"))
		if len(left) != 1 {
			t.Fatalf("left: %v", left)
		}
		b, err := os.ReadFile(left[0])
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ReadTrace(bytes.NewReader(b)); err != nil || got.CutOff != int64(len(b)) || len(got.Ops) != 10 {
			t.Errorf("%v, %+v", err, got)
		}
	})
}

// TestReadFails reads from a disk that fails in the midst of a record: that is not the recording's fault.
func TestReadFails(t *testing.T) {
	why := errors.New("disk on fire")
	for _, records := range []string{"", "\x00", "\x00\x05ab", "\x00\x00\x01\x04"} {
		r := io.MultiReader(strings.NewReader(magic+records), iotest.ErrReader(why))
		if _, err := ReadTrace(r); !errors.Is(err, why) {
			t.Errorf("%q: error %v", records, err)
		}
	}
}

func TestRecordErrors(t *testing.T) {
	if _, err := Record(filepath.Join(t.TempDir(), "no", "such")); err == nil {
		t.Error("recording into a folder that is not there")
	}
	if _, err := Record(t.TempDir()); err == nil || !strings.Contains(err.Error(), "expected a regular file") {
		t.Errorf("recording in place of a folder: %v", err)
	}
	path := filepath.Join(t.TempDir(), "trace")
	r, err := Record(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o777); err != nil { // meanwhile
		t.Fatal(err)
	}
	if err := r.Close(); err == nil {
		t.Error("a recording took the place of a folder")
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// TestRecordHammer records many goroutines at once; what is read must make sense.
func TestRecordHammer(t *testing.T) {
	const workers, each = 4, 500
	b := record(t, func(r mem.Recorder) {
		h := mem.NewHeap(mem.Options{Recorder: r})
		defer h.Close()
		handed := make(chan mem.Span, 10)
		var group sync.WaitGroup
		for range workers {
			group.Go(func() {
				c := h.NewCache()
				defer c.Close()
				for i := range each {
					s, err := c.Alloc(1 + i*i%5000)
					if err != nil {
						t.Error(err)
						return
					}
					select {
					case handed <- s:
					default:
						c.Free(s)
					}
					select {
					case s := <-handed:
						c.Free(s)
					default:
					}
				}
			})
		}
		group.Wait()
	})
	trace, err := ReadTrace(bytes.NewReader(b))
	if err != nil || trace.Blocks != workers*each {
		t.Fatalf("%v: %d blocks, want %d", err, trace.Blocks, workers*each)
	}
}

// FuzzReadTrace reads anything. What is read must be possible to play.
func FuzzReadTrace(f *testing.F) {
	f.Add([]byte("a 0 512\nr 0 640\nf 0\n"))
	f.Add([]byte("9\n9\n9\n9\na 1 5\na 2 6\nf 1"))
	f.Add(record(f, func(r mem.Recorder) {
		a := mem.NewArena(mem.Options{Name: "a", Recorder: r})
		a.Alloc(100)
		a.Reset()
	}))
	f.Fuzz(func(t *testing.T, b []byte) {
		trace, err := ReadTrace(bytes.NewReader(b))
		if err != nil {
			return
		}
		sizes := map[int32]int64{}
		for i, op := range trace.Ops {
			_, lives := sizes[op.ID]
			if lives == (op.Kind == OpAlloc) || op.Kind != OpFree && (op.Size <= 0 || op.Size > MaxBlock) || int(op.ID) >= trace.Blocks {
				t.Fatalf("operation %d: %+v", i, op)
			}
			if sizes[op.ID] = op.Size; op.Kind == OpFree {
				delete(sizes, op.ID)
			}
		}
	})
}

// FuzzRecording plays the input to a heap and an arena, and reads what was recorded.
func FuzzRecording(f *testing.F) {
	f.Add([]byte{1, 2, 3, 200, 100, 5, 6, 7, 0, 255})
	f.Fuzz(func(t *testing.T, steps []byte) {
		var want []Op
		b := record(t, func(r mem.Recorder) {
			h := mem.NewHeap(mem.Options{Recorder: r})
			defer h.Close()
			a := mem.NewArena(mem.Options{Recorder: r})
			defer a.Release()
			want = play(t, h, a, steps[:min(len(steps), 300)])
		})
		got, err := ReadTrace(bytes.NewReader(b))
		if err != nil || !reflect.DeepEqual(got.Ops, want) {
			t.Fatalf("%v: read %v, want %v", err, got.Ops, want)
		}
	})
}

func play(t *testing.T, h *mem.Heap, a *mem.Arena, steps []byte) (ops []Op) {
	type block struct {
		span mem.Span
		id   int32
	}
	var heap []block
	var arena []int32
	id := int32(0)
	for _, s := range steps {
		switch size := 1 + int(s)*3; {
		case s%4 == 0 && len(heap) > 0:
			i := int(s/4) % len(heap)
			h.Free(heap[i].span)
			ops = append(ops, Op{Kind: OpFree, ID: heap[i].id})
			heap = append(heap[:i], heap[i+1:]...)
		case s%4 == 1:
			span, err := h.Alloc(size)
			if err != nil {
				t.Fatal(err)
			}
			heap = append(heap, block{span, id})
			ops = append(ops, Op{Alignment: 4, ID: id, Size: int64(size)})
			id++
		case s == 255:
			a.Reset()
			for i := len(arena) - 1; i >= 0; i-- {
				ops = append(ops, Op{Kind: OpFree, ID: arena[i]})
			}
			arena = nil
		default:
			if _, err := a.Alloc(size); err != nil {
				t.Fatal(err)
			}
			arena = append(arena, id)
			ops = append(ops, Op{Alignment: 6, ID: id, Size: int64(size)})
			id++
		}
	}
	for i := len(arena) - 1; i >= 0; i-- { // released at the end
		ops = append(ops, Op{Kind: OpFree, ID: arena[i]})
	}
	return ops
}

// randomTrace is some work, growing and shrinking.
func randomTrace(n int) *Trace {
	random := rand.New(rand.NewPCG(4, 5))
	t := &Trace{}
	var live []int32
	for i := range n {
		if len(live) > 0 && random.IntN(100) < 30+40*(i/(n/4+1)%2) {
			j := random.IntN(len(live))
			id := live[j]
			if random.IntN(10) == 0 {
				t.Ops = append(t.Ops, Op{Kind: OpRealloc, ID: id, Size: int64(1 + random.IntN(3000))})
				continue
			}
			live[j] = live[len(live)-1]
			live = live[:len(live)-1]
			t.Ops = append(t.Ops, Op{Kind: OpFree, ID: id})
			continue
		}
		live = append(live, int32(t.Blocks))
		t.Ops = append(t.Ops, Op{ID: int32(t.Blocks), Size: int64(1 + random.ExpFloat64()*500)})
		t.Blocks++
	}
	return t
}
