// What the compared computations of lanes have in common. `microdr bench kernels` compiles this folder into one program;
// each file of openblas becomes another one, with serve.c.

#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>

enum { INPUTS = 3, UNIFORMS = 16, MULTIPLE = 64 };

// work is what a computation reads and writes: arrays of as many floats as there are lanes, aligned to 64 bytes.
struct work {
	size_t lanes; // a multiple of MULTIPLE
	float *in[INPUTS];
	float *out;
	float uniform[UNIFORMS];
};

void fog(const struct work *w);
void fog_by_hand(const struct work *w);
void fog_march(const struct work *w);
void spheres(const struct work *w);
void spheres_in_pairs(const struct work *w);
void peak(const struct work *w);
void triad(const struct work *w);

#endif
