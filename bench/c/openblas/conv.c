// The other end of the pipe for convolutions: takes orders from stdin, a line each, and answers on stdout, by an im2col
// matrix for each image and the sgemm of OpenBLAS.
//
//     load MODE B C F H W R S Y X T P   a convolution of B images of C x H x W by F filters of C x R x S to results of Y x X,
//                                       strides T and pads P; then the floats of its two inputs, raw; answers "ok"
//     run N                             computes N times; answers the nanoseconds that took
//     read                              answers the floats of the output, raw
//
// MODE is 0 for the result from image and filter, 1 for the image from result and filter, 2 for the filter from image and
// result. Whatever is wrong ends the program with a word on stderr.

#define _POSIX_C_SOURCE 200809L

#include <cblas.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct conv {
	int mode, batch, channels, filters, height, width, rows, columns, out_height, out_width, stride, pad;
	float *image, *filter, *result, *matrix;
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

static void receive(float *p, size_t n)
{
	if (fread(p, sizeof *p, n, stdin) != n)
		fail("the numbers end too early");
}

static size_t image_size(const struct conv *c) { return (size_t)c->channels * c->height * c->width; }
static size_t filter_size(const struct conv *c) { return (size_t)c->filters * c->channels * c->rows * c->columns; }
static size_t result_size(const struct conv *c) { return (size_t)c->filters * c->out_height * c->out_width; }

static void load(struct conv *c, const struct conv *sizes)
{
	free(c->image);
	free(c->filter);
	free(c->result);
	free(c->matrix);
	*c = *sizes;
	c->image = array(c->batch * image_size(c));
	c->filter = array(filter_size(c));
	c->result = array(c->batch * result_size(c));
	c->matrix = array((size_t)c->channels * c->rows * c->columns * c->out_height * c->out_width);
	if (c->mode != 1)
		receive(c->image, c->batch * image_size(c));
	if (c->mode != 0)
		receive(c->result, c->batch * result_size(c));
	if (c->mode != 2)
		receive(c->filter, filter_size(c));
}

// first and end are the x of a row of the result whose pixel lies in the image.
static int first_inside(const struct conv *c, int j)
{
	int least = c->pad - j;
	return least <= 0 ? 0 : (least + c->stride - 1) / c->stride;
}

static int end_inside(const struct conv *c, int j)
{
	int end = (c->width + c->pad - j + c->stride - 1) / c->stride;
	return end < c->out_width ? end : c->out_width;
}

// gather_row makes a row of the im2col matrix of a row of the result, scatter_row adds one to the image.
static void gather_row(const struct conv *c, const float *row, float *to, int j)
{
	int first = first_inside(c, j), end = end_inside(c, j);
	memset(to, 0, c->out_width * sizeof *to);
	if (row == NULL)
		return;
	if (c->stride == 1)
		memcpy(to + first, row + first + j - c->pad, (end - first) * sizeof *to);
	else
		for (int x = first; x < end; x++)
			to[x] = row[x * c->stride + j - c->pad];
}

static void scatter_row(const struct conv *c, float *row, const float *from, int j)
{
	int first = first_inside(c, j), end = end_inside(c, j);
	if (row != NULL)
		for (int x = first; x < end; x++)
			row[x * c->stride + j - c->pad] += from[x];
}

static void im2col(const struct conv *c, float *image, int back)
{
	float *m = c->matrix;
	for (int k = 0; k < c->channels; k++)
		for (int i = 0; i < c->rows; i++)
			for (int j = 0; j < c->columns; j++)
				for (int y = 0; y < c->out_height; y++, m += c->out_width) {
					int h = y * c->stride + i - c->pad;
					float *row = h < 0 || h >= c->height ? NULL : image + ((size_t)k * c->height + h) * c->width;
					if (back)
						scatter_row(c, row, m, j);
					else
						gather_row(c, row, m, j);
				}
}

static void compute(const struct conv *c)
{
	int k = c->channels * c->rows * c->columns, p = c->out_height * c->out_width, f = c->filters;
	if (c->mode == 1)
		memset(c->image, 0, c->batch * image_size(c) * sizeof *c->image);
	for (int n = 0; n < c->batch; n++) {
		float *image = c->image + n * image_size(c), *result = c->result + n * result_size(c);
		if (c->mode != 1)
			im2col(c, image, 0);
		if (c->mode == 0)
			cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, f, p, k, 1, c->filter, k, c->matrix, p, 0, result, p);
		else if (c->mode == 1)
			cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, k, p, f, 1, c->filter, k, result, p, 0, c->matrix, p);
		else
			cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, f, k, p, 1, result, p, c->matrix, p, n > 0, c->filter, k);
		if (c->mode == 1)
			im2col(c, image, 1);
	}
}

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t measure(const struct conv *c, long times)
{
	int64_t begun = now();
	for (long i = 0; i < times; i++)
		compute(c);
	return now() - begun;
}

static void answer(const struct conv *c)
{
	if (c->mode == 0)
		fwrite(c->result, sizeof(float), c->batch * result_size(c), stdout);
	else if (c->mode == 1)
		fwrite(c->image, sizeof(float), c->batch * image_size(c), stdout);
	else
		fwrite(c->filter, sizeof(float), filter_size(c), stdout);
}

int main(void)
{
	struct conv c = {0}, s = {0};
	char line[256];
	long times;
	while (fgets(line, sizeof line, stdin) != NULL) {
		if (sscanf(line, "load %d %d %d %d %d %d %d %d %d %d %d %d", &s.mode, &s.batch, &s.channels, &s.filters, &s.height,
			&s.width, &s.rows, &s.columns, &s.out_height, &s.out_width, &s.stride, &s.pad) == 12) {
			load(&c, &s);
			puts("ok");
		} else if (c.matrix != NULL && sscanf(line, "run %ld", &times) == 1) {
			printf("%" PRId64 "\n", measure(&c, times));
		} else if (c.matrix != NULL && strcmp(line, "read\n") == 0) {
			answer(&c);
		} else {
			fail("an order that this program does not know");
		}
		if (fflush(stdout) != 0)
			fail("the answer cannot be written");
	}
	return 0;
}
