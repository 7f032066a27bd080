// Matrix products for ../serve.c, by the sgemm of OpenBLAS:
//
//     load M N K   then the floats of A (M x K) and B (K x N), row-major

#include "../serve.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
	size_t m, n, k;
	float *a, *b, *c;
} p;

static float *received(size_t n)
{
	float *x = array(n);
	receive(x, n);
	return x;
}

void load(const char *order)
{
	free(p.a);
	free(p.b);
	free(p.c);
	if (sscanf(order, "%zu %zu %zu", &p.m, &p.n, &p.k) != 3 || p.m == 0 || p.n == 0 || p.k == 0)
		fail("sizes that this program is not made for");
	p.a = received(p.m * p.k);
	p.b = received(p.k * p.n);
	p.c = array(p.m * p.n);
}

void compute(long times)
{
	for (long i = 0; i < times; i++)
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, p.m, p.n, p.k, 1, p.a, p.k, p.b, p.n, 0, p.c, p.n);
}

const float *result(size_t *n)
{
	*n = p.m * p.n;
	return p.c;
}
