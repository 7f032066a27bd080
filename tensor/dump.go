package tensor

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
)

// Dump writes how tensors are computed: a line for each operation, arguments before what they are used for, with where it is
// computed, and then the module with the programs of its stages. Tensors that have elements are given.
func Dump(w io.Writer, ts ...*Tensor) error {
	s, roots := planned(ts)
	out := bufio.NewWriter(w)
	number := map[*Tensor]int{}
	for i, t := range s.order {
		number[t] = i
		fmt.Fprintf(out, "%%%d = %s", i, describe(t))
		for _, a := range t.sources() {
			fmt.Fprintf(out, " %%%d", number[a])
		}
		fmt.Fprintf(out, " : %v%v%s\n", t.typ, t.shape, s.where(t))
	}
	fmt.Fprintln(out)
	if len(roots) > 0 {
		if err := lower(s, roots).m.WriteText(out); err != nil {
			return err
		}
	}
	return out.Flush()
}

// planned returns the schedule of those tensors that have no elements yet.
func planned(ts []*Tensor) (*schedule, []*Tensor) {
	var roots []*Tensor
	seen := map[*Tensor]bool{}
	for _, t := range ts {
		if !t.given() && !seen[t] {
			seen[t] = true
			roots = append(roots, t)
		}
	}
	separate := len(ts) > 0 && ts[0].e.options.Unfused
	return newSchedule(roots, separate), roots
}

// describe names the operation and what it has besides arguments.
func describe(t *Tensor) string {
	switch {
	case t.given():
		return "given"
	case t.isView():
		_, s := t.source()
		return fmt.Sprintf("%s offset %d strides %v", t.kind.name, s.offset, s.strides)
	}
	switch a := t.attr.(type) {
	case fill:
		return "Full " + strconv.FormatFloat(a.x, 'g', -1, 64)
	case fold:
		return fmt.Sprintf("%s %v group %d inner %d", t.kind.name, a.op, a.group, a.inner)
	case convolution:
		return fmt.Sprintf("%s %v stride %v dilation %v pad %v groups %d", t.kind.name, a.Mode, a.Stride, a.Dilation, a.Pad, a.Groups)
	case frame:
		return fmt.Sprintf("%s from %v step %v with %v", t.kind.name, a.lo, a.step, a.x)
	}
	return title(t)
}

// where tells which stage writes t.
func (s *schedule) where(t *Tensor) string {
	for i, g := range s.groups {
		if s.facts[t].written == g {
			return fmt.Sprintf(", written by group %d", i)
		}
	}
	return ""
}

// DumpDOT writes the graph in the language of Graphviz: operations, those that one stage computes in a box of their own.
func DumpDOT(w io.Writer, ts ...*Tensor) error {
	s, _ := planned(ts)
	out := bufio.NewWriter(w)
	fmt.Fprintln(out, "digraph tensors {\n\tnode [shape=box, fontname=\"sans-serif\"]")
	number := map[*Tensor]int{}
	for i, t := range s.order {
		number[t] = i
	}
	inside := map[*Tensor]bool{}
	for i, g := range s.groups {
		fmt.Fprintf(out, "\tsubgraph cluster_%d {\n\t\tlabel=\"stage %d\"\n", i, i)
		for _, t := range s.order {
			if f := s.facts[t]; !inside[t] && (f.written == g || f.written == nil && len(f.users) == 1 && f.users[0] == g) {
				inside[t] = true
				fmt.Fprintf(out, "\t\tn%d\n", number[t])
			}
		}
		fmt.Fprintln(out, "\t}")
	}
	for i, t := range s.order {
		label := strings.ReplaceAll(fmt.Sprintf("%s\\n%v%v", describe(t), t.typ, t.shape), `"`, `\"`)
		fmt.Fprintf(out, "\tn%d [label=\"%s\"]\n", i, label)
		for _, a := range t.sources() {
			fmt.Fprintf(out, "\tn%d -> n%d\n", number[a], i)
		}
	}
	fmt.Fprintln(out, "}")
	return out.Flush()
}

// Timeline is what an engine computed and when. It is recorded by engines with Options.Timeline.
type Timeline struct {
	begun  time.Time
	events []event
}

// event is an entry of the Trace Event Format.
type event struct {
	Name     string         `json:"name"`
	Phase    string         `json:"ph"`
	Time     float64        `json:"ts"` // microseconds
	Duration float64        `json:"dur"`
	Process  int            `json:"pid"`
	Thread   int            `json:"tid"`
	Args     map[string]any `json:"args,omitempty"`
}

// observe notes a stage that has just ended.
func (l *Timeline) observe(o kernel.Observation) {
	s := &o.Kernel.Module().Stages[o.Stage]
	now := time.Since(l.begun)
	args := map[string]any{"kind": s.Kind.String()}
	switch s.Kind {
	case ir.StageMap:
		args["lanes"], args["nodes"] = s.Lanes(), len(s.Prog.Nodes)
	case ir.StageMatMul:
		args["m"], args["n"], args["k"] = s.MatMul.M, s.MatMul.N, s.MatMul.K
	}
	l.events = append(l.events, event{Name: s.Name, Phase: "X", Process: 1, Thread: 1, Args: args,
		Time: float64(now-o.Time) / 1e3, Duration: float64(o.Time) / 1e3})
}

// WriteChromeTrace writes the stages that have run as JSON in the Trace Event Format, which chrome://tracing and Perfetto show.
func (l *Timeline) WriteChromeTrace(w io.Writer) error {
	events := l.events
	if events == nil {
		events = []event{}
	}
	return json.NewEncoder(w).Encode(map[string]any{"traceEvents": events, "displayTimeUnit": "ns"})
}
