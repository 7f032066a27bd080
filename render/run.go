package render

import (
	"context"
	"fmt"
	"math"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/scene"
)

// program is a compiled module with its buffers.
type program struct {
	mode    Mode
	plan    *plan
	numbers *buffers
	kernel  *kernel.Kernel
	buffers []*kernel.Buffer
	stale   map[string]bool // maps whose values have not been written yet
	rows    []int           // of the module's uniforms among the scene's, the same for every scene of the structure
	values  int             // of the scene

	// Memory of a run.
	uniforms []float64
	planes   []float32
	exact    []float64
}

func (m *program) close() {
	m.kernel.Close()
	for _, b := range m.buffers {
		b.Free()
	}
}

// call is what a run is given besides the scene, and where its results go.
type call struct {
	adjoint []float32
	tangent []float64
	pixels  []int32 // row-major numbers, if they are listed
	chosen  []int32 // which of these to compute; nil: all
	take    taker

	image      []float32
	columns    [][]float32
	gradient   []float64
	exact      []float64 // image with the precision of the engine
	derivative []float64
	object     int // whose pixels hit is set for
	hit        []bool
}

// taker takes up the outputs of a program. It is a function that reads what belongs to the call from the view, not a
// closure around it: that would be an allocation in every iteration of a fit.
type taker func(v *View, m *program, at places)

// places are where among a view's pixels those of a run belong.
type places struct {
	first, n int
	list     []int32 // nil: first, first+1, ...
}

// run computes all pixels in a mode, compiling its module when it is first used.
func (v *View) run(ctx context.Context, mode Mode, s *scene.Scene, c call) error {
	if err := v.Prepare(mode); err != nil {
		return err
	}
	c.pixels = v.pixels
	return v.runProgram(ctx, v.modules[mode], s, c)
}

func (v *View) compile(p *plan, mode Mode) (*program, error) {
	module, numbers, err := p.module(mode, v.sizes)
	if err != nil {
		return nil, err
	}
	k, err := v.engine.Compile(module)
	if err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	m := &program{mode: mode, plan: p, numbers: numbers, kernel: k, stale: map[string]bool{}}
	for i := range module.Buffers {
		var b *kernel.Buffer
		if x := &module.Buffers[i]; x.Life != ir.Temp {
			if b, err = v.engine.NewBuffer(x.Type, x.Len()); err != nil {
				m.close()
				return nil, fmt.Errorf("render: %w", err)
			}
		}
		m.buffers = append(m.buffers, b)
	}
	for name := range numbers.maps {
		m.stale[name] = true
	}
	return m, nil
}

// fill writes the numbers of the pixels of a run to the program's list.
func (m *program) fill(pixels []int32, at places) {
	words := m.buffers[m.numbers.pixels].Words()
	if at.list == nil {
		for i, p := range pixels[at.first:][:at.n] {
			words[i] = uint32(p)
		}
	}
	for i, k := range at.list {
		words[i] = uint32(pixels[k])
	}
	for i := at.n; i < len(words); i++ {
		words[i] = noPixel & math.MaxUint32
	}
}

// runProgram runs a program once for every chunk of pixels.
func (v *View) runProgram(ctx context.Context, m *program, s *scene.Scene, c call) error {
	v.call = c
	defer func() { v.call = call{} }() // what it refers to is the caller's
	for name := range m.stale {
		m.buffers[m.numbers.maps[name].index].Write32(v.data[name])
		delete(m.stale, name)
	}
	if err := m.setUniforms(s, v.values.Values(s), v.seed, c.tangent); err != nil {
		return err
	}
	uniforms := m.uniforms
	base := m.kernel.Module().UniformIndex(uniformBase)
	v.limits = 0
	count := m.plan.count
	if m.plan.listed() {
		count = len(c.pixels)
	}
	if c.chosen != nil {
		count = len(c.chosen)
	}
	for first := 0; first < count; first += m.plan.chunk {
		if base >= 0 {
			uniforms[base] = float64(first)
		}
		n := min(m.plan.chunk, count-first)
		at := places{first: first, n: n}
		if c.chosen != nil {
			at.list = c.chosen[first : first+n]
		}
		if m.numbers.pixels >= 0 {
			m.fill(c.pixels, at)
		}
		if m.numbers.adjoint >= 0 {
			m.planes = planes(m.planes, c.adjoint[3*first:3*(first+n)], m.plan.chunk)
			m.buffers[m.numbers.adjoint].Write32(m.planes)
		}
		if err := m.kernel.Run(ctx, kernel.Args{Uniforms: uniforms, Buffers: m.buffers}); err != nil {
			return err
		}
		if m.numbers.limits >= 0 {
			v.limits += int(m.buffers[m.numbers.limits].Words()[0])
		}
		c.take(v, m, at)
	}
	return nil
}

// floats are the elements of an output as float32.
func (m *program) floats(buffer int) []float32 { return m.buffers[buffer].Floats() }

// read are the elements of an output with the precision of the engine, until the next call.
func (m *program) read(buffer int) []float64 {
	n := m.buffers[buffer].Len()
	m.exact = room(m.exact, n)
	m.buffers[buffer].Read(m.exact)
	return m.exact
}

// parallelValues is how many pixels of columns are worth another goroutine.
const parallelValues = 1 << 14

// taking is what a view's goroutines take up together.
type taking struct {
	planes []float32
	at     places
}

// takeImage interleaves an image, with several goroutines where there is enough to do.
func takeImage(v *View, m *program, at places) {
	planes := m.floats(m.numbers.image)
	if at.n < parallelValues {
		interleave(v.call.image, planes, at)
		return
	}
	v.taking = taking{planes, at}
	v.takeParts.Run(v.engine.Crew(), (at.n+imagePart-1)/imagePart)
}

// imagePart is how many pixels of an image a goroutine takes up at a time.
const imagePart = parallelValues / 2

// takePart takes up one part of an image.
func (v *View) takePart(_, i int) {
	planes, at := v.taking.planes, v.taking.at
	chunk, from, to := len(planes)/3, i*imagePart, min(at.n, (i+1)*imagePart)
	some := places{first: at.first + from, n: to - from}
	if at.list != nil {
		some.list = at.list[from:to]
	}
	interleaveRows(v.call.image, planes[from:], planes[chunk+from:], planes[2*chunk+from:], some)
}

// takeJacobian interleaves an image and the columns of a Jacobian.
func takeJacobian(v *View, m *program, at places) {
	interleave(v.call.image, m.floats(m.numbers.image), at)
	v.taking = taking{m.floats(m.numbers.result), at}
	columns := v.call.columns
	if len(columns)*at.n >= parallelValues {
		v.takeColumns.Run(v.engine.Crew(), len(columns))
		return
	}
	for j := range columns {
		v.takeColumn(0, j)
	}
}

// takeColumn takes up one column of a Jacobian.
func (v *View) takeColumn(_, j int) {
	column := v.call.columns[j]
	size := len(v.taking.planes) / len(v.call.columns)
	interleave(column, v.taking.planes[j*size:(j+1)*size], v.taking.at)
}

// takeGradient interleaves an image and adds up a gradient.
func takeGradient(v *View, m *program, at places) {
	interleave(v.call.image, m.floats(m.numbers.image), at)
	for i, x := range m.read(m.numbers.result) {
		v.call.gradient[i] += x
	}
}

// takeExact interleaves an image with the precision of the engine.
func takeExact(v *View, m *program, at places) { interleave(v.call.exact, m.read(m.numbers.image), at) }

// takeForward interleaves such an image and its derivative.
func takeForward(v *View, m *program, at places) {
	takeExact(v, m, at)
	interleave(v.call.derivative, m.read(m.numbers.result), at)
}

// takeCover compares what pixels show with an object.
func takeCover(v *View, m *program, at places) {
	hit := v.call.hit[at.first:][:at.n]
	for i, x := range m.floats(m.numbers.result)[:at.n] {
		hit[i] = int(x) == v.call.object
	}
}

// interleave writes three planes to the pixels of an image.
func interleave[T float32 | float64](image, planes []T, at places) {
	chunk := len(planes) / 3
	interleaveRows(image, planes, planes[chunk:], planes[2*chunk:], at)
}

func interleaveRows[T float32 | float64](image, r, g, b []T, at places) {
	n := at.n
	r, g, b = r[:n], g[:n], b[:n]
	if at.list != nil {
		for i, k := range at.list {
			px := image[3*int(k):][:3:3]
			px[0], px[1], px[2] = r[i], g[i], b[i]
		}
		return
	}
	image = image[3*at.first:][:3*n]
	for i := range r {
		px := image[3*i : 3*i+3 : 3*i+3]
		px[0], px[1], px[2] = r[i], g[i], b[i]
	}
}

// planes is the inverse of interleave, padded with zeros to the pixels of a chunk. It uses out if that has room.
func planes(out, image []float32, chunk int) []float32 {
	out = room(out, 3*chunk)
	clear(out)
	for i := range len(image) / 3 {
		for c := range 3 {
			out[c*chunk+i] = image[3*i+c]
		}
	}
	return out
}

// setUniforms gives the module's uniforms their values in a scene, which has all those.
func (m *program) setUniforms(s *scene.Scene, all []float64, seed uint32, tangent []float64) error {
	list := m.kernel.Module().Uniforms
	if m.rows == nil || m.values != len(all) {
		m.rows, m.values = rowsOf(list, scene.Uniforms(s)), len(all)
		m.uniforms = make([]float64, len(list))
	}
	for i, u := range list {
		if m.rows[i] >= 0 {
			m.uniforms[i] = all[m.rows[i]]
			continue
		}
		k, isTangent := tangentNumber(u.Name)
		switch {
		case u.Name == uniformBase:
		case u.Name == uniformSeed:
			m.uniforms[i] = float64(seed)
		case isTangent && k < len(tangent):
			m.uniforms[i] = tangent[k]
		default:
			return fmt.Errorf("render: the scene has no number %q", u.Name)
		}
	}
	return nil
}

// rowsOf returns where in the scene's list the module's uniforms stand, -1 for those that are not the scene's.
func rowsOf(module []ir.Uniform, all []scene.Uniform) []int {
	index := map[string]int{}
	for i, u := range all {
		index[u.Name] = i
	}
	out := make([]int, len(module))
	for i, u := range module {
		out[i] = -1
		if at, ok := index[u.Name]; ok {
			out[i] = at
		}
	}
	return out
}
