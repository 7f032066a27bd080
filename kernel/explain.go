package kernel

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/baremetaldevx86/microdr/eval"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit"
)

// Explanation says what becomes of a module.
type Explanation struct {
	Module *ir.Module    // lowered
	Verify time.Duration // how long the verifier looked at it
	Stages []StageExplanation
}

// StageExplanation says what becomes of one stage. One without a lane program has a text and no more; of a reduction
// with a program, times and code are those of what computes its elements.
type StageExplanation struct {
	*ir.Stage               // lowered
	Text      string        // of it
	Lower     time.Duration // what the passes took
	Backend   Backend       // what runs it
	Compile   time.Duration // how long the backend took
	Code      *Code         // nil where it is no machine code
	Refused   error         // why the portable executor runs it where the engine has machine code
}

// Code is the machine code of a stage. The first section runs the lanes, the second what all lanes share.
type Code struct {
	jit.Stats
	Sections [2][]Passage
}

// Passage is the instructions, one behind the other, that stem from the same part of the program.
type Passage struct {
	Node         ir.Value // None for effects, and for what belongs to no node
	Text         string   // the line of the program, "" for what belongs to none
	Instructions []Instruction
}

// Instruction is a line of a disassembly.
type Instruction struct {
	Offset int
	Bytes  []byte // none: the place of the label that Text names
	Text   string // in Intel's syntax
}

// Explain compiles a module as Compile does, and tells what comes of it.
func (e *Engine) Explain(m *ir.Module) (*Explanation, error) {
	if e.err != nil {
		return nil, e.err
	}
	x := &Explanation{}
	var err error
	if x.Verify, err = timed(func() error { return ir.Verify(m) }); err != nil {
		return nil, err
	}
	if x.Module, err = e.lower(m); err != nil {
		return nil, err
	}
	for i := range x.Module.Stages {
		s, err := e.explainStage(m, x.Module, i)
		if err != nil {
			return nil, fmt.Errorf("kernel: module %q, stage %s: %w", m.Name, m.Stages[i].Name, err)
		}
		x.Stages = append(x.Stages, s)
	}
	return x, nil
}

// explainStage explains stage i of a module, m before and low after it was lowered.
func (e *Engine) explainStage(m, low *ir.Module, i int) (StageExplanation, error) {
	x := StageExplanation{Stage: &low.Stages[i], Text: ir.PrintStage(low, &low.Stages[i]), Backend: Eval}
	if x.Prog == nil {
		return x, e.explainFold(low, &x)
	}
	program, options := x.Stage, jit.Options{}
	if x.Kind == ir.StageReduce {
		low, program, options = e.elementStage(low, x.Stage)
	}
	alone := m.Clone()
	alone.Stages = m.Stages[i : i+1]
	var err error
	if x.Lower, err = timed(func() error { _, err := e.lower(alone); return err }); err != nil {
		return x, err
	}
	x.Compile, err = timed(func() error {
		c, err := e.compile(low, program, options)
		if err != nil {
			return err
		}
		return c.close()
	})
	if err != nil || e.backend == Eval {
		return x, err
	}
	options.List = true
	return x, e.disassemble(low, program, options, &x)
}

// explainFold says what folds the elements of a reduction, multiplies matrices or convolves.
func (e *Engine) explainFold(low *ir.Module, x *StageExplanation) error {
	if x.Kind == ir.StageMatMul && e.multiplies(low, x.Stage) {
		x.Backend = e.backend
	}
	if x.Kind == ir.StageConv {
		return e.explainConv(low, x)
	}
	if x.Kind != ir.StageReduce {
		return nil
	}
	f, err := e.foldOf(eval.NewReduction(low, x.Stage, e.options.Precision, e.options.Workers))
	if f != nil {
		x.Backend = e.backend
	}
	return err
}

func (e *Engine) explainConv(low *ir.Module, x *StageExplanation) error {
	code, err := e.convCode(low, x.Stage)
	if code == nil {
		return err
	}
	x.Backend = e.backend
	return code.Close()
}

// timings is how often something is done to time it: the first time finds caches cold and memory unmapped.
const timings = 5

// timed returns the median time that something takes.
func timed(do func() error) (time.Duration, error) {
	var times [timings]time.Duration
	for i := range times {
		begun := time.Now()
		if err := do(); err != nil {
			return 0, err
		}
		times[i] = time.Since(begun)
	}
	slices.Sort(times[:])
	return times[timings/2], nil
}

// disassemble adds the machine code of a map stage, or why there is none.
func (e *Engine) disassemble(low *ir.Module, s *ir.Stage, o jit.Options, x *StageExplanation) error {
	p, err := jit.Compile(low, s, e.backend.target(), e.pages, o)
	if errors.Is(err, jit.ErrUnsupported) {
		x.Refused = err
		return nil
	}
	if err != nil {
		return err
	}
	x.Backend = e.backend
	x.Code = &Code{p.Stats(), passages(newCaptions(low, s.Prog), p.Listing())}
	return p.Close()
}

// captions says from what part of a program instructions stem.
type captions struct {
	nodes, effects []string
}

func newCaptions(m *ir.Module, p *ir.Program) *captions {
	c := &captions{}
	c.nodes, c.effects = ir.PrintLines(m, p)
	heads := make([]string, len(p.Loops))
	for v := range p.Nodes {
		if n := &p.Nodes[v]; n.Op == ir.OpLoop {
			heads[n.Imm] = fmt.Sprintf("%%%d = loop max %d, its states", v, p.Loops[n.Imm].Max)
		}
	}
	for i, l := range p.Loops {
		for _, s := range l.States {
			c.nodes[s] = heads[i]
		}
	}
	return c
}

func (c *captions) of(tag int32) (ir.Value, string) {
	if i, ok := jit.EffectOf(tag); ok {
		return ir.None, c.effects[i]
	}
	if tag < 0 {
		return ir.None, ""
	}
	return ir.Value(tag), c.nodes[tag]
}

// passages groups the instructions of a listing, with its labels where they stand.
func passages(c *captions, l jit.Listing) (sections [2][]Passage) {
	labels := map[int][]Instruction{}
	for i, at := range l.Labels {
		labels[at] = append(labels[at], Instruction{Offset: at, Text: fmt.Sprintf("L%d", i)})
	}
	last := int32(-1)
	for i, line := range l.Lines {
		list := &sections[0]
		if line.Offset >= l.Begin {
			list = &sections[1]
		}
		if i == 0 || line.Tag != last || len(*list) == 0 {
			node, text := c.of(line.Tag)
			*list = append(*list, Passage{Node: node, Text: text})
		}
		last = line.Tag
		p := &(*list)[len(*list)-1]
		p.Instructions = append(append(p.Instructions, labels[line.Offset]...),
			Instruction{line.Offset, l.Bytes[line.Offset : line.Offset+line.Size], line.Text})
	}
	return sections
}
