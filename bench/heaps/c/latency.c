// Times of single operations. The histogram is that of latency.go, which also says why its buckets are where they are.

#include "work.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BITS 6
#define BUCKETS ((64 - BITS) << BITS)

struct latencies {
	uint64_t counts[BUCKETS];
	int64_t most;
};

static void add(struct latencies *l, int64_t ns)
{
	if (ns < 0)
		ns = 0;
	int e = 64 - __builtin_clzll((uint64_t)ns | 1) - BITS - 1;
	if (e < 0)
		e = 0;
	l->counts[(e << BITS) + (ns >> e)]++;
	if (ns > l->most)
		l->most = ns;
}

// clock_cost returns what two readings of the clock lie apart, in the median.
static int64_t clock_cost(void)
{
	struct latencies *l = pages(sizeof *l);
	for (int i = 0; i < 100000; i++) {
		int64_t from = now();
		add(l, now() - from);
	}
	uint64_t n = 0;
	for (int i = 0; i < BUCKETS; i++)
		if ((n += l->counts[i]) >= 50000)
			return i; // exact below 128
	return 0;
}

static void touch(char *p, size_t size)
{
	for (size_t i = 0; i < size; i += PAGE_STEP)
		*(volatile char *)(p + i) = 1;
}

void latency(const struct job *j)
{
	struct latencies *l = pages(sizeof *l);
	void **slots = pages(j->slots * sizeof *slots);
	fill(slots, j, 0);
	const struct op *ops = j->ops[0];
	for (size_t i = 0; i < j->count; i++) {
		void **s = &slots[ops[i].slot & ~HANDED];
		int64_t from = now();
		free(*s);
		void *p = malloc(ops[i].size);
		add(l, now() - from);
		if (p == NULL)
			fail("out of memory");
		touch(p, ops[i].size);
		*s = p;
	}
	printf("%" PRId64 " %" PRId64, clock_cost(), l->most);
	for (int i = 0; i < BUCKETS; i++)
		if (l->counts[i] > 0)
			printf(" %d %" PRIu64, i, l->counts[i]);
	printf("\n");
}
