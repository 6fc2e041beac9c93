// SPDX-License-Identifier: MIT
/*
 * Weights and biases
 *
 * Scales are those that simulated quantization chooses in training, so that a
 * network that was trained with it has the weights that it was trained with.
 * They differ only where integers could not do it otherwise: a bias of scale
 * in * weights has to fit into 32 bits beside the sum that is added to it, and
 * weights that are all zero say nothing about a scale.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qaccel/quantize.h>

#include "convert_graph.h"
#include "error.h"

/* Steps of the bias for one of the output, where weights don't decide. */
#define BIAS_STEPS	0x1p16f

/*
 * Weights as channels runs of per_channel: as they are, or a copy. Where there
 * is one scale for all of them, scales are all the same.
 */
struct weights {
	const float *values;
	float *copy;			/* what has to be freed of them */
	size_t channels, per_channel;
	bool last;			/* in the model, channels are innermost */
	bool shared;			/* one scale */
	int32_t qmin, qmax, zero_point;
	float *scales;			/* one for each channel */
	const float *bias;		/* or NULL */
	double bias_limit;		/* steps that a bias may have */
	float in_scale, out_scale;
};

static void release(struct weights *w)
{
	free(w->copy);
	free(w->scales);
}

/* From taps of channels each to channels of taps each. */
static int transpose(struct weights *w)
{
	w->copy = malloc(w->channels * w->per_channel * sizeof(float));
	if (!w->copy)
		return qaccel_error(ENOMEM, "out of memory");
	for (size_t c = 0; c < w->channels; c++)
		for (size_t i = 0; i < w->per_channel; i++)
			w->copy[c * w->per_channel + i] =
				w->values[i * w->channels + c];
	w->values = w->copy;
	return 0;
}

/*
 * TensorFlow Lite 2.14 has one scale for each row of a dense layer, but takes
 * the second dimension for the last: wrong where kept dimensions are not two.
 */
static bool shares_scale(const struct conversion *c,
			 const struct qaccel_graph_op *op)
{
	return !c->per_channel ||
	       (op->builtin == QACCEL_BUILTIN_FULLY_CONNECTED &&
		c->to->tensors[op->outputs[0]].info.rank != 2);
}

static int describe(const struct conversion *c, const struct qaccel_graph_op *op,
		    struct weights *w)
{
	const struct qaccel_graph_tensor *t = &c->from->tensors[op->inputs[1]];
	double product = c->type == QACCEL_TYPE_UINT8 ? 255 * 255 : 255 * 128;
	size_t count = t->info.size / sizeof(float);
	int err;

	w->values = t->data;
	w->last = op->builtin == QACCEL_BUILTIN_DEPTHWISE_CONV_2D;
	w->channels = (size_t)t->info.dims[w->last ? 3 : 0];
	w->per_channel = count / w->channels;
	w->shared = shares_scale(c, op);
	w->in_scale = c->to->tensors[op->inputs[0]].info.scales[0];
	w->out_scale = c->to->tensors[op->outputs[0]].info.scales[0];
	if (op->num_inputs > 2 && op->inputs[2] >= 0)
		w->bias = c->from->tensors[op->inputs[2]].data;
	/* Sums that overflow by themselves are refused by sessions. */
	w->bias_limit = fmax((double)INT32_MAX - 1 -
			     product * (double)w->per_channel, 0x1p16);
	w->scales = malloc(w->channels * sizeof(float));
	if (!w->scales)
		return qaccel_error(ENOMEM, "out of memory");
	err = qaccel_integer_range(c->type, 8, true, &w->qmin, &w->qmax);
	return !err && w->last ? transpose(w) : err;
}

/* -------------------------------------------------------------- scales -- */

static bool all_zero(const float *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (values[i] != 0)
			return false;
	return true;
}

static int choose_scales(const struct conversion *c, struct weights *w)
{
	size_t count = w->channels * w->per_channel;
	float min = 0, max = 0;
	int err;

	if (w->shared && c->type == QACCEL_TYPE_UINT8) {
		err = convert_find_range(w->values, count, &min, &max);
		if (!err)
			err = qaccel_choose_params(min, max, w->qmin, w->qmax,
						   w->scales, &w->zero_point);
	} else {
		err = qaccel_choose_weight_scales(w->values,
				w->shared ? 1 : w->channels,
				w->shared ? count : w->per_channel, w->qmax,
				w->scales);
	}
	for (size_t i = 1; !err && w->shared && i < w->channels; i++)
		w->scales[i] = w->scales[0];
	return err;
}

/* What a bias and weights of zero leave open. */
static float free_scale(const struct weights *w)
{
	return fmaxf(w->out_scale / w->in_scale / BIAS_STEPS, FLT_MIN);
}

static void settle_zero_weights(struct weights *w)
{
	size_t count = w->shared ? w->channels * w->per_channel : w->per_channel;

	if (w->shared && !all_zero(w->values, count))
		return;
	for (size_t c = 0; c < w->channels; c++)
		if (w->shared || all_zero(w->values + c * count, count))
			w->scales[c] = free_scale(w);
}

/* The smallest scale with which the bias of a channel is not too many steps. */
static float scale_for_bias(const struct weights *w, size_t channel)
{
	double scale = fabs((double)w->bias[channel]) / w->bias_limit /
		       (double)w->in_scale;

	/* A little more, for the rounding of it and of the product. */
	return (float)(scale * (1 + 4 * (double)FLT_EPSILON));
}

static int widen_for_bias(struct weights *w)
{
	float shared = 0;

	if (!w->bias)
		return 0;
	for (size_t c = 0; c < w->channels; c++) {
		float needed = scale_for_bias(w, c);

		if (!isfinite(needed))
			return qaccel_error(EDOM, "channel %zu has a bias of %g", c,
					    (double)w->bias[c]);
		w->scales[c] = fmaxf(w->scales[c], needed);
		shared = fmaxf(shared, w->scales[c]);
	}
	for (size_t c = 0; w->shared && c < w->channels; c++)
		w->scales[c] = shared;
	return 0;
}

/* A bias of in * weights: both have to be numbers that a float can tell. */
static int check_scales(const struct weights *w)
{
	for (size_t c = 0; c < w->channels; c++)
		if (!isnormal(w->in_scale * w->scales[c]))
			return qaccel_error(EDOM, "scales of %g and %g have no product",
					    (double)w->in_scale,
					    (double)w->scales[c]);
	return 0;
}

/* ------------------------------------------------------------ integers -- */

/* Narrower than the type: training clamps to the same integers. */
static void clamp_weights(const struct weights *w, enum qaccel_type type,
			  void *data, size_t count)
{
	int8_t *s = data;
	uint8_t *u = data;

	for (size_t i = 0; i < count; i++) {
		if (type == QACCEL_TYPE_INT8 && s[i] < w->qmin)
			s[i] = (int8_t)w->qmin;
		else if (type == QACCEL_TYPE_UINT8 && u[i] < w->qmin)
			u[i] = (uint8_t)w->qmin;
	}
}

static int quantize_weights(const struct weights *w, enum qaccel_type type,
			    uint8_t *data)
{
	uint8_t *channel = malloc(w->per_channel);
	int err = channel ? 0 : qaccel_error(ENOMEM, "out of memory");

	for (size_t c = 0; !err && c < w->channels; c++) {
		err = qaccel_quantize(type, w->scales[c], w->zero_point,
				      w->values + c * w->per_channel, channel,
				      w->per_channel);
		clamp_weights(w, type, channel, w->per_channel);
		for (size_t i = 0; i < w->per_channel; i++)
			data[w->last ? i * w->channels + c :
			     c * w->per_channel + i] = channel[i];
	}
	free(channel);
	return err;
}

/* The scales and zero points into the graph's pool. */
static int give_scales(struct conversion *c, const struct weights *w, bool bias,
		       struct qaccel_tensor_info *info)
{
	uint32_t count = w->shared ? 1 : (uint32_t)w->channels;
	int32_t *zero_points;
	float *scales;
	int err;

	err = qaccel_graph_alloc(c->to, count, sizeof(*scales), &scales);
	if (!err)
		err = qaccel_graph_alloc(c->to, count, sizeof(*zero_points),
					 &zero_points);
	if (err)
		return err;
	for (uint32_t i = 0; i < count; i++) {
		scales[i] = bias ? w->in_scale * w->scales[i] : w->scales[i];
		zero_points[i] = bias ? 0 : w->zero_point;
	}
	info->num_scales = count;
	info->scales = scales;
	info->zero_points = zero_points;
	info->quantized_dim = w->last && count > 1 && !bias ? 3 : 0;
	return 0;
}

static int place_weights(struct conversion *c, struct qaccel_graph_op *op,
			 const struct weights *w)
{
	struct qaccel_graph_tensor t = { .info.type = c->type };
	uint8_t *data;
	int err;

	err = qaccel_graph_alloc(c->to, w->channels * w->per_channel, 1, &data);
	if (!err)
		err = quantize_weights(w, c->type, data);
	if (!err)
		err = give_scales(c, w, false, &t.info);
	t.data = data;
	return err ? err : convert_place(c, &t, &op->inputs[1]);
}

static int place_bias(struct conversion *c, struct qaccel_graph_op *op,
		      const struct weights *w)
{
	struct qaccel_graph_tensor t = { .info.type = QACCEL_TYPE_INT32 };
	int32_t *data;
	int err;

	err = qaccel_graph_alloc(c->to, w->channels, sizeof(*data), &data);
	if (!err)
		err = give_scales(c, w, true, &t.info);
	if (err)
		return err;
	for (size_t i = 0; w->bias && i < w->channels; i++) {
		double scale = (double)(w->in_scale * w->scales[i]);

		/* It fits: widen_for_bias(). */
		data[i] = (int32_t)round((double)w->bias[i] / scale);
	}
	t.data = data;
	return w->bias ? convert_place(c, &t, &op->inputs[2]) :
	       convert_add_bias(c, &t, op);
}

int convert_weights(struct conversion *c, struct qaccel_graph_op *op)
{
	struct weights w = { 0 };
	int err;

	err = describe(c, op, &w);
	if (!err)
		err = choose_scales(c, &w);
	if (!err) {
		settle_zero_weights(&w);
		err = widen_for_bias(&w);
	}
	if (!err)
		err = check_scales(&w);
	if (err) {
		char text[200];

		snprintf(text, sizeof(text), "%s", qaccel_last_error());
		err = convert_fail_op(c, op, err == -EINVAL ? EDOM : -err, "%s",
				      text);
	}
	if (!err)
		err = place_weights(c, op, &w);
	/* Without one, TensorFlow Lite takes all but CONV_2D. */
	if (!err && (w.bias || op->builtin == QACCEL_BUILTIN_CONV_2D))
		err = place_bias(c, op, &w);
	release(&w);
	return err;
}
