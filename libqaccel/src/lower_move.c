// SPDX-License-Identifier: MIT
/* PAD, RESHAPE and SQUEEZE. */
#include "lower.h"

static void set_before(const struct qaccel_lowering *l,
		       struct qaccel_cmd_pad *cmd)
{
	const struct qaccel_graph_tensor *paddings = qaccel_lower_input(l, 1);
	uint32_t rank = qaccel_lower_input(l, 0)->info.rank;

	for (uint32_t i = 0; i < rank; i++)
		cmd->before[4 - rank + i] =
			(uint32_t)qaccel_const_int(paddings, 2 * i);
}

int qaccel_lower_pad(struct qaccel_lowering *l)
{
	union qaccel_cmd cmd = { .pad = {
		.hdr = { .opcode = QACCEL_OP_PAD },
	} };
	int ret = qaccel_lower_operand(l, 0, &cmd.pad.in);

	if (!ret)
		ret = qaccel_lower_result(l, &cmd.pad.out);
	if (ret)
		return ret;
	set_before(l, &cmd.pad);
	cmd.pad.value = (uint32_t)cmd.pad.out.zero_point;
	return qaccel_lower_emit(l, &cmd);
}

int qaccel_lower_reshape(struct qaccel_lowering *l)
{
	const struct qaccel_step *step = qaccel_lower_step(l);
	uint32_t size = (uint32_t)qaccel_lower_output(l)->info.size;
	union qaccel_cmd cmd = { .copy = {
		.hdr = { .opcode = QACCEL_OP_COPY },
		.rows = 1,
		.row_bytes = size,
		.src_stride = size,
		.dst_stride = size,
	} };
	uint64_t va;
	int ret = qaccel_lower_address(l, step->input, &va);

	if (ret)
		return ret;
	cmd.copy.src_va = va;
	ret = qaccel_lower_address(l, step->output, &va);
	cmd.copy.dst_va = va;
	return ret ? ret : qaccel_lower_emit(l, &cmd);
}
