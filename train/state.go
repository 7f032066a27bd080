package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/baremetaldevx86/microdr/nn"
	"github.com/baremetaldevx86/microdr/safetensors"
)

// stateKey is where a checkpoint has what is not a variable, as JSON.
const stateKey = "microdr.train"

// SaveVariables writes variables, with names of their own, and state as JSON in the metadata, to one safetensors file,
// which is there whole or not at all.
func SaveVariables(path string, variables []nn.Named, state any) error {
	if err := checkNames(variables); err != nil {
		return err
	}
	text, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("train: %s: state: %w", path, err)
	}
	return nn.SaveNamed(path, variables, map[string]string{stateKey: string(text)})
}

// LoadVariables sets variables to what SaveVariables wrote, and state, a pointer, to what was saved with them unless it
// is nil. Nothing is set unless the file has every one of them with its shape and type. What else is in the file
// does not matter.
func LoadVariables(path string, variables []nn.Named, state any) error {
	if state == nil {
		return nn.LoadNamed(path, variables)
	}
	saved := reflect.New(reflect.TypeOf(state).Elem())
	if err := readState(path, saved.Interface()); err != nil {
		return err
	}
	if err := nn.LoadNamed(path, variables); err != nil {
		return err
	}
	reflect.ValueOf(state).Elem().Set(saved.Elem())
	return nil
}

func readState(path string, state any) (err error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := json.Unmarshal([]byte(f.Metadata()[stateKey]), state); err != nil {
		return fmt.Errorf("train: %s: expected what a training saved under %s: %w", path, stateKey, err)
	}
	return nil
}
