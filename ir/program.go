package ir

// Value names a node of a program by its index. Arguments come before their users, so increasing index is
// an order of execution.
type Value int32

// None is no value.
const None Value = -1

// Node is one operation. It holds no pointers, so the collector never scans a program.
type Node struct {
	Op    Op
	Type  Type
	Scope Scope
	Pos   int32    // an opaque source position, 0 for none; does not take part in sharing
	Args  [3]Value // None where unused
	Imm   uint64   // see the ops
}

// Scope says how often a node is computed: once for all lanes, once a lane, or once an iteration of a loop. A
// node's scope is the deepest scope of its arguments, so what does not vary in a loop lies outside it.
type Scope int32

// The two outermost scopes; further ones belong to loops.
const (
	ScopeUniform Scope = 0 // same in all lanes: computed once a launch
	ScopeLane    Scope = 1
)

// Loop is a while loop with several carried values. Each lane runs on its own: as long as Cond, computed from
// the states, is true and fewer than Max iterations are done, the states become Next. The results, read by
// OpResult on the OpLoop node, are the states at the end; one more result (index len(Init)), of type I32, is
// the number of iterations done. A lane that stopped keeps its states.
type Loop struct {
	Scope  Scope   // the scope of the body's nodes
	States []Value // the OpState nodes
	Init   []Value // outside the body
	Cond   Value   // Bool; may be of any scope
	Next   []Value
	Max    int // at least 1
}

// Call applies a function of the module to Args.
type Call struct {
	Func int
	Args []Value
}

// EffectKind says what an effect does with its value.
type EffectKind uint8

// The effects. Both need an index of type I32 or U32; an index out of range drops the value.
const (
	// Store writes Value to the element. Two lanes storing to one element is an error of the program.
	Store EffectKind = iota
	// ScatterAdd adds Value to the element. Additions to one element happen in the order of the lanes, in
	// the buffer's type.
	ScatterAdd
)

var effectNames = [...]string{"store", "scatter_add"}

func (k EffectKind) String() string { return effectNames[k] }

// Effect writes to a buffer at the end of a lane. Effects happen in no loop.
type Effect struct {
	Kind   EffectKind
	Buffer int
	Index  Value
	Value  Value
}

// Program is a lane program, or the body of a function: then Params and Results are set and it has no effects. The
// program of a reduction has no effects either, and one result.
type Program struct {
	Nodes   []Node
	Loops   []Loop
	Calls   []Call
	Parents []Scope // the parent of each scope; Parents[0] = -1, Parents[1] = 0
	Effects []Effect

	Params  []Value
	Results []Value

	// recorded says that a Builder would make the same nodes again: equal nodes are one and nothing folds. Passes
	// then copy nodes without looking them up. If it is wrong, what they make is longer than it need be, no more.
	recorded bool
}

// Node returns the node of v.
func (p *Program) Node(v Value) *Node { return &p.Nodes[v] }

// Loop returns the loop of an OpLoop or OpState node.
func (p *Program) Loop(v Value) *Loop {
	n := &p.Nodes[v]
	if n.Op == OpState {
		return &p.Loops[n.Imm>>32]
	}
	return &p.Loops[n.Imm]
}

// Call returns the call of an OpCall node.
func (p *Program) Call(v Value) *Call { return &p.Calls[p.Nodes[v].Imm] }

// Depth returns how deep scope s is nested; ScopeUniform has depth 0.
func (p *Program) Depth(s Scope) int {
	d := 0
	for p.Parents[s] >= 0 {
		s = p.Parents[s]
		d++
	}
	return d
}

// Encloses tells whether a is b or one of the scopes around b.
func (p *Program) Encloses(a, b Scope) bool {
	for b >= 0 {
		if a == b {
			return true
		}
		b = p.Parents[b]
	}
	return false
}

// Operands calls f for every value that node v needs: its arguments, a call's arguments, a loop's initial
// values and body.
func (p *Program) Operands(v Value, f func(Value)) {
	n := &p.Nodes[v]
	for _, a := range n.Args {
		if a != None {
			f(a)
		}
	}
	switch n.Op {
	case OpCall:
		for _, a := range p.Calls[n.Imm].Args {
			f(a)
		}
	case OpLoop:
		l := &p.Loops[n.Imm]
		for _, list := range [][]Value{l.Init, l.States, l.Next, {l.Cond}} {
			for _, a := range list {
				f(a)
			}
		}
	}
}
