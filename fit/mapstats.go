package fit

import (
	"context"
	"math"
	"path/filepath"
	"slices"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/scene"
)

// assess makes the result of a per-pixel fit and the standard error of every
// local coordinate (pixels x dofs; +Inf where a pixel is not determined):
// the sandwich estimator of each pixel by itself, a view being a cluster,
// because its channels err together.
func (m *mapFit) assess(ctx context.Context, start []float64, solved optim.BlockResult) (*Result, []float64, error) {
	blocks := len(m.pixels)
	all := slices.Repeat([]bool{true}, blocks)
	cost := make([]float64, blocks)
	if err := m.cost(ctx, start, all, cost); err != nil {
		return nil, nil, err
	}
	r := &Result{Event: "result", StartLoss: m.level.mean(sum(cost)), Iterations: m.iteration, Reason: string(solved.Reason),
		Params: []Param{}, Undetermined: []Combination{}, Residuals: m.level.count, Folder: m.Folder, Scene: m.start}
	clusters := make([]*optim.Clusters, blocks)
	for p := range clusters {
		clusters[p] = optim.NewClusters(m.dofs, len(m.level.views))
		cost[p] = 0
	}
	loss := m.level.loss
	err := m.rows(ctx, solved.X, all, func(view, p int, j []float64, res, w float64) {
		clusters[p].AddRow(view, j, w*loss.Weight(res)*res, w*math.Max(0, loss.Curvature(res)))
		cost[p] += w * loss.Rho(res)
	})
	if err != nil {
		return nil, nil, err
	}
	r.Loss = m.level.mean(sum(cost))
	stderr := make([]float64, blocks*m.dofs)
	m.crew.Each(chunksOf(blocks), func(i int) {
		from, to := chunkRange(i, blocks)
		for p := from; p < to; p++ {
			sub := optim.NewSubspace(clusters[p].Normal().JtJ, m.dofs, undeterminedExact)
			copy(stderr[p*m.dofs:], optim.StandardErrors(sub, clusters[p].Sandwich(sub), negligible))
		}
	})
	failed := 0
	for _, ok := range solved.Converged {
		if !ok {
			failed++
		}
	}
	if r.Reason == string(optim.Exhausted) && failed*100 < blocks {
		r.Reason = string(optim.SmallDecrease) // all but stragglers, which Maps counts
	}
	for _, q := range m.maps {
		r.Maps = append(r.Maps, Map{Path: q.path, Pixels: blocks, Failed: failed, MedianStderr: Number(median(m.pixelErrors(q, stderr)))})
	}
	r.Seconds = m.seconds()
	return r, stderr, nil
}

// pixelErrors is one standard error for every fitted pixel of a map: of a
// normal the larger of its axes in degrees, of an albedo the largest channel.
func (m *mapFit) pixelErrors(q pixelMap, stderr []float64) []float64 {
	out := make([]float64, len(m.pixels))
	for p := range out {
		for d := range q.dofs {
			out[p] = math.Max(out[p], stderr[p*m.dofs+q.firstDof+d])
		}
		if q.kind == scene.NormalBuffer {
			out[p] *= 180 / math.Pi
		}
	}
	return out
}

func sum(x []float64) float64 {
	total := 0.0
	for _, v := range x {
		total += v
	}
	return total
}

func median(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

// finish writes the run folder: beside the usual files, for every map
// PATH.pfm (its values), PATH.png (a picture of them) and PATH-stderr.png.
func (m *mapFit) finish(ctx context.Context, start, end, stderr []float64, r *Result) error {
	r.Arrays = map[string]*film.Image{}
	if err := m.write(end); err != nil {
		return err
	}
	var extra []picture
	for _, q := range m.maps {
		values := m.mapImage(q)
		r.Arrays[q.path] = values
		uncertain := film.New(values.Width, values.Height, 1)
		for i, e := range m.pixelErrors(q, stderr) {
			uncertain.Pix[m.pixels[i]] = float32(e)
		}
		r.Arrays[q.path+" stderr"] = uncertain
		shown := values
		if q.kind == scene.NormalBuffer {
			shown = normalPicture(values)
		}
		high := 2 * median(m.pixelErrors(q, stderr))
		extra = append(extra, picture{mapFile(q.path, ".png"), q.path, ready(shown), film.Output{Encoding: encodingOf(q)}, nil},
			picture{mapFile(q.path, "-stderr.png"), q.path + ", standard error, dark 0 to light " + formatError(Number(high)),
				func() (*film.Image, error) { return uncertain.SequentialMap(0, high), nil }, film.Output{}, nil})
	}
	if m.Folder != "" {
		if err := m.writeMaps(ctx, start, end, r, extra); err != nil {
			return err
		}
	}
	m.tell(Event{Kind: ResultEvent, Result: r})
	return nil
}

func encodingOf(q pixelMap) film.Encoding {
	if q.kind == scene.NormalBuffer {
		return film.Linear
	}
	return film.SRGB
}

// mapImage is a map over the whole raster, 0 where it was not fitted.
func (m *mapFit) mapImage(q pixelMap) *film.Image {
	size := m.targets[0].image
	im := film.New(size.Width, size.Height, q.channels)
	for _, p := range m.pixels {
		copy(im.At(int(p)%size.Width, int(p)/size.Width), q.data[int(p)*q.channels:][:q.channels])
	}
	return im
}

// normalPicture paints normals the usual way, (n + 1) / 2.
func normalPicture(n *film.Image) *film.Image {
	out := n.Clone()
	for i := 0; i < len(out.Pix); i += 3 {
		if x := out.Pix[i : i+3]; x[0] != 0 || x[1] != 0 || x[2] != 0 {
			for c := range x {
				x[c] = x[c]/2 + 0.5
			}
		}
	}
	return out
}

// writeMaps writes the run folder of a per-pixel fit.
func (m *mapFit) writeMaps(ctx context.Context, start, end []float64, r *Result, extra []picture) error {
	views := []viewPictures{{"maps", extra}}
	for k, t := range m.targets {
		v, err := m.mapPictures(ctx, m.level.views[k], &t, start, end)
		if err != nil {
			return err
		}
		views = append(views, v)
	}
	for _, q := range m.maps {
		path := filepath.Join(m.staging.temp, mapFile(q.path, ".pfm"))
		if err := film.Save(path, r.Arrays[q.path], film.Output{}); err != nil {
			return err
		}
	}
	return m.writeFiles(r, views)
}

// mapPictures renders one view at the start and at the end.
func (m *mapFit) mapPictures(ctx context.Context, v *levelView, t *target, start, end []float64) (viewPictures, error) {
	render := func(x []float64) (*film.Image, error) {
		if err := m.write(x); err != nil {
			return nil, err
		}
		pixels, err := v.view.RenderInto(ctx, m.start, nil)
		if err != nil {
			return nil, err
		}
		return v.image(m.start, pixels), nil
	}
	before, err := render(start)
	if err != nil {
		return viewPictures{}, err
	}
	after, err := render(end)
	if err != nil {
		return viewPictures{}, err
	}
	return comparison(t, ready(before), ready(after)), nil
}
