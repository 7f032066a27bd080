package fit

import (
	"math"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/scene"
)

// Result is the outcome of a fit, and the last event of its stream.
type Result struct {
	Event      string  `json:"event"` // "result"
	Loss       Number  `json:"loss"`  // mean over the residuals that count
	StartLoss  Number  `json:"start_loss"`
	Iterations int     `json:"iterations"`
	Seconds    float64 `json:"seconds"`
	// Reason says why the fit stopped: gradient, decrease, step, stalled,
	// iterations or cancelled (optim.Reason), or tolerance (Adam).
	Reason string `json:"reason"`
	// Params are the fitted parameters in the order of the scene file.
	Params []Param `json:"params"`
	// Undetermined lists the directions the images say nothing about.
	Undetermined []Combination `json:"undetermined"`
	// Maps sums up the parameters given per pixel.
	Maps []Map `json:"maps,omitempty"`
	// Hypotheses is the number of starts tried, and Chosen the one continued.
	Hypotheses int `json:"hypotheses,omitempty"`
	Chosen     int `json:"chosen,omitempty"`
	// Residuals is how many numbers were compared; ClusterEdge (pixels) and
	// Clusters describe the squares that the standard errors are robust to.
	Residuals   int `json:"residuals"`
	ClusterEdge int `json:"cluster_edge,omitempty"`
	Clusters    int `json:"clusters,omitempty"`
	// Interval is the factor on the standard errors for 95 % intervals, by
	// Student's t for the squares that the weakest parameter rests on.
	Interval Number `json:"interval,omitempty"`
	// Explained is the share of the targets' weighted variance, within each
	// view, that the fit explains: near 1 where it is right.
	Explained Number `json:"explained,omitempty"`
	// Unusable counts pixels left out at the end because a derivative there
	// was not finite.
	Unusable int `json:"unusable,omitempty"`
	// Folder is the run folder, if one was asked for.
	Folder string `json:"folder,omitempty"`

	// Scene is the fitted scene.
	Scene *scene.Scene `json:"-"`
	// Covariance is the cluster-robust covariance of all numbers of Params
	// in order, row-major, in their units.
	Covariance []float64 `json:"-"`
	// Arrays holds the per-pixel parameters by path, and their standard
	// errors by path + " stderr".
	Arrays map[string]*film.Image `json:"-"`
}

// Param is one fitted parameter, of one or more numbers. Rotations are
// Rodrigues vectors in degrees, everything else as in the scene file.
type Param struct {
	Path   string   `json:"path"`
	Names  []string `json:"names"` // path and component of every number
	Units  []string `json:"units"`
	Start  []Number `json:"start"`
	Value  []Number `json:"value"`
	Stderr []Number `json:"stderr"` // cluster-robust; null: not determined, or the fit was cut short
	Plain  []Number `json:"plain"`  // Gauss-Newton, s^2 (JtJ)^-1
	Truth  []Number `json:"truth,omitempty"`
}

// Combination is a direction in the space of the parameters, by name: its
// largest weight is 1 (or -1); weights below a hundredth in effect are left
// out.
type Combination map[string]Number

// Map sums up a parameter that has a value for every pixel.
type Map struct {
	Path   string `json:"path"`
	Pixels int    `json:"pixels"` // fitted
	// Failed counts pixels that did not converge.
	Failed int `json:"failed"`
	// MedianStderr is the median over the pixels of the standard error:
	// degrees for normals (the larger axis), the map's unit otherwise.
	MedianStderr Number `json:"median_stderr"`
}

// newParams fills everything but the error bars. start, end and truth are the
// same parameters at three scenes; truth may be nil.
func newParams(start, end, truth *scene.Vector, hasTruth func(block int) bool) []Param {
	blocks := end.Blocks()
	params := make([]Param, len(blocks))
	for i, b := range blocks {
		params[i].Path = b.Path
	}
	s, e := start.Physical(), end.Physical()
	var t []scene.Quantity
	if truth != nil {
		t = truth.Physical()
	}
	for i, q := range e {
		p := &params[q.Block]
		p.Names = append(p.Names, q.Name)
		p.Units = append(p.Units, q.Unit)
		p.Start = append(p.Start, Number(s[i].Value))
		p.Value = append(p.Value, Number(q.Value))
		p.Stderr = append(p.Stderr, Number(math.Inf(1)))
		p.Plain = append(p.Plain, Number(math.Inf(1)))
		if truth != nil && hasTruth(q.Block) {
			p.Truth = append(p.Truth, Number(t[i].Value))
		}
	}
	return params
}
