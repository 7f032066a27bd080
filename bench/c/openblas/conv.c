// Convolutions for ../serve.c, by an im2col matrix for each image and the sgemm of OpenBLAS:
//
//     load MODE B C F H W R S Y X T P   a convolution of B images of C x H x W by F filters of C x R x S to results of Y x X,
//                                       strides T and pads P; then the floats of its two inputs
//
// MODE is 0 for the result from image and filter, 1 for the image from result and filter, 2 for the filter from image and
// result.

#include "../serve.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct conv {
	int mode, batch, channels, filters, height, width, rows, columns, out_height, out_width, stride, pad;
	float *image, *filter, *result, *matrix;
};

static struct conv loaded;

static size_t image_size(const struct conv *c) { return (size_t)c->channels * c->height * c->width; }
static size_t filter_size(const struct conv *c) { return (size_t)c->filters * c->channels * c->rows * c->columns; }
static size_t result_size(const struct conv *c) { return (size_t)c->filters * c->out_height * c->out_width; }

void load(const char *order)
{
	free(loaded.image);
	free(loaded.filter);
	free(loaded.result);
	free(loaded.matrix);
	if (sscanf(order, "%d %d %d %d %d %d %d %d %d %d %d %d", &loaded.mode, &loaded.batch, &loaded.channels, &loaded.filters, &loaded.height, &loaded.width,
		&loaded.rows, &loaded.columns, &loaded.out_height, &loaded.out_width, &loaded.stride, &loaded.pad) != 12)
		fail("sizes that this program is not made for");
	loaded.image = array(loaded.batch * image_size(&loaded));
	loaded.filter = array(filter_size(&loaded));
	loaded.result = array(loaded.batch * result_size(&loaded));
	loaded.matrix = array((size_t)loaded.channels * loaded.rows * loaded.columns * loaded.out_height * loaded.out_width);
	if (loaded.mode != 1)
		receive(loaded.image, loaded.batch * image_size(&loaded));
	if (loaded.mode != 0)
		receive(loaded.result, loaded.batch * result_size(&loaded));
	if (loaded.mode != 2)
		receive(loaded.filter, filter_size(&loaded));
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

static void convolve(const struct conv *c)
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

void compute(long times)
{
	for (long i = 0; i < times; i++)
		convolve(&loaded);
}

const float *result(size_t *n)
{
	*n = loaded.mode == 0 ? loaded.batch * result_size(&loaded) : loaded.mode == 1 ? loaded.batch * image_size(&loaded) : filter_size(&loaded);
	return loaded.mode == 0 ? loaded.result : loaded.mode == 1 ? loaded.image : loaded.filter;
}
