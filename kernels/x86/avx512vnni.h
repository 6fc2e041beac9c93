/* SPDX-License-Identifier: MIT */
/* AVX512-VNNI: needs F, BW, VL, DQ and VNNI, and all that AVX2's level has. */
#ifndef QK_AVX512VNNI_H
#define QK_AVX512VNNI_H

#include <stdbool.h>

#include "qk.h"

void qk_init_avx512vnni(struct qk_table *table);
size_t qk_scratch_size_avx512vnni(const union qaccel_cmd *cmd);

QK_DECL_CONV(qk_conv2d_avx512vnni);
QK_DECL_CONV(qk_dwconv2d_avx512vnni);
size_t qk_conv2d_scratch_avx512vnni(const struct qaccel_cmd_conv *cmd);
size_t qk_dwconv2d_scratch_avx512vnni(const struct qaccel_cmd_conv *cmd);

#endif /* QK_AVX512VNNI_H */
