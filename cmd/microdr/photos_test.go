package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/baremetaldevx86/microdr/film"
)

// Photographs that are not part of the repository; the test skips without them.
const photometricData = "../../../shared/data/photometric"

// TestBuddha compares the example's normals with those that came with the
// photographs.
func TestBuddha(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	reference, err := os.ReadFile(filepath.Join(photometricData, "buddha/buddha.normals.dat"))
	if err != nil {
		t.Skip(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	run := filepath.Join(t.TempDir(), "run")
	if got := runIn(t, root, "fit", "examples/buddha", "-o", run, "-q"); got.code != 0 {
		t.Fatalf("exit code %d: %s", got.code, got.stderr)
	}
	normals, err := film.Load(filepath.Join(run, "stone.normal.pfm"), film.Linear)
	if err != nil {
		t.Fatal(err)
	}
	mask, err := film.Load(filepath.Join(photometricData, "buddha/buddha.mask.tga"), film.Linear)
	if err != nil {
		t.Fatal(err)
	}
	degrees, err := meanAngle(normals, mask, reference)
	if err != nil || !(degrees <= 1.5) {
		t.Errorf("mean angle to the supplied normals: %.3f degrees (%v), want at most 1.5", degrees, err)
	}
	t.Logf("mean angle to the supplied normals: %.3f degrees", degrees)
}

// meanAngle compares normals with a file of int32 width, height and float32
// triples, bottom row first, where the mask is set.
func meanAngle(normals, mask *film.Image, reference []byte) (float64, error) {
	order := binary.LittleEndian
	width, height := int(order.Uint32(reference)), int(order.Uint32(reference[4:]))
	if normals.Width != width || normals.Height != height || normals.Channels != 3 || len(reference) != 8+12*width*height {
		return 0, fmt.Errorf("%dx%d normals, %dx%d references of %d bytes", normals.Width, normals.Height, width, height, len(reference))
	}
	total, count := 0.0, 0
	for y := range height {
		for x := range width {
			if mask.At(x, y)[0] < 0.5 {
				continue
			}
			at := reference[8+12*((height-1-y)*width+x):]
			dot, got := 0.0, normals.At(x, y)
			for c := range 3 {
				dot += float64(got[c]) * float64(math.Float32frombits(order.Uint32(at[4*c:])))
			}
			total += math.Acos(math.Max(-1, math.Min(1, dot))) * 180 / math.Pi
			count++
		}
	}
	return total / float64(count), nil
}
