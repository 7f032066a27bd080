package render

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

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
}

func (m *program) close() {
	m.kernel.Close()
	for _, b := range m.buffers {
		b.Free()
	}
}

// call is what a run is given besides the scene.
type call struct {
	adjoint []float32
	tangent []float64
	pixels  []int32                     // row-major numbers, if they are listed
	chosen  []int32                     // which of these to compute; nil: all
	take    func(m *program, at places) // takes up the outputs
}

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
	for name := range m.stale {
		m.buffers[m.numbers.maps[name].index].Write32(v.data[name])
		delete(m.stale, name)
	}
	uniforms, err := m.uniforms(s, v.seed, c.tangent)
	if err != nil {
		return err
	}
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
			m.buffers[m.numbers.adjoint].Write32(planes(c.adjoint[3*first:3*(first+n)], m.plan.chunk))
		}
		if err := m.kernel.Run(ctx, kernel.Args{Uniforms: uniforms, Buffers: m.buffers}); err != nil {
			return err
		}
		if m.numbers.limits >= 0 {
			v.limits += int(m.buffers[m.numbers.limits].Words()[0])
		}
		c.take(m, at)
	}
	return nil
}

// floats are the elements of an output as float32.
func (m *program) floats(buffer int) []float32 { return m.buffers[buffer].Floats() }

// read are the elements of an output with the precision of the engine.
func (m *program) read(buffer int) []float64 {
	out := make([]float64, m.buffers[buffer].Len())
	m.buffers[buffer].Read(out)
	return out
}

// interleaveInParallel is interleave with several goroutines, where there is enough to do.
func interleaveInParallel(image, planes []float32, at places) {
	const part = parallelValues / 2
	chunk, parts := len(planes)/3, (at.n+part-1)/part
	if at.n < parallelValues {
		interleave(image, planes, at)
		return
	}
	inParallel(parts, func(i int) {
		from, to := i*part, min(at.n, (i+1)*part)
		some := places{first: at.first + from, n: to - from}
		if at.list != nil {
			some.list = at.list[from:to]
		}
		interleaveRows(image, planes[from:], planes[chunk+from:], planes[2*chunk+from:], some)
	})
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

// planes is the inverse of interleave, padded with zeros to the pixels of a chunk.
func planes(image []float32, chunk int) []float32 {
	out := make([]float32, 3*chunk)
	for i := range len(image) / 3 {
		for c := range 3 {
			out[c*chunk+i] = image[3*i+c]
		}
	}
	return out
}

// uniforms returns the values of the module's uniforms in a scene.
func (m *program) uniforms(s *scene.Scene, seed uint32, tangent []float64) ([]float64, error) {
	all := scene.Values(s)
	list := m.kernel.Module().Uniforms
	if m.rows == nil || m.values != len(all) {
		m.rows, m.values = rowsOf(list, scene.Uniforms(s)), len(all)
	}
	out := make([]float64, len(list))
	for i, u := range list {
		if m.rows[i] >= 0 {
			out[i] = all[m.rows[i]]
			continue
		}
		k, isTangent := tangentNumber(u.Name)
		switch {
		case u.Name == uniformBase:
		case u.Name == uniformSeed:
			out[i] = float64(seed)
		case isTangent && k < len(tangent):
			out[i] = tangent[k]
		default:
			return nil, fmt.Errorf("render: the scene has no number %q", u.Name)
		}
	}
	return out, nil
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

// inParallel calls work on 0..n; the calling goroutine is one that does.
func inParallel(n int, work func(i int)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	some := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			work(i)
		}
	}
	for range min(runtime.GOMAXPROCS(0), n) - 1 {
		wait.Go(some)
	}
	some()
	wait.Wait()
}
