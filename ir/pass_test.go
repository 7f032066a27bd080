package ir

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden texts")

const afterMark = "==== after\n"

// TestPassText holds passes to the texts in testdata/pass: a module, and what the pass that the file's name begins
// with makes of it.
func TestPassText(t *testing.T) {
	files, err := filepath.Glob("testdata/pass/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no texts", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			before, want, _ := strings.Cut(string(data), afterMark)
			m, err := Parse(file, []byte(before))
			if err != nil {
				t.Fatal(err)
			}
			name, _, _ := strings.Cut(filepath.Base(file), "_")
			i := slices.IndexFunc(passes, func(p Pass) bool { return p.Name == name })
			m, err = Lower(m, passes[i:i+1], true)
			if err != nil {
				t.Fatal(err)
			}
			got := Print(m)
			if *update {
				if err := os.WriteFile(file, []byte(before+afterMark+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("%s gives\n%s\nwant (go test -update accepts the former)\n%s", name, got, want)
			}
		})
	}
}

// TestPassOrder holds the table of passes to the table of their order, whose names must all exist.
func TestPassOrder(t *testing.T) {
	index := func(name string) int {
		return slices.IndexFunc(passes, func(p Pass) bool { return p.Name == name })
	}
	for _, o := range passOrder {
		if a, b := index(o[0]), index(o[1]); a < 0 || b < 0 || a >= b {
			t.Errorf("%s must come before %s; they are at %d and %d", o[0], o[1], a, b)
		}
	}
	seen := map[string]bool{}
	for _, p := range passes {
		if seen[p.Name] || p.Doc == "" || p.Run == nil {
			t.Errorf("pass %q is there twice, has no line of documentation or does nothing", p.Name)
		}
		seen[p.Name] = true
	}
	if got := Passes("expand"); len(got) != len(passes)-1 || slices.ContainsFunc(got, func(p Pass) bool { return p.Name == "expand" }) {
		t.Errorf("Passes(expand) has %d passes of %d", len(got), len(passes))
	}
}

// TestRewriteHook replaces each sine by the cosine in nested loops; everything else is copied.
func TestRewriteHook(t *testing.T) {
	const text = `module hook
buffer out f32 [4] output
map main [4] {
  %0 = lane i32
  %1 = convert f32 %0
  %13 = loop max 9 (%2 f32 = %1, %3 f32 = %1) {
    %4 = lt bool %2 %3
    %10 = loop max 5 (%5 f32 = %3, %6 f32 = %2) {
      %7 = lt bool %5 %2
      %8 = sin f32 %6
      %9 = add f32 %8 %5
      while %7
      next %6 %9
    }
    %11 = result f32 %10 1
    %12 = sin f32 %11
    while %4
    next %12 %2
  }
  %14 = result f32 %13 1
  store out %0 %14
}
`
	m, err := Parse("hook", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	m.Stages[0].Prog = Rewrite(m, m.Stages[0].Prog, func(r *Rewriter, v Value) (Value, bool) {
		if r.From.Node(v).Op != OpSin {
			return None, false
		}
		return r.To.Unary(OpCos, r.Image(r.From.Node(v).Args[0])), true
	})
	if err := Verify(m); err != nil {
		t.Fatal(err)
	}
	var ops []string
	for i := range m.Stages[0].Prog.Nodes {
		ops = append(ops, m.Stages[0].Prog.Nodes[i].Op.String())
	}
	got := strings.Join(ops, " ")
	want := "lane convert state state lt state state lt cos add loop result result result cos loop result result result"
	if got != want {
		t.Errorf("the copy is %s\n%s", got, Print(m))
	}
}
