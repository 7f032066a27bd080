package data

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/array"
)

// zipped compresses with gzip.
func zipped(t testing.TB, data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestDecodeIDX(t *testing.T) {
	for _, r := range []struct {
		in   string
		want *array.Array // nil: err
		err  string
	}{
		{"00000801 00000003 010203", &array.Array{Type: "u1", Shape: []int{3}, Data: []byte{1, 2, 3}}, ""},
		{"00000902 00000002 00000001 01ff", &array.Array{Type: "i1", Shape: []int{2, 1}, Data: []byte{1, 255}}, ""},
		{"00000b01 00000002 0102fffe", &array.Array{Type: "i2", Shape: []int{2}, Data: []byte{2, 1, 0xfe, 0xff}}, ""},
		{"00000c01 00000001 01020304", &array.Array{Type: "i4", Shape: []int{1}, Data: []byte{4, 3, 2, 1}}, ""},
		{"00000d01 00000001 3f800000", &array.Array{Type: "f4", Shape: []int{1}, Data: []byte{0, 0, 0x80, 0x3f}}, ""},
		{"00000e01 00000001 3ff0000000000000", &array.Array{Type: "f8", Shape: []int{1}, Data: []byte{0, 0, 0, 0, 0, 0,
			0xf0, 0x3f}}, ""},
		{"00000800 07", &array.Array{Type: "u1", Shape: []int{}, Data: []byte{7}}, ""},
		{"00000802 00000000 ffffffff", &array.Array{Type: "u1", Shape: []int{0, 0xffffffff}, Data: []byte{}}, ""},
		{"", nil, "byte 0: the file ends after 0 bytes of the magic number, expected 4"},
		{"000008", nil, "byte 3: the file ends after 3 bytes of the magic number, expected 4"},
		{"00010801", nil, "byte 0: magic number 00010801, expected 0000 and 08, 09, 0b, 0c, 0d or 0e"},
		{"00000a01", nil, "byte 0: magic number 00000a01, expected"},
		{"00000802 00000001 0000", nil, "byte 10: the file ends after 6 bytes of sizes, expected 8"},
		{"00000801 00000003 0102", nil, "byte 10: the file ends after 2 bytes of u1 of shape [3], expected 3"},
		{"00000801 ffffffff 0102", nil,
			"byte 10: the file ends after 2 bytes of u1 of shape [4294967295], expected 4294967295"},
		{"00000801 00000001 0102", nil, "byte 9: more data, expected the end of the file"},
		{"00000803 ffffffff ffffffff ffffffff", nil,
			"byte 4: shape [4294967295 4294967295 4294967295] of u1, expected one that an"},
		{"00000841" + strings.Repeat("00000001", 65), nil, "byte 4: 65 dimensions, expected at most 64"},
	} {
		plain := unhex(t, r.in)
		for name, in := range map[string][]byte{"plain": plain, "gzip": zipped(t, plain)} {
			got, err := DecodeIDX(bytes.NewReader(in))
			switch {
			case r.want != nil && (err != nil || !reflect.DeepEqual(got, r.want)):
				t.Errorf("%s, %s: %v, %v, want %v", r.in, name, got, err, r.want)
			case r.want == nil && (err == nil || !strings.HasPrefix(err.Error(), "data: "+r.err)):
				t.Errorf("%s, %s: error %v, want %s", r.in, name, err, r.err)
			}
		}
	}
}

func TestDecodeIDXBrokenZip(t *testing.T) {
	good := zipped(t, unhex(t, "00000801 00000003 010203"))
	wrongSum := bytes.Clone(good)
	wrongSum[len(wrongSum)-8] ^= 1
	for _, r := range []struct {
		name string
		in   []byte
		want string
	}{
		{"header", good[:5], "data: byte 0: expected a gzip header: "},
		{"cut", good[:12], "data: byte 1: the file ends after 1 bytes of the magic number, expected 4"},
		{"no checksum", good[:len(good)-8], "data: byte 11: expected the end of the file: unexpected EOF"},
		{"checksum", wrongSum, "data: byte 11: expected the end of the file: gzip: invalid checksum"},
	} {
		if _, err := DecodeIDX(bytes.NewReader(r.in)); err == nil || !strings.HasPrefix(err.Error(), r.want) {
			t.Errorf("%s: %v, want %s", r.name, err, r.want)
		}
	}
}

func TestLoadIDX(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a-idx1-ubyte")
	if _, err := LoadIDX(path); !errors.Is(err, os.ErrNotExist) ||
		!strings.HasPrefix(err.Error(), "data: expected a readable file") {
		t.Errorf("absent: %v", err)
	}
	if err := os.WriteFile(path, unhex(t, "00000801 00000002 05"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadIDX(path); err == nil ||
		err.Error() != "data: "+path+": byte 9: the file ends after 1 bytes of u1 of shape [2], expected 2" {
		t.Errorf("short: %v", err)
	}
}

// FuzzDecodeIDX: an error of ours, or an array that is whole.
func FuzzDecodeIDX(f *testing.F) {
	for _, in := range []string{"00000801 00000003 010203", "00000b02 00000001 00000002 01020304",
		"00000e00 3ff0000000000000"} {
		f.Add(unhex(f, in))
		f.Add(zipped(f, unhex(f, in)))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		a, err := DecodeIDX(bytes.NewReader(in))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "data: byte ") {
				t.Fatalf("error %v has no position", err)
			}
			return
		}
		if err := a.Check(); err != nil {
			t.Fatal(err)
		}
	})
}
