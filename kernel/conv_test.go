package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/ir/irtest"
	"github.com/baremetaldevx86/microdr/kernel"
)

// squareConv is a layer of square images, filters and results.
func squareConv(batch, channels, side, filters, filter, out, pad int) ir.Conv {
	return ir.Conv{Batch: batch, Channels: channels, Filters: filters, Height: side, Width: side, FilterHeight: filter,
		FilterWidth: filter, OutHeight: out, OutWidth: out, Pad: [2]int{pad, pad}}
}

// strided is a layer with other strides.
func strided(c ir.Conv, stride int) ir.Conv {
	c.Stride = [2]int{stride, stride}
	return c
}

// depthwise is a layer with a group for each channel.
func depthwise(c ir.Conv) ir.Conv {
	c.Groups = c.Channels
	return c
}

// layers are convolutions as networks have them, small enough for the interpreter, and others that take ways of their own.
var layers = []ir.Conv{
	squareConv(2, 1, 28, 32, 3, 26, 0),
	squareConv(1, 17, 14, 19, 3, 14, 1),
	strided(squareConv(1, 3, 39, 8, 7, 20, 3), 2),
	depthwise(squareConv(3, 24, 12, 24, 3, 12, 1)),
	squareConv(4, 70, 5, 33, 1, 5, 0),
	squareConv(5, 20, 4, 10, 4, 1, 0),
	{Batch: 1, Channels: 2, Filters: 3, Height: 9, Width: 200, FilterHeight: 2, FilterWidth: 5, OutHeight: 20, OutWidth: 80,
		Stride: [2]int{1, 3}, Dilation: [2]int{3, 2}, Pad: [2]int{7, 20}},
	squareConv(1, 1400, 2, 9, 3, 2, 1),             // sums longer than a call
	squareConv(1, 1, 150, 2, 3, 150, 1),            // several bands
	squareConv(1, 40, 7, 1100, 7, 1, 0),            // parts of the filters
	strided(squareConv(1, 1, 45, 2, 41, 2, 0), 40), // more phases than there is code for
}

// moduleOf returns a module of one convolution.
func moduleOf(c ir.Conv, t ir.Type) *ir.Module {
	c.Groups = max(c.Groups, 1)
	for i := range 2 {
		c.Stride[i], c.Dilation[i] = max(c.Stride[i], 1), max(c.Dilation[i], 1)
	}
	m := &ir.Module{Name: "conv"}
	first, second, out := c.Shapes()
	a, b := m.AddBuffer("first", t, ir.Input, first[:]...), m.AddBuffer("second", t, ir.Input, second[:]...)
	m.AddConv(fmt.Sprint(c.Mode), c, a, b, m.AddBuffer("out", t, ir.Output, out[:]...))
	return m
}

// convEngines returns engines of every backend, with one worker and with two.
func convEngines(t *testing.T) map[string]*kernel.Engine {
	engines := map[string]*kernel.Engine{}
	for _, b := range kernel.Backends() {
		for _, workers := range []int{1, 2} {
			e := kernel.New(kernel.Options{Backend: b, Workers: workers})
			t.Cleanup(func() {
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			})
			engines[fmt.Sprintf("%s, %d workers", b, workers)] = e
		}
	}
	return engines
}

// TestConvAgrees compares convolutions of every mode with the definition, bit for bit, on random numbers with special
// ones among them.
func TestConvAgrees(t *testing.T) {
	engines := convEngines(t)
	check := func(m *ir.Module, seed uint64) {
		p := &program{m: m, seed: seed}
		p.uniforms, p.memory = irtest.Fill(m, seed)
		after := irtest.Interpreted(m, seed)
		for i := range m.Buffers {
			p.want = append(p.want, numbersOf(m.Buffers[i].Type, after[i]))
		}
		for name, e := range engines {
			if difference := compare(e, p); difference != "" {
				t.Errorf("%s: %s\n%s", name, difference, ir.Print(m))
			}
		}
	}
	for _, c := range layers {
		for c.Mode = range ir.ConvFilter + 1 {
			if m := moduleOf(c, ir.F32); c.Mode == ir.ConvForward && !testing.Short() || m.Stages[0].Conv.FMAs() < 1<<20 {
				check(m, 1)
			}
		}
	}
	for seed := range rounds(300) {
		check(irtest.RandomConv(seed, ir.F32, 30_000), seed)
	}
	for seed := range rounds(40) {
		check(irtest.RandomConv(seed, ir.F64, 10_000), seed)
	}
}

// leastAllocations is how often something allocates, at the least of several tries: the runtime does so at any time, for
// goroutines that wait at another place than before.
func leastAllocations(f func()) float64 {
	least := math.Inf(1)
	for range 5 {
		if least = min(least, testing.AllocsPerRun(3, f)); least == 0 {
			break
		}
	}
	return least
}

// convOf runs a convolution of two arrays.
func convOf(t *testing.T, e *kernel.Engine, m *ir.Module, first, second []float64) []float64 {
	t.Helper()
	k, err := e.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	args := kernel.Args{}
	for i := range m.Buffers {
		b, err := e.NewBuffer(m.Buffers[i].Type, m.Buffers[i].Len())
		if err != nil {
			t.Fatal(err)
		}
		defer b.Free()
		args.Buffers = append(args.Buffers, b)
	}
	args.Buffers[0].Write(first)
	args.Buffers[1].Write(second)
	if err := k.Run(context.Background(), args); err != nil {
		t.Fatal(err)
	}
	out := make([]float64, args.Buffers[2].Len())
	args.Buffers[2].Read(out)
	return out
}

func normal(r *rand.Rand, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = r.NormFloat64()
	}
	return out
}

// naive computes the convolution of a mode by plain loops over its terms, in another order than the definition's.
func naive(c *ir.Conv, image, filter, result []float64) {
	at := func(shape [4]int, a, b, y, x int) int { return ((a*shape[1]+b)*shape[2]+y)*shape[3] + x }
	channels, filters := c.Channels/c.Groups, c.Filters/c.Groups
	for f := range c.Filters {
		for k := range channels {
			for i := range c.FilterHeight {
				for j := range c.FilterWidth {
					w := at(c.FilterShape(), f, k, i, j)
					for n := range c.Batch {
						for y := range c.OutHeight {
							for x := range c.OutWidth {
								h, v := y*c.Stride[0]+i*c.Dilation[0]-c.Pad[0], x*c.Stride[1]+j*c.Dilation[1]-c.Pad[1]
								if h < 0 || h >= c.Height || v < 0 || v >= c.Width {
									continue
								}
								p, r := at(c.ImageShape(), n, f/filters*channels+k, h, v), at(c.ResultShape(), n, f, y, x)
								switch c.Mode {
								case ir.ConvForward:
									result[r] += image[p] * filter[w]
								case ir.ConvImage:
									image[p] += result[r] * filter[w]
								case ir.ConvFilter:
									filter[w] += image[p] * result[r]
								}
							}
						}
					}
				}
			}
		}
	}
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// TestConvOracle compares with plain loops in float64, and checks that the modes are each other's adjoints:
// <conv(x, w), y> = <x, image(y, w)> = <w, filter(x, y)>.
func TestConvOracle(t *testing.T) {
	e := kernel.New(kernel.Options{Precision: kernel.Float64})
	defer e.Close()
	for i := range 60 {
		var c ir.Conv
		if i < 7 {
			c = *moduleOf(layers[i], ir.F32).Stages[0].Conv
		} else {
			c = *irtest.RandomConv(uint64(i), ir.F32, 50_000).Stages[0].Conv
		}
		r := rand.New(rand.NewPCG(uint64(i), 5))
		size := func(shape [4]int) int { return shape[0] * shape[1] * shape[2] * shape[3] }
		x, w, y := normal(r, size(c.ImageShape())), normal(r, size(c.FilterShape())), normal(r, size(c.ResultShape()))
		var products []float64
		for c.Mode = range ir.ConvFilter + 1 {
			var got, with []float64
			want := [3][]float64{x, w, y}
			switch m := moduleOf(c, ir.F32); c.Mode {
			case ir.ConvForward:
				got, with = convOf(t, e, m, x, w), y
				want[2] = make([]float64, len(y))
			case ir.ConvImage:
				got, with = convOf(t, e, m, y, w), x
				want[0] = make([]float64, len(x))
			case ir.ConvFilter:
				got, with = convOf(t, e, m, x, y), w
				want[1] = make([]float64, len(w))
			}
			naive(&c, want[0], want[1], want[2])
			for k, v := range [3][]float64{want[2], want[0], want[1]}[c.Mode] {
				if math.Abs(got[k]-v) > 1e-10 {
					t.Fatalf("%+v: element %d is %v, want %v", c, k, got[k], v)
				}
			}
			products = append(products, dot(got, with))
		}
		scale := 1e-9 * math.Sqrt(dot(x, x)*dot(w, w)*dot(y, y))
		if math.Abs(products[0]-products[1]) > scale || math.Abs(products[0]-products[2]) > scale {
			t.Errorf("%+v: products %v", c, products)
		}
	}
}

// Progress counts the elements of the output, and all of them in the end.
func TestConvProgress(t *testing.T) {
	for name, e := range convEngines(t) {
		m := moduleOf(layers[0], ir.F32)
		k, err := e.Compile(m)
		if err != nil {
			t.Fatal(err)
		}
		args := kernel.Args{}
		for i := range m.Buffers {
			b, err := e.NewBuffer(ir.F32, m.Buffers[i].Len())
			if err != nil {
				t.Fatal(err)
			}
			defer b.Free()
			args.Buffers = append(args.Buffers, b)
		}
		last, all := 0, m.Buffers[2].Len()
		args.Progress = func(done, total int) {
			if last = done; done > total || total != all {
				t.Errorf("%s: %d of %d, want %d", name, done, total, all)
			}
		}
		if err := k.Run(context.Background(), args); err != nil || last != all {
			t.Errorf("%s: %v, %d of %d done", name, err, last, all)
		}
		k.Close()
	}
}

// An explanation names what convolves.
func TestConvExplained(t *testing.T) {
	for _, b := range kernel.Backends() {
		e := kernel.New(kernel.Options{Backend: b})
		defer e.Close()
		for i, want := range map[int]kernel.Backend{0: b, len(layers) - 1: kernel.Eval} {
			c := layers[i]
			c.Mode = ir.ConvImage
			x, err := e.Explain(moduleOf(c, ir.F32))
			if err != nil || x.Stages[0].Backend != want {
				t.Errorf("layer %d on %s: %v %v, want %s", i, b, x, err, want)
			}
		}
	}
}

// A run allocates nothing and hears of a context that has ended, whatever backend and mode.
func TestConvRuns(t *testing.T) {
	for name, e := range convEngines(t) {
		for i, c := range layers[:4] {
			for c.Mode = range ir.ConvFilter + 1 {
				m := moduleOf(c, ir.F32)
				k, err := e.Compile(m)
				if err != nil {
					t.Fatal(err)
				}
				args := kernel.Args{}
				for b := range m.Buffers {
					buffer, err := e.NewBuffer(ir.F32, m.Buffers[b].Len())
					if err != nil {
						t.Fatal(err)
					}
					defer buffer.Free()
					args.Buffers = append(args.Buffers, buffer)
				}
				if n := leastAllocations(func() {
					if err := k.Run(context.Background(), args); err != nil {
						t.Error(err)
					}
				}); n != 0 {
					t.Errorf("%s, layer %d, %v: %v allocations a run", name, i, c.Mode, n)
				}
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				if err := k.Run(ctx, args); !errors.Is(err, context.Canceled) {
					t.Errorf("%s, layer %d, %v: %v, want the context's error", name, i, c.Mode, err)
				}
				if err := k.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// late is a context that has ended, whose error does not say so the first time.
type late struct {
	context.Context
	asked bool
}

func (l *late) Err() error {
	if !l.asked {
		l.asked = true
		return nil
	}
	return l.Context.Err()
}

// A run whose only piece is stopped between two calls says so, though no piece is left to look at the context.
func TestConvStopped(t *testing.T) {
	for name, e := range convEngines(t) {
		if e.Backend() == kernel.Eval {
			continue // looks between pieces only
		}
		m := moduleOf(squareConv(1, 1400, 2, 1, 3, 2, 1), ir.F32) // one sum, longer than a call
		k, err := e.Compile(m)
		if err != nil {
			t.Fatal(err)
		}
		args := kernel.Args{}
		for b := range m.Buffers {
			buffer, err := e.NewBuffer(ir.F32, m.Buffers[b].Len())
			if err != nil {
				t.Fatal(err)
			}
			defer buffer.Free()
			args.Buffers = append(args.Buffers, buffer)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := k.Run(&late{Context: ctx}, args); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want the context's error", name, err)
		}
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	}
}
