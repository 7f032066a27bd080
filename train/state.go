package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/baremetaldevx86/microdr/array"
	"github.com/baremetaldevx86/microdr/nn"
	"github.com/baremetaldevx86/microdr/safetensors"
	"github.com/baremetaldevx86/microdr/tensor"
)

// stateKey is where a checkpoint has what is not a variable, as JSON.
const stateKey = "microdr.train"

// SaveVariables writes variables, of Float32 or Int32 and with names of their own, and state as JSON in the metadata,
// to one safetensors file, which is there whole or not at all.
func SaveVariables(path string, variables []nn.Named, state any) error {
	if err := checkNames(variables); err != nil {
		return err
	}
	text, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("train: %s: state: %w", path, err)
	}
	all := map[string]*array.Array{}
	for _, v := range variables {
		a, err := arrayOf(v.Variable.Value())
		if err != nil {
			return fmt.Errorf("train: %s: variable %s: %w", path, v.Name, err)
		}
		all[v.Name] = a
	}
	return safetensors.Save(path, all, map[string]string{stateKey: string(text)})
}

func arrayOf(t *tensor.Tensor) (a *array.Array, err error) {
	switch t.Type() {
	case tensor.Float32:
		a, err = array.Of(t.Float32s())
	case tensor.Int32:
		a, err = array.Of(t.Int32s())
	default:
		return nil, fmt.Errorf("elements of type %v, expected float32 or int32", t.Type())
	}
	if err != nil {
		return nil, err
	}
	a.Shape = slices.Clone(t.Shape())
	return a, nil
}

// LoadVariables sets variables to what SaveVariables wrote, and state, a pointer, to what was saved with them unless it
// is nil. Nothing is set unless the file has every one of them with its shape and type. What else is in the file does
// not matter.
func LoadVariables(path string, variables []nn.Named, state any) error {
	f, err := safetensors.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	values := make([]*tensor.Tensor, len(variables))
	for i, v := range variables {
		if values[i], err = read(f, v); err != nil {
			return fmt.Errorf("train: %s: variable %s: %w", path, v.Name, err)
		}
	}
	if state != nil {
		if err := json.Unmarshal([]byte(f.Metadata()[stateKey]), state); err != nil {
			return fmt.Errorf("train: %s: expected what a training saved under %s: %w", path, stateKey, err)
		}
	}
	for i, v := range variables {
		v.Variable.Set(values[i])
	}
	return nil
}

// read returns the value that a file has for a variable.
func read(f *safetensors.File, v nn.Named) (*tensor.Tensor, error) {
	info, ok := f.Info(v.Name)
	if !ok {
		return nil, errors.New("expected the file to have it")
	}
	want := types()[v.Variable.Type()]
	if info.Type != want || !slices.Equal(info.Shape, v.Variable.Shape()) {
		return nil, fmt.Errorf("%s%v, expected %s%v", info.Type, info.Shape, want, v.Variable.Shape())
	}
	a, err := f.Read(v.Name)
	if err != nil {
		return nil, err
	}
	e := v.Variable.Value().Engine()
	if want == array.Int32 {
		x, err := array.To[int32](a)
		if err != nil {
			return nil, err
		}
		return e.NewInt32(x, info.Shape...), nil
	}
	x, err := array.To[float32](a)
	if err != nil {
		return nil, err
	}
	return e.New(x, info.Shape...), nil
}

func types() map[tensor.Type]array.Type {
	return map[tensor.Type]array.Type{tensor.Float32: array.Float32, tensor.Int32: array.Int32}
}
