package heaps

import (
	"unsafe"

	"github.com/baremetaldevx86/microdr/mem"
)

// Ours is the name of our allocator among the peers.
const Ours = "ours"

// A block is a mem.Span in all but the name; the array has no length where it is not.
var _ [0]struct{} = [unsafe.Sizeof(block{}) - unsafe.Sizeof(mem.Span{})]struct{}{}

// ours is the heap of package mem.
type ours struct{ heap *mem.Heap }

func openOurs() heap { return &ours{mem.NewHeap(mem.OS{})} }

func (o *ours) workers(n int) []allocator { return same(o, n) }
func (o *ours) settle()                   {}

func (o *ours) alloc(size int) block {
	s, err := o.heap.Alloc(size)
	if err != nil {
		panic(err)
	}
	return block{s.Base(), s.Size()}
}

func (o *ours) free(b block) { o.heap.Free(*(*mem.Span)(unsafe.Pointer(&b))) }
