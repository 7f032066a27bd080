package ir

import "math/bits"

// nodeTable finds the nodes of a program by their contents: open addressing with linear probing over a power of two of
// slots, at most half of them taken. A slot holds the node's index plus 1 in its lower half and the node's hash in
// its upper half, 0 if it is free: nearly every slot that is not the wanted one is told by its hash, without a
// look at the node, and the table grows without looking at any. It holds no pointers, so the collector never
// scans it.
type nodeTable struct {
	slots []uint64
	taken int
}

// minSlots is the size of the smallest table.
const minSlots = 64

// newNodeTable returns a table that holds n nodes without growing.
func newNodeTable(n int) nodeTable {
	return nodeTable{slots: make([]uint64, max(minSlots, 1<<bits.Len(uint(2*n))))}
}

// hashNode mixes the contents by two multiplications to 128 bits, each folded to 64 (as wyhash does).
func hashNode(op Op, t Type, args *[3]Value, imm uint64) uint32 {
	x := uint64(uint32(args[0])) | uint64(uint32(args[1]))<<32
	y := uint64(uint32(args[2])) | uint64(op)<<32 | uint64(t)<<40
	hi, lo := bits.Mul64(x^0xa0761d6478bd642f, y^0xe7037ed1a0b428db)
	hi, lo = bits.Mul64(hi^lo^imm, 0x8ebc6af09c88c6e3)
	return uint32(hi ^ lo)
}

// find returns the node with the given contents, or the free slot where it belongs; place is that slot.
func (t *nodeTable) find(nodes []Node, hash uint32, op Op, typ Type, args *[3]Value, imm uint64) (v Value, place int) {
	mask := uint32(len(t.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		slot := t.slots[i]
		if slot == 0 {
			return None, int(i)
		}
		if uint32(slot>>32) != hash {
			continue
		}
		v := Value(uint32(slot) - 1)
		if n := &nodes[v]; n.Imm == imm && n.Args == *args && n.Op == op && n.Type == typ {
			return v, int(i)
		}
	}
}

// put fills a free slot that find returned.
func (t *nodeTable) put(place int, hash uint32, v Value) {
	t.slots[place] = uint64(hash)<<32 | uint64(uint32(v)+1)
	if t.taken++; 2*t.taken > len(t.slots) {
		t.grow()
	}
}

func (t *nodeTable) grow() {
	old := t.slots
	t.slots = make([]uint64, 2*len(old))
	mask := uint32(len(t.slots) - 1)
	for _, slot := range old {
		if slot == 0 {
			continue
		}
		i := uint32(slot>>32) & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = slot
	}
}
