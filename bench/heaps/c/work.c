#include "work.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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
		slots[i] = allocate(j->ops[worker][i].size);
}

void replace(void **slots, const struct op *ops, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		void **s = &slots[ops[i].slot & ~HANDED];
		free(*s);
		*s = allocate(ops[i].size);
	}
}

void throughput(struct job *j)
{
	void **slots = pages(j->slots * sizeof *slots);
	fill(slots, j, 0);
	int64_t begun = now();
	replace(slots, j->ops[0] + j->slots, j->count);
	printf("%" PRId64 "\n", now() - begun);
}

void memory(struct job *j)
{
	void **slots = pages(j->slots * sizeof *slots);
	int64_t before = resident(), most = 0, last = 0;
	fill(slots, j, 0);
	const struct op *ops = j->ops[0] + j->slots;
	for (size_t i = 0; i < j->count; i += SAMPLE_EVERY) {
		size_t rest = j->count - i;
		replace(slots, ops + i, rest < SAMPLE_EVERY ? rest : SAMPLE_EVERY);
		last = resident();
		if (last > most)
			most = last;
	}
	printf("%" PRId64 " %" PRId64 "\n", most - before, last - before);
}
