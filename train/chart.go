package train

import (
	"bytes"
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// curve is a number of each epoch.
type curve struct {
	name string
	of   func(Epoch) float64
}

// chart draws curves over the epochs as the text of an SVG element, on a logarithmic scale if all numbers are positive
// and it is asked for. With fewer than two epochs there is no chart (empty).
func chart(history []Epoch, label string, logarithmic bool, curves ...curve) (string, error) {
	if len(history) < 2 {
		return "", nil
	}
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "epoch", label
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	for i, c := range curves {
		points := make(plotter.XYs, len(history))
		for k, e := range history {
			points[k] = plotter.XY{X: float64(e.Epoch), Y: c.of(e)}
			logarithmic = logarithmic && points[k].Y > 0
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return "", fmt.Errorf("train: chart of %s: %w", label, err)
		}
		line.Width, line.Color = vg.Points(1.5), plotutil.Color(i)
		p.Add(line)
		p.Legend.Add(c.name, line)
	}
	if logarithmic {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: 2}
	}
	canvas := vgsvg.New(16*vg.Centimeter, 7*vg.Centimeter)
	p.Draw(draw.New(canvas))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return "", fmt.Errorf("train: chart of %s: %w", label, err)
	}
	text := out.Bytes()
	if i := bytes.Index(text, []byte("<svg")); i >= 0 { // what stands before it HTML does not take
		text = text[i:]
	}
	return string(text), nil
}
