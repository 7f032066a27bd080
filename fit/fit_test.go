package fit

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/scene"
)

const twoViews = "  - {camera: camera}\n  - {camera: side}"

// splats parses the scene with these views and further lines of fit.
func splats(t *testing.T, views, fit string) *scene.Scene {
	t.Helper()
	text := strings.Replace(strings.Replace(splatScene, "VIEWS", views, 1), "FIT", fit, 1)
	s, err := scene.Parse("scene.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func fitSplats(t *testing.T, s *scene.Scene, o Options) *Result {
	t.Helper()
	r, err := run(t.Context(), s, o, openSplat)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// worst is the largest deviation from the truth, in standard errors, and
// absolute.
func worst(t *testing.T, r *Result) (inErrors, absolute float64) {
	t.Helper()
	for _, p := range r.Params {
		if len(p.Truth) != len(p.Value) {
			t.Fatalf("%s has truth %v", p.Path, p.Truth)
		}
		for i := range p.Value {
			d := math.Abs(float64(p.Value[i] - p.Truth[i]))
			absolute = math.Max(absolute, d)
			inErrors = math.Max(inErrors, d/float64(p.Stderr[i]))
		}
	}
	return inErrors, absolute
}

func TestFit(t *testing.T) {
	for _, row := range []struct {
		name, views, fit string
		inErrors         float64 // largest deviation allowed, in standard errors
		absolute         float64
	}{
		{"two views", twoViews, "", 3.5, 0.03},
		{"pyramid", twoViews, "  pyramid: [2, 1]", 3.5, 0.03},
		{"huber", twoViews, "  loss: {huber: {width: 0.02}}", 3.5, 0.03},
		{"l1", twoViews, "  loss: {l1: {epsilon: 0.005}}", 3.5, 0.04},
		{"relative", twoViews, "  loss: {relative_l2: {epsilon: 0.1}}", 3.5, 0.04},
		{"mask by object", "  - {camera: camera, mask: {object: ball}}\n  - {camera: side}", "  pyramid: [2, 1]", 3.5, 0.04},
		{"rectangle", "  - {camera: camera, mask: {rectangle: [4, 2, 28, 22], margin: 1}}\n  - {camera: side}", "", 3.5, 0.04},
		{"adam", twoViews, "  optimizer: {adam: {iterations: 600, rate: 0.02}}", 4, 0.04},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := fitSplats(t, splats(t, row.views, row.fit), Options{})
			inErrors, absolute := worst(t, r)
			if inErrors > row.inErrors || absolute > row.absolute || len(r.Undetermined) != 0 {
				var b bytes.Buffer
				r.WriteTable(&b)
				t.Errorf("off by %.1f standard errors, %g; stopped by %s after %d\n%s", inErrors, absolute, r.Reason, r.Iterations, &b)
			}
			if r.Loss > r.StartLoss/3 || r.Loss <= 0 {
				t.Errorf("loss %g from %g", r.Loss, r.StartLoss)
			}
		})
	}
}

func TestUndetermined(t *testing.T) {
	r := fitSplats(t, splats(t, "  - {camera: camera}", ""), Options{})
	if len(r.Undetermined) != 1 {
		t.Fatalf("undetermined: %v", r.Undetermined)
	}
	c := r.Undetermined[0]
	z, radius := float64(r.Params[0].Value[2]), float64(r.Params[1].Value[0])
	if q := float64(c["ball.radius"] / c["ball.center.z"]); math.Abs(q-radius/z) > 0.01 || len(c) > 4 {
		t.Errorf("direction %v at z %g, radius %g", c, z, radius)
	}
	if math.Abs(radius/z+0.1) > 0.005 {
		t.Errorf("radius / z is %g", radius/z)
	}
	if r.Params[0].Stderr[2].Finite() || r.Params[1].Stderr[0].Finite() || !r.Params[2].Stderr[0].Finite() {
		t.Errorf("standard errors: %v", r.Params)
	}
	if w := r.Warnings(); len(w) == 0 || !strings.Contains(w[0], "ball.radius") {
		t.Errorf("warnings %q", w)
	}
}

func TestGainAndBias(t *testing.T) {
	s := splats(t, "  - {camera: camera, gain: 0.8, bias: 0.02}\n  - {camera: side}", "")
	s.Fit.Parameters = append(s.Fit.Parameters,
		scene.Parameter{Path: "view0.gain", Start: []float64{1}, Truth: []float64{0.8}},
		scene.Parameter{Path: "view0.bias", Start: []float64{0}, Truth: []float64{0.02}})
	r := fitSplats(t, s, Options{})
	if inErrors, absolute := worst(t, r); inErrors > 3.5 || absolute > 0.03 {
		t.Errorf("off by %.1f standard errors, %g", inErrors, absolute)
	}
}

func TestStarts(t *testing.T) {
	// started forty radii off sideways, LM sees no slope; a grid of starts does
	far := func(extra string) *scene.Scene {
		s := splats(t, twoViews, extra)
		s.Fit.Parameters[0].Start = []float64{-1.3, 0, -3}
		s.Fit.Parameters[1].Start = []float64{0.03}
		return s
	}
	if _, absolute := worst(t, fitSplats(t, far(""), Options{})); absolute < 0.1 {
		t.Fatal("the far start needs no hypotheses")
	}
	var seen int
	r := fitSplats(t, far("  starts: {coarse: 3, keep: 2, grid: [{path: ball.center.x, from: 0, to: 2, count: 5}, {path: ball.radius, from: 0, to: 0.3, count: 2}]}"), Options{
		OnEvent: func(e Event) {
			if e.Kind == StartEvent {
				seen++
			}
		}})
	if inErrors, _ := worst(t, r); inErrors > 3.5 || r.Hypotheses != 10 || seen != 10 || r.Chosen == 0 {
		t.Errorf("off by %.1f; %d of %d, %d events", inErrors, r.Chosen, r.Hypotheses, seen)
	}
}

// TestSameBits holds that the number of cores does not change a bit.
func TestSameBits(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one := fitSplats(t, splats(t, twoViews, ""), Options{})
	runtime.GOMAXPROCS(3)
	three := fitSplats(t, splats(t, twoViews, ""), Options{})
	for i, p := range one.Params {
		if !slices.Equal(p.Value, three.Params[i].Value) || !slices.Equal(p.Stderr, three.Params[i].Stderr) {
			t.Errorf("%s: %v and %v", p.Path, p, three.Params[i])
		}
	}
}

// TestCoverage draws the noise many times: 95 % intervals have to hold the
// truth about as often.
func TestCoverage(t *testing.T) {
	const draws = 40
	hits, total := 0, 0
	for k := range draws {
		s := splats(t, twoViews, "")
		s.Fit.Synthetic.Seed = 100 + k
		r := fitSplats(t, s, Options{})
		for _, p := range r.Params {
			for i := range p.Value {
				total++
				if math.Abs(float64(p.Value[i]-p.Truth[i])) < float64(r.Interval*p.Stderr[i]) {
					hits++
				}
			}
		}
	}
	if share := float64(hits) / float64(total); share < 0.90 || share > 0.99 {
		t.Errorf("intervals hold the truth %.3f of the time", share)
	}
}

func TestRunFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	var last Event
	r := fitSplats(t, splats(t, twoViews, ""), Options{Folder: dir, OnEvent: func(e Event) { last = e }})
	if last.Kind != ResultEvent || last.Result != r {
		t.Error("the result is not the last event")
	}
	for _, name := range []string{"view0-start.png", "view0-end.png", "view1-target.png", "view1-difference.png"} {
		if im, err := film.Load(filepath.Join(dir, name), film.SRGB); err != nil || im.Width != 32 {
			t.Errorf("%s: %v", name, err)
		}
	}
	fitted, err := scene.Load(filepath.Join(dir, "scene.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if radius, _ := fitted.Get("ball.radius"); radius[0] != float64(r.Params[1].Value[0]) {
		t.Errorf("scene.yaml has radius %g, fitted %g", radius[0], r.Params[1].Value[0])
	}
	report, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"<svg", "data:image/png;base64,", "ball.center.x", "cluster-robust"} {
		if !bytes.Contains(report, []byte(part)) {
			t.Errorf("report has no %s", part)
		}
	}
	for _, part := range []string{"<script", "src=\"http", "href="} {
		if bytes.Contains(report, []byte(part)) {
			t.Errorf("report has %s", part)
		}
	}
	checkMetrics(t, filepath.Join(dir, "metrics.jsonl"), r)
}

func checkMetrics(t *testing.T, path string, r *Result) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	for i, line := range lines {
		var e struct {
			Event  string
			Loss   float64
			Params []struct {
				Path                        string
				Start, Value, Stderr, Truth []float64
			}
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if isLast := i == len(lines)-1; isLast != (e.Event == "result") || e.Loss <= 0 {
			t.Errorf("line %d is %s", i, line)
		} else if isLast && (len(e.Params) != 3 || len(e.Params[0].Truth) != 3) {
			t.Errorf("result is %s", line)
		}
	}
	if len(lines) != r.Iterations+2 {
		t.Errorf("%d lines for %d iterations", len(lines), r.Iterations)
	}
}

func TestCancel(t *testing.T) {
	for _, row := range []struct {
		name, fit string
		after     int
	}{{"lm", "", 2}, {"adam", "  optimizer: {adam: {}}", 5}, {"starts", "  starts: {count: 9}", 1}} {
		t.Run(row.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			dir := t.TempDir()
			s := splats(t, twoViews, row.fit)
			for i := range s.Fit.Parameters {
				s.Fit.Parameters[i].Range = []float64{0.05}
			}
			r, err := run(ctx, s, Options{Folder: dir, OnEvent: func(e Event) {
				if e.Kind == StepEvent && e.Step.Iteration == row.after {
					cancel()
				}
				if e.Kind == StartEvent && e.Hypothesis.Index == row.after {
					cancel()
				}
			}}, openSplat)
			if err != nil || r.Reason != "cancelled" || r.Loss > r.StartLoss {
				t.Fatalf("%+v, %v", r, err)
			}
			if _, err := os.Stat(filepath.Join(dir, "report.html")); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	small := film.New(8, 8, 3)
	nan := film.New(32, 24, 3)
	nan.Pix[7] = float32(math.NaN())
	for name, im := range map[string]*film.Image{"small.pfm": small, "nan.pfm": nan} {
		if err := film.Save(filepath.Join(dir, name), im, film.Output{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "cut.png"), []byte("\x89PNG\r\n\x1a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ view, want string }{
		{"{camera: camera, image: none.png}", "none.png"},
		{"{camera: camera, image: cut.png}", "cut.png"},
		{"{camera: camera, image: small.pfm}", "is 8x8, expected 32x24"},
		{"{camera: camera, image: nan.pfm}", "NaN"},
		{"{camera: camera, mask: small.pfm}", "expected 32x24"},
		{"{camera: camera, valid: [5, 6]}", "no pixel counts"},
	} {
		s := splats(t, "  - "+row.view, "")
		s.Dir = dir
		out := filepath.Join(dir, "out")
		if _, err := run(t.Context(), s, Options{Folder: out}, openSplat); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %s", row.view, err, row.want)
		}
		if _, err := os.Stat(filepath.Join(out, "report.html")); err == nil {
			t.Errorf("%s: leaves a report", row.view)
		}
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t.Context(), splats(t, twoViews, ""), Options{Folder: file}, openSplat); err == nil {
		t.Error("a file is taken as run folder")
	}
}

// TestGradientAgreesWithNormal compares reverse mode, the normal equations and differences of the cost.
func TestGradientAgreesWithNormal(t *testing.T) {
	s := splats(t, twoViews, "  loss: {huber: {width: 0.02}}")
	f, err := newFitter(s, Options{}, openSplat)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.loadTargets(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := f.openLevel(f.vec, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	p := l.problem(f.vec)
	normal := newNormalOf(t, p, pointOf(f.vec))
	gradient := make([]float64, f.vec.Dim())
	cost, err := l.gradient(t.Context(), f.vec, f.vec.JacobianPhys(), gradient)
	if err != nil || math.Abs(cost-normal.Cost) > 1e-12*cost {
		t.Errorf("cost %g and %g, %v", cost, normal.Cost, err)
	}
	moved := pointOf(f.vec)
	for d := range gradient {
		const h = 1e-5
		delta := make([]float64, f.vec.Dim())
		delta[d] = h
		p.Retract(pointOf(f.vec), delta, moved)
		high, _ := p.Cost(t.Context(), moved)
		delta[d] = -h
		p.Retract(pointOf(f.vec), delta, moved)
		low, _ := p.Cost(t.Context(), moved)
		numeric := (high - low) / (2 * h)
		size := math.Abs(numeric) + 0.1
		if math.Abs(gradient[d]-numeric) > 1e-2*size || math.Abs(gradient[d]-normal.Jtr[d]) > 1e-4*size {
			t.Errorf("coordinate %d: reverse %g, normal equations %g, differences %g", d, gradient[d], normal.Jtr[d], numeric)
		}
	}
}

func newNormalOf(t *testing.T, p optim.Problem, x []float64) *optim.Normal {
	t.Helper()
	e := optim.NewNormal(p.Size)
	if err := p.Linearize(t.Context(), x, e); err != nil {
		t.Fatal(err)
	}
	return e
}

// TestUnusable spoils one pixel's derivative.
func TestUnusable(t *testing.T) {
	open := func(s *scene.Scene, view string, o viewOptions) (openView, error) {
		v, err := openSplat(s, view, o)
		v.(*splat).spoilt = true
		return v, err
	}
	r, err := run(t.Context(), splats(t, twoViews, ""), Options{}, open)
	if err != nil {
		t.Fatal(err)
	}
	if inErrors, _ := worst(t, r); inErrors > 3.5 || r.Unusable != 2 || len(r.Warnings()) != 1 {
		t.Errorf("off by %.1f, %d unusable, %q", inErrors, r.Unusable, r.Warnings())
	}
}

// TestOddSizes: a reduced image whose sides the factor does not divide has its
// pixels where the renderer has them, those that the border cuts left out.
func TestOddSizes(t *testing.T) {
	e := newEngine(0, kernel.Memory{})
	defer e.Close()
	s := splats(t, "  - {camera: camera}", "")
	s.Cameras[0].Resolution = [2]int{33, 27}
	f, err := newFitter(s, Options{}, e.open)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	if err := f.loadTargets(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := f.openLevel(f.vec, 4, true)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	v := l.views[0]
	if w, h := v.view.Size(); w != v.width || h != v.height || len(v.pixels) != 8*6 {
		t.Errorf("%d of %dx%d pixels, the renderer has %dx%d", len(v.pixels), v.width, v.height, w, h)
	}
	start, err := l.cost(t.Context(), f.vec)
	if err != nil {
		t.Fatal(err)
	}
	if end, err := l.cost(t.Context(), f.vec.At(f.truth)); err != nil || !(end < 0.02*start) {
		t.Errorf("cost %g at the truth, %g at the start (%v)", end, start, err)
	}
}
