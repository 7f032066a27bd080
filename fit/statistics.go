package fit

import (
	"context"
	"math"

	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/scene"
)

// The error bars. Residuals of images are correlated: a texture, an edge or a
// flaw of the model makes neighbours err together. So scores are summed over
// squares of pixels before they are squared (optim.Clusters); squares are
// halved until there are enough of them for the estimate to mean something.
const (
	leastClusters       = 40 // informative ones, and
	clustersByParameter = 4  // so many for every parameter
)

// A direction counts as undetermined when its curvature, in scaled coordinates
// and relative to the largest, is at or below a limit: the square of what the
// derivatives are known to. Float32 arithmetic leaves 1e-4 of them at worst
// where effects cancel; terms of edges that are sampled leave 1 %.
const (
	undeterminedExact   = 1e-8
	undeterminedSampled = 1e-4
)

// undetermined is the limit for the level's derivatives.
func (l *level) undetermined() float64 {
	if l.sampled() {
		return undeterminedSampled
	}
	return undeterminedExact
}

// sampled reports whether any view's samples are random.
func (l *level) sampled() bool {
	for _, v := range l.views {
		if v.slope != v.view {
			return true
		}
	}
	return false
}

// negligible is the share of a scaled direction below which a parameter is
// left out of its name.
const negligible = 0.01

// assess makes the result at the end of a fit: loss, error bars, undetermined
// directions.
func (f *fitter) assess(ctx context.Context, end outcome) (*Result, error) {
	l, err := f.openLevel(ctx, end.vec, f.pyramid()[len(f.pyramid())-1], false)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if err := l.aim(ctx, end.vec.Scene()); err != nil {
		return nil, err
	}
	r := &Result{Event: "result", Reason: string(end.reason), Hypotheses: f.tried, Chosen: f.chosen, Folder: f.Folder}
	e, err := f.gather(ctx, l, end)
	if err != nil {
		return nil, err
	}
	vec, cost, err := f.lastStep(ctx, l, end, e)
	if err != nil {
		return nil, err
	}
	startCost, err := l.cost(ctx, f.first.Scene())
	if err != nil {
		return nil, err
	}
	r.StartLoss, r.Loss = l.mean(startCost), l.mean(cost)
	r.Iterations, r.Residuals, r.Scene = f.iteration, l.count, vec.Scene()
	r.Params = newParams(f.first, vec, f.vec.At(f.truth), func(b int) bool {
		return f.start.Fit.Parameters[f.vec.Blocks()[b].Parameter].Truth != nil
	})
	e.errorBars(vec, r)
	r.ClusterEdge, r.Clusters, r.Unusable = e.edge*l.scale, e.clusters.Informative(), e.unusable
	r.Seconds = f.seconds()
	return r, nil
}

// evidence is what the end of a fit says about its uncertainty.
type evidence struct {
	normal   *optim.Normal
	clusters *optim.Clusters
	subspace *optim.Subspace
	edge     int     // of the clusters, pixels of the level
	variance float64 // of a residual
	unusable int     // pixels
}

// furtherSeeds is how many more sets of samples the derivatives at the end are
// averaged over: their noise adds to J^T J and would make the error bars too
// small.
const furtherSeeds = 2

// gather linearizes the level at the end of a fit.
func (f *fitter) gather(ctx context.Context, l *level, end outcome) (*evidence, error) {
	n := end.vec.Dim()
	e := &evidence{normal: optim.NewNormal(n)}
	squares := 0.0
	var views []*linear
	for _, v := range l.views {
		lin, err := l.linearize(ctx, v, end.vec)
		if err == nil && end.reason != optim.Cancelled {
			err = f.average(ctx, lin, end.vec.Scene())
		}
		if err != nil {
			return nil, err
		}
		lin.findUnusable()
		lin.normal(l.loss, e.normal)
		squares += lin.squares(l.loss)
		for _, bad := range lin.unusable {
			if bad {
				e.unusable++
			}
		}
		views = append(views, lin)
	}
	e.normal.Symmetrize()
	e.clusters, e.edge = l.clusters(views, n, f.start.Fit.Cluster)
	e.subspace = optim.NewSubspace(e.clusters.Normal().JtJ, n, l.undetermined())
	e.variance = optim.ResidualVariance(squares, l.count, e.subspace.Rank())
	return e, nil
}

// average takes the derivatives of a sampled view as the mean over further
// sets of samples.
func (f *fitter) average(ctx context.Context, v *linear, s *scene.Scene) error {
	if v.slope == v.view {
		return nil
	}
	for k := range furtherSeeds {
		o := v.options
		o.seed += uint32(k+1) * slopeSeed
		view, err := f.open(s, v.name, o)
		if err != nil {
			return err
		}
		_, columns, err := view.Jacobian(ctx, s)
		view.Close()
		if err != nil {
			return err
		}
		for c, column := range columns {
			for i, x := range column {
				v.columns[c][i] += (x - v.columns[c][i]) / float32(k+2)
			}
		}
	}
	return nil
}

// lastStep is one more step of polish, with the averaged derivatives: it
// returns the point of which the error bars are, and its cost.
func (f *fitter) lastStep(ctx context.Context, l *level, end outcome, e *evidence) (*scene.Vector, float64, error) {
	if !l.sampled() || end.reason == optim.Cancelled || f.iteration >= f.limit {
		return end.vec, e.normal.Cost, nil
	}
	step := e.subspace.Step(e.normal.Jtr)
	if !within(step, limits(end.vec)) {
		return end.vec, e.normal.Cost, nil
	}
	vec := end.vec.At(end.vec.Retract(step))
	cost, err := l.cost(ctx, vec.Scene())
	if err != nil || !(cost <= polishSlack*e.normal.Cost) {
		return end.vec, e.normal.Cost, err
	}
	f.iteration++
	f.step(Step{Iteration: f.iteration, Loss: l.mean(cost), Level: l.scale, Accepted: true})
	return vec, cost, nil
}

// errorBars fills in the uncertainty of the parameters at vec.
func (e *evidence) errorBars(vec *scene.Vector, r *Result) {
	to := vec.PhysicalJacobian()
	r.Covariance = transform(e.clusters.Sandwich(e.subspace), to)
	plain := transform(optim.Covariance(e.subspace, e.variance), to)
	r.setErrors(to, e.subspace, r.Covariance, plain)
	r.Undetermined = combinations(r.names(), to, e.subspace)
}

// squares is the sum of the weighted squares, as the robust loss sees them.
func (v *linear) squares(loss optim.Loss) float64 {
	j := make([]float64, len(v.terms))
	sum := 0.0
	for i := range v.weights {
		w := v.weight(i)
		if w == 0 {
			continue
		}
		r := v.row(i, j)
		sum += w * loss.Weight(r) * r * r
	}
	return sum
}

// clusters sums the scores over squares, halving their edge (in pixels of the
// level) from the one asked for while there are too few.
func (l *level) clusters(views []*linear, dim, edge int) (*optim.Clusters, int) {
	if edge <= 0 {
		edge = 32
	}
	edge = max(1, edge/l.scale)
	enough := max(leastClusters, clustersByParameter*dim)
	for {
		c := l.clustersOf(views, dim, edge)
		if edge == 1 || c.Informative() >= enough {
			return c, edge
		}
		edge /= 2
	}
}

func (l *level) clustersOf(views []*linear, dim, edge int) *optim.Clusters {
	number := map[[3]int]int{} // view and square, numbered as they come
	var rows [][]int
	for k, v := range views {
		of := make([]int, len(v.pixels))
		for i, p := range v.pixels {
			key := [3]int{k, int(p) % v.width / edge, int(p) / v.width / edge}
			n, ok := number[key]
			if !ok {
				n = len(number)
				number[key] = n
			}
			of[i] = n
		}
		rows = append(rows, of)
	}
	c := optim.NewClusters(dim, len(number))
	j := make([]float64, dim)
	for k, v := range views {
		for i := range v.weights {
			w := v.weight(i)
			if w == 0 {
				continue
			}
			r := v.row(i, j)
			c.AddRow(rows[k][i/v.channels], j, w*l.loss.Weight(r)*r, w*l.loss.Curvature(r))
		}
	}
	return c
}

// transform returns T C T^T, row-major, for T of any number of rows.
func transform(c []float64, t [][]float64) []float64 {
	m := len(t)
	out := make([]float64, m*m)
	for a := range m {
		for b := range m {
			sum := 0.0
			for i, x := range t[a] {
				if x == 0 {
					continue
				}
				for j, y := range t[b] {
					if y != 0 {
						sum += x * c[i*len(t[a])+j] * y
					}
				}
			}
			out[a*m+b] = sum
		}
	}
	return out
}

// setErrors writes the standard errors to the parameters, in order. A number
// of which more than a hundredth lies in undetermined directions has none.
func (r *Result) setErrors(to [][]float64, sub *optim.Subspace, robust, plain []float64) {
	k, m := 0, len(to)
	for i := range r.Params {
		for c := range r.Params[i].Value {
			if determined(to[k], sub) {
				r.Params[i].Stderr[c] = Number(math.Sqrt(math.Max(0, robust[k*m+k])))
				r.Params[i].Plain[c] = Number(math.Sqrt(math.Max(0, plain[k*m+k])))
			}
			k++
		}
	}
}

// determined reports whether a number with these derivatives by the local
// coordinates is free of undetermined ones.
func determined(row []float64, sub *optim.Subspace) bool {
	for d, x := range row {
		if x != 0 && sub.Freedom(d) > negligible {
			return false
		}
	}
	return true
}

func (r *Result) names() []string {
	var names []string
	for _, p := range r.Params {
		names = append(names, p.Names...)
	}
	return names
}

// combinations names the undetermined directions by the report's numbers.
func combinations(names []string, to [][]float64, sub *optim.Subspace) []Combination {
	out := []Combination{}
	for _, d := range sub.Undetermined() {
		weights := make([]float64, len(names))
		largest := 0.0
		for k, row := range to {
			for i, x := range row {
				if math.Abs(d.Scaled[i]) > negligible {
					weights[k] += x * d.Weights[i]
				}
			}
			if math.Abs(weights[k]) > math.Abs(largest) {
				largest = weights[k]
			}
		}
		c := Combination{}
		for k, w := range weights {
			if w != 0 {
				c[names[k]] = Number(w / largest)
			}
		}
		out = append(out, c)
	}
	return out
}
