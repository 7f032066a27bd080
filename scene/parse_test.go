package scene

import (
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/internal/yamlfile"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// examples returns the files in testdata: one for each of the program's examples.
func examples(t testing.TB) []string {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("testdata: %d files, %v", len(files), err)
	}
	return files
}

func load(t testing.TB, file string) *Scene {
	s, err := Load(file)
	if err != nil {
		t.Fatalf("%s:\n%v", file, err)
	}
	return s
}

// parse reads a scene of one camera and the given lines.
func parse(t testing.TB, lines string) *Scene {
	s, err := Parse("test.yaml", []byte(minimal+lines))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const minimal = "microdr: 1\ncamera: {resolution: [8, 6], fov: 40}\n"

func TestPrintParsesToTheSameScene(t *testing.T) {
	for _, file := range examples(t) {
		s := load(t, file)
		s.Dir = ""
		text := Print(s)
		again, err := Parse(file, text)
		if err != nil {
			t.Fatalf("%s printed:\n%s\n%v", file, text, err)
		}
		if !reflect.DeepEqual(s, again) {
			t.Errorf("%s is another scene after printing:\n%s", file, text)
		}
	}
}

func TestPrintGolden(t *testing.T) {
	for _, file := range examples(t) {
		s := load(t, file)
		golden := strings.TrimSuffix(file, ".yaml") + ".printed"
		if *update {
			if err := os.WriteFile(golden, Print(s), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got := Print(s); string(got) != string(want) {
			t.Errorf("%s (go test -update rewrites it): got\n%s", golden, got)
		}
	}
}

func TestErrors(t *testing.T) {
	const objects = "materials: {m: {diffuse: {albedo: 1}}}\nobjects: {ball: {sphere: {radius: 1}, material: m}}\n"
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	bomb := "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
	rows := []struct{ name, text, want string }{
		{"empty", "", "t:1:1: expected a scene"},
		{"scalar", "hello", `t:1:1: expected a mapping with microdr`},
		{"syntax", "microdr: 1\ncamera: [", "t:2:1: expected YAML"},
		{"tab", "microdr: 1\n\tcamera: 1", "t:2:1: expected YAML"},
		{"two documents", minimal + "---\nmicrodr: 1\n", "expected one document"},
		{"version missing", "camera: {resolution: [8, 6], fov: 40}", `t:1:1: expected the key "microdr"`},
		{"version", strings.Replace(minimal, "1", "2", 1), "t:1:10: expected a whole number >= 1 and <= 1 for microdr, got 2"},
		{"no camera", "microdr: 1", `t:1:1: expected the key "cameras"`},
		{"both cameras", minimal + "cameras: {a: {resolution: [8, 6], fov: 40}}", `t:3:1: key "cameras" a second time, the first is in line 2`},
		{"unknown key", minimal + "objcts: {}", `t:3:1: unknown key "objcts", expected microdr`},
		{"suggestion", minimal + "objcts: {}", `did you mean "objects"?`},
		{"nested key", "microdr: 1\ncamera:\n  resolution: [8, 6]\n  fvo: 40\n  fov: 40", `t:4:3: unknown key "fvo"`},
		{"merge key", minimal + "<<: {}", `unknown key "<<"`},
		{"duplicate", minimal + "background: 1\nbackground: 2", `t:4:1: key "background" a second time, the first is in line 3`},
		{"duplicate name", minimal + "objects:\n  a: {sphere: {radius: 1}}\n  a: {sphere: {radius: 1}}", `t:5:3: object "a": expected a name of its own, line 4 has object "a"`},
		{"name of another", minimal + "objects:\n  camera: {sphere: {radius: 1}}", `t:4:3: object "camera": expected a name of its own, line 2 has camera "camera"`},
		{"bad name", minimal + "objects: {a.b: {}}", `t:3:11: expected a name (a letter`},
		{"reserved name", minimal + "objects: {background: {}}", `other than background`},
		{"type", minimal + "background: red", `t:3:13: expected a number >= 0 for background, got "red"`},
		{"list for number", "microdr: 1\ncamera: {resolution: [8, 6], fov: [1]}", `t:2:35: expected a number > 0 and < 180 for fov, got a list of 1`},
		{"length", minimal + "background: [1, 2]", `t:3:13: expected a list of 3 for background, got 2`},
		{"nan", minimal + "background: [1, .nan, 2]", `t:3:17: expected a number >= 0 for background, got .nan`},
		{"inf", minimal + "background: .inf", `got .inf`},
		{"overflow", minimal + "background: 1e999", `expected a number >= 0 for background, got`},
		{"null", minimal + "background:", `t:3:12: expected a value for background, got nothing`},
		{"fraction", "microdr: 1\ncamera: {resolution: [8.5, 6], fov: 40}", `t:2:23: expected a whole number >= 1 and <= 16384 for resolution, got 8.5`},
		{"range", "microdr: 1\ncamera: {resolution: [8, 6], fov: 180}", `t:2:35: expected a number > 0 and < 180`},
		{"bool", minimal + "fit: {parameters: [], starts: {exact: maybe}}", `expected true or false for exact, got "maybe"`},
		{"enum", minimal + "lights: {s: {ambient: {irradiance: 1}, shadows: sotf}}", `expected one of none, hard, soft for shadows, got "sotf"; did you mean "soft"?`},
		{"zero direction", minimal + "lights: {s: {directional: {direction: [0, 0, 0]}}}", `expected a direction other than [0, 0, 0] for direction`},
		{"group missing", minimal + "lights: {s: {}}", `t:3:13: expected one of directional, point or ambient`},
		{"group twice", "microdr: 1\ncamera: {resolution: [8, 6], fov: 40, focal: [1, 1]}", `t:2:39: "focal" excludes "fov": expected one of fov, focal or height`},
		{"no material", minimal + objects + "views: [{camera: camra}]", `no camera "camra"; did you mean "camera"?`},
		{"unknown reference", minimal + "objects: {b: {sphere: {radius: 1}, material: zzz}}\nmaterials: {m: {diffuse: {albedo: 1}}}", `t:3:46: no material "zzz", expected one of m`},
		{"cycle", minimal + "objects:\n  a: {union: {of: [b]}}\n  b: {union: {of: [c]}}\n  c: {union: {of: [a]}}", `t:6:20: cycle of references: a -> b -> c -> a`},
		{"self", minimal + "objects: {a: {union: {of: [a]}}}", `cycle of references: a -> a`},
		{"camera cycle", "microdr: 1\ncameras:\n  a: {resolution: [8, 6], fov: 40, orbit: {of: b, angle: 1}}\n  b: {resolution: [8, 6], fov: 40, orbit: {of: a, angle: 1}}", `cycle of references: a -> b -> a`},
		{"projection", "microdr: 1\ncamera: {resolution: [8, 6], fov: 40, projection: orthographic}", `expected height with projection: orthographic`},
		{"look_at", "microdr: 1\ncamera: {resolution: [8, 6], fov: 40, look_at: {eye: [0, 0, 0], target: [0, 1, 0]}}", `look_at needs a target away`},
		{"pixels", "microdr: 1\ncamera: {resolution: [16384, 16384], fov: 40}", `expected at most 67108864 pixels`},
		{"root material", minimal + "objects: {a: {sphere: {radius: 1}}}", `object "a": expected a material`},
		{"pose and scale", minimal + "materials: {m: {diffuse: {albedo: 1}}}\nobjects: {a: {sphere: {radius: 1}, material: m, pose: {}, scale: 2}}", `pose excludes translation, rotation and scale`},
		{"rounding", minimal + "objects: {a: {box: {size: [1, 1, 1], radius: 0.6}}}", `at most half the shortest edge`},
		{"rectangle operand", minimal + "objects: {a: {union: {of: [b]}, material: {diffuse: {albedo: 1}}}, b: {rectangle: {size: [1, 1]}}}", `a rectangle has no inside`},
		{"checkerboard on a ball", minimal + "objects: {a: {sphere: {radius: 1}, material: {diffuse: {albedo: {checkerboard: {square: 1}}}}}}", `expected a rectangle under a checkerboard`},
		{"soft without size", minimal + "lights: {s: {directional: {direction: [0, 0, 1]}, shadows: soft}}", `expected an angle > 0 with soft shadows`},
		{"unknown path", minimal + objects + "fit: {parameters: [{path: ball.centre}]}", `t:5:27: parameter ball.centre: unknown path "ball.centre"; did you mean "ball.center"?`},
		{"path of nothing", minimal + objects + "fit: {parameters: [{path: zebra.stripes}]}", `expected the name of a camera, object`},
		{"path with the union's key", minimal + objects + "fit: {parameters: [{path: ball.sphere.radius}]}", `unknown path "ball.sphere.radius"; did you mean "ball.radius"?`},
		{"path below", minimal + objects + "fit: {parameters: [{path: ball.whatever}]}", `expected one of ball.center, ball.radius`},
		{"overlap", minimal + objects + "fit: {parameters: [{path: ball.center}, {path: ball.center.x}]}", `ball.center.x overlaps with ball.center in line 5`},
		{"start length", minimal + objects + "fit: {parameters: [{path: ball.center, start: 1}]}", `start: expected 3 numbers, got 1`},
		{"start range", minimal + objects + "fit: {parameters: [{path: ball.radius, start: -1}]}", `start: expected numbers > 0, got -1`},
		{"on the bound", minimal + objects + "fit: {parameters: [{path: m.albedo, constraint: unit}]}", `m.albedo stays strictly between 0 and 1 (constraint), it can not start from 1`},
		{"bounds", minimal + objects + "fit: {parameters: [{path: ball.radius, constraint: {bounds: [2, 1]}}]}", `bounds: expected a lower and a greater number`},
		{"bounds beyond the field's", minimal + objects + "fit: {parameters: [{path: ball.radius, constraint: {bounds: [-1, 2]}}]}", `bounds: expected to stay within numbers > 0, got [-1, 2]`},
		{"no operands", minimal + "objects: {a: {union: {of: []}}}", `expected a list of 1 to`},
		{"ambient shadow", minimal + "lights: {s: {ambient: {irradiance: 1}, shadows: hard}}", `expected shadows: none for an ambient light`},
		{"soft lamp", minimal + "views: [{lights: [{point: {position: [0, 0, 0]}, shadows: soft}]}]", `light "view0.lights.0": expected a radius > 0`},
		{"key is a list", minimal + "[a, b]: 1", `unknown key a list of 2`},
		{"wrong kind", minimal + "objects: 1\nviews: {}", `expected a mapping from names for objects, got 1`},
		{"empty text", minimal + "views: [{image: \"\"}]", `expected a text for image, got ""`},
		{"short distortion", "microdr: 1\ncamera: {resolution: [8, 6], fov: 40, distortion: [1, 2, 3]}", `expected a list of 4 to 5 for distortion, got 3`},
		{"constraint", minimal + objects + "fit: {parameters: [{path: ball.center, constraint: rotation}]}", `constraint does not fit ball.center, which is free`},
		{"about", minimal + objects + "fit: {parameters: [{path: ball.center, about: [0, 0, 0]}]}", `about needs a pose`},
		{"range length", minimal + objects + "fit: {parameters: [{path: ball.center, range: [1, 2]}]}", `range: expected 3 numbers, got 2`},
		{"wide range", minimal + objects + "fit: {parameters: [{path: ball.radius, range: 2}]}", `expected 1 plus or minus 2 to stay inside`},
		{"grid path", minimal + objects + "fit: {parameters: [{path: ball.center}], starts: {grid: [{path: ball.radius, from: 0, to: 1, count: 2}]}}", `ball.radius is not fitted`},
		{"grid vector", minimal + objects + "fit: {parameters: [{path: ball.center}], starts: {grid: [{path: ball.center, from: 0, to: 1, count: 2}]}}", `expected a single number such as ball.center.x`},
		{"no parameters", minimal + "fit: {parameters: []}", `expected a list of 1 to`},
		{"valid", minimal + "views: [{valid: [1, 0]}]", `expected valid: [least, greatest]`},
		{"deep", minimal + "background: " + deep, "expected a list of 3"},
		{"alias bomb", bomb + strings.Repeat("b: *a\n", 3), "unknown key"},
		{"alias loop", minimal + "objects: &o {a: *o}", "unknown key"},
		{"alias blow-up", minimal + "lights: {l: {ambient: {irradiance: 1}}}\nviews:\n- lights: &l [" + strings.Repeat("l, ", 4000) + "]\n" + strings.Repeat("- lights: *l\n", 100), "more than 200000 values"},
		{"too large", minimal + strings.Repeat("#", maxBytes), "expected a file of at most"},
		{"binary", minimal + "\x00", "expected YAML"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			_, err := Parse("t", []byte(r.text))
			var all Errors
			if !errors.As(err, &all) || !strings.Contains(err.Error(), r.want) {
				t.Errorf("got\n%v\nwant %s", err, r.want)
			}
		})
	}
}

func TestAllErrorsAreReportedInOrder(t *testing.T) {
	text := "microdr: 1\nobjects: {b: {sphere: {radius: -1}, material: m}}\ncamera: {resolution: [8, 6], fov: 400}\nlightz: {}\nfit: {parameters: [{path: camra.fov}]}\n"
	_, err := Parse("t", []byte(text))
	var all Errors
	if !errors.As(err, &all) || len(all) != 5 {
		t.Fatalf("got %v", err)
	}
	for i, want := range []int{2, 2, 3, 4, 5} {
		if all[i].Line != want {
			t.Errorf("error %d is in line %d, want %d: %v", i, all[i].Line, want, all[i])
		}
	}
	var one *Error
	if !errors.As(err, &one) || one.File != "t" || one.Column == 0 {
		t.Errorf("no *Error inside: %v", one)
	}
}

func TestManyErrorsStop(t *testing.T) {
	_, err := Parse("t", []byte(minimal+"views: ["+strings.Repeat("{camera: x}, ", 2000)+"]"))
	var all Errors
	if !errors.As(err, &all) || len(all) != yamlfile.MaxErrors {
		t.Errorf("got %d errors, want %d", len(all), yamlfile.MaxErrors)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "scene.yaml"), []byte(minimal), 0o666); err != nil {
		t.Fatal(err)
	}
	if s := load(t, dir); s.Dir != dir {
		t.Errorf("Dir is %q, want %q", s.Dir, dir)
	}
	if _, err := Load(filepath.Join(dir, "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestDefaults(t *testing.T) {
	s := parse(t, "lights: {s: {ambient: {irradiance: 1}}}")
	c := s.Cameras[0]
	if c.Name != "camera" || c.Samples != 16 || *c.Filter.Box != 1 || c.Principal != (Vec2{4, 3}) || c.Projection != Perspective {
		t.Errorf("camera: %+v", c)
	}
	if len(s.Views) != 1 || s.Views[0].Name != "view0" || s.Views[0].Camera != "camera" || s.Views[0].Gain != 1 {
		t.Errorf("views: %+v", s.Views)
	}
	if s.Integrator.Band != 1 || s.Lights[0].Shadows != ShadowsNone {
		t.Errorf("integrator %+v, light %+v", s.Integrator, s.Lights[0])
	}
}

func TestValidate(t *testing.T) {
	s := parse(t, "")
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
	for _, x := range []float64{-1, math.NaN(), math.Inf(1)} {
		s.Background[1] = x
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), "expected a number >= 0 for background") {
			t.Errorf("background of %g: %v", x, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, file := range examples(f) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(minimal + "views: [{name: a, image: \"x\\ty\", gain: 1e-300, bias: -0.0, mask: {file: a.png, margin: 2}}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("fuzz", data)
		if err != nil {
			return
		}
		text := Print(s)
		again, err := Parse("printed", text)
		if err != nil {
			t.Fatalf("printed text does not parse: %v\n%s", err, text)
		}
		if !reflect.DeepEqual(s, again) {
			t.Fatalf("another scene after printing:\n%s", text)
		}
		if s.Fit != nil {
			if _, err := s.AtStart(); err != nil {
				t.Fatal(err)
			}
		}
		Uniforms(s)
	})
}

// TestOneMistakeOneError: a misspelt key is not also reported as missing.
func TestOneMistakeOneError(t *testing.T) {
	rows := []struct{ name, text, want string }{
		{"one of a group", minimal + "objects:\n  ball: {spere: {radius: 1}}", `did you mean "sphere"?`},
		{"required", minimal + "objects:\n  ball: {sphere: {radios: 1}}", `did you mean "radius"?`},
	}
	for _, r := range rows {
		_, err := Parse("t", []byte(r.text))
		var all Errors
		if !errors.As(err, &all) || len(all) != 1 || !strings.Contains(all[0].Message, r.want) {
			t.Errorf("%s: got\n%v\nwant one error with %s", r.name, err, r.want)
		}
	}
}
