// Light through fog that begins at some distance: c is the radiance of a surface at (x, y) on a plane that lies
// sqrt(height2) below the eye. The operations and their order are those of fog in problems.go, and exp is that of
// ir/expand_exp.go.

#include "bench.h"
#include "lanes.h"

#include <string.h>

#define ROUND 0x1.8p23f // adding it rounds to an integer, which is then in the low bits

struct medium {
	float height2, near, density, color;
};

static struct medium medium_of(const struct work *w)
{
	return (struct medium){w->uniform[0], w->uniform[1], w->uniform[2], w->uniform[3]};
}

static inline float float_of(unsigned bits)
{
	float x;
	memcpy(&x, &bits, sizeof x);
	return x;
}

static inline int bits_of(float x)
{
	int bits;
	memcpy(&bits, &x, sizeof bits);
	return bits;
}

static inline float exponential(float x)
{
	x = x < -104.0f ? -104.0f : x;
	x = 89.0f < x ? 89.0f : x;
	float k = __builtin_fmaf(x, 0x1.715476p+0f, ROUND);
	float n = k - ROUND;
	float r = __builtin_fmaf(n, -0x1.62e43p-1f, x);
	r = __builtin_fmaf(n, 0x1.05c61p-29f, r);
	float q = 0x1.6afe16p-10f;
	q = __builtin_fmaf(q, r, 0x1.124492p-7f);
	q = __builtin_fmaf(q, r, 0x1.555826p-5f);
	q = __builtin_fmaf(q, r, 0x1.555482p-3f);
	q = __builtin_fmaf(q, r, 0x1.fffffcp-2f);
	float p = __builtin_fmaf(r * r, q, r) + 1.0f;
	int e = bits_of(k) - bits_of(ROUND), half = e >> 1;
	return p * float_of((unsigned)(half + 127) << 23) * float_of((unsigned)(e - half + 127) << 23);
}

static inline float fogged(float x, float y, float c, struct medium m)
{
	float d = __builtin_sqrtf(x * x + y * y + m.height2);
	float t = exponential((m.near - d) * m.density);
	return d < m.near ? c : __builtin_fmaf(c - m.color, t, m.color);
}

// fog is left to gcc to vectorise, which it does.
void fog(const struct work *w)
{
	const float *restrict x = __builtin_assume_aligned(w->in[0], 64);
	const float *restrict y = __builtin_assume_aligned(w->in[1], 64);
	const float *restrict c = __builtin_assume_aligned(w->in[2], 64);
	float *restrict out = __builtin_assume_aligned(w->out, 64);
	struct medium m = medium_of(w);
	size_t n = w->lanes;
	if (n % MULTIPLE != 0)
		__builtin_unreachable();
#pragma GCC unroll 2
	for (size_t i = 0; i < n; i++)
		out[i] = fogged(x[i], y[i], c[i], m);
}

static inline lanes exponentials(lanes x)
{
	x = greater(splat(-104), x);
	x = lesser(splat(89), x);
	lanes k = fma3(x, splat(0x1.715476p+0f), splat(ROUND));
	lanes n = k - splat(ROUND);
	lanes r = fma3(n, splat(-0x1.62e43p-1f), x);
	r = fma3(n, splat(0x1.05c61p-29f), r);
	lanes q = splat(0x1.6afe16p-10f);
	q = fma3(q, r, splat(0x1.124492p-7f));
	q = fma3(q, r, splat(0x1.555826p-5f));
	q = fma3(q, r, splat(0x1.555482p-3f));
	q = fma3(q, r, splat(0x1.fffffcp-2f));
	lanes p = fma3(r * r, q, r) + splat(1);
	return scaled(p, n);
}

static inline lanes fogged_lanes(lanes x, lanes y, lanes c, struct medium m)
{
	lanes near = splat(m.near), color = splat(m.color);
	lanes d = root(x * x + y * y + splat(m.height2));
	lanes t = exponentials((near - d) * splat(m.density));
	return pick(below(d, near), c, fma3(c - color, t, color));
}

// fog_by_hand clamps and scales by one instruction each where gcc's own code takes five and nine.
void fog_by_hand(const struct work *w)
{
	const float *restrict x = w->in[0], *restrict y = w->in[1], *restrict c = w->in[2];
	float *restrict out = w->out;
	struct medium m = medium_of(w);
#pragma GCC unroll 2
	for (size_t i = 0; i < w->lanes; i += WIDTH)
		store(out + i, fogged_lanes(load(x + i), load(y + i), load(c + i), m));
}

// fog_march goes through the fog in 64 steps, the light of each being the surface of the next.
void fog_march(const struct work *w)
{
	struct medium m = medium_of(w);
	lanes step = splat(w->uniform[4]);
	for (size_t i = 0; i < w->lanes; i += 2 * WIDTH) {
		lanes x[2], y[2], c[2];
		for (int k = 0; k < 2; k++) {
			x[k] = load(w->in[0] + i + k * WIDTH);
			y[k] = load(w->in[1] + i + k * WIDTH);
			c[k] = load(w->in[2] + i + k * WIDTH);
		}
		for (int s = 0; s < 64; s++)
			for (int k = 0; k < 2; k++) {
				c[k] = fogged_lanes(x[k], y[k], c[k], m);
				x[k] += step;
			}
		for (int k = 0; k < 2; k++)
			store(w->out + i + k * WIDTH, c[k]);
	}
}
