// The other end of the pipe for matrix products: takes orders from stdin, a line each, and answers on stdout, by the
// sgemm of OpenBLAS.
//
//     load M N K   then the floats of A (M x K) and B (K x N), row-major, raw; answers "ok"
//     run N        multiplies N times; answers the nanoseconds that took
//     read         answers the floats of the product, raw
//
// Whatever is wrong ends the program with a word on stderr.

#define _POSIX_C_SOURCE 200809L

#include <cblas.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct product {
	size_t m, n, k;
	float *a, *b, *c;
};

static void fail(const char *why)
{
	fprintf(stderr, "%s\n", why);
	exit(1);
}

// array returns zeroed memory whose pages are there already.
static float *array(size_t n)
{
	float *p = aligned_alloc(4096, (n * sizeof *p + 4095) / 4096 * 4096);
	if (p == NULL)
		fail("out of memory");
	memset(p, 0, n * sizeof *p);
	return p;
}

static float *received(size_t n)
{
	float *p = array(n);
	if (fread(p, sizeof *p, n, stdin) != n)
		fail("the numbers end too early");
	return p;
}

static void load(struct product *p, size_t m, size_t n, size_t k)
{
	free(p->a);
	free(p->b);
	free(p->c);
	if (m == 0 || n == 0 || k == 0)
		fail("sizes that this program is not made for");
	*p = (struct product){m, n, k, received(m * k), received(k * n), array(m * n)};
}

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t measure(const struct product *p, long times)
{
	int64_t begun = now();
	for (long i = 0; i < times; i++)
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, p->m, p->n, p->k, 1, p->a, p->k, p->b, p->n, 0, p->c, p->n);
	return now() - begun;
}

int main(void)
{
	struct product p = {0};
	char line[128];
	size_t m, n, k;
	long times;
	while (fgets(line, sizeof line, stdin) != NULL) {
		if (sscanf(line, "load %zu %zu %zu", &m, &n, &k) == 3) {
			load(&p, m, n, k);
			puts("ok");
		} else if (p.c != NULL && sscanf(line, "run %ld", &times) == 1) {
			printf("%" PRId64 "\n", measure(&p, times));
		} else if (p.c != NULL && strcmp(line, "read\n") == 0) {
			fwrite(p.c, sizeof *p.c, p.m * p.n, stdout);
		} else {
			fail("an order that this program does not know");
		}
		if (fflush(stdout) != 0)
			fail("the answer cannot be written");
	}
	return 0;
}
