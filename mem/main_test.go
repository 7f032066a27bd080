package mem

import (
	"os"
	"testing"
)

// TestMain keeps debug mode to the tests that ask for it: the others look inside.
func TestMain(m *testing.M) {
	os.Unsetenv("MICRODR_MEMDEBUG")
	os.Exit(m.Run())
}
