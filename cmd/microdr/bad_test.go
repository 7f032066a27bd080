package main

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/png"
	"math"
	"strings"
	"testing"
)

// small is a scene that is quick to fit. IMAGE is replaced.
const small = `microdr: 1
camera: {resolution: [8, 8], fov: 40, samples: 4, look_at: {eye: [0, 0, 3], target: [0, 0, 0]}}
objects:
  ball: {sphere: {center: [0, 0, 0], radius: 0.5}, material: red}
materials: {red: {diffuse: {albedo: [0.8, 0.3, 0.3]}}}
lights: {sky: {ambient: {irradiance: 1}}}
views: [{name: photo, image: IMAGE}]
fit:
  parameters: [{path: red.albedo, start: [0.5, 0.5, 0.5]}]
`

func smallScene(image string) string { return strings.Replace(small, "IMAGE", image, 1) }

// pngFile is a gray PNG.
func pngFile(width, height int) string {
	im := image.NewGray(image.Rect(0, 0, width, height))
	for i := range im.Pix {
		im.Pix[i] = byte(60 + i)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, im); err != nil {
		panic(err)
	}
	return out.String()
}

// pfmFile is a colour PFM of one value, with another one at the end.
func pfmFile(width, height int, last float32) string {
	var out bytes.Buffer
	out.WriteString("PF\n8 8\n-1.0\n")
	for range width*height*3 - 1 {
		binary.Write(&out, binary.LittleEndian, float32(0.25))
	}
	binary.Write(&out, binary.LittleEndian, last)
	return out.String()
}

func TestBadInput(t *testing.T) {
	good := pngFile(8, 8)
	rows := []row{
		{name: "no such scene", args: "fit nowhere.yaml", code: 3, err: []string{"nowhere.yaml", "no such file"}},
		{name: "folder without a scene", args: "fit .", code: 3, err: []string{"scene.yaml", "no such file"}},
		{name: "missing image", args: "fit s.yaml -o run", code: 3,
			files: map[string]string{"s.yaml": smallScene("gone.png")},
			err:   []string{"gone.png", "no such file"}},
		{name: "truncated PNG", args: "fit s.yaml -o run", code: 3,
			files: map[string]string{"s.yaml": smallScene("a.png"), "a.png": good[:len(good)*2/3]},
			err:   []string{"a.png"}},
		{name: "empty PNG", args: "fit s.yaml -o run", code: 3,
			files: map[string]string{"s.yaml": smallScene("a.png"), "a.png": ""},
			err:   []string{"a.png"}},
		{name: "NaN in a PFM", args: "fit s.yaml -o run", code: 3,
			files: map[string]string{"s.yaml": smallScene("a.pfm"), "a.pfm": pfmFile(8, 8, float32(math.NaN()))},
			err:   []string{"a.pfm", "NaN"}},
		{name: "target of another size", args: "fit s.yaml -o run", code: 3,
			files: map[string]string{"s.yaml": smallScene("a.png"), "a.png": pngFile(9, 8)},
			err:   []string{"a.png", "9x8", "8x8"}},
		{name: "unknown key", args: "fit s.yaml -o run", code: 3,
			files: map[string]string{"s.yaml": strings.Replace(smallScene("a.png"), "radius", "radios", 1), "a.png": good},
			err:   []string{"s.yaml:4:", "radios", `did you mean "radius"?`}},
		{name: "cycle of references", args: "fit s.yaml -o run", code: 3,
			files: map[string]string{"s.yaml": strings.Replace(smallScene("a.png"), "materials:", "  a: {union: {of: [b]}}\n  b: {union: {of: [a]}}\nmaterials:", 1), "a.png": good},
			err:   []string{"s.yaml:6:20:", "cycle of references: a -> b -> a"}},
		{name: "unknown parameter path in the scene", args: "fit s.yaml -o run", code: 3,
			files: map[string]string{"s.yaml": strings.Replace(smallScene("a.png"), "path: red.albedo", "path: ball.centre", 1), "a.png": good},
			err:   []string{"s.yaml:9:", "ball.centre", `did you mean "ball.center"?`}},
		{name: "not YAML", args: "fit s.yaml -o run", code: 3,
			files: map[string]string{"s.yaml": "microdr: [1"}, err: []string{"s.yaml:"}},
		{name: "binary as a scene", args: "fit s.yaml -o run", code: 3,
			files: map[string]string{"s.yaml": good}, err: []string{"s.yaml"}},
		{name: "nothing to fit", args: "fit s.yaml -o run", code: 3,
			files: map[string]string{"s.yaml": smallScene("a.png")[:strings.Index(smallScene("a.png"), "fit:")], "a.png": good},
			err:   []string{"fit.parameters"}},
		{name: "output folder is a file", args: "fit s.yaml -o taken", code: 4,
			files: map[string]string{"s.yaml": smallScene("a.png"), "a.png": good, "taken": "x"},
			err:   []string{"taken", "not a directory"}},
		{name: "data is no folder", args: "fit s.yaml --data s.yaml", code: 2,
			files: map[string]string{"s.yaml": smallScene("a.png")}, err: []string{"--data", "folder"}},
		{name: "no scene given", args: "fit", code: 2, err: []string{"accepts 1 arg"}},
		{name: "negative workers", args: "fit s.yaml --workers -1", code: 2,
			files: map[string]string{"s.yaml": smallScene("a.png")}, err: []string{"--workers: expected 0 or more"}},
		{name: "negative iterations", args: "fit s.yaml --iterations -1", code: 2,
			files: map[string]string{"s.yaml": smallScene("a.png")}, err: []string{"--iterations"}},
		{name: "negative starts", args: "fit s.yaml --starts -1", code: 2,
			files: map[string]string{"s.yaml": smallScene("a.png")}, err: []string{"--starts"}},
	}
	for _, r := range rows {
		t.Run(r.name, r.run)
	}
}
