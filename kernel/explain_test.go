package kernel_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
)

// Every backend explains the test module: the code without holes, jumps that lead to labels which are there, and every
// effect, loop and stage in the words of the program.
func TestExplain(t *testing.T) {
	for _, b := range kernel.Backends() {
		t.Run(string(b), func(t *testing.T) {
			e := kernel.New(kernel.Options{Backend: b})
			defer e.Close()
			if _, err := e.Explain(straightLine(500)); err != nil { // so that there is memory for the others
				t.Fatal(err)
			}
			x, err := e.Explain(module())
			if err != nil {
				t.Fatal(err)
			}
			before := listing(x)
			if _, err := e.Explain(straightLine(40)); err != nil {
				t.Fatal(err)
			}
			if listing(x) != before {
				t.Error("the next compilation overwrites the explanation")
			}
			text := ""
			for _, s := range x.Stages {
				text += s.Text
			}
			if whole := ir.Print(x.Module); !strings.HasSuffix(whole, text) || len(x.Stages) != 4 {
				t.Errorf("the stages are\n%s\nof\n%s", text, whole)
			}
			s := x.Stages[0]
			if s.Backend != b || s.Lower <= 0 || s.Compile <= 0 || (s.Code == nil) != (b == kernel.Eval) {
				t.Fatalf("the map runs on %s, lowered in %v, compiled in %v, code %v", s.Backend, s.Lower, s.Compile, s.Code != nil)
			}
			if s.Code != nil {
				checkCode(t, s.Text, s.Code)
			}
		})
	}
}

// listing is all instructions as text.
func listing(x *kernel.Explanation) string {
	out := ""
	for _, s := range x.Stages {
		if s.Code != nil {
			out += fmt.Sprintf("%x", s.Code.Sections)
		}
	}
	return out
}

var (
	jumpTarget = regexp.MustCompile(`^(j\w+ |lea r\w+, \[rip\+)(L\d+)`)
	mnemonic   = regexp.MustCompile(`^[a-z]`)
)

func checkCode(t *testing.T, program string, c *kernel.Code) {
	t.Helper()
	var captions, labels, wanted []string
	at := 0
	for _, p := range slices.Concat(c.Sections[0], c.Sections[1]) {
		captions = append(captions, p.Text)
		for _, in := range p.Instructions {
			if in.Offset != at {
				t.Fatalf("%q at %d, want %d", in.Text, in.Offset, at)
			}
			at += len(in.Bytes)
			if in.Bytes == nil {
				labels = append(labels, in.Text)
			} else if !mnemonic.MatchString(in.Text) {
				t.Errorf("an instruction %q", in.Text)
			}
			if m := jumpTarget.FindStringSubmatch(in.Text); m != nil {
				wanted = append(wanted, m[2])
			}
		}
	}
	if at != c.CodeBytes {
		t.Errorf("the listing ends at %d of %d bytes", at, c.CodeBytes)
	}
	for _, l := range wanted {
		if !slices.Contains(labels, l) {
			t.Errorf("a jump to %s, which has no place", l)
		}
	}
	if len(wanted) < 3 {
		t.Errorf("%d jumps in a loop", len(wanted))
	}
	for _, text := range captions {
		if text != "" && !strings.Contains(program, text) && !strings.Contains(text, "= loop max 20, its states") {
			t.Errorf("the program has no line %q", text)
		}
	}
	for _, part := range []string{"scatter_add hist ", "scatter_add count ", "store x ", "= loop max 20, its states", "= lane i32"} {
		if !slices.ContainsFunc(captions, func(s string) bool { return strings.Contains(s, part) }) {
			t.Errorf("no instruction stems from %q", part)
		}
	}
}

// argumentsOf makes buffers for the test module.
func argumentsOf(t *testing.T, e *kernel.Engine, k *kernel.Kernel) kernel.Args {
	t.Helper()
	args := kernel.Args{Uniforms: []float64{0.125}}
	for _, b := range k.Module().Buffers {
		var buffer *kernel.Buffer
		if b.Life != ir.Temp {
			var err error
			if buffer, err = e.NewBuffer(b.Type, b.Len()); err != nil {
				t.Fatal(err)
			}
		}
		args.Buffers = append(args.Buffers, buffer)
	}
	return args
}

func TestObserve(t *testing.T) {
	var seen []string
	e := kernel.New(kernel.Options{Observe: func(o kernel.Observation) {
		s := &o.Kernel.Module().Stages[o.Stage]
		seen = append(seen, fmt.Sprint(s.Kind, " ", s.Name, " ", o.Args.Uniforms, " ", o.Time > 0))
	}})
	defer e.Close()
	k, err := e.Compile(module())
	if err != nil {
		t.Fatal(err)
	}
	args := argumentsOf(t, e, k)
	if err := k.Run(context.Background(), args); err != nil {
		t.Fatal(err)
	}
	want := []string{"map trace [0.125] true", "reduce pixel [0.125] true", "reduce total [0.125] true", "reduce top [0.125] true"}
	if !slices.Equal(seen, want) {
		t.Errorf("got %q, want %q", seen, want)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if err := k.Run(cancelled, args); err == nil || len(seen) != len(want) {
		t.Errorf("a stage that failed was observed: %q", seen)
	}
}
