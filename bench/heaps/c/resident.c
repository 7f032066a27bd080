// What the process holds: its memory while it works, and what is left of it after most was freed. resident.go and freed.go
// have the same.

#define _GNU_SOURCE

#include "work.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SAMPLE_EVERY 2000
#define DECAY_STEPS 10
#define DECAY_ALLOCATED 64

// resident returns RssAnon of proc_pid_status(5), which leaves mapped files out, in bytes.
static int64_t resident(void)
{
	static int status = -1;
	static char text[4096];
	if (status < 0)
		status = open("/proc/self/status", O_RDONLY);
	ssize_t n = pread(status, text, sizeof text - 1, 0);
	text[n > 0 ? n : 0] = 0;
	const char *at = strstr(text, "\nRssAnon:");
	if (at == NULL)
		fail("/proc/self/status tells no RssAnon");
	return strtoll(at + strlen("\nRssAnon:"), NULL, 10) * 1024;
}

void memory(const struct job *j)
{
	void **slots = pages(j->slots * sizeof *slots);
	int64_t before = resident(), most = 0, last = 0;
	fill(slots, j, 0);
	for (size_t i = 0; i < j->count; i += SAMPLE_EVERY) {
		size_t rest = j->count - i;
		replace(slots, j->ops[0] + i, rest < SAMPLE_EVERY ? rest : SAMPLE_EVERY);
		last = resident();
		if (last > most)
			most = last;
	}
	printf("%" PRId64 " %" PRId64 "\n", most - before, last - before);
}

// mix is the output function of SplitMix64, see sequence.go.
static uint64_t mix(uint64_t x)
{
	x = (x + 1) * 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static int survives(size_t slot)
{
	return mix(((uint64_t)1 << 63) + slot) % 10 == 0;
}

// few does a few operations that leave nothing behind: allocators look at the clock when they are called.
static void few(const struct job *j)
{
	void *blocks[DECAY_ALLOCATED];
	for (size_t i = 0; i < DECAY_ALLOCATED; i++)
		blocks[i] = allocate(j->filling[0][i % j->slots].size);
	for (size_t i = 0; i < DECAY_ALLOCATED; i++)
		free(blocks[i]);
}

static int ascending(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
	return (x > y) - (x < y);
}

// live_pages returns in how many pages there are bytes of blocks, whose ends are given: from inclusive, to inclusive.
static int64_t live_pages(uintptr_t *from, uintptr_t *to, size_t count)
{
	int64_t n = 0;
	uintptr_t next = 0;
	qsort(from, count, sizeof *from, ascending); // blocks do not overlap: the k-th beginning belongs to the k-th end
	qsort(to, count, sizeof *to, ascending);
	for (size_t i = 0; i < count; i++) {
		uintptr_t first = from[i] > next ? from[i] : next;
		if (to[i] >= first)
			n += (int64_t)(to[i] - first + 1);
		next = to[i] + 1;
	}
	return n;
}

void freed(const struct job *j)
{
	void **slots = pages(j->slots * sizeof *slots);
	uint32_t *sizes = pages(j->slots * sizeof *sizes);
	uintptr_t *from = pages(j->slots * sizeof *from), *to = pages(j->slots * sizeof *to);
	int64_t before = resident();
	fill(slots, j, 0);
	replace(slots, j->ops[0], j->count);
	for (size_t i = 0; i < j->slots; i++)
		sizes[i] = j->filling[0][i].size;
	for (size_t i = 0; i < j->count; i++)
		sizes[j->ops[0][i].slot & ~HANDED] = j->ops[0][i].size;
	size_t left = 0;
	for (size_t i = 0; i < j->slots; i++) {
		if (!survives(i)) {
			free(slots[i]);
			continue;
		}
		from[left] = (uintptr_t)slots[i] / PAGE_STEP;
		to[left++] = ((uintptr_t)slots[i] + sizes[i] - 1) / PAGE_STEP;
	}
	for (int i = 0; i < DECAY_STEPS; i++) {
		long ms = j->wait / DECAY_STEPS;
		nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
		few(j);
	}
	int64_t held = resident() - before;
	printf("%" PRId64 " %" PRId64 "\n", held, live_pages(from, to, left) * PAGE_STEP);
}
