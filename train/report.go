package train

import (
	_ "embed"
	"fmt"
	"html/template"

	"github.com/baremetaldevx86/microdr/internal/reportpage"
)

//go:embed report.html
var reportBody string

// Report is what a training came to, for people.
type Report struct {
	Title, Summary string
	Settings       []Setting
	Epochs         []Epoch
	Confusion      [][]int // see Evaluation.Confusion
	Pictures       []Picture
}

// Setting is a row of the table of settings.
type Setting struct{ Name, Value string }

// Picture is a PNG with what it shows.
type Picture struct {
	Caption string
	PNG     []byte
}

// reportData is what the template sees.
type reportData struct {
	Report
	Charts   []reportChart
	Pictures []reportpage.Picture
}

type reportChart struct {
	Title string
	SVG   template.HTML
}

// HTML returns the report as a page that needs nothing beside it: no script, charts as SVG, pictures as data URIs.
func (r *Report) HTML() ([]byte, error) {
	charts, err := r.charts()
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	d := reportData{Report: *r, Charts: charts}
	for _, p := range r.Pictures {
		d.Pictures = append(d.Pictures, reportpage.PNG(p.Caption, p.PNG))
	}
	page, err := reportpage.Render(reportBody, d)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	return page, nil
}

// curve is a number of each epoch.
type curve struct {
	name string
	of   func(Epoch) float64
}

// charts draws loss and errors over the epochs.
func (r *Report) charts() ([]reportChart, error) {
	var list []reportChart
	for _, c := range []struct {
		title, label string
		curves       []curve
	}{
		{"Loss", "loss", []curve{
			{"train", func(e Epoch) float64 { return e.TrainLoss }}, {"test", func(e Epoch) float64 { return e.TestLoss }},
		}},
		{"Classified wrong", "percent", []curve{
			{"train", func(e Epoch) float64 { return 100 * (1 - e.TrainAccuracy) }},
			{"test", func(e Epoch) float64 { return 100 * (1 - e.TestAccuracy) }},
		}},
	} {
		lines := make([]reportpage.Line, len(c.curves))
		for i, of := range c.curves {
			lines[i].Name = of.name
			for _, e := range r.Epochs {
				lines[i].Points = append(lines[i].Points, reportpage.Point{X: float64(e.Epoch), Y: of.of(e)})
			}
		}
		svg, err := reportpage.Chart("epoch", c.label, lines)
		if err != nil {
			return nil, err
		}
		if svg != "" {
			list = append(list, reportChart{c.title, svg})
		}
	}
	return list, nil
}
