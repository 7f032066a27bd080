package render_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/render"
)

func TestDump(t *testing.T) {
	if os.Getenv("DUMP") == "" {
		t.Skip()
	}
	for _, c := range gradientCases() {
		if c.name == "flat" {
			v := parameter(t, c)
			for _, p := range []kernel.Precision{kernel.Float32, kernel.Float64} {
				e := kernel.New(kernel.Options{Precision: p})
				view, err := render.NewView(e, v.Scene(), "view0", render.Options{Samples: 256})
				if err != nil {
					t.Fatal(err)
				}
				im, _ := view.RenderF64(context.Background(), v.Scene())
				fmt.Println(view.Misses())
				for y := 12; y < 32; y++ {
					for x := 12; x < 36; x++ {
						fmt.Printf("%.3f ", im[3*(y*48+x)])
					}
					fmt.Println()
				}
			}
		}
	}
}

func TestArea(t *testing.T) {
	if os.Getenv("DUMP") == "" {
		t.Skip()
	}
	for _, c := range gradientCases() {
		if c.name == "flat" {
			v := parameter(t, c)
			e := kernel.New(kernel.Options{Precision: kernel.Float64})
			for _, n := range []int{64, 256, 400, 1024} {
				view, err := render.NewView(e, v.Scene(), "view0", render.Options{Samples: n})
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range []float64{-.08, -.04, -.024, 0, .024, .04, .08} {
					im, _ := view.RenderF64(context.Background(), v.Retract([]float64{d}))
					s := 0.0
					for y := 10; y < 40; y++ {
						for x := 10; x < 38; x++ {
							s += im[3*(y*48+x)] - .7
						}
					}
					fmt.Print(s/.1, " ")
				}
				fmt.Println()
			}
		}
	}
}
