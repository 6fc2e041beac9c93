// SPDX-License-Identifier: MIT
/* AVERAGE_POOL_2D, MAX_POOL_2D and MEAN. */
#include <errno.h>

#include "lower.h"

/* -------------------------------------------------------------------- pools -- */

static uint16_t same_padding(uint32_t in, uint32_t out, int32_t filter,
			     int32_t stride)
{
	int64_t total = ((int64_t)out - 1) * stride + filter - in;

	return (uint16_t)(total > 0 ? total / 2 : 0);	/* under filter / 2 */
}

static int set_window(const struct qaccel_lowering *l,
		      struct qaccel_cmd_pool *cmd)
{
	const struct qaccel_graph_op *op = qaccel_lower_op(l);

	if (op->u.pool.filter_h > QACCEL_MAX_FILTER ||
	    op->u.pool.filter_w > QACCEL_MAX_FILTER ||
	    op->u.pool.stride_h > QACCEL_MAX_STRIDE ||
	    op->u.pool.stride_w > QACCEL_MAX_STRIDE)
		return qaccel_lower_refuse(l, EOPNOTSUPP, "window too large");
	cmd->kh = (uint16_t)op->u.pool.filter_h;
	cmd->kw = (uint16_t)op->u.pool.filter_w;
	cmd->stride_h = (uint16_t)op->u.pool.stride_h;
	cmd->stride_w = (uint16_t)op->u.pool.stride_w;
	if (op->u.pool.padding == QACCEL_PADDING_VALID)
		return 0;
	cmd->pad_top = same_padding(cmd->in.h, cmd->out.h, cmd->kh,
				    cmd->stride_h);
	cmd->pad_left = same_padding(cmd->in.w, cmd->out.w, cmd->kw,
				     cmd->stride_w);
	return 0;
}

int qaccel_lower_pool(struct qaccel_lowering *l)
{
	bool max = qaccel_lower_op(l)->builtin == QACCEL_BUILTIN_MAX_POOL_2D;
	union qaccel_cmd cmd = { .pool = { .hdr = {
		.opcode = max ? QACCEL_OP_MAXPOOL : QACCEL_OP_AVGPOOL,
	} } };
	int ret = qaccel_lower_operand(l, 0, &cmd.pool.in);

	if (!ret)
		ret = qaccel_lower_result(l, &cmd.pool.out);
	if (!ret)
		ret = set_window(l, &cmd.pool);
	if (ret)
		return ret;
	qaccel_lower_clamp(l, qaccel_lower_op(l)->activation, &cmd.pool.act_min,
			   &cmd.pool.act_max);
	return qaccel_lower_emit(l, &cmd);
}

/* --------------------------------------------------------------------- mean -- */

static bool is_axis(const struct qaccel_lowering *l, uint32_t dim)
{
	const struct qaccel_graph_tensor *axes = qaccel_lower_input(l, 1);
	int32_t rank = (int32_t)qaccel_lower_input(l, 0)->info.rank;

	for (uint32_t i = 0; i < axes->info.size / sizeof(int32_t); i++) {
		int32_t axis = qaccel_const_int(axes, i);

		if ((axis < 0 ? axis + rank : axis) == (int32_t)dim)
			return true;
	}
	return false;
}

/*
 * The input as {outer, 1, count, inner}: any neighbouring axes are one. False
 * if there are others between them.
 */
static bool find_shape(const struct qaccel_lowering *l, uint64_t *outer,
		       uint64_t *count, uint64_t *inner)
{
	const struct qaccel_tensor_info *info = &qaccel_lower_input(l, 0)->info;

	*outer = *count = *inner = 1;
	for (uint32_t i = 0; i < info->rank; i++) {
		uint32_t dim = (uint32_t)info->dims[i];

		if (dim == 1)
			continue;
		if (!is_axis(l, i))
			*(*count > 1 ? inner : outer) *= dim;
		else if (*inner > 1)
			return false;
		else
			*count *= dim;
	}
	return true;
}

static int set_shape(const struct qaccel_lowering *l, struct qaccel_cmd_mean *cmd)
{
	uint64_t outer, count, inner;

	if (!find_shape(l, &outer, &count, &inner))
		return qaccel_lower_refuse(l, EOPNOTSUPP,
					   "axes that are not neighbours");
	/* A tensor is at most 2^30 bytes, so all fit. */
	cmd->in.n = cmd->out.n = (uint32_t)outer;
	cmd->in.h = cmd->out.h = cmd->out.w = 1;
	cmd->in.w = (uint32_t)count;
	cmd->in.c = cmd->out.c = (uint32_t)inner;
	return 0;
}

/* TFLite puts 1/count in the multiplier, with what precision is left there. */
static int set_scale(const struct qaccel_lowering *l, struct qaccel_cmd_mean *cmd)
{
	double in = qaccel_lower_input(l, 0)->info.scales[0];
	double out = qaccel_lower_output(l)->info.scales[0];
	int32_t multiplier, shift, more = 0;
	int ret = qaccel_lower_multiplier(l, in / out, &multiplier, &shift);

	if (ret)
		return ret;
	while (cmd->in.w >> more > 1)
		more++;		/* floor(log2(count)) */
	if (more > 31 + shift)
		more = 31 + shift;
	cmd->multiplier = (int32_t)(((int64_t)multiplier << more) / cmd->in.w);
	cmd->shift = shift - more;
	return 0;
}

int qaccel_lower_mean(struct qaccel_lowering *l)
{
	union qaccel_cmd cmd = { .mean = {
		.hdr = { .opcode = QACCEL_OP_MEAN },
	} };
	int ret = qaccel_lower_operand(l, 0, &cmd.mean.in);

	if (!ret)
		ret = qaccel_lower_result(l, &cmd.mean.out);
	if (!ret)
		ret = set_shape(l, &cmd.mean);
	if (!ret)
		ret = set_scale(l, &cmd.mean);
	if (ret)
		return ret;
	qaccel_lower_clamp(l, QACCEL_ACTIVATION_NONE, &cmd.mean.act_min,
			   &cmd.mean.act_max);
	return qaccel_lower_emit(l, &cmd);
}
