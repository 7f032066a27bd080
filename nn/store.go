package nn

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/baremetaldevx86/microdr/array"
	"github.com/baremetaldevx86/microdr/safetensors"
	"github.com/baremetaldevx86/microdr/tensor"
)

// Save writes the variables of a model, parameters and buffers, to a file of package safetensors, whole or not at all.
// They have the names that Variables gives; on an engine that computes in float64 they are rounded to float32.
func Save(path string, m Model) error { return SaveNamed(path, Variables(m), nil) }

// SaveNamed is Save of variables that need not be those of a model, with metadata of the file.
func SaveNamed(path string, variables []Named, metadata map[string]string) error {
	arrays := map[string]*array.Array{}
	for _, n := range variables {
		if arrays[n.Name] != nil {
			return fmt.Errorf("nn: %s: two variables named %q, expected a name for each", path, n.Name)
		}
		a, err := encode(n.Variable.Value())
		if err != nil {
			return fmt.Errorf("nn: %s: variable %q: %w", path, n.Name, err)
		}
		arrays[n.Name] = a
	}
	if err := safetensors.Save(path, arrays, metadata); err != nil {
		return fmt.Errorf("nn: %w", err)
	}
	return nil
}

// Load sets the variables of a model to what Save has written, or another program by the same names. Names, types and
// shapes must be those of the model, all of them; an error tells which are not, and then no variable has changed.
func Load(path string, m Model) error { return load(path, Variables(m), true) }

// LoadNamed is Load of variables that need not be those of a model, nor all that the file has.
func LoadNamed(path string, variables []Named) error { return load(path, variables, false) }

// load allows, unless all of the file is wanted, what is not among the variables.
func load(path string, variables []Named, all bool) (err error) {
	file, err := safetensors.Open(path)
	if err != nil {
		return fmt.Errorf("nn: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if wrong := differences(file, variables, all); len(wrong) > 0 {
		return fmt.Errorf("nn: %s: %s", path, strings.Join(wrong, "; "))
	}
	values := make([]*tensor.Tensor, len(variables))
	for i, n := range variables {
		a, err := file.Read(n.Name)
		if err != nil {
			return fmt.Errorf("nn: %w", err)
		}
		if values[i], err = decode(a, n.Variable); err != nil {
			return fmt.Errorf("nn: %s: variable %q: %w", path, n.Name, err)
		}
	}
	for i, n := range variables {
		n.Variable.Set(values[i])
	}
	return nil
}

// differences tells, sorted by name, what a file lacks of the variables, has in another type or shape, or, if all of it
// is wanted, has besides.
func differences(file *safetensors.File, variables []Named, all bool) []string {
	wrong, known := map[string]string{}, map[string]bool{}
	for _, n := range variables {
		want, shape := codecs[n.Variable.Type()].kind, n.Variable.Shape()
		info, ok := file.Info(n.Name)
		switch {
		case known[n.Name]:
			wrong[n.Name] = "the model has two variables of that name"
		case !ok:
			wrong[n.Name] = "is missing"
		case info.Type != want || !slices.Equal(info.Shape, shape):
			wrong[n.Name] = fmt.Sprintf("is %s%v, expected %s%v", info.Type, info.Shape, want, shape)
		}
		known[n.Name] = true
	}
	for _, name := range file.Names() {
		if all && !known[name] {
			wrong[name] = "is not in the model"
		}
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(wrong)) {
		list = append(list, fmt.Sprintf("%q %s", name, wrong[name]))
	}
	return list
}

// codec is how elements of a type lie in files.
type codec struct {
	kind array.Type
	to   func(t *tensor.Tensor) (*array.Array, error)
	from func(e *tensor.Engine, a *array.Array) (*tensor.Tensor, error)
}

// codecs are those of all types. Elements for storage are exact as float32, bits of Uint32 travel in two halves.
var codecs = [...]codec{
	tensor.Float32:  {array.Float32, floatsTo(array.Float32), floatsFrom(tensor.Float32)},
	tensor.Float16:  {array.Float16, floatsTo(array.Float16), floatsFrom(tensor.Float16)},
	tensor.BFloat16: {array.BFloat16, floatsTo(array.BFloat16), floatsFrom(tensor.BFloat16)},
	tensor.Int32:    {array.Int32, smallTo(array.Int32), smallFrom(tensor.Int32)},
	tensor.Uint32:   {array.Uint32, wordsTo, wordsFrom},
	tensor.Bool:     {array.Bool, smallTo(array.Bool), smallFrom(tensor.Bool)},
	tensor.Uint8:    {array.Uint8, smallTo(array.Uint8), smallFrom(tensor.Uint8)},
}

func floatsTo(kind array.Type) func(t *tensor.Tensor) (*array.Array, error) {
	return func(t *tensor.Tensor) (*array.Array, error) {
		a, err := array.Of(t.Float32s())
		if err != nil {
			return nil, err
		}
		return a.As(kind)
	}
}

func floatsFrom(typ tensor.Type) func(e *tensor.Engine, a *array.Array) (*tensor.Tensor, error) {
	return func(e *tensor.Engine, a *array.Array) (*tensor.Tensor, error) {
		x, err := array.To[float32](a)
		return e.New(x, len(x)).Cast(typ), err
	}
}

// smallTo is for integers, and truth values, that int32 holds.
func smallTo(kind array.Type) func(t *tensor.Tensor) (*array.Array, error) {
	return func(t *tensor.Tensor) (*array.Array, error) {
		a, err := array.Of(t.Cast(tensor.Int32).Int32s())
		if err != nil {
			return nil, err
		}
		return a.As(kind)
	}
}

func smallFrom(typ tensor.Type) func(e *tensor.Engine, a *array.Array) (*tensor.Tensor, error) {
	return func(e *tensor.Engine, a *array.Array) (*tensor.Tensor, error) {
		x, err := array.To[int32](a)
		return e.NewInt32(x, len(x)).Cast(typ), err
	}
}

func wordsTo(t *tensor.Tensor) (*array.Array, error) {
	words := make([]uint32, t.Len())
	for i, x := range t.Float64s() {
		words[i] = uint32(x)
	}
	return array.Of(words)
}

func wordsFrom(e *tensor.Engine, a *array.Array) (*tensor.Tensor, error) {
	words, err := array.To[uint32](a)
	low, high := make([]int32, len(words)), make([]int32, len(words))
	for i, w := range words {
		low[i], high[i] = int32(w&0xffff), int32(w>>16)
	}
	half := func(x []int32) *tensor.Tensor { return e.NewInt32(x, len(x)).Cast(tensor.Uint32) }
	return half(high).Shl(e.FullOf(tensor.Uint32, 16)).Or(half(low)), err
}

// encode returns a tensor as it lies in files.
func encode(t *tensor.Tensor) (a *array.Array, err error) {
	if caught := tensor.Catch(func() { a, err = codecs[t.Type()].to(t) }); caught != nil {
		return nil, caught
	}
	if err != nil {
		return nil, err
	}
	a.Shape = slices.Clone(t.Shape()) // a scalar has none
	return a, nil
}

// decode returns what a variable is to be set to, computed, so that setting it cannot fail any more.
func decode(a *array.Array, v *tensor.Variable) (t *tensor.Tensor, err error) {
	e := v.Value().Engine()
	caught := tensor.Catch(func() {
		if t, err = codecs[v.Type()].from(e, a); err == nil {
			t = t.Reshape(v.Shape()...)
			err = e.Eval(t)
		}
	})
	return t, errors.Join(caught, err)
}
