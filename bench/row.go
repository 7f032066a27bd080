package bench

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

// Row is one result of any `microdr bench`, and its JSON form.
type Row struct {
	Name     string  `json:"name"`
	Ours     float64 `json:"ours"`
	Baseline float64 `json:"baseline"`
	Unit     string  `json:"unit"`
	Ratio    float64 `json:"ratio"` // over 1: ours is better

	OursSpread     Spread `json:"-"`
	BaselineSpread Spread `json:"-"`
	Note           string `json:"-"` // what the baseline is, and what else is worth knowing
}

// Spread is the least and the greatest of the rounds. Both are 0 for what is no measurement.
type Spread struct{ Min, Max float64 }

func (s Spread) String() string {
	if s == (Spread{}) {
		return ""
	}
	return fmt.Sprintf(" (%s..%s)", figures(s.Min), figures(s.Max))
}

// Better says which of two values is the better one.
type Better int

// The directions.
const (
	Lower  Better = iota // times, pauses, counts
	Higher               // rates, speedups
)

// Compare makes the row of two series of rounds: their medians, and the ratio of these.
func Compare(name, unit string, better Better, ours, baseline Series) Row {
	r := Row{Name: name, Unit: unit, Ours: ours.Median(), Baseline: baseline.Median(),
		OursSpread: ours.Spread(), BaselineSpread: baseline.Spread()}
	r.Ratio = Ratio(better, r.Ours, r.Baseline)
	return r
}

// Against makes the row of a series and a fixed bar.
func Against(name, unit string, better Better, ours Series, bar float64) Row {
	r := Compare(name, unit, better, ours, Series{bar})
	r.BaselineSpread = Spread{}
	return r
}

// Ratio returns how many times better ours is than the baseline. Two equal values give 1, also where both are 0, and
// the result is finite, since JSON knows no infinity.
func Ratio(better Better, ours, baseline float64) float64 {
	if ours == baseline {
		return 1
	}
	if better == Lower {
		ours, baseline = baseline, ours
	}
	return min(ours/baseline, math.MaxFloat64)
}

// WriteTable writes rows for people.
func WriteTable(w io.Writer, rows []Row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tours\tbaseline\tunit\tratio\t")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s%v\t%s%v\t%s\t%.2f\t%s\n", r.Name, figures(r.Ours), r.OursSpread,
			figures(r.Baseline), r.BaselineSpread, r.Unit, r.Ratio, r.Note)
	}
	return t.Flush()
}

// figures prints a value with three significant digits or all before the point, without an exponent.
func figures(x float64) string {
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return fmt.Sprint(x)
	}
	decimals := 2 - int(math.Floor(math.Log10(math.Abs(x))))
	return fmt.Sprintf("%.*f", min(max(decimals, 0), 6), x)
}
