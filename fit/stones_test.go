package fit

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/scene"
)

func replaceViews(text, views string) string { return strings.Replace(text, "VIEWS", views, 1) }

// writeStones writes eight images of a bumpy surface, with noise and some
// highlights that are not Lambertian, and a mask without the first column.
func writeStones(t *testing.T, dir string) (truth []scene.Vec3, views string) {
	t.Helper()
	for i := range 40 * 30 {
		x, y := float64(i%40), float64(i/40)
		truth = append(truth, scene.Normalize(scene.Vec3{0.4 * math.Sin(x/5), 0.4 * math.Cos(y/4), 1}))
	}
	mask := film.New(40, 30, 1)
	for i := range mask.Pix {
		if i%40 != 0 {
			mask.Pix[i] = 1
		}
	}
	save(t, filepath.Join(dir, "mask.png"), mask)
	random := &scene.Random{Key: 5}
	for k := range 8 {
		angle := 2 * math.Pi * float64(k) / 8
		light := scene.Normalize(scene.Vec3{0.5 * math.Cos(angle), 0.5 * math.Sin(angle), 1})
		im := film.New(40, 30, 3)
		for i, n := range truth {
			cosine := math.Max(0, n[0]*light[0]+n[1]*light[1]+n[2]*light[2])
			highlight := 0.0
			if random.Float64() < 0.02 {
				highlight = 0.3
			}
			for c, albedo := range []float64{0.6, 0.5, 0.4} {
				im.Pix[3*i+c] = float32(albedo*cosine + highlight + 0.004*gaussian(random))
			}
		}
		name := fmt.Sprintf("v%d.pfm", k)
		save(t, filepath.Join(dir, name), im)
		views += fmt.Sprintf("  - {name: v%d, image: %s, mask: mask.png, emphasis: 1, lights: [{directional: {direction: [%g, %g, %g]}}]}\n",
			k, name, light[0], light[1], light[2])
	}
	return truth, strings.TrimRight(views, "\n")
}

func save(t *testing.T, path string, im *film.Image) {
	t.Helper()
	if err := film.Save(path, im, film.Output{Encoding: film.Linear}); err != nil {
		t.Fatal(err)
	}
}
