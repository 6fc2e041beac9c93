// SPDX-License-Identifier: MIT
/* Convolutions and dense layers in float: what is a matrix product is BLAS's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "error.h"
#include "float_ops.h"

/* Of the input's windows as rows of a matrix, or of one row if that is larger. */
#define MATRIX_VALUES	(UINT64_C(1) << 20)

struct float_window float_window(enum qaccel_padding padding, int32_t in,
				 int32_t out, int32_t size, int32_t stride,
				 int32_t dilation)
{
	struct float_window w = {
		.in = in, .out = out, .size = size, .stride = stride,
		.dilation = dilation,
	};
	int64_t reach = (w.size - 1) * w.dilation + 1;
	int64_t missing = (w.out - 1) * w.stride + reach - w.in;

	if (padding == QACCEL_PADDING_SAME && missing > 0)
		w.before = missing / 2;
	return w;
}

size_t float_elements(const struct qaccel_tensor_info *info)
{
	return info->size / sizeof(float);
}

/* out[row] = bias for all rows of channels: the product is added to it. */
static void start_with_bias(const struct float_op *f, size_t channels)
{
	size_t count = float_elements(f->out_info);

	if (!f->values[2]) {
		memset(f->out, 0, count * sizeof(float));
		return;
	}
	for (size_t i = 0; i < count; i += channels)
		memcpy(f->out + i, f->values[2], channels * sizeof(float));
}

/* out += rows (each of k) times the weights' transpose (each of k). */
static void multiply(const float *rows, size_t count, size_t k,
		     const float *weights, size_t channels, float *out)
{
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)count,
		    (int)channels, (int)k, 1, rows, (int)k, weights, (int)k, 1,
		    out, (int)channels);
}

int float_fully_connected(const struct float_op *f)
{
	size_t channels = (size_t)f->in[1]->dims[0];
	size_t k = (size_t)f->in[1]->dims[1];

	start_with_bias(f, channels);
	multiply(f->values[0], float_elements(f->in[0]) / k, k, f->values[1],
		 channels, f->out);
	return 0;
}

/* --------------------------------------------------------- convolution -- */

struct conv {
	struct float_window y, x;
	const float *in;
	int64_t channels;
};

static struct conv make_conv(const struct float_op *f)
{
	const struct qaccel_graph_op *op = f->op;
	const int32_t *in = f->in[0]->dims, *filter = f->in[1]->dims;
	const int32_t *out = f->out_info->dims;

	return (struct conv){
		.y = float_window(op->u.conv.padding, in[1], out[1], filter[1],
				  op->u.conv.stride_h, op->u.conv.dilation_h),
		.x = float_window(op->u.conv.padding, in[2], out[2], filter[2],
				  op->u.conv.stride_w, op->u.conv.dilation_w),
		.in = f->values[0],
		.channels = in[3],
	};
}

/* The input's values under a tap, or NULL: in the padding. */
static const float *under(const struct conv *c, int64_t n, int64_t oy,
			  int64_t ox, int64_t ky, int64_t kx)
{
	int64_t y = oy * c->y.stride - c->y.before + ky * c->y.dilation;
	int64_t x = ox * c->x.stride - c->x.before + kx * c->x.dilation;

	if (y < 0 || y >= c->y.in || x < 0 || x >= c->x.in)
		return NULL;
	return c->in + ((n * c->y.in + y) * c->x.in + x) * c->channels;
}

/* All values under the window of output pixel number i, as one row. */
static void gather(const struct conv *c, size_t i, float *row)
{
	int64_t ox = (int64_t)i % c->x.out, rest = (int64_t)i / c->x.out;
	int64_t oy = rest % c->y.out, n = rest / c->y.out;
	size_t size = (size_t)c->channels * sizeof(float);

	for (int64_t ky = 0; ky < c->y.size; ky++)
		for (int64_t kx = 0; kx < c->x.size; kx++) {
			const float *in = under(c, n, oy, ox, ky, kx);

			if (in)
				memcpy(row, in, size);
			else
				memset(row, 0, size);
			row += c->channels;
		}
}

int float_conv(const struct float_op *f)
{
	struct conv c = make_conv(f);
	size_t channels = (size_t)f->in[1]->dims[0];
	size_t k = float_elements(f->in[1]) / channels;
	size_t pixels = float_elements(f->out_info) / channels;
	size_t strip = MATRIX_VALUES / k ? MATRIX_VALUES / k : 1;
	float *rows;

	if (strip > pixels)
		strip = pixels;
	rows = malloc(strip * k * sizeof(float));
	if (!rows)
		return qaccel_error(ENOMEM, "out of memory");
	start_with_bias(f, channels);
	for (size_t i = 0; i < pixels; i += strip) {
		size_t count = pixels - i < strip ? pixels - i : strip;

		for (size_t j = 0; j < count; j++)
			gather(&c, i + j, rows + j * k);
		multiply(rows, count, k, f->values[1], channels,
			 f->out + i * channels);
	}
	free(rows);
	return 0;
}

/* ----------------------------------------------------------- depthwise -- */

static void depthwise_tap(const float *in, const float *weights,
			  int64_t channels, int64_t multiplier, float *out)
{
	for (int64_t i = 0; i < channels; i++)
		for (int64_t j = 0; j < multiplier; j++)
			out[i * multiplier + j] +=
				in[i] * weights[i * multiplier + j];
}

/* All taps of output pixel number i; out has the bias. */
static void depthwise_pixel(const struct conv *c, size_t i, const float *weights,
			    int64_t multiplier, float *out)
{
	int64_t ox = (int64_t)i % c->x.out, rest = (int64_t)i / c->x.out;
	int64_t oy = rest % c->y.out, n = rest / c->y.out;

	for (int64_t ky = 0; ky < c->y.size; ky++)
		for (int64_t kx = 0; kx < c->x.size; kx++) {
			const float *in = under(c, n, oy, ox, ky, kx);

			if (in)
				depthwise_tap(in, weights, c->channels,
					      multiplier, out);
			weights += c->channels * multiplier;
		}
}

int float_depthwise(const struct float_op *f)
{
	struct conv c = make_conv(f);
	int64_t multiplier = f->op->u.conv.depth_multiplier;
	size_t channels = (size_t)(c.channels * multiplier);
	size_t pixels = float_elements(f->out_info) / channels;

	start_with_bias(f, channels);
	for (size_t i = 0; i < pixels; i++)
		depthwise_pixel(&c, i, f->values[1], multiplier,
				f->out + i * channels);
	return 0;
}
