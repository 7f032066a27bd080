package jit

import (
	"math/bits"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// class is a kind of register.
type class uint8

const (
	vector class = iota
	mask
	numClasses
)

// entity is a value, or the part of one, that takes a register: a value has one for each unit of lanes, and twice as
// many if it is float64. A leaf has one for all.
type entity int32

const nobody entity = -1

// place is where an entity is. Both may hold at once: then memory has a copy.
type place struct {
	reg  int8  // -1: none
	slot int32 // offset in the frame, 0: none
}

// bank is the registers of a class.
type bank struct {
	owner  [32]entity
	next   [32]int32 // position at which the owner is used next, as of when it was last touched
	all    uint32    // that exist
	free   uint32
	pinned uint32 // that the instruction under way uses
}

func newBank(all uint32) bank {
	b := bank{all: all, free: all}
	for i := range b.owner {
		b.owner[i] = nobody
	}
	return b
}

// registers assigns registers and frame slots to entities, in one pass over the program (linear scan): what is needed
// furthest in the future goes to memory first (Belady), and memory keeps a copy until the value dies.
type registers struct {
	places []place
	banks  [numClasses]bank
	slots  [numClasses][]int32 // free ones
	frame  int32               // bytes of the frame in use
	spills int                 // stores that pressure caused
	loads  int
}

const (
	vectorSlot = 64
	maskSlot   = 8
)

// slot returns a free slot of the frame.
func (r *registers) slot(c class) int32 {
	if n := len(r.slots[c]); n > 0 {
		s := r.slots[c][n-1]
		r.slots[c] = r.slots[c][:n-1]
		return s
	}
	at := r.frame
	r.frame += vectorSlot
	if c == mask { // eight share the room of a vector
		for i := int32(vectorSlot/maskSlot - 1); i > 0; i-- {
			r.slots[c] = append(r.slots[c], at+i*maskSlot)
		}
	}
	return at
}

func (r *registers) freeSlot(c class, p *place) {
	if p.slot != 0 {
		r.slots[c] = append(r.slots[c], p.slot)
		p.slot = 0
	}
}

// take returns a register for an entity (or for scratch, with nobody), moving another one to memory if none is free.
// The register is pinned until the instruction ends.
func (e *emitter) take(c class, x entity) uint8 {
	b := &e.banks[c]
	var r uint8
	if b.free != 0 {
		r = uint8(bits.TrailingZeros32(b.free))
	} else {
		r = e.victim(c)
		e.evict(c, r)
	}
	e.assign(c, r, x)
	b.pinned |= 1 << r
	return r
}

// assign gives a register, which is free, to an entity.
func (e *emitter) assign(c class, r uint8, x entity) {
	b := &e.banks[c]
	b.free &^= 1 << r
	b.owner[r] = x
	if x != nobody {
		e.places[x].reg = int8(r)
		b.next[r] = e.nextUse(e.valueOf[x])
	}
}

// victim chooses the register whose value is needed last; a value that memory has already is given up more easily.
func (e *emitter) victim(c class) uint8 {
	b := &e.banks[c]
	best, score := -1, int64(-1)
	for m := b.all &^ b.free &^ b.pinned; m != 0; m &= m - 1 {
		r := bits.TrailingZeros32(m)
		x := b.owner[r]
		if x == nobody {
			continue
		}
		distance := int64(b.next[r]) - int64(e.at)
		if distance*2+1 <= score {
			continue
		}
		if e.places[x].slot != 0 || e.isClean(x) {
			distance = distance*2 + 1
		}
		if distance > score {
			best, score = r, distance
		}
	}
	if best < 0 {
		panic("jit: an instruction needs more registers than there are")
	}
	return uint8(best)
}

// evict empties a register, storing what it holds unless memory has it.
func (e *emitter) evict(c class, r uint8) {
	b := &e.banks[c]
	x := b.owner[r]
	p := &e.places[x]
	if p.slot == 0 && !e.isClean(x) {
		p.slot = e.slot(c)
		e.spills++
		e.storeSlot(c, p.slot, r)
	}
	p.reg = -1
	b.owner[r] = nobody
	b.free |= 1 << r
}

// release frees the register, if any, of an entity.
func (e *emitter) release(c class, x entity) {
	p := &e.places[x]
	if p.reg >= 0 {
		b := &e.banks[c]
		b.owner[p.reg] = nobody
		b.free |= 1 << p.reg
		b.pinned &^= 1 << p.reg
		p.reg = -1
	}
}

// kill frees all that an entity holds.
func (e *emitter) kill(x entity) {
	c := e.classOf(e.valueOf[x])
	e.release(c, x)
	e.freeSlot(c, &e.places[x])
}

// giveBack frees a scratch register.
func (e *emitter) giveBack(c class, r uint8) {
	b := &e.banks[c]
	b.owner[r] = nobody
	b.free |= 1 << r
	b.pinned &^= 1 << r
}

// unpin ends an instruction.
func (e *emitter) unpin() {
	for c := range e.banks {
		e.banks[c].pinned = 0
	}
}

// pin keeps the register of an operand until the instruction ends.
func (e *emitter) pin(c class, r int8) uint8 {
	e.banks[c].pinned |= 1 << r
	return uint8(r)
}

// load brings an entity into a register.
func (e *emitter) load(x entity) uint8 {
	p := &e.places[x]
	c := e.classOf(e.valueOf[x])
	if p.reg >= 0 {
		e.banks[c].next[p.reg] = e.nextUse(e.valueOf[x])
		return e.pin(c, p.reg)
	}
	r := e.take(c, x)
	e.fetch(x, c, r)
	return r
}

// fetch loads an entity from memory.
func (e *emitter) fetch(x entity, c class, r uint8) {
	switch v := e.valueOf[x]; {
	case v == e.runMask():
		e.target.running(e, r, int(x-e.base[v]))
	case e.isLeaf(v):
		e.loadLeaf(v, c, r)
	case e.kinds[v].neighbours:
		e.op1(amd64.VMOVUPS, r, e.neighbours(x))
	default:
		e.loads++
		e.loadSlot(c, r, e.places[x].slot)
	}
}

// isClean tells whether memory has an entity from the start: leaves, elements of buffers that lie side by side, and the
// mask of the lanes that run.
func (e *emitter) isClean(x entity) bool {
	v := e.valueOf[x]
	return e.isLeaf(v) || e.kinds[v].neighbours || v == e.runMask()
}

// runMask is the mask of the lanes that run at all.
func (e *emitter) runMask() ir.Value { return e.loops[len(e.loops)-1].mask }

func (e *emitter) storeSlot(c class, slot int32, r uint8) {
	if c == mask {
		e.emit(&amd64.Inst{Op: amd64.KMOVWStore, Reg: r, RM: amd64.Mem(frameReg, slot)})
		return
	}
	e.emit(&amd64.Inst{Op: amd64.VMOVAPSStore, Width: e.width, Reg: r, RM: amd64.Mem(frameReg, slot)})
}

func (e *emitter) loadSlot(c class, r uint8, slot int32) {
	if c == mask {
		e.emit(&amd64.Inst{Op: amd64.KMOVW, Reg: r, RM: amd64.Mem(frameReg, slot)})
		return
	}
	e.emit(&amd64.Inst{Op: amd64.VMOVAPS, Width: e.width, Reg: r, RM: amd64.Mem(frameReg, slot)})
}

// nextUse returns the position of the next use of a value after the present item.
func (e *emitter) nextUse(v ir.Value) int32 {
	cursor := e.cursors[e.low]
	c := cursor[v]
	for c >= 0 && e.order.uses[c].at <= e.at {
		c = e.order.uses[c].next
	}
	cursor[v] = c
	if c < 0 {
		return never
	}
	return e.order.uses[c].at
}

// ended tells whether no item after the present one uses a value.
func (e *emitter) ended(v ir.Value) bool { return e.lives[v].final <= e.at }
