// SPDX-License-Identifier: MIT
/* ADD and MUL. */
#include "lower.h"

/* What TFLite shifts the inputs of ADD left by before it scales them. */
#define ADD_LEFT_SHIFT	20

static int set_operands(struct qaccel_lowering *l, struct qaccel_cmd_binary *cmd)
{
	int ret = qaccel_lower_operand(l, 0, &cmd->in0);

	if (!ret)
		ret = qaccel_lower_operand(l, 1, &cmd->in1);
	if (!ret)
		ret = qaccel_lower_result(l, &cmd->out);
	qaccel_lower_clamp(l, qaccel_lower_op(l)->activation, &cmd->act_min,
			   &cmd->act_max);
	return ret;
}

/*
 * Both inputs are brought to a common scale, twice the larger of the two, so
 * that their multipliers are at most a half.
 */
static int set_add_multipliers(const struct qaccel_lowering *l,
			       struct qaccel_cmd_binary *cmd)
{
	double in0 = qaccel_lower_input(l, 0)->info.scales[0];
	double in1 = qaccel_lower_input(l, 1)->info.scales[0];
	double out = qaccel_lower_output(l)->info.scales[0];
	double common = 2 * (in0 > in1 ? in0 : in1);
	int ret = qaccel_lower_multiplier(l, in0 / common, &cmd->in0_multiplier,
					  &cmd->in0_shift);

	if (!ret)
		ret = qaccel_lower_multiplier(l, in1 / common,
					      &cmd->in1_multiplier,
					      &cmd->in1_shift);
	if (ret)
		return ret;
	cmd->left_shift = ADD_LEFT_SHIFT;
	return qaccel_lower_multiplier(l, common /
				       ((1 << ADD_LEFT_SHIFT) * out),
				       &cmd->out_multiplier, &cmd->out_shift);
}

int qaccel_lower_add(struct qaccel_lowering *l)
{
	union qaccel_cmd cmd = { .binary = {
		.hdr = { .opcode = QACCEL_OP_ADD },
	} };
	int ret = set_operands(l, &cmd.binary);

	if (!ret)
		ret = set_add_multipliers(l, &cmd.binary);
	return ret ? ret : qaccel_lower_emit(l, &cmd);
}

int qaccel_lower_mul(struct qaccel_lowering *l)
{
	union qaccel_cmd cmd = { .binary = {
		.hdr = { .opcode = QACCEL_OP_MUL },
	} };
	float in0 = qaccel_lower_input(l, 0)->info.scales[0];
	float in1 = qaccel_lower_input(l, 1)->info.scales[0];
	float out = qaccel_lower_output(l)->info.scales[0];
	int ret = set_operands(l, &cmd.binary);

	/* In single precision throughout, as TFLite does it. */
	if (!ret)
		ret = qaccel_lower_multiplier(l, (float)(in0 * in1) / out,
					      &cmd.binary.out_multiplier,
					      &cmd.binary.out_shift);
	return ret ? ret : qaccel_lower_emit(l, &cmd);
}
