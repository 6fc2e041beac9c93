// SPDX-License-Identifier: MIT
#include <errno.h>

#include "lower.h"

/* Integer bits of the scaled differences: exp(-32) is 0 to all that we keep. */
#define INTEGER_BITS	5

/*
 * The scale that turns a difference of quantized values into fixed point with
 * INTEGER_BITS, and the largest difference that does not overflow it.
 */
static int set_scale(const struct qaccel_lowering *l,
		     struct qaccel_cmd_softmax *cmd)
{
	double beta = qaccel_lower_op(l)->u.softmax.beta;
	double in = qaccel_lower_input(l, 0)->info.scales[0];
	double real = beta * in * (1 << (31 - INTEGER_BITS));
	int64_t largest = ((INT64_C(1) << INTEGER_BITS) - 1)
			  << (31 - INTEGER_BITS);
	int ret = qaccel_lower_multiplier(l, real, &cmd->multiplier,
					  &cmd->left_shift);

	if (ret)
		return ret;
	if (cmd->left_shift < 0)
		return qaccel_lower_refuse(l, EOPNOTSUPP,
					   "beta times scale is %g", beta * in);
	cmd->diff_min = (int32_t)-(largest >> cmd->left_shift);
	return 0;
}

int qaccel_lower_softmax(struct qaccel_lowering *l)
{
	union qaccel_cmd cmd = { .softmax = {
		.hdr = { .opcode = QACCEL_OP_SOFTMAX },
	} };
	int ret = qaccel_lower_operand(l, 0, &cmd.softmax.in);

	if (!ret)
		ret = qaccel_lower_result(l, &cmd.softmax.out);
	if (!ret)
		ret = set_scale(l, &cmd.softmax);
	return ret ? ret : qaccel_lower_emit(l, &cmd);
}
