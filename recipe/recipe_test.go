package recipe

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/data"
	"github.com/baremetaldevx86/microdr/nn"
	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/tensor"
)

func open(t testing.TB) *tensor.Engine {
	e := tensor.Open(tensor.Options{Workers: 1})
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestParse(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"nothing", "", "1:1: expected layers and training, got an empty file"},
		{"no YAML", "layers: [", "1:1: expected YAML"},
		{"a list", "- relu", "1:1: expected a mapping for a recipe, got a list"},
		{"two documents", "layers: [relu]\n---\nlayers: [relu]", "2:1: expected one document, got a second"},
		{"no layers", "training: {epochs: 3}", "1:1: no layers"},
		{"empty layers", "layers: []", "1:9: the list of layers is empty, expected at least one layer"},
		{"unknown field", "layers: [relu]\nepochs: 3",
			`2:1: unknown field "epochs" of a recipe, expected one of layers, training`},
		{"twice", "layers: [relu]\nlayers: [relu]", "2:1: field layers a second time"},
		{"unknown layer", "layers:\n  - flatten\n  - liner: 3", `3:5: unknown layer "liner", expected one of linear`},
		{"a typo of a layer", "layers: [flaten]", `residual; did you mean "flatten"?`},
		{"a typo of a field", "layers: [relu]\ntraining: {epoch: 3}", `scale; did you mean "epochs"?`},
		{"field of a layer", "layers:\n  - linear: {outs: 3}", `2:14: unknown field "outs" of linear`},
		{"no value", "layers:\n  - linear", "2:5: no out of linear, expected a whole number from 1"},
		{"zero", "layers: [linear: 0]", `1:18: expected a whole number from 1 to 1048576 for out of linear, got "0"`},
		{"no whole number", "layers: [linear: 2.5]", "1:18: expected a whole number"},
		{"a word for a number", "layers: [dropout: much]",
			`1:19: expected a number from 0 to 0.99 for rate of dropout, got "much"`},
		{"a number for a truth", "layers: [linear: {out: 2, bias: 1}]", "1:33: expected true or false"},
		{"a list for a number", "layers: [linear: [1]]", "1:18: expected a whole number"},
		{"fields of none", "layers: [relu: {x: 1}]", `1:17: unknown field "x" of relu`},
		{"a value for none", "layers: [relu: 1]", "1:16: expected a mapping for relu"},
		{"an alias", "layers: [&a relu, *a]", "1:19: unknown layer an alias"},
		{"a mistake inside", "layers:\n  - residual:\n      - linear: x", "3:17: expected a whole number"},
		{"residual of nothing", "layers: [residual]", "expected a list of layers"},
		{"optimizer", "layers: [relu]\ntraining: {optimizer: adan}", "2:23: expected one of sgd, momentum"},
		{"two mistakes", "layers: [relu, x]\ntraining: {rate: -1}", "2:18: expected a number from 1e-12 to 1000000"},
	} {
		_, err := Parse("m.yaml", []byte(row.text))
		var all Errors
		if !errors.As(err, &all) || !strings.Contains(err.Error(), row.want) ||
			!strings.HasPrefix(err.Error(), "recipe: m.yaml:") {
			t.Errorf("%s: %v, want %s", row.name, err, row.want)
		}
	}
}

func TestParseReads(t *testing.T) {
	r, err := Parse("m.yaml", []byte(`
layers: [flatten, linear: {out: 4, bias: false}, residual: [relu, linear: 4], dropout: 0.5]
training: {epochs: 3, rate: 0.5, optimizer: nesterov, flip: true, schedule: cosine}`))
	if err != nil {
		t.Fatal(err)
	}
	want := Training{Epochs: 3, Batch: 32, Optimizer: "nesterov", Rate: 0.5, Schedule: "cosine", Flip: true}
	if r.Training != want {
		t.Errorf("%+v, want %+v", r.Training, want)
	}
	if n := len(r.Layers); n != 4 || len(r.Layers[2].inner) != 2 || r.Layers[1].values.truth("bias") {
		t.Errorf("%d layers: %+v", n, r.Layers)
	}
}

// TestBuiltin: the models have as many parameters as they should, and take a batch to logits.
func TestBuiltin(t *testing.T) {
	for _, row := range []struct {
		name    string
		sample  []int
		classes int
		count   int
	}{
		{"mlp", []int{1, 28, 28}, 10, 784*256 + 256 + 256*128 + 128 + 128*10 + 10},
		{"cnn", []int{1, 28, 28}, 10,
			9*(1*16+16*32+32*64+64*64) + 2*(16+32+64+64) + 576*224 + 224 + 224*10 + 10},
		{"xor", []int{1, 1, 2}, 2, 2*8 + 8 + 8*2 + 2},
	} {
		r, err := Builtin(row.name)
		if err != nil {
			t.Fatal(err)
		}
		e := open(t)
		m, err := r.Build(e.NewRandom(1), row.sample, row.classes)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, p := range nn.Parameters(m) {
			n += p.Value().Len()
		}
		y := m.Forward(nil, e.Ones(append([]int{3}, row.sample...)...))
		if n != row.count || y.Dim(0) != 3 || y.Dim(1) != row.classes {
			t.Errorf("%s: %d parameters, want %d, result %v", row.name, n, row.count, y.Shape())
		}
	}
	if _, err := Builtin("rnn"); err == nil {
		t.Error("no error for a name that does not exist")
	}
}

func TestBuildRefuses(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"layers:\n  - flatten\n  - linear: 9", "m.yaml:3:5: the model gives [batch [9]], expected [batch 10]"},
		{"layers:\n  - flatten\n  - conv: 9", "m.yaml:3:5: conv of [batch [64]]"},
		{"layers:\n  - maxpool: 9\n", "m.yaml:2:5: maxpool of [batch [1 8 8]]"},
		{"layers:\n  - residual:\n      - conv: 3\n", "m.yaml:2:5: residual of"},
		{"layers:\n  - residual:\n      - flatten\n      - conv: 3\n", "m.yaml:4:9: conv of"},
	} {
		r, err := Parse("m.yaml", []byte(row.text))
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Build(open(t).NewRandom(1), []int{1, 8, 8}, 10)
		var at *Error
		if !errors.As(err, &at) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%q: %v, want %s", row.text, err, row.want)
		}
	}
}

// TestEveryName: every layer, start, optimizer and schedule that may be named is there.
func TestEveryName(t *testing.T) {
	for _, text := range []string{
		"[conv: {filters: 4, stride: 2}, batchnorm, avgpool: 2, leakyrelu, elu, globalpool, linear: 3]",
		"[conv: {filters: 3, pad: 0, size: 1}, globalpool]",
		"[flatten, linear: {out: 5, start: orthogonal}, layernorm, gelu, silu, linear: {out: 3, start: he-normal}]",
		"[flatten, linear: {out: 5, start: xavier-normal}, tanh, sigmoid, linear: 3]",
		"[flatten, linear: 3, residual: [relu, linear: 3]]",
	} {
		r, err := Parse("m", []byte("layers: "+text))
		if err != nil {
			t.Fatal(err)
		}
		e := open(t)
		m, err := r.Build(e.NewRandom(1), []int{1, 8, 8}, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range m.Forward(nil, e.NewRandom(2).Normal(2, 1, 8, 8)).Float64s() {
			if x-x != 0 {
				t.Errorf("%s: %v", text, x)
			}
		}
	}
	for _, optimizer := range Optimizers() {
		for _, schedule := range Schedules() {
			training := Training{Epochs: 2, Batch: 4, Optimizer: optimizer, Rate: 0.1, Decay: 0.1, Schedule: schedule}
			p := training.Plan(16, nil, nil)
			if p.Optimizer.Rule == nil || p.Optimizer.Schedule(2) > 1 || (p.Optimizer.Muon != nil) != (optimizer == "muon") {
				t.Errorf("%s, %s: %+v", optimizer, schedule, p)
			}
		}
	}
	if len(starts()) != len(startField("").choices) {
		t.Error("a start without a name")
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.yaml")
	if _, err := Load(path); err == nil {
		t.Error("no error for a file that is not there")
	}
	if err := os.WriteFile(path, []byte("layers: [relu]"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range Names() {
		text, err := builtin.ReadFile("builtin/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("layers: [residual: [linear: {out: 3}], dropout: .5]\ntraining: {flip: yes}"))
	f.Add([]byte("layers: &a [residual: *a]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Parse("f", text)
		var all Errors
		if err != nil && (!errors.As(err, &all) || len(all) == 0 || r != nil) {
			t.Fatalf("%v", err)
		}
		for _, e := range all {
			if e.Line < 1 || e.Column < 1 {
				t.Fatalf("%v", e)
			}
		}
	})
}

// TestDocumented: docs/train.md names every layer, field, start, optimizer and schedule.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/train.md")
	if err != nil {
		t.Fatal(err)
	}
	names := append(Optimizers(), Schedules()...)
	names = append(names, startField("").choices...)
	for _, f := range trainingFields() {
		names = append(names, f.key)
	}
	for _, k := range layerKinds() {
		names = append(names, k.name)
		for _, f := range k.fields {
			names = append(names, f.key)
		}
	}
	for _, name := range names {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("no `%s` in docs/train.md", name)
		}
	}
}

// TestDescription: it tells what changes the training from what does not.
func TestDescription(t *testing.T) {
	const text = "layers: [relu, linear: 3, residual: [dropout: 0.1]]\ntraining: {rate: 0.01, schedule: constant}"
	describe := func(text string) string {
		r, err := Parse("m.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return r.Description()
	}
	base := describe(text)
	for _, row := range []struct {
		old, new string
		same     bool
	}{
		{"schedule", "epochs: 77, schedule", true},
		{"0.01", "1e-2", true},
		{"linear: 3", "linear: {bias: true, out: 3}", true},
		{"layers", "# a comment\nlayers", true},
		{"0.01", "0.02", false},
		{"relu", "elu", false},
		{"0.1]", "0.2]", false},
		{"linear: 3", "linear: {out: 3, bias: false}", false},
		{"schedule", "optimizer: sgd, schedule", false},
		{"schedule", "shift: 2, schedule", false},
		{"constant", "cosine", false},
	} {
		if got := describe(strings.Replace(text, row.old, row.new, 1)); (got == base) != row.same {
			t.Errorf("%s for %s: same %v, want %v\n%s", row.new, row.old, got == base, row.same, got)
		}
	}
	cosine := strings.Replace(text, "constant", "cosine", 1)
	if describe(cosine) == describe(strings.Replace(cosine, "rate", "epochs: 77, rate", 1)) {
		t.Error("the epochs of a schedule that ends with them do not count")
	}
	for _, want := range []string{"rate: 0.01\n", "layer 1: relu\n", "layer 3: residual [dropout {rate: 0.1}]\n",
		"layer 2: linear {out: 3, bias: true, start: xavier-uniform}\n"} {
		if !strings.Contains(base, want) {
			t.Errorf("no %q in\n%s", want, base)
		}
	}
}

// TestPlan: all that the training says is in the plan.
func TestPlan(t *testing.T) {
	training := Training{Epochs: 2, Batch: 4, Optimizer: "muon", Rate: 1, Decay: 0.2, Schedule: "cosine",
		Smoothing: 0.3, Clip: 0.4, Shift: 5, Flip: true, Rotate: 6, Scale: 0.7}
	p := training.Plan(16, []float32{8}, []float32{9})
	if p.Epochs != 2 || p.Batch != 4 || p.Smoothing != 0.3 || p.Optimizer.ClipNorm != 0.4 || p.Mean[0] != 8 ||
		p.Deviation[0] != 9 || p.Augment != (data.Augmentation{Shift: 5, Flip: true, Rotate: 6, Scale: 0.7}) {
		t.Errorf("%+v", p)
	}
	if m := p.Optimizer.Muon; m.Rate != 1 || m.Decay != 0.2 {
		t.Errorf("muon %+v", m)
	}
	if want := (optim.AdamWRule{Rate: 0.05, Decay: 0.2}); p.Optimizer.Rule != want {
		t.Errorf("beside muon %+v, want %+v", p.Optimizer.Rule, want)
	}
	if last := p.Optimizer.Schedule(5); math.Abs(last-0.5) > 1e-12 { // of 8 steps
		t.Errorf("half way the rate is %v, want 0.5", last)
	}
	for rank, want := range []bool{true, true, false} {
		g := p.Optimizer.Groups[0]
		if g.Matches("", make([]int, rank)) != want || g.Rate != 1 || g.Decay != 0 {
			t.Errorf("parameters of %d axes: without decay %v, want %v", rank, !want, want)
		}
	}
}

// TestFieldsOfLayers: what a field says is what the layer has.
func TestFieldsOfLayers(t *testing.T) {
	e := open(t)
	r, err := Parse("m", []byte("layers: [batchnorm: 0.7, maxpool: 2, avgpool: {size: 2, stride: 1}, dropout: 0.4, flatten, "+
		"linear: 3]"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Build(e.NewRandom(1), []int{1, 8, 8}, 3)
	if err != nil {
		t.Fatal(err)
	}
	layers := m.(*nn.Sequential).Layers
	if n := layers[0].(*nn.BatchNorm); n.Momentum != 0.7 {
		t.Errorf("momentum %v, want 0.7", n.Momentum)
	}
	if d := layers[3].(*nn.Dropout); d.Rate != 0.4 {
		t.Errorf("rate %v, want 0.4", d.Rate)
	}
	if w := layers[5].(*nn.Linear).Weight.Shape(); w[0] != 9 { // 8x8, pooled to 4x4 and to 3x3
		t.Errorf("the linear layer has %d inputs, want 9", w[0])
	}
}
