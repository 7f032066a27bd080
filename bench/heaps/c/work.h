// The standard work and the other passes, as loops.go and serve.go have them.

#ifndef WORK_H
#define WORK_H

#include <stddef.h>
#include <stdint.h>

#define HANDED 0x80000000u
#define PAGE_STEP 4096
#define SAMPLE_EVERY 2000

struct op {
	uint32_t slot; // with the flag HANDED
	uint32_t size;
};

// job is an order whose files are there.
struct job {
	size_t slots, count;     // of a worker: slots, operations after the filling
	const char *folder;
	const struct op *ops[2]; // of the workers: first the filling
};

void fail(const char *why);
int64_t now(void);

// pages returns zeroed memory that no allocator knows of, and that is there already.
void *pages(size_t bytes);

// allocate is malloc that does not fail, and touches the block.
void *allocate(size_t size);

// resident returns RssAnon in bytes.
int64_t resident(void);

void throughput(struct job *j);
void latency(struct job *j);
void memory(struct job *j);

void fill(void **slots, const struct job *j, int worker);
void replace(void **slots, const struct op *ops, size_t count);

#endif
