package grad

import (
	"slices"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
)

// energy is the sum of u a[i]^2 over the middle of [2, 3, 2], by a reduction with a program.
const energy = `module energy
uniform u f32
buffer a f32 [2 3 2] input
buffer out f32 [2 2] output
reduce squares [2 3 2] {
  once {
    %3 = uniform f32 u
  }
  %0 = lane i32
  %1 = gather f32 a %0
  %2 = mul f32 %1 %1
  %4 = mul f32 %2 %3
  return %4
} -> (out) op sum
`

// TestReductionProgram differentiates a reduction that has a program.
func TestReductionProgram(t *testing.T) {
	m, err := ir.Parse("energy", []byte(energy))
	if err != nil {
		t.Fatal(err)
	}
	spec := Spec{Outputs: []string{"out"}, Uniforms: []string{"u"}, Buffers: []string{"a"}}
	forward, err := Forward(m, spec)
	if err != nil {
		t.Fatal(err)
	}
	reverse, err := Reverse(m, spec)
	if err != nil {
		t.Fatal(err)
	}
	a := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	for _, r := range []struct {
		m    *ir.Module
		want map[string][]float64
	}{
		{forward, map[string][]float64{"out": {70, 112, 502, 616}, "tan.out": {35 + 4*9, 56 + 4*12, 251 + 4*27, 308 + 4*30}}},
		{reverse, map[string][]float64{"grad.u": {35 + 2*56 + 3*251 + 4*308},
			"grad.a": {4, 16, 12, 32, 20, 48, 84, 128, 108, 160, 132, 192}}},
	} {
		mc := newMachine(r.m)
		mc.uniforms["u"], mc.uniforms["tan.u"] = 2, 1
		mc.buffers["a"], mc.buffers["tan.a"] = a, slices.Repeat([]float64{1}, 12)
		mc.buffers["adj.out"] = []float64{1, 2, 3, 4}
		mc.run(t)
		for name, want := range r.want {
			if got := mc.buffers[name]; !slices.Equal(got, want) {
				t.Errorf("%s is %v, want %v", name, got, want)
			}
		}
	}
}
