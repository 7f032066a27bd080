package npy

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// seed adds the golden files.
func seed(f *testing.F, pattern string) {
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
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
}

// FuzzDecode: an error of ours, or an array that is whole and comes back the same when it is written and read.
func FuzzDecode(f *testing.F) {
	seed(f, "*.npy")
	f.Fuzz(func(t *testing.T, in []byte) {
		a, err := Decode(bytes.NewReader(in))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "npy: byte ") {
				t.Fatalf("error %v has no position", err)
			}
			return
		}
		var b bytes.Buffer
		if err := Encode(&b, a); err != nil {
			t.Fatal(err)
		}
		if again, err := Decode(&b); err != nil || !reflect.DeepEqual(again, a) {
			t.Fatalf("%v became %v, %v", a, again, err)
		}
	})
}

func FuzzDecodeZip(f *testing.F) {
	seed(f, "*.npz")
	f.Fuzz(func(t *testing.T, in []byte) {
		arrays, err := DecodeZip(bytes.NewReader(in), int64(len(in)))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "npy: ") {
				t.Fatalf("error %v is not of ours", err)
			}
			return
		}
		for name, a := range arrays {
			if err := a.Check(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	})
}
