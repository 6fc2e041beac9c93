// SPDX-License-Identifier: MIT
#include <arm_neon.h>

#include "strip_neon.h"

/* Stays in the second-level cache with the weights of some blocks beside it. */
#define STRIP_BYTES	(64u << 10)
/* One for few pixels may take more, where dilation spreads it out. */
#define STRIP_LIMIT	(4u << 20)
/* Fewer columns would leave the micro-kernels' tiles unfilled. */
#define STRIP_MIN_COLUMNS 16u

static void measure(const struct qaccel_cmd_conv *cmd, uint32_t rows,
		    uint32_t columns, struct qk_strip *s)
{
	uint64_t height, width;

	s->rows = rows;
	s->columns = columns;
	/* Rows and columns that no window reads are left out. */
	s->step_y = cmd->kh == 1 ? 1 : cmd->stride_h;
	s->step_x = cmd->kw == 1 ? 1 : cmd->stride_w;
	height = (uint64_t)(rows - 1) * s->step_y +
		 (uint64_t)(cmd->kh - 1) * cmd->dilation_h + 1;
	width = (uint64_t)(columns - 1) * s->step_x +
		(uint64_t)(cmd->kw - 1) * cmd->dilation_w + 1;
	s->width = (uint32_t)width;
	s->row = width * s->pixel;
	/* A row is below 2^53 bytes, so the product could wrap. */
	s->size = s->row > STRIP_LIMIT ? SIZE_MAX : height * s->row;
}

bool qk_strip_choose(const struct qaccel_cmd_conv *cmd, uint32_t rows,
		     uint32_t columns, struct qk_strip *s)
{
	uint32_t x = columns < QK_STRIP_PIXELS ? columns : QK_STRIP_PIXELS;
	uint32_t y = 1;

	s->flip = cmd->in.dtype == QACCEL_DTYPE_U8 ? 0x80 : 0;
	s->pixel = (size_t)cmd->in.c * cmd->depth_multiplier;
	measure(cmd, 1, x, s);
	while (s->size > STRIP_BYTES && x > STRIP_MIN_COLUMNS) {
		x = (x + 1) / 2;
		measure(cmd, 1, x, s);
	}
	if (s->size > STRIP_LIMIT)
		measure(cmd, 1, x = 1, s);
	if (s->size > STRIP_LIMIT)
		return false;
	if (x == columns && s->size < STRIP_BYTES) {
		y += (uint32_t)((STRIP_BYTES - s->size) / (s->step_y * s->row));
		y = y < QK_STRIP_PIXELS / x ? y : QK_STRIP_PIXELS / x;
		y = y < rows ? y : rows;
	}
	measure(cmd, y, x, s);
	return true;
}

void qk_copy_flipped(uint8_t *to, const uint8_t *from, size_t count,
		     uint8_t flip)
{
	uint8x16_t mask = vdupq_n_u8(flip);
	size_t i = 0;

	for (; i + 16 <= count; i += 16)
		vst1q_u8(to + i, veorq_u8(vld1q_u8(from + i), mask));
	for (; i < count; i++)
		to[i] = from[i] ^ flip;
}

static void copy_pixels(const struct qaccel_cmd_conv *cmd,
			const struct qk_strip *s, uint8_t *to,
			const uint8_t *from, size_t pixels)
{
	size_t count = pixels * cmd->in.c;

	if (cmd->depth_multiplier == 1) {
		qk_copy_flipped(to, from, count, s->flip);
		return;
	}
	for (size_t i = 0; i < count; i++)
		for (uint32_t j = 0; j < cmd->depth_multiplier; j++)
			*to++ = from[i] ^ s->flip;
}

static uint8_t padding(const struct qaccel_cmd_conv *cmd,
		       const struct qk_strip *s)
{
	return (uint8_t)cmd->in.zero_point ^ s->flip;
}

/* A row whose first pixel stands for input column ix. */
static void fill_row(const struct qaccel_cmd_conv *cmd,
		     const struct qk_strip *s, const uint8_t *line, int64_t ix,
		     uint8_t *to)
{
	int64_t width = s->width, first = -ix, last = cmd->in.w - ix;

	first = first < 0 ? 0 : first > width ? width : first;
	last = last < first ? first : last > width ? width : last;
	memset(to, padding(cmd, s), (size_t)first * s->pixel);
	if (last > first)
		copy_pixels(cmd, s, to + (size_t)first * s->pixel,
			    line + (size_t)(ix + first) * cmd->in.c,
			    (size_t)(last - first));
	memset(to + (size_t)last * s->pixel, padding(cmd, s),
	       (size_t)(width - last) * s->pixel);
}

/* The same where a filter one pixel wide skips columns. */
static void fill_row_sparse(const struct qaccel_cmd_conv *cmd,
			    const struct qk_strip *s, const uint8_t *line,
			    int64_t ix, uint8_t *to)
{
	for (uint32_t j = 0; j < s->width; j++, ix += cmd->stride_w) {
		if (ix < 0 || ix >= cmd->in.w)
			memset(to, padding(cmd, s), s->pixel);
		else
			copy_pixels(cmd, s, to, line + (size_t)ix * cmd->in.c,
				    1);
		to += s->pixel;
	}
}

void qk_strip_fill(const struct qaccel_cmd_conv *cmd,
		   const struct qk_strip *s, const uint8_t *image, uint32_t oy,
		   uint32_t ox, uint32_t rows, uint8_t *to)
{
	bool sparse = cmd->kw == 1 && cmd->stride_w > 1;
	int64_t step = cmd->kh == 1 ? cmd->stride_h : 1;
	int64_t iy = (int64_t)oy * cmd->stride_h - cmd->pad_top;
	int64_t ix = (int64_t)ox * cmd->stride_w - cmd->pad_left;
	uint32_t height = (rows - 1) * s->step_y +
			  (cmd->kh - 1u) * cmd->dilation_h + 1;

	for (uint32_t i = 0; i < height; i++, iy += step, to += s->row) {
		const uint8_t *line;

		if (iy < 0 || iy >= cmd->in.h) {
			memset(to, padding(cmd, s), s->row);
			continue;
		}
		line = image + (size_t)iy * cmd->in.w * cmd->in.c;
		if (sparse)
			fill_row_sparse(cmd, s, line, ix, to);
		else
			fill_row(cmd, s, line, ix, to);
	}
}

uint32_t qk_strip_offsets(const struct qk_strip *s, uint32_t rows,
			  uint32_t columns, int32_t *offset)
{
	uint32_t count = 0;

	for (uint32_t y = 0; y < rows; y++)
		for (uint32_t x = 0; x < columns; x++)
			offset[count++] = (int32_t)(y * s->step_y * s->row +
						    x * s->step_x * s->pixel);
	return count;
}
