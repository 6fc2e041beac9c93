// SPDX-License-Identifier: MIT
/*
 * .tflite file to graph
 *
 * Nothing of the file is trusted: flatbuffer.c checks each offset, this file
 * each index and size, qaccel_graph_check() what it all means together. What is
 * valid but not supported is an error only where an operator uses it.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "flatbuffer.h"
#include "graph.h"
#include "tflite_schema.h"

#define DEFAULT_MAX_MEMORY	(UINT64_C(1) << 30)

struct loader {
	struct qaccel_fb fb;
	struct qaccel_graph *graph;
	struct qaccel_fb_vector codes;
	struct qaccel_fb_vector buffers;
};

/* What the rest of the messages are about. */
#define where(l, ...)							\
	snprintf((l)->fb.where, sizeof((l)->fb.where), __VA_ARGS__)

#define unsupported(l, format, ...)					\
	qaccel_error(EOPNOTSUPP, "%s: " format, (l)->fb.where, ##__VA_ARGS__)

/* ------------------------------------------------------------ tensors -- */

#define TFLITE_INT64	4

/* By value of TensorType. */
static const struct {
	enum qaccel_type type;		/* 0: not supported */
	const char *unsupported;
} tensor_types[] = {
	{ QACCEL_TYPE_FLOAT32, NULL },
	{ 0, "type FLOAT16 is not supported" },
	{ QACCEL_TYPE_INT32, NULL },
	{ QACCEL_TYPE_UINT8, NULL },
	{ 0, "type INT64 is not supported" },
	{ 0, "type STRING is not supported" },
	{ 0, "type BOOL is not supported" },
	{ QACCEL_TYPE_INT16, NULL },
	{ 0, "type COMPLEX64 is not supported" },
	{ QACCEL_TYPE_INT8, NULL },
	{ 0, "type FLOAT64 is not supported" },
	{ 0, "type COMPLEX128 is not supported" },
	{ 0, "type UINT64 is not supported" },
	{ 0, "type RESOURCE is not supported" },
	{ 0, "type VARIANT is not supported" },
	{ 0, "type UINT32 is not supported" },
	{ 0, "type UINT16 is not supported" },
	{ 0, "type INT4 is not supported" },
};

/* Contents of a buffer; size 0: it has none. */
struct contents {
	const uint8_t *data;
	uint64_t size;
};

static int load_buffer(struct loader *l, uint32_t index,
		       struct contents *contents)
{
	struct qaccel_fb_table table;
	struct qaccel_fb_vector data;
	uint64_t offset, size;

	*contents = (struct contents){ NULL, 0 };
	if (index >= l->buffers.count)
		return qaccel_fb_fail(&l->fb, "buffer %u of %u", index,
				      l->buffers.count);
	table = qaccel_fb_table_at(&l->buffers, index);
	data = qaccel_fb_vector(&table, TFLITE_BUFFER_DATA, "buffer.data", 1);
	offset = qaccel_fb_u64(&table, TFLITE_BUFFER_OFFSET, "buffer.offset", 0);
	size = qaccel_fb_u64(&table, TFLITE_BUFFER_SIZE, "buffer.size", 0);
	if (l->fb.error)
		return l->fb.error;
	if (offset > 1) {
		if (offset > l->fb.size || size > l->fb.size - offset)
			return qaccel_fb_fail(&l->fb, "buffer %u reaches out of the file",
					      index);
		*contents = (struct contents){ l->fb.data + offset, size };
	} else if (data.count) {
		*contents = (struct contents){ l->fb.data + data.pos,
					       data.count };
	}
	return 0;
}

/* The shape, as far as it is one; sets unsupported where it is not ours. */
static int load_shape(struct loader *l, const struct qaccel_fb_table *table,
		      struct qaccel_graph_tensor *tensor)
{
	struct qaccel_fb_vector shape =
		qaccel_fb_vector(table, TFLITE_TENSOR_SHAPE, "shape", 4);
	int32_t dims[QACCEL_MAX_RANK];

	if (shape.count > QACCEL_MAX_RANK) {
		tensor->unsupported = "more than 6 dimensions are not supported";
		return l->fb.error;
	}
	for (uint32_t i = 0; i < shape.count; i++) {
		dims[i] = qaccel_fb_i32_at(&shape, i);
		if (dims[i] < -1)
			return qaccel_fb_fail(&l->fb, "shape: dimension %u is %d",
					      i, dims[i]);
		if (dims[i] < 0)
			tensor->unsupported = "a shape that is not known before it runs is not supported";
		else if (!dims[i])
			tensor->unsupported = "a tensor without elements is not supported";
	}
	if (tensor->unsupported)
		return l->fb.error;
	return qaccel_graph_set_shape(tensor, shape.count, dims);
}

/* Scales and zero points go into the pool: the file has no int32 zero points. */
static int copy_quantization(struct loader *l, struct qaccel_tensor_info *info,
			     const struct qaccel_fb_vector *scales,
			     const struct qaccel_fb_vector *zero_points)
{
	int32_t *z;
	float *s;
	int err;

	err = qaccel_graph_alloc(l->graph, scales->count, sizeof(*s), &s);
	if (err)
		return err;
	err = qaccel_graph_alloc(l->graph, scales->count, sizeof(*z), &z);
	if (err)
		return err;
	for (uint32_t i = 0; i < scales->count; i++) {
		int64_t zero_point = zero_points->count ?
			qaccel_fb_i64_at(zero_points, i) : 0;

		s[i] = qaccel_fb_f32_at(scales, i);
		if (!isfinite(s[i]) || s[i] < 0)
			return qaccel_fb_fail(&l->fb, "scale %u is %g", i,
					      (double)s[i]);
		if (zero_point < INT32_MIN || zero_point > INT32_MAX)
			return qaccel_fb_fail(&l->fb, "zero point %u is %lld",
					      i, (long long)zero_point);
		z[i] = (int32_t)zero_point;
	}
	info->num_scales = scales->count;
	info->scales = s;
	info->zero_points = z;
	return 0;
}

static int load_quantization(struct loader *l,
			     const struct qaccel_fb_table *tensor_table,
			     struct qaccel_graph_tensor *tensor)
{
	struct qaccel_fb_table table = qaccel_fb_table(tensor_table,
			TFLITE_TENSOR_QUANTIZATION, "quantization");
	struct qaccel_fb_vector scales =
		qaccel_fb_vector(&table, TFLITE_QUANTIZATION_SCALE, "scale", 4);
	struct qaccel_fb_vector zero_points = qaccel_fb_vector(&table,
			TFLITE_QUANTIZATION_ZERO_POINT, "zero_point", 8);
	int32_t dim = qaccel_fb_i32(&table, TFLITE_QUANTIZATION_DIMENSION,
				    "quantized_dimension", 0);

	if (qaccel_fb_u8(&table, TFLITE_QUANTIZATION_DETAILS_TYPE,
			 "details_type", 0))
		tensor->unsupported = "custom quantization is not supported";
	if (l->fb.error || tensor->unsupported || !scales.count)
		return l->fb.error;
	if (zero_points.count && zero_points.count != scales.count)
		return qaccel_fb_fail(&l->fb, "%u scales and %u zero points",
				      scales.count, zero_points.count);
	if (scales.count > 1) {
		if (dim < 0 || (uint32_t)dim >= tensor->info.rank)
			return qaccel_fb_fail(&l->fb, "quantized_dimension %d of %u",
					      dim, tensor->info.rank);
		if (scales.count != (uint32_t)tensor->info.dims[dim])
			return qaccel_fb_fail(&l->fb, "%u scales for %d channels",
					      scales.count,
					      tensor->info.dims[dim]);
		tensor->info.quantized_dim = dim;
	}
	return copy_quantization(l, &tensor->info, &scales, &zero_points);
}

/* Constants of int64 are shapes and paddings; they become int32. */
static int narrow_int64(struct loader *l, const struct contents *contents,
			struct qaccel_graph_tensor *tensor)
{
	size_t count = tensor->info.size / 4;
	int32_t *copy;
	int err;

	err = qaccel_graph_alloc(l->graph, count, sizeof(*copy), &copy);
	if (err)
		return err;
	for (size_t i = 0; i < count; i++) {
		int64_t value;

		memcpy(&value, contents->data + 8 * i, sizeof(value));
		if (value < INT32_MIN || value > INT32_MAX) {
			tensor->unsupported = "a value of more than 32 bits is not supported";
			return 0;
		}
		copy[i] = (int32_t)value;
	}
	tensor->data = copy;
	return 0;
}

/* Constant contents, in the file where they are aligned, else in the pool. */
static int load_contents(struct loader *l, const struct contents *contents,
			 bool int64, struct qaccel_graph_tensor *tensor)
{
	uint64_t expected = (uint64_t)tensor->info.size << int64;
	void *copy;
	int err;

	if (contents->size != expected)
		return qaccel_fb_fail(&l->fb, "the buffer has %llu bytes, the tensor %llu",
				      (unsigned long long)contents->size,
				      (unsigned long long)expected);
	tensor->info.constant = true;
	if (int64)
		return narrow_int64(l, contents, tensor);
	if ((uintptr_t)contents->data % qaccel_type_size(tensor->info.type)) {
		err = qaccel_graph_alloc(l->graph, tensor->info.size, 1, &copy);
		if (err)
			return err;
		memcpy(copy, contents->data, tensor->info.size);
		tensor->data = copy;
	} else {
		tensor->data = contents->data;
	}
	return 0;
}

/* An unusable tensor has nothing that anybody could take for usable. */
static void strip(struct qaccel_graph_tensor *tensor)
{
	struct qaccel_tensor_info *info = &tensor->info;

	tensor->data = NULL;
	*info = (struct qaccel_tensor_info){
		.index = info->index, .name = info->name,
	};
}

static int load_tensor(struct loader *l, uint32_t index,
		       const struct qaccel_fb_table *table)
{
	struct qaccel_graph_tensor *tensor = &l->graph->tensors[index];
	uint8_t type = qaccel_fb_u8(table, TFLITE_TENSOR_TYPE, "type", 0);
	uint32_t buffer = qaccel_fb_u32(table, TFLITE_TENSOR_BUFFER, "buffer", 0);
	struct qaccel_fb_string name =
		qaccel_fb_string(table, TFLITE_TENSOR_NAME, "name");
	struct contents contents;
	bool int64;
	int err;

	if (l->fb.error)
		return l->fb.error;
	if (type >= sizeof(tensor_types) / sizeof(tensor_types[0]))
		return qaccel_fb_fail(&l->fb, "type %u is not known", type);
	err = load_buffer(l, buffer, &contents);
	if (err)
		return err;
	int64 = type == TFLITE_INT64 && contents.size;
	tensor->info.index = index;
	tensor->info.name = name.text ? name.text : "";
	tensor->info.type = int64 ? QACCEL_TYPE_INT32 : tensor_types[type].type;
	tensor->producer = -1;
	if (!tensor->info.type)
		tensor->unsupported = tensor_types[type].unsupported;
	if (qaccel_fb_u8(table, TFLITE_TENSOR_IS_VARIABLE, "is_variable", 0))
		tensor->unsupported = "variable tensors are not supported";
	if (qaccel_fb_has(table, TFLITE_TENSOR_SPARSITY))
		tensor->unsupported = "sparse tensors are not supported";
	err = load_shape(l, table, tensor);
	if (!err && !tensor->unsupported)
		err = qaccel_graph_charge(l->graph, tensor->info.size);
	if (!err && !tensor->unsupported)
		err = load_quantization(l, table, tensor);
	if (!err && !tensor->unsupported && contents.size)
		err = load_contents(l, &contents, int64, tensor);
	if (tensor->unsupported)
		strip(tensor);
	return err ? err : l->fb.error;
}

static int load_tensors(struct loader *l, const struct qaccel_fb_table *subgraph)
{
	struct qaccel_fb_vector tensors =
		qaccel_fb_vector(subgraph, TFLITE_SUBGRAPH_TENSORS, "tensors", 4);
	int err;

	if (!tensors.count)
		return qaccel_fb_fail(&l->fb, "the model has no tensors");
	err = qaccel_graph_alloc(l->graph, tensors.count,
				 sizeof(*l->graph->tensors), &l->graph->tensors);
	if (err)
		return err;
	l->graph->num_tensors = tensors.count;
	for (uint32_t i = 0; i < tensors.count; i++) {
		struct qaccel_fb_table table = qaccel_fb_table_at(&tensors, i);

		where(l, "tensor %u", i);
		err = l->fb.error ? l->fb.error : load_tensor(l, i, &table);
		if (err)
			return err;
	}
	where(l, "%s", "");
	return 0;
}

/* ---------------------------------------------------------- operators -- */

static enum qaccel_activation to_activation(int8_t value)
{
	/* What is not known stays so, for the check to refuse it. */
	return (enum qaccel_activation)(uint8_t)value;
}

static enum qaccel_padding to_padding(int8_t value)
{
	return (enum qaccel_padding)(uint8_t)value;
}

static int load_conv(struct loader *l, const struct qaccel_fb_table *t,
		     struct qaccel_graph_op *op)
{
	op->u.conv.padding = to_padding(
		qaccel_fb_i8(t, TFLITE_CONV_PADDING, "padding", 0));
	op->u.conv.stride_w =
		qaccel_fb_i32(t, TFLITE_CONV_STRIDE_W, "stride_w", 0);
	op->u.conv.stride_h =
		qaccel_fb_i32(t, TFLITE_CONV_STRIDE_H, "stride_h", 0);
	op->u.conv.dilation_w =
		qaccel_fb_i32(t, TFLITE_CONV_DILATION_W, "dilation_w_factor", 1);
	op->u.conv.dilation_h =
		qaccel_fb_i32(t, TFLITE_CONV_DILATION_H, "dilation_h_factor", 1);
	op->u.conv.depth_multiplier = 1;
	op->activation = to_activation(qaccel_fb_i8(t, TFLITE_CONV_ACTIVATION,
			"fused_activation_function", 0));
	return l->fb.error;
}

static int load_depthwise(struct loader *l, const struct qaccel_fb_table *t,
			  struct qaccel_graph_op *op)
{
	op->u.conv.padding = to_padding(
		qaccel_fb_i8(t, TFLITE_DEPTHWISE_PADDING, "padding", 0));
	op->u.conv.stride_w =
		qaccel_fb_i32(t, TFLITE_DEPTHWISE_STRIDE_W, "stride_w", 0);
	op->u.conv.stride_h =
		qaccel_fb_i32(t, TFLITE_DEPTHWISE_STRIDE_H, "stride_h", 0);
	op->u.conv.dilation_w = qaccel_fb_i32(t, TFLITE_DEPTHWISE_DILATION_W,
					      "dilation_w_factor", 1);
	op->u.conv.dilation_h = qaccel_fb_i32(t, TFLITE_DEPTHWISE_DILATION_H,
					      "dilation_h_factor", 1);
	op->activation = to_activation(qaccel_fb_i8(t,
			TFLITE_DEPTHWISE_ACTIVATION,
			"fused_activation_function", 0));
	return l->fb.error;
}

static int load_pool(struct loader *l, const struct qaccel_fb_table *t,
		     struct qaccel_graph_op *op)
{
	op->u.pool.padding = to_padding(
		qaccel_fb_i8(t, TFLITE_POOL_PADDING, "padding", 0));
	op->u.pool.stride_w =
		qaccel_fb_i32(t, TFLITE_POOL_STRIDE_W, "stride_w", 0);
	op->u.pool.stride_h =
		qaccel_fb_i32(t, TFLITE_POOL_STRIDE_H, "stride_h", 0);
	op->u.pool.filter_w =
		qaccel_fb_i32(t, TFLITE_POOL_FILTER_W, "filter_width", 0);
	op->u.pool.filter_h =
		qaccel_fb_i32(t, TFLITE_POOL_FILTER_H, "filter_height", 0);
	op->activation = to_activation(qaccel_fb_i8(t, TFLITE_POOL_ACTIVATION,
			"fused_activation_function", 0));
	return l->fb.error;
}

static int load_fully_connected(struct loader *l,
				const struct qaccel_fb_table *t,
				struct qaccel_graph_op *op)
{
	int8_t format = qaccel_fb_i8(t, TFLITE_FULLY_CONNECTED_WEIGHTS_FORMAT,
				     "weights_format", 0);

	if (!l->fb.error && format)
		return unsupported(l, "weights format %d is not supported",
				   format);
	op->u.fully_connected.keep_num_dims = qaccel_fb_u8(t,
			TFLITE_FULLY_CONNECTED_KEEP_NUM_DIMS,
			"keep_num_dims", 0);
	op->activation = to_activation(qaccel_fb_i8(t,
			TFLITE_FULLY_CONNECTED_ACTIVATION,
			"fused_activation_function", 0));
	return l->fb.error;
}

static int load_add(struct loader *l, const struct qaccel_fb_table *t,
		    struct qaccel_graph_op *op)
{
	op->activation = to_activation(qaccel_fb_i8(t, TFLITE_ADD_ACTIVATION,
			"fused_activation_function", 0));
	op->u.add.pot_scale_int16 = qaccel_fb_u8(t, TFLITE_ADD_POT_SCALE_INT16,
						 "pot_scale_int16", 1);
	return l->fb.error;
}

static int load_mul(struct loader *l, const struct qaccel_fb_table *t,
		    struct qaccel_graph_op *op)
{
	op->activation = to_activation(qaccel_fb_i8(t, TFLITE_MUL_ACTIVATION,
			"fused_activation_function", 0));
	return l->fb.error;
}

static int load_mean(struct loader *l, const struct qaccel_fb_table *t,
		     struct qaccel_graph_op *op)
{
	op->u.mean.keep_dims =
		qaccel_fb_u8(t, TFLITE_REDUCER_KEEP_DIMS, "keep_dims", 0);
	return l->fb.error;
}

static int load_softmax(struct loader *l, const struct qaccel_fb_table *t,
			struct qaccel_graph_op *op)
{
	op->u.softmax.beta = qaccel_fb_f32(t, TFLITE_SOFTMAX_BETA, "beta", 0);
	return l->fb.error;
}

static int load_dims(struct loader *l, const struct qaccel_fb_vector *v,
		     int32_t *num_dims, int32_t dims[QACCEL_MAX_RANK])
{
	if (v->count > QACCEL_MAX_RANK)
		return unsupported(l, "%s: more than %d dimensions are not supported",
				   v->name, QACCEL_MAX_RANK);
	for (uint32_t i = 0; i < v->count; i++)
		dims[i] = qaccel_fb_i32_at(v, i);
	*num_dims = (int32_t)v->count;
	return l->fb.error;
}

static int load_reshape(struct loader *l, const struct qaccel_fb_table *t,
			struct qaccel_graph_op *op)
{
	struct qaccel_fb_vector v =
		qaccel_fb_vector(t, TFLITE_RESHAPE_NEW_SHAPE, "new_shape", 4);

	/* The second input has it, or the options have; the former wins. */
	op->u.reshape.num_dims = -1;
	if (op->num_inputs > 1 || !qaccel_fb_has(t, TFLITE_RESHAPE_NEW_SHAPE))
		return l->fb.error;
	return load_dims(l, &v, &op->u.reshape.num_dims, op->u.reshape.dims);
}

static int load_squeeze(struct loader *l, const struct qaccel_fb_table *t,
			struct qaccel_graph_op *op)
{
	struct qaccel_fb_vector v =
		qaccel_fb_vector(t, TFLITE_SQUEEZE_DIMS, "squeeze_dims", 4);

	return load_dims(l, &v, &op->u.squeeze.num_dims, op->u.squeeze.dims);
}

static int load_nothing(struct loader *l, const struct qaccel_fb_table *t,
			struct qaccel_graph_op *op)
{
	(void)t;
	(void)op;
	return l->fb.error;
}

static const struct kind {
	enum qaccel_builtin builtin;
	/*
	 * TFLite counts an operator's version up when it gets a new type or
	 * option: those up to here are known, to be taken or refused.
	 */
	int32_t max_version;
	uint8_t options;
	int (*load)(struct loader *l, const struct qaccel_fb_table *options,
		    struct qaccel_graph_op *op);
} kinds[] = {
	{ QACCEL_BUILTIN_ADD, 5, TFLITE_OPTIONS_ADD, load_add },
	{ QACCEL_BUILTIN_AVERAGE_POOL_2D, 3, TFLITE_OPTIONS_POOL_2D,
	  load_pool },
	{ QACCEL_BUILTIN_CONV_2D, 8, TFLITE_OPTIONS_CONV_2D, load_conv },
	{ QACCEL_BUILTIN_DEPTHWISE_CONV_2D, 7, TFLITE_OPTIONS_DEPTHWISE_CONV_2D,
	  load_depthwise },
	{ QACCEL_BUILTIN_DEQUANTIZE, 6, TFLITE_OPTIONS_DEQUANTIZE,
	  load_nothing },
	{ QACCEL_BUILTIN_FULLY_CONNECTED, 14, TFLITE_OPTIONS_FULLY_CONNECTED,
	  load_fully_connected },
	{ QACCEL_BUILTIN_MAX_POOL_2D, 3, TFLITE_OPTIONS_POOL_2D, load_pool },
	{ QACCEL_BUILTIN_MUL, 7, TFLITE_OPTIONS_MUL, load_mul },
	{ QACCEL_BUILTIN_RELU, 3, TFLITE_OPTIONS_NONE, load_nothing },
	{ QACCEL_BUILTIN_RELU6, 3, TFLITE_OPTIONS_NONE, load_nothing },
	{ QACCEL_BUILTIN_RESHAPE, 1, TFLITE_OPTIONS_RESHAPE, load_reshape },
	{ QACCEL_BUILTIN_SOFTMAX, 3, TFLITE_OPTIONS_SOFTMAX, load_softmax },
	{ QACCEL_BUILTIN_PAD, 4, TFLITE_OPTIONS_PAD, load_nothing },
	{ QACCEL_BUILTIN_MEAN, 3, TFLITE_OPTIONS_REDUCER, load_mean },
	{ QACCEL_BUILTIN_SQUEEZE, 2, TFLITE_OPTIONS_SQUEEZE, load_squeeze },
	{ QACCEL_BUILTIN_QUANTIZE, 4, TFLITE_OPTIONS_QUANTIZE, load_nothing },
};

/* Custom codes come from the file: nothing but printable goes into messages. */
static int refuse_custom(uint32_t index, const struct qaccel_fb_string *code)
{
	char text[48];
	uint32_t i;

	for (i = 0; i < code->length && i < sizeof(text) - 1; i++)
		text[i] = code->text[i] >= ' ' && code->text[i] <= '~' ?
			code->text[i] : '?';
	text[i] = 0;
	return qaccel_error(EOPNOTSUPP, "operator %u (custom \"%s\") is not supported",
			    index, text);
}

static int check_version(uint32_t index, const struct kind *kind,
			 int32_t version)
{
	if (version >= 1 && version <= kind->max_version)
		return 0;
	return qaccel_error(EOPNOTSUPP, "operator %u (%s) of version %d is not supported",
			    index, qaccel_tflite_builtin_name(kind->builtin),
			    version);
}

/* Finds the kind of operator index from its code. */
static int find_kind(struct loader *l, uint32_t index, uint32_t code_index,
		     const struct kind **kind)
{
	struct qaccel_fb_table code;
	struct qaccel_fb_string custom;
	int32_t old, builtin, version;
	const char *name;

	if (code_index >= l->codes.count)
		return qaccel_fb_fail(&l->fb, "operator code %u of %u",
				      code_index, l->codes.count);
	code = qaccel_fb_table_at(&l->codes, code_index);
	old = qaccel_fb_i8(&code, TFLITE_CODE_DEPRECATED_BUILTIN,
			   "deprecated_builtin_code", 0);
	builtin = qaccel_fb_i32(&code, TFLITE_CODE_BUILTIN, "builtin_code", 0);
	custom = qaccel_fb_string(&code, TFLITE_CODE_CUSTOM, "custom_code");
	version = qaccel_fb_i32(&code, TFLITE_CODE_VERSION, "version", 1);
	if (l->fb.error)
		return l->fb.error;
	if (builtin < old)
		builtin = old;
	if (builtin < 0)
		return qaccel_fb_fail(&l->fb, "operator code %d", builtin);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if ((int32_t)kinds[i].builtin == builtin) {
			*kind = &kinds[i];
			return check_version(index, *kind, version);
		}
	}
	if (builtin == TFLITE_BUILTIN_CUSTOM)
		return refuse_custom(index, &custom);
	name = qaccel_tflite_builtin_name((uint32_t)builtin);
	return name ? qaccel_error(EOPNOTSUPP, "operator %u (%s) is not supported",
				   index, name)
		    : qaccel_error(EOPNOTSUPP, "operator %u (code %d) is not supported",
				   index, builtin);
}

/* Copies tensor indices; -1 is allowed for inputs that are left out. */
static int load_indices(struct loader *l, const struct qaccel_fb_vector *v,
			uint32_t max, int32_t lowest, int32_t *out)
{
	if (!l->fb.error && v->count > max)
		return unsupported(l, "%u %s are not supported", v->count,
				   v->name);
	for (uint32_t i = 0; i < v->count; i++) {
		out[i] = qaccel_fb_i32_at(v, i);
		if (out[i] < lowest ||
		    out[i] >= (int64_t)l->graph->num_tensors)
			return qaccel_fb_fail(&l->fb, "%s: tensor %d of %u",
					      v->name, out[i],
					      l->graph->num_tensors);
	}
	return l->fb.error;
}

static int load_options(struct loader *l, const struct qaccel_fb_table *table,
			const struct kind *kind, struct qaccel_graph_op *op)
{
	uint8_t type = qaccel_fb_u8(table, TFLITE_OPERATOR_OPTIONS_TYPE,
				    "builtin_options_type", 0);
	struct qaccel_fb_table options = { .fb = &l->fb };

	/* None is as good as a table of defaults. */
	if (type == kind->options && type)
		options = qaccel_fb_table(table, TFLITE_OPERATOR_OPTIONS,
					  "builtin_options");
	else if (type && kind->options)
		return qaccel_fb_fail(&l->fb, "options of type %u, not %u",
				      type, kind->options);
	return kind->load(l, &options, op);
}

static int load_op(struct loader *l, uint32_t index,
		   const struct qaccel_fb_table *table)
{
	struct qaccel_graph_op *op = &l->graph->ops[index];
	struct qaccel_fb_vector inputs =
		qaccel_fb_vector(table, TFLITE_OPERATOR_INPUTS, "inputs", 4);
	struct qaccel_fb_vector outputs =
		qaccel_fb_vector(table, TFLITE_OPERATOR_OUTPUTS, "outputs", 4);
	uint32_t code = qaccel_fb_u32(table, TFLITE_OPERATOR_OPCODE,
				      "opcode_index", 0);
	const struct kind *kind = NULL;
	int err;

	if (l->fb.error)
		return l->fb.error;
	err = find_kind(l, index, code, &kind);
	if (err)
		return err;
	op->builtin = kind->builtin;
	op->name = qaccel_tflite_builtin_name(kind->builtin);
	where(l, "operator %u (%s)", index, op->name);
	err = load_indices(l, &inputs, QACCEL_MAX_OP_INPUTS, -1, op->inputs);
	if (!err)
		err = load_indices(l, &outputs, 1, 0, op->outputs);
	if (err)
		return err;
	op->num_inputs = inputs.count;
	op->num_outputs = outputs.count;
	return load_options(l, table, kind, op);
}

static int load_ops(struct loader *l, const struct qaccel_fb_table *subgraph)
{
	struct qaccel_fb_vector ops = qaccel_fb_vector(subgraph,
			TFLITE_SUBGRAPH_OPERATORS, "operators", 4);
	int err;

	if (!ops.count)
		return qaccel_fb_fail(&l->fb, "the model has no operators");
	err = qaccel_graph_alloc(l->graph, ops.count, sizeof(*l->graph->ops),
				 &l->graph->ops);
	if (err)
		return err;
	l->graph->num_ops = ops.count;
	for (uint32_t i = 0; i < ops.count; i++) {
		struct qaccel_fb_table table = qaccel_fb_table_at(&ops, i);

		where(l, "operator %u", i);
		err = l->fb.error ? l->fb.error : load_op(l, i, &table);
		if (err)
			return err;
	}
	where(l, "%s", "");
	return 0;
}

/* -------------------------------------------------------------- model -- */

static int load_ends(struct loader *l, const struct qaccel_fb_table *subgraph,
		     unsigned int id, const char *name, uint32_t *count,
		     uint32_t **indices)
{
	struct qaccel_fb_vector v = qaccel_fb_vector(subgraph, id, name, 4);
	int32_t *copy;
	int err;

	if (l->fb.error)
		return l->fb.error;
	err = qaccel_graph_alloc(l->graph, v.count, sizeof(*copy), &copy);
	if (!err)
		err = load_indices(l, &v, UINT32_MAX, 0, copy);
	if (err)
		return err;
	*count = v.count;
	/* None is negative. */
	*indices = (uint32_t *)copy;
	return 0;
}

static int load_subgraph(struct loader *l, const struct qaccel_fb_table *subgraph)
{
	int err;

	err = load_tensors(l, subgraph);
	if (!err)
		err = load_ops(l, subgraph);
	if (!err)
		err = load_ends(l, subgraph, TFLITE_SUBGRAPH_INPUTS, "inputs",
				&l->graph->num_inputs, &l->graph->inputs);
	if (!err)
		err = load_ends(l, subgraph, TFLITE_SUBGRAPH_OUTPUTS, "outputs",
				&l->graph->num_outputs, &l->graph->outputs);
	return err;
}

static int load_model(struct loader *l, size_t size)
{
	struct qaccel_fb_table model = qaccel_fb_open(&l->fb, l->graph->file,
						      size, TFLITE_IDENTIFIER);
	uint32_t version = qaccel_fb_u32(&model, TFLITE_MODEL_VERSION,
					 "version", 0);
	struct qaccel_fb_vector subgraphs = qaccel_fb_vector(&model,
			TFLITE_MODEL_SUBGRAPHS, "subgraphs", 4);
	struct qaccel_fb_string description = qaccel_fb_string(&model,
			TFLITE_MODEL_DESCRIPTION, "description");
	struct qaccel_fb_table subgraph;

	l->codes = qaccel_fb_vector(&model, TFLITE_MODEL_OPERATOR_CODES,
				    "operator_codes", 4);
	l->buffers = qaccel_fb_vector(&model, TFLITE_MODEL_BUFFERS, "buffers", 4);
	if (l->fb.error)
		return l->fb.error;
	if (version != TFLITE_VERSION)
		return qaccel_error(EOPNOTSUPP, "schema version %u is not supported",
				    version);
	if (!subgraphs.count)
		return qaccel_fb_fail(&l->fb, "the model has no subgraph");
	if (subgraphs.count != 1)
		return qaccel_error(EOPNOTSUPP, "a model of %u subgraphs is not supported",
				    subgraphs.count);
	if (description.text)
		l->graph->description = description.text;
	subgraph = qaccel_fb_table_at(&subgraphs, 0);
	return l->fb.error ? l->fb.error : load_subgraph(l, &subgraph);
}

/* Takes over file, which malloc() made, whether it succeeds or not. */
static int load_owned(void *file, size_t size, uint64_t max_memory, bool real,
		      struct qaccel_model **result)
{
	struct qaccel_model *model = calloc(1, sizeof(*model));
	struct loader l = { .graph = qaccel_graph_create(max_memory) };
	int err;

	if (!model || !l.graph) {
		free(file);
		free(model);
		qaccel_graph_unref(l.graph);
		return qaccel_error(ENOMEM, "out of memory");
	}
	l.graph->file = file;
	l.graph->real = real;
	model->graph = l.graph;
	err = load_model(&l, size);
	if (!err)
		err = qaccel_graph_check(l.graph);
	if (err)
		qaccel_model_destroy(model);
	else
		*result = model;
	return err;
}

static int get_max_memory(const struct qaccel_load_options *options,
			  uint64_t *max_memory)
{
	*max_memory = DEFAULT_MAX_MEMORY;
	if (!options)
		return 0;
	for (size_t i = 0; i < sizeof(options->reserved) /
			       sizeof(options->reserved[0]); i++)
		if (options->reserved[i])
			return qaccel_error(EINVAL, "a reserved load option is not zero");
	if (options->max_memory)
		*max_memory = options->max_memory;
	return 0;
}

static int too_large(uint64_t max_memory)
{
	return qaccel_error(EFBIG, "the file has more than %llu bytes",
			    (unsigned long long)max_memory);
}

int qaccel_tflite_load_memory(const struct qaccel_load_options *options,
			      const void *data, size_t size, bool real,
			      struct qaccel_model **model)
{
	uint64_t max_memory;
	void *copy;
	int err;

	err = get_max_memory(options, &max_memory);
	if (err)
		return err;
	if (size > max_memory)
		return too_large(max_memory);
	copy = malloc(size ? size : 1);
	if (!copy)
		return qaccel_error(ENOMEM, "out of memory");
	if (size)
		memcpy(copy, data, size);
	return load_owned(copy, size, max_memory, real, model);
}

int qaccel_model_load_memory(const struct qaccel_load_options *options,
			     const void *data, size_t size,
			     struct qaccel_model **model)
{
	return qaccel_tflite_load_memory(options, data, size, false, model);
}

/* Reads to the end, of pipes too; no mapping, as a file may shrink under it. */
static int read_stream(FILE *file, uint64_t max_memory, void **data,
		       size_t *size)
{
	size_t room = 64 << 10, used = 0;
	unsigned char *buffer = malloc(room);

	while (buffer) {
		unsigned char *larger;

		errno = 0;
		used += fread(buffer + used, 1, room - used, file);
		if (ferror(file)) {
			int code = errno ? errno : EIO;

			free(buffer);
			errno = code;
			return qaccel_error(code, "%m");
		}
		if (used > max_memory) {
			free(buffer);
			return too_large(max_memory);
		}
		if (used < room) {
			*data = buffer;
			*size = used;
			return 0;
		}
		room *= 2;
		larger = realloc(buffer, room);
		if (!larger)
			free(buffer);
		buffer = larger;
	}
	return qaccel_error(ENOMEM, "out of memory");
}

/* The same error, with the file's name before it. */
static int name_file(int err, const char *path)
{
	char text[400];

	snprintf(text, sizeof(text), "%s", qaccel_last_error());
	return qaccel_error(-err, "%s: %s", path, text);
}

static int load_file(const char *path, uint64_t max_memory, bool real,
		     struct qaccel_model **model)
{
	FILE *file = fopen(path, "rbe");
	size_t size = 0;
	void *data = NULL;
	int err;

	if (!file)
		return qaccel_error(errno, "%m");
	err = read_stream(file, max_memory, &data, &size);
	fclose(file);
	if (err)
		return err;
	return load_owned(data, size, max_memory, real, model);
}

int qaccel_tflite_load_file(const struct qaccel_load_options *options,
			    const char *path, bool real,
			    struct qaccel_model **model)
{
	uint64_t max_memory;
	int err;

	err = get_max_memory(options, &max_memory);
	if (err)
		return err;
	err = load_file(path, max_memory, real, model);
	return err ? name_file(err, path) : 0;
}

int qaccel_model_load_file(const struct qaccel_load_options *options,
			   const char *path, struct qaccel_model **model)
{
	return qaccel_tflite_load_file(options, path, false, model);
}
