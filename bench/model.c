// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include <qaccel/graph.h>

#include "bench.h"

static int32_t add_layer(struct qaccel_builder *b, const struct layer *l,
			 const struct bench_form *form, int32_t in,
			 int32_t weights, int32_t bias)
{
	enum qaccel_activation activation = form->relu ? QACCEL_ACTIVATION_RELU :
						 QACCEL_ACTIVATION_NONE;
	struct qaccel_tensor_desc out = {
		.type = form->uint8 ? QACCEL_TYPE_UINT8 : QACCEL_TYPE_INT8,
		.scale = OUT_SCALE,
		.zero_point = form->uint8 ? OUT_ZERO + 128 : OUT_ZERO,
	};
	struct qaccel_conv_options conv = {
		.stride_h = l->stride,
		.stride_w = l->stride,
		.activation = activation,
	};
	struct qaccel_fully_connected_options fc = { .activation = activation };

	if (l->kind == GEMM)
		return qaccel_builder_fully_connected(b, in, weights, bias, &fc,
						      &out);
	if (l->kind == CONV)
		return qaccel_builder_conv2d(b, in, weights, bias, &conv, &out);
	return qaccel_builder_depthwise_conv2d(b, in, weights, bias, &conv,
					       &out);
}

static void add_all(struct qaccel_builder *b, const struct layer *l,
		    const struct bench_form *form, const struct layer_parts *p)
{
	struct qaccel_tensor_desc in = {
		.type = form->uint8 ? QACCEL_TYPE_UINT8 : QACCEL_TYPE_INT8,
		.rank = 4,
		.dims = { 1, l->h, l->w, l->in_channels },
		.scale = IN_SCALE,
		.zero_point = form->uint8 ? IN_ZERO + 128 : IN_ZERO,
	};
	struct qaccel_tensor_desc weights = {
		.type = in.type,
		.rank = 4,
		.dims = { l->out_channels, l->filter, l->filter,
			  l->in_channels },
		.scale = p->scales[0],
		.zero_point = form->uint8 ? WEIGHT_ZERO : 0,
		.channel_scales = form->uint8 ? NULL : p->scales,
	};
	struct qaccel_tensor_desc bias = {
		.type = QACCEL_TYPE_INT32,
		.rank = 1,
		.dims = { l->out_channels },
	};
	float *bias_scales = calloc((size_t)l->out_channels,
				    sizeof(*bias_scales));
	int32_t x, w, y;

	if (!bias_scales)
		return;
	if (l->kind == GEMM) {
		in.rank = weights.rank = 2;
		in.dims[0] = l->h;
		in.dims[1] = weights.dims[1] = l->in_channels;
		/* TFLite's fully connected layers are per tensor. */
		weights.channel_scales = NULL;
	} else if (l->kind == DEPTHWISE) {
		weights.dims[0] = 1;
		weights.dims[3] = l->out_channels;
		weights.channel_dim = 3;
	}
	for (int32_t i = 0; i < l->out_channels; i++)
		bias_scales[i] = IN_SCALE * p->scales[i];
	if (weights.channel_scales)
		bias.channel_scales = bias_scales;
	else
		bias.scale = IN_SCALE * weights.scale;
	x = qaccel_builder_input(b, &in);
	w = qaccel_builder_constant(b, &weights, p->weights);
	y = add_layer(b, l, form, x, w, qaccel_builder_constant(b, &bias, p->bias));
	qaccel_builder_output(b, y);
	free(bias_scales);
}

struct qaccel_model *layer_model(const struct layer *layer,
				 const struct bench_form *form)
{
	struct qaccel_model *model = NULL;
	struct qaccel_builder *builder;
	struct layer_parts parts = { 0 };

	if (qaccel_builder_create(layer->name, &builder))
		return NULL;
	if (layer_parts(layer, form->uint8, IN_SCALE, OUT_SCALE, &parts)) {
		add_all(builder, layer, form, &parts);
		if (qaccel_builder_finish(builder, &model))
			model = NULL;
	}
	layer_parts_free(&parts);
	qaccel_builder_destroy(builder);
	return model;
}
