// SPDX-License-Identifier: MIT
#include <math.h>
#include <string.h>

#include "clones.h"
#include "pool.h"

/* Where a tap's values are on the picture. */
static size_t tap_offset(const struct window *window, uint32_t oy, uint32_t ox,
			 uint32_t ky, uint32_t kx)
{
	size_t iy = (size_t)oy * window->stride + ky - window->pad_top;
	size_t ix = (size_t)ox * window->stride + kx - window->pad_left;

	return (iy * window->in.w + ix) * window->in.c;
}

static struct taps taps_y(const struct window *window, uint32_t oy)
{
	return window_taps(oy, window->stride, window->pad_top, window->size_h,
			   window->in.h);
}

static struct taps taps_x(const struct window *window, uint32_t ox)
{
	return window_taps(ox, window->stride, window->pad_left, window->size_w,
			   window->in.w);
}

/* ------------------------------------------------------------- average -- */

NET_CLONES
static void average_pixel(const struct window *window, const float *x,
			  uint32_t oy, uint32_t ox, float *y)
{
	size_t c = window->in.c;
	float share = 1 / ((float)window->size_h * (float)window->size_w);

	for (size_t i = 0; i < c; i++)
		y[i] = 0;
	for (uint32_t ky = 0; ky < window->size_h; ky++)
		for (uint32_t kx = 0; kx < window->size_w; kx++) {
			const float *p = x + tap_offset(window, oy, ox, ky, kx);

			for (size_t i = 0; i < c; i++)
				y[i] += p[i];
		}
	for (size_t i = 0; i < c; i++)
		y[i] *= share;
}

void average_pool(const struct window *window, const float *x, size_t pictures,
		  float *y)
{
	for (size_t i = 0; i < pictures; i++, x += shape_values(window->in))
		for (uint32_t oy = 0; oy < window->out.h; oy++)
			for (uint32_t ox = 0; ox < window->out.w; ox++) {
				average_pixel(window, x, oy, ox, y);
				y += window->in.c;
			}
}

NET_CLONES
static void average_pixel_gradient(const struct window *window, const float *dy,
				   uint32_t oy, uint32_t ox, float *dx)
{
	float share = 1 / ((float)window->size_h * (float)window->size_w);

	for (uint32_t ky = 0; ky < window->size_h; ky++)
		for (uint32_t kx = 0; kx < window->size_w; kx++) {
			float *p = dx + tap_offset(window, oy, ox, ky, kx);

			for (size_t i = 0; i < window->in.c; i++)
				p[i] += dy[i] * share;
		}
}

void average_pool_gradient(const struct window *window, const float *dy,
			   size_t pictures, bool add, float *dx)
{
	size_t in = shape_values(window->in);

	if (!add)
		memset(dx, 0, pictures * in * sizeof(*dx));
	for (size_t i = 0; i < pictures; i++, dx += in)
		for (uint32_t oy = 0; oy < window->out.h; oy++)
			for (uint32_t ox = 0; ox < window->out.w; ox++) {
				average_pixel_gradient(window, dy, oy, ox, dx);
				dy += window->in.c;
			}
}

/* ------------------------------------------------------------- maximum -- */

NET_CLONES
static void max_pixel(const struct window *window, const float *x, uint32_t oy,
		      uint32_t ox, float *y)
{
	struct taps ty = taps_y(window, oy), tx = taps_x(window, ox);
	size_t c = window->in.c;

	for (size_t i = 0; i < c; i++)
		y[i] = -INFINITY;
	for (uint32_t ky = ty.first; ky < ty.last; ky++)
		for (uint32_t kx = tx.first; kx < tx.last; kx++) {
			const float *p = x + tap_offset(window, oy, ox, ky, kx);

			for (size_t i = 0; i < c; i++)
				y[i] = p[i] <= y[i] ? y[i] : p[i];
		}
}

void max_pool(const struct window *window, const float *x, size_t pictures,
	      float *y)
{
	for (size_t i = 0; i < pictures; i++, x += shape_values(window->in))
		for (uint32_t oy = 0; oy < window->out.h; oy++)
			for (uint32_t ox = 0; ox < window->out.w; ox++) {
				max_pixel(window, x, oy, ox, y);
				y += window->in.c;
			}
}

/* left: what no tap has taken yet. */
NET_CLONES
static void max_pixel_gradient(const struct window *window, const float *x,
			       const float *y, uint32_t oy, uint32_t ox,
			       float *restrict left, float *restrict dx)
{
	struct taps ty = taps_y(window, oy), tx = taps_x(window, ox);

	for (uint32_t ky = ty.first; ky < ty.last; ky++)
		for (uint32_t kx = tx.first; kx < tx.last; kx++) {
			size_t offset = tap_offset(window, oy, ox, ky, kx);
			const float *p = x + offset;
			float *d = dx + offset;

			for (size_t i = 0; i < window->in.c; i++) {
				float taken = p[i] == y[i] ? left[i] : 0;

				d[i] += taken;
				left[i] -= taken;
			}
		}
}

void max_pool_gradient(const struct window *window, const float *x,
		       const float *y, const float *dy, size_t pictures,
		       bool add, float *dx, float *buffer)
{
	size_t in = shape_values(window->in), c = window->in.c;

	if (!add)
		memset(dx, 0, pictures * in * sizeof(*dx));
	for (size_t i = 0; i < pictures; i++, x += in, dx += in)
		for (uint32_t oy = 0; oy < window->out.h; oy++)
			for (uint32_t ox = 0; ox < window->out.w; ox++) {
				memcpy(buffer, dy, c * sizeof(*dy));
				max_pixel_gradient(window, x, y, oy, ox, buffer, dx);
				y += c;
				dy += c;
			}
}
