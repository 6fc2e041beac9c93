// SPDX-License-Identifier: MIT
#include "border.h"

/* struct axis - rows or columns of a convolution */
struct axis {
	uint32_t stride, pad, filter, dilation;
	uint32_t size;			/* of the input */
};

/* struct part - neighbours on an axis, and the taps that some of them need */
struct part {
	uint32_t begin, end;
	uint32_t tap0, tap1;
};

/* The taps of output o that lie in the input; empty ones are [0, 0). */
static void taps_of(const struct axis *a, uint32_t o, uint32_t *tap0,
		    uint32_t *tap1)
{
	int64_t first = (int64_t)o * a->stride - a->pad;
	int64_t begin = 0, end = a->filter;

	if (first < 0)
		begin = (-first + a->dilation - 1) / a->dilation;
	if (first + (int64_t)(a->filter - 1) * a->dilation >= a->size)
		end = first < a->size ?
		      (a->size - 1 - first) / a->dilation + 1 : 0;
	*tap0 = begin < end ? (uint32_t)begin : 0;
	*tap1 = begin < end ? (uint32_t)end : 0;
}

/* One more output; its taps begin and end no later than those before. */
static void widen(struct part *p, uint32_t tap0, uint32_t tap1)
{
	if (tap0 == tap1)
		return;
	if (p->tap0 == p->tap1)
		p->tap1 = tap1;
	p->tap0 = tap0;
}

/*
 * Outputs [o, o + count): those cut off at the beginning, those that are whole,
 * and the rest. A window larger than the input counts as the first.
 */
static uint32_t divide(const struct axis *a, uint32_t o, uint32_t count,
		       struct part parts[3])
{
	uint32_t used = 0, kind = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t tap0, tap1, now;

		taps_of(a, o + i, &tap0, &tap1);
		now = tap0 || tap0 == tap1 ? 0 : tap1 == a->filter ? 1 : 2;
		/* Kinds come in order, but for windows without any input. */
		now = now < kind ? kind : now;
		if (!used || now != kind)
			parts[used++] = (struct part){ .begin = i };
		kind = now;
		parts[used - 1].end = i + 1;
		widen(&parts[used - 1], tap0, tap1);
	}
	return used;
}

uint32_t qk_border_classes(const struct qaccel_cmd_conv *cmd, uint32_t oy,
			   uint32_t rows, uint32_t ox, uint32_t columns,
			   struct qk_class classes[QK_MAX_CLASSES])
{
	const struct axis down = { cmd->stride_h, cmd->pad_top, cmd->kh,
				   cmd->dilation_h, cmd->in.h };
	const struct axis across = { cmd->stride_w, cmd->pad_left, cmd->kw,
				     cmd->dilation_w, cmd->in.w };
	struct part y[3], x[3];
	uint32_t ny = divide(&down, oy, rows, y);
	uint32_t nx = divide(&across, ox, columns, x), count = 0;

	for (uint32_t i = 0; i < ny; i++)
		for (uint32_t j = 0; j < nx; j++)
			classes[count++] = (struct qk_class){
				.y0 = y[i].begin, .y1 = y[i].end,
				.x0 = x[j].begin, .x1 = x[j].end,
				.ky0 = y[i].tap0, .ky1 = y[i].tap1,
				.kx0 = x[j].tap0, .kx1 = x[j].tap1,
			};
	return count;
}
