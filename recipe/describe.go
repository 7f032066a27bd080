package recipe

import (
	"fmt"
	"strings"
)

// Description returns all that the recipe says and that decides what a training comes to, for train.Plan.Description: a
// line for each field and each layer, with what the file left to standards. Neither positions nor comments change it.
// Epochs stand in it if the schedule depends on their number: only those of a constant one may be raised later.
func (r *Recipe) Description() string {
	var out strings.Builder
	for _, s := range r.Training.Describe() {
		if s[0] != "epochs" || r.Training.Schedule != "constant" {
			fmt.Fprintf(&out, "%s: %s\n", s[0], s[1])
		}
	}
	for i := range r.Layers {
		fmt.Fprintf(&out, "layer %d: %s\n", i+1, r.Layers[i].describe())
	}
	return out.String()
}

// describe is the layer as a file could have it, on one line with all its fields.
func (l *Layer) describe() string {
	if l.inner != nil {
		inner := make([]string, len(l.inner))
		for i := range l.inner {
			inner[i] = l.inner[i].describe()
		}
		return fmt.Sprintf("%s [%s]", l.kind.name, strings.Join(inner, ", "))
	}
	if len(l.kind.fields) == 0 {
		return l.kind.name
	}
	fields := make([]string, len(l.kind.fields))
	for i, f := range l.kind.fields {
		fields[i] = fmt.Sprintf("%s: %v", f.key, l.values[f.key])
	}
	return fmt.Sprintf("%s {%s}", l.kind.name, strings.Join(fields, ", "))
}
