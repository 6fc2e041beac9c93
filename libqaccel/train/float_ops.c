// SPDX-License-Identifier: MIT
/* The operators of a float model that are not products of matrices. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "float_ops.h"

#define RANK	4	/* what these take at most; shapes get ones in front */

static void pad_shape(const struct qaccel_tensor_info *info, int64_t dims[RANK])
{
	for (uint32_t i = 0; i < RANK; i++)
		dims[i] = i + info->rank < RANK ? 1 :
			  info->dims[i + info->rank - RANK];
}

/* Elements from one to the next along each dimension; 0 where all are one. */
static void strides_of(const struct qaccel_tensor_info *info,
		       int64_t strides[RANK])
{
	int64_t dims[RANK], step = 1;

	pad_shape(info, dims);
	for (int i = RANK - 1; i >= 0; i--) {
		strides[i] = dims[i] == 1 ? 0 : step;
		step *= dims[i];
	}
}

/* Where the element with these coordinates is. */
static int64_t offset(const int64_t at[RANK], const int64_t strides[RANK])
{
	int64_t sum = 0;

	for (int i = 0; i < RANK; i++)
		sum += at[i] * strides[i];
	return sum;
}

/* The next coordinates, in the order of memory. */
static void advance(int64_t at[RANK], const int64_t dims[RANK])
{
	for (int i = RANK - 1; i >= 0 && ++at[i] == dims[i]; i--)
		at[i] = 0;
}

/* -------------------------------------------------------- element-wise -- */

int float_binary(const struct float_op *f)
{
	const float *a = f->values[0], *b = f->values[1];
	int64_t dims[RANK], a_strides[RANK], b_strides[RANK], at[RANK] = { 0 };
	bool add = f->op->builtin == QACCEL_BUILTIN_ADD;

	pad_shape(f->out_info, dims);
	strides_of(f->in[0], a_strides);
	strides_of(f->in[1], b_strides);
	for (size_t i = 0; i < float_elements(f->out_info); i++) {
		float x = a[offset(at, a_strides)], y = b[offset(at, b_strides)];

		f->out[i] = add ? x + y : x * y;
		advance(at, dims);
	}
	return 0;
}

/* Stable: the largest becomes 0. */
static void softmax_row(const float *in, float *out, size_t count, float beta)
{
	float max = in[0];
	double sum = 0;

	for (size_t i = 1; i < count; i++)
		max = fmaxf(max, in[i]);
	for (size_t i = 0; i < count; i++) {
		out[i] = expf((in[i] - max) * beta);
		sum += (double)out[i];
	}
	for (size_t i = 0; i < count; i++)
		out[i] = (float)((double)out[i] / sum);
}

int float_softmax(const struct float_op *f)
{
	const struct qaccel_tensor_info *info = f->in[0];
	size_t row = (size_t)info->dims[info->rank - 1];
	const float *in = f->values[0];

	for (size_t i = 0; i < float_elements(info); i += row)
		softmax_row(in + i, f->out + i, row, f->op->u.softmax.beta);
	return 0;
}

/* --------------------------------------------------------------- pools -- */

struct pool {
	struct float_window y, x;
	int64_t channels;
	bool average;
};

/* The part of a window that is in the input: [*from, *to). */
static void clip(const struct float_window *w, int64_t o, int64_t *from,
		 int64_t *to)
{
	*from = o * w->stride - w->before;
	*to = *from + w->size;
	*from = *from < 0 ? 0 : *from;
	*to = *to > w->in ? w->in : *to;
}

/* One output value; in: the picture's values of this channel. */
static float pool_one(const struct pool *p, const float *in, int64_t oy,
		      int64_t ox)
{
	int64_t y0, y1, x0, x1;
	float max = -INFINITY;
	double sum = 0;

	clip(&p->y, oy, &y0, &y1);
	clip(&p->x, ox, &x0, &x1);
	for (int64_t y = y0; y < y1; y++)
		for (int64_t x = x0; x < x1; x++) {
			float value = in[(y * p->x.in + x) * p->channels];

			sum += (double)value;
			max = fmaxf(max, value);
		}
	if (!p->average)
		return max;
	return (float)(sum / (double)((y1 - y0) * (x1 - x0)));
}

static int pool(const struct float_op *f, bool average)
{
	const struct qaccel_graph_op *op = f->op;
	const int32_t *in = f->in[0]->dims, *out = f->out_info->dims;
	const struct pool p = {
		.y = float_window(op->u.pool.padding, in[1], out[1],
				  op->u.pool.filter_h, op->u.pool.stride_h, 1),
		.x = float_window(op->u.pool.padding, in[2], out[2],
				  op->u.pool.filter_w, op->u.pool.stride_w, 1),
		.channels = in[3],
		.average = average,
	};
	const float *picture = f->values[0];
	float *to = f->out;

	for (int64_t n = 0; n < in[0]; n++) {
		for (int64_t y = 0; y < p.y.out; y++)
			for (int64_t x = 0; x < p.x.out; x++)
				for (int64_t c = 0; c < p.channels; c++)
					*to++ = pool_one(&p, picture + c, y, x);
		picture += p.y.in * p.x.in * p.channels;
	}
	return 0;
}

int float_average_pool(const struct float_op *f)
{
	return pool(f, true);
}

int float_max_pool(const struct float_op *f)
{
	return pool(f, false);
}

/* ------------------------------------------------------- mean, padding -- */

static int32_t element(const void *list, size_t i)
{
	int32_t value;

	memcpy(&value, (const char *)list + 4 * i, sizeof(value));
	return value;
}

/* Which dimensions go, of a shape with ones in front. */
static void find_reduced(const struct float_op *f, bool reduced[RANK])
{
	int32_t rank = (int32_t)f->in[0]->rank;

	for (size_t i = 0; i < f->in[1]->size / 4; i++) {
		int32_t axis = element(f->values[1], i);

		reduced[(axis < 0 ? axis + rank : axis) + RANK - rank] = true;
	}
}

/* Coordinates of the kept dimensions, then for each of those all the others. */
int float_mean(const struct float_op *f)
{
	int64_t dims[RANK], kept[RANK], gone[RANK], strides[RANK];
	int64_t at[RANK] = { 0 }, count = 1;
	bool reduced[RANK] = { false };
	const float *in = f->values[0];

	pad_shape(f->in[0], dims);
	strides_of(f->in[0], strides);
	find_reduced(f, reduced);
	for (int i = 0; i < RANK; i++) {
		kept[i] = reduced[i] ? 1 : dims[i];
		gone[i] = reduced[i] ? dims[i] : 1;
		count *= gone[i];
	}
	for (size_t i = 0; i < float_elements(f->out_info); i++) {
		const float *base = in + offset(at, strides);
		int64_t inner[RANK] = { 0 };
		double sum = 0;

		for (int64_t j = 0; j < count; j++) {
			sum += (double)base[offset(inner, strides)];
			advance(inner, gone);
		}
		f->out[i] = (float)(sum / (double)count);
		advance(at, kept);
	}
	return 0;
}

int float_pad(const struct float_op *f)
{
	int64_t dims[RANK], strides[RANK], at[RANK] = { 0 }, start = 0;
	uint32_t rank = f->in[0]->rank;
	const float *in = f->values[0];

	memset(f->out, 0, f->out_info->size);
	pad_shape(f->in[0], dims);
	strides_of(f->out_info, strides);
	for (uint32_t i = 0; i < rank; i++)
		start += element(f->values[1], 2 * i) * strides[i + RANK - rank];
	for (size_t i = 0; i < float_elements(f->in[0]); i++) {
		f->out[start + offset(at, strides)] = in[i];
		advance(at, dims);
	}
	return 0;
}
