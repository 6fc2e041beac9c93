/* SPDX-License-Identifier: MIT */
/* ADD and MUL, with broadcasting. */
#include "../internal.h"
#include "ref.h"

/* Element of an input for an element of the output: dimensions of 1 repeat. */
static size_t broadcast(const struct qaccel_tensor *t, uint32_t n, uint32_t h,
			uint32_t w, uint32_t c)
{
	return qk_offset(t, t->n == 1 ? 0 : n, t->h == 1 ? 0 : h,
			 t->w == 1 ? 0 : w) + (t->c == 1 ? 0 : c);
}

/* a and b are x - Z, in [-255, 255]. */
static int32_t add(const struct qaccel_cmd_binary *cmd, int32_t a, int32_t b)
{
	int single = qk_single_rounding(&cmd->hdr);
	/* |a| << 22 < 2^30, and scaling by at most 1 keeps that. */
	int32_t sa = qk_scale(qk_shift_left(a, cmd->left_shift),
			      cmd->in0_multiplier, cmd->in0_shift, single);
	int32_t sb = qk_scale(qk_shift_left(b, cmd->left_shift),
			      cmd->in1_multiplier, cmd->in1_shift, single);

	return qk_scale((int32_t)((uint32_t)sa + (uint32_t)sb),
			cmd->out_multiplier, cmd->out_shift, single);
}

static int32_t mul(const struct qaccel_cmd_binary *cmd, int32_t a, int32_t b)
{
	return qk_scale(a * b, cmd->out_multiplier, cmd->out_shift,
			qk_single_rounding(&cmd->hdr));
}

typedef int32_t (*binary_fn)(const struct qaccel_cmd_binary *cmd, int32_t a,
			     int32_t b);

static void row(const struct qaccel_cmd_binary *cmd, const void *in0,
		const void *in1, void *out, uint32_t y, binary_fn op)
{
	const struct qaccel_tensor *t = &cmd->out;
	uint32_t n = y / t->h, h = y % t->h;

	for (uint32_t w = 0; w < t->w; w++) {
		for (uint32_t c = 0; c < t->c; c++) {
			int32_t a = qk_get8(in0,
					    broadcast(&cmd->in0, n, h, w, c),
					    t->dtype) - cmd->in0.zero_point;
			int32_t b = qk_get8(in1,
					    broadcast(&cmd->in1, n, h, w, c),
					    t->dtype) - cmd->in1.zero_point;

			qk_put8(out, qk_offset(t, n, h, w) + c,
				qk_finish(op(cmd, a, b), t->zero_point,
					  cmd->act_min, cmd->act_max));
		}
	}
}

QK_DECL_BINARY(qk_add_ref)
{
	for (uint32_t y = tile->y0; y < tile->y1; y++)
		row(cmd, in0, in1, out, y, add);
}

QK_DECL_BINARY(qk_mul_ref)
{
	for (uint32_t y = tile->y0; y < tile->y1; y++)
		row(cmd, in0, in1, out, y, mul);
}
