package train

import (
	"bytes"
	"image/png"
	"regexp"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/data"
)

func TestConfusionPicture(t *testing.T) {
	file, err := ConfusionPicture([][]int{{90, 10}, {0, 50}})
	if err != nil {
		t.Fatal(err)
	}
	im, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name     string
		row, col int
		r, g, b  uint32 // in the corner of the cell
	}{
		{"right", 0, 0, 13, 13, 255},
		{"wrong", 0, 1, 255, 174, 174},
		{"never", 1, 0, 255, 255, 255},
		{"always right", 1, 1, 0, 0, 255},
	} {
		r, g, b, _ := im.At(22+44*row.col+3, 22+44*row.row+3).RGBA()
		if r>>8 != row.r || g>>8 != row.g || b>>8 != row.b {
			t.Errorf("%s: color %d, %d, %d, want %d, %d, %d", row.name, r>>8, g>>8, b>>8, row.r, row.g, row.b)
		}
	}
}

// TestWrongPicture: the image of which the model was surest comes first.
func TestWrongPicture(t *testing.T) {
	pixels := []float32{0, 0, 0, 0, 1, 1, 1, 1, 0.2, 0.2, 0.2, 0.2}
	set, err := data.NewFloatImages(data.Shape{Channels: 1, Height: 2, Width: 2}, pixels, []int32{0, 1, 2})
	if err != nil {
		t.Fatal(err)
	}
	v := &Evaluation{Labels: []int32{0, 1, 2}, Predictions: []int32{1, 2, 2}, Confidence: []float32{0.5, 0.9, 1}}
	file, err := WrongPicture(set, v)
	if err != nil {
		t.Fatal(err)
	}
	im, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []uint32{255, 0, 255} { // the white one, the black one, and the ground, as the third one is right
		if r, _, _, _ := im.At(62*i+20, 20).RGBA(); r>>8 != want {
			t.Errorf("picture %d has gray %d, want %d", i, r>>8, want)
		}
	}
}

func TestReport(t *testing.T) {
	r := Report{Title: "a <b>", Summary: "sum", Settings: []Setting{{"rate", "0.5"}}, Confusion: [][]int{{7, 8}, {9, 6}},
		Epochs:   []Epoch{{1, 5, 2, 0.5, 1.5, 0.75}, {2, 10, 1, 0.6, 0.5, 1}},
		Pictures: []Picture{{"faces", []byte("png")}}}
	page, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for _, part := range []string{"a &lt;b&gt;", "<td>rate</td><td>0.5</td>", "<td>9</td><td>6</td>", "75.00 %", "1.5000",
		`src="data:image/png;base64,cG5n"`, "faces"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %s", part)
		}
	}
	if n := strings.Count(text, "<svg"); n != 2 {
		t.Errorf("%d charts, want 2", n)
	}
	text = regexp.MustCompile(`xmlns(:xlink)?="[^"]*"`).ReplaceAllString(text, "") // names, which nobody fetches
	for _, outside := range []string{"<script", "http://", "https://"} {
		if strings.Contains(text, outside) {
			t.Errorf("the page has %s", outside)
		}
	}
}
