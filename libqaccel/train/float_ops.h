/* SPDX-License-Identifier: MIT */
/*
 * The operators of a float model
 *
 * What they take was checked by qaccel_graph_check(): shapes fit, constants are
 * there. Fused activations are the caller's.
 */
#ifndef QACCEL_TRAIN_FLOAT_OPS_H
#define QACCEL_TRAIN_FLOAT_OPS_H

#include "graph.h"

/* An operator with its values. */
struct float_op {
	const struct qaccel_graph_op *op;
	const struct qaccel_tensor_info *in[3];	/* [1], [2]: NULL if left out */
	const void *values[3];			/* of in */
	const struct qaccel_tensor_info *out_info;
	float *out;
};

/* Where the taps of a window are, along one dimension. */
struct float_window {
	int64_t in, out;		/* elements */
	int64_t size, stride, dilation;
	int64_t before;			/* padding */
};

struct float_window float_window(enum qaccel_padding padding, int32_t in,
				 int32_t out, int32_t size, int32_t stride,
				 int32_t dilation);

size_t float_elements(const struct qaccel_tensor_info *info);

/* All return 0 or -ENOMEM. */
int float_conv(const struct float_op *f);
int float_depthwise(const struct float_op *f);
int float_fully_connected(const struct float_op *f);
int float_binary(const struct float_op *f);
int float_average_pool(const struct float_op *f);
int float_max_pool(const struct float_op *f);
int float_mean(const struct float_op *f);
int float_pad(const struct float_op *f);
int float_softmax(const struct float_op *f);

#endif /* QACCEL_TRAIN_FLOAT_OPS_H */
