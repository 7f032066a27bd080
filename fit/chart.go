package fit

import (
	"fmt"
	"html/template"

	"github.com/baremetaldevx86/microdr/internal/reportpage"
)

// lossChart draws the loss over the iterations, with a line for every level of
// the pyramid: losses at different sizes do not compare. Iterations without a
// finite loss are left out.
func lossChart(steps []Step) (template.HTML, error) {
	var lines []reportpage.Line
	level := 0
	for _, s := range steps {
		if !s.Loss.Finite() {
			continue
		}
		if len(lines) == 0 || s.Level != level {
			level = s.Level
			lines = append(lines, reportpage.Line{Name: fmt.Sprintf("1/%d size", level)})
		}
		l := &lines[len(lines)-1]
		l.Points = append(l.Points, reportpage.Point{X: float64(s.Iteration), Y: float64(s.Loss)})
	}
	if len(lines) == 1 {
		lines[0].Name = ""
	}
	return reportpage.Chart("iteration", "loss", lines)
}
