/* SPDX-License-Identifier: MIT */
/* NEON as every ARMv8-A has it; the levels above use its other functions. */
#ifndef QK_NEON_H
#define QK_NEON_H

#include "qk.h"

void qk_init_neon(struct qk_table *table);
/* Of the levels above as well. */
size_t qk_scratch_size_neon(const union qaccel_cmd *cmd);

QK_DECL_CONV(qk_conv2d_neon);
QK_DECL_CONV(qk_dwconv2d_neon);
QK_DECL_BINARY(qk_add_neon);
QK_DECL_BINARY(qk_mul_neon);
QK_DECL_POOL(qk_avgpool_neon);
QK_DECL_POOL(qk_maxpool_neon);
QK_DECL_MEAN(qk_mean_neon);
QK_DECL_LUT(qk_lut_neon);
QK_DECL_REQUANTIZE(qk_requantize_neon);

size_t qk_conv2d_scratch_neon(const struct qaccel_cmd_conv *cmd);
size_t qk_dwconv2d_scratch_neon(const struct qaccel_cmd_conv *cmd);

#endif /* QK_NEON_H */
