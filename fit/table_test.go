package fit

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/scene"
)

func TestTable(t *testing.T) {
	inf := Number(math.Inf(1))
	r := &Result{Reason: "iterations", Params: []Param{
		{Path: "ball.radius", Names: []string{"ball.radius"}, Units: []string{"scene"}, Start: []Number{0.6}, Value: []Number{1.00123456},
			Stderr: []Number{0.00042}, Plain: []Number{0.0002}, Truth: []Number{1}},
		{Path: "red.albedo", Names: []string{"red.albedo.r"}, Units: []string{""}, Start: []Number{0.5}, Value: []Number{0.85},
			Stderr: []Number{inf}, Plain: []Number{inf}},
	}, Undetermined: []Combination{{"ball.center.z": 1, "ball.radius": -0.3333}}, Explained: 0.99}
	var out bytes.Buffer
	if err := r.WriteTable(&out); err != nil {
		t.Fatal(err)
	}
	want := `parameter     start  fitted    std. error    plain         truth     off by              unit
ball.radius   0.6    1.001235  0.00042       0.0002        1.000000  0.00123 (2.9 s.e.)  scene
red.albedo.r  0.5    0.85      undetermined  undetermined  -         -                   
undetermined: 1 ball.center.z - 0.333 ball.radius can change together without changing the images
the fit reached its limit of iterations before it converged
`
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"stderr":[null]`, `"undetermined":[{"ball.center.z":1,"ball.radius":-0.3333}]`, `"truth":[1]`} {
		if !strings.Contains(string(data), part) {
			t.Errorf("JSON has no %s: %s", part, data)
		}
	}
}

func TestShrink(t *testing.T) {
	const width, height = 7, 5
	picture := func(s []bool) string {
		var b strings.Builder
		for i, in := range s {
			if i > 0 && i%width == 0 {
				b.WriteByte('\n')
			}
			b.WriteByte(".#"[map[bool]int{false: 0, true: 1}[in]])
		}
		return b.String()
	}
	start := "#####..\n#####..\n#####..\n#####..\n....#.."
	for _, row := range []struct {
		margin float64
		want   string
	}{
		{0, start},
		{1, "####...\n####...\n####...\n.......\n......."},
		{2, "###....\n###....\n.......\n.......\n......."},
		{-1, "######.\n######.\n######.\n######.\n######."},
	} {
		var selected []bool
		for _, c := range strings.ReplaceAll(start, "\n", "") {
			selected = append(selected, c == '#')
		}
		if got := picture(shrink(selected, width, height, row.margin)); got != row.want {
			t.Errorf("margin %g:\n%s\nwant\n%s", row.margin, got, row.want)
		}
	}
}

func TestInsidePolygon(t *testing.T) {
	arrow := []scene.Vec2{{0, 0}, {10, 0}, {10, 10}, {5, 4}, {0, 10}} // not convex
	for _, row := range []struct {
		x, y float64
		want bool
	}{{1, 1, true}, {9, 8, true}, {5, 6, false}, {5, 3, true}, {-1, 5, false}, {11, 5, false}} {
		if got := insidePolygon(arrow, row.x, row.y); got != row.want {
			t.Errorf("(%g, %g): %v", row.x, row.y, got)
		}
	}
}

func TestWarnsOfWrongPlaces(t *testing.T) {
	for _, row := range []struct {
		explained Number
		want      int
	}{{0.97, 0}, {0.2, 1}, {-3, 1}} {
		r := &Result{Params: make([]Param, 1), Explained: row.explained}
		if got := r.Warnings(); len(got) != row.want {
			t.Errorf("explained %g: warnings %q, want %d", float64(row.explained), got, row.want)
		}
	}
}
