// Two workers, as in ring.go and workers.go.

#include "work.h"
#include "ring.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

struct worker {
	const struct job *job;
	int number;
	struct ring *in, *out;
	pthread_barrier_t *ready;
	_Atomic int *done;
	int64_t begun, ended;
};

static int drain(struct ring *in)
{
	void *p;
	int any = 0;
	for (; (p = pop(in)) != NULL; any = 1)
		free(p);
	return any;
}

static void exchange_all(void **slots, const struct op *ops, size_t count, struct ring *in, struct ring *out)
{
	for (size_t i = 0; i < count; i++) {
		void **s = &slots[ops[i].slot & ~HANDED];
		if ((ops[i].slot & HANDED) == 0) {
			free(*s);
		} else {
			for (drain(in); !push(out, *s);)
				if (!drain(in))
					sched_yield();
		}
		*s = allocate(ops[i].size);
	}
}

static void *exchanger(void *argument)
{
	struct worker *w = argument;
	const struct job *j = w->job;
	void **slots = pages(j->slots * sizeof *slots);
	fill(slots, j, w->number);
	pthread_barrier_wait(w->ready);
	w->begun = now();
	exchange_all(slots, j->ops[w->number], j->count, w->in, w->out);
	w->ended = now();
	atomic_fetch_add(w->done, 1);
	while (atomic_load(w->done) < 2) { // the other one may wait for room
		drain(w->in);
		sched_yield();
	}
	return NULL;
}

static void produce(const struct op *ops, size_t count, struct ring *out)
{
	for (size_t i = 0; i < count; i++) {
		void *p = allocate(ops[i].size);
		while (!push(out, p))
			sched_yield();
	}
}

static void consume(size_t count, struct ring *in)
{
	while (count > 0) {
		void *p = pop(in);
		if (p == NULL) {
			sched_yield();
			continue;
		}
		free(p);
		count--;
	}
}

static void *handler(void *argument)
{
	struct worker *w = argument;
	const struct job *j = w->job;
	pthread_barrier_wait(w->ready);
	w->begun = now();
	if (w->number == 0)
		produce(j->ops[0], j->count, w->out);
	else
		consume(j->count, w->in);
	w->ended = now();
	return NULL;
}

// together answers how long two threads worked, from the first one's begin to the last one's end.
static void together(const struct job *j, void *(*body)(void *))
{
	struct ring *rings = pages(2 * sizeof *rings); // by receiver
	struct worker w[2];
	pthread_t threads[2];
	pthread_barrier_t ready;
	_Atomic int done = 0;
	pthread_barrier_init(&ready, NULL, 2);
	for (int i = 0; i < 2; i++) {
		w[i] = (struct worker){.job = j, .number = i, .in = &rings[i], .out = &rings[1 - i], .ready = &ready, .done = &done};
		if (pthread_create(&threads[i], NULL, body, &w[i]) != 0)
			fail("no thread");
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	int64_t begun = w[0].begun < w[1].begun ? w[0].begun : w[1].begun;
	int64_t ended = w[0].ended > w[1].ended ? w[0].ended : w[1].ended;
	printf("%" PRId64 "\n", ended - begun);
}

void exchange(const struct job *j) { together(j, exchanger); }
void handover(const struct job *j) { together(j, handler); }
