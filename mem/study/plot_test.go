package study

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"

	"github.com/baremetaldevx86/microdr/mem"
)

// tiny has a block at the bottom all the time, one above it for the first half, and one far above for the last quarter.
func tiny() Panel {
	return Panel{
		Name: "tiny", Ops: 8,
		Blocks: []Placement{{0, 1000, 0, 8}, {1000, 1000, 0, 4}, {3000, 64, 6, 8}},
		Samples: []Sample{
			{0, 2000, 2500, 3000}, {4, 2000, 2500, 3000}, {8, 1000, 1500, 3000},
		},
	}
}

func TestHeapMap(t *testing.T) {
	colors := classColors()
	small, large := colors[0], colors[2]
	img := heapMap(tiny(), 8, 4000, 80, 40)
	for _, row := range []struct {
		x, fromBottom int
		want          color.Color
	}{
		{0, 0, large}, {79, 0, large}, {40, 9, large},
		{0, 10, large}, {39, 19, large}, {40, 10, holeColor}, {79, 19, holeColor},
		{0, 20, white}, {59, 20, white}, {60, 20, holeColor}, {79, 29, holeColor},
		{60, 30, mix([]color.RGBA{small, white}, []int64{64, 36})}, {59, 30, white}, {60, 31, white},
		{0, 39, white}, {79, 39, white},
	} {
		if got := img.At(row.x, 39-row.fromBottom); got != row.want {
			t.Errorf("column %d, row %d from the bottom: %v, want %v", row.x, row.fromBottom, got, row.want)
		}
	}
}

func TestSizeClass(t *testing.T) {
	for _, row := range []struct {
		size int64
		want int
	}{
		{1, 0}, {64, 0}, {65, 1}, {256, 1}, {257, 2}, {1024, 2}, {1025, 3}, {4096, 3}, {4097, 4}, {1 << 18, 6},
		{1<<18 + 1, 7}, {1 << 20, 7}, {math.MaxInt64, 7},
	} {
		if got := sizeClass(row.size); got != row.want {
			t.Errorf("sizeClass(%d) = %d, want %d", row.size, got, row.want)
		}
	}
}

// TestCoverage compares with what follows from the definition.
func TestCoverage(t *testing.T) {
	random := rand.New(rand.NewPCG(23, 24))
	const width, height = 7, 5
	c := &coverage{width: width, height: height}
	c.layers[0] = make([]int64, (width+2)*(height+2))
	var want [height][width]int64
	between := func(pixels int) (int, int) {
		a, b := random.IntN(pixels*subpixel+1), random.IntN(pixels*subpixel+1)
		if random.IntN(3) == 0 {
			b = min(pixels*subpixel, a+random.IntN(subpixel))
		}
		return min(a, b), max(a, b)
	}
	of := func(cell, from, to int) int64 {
		return int64(max(0, min(to, (cell+1)*subpixel)-max(from, cell*subpixel)))
	}
	for range 1000 {
		x0, x1 := between(width)
		y0, y1 := between(height)
		c.add(0, x0, x1, y0, y1)
		for y := range height {
			for x := range width {
				want[y][x] += of(x, x0, x1) * of(y, y0, y1)
			}
		}
	}
	c.sum(c.layers[0])
	for y := range height {
		if got := c.layers[0][y*(width+2):][:width]; !slices.Equal(got, want[y][:]) {
			t.Errorf("row %d: %d, want %d", y, got, want[y])
		}
	}
}

func plotted(t *testing.T, format string, panels ...Panel) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Plot(&b, format, panels); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pixelAt returns the pixel of a png above and to the right of a place in the figure.
func pixelAt(f *figure, at vg.Point) image.Point {
	return image.Pt(int(at.X*pixelsPerPoint), int((f.height()-at.Y)*pixelsPerPoint)-1)
}

// TestPlotPNG finds in the picture the map, pixel by pixel, and the counters.
func TestPlotPNG(t *testing.T) {
	if testing.Short() {
		t.Skip("draws much")
	}
	panels := []Panel{tiny(), tiny(), tiny()}
	panels[1].Samples = nil
	picture, err := png.Decode(bytes.NewReader(plotted(t, "png", panels...)))
	if err != nil {
		t.Fatal(err)
	}
	f := newFigure(panels)
	for i := range panels {
		area := f.mapArea(i)
		width, height := int(f.panelWidth*pixelsPerPoint), int(f.mapHeight*pixelsPerPoint)
		want := heapMap(panels[i], 8, f.address.top, width, height)
		corner := pixelAt(f, vg.Point{X: area.Min.X, Y: area.Max.Y}).Add(image.Pt(0, 1))
		for y := range height {
			for x := range width {
				if got := picture.At(corner.X+x, corner.Y+y); got != want.At(x, y) {
					t.Fatalf("panel %d, pixel %d, %d: %v, want %v", i, x, y, got, want.At(x, y))
				}
			}
		}
	}
	area := f.countersArea(0)
	for _, row := range []struct {
		share float64
		bytes int64
		want  color.Color
	}{
		{0.25, 100, liveColor}, {0.25, 1900, liveColor}, {0.25, 2250, grantedColor}, {0.25, 2750, holeColor},
		{0.25, 3080, white}, {0.95, 900, liveColor}, {0.95, 1400, grantedColor}, {0.95, 2250, holeColor},
	} {
		at := pixelAt(f, vg.Point{
			X: area.Min.X + f.panelWidth*vg.Length(row.share),
			Y: area.Min.Y + countersHigh*vg.Length(f.resident.share(row.bytes)),
		})
		if got := picture.At(at.X, at.Y); got != row.want {
			t.Errorf("%d bytes at %g of the time: %v, want %v", row.bytes, row.share, got, row.want)
		}
	}
}

// TestPlotSVG reads the file as XML, and the map within it.
func TestPlotSVG(t *testing.T) {
	panel := tiny()
	panel.Name = "<&>"
	svg := plotted(t, "svg", panel, panel)
	for decoder := xml.NewDecoder(bytes.NewReader(svg)); ; {
		if _, err := decoder.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{"&lt;&amp;&gt;", "1.50×", "address (KiB)", "operations", "holes", "never used", "≤ 16 KiB"} {
		if !bytes.Contains(svg, []byte(">"+text+"<")) {
			t.Errorf("no text %q", text)
		}
	}
	images := regexp.MustCompile(`<image preserveAspectRatio="none" [^>]*"data:image/png;base64,([^"]*)"`).FindAllSubmatch(svg, -1)
	if len(images) != 2 {
		t.Fatalf("%d images", len(images))
	}
	file, err := base64.StdEncoding.DecodeString(string(images[1][1]))
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := img.At(0, img.Bounds().Max.Y-1), classColors()[2]; got != want {
		t.Errorf("lower left: %v, want %v", got, want)
	}
}

// TestPlotDeterministic: neither a second time nor another order of the blocks changes a byte.
func TestPlotDeterministic(t *testing.T) {
	if testing.Short() {
		t.Skip("draws much")
	}
	panels := []Panel{playPanel(t, kinds[2], 3000), playPanel(t, kinds[5], 3000)}
	for _, format := range []string{"png", "svg"} {
		want := plotted(t, format, panels...)
		rand.New(rand.NewPCG(25, 26)).Shuffle(len(panels[0].Blocks), func(i, j int) {
			b := panels[0].Blocks
			b[i], b[j] = b[j], b[i]
		})
		if !bytes.Equal(plotted(t, format, panels...), want) {
			t.Errorf("%s differs", format)
		}
	}
}

// TestPlotStrange draws what a replay would hardly give, and has to come back from it with a picture.
func TestPlotStrange(t *testing.T) {
	if testing.Short() {
		t.Skip("draws much")
	}
	far := Placement{math.MaxInt64 - 10, 100, 0, 1}
	for _, row := range []struct {
		name, format string
		panels       []Panel
	}{
		{"empty", "png", []Panel{{}}},
		{"empty ones", "svg", make([]Panel, 9)},
		{"one operation", "png", []Panel{{Ops: 1, Blocks: []Placement{{0, 1, 0, 1}}, Samples: []Sample{{0, 1, 16, 4096}}}}},
		{"freed at once", "svg", []Panel{{Ops: 9, Blocks: []Placement{{0, 64, 3, 3}}}}},
		{"no size", "png", []Panel{{Ops: 9, Blocks: []Placement{{0, 0, 3, 4}}}}},
		{"huge offset", "svg", []Panel{{Ops: 1, Blocks: []Placement{far}}}},
		{"huge offset beside others", "png", []Panel{tiny(), {Ops: 8, Blocks: []Placement{far}}, tiny()}},
		{"huge time", "svg", []Panel{{Ops: math.MaxInt, Blocks: []Placement{{0, 1, 0, math.MaxInt}}}}},
		{"huge counters", "png", []Panel{{Ops: 1, Samples: []Sample{{0, math.MaxInt64, math.MaxInt64, math.MaxInt64}, {1, 0, 0, 0}}}}},
		{"out of range", "svg", []Panel{{Ops: 4, Blocks: []Placement{{-64, 128, -5, 99}}, Samples: []Sample{{-1, -1, -1, -1}, {99, 9, 9, 9}}}}},
		{"two in one place", "png", []Panel{{Ops: 4, Blocks: []Placement{{0, 64, 0, 4}, {0, 64, 0, 4}}}}},
		{"failed at the start", "svg", []Panel{{Name: "x", Ops: 8, Failed: strings.Repeat("out of memory ", 30)}, tiny()}},
		{"many", "png", slices.Repeat([]Panel{tiny()}, 11)},
	} {
		if len(plotted(t, row.format, row.panels...)) < 1000 {
			t.Errorf("%s: hardly any %s", row.name, row.format)
		}
	}
}

func TestPlotErrors(t *testing.T) {
	refused := errors.New("refused")
	for _, row := range []struct {
		w      io.Writer
		format string
		panels []Panel
		want   string
	}{
		{io.Discard, "gif", []Panel{tiny()}, `study: plot: format "gif" is neither png nor svg`},
		{io.Discard, "", []Panel{tiny()}, `study: plot: format "" is neither png nor svg`},
		{io.Discard, "png", nil, "study: plot: no panels"},
		{refusing{refused}, "png", []Panel{tiny()}, "refused"},
		{refusing{refused}, "svg", []Panel{tiny()}, "refused"},
	} {
		if err := Plot(row.w, row.format, row.panels); err == nil || err.Error() != row.want {
			t.Errorf("%q with %d panels: %v, want %s", row.format, len(row.panels), err, row.want)
		}
	}
}

// refusing is a writer that fails.
type refusing struct{ err error }

func (r refusing) Write([]byte) (int, error) { return 0, r.err }

// TestByteScale: what is far beyond the others is cut off, and said to be.
func TestByteScale(t *testing.T) {
	for _, row := range []struct {
		values []int64
		want   int64 // fits exactly, but for the headroom
	}{
		{[]int64{10}, 10}, {[]int64{10, 24}, 24}, {[]int64{10, 26}, 10}, {[]int64{26, 0, 0, 0, 10}, 10},
		{[]int64{1 << 40, 100, 200, 150, 1 << 40}, 200}, {nil, 1}, {[]int64{0}, 1},
	} {
		if got := newByteScale(row.values).top; got != float64(row.want)*1.04 {
			t.Errorf("%d: %g, want %d and 4 %%", row.values, got, row.want)
		}
	}
	much := tiny()
	much.Blocks = append(much.Blocks, Placement{99 << 20, 1 << 20, 7, 8})
	svg := string(plotted(t, "svg", tiny(), much))
	if n := strings.Count(svg, ">↑ up to 100 MiB<"); n != 1 {
		t.Errorf("%d notes of 100 MiB", n)
	}
}

func TestInBytes(t *testing.T) {
	for _, row := range []struct {
		bytes int64
		want  string
	}{
		{0, "0 B"}, {1023, "1023 B"}, {1024, "1.00 KiB"}, {1536, "1.50 KiB"}, {10 << 20, "10.0 MiB"}, {300 << 30, "300 GiB"},
		{math.MaxInt64, "8.00 EiB"},
	} {
		if got := inBytes(row.bytes); got != row.want {
			t.Errorf("inBytes(%d) = %s, want %s", row.bytes, got, row.want)
		}
	}
}

// TestThin keeps the peaks.
func TestThin(t *testing.T) {
	var samples []Sample
	for op := range 1000 {
		samples = append(samples, Sample{Op: op, Live: int64(op % 7), Resident: 10})
	}
	samples[503].Live = 99
	got := thin(samples, 1000, 100)
	if len(got) != 100 || got[50] != samples[503] {
		t.Errorf("%d samples, %+v", len(got), got[50])
	}
}

// TestPlotPolicies draws the same work done by every policy: go test -run TestPlotPolicies -artifacts keeps the pictures.
func TestPlotPolicies(t *testing.T) {
	if testing.Short() {
		t.Skip("draws much")
	}
	var panels []Panel
	for _, kind := range Kinds() {
		panels = append(panels, playPanel(t, kind, 10_000))
	}
	stopped := panels[2]
	stopped.Name, stopped.Failed, stopped.Ops = "stopped", "study: 123456 bytes more than 99999, of at most 131072: out of memory", 15_000
	panels = append(panels, stopped)
	for _, n := range []int{2, 9} {
		for _, format := range []string{"png", "svg"} {
			name := filepath.Join(t.ArtifactDir(), fmt.Sprintf("%d.%s", n, format))
			if err := os.WriteFile(name, plotted(t, format, panels[9-n:]...), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// playPanel grows to a number of blocks of log-uniform sizes and shrinks to a fifth of it, three times.
func playPanel(t testing.TB, kind Kind, ops int) Panel {
	policy, err := kind.New(mem.OS{}, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	defer policy.Close()
	panel := Panel{Name: kind.Name, Ops: ops}
	random := rand.New(rand.NewPCG(21, 22))
	var spans []mem.Span // of all blocks
	var live []int
	for op := range ops {
		_, phase := math.Modf(3 * float64(op) / float64(ops))
		if want := 1 - 0.8*math.Abs(2*phase-1); float64(len(live)) < want*float64(ops)/12 {
			size := 16 + randomSize(random, 12)
			if random.IntN(200) == 0 {
				size *= 64
			}
			s, err := policy.Alloc(size)
			if err != nil {
				t.Fatal(err)
			}
			live = append(live, len(spans))
			spans = append(spans, s)
			panel.Blocks = append(panel.Blocks, Placement{Size: int64(size), From: op, To: ops})
		} else {
			i := random.IntN(len(live))
			policy.Free(spans[live[i]])
			panel.Blocks[live[i]].To = op
			live[i] = live[len(live)-1]
			live = live[:len(live)-1]
		}
		c := policy.Counters()
		panel.Samples = append(panel.Samples, Sample{op + 1, c.Live, c.Granted, c.Resident})
	}
	lowest := address(slices.MinFunc(spans, func(a, b mem.Span) int { return cmp.Compare(address(a), address(b)) }))
	for i, s := range spans {
		panel.Blocks[i].Offset = int64(address(s) - lowest)
	}
	return panel
}

// BenchmarkPlot draws nine panels of a million operations each.
func BenchmarkPlot(b *testing.B) {
	random := rand.New(rand.NewPCG(27, 28))
	panel := Panel{Name: "random", Ops: 1_000_000}
	for op := range panel.Ops {
		panel.Blocks = append(panel.Blocks, Placement{random.Int64N(1 << 30), 1 << random.IntN(14), op, op + random.IntN(100_000)})
		panel.Samples = append(panel.Samples, Sample{op, 1 << 20, 1 << 21, 1 << 22})
	}
	for _, format := range []string{"png", "svg"} {
		b.Run(format, func(b *testing.B) {
			for b.Loop() {
				if err := Plot(io.Discard, format, slices.Repeat([]Panel{panel}, 9)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
