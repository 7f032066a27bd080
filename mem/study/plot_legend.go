package study

import (
	"image/color"

	"gonum.org/v1/plot/vg"
)

// A legendRow explains the colours of one part of the panels.
type legendRow struct {
	title   string
	entries []legendEntry
}

type legendEntry struct {
	color color.Color
	text  string
	width vg.Length
}

const (
	legendHeight = 18 // of a row
	legendTitle  = 74 // the width before the first entry
	swatch       = 10
)

// legendRows returns the rows of the legend, broken where they would be wider than that.
func legendRows(width vg.Length) []legendRow {
	rows := breakRow(legendRow{"heap map", mapEntries()}, width)
	return append(rows, breakRow(legendRow{"memory", []legendEntry{
		{liveColor, "live: asked for and not yet freed", 180},
		{grantedColor, "granted beyond it: internal fragmentation", 220},
		{holeColor, "resident beyond both: external fragmentation", 230},
	}}, width)...)
}

func mapEntries() []legendEntry {
	var entries []legendEntry
	largest := int64(1) << smallestClass
	for k, c := range classColors() {
		text := "≤ " + inWholeBytes(largest)
		if k == sizeClasses-1 {
			text = "larger"
		}
		entries = append(entries, legendEntry{c, text, 72})
		largest *= 4
	}
	entries[0].text, entries[0].width = "blocks of ≤ "+inWholeBytes(1<<smallestClass), 110
	return append(entries, legendEntry{holeColor, "holes", 60}, legendEntry{white, "never used", 80})
}

func breakRow(row legendRow, width vg.Length) []legendRow {
	rows := []legendRow{{title: row.title}}
	left := width - legendTitle
	for _, e := range row.entries {
		if e.width > left {
			rows = append(rows, legendRow{})
			left = width - legendTitle
		}
		last := &rows[len(rows)-1]
		last.entries = append(last.entries, e)
		left -= e.width
	}
	return rows
}

func (p pen) legend(row legendRow, at vg.Point) {
	p.text(labelText.bold(), at, row.title)
	at.X += legendTitle
	for _, e := range row.entries {
		box := vg.Rectangle{Min: at.Sub(vg.Point{Y: 1.5}), Max: at.Add(vg.Point{X: swatch, Y: swatch - 1.5})}
		p.fill(e.color, box)
		p.outline(grey, 0.5, box)
		p.text(labelText, at.Add(vg.Point{X: swatch + 5}), e.text)
		at.X += e.width
	}
}
