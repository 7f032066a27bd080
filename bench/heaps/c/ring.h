// Blocks on their way from one thread to one other, as in ring.go: Go's atomics are sequentially consistent, and so are
// these.

#ifndef RING_H
#define RING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define RING_SIZE 4096

struct ring {
	void *blocks[RING_SIZE];

	// Each side has a cache line of its own; knows is what it has seen of the other's count.
	_Alignas(64) _Atomic uint64_t pushed;
	uint64_t knows_popped;
	_Alignas(64) _Atomic uint64_t popped;
	uint64_t knows_pushed;
};

static inline int push(struct ring *r, void *block)
{
	uint64_t n = atomic_load(&r->pushed);
	if (n - r->knows_popped == RING_SIZE) {
		r->knows_popped = atomic_load(&r->popped);
		if (n - r->knows_popped == RING_SIZE)
			return 0;
	}
	r->blocks[n % RING_SIZE] = block;
	atomic_store(&r->pushed, n + 1);
	return 1;
}

// pop returns NULL if nothing has come.
static inline void *pop(struct ring *r)
{
	uint64_t n = atomic_load(&r->popped);
	if (n == r->knows_pushed) {
		r->knows_pushed = atomic_load(&r->pushed);
		if (n == r->knows_pushed)
			return NULL;
	}
	void *block = r->blocks[n % RING_SIZE];
	atomic_store(&r->popped, n + 1);
	return block;
}

#endif
