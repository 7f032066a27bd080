package scene

import (
	"path/filepath"
	"testing"
)

// TestValues compares Values with the values of Uniforms.
func TestValues(t *testing.T) {
	files, err := filepath.Glob("../examples/*/scene.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, file := range files {
		s, err := Load(file)
		if err != nil {
			t.Fatal(err)
		}
		uniforms, values := Uniforms(s), Values(s)
		if len(uniforms) != len(values) {
			t.Fatalf("%s: %d values of %d uniforms", file, len(values), len(uniforms))
		}
		for i, u := range uniforms {
			if values[i] != u.Value {
				t.Errorf("%s: %s is %g, want %g", file, u.Name, values[i], u.Value)
			}
		}
	}
}
