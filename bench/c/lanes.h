// Vectors of lanes, 16 with AVX-512 and 8 with AVX2: what gcc's vector extensions lack.

#ifndef LANES_H
#define LANES_H

#include <immintrin.h>

#if defined __AVX512F__
#define WIDTH 16
#elif defined __AVX2__ && defined __FMA__
#define WIDTH 8
#else
#error "neither AVX-512 nor AVX2 with FMA"
#endif

typedef float lanes __attribute__((vector_size(4 * WIDTH)));
typedef int ints __attribute__((vector_size(4 * WIDTH)));

// splat and whole return x in every lane.
static inline lanes splat(float x) { return x - (lanes){}; }
static inline ints whole(int x) { return x - (ints){}; }

static inline lanes load(const float *p) { return *(const lanes *)p; }
static inline void store(float *p, lanes x) { *(lanes *)p = x; }

// first returns i, i+1, ...
static inline ints first(int i)
{
	ints x;
	for (int k = 0; k < WIDTH; k++)
		x[k] = i + k;
	return x;
}

#if WIDTH == 16

typedef __mmask16 mask;

static inline lanes root(lanes x) { return _mm512_sqrt_ps(x); }
static inline lanes fma3(lanes x, lanes y, lanes z) { return _mm512_fmadd_ps(x, y, z); }

// scaled returns x * 2^n for integers n, rounded once.
static inline lanes scaled(lanes x, lanes n) { return _mm512_scalef_ps(x, n); }

// lesser and greater return y where either is NaN.
static inline lanes lesser(lanes x, lanes y) { return _mm512_min_ps(x, y); }
static inline lanes greater(lanes x, lanes y) { return _mm512_max_ps(x, y); }

static inline mask below(lanes x, lanes y) { return _mm512_cmp_ps_mask(x, y, _CMP_LT_OQ); }
static inline mask both(mask p, mask q) { return p & q; }
static inline int any(mask p) { return p != 0; }
static inline lanes pick(mask p, lanes yes, lanes no) { return _mm512_mask_blend_ps(p, no, yes); }

#else

typedef __m256 mask;

static inline lanes root(lanes x) { return _mm256_sqrt_ps(x); }
static inline lanes fma3(lanes x, lanes y, lanes z) { return _mm256_fmadd_ps(x, y, z); }

// Two factors, so that subnormal results and overflow come out.
static inline lanes scaled(lanes x, lanes n)
{
	__m256i e = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(e, 1), bias = _mm256_set1_epi32(127);
	__m256i first = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
	__m256i second = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(e, half), bias), 23);
	return x * _mm256_castsi256_ps(first) * _mm256_castsi256_ps(second);
}

static inline lanes lesser(lanes x, lanes y) { return _mm256_min_ps(x, y); }
static inline lanes greater(lanes x, lanes y) { return _mm256_max_ps(x, y); }
static inline mask below(lanes x, lanes y) { return _mm256_cmp_ps(x, y, _CMP_LT_OQ); }
static inline mask both(mask p, mask q) { return _mm256_and_ps(p, q); }
static inline int any(mask p) { return _mm256_movemask_ps(p) != 0; }
static inline lanes pick(mask p, lanes yes, lanes no) { return _mm256_blendv_ps(no, yes, p); }

#endif

#endif
