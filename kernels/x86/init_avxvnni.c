// SPDX-License-Identifier: MIT
#include "avxvnni.h"

void qk_init_avxvnni(struct qk_table *table)
{
	table->conv2d = qk_conv2d_avxvnni;
	table->dwconv2d = qk_dwconv2d_avxvnni;
}

size_t qk_scratch_size_avxvnni(const union qaccel_cmd *cmd)
{
	switch (cmd->hdr.opcode) {
	case QACCEL_OP_CONV2D:
		return qk_conv2d_scratch_avxvnni(&cmd->conv);
	case QACCEL_OP_DWCONV2D:
		return qk_dwconv2d_scratch_avxvnni(&cmd->conv);
	default:
		return 0;
	}
}
