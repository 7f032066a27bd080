package data

import (
	"math"
	"slices"
	"testing"
)

// board is an image in which every number is different.
func board(shape Shape) []float32 {
	pixels := make([]float32, shape.Len())
	for i := range pixels {
		pixels[i] = float32(i + 1)
	}
	return pixels
}

func TestMove(t *testing.T) {
	shape := Shape{1, 2, 3} // 1 2 3 / 4 5 6
	for _, r := range []struct {
		change change
		fill   float32
		want   []float32
	}{
		{change{}, 0, []float32{1, 2, 3, 4, 5, 6}},
		{change{dx: 1}, 0, []float32{0, 1, 2, 0, 4, 5}},
		{change{dx: -2}, 9, []float32{3, 9, 9, 6, 9, 9}},
		{change{dy: 1}, 0, []float32{0, 0, 0, 1, 2, 3}},
		{change{dx: 3, dy: -2}, 0, []float32{0, 0, 0, 0, 0, 0}},
		{change{flip: true}, 0, []float32{3, 2, 1, 6, 5, 4}},
		{change{flip: true, dx: 1}, 0, []float32{0, 3, 2, 0, 6, 5}}, // mirrored first
	} {
		got := make([]float32, shape.Len())
		Augmentation{Fill: r.fill}.apply(got, board(shape), shape, r.change)
		if !slices.Equal(got, r.want) {
			t.Errorf("%+v: %v, want %v", r.change, got, r.want)
		}
	}
}

// TestTransformMoves: without angle and with factor 1 the interpolated image is the moved one, exactly.
func TestTransformMoves(t *testing.T) {
	for _, shape := range []Shape{{2, 5, 4}, {1, 3, 3}} {
		for i := range 98 {
			c := change{dx: i%7 - 3, dy: i/7%7 - 3, flip: i >= 49, scale: 1}
			moved, transformed := make([]float32, shape.Len()), make([]float32, shape.Len())
			Augmentation{Fill: 7}.apply(moved, board(shape), shape, c)
			Augmentation{Fill: 7, Rotate: 1}.apply(transformed, board(shape), shape, c)
			if !slices.Equal(moved, transformed) {
				t.Fatalf("%+v: %v, want %v", c, transformed, moved)
			}
		}
	}
}

func TestTransform(t *testing.T) {
	square := []float32{1, 2, 3, 4, 5, 6, 7, 8, 9}
	for _, r := range []struct {
		name   string
		change change
		want   []float32
	}{
		{"a quarter turn, x to y", change{angle: math.Pi / 2, scale: 1}, []float32{7, 4, 1, 8, 5, 2, 9, 6, 3}},
		{"half a turn", change{angle: -math.Pi, scale: 1}, []float32{9, 8, 7, 6, 5, 4, 3, 2, 1}},
		{"turned, then mirrored", change{angle: math.Pi / 2, scale: 1, flip: true}, []float32{1, 4, 7, 2, 5, 8, 3, 6, 9}},
		{"turned, then shifted", change{angle: math.Pi / 2, scale: 1, dx: 1}, []float32{0, 7, 4, 0, 8, 5, 0, 9, 6}},
		{"twice as large", change{scale: 2}, []float32{3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7}},
		{"half as large", change{scale: 0.5}, []float32{0, 0, 0, 0, 5, 0, 0, 0, 0}},
	} {
		got := make([]float32, 9)
		Augmentation{Rotate: 180, Scale: 0.9}.apply(got, square, Shape{1, 3, 3}, r.change)
		if !near(got, r.want, 1e-5) {
			t.Errorf("%s: %v, want %v", r.name, got, r.want)
		}
	}
}

// TestDraw: numbers fill their ranges evenly, and do not depend on which others are wanted.
func TestDraw(t *testing.T) {
	all := Augmentation{Shift: 2, Flip: true, Rotate: 10, Scale: 0.2}
	const n = 20000
	shifts, flips, angles, scales := [5]int{}, 0, 0.0, 0.0 // the last two are sums of squares
	sumAngle, sumScale := 0.0, 0.0
	for i := range n {
		p := place{seed: 3, epoch: 1, image: uint32(i)}
		c := all.draw(p)
		shifts[c.dx+2]++
		if c.flip {
			flips++
		}
		if math.Abs(c.angle) > 10*math.Pi/180 || c.scale < 0.8 || c.scale > 1.2 {
			t.Fatalf("%+v is out of range", c)
		}
		sumAngle, sumScale = sumAngle+c.angle, sumScale+c.scale-1
		angles += c.angle * c.angle
		scales += (c.scale - 1) * (c.scale - 1)
		if shift := (Augmentation{Shift: 2}).draw(p); shift.dx != c.dx || shift.dy != c.dy || shift.flip ||
			shift.angle != 0 || shift.scale != 1 {
			t.Fatalf("alone %+v, with others %+v", shift, c)
		}
	}
	for i, count := range shifts {
		if count < n/5-300 || count > n/5+300 { // five standard deviations
			t.Errorf("shift %d came %d times of %d", i-2, count, n)
		}
	}
	if flips < n/2-350 || flips > n/2+350 {
		t.Errorf("%d of %d are mirrored", flips, n)
	}
	if a, s := sumAngle/n, sumScale/n; math.Abs(a) > 0.0036 || math.Abs(s) > 0.0041 { // five standard deviations
		t.Errorf("mean angle %v and scale 1%+v, want 0 and 1", a, s)
	}
	// The variance of a uniform number in [-a, a] is a^2 / 3.
	if got, want := angles/n, math.Pow(10*math.Pi/180, 2)/3; math.Abs(got/want-1) > 0.05 {
		t.Errorf("variance of angles %v, want %v", got, want)
	}
	if got, want := scales/n, 0.2*0.2/3; math.Abs(got/want-1) > 0.05 {
		t.Errorf("variance of scales %v, want %v", got, want)
	}
}

// TestDrawPlaces: seed, epoch and image each give other numbers.
func TestDrawPlaces(t *testing.T) {
	seen := map[change]place{}
	for _, p := range []place{{}, {seed: 1}, {seed: 1 << 40}, {epoch: 1}, {image: 1}, {epoch: 2, image: 1}, {epoch: 1,
		image: 2}} {
		c := Augmentation{Shift: 9, Flip: true, Rotate: 10, Scale: 0.2}.draw(p)
		if other, double := seen[c]; double {
			t.Errorf("%+v and %+v have the same numbers", p, other)
		}
		seen[c] = p
	}
}
