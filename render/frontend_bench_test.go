package render_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/render"
	"github.com/baremetaldevx86/microdr/scene"
)

// frontEndCases are what the front end's benchmarks make: the modules that fits of the examples run.
var frontEndCases = []struct {
	name, scene, view string
	mode              render.Mode
}{
	{"table/primal", "../examples/table", "photo", render.Primal},
	{"table/reverse", "../examples/table", "photo", render.Reverse},
	{"table/jacobian", "../examples/table", "photo", render.Jacobian},
	{"chessboard/jacobian", "../examples/chessboard", "photo", render.Jacobian},
}

// movingUniforms names the uniforms that a fit of the scene moves, but for gains and biases.
func movingUniforms(b *testing.B, s *scene.Scene) []string {
	vec, err := scene.NewVector(s)
	if err != nil {
		b.Fatal(err)
	}
	moving := map[string]bool{}
	uniforms := scene.Uniforms(s)
	for _, e := range vec.JacobianPhys() {
		moving[uniforms[e.Row].Name] = true
	}
	for _, v := range s.Views {
		delete(moving, v.Name+".gain")
		delete(moving, v.Name+".bias")
	}
	return slices.Sorted(maps.Keys(moving))
}

// benchmarkFrontEnd times what run does with the modules of the cases, per node that it returns.
func benchmarkFrontEnd(b *testing.B, prepare func(trace func() *ir.Module) func() *ir.Module) {
	for _, c := range frontEndCases {
		b.Run(c.name, func(b *testing.B) {
			s, err := scene.Load(c.scene)
			if err != nil {
				b.Fatal(err)
			}
			options := render.Options{Params: movingUniforms(b, s)}
			run := prepare(func() *ir.Module {
				m, err := render.Trace(s, c.view, options, c.mode)
				if err != nil {
					b.Fatal(err)
				}
				return m
			})
			b.ReportAllocs()
			nodes := 0
			for b.Loop() {
				nodes = 0
				for _, stage := range run().Stages {
					if stage.Prog != nil {
						nodes += len(stage.Prog.Nodes)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(nodes), "ns/node")
			b.ReportMetric(float64(nodes), "nodes")
		})
	}
}

// BenchmarkTrace records and differentiates modules.
func BenchmarkTrace(b *testing.B) {
	benchmarkFrontEnd(b, func(trace func() *ir.Module) func() *ir.Module { return trace })
}

// BenchmarkVerify verifies recorded modules.
func BenchmarkVerify(b *testing.B) {
	benchmarkFrontEnd(b, func(trace func() *ir.Module) func() *ir.Module {
		m := trace()
		return func() *ir.Module {
			if err := ir.Verify(m); err != nil {
				b.Fatal(err)
			}
			return m
		}
	})
}

// BenchmarkLower lowers recorded modules, per node of the lowered ones.
func BenchmarkLower(b *testing.B) {
	benchmarkFrontEnd(b, func(trace func() *ir.Module) func() *ir.Module {
		m := trace()
		return func() *ir.Module {
			low, err := ir.Lower(m, ir.Passes(), false)
			if err != nil {
				b.Fatal(err)
			}
			return low
		}
	})
}

// BenchmarkFingerprint takes the fingerprints of lowered programs.
func BenchmarkFingerprint(b *testing.B) {
	benchmarkFrontEnd(b, func(trace func() *ir.Module) func() *ir.Module {
		low, err := ir.Lower(trace(), ir.Passes(), false)
		if err != nil {
			b.Fatal(err)
		}
		return func() *ir.Module {
			for i := range low.Stages {
				if p := low.Stages[i].Prog; p != nil {
					ir.Fingerprint(low, p)
				}
			}
			return low
		}
	})
}
