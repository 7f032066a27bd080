package ir

import (
	"strings"
	"testing"
)

// whole is a valid module that the rows below break: a function, nested loops, a call, effects and a reduction.
const whole = `module whole
uniform u f32
buffer in f32 [4] input
buffer out f32 [4] output
buffer sum f32 [] output
func f(%0 f32) {
  %1 = mul f32 %0 %0
  return %1
}
map main [4] {
  once {
    %0 = uniform f32 u
    %1 = const bool true
  }
  %2 = lane i32
  %3 = gather f32 in %2
  %12 = loop max 3 (%4 f32 = %3, %5 i32 = %2) {
    %9 = loop max 2 (%6 f32 = %4) {
      %7 = call f(%6)
      %8 = result f32 %7 0
      while %1
      next %8
    }
    %10 = result f32 %9 0
    %11 = add f32 %10 %0
    while %1
    next %11 %5
  }
  %13 = result f32 %12 0
  store out %2 %13
}
reduce total (out) -> (sum) op sum group 4 inner 1
`

// TestVerifyRefuses breaks a valid module in one place at a time.
func TestVerifyRefuses(t *testing.T) {
	main := func(m *Module) *Program { return m.Stages[0].Prog }
	rows := []struct {
		name  string
		harm  func(m *Module)
		wants string
	}{
		{"no op", func(m *Module) { main(m).Nodes[3].Op = 0 }, "%3 has no op"},
		{"an op beyond the table", func(m *Module) { main(m).Nodes[3].Op = 255 }, "%3 has no op"},
		{"a type beyond the table", func(m *Module) { main(m).Nodes[3].Type = 200 }, "%3: gather of type"},
		{"a storage type", func(m *Module) { main(m).Nodes[11].Type = F16 }, "%11: add of type f16"},
		{"a loop with a type", func(m *Module) { main(m).Nodes[12].Type = F32 }, "%12: loop of type"},
		{"a later argument", func(m *Module) { main(m).Nodes[3].Args[0] = 5 }, "does not come before"},
		{"itself as argument", func(m *Module) { main(m).Nodes[3].Args[0] = 3 }, "does not come before"},
		{"a missing argument", func(m *Module) { main(m).Nodes[11].Args[1] = None }, "does not come before"},
		{"one argument too many", func(m *Module) { main(m).Nodes[3].Args[1] = 0 }, "too many arguments"},
		{"mixed types", func(m *Module) { main(m).Nodes[11].Args[0] = 5 }, "%11: the types or the operand of add"},
		{"the wrong result type", func(m *Module) { main(m).Nodes[11].Type = I32 }, "operand of add"},
		{"an immediate where none belongs", func(m *Module) { main(m).Nodes[11].Imm = 1 }, "operand of add"},
		{"a bool constant of 2", func(m *Module) { main(m).Nodes[1].Imm = 2 }, "operand of const"},
		{"a uniform that is not there", func(m *Module) { main(m).Nodes[0].Imm = 1 }, "operand of uniform"},
		{"a uniform of another type", func(m *Module) { m.Uniforms[0].Type = F64 }, "operand of uniform"},
		{"a buffer that is not there", func(m *Module) { main(m).Nodes[3].Imm = 9 }, "operand of gather"},
		{"a lane of floats", func(m *Module) { main(m).Nodes[2].Type = F32 }, "operand of lane"},
		{"a parameter in a map", func(m *Module) { main(m).Nodes[2].Op = OpParam }, "operand of param"},
		{"a result that is not there", func(m *Module) { main(m).Nodes[13].Imm = 3 }, "operand of result"},
		{"a result of a sum", func(m *Module) { main(m).Nodes[13].Args[0] = 11 }, "operand of result"},
		{"a scope that is not there", func(m *Module) { main(m).Nodes[3].Scope = 9 }, "scope 9 does not exist"},
		{"a scope too deep", func(m *Module) { main(m).Nodes[3].Scope = 2 }, "its scope is 2, not 1"},
		{"a scope not deep enough", func(m *Module) { main(m).Nodes[11].Scope = ScopeLane }, "its scope is 1, not 2"},
		{"scopes in a circle", func(m *Module) { main(m).Parents[2] = 3 }, "scope 2 lies in scope 3"},
		{"scopes missing", func(m *Module) { main(m).Parents = main(m).Parents[:3] }, "3 scopes do not suit 2 loops"},
		{"a loop once for all lanes", func(m *Module) { main(m).Parents[2] = ScopeUniform }, "scope 2 lies in scope 0"},
		{"no states", func(m *Module) { main(m).Loops[0] = Loop{Scope: 2, Cond: 1, Max: 1} }, "loop 0 is malformed"},
		{"no bound", func(m *Module) { main(m).Loops[0].Max = 0 }, "loop 0 is malformed"},
		{"a next value too few", func(m *Module) { main(m).Loops[0].Next = main(m).Loops[0].Next[:1] }, "loop 0 is malformed"},
		{"a condition of floats", func(m *Module) { main(m).Loops[0].Cond = 0 }, "operand of loop"},
		{"a condition that is not there", func(m *Module) { main(m).Loops[0].Cond = -1 }, "value %-1 does not exist"},
		{"a condition after the loop", func(m *Module) { main(m).Loops[0].Cond = 13 }, "operand of loop"},
		{"next values of the inner loop", func(m *Module) { main(m).Loops[0].Next[0] = 8 }, "operand of loop"},
		{"initial values of the loop itself", func(m *Module) { main(m).Loops[1].Init[0] = 6 }, "operand of loop"},
		{"initial values of another type", func(m *Module) { main(m).Loops[0].Init[1] = 3 }, "operand of loop"},
		{"a state twice", func(m *Module) { main(m).Loops[0].States[1] = 4 }, "operand of state"},
		{"a loop that never ends", func(m *Module) { main(m).Nodes[9] = main(m).Nodes[2] }, "operand of result"},
		{"a call of what is not there", func(m *Module) { main(m).Calls[0].Func = 1 }, "operand of call"},
		{"a call with too few arguments", func(m *Module) { main(m).Calls[0].Args = nil }, "operand of call"},
		{"a call with the wrong type", func(m *Module) { main(m).Calls[0].Args[0] = 5 }, "operand of call"},
		{"a call of itself", func(m *Module) {
			b := m.Funcs[0].Body
			b.Nodes[1] = Node{Op: OpCall, Scope: ScopeLane, Args: noArgs}
			b.Calls = []Call{{0, []Value{0}}}
		}, "function f: %1: the types or the operand of call"},
		{"a call that no node makes", func(m *Module) { main(m).Calls = append(main(m).Calls, Call{0, []Value{4}}) }, "has no node"},
		{"a result in a loop", func(m *Module) { main(m).Effects[0].Value = 11 }, "wrong types, or a value of a loop"},
		{"a store of ints", func(m *Module) { main(m).Effects[0].Value = 2 }, "wrong types"},
		{"a float as index", func(m *Module) { main(m).Effects[0].Index = 3 }, "wrong types"},
		{"an effect of no kind", func(m *Module) { main(m).Effects[0].Kind = 7 }, "of this kind does not exist"},
		{"a sum of halves", func(m *Module) { main(m).Effects[0].Kind, m.Buffers[1].Type = ScatterAdd, F16 }, "don't add"},
		{"a store to nowhere", func(m *Module) { main(m).Effects[0].Buffer = 5 }, "which does not exist"},
		{"a store to an input", func(m *Module) { m.Buffers[1].Life = Input }, "writes out, an input"},
		{"a store to what is read", func(m *Module) { main(m).Effects[0].Buffer = 0 }, "reads and writes in"},
		{"a read before any write", func(m *Module) { m.Buffers[0].Life = Temp }, "reads in before any stage wrote it"},
		{"effects in a function", func(m *Module) { m.Funcs[0].Body.Effects = main(m).Effects }, "a function has no effects"},
		{"a function of no results", func(m *Module) { m.Funcs[0].Body.Results = nil }, "a function needs results"},
		{"a function without a body", func(m *Module) { m.Funcs[0].Body = nil }, "has no body"},
		{"results of a map", func(m *Module) { main(m).Results = []Value{3} }, "has effects, not"},
		{"a map without a program", func(m *Module) { m.Stages[0].Prog = nil }, "needs a program"},
		{"a map without a domain", func(m *Module) { m.Stages[0].Domain = nil }, "a domain"},
		{"a negative domain", func(m *Module) { m.Stages[0].Domain = []int{-1} }, "negative size"},
		{"too many lanes", func(m *Module) { m.Stages[0].Domain = []int{1 << 16, 1 << 16} }, "more than 2147483647"},
		{"a stage of no kind", func(m *Module) { m.Stages[1].Kind = 99 }, "of this kind does not exist"},
		{"a group of 0", func(m *Module) { m.Stages[1].Group = 0 }, "at least 1"},
		{"a group that does not fit", func(m *Module) { m.Stages[1].Group = 3 }, "do not give 1"},
		{"a group without end", func(m *Module) { m.Stages[1].Group = 1 << 62 }, "do not give 1"},
		{"two outputs", func(m *Module) { m.Stages[1].Out = []int{2, 2} }, "one input, one output"},
		{"an unknown reduction", func(m *Module) { m.Stages[1].Reduce = 9 }, "a reduction has"},
		{"a reduction in place", func(m *Module) { m.Stages[1].Out = []int{1} }, "reads and writes out"},
		{"a stage's buffer that is not there", func(m *Module) { m.Stages[1].In = []int{-1} }, "buffer -1 does not exist"},
		{"a buffer without a type", func(m *Module) { m.Buffers[0].Type = Invalid }, "buffer in has no type"},
		{"a buffer of no lifetime", func(m *Module) { m.Buffers[0].Life = 9 }, "no lifetime"},
		{"a buffer without end", func(m *Module) { m.Buffers[0].Shape = []int{1 << 40, 1 << 40} }, "more than 1099511627776"},
		{"a uniform of halves", func(m *Module) { m.Uniforms[0].Type = BF16 }, "uniform u is of type bf16"},
		{"a rule that is not there", func(m *Module) { m.Funcs[0].VJP = 5 }, "rule 5 does not exist"},
	}
	for _, r := range rows {
		m, err := Parse("whole", []byte(whole))
		if err != nil {
			t.Fatal(err)
		}
		r.harm(m)
		if err := Verify(m); err == nil || !strings.Contains(err.Error(), r.wants) {
			t.Errorf("%s: %v, want %q", r.name, err, r.wants)
		}
	}
}

// TestVerifyTextRefuses gives whole texts, for what is easier to write down than to break.
func TestVerifyTextRefuses(t *testing.T) {
	const head = "module m uniform p bool buffer out f32 [4] output map main [4] { once { %0 = const f32 1 %1 = uniform bool p } %2 = lane i32\n"
	for _, r := range []struct{ text, wants string }{
		{head + `%5 = loop max 2 (%3 f32 = %0) { while %1 next %3 }
			%6 = loop max 2 (%4 f32 = %0) { while %1 next %4 } }`, "does not end inside of the one around it"},
		{head + `%4 = loop max 2 (%3 f32 = %0) { %5 = neg f32 %3 while %1 next %3 } }`, "%5 lies outside of its loop"},
		{head + `%4 = loop max 2 (%3 f32 = %0) { while %1 next %3 } store out %2 %3 }`, "a value of a loop"},
		{head + `%6 = loop max 2 (%3 f32 = %0) { %5 = loop max 2 (%4 f32 = %0) { while %1 next %4 } while %1 next %3 }
			store out %2 %0 }`, ""}, // a loop may lie deeper than it must
		{head + `%7 = loop max 2 (%3 f32 = %0) { %4 = neg f32 %3 %8 = loop max 2 (%5 f32 = %4) { %6 = neg f32 %5 while %1 next %6 }
			while %1 next %3 } }`, "does not end inside"},
	} {
		_, err := Parse("text", []byte(r.text))
		if r.wants == "" && err != nil || r.wants != "" && (err == nil || !strings.Contains(err.Error(), r.wants)) {
			t.Errorf("%s\n%v, want %q", r.text, err, r.wants)
		}
	}
}

func TestVerifyLimitsItsErrors(t *testing.T) {
	m := &Module{Name: "many"}
	for range 100 {
		m.AddBuffer("b", Invalid, Input)
	}
	if n := strings.Count(Verify(m).Error(), "\n") + 1; n != maxErrors {
		t.Errorf("%d errors, want %d", n, maxErrors)
	}
}
