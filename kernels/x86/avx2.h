/* SPDX-License-Identifier: MIT */
/* AVX2: exact products through vpmaddwd on operands widened to 16 bits. */
#ifndef QK_AVX2_H
#define QK_AVX2_H

#include "qk.h"

/* Overwrites the slots that have a function here. */
void qk_init_avx2(struct qk_table *table);

size_t qk_scratch_size_avx2(const union qaccel_cmd *cmd);

QK_DECL_CONV(qk_conv2d_avx2);
QK_DECL_CONV(qk_dwconv2d_avx2);
QK_DECL_BINARY(qk_add_avx2);
QK_DECL_BINARY(qk_mul_avx2);
QK_DECL_POOL(qk_avgpool_avx2);
QK_DECL_POOL(qk_maxpool_avx2);
QK_DECL_MEAN(qk_mean_avx2);
QK_DECL_PAD(qk_pad_avx2);
QK_DECL_SOFTMAX(qk_softmax_avx2);
QK_DECL_LUT(qk_lut_avx2);
QK_DECL_REQUANTIZE(qk_requantize_avx2);
QK_DECL_QUANTIZE(qk_quantize_avx2);
QK_DECL_QUANTIZE(qk_dequantize_avx2);

size_t qk_conv2d_scratch_avx2(const struct qaccel_cmd_conv *cmd);
size_t qk_dwconv2d_scratch_avx2(const struct qaccel_cmd_conv *cmd);

/* Filters neither dilated nor with a depth multiplier, strides up to 2. */
QK_DECL_CONV(qk_dw3x3_avx2);
QK_DECL_CONV(qk_dw5x5_avx2);

/* 0 for other commands. */
size_t qk_dw3x3_scratch_avx2(const struct qaccel_cmd_conv *cmd);
size_t qk_dw5x5_scratch_avx2(const struct qaccel_cmd_conv *cmd);

#endif /* QK_AVX2_H */
