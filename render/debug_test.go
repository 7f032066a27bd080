package render_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/render"
	"github.com/baremetaldevx86/microdr/scene"
)

func envf(n string, d float64) float64 {
	if x, err := strconv.ParseFloat(os.Getenv(n), 64); err == nil {
		return x
	}
	return d
}

func TestDebug(t *testing.T) {
	name := os.Getenv("CASE")
	if name == "" {
		t.Skip()
	}
	w := functionals()
	for _, c := range gradientCases() {
		if c.name != name {
			continue
		}
		if p := os.Getenv("PARAM"); p != "" {
			c.path = p
			c.direction = nil
			for _, f := range splitf(os.Getenv("DIR")) {
				c.direction = append(c.direction, f)
			}
		}
		c.step *= envf("STEP", 1)
		v := parameter(t, c)
		prec := kernel.Float32
		if os.Getenv("F64") != "" {
			prec = kernel.Float64
		}
		e := kernel.New(kernel.Options{Precision: prec})
		eo := kernel.New(kernel.Options{Precision: kernel.Float64})
		names := scene.Uniforms(v.Scene())
		var params []string
		var tangent []float64
		for _, e := range v.JacobianPhys() {
			params = append(params, names[e.Row].Name)
			tangent = append(tangent, e.Value*c.direction[e.Col])
		}
		n := int(envf("N", 256))
		view, err := render.NewView(e, v.Scene(), "view0", render.Options{Samples: n, Params: params, Band: envf("BAND", 1)})
		if err != nil {
			t.Fatal(err)
		}
		_, est, err := view.ForwardF64(context.Background(), v.Scene(), tangent)
		if err != nil {
			t.Fatal(err)
		}
		view, err = render.NewView(eo, v.Scene(), "view0", render.Options{Samples: n})
		if err != nil {
			t.Fatal(err)
		}
		p, _ := view.RenderF64(context.Background(), v.Retract(scaled(c.direction, c.step)))
		m, _ := view.RenderF64(context.Background(), v.Retract(scaled(c.direction, -c.step)))
		fd := make([]float64, len(p))
		for i := range p {
			fd[i] = (p[i] - m[i]) / (2 * c.step)
		}
		fmt.Println(measure(w, est), measure(w, fd))
		const b = 4
		for y := 0; y < side; y += b {
			for x := 0; x < side; x += b {
				var a, f float64
				for j := range b {
					for i := range b {
						k := ((y+j)*side + x + i) * 3
						a += est[k]
						f += fd[k]
					}
				}
				fmt.Printf("%6.2f/%6.2f ", a, f)
			}
			fmt.Println()
		}
	}
}

func splitf(s string) (out []float64) {
	var f float64
	for _, x := range []byte(s + ",") {
		_ = x
	}
	cur := ""
	for _, ch := range s + "," {
		if ch == ',' {
			f, _ = strconv.ParseFloat(cur, 64)
			out = append(out, f)
			cur = ""
		} else {
			cur += string(ch)
		}
	}
	return out
}
