// Sphere tracing of three spheres, 512x512, at most 64 steps. The operations and their order are those of spheres in
// problems.go. gcc vectorises no loop that ends early, so the lanes are blocked by hand; a block is left when none of
// its lanes goes on.

#include "bench.h"
#include "lanes.h"

enum { SIDE = 512, STEPS = 64 };

struct vector {
	lanes x, y, z;
};

static inline struct vector center(const float *at) { return (struct vector){splat(at[0]), splat(at[1]), splat(at[2])}; }

static inline lanes length(struct vector a) { return root(a.x * a.x + a.y * a.y + a.z * a.z); }

static inline lanes sphere(struct vector p, struct vector c, float radius)
{
	return length((struct vector){p.x - c.x, p.y - c.y, p.z - c.z}) - splat(radius);
}

// direction returns where the pixels from number i on look.
static inline struct vector direction(int i)
{
	ints lane = first(i);
	lanes half = splat(0.5f), side = splat(SIDE);
	lanes u = (__builtin_convertvector(lane % SIDE, lanes) + half) / side - half;
	lanes v = (__builtin_convertvector(lane / SIDE, lanes) + half) / side - half;
	struct vector d = {u, v, splat(-1)};
	lanes l = length(d);
	return (struct vector){d.x / l, d.y / l, d.z / l};
}

// trace follows BLOCKS blocks side by side, which hides the latency of one behind the others.
#define DEFINE_TRACE(NAME, BLOCKS)                                                                        \
	void NAME(const struct work *w)                                                                   \
	{                                                                                                 \
		struct vector a = center(w->uniform), b = center(w->uniform + 3), c = center(w->uniform + 6); \
		for (size_t i = 0; i < w->lanes; i += BLOCKS * WIDTH) {                                   \
			struct vector d[BLOCKS];                                                          \
			lanes t[BLOCKS], f[BLOCKS];                                                       \
			for (int k = 0; k < BLOCKS; k++) {                                                \
				d[k] = direction((int)i + k * WIDTH);                                     \
				t[k] = splat(0);                                                          \
				f[k] = splat(1);                                                          \
			}                                                                                 \
			for (int s = 0; s < STEPS; s++) {                                                 \
				mask on[BLOCKS];                                                          \
				int left = 0;                                                             \
				for (int k = 0; k < BLOCKS; k++) {                                        \
					on[k] = both(below(splat(1e-4f), f[k]), below(t[k], splat(20)));  \
					left |= any(on[k]);                                               \
				}                                                                         \
				if (!left)                                                                \
					break;                                                            \
				for (int k = 0; k < BLOCKS; k++) {                                        \
					struct vector p = {d[k].x * t[k], d[k].y * t[k], d[k].z * t[k]};  \
					lanes next = sphere(p, a, 0.7f);                                  \
					next = lesser(next, sphere(p, b, 0.5f));                          \
					next = lesser(next, sphere(p, c, 0.4f));                          \
					t[k] = pick(on[k], t[k] + next, t[k]);                            \
					f[k] = pick(on[k], next, f[k]);                                   \
				}                                                                         \
			}                                                                                 \
			for (int k = 0; k < BLOCKS; k++)                                                  \
				store(w->out + i + k * WIDTH, t[k]);                                      \
		}                                                                                         \
	}

DEFINE_TRACE(spheres, 1)
DEFINE_TRACE(spheres_in_pairs, 2)
