package onnx

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/baremetaldevx86/microdr/onnx/format"
	"github.com/baremetaldevx86/microdr/onnx/ndarray"
	"github.com/baremetaldevx86/microdr/tensor"
)

// TestMutations runs the cases with something wrong in them: attributes that are other numbers or missing, inputs of
// other shapes and types or missing. Whatever comes of it, it must not panic.
func TestMutations(t *testing.T) {
	if _, err := os.Stat(data + "node"); err != nil {
		t.Skip("the test data of ONNX (Debian's package libonnx-testdata) is not installed")
	}
	cases, err := Cases(data + "node")
	if err != nil {
		t.Fatal(err)
	}
	engine := tensor.Open(tensor.Options{})
	defer engine.Close()
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	failed := 0
	for i, c := range cases {
		for round := range rounds {
			r := rand.New(rand.NewPCG(uint64(i), uint64(round)))
			o := Options{}
			if round%3 == 2 {
				o.Engine = engine
			}
			panicked, err := mutate(c, r, o)
			if panicked != "" {
				t.Errorf("%s, round %d: %s", c.Name, round, panicked)
			}
			if err != nil {
				failed++
			}
		}
	}
	if failed < len(cases)/2 {
		t.Errorf("%d of %d mutated cases failed, expected half of the cases or more", failed, rounds*len(cases))
	}
}

func mutate(c Case, r *rand.Rand, o Options) (panicked string, err error) {
	defer func() {
		if p := recover(); p != nil {
			panicked = fmt.Sprintf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	proto, err := format.Load(filepath.Join(c.Folder, "model.onnx"))
	if err != nil {
		return "", err
	}
	given, err := readValues(filepath.Join(c.Folder, "test_data_set_0"), "input", proto.Graph.Inputs)
	if err != nil {
		return "", err
	}
	node := proto.Graph.Nodes[r.IntN(len(proto.Graph.Nodes))]
	if len(node.Attributes) > 0 && r.IntN(3) > 0 {
		mutateAttribute(node, r)
	} else {
		mutateInput(given, r)
	}
	m, err := Import(proto)
	if err != nil {
		return "", err
	}
	_, err = m.runCase(context.Background(), given, o)
	return "", err
}

func mutateAttribute(n *format.Node, r *rand.Rand) {
	at := r.IntN(len(n.Attributes))
	a := n.Attributes[at]
	other := []int64{-7, -3, -2, -1, 0, 1, 2, 3, 5, 9, 1 << 40, -1 << 63}
	switch {
	case r.IntN(6) == 0:
		n.Attributes = slices.Delete(n.Attributes, at, at+1)
	case a.Kind == format.IntKind:
		a.Int = other[r.IntN(len(other))]
	case a.Kind == format.IntsKind && len(a.Ints) > 0:
		a.Ints[r.IntN(len(a.Ints))] = other[r.IntN(len(other))]
		if r.IntN(3) == 0 {
			a.Ints = a.Ints[:r.IntN(len(a.Ints))]
		}
	case a.Kind == format.StringKind:
		a.String = []string{"", "linear", "constant", "max"}[r.IntN(4)]
	case a.Kind == format.FloatKind:
		a.Float = []float32{0, -1, 1e30}[r.IntN(3)]
	default:
		a.Kind = format.StringsKind
	}
}

func mutateInput(given map[string]Value, r *rand.Rand) {
	names := slices.Sorted(maps.Keys(given))
	if len(names) == 0 {
		return
	}
	name := names[r.IntN(len(names))]
	a, ok := given[name].(*ndarray.Array)
	if !ok || r.IntN(8) == 0 {
		delete(given, name)
		return
	}
	shape := slices.Clone(a.Shape())
	switch change := r.IntN(5); {
	case change == 0 && len(shape) > 0:
		shape[r.IntN(len(shape))] = 0
	case change == 1 && len(shape) > 0:
		shape = shape[1:]
	case change == 2:
		shape = append(shape, 2)
	case change == 3 && len(shape) > 0:
		shape[r.IntN(len(shape))]++
	default:
		types := []ndarray.Type{ndarray.Int64, ndarray.String, ndarray.Bool, ndarray.Float64}
		given[name] = must(ndarray.New(types[r.IntN(len(types))], shape...))
		return
	}
	changed := must(ndarray.New(a.Type(), shape...))
	if a.Type().IsNumber() { // filled with what is there
		list := make([]int, changed.Len())
		for i := range list {
			list[i] = i % max(a.Len(), 1)
		}
		if a.Len() > 0 {
			changed = must(ndarray.Take(a, shape, list))
		}
	}
	given[name] = changed
}
