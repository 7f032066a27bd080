package nn

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/array"
	"github.com/baremetaldevx86/microdr/safetensors"
	"github.com/baremetaldevx86/microdr/tensor"
)

// bag is a model of any variables.
type bag map[string]*tensor.Variable

func (b bag) Visit(v Visitor) {
	for name, x := range b {
		v.Buffer(name, x)
	}
}

// TestSaveAndLoad: another model of the same make is the same one afterwards, running statistics included.
func TestSaveAndLoad(t *testing.T) {
	e := open(t, tensor.Options{})
	build := func(seed uint64) Module {
		return NewSequential(NewLinear(e.NewRandom(seed), 3, 4), NewBatchNorm(e, 4), Func(ReLU))
	}
	one, other := build(1), build(2)
	shake(one)
	x := wave(e, 1, 5, 3)
	if err := e.Eval(one.Forward(&Pass{Training: true}, x)); err != nil { // moves the statistics
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := Save(path, one); err != nil {
		t.Fatal(err)
	}
	if err := Load(path, other); err != nil {
		t.Fatal(err)
	}
	if got, want := other.Forward(nil, x).Float32s(), one.Forward(nil, x).Float32s(); !slices.Equal(got, want) {
		t.Errorf("%v after loading, want %v", got, want)
	}
	file, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	want := []string{"layers.0.bias", "layers.0.weight", "layers.1.bias", "layers.1.running_mean", "layers.1.running_var",
		"layers.1.weight"}
	if got := file.Names(); !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
}

// TestEveryType: elements of every type come back bit for bit.
func TestEveryType(t *testing.T) {
	for _, o := range []tensor.Options{{}, {Float64: true}} {
		e := open(t, o)
		numbers := []float32{0, 1, -2.5, 65504, float32(math.Inf(1)), float32(math.Copysign(0, -1)), 1.0 / 3, 1e-6}
		floats := e.New(numbers, 2, 4)
		integers := e.NewInt32([]int32{0, 1, -1, math.MaxInt32, math.MinInt32, 1<<24 + 1}, 6)
		words := integers.Cast(tensor.Uint32).Xor(e.FullOf(tensor.Uint32, 0x80000001))
		values := map[string]*tensor.Tensor{
			"float32": floats, "float16": floats.Cast(tensor.Float16), "bfloat16": floats.Cast(tensor.BFloat16),
			"int32": integers, "uint32": words, "bool": e.NewBool([]bool{true, false}, 1, 2),
			"uint8":  e.NewInt32([]int32{0, 1, 255}, 3).Cast(tensor.Uint8),
			"scalar": e.Full(3), "empty": e.Zeros(0, 2),
		}
		saved, loaded := bag{}, bag{}
		for name, x := range values {
			saved[name] = e.NewVariable(name, x)
			loaded[name] = e.NewVariable(name, e.FullOf(x.Type(), 0, x.Shape()...))
		}
		path := filepath.Join(t.TempDir(), "all.safetensors")
		if err := Save(path, saved); err != nil {
			t.Fatal(err)
		}
		if err := Load(path, loaded); err != nil {
			t.Fatal(err)
		}
		for name, x := range values {
			y := loaded[name].Value()
			got, want := y.Float64s(), x.Float64s()
			for i := range want {
				if math.Float64bits(got[i]) != math.Float64bits(want[i]) || y.Type() != x.Type() {
					t.Errorf("%s: %v, want %v", name, y, x)
				}
			}
		}
	}
}

// TestLoadRefuses: every difference is named, and nothing has changed.
func TestLoadRefuses(t *testing.T) {
	e := open(t, tensor.Options{})
	model := func() Model { return NewLinear(e.NewRandom(1), 2, 3, Weights(Zeros)) }
	of := func(n int, shape ...int) *array.Array {
		a, err := array.Of(make([]float32, n), shape...)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	ones := of(6, 2, 3)
	ones.Data[3] = 0x40
	integers, err := array.Of([]int32{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		arrays map[string]*array.Array
		want   string
	}{
		{map[string]*array.Array{"weight": ones}, `"bias" is missing`},
		{map[string]*array.Array{"weight": ones, "bias": of(3), "more": of(1)}, `"more" is not in the model`},
		{map[string]*array.Array{"weight": of(6, 3, 2), "bias": integers},
			`"bias" is i4[3], expected f4[3]; "weight" is f4[3 2], expected f4[2 3]`},
		{map[string]*array.Array{"weight": ones, "Bias": of(3)}, `"Bias" is not in the model; "bias" is missing`},
	} {
		path := filepath.Join(t.TempDir(), "model.safetensors")
		if err := safetensors.Save(path, r.arrays, nil); err != nil {
			t.Fatal(err)
		}
		m := model()
		if err := Load(path, m); err == nil || err.Error() != "nn: "+path+": "+r.want {
			t.Errorf("error %v, want %s", err, r.want)
		}
		for _, p := range Parameters(m) {
			if p.Value().Abs().MaxOver().Item() != 0 {
				t.Errorf("%s: %s has changed", r.want, p.Name)
			}
		}
	}
}

// TestFilesFail: what is no file is an error, what cannot be saved leaves the old file.
func TestFilesFail(t *testing.T) {
	e := open(t, tensor.Options{})
	m := NewLinear(e.NewRandom(1), 2, 3)
	dir := t.TempDir()
	if err := Load(filepath.Join(dir, "none"), m); err == nil || !strings.HasPrefix(err.Error(), "nn: safetensors: ") {
		t.Errorf("error %v for a file that is not there", err)
	}
	path := filepath.Join(dir, "model.safetensors")
	if err := Save(path, m); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	double := twice{m, NewLinear(e.NewRandom(2), 2, 3)}
	err = Save(path, double)
	if err == nil || !strings.HasSuffix(err.Error(), `two variables named "weight", expected a name for each`) {
		t.Errorf("error %v for a name that two have", err)
	}
	if err := Load(path, double); err == nil || !strings.Contains(err.Error(), "two variables of that name") {
		t.Errorf("error %v for a name that two have", err)
	}
	after, err := os.ReadFile(path)
	if err != nil || string(after) != string(before) {
		t.Errorf("the file has changed, or: %v", err)
	}
	if err := os.WriteFile(path, before[:len(before)-1], 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Load(path, m); err == nil {
		t.Error("a file that was cut loads")
	}
}

// twice is two models whose variables have the same names, by mistake.
type twice [2]Model

func (m twice) Visit(v Visitor) {
	m[0].Visit(v)
	m[1].Visit(v)
}
