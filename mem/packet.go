package mem

import "sync/atomic"

// A packet is blocks on their way to the cache that owns their slabs: one atomic push for all of them. Their addresses stand
// beside each other and not in the blocks, which would have to travel between the processors' caches twice, to be linked
// and to be followed. Packets go back to whoever made them.
type packet struct {
	next   *packet
	from   *Cache
	to     *Cache // nil while it is empty
	count  int
	blocks [packetSize]uintptr
}

// packetSize is how many blocks wait for each other.
const packetSize = 32

// push enters a packet in a list that others push to, too.
func (p *packet) push(list *atomic.Pointer[packet]) {
	for {
		p.next = list.Load()
		if list.CompareAndSwap(p.next, p) {
			return
		}
	}
}

// send puts a block in a packet to its owner, and sends that when it is full.
func (c *Cache) send(owner *Cache, block uintptr) {
	place := &c.outbox[owner.id%uint32(len(c.outbox))]
	p := *place
	if p == nil || p.to != owner {
		if p != nil {
			c.ship(p)
		}
		p = c.emptyPacket()
		p.to, *place = owner, p
	}
	p.blocks[p.count] = block
	if p.count++; p.count == packetSize {
		c.ship(p)
		*place = nil
	}
}

// ship pushes a packet onto its owner's list. If that is closed by now, the decay takes care of what is in it.
func (c *Cache) ship(p *packet) {
	p.push(&p.to.remote)
	if !c.locked {
		c.heap.stir()
	}
}

// sendAll sends the packets that are not full, too.
func (c *Cache) sendAll() {
	for i, p := range &c.outbox {
		if p != nil {
			c.ship(p)
			c.outbox[i] = nil
		}
	}
}

func (c *Cache) emptyPacket() *packet {
	if c.empty == nil {
		c.empty = c.returned.Swap(nil)
	}
	if p := c.empty; p != nil {
		c.empty = p.next
		return p
	}
	return &packet{from: c}
}

// drain takes in what others have sent. Blocks of a slab that has changed hands since go on to its owner.
func (c *Cache) drain() {
	if c.remote.Load() == nil {
		return
	}
	for p := c.remote.Swap(nil); p != nil; {
		next := p.next
		for _, address := range p.blocks[:p.count] {
			c.takeIn(address)
		}
		p.to, p.count = nil, 0
		p.push(&p.from.returned)
		p = next
	}
}

func (c *Cache) takeIn(address uintptr) {
	r := c.heap.regionOf(address)
	offset := address - r.low
	frame := uint32(offset >> frameBits)
	s := r.slab(frame)
	if owner := atomic.LoadUint32(&s.owner); owner != c.id {
		c.send(c.heap.cache(owner), address)
		return
	}
	i, _ := s.indexOf(offset & (frameBytes - 1))
	if !s.put(i) {
		wrongFree(s, i, offset&(frameBytes-1), r.span(int(offset), int(s.block)))
	}
	c.fronts[s.class].drained.add(1)
	if free := s.free.get(); free == 1 || free == s.count {
		c.noteRoom(s, r.number<<numberBits|frame)
	}
}
