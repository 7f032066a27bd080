package ir

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// Fingerprint returns a number that two verified lane programs share if, and for all that anybody can find only if,
// they execute the same: the same nodes, loops, calls and effects, over uniforms of the same types and numbers and
// buffers of the same element types and numbers. Names, positions, shapes and lifetimes do not count, nor does
// anything of the module that the program does not refer to. It can serve as the key of a cache of compiled code.
//
// It is SHA-256 of the nodes' bytes. A faster hash of 64 or 128 bits would have to be followed by a comparison of whole
// programs, which the cache would have to keep; with this one equal keys are proof enough. Processors that have
// instructions for it take 25 ns a node, a fraction of what compiling it does (go test -bench Fingerprint ./render).
func Fingerprint(m *Module, p *Program) [sha256.Size]byte {
	f := fingerprinter{m: m, sum: sha256.New(), buffers: make([]bool, len(m.Buffers))}
	f.nodes(p)
	f.lists(p)
	for i, used := range f.buffers {
		if used {
			f.word(uint64(i)<<8 | uint64(m.Buffers[i].Type))
		}
	}
	f.flush()
	var out [sha256.Size]byte
	f.sum.Sum(out[:0])
	return out
}

// fingerprinter feeds bytes to the hash. Every list is led by its length, so that no two programs have the same bytes.
type fingerprinter struct {
	m       *Module
	sum     hash.Hash
	chunk   [4096]byte
	size    int    // of what is in the chunk
	buffers []bool // those that the program refers to
}

// nodeBytes is what a node takes.
const nodeBytes = 28

func (f *fingerprinter) nodes(p *Program) {
	f.word(uint64(len(p.Nodes)))
	for i := range p.Nodes {
		n := &p.Nodes[i]
		if n.Op == OpGather {
			f.buffers[n.Imm] = true
		}
		if f.size > len(f.chunk)-nodeBytes {
			f.flush()
		}
		to := f.chunk[f.size : f.size+nodeBytes]
		binary.LittleEndian.PutUint64(to, uint64(n.Op)|uint64(n.Type)<<8|uint64(uint32(n.Scope))<<32)
		binary.LittleEndian.PutUint64(to[8:], n.Imm)
		for k, a := range &n.Args {
			binary.LittleEndian.PutUint32(to[16+4*k:], uint32(a))
		}
		f.size += nodeBytes
	}
}

// lists feeds all but the nodes. Functions count by what they do.
func (f *fingerprinter) lists(p *Program) {
	f.word(uint64(len(p.Loops)))
	for i := range p.Loops {
		l := &p.Loops[i]
		f.word(uint64(uint32(l.Scope)) | uint64(uint32(l.Cond))<<32)
		f.word(uint64(l.Max))
		f.values(l.States)
		f.values(l.Init)
		f.values(l.Next)
	}
	f.word(uint64(len(p.Calls)))
	for i := range p.Calls {
		body := Fingerprint(f.m, f.m.Funcs[p.Calls[i].Func].Body)
		for k := 0; k < len(body); k += 8 {
			f.word(binary.LittleEndian.Uint64(body[k:]))
		}
		f.values(p.Calls[i].Args)
	}
	for _, s := range p.Parents {
		f.word(uint64(s))
	}
	f.word(uint64(len(p.Effects)))
	for _, e := range p.Effects {
		f.buffers[e.Buffer] = true
		f.word(uint64(e.Kind) | uint64(e.Buffer)<<8)
		f.word(uint64(uint32(e.Index)) | uint64(uint32(e.Value))<<32)
	}
	f.values(p.Params)
	f.values(p.Results)
}

func (f *fingerprinter) values(vs []Value) {
	f.word(uint64(len(vs)))
	for _, v := range vs {
		f.word(uint64(v))
	}
}

func (f *fingerprinter) word(x uint64) {
	if f.size > len(f.chunk)-8 {
		f.flush()
	}
	binary.LittleEndian.PutUint64(f.chunk[f.size:], x)
	f.size += 8
}

func (f *fingerprinter) flush() {
	f.sum.Write(f.chunk[:f.size])
	f.size = 0
}
