// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qaccel/graph.h>

#include "error.h"
#include "graph.h"
#include "tflite_schema.h"

/* A list that grows; its contents move into the graph's pool at the end. */
struct list {
	void *items;
	uint32_t count;
	uint32_t room;
	size_t item_size;
};

struct qaccel_builder {
	struct qaccel_graph *graph;	/* NULL once finished */
	int error;			/* the first failure, and its text */
	char error_text[256];
	struct list tensors;		/* struct qaccel_graph_tensor */
	struct list ops;		/* struct qaccel_graph_op */
	struct list inputs, outputs;	/* uint32_t */
};

/* Remembers the failure that was just reported. */
static int failed(struct qaccel_builder *b, int err)
{
	b->error = err;
	snprintf(b->error_text, sizeof(b->error_text), "%s", qaccel_last_error());
	return err;
}

#define fail(b, code, ...)	failed(b, qaccel_error(code, __VA_ARGS__))

/* 0, or the failure from before, reported again. */
static int check_state(struct qaccel_builder *b)
{
	if (b->error)
		return qaccel_error(-b->error, "%s", b->error_text);
	if (!b->graph)
		return qaccel_error(EINVAL, "the builder is finished");
	return 0;
}

/* Adds a zeroed item: *(void **)pointer, valid until the next one. */
static int list_add(struct qaccel_builder *b, struct list *list, void *pointer)
{
	unsigned char *items = list->items;
	uint32_t room = list->room ? 2 * list->room : 8;

	if (list->count == list->room) {
		/* Numbers of tensors and operators are int32. */
		if (room > (uint32_t)INT32_MAX)
			return fail(b, EFBIG, "the model is too large");
		items = realloc(items, room * list->item_size);
		if (!items)
			return fail(b, ENOMEM, "out of memory");
		list->items = items;
		list->room = room;
	}
	items += list->count++ * list->item_size;
	memset(items, 0, list->item_size);
	memcpy(pointer, &items, sizeof(items));
	return 0;
}

/* Moves the list's contents into the pool: *(void **)pointer. */
static int list_move(struct qaccel_builder *b, struct list *list, void *pointer)
{
	void *copy;
	int err;

	err = qaccel_graph_alloc(b->graph, list->count, list->item_size, &copy);
	if (err)
		return err;
	if (list->count)
		memcpy(copy, list->items, list->count * list->item_size);
	memcpy(pointer, &copy, sizeof(copy));
	return 0;
}

static int copy_text(struct qaccel_builder *b, const char *text,
		     const char **copy)
{
	size_t size = strlen(text) + 1;
	char *memory;
	int err;

	err = qaccel_graph_alloc(b->graph, size, 1, &memory);
	if (err)
		return failed(b, err);
	memcpy(memory, text, size);
	*copy = memory;
	return 0;
}

int qaccel_builder_create(const char *description,
			  struct qaccel_builder **builder)
{
	struct qaccel_builder *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return qaccel_error(ENOMEM, "out of memory");
	b->tensors.item_size = sizeof(struct qaccel_graph_tensor);
	b->ops.item_size = sizeof(struct qaccel_graph_op);
	b->inputs.item_size = sizeof(uint32_t);
	b->outputs.item_size = sizeof(uint32_t);
	/* The caller's own data: no limit. */
	b->graph = qaccel_graph_create(UINT64_MAX);
	if (!b->graph) {
		qaccel_builder_destroy(b);
		return -ENOMEM;
	}
	err = copy_text(b, description ? description : "",
			&b->graph->description);
	if (err) {
		qaccel_builder_destroy(b);
		return err;
	}
	*builder = b;
	return 0;
}

void qaccel_builder_destroy(struct qaccel_builder *b)
{
	if (!b)
		return;
	qaccel_graph_unref(b->graph);
	free(b->tensors.items);
	free(b->ops.items);
	free(b->inputs.items);
	free(b->outputs.items);
	free(b);
}

/* ------------------------------------------------------------ tensors -- */

/* Scales and zero points into the pool; zero_point is that of a single scale. */
static int set_scales(struct qaccel_builder *b, struct qaccel_tensor_info *info,
		      const float *scales, uint32_t count, int32_t zero_point)
{
	int32_t *z;
	float *s;
	int err;

	for (uint32_t i = 0; i < count; i++)
		if (!isfinite(scales[i]) || scales[i] < 0)
			return fail(b, EINVAL, "a scale of %g",
				    (double)scales[i]);
	err = qaccel_graph_alloc(b->graph, count, sizeof(*s), &s);
	if (!err)
		err = qaccel_graph_alloc(b->graph, count, sizeof(*z), &z);
	if (err)
		return failed(b, err);
	memcpy(s, scales, count * sizeof(*s));
	z[0] = zero_point;
	info->scales = s;
	info->zero_points = z;
	info->num_scales = count;
	return 0;
}

static int set_quantization(struct qaccel_builder *b,
			    struct qaccel_tensor_info *info,
			    const struct qaccel_tensor_desc *desc)
{
	if (desc->channel_scales) {
		if (desc->channel_dim >= desc->rank)
			return fail(b, EINVAL, "channel dimension %u of %u",
				    desc->channel_dim, desc->rank);
		info->quantized_dim = (int32_t)desc->channel_dim;
		return set_scales(b, info, desc->channel_scales,
				  (uint32_t)desc->dims[desc->channel_dim], 0);
	}
	/* 0 is not quantized; what is no number is refused. */
	if (desc->scale == 0)
		return 0;
	return set_scales(b, info, &desc->scale, 1, desc->zero_point);
}

static int check_desc(struct qaccel_builder *b,
		      const struct qaccel_tensor_desc *desc)
{
	if (!qaccel_type_size(desc->type))
		return fail(b, EINVAL, "type %d is not known", (int)desc->type);
	if (desc->rank > QACCEL_MAX_RANK)
		return fail(b, EINVAL, "%u dimensions", desc->rank);
	for (uint32_t i = 0; i < desc->rank; i++)
		if (desc->dims[i] < 1)
			return fail(b, EINVAL, "dimension %u is %d", i,
				    desc->dims[i]);
	if (desc->pad || desc->reserved[0] || desc->reserved[1] ||
	    desc->reserved[2] || desc->reserved[3])
		return fail(b, EINVAL, "a reserved field is not zero");
	return 0;
}

/* A new tensor, in *tensor until the next one is added. */
static int add_tensor(struct qaccel_builder *b,
		      const struct qaccel_tensor_desc *desc, bool infer_shape,
		      struct qaccel_graph_tensor **tensor)
{
	struct qaccel_graph_tensor *t;
	int err;

	err = check_state(b);
	if (!err)
		err = check_desc(b, desc);
	if (!err)
		err = list_add(b, &b->tensors, &t);
	if (err)
		return err;
	t->info.index = b->tensors.count - 1;
	t->info.type = desc->type;
	t->infer_shape = infer_shape && !desc->rank;
	err = qaccel_graph_set_shape(t, desc->rank, desc->dims);
	if (!err && !t->infer_shape)
		err = qaccel_graph_charge(b->graph, t->info.size);
	if (err)
		return failed(b, err);
	err = copy_text(b, desc->name ? desc->name : "", &t->info.name);
	if (!err)
		err = set_quantization(b, &t->info, desc);
	*tensor = t;
	return err;
}

int32_t qaccel_builder_input(struct qaccel_builder *b,
			     const struct qaccel_tensor_desc *desc)
{
	struct qaccel_graph_tensor *t = NULL;
	uint32_t *entry = NULL;
	int err;

	err = add_tensor(b, desc, false, &t);
	if (!err)
		err = list_add(b, &b->inputs, &entry);
	if (err)
		return err;
	*entry = t->info.index;
	return (int32_t)t->info.index;
}

int32_t qaccel_builder_constant(struct qaccel_builder *b,
				const struct qaccel_tensor_desc *desc,
				const void *data)
{
	struct qaccel_graph_tensor *t;
	void *copy;
	int err;

	err = add_tensor(b, desc, false, &t);
	if (err)
		return err;
	err = qaccel_graph_alloc(b->graph, t->info.size, 1, &copy);
	if (err)
		return failed(b, err);
	memcpy(copy, data, t->info.size);
	t->data = copy;
	t->info.constant = true;
	return (int32_t)t->info.index;
}

/* A list of INT32 that an operator takes as its second input. */
static int32_t add_list(struct qaccel_builder *b, const int32_t *values,
			uint32_t rows, uint32_t columns)
{
	struct qaccel_tensor_desc desc = {
		.type = QACCEL_TYPE_INT32,
		.rank = columns > 1 ? 2 : 1,
	};

	if (rows > (uint32_t)INT32_MAX)
		return fail(b, EINVAL, "%u values", rows);
	desc.dims[0] = (int32_t)rows;
	desc.dims[1] = (int32_t)columns;
	return qaccel_builder_constant(b, &desc, values);
}

static int check_tensor(struct qaccel_builder *b, int32_t tensor)
{
	int err;

	err = check_state(b);
	if (err)
		return err;
	if (tensor < 0 || (uint32_t)tensor >= b->tensors.count)
		return fail(b, EINVAL, "there is no tensor %d", tensor);
	return 0;
}

int qaccel_builder_output(struct qaccel_builder *b, int32_t tensor)
{
	uint32_t *entry = NULL;
	int err;

	err = check_tensor(b, tensor);
	if (!err)
		err = list_add(b, &b->outputs, &entry);
	if (!err)
		*entry = (uint32_t)tensor;
	return err;
}

/* ---------------------------------------------------------- operators -- */

/* Type and quantization of a tensor, for an output of the same ones. */
static void describe(const struct qaccel_builder *b, int32_t tensor,
		     struct qaccel_tensor_desc *desc)
{
	const struct qaccel_graph_tensor *tensors = b->tensors.items;
	const struct qaccel_tensor_info *info = &tensors[tensor].info;

	*desc = (struct qaccel_tensor_desc){ .type = info->type };
	if (info->num_scales == 1) {
		desc->scale = info->scales[0];
		desc->zero_point = info->zero_points[0];
	}
}

/*
 * Adds an operator, all of template but its output, and the output. Inputs may
 * be QACCEL_NO_TENSOR from the third on.
 */
static int32_t add_op(struct qaccel_builder *b,
		      const struct qaccel_graph_op *template,
		      const struct qaccel_tensor_desc *out)
{
	struct qaccel_tensor_desc like_input;
	struct qaccel_graph_tensor *t;
	struct qaccel_graph_op *op;
	int err;

	for (uint32_t i = 0; i < template->num_inputs; i++) {
		if (i >= 2 && template->inputs[i] == QACCEL_NO_TENSOR)
			continue;
		err = check_tensor(b, template->inputs[i]);
		if (err)
			return err;
	}
	if (!out) {
		describe(b, template->inputs[0], &like_input);
		out = &like_input;
	}
	err = add_tensor(b, out, true, &t);
	if (!err)
		err = list_add(b, &b->ops, &op);
	if (err)
		return err;
	*op = *template;
	op->name = qaccel_tflite_builtin_name(op->builtin);
	op->num_outputs = 1;
	op->outputs[0] = (int32_t)t->info.index;
	return op->outputs[0];
}

static int32_t or_one(int32_t value)
{
	return value ? value : 1;
}

static int32_t add_conv(struct qaccel_builder *b, enum qaccel_builtin builtin,
			int32_t in, int32_t weights, int32_t bias,
			const struct qaccel_conv_options *options,
			const struct qaccel_tensor_desc *out)
{
	static const struct qaccel_conv_options defaults;
	const struct qaccel_conv_options *o = options ? options : &defaults;
	struct qaccel_graph_op op = {
		.builtin = builtin,
		.num_inputs = bias == QACCEL_NO_TENSOR ? 2 : 3,
		.inputs = { in, weights, bias },
		.activation = o->activation,
		.u.conv = {
			.padding = o->padding,
			.stride_w = or_one(o->stride_w),
			.stride_h = or_one(o->stride_h),
			.dilation_w = or_one(o->dilation_w),
			.dilation_h = or_one(o->dilation_h),
			.depth_multiplier = 1,
		},
	};
	int err = check_state(b);

	if (err)
		return err;
	if (o->reserved[0] || o->reserved[1])
		return fail(b, EINVAL, "a reserved option is not zero");
	return add_op(b, &op, out);
}

int32_t qaccel_builder_conv2d(struct qaccel_builder *b, int32_t in,
			      int32_t weights, int32_t bias,
			      const struct qaccel_conv_options *options,
			      const struct qaccel_tensor_desc *out)
{
	return add_conv(b, QACCEL_BUILTIN_CONV_2D, in, weights, bias, options,
			out);
}

int32_t qaccel_builder_depthwise_conv2d(struct qaccel_builder *b, int32_t in,
					int32_t weights, int32_t bias,
					const struct qaccel_conv_options *options,
					const struct qaccel_tensor_desc *out)
{
	return add_conv(b, QACCEL_BUILTIN_DEPTHWISE_CONV_2D, in, weights, bias,
			options, out);
}

int32_t qaccel_builder_fully_connected(struct qaccel_builder *b, int32_t in,
		int32_t weights, int32_t bias,
		const struct qaccel_fully_connected_options *options,
		const struct qaccel_tensor_desc *out)
{
	static const struct qaccel_fully_connected_options defaults;
	const struct qaccel_fully_connected_options *o =
		options ? options : &defaults;
	struct qaccel_graph_op op = {
		.builtin = QACCEL_BUILTIN_FULLY_CONNECTED,
		.num_inputs = bias == QACCEL_NO_TENSOR ? 2 : 3,
		.inputs = { in, weights, bias },
		.activation = o->activation,
		.u.fully_connected.keep_num_dims = o->keep_num_dims,
	};
	int err = check_state(b);

	if (err)
		return err;
	if (o->reserved[0] || o->reserved[1])
		return fail(b, EINVAL, "a reserved option is not zero");
	return add_op(b, &op, out);
}

int32_t qaccel_builder_add(struct qaccel_builder *b, int32_t x, int32_t y,
			   enum qaccel_activation activation,
			   const struct qaccel_tensor_desc *out)
{
	struct qaccel_graph_op op = {
		.builtin = QACCEL_BUILTIN_ADD,
		.num_inputs = 2,
		.inputs = { x, y },
		.activation = activation,
	};

	return add_op(b, &op, out);
}

int32_t qaccel_builder_mul(struct qaccel_builder *b, int32_t x, int32_t y,
			   enum qaccel_activation activation,
			   const struct qaccel_tensor_desc *out)
{
	struct qaccel_graph_op op = {
		.builtin = QACCEL_BUILTIN_MUL,
		.num_inputs = 2,
		.inputs = { x, y },
		.activation = activation,
	};

	return add_op(b, &op, out);
}

static int32_t add_pool(struct qaccel_builder *b, enum qaccel_builtin builtin,
			int32_t in, const struct qaccel_pool_options *options,
			const struct qaccel_tensor_desc *out)
{
	struct qaccel_graph_op op = {
		.builtin = builtin,
		.num_inputs = 1,
		.inputs = { in },
		.activation = options->activation,
		.u.pool = {
			.padding = options->padding,
			.stride_w = or_one(options->stride_w),
			.stride_h = or_one(options->stride_h),
			.filter_w = options->filter_w,
			.filter_h = options->filter_h,
		},
	};
	int err = check_state(b);

	if (err)
		return err;
	if (options->reserved[0] || options->reserved[1])
		return fail(b, EINVAL, "a reserved option is not zero");
	return add_op(b, &op, out);
}

int32_t qaccel_builder_average_pool2d(struct qaccel_builder *b, int32_t in,
				      const struct qaccel_pool_options *options,
				      const struct qaccel_tensor_desc *out)
{
	return add_pool(b, QACCEL_BUILTIN_AVERAGE_POOL_2D, in, options, out);
}

int32_t qaccel_builder_max_pool2d(struct qaccel_builder *b, int32_t in,
				  const struct qaccel_pool_options *options,
				  const struct qaccel_tensor_desc *out)
{
	return add_pool(b, QACCEL_BUILTIN_MAX_POOL_2D, in, options, out);
}

int32_t qaccel_builder_mean(struct qaccel_builder *b, int32_t in,
			    const int32_t *axes, uint32_t num_axes,
			    bool keep_dims,
			    const struct qaccel_tensor_desc *out)
{
	struct qaccel_graph_op op = {
		.builtin = QACCEL_BUILTIN_MEAN,
		.num_inputs = 2,
		.inputs = { in, add_list(b, axes, num_axes, 1) },
		.u.mean.keep_dims = keep_dims,
	};

	return add_op(b, &op, out);
}

int32_t qaccel_builder_pad(struct qaccel_builder *b, int32_t in,
			   const int32_t (*paddings)[2], uint32_t rank,
			   const struct qaccel_tensor_desc *out)
{
	struct qaccel_graph_op op = {
		.builtin = QACCEL_BUILTIN_PAD,
		.num_inputs = 2,
		.inputs = { in, add_list(b, *paddings, rank, 2) },
	};

	return add_op(b, &op, out);
}

int32_t qaccel_builder_reshape(struct qaccel_builder *b, int32_t in,
			       const int32_t *dims, uint32_t rank,
			       const struct qaccel_tensor_desc *out)
{
	struct qaccel_graph_op op = {
		.builtin = QACCEL_BUILTIN_RESHAPE,
		.num_inputs = 1,
		.inputs = { in },
		.u.reshape.num_dims = (int32_t)rank,
	};
	int err = check_state(b);

	if (err)
		return err;
	if (rank > QACCEL_MAX_RANK)
		return fail(b, EINVAL, "%u dimensions", rank);
	if (rank)
		memcpy(op.u.reshape.dims, dims, rank * sizeof(*dims));
	return add_op(b, &op, out);
}

int32_t qaccel_builder_softmax(struct qaccel_builder *b, int32_t in, float beta,
			       const struct qaccel_tensor_desc *out)
{
	struct qaccel_graph_op op = {
		.builtin = QACCEL_BUILTIN_SOFTMAX,
		.num_inputs = 1,
		.inputs = { in },
		.u.softmax.beta = beta,
	};
	struct qaccel_tensor_desc usual;
	int err = check_tensor(b, in);

	if (err)
		return err;
	describe(b, in, &usual);
	usual.scale = 1.f / 256;
	usual.zero_point = usual.type == QACCEL_TYPE_INT8 ? INT8_MIN : 0;
	return add_op(b, &op, out ? out : &usual);
}

static int32_t add_unary(struct qaccel_builder *b, enum qaccel_builtin builtin,
			 int32_t in, const struct qaccel_tensor_desc *out)
{
	struct qaccel_graph_op op = {
		.builtin = builtin,
		.num_inputs = 1,
		.inputs = { in },
	};

	return add_op(b, &op, out);
}

int32_t qaccel_builder_quantize(struct qaccel_builder *b, int32_t in,
				const struct qaccel_tensor_desc *out)
{
	return add_unary(b, QACCEL_BUILTIN_QUANTIZE, in, out);
}

int32_t qaccel_builder_dequantize(struct qaccel_builder *b, int32_t in,
				  const struct qaccel_tensor_desc *out)
{
	static const struct qaccel_tensor_desc real = {
		.type = QACCEL_TYPE_FLOAT32,
	};

	return add_unary(b, QACCEL_BUILTIN_DEQUANTIZE, in, out ? out : &real);
}

int32_t qaccel_builder_relu(struct qaccel_builder *b, int32_t in,
			    const struct qaccel_tensor_desc *out)
{
	return add_unary(b, QACCEL_BUILTIN_RELU, in, out);
}

int32_t qaccel_builder_relu6(struct qaccel_builder *b, int32_t in,
			     const struct qaccel_tensor_desc *out)
{
	return add_unary(b, QACCEL_BUILTIN_RELU6, in, out);
}

/* ---------------------------------------------------------------- end -- */

static int move_lists(struct qaccel_builder *b)
{
	struct qaccel_graph *graph = b->graph;
	int err;

	err = list_move(b, &b->tensors, &graph->tensors);
	if (!err)
		err = list_move(b, &b->ops, &graph->ops);
	if (!err)
		err = list_move(b, &b->inputs, &graph->inputs);
	if (!err)
		err = list_move(b, &b->outputs, &graph->outputs);
	if (err)
		return err;
	graph->num_tensors = b->tensors.count;
	graph->num_ops = b->ops.count;
	graph->num_inputs = b->inputs.count;
	graph->num_outputs = b->outputs.count;
	return 0;
}

static int finish(struct qaccel_builder *b, bool real,
		  struct qaccel_model **model)
{
	struct qaccel_model *m;
	int err;

	err = check_state(b);
	if (err)
		return err;
	b->graph->real = real;
	err = move_lists(b);
	if (!err)
		err = qaccel_graph_check(b->graph);
	if (err)
		/* There is no file to be bad: it is the arguments. */
		return failed(b, err == -EBADMSG ? -EINVAL : err);
	m = calloc(1, sizeof(*m));
	if (!m)
		return fail(b, ENOMEM, "out of memory");
	m->graph = b->graph;
	b->graph = NULL;
	*model = m;
	return 0;
}

int qaccel_builder_finish(struct qaccel_builder *b, struct qaccel_model **model)
{
	return finish(b, false, model);
}

int qaccel_builder_finish_real(struct qaccel_builder *b,
			       struct qaccel_model **model)
{
	return finish(b, true, model);
}
