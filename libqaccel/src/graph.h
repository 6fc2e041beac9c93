/* SPDX-License-Identifier: MIT */
/*
 * The graph: what a model is once it is read or built
 *
 * The seam inside the library: tflite_load.c and builder.c make graphs, plan.c
 * compiles them, and nothing else knows of files or commands. A graph that
 * qaccel_graph_check() accepted is safe to plan: indices are in range, shapes
 * and sizes fit and don't overflow, each tensor has at most one producer,
 * operators stand in an order in which they can run, quantization is as its
 * operator wants it. Scales stay what the file says; multipliers are the
 * planner's.
 */
#ifndef QACCEL_GRAPH_INTERNAL_H
#define QACCEL_GRAPH_INTERNAL_H

#include <stdatomic.h>

#include <qaccel/qaccel.h>

#define QACCEL_MAX_OP_INPUTS	16

/* Values are TFLite's BuiltinOperator. */
enum qaccel_builtin {
	QACCEL_BUILTIN_ADD = 0,
	QACCEL_BUILTIN_AVERAGE_POOL_2D = 1,
	QACCEL_BUILTIN_CONV_2D = 3,
	QACCEL_BUILTIN_DEPTHWISE_CONV_2D = 4,
	QACCEL_BUILTIN_DEQUANTIZE = 6,
	QACCEL_BUILTIN_FULLY_CONNECTED = 9,
	QACCEL_BUILTIN_MAX_POOL_2D = 17,
	QACCEL_BUILTIN_MUL = 18,
	QACCEL_BUILTIN_RELU = 19,
	QACCEL_BUILTIN_RELU6 = 21,
	QACCEL_BUILTIN_RESHAPE = 22,
	QACCEL_BUILTIN_SOFTMAX = 25,
	QACCEL_BUILTIN_PAD = 34,
	QACCEL_BUILTIN_MEAN = 40,
	QACCEL_BUILTIN_SQUEEZE = 43,
	QACCEL_BUILTIN_QUANTIZE = 114,
};

/* Values are TFLite's ActivationFunctionType. */
enum qaccel_activation {
	QACCEL_ACTIVATION_NONE = 0,
	QACCEL_ACTIVATION_RELU = 1,
	QACCEL_ACTIVATION_RELU_N1_TO_1 = 2,
	QACCEL_ACTIVATION_RELU6 = 3,
};

/* Values are TFLite's Padding. */
enum qaccel_padding {
	QACCEL_PADDING_SAME = 0,
	QACCEL_PADDING_VALID = 1,
};

struct qaccel_graph_tensor {
	struct qaccel_tensor_info info;	/* its pointers are owned by the graph */
	const void *data;		/* constant contents, info.size bytes; else NULL */
	int32_t producer;		/* operator, or -1: input or constant */
};

struct qaccel_graph_op {
	enum qaccel_builtin builtin;
	const char *name;		/* "CONV_2D"; constant */
	uint32_t num_inputs;
	uint32_t num_outputs;
	int32_t inputs[QACCEL_MAX_OP_INPUTS];	/* -1: left out */
	int32_t outputs[1];
	enum qaccel_activation activation;
	union {
		struct {
			enum qaccel_padding padding;
			int32_t stride_w, stride_h;
			int32_t dilation_w, dilation_h;
			int32_t depth_multiplier;	/* DEPTHWISE_CONV_2D */
		} conv;			/* CONV_2D, DEPTHWISE_CONV_2D */
		struct {
			enum qaccel_padding padding;
			int32_t stride_w, stride_h;
			int32_t filter_w, filter_h;
		} pool;
		struct {
			bool keep_num_dims;
		} fully_connected;
		struct {
			bool pot_scale_int16;
		} add;
		struct {
			bool keep_dims;
		} mean;
		struct {
			float beta;
		} softmax;
	} u;
};

/* Refcounted and immutable once checked; sessions hold a reference. */
struct qaccel_graph {
	atomic_uint refs;
	char *description;
	uint32_t num_tensors;
	struct qaccel_graph_tensor *tensors;
	uint32_t num_ops;
	struct qaccel_graph_op *ops;
	uint32_t num_inputs;
	uint32_t *inputs;
	uint32_t num_outputs;
	uint32_t *outputs;
	void *file;			/* what constant data points into; free() it */
	void *pool;			/* the other memory of the graph (graph.c) */
};

/* The public handle. */
struct qaccel_model {
	struct qaccel_graph *graph;
};

struct qaccel_graph *qaccel_graph_ref(struct qaccel_graph *graph);
void qaccel_graph_unref(struct qaccel_graph *graph);

/*
 * Checks everything that the head of this file promises; -EBADMSG or
 * -EOPNOTSUPP, with the operator named in the last error.
 */
int qaccel_graph_check(struct qaccel_graph *graph);

#endif /* QACCEL_GRAPH_INTERNAL_H */
