package array

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestReadData(t *testing.T) {
	all := bytes.Repeat([]byte("0123456789abcdef!"), 3*trusted/17)
	for _, r := range []struct{ n, want int }{
		{0, 0}, {1, 1}, {trusted, trusted}, {trusted + 1, trusted + 1}, {len(all), len(all)}, {1 << 40, len(all)},
	} {
		got, err := ReadData(iotest.HalfReader(bytes.NewReader(all)), r.n)
		if err != nil || !bytes.Equal(got, all[:r.want]) {
			t.Errorf("ReadData of %d: %d bytes, %v, want %d", r.n, len(got), err, r.want)
		}
		if cap(got) > 2*len(got)+trusted+trusted/2 {
			t.Errorf("ReadData of %d: %d bytes of memory for %d", r.n, cap(got), len(got))
		}
	}
	broken := errors.New("disk on fire")
	if _, err := ReadData(io.MultiReader(bytes.NewReader(all), iotest.ErrReader(broken)), 1<<40); err != broken {
		t.Errorf("broken reader: %v", err)
	}
}
