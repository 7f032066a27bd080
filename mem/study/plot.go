package study

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Panel is what is drawn of one policy.
type Panel struct {
	Name    string      // of the policy
	Failed  string      // why the replay stopped early, "" if it did not
	Ops     int         // length of the time axis, operations
	Blocks  []Placement // every block that lived
	Samples []Sample    // of the counters over time
}

// Placement says where and when a block lived.
type Placement struct {
	Offset   int64 // bytes from the lowest address of the policy's memory
	Size     int64 // bytes
	From, To int   // operations: live in [From, To)
}

// Sample is what the counters said at one time.
type Sample struct {
	Op                      int
	Live, Granted, Resident int64 // bytes
}

// Plot draws the panels side by side and writes them as "png" or "svg". Each has two parts over the same time axis. The
// map shows addresses against time: live blocks in the colour of their size class, what lies between them and below the
// highest address used so far as holes. Below it stand live, granted and resident bytes, one in front of the other, so
// that what is seen of granted is internal fragmentation, and of resident external.
//
// All panels have the same scales. One that needs far more memory than most (bump does) is cut off, with a note that
// says how far it goes. The same panels give the same bytes.
func Plot(w io.Writer, format string, panels []Panel) error {
	if len(panels) == 0 {
		return errors.New("study: plot: no panels")
	}
	f := newFigure(panels)
	canvas, err := newCanvas(format, f.width, f.height())
	if err != nil {
		return err
	}
	f.draw(newPen(canvas))
	return canvas.write(w)
}

const pixelsPerPoint = 2 // of a png, and of the maps within an svg

// plotCanvas is what a figure is drawn to, and how that is written to a file.
type plotCanvas struct {
	vg.CanvasSizer
	write func(io.Writer) error
}

func newCanvas(format string, width, height vg.Length) (plotCanvas, error) {
	switch format {
	case "png":
		c := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(72*pixelsPerPoint))}
		return plotCanvas{c, func(w io.Writer) error { _, err := c.WriteTo(w); return err }}, nil
	case "svg":
		c := vgsvg.New(width, height)
		return plotCanvas{c, func(w io.Writer) error { return writeSVG(w, c) }}, nil
	}
	return plotCanvas{}, fmt.Errorf("study: plot: format %q is neither png nor svg", format)
}

// writeSVG corrects what vgsvg says of images, which are PNG and must fill their rectangle, and lets fonts of
// the same widths stand in for one that few systems have.
func writeSVG(w io.Writer, c *vgsvg.Canvas) error {
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return err
	}
	svg := bytes.ReplaceAll(b.Bytes(), []byte("data:image/jpg;"), []byte("data:image/png;"))
	svg = bytes.ReplaceAll(svg, []byte("<image "), []byte(`<image preserveAspectRatio="none" `))
	svg = bytes.ReplaceAll(svg, []byte("font-family:Liberation Sans;"),
		[]byte("font-family:Liberation Sans,Arimo,Arial,Helvetica,sans-serif;"))
	_, err := w.Write(svg)
	return err
}

// A figure is the panels' places and scales. Lengths are points.
type figure struct {
	panels        []Panel
	columns, rows int
	width         vg.Length
	panelWidth    vg.Length // of the area within the axes
	mapHeight     vg.Length
	legend        []legendRow

	ops      int       // the time axis goes from 0 to here
	address  byteScale // the map's axis
	resident byteScale // that of the counters
}

const (
	marginLeft   = 56 // room for the labels of axes
	marginRight  = 12
	marginTop    = 8
	titleHeight  = 34
	columnGap    = 16
	partGap      = 10 // between a map and the counters
	countersHigh = 80
	axisHeight   = 36 // below the counters
	mostColumns  = 5
	inner        = 1000 // the width of several columns
)

func newFigure(panels []Panel) *figure {
	f := &figure{panels: panels}
	f.rows = (len(panels) + mostColumns - 1) / mostColumns
	f.columns = (len(panels) + f.rows - 1) / f.rows
	f.panelWidth = min(640, wholePixels(vg.Length(inner-(f.columns-1)*columnGap)/vg.Length(f.columns)))
	f.mapHeight = 170
	if f.rows == 1 {
		f.mapHeight = 220
	}
	f.width = marginLeft + vg.Length(f.columns)*f.panelWidth + vg.Length(f.columns-1)*columnGap + marginRight
	f.legend = legendRows(f.width - marginLeft - marginRight)
	f.setScales()
	return f
}

// wholePixels rounds down, so that pixels of maps are those of the png.
func wholePixels(x vg.Length) vg.Length { return vg.Length(int(x*pixelsPerPoint)) / pixelsPerPoint }

func (f *figure) setScales() {
	var extents, residents []int64
	for _, p := range f.panels {
		f.ops = max(f.ops, p.Ops)
		extents = append(extents, p.extent())
		residents = append(residents, p.peak().highest())
	}
	f.ops = max(f.ops, 1)
	f.address, f.resident = newByteScale(extents), newByteScale(residents)
}

func (f *figure) rowHeight() vg.Length {
	return titleHeight + f.mapHeight + partGap + countersHigh + axisHeight
}

func (f *figure) height() vg.Length {
	return marginTop + vg.Length(f.rows)*f.rowHeight() + vg.Length(len(f.legend))*legendHeight + marginTop
}

// mapArea returns where the map of panel i is, without its axes.
func (f *figure) mapArea(i int) vg.Rectangle {
	left := marginLeft + vg.Length(i%f.columns)*(f.panelWidth+columnGap)
	top := f.height() - marginTop - vg.Length(i/f.columns)*f.rowHeight() - titleHeight
	return vg.Rectangle{Min: vg.Point{X: left, Y: top - f.mapHeight}, Max: vg.Point{X: left + f.panelWidth, Y: top}}
}

// countersArea returns where the counters of panel i are.
func (f *figure) countersArea(i int) vg.Rectangle {
	area := f.mapArea(i)
	area.Max.Y = area.Min.Y - partGap
	area.Min.Y = area.Max.Y - countersHigh
	return area
}

func (f *figure) draw(p pen) {
	p.fill(white, vg.Rectangle{Max: vg.Point{X: f.width, Y: f.height()}})
	for i := range f.panels {
		f.drawTitle(p, i)
		f.drawMap(p, i)
		f.drawCounters(p, i)
		f.drawAxes(p, i)
	}
	for i, row := range f.legend {
		p.legend(row, vg.Point{X: marginLeft, Y: marginTop + vg.Length(len(f.legend)-1-i)*legendHeight})
	}
}

// drawTitle says how a policy did: its name, and what it needed at most as a multiple of what was needed at most.
func (f *figure) drawTitle(p pen, i int) {
	panel, peak, area := f.panels[i], f.panels[i].peak(), f.mapArea(i)
	left, right := vg.Point{X: area.Min.X, Y: area.Max.Y + 18}, vg.Point{X: area.Max.X, Y: area.Max.Y + 18}
	p.text(titleText, left, panel.Name)
	below := left.Sub(vg.Point{Y: 13})
	switch {
	case panel.Failed != "":
		p.text(titleText.right().in(red), right, "stopped early")
		p.text(noteText.in(red), below, p.shorten(noteText, panel.Failed, f.panelWidth))
	case peak.Live > 0:
		p.text(titleText.right(), right, fmt.Sprintf("%.2f×", float64(peak.Resident)/float64(peak.Live)))
		p.text(noteText, below, fmt.Sprintf("peak resident %s / peak live %s", inBytes(peak.Resident), inBytes(peak.Live)))
	}
}

func (f *figure) drawMap(p pen, i int) {
	panel, area := f.panels[i], f.mapArea(i)
	width, height := int(f.panelWidth*pixelsPerPoint), int(f.mapHeight*pixelsPerPoint)
	p.canvas.DrawImage(area, heapMap(panel, f.ops, f.address.top, width, height))
	if end := panel.end(); end < f.ops {
		x := area.Min.X + f.panelWidth*vg.Length(end)/vg.Length(f.ops)
		p.line(grey, 1, vg.Point{X: x, Y: area.Min.Y}, vg.Point{X: x, Y: area.Max.Y})
	}
	f.noteCut(p, area, f.address, panel.extent())
}

// noteCut says how far what is cut off goes.
func (f *figure) noteCut(p pen, area vg.Rectangle, scale byteScale, to int64) {
	if float64(to) > scale.top {
		p.boxed(noteText, vg.Point{X: area.Min.X + 5, Y: area.Max.Y - 14}, "↑ up to "+inBytes(to))
	}
}

func (f *figure) drawCounters(p pen, i int) {
	panel, area := f.panels[i], f.countersArea(i)
	at := func(op int, bytes int64) vg.Point {
		return vg.Point{
			X: area.Min.X + f.panelWidth*vg.Length(max(0, min(1, float64(op)/float64(f.ops)))),
			Y: area.Min.Y + countersHigh*vg.Length(f.resident.share(bytes)),
		}
	}
	samples := thin(panel.Samples, f.ops, int(f.panelWidth*pixelsPerPoint))
	for _, c := range counterCurves() {
		var curve []vg.Point
		for _, s := range samples {
			curve = append(curve, at(s.Op, c.of(s)))
		}
		p.area(c.color, area.Min.Y, curve)
		p.line(c.edge, 0.75, curve...)
	}
	f.noteCut(p, area, f.resident, panel.peak().highest())
}

// A counterCurve is one of the counters, as it is drawn.
type counterCurve struct {
	of          func(Sample) int64
	color, edge color.Color
}

// counterCurves returns them from back to front.
func counterCurves() []counterCurve {
	return []counterCurve{
		{func(s Sample) int64 { return s.Resident }, holeColor, red},
		{func(s Sample) int64 { return s.Granted }, grantedColor, grantedColor},
		{func(s Sample) int64 { return s.Live }, liveColor, liveColor},
	}
}

// thin returns at most one sample a column, that with the most live bytes: peaks are what it is about.
func thin(samples []Sample, ops, columns int) []Sample {
	if len(samples) <= columns {
		return samples
	}
	var kept []Sample
	last := -1
	for _, s := range samples {
		column := int(float64(s.Op) / float64(ops) * float64(columns))
		if column != last {
			kept = append(kept, s)
			last = column
		} else if s.Live > kept[len(kept)-1].Live {
			kept[len(kept)-1] = s
		}
	}
	return kept
}

// drawAxes labels bytes in the first column only: it has the scale of all.
func (f *figure) drawAxes(p pen, i int) {
	upper, lower := f.mapArea(i), f.countersArea(i)
	step, scale, unit := opTicks(f.ops, f.panelWidth)
	for _, area := range []vg.Rectangle{upper, lower} {
		p.frame(area)
		for i := range f.ops/step + 1 {
			label := ""
			if area == lower {
				label = fmt.Sprintf("%g", float64(i*step)/scale)
			}
			p.tickX(area, float64(i*step)/float64(f.ops), label)
		}
	}
	p.text(labelText.center(), vg.Point{X: (lower.Min.X + lower.Max.X) / 2, Y: lower.Min.Y - 27}, unit)
	f.drawByteAxis(p, upper, f.address, "address", i%f.columns == 0)
	f.drawByteAxis(p, lower, f.resident, "memory", i%f.columns == 0)
}

func (f *figure) drawByteAxis(p pen, area vg.Rectangle, scale byteScale, what string, labelled bool) {
	for _, v := range scale.ticks(area.Size().Y) {
		label := ""
		if labelled {
			label = fmt.Sprintf("%g", v)
		}
		p.tickY(area, v*scale.unit/scale.top, label)
	}
	if labelled {
		p.text(labelText.center().upward(), vg.Point{X: area.Min.X - 38, Y: (area.Min.Y + area.Max.Y) / 2},
			what+" ("+scale.name+")")
	}
}

// extent returns the end of the highest block, in bytes from the lowest address.
func (p Panel) extent() int64 {
	var end int64
	for _, b := range p.Blocks {
		end = max(end, b.end())
	}
	return end
}

// end returns the operation that the panel ends with.
func (p Panel) end() int {
	if p.Failed == "" {
		return p.Ops
	}
	end := 0
	for _, b := range p.Blocks {
		end = max(end, b.To)
	}
	for _, s := range p.Samples {
		end = max(end, s.Op)
	}
	return min(end, p.Ops)
}

// peak returns the largest value of each counter.
func (p Panel) peak() (peak Sample) {
	for _, s := range p.Samples {
		peak.Live = max(peak.Live, s.Live)
		peak.Granted = max(peak.Granted, s.Granted)
		peak.Resident = max(peak.Resident, s.Resident)
	}
	return peak
}

// highest returns the largest of the counters.
func (s Sample) highest() int64 { return max(s.Live, s.Granted, s.Resident) }

// end returns the offset of what follows the block, or the largest one.
func (b Placement) end() int64 {
	if end := b.Offset + b.Size; end >= b.Offset {
		return end
	}
	return largestOffset
}
