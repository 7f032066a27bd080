package main

import (
	"path/filepath"
	"testing"

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
