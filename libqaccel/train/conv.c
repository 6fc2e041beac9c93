// SPDX-License-Identifier: MIT
#include <cblas.h>
#include <string.h>

#include "clones.h"
#include "conv.h"

bool conv_has_columns(const struct window *window)
{
	return window->size_h != 1 || window->size_w != 1 || window->stride != 1;
}

size_t conv_depth(const struct window *window)
{
	return (size_t)window->size_h * window->size_w * window->in.c;
}

static size_t conv_rows(const struct window *window, size_t pictures)
{
	return pictures * window->out.h * window->out.w;
}

/* ------------------------------------------------------------- columns -- */

/* Few values: the loop is shorter than the way to memcpy() and back. */
NET_INLINE void copy(float *to, const float *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] = from[i];
}

NET_INLINE void clear(float *to, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] = 0;
}

NET_INLINE void add_to(float *to, const float *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] += from[i];
}

/* One output pixel's row; x: the picture. */
NET_INLINE void gather(const struct window *window, const float *x,
			  uint32_t out_x, struct taps ty, int64_t in_y,
			  float *row)
{
	size_t c = window->in.c, line = window->size_w * c;
	struct taps tx = window_taps(out_x, window->stride, window->pad_left,
				     window->size_w, window->in.w);
	int64_t in_x = (int64_t)out_x * window->stride - window->pad_left;

	clear(row, ty.first * line);
	for (uint32_t ky = ty.first; ky < ty.last; ky++) {
		const float *from = x + ((size_t)(in_y + ky) * window->in.w +
					 (size_t)(in_x + tx.first)) * c;
		float *to = row + ky * line;

		clear(to, tx.first * c);
		copy(to + tx.first * c, from, (tx.last - tx.first) * c);
		clear(to + tx.last * c, (window->size_w - tx.last) * c);
	}
	clear(row + ty.last * line, (window->size_h - ty.last) * line);
}

NET_CLONES
static void picture_columns(const struct window *window, const float *x,
			    float *columns)
{
	size_t depth = conv_depth(window);

	for (uint32_t oy = 0; oy < window->out.h; oy++) {
		struct taps ty = window_taps(oy, window->stride, window->pad_top,
					     window->size_h, window->in.h);
		int64_t in_y = (int64_t)oy * window->stride - window->pad_top;

		for (uint32_t ox = 0; ox < window->out.w; ox++, columns += depth)
			gather(window, x, ox, ty, in_y, columns);
	}
}

NET_INLINE void scatter(const struct window *window, const float *row,
			   uint32_t out_x, struct taps ty, int64_t in_y,
			   float *dx)
{
	size_t c = window->in.c, line = window->size_w * c;
	struct taps tx = window_taps(out_x, window->stride, window->pad_left,
				     window->size_w, window->in.w);
	int64_t in_x = (int64_t)out_x * window->stride - window->pad_left;

	for (uint32_t ky = ty.first; ky < ty.last; ky++) {
		float *to = dx + ((size_t)(in_y + ky) * window->in.w +
				  (size_t)(in_x + tx.first)) * c;

		add_to(to, row + ky * line + tx.first * c,
		       (tx.last - tx.first) * c);
	}
}

NET_CLONES
static void add_picture_columns(const struct window *window,
				const float *columns, float *dx)
{
	size_t depth = conv_depth(window);

	for (uint32_t oy = 0; oy < window->out.h; oy++) {
		struct taps ty = window_taps(oy, window->stride, window->pad_top,
					     window->size_h, window->in.h);
		int64_t in_y = (int64_t)oy * window->stride - window->pad_top;

		for (uint32_t ox = 0; ox < window->out.w; ox++, columns += depth)
			scatter(window, columns, ox, ty, in_y, dx);
	}
}

const float *conv_columns(const struct window *window, const float *x,
			  size_t pictures, float *buffer)
{
	size_t in = shape_values(window->in);
	size_t out = conv_rows(window, 1) * conv_depth(window);

	if (!conv_has_columns(window))
		return x;
	for (size_t i = 0; i < pictures; i++)
		picture_columns(window, x + i * in, buffer + i * out);
	return buffer;
}

/* ------------------------------------------------------------ products -- */

void conv_product(const struct window *window, const float *columns,
		  const float *weights, size_t pictures, float *z)
{
	int m = (int)conv_rows(window, pictures), n = (int)window->out.c;
	int k = (int)conv_depth(window);

	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, columns,
		    k, weights, k, 0, z, n);
}

void conv_weights_gradient(const struct window *window, const float *columns,
			   const float *dz, size_t pictures, bool add,
			   float *d_weights)
{
	int m = (int)window->out.c, n = (int)conv_depth(window);
	int k = (int)conv_rows(window, pictures);

	cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, m, n, k, 1, dz, m,
		    columns, n, add ? 1 : 0, d_weights, n);
}

void conv_input_gradient(const struct window *window, const float *dz,
			 const float *weights, size_t pictures, float *buffer,
			 bool add, float *dx)
{
	int m = (int)conv_rows(window, pictures), n = (int)conv_depth(window);
	int k = (int)window->out.c;
	size_t in = shape_values(window->in);
	size_t out = conv_rows(window, 1) * conv_depth(window);
	bool direct = !conv_has_columns(window);

	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, dz, k,
		    weights, n, direct && add ? 1 : 0, direct ? dx : buffer, n);
	if (direct)
		return;
	if (!add)
		memset(dx, 0, pictures * in * sizeof(*dx));
	for (size_t i = 0; i < pictures; i++)
		add_picture_columns(window, buffer + i * out, dx + i * in);
}
