/* SPDX-License-Identifier: MIT */
/* The part of a pool's window that lies inside the input, for all ISAs. */
#ifndef QK_WINDOW_H
#define QK_WINDOW_H

#include "internal.h"

/* struct window - rows x columns pixels of 16 channels inside the input */
struct window {
	const uint8_t *first;
	uint32_t rows, columns;
	size_t row_stride, pixel_stride;
};

/* Clips [origin, origin + length) to [0, limit). */
static inline uint32_t qk_clip(int64_t origin, uint32_t length, uint32_t limit,
		     uint32_t *begin)
{
	int64_t end = origin + length;

	if (end > limit)
		end = limit;
	*begin = (uint32_t)(origin < 0 ? 0 : origin);
	return (uint32_t)(end - *begin);
}

static inline struct window pool_window(const struct qaccel_cmd_pool *cmd,
					const uint8_t *in, uint32_t y,
					uint32_t ox)
{
	uint32_t y0, x0;
	struct window win = {
		.rows = qk_clip((int64_t)(y % cmd->out.h) * cmd->stride_h -
				cmd->pad_top, cmd->kh, cmd->in.h, &y0),
		.columns = qk_clip((int64_t)ox * cmd->stride_w - cmd->pad_left,
				   cmd->kw, cmd->in.w, &x0),
		.row_stride = (size_t)cmd->in.w * cmd->in.c,
		.pixel_stride = cmd->in.c,
	};

	win.first = in + qk_offset(&cmd->in, y / cmd->out.h, y0, x0);
	return win;
}

#endif /* QK_WINDOW_H */
