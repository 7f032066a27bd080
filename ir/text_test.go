package ir

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// sample uses every form of the text.
const sample = `module "a sample"
uniform ball.radius f32
uniform "two words" bool
uniform big f64
buffer image f32 [8 6] output
buffer half f16 [] input
buffer "" bf16 [48] input
buffer sum f64 [] output
buffer tmp u32 [0] temp
buffer tmp i32 [2 3 4] temp
buffer small f32 [4 3] output
buffer products f32 [2 3 4] output
buffer taps f32 [2 1 3 3] input
buffer soft f32 [2 12] output
buffer sums f32 [12] temp
buffer from i32 [12] temp
func slope(%0 f32, %1 f32, %2 f32, %3 f32) {
  %4 = fma f32 %0 %1 %2
  %5 = mul f32 %4 %3
  return %5
}
func f(%0 f32 @3, %1 f32) jvp slopes2 vjp slopes {
  %2 = pow f32 %0 %1
  return %2
}
func slopes(%0 f32, %1 f32, %2 f32, %3 f32) {
  return %3 %3
}
func slopes2(%0 f32, %1 f32, %2 f32, %3 f32, %4 f32) {
  %5 = call slope(%0, %1, %2, %3) @12
  %6 = result f32 %5 0
  return %6
}
func pi() {
  once {
    %0 = const f32 3.1415927
  }
  return %0
}
map shade [2 3 8] {
  once {
    %0 = uniform f32 ball.radius
    %1 = const f32 -0
    %2 = const f32 inf
    %3 = const f64 -inf
    %4 = const f32 nan
    %5 = const f64 nan
    %6 = const f32 1e-45
    %7 = const f64 0.1
    %8 = const i32 -2147483648
    %9 = const u32 4294967295
    %10 = const bool true
    %11 = uniform bool "two words"
    %12 = call pi()
    %13 = result f32 %12 0
    %16 = gather f32 "" %9
  }
  %14 = lane i32 @-5
  %15 = gather f32 half %14
  %23 = sqrt f32 %15
  %25 = bitcast u32 %23
  %30 = loop max 50 @9 (%17 f32 = %15, %18 i32 @8 = %14) {
    %19 = lt bool %17 %0
    %20 = call f(%17, %13)
    %21 = result f32 %20 0 @4
    %26 = loop max 2147483647 (%22 f32 = %21) {
      %24 = neg f32 %22
      while %19
      next %24
    }
    %27 = result f32 %26 0
    %28 = result i32 %26 1
    %29 = select i32 %19 %18 %28
    while %19
    next %27 %29
  }
  %31 = result f32 %30 0
  %32 = convert i32 %31
  %33 = detach f32 %31
  store image %32 %33
  scatter_add sum %25 %3
  store #5 %14 %14
}
reduce mean (image) -> (small) op mean group 4 inner 3
reduce norm [4 4 3] {
  once {
    %0 = uniform f32 ball.radius
  }
  %1 = lane i32
  %2 = gather f32 "" %1
  %3 = mul f32 %2 %0
  return %3
} -> (small) op prod
scan running (small) -> (sums) group 4 inner 3
sort keys (small) -> (sums, from) group 6
sort back (small) -> (sums, from) group 6 descending
compact alive (small) -> (#4)
matmul product (small, half) -> (products) batch [2] m 3 n 4 k 3 a offset 2 batch [0] row -1 col 3 b offset 0 batch [0] row 0 col 0
conv blur (small, taps) -> (soft) forward batch 1 channels 1 filters 2 groups 1 image [3 4] filter [3 3] result [3 4] stride [1 1] dilation [1 1] pad [1 1]
`

// TestSample reads the sample, which must print as it stands, and read again as the same module.
func TestSample(t *testing.T) {
	m, err := Parse("sample", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	if got := Print(m); got != sample {
		t.Fatalf("printed as\n%s", diff(got, sample))
	}
	again, err := Parse("sample", []byte(Print(m)))
	if err != nil || !reflect.DeepEqual(m, again) {
		t.Errorf("the second reading differs: %v", err)
	}
	p := m.Stages[0].Prog
	if s := p.Nodes[23].Scope; s != ScopeLane {
		t.Errorf("a node between those of a loop, written outside of it, has scope %d", s)
	}
	if p.Parents[3] != 2 || p.Loops[1].Max != 2147483647 || p.Nodes[14].Pos != -5 {
		t.Errorf("nesting, bound or position is lost: %v", p.Parents)
	}
}

// diff returns the first line in which two texts differ.
func diff(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return g[i] + "\nwant\n" + w[i]
		}
	}
	return got
}

// TestParseOtherSpellings reads texts that print differently from how they were written.
func TestParseOtherSpellings(t *testing.T) {
	for _, r := range []struct{ line, want string }{
		{"%0 = const f32 0x1.8p1", "%0 = const f32 3"},
		{"%0 = const f32 -Inf // a comment", "%0 = const f32 -inf"},
		{"%0 = const f32 1e-60", "%0 = const f32 0"},
		{"%0=const f64\n0x1p-1074 @0", "%0 = const f64 5e-324"},
		{"%0 = uniform f32 \"\\x61\"", "%0 = uniform f32 a"},
		{"%0 = uniform f32 #0", "%0 = uniform f32 a"},
	} {
		m, err := Parse("line", []byte("module m uniform a f32 map s [1] { once {"+r.line+"\n} }"))
		if err != nil {
			t.Errorf("%s: %v", r.line, err)
		} else if got := Print(m); !strings.Contains(got, r.want+"\n") {
			t.Errorf("%s reads as\n%swant %s", r.line, got, r.want)
		}
	}
}

// TestParseErrors gives broken texts; the error must hold the wanted words.
func TestParseErrors(t *testing.T) {
	const head = "module m\nuniform u f32\nbuffer b f32 [4] output\nbuffer two f32 [4] input\nbuffer two i32 [4] input\n"
	body := func(lines string) string { return head + "map s [4] {\n" + lines + "\n}" }
	for _, r := range []struct{ text, want string }{
		{"", `ir: x:1:1: expected "module", found the end of the text`},
		{"module", "x:1:7: expected a name"},
		{"module m\nfoo", `x:2:1: expected uniform, buffer, func or a stage`},
		{"module m\nuniform u f33", `x:2:11: expected a type (bool,`},
		{"module m\nuniform u f32 uniform u f32", `x:2:23: uniform "u" is declared twice`},
		{"module m uniform u f16", "uniform u is of type f16"},
		{"module m buffer b f32 [-1] input", "x:1:24: expected a size from 0 to"},
		{"module m buffer b f32 [1 1 1 1 1 1 1 1 1] input", "expected at most 8 dimensions"},
		{"module m buffer b f32 [1000000000 1000000000] input", "more than 1099511627776 elements"},
		{"module m buffer b f32 [1] forever", `x:1:27: expected a lifetime, one of ["input"`},
		{"module \"m", "x:1:8: no token starts with"},
		{"module m\n  ü", `x:2:3: no token starts with "ü"`},
		{"module m func f() { }", `x:1:21: expected "return", found "}"`},
		{"module m func f() { return }", "needs results"},
		{"module m func f(%0 f32) jvp g { return %0 }", `there is no function "g"`},
		{"module m func f(%0 f32) jvp f { return %0 }", "rule 0 does not exist"},
		{"module m func f(%0 f32) jvp g { return %0 } func g(%0 f32) { return %0 }", "its jvp g takes [f32], not [f32 f32 f32]"},
		{"module m func f(%0 f32) { %1 = call f(%0) %2 = result f32 %1 0 return %2 }", `there is no function "f"`},
		{"module m reduce r (b) -> (b)", `there is no buffer "b"`},
		{head + "reduce r [4 1] { } -> (b) op sum", "x:6:10: expected the sizes [outer group inner]"},
		{head + "reduce r [4 1 1] { } -> (b) op sum", `x:6:20: expected "return"`},
		{head + "reduce r [4 1 1] { return } -> (b) op sum", "one result"},
		{head + "reduce r [4 1 1] { return } (b) op sum", `x:6:29: expected "->"`},
		{head + "reduce r [1 1 1] { %0 = lane i32 return %0 } -> (b) op sum", "1 elements in groups of 1 (inner 1) do not give 4"},
		{head + "reduce r [4 1 1] { %0 = lane i32 return %0 } -> (b) op sum", "floats to floats, or i32 to i32"},
		{head + "scan r (#1) -> (b) inner 4", `x:6:20: expected "group"`},
		{head + "scan r (#1) -> (b) group 3 inner 1", "4 elements in groups of 3 (inner 1) do not give 4"},
		{head + "scan r (#2) -> (b) group 4 inner 1", "f32 to f32, or i32 to i32"},
		{head + "sort r (#1) -> (b) group 4", "an output of values, one of indices"},
		{head + "sort r (#1) -> (b, b) group 4 descending", "an output of values, one of indices"},
		{body("%0 = lane"), "x:8:1: expected a type, found \"}\""},
		{body("%0 = lane f32"), "%0: the types or the operand of lane"},
		{body("%0 = frobnicate f32"), `x:7:6: expected an op, found "frobnicate"`},
		{body("%0 = const i32 1.5"), `x:7:16: expected a constant of type i32, found "1.5"`},
		{body("%0 = const u32 -1"), "expected a constant of type u32"},
		{body("%0 = const f32 1e40"), "expected a constant of type f32"},
		{body("%0 = const f16 1"), "expected a constant of type f16"},
		{body("%0 = uniform f32 v"), `x:7:18: there is no uniform "v"`},
		{body("%0 = uniform f32 #1"), "x:7:18: expected a uniform below #1"},
		{body("%0 = lane i32 %1 = gather f32 two %0"), `several buffers are named "two"`},
		{body("%0 = lane i32 %0 = lane i32"), "x:7:15: %0 is defined twice"},
		{body("%1 = lane i32"), "%0 is not defined, but the program has 1 values"},
		{body("%0 = neg f32 %5"), "x:7:14: %5 is not defined"},
		{body("%99999999999 = lane i32"), "expected the number of a value below 2^31"},
		{body("%0 = lane i32 store c %0 %0"), `there is no buffer "c"`},
		{body("%0 = loop max 0 () { }"), "expected a bound from 1"},
		{body("%0 = loop max 1 () { while %0 next }"), "loop 0 is malformed"},
		{head + "matmul p (b, #1) -> (b)", `x:6:24: expected "batch", found the end`},
		{head + "matmul p (b, #1) -> (b) batch [1 1 1 1 1 1 1] m 1 n 1 k 1", `expected "a", found the end`},
		{head + "matmul p (b, #1) -> (b) batch [] m -1", `expected a size from 0 to`},
		{head + "matmul p (b, #1) -> (b) batch [] m 1 n 1 k 1 a offset 1 batch [x]", `expected a number of elements from -1099511627776`},
		{"module m map s [70000 70000] { }", "more than 2147483647 elements"},
	} {
		_, err := Parse("x", []byte(r.text))
		if err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s\ngives %v\nwant  %s", r.text, err, r.want)
		}
	}
	deep := "module m map s [1] {"
	for i := range 100 {
		deep += fmt.Sprintf("%%%d = loop max 1 (%%%d f32 = %%0) { ", 2*i, 2*i+1)
	}
	if _, err := Parse("x", []byte(deep)); err == nil || !strings.Contains(err.Error(), "at most 64 loops") {
		t.Errorf("100 nested loops give %v", err)
	}
	if _, err := Parse("x", make([]byte, MaxText+1)); err == nil || !strings.Contains(err.Error(), "bytes of text") {
		t.Errorf("too long a text gives %v", err)
	}
}

// FuzzParse reads any text without panicking. What is accepted prints to a text that reads as the same module, and
// every pass takes it.
func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Add(convText)
	f.Add(axes)
	files, _ := filepath.Glob("testdata/pass/*.txt")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		before, after, _ := strings.Cut(string(data), afterMark)
		f.Add(before)
		f.Add(after)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := Parse("fuzz", []byte(text))
		if err != nil {
			return
		}
		printed := Print(m)
		again, err := Parse("printed", []byte(printed))
		if err != nil {
			t.Fatalf("%v\n%s", err, printed)
		}
		if !reflect.DeepEqual(m, again) {
			t.Fatalf("read again, the module differs\n%s\n%s", printed, Print(again))
		}
		if _, err := Lower(m, Passes(), true); err != nil {
			t.Fatalf("%v\n%s", err, printed)
		}
	})
}

// Stages and lines by themselves are what the text of the whole module has.
func TestExcerpts(t *testing.T) {
	m, err := Parse("sample", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	stages := ""
	for i := range m.Stages {
		stages += PrintStage(m, &m.Stages[i])
	}
	if !strings.HasSuffix(sample, stages) || !strings.HasPrefix(stages, "map shade") {
		t.Errorf("the stages are\n%s", stages)
	}
	p := m.Stages[0].Prog
	nodes, effects := PrintLines(m, p)
	if len(nodes) != len(p.Nodes) || len(effects) != len(p.Effects) {
		t.Fatalf("%d lines of nodes and %d of effects", len(nodes), len(effects))
	}
	for v, line := range nodes {
		none := p.Nodes[v].Op == OpState
		if none != (line == "") || !strings.Contains(stages, line+"\n") || !none && !strings.HasPrefix(line, fmt.Sprintf("%%%d = ", v)) {
			t.Errorf("%%%d: %q", v, line)
		}
	}
	for _, line := range effects {
		if line == "" || !strings.Contains(stages, "  "+line+"\n") {
			t.Errorf("an effect %q", line)
		}
	}
}
