package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	broken := errors.New("disk on fire")
	rows := []struct {
		name  string
		write func(io.Writer) error
		want  string // content afterwards; the file starts as "old"
	}{
		{"success", func(w io.Writer) error { _, err := io.WriteString(w, "new"); return err }, "new"},
		{"nothing written", func(w io.Writer) error { return nil }, ""},
		{"failure half way", func(w io.Writer) error { w.Write(make([]byte, 1<<20)); return broken }, "old"},
	}
	for _, r := range rows {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := Write(path, r.write); (err != nil) != (r.want == "old") || err != nil && err != broken {
			t.Errorf("%s: error %v", r.name, err)
		}
		entries, _ := os.ReadDir(filepath.Dir(path))
		if got, err := os.ReadFile(path); err != nil || string(got) != r.want || len(entries) != 1 {
			t.Errorf("%s: %.20q (%v) beside %d files, want %q alone", r.name, got, err, len(entries)-1, r.want)
		}
	}
}

// A full disk, as Linux plays it: every write to /dev/full fails, whether or not the callback looks.
func TestFullDisk(t *testing.T) {
	for _, n := range []int{1, 1 << 20} {
		f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip("no /dev/full here")
		}
		err = fill(f, func(w io.Writer) error { w.Write(make([]byte, n)); return nil })
		f.Close()
		if err == nil || !strings.HasPrefix(err.Error(), "expected to write the whole file: ") {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}
