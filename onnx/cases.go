package onnx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/baremetaldevx86/microdr/onnx/format"
	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

// Case is a folder of ONNX's test data: model.onnx, and folders test_data_set_N with input_N.pb and output_N.pb.
type Case struct{ Name, Folder string }

// Cases lists the cases in a folder, sorted, or the one that the folder is.
func Cases(folder string) ([]Case, error) {
	if _, err := os.Stat(filepath.Join(folder, "model.onnx")); err == nil {
		return []Case{{filepath.Base(folder), folder}}, nil
	}
	models, err := filepath.Glob(filepath.Join(folder, "*", "model.onnx"))
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	slices.Sort(models)
	cases := make([]Case, len(models))
	for i, path := range models {
		cases[i] = Case{filepath.Base(filepath.Dir(path)), filepath.Dir(path)}
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("onnx: %s: expected folders with a model.onnx", folder)
	}
	return cases, nil
}

// Check runs the model on all data sets and compares the outputs. Errors that come of a missing operator wrap
// ErrUnsupported.
func (c Case) Check(ctx context.Context, o Options, t Tolerance) error {
	m, err := Load(filepath.Join(c.Folder, "model.onnx"))
	if err != nil {
		return err
	}
	sets, err := filepath.Glob(filepath.Join(c.Folder, "test_data_set_*"))
	if err != nil || len(sets) == 0 {
		return fmt.Errorf("onnx: %s: expected folders test_data_set_N", c.Folder)
	}
	for _, set := range sets {
		if err := m.checkSet(ctx, set, o, t); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(set), err)
		}
	}
	return nil
}

func (m *Model) checkSet(ctx context.Context, folder string, o Options, t Tolerance) error {
	given, err := readValues(folder, "input", m.proto.Graph.Inputs)
	if err != nil {
		return err
	}
	want, err := readValues(folder, "output", m.proto.Graph.Outputs)
	if err != nil {
		return err
	}
	if len(want) == 0 && len(m.proto.Graph.Outputs) > 0 {
		return fmt.Errorf("onnx: expected a file output_N.pb or more, with which to compare")
	}
	got, err := m.runCase(ctx, given, o)
	if err != nil {
		return err
	}
	for _, info := range m.Outputs() {
		v, ok := want[info.Name]
		if !ok {
			continue
		}
		if err := t.Compare(got[info.Name], v); err != nil {
			return fmt.Errorf("onnx: output %q: %w", info.Name, err)
		}
	}
	return nil
}

// runCase is Run, but for shapes: some cases declare others than they give.
func (m *Model) runCase(ctx context.Context, given map[string]Value, o Options) (map[string]Value, error) {
	values := map[string]Value{}
	for name, a := range m.constants {
		values[name] = a
	}
	maps.Copy(values, given)
	return m.compute(ctx, values, o)
}

// readValues reads the files PREFIX_0.pb, PREFIX_1.pb and so on, each for the declaration in its place.
func readValues(folder, prefix string, declared []*format.ValueInfo) (map[string]Value, error) {
	values := map[string]Value{}
	for i, info := range declared {
		data, err := format.ReadFile(filepath.Join(folder, prefix+"_"+strconv.Itoa(i)+".pb"))
		if errors.Is(err, os.ErrNotExist) {
			continue // initializers, mostly
		}
		if err != nil {
			return nil, err
		}
		if values[info.Name], err = ParseValue(data, info.Type); err != nil {
			return nil, fmt.Errorf("%w (%s %d)", err, prefix, i)
		}
	}
	return values, nil
}

// ParseValue reads a TensorProto, a SequenceProto or an OptionalProto, which its bytes do not tell apart: the type says
// which one it is. Without a type it is a tensor.
func ParseValue(data []byte, t *format.Type) (Value, error) {
	if t == nil {
		t = &format.Type{Kind: format.TensorType}
	}
	switch t.Kind {
	case format.SequenceType:
		s, err := format.ParseSequence(data)
		if err != nil {
			return nil, err
		}
		return sequenceOf(s)
	case format.OptionalType:
		o, err := format.ParseOptional(data)
		if err != nil {
			return nil, err
		}
		return optionalOf(o)
	}
	p, err := format.ParseTensor(data)
	if err != nil {
		return nil, err
	}
	if t.Element == ndarray.BrainFloat && p.Type == ndarray.Uint16 {
		p.Type = ndarray.BrainFloat // NumPy has no such type, so the test data have its bits
	}
	return p.Array()
}

func sequenceOf(p *format.Sequence) (*Sequence, error) {
	s := &Sequence{}
	for _, t := range p.Tensors {
		a, err := t.Array()
		if err != nil {
			return nil, err
		}
		s.Values = append(s.Values, a)
	}
	for _, inner := range p.Sequences {
		v, err := sequenceOf(inner)
		if err != nil {
			return nil, err
		}
		s.Values = append(s.Values, v)
	}
	for _, inner := range p.Optionals {
		v, err := optionalOf(inner)
		if err != nil {
			return nil, err
		}
		s.Values = append(s.Values, v)
	}
	return s, nil
}

func optionalOf(p *format.Optional) (*Optional, error) {
	var v Value
	var err error
	switch {
	case p.Tensor != nil && p.Element == format.TensorElement:
		v, err = p.Tensor.Array()
	case p.Sequence != nil && p.Element == format.SequenceElement:
		v, err = sequenceOf(p.Sequence)
	case p.Optional != nil && p.Element == format.OptionalElement:
		v, err = optionalOf(p.Optional)
	}
	if err != nil {
		return nil, err
	}
	return &Optional{v}, nil
}

// Verdict is the outcome of a case.
type Verdict int

// The outcomes. A case that needs an operator that is not in the table is Unsupported, any other that goes wrong
// Failed.
const (
	Passed Verdict = iota
	Failed
	Unsupported
)

// String returns the name in lower case.
func (v Verdict) String() string {
	return map[Verdict]string{Passed: "passed", Failed: "failed", Unsupported: "unsupported"}[v]
}

// Result is the outcome of a case, and Operator one that it tells of.
type Result struct {
	Case     Case
	Operator string // of the node that failed or, where none did, of the last one
	Verdict  Verdict
	Err      error
}

// CheckAll runs cases, and hands each result on as it is there, until visit returns false.
func CheckAll(ctx context.Context, cases []Case, o Options, visit func(Result) bool) {
	for _, c := range cases {
		err := c.Check(ctx, o, DefaultTolerance())
		r := Result{Case: c, Operator: c.operator(err), Err: err}
		switch {
		case errors.Is(err, ErrUnsupported):
			r.Verdict = Unsupported
		case err != nil:
			r.Verdict = Failed
		}
		if !visit(r) || ctx.Err() != nil {
			return
		}
	}
}

// operator tells what a case is about. Those named expanded spell an operator out in others.
func (c Case) operator(err error) string {
	var node *NodeError
	for next := err; errors.As(next, &node); next = node.Err { // to the innermost one
	}
	if node != nil {
		return node.Node.OpType
	}
	m, err := format.Load(filepath.Join(c.Folder, "model.onnx"))
	if err != nil || len(m.Graph.Nodes) == 0 {
		return "?"
	}
	if strings.HasSuffix(c.Name, "_expanded") {
		return "expanded functions"
	}
	return m.Graph.Nodes[len(m.Graph.Nodes)-1].OpType
}

// Tally counts the results of an operator.
type Tally struct {
	Operator                    string
	Passed, Failed, Unsupported int
}

// Count returns the tallies of all operators, by name.
func Count(results []Result) []Tally {
	tallies := map[string]*Tally{}
	for _, r := range results {
		t := tallies[r.Operator]
		if t == nil {
			t = &Tally{Operator: r.Operator}
			tallies[r.Operator] = t
		}
		*map[Verdict]*int{Passed: &t.Passed, Failed: &t.Failed, Unsupported: &t.Unsupported}[r.Verdict]++
	}
	var list []Tally
	for _, t := range tallies {
		list = append(list, *t)
	}
	slices.SortFunc(list, func(a, b Tally) int { return cmp.Compare(a.Operator, b.Operator) })
	return list
}
