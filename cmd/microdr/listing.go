package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
)

// listing is what `microdr kernel` shows of a module.
type listing struct {
	options kernelOptions
	*kernelView
	*kernel.Explanation
	path  string
	trace time.Duration // what tracing the scene and differentiating took
}

// write shows the listing to people.
func (l *listing) write(to io.Writer) error {
	w := bufio.NewWriter(to)
	fmt.Fprintf(w, "%s, view %s, mode %v, %s\n", l.path, l.name, l.mode, backendNames(l.engine.Backend()))
	if !l.options.summary {
		fmt.Fprintf(w, "\n%s", l.declarations())
		for i := range l.Stages {
			if s := &l.Stages[i]; l.options.wants(s.Name) {
				writeStage(w, s)
			}
		}
	}
	fmt.Fprintln(w)
	l.writeTable(w)
	fmt.Fprint(w, tableLegend)
	fmt.Fprintf(w, "Traced and differentiated in %s, verified in %s\n", inUnits(l.trace), inUnits(l.Verify))
	return w.Flush()
}

// declarations is the text of what the stages share.
func (l *listing) declarations() string {
	m := l.Module.Clone()
	m.Stages, m.Funcs = nil, nil
	return ir.Print(m)
}

// backendNames says what runs programs.
func backendNames(b kernel.Backend) string {
	if b == kernel.Eval {
		return "eval: the portable executor"
	}
	return string(b)
}

// writeStage shows a stage's program and what it became.
func writeStage(w io.Writer, s *kernel.StageExplanation) {
	fmt.Fprintf(w, "\n---- %s: %s ----\n\n%s", s.Name, describeStage(s), s.Text)
	switch {
	case s.Prog == nil:
	case s.Refused != nil:
		fmt.Fprintf(w, "\nNo machine code: the portable executor runs it (%v).\n", s.Refused)
	case s.Code == nil:
		fmt.Fprintln(w, "\nNo machine code: the portable executor runs it.")
	default:
		fmt.Fprintf(w, "\n%s: %d instructions, %d bytes, %d lanes at a time\n", s.Backend, instructions(s.Code), s.Code.CodeBytes, s.Code.Lanes)
		for i, title := range []string{"for each group of lanes", "once a launch"} {
			fmt.Fprintf(w, "\n%s:\n", title)
			writePassages(w, s.Code.Sections[i])
		}
	}
}

func describeStage(s *kernel.StageExplanation) string {
	if s.Prog != nil {
		return fmt.Sprintf("%v, %d lanes a run", s.Kind, s.Lanes())
	}
	if s.Backend != kernel.Eval {
		return fmt.Sprintf("%v, by machine code that serves all of its kind", s.Kind)
	}
	return fmt.Sprintf("%v, in Go", s.Kind)
}

// instructions counts those of a program.
func instructions(c *kernel.Code) int {
	n := 0
	for _, section := range c.Sections {
		for _, p := range section {
			for _, in := range p.Instructions {
				if in.Bytes != nil {
					n++
				}
			}
		}
	}
	return n
}

// longestLine is where the line of a program is cut when it stands over its instructions.
const longestLine = 110

func writePassages(w io.Writer, list []kernel.Passage) {
	for _, p := range list {
		text := p.Text
		if text == "" {
			text = "(control)"
		}
		for _, in := range p.Instructions {
			if in.Bytes == nil {
				fmt.Fprintf(w, "%s:\n", in.Text)
				continue
			}
			if text != "" {
				fmt.Fprintf(w, "%s\n", clip(text, longestLine))
				text = ""
			}
			fmt.Fprintf(w, "  %5x  %-33s %s\n", in.Offset, fmt.Sprintf("% x", in.Bytes), in.Text)
		}
	}
}

// writeTable shows the numbers of all stages.
func (l *listing) writeTable(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := []string{"stage", "runs on", "lanes", "nodes", "instructions", "bytes", "group", "vectors", "spills", "reloads", "frame", "environment", "lowering", "compiling"}
	fmt.Fprintln(t, strings.Join(head, "\t")+"\t")
	for i := range l.Stages {
		if s := &l.Stages[i]; l.options.wants(s.Name) {
			fmt.Fprintln(t, strings.Join(tableRow(s), "\t")+"\t")
		}
	}
	t.Flush()
}

const tableLegend = `
group: lanes at a time. vectors: registers that the values alive at once would fill at most. spills, reloads:
instructions that write and read what found no register. bytes of code, of a worker's frame and environment.
`

func tableRow(s *kernel.StageExplanation) []string {
	row := []string{s.Name}
	if s.Prog == nil {
		return append(row, fmt.Sprintf("%v", s.Kind))
	}
	row = append(row, string(s.Backend), fmt.Sprint(s.Lanes()), fmt.Sprint(len(s.Prog.Nodes)))
	if c := s.Code; c != nil {
		for _, x := range []int{instructions(c), c.CodeBytes, c.Lanes, c.Pressure, c.Spills, c.Reloads, c.FrameSize, c.EnvSize} {
			row = append(row, fmt.Sprint(x))
		}
	} else {
		row = append(row, strings.Split(strings.Repeat("-", 8), "")...)
	}
	return append(row, inUnits(s.Lower), inUnits(s.Compile))
}

// inUnits prints a time with three digits.
func inUnits(d time.Duration) string {
	switch s := d.Seconds(); {
	case s < 1e-3:
		return fmt.Sprintf("%.3g us", s*1e6)
	case s < 1:
		return fmt.Sprintf("%.3g ms", s*1e3)
	default:
		return fmt.Sprintf("%.3g s", s)
	}
}
