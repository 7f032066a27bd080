package safetensors

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// FuzzDecode: an error of ours, or tensors that cover the file, are whole, and come back when written and read.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.safetensors")
	if err != nil || len(files) == 0 {
		f.Fatalf("no golden files: %v", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		file, err := Decode(bytes.NewReader(in), int64(len(in)))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "safetensors: ") {
				t.Fatalf("error %v is not of ours", err)
			}
			return
		}
		tensors := all(t, file)
		for name, a := range tensors {
			if err := a.Check(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		var b bytes.Buffer
		if err := Encode(&b, tensors, file.Metadata()); err != nil {
			t.Fatal(err)
		}
		again, err := Decode(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil || !reflect.DeepEqual(all(t, again), tensors) || !maps.Equal(again.Metadata(), file.Metadata()) {
			t.Fatalf("%q became %q, %v", in, b.Bytes(), err)
		}
	})
}
