/* SPDX-License-Identifier: MIT */
/*
 * Fusion: which operators become commands, and between which tensors
 *
 * Nothing here changes a byte of a result:
 * - RELU and RELU6 that don't rescale are a clamp, and join the
 *   clamp of the command that writes their input;
 * - a PAD of height and width with the zero point is what a convolution does
 *   with taps outside of its input;
 * - RESHAPE and SQUEEZE, and QUANTIZE between equal quantizations, give their
 *   input's memory another name.
 */
#ifndef QACCEL_PLAN_FUSE_H
#define QACCEL_PLAN_FUSE_H

#include "graph.h"

/* struct qaccel_step - what an operator became */
struct qaccel_step {
	bool emit;		/* false: nothing is left to do */
	int32_t input;		/* tensor that stands for the first input */
	int32_t output;		/* tensor that is written */
	int32_t act_min;	/* clamp after the operator's own */
	int32_t act_max;
	uint32_t pad_top;	/* padding above and left of the input */
	uint32_t pad_left;
};

struct qaccel_fusion {
	struct qaccel_step *steps;	/* one per operator */
	int32_t *root;			/* per tensor: the one whose memory it is in */
	uint32_t *uses;			/* per tensor: reading inputs and outputs */
};

int qaccel_fuse(const struct qaccel_graph *graph, bool keep_tensors,
		struct qaccel_fusion *fusion);
void qaccel_fusion_finish(struct qaccel_fusion *fusion);

/* Element i of a constant INT32 tensor. */
int32_t qaccel_const_int(const struct qaccel_graph_tensor *tensor, uint32_t i);

/* Inputs of an operator that its command reads: the others are parameters. */
uint32_t qaccel_op_num_operands(const struct qaccel_graph_op *op);

/* Input i, with what fusion made of it. */
int32_t qaccel_step_input(const struct qaccel_graph_op *op,
			  const struct qaccel_step *step, uint32_t i);

/* Whether two tensors hold the same values for the same bytes. */
bool qaccel_same_quantization(const struct qaccel_tensor_info *a,
			      const struct qaccel_tensor_info *b);

/*
 * The range that an activation function leaves of a tensor's type, as TFLite
 * quantizes it.
 */
void qaccel_activation_range(enum qaccel_activation activation,
			     const struct qaccel_tensor_info *info,
			     int32_t *min, int32_t *max);

#endif /* QACCEL_PLAN_FUSE_H */
