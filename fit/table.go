package fit

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// tableRow is one number of the result table, as text.
type tableRow struct {
	Name, Start, Value, Stderr, Plain, Truth, Off, Unit string
}

// rows lays the parameters out for the table. Values are rounded to a hundredth
// of their standard error, and to seven digits where there is none.
func (r *Result) rows() (rows []tableRow, hasTruth bool) {
	for _, p := range r.Params {
		for i, name := range p.Names {
			se := p.Stderr[i]
			row := tableRow{Name: name, Unit: p.Units[i],
				Start: formatNumber(p.Start[i], 0), Value: formatNumber(p.Value[i], se),
				Stderr: formatError(se), Plain: formatError(p.Plain[i])}
			if p.Truth != nil {
				hasTruth = true
				row.Truth = formatNumber(p.Truth[i], se)
				row.Off = formatOff(p.Value[i]-p.Truth[i], se)
			}
			rows = append(rows, row)
		}
	}
	return rows, hasTruth
}

func formatNumber(v, stderr Number) string {
	if !v.Finite() {
		return "-"
	}
	if !stderr.Finite() || stderr <= 0 {
		return strconv.FormatFloat(float64(v), 'g', 7, 64)
	}
	digits := max(0, min(12, 2-int(math.Floor(math.Log10(float64(stderr))))))
	return strconv.FormatFloat(float64(v), 'f', digits, 64)
}

func formatError(v Number) string {
	if math.IsNaN(float64(v)) {
		return "-"
	}
	if !v.Finite() {
		return "undetermined"
	}
	return strconv.FormatFloat(float64(v), 'g', 3, 64)
}

// formatOff writes a deviation, in standard errors where there is one.
func formatOff(d, stderr Number) string {
	text := strconv.FormatFloat(float64(d), 'g', 3, 64)
	if stderr.Finite() && stderr > 0 {
		text += fmt.Sprintf(" (%.1f s.e.)", float64(d/stderr))
	}
	return text
}

// WriteTable writes the result as an aligned table, warnings below it.
func (r *Result) WriteTable(w io.Writer) error {
	rows, hasTruth := r.rows()
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	put := func(row tableRow) {
		cells := []string{row.Name, row.Start, row.Value, row.Stderr, row.Plain}
		if hasTruth {
			cells = append(cells, cmp.Or(row.Truth, "-"), cmp.Or(row.Off, "-"))
		}
		fmt.Fprintln(t, strings.Join(append(cells, row.Unit), "\t"))
	}
	if len(rows) > 0 {
		put(tableRow{"parameter", "start", "fitted", "std. error", "plain", "truth", "off by", "unit"})
	}
	for _, row := range rows {
		put(row)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, line := range append(r.mapLines(), r.Warnings()...) {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

func (r *Result) mapLines() []string {
	var lines []string
	for _, m := range r.Maps {
		line := fmt.Sprintf("%s: %d pixels fitted, %d did not converge", m.Path, m.Pixels, m.Failed)
		if m.MedianStderr.Finite() {
			line += fmt.Sprintf(", median standard error %.3g", float64(m.MedianStderr))
			if strings.HasSuffix(m.Path, ".normal") {
				line += " degrees"
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// leastExplained is the share of the targets' variance below which a fit is
// suspected of having ended in a wrong place.
const leastExplained = 0.5

// Warnings says, one sentence each, what a reader of the table has to know.
func (r *Result) Warnings() []string {
	var out []string
	for _, c := range r.Undetermined {
		out = append(out, "undetermined: "+c.String()+" can change together without changing the images")
	}
	if r.Unusable > 0 {
		out = append(out, fmt.Sprintf("%d pixels were left out: a derivative there is not finite", r.Unusable))
	}
	if r.Explained < leastExplained && len(r.Params) > 0 {
		out = append(out, fmt.Sprintf("the fit explains %.0f %% of what varies in the images: it may have ended in a wrong place, where error bars mean nothing", 100*math.Max(0, float64(r.Explained))))
	}
	if r.Reason == "cancelled" {
		out = append(out, "the fit was stopped before it converged")
	}
	if r.Reason == "iterations" {
		out = append(out, "the fit reached its limit of iterations before it converged")
	}
	return out
}

// String writes the direction as a sum, its largest weight first: "1 ball.center.z
// - 0.333 ball.radius".
func (c Combination) String() string {
	names := slices.SortedFunc(maps.Keys(c), func(a, b string) int {
		return cmp.Or(cmp.Compare(math.Abs(float64(c[b])), math.Abs(float64(c[a]))), cmp.Compare(a, b))
	})
	var b strings.Builder
	for i, name := range names {
		weight := float64(c[name])
		switch {
		case i == 0 && weight < 0:
			b.WriteString("-")
		case i > 0 && weight < 0:
			b.WriteString(" - ")
		case i > 0:
			b.WriteString(" + ")
		}
		fmt.Fprintf(&b, "%.3g %s", math.Abs(weight), name)
	}
	return b.String()
}
