// SPDX-License-Identifier: MIT
#include "neon.h"

void qk_init_neon(struct qk_table *table)
{
	table->conv2d = qk_conv2d_neon;
	table->dwconv2d = qk_dwconv2d_neon;
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
