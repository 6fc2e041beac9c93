// SPDX-License-Identifier: MIT
#include "walk.h"

/*
 * Place of the strip for results at out: a cache line further on, so that loads
 * are ahead of the stores before them. See QK_WALK_APART.
 */
static void *place(const struct qk_walk *walk, const uint8_t *out)
{
	uint8_t *copy = walk->copy;
	size_t gap = ((uintptr_t)out + 64 - (uintptr_t)copy) % QK_WALK_APART;

	return walk->apart ? copy + gap / 64 * 64 : copy;
}

/* Rows [y, y + rows) of image n, columns [x, x + columns). */
static void run_strip(const struct qk_walk *walk, uint32_t n, uint32_t y,
		      uint32_t rows, uint32_t x, uint32_t columns)
{
	const struct qaccel_cmd_conv *cmd = walk->cmd;
	uint8_t *out = walk->out + qk_offset(&cmd->out, n, y, x);
	void *copy = place(walk, out);
	struct qk_pixels px = {
		.base = copy,
		.offset = walk->offset,
		.count = qk_strip_offsets(&walk->strip, rows, columns,
					  walk->offset),
		.out = out,
	};

	qk_strip_fill_with(walk->element, cmd, &walk->strip,
			   walk->in + qk_offset(&cmd->in, n, 0, 0), y, x, rows,
			   copy);
	walk->run(walk->job, &px);
}

static void run_rows(const struct qk_walk *walk)
{
	const struct qaccel_cmd_conv *cmd = walk->cmd;
	uint32_t rows, columns;

	for (uint32_t y = walk->tile->y0; y < walk->tile->y1; y += rows) {
		uint32_t n = y / cmd->out.h, oy = y % cmd->out.h;

		/* A strip lies in one image. */
		rows = walk->strip.rows;
		rows = rows < cmd->out.h - oy ? rows : cmd->out.h - oy;
		rows = rows < walk->tile->y1 - y ? rows : walk->tile->y1 - y;
		for (uint32_t x = 0; x < cmd->out.w; x += columns) {
			columns = walk->strip.columns;
			columns = columns < cmd->out.w - x ? columns :
				  cmd->out.w - x;
			run_strip(walk, n, oy, rows, x, columns);
		}
	}
}

/* Without borders the rows of a tile are one run of pixels. */
static void run_pointwise(const struct qk_walk *walk)
{
	const struct qaccel_cmd_conv *cmd = walk->cmd;
	size_t c = cmd->in.c, first = (size_t)walk->tile->y0 * cmd->out.w;
	size_t total = (size_t)(walk->tile->y1 - walk->tile->y0) * cmd->out.w;
	uint32_t chunk = walk->strip.columns;
	struct qk_pixels px = { .offset = walk->offset };

	qk_strip_offsets(&walk->strip, 1, chunk, walk->offset);
	for (size_t i = 0; i < total; i += px.count) {
		const uint8_t *from = walk->in + (first + i) * c;
		void *copy;

		px.count = chunk < total - i ? chunk : (uint32_t)(total - i);
		px.out = walk->out + (first + i) * cmd->out.c;
		copy = place(walk, px.out);
		px.base = walk->in_place ? from : copy;
		if (!walk->in_place)
			walk->element->copy(&walk->strip, copy, from,
					    px.count * c);
		walk->run(walk->job, &px);
	}
}

void qk_walk(const struct qk_walk *walk)
{
	if (qk_is_pointwise(walk->cmd))
		run_pointwise(walk);
	else
		run_rows(walk);
}
