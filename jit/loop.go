package jit

import (
	"slices"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// A loop runs as long as a lane of the group does. Its mask holds the lanes that are still in it; a lane's states change
// only under the mask. Control reaches the head of a loop on entry and from its end, and the code behind the loop from
// its branch: at each of these places every value must be where the code there expects it. The emitter takes a
// snapshot of all registers when it first comes by, and moves things back where control joins.

// snapshot is where everything was at a place of the code.
type snapshot struct {
	owner [numClasses][32]entity
	used  [numClasses]uint32
	slots []int32 // of the owners, vectors first, in order of register
}

// loopLabels are the places of a loop.
type loopLabels struct{ head, exit amd64.Label }

func (e *emitter) snapshot() snapshot {
	var s snapshot
	for c := range e.banks {
		b := &e.banks[c]
		s.owner[c] = b.owner
		for r := range b.owner {
			if b.owner[r] != nobody {
				s.used[c] |= 1 << r
				s.slots = append(s.slots, e.places[b.owner[r]].slot)
			}
		}
	}
	return s
}

// each calls f for every register of a snapshot.
func (s *snapshot) each(f func(c class, r uint8, x entity, slot int32)) {
	i := 0
	for c := range s.owner {
		for r := range s.owner[c] {
			if s.used[c]>>r&1 != 0 {
				f(class(c), uint8(r), s.owner[c][r], s.slots[i])
				i++
			}
		}
	}
}

// adopt makes a snapshot the present state without emitting code: where control comes from its place alone.
func (e *emitter) adopt(s *snapshot) {
	for c := range e.banks {
		b := &e.banks[c]
		for r, x := range b.owner {
			if x != nobody {
				e.places[x].reg = -1
				b.owner[r] = nobody
			}
		}
		b.free, b.pinned = b.all, 0
	}
	s.each(func(c class, r uint8, x entity, slot int32) {
		if e.ended(e.valueOf[x]) {
			e.freeSlot(c, &e.places[x])
			return
		}
		e.assign(c, r, x)
		if p := &e.places[x]; p.slot != slot { // memory got a copy on a way that control did not take
			e.freeSlot(c, p)
		}
	})
}

// restore emits the moves that bring everything where a snapshot has it, as far as it is still needed.
func (e *emitter) restore(s *snapshot) {
	for c := range class(numClasses) {
		e.dropStrangers(s, c)
		e.shuffle(s, c)
	}
	s.each(func(c class, r uint8, x entity, _ int32) {
		if e.needed(x) && e.places[x].reg < 0 {
			e.assign(c, r, x)
			e.fetch(x, c, r)
		}
	})
}

func (e *emitter) needed(x entity) bool { return !e.ended(e.valueOf[x]) }

// dropStrangers empties the registers whose owners have no place in the snapshot: memory has them, or they are dead.
func (e *emitter) dropStrangers(s *snapshot, c class) {
	b := &e.banks[c]
	for r, x := range b.owner {
		switch {
		case x == nobody || slices.Contains(s.owner[c][:], x) && e.needed(x):
		case e.needed(x):
			e.evict(c, uint8(r))
		default:
			e.kill(x)
		}
	}
}

// shuffle moves registers to registers, all at once: a move waits for the one that empties its target, and a ring of
// moves is broken by way of memory.
func (e *emitter) shuffle(s *snapshot, c class) {
	b := &e.banks[c]
	for {
		moved, waiting := false, nobody
		for r, x := range s.owner[c] {
			if s.used[c]>>r&1 == 0 || !e.needed(x) {
				continue
			}
			from := e.places[x].reg
			switch {
			case from < 0 || int(from) == r:
			case b.free>>r&1 != 0:
				e.release(c, x)
				e.assign(c, uint8(r), x)
				e.moveRegister(c, uint8(r), uint8(from))
				moved = true
			default:
				waiting = x
			}
		}
		switch {
		case waiting == nobody:
			return
		case !moved:
			e.evict(c, uint8(e.places[waiting].reg))
		}
	}
}

func (e *emitter) moveRegister(c class, to, from uint8) {
	if c == mask {
		e.emit(&amd64.Inst{Op: amd64.KMOVW, Reg: to, RM: kreg(from)})
		return
	}
	e.op1(amd64.VMOVAPS, to, vec(from))
}

// enter starts a loop: states and mask get registers of their own, and values that only the code behind the loop needs
// make room if the loop is short of it.
func (e *emitter) enter(index int32) {
	l, info := &e.p.Loops[index], &e.loops[index]
	e.code.Tag = int32(l.States[0])
	for i, s := range l.States {
		e.start(s, l.Init[i], e.isAmong(l.Init[i+1:], l.Init[i]))
	}
	for _, r := range e.order.results[index] {
		if int(e.p.Nodes[r].Imm) == len(l.States) {
			for j := range e.parts(r) {
				e.fill(e.dst(r, j), e.env.constant(4, 0), 4)
				e.unpin()
			}
		}
	}
	for j := range e.units {
		m := e.take(mask0(e), e.entity(info.mask, j))
		e.moveRegister(mask0(e), m, e.reg(e.loops[info.parent].mask, j))
		e.unpin()
	}
	e.sweep(l.Init)
	e.makeRoom(info)
	e.hoist(info)
	e.counters[index] = 0
	if l.Max > 1 {
		e.counters[index] = e.slot(mask)
		e.code.StoreImm(amd64.Size4, amd64.Mem(frameReg, e.counters[index]), int32(l.Max))
	}
	e.labels[index] = loopLabels{e.code.NewLabel(), e.code.NewLabel()}
	e.heads[index] = e.snapshot()
	e.code.Place(e.labels[index].head)
}

// isAmong tells whether a value is in a list, by any of its names.
func (e *emitter) isAmong(list []ir.Value, v ir.Value) bool {
	return slices.ContainsFunc(list, func(x ir.Value) bool { return e.same[x] == e.same[v] })
}

// mask0 is the class of truth values.
func mask0(e *emitter) class { return e.target.class(ir.Bool) }

// start gives a state its initial value: the register of that value if it dies here, else a copy.
func (e *emitter) start(s, init ir.Value, again bool) {
	c := e.classOf(s)
	for j := range e.parts(s) {
		x := e.entity(init, j)
		if from := &e.places[x]; e.dies(init) && !again && !e.isClean(x) {
			to := &e.places[e.entity(s, j)]
			to.slot, from.slot = from.slot, 0
			if from.reg >= 0 {
				e.become(s, init, j)
				e.freeSlot(c, to) // the copy in memory will not follow the state
			}
			e.unpin()
			continue
		}
		if c == mask {
			e.moveRegister(c, e.dst(s, j), e.reg(init, j))
		} else {
			from := e.rm(init, j)
			e.move(e.dst(s, j), from, e.typeOf(s) == ir.F64)
		}
		e.unpin()
	}
}

// makeRoom sends values that the loop does not read to memory before the loop, where there is more than the registers
// hold: inside they would go and come back in every iteration.
func (e *emitter) makeRoom(info *loopInfo) {
	b := &e.banks[vector]
	excess := info.pressure*e.units + slack - popcount(b.all)
	for excess > 0 {
		r, furthest := -1, info.repeat
		for i, x := range b.owner {
			if x == nobody || e.isClean(x) {
				continue
			}
			if next := e.nextUse(e.valueOf[x]); next > furthest {
				r, furthest = i, next
			}
		}
		if r < 0 {
			return
		}
		e.evict(vector, uint8(r))
		excess--
	}
}

// slack is the number of registers kept for what instructions need besides values.
const slack = 3

// hoist loads leaves that a loop reads before it, as far as registers are left over.
func (e *emitter) hoist(info *loopInfo) {
	b := &e.banks[vector]
	spare := popcount(b.all) - slack - info.pressure*e.units
	for _, x := range b.owner {
		if x != nobody && e.isLeafEntity(x) {
			spare--
		}
	}
	if spare <= 0 {
		return
	}
	leaves := make([]capture, 0, 16)
	for _, c := range info.captured {
		if e.isLeaf(c.value) && e.classOf(c.value) == vector && e.places[e.base[c.value]].reg < 0 && e.wantsRegister(c.value) {
			leaves = append(leaves, c)
		}
	}
	slices.SortStableFunc(leaves, func(a, b capture) int { return b.count - a.count })
	for _, c := range leaves[:min(spare, len(leaves))] {
		if b.free == 0 {
			return
		}
		e.load(e.base[c.value])
		e.unpin()
	}
}

// wantsRegister tells whether a leaf is not folded into instructions altogether: counts of shifts and divisors are.
func (e *emitter) wantsRegister(v ir.Value) bool {
	t := e.typeOf(v)
	return t == ir.F32 || t == ir.F64 || e.p.Node(v).Op != ir.OpConst
}

// branch ends the head of a loop: lanes whose condition is false leave.
func (e *emitter) branch(index int32) {
	l, info := &e.p.Loops[index], &e.loops[index]
	e.code.Tag = int32(l.Cond)
	masks := make([]uint8, e.units)
	for j := range masks {
		cond := e.reg(l.Cond, j)
		masks[j] = e.reg(info.mask, j)
		e.target.remain(e, masks[j], cond)
		e.update(info.mask, j)
	}
	e.target.test(e, masks)
	e.unpin()
	e.sweep([]ir.Value{l.Cond})
	e.exits[index] = e.snapshot()
	e.code.JumpIf(amd64.Equal, e.labels[index].exit)
}

// update stores a value that has just changed in its register where memory has a copy.
func (e *emitter) update(v ir.Value, j int) {
	if p := &e.places[e.entity(v, j)]; p.slot != 0 {
		e.storeSlot(e.classOf(v), p.slot, uint8(p.reg))
	}
}

// repeat ends a loop: the lanes that are in it take their next states.
func (e *emitter) repeat(index int32) {
	l, info := &e.p.Loops[index], &e.loops[index]
	e.at-- // what the next iteration reads is needed still
	e.advance(index)
	e.dropNext(l)
	exit := e.labels[index].exit
	if l.Max == 1 {
		e.at++
		e.restore(&e.exits[index])
	} else {
		e.restore(&e.heads[index])
		e.at++
		e.again(index)
	}
	e.code.Place(exit)
	e.adopt(&e.exits[index])
	for j := range e.units {
		e.kill(e.entity(info.mask, j))
	}
	e.finishLoop(index)
}

// advance gives the states of the lanes in the mask their next values. A state that another one takes over is changed
// after that one; where states go round in a ring, one of them is kept in memory meanwhile.
func (e *emitter) advance(index int32) {
	l := &e.p.Loops[index]
	e.code.Tag = int32(l.States[0])
	done := make([]bool, len(l.States))
	var kept []int32 // slots of the state that was saved
	saved := ir.None
	for left := len(l.States); left > 0; {
		progress := false
		for i, s := range l.States {
			if !done[i] && (s == saved || !e.isRead(l, done, s)) {
				e.advanceState(index, i, saved, kept)
				done[i], progress = true, true
				left--
			}
		}
		if !progress {
			i := slices.Index(done, false)
			saved, kept = l.States[i], e.save(l.States[i])
		}
	}
	e.advanceCount(index)
}

// isRead tells whether a state is the next value of another one that has not changed yet.
func (e *emitter) isRead(l *ir.Loop, done []bool, s ir.Value) bool {
	for i, x := range l.Next {
		if !done[i] && e.same[x] == s && l.States[i] != s {
			return true
		}
	}
	return false
}

// save copies the parts of a value to slots.
func (e *emitter) save(v ir.Value) []int32 {
	slots := make([]int32, e.parts(v))
	for j := range slots {
		slots[j] = e.slot(e.classOf(v))
		e.storeSlot(e.classOf(v), slots[j], e.reg(v, j))
		e.unpin()
	}
	return slots
}

// advanceState changes state i. If its next value is the saved state, that is read from its slots.
func (e *emitter) advanceState(index int32, i int, saved ir.Value, kept []int32) {
	l, info := &e.p.Loops[index], &e.loops[index]
	s, next := l.States[i], e.same[l.Next[i]]
	if next == s {
		return
	}
	t, c := e.typeOf(s), e.classOf(s)
	for j := range e.parts(s) {
		u, h := j/halves(t), j%halves(t)
		m := e.reg(info.mask, u)
		if !e.held(s, j) {
			from := e.nextIn(c, next, j, saved, kept)
			e.target.mergeSlot(e, t, e.places[e.entity(s, j)].slot, m, from, h)
		} else {
			state := e.reg(s, j)
			switch {
			case next == saved || c == mask:
				e.target.merge(e, t, state, m, e.operandOf(c, e.nextIn(c, next, j, saved, kept)), h)
			default:
				e.target.merge(e, t, state, m, e.rm(next, j), h)
			}
			e.update(s, j)
		}
		e.unpinAll()
	}
}

// nextIn returns a register that holds part j of the next value.
func (e *emitter) nextIn(c class, next ir.Value, j int, saved ir.Value, kept []int32) uint8 {
	if next != saved {
		return e.reg(next, j)
	}
	r := e.take(c, nobody)
	e.loadSlot(c, r, kept[j])
	return r
}

func (e *emitter) operandOf(c class, r uint8) amd64.RM {
	if c == mask {
		return kreg(r)
	}
	return vec(r)
}

// advanceCount counts an iteration for the lanes in the mask, if anyone asks.
func (e *emitter) advanceCount(index int32) {
	info := &e.loops[index]
	for _, r := range e.order.results[index] {
		if int(e.p.Nodes[r].Imm) != len(e.p.Loops[index].States) {
			continue
		}
		for j := range e.parts(r) {
			m := e.reg(info.mask, j)
			e.target.count(e, e.reg(r, j), m)
			e.update(r, j)
			e.unpin()
		}
	}
}

// unpinAll ends an instruction that took scratch registers without giving them back.
func (e *emitter) unpinAll() {
	for c := range e.banks {
		b := &e.banks[c]
		for r := range b.owner {
			if b.all&^b.free>>r&1 != 0 && b.owner[r] == nobody {
				b.free |= 1 << r
			}
		}
		b.pinned = 0
	}
}

// dropNext frees the next values that the loop computed: the states have taken them over.
func (e *emitter) dropNext(l *ir.Loop) {
	for _, x := range l.Next {
		x = e.same[x]
		if n := e.p.Node(x); n.Scope == l.Scope && n.Op != ir.OpState && e.lives[x].final == e.at+1 {
			e.killAll(x)
		}
	}
}

// again jumps to the head of a loop, unless its bound is reached: then no lane is in it any more, so that the branch
// leaves it. A call whose budget is spent stops here and goes on at the head.
func (e *emitter) again(index int32) {
	info, labels := &e.loops[index], &e.labels[index]
	counter := amd64.Mem(frameReg, e.counters[index])
	more := e.code.NewLabel()
	e.code.SubImm(amd64.Size4, counter, 1)
	e.code.JumpIf(amd64.NotEqual, more)
	for j := range e.units {
		e.target.none(e, e.reg(info.mask, j)) // it has just been restored to where enter took a register for it
	}
	e.unpin()
	e.code.Place(more)
	e.code.SubImm(amd64.Size8, amd64.R(budgetReg), int32(max(info.cost*e.units, 1)))
	e.code.JumpIf(amd64.GreaterEqual, labels.head)
	s := suspension{e.code.NewLabel(), labels.head, e.heads[index].used}
	e.code.Jump(s.stub)
	e.suspends = append(e.suspends, s)
	e.slots[mask] = append(e.slots[mask], e.counters[index])
}

// finishLoop names the final states: they keep the places that the states have.
func (e *emitter) finishLoop(index int32) {
	l := &e.p.Loops[index]
	taken := make([]bool, len(l.States))
	for _, r := range e.order.results[index] {
		i := int(e.p.Nodes[r].Imm)
		if i == len(l.States) {
			continue
		}
		taken[i] = true
		if e.ended(r) {
			e.killAll(l.States[i])
			continue
		}
		for j := range e.parts(r) {
			e.rename(r, l.States[i], j)
		}
	}
	for i, s := range l.States {
		if !taken[i] {
			e.killAll(s)
		}
	}
}

// rename gives part j of r all that part j of s holds.
func (e *emitter) rename(r, s ir.Value, j int) {
	c := e.classOf(r)
	from, to := &e.places[e.entity(s, j)], &e.places[e.entity(r, j)]
	to.slot, from.slot = from.slot, 0
	if from.reg >= 0 {
		reg := uint8(from.reg)
		from.reg = -1
		e.assign(c, reg, e.entity(r, j))
	}
}
