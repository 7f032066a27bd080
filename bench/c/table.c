// The computations of lanes by name, for serve.c:
//
//     load NAME LANES INPUTS UNIFORMS   then the floats of the inputs and the uniforms

#include "bench.h"
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static const struct row *loaded;
static struct work w;

static const struct row *find(const char *name)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	fail("no computation of that name");
}

void load(const char *order)
{
	char name[32];
	size_t lanes, inputs, uniforms;
	if (sscanf(order, "%31s %zu %zu %zu", name, &lanes, &inputs, &uniforms) != 4)
		fail("an order that this program does not know");
	loaded = find(name);
	if (lanes == 0 || lanes % MULTIPLE != 0 || inputs > INPUTS || uniforms > UNIFORMS)
		fail("sizes that this program is not made for");
	for (size_t i = 0; i < INPUTS; i++)
		free(w.in[i]);
	free(w.out);
	memset(&w, 0, sizeof w);
	w.lanes = lanes;
	for (size_t i = 0; i < inputs; i++) {
		w.in[i] = array(lanes);
		receive(w.in[i], lanes);
	}
	receive(w.uniform, uniforms);
	w.out = array(lanes);
}

void compute(long times)
{
	for (long i = 0; i < times; i++)
		loaded->compute(&w);
}

const float *result(size_t *n)
{
	*n = w.lanes;
	return w.out;
}
