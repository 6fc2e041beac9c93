// SPDX-License-Identifier: MIT
/*
 * A float graph and ranges to an integer graph
 *
 * Tensor by tensor in the order of the operators: the parameters of activations
 * first, from what their operator makes them, then the weights and biases that
 * follow from them. The result has to pass the same check as any other graph.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qaccel/quantize.h>

#include "convert_graph.h"
#include "error.h"

/* ---------------------------------------------------------------- errors -- */

int convert_fail_op(const struct conversion *c, const struct qaccel_graph_op *op,
		    int code, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return qaccel_error(code, "operator %u (%s): %s",
			    (uint32_t)(op - c->to->ops), op->name, text);
}

int convert_fail_tensor(const struct conversion *c, uint32_t index, int code,
			const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return qaccel_error(code, "tensor %u (%.80s): %s", index,
			    c->to->tensors[index].info.name, text);
}

/* ------------------------------------------------------------ the copy -- */

/* Of size bytes in to's pool; *(void **)pointer. */
static int copy_memory(struct conversion *c, const void *from, size_t size,
		       void *pointer)
{
	void *copy;
	int err;

	err = qaccel_graph_alloc(c->to, size, 1, &copy);
	if (err)
		return err;
	if (size)
		memcpy(copy, from, size);
	memcpy(pointer, &copy, sizeof(copy));
	return 0;
}

static int copy_text(struct conversion *c, const char *from, const char **copy)
{
	return copy_memory(c, from, strlen(from) + 1, copy);
}

static int copy_tensor(struct conversion *c, uint32_t index)
{
	const struct qaccel_graph_tensor *from = &c->from->tensors[index];
	struct qaccel_graph_tensor *to = &c->to->tensors[index];

	*to = *from;
	to->info.num_scales = 0;
	to->info.scales = NULL;
	to->info.zero_points = NULL;
	return copy_text(c, from->info.name, &to->info.name);
}

/* What was not converted, shapes and the like, becomes the graph's own. */
static int copy_rest(struct conversion *c)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < c->from->num_tensors; i++) {
		struct qaccel_graph_tensor *t = &c->to->tensors[i];

		if (t->data && !c->placed[i])
			err = copy_memory(c, t->data, t->info.size, &t->data);
	}
	return err;
}

/* An operator adds three constants at most, an input or output a float. */
static uint32_t count_room(const struct qaccel_graph *from)
{
	return from->num_tensors + 3 * from->num_ops + from->num_inputs +
	       from->num_outputs;
}

static int copy_tensors(struct conversion *c)
{
	const struct qaccel_graph *from = c->from;
	int err;

	err = qaccel_graph_alloc(c->to, count_room(from),
				 sizeof(*c->to->tensors), &c->to->tensors);
	if (!err)
		err = qaccel_graph_alloc(c->to, count_room(from),
					 sizeof(*c->placed), &c->placed);
	for (uint32_t i = 0; !err && i < from->num_tensors; i++)
		err = copy_tensor(c, i);
	c->to->num_tensors = from->num_tensors;
	return err;
}

static int copy_graph(struct conversion *c)
{
	const struct qaccel_graph *from = c->from;
	struct qaccel_graph *to = c->to;
	uint32_t ops = from->num_ops + from->num_inputs + from->num_outputs;
	int err;

	err = copy_text(c, from->description, &to->description);
	if (!err)
		err = copy_tensors(c);
	if (!err)
		err = qaccel_graph_alloc(to, ops, sizeof(*to->ops), &to->ops);
	if (!err)
		err = copy_memory(c, from->inputs,
				  from->num_inputs * sizeof(uint32_t),
				  &to->inputs);
	if (!err)
		err = copy_memory(c, from->outputs,
				  from->num_outputs * sizeof(uint32_t),
				  &to->outputs);
	if (err)
		return err;
	memcpy(to->ops, from->ops, from->num_ops * sizeof(*to->ops));
	to->num_ops = from->num_ops;
	to->num_inputs = from->num_inputs;
	to->num_outputs = from->num_outputs;
	return 0;
}

/* ----------------------------------------------------------- constants -- */

static bool same_constant(const struct qaccel_graph_tensor *a,
			  const struct qaccel_graph_tensor *b)
{
	const struct qaccel_tensor_info *x = &a->info, *y = &b->info;
	size_t scales = x->num_scales * sizeof(x->scales[0]);

	return x->type == y->type && x->num_scales == y->num_scales &&
	       x->quantized_dim == y->quantized_dim &&
	       !memcmp(x->scales, y->scales, scales) &&
	       !memcmp(x->zero_points, y->zero_points, scales) &&
	       !memcmp(a->data, b->data, x->size);
}

/* A new tensor, like tensor index but for what makes it another one. */
static struct qaccel_graph_tensor *add_tensor(struct conversion *c,
					      uint32_t index)
{
	struct qaccel_graph_tensor *t = &c->to->tensors[c->to->num_tensors];

	*t = c->to->tensors[index];
	t->info.index = c->to->num_tensors++;
	c->placed[t->info.index] = true;
	return t;
}

static void set_size(struct qaccel_tensor_info *info, enum qaccel_type type)
{
	info->size = info->size / qaccel_type_size(info->type) *
		     qaccel_type_size(type);
	info->type = type;
}

int convert_place(struct conversion *c, const struct qaccel_graph_tensor *t,
		  int32_t *index)
{
	struct qaccel_graph_tensor *to = &c->to->tensors[*index];

	if (c->placed[*index]) {
		struct qaccel_graph_tensor wanted = *t;

		wanted.info.size = to->info.size;
		if (to->info.type == t->info.type && same_constant(&wanted, to))
			return 0;
		to = add_tensor(c, (uint32_t)*index);
	}
	set_size(&to->info, t->info.type);
	to->info.num_scales = t->info.num_scales;
	to->info.scales = t->info.scales;
	to->info.zero_points = t->info.zero_points;
	to->info.quantized_dim = t->info.quantized_dim;
	to->data = t->data;
	c->placed[to->info.index] = true;
	*index = (int32_t)to->info.index;
	return 0;
}

int convert_add_bias(struct conversion *c, const struct qaccel_graph_tensor *t,
		     struct qaccel_graph_op *op)
{
	int32_t channels =
		c->to->tensors[op->inputs[1]].info.dims[0];
	struct qaccel_graph_tensor *to = &c->to->tensors[c->to->num_tensors];

	*to = *t;
	to->info.index = c->to->num_tensors++;
	to->info.name = "";
	to->info.constant = true;
	c->placed[to->info.index] = true;
	op->num_inputs = 3;
	op->inputs[2] = (int32_t)to->info.index;
	return qaccel_graph_set_shape(to, 1, &channels);
}

int convert_set_params(struct conversion *c, struct qaccel_tensor_info *info,
		       enum qaccel_type type, float scale, int32_t zero_point)
{
	int err;

	err = copy_memory(c, &scale, sizeof(scale), &info->scales);
	if (!err)
		err = copy_memory(c, &zero_point, sizeof(zero_point),
				  &info->zero_points);
	if (err)
		return err;
	set_size(info, type);
	info->num_scales = 1;
	info->quantized_dim = 0;
	return 0;
}

int convert_choose_params(const struct conversion *c, float min, float max,
			  float *scale, int32_t *zero_point)
{
	int err = qaccel_choose_params(min, max, 0, UINT8_MAX, scale, zero_point);

	if (!err && c->type == QACCEL_TYPE_INT8)
		*zero_point += INT8_MIN;
	return err;
}

int convert_find_range(const float *values, size_t count, float *min, float *max)
{
	*min = INFINITY;
	*max = -INFINITY;
	for (size_t i = 0; i < count; i++) {
		if (!isfinite(values[i]))
			return qaccel_error(EDOM, "value %zu is %g", i,
					    (double)values[i]);
		*min = fminf(*min, values[i]);
		*max = fmaxf(*max, values[i]);
	}
	return 0;
}

/* A constant as one of the activations: with the range of its own values. */
static int convert_constant(struct conversion *c, int32_t *index)
{
	const struct qaccel_graph_tensor *from = &c->from->tensors[*index];
	struct qaccel_graph_tensor t = { .info = from->info };
	size_t count = from->info.size / sizeof(float);
	int32_t zero_point = 0;
	float min, max, scale = 1;
	uint8_t *data;
	int err;

	err = convert_find_range(from->data, count, &min, &max);
	if (err)
		return convert_fail_tensor(c, (uint32_t)*index, EDOM,
					   "a constant is NaN or infinite");
	err = convert_choose_params(c, min, max, &scale, &zero_point);
	if (!err)
		err = convert_set_params(c, &t.info, c->type, scale, zero_point);
	if (!err)
		err = qaccel_graph_alloc(c->to, count, 1, &data);
	if (!err)
		err = qaccel_quantize(c->type, scale, zero_point, from->data,
				      data, count);
	if (err)
		return err;
	t.data = data;
	return convert_place(c, &t, index);
}

/* --------------------------------------------------------- activations -- */

/* What a fused activation, or RELU as an operator, lets through. */
static struct qaccel_range allowed_range(const struct qaccel_graph_op *op)
{
	if (op->builtin == QACCEL_BUILTIN_RELU6 ||
	    op->activation == QACCEL_ACTIVATION_RELU6)
		return (struct qaccel_range){ 0, 6 };
	if (op->builtin == QACCEL_BUILTIN_RELU ||
	    op->activation == QACCEL_ACTIVATION_RELU)
		return (struct qaccel_range){ 0, INFINITY };
	if (op->activation == QACCEL_ACTIVATION_RELU_N1_TO_1)
		return (struct qaccel_range){ -1, 1 };
	return (struct qaccel_range){ -INFINITY, INFINITY };
}

static float clamp(float x, const struct qaccel_range *r)
{
	return x < r->min ? r->min : x > r->max ? r->max : x;
}

/* Parameters of a tensor from its range, within what is allowed. */
static int set_from_range(struct conversion *c, uint32_t index,
			  const struct qaccel_range *allowed)
{
	struct qaccel_range r = c->ranges[index];
	int32_t zero_point = 0;
	float scale = 1;
	int err;

	/* Bounds of both sides make up for what nobody has seen. */
	if (r.min > r.max && isfinite(allowed->max))
		r = *allowed;
	if (r.min > r.max)
		return convert_fail_tensor(c, index, ENODATA,
					   "its range is not known");
	if (!isfinite(r.min) || !isfinite(r.max))
		return convert_fail_tensor(c, index, EDOM, "a range from %g to %g",
					   (double)r.min, (double)r.max);
	err = convert_choose_params(c, clamp(r.min, allowed),
				    clamp(r.max, allowed), &scale, &zero_point);
	if (!err)
		err = convert_set_params(c, &c->to->tensors[index].info, c->type,
					 scale, zero_point);
	c->placed[index] = true;
	return err;
}

static int set_like_input(struct conversion *c, const struct qaccel_graph_op *op)
{
	const struct qaccel_tensor_info *in = &c->to->tensors[op->inputs[0]].info;

	c->placed[op->outputs[0]] = true;
	return convert_set_params(c, &c->to->tensors[op->outputs[0]].info,
				  c->type, in->scales[0], in->zero_points[0]);
}

/* Probabilities: 0 to 1, and not quite 1. */
static int set_probabilities(struct conversion *c,
			     const struct qaccel_graph_op *op)
{
	c->placed[op->outputs[0]] = true;
	return convert_set_params(c, &c->to->tensors[op->outputs[0]].info,
				  c->type, 1.f / 256,
				  c->type == QACCEL_TYPE_INT8 ? INT8_MIN : 0);
}

static int set_output(struct conversion *c, const struct qaccel_graph_op *op)
{
	struct qaccel_range allowed = allowed_range(op);

	switch (op->builtin) {
	case QACCEL_BUILTIN_AVERAGE_POOL_2D:
	case QACCEL_BUILTIN_MAX_POOL_2D:
	case QACCEL_BUILTIN_PAD:
	case QACCEL_BUILTIN_RESHAPE:
	case QACCEL_BUILTIN_SQUEEZE:
		return set_like_input(c, op);
	case QACCEL_BUILTIN_SOFTMAX:
		return set_probabilities(c, op);
	default:
		return set_from_range(c, (uint32_t)op->outputs[0], &allowed);
	}
}

/* Inputs that are activations: the first, and the second of ADD and MUL. */
static uint32_t num_activations(const struct qaccel_graph_op *op)
{
	return op->builtin == QACCEL_BUILTIN_ADD ||
	       op->builtin == QACCEL_BUILTIN_MUL ? 2 : 1;
}

static bool has_weights(const struct qaccel_graph_op *op)
{
	return op->builtin == QACCEL_BUILTIN_CONV_2D ||
	       op->builtin == QACCEL_BUILTIN_DEPTHWISE_CONV_2D ||
	       op->builtin == QACCEL_BUILTIN_FULLY_CONNECTED;
}

static int convert_op(struct conversion *c, struct qaccel_graph_op *op)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < num_activations(op); i++)
		if (c->from->tensors[op->inputs[i]].data)
			err = convert_constant(c, &op->inputs[i]);
	if (!err)
		err = set_output(c, op);
	if (!err && has_weights(op))
		err = convert_weights(c, op);
	return err;
}

static int convert_inputs(struct conversion *c)
{
	const struct qaccel_range any = { -INFINITY, INFINITY };
	int err = 0;

	for (uint32_t i = 0; !err && i < c->from->num_inputs; i++) {
		uint32_t index = c->from->inputs[i];

		if (c->from->tensors[index].info.type != QACCEL_TYPE_FLOAT32)
			return convert_fail_tensor(c, index, EOPNOTSUPP,
						   "an input that is not FLOAT32");
		err = set_from_range(c, index, &any);
	}
	return err;
}

/* ---------------------------------------------- float inputs and outputs -- */

/* A FLOAT32 tensor that takes over the name of an integer one. */
static int add_float(struct conversion *c, uint32_t index, uint32_t *added)
{
	struct qaccel_graph_tensor *t = add_tensor(c, index);
	struct qaccel_tensor_info *info = &c->to->tensors[index].info;
	char name[512];

	set_size(&t->info, QACCEL_TYPE_FLOAT32);
	t->info.num_scales = 0;
	t->info.scales = NULL;
	t->info.zero_points = NULL;
	snprintf(name, sizeof(name), "%.500s_quantized", info->name);
	*added = t->info.index;
	return copy_text(c, name, &info->name);
}

static void set_op(struct qaccel_graph_op *op, enum qaccel_builtin builtin,
		   uint32_t in, uint32_t out)
{
	*op = (struct qaccel_graph_op){
		.builtin = builtin,
		.name = builtin == QACCEL_BUILTIN_QUANTIZE ? "QUANTIZE"
							   : "DEQUANTIZE",
		.num_inputs = 1,
		.num_outputs = 1,
		.inputs = { (int32_t)in },
		.outputs = { (int32_t)out },
	};
}

static int add_float_io(struct conversion *c)
{
	struct qaccel_graph *to = c->to;
	uint32_t added = 0;
	int err = 0;

	memmove(to->ops + to->num_inputs, to->ops,
		to->num_ops * sizeof(*to->ops));
	to->num_ops += to->num_inputs;
	for (uint32_t i = 0; !err && i < to->num_inputs; i++) {
		err = add_float(c, to->inputs[i], &added);
		set_op(&to->ops[i], QACCEL_BUILTIN_QUANTIZE, added,
		       to->inputs[i]);
		to->inputs[i] = added;
	}
	for (uint32_t i = 0; !err && i < to->num_outputs; i++) {
		err = add_float(c, to->outputs[i], &added);
		set_op(&to->ops[to->num_ops++], QACCEL_BUILTIN_DEQUANTIZE,
		       to->outputs[i], added);
		to->outputs[i] = added;
	}
	return err;
}

/* -------------------------------------------------------------- public -- */

static int check_options(const struct qaccel_convert_options *o)
{
	static const struct qaccel_convert_options zero;

	if ((unsigned int)o->scheme > QACCEL_SCHEME_UINT8)
		return qaccel_error(EINVAL, "scheme %d is not known",
				    (int)o->scheme);
	if (memcmp(o->pad, zero.pad, sizeof(zero.pad)) ||
	    memcmp(o->reserved, zero.reserved, sizeof(zero.reserved)))
		return qaccel_error(EINVAL, "a reserved option is not zero");
	return 0;
}

static int convert(struct conversion *c, bool float_io)
{
	int err;

	err = copy_graph(c);
	if (!err)
		err = convert_inputs(c);
	for (uint32_t i = 0; !err && i < c->from->num_ops; i++)
		err = convert_op(c, &c->to->ops[i]);
	if (!err)
		err = copy_rest(c);
	if (!err && float_io)
		err = add_float_io(c);
	if (!err)
		err = qaccel_graph_check(c->to);
	/* There is no file to be bad: it can't be done. */
	return err == -EBADMSG ? -EOPNOTSUPP : err;
}

int qaccel_convert(const struct qaccel_model *model,
		   const struct qaccel_range *ranges,
		   const struct qaccel_convert_options *options,
		   struct qaccel_model **result)
{
	static const struct qaccel_convert_options defaults;
	const struct qaccel_convert_options *o = options ? options : &defaults;
	struct conversion c = {
		.from = model->graph,
		.ranges = ranges,
		.type = o->scheme == QACCEL_SCHEME_UINT8 ? QACCEL_TYPE_UINT8
							 : QACCEL_TYPE_INT8,
		.per_channel = o->scheme == QACCEL_SCHEME_INT8,
	};
	struct qaccel_model *m;
	int err;

	err = check_options(o);
	if (err)
		return err;
	if (!model->graph->real)
		return qaccel_error(EINVAL, "the model is not a float model");
	m = calloc(1, sizeof(*m));
	c.to = qaccel_graph_create(UINT64_MAX);
	if (!m || !c.to) {
		qaccel_graph_unref(c.to);
		free(m);
		return qaccel_error(ENOMEM, "out of memory");
	}
	m->graph = c.to;
	err = convert(&c, o->float_io);
	if (err)
		qaccel_model_destroy(m);
	else
		*result = m;
	return err;
}
