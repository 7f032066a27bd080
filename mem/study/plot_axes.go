package study

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/vg"
)

// The colours of size classes are viridis (Smith and van der Walt, 2015): even steps of lightness, which people with any
// kind of colour vision tell apart. Holes have a hue that it does not; live and granted are of Okabe and Ito's palette.
var (
	white        = color.RGBA{255, 255, 255, 255}
	black        = color.RGBA{34, 34, 34, 255}
	grey         = color.RGBA{128, 128, 128, 255}
	red          = color.RGBA{176, 32, 32, 255}
	holeColor    = color.RGBA{253, 205, 198, 255}
	grantedColor = color.RGBA{230, 159, 0, 255}
	liveColor    = color.RGBA{0, 114, 178, 255}
)

// classColors returns the colours of the size classes, dark for small blocks: it is between those that holes are.
func classColors() [sizeClasses]color.RGBA {
	return [sizeClasses]color.RGBA{
		{68, 1, 84, 255}, {70, 51, 126, 255}, {54, 92, 141, 255}, {39, 127, 142, 255},
		{31, 161, 135, 255}, {74, 193, 109, 255}, {160, 218, 57, 255}, {253, 231, 37, 255},
	}
}

// A byteScale is an axis of bytes, from 0 to top.
type byteScale struct {
	top  float64
	unit float64 // bytes of one of what ticks count
	name string
}

// newByteScale returns a scale on which all of the values fit but those that are beyond cutOff medians: they would leave
// no room to see the others. Zeros have no say.
func newByteScale(values []int64) byteScale {
	const cutOff, headroom = 2.5, 1.04
	values = slices.DeleteFunc(slices.Sorted(slices.Values(values)), func(v int64) bool { return v <= 0 })
	most := int64(1)
	if len(values) > 0 {
		median := values[(len(values)-1)/2] // the lower of two
		for _, v := range values {
			if float64(v) <= cutOff*float64(median) {
				most = v
			}
		}
	}
	unit, name := byteUnit(most)
	return byteScale{float64(most) * headroom, unit, name}
}

// share returns how far up bytes are, 0 to 1.
func (s byteScale) share(bytes int64) float64 { return max(0, min(1, float64(bytes)/s.top)) }

// ticks returns round numbers of units, for an axis so long.
func (s byteScale) ticks(length vg.Length) []float64 {
	const apart = 28
	most := s.top / s.unit
	step := roundStep(most * apart / length.Points())
	var ticks []float64
	for i := 0; float64(i)*step <= most; i++ {
		ticks = append(ticks, float64(i)*step)
	}
	return ticks
}

// byteUnit returns the largest unit that bytes are at least one of.
func byteUnit(bytes int64) (unit float64, name string) {
	names := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	i := 0
	for bytes>>10 != 0 {
		bytes >>= 10
		i++
	}
	return math.Pow(1024, float64(i)), names[i]
}

// inWholeBytes returns a power of two with its unit.
func inWholeBytes(bytes int64) string {
	unit, name := byteUnit(bytes)
	return fmt.Sprintf("%g %s", float64(bytes)/unit, name)
}

// inBytes returns three digits and a unit.
func inBytes(bytes int64) string {
	unit, name := byteUnit(bytes)
	v := float64(bytes) / unit
	digits := 2
	for limit := 10.0; limit <= v && digits > 0; limit *= 10 {
		digits--
	}
	if unit == 1 {
		digits = 0
	}
	return fmt.Sprintf("%.*f %s", digits, v, name)
}

// opTicks returns the ticks of a time axis so long, as multiples of step, what to divide them by, and the name of that.
func opTicks(ops int, length vg.Length) (step int, scale float64, name string) {
	const apart = 42
	step = max(1, int(roundStep(float64(ops)*apart/length.Points())))
	switch {
	case ops >= 2_000_000:
		return step, 1e6, "operations (millions)"
	case ops >= 2_000:
		return step, 1e3, "operations (thousands)"
	}
	return step, 1, "operations"
}

// roundStep returns the least of 1, 2 and 5 times a power of ten that is at least so much.
func roundStep(least float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(least)))
	for _, factor := range []float64{1, 2, 5} {
		if factor*power >= least {
			return factor * power
		}
	}
	return 10 * power
}

// A pen draws lines, areas and text to a canvas.
type pen struct {
	canvas plotCanvas
	fonts  *font.Cache
}

func newPen(canvas plotCanvas) pen { return pen{canvas, font.NewCache(liberation.Collection())} }

// A textStyle says how text looks and what of it is at the point it is drawn at, the baseline's left end by default.
type textStyle struct {
	size     vg.Length
	heavy    bool
	color    color.Color
	shift    vg.Length // of the text's length, to the left
	vertical bool      // from bottom to top
}

var (
	titleText = textStyle{size: 12, heavy: true, color: black}
	labelText = textStyle{size: 9.5, color: black}
	noteText  = textStyle{size: 8.5, color: black}
)

func (s textStyle) in(c color.Color) textStyle { s.color = c; return s }
func (s textStyle) bold() textStyle            { s.heavy = true; return s }
func (s textStyle) center() textStyle          { s.shift = 0.5; return s }
func (s textStyle) right() textStyle           { s.shift = 1; return s }
func (s textStyle) upward() textStyle          { s.vertical = true; return s }

func (p pen) face(s textStyle) font.Face {
	sans := font.Font{Typeface: "Liberation", Variant: "Sans"}
	if s.heavy {
		sans.Weight = 3 // WeightBold of golang.org/x/image/font
	}
	return p.fonts.Lookup(sans, s.size)
}

func (p pen) text(s textStyle, at vg.Point, text string) {
	face := p.face(s)
	p.canvas.Push()
	defer p.canvas.Pop()
	p.canvas.SetColor(s.color)
	if s.vertical {
		p.canvas.Rotate(math.Pi / 2)
		at = vg.Point{X: at.Y, Y: -at.X}
	}
	at.X -= s.shift * face.Width(text)
	p.canvas.FillString(face, at, text)
}

// shorten cuts off the start of text that is wider than that: errors end with their cause.
func (p pen) shorten(s textStyle, text string, width vg.Length) string {
	face := p.face(s)
	if face.Width(text) <= width {
		return text
	}
	runes := []rune(text)
	for len(runes) > 0 && face.Width("…"+string(runes)) > width {
		runes = runes[1:]
	}
	return "…" + string(runes)
}

// boxed draws text on white, so that it can be read on anything.
func (p pen) boxed(s textStyle, at vg.Point, text string) {
	face := p.face(s)
	width := face.Width(text)
	box := vg.Rectangle{Min: at.Sub(vg.Point{X: 3, Y: 3}), Max: at.Add(vg.Point{X: width + 3, Y: s.size})}
	p.fill(white, box)
	p.outline(grey, 0.5, box)
	p.text(s, at, text)
}

func (p pen) fill(c color.Color, r vg.Rectangle) {
	p.canvas.SetColor(c)
	p.canvas.Fill(r.Path())
}

func (p pen) outline(c color.Color, width vg.Length, r vg.Rectangle) {
	p.canvas.SetColor(c)
	p.canvas.SetLineWidth(width)
	p.canvas.Stroke(r.Path())
}

func (p pen) line(c color.Color, width vg.Length, points ...vg.Point) {
	if len(points) < 2 {
		return
	}
	p.canvas.SetColor(c)
	p.canvas.SetLineWidth(width)
	p.canvas.Stroke(polyline(points))
}

// area fills what is between a curve and the bottom.
func (p pen) area(c color.Color, bottom vg.Length, curve []vg.Point) {
	if len(curve) < 2 {
		return
	}
	first, last := curve[0], curve[len(curve)-1]
	outline := polyline(curve)
	outline.Line(vg.Point{X: last.X, Y: bottom})
	outline.Line(vg.Point{X: first.X, Y: bottom})
	outline.Close()
	p.canvas.SetColor(c)
	p.canvas.Fill(outline)
}

func polyline(points []vg.Point) vg.Path {
	var path vg.Path
	path.Move(points[0])
	for _, q := range points[1:] {
		path.Line(q)
	}
	return path
}

// frame draws the axes around an area, just outside of it.
func (p pen) frame(area vg.Rectangle) {
	const half = 0.25
	out := vg.Point{X: half, Y: half}
	p.outline(grey, 2*half, vg.Rectangle{Min: area.Min.Sub(out), Max: area.Max.Add(out)})
}

const tickLength = 3

// tickX marks a place on the axis below an area, 0 at the left to 1 at the right.
func (p pen) tickX(area vg.Rectangle, at float64, label string) {
	x := area.Min.X + area.Size().X*vg.Length(at)
	p.line(grey, 0.5, vg.Point{X: x, Y: area.Min.Y}, vg.Point{X: x, Y: area.Min.Y - tickLength})
	p.text(labelText.center(), vg.Point{X: x, Y: area.Min.Y - tickLength - 10}, label)
}

// tickY marks a place on the axis to the left of an area, 0 at the bottom to 1 at the top.
func (p pen) tickY(area vg.Rectangle, at float64, label string) {
	y := area.Min.Y + area.Size().Y*vg.Length(at)
	p.line(grey, 0.5, vg.Point{X: area.Min.X, Y: y}, vg.Point{X: area.Min.X - tickLength, Y: y})
	p.text(labelText.right(), vg.Point{X: area.Min.X - tickLength - 3, Y: y - 3.3}, label)
}
