/* SPDX-License-Identifier: MIT */
/*
 * DWCONV2D with filters 3 wide and at most 3 high, strides 1 and 2
 *
 * What almost all depthwise layers are. The quads of the three columns under a
 * window are made when it comes to the third of them and stay in registers.
 */
#ifndef QK_DW3_AVX512VNNI_H
#define QK_DW3_AVX512VNNI_H

#include "dwquads_avx512vnni.h"

bool qk_dw3_fits(const struct qaccel_cmd_conv *cmd);

void qk_dw3_run(const struct qaccel_cmd_conv *cmd, const uint8_t *in,
		const int8_t *weights, const struct qaccel_channel *channels,
		uint8_t *out, const struct qk_tile *tile);

#endif /* QK_DW3_AVX512VNNI_H */
