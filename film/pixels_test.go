package film

import (
	"bytes"
	"io"
	"math"
	"slices"
	"testing"
)

func newReader(b []byte) io.Reader { return bytes.NewReader(b) }

func encoded(t *testing.T, im *Image) []byte {
	var b bytes.Buffer
	if err := Encode(&b, im, PFM, Output{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gray(width int, pix ...float32) *Image { return &Image{width, len(pix) / width, 1, pix} }

func nan() float32 { return float32(math.NaN()) }

func TestCheckSize(t *testing.T) {
	rows := []struct {
		width, height, channels int
		ok                      bool
	}{
		{1, 1, 1, true}, {MaxSide, MaxSide, 1, true}, {MaxSide, 1, 3, true},
		{0, 1, 1, false}, {1, -1, 1, false}, {1, 1, 0, false}, {MaxSide + 1, 1, 1, false}, {MaxSide, MaxSide, 2, false},
		{1, 1, math.MaxInt, false}, {math.MaxInt, math.MaxInt, math.MaxInt, false},
	}
	for _, r := range rows {
		if err := CheckSize(r.width, r.height, r.channels); (err == nil) != r.ok {
			t.Errorf("CheckSize(%d, %d, %d) = %v", r.width, r.height, r.channels, err)
		}
	}
}

func TestDownsample(t *testing.T) {
	odd := gray(3, 1, 3, 5, 5, 7, 9, 10, 20, 40)
	rows := []struct {
		name         string
		im, weights  *Image
		factor       int
		want, coarse []float32
	}{
		{"factor 1", odd, nil, 1, odd.Pix, []float32{1, 1, 1, 1, 1, 1, 1, 1, 1}},
		{"cut cells", odd, nil, 2, []float32{4, 7, 15, 40}, []float32{1, 0.5, 0.5, 0.25}},
		{"one cell", odd, nil, 5, []float32{100. / 9}, []float32{9. / 25}},
		{"mask hides NaN", gray(2, 1, nan(), 3, 4), gray(2, 1, 0, 1, 0), 2, []float32{2}, []float32{0.5}},
		{"empty cell", gray(2, nan(), nan()), gray(2, 0, 0), 2, []float32{0}, []float32{0}},
		{"weights", gray(2, 1, 5), gray(2, 0.75, 0.25), 2, []float32{2}, []float32{0.25}},
		{"RGB", &Image{2, 1, 3, []float32{1, 2, 3, 3, 4, 5}}, nil, 2, []float32{2, 3, 4}, []float32{0.5}},
	}
	for _, r := range rows {
		got, coarse, err := r.im.DownsampleWeighted(r.weights, r.factor)
		if err != nil || !slices.Equal(got.Pix, r.want) || !slices.Equal(coarse.Pix, r.coarse) {
			t.Errorf("%s: %v, %v (%v), want %v, %v", r.name, got, coarse, err, r.want, r.coarse)
		}
	}
	for _, w := range []*Image{gray(2, 1, 1), gray(3, 1, 1, 1, 1, -1, 1, 1, 1, 1), gray(3, 1, 1, 1, 1, nan(), 1, 1, 1, 1)} {
		if _, _, err := odd.DownsampleWeighted(w, 2); err == nil {
			t.Errorf("weights %v: no error", w)
		}
	}
}

func TestBilinear(t *testing.T) {
	im := gray(2, 0, 1, 2, 7)
	rows := []struct {
		x, y float64
		want float32
	}{
		{0.5, 0.5, 0}, {1.5, 0.5, 1}, {0.5, 1.5, 2}, {1.5, 1.5, 7}, {1, 1, 2.5}, {1, 0.5, 0.5}, {0.5, 0.75, 0.5},
		{-9, -9, 0}, {math.Inf(1), math.Inf(1), 7}, {1e300, 0, 1},
	}
	dst := make([]float32, 1)
	for _, r := range rows {
		if im.Bilinear(r.x, r.y, dst); dst[0] != r.want {
			t.Errorf("(%v, %v): %v, want %v", r.x, r.y, dst[0], r.want)
		}
	}
	if im.Bilinear(math.NaN(), 0, dst); dst[0] == dst[0] {
		t.Errorf("NaN coordinate: %v", dst[0])
	}
}

func TestCrop(t *testing.T) {
	im := gray(3, 1, 2, 3, 4, 5, 6)
	got, err := im.Crop(1, 0, 2, 2)
	if err != nil || !slices.Equal(got.Pix, []float32{2, 3, 5, 6}) {
		t.Errorf("%v %v", got, err)
	}
	for _, r := range [][4]int{{-1, 0, 1, 1}, {0, 0, 4, 1}, {2, 0, 2, 1}, {0, 2, 1, 1}, {0, 0, 0, 1}, {1, 0, math.MaxInt, 1}} {
		if _, err := im.Crop(r[0], r[1], r[2], r[3]); err == nil {
			t.Errorf("Crop%v: no error", r)
		}
	}
}

func TestToneMapping(t *testing.T) {
	im := &Image{1, 1, 4, []float32{0.5, 0.5, 0.5, 0.25}}
	rows := []struct {
		name string
		got  *Image
		want []float32
	}{
		{"expose", im.Expose(2), []float32{2, 2, 2, 0.25}},
		{"clamp", (&Image{1, 1, 3, []float32{-1, nan(), 5}}).Clamp(0, 1), []float32{0, 0, 1}},
		{"reinhard", gray(2, 1, 3).Reinhard(math.Inf(1)), []float32{0.5, 0.75}},
		{"reinhard white", gray(1, 4).Reinhard(4), []float32{1}},
		{"reinhard black", gray(2, 0, -1).Reinhard(1), []float32{0, -1}},
		{"gray", (&Image{1, 1, 4, []float32{1, 0, 0, 9}}).Gray(), []float32{0.2126729}},
		{"gray of two", (&Image{1, 1, 2, []float32{1, 2}}).Gray(), []float32{1.5}},
	}
	for _, r := range rows {
		if !slices.Equal(r.got.Pix, r.want) {
			t.Errorf("%s: %v, want %v", r.name, r.got.Pix, r.want)
		}
	}
	if im.Pix[0] != 0.5 {
		t.Error("the source changed")
	}
}

// The author's table of the cool-warm map in 8 bit sRGB (CoolWarmUChar33.csv, K. Moreland).
func TestDivergingAgainstPublishedTable(t *testing.T) {
	rows := []struct {
		at   float64 // 0..1 in the table
		want [3]int
	}{
		{0, [3]int{59, 76, 192}}, {0.125, [3]int{98, 130, 234}}, {0.25, [3]int{141, 176, 254}}, {0.375, [3]int{184, 208, 249}},
		{0.5, [3]int{221, 221, 221}}, {0.625, [3]int{245, 196, 173}}, {0.75, [3]int{244, 154, 123}}, {0.875, [3]int{222, 96, 77}},
		{1, [3]int{180, 4, 38}},
	}
	for _, r := range rows {
		for c, v := range Diverging(2*r.at - 1) {
			if got := quantise(LinearToSRGB(float64(v)), 255); got < r.want[c]-1 || got > r.want[c]+1 {
				t.Errorf("at %v channel %d: %d, want %d", r.at, c, got, r.want[c])
			}
		}
	}
}

// Equal steps of the sequential map have equal Delta E, and lightness rises throughout; the gamut does not cut it.
func TestSequentialIsUniform(t *testing.T) {
	at := func(t float64) vec3 {
		c := Sequential(t)
		return labFromRGB(vec3{float64(c[0]), float64(c[1]), float64(c[2])})
	}
	distance := func(a, b vec3) float64 { return math.Hypot(math.Hypot(a[0]-b[0], a[1]-b[1]), a[2]-b[2]) }
	mean := distance(at(0), at(1)) / 50
	for i := range 50 {
		a, b := at(float64(i)/50), at(float64(i+1)/50)
		if d := distance(a, b); math.Abs(d-mean) > 0.02*mean || b[0] <= a[0] {
			t.Errorf("step %d: Delta E %v of mean %v, L %v to %v", i, d, mean, a[0], b[0])
		}
	}
}

func TestMaps(t *testing.T) {
	signed := gray(5, -2, 0, 2, nan(), float32(math.Inf(1))).DivergingMap(0)
	for i, want := range [][3]float32{Diverging(-1), Diverging(0), Diverging(1), BadColor(), Diverging(1)} {
		if got := [3]float32(signed.At(i, 0)); got != want {
			t.Errorf("diverging %d: %v, want %v", i, got, want)
		}
	}
	if got, want := (&Image{1, 1, 3, []float32{1, -4, 2}}).DivergingMap(4).At(0, 0), Diverging(-1); !slices.Equal(got, want[:]) {
		t.Errorf("largest channel: %v, want %v", got, want)
	}
	amounts := gray(4, 1, 2, 3, nan()).SequentialMap(0, 0)
	for i, want := range [][3]float32{Sequential(0), Sequential(0.5), Sequential(1), BadColor()} {
		if got := [3]float32(amounts.At(i, 0)); got != want {
			t.Errorf("sequential %d: %v, want %v", i, got, want)
		}
	}
	for _, flat := range []*Image{gray(1, 0), gray(1, nan())} { // no range: no division by zero
		if flat.SequentialMap(0, 0).CheckFinite() != nil || flat.DivergingMap(0).CheckFinite() != nil {
			t.Errorf("%v: not finite", flat)
		}
	}
}

func TestDifference(t *testing.T) {
	got, err := Difference(gray(2, 3, 1), gray(2, 1, 4))
	if err != nil || !slices.Equal(got.Pix, []float32{2, -3}) {
		t.Errorf("%v %v", got, err)
	}
	if _, err := Difference(gray(2, 1, 1), gray(1, 1, 1)); err == nil {
		t.Error("sizes differ: no error")
	}
}

func TestTile(t *testing.T) {
	b := [3]float32{9, 9, 9}
	sheet, err := Tile([]*Image{gray(2, 1, 2), {1, 1, 4, []float32{1, 2, 3, 0.5}}, gray(1, 5)}, 2, 1, b)
	if err != nil || sheet.Width != 5 || sheet.Height != 3 {
		t.Fatalf("%v %v, want 5x3", sheet, err)
	}
	rows := []struct {
		x, y int
		want []float32
	}{
		{0, 0, []float32{1, 1, 1}}, {1, 0, []float32{2, 2, 2}}, {2, 0, b[:]}, {3, 0, []float32{5, 5.5, 6}}, {4, 0, b[:]},
		{0, 1, b[:]}, {0, 2, []float32{5, 5, 5}}, {4, 2, b[:]},
	}
	for _, r := range rows {
		if got := sheet.At(r.x, r.y); !slices.Equal(got, r.want) {
			t.Errorf("(%d, %d): %v, want %v", r.x, r.y, got, r.want)
		}
	}
	for _, bad := range [][]*Image{nil, {nil}, {New(1, 1, 2)}, {New(MaxSide, 1, 1), New(1, 1, 1)}} {
		if _, err := Tile(bad, 0, 1, b); err == nil {
			t.Errorf("%d images: no error", len(bad))
		}
	}
}
