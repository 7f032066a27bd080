package fit

import (
	"bytes"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// lossChart draws the loss over the iterations as an SVG, on a logarithmic
// scale where the losses allow one. Iterations without a finite loss are left
// out; with fewer than two others there is no chart (empty).
func lossChart(steps []Step) (string, error) {
	points := chartPoints(steps)
	if len(points) < 2 {
		return "", nil
	}
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "iteration", "loss"
	low, high := math.Inf(1), math.Inf(-1)
	for _, q := range points {
		low, high = math.Min(low, q.Y), math.Max(high, q.Y)
	}
	if low > 0 && high > 2*low {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: 2}
	}
	line, err := plotter.NewLine(points)
	if err != nil {
		return "", fmt.Errorf("fit: loss chart: %w", err)
	}
	line.Width, line.Color = vg.Points(1.5), color.RGBA{R: 0x1f, G: 0x5f, B: 0xa8, A: 0xff}
	p.Add(plotter.NewGrid(), line)
	canvas := vgsvg.New(16*vg.Centimeter, 7*vg.Centimeter)
	p.Draw(draw.New(canvas))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return "", fmt.Errorf("fit: loss chart: %w", err)
	}
	return inlineSVG(out.Bytes()), nil
}

func chartPoints(steps []Step) plotter.XYs {
	var points plotter.XYs
	for _, s := range steps {
		if s.Loss.Finite() {
			points = append(points, plotter.XY{X: float64(s.Iteration), Y: float64(s.Loss)})
		}
	}
	return points
}

// inlineSVG drops what stands before the svg element, which HTML does not
// take.
func inlineSVG(file []byte) string {
	if i := bytes.Index(file, []byte("<svg")); i >= 0 {
		file = file[i:]
	}
	return string(file)
}
