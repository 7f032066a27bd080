package reportpage

import (
	"bytes"
	"fmt"
	"html/template"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Line is a line of a chart.
type Line struct {
	Name   string // in the legend; empty: none
	Points []Point
}

// Point is a point of a line, of finite numbers.
type Point struct{ X, Y float64 }

// Chart draws lines as an SVG element, on a logarithmic scale where it has something to say. Unless some line has two
// points there is no chart (empty).
func Chart(xLabel, yLabel string, lines []Line) (template.HTML, error) {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = xLabel, yLabel
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	low, high, longest := math.Inf(1), math.Inf(-1), 0
	for i, l := range lines {
		points := make(plotter.XYs, len(l.Points))
		for k, q := range l.Points {
			points[k] = plotter.XY(q)
			low, high = math.Min(low, q.Y), math.Max(high, q.Y)
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return "", fmt.Errorf("chart of %s: %w", yLabel, err)
		}
		line.Width, line.Color = vg.Points(1.5), plotutil.Color(i)
		p.Add(line)
		if l.Name != "" {
			p.Legend.Add(l.Name, line)
		}
		longest = max(longest, len(points))
	}
	if longest < 2 {
		return "", nil
	}
	if logarithmic(low, high) {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: 2}
	}
	canvas := vgsvg.New(16*vg.Centimeter, 7*vg.Centimeter)
	p.Draw(draw.New(canvas))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return "", fmt.Errorf("chart of %s: %w", yLabel, err)
	}
	file := out.Bytes()
	if i := bytes.Index(file, []byte("<svg")); i >= 0 { // what stands before it HTML does not take
		file = file[i:]
	}
	return template.HTML(file), nil
}

// logarithmic tells whether a scale is: it has numbers at powers of ten only, one of which must be in the range.
func logarithmic(low, high float64) bool {
	return low > 0 && high > 2*low && math.Floor(math.Log10(high)) >= math.Ceil(math.Log10(low))
}
