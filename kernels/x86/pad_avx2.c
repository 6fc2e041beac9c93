// SPDX-License-Identifier: MIT
/*
 * PAD of all but channels: whole rows at once. No instruction set is needed for
 * that, but ref stays plain.
 */
#include "avx2.h"
#include "../internal.h"
#include "../ref/ref.h"

/* count elements of the value; what is there is copied behind itself. */
static void fill(uint8_t *out, uint32_t value, size_t size, size_t count)
{
	size_t bytes = size * count, done = size;

	if (!count)
		return;
	for (size_t i = 0; i < size; i++)
		out[i] = (uint8_t)(value >> (8 * i));
	while (done < bytes) {
		size_t n = done < bytes - done ? done : bytes - done;

		memcpy(out + done, out, n);
		done += n;
	}
}

/* Row h of element n, both of the input, or outside of it. */
static void row(const struct qaccel_cmd_pad *cmd, const uint8_t *in,
		uint8_t *out, uint32_t n, uint32_t h)
{
	size_t size = qk_elem_size(cmd->in.dtype), c = cmd->in.c;
	size_t left = cmd->before[2] * c, middle = cmd->in.w * c;
	size_t all = cmd->out.w * c;

	/* Wraps before the first one. */
	if (n >= cmd->in.n || h >= cmd->in.h) {
		fill(out, cmd->value, size, all);
		return;
	}
	fill(out, cmd->value, size, left);
	memcpy(out + left * size, in + qk_offset(&cmd->in, n, h, 0) * size,
	       middle * size);
	fill(out + (left + middle) * size, cmd->value, size,
	     all - left - middle);
}

QK_DECL_PAD(qk_pad_avx2)
{
	size_t bytes = (size_t)cmd->out.w * cmd->out.c *
		       qk_elem_size(cmd->out.dtype);

	if (cmd->in.c != cmd->out.c) {
		qk_pad_ref(cmd, in, out, tile);
		return;
	}
	for (uint32_t y = tile->y0; y < tile->y1; y++)
		row(cmd, in, (uint8_t *)out + y * bytes,
		    y / cmd->out.h - cmd->before[0],
		    y % cmd->out.h - cmd->before[1]);
}
