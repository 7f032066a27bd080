package kernel

import "github.com/baremetaldevx86/microdr/ir"

// writtenWhole tells of every buffer whether the first stage that touches it writes all of its elements: nobody sees
// what was there before, so a temporary of this kind need not be cleared. A map stage is seen to do that if it stores
// to rows of one element a lane. All others write all that they write to, but for compaction.
func writtenWhole(m *ir.Module) []bool {
	whole := make([]bool, len(m.Buffers))
	touched := make([]bool, len(m.Buffers))
	write := func(b int, all bool) {
		whole[b] = whole[b] || all && !touched[b]
	}
	for i := range m.Stages {
		s := &m.Stages[i]
		if s.Kind != ir.StageMap {
			for _, b := range s.Out {
				write(b, s.Kind != ir.StageCompact)
				touched[b] = true
			}
			reads, _ := s.Reads()
			for _, b := range reads {
				touched[b] = true
			}
			continue
		}
		for b, rows := range storedRows(s) {
			write(b, coversAll(rows, s.Lanes(), m.Buffers[b].Len()))
		}
		touch(s.Prog, touched)
	}
	return whole
}

// coversAll tells whether the rows make up a buffer. Rows that lie outside do not count.
func coversAll(rows map[int]bool, lanes, length int) bool {
	inside := 0
	for row := range rows {
		if (row+1)*lanes <= length {
			inside++
		}
	}
	return inside*lanes == length
}

// storedRows returns for every buffer which of its rows, of one element a lane, a map stage stores.
func storedRows(s *ir.Stage) map[int]map[int]bool {
	rows := map[int]map[int]bool{}
	for _, e := range s.Prog.Effects {
		offset, ok := offsetFromLane(s.Prog, e.Index)
		if lanes := s.Lanes(); e.Kind != ir.Store || !ok || lanes == 0 || offset < 0 || offset%lanes != 0 {
			continue
		}
		if rows[e.Buffer] == nil {
			rows[e.Buffer] = map[int]bool{}
		}
		rows[e.Buffer][offset/s.Lanes()] = true
	}
	return rows
}

// offsetFromLane recognises an index that is the lane, or the lane and a constant.
func offsetFromLane(p *ir.Program, index ir.Value) (offset int, ok bool) {
	n := &p.Nodes[index]
	if n.Op == ir.OpLane {
		return 0, true
	}
	if n.Op != ir.OpAdd {
		return 0, false
	}
	a, b := &p.Nodes[n.Args[0]], &p.Nodes[n.Args[1]]
	if a.Op == ir.OpConst {
		a, b = b, a
	}
	return int(int32(b.Imm)), a.Op == ir.OpLane && b.Op == ir.OpConst
}

// touch marks the buffers that a program reads or writes.
func touch(p *ir.Program, touched []bool) {
	for _, e := range p.Effects {
		touched[e.Buffer] = true
	}
	for i := range p.Nodes {
		if n := &p.Nodes[i]; n.Op == ir.OpGather {
			touched[n.Imm] = true
		}
	}
}
