package fit

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"slices"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/internal/reportpage"
	"github.com/baremetaldevx86/microdr/kernel"
)

//go:embed report.html
var reportBody string

// picture is an image of the run folder.
type picture struct {
	file    string // name in the run folder
	caption string
	paint   func() (*film.Image, error)
	output  film.Output
	png     []byte // the file, once encoded
}

// ready is a picture that is painted.
func ready(im *film.Image) func() (*film.Image, error) {
	return func() (*film.Image, error) { return im, nil }
}

// viewPictures are the pictures of one view, in the order they are shown.
type viewPictures struct {
	name     string
	pictures []picture
}

type reportData struct {
	Title, Summary, ErrorNote string
	Warnings, Maps            []string
	Rows                      []tableRow
	HasTruth                  bool
	Chart                     template.HTML
	Views                     []reportView
}

type reportView struct {
	Name   string
	Images []reportpage.Picture
}

// writeReport renders the self-contained report: no script, no file beside
// it, images as data URIs.
func writeReport(title string, r *Result, steps []Step, views []viewPictures) ([]byte, error) {
	chart, err := lossChart(steps)
	if err != nil {
		return nil, fmt.Errorf("fit: %w", err)
	}
	d := reportData{Title: title, Summary: r.summary(), ErrorNote: r.errorNote(),
		Warnings: r.Warnings(), Maps: r.mapLines(), Chart: chart}
	d.Rows, d.HasTruth = r.rows()
	for _, v := range views {
		view := reportView{Name: v.name}
		for _, p := range v.pictures {
			view.Images = append(view.Images, reportpage.PNG(p.caption, p.png))
		}
		d.Views = append(d.Views, view)
	}
	page, err := reportpage.Render(reportBody, d)
	if err != nil {
		return nil, fmt.Errorf("fit: %w", err)
	}
	return page, nil
}

// encode paints all pictures and makes their files.
func encode(crew *kernel.Crew, views []viewPictures) error {
	var all []*picture
	for _, v := range views {
		for i := range v.pictures {
			all = append(all, &v.pictures[i])
		}
	}
	slices.Reverse(all) // a view's last picture takes longest
	errs := make([]error, len(all))
	crew.Each(len(all), func(i int) { errs[i] = all[i].encode() })
	return first(errs)
}

// encode paints the picture and makes its file, once.
func (p *picture) encode() error {
	if p.png != nil {
		return nil
	}
	im, err := p.paint()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	err = film.Encode(&out, im, film.PNG, p.output)
	p.png = out.Bytes()
	return err
}

func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Result) summary() string {
	text := fmt.Sprintf("Loss %.6g (start %.6g) after %d iterations and %.1f seconds; stopped by: %s.",
		float64(r.Loss), float64(r.StartLoss), r.Iterations, r.Seconds, r.Reason)
	if r.Hypotheses > 1 {
		text += fmt.Sprintf(" Start %d of %d was continued.", r.Chosen+1, r.Hypotheses)
	}
	return text
}

func (r *Result) errorNote() string {
	if r.Clusters == 0 {
		return ""
	}
	return fmt.Sprintf("Standard errors are cluster-robust (sandwich estimator, %d squares of %d pixels that may be correlated inside); "+
		"95 %% intervals are %.2f of them to both sides. 'plain' takes the %d residuals to be independent. "+
		"All of this holds for the model as it is: what the model leaves out can add to it.",
		r.Clusters, r.ClusterEdge, float64(r.Interval), r.Residuals)
}
