package fit

import (
	"context"
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/scene"
)

// The error bars. Residuals of images are correlated: a texture, an edge or a
// flaw of the model makes neighbours err together. So scores are summed over
// squares of pixels before they are squared (optim.Clusters). A variance from
// a few squares is hardly one: they are halved until every determined
// parameter rests on enough of them.
const (
	leastClusters  = 40 // with any effect, and
	leastEffective = 24 // of equal weight, for every parameter (optim.Clusters.Effective)
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
	l, err := f.lastLevel(ctx, end.vec)
	if err != nil {
		return nil, err
	}
	if err := l.aim(ctx, end.vec); err != nil {
		return nil, err
	}
	if end.reason == optim.Stalled && l.sampled() {
		end.reason = optim.SmallDecrease // what is left is the noise of the samples
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
	startCost, err := l.cost(ctx, f.vec)
	if err != nil {
		return nil, err
	}
	r.StartLoss, r.Loss = l.mean(startCost), l.mean(cost)
	r.Iterations, r.Residuals, r.Scene = f.iteration, l.count, vec.Scene()
	r.Params = newParams(f.vec, vec, f.vec.At(f.truth), func(b int) bool {
		return f.start.Fit.Parameters[f.vec.Blocks()[b].Parameter].Truth != nil
	})
	e.errorBars(vec, r)
	r.Explained = Number(e.explained)
	r.Interval = Number(optim.StudentQuantile(0.95, math.Max(1, weakest(e.clusters, e.subspace)-1)))
	r.ClusterEdge, r.Clusters, r.Unusable = e.edge*l.scale, e.clusters.Informative(), e.unusable
	if end.reason == optim.Cancelled {
		r.withholdErrors()
	}
	r.Seconds = f.seconds()
	return r, nil
}

// withholdErrors leaves the error bars out: they hold at an optimum, and a fit
// that was cut short has not reached one.
func (r *Result) withholdErrors() {
	for i := range r.Params {
		for c := range r.Params[i].Stderr {
			r.Params[i].Stderr[c], r.Params[i].Plain[c] = Number(math.NaN()), Number(math.NaN())
		}
	}
	r.Undetermined = []Combination{}
}

// evidence is what the end of a fit says about its uncertainty.
type evidence struct {
	normal   *optim.Normal
	clusters *optim.Clusters
	subspace *optim.Subspace
	edge     int     // of the clusters, pixels of the level
	variance float64 // of a residual
	unusable int     // pixels
	// explained is the share of the targets' weighted variance that the
	// residuals do not have.
	explained float64
}

// freshSeeds is how many sets of samples the end is assessed with.
const freshSeeds = 3

// gather linearizes the level at the end of a fit.
func (f *fitter) gather(ctx context.Context, l *level, end outcome) (*evidence, error) {
	l.chooseAll() // to see every derivative that is not finite
	n := end.vec.Dim()
	e := &evidence{normal: optim.NewNormal(n)}
	squares, moves := 0.0, end.vec.JacobianPhys()
	var views []*linear
	for _, v := range l.views {
		linearize := l.linearize
		if v.slope != v.view && end.reason != optim.Cancelled {
			linearize = l.refreshed
		}
		lin, err := linearize(ctx, v, end.vec, moves)
		if err != nil {
			return nil, err
		}
		lin.survey()
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
	e.explained = 1 - squares/l.targetSquares()
	return e, nil
}

// targetSquares is the weighted sum of squares of the targets around their
// mean, channel by channel and view by view: what a fit has to explain.
func (l *level) targetSquares() float64 {
	total := 0.0
	for _, v := range l.views {
		for c := range v.channels {
			var sum, squares, weight float64
			for i := c; i < len(v.weights); i += v.channels {
				t, w := float64(v.target[i]), v.weights[i]
				sum, squares, weight = sum+w*t, squares+w*t*t, weight+w
			}
			if weight > 0 {
				total += squares - sum*sum/weight
			}
		}
	}
	return total
}

// refreshed linearizes a sampled view with means over fresh sets of samples, all
// independent of each other. The optimizer has chosen its point by the samples
// that it had, where their errors happen to match the target's: by these samples
// the end looks better than it is, and their residuals would not say where to go
// on. The noise of derivatives adds to J^T J and would make the error bars too
// small; hence the mean.
func (l *level) refreshed(ctx context.Context, v *levelView, vec *scene.Vector, moves []scene.Entry) (*linear, error) {
	lin, err := l.linear(v, vec, moves)
	if err != nil {
		return nil, err
	}
	defer v.slope.SetSeed(v.slopeSeed)
	defer v.view.SetSeed(v.seed)
	for k := range freshSeeds {
		seed := v.slopeSeed + uint32(k+1)*slopeSeed
		v.slope.SetSeed(seed)
		_, columns, err := v.slope.JacobianInto(ctx, vec.Scene(), nil)
		if err != nil {
			return nil, err
		}
		v.view.SetSeed(seed + 0x51ed270b)
		image, err := v.view.RenderInto(ctx, vec.Scene(), nil)
		if err != nil {
			return nil, err
		}
		if k == 0 {
			lin.image, lin.columns = image, make([][]float32, len(columns))
			l.crew.Each(len(columns), func(c int) { lin.columns[c] = slices.Clone(columns[c]) }) // the next ones overwrite them
			continue
		}
		runningMean(lin.image, image, k)
		l.crew.Each(len(columns), func(c int) { runningMean(lin.columns[c], columns[c], k) })
	}
	return lin, nil
}

// runningMean turns the mean of k values into that of k+1.
func runningMean(mean, value []float32, k int) {
	for i, x := range value {
		mean[i] += (x - mean[i]) / float32(k+1)
	}
}

// slack is the factor that the last step may raise the cost by.
const slack = 1.1

// lastStep ends a fit of sampled images with one Gauss-Newton step on fresh
// samples (see refresh). Near the end the cost jumps from sample to sample at
// every edge, and its minimum is where these jumps happen to lie; the step
// leaves it for the point where fresh residuals and independent derivatives
// are orthogonal. That is the point whose uncertainty the error bars are.
func (f *fitter) lastStep(ctx context.Context, l *level, end outcome, e *evidence) (*scene.Vector, float64, error) {
	cost, err := l.cost(ctx, end.vec)
	if err != nil || !l.sampled() || end.reason == optim.Cancelled || f.iteration >= f.limit {
		return end.vec, cost, err
	}
	step := e.subspace.Step(e.normal.Jtr)
	if !within(step, limits(end.vec)) {
		return end.vec, cost, nil
	}
	vec := end.vec.At(end.vec.Retract(step))
	after, err := l.cost(ctx, vec)
	if err != nil || !(after <= slack*cost) {
		return end.vec, cost, err
	}
	f.iteration++
	f.step(Step{Iteration: f.iteration, Loss: l.mean(after), Level: l.scale, Accepted: true})
	return vec, after, nil
}

// errorBars fills in the uncertainty of the parameters at vec.
func (e *evidence) errorBars(vec *scene.Vector, r *Result) {
	to := vec.PhysicalJacobian()
	r.Covariance = transform(e.clusters.Sandwich(e.subspace), to)
	plain := transform(optim.Covariance(e.subspace, e.variance), to)
	r.setErrors(to, e.subspace, r.Covariance, plain)
	r.Undetermined = combinations(r.names(), to, e.subspace)
}

// clusters sums the scores over squares, halving their edge (in pixels of the
// level) from the one asked for while there are too few.
func (l *level) clusters(views []*linear, dim, edge int) (*optim.Clusters, int) {
	if edge <= 0 {
		edge = 32
	}
	edge = max(1, edge/l.scale)
	for {
		c := l.clustersOf(views, dim, edge)
		if edge == 1 || l.enough(c, dim) {
			return c, edge
		}
		edge /= 2
	}
}

// enough reports whether an estimate of variance can rest on these clusters.
func (l *level) enough(c *optim.Clusters, dim int) bool {
	if c.Informative() < leastClusters {
		return false
	}
	sub := optim.NewSubspace(c.Normal().JtJ, dim, l.undetermined())
	return weakest(c, sub) >= leastEffective
}

// weakest is the least number of effective clusters that a determined
// parameter rests on.
func weakest(c *optim.Clusters, sub *optim.Subspace) float64 {
	least := math.Inf(1)
	for i, effective := range c.Effective(sub) {
		if sub.Freedom(i) <= negligible {
			least = math.Min(least, effective)
		}
	}
	return least
}

// clustersOf numbers the squares view by view as their first pixels come.
func (l *level) clustersOf(views []*linear, dim, edge int) *optim.Clusters {
	count := 0
	var of [][]int // for every view, of every pixel
	for _, v := range views {
		across := (v.width + edge - 1) / edge
		number := slices.Repeat([]int{-1}, across*((v.height+edge-1)/edge))
		squares := make([]int, len(v.pixels))
		for i, p := range v.pixels {
			n := &number[int(p)/v.width/edge*across+int(p)%v.width/edge]
			if *n < 0 {
				*n, count = count, count+1
			}
			squares[i] = *n
		}
		of = append(of, squares)
	}
	c := optim.NewClusters(dim, count)
	for k, v := range views {
		bands := v.bands(edge)
		l.crew.Each(len(bands)-1, func(b int) {
			reader := newRowReader(func(i int, active []int, j []float64, r float64) {
				w := v.weight(i)
				if w != 0 {
					c.AddSparse(of[k][i/v.channels], active, j, w*l.loss.Weight(r)*r, w*l.loss.Curvature(r))
				}
			})
			reader.of(v)
			reader.rows(v.channels*bands[b], v.channels*bands[b+1])
		})
	}
	return c
}

// bands returns where, among the view's pixels, rows of squares begin, and the
// end: no square is in two of them.
func (v *levelView) bands(edge int) []int {
	bands := []int{0}
	for i := 1; i < len(v.pixels); i++ {
		if int(v.pixels[i])/v.width/edge != int(v.pixels[i-1])/v.width/edge {
			bands = append(bands, i)
		}
	}
	return append(bands, len(v.pixels))
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
