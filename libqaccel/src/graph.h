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

#include <qaccel/graph.h>
#include <qaccel/qaccel.h>

#include "private.h"

#define QACCEL_MAX_OP_INPUTS	16

#define QACCEL_GRAPH_ALIGN	16

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

struct qaccel_graph_tensor {
	struct qaccel_tensor_info info;	/* its pointers are owned by the graph */
	/*
	 * Constant contents: info.size bytes, aligned to QACCEL_GRAPH_ALIGN or at
	 * least to the element; else NULL.
	 */
	const void *data;
	int32_t producer;		/* operator, or -1: input or constant */
	/*
	 * Why it cannot be used ("type FLOAT16 is not supported"), or NULL. No
	 * operator, input or output of a checked graph refers to such a tensor;
	 * its type and size are 0.
	 */
	const char *unsupported;
	bool infer_shape;		/* set by the builder: the check fills it in */
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
			int32_t depth_multiplier;	/* DEPTHWISE_CONV_2D, by the check */
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
		struct {
			/*
			 * The new shape where no second input has it; num_dims
			 * -1: there is none.
			 */
			int32_t num_dims;
			int32_t dims[QACCEL_MAX_RANK];
		} reshape;
		struct {
			int32_t num_dims;	/* 0: all that are 1 */
			int32_t dims[QACCEL_MAX_RANK];
		} squeeze;
	} u;
};

/* Refcounted and immutable once checked; sessions hold a reference. */
struct qaccel_graph {
	atomic_uint refs;
	const char *description;
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
	/* A float model: FLOAT32 throughout, to be converted and not to be planned. */
	bool real;
	uint64_t memory;		/* bytes of tensors and pool so far */
	uint64_t max_memory;
};

/* The public handle. */
struct qaccel_model {
	struct qaccel_graph *graph;
};

QACCEL_PRIVATE_API struct qaccel_graph *
qaccel_graph_ref(struct qaccel_graph *graph);
QACCEL_PRIVATE_API void qaccel_graph_unref(struct qaccel_graph *graph);

/* ---------------------------------------------------- making of a graph -- */

/* An empty graph; NULL with the error set when out of memory. */
QACCEL_PRIVATE_API struct qaccel_graph *
qaccel_graph_create(uint64_t max_memory);

/* Counts memory against max_memory: 0 or -EFBIG. */
QACCEL_PRIVATE_API int
qaccel_graph_charge(struct qaccel_graph *graph, uint64_t size);

/*
 * Zeroed memory that lives as long as the graph, aligned to QACCEL_GRAPH_ALIGN,
 * counted against max_memory: *(void **)pointer. -ENOMEM, -EFBIG.
 */
QACCEL_PRIVATE_API int
qaccel_graph_alloc(struct qaccel_graph *graph, size_t count, size_t size,
		   void *pointer);

/*
 * Sets the shape of a tensor whose type and index are set, and its size. rank
 * is at most QACCEL_MAX_RANK, dims are positive. -EFBIG.
 */
QACCEL_PRIVATE_API int
qaccel_graph_set_shape(struct qaccel_graph_tensor *tensor, uint32_t rank,
		       const int32_t *dims);

/*
 * Checks everything that the head of this file promises, and sets what follows
 * from the rest: producers, depth multipliers, shapes that are to be inferred.
 * -EBADMSG or -EOPNOTSUPP with the operator named in the last error, -EFBIG.
 */
QACCEL_PRIVATE_API int qaccel_graph_check(struct qaccel_graph *graph);

/* --------------------------------------------------------- float models -- */

/* As qaccel_model_load_memory() and qaccel_model_load_file(). */
QACCEL_PRIVATE_API int
qaccel_tflite_load_memory(const struct qaccel_load_options *options,
			  const void *data, size_t size, bool real,
			  struct qaccel_model **model);
QACCEL_PRIVATE_API int
qaccel_tflite_load_file(const struct qaccel_load_options *options,
			const char *path, bool real,
			struct qaccel_model **model);
/* As qaccel_builder_finish(), but what was built is a float model. */
QACCEL_PRIVATE_API int
qaccel_builder_finish_real(struct qaccel_builder *builder,
			   struct qaccel_model **model);

/* ------------------------------------------------------------ questions -- */

/* Multiply-accumulates of an operator of a checked graph, padding taps included. */
QACCEL_PRIVATE_API uint64_t
qaccel_graph_op_macs(const struct qaccel_graph *graph,
		     const struct qaccel_graph_op *op);

#endif /* QACCEL_GRAPH_INTERNAL_H */
