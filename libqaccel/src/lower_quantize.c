// SPDX-License-Identifier: MIT
/* QUANTIZE, DEQUANTIZE, RELU and RELU6: element by element. */
#include <errno.h>
#include <string.h>

#include "lower.h"

static int set_operands(struct qaccel_lowering *l, struct qaccel_tensor *in,
			struct qaccel_tensor *out)
{
	int ret = qaccel_lower_operand(l, 0, in);

	return ret ? ret : qaccel_lower_result(l, out);
}

static int requantize(struct qaccel_lowering *l, double real,
		      enum qaccel_activation activation)
{
	union qaccel_cmd cmd = { .requantize = {
		.hdr = { .opcode = QACCEL_OP_REQUANTIZE },
	} };
	int ret = set_operands(l, &cmd.requantize.in, &cmd.requantize.out);

	if (!ret)
		ret = qaccel_lower_multiplier(l, real,
					      &cmd.requantize.multiplier,
					      &cmd.requantize.shift);
	if (ret)
		return ret;
	qaccel_lower_clamp(l, activation, &cmd.requantize.act_min,
			   &cmd.requantize.act_max);
	return qaccel_lower_emit(l, &cmd);
}

/* In single precision, other than QUANTIZE: TFLite divides floats here. */
int qaccel_lower_relu(struct qaccel_lowering *l)
{
	bool relu6 = qaccel_lower_op(l)->builtin == QACCEL_BUILTIN_RELU6;
	float in = qaccel_lower_input(l, 0)->info.scales[0];
	float out = qaccel_lower_output(l)->info.scales[0];

	return requantize(l, (float)(in / out),
			  relu6 ? QACCEL_ACTIVATION_RELU6
				: QACCEL_ACTIVATION_RELU);
}

static int convert(struct qaccel_lowering *l, uint16_t opcode, float scale)
{
	union qaccel_cmd cmd = { .quantize = { .hdr = { .opcode = opcode } } };
	int ret = set_operands(l, &cmd.quantize.in, &cmd.quantize.out);

	if (ret)
		return ret;
	memcpy(&cmd.quantize.scale, &scale, sizeof(scale));
	return qaccel_lower_emit(l, &cmd);
}

int qaccel_lower_quantize(struct qaccel_lowering *l)
{
	const struct qaccel_tensor_info *in = &qaccel_lower_input(l, 0)->info;
	float out = qaccel_lower_output(l)->info.scales[0];

	if (in->type == QACCEL_TYPE_FLOAT32)
		return convert(l, QACCEL_OP_QUANTIZE, out);
	return requantize(l, (double)in->scales[0] / (double)out,
			  QACCEL_ACTIVATION_NONE);
}

int qaccel_lower_dequantize(struct qaccel_lowering *l)
{
	return convert(l, QACCEL_OP_DEQUANTIZE,
		       qaccel_lower_input(l, 0)->info.scales[0]);
}
