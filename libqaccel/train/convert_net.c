// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "convert.h"
#include "error.h"
#include "handle.h"

struct net_converter {
	const struct net *net;
	struct qaccel_builder *builder;
	int32_t input;			/* tensors */
	int32_t outputs[NET_MAX_LAYERS];
};

static const struct qaccel_tensor_desc real = { .type = QACCEL_TYPE_FLOAT32 };

static int32_t output_of(const struct net_converter *c, int32_t layer)
{
	return layer == NET_INPUT ? c->input : c->outputs[layer];
}

static struct net_shape shape_of(const struct net_converter *c, int32_t layer)
{
	return layer == NET_INPUT ? c->net->in : c->net->layers[layer].out;
}

/* Dense layers give a row; what comes next may want a picture. */
static int32_t as_picture(const struct net_converter *c, int32_t layer)
{
	struct net_shape s = shape_of(c, layer);
	int32_t dims[] = { 1, (int32_t)s.h, (int32_t)s.w, (int32_t)s.c };
	int32_t tensor = output_of(c, layer);

	if (layer == NET_INPUT || c->net->layers[layer].desc.kind != NET_FC)
		return tensor;
	return qaccel_builder_reshape(c->builder, tensor, dims, 4, &real);
}

static enum qaccel_activation activation_of(const struct net_layer *layer)
{
	switch (layer->desc.activation) {
	case NET_RELU:
		return QACCEL_ACTIVATION_RELU;
	case NET_RELU6:
		return QACCEL_ACTIVATION_RELU6;
	default:
		return QACCEL_ACTIVATION_NONE;
	}
}

static enum qaccel_padding padding_of(const struct net_layer *layer)
{
	return layer->desc.same_padding ? QACCEL_PADDING_SAME
					: QACCEL_PADDING_VALID;
}

/* ------------------------------------------------------------- weights -- */

static struct qaccel_tensor_desc weights_desc(const struct net_layer *layer)
{
	const struct net_layer_desc *d = &layer->desc;
	int32_t out = (int32_t)layer->out.c;

	if (d->kind == NET_FC)
		return (struct qaccel_tensor_desc){
			.type = QACCEL_TYPE_FLOAT32, .rank = 2,
			.dims = { out, (int32_t)layer->weights_count / out },
		};
	return (struct qaccel_tensor_desc){
		.type = QACCEL_TYPE_FLOAT32, .rank = 4,
		.dims = { d->kind == NET_DWCONV ? 1 : out, (int32_t)d->size_h,
			  (int32_t)d->size_w,
			  d->kind == NET_DWCONV ? out : (int32_t)layer->in.c },
	};
}

static int32_t add_constant(const struct net_converter *c,
			    const struct net_layer *layer, const char *what,
			    struct qaccel_tensor_desc *desc, const float *values)
{
	char name[48];

	snprintf(name, sizeof(name), "%s/%s", layer->desc.name, what);
	desc->name = name;
	return qaccel_builder_constant(c->builder, desc, values);
}

/* Failures are the builder's to remember, but for those of folding. */
static int add_weights(const struct net_converter *c,
		       const struct net_layer *layer, int32_t *weights,
		       int32_t *bias)
{
	struct qaccel_tensor_desc filter = weights_desc(layer), list = real;
	float *values = malloc(layer->weights_count * sizeof(*values));
	float *offsets = malloc(layer->out.c * sizeof(*offsets));
	int err = -ENOMEM;

	if (!values || !offsets)
		qaccel_error(ENOMEM, "out of memory");
	else
		err = net_folded(layer, values, offsets);
	if (!err) {
		list.rank = 1;
		list.dims[0] = (int32_t)layer->out.c;
		*weights = add_constant(c, layer, "weights", &filter, values);
		*bias = add_constant(c, layer, "bias", &list, offsets);
	}
	free(values);
	free(offsets);
	return err;
}

/* -------------------------------------------------------------- layers -- */

static int add_weighted(struct net_converter *c, uint32_t index)
{
	const struct net_layer *layer = &c->net->layers[index];
	const struct qaccel_conv_options conv = {
		.padding = padding_of(layer), .activation = activation_of(layer),
		.stride_h = (int32_t)layer->desc.stride,
		.stride_w = (int32_t)layer->desc.stride,
	};
	const struct qaccel_fully_connected_options dense = {
		.activation = activation_of(layer),
	};
	struct qaccel_tensor_desc out = real;
	int32_t in = layer->desc.inputs[0], weights = -1, bias = -1;
	int err;

	err = add_weights(c, layer, &weights, &bias);
	if (err)
		return err;
	out.name = layer->desc.name;
	if (layer->desc.kind == NET_FC)
		c->outputs[index] = qaccel_builder_fully_connected(c->builder,
				output_of(c, in), weights, bias, &dense, &out);
	else if (layer->desc.kind == NET_CONV)
		c->outputs[index] = qaccel_builder_conv2d(c->builder,
				as_picture(c, in), weights, bias, &conv, &out);
	else
		c->outputs[index] = qaccel_builder_depthwise_conv2d(c->builder,
				as_picture(c, in), weights, bias, &conv, &out);
	return 0;
}

static void add_sum(struct net_converter *c, uint32_t index)
{
	const struct net_layer *layer = &c->net->layers[index];
	struct qaccel_tensor_desc out = real;

	out.name = layer->desc.name;
	c->outputs[index] = qaccel_builder_add(c->builder,
			as_picture(c, layer->desc.inputs[0]),
			as_picture(c, layer->desc.inputs[1]),
			activation_of(layer), &out);
}

/* A size of 0 is that of the whole picture. */
static void add_pool(struct net_converter *c, uint32_t index)
{
	const struct net_layer *layer = &c->net->layers[index];
	const struct net_layer_desc *d = &layer->desc;
	const struct qaccel_pool_options pool = {
		.padding = padding_of(layer), .activation = activation_of(layer),
		.filter_h = (int32_t)(d->size_h ? d->size_h : layer->in.h),
		.filter_w = (int32_t)(d->size_w ? d->size_w : layer->in.w),
		.stride_h = (int32_t)d->stride, .stride_w = (int32_t)d->stride,
	};
	struct qaccel_tensor_desc out = real;
	int32_t in = as_picture(c, d->inputs[0]);

	out.name = d->name;
	c->outputs[index] = d->kind == NET_MAXPOOL ?
		qaccel_builder_max_pool2d(c->builder, in, &pool, &out) :
		qaccel_builder_average_pool2d(c->builder, in, &pool, &out);
}

static int add_layer(struct net_converter *c, uint32_t index)
{
	switch (c->net->layers[index].desc.kind) {
	case NET_CONV:
	case NET_DWCONV:
	case NET_FC:
		return add_weighted(c, index);
	case NET_ADD:
		add_sum(c, index);
		return 0;
	case NET_AVGPOOL:
	case NET_MAXPOOL:
		add_pool(c, index);
		return 0;
	}
	return qaccel_error(EOPNOTSUPP, "layer %s: of kind %d",
			    c->net->layers[index].desc.name,
			    (int)c->net->layers[index].desc.kind);
}

static int build(struct net_converter *c, bool softmax,
		 struct qaccel_model **model)
{
	const struct net *net = c->net;
	struct qaccel_tensor_desc in = {
		.name = "input", .type = QACCEL_TYPE_FLOAT32, .rank = 4,
		.dims = { 1, (int32_t)net->in.h, (int32_t)net->in.w,
			  (int32_t)net->in.c },
	};
	struct qaccel_tensor_desc out = real;
	int32_t last;
	int err = 0;

	c->input = qaccel_builder_input(c->builder, &in);
	for (uint32_t i = 0; !err && i < net->num_layers; i++)
		err = add_layer(c, i);
	if (err)
		return err;
	last = c->outputs[net->num_layers - 1];
	out.name = "probabilities";
	if (softmax)
		last = qaccel_builder_softmax(c->builder, last, 1, &out);
	qaccel_builder_output(c->builder, last);
	return qaccel_float_model_finish(c->builder, model);
}

/* -------------------------------------------------------------- ranges -- */

static bool is_pool(const struct net_layer *layer)
{
	return layer->desc.kind == NET_AVGPOOL ||
	       layer->desc.kind == NET_MAXPOOL;
}

static int list_ranges(const struct net_converter *c,
		       const struct qaccel_model *model,
		       struct qaccel_range **ranges)
{
	uint32_t count = qaccel_model_num_tensors(model);
	struct qaccel_range *r = malloc(count * sizeof(*r));

	if (!r)
		return qaccel_error(ENOMEM, "out of memory");
	for (uint32_t i = 0; i < count; i++)
		r[i] = (struct qaccel_range){ 1, -1 };
	r[c->input] = (struct qaccel_range){ 0, 1 };
	for (uint32_t i = 0; i < c->net->num_layers; i++) {
		const struct net_layer *layer = &c->net->layers[i];

		/* A pool's is that of what it reads. */
		if (!is_pool(layer) && layer->range && layer->range->seen != 0)
			r[c->outputs[i]] = (struct qaccel_range){
				layer->range->min, layer->range->max,
			};
	}
	*ranges = r;
	return 0;
}

int convert_from_net(const struct net *net, bool softmax,
		     struct qaccel_model **model, struct qaccel_range **ranges)
{
	struct net_converter c = { .net = net };
	struct qaccel_model *result = NULL;
	int err;

	err = qaccel_builder_create("", &c.builder);
	if (err)
		return err;
	err = build(&c, softmax, &result);
	qaccel_builder_destroy(c.builder);
	if (!err && ranges)
		err = list_ranges(&c, result, ranges);
	if (err)
		qaccel_model_destroy(result);
	else
		*model = result;
	return err;
}

int qaccel_float_model_from_net(const struct qaccel_net *net, bool softmax,
				struct qaccel_model **model,
				struct qaccel_range **ranges)
{
	return convert_from_net(net->net, softmax, model, ranges);
}
