package scene_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/baremetaldevx86/microdr/scene"
)

// TestReferenceIsCurrent notices when docs/scene.md no longer says what the parser does.
func TestReferenceIsCurrent(t *testing.T) {
	want, err := os.ReadFile("../docs/scene.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.TrimSpace(want), bytes.TrimSpace(scene.Reference())) {
		t.Error("docs/scene.md is stale: go run ./cmd/microdr schema --markdown > docs/scene.md")
	}
}
