package main

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/fit"
	"github.com/baremetaldevx86/microdr/scene"
)

// TestExamplesParse loads every scene of examples/, and checks that its
// printed form is the same scene.
func TestExamplesParse(t *testing.T) {
	files, err := filepath.Glob("../../examples/*/*.yaml")
	if err != nil || len(files) < 7 {
		t.Fatalf("found %d scenes (%v), want at least 7", len(files), err)
	}
	for _, file := range files {
		s, err := scene.Load(file)
		if err != nil {
			t.Error(err)
			continue
		}
		again, err := scene.Parse(file, scene.Print(s))
		if err != nil {
			t.Errorf("printed: %v", err)
			continue
		}
		if a, b := string(scene.Print(s)), string(scene.Print(again)); a != b {
			t.Errorf("%s: printed and parsed again it prints as\n%s\nwant\n%s", file, b, a)
		}
	}
}

// fitExample fits an example without a run folder.
func fitExample(t *testing.T, path string) *fit.Result {
	t.Helper()
	s, err := scene.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := fit.Run(t.Context(), s, fit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d iterations, %.1f s, %s\n%s", r.Iterations, r.Seconds, r.Reason, table.String())
	return r
}

// valuesOf returns the fitted numbers by name, and the true ones.
func valuesOf(r *fit.Result) (value, truth map[string]float64) {
	value, truth = map[string]float64{}, map[string]float64{}
	for _, p := range r.Params {
		for i, name := range p.Names {
			value[name], truth[name] = float64(p.Value[i]), float64(p.Truth[i])
		}
	}
	return value, truth
}

// TestSphere: all seven numbers within 0.002 in at most 30 iterations, and
// nothing undetermined.
func TestSphere(t *testing.T) {
	r := fitExample(t, "../../examples/sphere")
	value, truth := valuesOf(r)
	if len(value) != 7 || r.Iterations > 30 || len(r.Undetermined) > 0 {
		t.Errorf("%d numbers, %d iterations, %d undetermined directions; want 7, at most 30, none", len(value), r.Iterations, len(r.Undetermined))
	}
	for name := range value {
		if off := math.Abs(value[name] - truth[name]); !(off <= 0.002) {
			t.Errorf("%s is off by %.4f, want at most 0.002", name, off)
		}
	}
}

// TestSphereInOneView: the scale about the camera is named as undetermined;
// centre / radius and the albedo are within 0.002.
func TestSphereInOneView(t *testing.T) {
	r := fitExample(t, "../../examples/sphere-1view")
	value, truth := valuesOf(r)
	for name := range value {
		got, want := value[name], truth[name]
		if strings.HasPrefix(name, "ball.") {
			got, want = got/value["ball.radius"], want/truth["ball.radius"]
		}
		if off := math.Abs(got - want); !(off <= 0.002) {
			t.Errorf("%s (over the radius) is off by %.4f, want at most 0.002", name, off)
		}
	}
	if len(r.Undetermined) != 1 || r.Undetermined[0]["ball.center.z"] == 0 || r.Undetermined[0]["ball.radius"] == 0 || r.Undetermined[0]["red.albedo.r"] != 0 {
		t.Errorf("undetermined: %v, want ball.center.z and ball.radius together", r.Undetermined)
	}
}

// TestTable: every determined number within 1 % of its range, and the depth
// of the post named as undetermined.
func TestTable(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	s, err := scene.Load("../../examples/table")
	if err != nil {
		t.Fatal(err)
	}
	ranges := map[string]float64{}
	for _, p := range s.Fit.Parameters {
		ranges[p.Path] = 1 // of a colour
		if p.Range != nil {
			ranges[p.Path] = 2 * p.Range[0]
		}
	}
	r := fitExample(t, "../../examples/table")
	hidden := map[string]bool{"post.center.y": true, "post.height": true}
	for _, p := range r.Params {
		for i, name := range p.Names {
			if off := math.Abs(float64(p.Value[i] - p.Truth[i])); !hidden[name] && !(off <= 0.01*ranges[p.Path]) {
				t.Errorf("%s is off by %.4f, want at most %.4f", name, off, 0.01*ranges[p.Path])
			}
		}
	}
	if len(r.Undetermined) != 1 || r.Undetermined[0]["post.height"] == 0 || r.Undetermined[0]["post.center.y"] == 0 {
		t.Errorf("undetermined: %v, want post.height and post.center.y together", r.Undetermined)
	}
}
