/* SPDX-License-Identifier: MIT */
/* AVX-VNNI: vpdpbusd on 256 bits for processors without AVX512. */
#ifndef QK_AVXVNNI_H
#define QK_AVXVNNI_H

#include "qk.h"

/*
 * Few machines that build this can run it. The same source is built a second
 * time for checkkern, with the AVX512VL encoding of the same instruction and
 * other names, so that a processor with AVX512-VNNI checks it too.
 */
#ifdef QK_AVXVNNI_EVEX
#define QK_AVXVNNI_NAME(name)	name##_avxvnni_evex
#define qk_dpbusd		_mm256_dpbusd_epi32
#else
#define QK_AVXVNNI_NAME(name)	name##_avxvnni
#define qk_dpbusd		_mm256_dpbusd_avx_epi32
#endif

#define qk_init_avxvnni		QK_AVXVNNI_NAME(qk_init)
#define qk_scratch_size_avxvnni	QK_AVXVNNI_NAME(qk_scratch_size)
#define qk_conv2d_avxvnni	QK_AVXVNNI_NAME(qk_conv2d)
#define qk_dwconv2d_avxvnni	QK_AVXVNNI_NAME(qk_dwconv2d)
#define qk_conv2d_scratch_avxvnni QK_AVXVNNI_NAME(qk_conv2d_scratch)
#define qk_dwconv2d_scratch_avxvnni QK_AVXVNNI_NAME(qk_dwconv2d_scratch)

/* Overwrites the slots that have a function here. */
void qk_init_avxvnni(struct qk_table *table);

size_t qk_scratch_size_avxvnni(const union qaccel_cmd *cmd);

QK_DECL_CONV(qk_conv2d_avxvnni);
QK_DECL_CONV(qk_dwconv2d_avxvnni);

size_t qk_conv2d_scratch_avxvnni(const struct qaccel_cmd_conv *cmd);
size_t qk_dwconv2d_scratch_avxvnni(const struct qaccel_cmd_conv *cmd);

#endif /* QK_AVXVNNI_H */
