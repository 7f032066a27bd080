package jit

import (
	"math"

	"github.com/baremetaldevx86/microdr/ir"
)

// itemKind says what a step of a program is.
type itemKind uint8

const (
	itemNode   itemKind = iota
	itemEnter           // a loop's states take their initial values
	itemBranch          // lanes whose condition is false leave; if none is left, so does control
	itemRepeat          // the states take their next values, and the loop runs again
	itemEffect          // a write to a buffer
)

// item is a step of a program, in the order in which they run. Its index in the list is a position.
type item struct {
	kind  itemKind
	value ir.Value // itemNode
	index int32    // of the loop or the effect
}

// never is a position beyond all.
const never = math.MaxInt32

// use is an element of a value's list of uses, in order.
type use struct{ at, next int32 }

// capture is a value that a loop reads but does not compute.
type capture struct {
	value ir.Value
	count int // of uses
}

// loopInfo is what the order of a program says about a loop.
type loopInfo struct {
	enter, branch, repeat int32 // positions
	scope                 ir.Scope
	parent                int32 // the loop around it; the last entry of order.loops is the loop over groups of lanes
	mask                  ir.Value
	captured              []capture
	cost                  int // of what is inside, loops inside included, see cost.go
	pressure              int // most vectors alive at once in one unit, those of the surroundings included
}

// kind says in what registers a value lives.
type kind struct {
	class  class
	halves uint8 // vectors that the lanes of one unit take
	leaf   bool  // the same in all lanes, and in memory
	choice choice

	// neighbours: a gather of neighbours inside their buffer. It stays in memory until it is used, and stays there.
	neighbours bool
}

// choice tells of a select that is a minimum or maximum: the instructions give yes if it compares below (above) no, and
// no otherwise, if either is NaN and if both are zeros too. So they are select(yes < no, yes, no) and
// select(no < yes, yes, no).
type choice uint8

const (
	choosesByMask choice = iota
	choosesLess
	choosesGreater
)

// life says when a value is computed and read.
type life struct {
	def         int32 // position, -1 for leaves
	first, last int32 // head and tail of the list of uses, -1 for none
	final       int32 // position of the last use, -1 for none
}

// order is the result of looking at a program once: the items, where values are used, and the loops. Values are
// numbered as nodes are; behind them stand the masks of the loops, and that of the lanes that run at all.
type order struct {
	m           *ir.Module
	p           *ir.Program
	lanes       int      // of the stage
	scaleWeight int      // of ir.OpScale on the target
	plain       bool     // without loops, and too long to keep leaves in registers: nobody asks what the group captures
	root        ir.Scope // lane, or uniform
	class       func(t ir.Type) class
	items       []item
	kinds       []kind     // of the values
	same        []ir.Value // the value whose register holds this one: itself, or what it is another name of
	lives       []life
	uses        []use
	loops       []loopInfo

	captor  []int32 // the loop that last captured the value
	entry   []int32 // and where in its list
	scopes  [][]ir.Value
	results [][]ir.Value // the OpResult nodes of each loop
	nested  []bool       // scratch: marks of split

	effects effects
	memory  *orderMemory
}

// newOrder orders the nodes of scopes lane and deeper. The uniform scope is a program of its own: its nodes are leaves
// here.
func newOrder(m *ir.Module, p *ir.Program, lanes int, t *target, memory *orderMemory) *order {
	n, l := len(p.Nodes), len(p.Loops)
	o := &order{m: m, p: p, lanes: lanes, root: ir.ScopeLane, class: t.class, scaleWeight: t.scaleWeight, loops: make([]loopInfo, l+1)}
	o.allocate(n+l+1, memory)
	defer o.giveBack(memory)
	for i := range o.loops {
		o.loops[i].mask, o.loops[i].scope = ir.Value(n+i), o.scopeOfLoop(int32(i))
	}
	o.plain = l == 0 && n >= longCode
	o.scopes = make([][]ir.Value, len(p.Parents))
	o.results = make([][]ir.Value, l)
	o.schedule()
	o.group(o.live())
	group := int32(l)
	o.loops[group].parent = -1
	o.ready(ir.None)
	o.scope(ir.ScopeLane, group, o.scopes[ir.ScopeLane])
	o.loops[group].repeat = int32(len(o.items))
	o.finish(group)
	return o
}

// newUniformOrder orders the nodes of the uniform scope that the environment holds, and what they need. Constants and
// uniforms are its leaves.
func newUniformOrder(m *ir.Module, p *ir.Program, wanted []int32, t *target, memory *orderMemory) *order {
	n := len(p.Nodes)
	o := &order{m: m, p: p, root: ir.ScopeUniform, class: t.class, scaleWeight: t.scaleWeight, loops: make([]loopInfo, 1)}
	o.allocate(n+1, memory)
	defer o.giveBack(memory)
	o.loops[0] = loopInfo{mask: ir.Value(n), parent: -1, scope: o.root}
	o.plain = true
	o.scopes = make([][]ir.Value, 1)
	live := sized(&o.memory.live, n)
	clear(live)
	for i := n - 1; i >= 0; i-- {
		x := &p.Nodes[i]
		if live[i] = x.Scope == ir.ScopeUniform && (live[i] || wanted[i] >= 0); !live[i] {
			continue
		}
		for _, a := range o.operands(ir.Value(i)) {
			if a != ir.None {
				live[a] = true
			}
		}
		live[i] = x.Op != ir.OpConst && x.Op != ir.OpUniform
	}
	o.group(live)
	o.scope(ir.ScopeUniform, 0, o.scopes[ir.ScopeUniform])
	o.loops[0].repeat = int32(len(o.items))
	o.finish(0)
	return o
}

// orderMemory is the memory of an order, for the next one.
type orderMemory struct {
	words []int32
	lives []life
	same  []ir.Value
	all   []ir.Value
	items []item
	uses  []use
	kinds []kind
	live  []bool
	delta [][numClasses]int32
}

// sized returns a list of n elements of any content.
func sized[T any](list *[]T, n int) []T {
	if cap(*list) < n {
		*list = make([]T, n+n/4)
	}
	return (*list)[:n]
}

// fill sets all elements, the first of them one by one.
func fill[T any](words []T, x T) {
	n := min(len(words), 64)
	for i := range n {
		words[i] = x
	}
	for ; n < len(words); n *= 2 {
		copy(words[n:], words[:n])
	}
}

// allocate makes the lists for n values.
func (o *order) allocate(n int, memory *orderMemory) {
	words := sized(&memory.words, 3*n)
	fill(words, -1)
	o.captor, o.entry, o.effects.waiting = words[:n], words[n:2*n], words[2*n:]
	o.lives = sized(&memory.lives, n)
	fill(o.lives, life{-1, -1, -1, -1})
	o.same = sized(&memory.same, n)
	for i := range o.same {
		o.same[i] = ir.Value(i)
	}
	o.items, o.uses = sized(&memory.items, n+8)[:0], sized(&memory.uses, 3*n)[:0]
	o.memory = memory
	o.classify(n)
}

// giveBack keeps lists that have grown.
func (o *order) giveBack(memory *orderMemory) { memory.items, memory.uses = o.items, o.uses }

// classify fills in the kinds.
func (o *order) classify(n int) {
	o.kinds = sized(&o.memory.kinds, n)
	var byType [ir.U8 + 1]kind
	for t := range byType {
		byType[t] = kind{class: o.class(ir.Type(t)), halves: uint8(halves(ir.Type(t)))}
	}
	for i := range o.p.Nodes {
		x, k := &o.p.Nodes[i], &o.kinds[i] // byte by byte: a whole struct, just put together, makes the processor wait
		k.class, k.halves = byType[x.Type].class, byType[x.Type].halves
		k.leaf = x.Scope == ir.ScopeUniform && (o.root == ir.ScopeLane || x.Op == ir.OpConst || x.Op == ir.OpUniform)
		k.choice, k.neighbours = choosesByMask, false
		switch x.Op {
		case ir.OpSelect:
			k.choice = o.choiceOf(x)
		case ir.OpGather:
			k.neighbours = o.skipsIndex(x)
		}
	}
	for i := len(o.p.Nodes); i < n; i++ {
		o.kinds[i] = byType[ir.Bool]
	}
}

func (o *order) choiceOf(n *ir.Node) choice {
	cond := o.p.Node(o.name(n.Args[0]))
	if cond.Op != ir.OpLt || n.Type == ir.Bool {
		return choosesByMask
	}
	yes, no := o.name(n.Args[1]), o.name(n.Args[2])
	switch a, b := o.name(cond.Args[0]), o.name(cond.Args[1]); {
	case a == yes && b == no && o.p.Node(a).Type == n.Type:
		return choosesLess
	case a == no && b == yes && o.p.Node(a).Type == n.Type:
		return choosesGreater
	}
	return choosesByMask
}

// operands are the arguments that the instructions of a node read.
func (o *order) operands(v ir.Value) [3]ir.Value {
	n := &o.p.Nodes[v]
	switch {
	case n.Op == ir.OpSelect && o.kinds[v].choice != choosesByMask:
		return [3]ir.Value{n.Args[1], n.Args[2], ir.None}
	case o.kinds[v].neighbours:
		return [3]ir.Value{ir.None, ir.None, ir.None}
	}
	return n.Args
}

// group lists the live nodes of each scope, and finds the nodes that are other names.
func (o *order) group(live []bool) {
	counts := make([]int, len(o.scopes))
	for i := range o.p.Nodes {
		if live[i] {
			counts[o.p.Nodes[i].Scope]++
		}
	}
	all := sized(&o.memory.all, len(o.p.Nodes))
	for s, n := range counts {
		o.scopes[s], all = all[:0:n], all[n:]
	}
	for i := range o.p.Nodes {
		n := &o.p.Nodes[i]
		if !live[i] {
			continue
		}
		if o.isName(n) {
			o.same[i] = o.same[n.Args[0]]
			continue
		}
		if n.Op == ir.OpResult {
			l := o.p.Nodes[n.Args[0]].Imm
			o.results[l] = append(o.results[l], ir.Value(i))
			continue
		}
		if n.Op != ir.OpState {
			o.scopes[n.Scope] = append(o.scopes[n.Scope], ir.Value(i))
		}
	}
}

// isName tells whether a node has the same bits in a register as its argument. NaN of any payload is the same float,
// so a float made of bits is one.
func (o *order) isName(n *ir.Node) bool {
	switch n.Op {
	case ir.OpDetach:
		return true
	case ir.OpConvert:
		return n.Type.IsInt() && o.p.Nodes[n.Args[0]].Type.IsInt()
	case ir.OpBitcast:
		return o.p.Nodes[n.Args[0]].Type != ir.F32
	}
	return false
}

func (o *order) add(it item, loop int32) int32 {
	o.items = append(o.items, it)
	o.loops[loop].cost++
	return int32(len(o.items) - 1)
}

// scope orders nodes of a scope, with the loops among them.
func (o *order) scope(s ir.Scope, loop int32, nodes []ir.Value) {
	for _, v := range nodes {
		n := &o.p.Nodes[v]
		if n.Op == ir.OpLoop {
			o.loop(int32(n.Imm), loop)
			continue
		}
		at := o.add(item{itemNode, v, 0}, loop)
		o.loops[loop].cost += o.weight(v) - 1
		o.lives[v].def = at
		for _, a := range o.operands(v) {
			if a != ir.None {
				o.use(a, at, loop)
			}
		}
		if n.Op == ir.OpGather && o.isMasked(n) {
			o.use(o.loops[len(o.loops)-1].mask, at, loop)
		}
		o.ready(v)
	}
}

// loop orders a loop: what its condition needs, the branch, and the rest.
func (o *order) loop(index, parent int32) {
	l, info := &o.p.Loops[index], &o.loops[index]
	info.parent = parent
	info.enter = o.add(item{itemEnter, ir.None, index}, index)
	for i, x := range l.Init {
		o.use(x, info.enter, parent)
		o.lives[l.States[i]].def = info.enter
	}
	o.use(o.loops[parent].mask, info.enter, parent)
	o.lives[info.mask].def = info.enter
	head, body := o.split(l)
	o.scope(l.Scope, index, head)
	info.branch = o.add(item{itemBranch, ir.None, index}, index)
	o.use(l.Cond, info.branch, index)
	o.scope(l.Scope, index, body)
	info.repeat = o.add(item{itemRepeat, ir.None, index}, index)
	for i, x := range l.Next {
		o.use(x, info.repeat, index)
		o.use(l.States[i], info.repeat, index)
	}
	o.use(info.mask, info.repeat, index)
	for _, r := range o.results[index] {
		o.lives[r].def = info.repeat
		if i := int(o.p.Nodes[r].Imm); i < len(l.States) {
			o.append(l.States[i], info.repeat+1) // until the result takes its place
		} else { // the number of iterations is counted all along
			o.lives[r].def = info.enter
			o.append(r, info.repeat)
		}
	}
	o.finish(index)
	o.loops[parent].cost += info.cost
	for _, r := range o.results[index] {
		o.ready(r)
	}
}

// finish keeps what a loop captured alive to its end, and lets the loop around it capture that too.
func (o *order) finish(index int32) {
	info := &o.loops[index]
	for _, c := range info.captured {
		o.append(c.value, info.repeat)
		if info.parent >= 0 {
			o.capture(c.value, info.parent, c.count)
		}
	}
}

// split divides the nodes of a loop's scope into those that its condition needs, and the rest.
func (o *order) split(l *ir.Loop) (head, body []ir.Value) {
	nodes := o.scopes[l.Scope]
	if len(nodes) == 0 {
		return nil, nil
	}
	if o.nested == nil {
		o.nested = make([]bool, len(o.p.Nodes))
	}
	needed := o.nested
	mark := func(v ir.Value) {
		v = o.same[v]
		if n := &o.p.Nodes[v]; n.Op == ir.OpResult {
			v = n.Args[0]
		}
		if o.p.Nodes[v].Scope == l.Scope {
			needed[v] = true
		}
	}
	mark(l.Cond)
	count := 0
	for i := len(nodes) - 1; i >= 0; i-- {
		if needed[nodes[i]] {
			count++
			o.needs(nodes[i], mark)
			o.inside(nodes[i], mark)
		}
	}
	list := make([]ir.Value, len(nodes))
	head, body = list[:0:count], list[count:count]
	for _, v := range nodes {
		if needed[v] {
			head = append(head, v)
		} else {
			body = append(body, v)
		}
	}
	return head, body
}

// inside marks what the body of a nested loop needs of its surroundings.
func (o *order) inside(v ir.Value, mark func(ir.Value)) {
	if o.p.Nodes[v].Op != ir.OpLoop {
		return
	}
	for _, w := range o.scopes[o.p.Loop(v).Scope] {
		o.needs(w, mark)
		o.inside(w, mark)
	}
}

// needs calls f for what a node reads, and a loop's body.
func (o *order) needs(v ir.Value, f func(ir.Value)) {
	if o.p.Nodes[v].Op == ir.OpLoop {
		o.p.Operands(v, f)
		return
	}
	for _, a := range o.operands(v) {
		if a != ir.None {
			f(a)
		}
	}
}

// use notes that v is read at a position inside a loop.
func (o *order) use(v ir.Value, at, loop int32) {
	v = o.same[v]
	o.append(v, at)
	if !o.plain && (o.kinds[v].leaf || o.loops[loop].scope != o.scopeOf(v)) {
		o.capture(v, loop, 1)
	}
}

func (o *order) append(v ir.Value, at int32) {
	l := &o.lives[v]
	if l.final == at {
		return
	}
	l.final = at
	o.uses = append(o.uses, use{at, -1})
	i := int32(len(o.uses) - 1)
	if l.last >= 0 {
		o.uses[l.last].next = i
	} else {
		l.first = i
	}
	l.last = i
}

func (o *order) capture(v ir.Value, loop int32, count int) {
	info := &o.loops[loop]
	if o.scopeOf(v) == info.scope && !o.isLeaf(v) {
		return
	}
	if o.captor[v] == loop {
		info.captured[o.entry[v]].count += count
		return
	}
	o.captor[v], o.entry[v] = loop, int32(len(info.captured))
	info.captured = append(info.captured, capture{v, count})
}

// scopeOf returns the scope of a value; a loop's mask lies in the loop.
func (o *order) scopeOf(v ir.Value) ir.Scope {
	if int(v) < len(o.p.Nodes) {
		return o.p.Nodes[v].Scope
	}
	return o.scopeOfLoop(int32(v) - int32(len(o.p.Nodes)))
}

func (o *order) scopeOfLoop(loop int32) ir.Scope {
	if int(loop) < len(o.p.Loops) && o.root == ir.ScopeLane {
		return o.p.Loops[loop].Scope
	}
	return o.root
}

// isLeaf tells whether a value is the same in all lanes and lies in memory.
func (o *order) isLeaf(v ir.Value) bool { return o.kinds[v].leaf }

// typeOf returns a value's type; masks are truth values.
func (o *order) typeOf(v ir.Value) ir.Type {
	if int(v) < len(o.p.Nodes) {
		return o.p.Nodes[v].Type
	}
	return ir.Bool
}

// measure finds how many vectors and masks are alive at most, for every loop and as a whole.
func (o *order) measure() (vectors, masks int) {
	delta := sized(&o.memory.delta, len(o.items)+3)
	clear(delta)
	for v := range o.lives {
		if o.lives[v].def < 0 || o.same[v] != ir.Value(v) || o.lives[v].last < 0 {
			continue
		}
		k := o.kinds[v]
		delta[o.lives[v].def][k.class] += int32(k.halves)
		delta[o.uses[o.lives[v].last].at][k.class] -= int32(k.halves)
	}
	live := delta
	var now [numClasses]int32
	for at := range live[:len(o.items)+1] {
		for c := range now {
			now[c] += delta[at][c]
		}
		live[at] = now
		vectors, masks = max(vectors, int(now[vector])), max(masks, int(now[mask]))
	}
	for i := range o.loops {
		l := &o.loops[i]
		for at := l.enter; at < l.repeat; at++ {
			l.pressure = max(l.pressure, int(live[at][vector]))
		}
	}
	return vectors, masks
}

// halves is the number of vectors that the lanes of one unit take.
func halves(t ir.Type) int {
	if t == ir.F64 {
		return 2
	}
	return 1
}
