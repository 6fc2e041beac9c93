// SPDX-License-Identifier: MIT
#define DW_TAPS	3u
#include "dwpairs_avx2.h"

size_t qk_dw3x3_scratch_avx2(const struct qaccel_cmd_conv *cmd)
{
	return dw_pairs_scratch(cmd);
}

QK_DECL_CONV(qk_dw3x3_avx2)
{
	dw_pairs(cmd, in, weights, channels, out, tile, scratch);
}
