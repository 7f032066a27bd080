// Package reportpage is what reports have in common: a page of HTML that needs nothing beside it, its style, charts and
// pictures. It must not know what is reported. Start with Render.
package reportpage

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
)

//go:embed frame.html
var frame string

// Picture is what the template "picture" shows.
type Picture struct {
	Caption string
	Source  template.HTMLAttr // not template.URL, every byte of which the template would look at
}

// PNG returns a picture from the bytes of a file.
func PNG(caption string, file []byte) Picture {
	source := `src="data:image/png;base64,` + base64.StdEncoding.EncodeToString(file) + `"`
	return Picture{caption, template.HTMLAttr(source)}
}

// Render returns the page of data, a struct with Title and Summary, whose body is a template: no script, no file beside
// it. Bodies show a Picture by {{template "picture" .}}, and shares by {{percent .}}.
func Render(body string, data any) ([]byte, error) {
	percent := func(share float64) string { return fmt.Sprintf("%.2f %%", 100*share) }
	t, err := template.New("frame").Funcs(template.FuncMap{"percent": percent}).Parse(frame)
	if err == nil {
		_, err = t.New("body").Parse(body)
	}
	var out bytes.Buffer
	if err == nil {
		err = t.Execute(&out, data)
	}
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return out.Bytes(), nil
}
