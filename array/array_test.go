package array

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestBytes(t *testing.T) {
	for _, r := range []struct {
		t     Type
		shape []int
		want  int
		err   string
	}{
		{Float32, nil, 4, ""},
		{Float64, []int{2, 3}, 48, ""},
		{Uint8, []int{0, math.MaxInt}, 0, ""},
		{Uint8, []int{math.MaxInt, 2, 0}, 0, "expected one that an address space holds"}, // sizes are looked at in order
		{Float32, []int{math.MaxInt / 2, 2}, 0, "expected one that an address space holds"},
		{Float32, []int{-1}, 0, "expected no negative size"},
		{"c8", []int{1}, 0, `element type "c8", expected`},
		{Uint8, make([]int, 65), 0, "65 dimensions, expected at most 64"},
	} {
		got, err := Bytes(r.t, r.shape)
		if got != r.want || (err == nil) != (r.err == "") || err != nil && !strings.Contains(err.Error(), r.err) {
			t.Errorf("Bytes(%s, %v) = %d, %v, want %d, %q", r.t, r.shape, got, err, r.want, r.err)
		}
	}
}

func TestNewAndCheck(t *testing.T) {
	a, err := New(Int16, 2, 3)
	if err != nil || len(a.Data) != 12 || a.Len() != 6 || a.Check() != nil {
		t.Errorf("New: %v, %v", a, err)
	}
	a.Data = a.Data[:11]
	if err := a.Check(); err == nil || err.Error() != "array: 11 bytes of data, expected 12 for i2 of shape [2 3]" {
		t.Errorf("Check: %v", err)
	}
	if err := (*Array)(nil).Check(); err == nil {
		t.Error("no array passes Check")
	}
	if _, err := New("f16"); err == nil || !strings.HasPrefix(err.Error(), "array: element type") {
		t.Errorf("New(f16): %v", err)
	}
}

func TestOf(t *testing.T) {
	for _, r := range []struct {
		make func() (*Array, error)
		want Array
	}{
		{func() (*Array, error) { return Of([]float32{1, -2}) },
			Array{Float32, []int{2}, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}}},
		{func() (*Array, error) { return Of([]int32{-2, 258}, 2, 1) },
			Array{Int32, []int{2, 1}, []byte{0xfe, 255, 255, 255, 2, 1, 0, 0}}},
		{func() (*Array, error) { return Of([]uint8{7}, 1, 1) }, Array{Uint8, []int{1, 1}, []byte{7}}},
		{func() (*Array, error) { return Of([]int64{}, 0, 3) }, Array{Int64, []int{0, 3}, []byte{}}},
	} {
		if got, err := r.make(); err != nil || !reflect.DeepEqual(*got, r.want) {
			t.Errorf("got %v, %v, want %v", got, err, r.want)
		}
	}
	if _, err := Of([]int8{1, 2}, 3); err == nil || err.Error() != "array: 2 values, expected as many as shape [3] has" {
		t.Errorf("wrong shape: %v", err)
	}
}

// convertTo gives a conversion with its type, as text.
func convertTo[T Number](a *Array) string {
	v, err := To[T](a)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(v)
}

func TestTo(t *testing.T) {
	all := []byte{0, 0, 0, 0, 0, 0, 0xf8, 0xbf} // -1.5 as a float64; read as other types below
	for _, r := range []struct {
		name string
		got  string
		want string
	}{
		{"f8 to f4", convertTo[float32](&Array{Float64, nil, all}), "[-1.5]"},
		{"f8 to i4", convertTo[int32](&Array{Float64, nil, all}),
			"array: elements f8 as i4, expected a float type to convert to"},
		{"f2 to f4", convertTo[float32](&Array{Float16, []int{2}, []byte{0, 0x3c, 1, 0}}), "[1 5.9604645e-08]"},
		{"bf2 to f8", convertTo[float64](&Array{BFloat16, []int{2}, []byte{0x80, 0x3f, 0, 0xc0}}), "[1 -2]"},
		{"f4 to f8", convertTo[float64](&Array{Float32, nil, all[4:]}), "[-1.9375]"},
		{"u1 to f4", convertTo[float32](&Array{Uint8, []int{2}, all[6:]}), "[248 191]"},
		{"i1 to i8", convertTo[int64](&Array{Int8, []int{2}, all[6:]}), "[-8 -65]"},
		{"i2 to i4", convertTo[int32](&Array{Int16, nil, all[6:]}), "[-16392]"},
		{"u2 to u4", convertTo[uint32](&Array{Uint16, nil, all[6:]}), "[49144]"},
		{"u4 to i8", convertTo[int64](&Array{Uint32, nil, all[4:]}), "[3220701184]"},
		{"i4 to f8", convertTo[float64](&Array{Int32, nil, all[4:]}), "[-1.074266112e+09]"},
		{"b1 to u1", convertTo[uint8](&Array{Bool, []int{3}, []byte{0, 1, 200}}), "[0 1 1]"},
		{"i1 to u1", convertTo[uint8](&Array{Int8, []int{2}, []byte{1, 255}}),
			"array: element 1 is -1, expected one that u1 holds"},
		{"u1 to i1", convertTo[int8](&Array{Uint8, nil, []byte{128}}), "array: element 0 is 128, expected one that i1 holds"},
		{"i8 to i4", convertTo[int32](&Array{Int64, nil, []byte{0, 0, 0, 0, 1, 0, 0, 0}}),
			"array: element 0 is 4294967296, expected one that i4 holds"},
		{"u8 to i8", convertTo[int64](&Array{Uint64, nil, bytes.Repeat([]byte{255}, 8)}),
			"array: element 0 is 18446744073709551615, expected one that i8 holds"},
		{"i8 to f4", convertTo[float32](&Array{Int64, nil, []byte{1, 0, 0, 1, 0, 0, 0, 0}}), "[1.6777216e+07]"}, // a tie
		{"u2 to u2", convertTo[uint16](&Array{Uint16, nil, []byte{1, 2}}), "[513]"},
		{"broken", convertTo[uint16](&Array{Uint16, nil, nil}), "array: 0 bytes of data, expected 2 for u2 of shape []"},
	} {
		if r.got != r.want {
			t.Errorf("%s: %s, want %s", r.name, r.got, r.want)
		}
	}
}

func TestAs(t *testing.T) {
	from, err := Of([]float64{0, 1, 300, -2})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		t    Type
		want []byte
	}{
		{Float16, []byte{0, 0, 0, 0x3c, 0xb0, 0x5c, 0, 0xc0}},
		{BFloat16, []byte{0, 0, 0x80, 0x3f, 0x96, 0x43, 0, 0xc0}},
		{Float32, []byte{0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0x96, 0x43, 0, 0, 0, 0xc0}},
		{Bool, []byte{0, 1, 1, 1}},
		{Float64, from.Data},
		{Int32, nil},
		{"x", nil},
	} {
		got, err := from.As(r.t)
		switch {
		case (err != nil) != (r.want == nil):
			t.Errorf("As(%s): %v", r.t, err)
		case err == nil && (!bytes.Equal(got.Data, r.want) || got.Type != r.t || !slices.Equal(got.Shape, from.Shape)):
			t.Errorf("As(%s) = %v, want % x", r.t, got, r.want)
		}
	}
	large, _ := Of([]int64{1<<53 + 1})
	if _, err := large.As(BFloat16); err == nil || !strings.Contains(err.Error(), "expected an integer below 2^53") {
		t.Errorf("large integer to bf2: %v", err)
	}
}

// TestAsEveryType goes from every type to every other one with numbers that all hold, and back.
func TestAsEveryType(t *testing.T) {
	small, _ := Of([]uint8{0, 1, 0, 1, 1}, 5)
	for from := range typeSizes {
		for to := range typeSizes {
			a, err := small.As(from)
			if err != nil {
				t.Fatal(err)
			}
			b, err := a.As(to)
			if isFloat(from) && !isFloat(to) && to != Bool {
				if err == nil {
					t.Errorf("%s to %s: no error", from, to)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s to %s: %v", from, to, err)
				continue
			}
			if got := convertTo[float32](b); got != "[0 1 0 1 1]" {
				t.Errorf("%s to %s: %s", from, to, got)
			}
		}
	}
}

func TestSwapBytes(t *testing.T) {
	for _, r := range []struct {
		size int
		want string
	}{{1, "abcdefgh"}, {2, "badcfehg"}, {4, "dcbahgfe"}, {8, "hgfedcba"}} {
		data := []byte("abcdefgh")
		if SwapBytes(data, r.size); string(data) != r.want {
			t.Errorf("size %d: %s, want %s", r.size, data, r.want)
		}
	}
}
