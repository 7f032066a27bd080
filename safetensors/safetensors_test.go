package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/array"
)

// all reads every tensor of a file.
func all(t *testing.T, f *File) map[string]*array.Array {
	t.Helper()
	tensors := map[string]*array.Array{}
	for _, name := range f.Names() {
		a, err := f.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		tensors[name] = a
	}
	return tensors
}

func openGolden(t *testing.T, name string) *File {
	t.Helper()
	f, err := Open(filepath.Join("testdata", name+".safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestEveryType reads what the reference implementation wrote: 0, 1, 2 of each type, named as array names it.
func TestEveryType(t *testing.T) {
	tensors := all(t, openGolden(t, "types"))
	if len(tensors) != len(types) {
		t.Errorf("%d tensors, want %d", len(tensors), len(types))
	}
	for name, a := range tensors {
		got, err := array.To[float64](a)
		want := []float64{0, 1, 2}
		if name == "b1" {
			want[2] = 1
		}
		if err != nil || string(a.Type) != name || !slices.Equal(got, want) || !slices.Equal(a.Shape, []int{3}) {
			t.Errorf("%s: %s %v of shape %v, %v", name, a.Type, got, a.Shape, err)
		}
	}
}

func TestNames(t *testing.T) {
	f := openGolden(t, "names")
	odd := "odd \"name\"\\\u2028\x01é\n"
	if got, want := f.Names(), []string{"empty", "scalar", "z", odd}; !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
	if got, want := f.Metadata(), map[string]string{"format": "p\tt"}; !maps.Equal(got, want) {
		t.Errorf("metadata %v, want %v", got, want)
	}
	info, ok := f.Info("z")
	if want := (Info{array.Float32, []int{2, 2}, info.Offset, 16}); !ok || !reflect.DeepEqual(info, want) {
		t.Errorf("Info: %v, want %v", info, want)
	}
	scalar, err := f.Read("scalar")
	if err != nil || len(scalar.Shape) != 0 || !bytes.Equal(scalar.Data, []byte{0, 0, 0x20, 0x40}) {
		t.Errorf("scalar: %v, %v", scalar, err)
	}
	_, err = f.Read("absent")
	if want := `tensor "absent", expected one of the 4 that the file has`; err == nil ||
		filepath.ToSlash(err.Error()) != "safetensors: testdata/names.safetensors: "+want {
		t.Errorf("absent: %v", err)
	}
	if err := f.ReadInto(make([]byte, 15), "z"); err == nil ||
		!strings.HasSuffix(err.Error(), `15 bytes for tensor "z", expected 16`) {
		t.Errorf("ReadInto a buffer too small: %v", err)
	}
	if err := f.ReadInto(nil, "absent"); err == nil {
		t.Error("ReadInto of an absent tensor: no error")
	}
}

// TestEncodeAsReference: what we write has the bytes of the reference implementation.
func TestEncodeAsReference(t *testing.T) {
	for _, name := range []string{"types", "names", "nothing"} {
		f := openGolden(t, name)
		want, err := os.ReadFile(filepath.Join("testdata", name+".safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := Encode(&got, all(t, f), f.Metadata()); err != nil || !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s (%v):\n%q\nwant\n%q", name, err, got.Bytes(), want)
		}
	}
}

func TestSave(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.safetensors")
	weight, _ := array.Of([]float32{1, 2, 3, 4}, 2, 2)
	label, _ := array.Of([]uint8{7})
	tensors := map[string]*array.Array{"label": label, "weight": weight}
	metadata := map[string]string{"step": "3", "epoch": "1", "note": "<&>"}
	if err := Save(path, tensors, metadata); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := all(t, f); !reflect.DeepEqual(got, tensors) || !maps.Equal(f.Metadata(), metadata) {
		t.Errorf("%v and %v, want %v and %v", got, f.Metadata(), tensors, metadata)
	}
	first, _ := os.ReadFile(path)
	if !bytes.Contains(first, []byte(`{"__metadata__":{"epoch":"1","note":"<&>","step":"3"},"weight":`)) {
		t.Errorf("not sorted: %q", first)
	}
	for _, r := range []struct {
		tensors  map[string]*array.Array
		metadata map[string]string
		want     string
	}{
		{map[string]*array.Array{metadataKey: label}, nil,
			`a tensor named "__metadata__", expected valid UTF-8 and not __metadata__`},
		{map[string]*array.Array{"\xff": label}, nil, `a tensor named "\xff", expected`},
		{map[string]*array.Array{"a": {Type: "f4"}}, nil, `tensor "a": array: 0 bytes of data, expected 4`},
		{map[string]*array.Array{"a": nil}, nil, `tensor "a": array: no array`},
		{nil, map[string]string{"a": "\xff"}, `metadata "a": "\xff", expected valid UTF-8`},
	} {
		err := Save(path, r.tensors, r.metadata)
		if err == nil || !strings.HasPrefix(err.Error(), "safetensors: "+path+": "+r.want) {
			t.Errorf("error %v, want %s", err, r.want)
		}
	}
	if now, _ := os.ReadFile(path); !bytes.Equal(now, first) {
		t.Error("a failure changed the file")
	}
	for _, r := range []struct {
		length int
		ok     bool
	}{{MaxHeader, true}, {MaxHeader + 1, false}} {
		if err := checkLength(make([]byte, r.length)); (err == nil) != r.ok {
			t.Errorf("a header of %d bytes: %v", r.length, err)
		}
	}
}

// file returns a file with this header and n bytes of data.
func file(header string, n int) []byte {
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), make([]byte, n)...)
}

func TestDecodeErrors(t *testing.T) {
	const a = `"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`
	for _, r := range []struct {
		in   []byte
		want string // "": none
	}{
		{file(`{`+a+`}`, 8), ""},
		{file(`{`+a+`}     `, 8), ""},
		{file(`{`+a+`,"b":{"shape":[],"data_offsets":[8,9],"dtype":"U8"}}`, 9), ""},
		{file(`{"b":{"dtype":"U8","shape":[],"data_offsets":[8,9]},`+a+`}`, 9), ""},
		{file(`{"a":{"dtype":"F32","shape":[0,5],"data_offsets":[0,0],"more":[{"x":1}]}}`, 0), ""},
		{file(`{"__metadata__":{}}`, 0), ""},
		{nil, "byte 0: a file of 0 bytes, expected at least 8"},
		{make([]byte, 7), "byte 0: a file of 7 bytes, expected at least 8"},
		{make([]byte, 8), `byte 8: header: expected '{', found ""`},
		{binary.LittleEndian.AppendUint64(nil, 100_000_001), "byte 0: a header of 100000001 bytes, expected at most 0"},
		{binary.LittleEndian.AppendUint64(nil, 1<<63), "byte 0: a header of 9223372036854775808 bytes, expected at most 0"},
		{file("{}", 0)[:9], "byte 0: a header of 2 bytes, expected at most 1"},
		{file(" {}", 0), `byte 8: header: expected '{', found " {}"`},
		{file("{\"\xff\":1}", 0), "byte 10: header: expected valid UTF-8"},
		{file(`{"\ud83d\ude00\\ud800":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}`, 1), ""},
		{file(`{"\ud800":1}`, 0), "byte 10: header: expected surrogates in pairs"},
		{file(`{"\ud800\u0041":1}`, 0), "byte 10: header: expected surrogates in pairs"},
		{file(`{"\\\ude00":1}`, 0), "byte 12: header: expected surrogates in pairs"},
		{file("{", 0), "byte 9: header: expected the end of the header, found EOF"},
		{file("{}x", 0), "byte 10: header: expected nothing but spaces behind the JSON, found invalid character"},
		{file("{}{}", 0), "byte 11: header: expected nothing but spaces"},
		{file("{}\x00", 0), "byte 10: header: expected nothing but spaces"},
		{file(`{`+a+`,}`, 8), "byte 62: header: expected a name in the header, found invalid character"},
		{file(`{`+a+`,`+a+`}`, 8), `byte 65: header: "a" stands twice in the header, expected once`},
		{file(`{"a":{"dtype":"F32","dtype":"F32"}}`, 8),
			`byte 35: header: "dtype" stands twice in tensor "a", expected once`},
		{file(`{"__metadata__":{"x":"1","x":"1"}}`, 0), `byte 36: header: "x" stands twice in __metadata__, expected once`},
		{file(`{"__metadata__":{"x":1}}`, 0), `byte 30: header: expected __metadata__ "x" to be a text, found "1"`},
		{file(`{"__metadata__":3}`, 0), `byte 25: header: expected __metadata__ to be an object, found "3"`},
		{file(`{"a":[]}`, 0), `byte 14: header: expected tensor "a" to be an object, found "["`},
		{file(`{"a":{"dtype":"F32","shape":[2]}}`, 8), `byte 40: header: tensor "a" has no data_offsets, expected one`},
		{file(`{"a":{"dtype":"F8_E4M3"}}`, 8), `byte 31: header: tensor "a": dtype "F8_E4M3", expected F16, BF16`},
		{file(`{"a":{"dtype":3}}`, 8), `byte 23: header: tensor "a": dtype "3", expected F16, BF16`},
		{file(`{"a":{"shape":3}}`, 8), `byte 23: header: expected tensor "a": shape to be an array, found "3"`},
		{file(`{"a":{"shape":[-1]}}`, 8), `byte 25: header: expected tensor "a": shape to be integers from 0 to`},
		{file(`{"a":{"shape":[1.0]}}`, 8), `byte 26: header: expected tensor "a": shape to be integers from 0 to`},
		{file(`{"a":{"shape":["1"]}}`, 8), `byte 26: header: expected tensor "a": shape to be integers from 0 to`},
		{file(`{"a":{"shape":[99999999999999999999]}}`, 8),
			`byte 43: header: expected tensor "a": shape to be integers from 0 to`},
		{file(`{"a":{"data_offsets":[1]}}`, 8), `byte 32: header: tensor "a": 1 data_offsets, expected 2`},
		{file(`{"a":{"data_offsets":[1,2,3]}}`, 8), `byte 36: header: tensor "a": 3 data_offsets, expected 2`},
		{file(`{`+a+`}`, 7), "7 bytes of data, expected the 8 that the header describes"},
		{file(`{`+a+`}`, 9), "9 bytes of data, expected the 8 that the header describes"},
		{file(`{}`, 1), "1 bytes of data, expected the 0 that the header describes"},
		{file(`{`+a+`,"b":{"dtype":"U8","shape":[],"data_offsets":[9,10]}}`, 10), // a hole
			`tensor "b": data_offsets [9,10], expected [8,9] for 1 bytes behind the tensor before it`},
		{file(`{`+a+`,"b":{"dtype":"U8","shape":[2],"data_offsets":[7,9]}}`, 9), // an overlap
			`tensor "b": data_offsets [7,9], expected [8,10] for 2 bytes`},
		{file(`{`+a+`,"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8), // the same data twice
			`tensor "b": data_offsets [0,8], expected [8,16] for 8 bytes`},
		{file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,7]}}`, 7),
			`tensor "a": data_offsets [0,7], expected [0,8] for 8 bytes`},
		{file(`{"a":{"dtype":"F32","shape":[],"data_offsets":[4,0]}}`, 4),
			`tensor "a": data_offsets [4,0], expected [0,4] for 4 bytes`},
		{file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0),
			`tensor "a": shape [4294967296 4294967296] of f4, expected one that an address space holds`},
	} {
		_, err := Decode(bytes.NewReader(r.in), int64(len(r.in)))
		if (err == nil) != (r.want == "") || err != nil && !strings.HasPrefix(err.Error(), "safetensors: "+r.want) {
			t.Errorf("%q:\n%v, want\nsafetensors: %s", r.in, err, r.want)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.safetensors")
	if _, err := Open(path); !errors.Is(err, os.ErrNotExist) ||
		!strings.HasPrefix(err.Error(), "safetensors: expected a readable file") {
		t.Errorf("absent: %v", err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil ||
		err.Error() != "safetensors: "+path+": byte 0: a file of 5 bytes, expected at least 8" {
		t.Errorf("short: %v", err)
	}
	// A file that shrinks after it was opened.
	if err := os.WriteFile(path, file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8), 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Truncate(path, 65); err != nil {
		t.Skip("open files cannot shrink here")
	}
	if _, err := f.Read("a"); err == nil ||
		!strings.Contains(err.Error(), `byte 65: expected 5 bytes of tensor "a", which Open had found`) {
		t.Errorf("shrunk: %v", err)
	}
}
