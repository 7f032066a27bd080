// The other end of the pipe: takes orders from stdin, a line each, and answers on stdout.
//
//     load NAME LANES INPUTS UNIFORMS   then the floats of the inputs and the uniforms, raw; answers "ok"
//     run N                             computes N times; answers the nanoseconds that took
//     read                              answers the output's floats, raw
//
// Whatever is wrong ends the program with a word on stderr.

#define _POSIX_C_SOURCE 200809L

#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct row {
	const char *name;
	void (*compute)(const struct work *w);
};

static const struct row table[] = {
	{"fog", fog},
	{"fog_by_hand", fog_by_hand},
	{"fog_march", fog_march},
	{"spheres", spheres},
	{"spheres_in_pairs", spheres_in_pairs},
	{"peak", peak},
	{"triad", triad},
};

static void fail(const char *why)
{
	fprintf(stderr, "%s\n", why);
	exit(1);
}

static const struct row *find(const char *name)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	fail("no computation of that name");
	return NULL;
}

// array returns zeroed memory whose pages are there already.
static float *array(size_t lanes)
{
	float *p = aligned_alloc(4096, (lanes * sizeof *p + 4095) / 4096 * 4096);
	if (p == NULL)
		fail("out of memory");
	memset(p, 0, lanes * sizeof *p);
	return p;
}

static void receive(float *p, size_t n)
{
	if (fread(p, sizeof *p, n, stdin) != n)
		fail("the numbers end too early");
}

static void load(struct work *w, size_t lanes, size_t inputs, size_t uniforms)
{
	if (lanes == 0 || lanes % MULTIPLE != 0 || inputs > INPUTS || uniforms > UNIFORMS)
		fail("sizes that this program is not made for");
	for (size_t i = 0; i < INPUTS; i++)
		free(w->in[i]);
	free(w->out);
	memset(w, 0, sizeof *w);
	w->lanes = lanes;
	for (size_t i = 0; i < inputs; i++) {
		w->in[i] = array(lanes);
		receive(w->in[i], lanes);
	}
	receive(w->uniform, uniforms);
	w->out = array(lanes);
}

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t measure(const struct row *r, const struct work *w, long n)
{
	int64_t begun = now();
	for (long i = 0; i < n; i++)
		r->compute(w);
	return now() - begun;
}

int main(void)
{
	struct work w = {0};
	const struct row *r = NULL;
	char line[128], name[32];
	size_t lanes, inputs, uniforms;
	long n;
	while (fgets(line, sizeof line, stdin) != NULL) {
		if (sscanf(line, "load %31s %zu %zu %zu", name, &lanes, &inputs, &uniforms) == 4) {
			r = find(name);
			load(&w, lanes, inputs, uniforms);
			puts("ok");
		} else if (r != NULL && sscanf(line, "run %ld", &n) == 1) {
			printf("%" PRId64 "\n", measure(r, &w, n));
		} else if (r != NULL && strcmp(line, "read\n") == 0) {
			fwrite(w.out, sizeof *w.out, w.lanes, stdout);
		} else {
			fail("an order that this program does not know");
		}
		if (fflush(stdout) != 0)
			fail("the answer cannot be written");
	}
	return 0;
}
