// SPDX-License-Identifier: MIT
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests.h"

static size_t values_of(struct net_shape shape)
{
	return (size_t)shape.h * shape.w * shape.c;
}

void reference_create(struct reference *reference, const struct net *net,
		      const struct net_pass *pass, const struct batch *batch)
{
	*reference = (struct reference){ .net = net, .pass = pass, .batch = batch };
	for (uint32_t i = 0; i < net->num_params; i++) {
		const struct net_param *param = &net->params[i];

		reference->params[i] = malloc(param->count * sizeof(double));
		for (size_t k = 0; k < param->count; k++)
			reference->params[i][k] = (double)param->value[k];
	}
	for (uint32_t i = 0; i < net->num_layers; i++) {
		size_t c = net->layers[i].out.c;

		reference->outputs[i] = malloc(values_of(net->layers[i].out) *
					       batch->count * sizeof(double));
		reference->mean[i] = calloc(c, sizeof(double));
		reference->variance[i] = calloc(c, sizeof(double));
	}
}

void reference_destroy(struct reference *reference)
{
	for (uint32_t i = 0; i < reference->net->num_params; i++)
		free(reference->params[i]);
	for (uint32_t i = 0; i < reference->net->num_layers; i++) {
		free(reference->outputs[i]);
		free(reference->mean[i]);
		free(reference->variance[i]);
	}
}

static const double *param_of(const struct reference *reference, const float *value)
{
	for (uint32_t i = 0; value && i < reference->net->num_params; i++)
		if (reference->net->params[i].value == value)
			return reference->params[i];
	return NULL;
}

/* Pixel y, x, c of a picture of input j; outside: nothing, not zero. */
static bool input_at(const struct reference *reference, uint32_t index, uint32_t j,
		     uint32_t picture, int64_t y, int64_t x, uint32_t c,
		     double *value)
{
	int32_t input = reference->net->layers[index].desc.inputs[j];
	struct net_shape in = reference->net->layers[index].in;
	size_t at;

	if (y < 0 || x < 0 || y >= in.h || x >= in.w)
		return false;
	at = (((size_t)picture * in.h + (size_t)y) * in.w + (size_t)x) * in.c + c;
	*value = input == NET_INPUT ? (double)reference->batch->images[at] :
				      reference->outputs[input][at];
	return true;
}

/* The place of output y, x, c's window: TensorFlow's rule for SAME. */
static int64_t origin(uint32_t out, uint32_t stride, uint32_t size, uint32_t in,
		      uint32_t outs, bool same)
{
	int64_t total = (int64_t)(outs - 1) * stride + size - in;

	return (int64_t)out * stride - (same && total > 0 ? total / 2 : 0);
}

struct place {
	uint32_t picture, y, x, c;
	int64_t top, left;
};

static double product_at(const struct reference *reference, uint32_t index,
			 const struct place *at)
{
	const struct net_layer *layer = &reference->net->layers[index];
	const double *w = param_of(reference, layer->weights);
	bool depthwise = layer->desc.kind == NET_DWCONV;
	uint32_t size_h = layer->desc.size_h, size_w = layer->desc.size_w;
	double sum = 0, value;

	if (layer->desc.kind == NET_FC) {
		size_h = layer->in.h;
		size_w = layer->in.w;
	}
	for (uint32_t ky = 0; ky < size_h; ky++)
		for (uint32_t kx = 0; kx < size_w; kx++)
			for (uint32_t c = 0; c < layer->in.c; c++) {
				size_t tap = (size_t)ky * size_w + kx;

				if (depthwise && c != at->c)
					continue;
				tap = depthwise ? tap * layer->in.c + c :
				      (at->c * (size_t)size_h * size_w + tap) *
				      layer->in.c + c;
				if (input_at(reference, index, 0, at->picture,
					     at->top + ky, at->left + kx, c, &value))
					sum += w[tap] * value;
			}
	return sum;
}

static double pool_at(const struct reference *reference, uint32_t index,
		      const struct place *at)
{
	const struct net_layer *layer = &reference->net->layers[index];
	double sum = 0, max = -INFINITY, count = 0, value;

	for (uint32_t ky = 0; ky < layer->desc.size_h; ky++)
		for (uint32_t kx = 0; kx < layer->desc.size_w; kx++)
			if (input_at(reference, index, 0, at->picture, at->top + ky,
				     at->left + kx, at->c, &value)) {
				sum += value;
				max = fmax(max, value);
				count++;
			}
	return layer->desc.kind == NET_MAXPOOL ? max : sum / count;
}

static double sum_at(const struct reference *reference, uint32_t index,
		     const struct place *at)
{
	double a = 0, b = 0;

	input_at(reference, index, 0, at->picture, at->y, at->x, at->c, &a);
	input_at(reference, index, 1, at->picture, at->y, at->x, at->c, &b);
	return a + b;
}

static double raw_at(const struct reference *reference, uint32_t index,
		     const struct place *at)
{
	switch (reference->net->layers[index].desc.kind) {
	case NET_ADD:
		return sum_at(reference, index, at);
	case NET_AVGPOOL:
	case NET_MAXPOOL:
		return pool_at(reference, index, at);
	default:
		return product_at(reference, index, at);
	}
}

static void run_raw(struct reference *reference, uint32_t index)
{
	const struct net_layer *layer = &reference->net->layers[index];
	const struct net_layer_desc *desc = &layer->desc;
	double *y = reference->outputs[index];
	struct place at;

	for (at.picture = 0; at.picture < reference->batch->count; at.picture++)
		for (at.y = 0; at.y < layer->out.h; at.y++)
			for (at.x = 0; at.x < layer->out.w; at.x++)
				for (at.c = 0; at.c < layer->out.c; at.c++) {
					at.top = origin(at.y, desc->stride,
							desc->size_h, layer->in.h,
							layer->out.h,
							desc->same_padding);
					at.left = origin(at.x, desc->stride,
							 desc->size_w, layer->in.w,
							 layer->out.w,
							 desc->same_padding);
					*y++ = raw_at(reference, index, &at);
				}
}

static void batch_moments(struct reference *reference, uint32_t index)
{
	const struct net_layer *layer = &reference->net->layers[index];
	size_t c = layer->out.c;
	size_t count = values_of(layer->out) * reference->batch->count;
	const double *y = reference->outputs[index];
	double *mean = reference->mean[index];
	double *variance = reference->variance[index];

	memset(mean, 0, c * sizeof(*mean));
	memset(variance, 0, c * sizeof(*variance));
	for (size_t i = 0; i < count; i++)
		mean[i % c] += y[i] * (double)c / (double)count;
	for (size_t i = 0; i < count; i++)
		variance[i % c] += (y[i] - mean[i % c]) * (y[i] - mean[i % c]) *
				   (double)c / (double)count;
}

static double normalized(const struct reference *reference, uint32_t index,
			 size_t c, double y)
{
	const struct net_layer *layer = &reference->net->layers[index];
	const double *gamma = param_of(reference, layer->gamma);
	const double *beta = param_of(reference, layer->beta);
	double mean = (double)layer->mean[c], variance = (double)layer->variance[c];

	if (reference->pass->batch_statistics && !reference->pass->fold) {
		mean = reference->mean[index][c];
		variance = reference->variance[index][c];
	}
	return gamma[c] * (y - mean) / sqrt(variance + (double)NET_BN_EPSILON) +
	       beta[c];
}

static void run_layer(struct reference *reference, uint32_t index)
{
	const struct net_layer *layer = &reference->net->layers[index];
	const double *bias = param_of(reference, layer->bias);
	size_t count = values_of(layer->out) * reference->batch->count;
	double *y = reference->outputs[index];

	run_raw(reference, index);
	batch_moments(reference, index);
	for (size_t i = 0; i < count; i++) {
		size_t c = i % layer->out.c;

		if (layer->gamma)
			y[i] = normalized(reference, index, c, y[i]);
		if (bias)
			y[i] += bias[c];
		if (layer->desc.activation != NET_LINEAR)
			y[i] = fmax(y[i], 0);
		if (layer->desc.activation == NET_RELU6)
			y[i] = fmin(y[i], 6);
	}
}

double reference_run(struct reference *reference, uint32_t first)
{
	uint32_t classes = reference->net->classes;
	const double *logits;
	double loss = 0;

	for (uint32_t i = first; i < reference->net->num_layers; i++)
		run_layer(reference, i);
	logits = reference->outputs[reference->net->num_layers - 1];
	for (uint32_t b = 0; b < reference->batch->count; b++, logits += classes) {
		double sum = 0;

		for (uint32_t i = 0; i < classes; i++)
			sum += exp(logits[i]);
		loss += log(sum) - logits[reference->batch->labels[b]];
	}
	return loss / reference->batch->count;
}
