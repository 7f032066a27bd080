package train

import (
	"fmt"
	"strings"
)

// maxDifferences is how many differences an error names.
const maxDifferences = 4

// description is all that determines a training: a line "name: value" for each thing that the trainer knows itself, and
// those of the plan.
func (t *Trainer) description() string {
	p, set := &t.plan, t.task.Train
	shape := set.Shape()
	lines := []string{
		fmt.Sprintf("images: %d of %dx%dx%d", set.Len(), shape.Channels, shape.Height, shape.Width),
		fmt.Sprintf("images to test with: %d", t.task.Test.Len()),
		fmt.Sprintf("batch: %d", p.Batch),
		fmt.Sprintf("batches in a step: %d", max(1, p.Accumulate)),
		fmt.Sprintf("last batch dropped: %v", p.DropLast),
		fmt.Sprintf("seed: %d", p.Seed),
		fmt.Sprintf("smoothing: %v", p.Smoothing),
		fmt.Sprintf("augmentation: %+v", p.Augment),
		fmt.Sprintf("mean: %v", p.Mean),
		fmt.Sprintf("deviation: %v", p.Deviation),
	}
	return strings.Join(lines, "\n") + "\n" + p.Description
}

// differences names what differs between two descriptions, in the order of the first; empty if nothing does.
func differences(is, want string) string {
	names, values := namedLines(is)
	wantNames, wantValues := namedLines(want)
	for _, n := range wantNames {
		if _, ok := values[n]; !ok {
			names = append(names, n)
		}
	}
	var found []string
	for _, n := range names {
		a, b := valueOr(values, n), valueOr(wantValues, n)
		if a != b {
			found = append(found, fmt.Sprintf("%s: %s, expected %s", n, a, b))
		}
	}
	if more := len(found) - maxDifferences; more > 0 {
		found = append(found[:maxDifferences], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(found, "; ")
}

// namedLines reads lines "name: value". A name may stand twice, as the plan may describe what the trainer knows itself: it
// has both values unless they are the same.
func namedLines(text string) (names []string, values map[string]string) {
	values = map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch before, twice := values[name]; {
		case name == "":
		case twice && before == value:
		case twice:
			values[name] = before + ", " + value
		default:
			names = append(names, name)
			values[name] = value
		}
	}
	return names, values
}

func valueOr(values map[string]string, name string) string {
	if v, ok := values[name]; ok {
		return v
	}
	return "nothing"
}
