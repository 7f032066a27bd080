package jit

import (
	"errors"
	"fmt"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// ErrUnsupported marks a program that there are no instructions for.
var ErrUnsupported = errors.New("no instructions for that")

// emitter writes the code of one section of a program: what all lanes share, or the lanes.
type emitter struct {
	registers
	*order
	target  *target
	code    *amd64.Code
	width   amd64.Width
	units   int // vectors of lanes that run interleaved
	low     int // units being emitted: [low, high)
	high    int
	at      int32 // position of the item being emitted
	base    []entity
	valueOf []ir.Value        // of an entity
	cursors [maxUnits][]int32 // of a value: the use to look at next, by the first unit being emitted
	env     *environment
	reduce  *Accumulation // of what is stored, nil for plain stores

	pointer  amd64.Reg // that holds the address of a buffer, see neighbours
	counters []int32   // frame offsets of the loops' counts of iterations left
	heads    []snapshot
	exits    []snapshot
	labels   []loopLabels
	suspends []suspension
}

// emitterMemory is the memory of an emitter, for the next one.
type emitterMemory struct {
	base    []entity
	cursors [maxUnits][]int32
	valueOf []ir.Value
	places  []place
}

// newEmitter prepares a section that runs units vectors at a time.
func newEmitter(o *order, t *target, code *amd64.Code, env *environment, units int, memory *emitterMemory) *emitter {
	e := &emitter{order: o, target: t, code: code, width: t.width, units: units, env: env}
	n := len(o.same)
	e.base = sized(&memory.base, n)
	e.high = units
	for u := range units {
		e.cursors[u] = sized(&memory.cursors[u], n)
		for v := range o.lives {
			e.cursors[u][v] = o.lives[v].first
		}
	}
	e.valueOf = sized(&memory.valueOf, 2*n*units)[:0]
	for v := range o.same {
		e.base[v] = entity(len(e.valueOf))
		if o.same[v] != ir.Value(v) || o.lives[v].first < 0 && o.lives[v].def < 0 {
			continue
		}
		parts := units * int(o.kinds[v].halves)
		if o.kinds[v].leaf {
			parts = 1
		}
		for range parts {
			e.valueOf = append(e.valueOf, ir.Value(v))
		}
	}
	e.places = sized(&memory.places, len(e.valueOf))
	for i := range e.places {
		e.places[i] = place{reg: -1}
	}
	e.banks[vector], e.banks[mask] = newBank(t.vectors), newBank(t.masks)
	e.frame = frameSlots
	return e
}

// parts is the number of registers of a value.
func (e *emitter) parts(v ir.Value) int { return e.units * int(e.kinds[v].halves) }

// span returns the parts of a value in the units being emitted.
func (e *emitter) span(v ir.Value) (first, end int) {
	h := int(e.kinds[v].halves)
	return e.low * h, e.high * h
}

// unitSpan returns the units being emitted.
func (e *emitter) unitSpan() (first, end int) { return e.low, e.high }

func (e *emitter) classOf(v ir.Value) class { return e.kinds[v].class }

// entity returns part j of a value; a leaf is the same in all.
func (e *emitter) entity(v ir.Value, j int) entity {
	v = e.same[v]
	if e.isLeaf(v) {
		return e.base[v]
	}
	return e.base[v] + entity(j)
}

func (e *emitter) isLeafEntity(x entity) bool { return e.isLeaf(e.valueOf[x]) }

func (e *emitter) emit(in *amd64.Inst) { e.code.Append(in) }

// op emits dst = op(a, b) on whole vectors.
func (e *emitter) op(op amd64.Op, dst, a uint8, b amd64.RM) {
	e.emit(&amd64.Inst{Op: op, Width: e.width, Reg: dst, Src: a, RM: b})
}

// op1 emits dst = op(b).
func (e *emitter) op1(op amd64.Op, dst uint8, b amd64.RM) { e.op(op, dst, 0, b) }

func vec(r uint8) amd64.RM { return amd64.V(amd64.Vec(r)) }

func kreg(r uint8) amd64.RM { return amd64.K(amd64.Mask(r)) }

// reg brings part j of a value into a register.
func (e *emitter) reg(v ir.Value, j int) uint8 { return e.load(e.entity(v, j)) }

// held tells whether part j of a value is in a register.
func (e *emitter) held(v ir.Value, j int) bool { return e.places[e.entity(v, j)].reg >= 0 }

// rm returns part j of a value as the operand of an instruction: a register, or memory. A spilled value that is read
// again soon comes back if there is room.
func (e *emitter) rm(v ir.Value, j int) amd64.RM { return e.operand(e.same[v], e.entity(v, j)) }

// operand is rm of an entity of v.
func (e *emitter) operand(v ir.Value, x entity) amd64.RM {
	p, k := &e.places[x], &e.kinds[v]
	switch {
	case p.reg >= 0:
		e.banks[k.class].next[p.reg] = e.nextUse(v)
		return vec(e.pin(k.class, p.reg))
	case k.leaf:
		return e.leafOperand(v)
	case k.neighbours && (e.banks[k.class].free == 0 || e.ended(v)):
		return e.neighbours(x)
	case e.banks[k.class].free != 0 && !e.ended(v):
		return vec(e.load(x))
	case k.neighbours:
		return e.neighbours(x)
	}
	return amd64.Mem(frameReg, p.slot)
}

// drop frees the register of part j of an operand that is not read again, so that the result can have it. Leaves wait
// for the end of the node, since the other units read them too, and so do slots, which the instruction may yet read.
func (e *emitter) drop(v ir.Value, j int) {
	e.dropEntity(e.same[v], e.entity(v, j))
}

// dropEntity is drop of an entity of v.
func (e *emitter) dropEntity(v ir.Value, x entity) {
	if k := &e.kinds[v]; e.lives[v].final <= e.at && !k.leaf {
		e.release(k.class, x)
	}
}

// dies tells whether the item is the last to read a value that is not a leaf.
func (e *emitter) dies(v ir.Value) bool {
	v = e.same[v]
	return !e.isLeaf(v) && e.ended(v)
}

// become gives part j of v the register of part j of x, which dies here.
func (e *emitter) become(v, x ir.Value, j int) uint8 {
	c := e.classOf(v)
	from := &e.places[e.entity(x, j)]
	r := uint8(from.reg)
	from.reg = -1
	e.assign(c, r, e.entity(v, j))
	return e.pin(c, int8(r))
}

// dst returns a register for part j of the value being computed.
func (e *emitter) dst(v ir.Value, j int) uint8 { return e.take(e.classOf(v), e.entity(v, j)) }

// temp returns a scratch vector; unpin does not free it, giveBack does.
func (e *emitter) temp() uint8 { return e.take(vector, nobody) }

// run emits all items. In a loop, straight code is emitted for one unit after the other: each then has the divider to
// itself while the other one waits for sums. Outside of loops units alternate from node to node, since the processor
// looks ahead some hundred instructions for work that can start, and finds more chains in them.
func (e *emitter) run() error {
	loop := len(e.p.Loops)
	for at := 0; at < len(e.items); {
		end := at
		for end < len(e.items) && e.items[end].isStraight() {
			end++
		}
		if err := e.segment(at, end, loop); err != nil {
			return err
		}
		if at = end; at < len(e.items) {
			it := &e.items[at]
			e.at = int32(at)
			if loop = int(it.index); it.kind == itemRepeat {
				loop = int(e.loops[it.index].parent)
			}
			e.control(it)
			at++
		}
	}
	e.at = int32(len(e.items))
	return nil
}

// segment emits straight code of a loop; the last one is that over groups.
func (e *emitter) segment(at, end, loop int) error {
	if loop == len(e.p.Loops) || e.units == 1 {
		return e.straight(at, end)
	}
	defer func() { e.low, e.high = 0, e.units }()
	for u := range e.units {
		e.low, e.high = u, u+1
		if err := e.straight(at, end); err != nil {
			return err
		}
	}
	return nil
}

func (it *item) isStraight() bool { return it.kind == itemNode || it.kind == itemEffect }

func (e *emitter) straight(at, end int) (err error) {
	for ; at < end && err == nil; at++ {
		e.at = int32(at)
		if it := &e.items[at]; it.kind == itemNode {
			err = e.node(it.value)
		} else {
			e.effect(int(it.index))
		}
	}
	return err
}

func (e *emitter) control(it *item) {
	switch it.kind {
	case itemEnter:
		e.enter(it.index)
	case itemBranch:
		e.branch(it.index)
	case itemRepeat:
		e.repeat(it.index)
	}
}

// node emits one node by the table of rules and frees what is not read again.
func (e *emitter) node(v ir.Value) error {
	n := e.p.Node(v)
	if e.kinds[v].neighbours {
		return nil // loaded where it is used
	}
	e.code.Tag = int32(v)
	t := n.Type
	if n.Args[0] != ir.None && n.Op != ir.OpSelect && n.Op != ir.OpGather {
		t = e.typeOf(n.Args[0])
	}
	r := e.target.rule(n.Op, t)
	if n.Op == ir.OpSelect && e.kinds[v].choice != choosesByMask {
		r = choose
	}
	if r == nil {
		return fmt.Errorf("jit: %%%d: %v of %v: %w", v, n.Op, t, ErrUnsupported)
	}
	if err := r(e, v, n); err != nil {
		return fmt.Errorf("jit: %%%d: %w", v, err)
	}
	e.unpin()
	e.keep(v)
	operands := e.operands(v)
	e.sweep(operands[:])
	if e.ended(v) {
		e.killAll(v)
	}
	return nil
}

// sweep frees operands that are not read again.
func (e *emitter) sweep(vs []ir.Value) {
	for _, v := range vs {
		if v == ir.None {
			continue
		}
		if v = e.same[v]; e.lives[v].final <= e.at && e.lives[v].first >= 0 { // the index of neighbours is never read
			if p := &e.places[e.base[v]]; e.units > 1 || p.reg >= 0 || p.slot != 0 || e.kinds[v].halves > 1 {
				e.killAll(v)
			}
		}
	}
}

// killAll frees what a value has in the units being emitted; a leaf, with the last of them.
func (e *emitter) killAll(v ir.Value) {
	if e.isLeaf(v) {
		if e.high == e.units {
			e.kill(e.base[v])
		}
		return
	}
	for j, end := e.span(v); j < end; j++ {
		e.kill(e.base[v] + entity(j))
	}
}
