package study

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/baremetaldevx86/microdr/mem"
)

// The format of recordings, all of it. A file begins with the eight bytes of magic, of which the seventh is the version.
// Then come records. The low three bits of a record's first byte say which; the high five are the microseconds since the
// record before, if they are less than 31. If they are 31, an unsigned varint (as in protocol buffers: seven bits a byte,
// the lowest first, the top bit on all bytes but the last) follows with the microseconds. Then come, all of them unsigned
// varints but for the bytes of a name:
//
//	0 open    length of the name, its bytes    an allocator begins; they are numbered from 0 in this order
//	1 alloc   allocator<<5 | log2(alignment), size in bytes
//	2 free    how many blocks were allocated since this one; 0 is the latest
//	3 rewind  allocator, blocks                of its live blocks all are freed but the oldest so many
//	4 end     records before this one
//
// Blocks are numbered by the order of their alloc records. A recording without an end was cut off: its process was killed,
// say. What stands before the record that is cut is good.
const magic = "MDRMEM\x01\n"

const (
	recordOpen = iota
	recordAlloc
	recordFree
	recordRewind
	recordEnd
)

const longTime = 31

// A Recording writes what allocators do to a file, in some four to eight bytes a block and as many when it is freed. It is a
// [mem.Recorder]. The file appears, whole, at Close; until then its beginning stands beside it under another name.
type Recording struct {
	path string

	mu      sync.Mutex // guards everything below
	file    *os.File
	w       *bufio.Writer
	err     error // the first one
	last    time.Time
	written time.Time // when the file last had all records
	records uint64
	opened  uint32
	blocks  uint64           // allocated so far
	numbers map[where]uint64 // of the blocks that may live
	scratch [64]byte
}

// where is the place of a live block.
type where struct {
	allocator uint32
	address   uintptr
}

// Record starts a recording. An error is the system's, or says that path names something that is there and is no regular
// file.
func Record(path string) (*Recording, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("study: record: %s: expected a regular file or a new name", path)
	}
	name := fmt.Sprintf(".%s.%d.unfinished", filepath.Base(path), os.Getpid())
	file, err := os.OpenFile(filepath.Join(filepath.Dir(path), name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, fmt.Errorf("study: record: %w", err)
	}
	r := &Recording{path: path, file: file, w: bufio.NewWriterSize(file, 1<<16), last: time.Now(), numbers: map[where]uint64{}}
	_, r.err = r.w.WriteString(magic)
	return r, nil
}

// put writes a record. The caller holds the lock.
func (r *Recording) put(kind byte, fields ...uint64) {
	now := time.Now()
	passed := uint64(max(0, now.Sub(r.last).Microseconds()))
	r.last = r.last.Add(time.Duration(passed) * time.Microsecond)
	b := append(r.scratch[:0], kind|byte(min(passed, longTime))<<3)
	if passed >= longTime {
		b = binary.AppendUvarint(b, passed)
	}
	for _, f := range fields {
		b = binary.AppendUvarint(b, f)
	}
	r.write(b)
	r.records++
	if r.err == nil && now.Sub(r.written) >= writeEvery {
		r.err, r.written = r.w.Flush(), now
	}
}

// writeEvery bounds what a process that is killed takes with it: the records of so long.
const writeEvery = time.Second

func (r *Recording) write(b []byte) {
	if r.err == nil {
		_, r.err = r.w.Write(b)
	}
}

// Open implements [mem.Recorder].
func (r *Recording) Open(name string) uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	name = name[:min(len(name), longestName)]
	r.put(recordOpen, uint64(len(name)))
	r.write([]byte(name))
	r.opened++
	return r.opened - 1
}

// longestName is the limit in bytes of an allocator's name.
const longestName = 1000

// Alloc implements [mem.Recorder].
func (r *Recording) Alloc(allocator uint32, block mem.Span, alignment int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.numbers[where{allocator, uintptr(block.Base())}] = r.blocks
	r.blocks++
	r.put(recordAlloc, uint64(allocator)<<5|uint64(bits.Len(uint(alignment))-1), uint64(block.Size()))
}

// Free implements [mem.Recorder].
func (r *Recording) Free(allocator uint32, block mem.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := where{allocator, uintptr(block.Base())}
	number, ok := r.numbers[at]
	if !ok {
		return // a wrong free, which the allocator is about to complain of
	}
	delete(r.numbers, at)
	r.put(recordFree, r.blocks-1-number)
}

// Rewind implements [mem.Recorder].
func (r *Recording) Rewind(allocator uint32, blocks int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.put(recordRewind, uint64(allocator), uint64(blocks))
}

// Close writes what is left and gives the file its name. It returns the first error of writing; there is no file then. What
// allocators do afterwards is not recorded.
func (r *Recording) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.put(recordEnd, r.records)
	if r.err == nil {
		r.err = r.w.Flush()
	}
	r.err = errors.Join(r.err, r.file.Close())
	if r.err == nil {
		r.err = os.Rename(r.file.Name(), r.path)
	}
	if r.err != nil {
		os.Remove(r.file.Name())
		return fmt.Errorf("study: record: %w", r.err)
	}
	r.err = os.ErrClosed
	return nil
}

// recordingReader reads one.
type recordingReader struct {
	builder
	r       *bufio.Reader
	at      int64 // bytes read
	begun   int64 // where the record begins that is being read
	records uint64
	micros  uint64
	owners  []uint32 // allocators by block
	stacks  []stackOf
	failed  error // of the system, at reading
}

// stackOf is the live blocks of an allocator, the oldest first. It is kept only while no block was freed alone: heaps are
// not rewound.
type stackOf struct {
	blocks []int32
	heap   bool
}

func readRecording(b *bufio.Reader) (*Trace, error) {
	r := &recordingReader{r: b}
	var head [len(magic)]byte
	if _, err := io.ReadFull(b, head[:]); err != nil || string(head[:]) != magic {
		return nil, fmt.Errorf("study: byte 0: expected a recording of version %d, found % x", magic[6], head)
	}
	r.at = int64(len(magic))
	for {
		r.begun = r.at
		ended, err := r.record()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			r.trace.CutOff = r.begun
			break
		}
		if err != nil {
			return nil, fmt.Errorf("study: byte %d: %w", r.begun, err)
		}
		if ended {
			break
		}
		r.records++
	}
	r.trace.Seconds = float64(r.micros) * 1e-6
	if _, err := b.ReadByte(); r.trace.CutOff == 0 && err != io.EOF {
		return nil, fmt.Errorf("study: byte %d: expected nothing behind the end", r.at)
	}
	return &r.trace, nil
}

func (r *recordingReader) varint() (uint64, error) {
	x, err := binary.ReadUvarint(counting{r})
	switch {
	case r.failed != nil:
		return 0, r.failed
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return 0, errors.New("expected a varint of at most 64 bits")
	}
	return x, err
}

// counting counts the bytes that are read.
type counting struct{ *recordingReader }

func (c counting) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	switch {
	case err == nil:
		c.at++
	case err != io.EOF:
		c.failed = err
	}
	return b, err
}

// record reads one record and tells whether it is the end.
func (r *recordingReader) record() (ended bool, err error) {
	first, err := counting{r}.ReadByte()
	if err != nil {
		return false, err
	}
	passed := uint64(first >> 3)
	if passed == longTime {
		if passed, err = r.varint(); err != nil {
			return false, err
		}
	}
	r.micros += passed
	switch first & 7 {
	case recordOpen:
		return false, r.open()
	case recordAlloc:
		return false, r.alloc()
	case recordFree:
		return false, r.free()
	case recordRewind:
		return false, r.rewind()
	case recordEnd:
		n, err := r.varint()
		if err == nil && n != r.records {
			err = fmt.Errorf("expected the end after %d records, found it after %d", n, r.records)
		}
		return true, err
	}
	return false, fmt.Errorf("expected a record of kind 0 to %d, found %d", recordEnd, first&7)
}

func (r *recordingReader) open() error {
	n, err := r.varint()
	if err != nil {
		return err
	}
	if len(r.stacks) == MaxAllocators {
		return fmt.Errorf("expected at most %d allocators", MaxAllocators)
	}
	if n > longestName {
		return fmt.Errorf("expected a name of at most %d bytes, found %d", longestName, n)
	}
	name := make([]byte, n)
	if _, err := io.ReadFull(r.r, name); err != nil {
		return err
	}
	r.at += int64(n)
	r.trace.Allocators = append(r.trace.Allocators, string(name))
	r.stacks = append(r.stacks, stackOf{})
	return nil
}

// allocator returns the one of a number.
func (r *recordingReader) allocator(n uint64) (*stackOf, error) {
	if n >= uint64(len(r.stacks)) {
		return nil, fmt.Errorf("expected the number of one of %d allocators, found %d", len(r.stacks), n)
	}
	return &r.stacks[n], nil
}

func (r *recordingReader) alloc() error {
	who, err := r.varint()
	if err != nil {
		return err
	}
	size, err := r.varint()
	if err != nil {
		return err
	}
	a, err := r.allocator(who >> 5)
	if err != nil {
		return err
	}
	id := r.block()
	if !a.heap {
		a.blocks = append(a.blocks, id)
	}
	r.owners = append(r.owners, uint32(who>>5))
	return r.operation(Op{Kind: OpAlloc, Alignment: uint8(who & 31), ID: id, Size: int64(min(size, MaxBlock+1))})
}

func (r *recordingReader) free() error {
	back, err := r.varint()
	if err != nil {
		return err
	}
	if back >= uint64(r.trace.Blocks) || !r.live[uint64(r.trace.Blocks)-1-back] {
		return fmt.Errorf("the block %d before the latest is not allocated", back)
	}
	id := int32(uint64(r.trace.Blocks) - 1 - back)
	a := &r.stacks[r.owners[id]]
	a.heap, a.blocks = true, nil
	return r.operation(Op{Kind: OpFree, ID: id})
}

func (r *recordingReader) rewind() error {
	who, err := r.varint()
	if err != nil {
		return err
	}
	kept, err := r.varint()
	if err != nil {
		return err
	}
	a, err := r.allocator(who)
	if err != nil {
		return err
	}
	if a.heap || kept > uint64(len(a.blocks)) {
		return fmt.Errorf("expected to keep at most %d blocks of an arena, found %d", len(a.blocks), kept)
	}
	for len(a.blocks) > int(kept) {
		last := len(a.blocks) - 1
		if err := r.operation(Op{Kind: OpFree, ID: a.blocks[last]}); err != nil {
			return err
		}
		a.blocks = a.blocks[:last]
	}
	return nil
}
