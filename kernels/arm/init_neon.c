// SPDX-License-Identifier: MIT
#include "neon.h"

void qk_init_neon(struct qk_table *table)
{
	table->conv2d = qk_conv2d_neon;
	table->dwconv2d = qk_dwconv2d_neon;
	table->add = qk_add_neon;
	table->mul = qk_mul_neon;
	table->avgpool = qk_avgpool_neon;
	table->maxpool = qk_maxpool_neon;
	table->mean = qk_mean_neon;
	table->lut = qk_lut_neon;
	table->requantize = qk_requantize_neon;
}

size_t qk_scratch_size_neon(const union qaccel_cmd *cmd)
{
	switch (cmd->hdr.opcode) {
	case QACCEL_OP_CONV2D:
		return qk_conv2d_scratch_neon(&cmd->conv);
	case QACCEL_OP_DWCONV2D:
		return qk_dwconv2d_scratch_neon(&cmd->conv);
	default:
		return 0;
	}
}
