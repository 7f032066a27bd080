package kernel_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/kernel"
)

// The program of a reduction is explained as that of a map, with its elements as an effect.
func TestExplainReduction(t *testing.T) {
	for _, b := range kernel.Backends() {
		e := kernel.New(kernel.Options{Backend: b})
		defer e.Close()
		x, err := e.Explain(squares(100))
		if err != nil {
			t.Fatal(err)
		}
		s := x.Stages[0]
		if s.Backend != b || s.Compile == 0 || !strings.Contains(s.Text, "reduce squares [1 100 1] {") {
			t.Errorf("%s: explained as %+v", b, s)
		}
		stored := func(p kernel.Passage) bool { return strings.HasPrefix(p.Text, "store elements") }
		if b != kernel.Eval && !slices.ContainsFunc(s.Code.Sections[0], stored) {
			t.Errorf("%s: no code stores the elements", b)
		}
	}
}
