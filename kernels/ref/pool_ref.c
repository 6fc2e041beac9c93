/* SPDX-License-Identifier: MIT */
/* AVGPOOL, MAXPOOL and MEAN. */
#include <assert.h>

#include "../internal.h"
#include "ref.h"

/* The part of a window that lies inside the input. */
struct window {
	uint32_t n;
	uint32_t y0, y1, x0, x1;
};

static void clip(int64_t origin, uint32_t length, uint32_t limit,
		 uint32_t *begin, uint32_t *end)
{
	int64_t last = origin + length;

	*begin = (uint32_t)(origin < 0 ? 0 : origin);
	*end = (uint32_t)(last > limit ? limit : last);
}

static struct window find_window(const struct qaccel_cmd_pool *cmd, uint32_t y,
				 uint32_t ox)
{
	struct window win = { .n = y / cmd->out.h };
	uint32_t oy = y % cmd->out.h;

	clip((int64_t)oy * cmd->stride_h - cmd->pad_top, cmd->kh, cmd->in.h,
	     &win.y0, &win.y1);
	clip((int64_t)ox * cmd->stride_w - cmd->pad_left, cmd->kw, cmd->in.w,
	     &win.x0, &win.x1);
	assert(win.y0 < win.y1 && win.x0 < win.x1);
	return win;
}

/* Half away from zero; |sum| <= 2^24 * 255, which takes more than 32 bits. */
static int32_t average(const struct qaccel_cmd_pool *cmd, const void *in,
		       const struct window *win, uint32_t c)
{
	int64_t count = (int64_t)(win->y1 - win->y0) * (win->x1 - win->x0);
	int64_t sum = 0;

	for (uint32_t y = win->y0; y < win->y1; y++)
		for (uint32_t x = win->x0; x < win->x1; x++)
			sum += qk_get8(in, qk_offset(&cmd->in, win->n, y, x) +
				       c, cmd->in.dtype);
	return (int32_t)((sum + (sum > 0 ? count / 2 : -(count / 2))) / count);
}

static int32_t maximum(const struct qaccel_cmd_pool *cmd, const void *in,
		       const struct window *win, uint32_t c)
{
	int32_t max = INT32_MIN;

	for (uint32_t y = win->y0; y < win->y1; y++) {
		for (uint32_t x = win->x0; x < win->x1; x++) {
			int32_t v = qk_get8(in, qk_offset(&cmd->in, win->n, y,
							  x) + c,
					    cmd->in.dtype);

			max = v > max ? v : max;
		}
	}
	return max;
}

typedef int32_t (*reduce_fn)(const struct qaccel_cmd_pool *cmd, const void *in,
			     const struct window *win, uint32_t c);

static void pool(const struct qaccel_cmd_pool *cmd, const void *in, void *out,
		 const struct qk_tile *tile, reduce_fn reduce)
{
	for (uint32_t y = tile->y0; y < tile->y1; y++) {
		for (uint32_t x = 0; x < cmd->out.w; x++) {
			struct window win = find_window(cmd, y, x);
			size_t at = ((size_t)y * cmd->out.w + x) * cmd->out.c;

			for (uint32_t c = 0; c < cmd->out.c; c++)
				qk_put8(out, at + c,
					qk_clamp(reduce(cmd, in, &win, c),
						 cmd->act_min, cmd->act_max));
		}
	}
}

QK_DECL_POOL(qk_avgpool_ref)
{
	(void)scratch;
	pool(cmd, in, out, tile, average);
}

QK_DECL_POOL(qk_maxpool_ref)
{
	(void)scratch;
	pool(cmd, in, out, tile, maximum);
}

/* h * w <= 2^22: |sum| and |sum - count * Z| stay below 2^30. */
static int32_t mean(const struct qaccel_cmd_mean *cmd, const void *in,
		    uint32_t n, uint32_t c)
{
	int32_t count = (int32_t)(cmd->in.h * cmd->in.w);
	int32_t sum = 0;

	for (uint32_t y = 0; y < cmd->in.h; y++)
		for (uint32_t x = 0; x < cmd->in.w; x++)
			sum += qk_get8(in, qk_offset(&cmd->in, n, y, x) + c,
				       cmd->in.dtype);
	if (cmd->mode == QACCEL_MEAN_TRUNCATE)
		return qk_clamp(sum / count, cmd->act_min, cmd->act_max);
	return qk_finish(qk_scale(sum - count * cmd->in.zero_point,
				  cmd->multiplier, cmd->shift,
				  qk_single_rounding(&cmd->hdr)),
			 cmd->out.zero_point, cmd->act_min, cmd->act_max);
}

QK_DECL_MEAN(qk_mean_ref)
{
	(void)scratch;
	for (uint32_t n = tile->y0; n < tile->y1; n++)
		for (uint32_t c = 0; c < cmd->in.c; c++)
			qk_put8(out, (size_t)n * cmd->out.c + c,
				mean(cmd, in, n, c));
}
