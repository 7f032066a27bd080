package scene

import (
	"math"
	"reflect"
	"testing"
)

// TestPhilox has the known answers of Random123's kat_vectors.
func TestPhilox(t *testing.T) {
	ones := uint32(math.MaxUint32)
	rows := []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{ones, ones, ones, ones}, [2]uint32{ones, ones}, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0}, [4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	}
	for _, r := range rows {
		if got := Philox4x32(r.counter, r.key); got != r.want {
			t.Errorf("philox(%x, %x) = %x, want %x", r.counter, r.key, got, r.want)
		}
	}
}

func TestRandomIsUniform(t *testing.T) {
	r := Random{Key: 5}
	sum, squares, n := 0.0, 0.0, 20000
	for range n {
		x := r.Float64()
		if x < 0 || x >= 1 {
			t.Fatalf("%g outside [0, 1)", x)
		}
		sum += x
		squares += x * x
	}
	if mean, square := sum/float64(n), squares/float64(n); math.Abs(mean-0.5) > 0.01 || math.Abs(square-1.0/3) > 0.01 {
		t.Errorf("mean %g, mean square %g", mean, square)
	}
}

func TestAtStartAndTruth(t *testing.T) {
	s := load(t, "testdata/sphere.yaml")
	start, err := s.AtStart()
	if err != nil {
		t.Fatal(err)
	}
	truth, err := start.AtTruth()
	if err != nil {
		t.Fatal(err)
	}
	if c := start.Object("ball").Sphere.Center; c != (Vec3{0.3, -0.2, -3.4}) {
		t.Errorf("start: centre %v", c)
	}
	if !reflect.DeepEqual(truth, s) {
		t.Error("the truth differs from the file, whose values are the truth")
	}
}

func TestHypotheses(t *testing.T) {
	s := load(t, "testdata/chessboard.yaml")
	if n := s.Hypotheses(0); n != 20*49 {
		t.Errorf("%d hypotheses, want 980", n)
	}
	if n := s.Hypotheses(3); n != 3*49 {
		t.Errorf("%d hypotheses, want 147", n)
	}
	base := s.Objects[0].Pose
	c := Vec3(*s.Fit.Parameters[0].About)
	middle := func(p *Pose) Vec3 { return add(p.Rotation.Matrix().Apply(c), p.Translation) }
	seen := map[Vec3]bool{}
	for draw := range 20 {
		h, err := s.Hypothesis(0, 49*draw+24) // 24 is the middle of the 7 x 7 grid
		if err != nil {
			t.Fatal(err)
		}
		p := h.Objects[0].Pose
		if a := p.Rotation.Angle(base.Rotation) * 180 / math.Pi; math.Abs(a-8) > 1e-9 {
			t.Errorf("draw %d is %g degrees off, want 8", draw, a)
		}
		if d := length(sub(middle(p), middle(base))); math.Abs(d-30) > 1e-9 {
			t.Errorf("draw %d is %g off, want 30", draw, d)
		}
		seen[p.Translation] = true
	}
	if len(seen) != 20 {
		t.Errorf("%d different draws, want 20", len(seen))
	}
	if _, err := s.Hypothesis(0, 980); err == nil {
		t.Error("hypothesis beyond the last")
	}
}

// TestGridIsInTheBoardsPlane: neighbours along the first axis differ by one
// step along the board's own x.
func TestGridIsInTheBoardsPlane(t *testing.T) {
	s := load(t, "testdata/chessboard.yaml")
	var at [8]Vec3
	for k := range 8 {
		h, err := s.Hypothesis(1, k)
		if err != nil {
			t.Fatal(err)
		}
		at[k] = h.Objects[0].Pose.Translation
	}
	r := s.Objects[0].Pose.Rotation.Matrix()
	if d := sub(at[1], at[0]); !near(d, r.Apply(Vec3{12.5, 0, 0})) {
		t.Errorf("step along x is %v", d)
	}
	if d := sub(at[7], at[0]); !near(d, r.Apply(Vec3{0, 12.5, 0})) {
		t.Errorf("step along y is %v", d)
	}
}

func TestScatterStaysInRange(t *testing.T) {
	s := load(t, "testdata/table.yaml")
	start, err := s.AtStart()
	if err != nil {
		t.Fatal(err)
	}
	widest := 0.0
	for k := range 100 {
		h, err := s.Hypothesis(100, k)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := s.Hypothesis(100, k)
		if !reflect.DeepEqual(h, again) {
			t.Fatal("the same hypothesis twice differs")
		}
		a := h.Object("crate").Rotation.Angle(*start.Object("crate").Rotation) * 180 / math.Pi
		widest = max(widest, a)
		d := sub(h.Object("crate").Box.Center, start.Object("crate").Box.Center)
		if a > 15 || max(math.Abs(d[0]), math.Abs(d[1]), math.Abs(d[2])) > 0.2 {
			t.Errorf("start %d: %g degrees, %v", k, a, d)
		}
		if h.Object("ring").Torus.Major != 0.6 {
			t.Error("a parameter without range moved")
		}
	}
	if widest < 12 {
		t.Errorf("widest turn of 100 is %g degrees of 15", widest)
	}
}
