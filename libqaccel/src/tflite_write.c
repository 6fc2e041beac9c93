// SPDX-License-Identifier: MIT
/*
 * Graph to .tflite file
 *
 * The other direction of tflite_load.c: what it reads from a file that was
 * written here is the same graph, and TensorFlow Lite takes it. Tensors and
 * operators keep their numbers; the order of everything follows from the graph,
 * so the same graph gives the same bytes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <qaccel/graph.h>

#include "error.h"
#include "flatbuffer_write.h"
#include "graph.h"
#include "tflite_schema.h"

/* More than builtins times the versions that op_version() knows of each. */
#define MAX_CODES	64

#define BUFFER_ALIGN	16

struct code {
	enum qaccel_builtin builtin;
	int32_t version;
};

struct writer {
	struct qaccel_fbw fb;
	const struct qaccel_graph *graph;
	struct code codes[MAX_CODES];
	uint32_t num_codes;
};

/* ------------------------------------------------------------ versions -- */

static enum qaccel_type operand_type(const struct writer *w,
				     const struct qaccel_graph_op *op, uint32_t i)
{
	return w->graph->tensors[op->inputs[i]].info.type;
}

/* Operators that have had INT8 since version 2 and INT16 since version 3. */
static int32_t version_by_type(enum qaccel_type type)
{
	switch (type) {
	case QACCEL_TYPE_INT8:
		return 2;
	case QACCEL_TYPE_INT16:
		return 3;
	default:
		return 1;
	}
}

static int32_t depthwise_version(const struct qaccel_graph_op *op,
				 enum qaccel_type type)
{
	if (type == QACCEL_TYPE_INT8)
		return 3;
	return op->u.conv.dilation_w > 1 || op->u.conv.dilation_h > 1 ? 2 : 1;
}

static int32_t fully_connected_version(const struct qaccel_graph_op *op,
				       enum qaccel_type type)
{
	if (op->num_inputs < 3 || op->inputs[2] < 0)
		return 6;
	if (op->u.fully_connected.keep_num_dims)
		return 5;
	return type == QACCEL_TYPE_INT8 ? 4 : 1;
}

static int32_t relu_version(enum qaccel_type type)
{
	return type == QACCEL_TYPE_FLOAT32 ? 1 : 2;
}

/*
 * The lowest version of the operator that has what this one uses: that is what
 * an interpreter looks for, so an older one takes the file too.
 */
static int32_t op_version(const struct writer *w,
			  const struct qaccel_graph_op *op)
{
	enum qaccel_type type = operand_type(w, op, 0);

	switch (op->builtin) {
	case QACCEL_BUILTIN_CONV_2D:
		return type == QACCEL_TYPE_INT8 ? 3 : 1;
	case QACCEL_BUILTIN_DEPTHWISE_CONV_2D:
		return depthwise_version(op, type);
	case QACCEL_BUILTIN_FULLY_CONNECTED:
		return fully_connected_version(op, type);
	case QACCEL_BUILTIN_RELU:
	case QACCEL_BUILTIN_RELU6:
		return relu_version(type);
	case QACCEL_BUILTIN_RESHAPE:
	case QACCEL_BUILTIN_SQUEEZE:
		return 1;
	case QACCEL_BUILTIN_QUANTIZE:
		type = w->graph->tensors[op->outputs[0]].info.type;
		return type == QACCEL_TYPE_INT16 ? 2 : 1;
	default:
		return version_by_type(type);
	}
}

static uint32_t find_code(const struct writer *w,
			  const struct qaccel_graph_op *op)
{
	int32_t version = op_version(w, op);
	uint32_t i = 0;

	while (i < w->num_codes && (w->codes[i].builtin != op->builtin ||
				    w->codes[i].version != version))
		i++;
	return i;
}

static int collect_codes(struct writer *w)
{
	for (uint32_t i = 0; i < w->graph->num_ops; i++) {
		const struct qaccel_graph_op *op = &w->graph->ops[i];

		if (find_code(w, op) < w->num_codes)
			continue;
		if (w->num_codes == MAX_CODES)
			return qaccel_error(EFBIG, "more than %d kinds of operators",
					    MAX_CODES);
		w->codes[w->num_codes++] = (struct code){
			op->builtin, op_version(w, op),
		};
	}
	return 0;
}

static size_t write_code(struct writer *w, const struct code *code)
{
	static const uint8_t sizes[] = {
		[TFLITE_CODE_DEPRECATED_BUILTIN] = 1,
		[TFLITE_CODE_VERSION] = 4,
		[TFLITE_CODE_BUILTIN] = 4,
	};
	struct qaccel_fbw_table t =
		qaccel_fbw_table(&w->fb, sizes, sizeof(sizes));

	/* 127: the code is too large for the byte. None of ours is. */
	qaccel_fbw_set8(&w->fb, &t, TFLITE_CODE_DEPRECATED_BUILTIN,
			code->builtin < 127 ? (uint8_t)code->builtin : 127);
	qaccel_fbw_set32(&w->fb, &t, TFLITE_CODE_VERSION,
			 (uint32_t)code->version);
	qaccel_fbw_set32(&w->fb, &t, TFLITE_CODE_BUILTIN,
			 (uint32_t)code->builtin);
	return t.pos;
}

/* ------------------------------------------------------------- tensors -- */

/* TensorType; of a tensor that no operator uses, one that the reader strips. */
static uint8_t tensor_type(enum qaccel_type type)
{
	switch (type) {
	case QACCEL_TYPE_FLOAT32:
		return 0;
	case QACCEL_TYPE_INT32:
		return 2;
	case QACCEL_TYPE_UINT8:
		return 3;
	case QACCEL_TYPE_INT16:
		return 7;
	case QACCEL_TYPE_INT8:
		return 9;
	default:
		return TFLITE_TYPE_BOOL;
	}
}

static size_t write_quantization(struct writer *w,
				 const struct qaccel_tensor_info *info)
{
	static const uint8_t sizes[] = {
		[TFLITE_QUANTIZATION_SCALE] = 4,
		[TFLITE_QUANTIZATION_ZERO_POINT] = 4,
		[TFLITE_QUANTIZATION_DIMENSION] = 4,
	};
	struct qaccel_fbw_table t =
		qaccel_fbw_table(&w->fb, sizes, sizeof(sizes));

	qaccel_fbw_set32(&w->fb, &t, TFLITE_QUANTIZATION_DIMENSION,
			 (uint32_t)info->quantized_dim);
	qaccel_fbw_floats(&w->fb, t.fields[TFLITE_QUANTIZATION_SCALE],
			  info->scales, info->num_scales);
	qaccel_fbw_longs(&w->fb, t.fields[TFLITE_QUANTIZATION_ZERO_POINT],
			 info->zero_points, info->num_scales);
	return t.pos;
}

/* buffer: 0 for all that is not constant. */
static size_t write_tensor(struct writer *w,
			   const struct qaccel_graph_tensor *tensor,
			   uint32_t buffer)
{
	const struct qaccel_tensor_info *info = &tensor->info;
	uint8_t sizes[] = {
		[TFLITE_TENSOR_SHAPE] = 4,
		[TFLITE_TENSOR_TYPE] = 1,
		[TFLITE_TENSOR_BUFFER] = 4,
		[TFLITE_TENSOR_NAME] = 4,
		[TFLITE_TENSOR_QUANTIZATION] = info->num_scales ? 4 : 0,
	};
	struct qaccel_fbw_table t =
		qaccel_fbw_table(&w->fb, sizes, sizeof(sizes));

	qaccel_fbw_set8(&w->fb, &t, TFLITE_TENSOR_TYPE, tensor_type(info->type));
	qaccel_fbw_set32(&w->fb, &t, TFLITE_TENSOR_BUFFER, buffer);
	qaccel_fbw_words(&w->fb, t.fields[TFLITE_TENSOR_SHAPE], info->dims,
			 info->rank);
	qaccel_fbw_string(&w->fb, t.fields[TFLITE_TENSOR_NAME], info->name);
	if (info->num_scales)
		qaccel_fbw_link(&w->fb, t.fields[TFLITE_TENSOR_QUANTIZATION],
				write_quantization(w, info));
	return t.pos;
}

static void write_tensors(struct writer *w, size_t from)
{
	const struct qaccel_graph *graph = w->graph;
	size_t v = qaccel_fbw_offsets(&w->fb, from, graph->num_tensors);
	uint32_t buffer = 0;

	for (uint32_t i = 0; i < graph->num_tensors; i++) {
		const struct qaccel_graph_tensor *t = &graph->tensors[i];

		buffer += t->data != NULL;
		qaccel_fbw_link(&w->fb, v + 4 * (size_t)i,
				write_tensor(w, t, t->data ? buffer : 0));
	}
}

/* Buffer 0 is empty, as the format has it; then one for each constant. */
static void write_buffers(struct writer *w, size_t from)
{
	static const uint8_t sizes[] = { [TFLITE_BUFFER_DATA] = 4 };
	const struct qaccel_graph *graph = w->graph;
	struct qaccel_fbw_table t;
	uint32_t count = 1;
	size_t v;

	for (uint32_t i = 0; i < graph->num_tensors; i++)
		count += graph->tensors[i].data != NULL;
	v = qaccel_fbw_offsets(&w->fb, from, count);
	t = qaccel_fbw_table(&w->fb, NULL, 0);
	qaccel_fbw_link(&w->fb, v, t.pos);
	for (uint32_t i = 0; i < graph->num_tensors; i++) {
		const struct qaccel_graph_tensor *tensor = &graph->tensors[i];

		if (!tensor->data)
			continue;
		v += 4;
		t = qaccel_fbw_table(&w->fb, sizes, sizeof(sizes));
		qaccel_fbw_link(&w->fb, v, t.pos);
		qaccel_fbw_bytes(&w->fb, t.fields[TFLITE_BUFFER_DATA],
				 tensor->data, tensor->info.size, BUFFER_ALIGN);
	}
}

/* ----------------------------------------------------------- operators -- */

static size_t write_conv(struct writer *w, const struct qaccel_graph_op *op)
{
	static const uint8_t sizes[] = {
		[TFLITE_CONV_PADDING] = 1,
		[TFLITE_CONV_STRIDE_W] = 4,
		[TFLITE_CONV_STRIDE_H] = 4,
		[TFLITE_CONV_ACTIVATION] = 1,
		[TFLITE_CONV_DILATION_W] = 4,
		[TFLITE_CONV_DILATION_H] = 4,
	};
	struct qaccel_fbw_table t =
		qaccel_fbw_table(&w->fb, sizes, sizeof(sizes));

	qaccel_fbw_set8(&w->fb, &t, TFLITE_CONV_PADDING,
			(uint8_t)op->u.conv.padding);
	qaccel_fbw_set32(&w->fb, &t, TFLITE_CONV_STRIDE_W,
			 (uint32_t)op->u.conv.stride_w);
	qaccel_fbw_set32(&w->fb, &t, TFLITE_CONV_STRIDE_H,
			 (uint32_t)op->u.conv.stride_h);
	qaccel_fbw_set8(&w->fb, &t, TFLITE_CONV_ACTIVATION,
			(uint8_t)op->activation);
	qaccel_fbw_set32(&w->fb, &t, TFLITE_CONV_DILATION_W,
			 (uint32_t)op->u.conv.dilation_w);
	qaccel_fbw_set32(&w->fb, &t, TFLITE_CONV_DILATION_H,
			 (uint32_t)op->u.conv.dilation_h);
	return t.pos;
}

static size_t write_depthwise(struct writer *w, const struct qaccel_graph_op *op)
{
	static const uint8_t sizes[] = {
		[TFLITE_DEPTHWISE_PADDING] = 1,
		[TFLITE_DEPTHWISE_STRIDE_W] = 4,
		[TFLITE_DEPTHWISE_STRIDE_H] = 4,
		[TFLITE_DEPTHWISE_MULTIPLIER] = 4,
		[TFLITE_DEPTHWISE_ACTIVATION] = 1,
		[TFLITE_DEPTHWISE_DILATION_W] = 4,
		[TFLITE_DEPTHWISE_DILATION_H] = 4,
	};
	struct qaccel_fbw_table t =
		qaccel_fbw_table(&w->fb, sizes, sizeof(sizes));

	qaccel_fbw_set8(&w->fb, &t, TFLITE_DEPTHWISE_PADDING,
			(uint8_t)op->u.conv.padding);
	qaccel_fbw_set32(&w->fb, &t, TFLITE_DEPTHWISE_STRIDE_W,
			 (uint32_t)op->u.conv.stride_w);
	qaccel_fbw_set32(&w->fb, &t, TFLITE_DEPTHWISE_STRIDE_H,
			 (uint32_t)op->u.conv.stride_h);
	qaccel_fbw_set32(&w->fb, &t, TFLITE_DEPTHWISE_MULTIPLIER,
			 (uint32_t)op->u.conv.depth_multiplier);
	qaccel_fbw_set8(&w->fb, &t, TFLITE_DEPTHWISE_ACTIVATION,
			(uint8_t)op->activation);
	qaccel_fbw_set32(&w->fb, &t, TFLITE_DEPTHWISE_DILATION_W,
			 (uint32_t)op->u.conv.dilation_w);
	qaccel_fbw_set32(&w->fb, &t, TFLITE_DEPTHWISE_DILATION_H,
			 (uint32_t)op->u.conv.dilation_h);
	return t.pos;
}

static size_t write_pool(struct writer *w, const struct qaccel_graph_op *op)
{
	static const uint8_t sizes[] = {
		[TFLITE_POOL_PADDING] = 1,
		[TFLITE_POOL_STRIDE_W] = 4,
		[TFLITE_POOL_STRIDE_H] = 4,
		[TFLITE_POOL_FILTER_W] = 4,
		[TFLITE_POOL_FILTER_H] = 4,
		[TFLITE_POOL_ACTIVATION] = 1,
	};
	struct qaccel_fbw_table t =
		qaccel_fbw_table(&w->fb, sizes, sizeof(sizes));

	qaccel_fbw_set8(&w->fb, &t, TFLITE_POOL_PADDING,
			(uint8_t)op->u.pool.padding);
	qaccel_fbw_set32(&w->fb, &t, TFLITE_POOL_STRIDE_W,
			 (uint32_t)op->u.pool.stride_w);
	qaccel_fbw_set32(&w->fb, &t, TFLITE_POOL_STRIDE_H,
			 (uint32_t)op->u.pool.stride_h);
	qaccel_fbw_set32(&w->fb, &t, TFLITE_POOL_FILTER_W,
			 (uint32_t)op->u.pool.filter_w);
	qaccel_fbw_set32(&w->fb, &t, TFLITE_POOL_FILTER_H,
			 (uint32_t)op->u.pool.filter_h);
	qaccel_fbw_set8(&w->fb, &t, TFLITE_POOL_ACTIVATION,
			(uint8_t)op->activation);
	return t.pos;
}

static size_t write_fully_connected(struct writer *w,
				    const struct qaccel_graph_op *op)
{
	static const uint8_t sizes[] = {
		[TFLITE_FULLY_CONNECTED_ACTIVATION] = 1,
		[TFLITE_FULLY_CONNECTED_WEIGHTS_FORMAT] = 1,
		[TFLITE_FULLY_CONNECTED_KEEP_NUM_DIMS] = 1,
	};
	struct qaccel_fbw_table t =
		qaccel_fbw_table(&w->fb, sizes, sizeof(sizes));

	qaccel_fbw_set8(&w->fb, &t, TFLITE_FULLY_CONNECTED_ACTIVATION,
			(uint8_t)op->activation);
	qaccel_fbw_set8(&w->fb, &t, TFLITE_FULLY_CONNECTED_KEEP_NUM_DIMS,
			op->u.fully_connected.keep_num_dims);
	return t.pos;
}

static size_t write_add(struct writer *w, const struct qaccel_graph_op *op)
{
	static const uint8_t sizes[] = {
		[TFLITE_ADD_ACTIVATION] = 1,
		[TFLITE_ADD_POT_SCALE_INT16] = 1,
	};
	struct qaccel_fbw_table t =
		qaccel_fbw_table(&w->fb, sizes, sizeof(sizes));

	qaccel_fbw_set8(&w->fb, &t, TFLITE_ADD_ACTIVATION,
			(uint8_t)op->activation);
	qaccel_fbw_set8(&w->fb, &t, TFLITE_ADD_POT_SCALE_INT16,
			op->u.add.pot_scale_int16);
	return t.pos;
}

/* A table of one field, of this many bytes. */
static struct qaccel_fbw_table one_field(struct writer *w, uint8_t size)
{
	return qaccel_fbw_table(&w->fb, &size, 1);
}

static size_t write_mul(struct writer *w, const struct qaccel_graph_op *op)
{
	struct qaccel_fbw_table t = one_field(w, 1);

	qaccel_fbw_set8(&w->fb, &t, TFLITE_MUL_ACTIVATION,
			(uint8_t)op->activation);
	return t.pos;
}

static size_t write_mean(struct writer *w, const struct qaccel_graph_op *op)
{
	struct qaccel_fbw_table t = one_field(w, 1);

	qaccel_fbw_set8(&w->fb, &t, TFLITE_REDUCER_KEEP_DIMS,
			op->u.mean.keep_dims);
	return t.pos;
}

static size_t write_softmax(struct writer *w, const struct qaccel_graph_op *op)
{
	struct qaccel_fbw_table t = one_field(w, 4);

	qaccel_fbw_set_float(&w->fb, &t, TFLITE_SOFTMAX_BETA,
			     op->u.softmax.beta);
	return t.pos;
}

static size_t write_reshape(struct writer *w, const struct qaccel_graph_op *op)
{
	bool here = op->u.reshape.num_dims >= 0;
	struct qaccel_fbw_table t = one_field(w, here ? 4 : 0);

	if (here)
		qaccel_fbw_words(&w->fb, t.fields[TFLITE_RESHAPE_NEW_SHAPE],
				 op->u.reshape.dims,
				 (size_t)op->u.reshape.num_dims);
	return t.pos;
}

static size_t write_squeeze(struct writer *w, const struct qaccel_graph_op *op)
{
	struct qaccel_fbw_table t = one_field(w, 4);

	qaccel_fbw_words(&w->fb, t.fields[TFLITE_SQUEEZE_DIMS],
			 op->u.squeeze.dims, (size_t)op->u.squeeze.num_dims);
	return t.pos;
}

static size_t write_nothing(struct writer *w, const struct qaccel_graph_op *op)
{
	(void)op;
	return qaccel_fbw_table(&w->fb, NULL, 0).pos;
}

static const struct kind {
	enum qaccel_builtin builtin;
	uint8_t options;
	size_t (*write)(struct writer *w, const struct qaccel_graph_op *op);
} kinds[] = {
	{ QACCEL_BUILTIN_ADD, TFLITE_OPTIONS_ADD, write_add },
	{ QACCEL_BUILTIN_AVERAGE_POOL_2D, TFLITE_OPTIONS_POOL_2D, write_pool },
	{ QACCEL_BUILTIN_CONV_2D, TFLITE_OPTIONS_CONV_2D, write_conv },
	{ QACCEL_BUILTIN_DEPTHWISE_CONV_2D, TFLITE_OPTIONS_DEPTHWISE_CONV_2D,
	  write_depthwise },
	{ QACCEL_BUILTIN_DEQUANTIZE, TFLITE_OPTIONS_DEQUANTIZE, write_nothing },
	{ QACCEL_BUILTIN_FULLY_CONNECTED, TFLITE_OPTIONS_FULLY_CONNECTED,
	  write_fully_connected },
	{ QACCEL_BUILTIN_MAX_POOL_2D, TFLITE_OPTIONS_POOL_2D, write_pool },
	{ QACCEL_BUILTIN_MUL, TFLITE_OPTIONS_MUL, write_mul },
	{ QACCEL_BUILTIN_RELU, TFLITE_OPTIONS_NONE, NULL },
	{ QACCEL_BUILTIN_RELU6, TFLITE_OPTIONS_NONE, NULL },
	{ QACCEL_BUILTIN_RESHAPE, TFLITE_OPTIONS_RESHAPE, write_reshape },
	{ QACCEL_BUILTIN_SOFTMAX, TFLITE_OPTIONS_SOFTMAX, write_softmax },
	{ QACCEL_BUILTIN_PAD, TFLITE_OPTIONS_PAD, write_nothing },
	{ QACCEL_BUILTIN_MEAN, TFLITE_OPTIONS_REDUCER, write_mean },
	{ QACCEL_BUILTIN_SQUEEZE, TFLITE_OPTIONS_SQUEEZE, write_squeeze },
	{ QACCEL_BUILTIN_QUANTIZE, TFLITE_OPTIONS_QUANTIZE, write_nothing },
};

/* Of an operator of a checked graph, so there is one. */
static const struct kind *find_kind(enum qaccel_builtin builtin)
{
	size_t i = 0;

	while (i + 1 < sizeof(kinds) / sizeof(kinds[0]) &&
	       kinds[i].builtin != builtin)
		i++;
	return &kinds[i];
}

/* TensorFlow Lite has no inputs that are left out at the end. */
static uint32_t count_inputs(const struct qaccel_graph_op *op)
{
	uint32_t count = op->num_inputs;

	while (count && op->inputs[count - 1] < 0)
		count--;
	return count;
}

static size_t write_op(struct writer *w, const struct qaccel_graph_op *op)
{
	const struct kind *kind = find_kind(op->builtin);
	uint8_t sizes[] = {
		[TFLITE_OPERATOR_OPCODE] = 4,
		[TFLITE_OPERATOR_INPUTS] = 4,
		[TFLITE_OPERATOR_OUTPUTS] = 4,
		[TFLITE_OPERATOR_OPTIONS_TYPE] = kind->write ? 1 : 0,
		[TFLITE_OPERATOR_OPTIONS] = kind->write ? 4 : 0,
	};
	struct qaccel_fbw_table t =
		qaccel_fbw_table(&w->fb, sizes, sizeof(sizes));

	qaccel_fbw_set32(&w->fb, &t, TFLITE_OPERATOR_OPCODE, find_code(w, op));
	qaccel_fbw_words(&w->fb, t.fields[TFLITE_OPERATOR_INPUTS], op->inputs,
			 count_inputs(op));
	qaccel_fbw_words(&w->fb, t.fields[TFLITE_OPERATOR_OUTPUTS], op->outputs,
			 op->num_outputs);
	if (kind->write) {
		qaccel_fbw_set8(&w->fb, &t, TFLITE_OPERATOR_OPTIONS_TYPE,
				kind->options);
		qaccel_fbw_link(&w->fb, t.fields[TFLITE_OPERATOR_OPTIONS],
				kind->write(w, op));
	}
	return t.pos;
}

static void write_ops(struct writer *w, size_t from)
{
	const struct qaccel_graph *graph = w->graph;
	size_t v = qaccel_fbw_offsets(&w->fb, from, graph->num_ops);

	for (uint32_t i = 0; i < graph->num_ops; i++)
		qaccel_fbw_link(&w->fb, v + 4 * (size_t)i,
				write_op(w, &graph->ops[i]));
}

/* --------------------------------------------------------------- model -- */

/* Indices of tensors: below 2^31. */
static void write_ends(struct writer *w, size_t from, const uint32_t *indices,
		       uint32_t count)
{
	qaccel_fbw_words(&w->fb, from, (const int32_t *)indices, count);
}

static size_t write_subgraph(struct writer *w)
{
	static const uint8_t sizes[] = {
		[TFLITE_SUBGRAPH_TENSORS] = 4,
		[TFLITE_SUBGRAPH_INPUTS] = 4,
		[TFLITE_SUBGRAPH_OUTPUTS] = 4,
		[TFLITE_SUBGRAPH_OPERATORS] = 4,
	};
	const struct qaccel_graph *graph = w->graph;
	struct qaccel_fbw_table t =
		qaccel_fbw_table(&w->fb, sizes, sizeof(sizes));

	write_tensors(w, t.fields[TFLITE_SUBGRAPH_TENSORS]);
	write_ends(w, t.fields[TFLITE_SUBGRAPH_INPUTS], graph->inputs,
		   graph->num_inputs);
	write_ends(w, t.fields[TFLITE_SUBGRAPH_OUTPUTS], graph->outputs,
		   graph->num_outputs);
	write_ops(w, t.fields[TFLITE_SUBGRAPH_OPERATORS]);
	return t.pos;
}

static void write_model(struct writer *w)
{
	static const uint8_t sizes[] = {
		[TFLITE_MODEL_VERSION] = 4,
		[TFLITE_MODEL_OPERATOR_CODES] = 4,
		[TFLITE_MODEL_SUBGRAPHS] = 4,
		[TFLITE_MODEL_DESCRIPTION] = 4,
		[TFLITE_MODEL_BUFFERS] = 4,
	};
	size_t root = qaccel_fbw_open(&w->fb, TFLITE_IDENTIFIER), v;
	struct qaccel_fbw_table t =
		qaccel_fbw_table(&w->fb, sizes, sizeof(sizes));

	qaccel_fbw_link(&w->fb, root, t.pos);
	qaccel_fbw_set32(&w->fb, &t, TFLITE_MODEL_VERSION, TFLITE_VERSION);
	v = qaccel_fbw_offsets(&w->fb, t.fields[TFLITE_MODEL_OPERATOR_CODES],
			       w->num_codes);
	for (uint32_t i = 0; i < w->num_codes; i++)
		qaccel_fbw_link(&w->fb, v + 4 * (size_t)i,
				write_code(w, &w->codes[i]));
	v = qaccel_fbw_offsets(&w->fb, t.fields[TFLITE_MODEL_SUBGRAPHS], 1);
	qaccel_fbw_link(&w->fb, v, write_subgraph(w));
	qaccel_fbw_string(&w->fb, t.fields[TFLITE_MODEL_DESCRIPTION],
			  w->graph->description);
	write_buffers(w, t.fields[TFLITE_MODEL_BUFFERS]);
}

int qaccel_model_serialize(const struct qaccel_model *model, void **data,
			   size_t *size)
{
	struct writer w = { .graph = model->graph };
	int err;

	err = collect_codes(&w);
	if (err)
		return err;
	write_model(&w);
	if (w.fb.error) {
		free(w.fb.data);
		return w.fb.error;
	}
	*data = w.fb.data;
	*size = w.fb.size;
	return 0;
}

static int write_file(const char *path, const void *data, size_t size)
{
	FILE *file = fopen(path, "wbe");
	bool written;

	if (!file)
		return qaccel_error(errno, "%s: %m", path);
	errno = 0;
	written = fwrite(data, 1, size, file) == size;
	/* What is still buffered may fail, too. */
	if (fclose(file) || !written)
		return qaccel_error(errno ? errno : EIO, "%s: %m", path);
	return 0;
}

int qaccel_model_write(const struct qaccel_model *model, const char *path)
{
	size_t size = 0;
	void *data = NULL;
	int err;

	err = qaccel_model_serialize(model, &data, &size);
	if (err)
		return err;
	err = write_file(path, data, size);
	free(data);
	return err;
}
