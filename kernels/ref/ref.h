/* SPDX-License-Identifier: MIT */
/*
 * The scalar reference: slow, plain, and the definition of every result. The
 * other ISAs call it for the cases that they have no faster path for.
 */
#ifndef QK_REF_H
#define QK_REF_H

#include "qk.h"

QK_DECL_CONV(qk_conv2d_ref);
QK_DECL_CONV(qk_dwconv2d_ref);
QK_DECL_BINARY(qk_add_ref);
QK_DECL_BINARY(qk_mul_ref);
QK_DECL_POOL(qk_avgpool_ref);
QK_DECL_POOL(qk_maxpool_ref);
QK_DECL_MEAN(qk_mean_ref);
QK_DECL_PAD(qk_pad_ref);
QK_DECL_SOFTMAX(qk_softmax_ref);
QK_DECL_LUT(qk_lut_ref);
QK_DECL_REQUANTIZE(qk_requantize_ref);
QK_DECL_QUANTIZE(qk_quantize_ref);
QK_DECL_QUANTIZE(qk_dequantize_ref);

#endif /* QK_REF_H */
