package ir

import "testing"

// TestNodeTable finds nodes of few different hashes, so that most share one, through the table's growth.
func TestNodeTable(t *testing.T) {
	const n = 500
	table := newNodeTable(0)
	var nodes []Node
	for round := range 2 {
		for i := range n {
			node := Node{Op: OpConst, Type: F32, Args: noArgs, Imm: uint64(i)}
			hash := uint32(i % 7)
			v, place := table.find(nodes, hash, node.Op, node.Type, &node.Args, node.Imm)
			switch {
			case round == 1 && v != Value(i):
				t.Fatalf("node %d is found as %d", i, v)
			case round == 0 && v != None:
				t.Fatalf("node %d is found as %d before it is there", i, v)
			case round == 0:
				table.put(place, hash, Value(i))
				nodes = append(nodes, node)
			}
		}
	}
	if table.taken != n || 2*n > len(table.slots) {
		t.Errorf("%d of %d slots are taken", table.taken, len(table.slots))
	}
}

// TestHashNode changes one field at a time: a field that does not count would make chains of equal hashes.
func TestHashNode(t *testing.T) {
	seen := map[uint32]bool{}
	count := 0
	take := func(n Node) {
		seen[hashNode(n.Op, n.Type, &n.Args, n.Imm)] = true
		count++
	}
	for i := range 200 {
		take(Node{Op: OpConst, Type: F32, Args: noArgs, Imm: uint64(i)})
		take(Node{Op: OpConst, Type: F32, Args: noArgs, Imm: uint64(i) << 40})
		for k := range 3 {
			n := Node{Op: OpFMA, Type: F32, Args: [3]Value{1000, 2000, 3000}}
			n.Args[k] += Value(i + 1)
			take(n)
		}
	}
	for op := range numOps {
		take(Node{Op: op, Type: F64, Args: [3]Value{1, 2, None}})
	}
	for typ := Bool; typ <= F64; typ++ {
		take(Node{Op: OpAdd, Type: typ, Args: [3]Value{1, 2, None}})
	}
	if len(seen) < count-3 { // F64's shift by 0, its add, and luck
		t.Errorf("%d nodes have %d hashes", count, len(seen))
	}
}
