package film

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestSRGBCurve(t *testing.T) {
	rows := []struct{ encoded, linear float64 }{
		{0, 0},
		{0.04045, 0.04045 / 12.92},
		{0.5, 0.21404114048223255}, // colour-science: eotf_sRGB(0.5)
		{1, 1},
	}
	for _, r := range rows {
		if got := SRGBToLinear(r.encoded); math.Abs(got-r.linear) > 1e-12 {
			t.Errorf("SRGBToLinear(%v) = %v, want %v", r.encoded, got, r.linear)
		}
		if got := LinearToSRGB(r.linear); math.Abs(got-r.encoded) > 1e-7 {
			t.Errorf("LinearToSRGB(%v) = %v, want %v", r.linear, got, r.encoded)
		}
	}
}

// Every code survives the way to float32 and back.
func TestCodesRoundTrip(t *testing.T) {
	for _, enc := range []Encoding{SRGB, Linear} {
		for _, largest := range []int{0xff, 0xffff} {
			for i, v := range enc.table(largest) {
				if got := quantise(enc.encode(float64(v)), largest); got != i {
					t.Fatalf("%v: code %d of %d comes back as %d", enc, i, largest, got)
				}
			}
		}
	}
}

func TestQuantise(t *testing.T) {
	rows := []struct {
		in   float64
		want int
	}{{-1, 0}, {0, 0}, {0.5 / 255, 1}, {0.49 / 255, 0}, {1, 255}, {7, 255}, {math.Inf(1), 255}, {math.Inf(-1), 0}, {math.NaN(), 0}}
	for _, r := range rows {
		if got := quantise(r.in, 255); got != r.want {
			t.Errorf("quantise(%v) = %d, want %d", r.in, got, r.want)
		}
	}
}

// The table of limits gives the codes of the formula, at random values and around every limit.
func TestQuantiser8(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, enc := range []Encoding{SRGB, Linear} {
		q := newQuantiser8(enc)
		check := func(v float32) {
			if got, want := int(q.code(v)), quantise(enc.encode(float64(v)), 0xff); got != want {
				t.Fatalf("%v: code of %v is %d, want %d", enc, v, got, want)
			}
		}
		for _, v := range []float32{0, 1, -1, 2, math.SmallestNonzeroFloat32, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
			check(v)
		}
		for range 1 << 18 {
			check(math.Float32frombits(random.Uint32()))
			check(random.Float32())
		}
		for _, limit := range q.limits[1:256] {
			for k := range uint32(64) {
				check(math.Float32frombits(math.Float32bits(limit) + k - 32))
			}
		}
	}
}

func TestParseEncoding(t *testing.T) {
	for _, e := range []Encoding{SRGB, Linear} {
		if got, err := ParseEncoding(e.String()); got != e || err != nil {
			t.Errorf("ParseEncoding(%q) = %v, %v", e, got, err)
		}
	}
	if _, err := ParseEncoding("gamma"); err == nil {
		t.Error("ParseEncoding(gamma): no error")
	}
}
