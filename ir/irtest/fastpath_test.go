package irtest_test

import (
	"reflect"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/ir/irtest"
)

// unrecorded returns a program of which nobody knows that a Builder recorded it, so that passes look up every node.
func unrecorded(p *ir.Program) *ir.Program {
	return &ir.Program{Nodes: p.Nodes, Loops: p.Loops, Calls: p.Calls, Parents: p.Parents, Effects: p.Effects}
}

// TestPassesCopyAsTheyLookUp holds the passes on recorded programs, whose nodes they copy, to what they make of the same
// programs when they look up and fold every node anew.
func TestPassesCopyAsTheyLookUp(t *testing.T) {
	for seed := range uint64(300) {
		m := irtest.Random(seed, irtest.Options{Lanes: 3, NoCalls: seed%3 > 0, NoTranscendentals: seed%2 > 0})
		p := m.Stages[0].Prog
		for _, pass := range ir.Passes() {
			got, want := pass.Run(m, p), pass.Run(m, unrecorded(p))
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d: %s makes different programs\n%s", seed, pass.Name, ir.Print(m))
			}
			p = got
		}
	}
}
