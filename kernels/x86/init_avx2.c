/* SPDX-License-Identifier: MIT */
#include "avx2.h"

void qk_init_avx2(struct qk_table *table)
{
	table->conv2d = qk_conv2d_avx2;
	table->dwconv2d = qk_dwconv2d_avx2;
	table->add = qk_add_avx2;
	table->mul = qk_mul_avx2;
	table->avgpool = qk_avgpool_avx2;
	table->maxpool = qk_maxpool_avx2;
	table->mean = qk_mean_avx2;
	table->pad = qk_pad_avx2;
	table->softmax = qk_softmax_avx2;
	table->lut = qk_lut_avx2;
	table->quantize = qk_quantize_avx2;
	table->dequantize = qk_dequantize_avx2;
	table->requantize = qk_requantize_avx2;
}

size_t qk_scratch_size_avx2(const union qaccel_cmd *cmd)
{
	switch (cmd->hdr.opcode) {
	case QACCEL_OP_CONV2D:
		return qk_conv2d_scratch_avx2(&cmd->conv);
	case QACCEL_OP_DWCONV2D:
		return qk_dwconv2d_scratch_avx2(&cmd->conv);
	default:
		return 0;
	}
}
