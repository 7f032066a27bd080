package ir

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// convText is a module of one convolution with something of everything.
const convText = `module c
buffer x f32 [2 4 9 8] input
buffer w f32 [6 2 3 2] input
buffer y f32 [2 6 4 8] output
conv layer (x, w) -> (y) forward batch 2 channels 4 filters 6 groups 2 image [9 8] filter [3 2] result [4 8] stride [2 1] dilation [1 2] pad [0 1]
`

// Each mode goes through text and back, and its shapes are those of its buffers.
func TestConvText(t *testing.T) {
	m, err := Parse("c", []byte(convText))
	if err != nil {
		t.Fatal(err)
	}
	c := *m.Stages[0].Conv
	want := Conv{Batch: 2, Channels: 4, Filters: 6, Groups: 2, Height: 9, Width: 8, FilterHeight: 3, FilterWidth: 2,
		OutHeight: 4, OutWidth: 8, Stride: [2]int{2, 1}, Dilation: [2]int{1, 2}, Pad: [2]int{0, 1}}
	if c != want {
		t.Fatalf("read %+v", c)
	}
	if n := c.FMAs(); n != 2*6*4*8*2*3*2 {
		t.Errorf("%d multiply-adds", n)
	}
	for mode := range convModeNames {
		c.Mode = ConvMode(mode)
		m := &Module{Name: "modes"}
		first, second, out := c.Shapes()
		a, b := m.AddBuffer("a", F64, Input, first[:]...), m.AddBuffer("b", F64, Input, second[:]...)
		m.AddConv("conv", c, a, b, m.AddBuffer("out", F64, Output, out[:]...))
		back, err := Parse("back", []byte(Print(m)))
		if err != nil || !reflect.DeepEqual(m, back) {
			t.Errorf("%v: %v\n%s", c.Mode, err, Print(m))
		}
	}
}

// TestConvRefuses exchanges a piece of the text.
func TestConvRefuses(t *testing.T) {
	for _, r := range []struct{ piece, by, want string }{
		{"forward", "backward", "expected a mode of convolution"},
		{"groups 2", "groups 3", "3 groups do not divide 4 channels and 6 filters"},
		{"batch 2", "batch 3", "x has 576 elements, not those of [3 4 9 8]"},
		{"filter [3 2]", "filter [3 3]", "w has 72 elements"},
		{"result [4 8]", "result [5 8]", "y has 384 elements"},
		{"result [4 8]", "result [4]", "expected a horizontal size"},
		{"stride [2 1]", "stride [0 1]", "expected a vertical size from 1"},
		{"stride [2 1]", "stride [268435456 1]", "reach over 805306370 pixels"},
		{"pad [0 1]", "pad [0 -1]", "expected a horizontal size from 0"},
		{"pad [0 1]", "pad [0 1", `expected "]"`},
		{"(x, w)", "(x)", "two inputs and one output"},
		{"(x, w)", "(w, x)", "w has 72 elements"},
		{"(x, w)", "(x, y)", "reads y before any stage wrote it"},
		{"w f32", "w f64", "three arrays of f32, or of f64"},
		{"y f32", "y bf16", "three arrays of f32, or of f64"},
		{"image [9 8]", "image [268435456 268435456]", "more than 1099511627776 elements"},
	} {
		_, err := Parse("c", []byte(strings.Replace(convText, r.piece, r.by, 1)))
		if err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s: %v, want %q", r.by, err, r.want)
		}
	}
	m, err := Parse("c", []byte(convText))
	if err != nil {
		t.Fatal(err)
	}
	for i, harm := range []func(s *Stage){
		func(s *Stage) { s.Conv = nil },
		func(s *Stage) { s.Conv.Mode = 3 },
		func(s *Stage) { s.Conv.Pad[0] = -1 },
		func(s *Stage) { s.Conv.Groups = 0 },
		func(s *Stage) { s.Out = append(s.Out, 2) },
	} {
		c := *m.Stages[0].Conv
		broken := m.Clone()
		broken.Stages[0].Conv = &c
		harm(&broken.Stages[0])
		if Verify(broken) == nil {
			t.Errorf("harm %d: %s", i, fmt.Sprint(broken.Stages[0]))
		}
	}
}
