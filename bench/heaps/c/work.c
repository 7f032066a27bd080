#include "work.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LONGEST_RUN 128
// A trace is done again and again, until so many operations are done or so many bytes allocated.
#define ENOUGH_REPLAYED (1 << 20)
#define ENOUGH_ALLOCATED (8ull << 30)

void *allocate(size_t size)
{
	char *p = malloc(size);
	if (p == NULL)
		fail("out of memory");
	for (size_t i = 0; i < size; i += PAGE_STEP)
		*(volatile char *)(p + i) = 1;
	return p;
}

void fill(void **slots, const struct job *j, int worker)
{
	for (size_t i = 0; i < j->slots; i++)
		slots[i] = allocate(j->filling[worker][i].size);
}

void replace(void **slots, const struct op *ops, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		void **s = &slots[ops[i].slot & ~HANDED];
		free(*s);
		*s = allocate(ops[i].size);
	}
}

// throughput and the like answer how long a loop takes over filled slots.
static void timed(const struct job *j, void (*loop)(void **slots, const struct job *j))
{
	void **slots = pages(j->slots * sizeof *slots);
	fill(slots, j, 0);
	int64_t begun = now();
	loop(slots, j);
	printf("%" PRId64 "\n", now() - begun);
}

static void replace_all(void **slots, const struct job *j)
{
	replace(slots, j->ops[0], j->count);
}

// newest_first frees the newest blocks and allocates as many, a few up to LONGEST_RUN at a time.
static void newest_first(void **slots, const struct job *j)
{
	const struct op *op = j->ops[0], *end = op + j->count;
	size_t longest = j->slots < LONGEST_RUN ? j->slots : LONGEST_RUN;
	while (op < end) {
		size_t run = 1 + (op->slot & ~HANDED) % longest;
		if (run > (size_t)(end - op))
			run = (size_t)(end - op);
		void **top = slots + j->slots - run;
		for (size_t i = run; i-- > 0;)
			free(top[i]);
		for (size_t i = 0; i < run; i++)
			top[i] = allocate(op[i].size);
		op += run;
	}
}

static void oldest_first(void **slots, const struct job *j)
{
	const struct op *ops = j->ops[0];
	size_t oldest = 0;
	for (size_t i = 0; i < j->count; i++) {
		free(slots[oldest]);
		slots[oldest] = allocate(ops[i].size);
		if (++oldest == j->slots)
			oldest = 0;
	}
}

void throughput(const struct job *j) { timed(j, replace_all); }
void lifo(const struct job *j) { timed(j, newest_first); }
void fifo(const struct job *j) { timed(j, oldest_first); }

static void replay_once(void **slots, const struct job *j)
{
	const struct op *ops = j->ops[0];
	for (size_t i = 0; i < j->count; i++)
		if (ops[i].size == 0)
			free(slots[ops[i].slot]);
		else
			slots[ops[i].slot] = allocate(ops[i].size);
}

static size_t repetitions(const struct job *j)
{
	const struct op *ops = j->ops[0];
	uint64_t bytes = 1;
	for (size_t i = 0; i < j->count; i++)
		bytes += ops[i].size;
	uint64_t by_count = ENOUGH_REPLAYED / j->count, by_bytes = ENOUGH_ALLOCATED / bytes;
	return 1 + (by_count < by_bytes ? by_count : by_bytes);
}

void replay(const struct job *j)
{
	void **slots = pages(j->slots * sizeof *slots);
	replay_once(slots, j);
	size_t times = repetitions(j);
	int64_t begun = now();
	for (size_t i = 0; i < times; i++)
		replay_once(slots, j);
	printf("%" PRId64 " %zu\n", now() - begun, times * j->count);
}
