package irtest

import (
	"fmt"
	"math/rand/v2"

	"github.com/baremetaldevx86/microdr/ir"
)

// RandomConv returns a module of one convolution of at most so many multiply-adds, of random mode and geometry:
// strides, dilations, uneven pads, groups. The same seed and bound give the same module. Of its two inputs, Fill makes
// numbers with special ones among them.
func RandomConv(seed uint64, t ir.Type, most int) *ir.Module {
	r := rand.New(rand.NewPCG(seed, 0x636f6e76))
	for {
		c := ir.Conv{Mode: ir.ConvMode(r.IntN(3)), Batch: 1 + r.IntN(3), Groups: 1}
		if r.IntN(3) == 0 {
			c.Groups = 1 + r.IntN(4)
		}
		c.Channels, c.Filters = c.Groups*size(r, 9), c.Groups*size(r, 40)
		if r.IntN(4) == 0 {
			c.Channels, c.Filters = c.Filters, c.Channels
		}
		c.Height, c.FilterHeight, c.OutHeight, c.Stride[0], c.Dilation[0], c.Pad[0] = axis(r)
		c.Width, c.FilterWidth, c.OutWidth, c.Stride[1], c.Dilation[1], c.Pad[1] = axis(r)
		if c.FMAs() > most {
			continue
		}
		m := &ir.Module{Name: fmt.Sprintf("conv%d", seed)}
		first, second, out := c.Shapes()
		a, b := m.AddBuffer("first", t, ir.Input, first[:]...), m.AddBuffer("second", t, ir.Input, second[:]...)
		m.AddConv("conv", c, a, b, m.AddBuffer("out", t, ir.Output, out[:]...))
		if err := ir.Verify(m); err != nil {
			panic(fmt.Sprintf("irtest: seed %d: %v\n%s", seed, err, ir.Print(m)))
		}
		return m
	}
}

// size is often small.
func size(r *rand.Rand, most int) int {
	if r.IntN(2) == 0 {
		return 1 + r.IntN(3)
	}
	return 1 + r.IntN(most)
}

// axis returns a random geometry: mostly that of a layer, now and then any.
func axis(r *rand.Rand) (image, filter, result, stride, dilation, pad int) {
	image, filter, stride, dilation = size(r, 40), size(r, 7), 1, 1
	if r.IntN(3) == 0 {
		stride = 1 + r.IntN(3)
	}
	if r.IntN(4) == 0 {
		dilation = 1 + r.IntN(3)
	}
	pad = r.IntN(filter*dilation + 1)
	far := r.IntN(filter*dilation + 1)
	result = (image+pad+far-(filter-1)*dilation-1)/stride + 1
	if result < 1 || r.IntN(8) == 0 {
		result = size(r, 20)
	}
	return
}
