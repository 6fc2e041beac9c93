// SPDX-License-Identifier: MIT
#include "avx512vnni.h"

void qk_init_avx512vnni(struct qk_table *table)
{
	table->conv2d = qk_conv2d_avx512vnni;
	table->dwconv2d = qk_dwconv2d_avx512vnni;
}

size_t qk_scratch_size_avx512vnni(const union qaccel_cmd *cmd)
{
	switch (cmd->hdr.opcode) {
	case QACCEL_OP_CONV2D:
		return qk_conv2d_scratch_avx512vnni(&cmd->conv);
	case QACCEL_OP_DWCONV2D:
		return qk_dwconv2d_scratch_avx512vnni(&cmd->conv);
	default:
		return 0;
	}
}
