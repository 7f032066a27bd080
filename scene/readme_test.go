package scene_test

import (
	"os"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/scene"
)

// TestReadmeScene parses the scene that README.md shows.
func TestReadmeScene(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(readme), "## A scene\n")
	text, _, _ := strings.Cut(rest, "\n## ")
	if !found {
		t.Fatal("README.md has no section 'A scene'")
	}
	s, err := scene.Parse("README.md", []byte(strings.ReplaceAll(text, "\n    ", "\n")))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Objects) != 2 || len(s.Fit.Parameters) != 3 {
		t.Errorf("%d objects and %d parameters, want 2 and 3", len(s.Objects), len(s.Fit.Parameters))
	}
}
