package train

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
)

//go:embed report.html
var reportTemplate string

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
	Pictures []reportPicture
}

type reportChart struct {
	Title string
	SVG   template.HTML
}

type reportPicture struct {
	Caption string
	Source  template.HTMLAttr // not template.URL, every byte of which the template would look at
}

// HTML returns the report as a page that needs nothing beside it: no script, charts as SVG, pictures as data URIs.
func (r *Report) HTML() ([]byte, error) {
	percent := func(x float64) float64 { return 100 * x }
	t, err := template.New("report").Funcs(template.FuncMap{"percent": percent}).Parse(reportTemplate)
	if err != nil {
		return nil, fmt.Errorf("train: report: %w", err)
	}
	d := reportData{Report: *r}
	if d.Charts, err = r.charts(); err != nil {
		return nil, err
	}
	for _, p := range r.Pictures {
		source := `src="data:image/png;base64,` + base64.StdEncoding.EncodeToString(p.PNG) + `"`
		d.Pictures = append(d.Pictures, reportPicture{p.Caption, template.HTMLAttr(source)})
	}
	var out bytes.Buffer
	if err := t.Execute(&out, d); err != nil {
		return nil, fmt.Errorf("train: report: %w", err)
	}
	return out.Bytes(), nil
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
		svg, err := chart(r.Epochs, c.label, true, c.curves...)
		if err != nil {
			return nil, err
		}
		if svg != "" {
			list = append(list, reportChart{c.title, template.HTML(svg)})
		}
	}
	return list, nil
}
