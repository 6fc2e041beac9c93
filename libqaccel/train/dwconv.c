// SPDX-License-Identifier: MIT
/*
 * All three products run on a copy of the picture with its padding around it,
 * so that no window is cut. The gradient of the input is the product of the
 * output's, stride - 1 zeros between its pixels, and the filter turned round.
 */
#include <string.h>

#include "clones.h"
#include "dwconv.h"

/* A padded picture, a filter on it, and what comes out. */
struct plane {
	size_t h, w, c;			/* padded */
	size_t size_h, size_w, stride;
	size_t out_h, out_w;
};

/* GCC makes of it what the machine has. */
#define LANES	8
typedef float lanes __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

static struct plane forward_plane(const struct window *window)
{
	struct plane plane = {
		.h = (size_t)(window->out.h - 1) * window->stride + window->size_h,
		.w = (size_t)(window->out.w - 1) * window->stride + window->size_w,
		.c = window->in.c,
		.size_h = window->size_h,
		.size_w = window->size_w,
		.stride = window->stride,
		.out_h = window->out.h,
		.out_w = window->out.w,
	};

	return plane;
}

static struct plane backward_plane(const struct window *window)
{
	struct plane plane = {
		.h = (size_t)window->in.h + window->size_h - 1,
		.w = (size_t)window->in.w + window->size_w - 1,
		.c = window->in.c,
		.size_h = window->size_h,
		.size_w = window->size_w,
		.stride = 1,
		.out_h = window->in.h,
		.out_w = window->in.w,
	};

	return plane;
}

static size_t plane_values(const struct plane *plane)
{
	return plane->h * plane->w * plane->c;
}

size_t dwconv_buffer(const struct window *window)
{
	struct plane forward = forward_plane(window);
	struct plane backward = backward_plane(window);
	size_t a = plane_values(&forward), b = plane_values(&backward);

	/* The filter turned round is there too. */
	return (a > b ? a : b) +
	       (size_t)window->size_h * window->size_w * window->in.c;
}

/* -------------------------------------------------------------- copies -- */

/* A stride that leaves pixels out can end before the picture does. */
static void pad_picture(const struct window *window, const struct plane *plane,
			const float *x, float *padded)
{
	size_t c = plane->c, w = window->in.w, h = window->in.h;
	size_t line = plane->w * c;

	if (w > plane->w - window->pad_left)
		w = plane->w - window->pad_left;
	if (h > plane->h - window->pad_top)
		h = plane->h - window->pad_top;
	memset(padded, 0, window->pad_top * line * sizeof(*padded));
	padded += window->pad_top * line;
	for (size_t y = 0; y < h; y++, padded += line) {
		size_t left = window->pad_left * c, middle = w * c;

		memset(padded, 0, left * sizeof(*padded));
		memcpy(padded + left, x + y * window->in.w * c,
		       middle * sizeof(*padded));
		memset(padded + left + middle, 0,
		       (line - left - middle) * sizeof(*padded));
	}
	memset(padded, 0, (plane->h - window->pad_top - h) * line * sizeof(*padded));
}

static void spread_gradient(const struct window *window,
			    const struct plane *plane, const float *dz,
			    float *padded)
{
	size_t c = plane->c, stride = window->stride;
	size_t top = window->size_h - 1 - window->pad_top;
	size_t left = window->size_w - 1 - window->pad_left;

	size_t run = stride == 1 ? window->out.w : 1;

	for (size_t y = 0; y < window->out.h; y++)
		for (size_t x = 0; x < window->out.w; x += run, dz += run * c)
			memcpy(padded + ((top + y * stride) * plane->w + left +
					 x * stride) * c,
			       dz, run * c * sizeof(*dz));
}

static void turn_filter(const struct plane *plane, const float *weights,
			float *turned)
{
	size_t taps = plane->size_h * plane->size_w, c = plane->c;

	for (size_t i = 0; i < taps; i++)
		memcpy(turned + i * c, weights + (taps - 1 - i) * c,
		       c * sizeof(*turned));
}

/* ------------------------------------------------------------ products -- */

/* Channels [c, c + LANES) of a 3 x 3 filter, which stays in registers. */
NET_INLINE void product_3x3(const struct plane *plane, const float *x,
			       const float *weights, bool add, float *y)
{
	size_t c = plane->c, line = plane->w * c;
	lanes w[9];

	for (size_t i = 0; i < 9; i++)
		w[i] = *(const lanes *)(weights + i * c);
	for (size_t oy = 0; oy < plane->out_h; oy++) {
		const float *p = x + oy * plane->stride * line;

		for (size_t ox = 0; ox < plane->out_w; ox++, y += c) {
			lanes sum = w[0] * *(const lanes *)p;

			sum += w[1] * *(const lanes *)(p + c);
			sum += w[2] * *(const lanes *)(p + 2 * c);
			sum += w[3] * *(const lanes *)(p + line);
			sum += w[4] * *(const lanes *)(p + line + c);
			sum += w[5] * *(const lanes *)(p + line + 2 * c);
			sum += w[6] * *(const lanes *)(p + 2 * line);
			sum += w[7] * *(const lanes *)(p + 2 * line + c);
			sum += w[8] * *(const lanes *)(p + 2 * line + 2 * c);
			if (add)
				sum += *(const lanes *)y;
			*(lanes *)y = sum;
			p += plane->stride * c;
		}
	}
}

NET_INLINE void add_tap(const float *restrict x, const float *restrict w,
			   size_t count, float *restrict y)
{
	for (size_t i = 0; i < count; i++)
		y[i] += x[i] * w[i];
}

NET_INLINE void product_any(const struct plane *plane, const float *x,
			       const float *weights, bool add, float *y)
{
	size_t c = plane->c;

	for (size_t oy = 0; oy < plane->out_h; oy++)
		for (size_t ox = 0; ox < plane->out_w; ox++, y += c) {
			const float *p = x + (oy * plane->w + ox) * plane->stride * c;
			const float *w = weights;

			for (size_t i = 0; i < c && !add; i++)
				y[i] = 0;
			for (size_t ky = 0; ky < plane->size_h; ky++)
				for (size_t kx = 0; kx < plane->size_w; kx++, w += c)
					add_tap(p + (ky * plane->w + kx) * c, w, c, y);
		}
}

static bool has_lanes(const struct plane *plane)
{
	return plane->size_h == 3 && plane->size_w == 3 && plane->c % LANES == 0;
}

NET_CLONES
static void product(const struct plane *plane, const float *x,
		    const float *weights, bool add, float *y)
{
	if (!has_lanes(plane)) {
		product_any(plane, x, weights, add, y);
		return;
	}
	for (size_t c = 0; c < plane->c; c += LANES)
		product_3x3(plane, x + c, weights + c, add, y + c);
}

NET_INLINE void gradient_3x3(const struct plane *plane, const float *x,
				const float *dz, float *d_weights)
{
	size_t c = plane->c, line = plane->w * c;
	lanes d[9];

	for (size_t i = 0; i < 9; i++)
		d[i] = *(const lanes *)(d_weights + i * c);
	for (size_t oy = 0; oy < plane->out_h; oy++) {
		const float *p = x + oy * plane->stride * line;

		for (size_t ox = 0; ox < plane->out_w; ox++, dz += c) {
			lanes g = *(const lanes *)dz;

			d[0] += g * *(const lanes *)p;
			d[1] += g * *(const lanes *)(p + c);
			d[2] += g * *(const lanes *)(p + 2 * c);
			d[3] += g * *(const lanes *)(p + line);
			d[4] += g * *(const lanes *)(p + line + c);
			d[5] += g * *(const lanes *)(p + line + 2 * c);
			d[6] += g * *(const lanes *)(p + 2 * line);
			d[7] += g * *(const lanes *)(p + 2 * line + c);
			d[8] += g * *(const lanes *)(p + 2 * line + 2 * c);
			p += plane->stride * c;
		}
	}
	for (size_t i = 0; i < 9; i++)
		*(lanes *)(d_weights + i * c) = d[i];
}

NET_INLINE void gradient_any(const struct plane *plane, const float *x,
				const float *dz, float *d_weights)
{
	size_t c = plane->c;

	for (size_t oy = 0; oy < plane->out_h; oy++)
		for (size_t ox = 0; ox < plane->out_w; ox++, dz += c) {
			const float *p = x + (oy * plane->w + ox) * plane->stride * c;
			float *d = d_weights;

			for (size_t ky = 0; ky < plane->size_h; ky++)
				for (size_t kx = 0; kx < plane->size_w; kx++, d += c)
					add_tap(p + (ky * plane->w + kx) * c, dz, c, d);
		}
}

NET_CLONES
static void gradient(const struct plane *plane, const float *x, const float *dz,
		     float *d_weights)
{
	if (!has_lanes(plane)) {
		gradient_any(plane, x, dz, d_weights);
		return;
	}
	for (size_t c = 0; c < plane->c; c += LANES)
		gradient_3x3(plane, x + c, dz + c, d_weights + c);
}

/* -------------------------------------------------------------- public -- */

void dwconv_product(const struct window *window, const float *x,
		    const float *weights, size_t pictures, float *buffer,
		    float *z)
{
	struct plane plane = forward_plane(window);
	size_t in = shape_values(window->in), out = shape_values(window->out);

	for (size_t i = 0; i < pictures; i++) {
		pad_picture(window, &plane, x + i * in, buffer);
		product(&plane, buffer, weights, false, z + i * out);
	}
}

void dwconv_weights_gradient(const struct window *window, const float *x,
			     const float *dz, size_t pictures, float *buffer,
			     bool add, float *d_weights)
{
	struct plane plane = forward_plane(window);
	size_t in = shape_values(window->in), out = shape_values(window->out);

	if (!add)
		memset(d_weights, 0, plane.size_h * plane.size_w * plane.c *
				     sizeof(*d_weights));
	for (size_t i = 0; i < pictures; i++) {
		pad_picture(window, &plane, x + i * in, buffer);
		gradient(&plane, buffer, dz + i * out, d_weights);
	}
}

void dwconv_input_gradient(const struct window *window, const float *dz,
			   const float *weights, size_t pictures, float *buffer,
			   bool add, float *dx)
{
	struct plane plane = backward_plane(window);
	size_t in = shape_values(window->in), out = shape_values(window->out);
	float *turned = buffer + plane_values(&plane);

	turn_filter(&plane, weights, turned);
	/* The zeros stay where they are from picture to picture. */
	memset(buffer, 0, plane_values(&plane) * sizeof(*buffer));
	for (size_t i = 0; i < pictures; i++) {
		spread_gradient(window, &plane, dz + i * out, buffer);
		product(&plane, buffer, turned, add, dx + i * in);
	}
}
