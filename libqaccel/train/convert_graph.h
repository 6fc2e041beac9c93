/* SPDX-License-Identifier: MIT */
/* Inside of qaccel_convert(): the two graphs. */
#ifndef QACCEL_TRAIN_CONVERT_GRAPH_H
#define QACCEL_TRAIN_CONVERT_GRAPH_H

#include <qaccel/convert.h>

#include "graph.h"

struct conversion {
	const struct qaccel_graph *from;
	/*
	 * Starts as a copy of from, with its constants; tensors are replaced as it
	 * goes. tensors has room for what may be added.
	 */
	struct qaccel_graph *to;
	const struct qaccel_range *ranges;
	enum qaccel_type type;		/* of activations and weights */
	bool per_channel;
	bool *placed;			/* tensors that are as they have to be */
};

/* "operator 3 (CONV_2D): ..." or "tensor 3 (name): ..."; returns -code. */
int convert_fail_op(const struct conversion *c, const struct qaccel_graph_op *op,
		    int code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
int convert_fail_tensor(const struct conversion *c, uint32_t index, int code,
			const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Makes *index the constant described by t: its type, scales and data, of to's
 * pool. Its shape and name are those of tensor *index of the float model, whose
 * number it gets if nobody else had it converted to something else before.
 */
int convert_place(struct conversion *c, const struct qaccel_graph_tensor *t,
		  int32_t *index);

/* The same for a bias, a list, of an operator that had none. */
int convert_add_bias(struct conversion *c, const struct qaccel_graph_tensor *t,
		     struct qaccel_graph_op *op);

/* Gives a tensor one scale and one zero point. */
int convert_set_params(struct conversion *c, struct qaccel_tensor_info *info,
		       enum qaccel_type type, float scale, int32_t zero_point);

/*
 * Scale and zero point of activations: those of UINT8, as training has them,
 * moved by 128 for INT8.
 */
int convert_choose_params(const struct conversion *c, float min, float max,
			  float *scale, int32_t *zero_point);

/* The range of finite values. -EDOM: one of them is not. */
int convert_find_range(const float *values, size_t count, float *min,
		       float *max);

/* The weights and the bias of an operator of to whose activations are done. */
int convert_weights(struct conversion *c, struct qaccel_graph_op *op);

#endif /* QACCEL_TRAIN_CONVERT_GRAPH_H */
