// The standard work and the other passes, as loops.go and serve.go have them.

#ifndef WORK_H
#define WORK_H

#include <stddef.h>
#include <stdint.h>

#ifdef FLOOR
#include "floor.h"
#endif

#define HANDED 0x80000000u
#define PAGE_STEP 4096

struct op {
	uint32_t slot; // with the flag HANDED
	uint32_t size;
};

// job is an order whose files are there.
struct job {
	size_t slots, count;        // of a worker: slots, operations after the filling
	long wait;                  // milliseconds until memory is back at the system
	const struct op *filling[2]; // of the workers
	const struct op *ops[2];    // after the filling
};

void fail(const char *why);
int64_t now(void);

// pages returns zeroed memory that no allocator knows of, and that is there already.
void *pages(size_t bytes);

// allocate is malloc that does not fail, and touches the block.
void *allocate(size_t size);

// fill does the filling of a worker, replace operations after it.
void fill(void **slots, const struct job *j, int worker);
void replace(void **slots, const struct op *ops, size_t count);

// The passes; serve.c says what they answer.
void throughput(const struct job *j);
void lifo(const struct job *j);
void fifo(const struct job *j);
void replay(const struct job *j);
void latency(const struct job *j);
void memory(const struct job *j);
void freed(const struct job *j);
void exchange(const struct job *j);
void handover(const struct job *j);

#endif
