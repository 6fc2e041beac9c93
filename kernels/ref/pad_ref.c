/* SPDX-License-Identifier: MIT */
/* PAD, for elements of 1, 2 and 4 bytes. */
#include "../internal.h"
#include "ref.h"

/* count elements of the command's value; its low bytes come first. */
static uint8_t *fill(uint8_t *out, uint32_t value, size_t size, size_t count)
{
	for (; count; count--, out += size)
		for (size_t i = 0; i < size; i++)
			out[i] = (uint8_t)(value >> (8 * i));
	return out;
}

static int inside(uint32_t at, uint32_t before, uint32_t length)
{
	return at >= before && at - before < length;
}

static void row(const struct qaccel_cmd_pad *cmd, const uint8_t *in,
		uint8_t *out, uint32_t y)
{
	const struct qaccel_tensor *ti = &cmd->in, *to = &cmd->out;
	const uint32_t *before = cmd->before;
	size_t size = qk_elem_size(ti->dtype);
	uint32_t n = y / to->h, h = y % to->h;
	int row_inside = inside(n, before[0], ti->n) &&
			 inside(h, before[1], ti->h);

	for (uint32_t w = 0; w < to->w; w++) {
		size_t at;

		if (!row_inside || !inside(w, before[2], ti->w)) {
			out = fill(out, cmd->value, size, to->c);
			continue;
		}
		at = qk_offset(ti, n - before[0], h - before[1],
			       w - before[2]);
		out = fill(out, cmd->value, size, before[3]);
		memcpy(out, in + at * size, ti->c * size);
		out = fill(out + ti->c * size, cmd->value, size,
			   to->c - before[3] - ti->c);
	}
}

QK_DECL_PAD(qk_pad_ref)
{
	size_t bytes = (size_t)cmd->out.w * cmd->out.c *
		       qk_elem_size(cmd->out.dtype);

	for (uint32_t y = tile->y0; y < tile->y1; y++)
		row(cmd, in, (uint8_t *)out + y * bytes, y);
}
