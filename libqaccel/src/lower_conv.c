// SPDX-License-Identifier: MIT
/* CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED. */
#include <errno.h>
#include <stdlib.h>

#include "qk.h"

#include "lower.h"

/* ------------------------------------------------------------- multipliers -- */

/*
 * S_in S_w / S_out as TFLite computes it. Per tensor, the product of the first
 * two is rounded to float, except for int8 CONV_2D and DEPTHWISE_CONV_2D, which
 * treat one scale as a case of many: doubles throughout.
 */
static double real_multiplier(const struct qaccel_lowering *l, uint32_t channel)
{
	const struct qaccel_tensor_info *in = &qaccel_lower_input(l, 0)->info;
	const struct qaccel_tensor_info *w = &qaccel_lower_input(l, 1)->info;
	double out = qaccel_lower_output(l)->info.scales[0];
	bool rounded = in->type == QACCEL_TYPE_UINT8 ||
		       qaccel_lower_op(l)->builtin ==
			       QACCEL_BUILTIN_FULLY_CONNECTED;

	if (w->num_scales == 1 && rounded)
		return (double)(float)(in->scales[0] * w->scales[0]) / out;
	return (double)in->scales[0] * (double)w->scales[channel] / out;
}

static int find_multipliers(const struct qaccel_lowering *l, uint32_t count,
			    int32_t *multipliers, int32_t *shifts)
{
	int ret = 0;

	for (uint32_t i = 0; !ret && i < count; i++)
		ret = qaccel_lower_multiplier(l, real_multiplier(l, i),
					      &multipliers[i], &shifts[i]);
	return ret;
}

/* ----------------------------------------------------------------- packing -- */

static const struct qaccel_graph_tensor *bias_of(const struct qaccel_lowering *l)
{
	const struct qaccel_graph_op *op = qaccel_lower_op(l);

	return op->num_inputs > 2 && op->inputs[2] >= 0 ?
		       qaccel_lower_input(l, 2) : NULL;
}

static int pack_weights(struct qaccel_lowering *l, struct qaccel_cmd_conv *cmd)
{
	const struct qaccel_graph_tensor *w = qaccel_lower_input(l, 1);
	uint64_t size = qk_weights_size(cmd), va;
	int ret;

	if (!size || size > QACCEL_MAX_TENSOR)
		return qaccel_lower_refuse(l, EOPNOTSUPP,
					   "weights of %llu bytes",
					   (unsigned long long)size);
	ret = qaccel_lower_reserve(l, size, &va);
	if (ret)
		return ret;
	cmd->weights_va = va;
	cmd->weights_size = (uint32_t)size;
	qk_pack_weights(cmd, w->data, w->info.type == QACCEL_TYPE_UINT8,
			qaccel_lower_image(l, va));
	return 0;
}

/* multipliers: room for two arrays of one element for each output channel. */
static int pack_records(struct qaccel_lowering *l, struct qaccel_cmd_conv *cmd,
			int32_t *multipliers)
{
	const struct qaccel_graph_tensor *bias = bias_of(l);
	uint32_t channels = cmd->out.c;
	int32_t *shifts = multipliers + channels;
	bool per_channel = qaccel_lower_input(l, 1)->info.num_scales > 1;
	uint64_t va;
	int ret = find_multipliers(l, per_channel ? channels : 1, multipliers,
				   shifts);

	if (!ret)
		ret = qaccel_lower_reserve(l, ((uint64_t)channels + 15) / 16 *
					   16 * sizeof(struct qaccel_channel),
					   &va);
	if (ret)
		return ret;
	cmd->channels_va = va;
	qk_pack_channels(cmd, qaccel_lower_image(l, cmd->weights_va),
			 bias ? bias->data : NULL, multipliers, shifts,
			 per_channel, qaccel_lower_image(l, va));
	return 0;
}

static int pack(struct qaccel_lowering *l, struct qaccel_cmd_conv *cmd)
{
	int32_t *multipliers;
	int ret = pack_weights(l, cmd);

	if (ret)
		return ret;
	multipliers = malloc((size_t)cmd->out.c * 2 * sizeof(*multipliers));
	if (!multipliers)
		return -ENOMEM;
	ret = pack_records(l, cmd, multipliers);
	free(multipliers);
	return ret;
}

/* --------------------------------------------------------------- reduction -- */

/* Before anything is packed: the packing functions rely on it, too. */
static int check_reduction(const struct qaccel_lowering *l,
			   const struct qaccel_cmd_conv *cmd)
{
	uint64_t k = (uint64_t)cmd->kh * cmd->kw;
	uint64_t max = cmd->weight_zero_point ? QACCEL_MAX_K_ASYMMETRIC
					      : QACCEL_MAX_K_SYMMETRIC;

	if (cmd->hdr.opcode == QACCEL_OP_CONV2D)
		k *= cmd->in.c;
	if (k > max)
		return qaccel_lower_refuse(l, EOVERFLOW,
					   "sums of %llu products may overflow",
					   (unsigned long long)k);
	return 0;
}

static void set_weights(const struct qaccel_lowering *l,
			struct qaccel_cmd_conv *cmd)
{
	const struct qaccel_tensor_info *w = &qaccel_lower_input(l, 1)->info;
	bool depthwise = cmd->hdr.opcode == QACCEL_OP_DWCONV2D;

	cmd->layout = depthwise ? QACCEL_LAYOUT_C16 : QACCEL_LAYOUT_O16K4;
	cmd->weight_zero_point = w->zero_points[0];
	if (w->type == QACCEL_TYPE_UINT8)
		cmd->weight_zero_point -= 128;
}

/* The rest, once the operands, the window and the depth multiplier are set. */
static int finish(struct qaccel_lowering *l, union qaccel_cmd *cmd)
{
	int ret;

	set_weights(l, &cmd->conv);
	if (!(l->target->layouts >> cmd->conv.layout & 1))
		return qaccel_lower_refuse(l, EOPNOTSUPP,
					   "the device does not take weights in layout %u",
					   cmd->conv.layout);
	ret = check_reduction(l, &cmd->conv);
	if (!ret)
		ret = pack(l, &cmd->conv);
	if (ret)
		return ret;
	qaccel_lower_clamp(l, qaccel_lower_op(l)->activation,
			   &cmd->conv.act_min, &cmd->conv.act_max);
	return qaccel_lower_emit(l, cmd);
}

/* ------------------------------------------------------------------ window -- */

/* Padding before the input, half of what TFLite's SAME needs, rounded down. */
static int64_t same_padding(int64_t in, int64_t out, int64_t filter,
			    int64_t stride, int64_t dilation)
{
	int64_t total = (out - 1) * stride + (filter - 1) * dilation + 1 - in;

	return total > 0 ? total / 2 : 0;
}

static int set_padding(const struct qaccel_lowering *l,
		       struct qaccel_cmd_conv *cmd)
{
	int64_t top = qaccel_lower_step(l)->pad_top;
	int64_t left = qaccel_lower_step(l)->pad_left;

	if (qaccel_lower_op(l)->u.conv.padding == QACCEL_PADDING_SAME) {
		top = same_padding(cmd->in.h, cmd->out.h, cmd->kh,
				   cmd->stride_h, cmd->dilation_h);
		left = same_padding(cmd->in.w, cmd->out.w, cmd->kw,
				    cmd->stride_w, cmd->dilation_w);
	}
	if (top > QACCEL_MAX_FILTER || left > QACCEL_MAX_FILTER)
		return qaccel_lower_refuse(l, EOPNOTSUPP, "padding too large");
	cmd->pad_top = (uint16_t)top;
	cmd->pad_left = (uint16_t)left;
	return 0;
}

static int set_window(const struct qaccel_lowering *l,
		      struct qaccel_cmd_conv *cmd)
{
	const struct qaccel_graph_op *op = qaccel_lower_op(l);
	const int32_t *filter = qaccel_lower_input(l, 1)->info.dims;

	if (filter[1] > QACCEL_MAX_FILTER || filter[2] > QACCEL_MAX_FILTER ||
	    op->u.conv.stride_h > QACCEL_MAX_STRIDE ||
	    op->u.conv.stride_w > QACCEL_MAX_STRIDE ||
	    op->u.conv.dilation_h > QACCEL_MAX_FILTER ||
	    op->u.conv.dilation_w > QACCEL_MAX_FILTER)
		return qaccel_lower_refuse(l, EOPNOTSUPP, "window too large");
	cmd->kh = (uint16_t)filter[1];
	cmd->kw = (uint16_t)filter[2];
	cmd->stride_h = (uint16_t)op->u.conv.stride_h;
	cmd->stride_w = (uint16_t)op->u.conv.stride_w;
	cmd->dilation_h = (uint16_t)op->u.conv.dilation_h;
	cmd->dilation_w = (uint16_t)op->u.conv.dilation_w;
	return set_padding(l, cmd);
}

static int set_depth(const struct qaccel_lowering *l,
		     struct qaccel_cmd_conv *cmd)
{
	uint32_t depth = cmd->out.c / cmd->in.c;

	if (cmd->hdr.opcode == QACCEL_OP_CONV2D)
		depth = 1;
	if (!depth || depth > UINT16_MAX)
		return qaccel_lower_refuse(l, EOPNOTSUPP,
					   "depth multiplier %u", depth);
	cmd->depth_multiplier = (uint16_t)depth;
	return 0;
}

int qaccel_lower_conv(struct qaccel_lowering *l)
{
	bool depthwise = qaccel_lower_op(l)->builtin ==
			 QACCEL_BUILTIN_DEPTHWISE_CONV_2D;
	union qaccel_cmd cmd = { .conv = { .hdr = {
		.opcode = depthwise ? QACCEL_OP_DWCONV2D : QACCEL_OP_CONV2D,
	} } };
	int ret = qaccel_lower_operand(l, 0, &cmd.conv.in);

	if (!ret)
		ret = qaccel_lower_result(l, &cmd.conv.out);
	if (!ret)
		ret = set_window(l, &cmd.conv);
	if (!ret)
		ret = set_depth(l, &cmd.conv);
	return ret ? ret : finish(l, &cmd);
}

/* --------------------------------------------------------- fully connected -- */

/* Rows of one reduction each, whatever the shape was. */
static void set_rows(struct qaccel_tensor *t, uint64_t size, uint32_t columns)
{
	t->n = 1;
	t->h = 1;
	t->w = (uint32_t)(size / columns);
	t->c = columns;
}

int qaccel_lower_fully_connected(struct qaccel_lowering *l)
{
	const int32_t *filter = qaccel_lower_input(l, 1)->info.dims;
	union qaccel_cmd cmd = { .conv = {
		.hdr = { .opcode = QACCEL_OP_CONV2D },
		.kh = 1, .kw = 1, .stride_h = 1, .stride_w = 1,
		.dilation_h = 1, .dilation_w = 1, .depth_multiplier = 1,
	} };
	int ret = qaccel_lower_operand(l, 0, &cmd.conv.in);

	if (!ret)
		ret = qaccel_lower_result(l, &cmd.conv.out);
	if (ret)
		return ret;
	set_rows(&cmd.conv.in, qaccel_lower_input(l, 0)->info.size,
		 (uint32_t)filter[1]);
	set_rows(&cmd.conv.out, qaccel_lower_output(l)->info.size,
		 (uint32_t)filter[0]);
	return finish(l, &cmd);
}
