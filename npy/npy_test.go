package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/baremetaldevx86/microdr/array"
)

// golden is element i of the files that testdata/make.py writes.
func golden(kind array.Type, i int) float64 {
	switch kind[0] {
	case 'f':
		return float64(i)/4 - 0.5
	case 'i':
		return float64(i) - 3
	case 'u':
		return float64(i)
	}
	return float64(i % 2)
}

// TestLoadNumPy reads every type in every layout as NumPy wrote it.
func TestLoadNumPy(t *testing.T) {
	kinds := []array.Type{"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"}
	for _, kind := range kinds {
		for _, layout := range []string{"little-C", "little-F", "big-C", "big-F"} {
			file := filepath.Join("testdata", string(kind)+"-"+layout+".npy")
			a, err := Load(file)
			if err != nil {
				t.Error(err)
				continue
			}
			got, err := array.To[float64](a)
			if err != nil || a.Type != kind || !slices.Equal(a.Shape, []int{2, 3, 2}) {
				t.Errorf("%s: %s of shape %v, %v", file, a.Type, a.Shape, err)
			}
			for i, v := range got {
				if v != golden(kind, i) {
					t.Errorf("%s: %v, want element %d to be %v", file, got, i, golden(kind, i))
					break
				}
			}
		}
	}
}

// TestEncodeAsNumPy: what we write has the bytes of NumPy.
func TestEncodeAsNumPy(t *testing.T) {
	for _, name := range []string{"f2-little-C", "f4-little-C", "f8-little-C", "i1-little-C", "i2-little-C", "i4-little-C",
		"i8-little-C", "u1-little-C", "u8-little-C", "b1-little-C", "scalar", "vector", "empty", "many"} {
		file := filepath.Join("testdata", name+".npy")
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		a, err := Load(file)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := Encode(&got, a); err != nil || !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s (%v):\n%q\nwant\n%q", name, err, got.Bytes(), want)
		}
	}
}

func TestLoadVersions(t *testing.T) {
	for _, r := range []struct {
		file  string
		shape []int
		want  []float64
	}{
		{"scalar", []int{}, []float64{2.5}},
		{"vector", []int{5}, []float64{0, 1, 2, 3, 4}},
		{"version2", []int{5}, []float64{0, 1, 2, 3, 4}},
		{"version3", []int{5}, []float64{0, 1, 2, 3, 4}},
		{"empty", []int{0, 3}, []float64{}},
		{"many", slices.Repeat([]int{1}, 64), []float64{0}},
	} {
		a, err := Load(filepath.Join("testdata", r.file+".npy"))
		if err != nil {
			t.Error(err)
			continue
		}
		if got, err := array.To[float64](a); err != nil || !slices.Equal(got, r.want) || !slices.Equal(a.Shape, r.shape) {
			t.Errorf("%s: %v of shape %v, %v, want %v of shape %v", r.file, got, a.Shape, err, r.want, r.shape)
		}
	}
}

// file returns the bytes of a .npy file of version 1.0.
func file(header, data string) string {
	return magic + "\x01\x00" + string(binary.LittleEndian.AppendUint16(nil, uint16(len(header)))) + header + data
}

func TestDecode(t *testing.T) {
	for _, r := range []struct {
		in   string
		want *array.Array // nil: err
		err  string
	}{
		{file("{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }\n", "\x01\x00\x02\x00"),
			&array.Array{Type: "i2", Shape: []int{2}, Data: []byte{1, 0, 2, 0}}, ""},
		{file(`{"shape":(2L , 1),"fortran_order":False,"descr":"<i2"}`, "\x01\x00\x02\x00"),
			&array.Array{Type: "i2", Shape: []int{2, 1}, Data: []byte{1, 0, 2, 0}}, ""},
		{file("{'descr': '>u1', 'fortran_order': True, 'shape': (2, 2)}", "abcd"),
			&array.Array{Type: "u1", Shape: []int{2, 2}, Data: []byte("acbd")}, ""},
		{file("{'descr': '|u1', 'fortran_order': True, 'shape': (1, 0)}", ""),
			&array.Array{Type: "u1", Shape: []int{1, 0}, Data: []byte{}}, ""},
		{"", nil, "npy: byte 0: the file ends after 0 bytes of magic and version, expected 8"},
		{"PK\x03\x04....", nil, `npy: byte 0: expected \x93NUMPY, found "PK\x03\x04.."`},
		{magic + "\x04\x00", nil, "npy: byte 6: version 4.0, expected 1.0, 2.0 or 3.0"},
		{magic + "\x01\x01", nil, "npy: byte 6: version 1.1, expected 1.0, 2.0 or 3.0"},
		{magic + "\x01\x00\x05", nil, "npy: byte 9: the file ends after 1 bytes of the header's length, expected 2"},
		{magic + "\x01\x00\x05\x00{'", nil, "npy: byte 12: the file ends after 2 bytes of header, expected 5"},
		{magic + "\x02\x00\xff\xff\xff\xff", nil, "npy: byte 8: a header of 4294967295 bytes, expected at most 65536"},
		{file("", ""), nil, "npy: byte 10: header: expected '{', found the end"},
		{file("{'descr': '<f4'", ""), nil, "npy: byte 25: header: expected '}', found the end"},
		{file("{'descr': '<f4'}", ""), nil, "npy: byte 26: header: no key 'fortran_order', expected one"},
		{file("{'descr': '<f4', 'descr': '<f4'}", ""), nil,
			`npy: byte 27: header: key "descr", expected descr, fortran_order and shape, each once`},
		{file("{'x': 1}", ""), nil, `npy: byte 11: header: key "x", expected descr, fortran_order and shape, each once`},
		{file("{'descr' '<f4'}", ""), nil, `npy: byte 19: header: expected ':', found "'<f4'}"`},
		{file("{'descr': '=f4'}", ""), nil, "npy: byte 20: header: descr '=f4', expected '<' or '>' and f2"},
		{file("{'descr': '|f4'}", ""), nil, "npy: byte 20: header: descr '|f4', expected"},
		{file("{'descr': '<c8'}", ""), nil, "npy: byte 20: header: descr '<c8', expected"},
		{file("{'descr': '<bf2'}", ""), nil, "npy: byte 20: header: descr '<bf2', expected"},
		{file("{'descr': ''}", ""), nil, "npy: byte 20: header: descr '', expected"},
		{file("{'descr': '<f4}", ""), nil, `npy: byte 20: header: expected a string with an end, found "'<f4}"`},
		{file("{'descr': [('x', '<f4')]}", ""), nil,
			"npy: byte 20: header: expected a plain element type and not a structured one"},
		{file("{'fortran_order': true}", ""), nil,
			`npy: byte 28: header: expected fortran_order to be True or False, found "true}"`},
		{file("{'shape': (3)}", ""), nil, "npy: byte 22: header: expected a tuple of one to have a comma before its"},
		{file("{'shape': (3, -1)}", ""), nil, `npy: byte 24: header: expected a size, found "-1)}"`},
		{file("{'shape': (3 4)}", ""), nil, `npy: byte 23: header: expected ',' or ')', found "4)}"`},
		{file("{'shape': (99999999999999999999,)}", ""), nil, "npy: byte 21: header: expected a size, found"},
		{file("{'descr': '<f4', 'fortran_order': False, 'shape': (), } x", "1234"), nil,
			`npy: byte 66: header: expected the end of the header, found "x"`},
		{file("{'descr': '<f4', 'fortran_order': False, 'shape': (), } \x00x", "1234"), nil,
			`npy: byte 66: header: expected the end of the header, found "\x00x"`},
		{file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "1234567"), nil,
			"npy: byte 74: the file ends after 7 bytes of data, expected 8"},
		{file("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", ""), nil,
			"npy: byte 8: shape [4611686018427387904 4] of f4, expected one that an address space holds"},
		{file("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 4), }", "1234"), nil,
			"npy: byte 85: the file ends after 4 bytes of data, expected 16000000000000"},
	} {
		got, err := Decode(strings.NewReader(r.in))
		switch {
		case r.want != nil && (err != nil || !reflect.DeepEqual(got, r.want)):
			t.Errorf("%q: %v, %v, want %v", r.in, got, err, r.want)
		case r.want == nil && (err == nil || !strings.HasPrefix(err.Error(), r.err)):
			t.Errorf("%q: error\n%v, want\n%s", r.in, err, r.err)
		}
	}
}

// TestDecodeSequence: arrays follow each other in one stream; a file has one.
func TestDecodeSequence(t *testing.T) {
	var stream bytes.Buffer
	for i := range 3 {
		a, _ := array.Of([]int32{int32(i), 7})
		if err := Encode(&stream, a); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "three.npy")
	if err := os.WriteFile(path, stream.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil ||
		err.Error() != "npy: "+path+": byte 136: expected the end of the file behind i4 of shape [2]" {
		t.Errorf("Load of three arrays: %v", err)
	}
	for i := range 3 {
		a, err := Decode(&stream)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := array.To[int32](a); !slices.Equal(got, []int32{int32(i), 7}) {
			t.Errorf("array %d is %v", i, got)
		}
	}
}

// TestLargeAndSlow reads a megabyte and a half in halves, and an error of the system.
func TestLargeAndSlow(t *testing.T) {
	want, _ := array.New("u2", 3<<18)
	for i := range want.Data {
		want.Data[i] = byte(i * 7)
	}
	var b bytes.Buffer
	if err := Encode(&b, want); err != nil {
		t.Fatal(err)
	}
	got, err := Decode(iotest.HalfReader(bytes.NewReader(b.Bytes())))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read back something else: %v", err)
	}
	broken := errors.New("disk on fire")
	_, err = Decode(io.MultiReader(bytes.NewReader(b.Bytes()[:200]), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || err.Error() != "npy: byte 200: expected data to be readable: disk on fire" {
		t.Errorf("broken reader: %v", err)
	}
}

func TestSave(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.npy")
	want, _ := array.Of([]float64{1, math.Inf(-1)}, 2, 1)
	if err := Save(path, want); err != nil {
		t.Fatal(err)
	}
	if got, err := Load(path); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	brain, _ := want.As("bf2")
	for _, r := range []struct {
		a    *array.Array
		want string
	}{
		{brain, "npy: " + path + ": element type bf2, expected one that NumPy has: convert to f4"},
		{&array.Array{Type: "f4"}, "npy: " + path + ": array: 0 bytes of data, expected 4 for f4 of shape []"},
		{nil, "npy: " + path + ": array: no array, expected one"},
	} {
		if err := Save(path, r.a); err == nil || err.Error() != r.want {
			t.Errorf("error %v, want %s", err, r.want)
		}
	}
	if got, err := Load(path); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("after failures the file is %v, %v, want %v", got, err, want)
	}
	if _, err := Load(path + "x"); !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "npy: expected") {
		t.Errorf("absent file: %v", err)
	}
	for _, name := range []string{"structured", "complex"} {
		if _, err := Load("testdata/" + name + ".npy"); err == nil || !strings.Contains(err.Error(), "byte 20: header: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
