package main

import (
	"encoding/hex"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
)

// stageLine is the JSON of a stage, codeLine that of its machine code.
type stageLine struct {
	Event   string    `json:"event"` // "stage"
	Stage   string    `json:"stage"`
	Kind    string    `json:"kind"`
	Lanes   int       `json:"lanes,omitempty"`
	Nodes   int       `json:"nodes,omitempty"`
	Backend string    `json:"backend,omitempty"`
	Lower   float64   `json:"lower_seconds,omitempty"`
	Compile float64   `json:"compile_seconds,omitempty"`
	Program string    `json:"program,omitempty"`
	Code    *codeLine `json:"code,omitempty"`
}

type codeLine struct {
	Instructions int           `json:"instructions"`
	Bytes        int           `json:"bytes"`
	Group        int           `json:"group"`   // lanes that run at a time
	Vectors      int           `json:"vectors"` // most alive at once
	Spills       int           `json:"spills"`
	Reloads      int           `json:"reloads"`
	Frame        int           `json:"frame_bytes"`
	Environment  int           `json:"environment_bytes"`
	Lanes        []passageLine `json:"lanes,omitempty"` // for each group of lanes
	Once         []passageLine `json:"once,omitempty"`  // once a launch
}

// passageLine is instructions that stem from one line of the program.
type passageLine struct {
	Node         *int              `json:"node,omitempty"`
	Line         string            `json:"line,omitempty"`
	Instructions []instructionLine `json:"instructions"`
}

// instructionLine is an instruction, or the place of a label.
type instructionLine struct {
	Offset int    `json:"offset"`
	Label  string `json:"label,omitempty"`
	Bytes  string `json:"bytes,omitempty"` // hexadecimal
	Text   string `json:"text,omitempty"`
}

// listingEnd is the last line.
type listingEnd struct {
	Event        string  `json:"event"` // "result"
	View         string  `json:"view"`
	Mode         string  `json:"mode"`
	Backend      string  `json:"backend"`
	Declarations string  `json:"declarations,omitempty"`
	Trace        float64 `json:"trace_seconds"`
	Verify       float64 `json:"verify_seconds"`
}

// listingJSON prints a line for each stage and one at the end.
func (a *app) listingJSON(l *listing) error {
	for i := range l.Stages {
		if s := &l.Stages[i]; l.options.wants(s.Name) {
			if err := a.writeJSON(newStageLine(s, !l.options.summary)); err != nil {
				return err
			}
		}
	}
	end := listingEnd{Event: "result", View: l.name, Mode: l.mode.String(), Backend: string(l.engine.Backend()),
		Trace: l.trace.Seconds(), Verify: l.Verify.Seconds()}
	if !l.options.summary {
		end.Declarations = l.declarations()
	}
	a.finished = true
	return a.writeJSON(end)
}

// newStageLine describes a stage, with its program and its code if all is wanted.
func newStageLine(s *kernel.StageExplanation, all bool) stageLine {
	line := stageLine{Event: "stage", Stage: s.Name, Kind: s.Kind.String()}
	if s.Prog != nil {
		line.Lanes, line.Nodes, line.Backend = s.Lanes(), len(s.Prog.Nodes), string(s.Backend)
		line.Lower, line.Compile = s.Lower.Seconds(), s.Compile.Seconds()
	}
	if all {
		line.Program = s.Text
	}
	if c := s.Code; c != nil {
		line.Code = &codeLine{Instructions: instructions(c), Bytes: c.CodeBytes, Group: c.Lanes, Vectors: c.Pressure,
			Spills: c.Spills, Reloads: c.Reloads, Frame: c.FrameSize, Environment: c.EnvSize}
		if all {
			line.Code.Lanes, line.Code.Once = passageLines(c.Sections[0]), passageLines(c.Sections[1])
		}
	}
	return line
}

func passageLines(list []kernel.Passage) []passageLine {
	var out []passageLine
	for _, p := range list {
		line := passageLine{Line: p.Text}
		if node := int(p.Node); p.Node != ir.None {
			line.Node = &node
		}
		for _, in := range p.Instructions {
			x := instructionLine{Offset: in.Offset, Bytes: hex.EncodeToString(in.Bytes), Text: in.Text}
			if in.Bytes == nil {
				x.Label, x.Text = in.Text, ""
			}
			line.Instructions = append(line.Instructions, x)
		}
		out = append(out, line)
	}
	return out
}
