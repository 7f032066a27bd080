package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"text/tabwriter"

	"github.com/baremetaldevx86/microdr/bench"
	"github.com/baremetaldevx86/microdr/fit"
	"github.com/baremetaldevx86/microdr/render"
)

// kernelProfile runs the module and tells how long its stages take.
func (a *app) kernelProfile(ctx context.Context, path string, o kernelOptions) error {
	var p bench.Profiler
	k, err := a.openKernel(path, o, p.Observe)
	if err != nil {
		return err
	}
	defer k.close()
	m, err := k.view.Module(k.mode)
	if err != nil {
		return inputError{err}
	}
	if err := o.checkStage(m); err != nil {
		return err
	}
	run, err := k.runner()
	if err != nil {
		return err
	}
	show := newProgress(a.stderr, a.quiet)
	r := &report{options: o, path: path, kernelView: k, cpu: bench.CPU(), workers: a.workers}
	if r.workers == 0 {
		r.workers = runtime.GOMAXPROCS(0)
	}
	r.Profile, err = p.Profile(ctx, bench.ProfileOptions{Engine: k.engine, Workers: a.workers, Rounds: o.rounds,
		Progress: func(line string) { show.show(line, false) }}, run)
	show.clear()
	if err != nil {
		return err
	}
	if a.json {
		return a.reportJSON(r)
	}
	if err := r.write(a.stdout); err != nil {
		return outputError{err}
	}
	return nil
}

// runner returns what computes the view in its mode once, as a fit or the command render would.
func (k *kernelView) runner() (func(context.Context) error, error) {
	params, n := len(k.view.Columns()), 3*len(k.view.Pixels())
	switch k.mode {
	case render.Forward:
		tangent := fill(make([]float64, params), 1)
		return func(ctx context.Context) error { _, _, err := k.view.Forward(ctx, k.scene, tangent); return err }, nil
	case render.Reverse:
		adjoint := fill(make([]float32, n), 1)
		return func(ctx context.Context) error { _, _, err := k.view.Gradient(ctx, k.scene, adjoint); return err }, nil
	case render.Jacobian:
		return func(ctx context.Context) error { _, _, err := k.view.Jacobian(ctx, k.scene); return err }, nil
	case render.Cover:
		if len(k.scene.Objects) == 0 {
			return nil, inputError{errors.New("the scene has no objects to cover anything")}
		}
		object := k.scene.Objects[k.scene.Roots()[0]].Name
		return func(ctx context.Context) error { _, err := k.view.MaskOf(ctx, k.scene, object, 0); return err }, nil
	}
	return func(ctx context.Context) error { _, err := k.view.Render(ctx, k.scene); return err }, nil
}

func fill[T any](list []T, x T) []T {
	for i := range list {
		list[i] = x
	}
	return list
}

// report is what `microdr kernel --profile` shows.
type report struct {
	options kernelOptions
	*kernelView
	*bench.Profile
	path, cpu string
	workers   int
}

// write shows the profile to people.
func (r *report) write(w io.Writer) error {
	width, height := r.view.Size()
	fmt.Fprintf(w, "%s, view %s, mode %v: %dx%d pixels\n", r.path, r.name, r.mode, width, height)
	cpu := r.cpu
	if cpu == "" {
		cpu = "unknown processor (" + runtime.GOARCH + ")"
	}
	fmt.Fprintf(w, "%s; %s; %s; median of %s\n\n", cpu, backendNames(r.engine.Backend()), count(r.workers, "worker"), count(r.Rounds, "round"))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "stage\tkind\ttime\tshare\tlanes\tlanes/s\tns/lane\tflop/lane\tGFLOP/s\tof peak\tbytes/lane\tGB/s\tof peak\t")
	for _, s := range r.Stages {
		if r.options.wants(s.Name) {
			fmt.Fprintln(t, strings.Join(r.row(&s), "\t")+"\t")
		}
	}
	fmt.Fprintf(t, "(the rest)\t\t%s\t%s\t\n", millis(r.Rest), percent(r.RestShare))
	fmt.Fprintf(t, "all\t\t%s\t%s\t\n", millis(r.Seconds), percent(1))
	t.Flush()
	_, err := fmt.Fprint(w, "\n", r.legend())
	return err
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// row is a stage's line of the table.
func (r *report) row(s *bench.StageProfile) []string {
	row := []string{s.Name, s.Kind.String(), millis(s.Seconds), percent(s.Share)}
	if s.Lanes == 0 {
		return row
	}
	lanes := float64(s.Lanes)
	row = append(row, fmt.Sprint(s.Lanes), figure(lanes/s.Seconds/1e6)+" M", figure(s.Seconds/lanes*1e9))
	fma, bytes := math.NaN(), math.NaN()
	if p := r.Peaks; p != nil {
		fma, bytes = p.FMA, p.Bytes
	}
	row = append(row, figure(s.Flops/lanes), figure(s.Flops/s.Seconds/1e9), percent(s.Flops/s.Seconds/fma))
	return append(row, figure(s.Bytes/lanes), figure(s.Bytes/s.Seconds/1e9), percent(s.Bytes/s.Seconds/bytes))
}

// legend tells what the columns are compared with.
func (r *report) legend() string {
	text := `Each time is a median of its own, so that few rounds need not add up.
lanes: samples, for a reduction elements. flop: sums, products, quotients, roots, minima, maxima, and two for
a fused multiply-add, iterations of loops as counted in a run. bytes: elements read from buffers and written.
`
	p := r.Peaks
	if p == nil {
		return text + "No peaks: there is no machine code here to measure them with.\n"
	}
	return text + fmt.Sprintf(`peaks, measured in the same rounds with %s:
  multiply-adds in registers  %s GFLOP/s by one worker, %s by %d
  triad over %d MB           %s GB/s by one worker, %s by %d; what caches hold may be faster
`, p.Backend, figure(p.OneFMA/1e9), figure(p.FMA/1e9), p.Workers, bench.TriadMemory>>20, figure(p.One/1e9), figure(p.Bytes/1e9), p.Workers)
}

func millis(seconds float64) string { return fmt.Sprintf("%.3f ms", seconds*1e3) }

func percent(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", x*100)
}

// figure prints a number with three digits or all before the point; - for what is not known.
func figure(x float64) string {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return "-"
	case math.Abs(x) >= 100:
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.3g", x)
}

// stageTime and profileEnd are the lines of the profile's JSON. What is not known is null.
type stageTime struct {
	Event   string     `json:"event"` // "stage"
	Stage   string     `json:"stage"`
	Kind    string     `json:"kind"`
	Seconds float64    `json:"seconds"`
	Share   float64    `json:"share"`
	Lanes   int        `json:"lanes"`
	Flops   fit.Number `json:"flops"` // of all lanes
	Bytes   fit.Number `json:"bytes"`
	OfFMA   fit.Number `json:"of_fma_peak"`
	OfBytes fit.Number `json:"of_bandwidth"`
}

type profileEnd struct {
	Event   string     `json:"event"` // "result"
	View    string     `json:"view"`
	Mode    string     `json:"mode"`
	CPU     string     `json:"cpu,omitempty"`
	Backend string     `json:"backend"`
	Workers int        `json:"workers"`
	Rounds  int        `json:"rounds"`
	Seconds float64    `json:"seconds"`
	Rest    float64    `json:"rest_seconds"` // outside of the stages
	Peaks   *peaksLine `json:"peaks"`
}

type peaksLine struct {
	Backend string  `json:"backend"`
	OneFMA  float64 `json:"fma_one_worker"` // operations a second
	FMA     float64 `json:"fma"`
	One     float64 `json:"bandwidth_one_worker"` // bytes a second
	Bytes   float64 `json:"bandwidth"`
}

func (a *app) reportJSON(r *report) error {
	end := profileEnd{Event: "result", View: r.name, Mode: r.mode.String(), CPU: r.cpu, Backend: string(r.engine.Backend()),
		Workers: r.workers, Rounds: r.Rounds, Seconds: r.Seconds, Rest: r.Rest}
	fma, bytes := math.NaN(), math.NaN()
	if p := r.Peaks; p != nil {
		end.Peaks = &peaksLine{string(p.Backend), p.OneFMA, p.FMA, p.One, p.Bytes}
		fma, bytes = p.FMA, p.Bytes
	}
	for _, s := range r.Stages {
		if !r.options.wants(s.Name) {
			continue
		}
		line := stageTime{"stage", s.Name, s.Kind.String(), s.Seconds, s.Share, s.Lanes, fit.Number(s.Flops), fit.Number(s.Bytes),
			fit.Number(s.Flops / s.Seconds / fma), fit.Number(s.Bytes / s.Seconds / bytes)}
		if err := a.writeJSON(line); err != nil {
			return err
		}
	}
	a.finished = true
	return a.writeJSON(end)
}
