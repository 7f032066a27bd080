package nn

import (
	"math"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/tensor"
)

// convolve is the oracle of a convolution with a bias.
func convolve(x, w, b *tensor.Tensor, window tensor.Window, height, width int) []float64 {
	in, filters, bias := x.Float64s(), w.Float64s(), b.Float64s()
	s, f := x.Shape(), w.Shape()
	var out []float64
	for n := range s[0] {
		for o := range f[0] {
			group := o / (f[0] / max(1, window.Groups))
			for y := range height {
				for x := range width {
					sum := bias[o]
					for c := range f[1] {
						for i := range f[2] {
							for k := range f[3] {
								row := y*window.Stride[0] + i*window.Dilation[0] - window.Pad[0][0]
								column := x*window.Stride[1] + k*window.Dilation[1] - window.Pad[1][0]
								if row >= 0 && row < s[2] && column >= 0 && column < s[3] {
									sum += in[((n*s[1]+group*f[1]+c)*s[2]+row)*s[3]+column] * filters[((o*f[1]+c)*f[2]+i)*f[3]+k]
								}
							}
						}
					}
					out = append(out, sum)
				}
			}
		}
	}
	return out
}

// TestConv2D compares with sums of products.
func TestConv2D(t *testing.T) {
	e := open(t, tensor.Options{})
	x := wave(e, 1, 2, 4, 5, 6)
	plain := [2]int{1, 1}
	for _, r := range []struct {
		size          [2]int
		window        tensor.Window
		height, width int
	}{
		{[2]int{1, 1}, tensor.Window{Stride: plain, Dilation: plain}, 5, 6},
		{[2]int{3, 2}, tensor.Window{Stride: plain, Dilation: plain, Pad: [2][2]int{{1, 1}, {0, 1}}}, 5, 6},
		{[2]int{3, 3}, tensor.Window{Stride: [2]int{2, 1}, Dilation: [2]int{1, 2}, Pad: [2][2]int{{1, 0}, {2, 2}}, Groups: 2},
			2, 6},
	} {
		c := NewConv2D(e.NewRandom(1), 4, 6, r.size, r.window)
		shake(c)
		want := convolve(x, c.Weight.Value(), c.Bias.Value(), r.window, r.height, r.width)
		expect(t, "Conv2D", c.Forward(nil, x), []int{2, 6, r.height, r.width}, want)
		bias := c.Bias.Value().Float64s()
		c.Bias = nil
		for i := range want {
			want[i] -= bias[i/(r.height*r.width)%6]
		}
		expect(t, "Conv2D without bias", c.Forward(nil, x), []int{2, 6, r.height, r.width}, want)
	}
	checkModule(t, "Conv2D", Pass{}, func(r *tensor.Random) Module {
		w := tensor.Window{Groups: 2, Stride: [2]int{1, 2}, Pad: [2][2]int{{0, 1}, {1, 0}}}
		return NewConv2D(r, 4, 2, [2]int{2, 2}, w)
	}, 1, 4, 3, 3)
}

// TestConv2DStart: the deviation of weights follows how many pixels go into one.
func TestConv2DStart(t *testing.T) {
	e := open(t, tensor.Options{})
	w := NewConv2D(e.NewRandom(1), 32, 64, [2]int{3, 3}, tensor.Window{}).Weight.Value()
	if got, want := math.Sqrt(w.Sq().Mean().Item()), math.Sqrt(2.0/(32*9)); math.Abs(got/want-1) > 0.02 {
		t.Errorf("deviation %v, want %v", got, want)
	}
}

func TestPools(t *testing.T) {
	e := open(t, tensor.Options{})
	x := e.New([]float32{1, 5, 2, 0, 3, -4, 7, 1, -1, -2, -3, -4}, 1, 1, 3, 4)
	half := [2]int{2, 2}
	padded := tensor.Window{Pad: [2][2]int{{1, 0}, {0, 0}}}
	for _, r := range []struct {
		name string
		f    Func
		want []float64
	}{
		{"max", MaxPool2D(half, tensor.Window{}), []float64{5, 7}},
		{"mean", AvgPool2D(half, tensor.Window{}), []float64{1.25, 2.5}},
		{"max, padded", MaxPool2D(half, padded), []float64{5, 2, 3, 7}},
		{"mean, padded", AvgPool2D(half, padded), []float64{1.5, 0.5, -1, 0.25}},
	} {
		expect(t, r.name, r.f(x), []int{1, 1, len(r.want) / 2, 2}, r.want)
		pool := func(x []*tensor.Tensor) *tensor.Tensor { return r.f(x[0]) }
		if err := tensor.CheckGrad(2, pool, x); err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
	}
}

func TestConv2DErrors(t *testing.T) {
	e := open(t, tensor.Options{})
	r := e.NewRandom(1)
	for _, row := range []struct {
		f    func()
		want string
	}{
		{func() { NewConv2D(r, 3, 4, [2]int{3, 3}, tensor.Window{}).Forward(nil, e.Zeros(1, 2, 8, 8)) },
			"nn: Conv2D: input of shape [1 2 8 8] and weight of shape [4 3 3 3], expected an input of [batch, 3, height, width]"},
		{func() { NewConv2D(r, 3, 4, [2]int{3, 3}, tensor.Window{Groups: 2}) },
			"nn: Conv2D: 3 channels and 4 filters in 2 groups, expected groups of equal numbers"},
		{func() {
			NewSequential(NewConv2D(r, 2, 4, [2]int{3, 3}, tensor.Window{})).Forward(nil, e.Zeros(1, 2, 2, 8))
		},
			"tensor: layers.0: Conv2D: "},
	} {
		if err := tensor.Catch(row.f); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("error %v, want %q", err, row.want)
		}
	}
}
