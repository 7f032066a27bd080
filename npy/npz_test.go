package npy

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/array"
)

func TestLoadZipNumPy(t *testing.T) {
	for _, file := range []string{"stored", "deflated"} {
		arrays, err := LoadZip(filepath.Join("testdata", file+".npz"))
		if err != nil || len(arrays) != 2 {
			t.Errorf("%s: %v, %v", file, arrays, err)
			continue
		}
		weight, _ := array.To[float32](arrays["weight"])
		if !slices.Equal(weight, []float32{0, 1, 2, 3, 4, 5}) || !slices.Equal(arrays["weight"].Shape, []int{2, 3}) {
			t.Errorf("%s: weight is %v", file, arrays["weight"])
		}
		bias, _ := array.To[int16](arrays["bias"])
		for i, v := range bias {
			if int(v) != i%3 {
				t.Errorf("%s: bias %d is %d", file, i, v)
			}
		}
	}
}

func TestSaveZip(t *testing.T) {
	a, _ := array.Of(make([]float32, 1000))
	b, _ := array.Of([]int8{1, 2}, 2, 1)
	want := map[string]*array.Array{"b": b, "layer/a": a}
	sizes := map[bool]int{}
	for _, deflate := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "a.npz")
		if err := SaveZip(path, want, deflate); err != nil {
			t.Fatal(err)
		}
		if got, err := LoadZip(path); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("deflate %v: %v, %v", deflate, got, err)
		}
		first, _ := os.ReadFile(path)
		var second bytes.Buffer
		if err := EncodeZip(&second, want, deflate); err != nil || !bytes.Equal(first, second.Bytes()) {
			t.Errorf("deflate %v: not the same bytes twice (%v)", deflate, err)
		}
		sizes[deflate] = len(first)
	}
	if sizes[true] > sizes[false]/2 {
		t.Errorf("%d bytes deflated, %d stored", sizes[true], sizes[false])
	}
	want["bad"] = &array.Array{Type: "f4"}
	if err := EncodeZip(&bytes.Buffer{}, want, false); err == nil ||
		!strings.HasPrefix(err.Error(), "npy: bad: array: 0 bytes") {
		t.Errorf("a broken array: %v", err)
	}
}

// pack returns a zip file of entries: names and contents in turn.
func pack(t testing.TB, entries ...string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(entries); i += 2 {
		entry, err := w.CreateHeader(&zip.FileHeader{Name: entries[i], Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		entry.Write([]byte(entries[i+1]))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDecodeZipErrors(t *testing.T) {
	good := file("{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }\n", "abcd")
	flipped := bytes.Replace(pack(t, "a.npy", good), []byte("abcd"), []byte("abce"), 1)
	for _, r := range []struct {
		name string
		in   []byte
		want string
	}{
		{"not a zip", []byte("hello"), "npy: expected a zip file: "},
		{"a text", pack(t, "a.txt", "hello"), `npy: entry "a.txt", expected names that end with .npy, each once`},
		{"twice", pack(t, "a.npy", good, "a.npy", good), `npy: entry "a.npy", expected names that end with .npy, each once`},
		{"short", pack(t, "a.npy", good[:len(good)-1]),
			"npy: a.npy: byte 71: the file ends after 3 bytes of data, expected 4"},
		{"long", pack(t, "a.npy", good+"!"), "npy: a.npy: byte 72: expected the end of the file behind i2 of shape [2]"},
		{"wrong checksum", flipped, "npy: a.npy: byte 72: "},
	} {
		if _, err := DecodeZip(bytes.NewReader(r.in), int64(len(r.in))); err == nil ||
			!strings.HasPrefix(err.Error(), r.want) {
			t.Errorf("%s: %v, want %s", r.name, err, r.want)
		}
	}
}

// TestRoom: what one array takes is missing for the next.
func TestRoom(t *testing.T) {
	good := file("{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }\n", "abcd")
	in := pack(t, "a.npy", good)
	archive, err := zip.NewReader(bytes.NewReader(in), int64(len(in)))
	if err != nil {
		t.Fatal(err)
	}
	room := int64(len(good) + 10)
	if _, err := decodeEntry(archive.File[0], &room); err != nil || room != 10 {
		t.Errorf("%v, %d bytes left, want 10", err, room)
	}
	if _, err := decodeEntry(archive.File[0], &room); err == nil || !strings.HasPrefix(err.Error(), "more than ") {
		t.Errorf("no room left: %v", err)
	}
}
