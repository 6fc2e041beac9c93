// SPDX-License-Identifier: MIT
#include "strip.h"

/*
 * Elements that stay in the second-level cache beside some weights: 64 KiB of
 * bytes, or 128 KiB where they are widened to 16 bits. More where weights are so
 * large that reading them once more for another strip would take longer.
 */
#define STRIP_SIZE	(64u << 10)
#define STRIP_SIZE_MOST	(192u << 10)
/* Channels whose weights stay in cache together. */
#define STRIP_CHANNELS	64u
/* A strip for few pixels may take more, where dilation spreads it out. */
#define STRIP_LIMIT	(4u << 20)
/* Fewer columns would leave the micro-kernels' tiles unfilled. */
#define STRIP_MIN_COLUMNS 16u

static uint64_t wanted_size(const struct qaccel_cmd_conv *cmd)
{
	uint64_t k = (uint64_t)cmd->kh * cmd->kw * cmd->in.c;
	uint64_t half = k * STRIP_CHANNELS / 2;

	if (cmd->hdr.opcode != QACCEL_OP_CONV2D || half < STRIP_SIZE)
		return STRIP_SIZE;
	return half < STRIP_SIZE_MOST ? half : STRIP_SIZE_MOST;
}

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
	/* A row is below 2^60 elements, so the product could wrap. */
	s->size = s->row > STRIP_LIMIT ? SIZE_MAX : height * s->row;
}

bool qk_strip_choose(const struct qaccel_cmd_conv *cmd, uint32_t rows,
		     uint32_t columns, enum qaccel_dtype flipped,
		     struct qk_strip *s)
{
	uint32_t x = columns < QK_STRIP_PIXELS ? columns : QK_STRIP_PIXELS;
	uint64_t wanted = wanted_size(cmd);
	uint32_t y = 1;

	s->repeat = cmd->depth_multiplier;
	s->pixel = (size_t)cmd->in.c * s->repeat;
	s->flip = cmd->in.dtype == flipped ? 0x80 : 0;
	measure(cmd, 1, x, s);
	while (s->size > wanted && x > STRIP_MIN_COLUMNS) {
		x = (x + 1) / 2;
		measure(cmd, 1, x, s);
	}
	if (s->size > STRIP_LIMIT)
		measure(cmd, 1, x = 1, s);
	if (s->size > STRIP_LIMIT)
		return false;
	if (x == columns && s->size < wanted) {
		y += (uint32_t)((wanted - s->size) / (s->step_y * s->row));
		y = y < QK_STRIP_PIXELS / x ? y : QK_STRIP_PIXELS / x;
		y = y < rows ? y : rows;
	}
	measure(cmd, y, x, s);
	return true;
}

bool qk_strip_choose_conv2d(const struct qaccel_cmd_conv *cmd,
			    enum qaccel_dtype flipped, struct qk_strip *s)
{
	uint64_t pixels = (uint64_t)cmd->out.n * cmd->out.h * cmd->out.w;

	if (qk_is_pointwise(cmd))
		return qk_strip_choose(cmd, 1, pixels < QK_STRIP_PIXELS ?
				       (uint32_t)pixels : QK_STRIP_PIXELS,
				       flipped, s);
	return qk_strip_choose(cmd, cmd->out.h, cmd->out.w, flipped, s);
}

/* struct fill - one call of qk_strip_fill_with() */
struct fill {
	const struct qk_strip_element *element;
	const struct qaccel_cmd_conv *cmd;
	const struct qk_strip *strip;
};

static void pad(const struct fill *f, uint8_t *to, size_t count)
{
	if (count)
		f->element->set(f->strip, to, f->cmd->in.zero_point, count);
}

/* A row whose first pixel stands for input column ix. */
static void fill_row(const struct fill *f, const uint8_t *line, int64_t ix,
		     uint8_t *to)
{
	uint32_t width = f->strip->width, first, last;
	size_t c = f->cmd->in.c, n = f->strip->pixel;
	size_t pixel = n * f->element->size;

	qk_columns_inside(f->cmd, ix, width, &first, &last);
	pad(f, to, (size_t)first * n);
	if (last > first)
		f->element->copy(f->strip, to + (size_t)first * pixel,
				 line + (size_t)(ix + first) * c,
				 (size_t)(last - first) * c);
	pad(f, to + (size_t)last * pixel, (size_t)(width - last) * n);
}

/* The same where a filter one pixel wide skips columns. */
static void fill_row_sparse(const struct fill *f, const uint8_t *line,
			    int64_t ix, uint8_t *to)
{
	size_t c = f->cmd->in.c, n = f->strip->pixel;
	size_t pixel = n * f->element->size;

	for (uint32_t j = 0; j < f->strip->width; j++, to += pixel) {
		if (ix < 0 || ix >= f->cmd->in.w)
			pad(f, to, n);
		else
			f->element->copy(f->strip, to, line + (size_t)ix * c,
					 c);
		ix += f->cmd->stride_w;
	}
}

void qk_strip_fill_with(const struct qk_strip_element *element,
			const struct qaccel_cmd_conv *cmd,
			const struct qk_strip *s, const uint8_t *image,
			uint32_t oy, uint32_t ox, uint32_t rows, void *to)
{
	const struct fill f = { element, cmd, s };
	bool sparse = cmd->kw == 1 && cmd->stride_w > 1;
	int64_t step = cmd->kh == 1 ? cmd->stride_h : 1;
	int64_t iy = (int64_t)oy * cmd->stride_h - cmd->pad_top;
	int64_t ix = (int64_t)ox * cmd->stride_w - cmd->pad_left;
	uint32_t height = (rows - 1) * s->step_y +
			  (cmd->kh - 1u) * cmd->dilation_h + 1;
	size_t line = (size_t)cmd->in.w * cmd->in.c;
	uint8_t *row = to;

	for (uint32_t i = 0; i < height; i++, iy += step) {
		if (iy < 0 || iy >= cmd->in.h)
			pad(&f, row, s->row);
		else if (sparse)
			fill_row_sparse(&f, image + (size_t)iy * line, ix, row);
		else
			fill_row(&f, image + (size_t)iy * line, ix, row);
		row += s->row * element->size;
	}
}

uint32_t qk_strip_offsets(const struct qk_strip *s, uint32_t rows,
			  uint32_t columns, int32_t *offset)
{
	size_t pixel = s->step_x * s->pixel;
	uint32_t count = 0;

	for (uint32_t y = 0; y < rows; y++)
		for (uint32_t x = 0; x < columns; x++)
			offset[count++] = (int32_t)(y * s->step_y * s->row +
						    x * pixel);
	return count;
}
