package reportpage

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestChartHasNumbers: whatever the range, the vertical axis has a number in it.
func TestChartHasNumbers(t *testing.T) {
	number := regexp.MustCompile(`>([-+.0-9e]+)</text>`)
	for _, r := range []struct{ low, high float64 }{{0.2, 0.9}, {0.30, 0.31}, {0.06, 0.16}, {1e-6, 3}, {0, 5}, {-2, 7}} {
		svg, err := Chart("x", "y", []Line{{"a", []Point{{1000, r.high}, {2000, r.low}}}})
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for _, found := range number.FindAllStringSubmatch(string(svg), -1) {
			if x, err := strconv.ParseFloat(found[1], 64); err == nil && x >= r.low && x <= r.high {
				count++
			}
		}
		if count == 0 || !strings.HasPrefix(string(svg), "<svg") {
			t.Errorf("from %v to %v: no number on the axis", r.low, r.high)
		}
	}
	if svg, err := Chart("x", "y", []Line{{"a", []Point{{1, 2}}}, {"b", []Point{{1, 3}}}}); svg != "" || err != nil {
		t.Errorf("lines of one point: %d bytes, %v", len(svg), err)
	}
}

func TestRender(t *testing.T) {
	data := struct {
		Title, Summary string
		Share          float64
		Picture        Picture
	}{"a <b>", "sum", 0.75, PNG("faces", []byte("png"))}
	page, err := Render(`{{percent .Share}}{{template "picture" .Picture}}`, data)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"<h1>a &lt;b&gt;</h1>", "<p>sum</p>", "75.00 %", `src="data:image/png;base64,cG5n"`, "</html>"} {
		if !strings.Contains(string(page), part) {
			t.Errorf("no %s in\n%s", part, page)
		}
	}
	if _, err := Render(`{{.None}}`, data); err == nil {
		t.Error("no error for a field that does not exist")
	}
}
