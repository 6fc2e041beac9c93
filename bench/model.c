// SPDX-License-Identifier: MIT
#include <math.h>
#include <stdlib.h>

#include "bench.h"

static uint32_t next(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

double layer_macs(const struct layer *l)
{
	double oh = (l->h + l->stride - 1) / l->stride;
	double ow = (l->w + l->stride - 1) / l->stride;
	double k = (double)l->filter * l->filter *
		   (l->kind == DEPTHWISE ? 1 : l->in_channels);

	return oh * ow * k * l->out_channels;
}

void layer_input(void *data, size_t size)
{
	uint32_t state = 12345;

	for (size_t i = 0; i < size; i++)
		((uint8_t *)data)[i] = (uint8_t)next(&state);
}

/* struct parts - the constants of a layer before the builder copies them */
struct parts {
	size_t weights;
	int8_t *w;
	int32_t *bias;
	float *scales;
};

/*
 * Scales that spread the results over some 2.5 standard deviations, so that
 * few are clamped; those of every other channel are powers of two, whose
 * results tie often.
 */
static bool make_parts(const struct layer *l, const struct bench_form *form,
		       float in_scale, float out_scale, struct parts *p)
{
	double k = layer_macs(l) / l->out_channels /
		   (((l->h + l->stride - 1) / l->stride) *
		    (double)((l->w + l->stride - 1) / l->stride));
	double want = 40 / (sqrt(k) * 74 * 74);
	double power = exp2(floor(log2(want)));
	uint32_t state = 1;
	size_t channels = (size_t)l->out_channels;

	p->weights = (size_t)k * channels;
	p->w = malloc(p->weights);
	p->bias = malloc(channels * sizeof(*p->bias));
	p->scales = malloc(channels * sizeof(*p->scales));
	if (!p->w || !p->bias || !p->scales)
		return false;
	for (size_t i = 0; i < p->weights; i++)
		p->w[i] = (int8_t)((int)(next(&state) % 255) - 127);
	for (size_t i = 0; i < channels; i++) {
		double m = form->uint8 || i % 2 == 0 ? power :
			   want * (0.5 + (next(&state) & 0xffff) / 65536.0);

		p->scales[i] = (float)(m * out_scale / in_scale);
		p->bias[i] = (int32_t)(next(&state) % 20001) - 10000;
	}
	return true;
}

static int32_t add_layer(struct qaccel_builder *b, const struct layer *l,
			 const struct bench_form *form, int32_t in,
			 int32_t weights, int32_t bias, float out_scale)
{
	enum qaccel_activation activation = form->relu ? QACCEL_ACTIVATION_RELU :
						 QACCEL_ACTIVATION_NONE;
	struct qaccel_tensor_desc out = {
		.type = form->uint8 ? QACCEL_TYPE_UINT8 : QACCEL_TYPE_INT8,
		.scale = out_scale,
		.zero_point = form->uint8 ? 135 : 7,
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
		    const struct bench_form *form, const struct parts *p,
		    float in_scale, float out_scale)
{
	struct qaccel_tensor_desc in = {
		.type = form->uint8 ? QACCEL_TYPE_UINT8 : QACCEL_TYPE_INT8,
		.rank = 4,
		.dims = { 1, l->h, l->w, l->in_channels },
		.scale = in_scale,
		.zero_point = form->uint8 ? 123 : -5,
	};
	struct qaccel_tensor_desc weights = {
		.type = in.type,
		.rank = 4,
		.dims = { l->out_channels, l->filter, l->filter,
			  l->in_channels },
		.scale = p->scales[0],
		.zero_point = form->uint8 ? 133 : 0,
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
		bias_scales[i] = in_scale * p->scales[i];
	if (weights.channel_scales)
		bias.channel_scales = bias_scales;
	else
		bias.scale = in_scale * weights.scale;
	x = qaccel_builder_input(b, &in);
	w = qaccel_builder_constant(b, &weights, p->w);
	y = add_layer(b, l, form, x, w, qaccel_builder_constant(b, &bias, p->bias),
		      out_scale);
	qaccel_builder_output(b, y);
	free(bias_scales);
}

struct qaccel_model *layer_model(const struct layer *layer,
				 const struct bench_form *form)
{
	const float in_scale = 1.0f / 64, out_scale = 1.0f / 32;
	struct qaccel_model *model = NULL;
	struct qaccel_builder *builder;
	struct parts parts = { 0 };

	if (qaccel_builder_create(layer->name, &builder))
		return NULL;
	if (make_parts(layer, form, in_scale, out_scale, &parts)) {
		add_all(builder, layer, form, &parts, in_scale, out_scale);
		if (qaccel_builder_finish(builder, &model))
			model = NULL;
	}
	free(parts.w);
	free(parts.bias);
	free(parts.scales);
	qaccel_builder_destroy(builder);
	return model;
}
