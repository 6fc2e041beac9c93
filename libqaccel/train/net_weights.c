// SPDX-License-Identifier: MIT
/* The weights that a product sees: batch norm folded in, fake-quantized. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <qaccel/quantize.h>

#include "error.h"
#include "net_run.h"

/* gamma / sqrt(variance + epsilon); 1 without batch norm. */
static double fold_factor(const struct net_layer *layer, size_t c)
{
	if (!layer->gamma)
		return 1;
	return (double)layer->gamma[c] /
	       sqrt((double)layer->variance[c] + (double)NET_BN_EPSILON);
}

static int check_fold(const struct net_layer *layer)
{
	for (size_t c = 0; layer->gamma && c < layer->out.c; c++) {
		double factor = fold_factor(layer, c);

		if (!isfinite(factor) || !isfinite(layer->mean[c]))
			return qaccel_error(EDOM,
					    "layer %s: channel %zu has no variance to divide by (%g)",
					    layer->desc.name, c,
					    (double)layer->variance[c]);
	}
	return 0;
}

static void fold_weights(const struct net_layer *layer, float *weights)
{
	size_t channels = layer->out.c;
	size_t depth = layer->weights_count / channels;
	bool last = layer->desc.kind == NET_DWCONV;

	for (size_t c = 0; c < channels; c++) {
		double factor = fold_factor(layer, c);
		size_t first = last ? c : c * depth, step = last ? channels : 1;

		for (size_t i = 0, at = first; i < depth; i++, at += step)
			weights[at] = (float)((double)layer->weights[at] * factor);
	}
}

static void fold_bias(const struct net_layer *layer, float *bias)
{
	for (size_t c = 0; c < layer->out.c; c++)
		bias[c] = !layer->gamma ? layer->bias[c] :
			  (float)((double)layer->beta[c] -
				  (double)layer->mean[c] * fold_factor(layer, c));
}

int net_folded(const struct net_layer *layer, float *weights, float *bias)
{
	int err;

	if (!layer_has_weights(layer))
		return qaccel_error(EINVAL, "layer %s: it has no weights",
				    layer->desc.name);
	err = check_fold(layer);
	if (err)
		return err;
	fold_weights(layer, weights);
	fold_bias(layer, bias);
	return 0;
}

/* -------------------------------------------------------- quantization -- */

/* [taps][channels] to [channels][taps]. */
static void transpose(const float *in, size_t rows, size_t columns, float *out)
{
	for (size_t r = 0; r < rows; r++)
		for (size_t c = 0; c < columns; c++)
			out[c * rows + r] = in[r * columns + c];
}

/* Scales of per_channel weights each; channels 1: of all. */
static int quantize_symmetric(const float *weights, size_t channels,
			      size_t per_channel, uint32_t bits, float *scales,
			      float *out)
{
	int32_t qmin, qmax;
	int err;

	err = qaccel_integer_range(QACCEL_TYPE_INT8, bits, true, &qmin, &qmax);
	if (!err)
		err = qaccel_choose_weight_scales(weights, channels, per_channel,
						  qmax, scales);
	for (size_t c = 0; c < channels && !err; c++) {
		struct fake_quant quant = fake_quant_from(scales[c], 0, qmin, qmax);

		fake_quantize(&quant, weights + c * per_channel,
			      out + c * per_channel, per_channel);
	}
	return err;
}

/* Depthwise filters' channels are last: there and back, out as the buffer. */
static int quantize_channels(const struct layer_run *run, uint32_t bits,
			     const struct scratch *scratch, float *out)
{
	size_t channels = run->channels;
	size_t depth = run->layer->weights_count / channels;
	int err;

	if (run->layer->desc.kind != NET_DWCONV)
		return quantize_symmetric(run->folded, channels, depth, bits,
					  scratch->sums, out);
	transpose(run->folded, depth, channels, out);
	err = quantize_symmetric(out, channels, depth, bits, scratch->sums,
				 scratch->columns);
	transpose(scratch->columns, channels, depth, out);
	return err;
}

static int quantize_asymmetric(struct layer_run *run, uint32_t bits, float *out)
{
	size_t count = run->layer->weights_count;
	int32_t qmin, qmax, zero_point;
	float min = 0, max = 0, scale;
	int err;

	for (size_t i = 0; i < count; i++)
		if (!isfinite(run->folded[i]))
			return qaccel_error(EINVAL, "a weight of %g",
					    (double)run->folded[i]);
	widen_range(run->folded, count, &min, &max);
	err = qaccel_integer_range(QACCEL_TYPE_UINT8, bits, true, &qmin, &qmax);
	if (!err)
		err = qaccel_choose_params(min, max, qmin, qmax, &scale, &zero_point);
	if (err)
		return err;
	run->weight_range = fake_quant_from(scale, zero_point, qmin, qmax);
	run->clips_weights = true;
	fake_quantize(&run->weight_range, run->folded, out, count);
	return 0;
}

static int quantize_weights(const struct net_train *train, struct layer_run *run)
{
	const struct net_quant *quant = &run->layer->quant;

	if (quant->per_channel)
		return quantize_channels(run, quant->weight_bits,
					 &train->scratch[0], run->quantized);
	if (quant->asymmetric)
		return quantize_asymmetric(run, quant->weight_bits, run->quantized);
	return quantize_symmetric(run->folded, 1, run->layer->weights_count,
				  quant->weight_bits, train->scratch[0].sums,
				  run->quantized);
}

static bool quantizes_weights(const struct net_train *train,
			      const struct net_layer *layer)
{
	return train->pass.quantize_weights && layer->quant.weight_bits &&
	       !layer->desc.keep_float;
}

int net_prepare_weights(const struct net_train *train, struct layer_run *run)
{
	const struct net_layer *layer = run->layer;
	int err;

	run->clips_weights = false;
	run->weights = layer->weights;
	if (train->pass.fold && layer->gamma) {
		err = check_fold(layer);
		if (err)
			return err;
	} else if (!quantizes_weights(train, layer)) {
		return 0;
	} else if (layer->gamma) {
		return qaccel_error(EINVAL,
				    "layer %s: quantized weights need folded batch normalisation",
				    layer->desc.name);
	}
	fold_weights(layer, run->folded);
	run->weights = run->folded;
	if (!quantizes_weights(train, layer))
		return 0;
	run->weights = run->quantized;
	err = quantize_weights(train, run);
	return err ? net_layer_error(layer, "its weights can't be quantized", err) : 0;
}

/* ------------------------------------------------------------ backward -- */

/* Straight through (section 3): a weight that was cut off has no gradient. */
static void clip_gradient(struct layer_run *run)
{
	const struct fake_quant *range = &run->weight_range;
	float low = range->low * range->scale, high = range->high * range->scale;

	for (size_t i = 0; i < run->layer->weights_count; i++)
		if (run->folded[i] < low || run->folded[i] > high)
			run->d_weights[i] = 0;
}

/*
 * folded = w gamma rstd and shift = beta - mean gamma rstd, of the statistics
 * that the pass had: constants here.
 */
static void unfold_gradient(struct layer_run *run, const float *d_shift)
{
	const struct net_layer *layer = run->layer;
	size_t channels = run->channels;
	size_t depth = layer->weights_count / channels;
	bool last = layer->desc.kind == NET_DWCONV;

	for (size_t c = 0; c < channels; c++) {
		double rstd = (double)run->rstd[c];
		double factor = (double)layer->gamma[c] * rstd;
		size_t first = last ? c : c * depth, step = last ? channels : 1;
		double sum = -(double)run->mean[c] * (double)d_shift[c];

		for (size_t i = 0, at = first; i < depth; i++, at += step) {
			double d = (double)run->d_weights[at];

			sum += d * (double)layer->weights[at];
			run->d_weights[at] = (float)(d * factor);
		}
		run->d_gamma[c] = (float)(sum * rstd);
		run->d_beta[c] = d_shift[c];
	}
}

void net_weights_backward(const struct net_train *train, struct layer_run *run,
			  const float *d_shift)
{
	if (run->clips_weights)
		clip_gradient(run);
	if (train->pass.fold && run->layer->gamma)
		unfold_gradient(run, d_shift);
	else if (run->d_bias)
		memcpy(run->d_bias, d_shift, run->channels * sizeof(*d_shift));
}
