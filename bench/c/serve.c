// The other end of the pipe: takes orders from stdin, a line each, and answers on stdout.
//
//     load ...   what the computation of this program takes, then the floats of its inputs, raw; answers "ok"
//     run N      computes N times; answers the nanoseconds that took
//     read       answers the output's floats, raw
//
// Whatever is wrong ends the program with a word on stderr.

#define _POSIX_C_SOURCE 200809L

#include "serve.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void fail(const char *why)
{
	fprintf(stderr, "%s\n", why);
	exit(1);
}

float *array(size_t n)
{
	float *p = aligned_alloc(4096, (n * sizeof *p + 4095) / 4096 * 4096);
	if (p == NULL)
		fail("out of memory");
	memset(p, 0, n * sizeof *p);
	return p;
}

void receive(float *p, size_t n)
{
	if (fread(p, sizeof *p, n, stdin) != n)
		fail("the numbers end too early");
}

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t measure(long times)
{
	int64_t begun = now();
	compute(times);
	return now() - begun;
}

static void answer(void)
{
	size_t n;
	const float *p = result(&n);
	fwrite(p, sizeof *p, n, stdout);
}

int main(void)
{
	char line[256];
	int loaded = 0;
	long times;
	while (fgets(line, sizeof line, stdin) != NULL) {
		if (strncmp(line, "load ", 5) == 0) {
			load(line + 5);
			loaded = 1;
			puts("ok");
		} else if (loaded && sscanf(line, "run %ld", &times) == 1) {
			printf("%" PRId64 "\n", measure(times));
		} else if (loaded && strcmp(line, "read\n") == 0) {
			answer();
		} else {
			fail("an order that this program does not know");
		}
		if (fflush(stdout) != 0)
			fail("the answer cannot be written");
	}
	return 0;
}
