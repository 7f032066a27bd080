package study

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// longestLine is the limit in bytes of a line of a text trace.
const longestLine = 1000

// textReader reads a trace of the malloc lab.
type textReader struct {
	builder
	names  map[int64]int32 // the blocks that live, by the numbers they have in the text
	line   int
	header []int64
}

func readText(r *bufio.Reader) (*Trace, error) {
	t := &textReader{names: map[int64]int32{}}
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, longestLine), longestLine)
	for s.Scan() {
		t.line++
		if err := t.parse(s.Bytes()); err != nil {
			return nil, fmt.Errorf("study: line %d%w", t.line, err)
		}
	}
	if err := s.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("study: line %d: expected at most %d bytes", t.line+1, longestLine)
	} else if err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	if n := len(t.trace.Ops); n > 0 && len(t.header) == 4 && t.header[2] != int64(n) {
		return nil, fmt.Errorf("study: expected %d operations, as line 3 says, found %d", t.header[2], n)
	}
	if len(t.trace.Ops) == 0 {
		return nil, errors.New("study: expected a recording, or lines `a ID SIZE`, `r ID SIZE` and `f ID`")
	}
	return &t.trace, nil
}

// A column is an error and where in its line it is.
type column struct {
	at  int
	err error
}

func (c column) Error() string { return fmt.Sprintf(", column %d: %v", c.at, c.err) }
func (c column) Unwrap() error { return c.err }

func (t *textReader) parse(line []byte) error {
	words, columns := split(line)
	switch {
	case len(words) == 0:
		return nil
	case len(words) == 1 && len(t.trace.Ops) == 0 && t.line <= 4:
		n, err := number(words[0], columns[0])
		t.header = append(t.header, n)
		return err
	}
	kind, known := map[string]OpKind{"a": OpAlloc, "r": OpRealloc, "f": OpFree}[string(words[0])]
	if !known {
		return column{columns[0], fmt.Errorf("expected a, r or f, found %.20q", words[0])}
	}
	want := 3
	if kind == OpFree {
		want = 2
	}
	if len(words) != want {
		return column{columns[len(columns)-1], fmt.Errorf("expected %d words in an operation %q, found %d", want, words[0], len(words))}
	}
	id, err := number(words[1], columns[1])
	if err != nil {
		return err
	}
	size := int64(0)
	if kind != OpFree {
		if size, err = number(words[2], columns[2]); err != nil {
			return err
		}
	}
	block, err := t.named(kind, id)
	if err != nil {
		return column{columns[1], err}
	}
	if err := t.operation(Op{Kind: kind, ID: block, Size: size}); err != nil {
		return column{columns[len(columns)-1], err}
	}
	return nil
}

// named returns the block that an operation is about, by its number in the text.
func (t *textReader) named(kind OpKind, name int64) (int32, error) {
	id, lives := t.names[name]
	switch {
	case kind == OpAlloc && lives:
		return 0, fmt.Errorf("block %d is allocated already", name)
	case kind != OpAlloc && !lives:
		return 0, fmt.Errorf("block %d is not allocated", name)
	case kind == OpAlloc:
		id = t.block()
		t.names[name] = id
	case kind == OpFree:
		delete(t.names, name)
	}
	return id, nil
}

// split returns the words of a line and the columns they begin at, from 1.
func split(line []byte) (words [][]byte, columns []int) {
	for at := 0; at < len(line); {
		if bytes.IndexByte([]byte(" \t\r"), line[at]) >= 0 {
			at++
			continue
		}
		end := at
		for end < len(line) && bytes.IndexByte([]byte(" \t\r"), line[end]) < 0 {
			end++
		}
		words, columns = append(words, line[at:end]), append(columns, at+1)
		at = end
	}
	return words, columns
}

func number(word []byte, at int) (int64, error) {
	n, err := strconv.ParseInt(string(word), 10, 64)
	if err != nil || n < 0 {
		return 0, column{at, fmt.Errorf("expected a whole number from 0 on, found %.20q", word)}
	}
	return n, nil
}
