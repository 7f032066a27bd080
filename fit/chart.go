package fit

import (
	"bytes"
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// lossChart draws the loss over the iterations as an SVG, on a logarithmic
// scale where the losses allow one, with a line for every level of the pyramid:
// losses at different sizes do not compare. Iterations without a finite loss
// are left out; with fewer than two others there is no chart (empty).
func lossChart(steps []Step) (string, error) {
	levels := chartLevels(steps)
	if count(levels) < 2 {
		return "", nil
	}
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "iteration", "loss"
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	low, high := math.Inf(1), math.Inf(-1)
	for i, l := range levels {
		line, err := plotter.NewLine(l.points)
		if err != nil {
			return "", fmt.Errorf("fit: loss chart: %w", err)
		}
		line.Width, line.Color = vg.Points(1.5), plotutil.Color(i)
		p.Add(line)
		if len(levels) > 1 {
			p.Legend.Add(fmt.Sprintf("1/%d size", l.scale), line)
		}
		for _, q := range l.points {
			low, high = math.Min(low, q.Y), math.Max(high, q.Y)
		}
	}
	if low > 0 && high > 2*low {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: 2}
	}
	canvas := vgsvg.New(16*vg.Centimeter, 7*vg.Centimeter)
	p.Draw(draw.New(canvas))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return "", fmt.Errorf("fit: loss chart: %w", err)
	}
	return inlineSVG(out.Bytes()), nil
}

// chartLevel is the course of the loss on one level of the pyramid.
type chartLevel struct {
	scale  int
	points plotter.XYs
}

// chartLevels cuts the steps where the level changes.
func chartLevels(steps []Step) []chartLevel {
	var levels []chartLevel
	for _, s := range steps {
		if !s.Loss.Finite() {
			continue
		}
		if n := len(levels); n == 0 || levels[n-1].scale != s.Level {
			levels = append(levels, chartLevel{scale: s.Level})
		}
		l := &levels[len(levels)-1]
		l.points = append(l.points, plotter.XY{X: float64(s.Iteration), Y: float64(s.Loss)})
	}
	return levels
}

func count(levels []chartLevel) int {
	n := 0
	for _, l := range levels {
		n += len(l.points)
	}
	return n
}

// inlineSVG drops what stands before the svg element, which HTML does not
// take.
func inlineSVG(file []byte) string {
	if i := bytes.Index(file, []byte("<svg")); i >= 0 {
		file = file[i:]
	}
	return string(file)
}
