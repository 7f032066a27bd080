package fit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/render"
	"github.com/baremetaldevx86/microdr/scene"
)

// pixelMap is a parameter with a value for every pixel of the camera.
type pixelMap struct {
	path     string
	kind     scene.BufferKind
	channels int // numbers of a pixel's value
	dofs     int // local coordinates of a pixel
	positive bool
	first    int       // of its numbers in a pixel's point
	firstDof int       // of its local coordinates
	data     []float32 // all pixels of the camera
}

// mapPaths lists the parameters given per pixel, in the order of the scene's
// buffers, which is that of the renderer's columns.
func mapPaths(vec *scene.Vector) []string {
	fitted := map[string]bool{}
	for _, b := range vec.Blocks() {
		fitted[b.Path] = b.Kind == scene.KindPerPixel
	}
	var paths []string
	for _, b := range scene.Buffers(vec.Scene()) {
		if fitted[b.Path] {
			paths = append(paths, b.Path)
		}
	}
	return paths
}

// startMaps reads the per-pixel parameters' starts.
func (f *fitter) startMaps(s *scene.Scene) ([]pixelMap, error) {
	blocks := map[string]scene.Block{}
	for _, b := range f.vec.Blocks() {
		blocks[b.Path] = b
	}
	camera := s.Camera(s.Views[0].Camera)
	for _, v := range s.Views {
		if v.Camera != camera.Name {
			return nil, fmt.Errorf("fit: per-pixel parameters belong to one camera: view %s has %s, view %s has %s",
				s.Views[0].Name, camera.Name, v.Name, v.Camera)
		}
	}
	var maps []pixelMap
	first, firstDof := 0, 0
	for _, buffer := range scene.Buffers(s) {
		b, ok := blocks[buffer.Path]
		if !ok {
			continue
		}
		m := pixelMap{path: b.Path, kind: buffer.Kind, channels: buffer.Channels, dofs: b.PixelDofs, first: first, firstDof: firstDof}
		if c := s.Fit.Parameters[b.Parameter].Constraint; c != nil {
			m.positive = c.Kind == string(scene.KindPositive)
		}
		first, firstDof = first+m.channels, firstDof+m.dofs
		var err error
		if m.data, err = mapStart(s, buffer, camera.Resolution); err != nil {
			return nil, err
		}
		maps = append(maps, m)
	}
	return maps, nil
}

// mapStart is a buffer's file, or its start everywhere.
func mapStart(s *scene.Scene, b scene.Buffer, size [2]int) ([]float32, error) {
	data := make([]float32, size[0]*size[1]*b.Channels)
	if b.File == "" {
		for i := range data {
			data[i] = float32(b.Start[i%b.Channels])
		}
		return data, nil
	}
	path := fileOf(s, b.File)
	encoding, err := film.ParseEncoding(b.Encoding)
	if err != nil {
		return nil, err
	}
	im, err := film.Load(path, encoding)
	if err != nil {
		return nil, err
	}
	if im.Width != size[0] || im.Height != size[1] || im.Channels < b.Channels {
		return nil, fmt.Errorf("fit: %s is %dx%d with %d channels, expected %dx%d with %d", path, im.Width, im.Height, im.Channels, size[0], size[1], b.Channels)
	}
	for i := range data {
		data[i] = im.Pix[i/b.Channels*im.Channels+i%b.Channels]
	}
	if format, _ := film.FormatOf(path); b.Kind == scene.NormalBuffer && format != film.PFM {
		for i := range data {
			data[i] = 2*data[i] - 1
		}
	}
	return data, nil
}

// setMaps gives a view the maps' values.
func setMaps(view openView, maps []pixelMap) error {
	for _, m := range maps {
		if err := view.SetBuffer(m.path, m.data); err != nil {
			return err
		}
	}
	return nil
}

// mapFit is a fit of per-pixel parameters: one small least-squares problem
// for every pixel, all views of it together.
type mapFit struct {
	*fitter
	maps   []pixelMap
	level  *level
	pixels []int32 // fitted
	width  int     // numbers of a pixel's point
	dofs   int

	// What iterations need, made by openLevel.
	images   [][]float32 // of every view
	sums     []float64   // of every pixel
	tangents []float64   // of every pixel the derivatives of its numbers (rows) by its local coordinates
	row      []float64
	visit    func(view, p int, j []float64, r, w float64) // addRow
	sum      struct{ cost, jtj, jtr []float64 }           // that addRow adds to
}

// runMaps fits the per-pixel parameters.
func (f *fitter) runMaps(ctx context.Context) (*Result, error) {
	maps, err := f.startMaps(f.start)
	if err != nil {
		return nil, err
	}
	m := &mapFit{fitter: f, maps: maps}
	for _, p := range maps {
		m.width, m.dofs = m.width+p.channels, m.dofs+p.dofs
	}
	if err := m.openLevel(); err != nil {
		return nil, err
	}
	defer m.level.close()
	start := m.read()
	solved, err := m.solve(ctx, start)
	if err != nil && (ctx.Err() == nil || !errors.Is(err, ctx.Err())) {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	r, stderr, err := m.assess(ctx, start, solved)
	if err != nil {
		return nil, err
	}
	return r, m.finish(ctx, start, solved.X, stderr, r)
}

// openLevel opens every view for the pixels that count in any of them, in one
// order; a pixel that does not count in a view has weight 0 there.
func (m *mapFit) openLevel() error {
	size := m.targets[0].image
	for p := range size.Width * size.Height {
		for _, t := range m.targets {
			if t.weights.Pix[p] > 0 {
				m.pixels = append(m.pixels, int32(p))
				break
			}
		}
	}
	n := len(m.pixels)
	m.images, m.sums, m.row = make([][]float32, len(m.targets)), make([]float64, n), make([]float64, m.dofs)
	m.tangents, m.visit = make([]float64, n*m.width*m.dofs), m.addRow
	m.level = &level{scale: 1, crew: m.crew}
	var factor func(float64) float64
	m.level.loss, factor = lossOf(m.start.Fit.Loss)
	for _, t := range m.targets {
		v := &levelView{name: t.view, width: size.Width, height: size.Height, channels: t.image.Channels, crew: m.crew}
		v.pixels = m.pixels
		emphasis := m.start.View(t.view).Emphasis
		for _, p := range m.pixels {
			for _, value := range t.image.Pix[int(p)*v.channels:][:v.channels] {
				w := float64(t.weights.Pix[p])
				if w > 0 {
					w *= factor(float64(value)) * emphasize(float64(value), emphasis)
					m.level.count++
				}
				v.target = append(v.target, value)
				v.weights = append(v.weights, w)
				m.level.total += w
			}
		}
		var err error
		if v.view, err = m.open(m.start, t.view, viewOptions{scale: 1, seed: m.seed, pixels: m.pixels, maps: m.mapPaths}); err != nil {
			m.level.close()
			return err
		}
		v.slope = v.view
		m.level.views = append(m.level.views, v)
	}
	if err := m.level.prepare(render.Jacobian); err != nil {
		m.level.close()
		return err
	}
	return nil
}

// read gathers the fitted pixels' values from the maps.
func (m *mapFit) read() []float64 {
	x := make([]float64, len(m.pixels)*m.width)
	for i, p := range m.pixels {
		for _, q := range m.maps {
			for c := range q.channels {
				x[i*m.width+q.first+c] = float64(q.data[int(p)*q.channels+c])
			}
		}
	}
	return x
}

// write puts the fitted pixels' values into the maps and hands them to the
// views.
func (m *mapFit) write(x []float64) error {
	for i, p := range m.pixels {
		for _, q := range m.maps {
			for c := range q.channels {
				q.data[int(p)*q.channels+c] = float32(x[i*m.width+q.first+c])
			}
		}
	}
	for _, v := range m.level.views {
		if err := setMaps(v.view, m.maps); err != nil {
			return err
		}
	}
	return nil
}

// solve runs LM on all pixels.
func (m *mapFit) solve(ctx context.Context, start []float64) (optim.BlockResult, error) {
	o := scene.LM{Iterations: m.limit, Damping: 1e-3, Tolerance: 1e-8}
	if lm := m.start.Fit.Optimizer.LM; lm != nil {
		o = *lm
		o.Iterations = m.limit
	}
	m.steps = slices.Grow(m.steps, min(o.Iterations+1, stepsAhead))
	solver := optim.BlockLM{MaxIterations: o.Iterations, Damping: o.Damping, DecreaseTolerance: o.Tolerance,
		OnStep: func(iteration int, cost float64, active int) {
			m.iteration = iteration
			m.step(Step{Iteration: iteration, Loss: m.level.mean(cost), Rate: Number(o.Damping), Level: 1, Accepted: true})
		}}
	return solver.Minimize(ctx, optim.BlockProblem{
		Blocks: len(m.pixels), Size: m.dofs, Width: m.width,
		Linearize: m.linearize,
		Cost:      m.cost,
		Retract:   func(_ int, x, delta []float64) { m.retract(x, delta) },
	}, start)
}

// retract moves one pixel's point.
func (m *mapFit) retract(x, delta []float64) {
	for _, q := range m.maps {
		v, d := x[q.first:q.first+q.channels], delta[q.firstDof:q.firstDof+q.dofs]
		switch {
		case q.kind == scene.NormalBuffer:
			n := scene.RetractDirection(scene.Vec3(v), [2]float64(d))
			copy(v, n[:])
		case q.positive:
			for c := range v {
				v[c] *= math.Exp(d[c])
			}
		default:
			for c := range v {
				v[c] += d[c]
			}
		}
	}
}

// setTangents finds the derivatives of pixel p's numbers at x by its local
// coordinates.
func (m *mapFit) setTangents(p int, x []float64) {
	out := m.tangents[p*m.width*m.dofs:][:m.width*m.dofs]
	clear(out)
	for _, q := range m.maps {
		first := q.first*m.dofs + q.firstDof
		if q.kind == scene.NormalBuffer {
			u, v := scene.TangentBasis(scene.Vec3(x[q.first : q.first+3]))
			for c := range 3 {
				out[first+c*m.dofs], out[first+c*m.dofs+1] = u[c], v[c]
			}
			continue
		}
		for c := range q.channels {
			at := &out[first+c*m.dofs+c]
			if *at = 1; q.positive {
				*at = x[q.first+c]
			}
		}
	}
}

func (m *mapFit) cost(ctx context.Context, x []float64, active []bool, cost []float64) (err error) {
	if err := m.write(x); err != nil {
		return err
	}
	clear(m.sums)
	for k, v := range m.level.views {
		if m.images[k], err = v.view.RenderInto(ctx, m.start, m.images[k]); err != nil {
			return err
		}
		view := m.start.View(v.name)
		for i, w := range v.weights {
			if p := i / v.channels; w > 0 && active[p] {
				r := view.Gain*v.valueOf(m.images[k], i) + view.Bias - float64(v.target[i])
				m.sums[p] += w * m.level.loss.Rho(r)
			}
		}
	}
	for p, on := range active {
		if on {
			cost[p] = m.sums[p]
		}
	}
	return nil
}

func (m *mapFit) linearize(ctx context.Context, x []float64, active []bool, cost, jtj, jtr []float64) error {
	n := m.dofs
	for p, on := range active {
		if on {
			cost[p] = 0
			clear(jtj[p*n*n : (p+1)*n*n])
			clear(jtr[p*n : (p+1)*n])
		}
	}
	m.sum.cost, m.sum.jtj, m.sum.jtr = cost, jtj, jtr
	return m.rows(ctx, x, active, m.visit)
}

// addRow adds a residual to the equations of its pixel.
func (m *mapFit) addRow(_, p int, j []float64, r, w float64) {
	n, loss := m.dofs, m.level.loss
	e := optim.Normal{JtJ: m.sum.jtj[p*n*n : (p+1)*n*n], Jtr: m.sum.jtr[p*n : (p+1)*n]}
	e.AddRow(j, r, w*loss.Weight(r))
	e.Symmetrize()
	m.sum.cost[p] += w * loss.Rho(r)
}

// rows visits every residual of the active pixels: its view, pixel,
// derivatives by the pixel's local coordinates, value and weight.
func (m *mapFit) rows(ctx context.Context, x []float64, active []bool, visit func(view, p int, j []float64, r, w float64)) error {
	if err := m.write(x); err != nil {
		return err
	}
	for p, on := range active {
		if on {
			m.setTangents(p, x[p*m.width:(p+1)*m.width])
		}
	}
	for k, v := range m.level.views {
		image, columns, err := v.view.JacobianInto(ctx, m.start, m.images[k])
		if err != nil {
			return err
		}
		m.images[k] = image
		view := m.start.View(v.name)
		for i, w := range v.weights {
			p := i / v.channels
			if w == 0 || !active[p] {
				continue
			}
			clear(m.row)
			tangents := m.tangents[p*m.width*m.dofs:]
			for q, column := range columns {
				d := view.Gain * v.valueOf(column, i)
				for t, f := range tangents[q*m.dofs : (q+1)*m.dofs] {
					m.row[t] += d * f
				}
			}
			r := view.Gain*v.valueOf(image, i) + view.Bias - float64(v.target[i])
			visit(k, p, m.row, r, w)
		}
	}
	return nil
}
