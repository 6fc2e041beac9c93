// SPDX-License-Identifier: MIT
#define DW_TAPS	3u
#include "dwpairs_avx2.h"

size_t qk_dw3x3_scratch_avx2(const struct qaccel_cmd_conv *cmd)
{
	struct dw_job job;

	return dw_init(&job, cmd) ? dw_scratch(&job) : 0;
}

QK_DECL_CONV(qk_dw3x3_avx2)
{
	struct dw_job job = {
		.weights = weights,
		.channels = channels,
		.final = qk_final_set(cmd, DW_TAPS * DW_TAPS, 0,
				      QK_ORDER_PLAIN),
		.copy = scratch,
	};

	dw_init(&job, cmd);
	dw_run(&job, in, out, tile);
}
