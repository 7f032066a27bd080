// What the machine can do at most: independent chains of fused multiply-adds, and a triad as STREAM has it.

#include "bench.h"
#include "lanes.h"

// CHAINS hide the latency of an fma on two units and leave registers for the factors.
enum { CHAINS = 12, LINKS = 64 };

void peak(const struct work *w)
{
	lanes scale = splat(w->uniform[0]), shift = splat(w->uniform[1]);
	for (size_t i = 0; i < w->lanes; i += WIDTH) {
		lanes x[CHAINS];
#pragma GCC unroll 16
		for (int k = 0; k < CHAINS; k++)
			x[k] = load(w->in[0] + i) + splat(k + 1);
		for (int s = 0; s < LINKS; s++)
#pragma GCC unroll 16
			for (int k = 0; k < CHAINS; k++)
				x[k] = fma3(x[k], scale, shift);
		lanes sum = x[0];
#pragma GCC unroll 16
		for (int k = 1; k < CHAINS; k++)
			sum += x[k];
		store(w->out + i, sum);
	}
}

void triad(const struct work *w)
{
	const float *restrict a = __builtin_assume_aligned(w->in[0], 64);
	const float *restrict b = __builtin_assume_aligned(w->in[1], 64);
	float *restrict out = __builtin_assume_aligned(w->out, 64);
	float scale = w->uniform[0];
	size_t n = w->lanes;
	if (n % MULTIPLE != 0)
		__builtin_unreachable();
	for (size_t i = 0; i < n; i++)
		out[i] = a[i] + scale * b[i];
}
