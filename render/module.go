package render

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/scene"
	"github.com/baremetaldevx86/microdr/trace"
)

// Mode is what a module computes besides the image.
type Mode int

// The modes. n is the number of pixels of a run, p that of parameters (Options.Params, then the components of
// Options.PerPixel).
const (
	Primal   Mode = iota // nothing
	Forward              // buffer "tangent", [3, n]: the derivative along the uniforms "render.tangent.0", ...
	Reverse              // buffer "gradient", [p of Params]: the sum of input "adjoint", [3, n], times the derivative
	Jacobian             // buffer "jacobian", [p, 3, n]: every pixel's derivatives
	Cover                // no image, but buffer "cover", [n]: the number of the root that the pixel's centre shows, or -1
	numModes
)

// modeNames are what modules of a mode are called. It is never written.
var modeNames = [numModes]string{"image", "forward", "reverse", "jacobian", "cover"}

func (m Mode) String() string { return modeNames[m] }

// ParseMode returns the mode of that name.
func ParseMode(name string) (Mode, error) {
	if i := slices.Index(modeNames[:], name); i >= 0 {
		return Mode(i), nil
	}
	return Primal, fmt.Errorf("render: no mode %q, expected one of %q", name, modeNames)
}

// buffers are the numbers of a module's buffers; -1 for those that it lacks.
type buffers struct {
	pixels   int // input: numbers of the pixels of a run, if not all are wanted
	adjoint  int
	record   int
	limits   int // count of searches that gave up
	samples  int // radiance of every sample
	image    int
	lanes    int // derivatives of every sample
	result   int // derivatives
	maps     map[string]mapBuffer
	mapNames []string // in order
}

// mapBuffer is an input of an image or of values for every pixel.
type mapBuffer struct {
	index, channels, width, height int
}

// Trace makes the module of a view of a scene. The module's uniforms are the scene's (see scene.Uniforms) as far as the
// image depends on them, and "render.base", the number of the first pixel of the run; its outputs are "image", [3, n],
// linear RGB, and what the mode adds. One run computes n pixels, at most 65536/samples; the lanes beyond the last pixel
// are padding. Pixels and samples vary fastest in every buffer: then neighbouring lanes access neighbouring elements.
func Trace(s *scene.Scene, view string, o Options, mode Mode) (*ir.Module, error) {
	p, err := newPlan(s, view, o)
	if err != nil {
		return nil, err
	}
	sizes, err := p.imageSizes()
	if err != nil {
		return nil, err
	}
	m, _, err := p.module(mode, sizes)
	return m, err
}

// module builds the module of a mode. Sizes are those of the image textures, by path.
func (p *plan) module(mode Mode, sizes map[string][2]int) (*ir.Module, *buffers, error) {
	m := &ir.Module{Name: mode.String()}
	b := p.declare(m, mode, sizes)
	if mode == Cover {
		t := newTracer(m, p, b)
		t.Store(b.result, t.Lane(), t.cover())
		m.AddMap("cover", t.Program(), p.chunk)
		return m, b, nil
	}
	edges := mode != Primal
	if len(p.solids) > 0 {
		t := newTracer(m, p, b)
		t.search(edges)
		m.AddMap("search", t.Program(), p.chunk, p.Samples)
	}
	t := newTracer(m, p, b)
	rgb := list(t.radiance(edges))
	t.writeTo(b.samples, 0, rgb...)
	if err := t.derive(mode, rgb); err != nil {
		return nil, nil, fmt.Errorf("render: derivative of the radiance: %w", err)
	}
	m.AddMap("radiance", t.Program(), p.chunk, p.Samples)
	p.addMean(m, b.samples, b.image)
	switch mode {
	case Forward, Jacobian:
		p.addMean(m, b.lanes, b.result)
	case Reverse:
		m.AddReduce("gradient", ir.ReduceSum, b.lanes, b.result, p.lanes(), 1)
	}
	return m, b, nil
}

// columns names the parameters of a Jacobian.
func (p *plan) columns() []string {
	names := append([]string(nil), p.Params...)
	for _, b := range scene.Buffers(p.scene) {
		if p.perPixel(b.Path) {
			for c := range b.Channels {
				names = append(names, fmt.Sprintf("%s.%d", b.Path, c))
			}
		}
	}
	return names
}

func (p *plan) perPixel(path string) bool {
	for _, name := range p.PerPixel {
		if name == path {
			return true
		}
	}
	return false
}

// declare adds the buffers.
func (p *plan) declare(m *ir.Module, mode Mode, sizes map[string][2]int) *buffers {
	b := &buffers{pixels: -1, adjoint: -1, record: -1, limits: -1, samples: -1, image: -1, lanes: -1, result: -1, maps: map[string]mapBuffer{}}
	if p.listed() {
		b.pixels = m.AddBuffer("pixels", ir.I32, ir.Input, p.chunk)
	}
	for _, x := range scene.Buffers(p.scene) {
		w, h := p.width, p.height
		if size, ok := sizes[x.Path]; ok {
			w, h = size[0], size[1]
		}
		b.maps[x.Path] = mapBuffer{m.AddBuffer(x.Path, ir.F32, ir.Input, h, w, x.Channels), x.Channels, w, h}
		b.mapNames = append(b.mapNames, x.Path)
	}
	if mode == Cover {
		b.result = m.AddBuffer("cover", ir.F32, ir.Output, p.chunk)
		return b
	}
	if len(p.solids) > 0 {
		b.record = m.AddBuffer("record", ir.F32, ir.Temp, p.fields(mode != Primal), p.lanes())
		b.limits = m.AddBuffer("limits", ir.I32, ir.Output, 1)
	}
	b.samples, b.image = p.declareMean(m, "image", 3)
	switch mode {
	case Forward:
		b.lanes, b.result = p.declareMean(m, "tangent", 3)
	case Jacobian:
		b.lanes, b.result = p.declareMean(m, "jacobian", len(p.columns()), 3)
	case Reverse:
		b.adjoint = m.AddBuffer("adjoint", ir.F32, ir.Input, 3, p.chunk)
		b.lanes = m.AddBuffer("gradients", ir.F32, ir.Temp, len(p.Params), p.lanes())
		b.result = m.AddBuffer("gradient", ir.F64, ir.Output, len(p.Params))
	}
	return b
}

// declareMean adds an output with rows of this shape of a value for every pixel, and a buffer for those of the samples
// that it is the mean of. With one sample that is the output itself.
func (p *plan) declareMean(m *ir.Module, name string, rows ...int) (samples, mean int) {
	mean = m.AddBuffer(name, ir.F32, ir.Output, append(rows, p.chunk)...)
	if p.Samples == 1 {
		return mean, mean
	}
	return m.AddBuffer(name+".samples", ir.F32, ir.Temp, append(rows, p.chunk, p.Samples)...), mean
}

// addMean adds the stage that makes pixels of samples.
func (p *plan) addMean(m *ir.Module, samples, mean int) {
	if samples != mean {
		m.AddReduce(m.Buffers[mean].Name, ir.ReduceMean, samples, mean, p.Samples, 1)
	}
}

// derive adds the derivatives of the radiance that the mode asks for.
func (t *tracer) derive(mode Mode, rgb []trace.Float) error {
	switch mode {
	case Forward:
		return t.forward(rgb)
	case Reverse:
		return t.reverse(rgb)
	case Jacobian:
		return t.jacobian(rgb)
	}
	return nil
}

func values(xs []trace.Float) []ir.Value {
	out := make([]ir.Value, len(xs))
	for i, x := range xs {
		out[i] = x.V
	}
	return out
}

// params returns the uniforms that derivatives are taken with respect to.
func (t *tracer) params() []ir.Value {
	var out []ir.Value
	for _, name := range t.Params {
		out = append(out, t.Uniform(name).V)
	}
	return out
}

func (t *tracer) forward(rgb []trace.Float) error {
	wrt := t.params()
	tangents := make([]ir.Value, len(wrt))
	for i := range wrt {
		tangents[i] = t.Uniform(tangentName(i)).V
	}
	d, err := t.grad.JVP(values(rgb), wrt, tangents)
	if err != nil {
		return err
	}
	t.writeTo(t.buffers.lanes, 0, t.floats(d)...)
	return nil
}

const tangentPrefix = "render.tangent."

func tangentName(i int) string { return tangentPrefix + strconv.Itoa(i) }

// tangentNumber is the inverse of tangentName.
func tangentNumber(name string) (int, bool) {
	digits, ok := strings.CutPrefix(name, tangentPrefix)
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(digits)
	return i, err == nil
}

func (t *tracer) reverse(rgb []trace.Float) error {
	wrt := t.params()
	pixel := t.Lane().Over(t.Samples)
	seeds := make([]ir.Value, 3)
	for c := range seeds {
		seeds[c] = t.Gather(t.buffers.adjoint, pixel.Plus(c*t.chunk)).Over(float64(t.Samples)).V
	}
	d, err := t.grad.VJP(values(rgb), seeds, wrt)
	if err != nil {
		return err
	}
	t.writeTo(t.buffers.lanes, 0, t.floats(d)...)
	return nil
}

// forwardColumns is up to how many parameters a Jacobian takes forward mode, one pass each, rather than reverse mode,
// three passes in all that cost about twice as much each.
const forwardColumns = 5

func (t *tracer) jacobian(rgb []trace.Float) error {
	wrt := t.params()
	if len(t.PerPixel) > 0 {
		pixel := t.sample().pixel
		for _, name := range t.buffers.mapNames {
			if t.perPixel(name) {
				wrt = append(wrt, t.pixelComponents(name, pixel)...)
			}
		}
	}
	one := t.Float(1).V
	if len(wrt) <= forwardColumns {
		for i := range wrt {
			d, err := t.grad.JVP(values(rgb), wrt[i:i+1], []ir.Value{one})
			if err != nil {
				return err
			}
			t.writeTo(t.buffers.lanes, 3*i, t.floats(d)...)
		}
		return nil
	}
	for c, x := range rgb {
		d, err := t.grad.VJP([]ir.Value{x.V}, []ir.Value{one}, wrt)
		if err != nil {
			return err
		}
		for i, v := range t.floats(d) {
			t.writeTo(t.buffers.lanes, 3*i+c, v)
		}
	}
	return nil
}
