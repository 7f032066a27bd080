package fit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/render"
	"github.com/baremetaldevx86/microdr/scene"
)

// A gradient check compares, for every local coordinate d of the fitted
// parameters and every view, the derivative of
//
//	f(d) = sum over pixels and channels of weight * (gain * radiance + bias)
//
// with smooth random weights, as
//
//	reverse     J^T w, the adjoint of the float32 program
//	forward     <w, J e_d>, its tangent
//	difference  Richardson's extrapolation (4 D(h/2) - D(h)) / 3 of the central
//	            differences D of the float64 oracle, whose image is hard
//
// over several seeds of the sample positions. A moving edge passes samples one
// by one, so differences are noisy: the mean of reverse - difference over the
// seeds has a confidence interval by Student's t, and the step h moves an edge
// by about half a pixel.

// GradientRow is the check of one local coordinate in one view.
type GradientRow struct {
	View       string  `json:"view"`
	Name       string  `json:"name"`
	Reverse    Number  `json:"reverse"`
	Forward    Number  `json:"forward"`
	Difference Number  `json:"difference"`
	Interval   Number  `json:"interval"` // half-width, 95 %, of reverse - difference
	Verdict    Verdict `json:"verdict"`
}

// Verdict is the outcome of a check.
type Verdict string

// Outcomes. The first two are good.
const (
	Agrees       Verdict = "agrees"
	NoEffect     Verdict = "no effect"          // nothing moves by either account
	Disagrees    Verdict = "disagrees"          // reverse and difference
	SilentlyZero Verdict = "silently zero"      // reverse is 0, the image moves
	ModesDiffer  Verdict = "the modes disagree" // reverse and forward
	Unsure       Verdict = "unsure"             // the interval is wider than the derivative
)

// GradientCheck is the outcome of CheckGradients.
type GradientCheck struct {
	Event string        `json:"event"` // "check"
	OK    bool          `json:"ok"`
	Rows  []GradientRow `json:"rows"`
	// DotProduct is the largest |<w, J u> - <J^T w, u>| over the views, for a
	// random u, relative to <|w|, |J u|>.
	DotProduct Number `json:"dot_product"`
	Seeds      int    `json:"seeds"`
}

// CheckOptions say how CheckGradients works.
type CheckOptions struct {
	View    string // "": all
	Workers int
	Memory  kernel.Memory
	Seeds   int                   // at least 3; 0: 8
	Size    int                   // the longer side of the images in pixels, at most; 0: 48
	Samples int                   // per pixel; 0: 16
	OnRow   func(done, total int) // progress
}

// Limits of agreement.
const (
	relativeBias = 0.03  // of the derivative: what the boundary band may be off
	absoluteBias = 0.005 // of <|w|, |J e|>: where the derivative is a small difference
	modeError    = 1e-3  // of <|w|, |J e|>: float32 sums in another order
)

type checker struct {
	CheckOptions
	live, oracle *kernel.Engine
	vec          *scene.Vector
	report       *GradientCheck
	done, total  int
}

// CheckGradients checks the derivative of every fitted parameter at the
// scene's values.
func CheckGradients(ctx context.Context, s *scene.Scene, o CheckOptions) (*GradientCheck, error) {
	if s.Fit == nil || len(s.Fit.Parameters) == 0 {
		return nil, &InputError{errors.New("fit: the scene says nothing to fit, expected fit.parameters")}
	}
	vec, err := scene.NewVector(s)
	if err != nil {
		return nil, &InputError{err}
	}
	for _, b := range vec.Blocks() {
		if b.Kind == scene.KindPerPixel {
			return nil, &InputError{fmt.Errorf("fit: %s is given per pixel: its derivatives can not be checked one by one", b.Path)}
		}
	}
	o.Seeds, o.Size = max(orElse(o.Seeds, 8), 3), orElse(o.Size, 48)
	c := &checker{CheckOptions: o, vec: vec, report: &GradientCheck{Event: "check", OK: true, Rows: []GradientRow{}, Seeds: o.Seeds},
		live:   kernel.New(kernel.Options{Workers: o.Workers, Memory: o.Memory}),
		oracle: kernel.New(kernel.Options{Workers: o.Workers, Precision: kernel.Float64, Memory: o.Memory})}
	defer c.live.Close()
	defer c.oracle.Close()
	views := vec.Scene().Views
	if o.View != "" {
		v, err := viewOf(vec.Scene(), o.View)
		if err != nil {
			return nil, err
		}
		views = []scene.View{*v}
	}
	c.total = len(views) * vec.Dim()
	for i := range views {
		if err := c.view(ctx, &views[i]); err != nil {
			return nil, err
		}
	}
	return c.report, nil
}

func orElse(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// viewCheck is the check of one view.
type viewCheck struct {
	*checker
	*response
	scene        *scene.Scene
	spec         *scene.View
	live, oracle *render.View
	weights      []float64 // of the image's values
	seeds        []seedCheck
}

// seedCheck is what one seed gives for all local coordinates.
type seedCheck struct {
	seed    uint32
	reverse []float64
}

// view checks one view.
func (c *checker) view(ctx context.Context, spec *scene.View) error {
	s := c.vec.Scene()
	v := &viewCheck{checker: c, response: responseOf(c.vec, spec.Name), scene: s, spec: spec}
	camera := s.Camera(spec.Camera)
	o := render.Options{Samples: orElse(c.Samples, 16),
		Scale: (max(camera.Resolution[0], camera.Resolution[1]) + c.Size - 1) / c.Size}
	var err error
	if v.oracle, err = render.NewView(c.oracle, s, spec.Name, o); err != nil {
		return &InputError{err}
	}
	defer v.oracle.Close()
	o.Params = v.params
	if v.live, err = render.NewView(c.live, s, spec.Name, o); err != nil {
		return &InputError{err}
	}
	defer v.live.Close()
	v.weights = smoothWeights(v.live)
	if err := v.reverseAll(ctx); err != nil {
		return err
	}
	if err := v.dotProduct(ctx); err != nil {
		return err
	}
	for d, name := range c.vec.Names() {
		row, err := v.row(ctx, d, name)
		if err != nil {
			return err
		}
		c.add(row)
	}
	return nil
}

func (c *checker) add(row GradientRow) {
	c.report.Rows = append(c.report.Rows, row)
	if row.Verdict != Agrees && row.Verdict != NoEffect && row.Verdict != Unsure {
		c.report.OK = false
	}
	c.done++
	if c.OnRow != nil {
		c.OnRow(c.done, c.total)
	}
}

// smoothWeights are positive weights, 1 in the mean over the image, that vary
// by one wave or so over it, another one for every channel.
func smoothWeights(view *render.View) []float64 {
	width, height := view.Size()
	random := &scene.Random{Key: 11, Stream: 1}
	out := make([]float64, 3*width*height)
	for c := range 3 {
		kx, ky, phase := 3*random.Float64()-1.5, 3*random.Float64()-1.5, random.Float64()
		for i := range width * height {
			x, y := float64(i%width)/float64(width), float64(i/width)/float64(height)
			out[3*i+c] = (1 + 0.8*math.Cos(2*math.Pi*(kx*x+ky*y+phase))) / float64(len(out))
		}
	}
	return out
}

// reverseAll runs reverse mode at every seed.
func (v *viewCheck) reverseAll(ctx context.Context) error {
	for k := range v.Seeds {
		sc := seedCheck{seed: uint32(1000 + k)}
		v.live.SetSeed(sc.seed)
		radiance, gradient, err := v.gradient(ctx)
		if err != nil {
			return err
		}
		for d, tangent := range v.tangents {
			sum := 0.0
			for i, t := range tangent {
				sum += t * gradient[i]
			}
			for i, w := range v.weights {
				sum += w * (v.gain[d]*float64(radiance[i]) + v.bias[d])
			}
			sc.reverse = append(sc.reverse, sum)
		}
		v.seeds = append(v.seeds, sc)
	}
	return nil
}

func (v *viewCheck) gradient(ctx context.Context) ([]float32, []float64, error) {
	if len(v.params) == 0 {
		radiance, err := v.live.Render(ctx, v.scene)
		return radiance, nil, err
	}
	adjoint := make([]float32, len(v.weights))
	for i, w := range v.weights {
		adjoint[i] = float32(w * v.spec.Gain)
	}
	return v.live.Gradient(ctx, v.scene, adjoint)
}

// dotProduct checks <w, J u> = <J^T w, u> at the first seed.
func (v *viewCheck) dotProduct(ctx context.Context) error {
	if len(v.params) == 0 {
		return nil
	}
	random := &scene.Random{Key: 12, Stream: 1}
	u := make([]float64, len(v.params))
	for i := range u {
		u[i] = 2*random.Float64() - 1
	}
	v.live.SetSeed(v.seeds[0].seed)
	_, rate, err := v.live.Forward(ctx, v.scene, u)
	if err != nil {
		return err
	}
	_, gradient, err := v.gradient(ctx)
	if err != nil {
		return err
	}
	forward, size, reverse := 0.0, 0.0, 0.0
	for i, x := range rate {
		term := v.weights[i] * v.spec.Gain * float64(x)
		forward, size = forward+term, size+math.Abs(term)
	}
	for i, g := range gradient {
		reverse += g * u[i]
	}
	if size > 0 {
		off := math.Abs(forward-reverse) / size
		v.report.DotProduct = Number(math.Max(float64(v.report.DotProduct), off))
		if !(off <= modeError) {
			v.report.OK = false
		}
	}
	return nil
}

// row checks local coordinate d.
func (v *viewCheck) row(ctx context.Context, d int, name string) (GradientRow, error) {
	row := GradientRow{View: v.spec.Name, Name: name}
	v.live.SetSeed(v.seeds[0].seed)
	radiance, tangent, err := v.forward(ctx, v.live, v.scene, d)
	if err != nil {
		return row, err
	}
	rate := v.rate(v.spec, d, radiance, tangent)
	forward, size := 0.0, 0.0
	for i, x := range rate {
		forward, size = forward+v.weights[i]*x, size+v.weights[i]*math.Abs(x)
	}
	h := math.Min(stepFor(radiance, rate), v.longest(d))
	var off, differences []float64
	reverse := 0.0
	for _, sc := range v.seeds {
		difference, err := v.difference(ctx, d, h, sc.seed)
		if err != nil {
			return row, err
		}
		off, differences = append(off, sc.reverse[d]-difference), append(differences, difference)
		reverse += sc.reverse[d] / float64(len(v.seeds))
	}
	bias, spread := meanAndError(off)
	difference, noise := meanAndError(differences)
	row.Reverse, row.Forward, row.Difference = Number(reverse), Number(forward), Number(difference)
	freedom := float64(len(off) - 1)
	row.Interval = Number(spread * optim.StudentQuantile(0.95, freedom))
	row.Verdict = verdict(judged{reverse: reverse, first: v.seeds[0].reverse[d], forward: forward, difference: difference,
		bias: bias, size: size, margin: spread * optim.StudentQuantile(0.999, freedom), noise: noise * optim.StudentQuantile(0.999, freedom)})
	return row, nil
}

// judged is what a verdict depends on.
type judged struct {
	reverse, difference, bias float64 // means over the seeds; bias of reverse - difference
	first, forward            float64 // both modes at the first seed
	size                      float64 // <|w|, |J e|>
	margin, noise             float64 // of bias and of difference, 99.9 %
}

func verdict(j judged) Verdict {
	allowed := relativeBias*math.Abs(j.difference) + absoluteBias*j.size
	seen := math.Abs(j.difference) > j.noise
	switch {
	case j.reverse == 0 && j.difference == 0:
		return NoEffect
	case !(math.Abs(j.first-j.forward) <= modeError*j.size):
		return ModesDiffer
	case seen && math.Abs(j.reverse) <= 1e-3*math.Abs(j.difference) && j.size <= 1e-2*math.Abs(j.difference):
		return SilentlyZero
	case !(math.Abs(j.bias) <= allowed+j.margin):
		return Disagrees
	case j.margin > math.Max(math.Abs(j.difference), 0.1*j.size):
		return Unsure
	}
	return Agrees
}

// difference extrapolates central differences of the oracle.
func (v *viewCheck) difference(ctx context.Context, d int, h float64, seed uint32) (float64, error) {
	v.oracle.SetSeed(seed)
	slope := func(h float64) (float64, error) {
		up, err := v.value(ctx, d, h)
		if err != nil {
			return 0, err
		}
		down, err := v.value(ctx, d, -h)
		return (up - down) / (2 * h), err
	}
	coarse, err := slope(h)
	if err != nil {
		return 0, err
	}
	fine, err := slope(h / 2)
	return (4*fine - coarse) / 3, err
}

// value is the weighted sum of the oracle's image a step along d.
func (v *viewCheck) value(ctx context.Context, d int, h float64) (float64, error) {
	delta := make([]float64, v.vec.Dim())
	delta[d] = h
	s := v.vec.Retract(delta)
	radiance, err := v.oracle.RenderF64(ctx, s)
	if err != nil {
		return 0, err
	}
	spec, sum := s.View(v.spec.Name), 0.0
	for i, x := range radiance {
		sum += v.weights[i] * (spec.Gain*x + spec.Bias)
	}
	return sum, nil
}

// stepFor returns the step that changes what changes much by about half of
// the image's contrast: an edge moves by half a pixel then.
func stepFor(radiance []float32, rate []float64) float64 {
	low, high := math.Inf(1), math.Inf(-1)
	for _, x := range radiance {
		low, high = math.Min(low, float64(x)), math.Max(high, float64(x))
	}
	var moving []float64
	for _, x := range rate {
		if x != 0 {
			moving = append(moving, math.Abs(x))
		}
	}
	if len(moving) == 0 || high-low <= 0 {
		return 0.02
	}
	slices.Sort(moving)
	return 0.5 * (high - low) / moving[len(moving)*49/50]
}

// longest is the longest step along local coordinate d: beyond it a scene is
// another one.
func (v *viewCheck) longest(d int) float64 {
	for _, b := range v.vec.Blocks() {
		i := d - b.Offset
		if i < 0 || i >= b.Dofs {
			continue
		}
		values, err := v.scene.Get(b.Path)
		if length := b.Kind == scene.KindFree || b.Kind == scene.KindPose && i >= 3; err == nil && length && i < len(values) {
			return 0.1 * math.Max(1, math.Abs(values[i]))
		}
	}
	return 0.5 // relative, radians or logistic
}

// meanAndError returns the mean and its standard error.
func meanAndError(x []float64) (mean, stderr float64) {
	n := float64(len(x))
	for _, v := range x {
		mean += v / n
	}
	for _, v := range x {
		stderr += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(stderr / (n - 1) / n)
}

// WriteTable writes the check as an aligned table.
func (g *GradientCheck) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "view\tparameter\treverse\tforward\tdifference\t+-\tverdict")
	for _, r := range g.Rows {
		fmt.Fprintf(t, "%s\t%s\t%.5g\t%.5g\t%.5g\t%.2g\t%s\n", r.View, r.Name, float64(r.Reverse), float64(r.Forward), float64(r.Difference), float64(r.Interval), r.Verdict)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "dot-product identity <w, J u> = <J^T w, u>: off by %.2g\n", float64(g.DotProduct))
	return err
}
