// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>
#include <string.h>

#include "batch_norm.h"
#include "conv.h"
#include "dwconv.h"
#include "error.h"
#include "net_run.h"
#include "pool.h"

/* ------------------------------------------------------ after products -- */

static float activation_high(enum net_activation activation)
{
	return activation == NET_RELU6 ? 6 : INFINITY;
}

static float activation_low(enum net_activation activation)
{
	return activation == NET_LINEAR ? -INFINITY : 0;
}

/* From z, of pictures [first, first + count), to y; y's range is in extremes. */
static void finish(const struct net_train *train, struct layer_run *run,
		   size_t first, size_t count, float *extremes)
{
	enum net_activation activation = run->layer->desc.activation;
	struct rows rows = { count * run->rows, run->channels };
	const float *z = run->z + first * run->out_values;
	float *y = run->y + first * run->out_values;

	activate(rows, z, run->scale, run->shift, activation_low(activation),
		 activation_high(activation), y);
	if (train->pass.update_ranges)
		widen_range(y, count * run->out_values, &extremes[0], &extremes[1]);
	else if (run->quantizes)
		fake_quantize(&run->output, y, y, count * run->out_values);
}

static void start_extremes(struct layer_run *run, uint32_t chunk)
{
	run->extremes[2 * chunk] = INFINITY;
	run->extremes[2 * chunk + 1] = -INFINITY;
}

static void finish_chunk(const struct net_train *train, struct layer_run *run,
			 struct chunk chunk, const struct scratch *scratch)
{
	(void)scratch;
	start_extremes(run, chunk.index);
	finish(train, run, chunk.first, chunk.count,
	       &run->extremes[2 * chunk.index]);
}

static void quantize_chunk(const struct net_train *train, struct layer_run *run,
			   struct chunk chunk, const struct scratch *scratch)
{
	float *y = run->y + chunk.first * run->out_values;

	(void)train;
	(void)scratch;
	fake_quantize(&run->output, y, y, chunk.count * run->out_values);
}

/* ------------------------------------------------------------ products -- */

/* What the moments and z need of a block: both from the same columns. */
static void block_product(const struct layer_run *run, const float *x,
			  size_t count, const float *weights,
			  const struct scratch *scratch, float *z)
{
	if (run->layer->desc.kind == NET_DWCONV)
		dwconv_product(&run->window, x, weights, count, scratch->columns, z);
	else
		conv_product(&run->window, x, weights, count, z);
}

static void product_chunk(const struct net_train *train, struct layer_run *run,
			  struct chunk chunk, const struct scratch *scratch)
{
	double *moments = run->sums + 2 * (size_t)run->channels * chunk.index;
	size_t end = chunk.first + chunk.count, rows = 0;

	memset(moments, 0, 2 * run->channels * sizeof(*moments));
	start_extremes(run, chunk.index);
	for (size_t i = chunk.first; i < end; i += run->block) {
		size_t n = end - i < run->block ? end - i : run->block;
		const float *x = run->x[0] + i * run->in_values;
		float *z = run->z + i * run->out_values, *raw = z;

		if (run->layer->desc.kind == NET_CONV)
			x = conv_columns(&run->window, x, n, scratch->columns);
		block_product(run, x, n, run->weights, scratch, z);
		if (run->statistics && !run->normalizes) {
			raw = scratch->product;
			block_product(run, x, n, run->layer->weights, scratch, raw);
		}
		if (run->statistics)
			moments_add((struct rows){ n * run->rows, run->channels },
				    raw, moments, &rows, scratch->sums);
		if (!run->normalizes)
			finish(train, run, i, n, &run->extremes[2 * chunk.index]);
	}
}

static void sum_chunk(const struct net_train *train, struct layer_run *run,
		      struct chunk chunk, const struct scratch *scratch)
{
	size_t first = chunk.first * run->out_values;
	size_t count = chunk.count * run->out_values;
	const float *a = run->x[0] + first, *b = run->x[1] + first;
	float *z = run->z + first;

	for (size_t i = 0; i < count; i++)
		z[i] = a[i] + b[i];
	finish_chunk(train, run, chunk, scratch);
}

static void pool_chunk(const struct net_train *train, struct layer_run *run,
		       struct chunk chunk, const struct scratch *scratch)
{
	const float *x = run->x[0] + chunk.first * run->in_values;
	float *y = run->y + chunk.first * run->out_values;

	if (run->layer->desc.kind == NET_MAXPOOL) {
		max_pool(&run->window, x, chunk.count, y);
		return;
	}
	average_pool(&run->window, x, chunk.count, y);
	/* The integers' average is rounded, on its input's scale. */
	if (run->quantizes)
		quantize_chunk(train, run, chunk, scratch);
}

/* ---------------------------------------------------------- statistics -- */

static void use_statistics(struct layer_run *run, const double *mean,
			   const double *variance)
{
	const struct net_layer *layer = run->layer;

	for (uint32_t c = 0; c < run->channels; c++) {
		double rstd = 1 / sqrt(variance[c] + (double)NET_BN_EPSILON);

		run->mean[c] = (float)mean[c];
		run->rstd[c] = (float)rstd;
		run->scale[c] = (float)((double)layer->gamma[c] * rstd);
		run->shift[c] = (float)((double)layer->beta[c] -
					mean[c] * (double)layer->gamma[c] * rstd);
	}
}

static void use_running(struct layer_run *run)
{
	double *mean = run->sums, *variance = mean + run->channels;

	for (uint32_t c = 0; c < run->channels; c++) {
		mean[c] = (double)run->layer->mean[c];
		variance[c] = (double)run->layer->variance[c];
	}
	use_statistics(run, mean, variance);
}

/* The chunks' moments to the batch's, in their order. */
static void merge_statistics(const struct net_train *train, struct layer_run *run)
{
	size_t channels = run->channels, rows = 0;
	double *variance = run->sums + channels;

	for (uint32_t i = 0; i < net_chunks(train->batch); i++) {
		size_t left = train->batch - (size_t)i * NET_CHUNK;
		size_t n = (left < NET_CHUNK ? left : NET_CHUNK) * run->rows;

		if (i == 0)
			rows = n;
		else
			moments_merge(channels, run->sums + 2 * channels * i, n,
				      run->sums, &rows);
	}
	for (size_t c = 0; c < channels; c++)
		variance[c] /= (double)rows;
}

static void update_statistics(const struct net_train *train, struct layer_run *run)
{
	float keep = train->pass.bn_momentum;
	struct net_layer *layer = run->layer;

	merge_statistics(train, run);
	for (uint32_t c = 0; c < run->channels; c++) {
		layer->mean[c] = keep * layer->mean[c] +
				 (1 - keep) * (float)run->sums[c];
		layer->variance[c] = keep * layer->variance[c] +
				     (1 - keep) * (float)run->sums[run->channels + c];
	}
	if (run->normalizes)
		use_statistics(run, run->sums, run->sums + run->channels);
}

/* -------------------------------------------------------------- ranges -- */

/* The layer that a pool's values are of. */
static const struct net_layer *range_owner(const struct net *net,
					   const struct net_layer *layer)
{
	while (layer && layer_is_pool(layer))
		layer = layer->desc.inputs[0] == NET_INPUT ?
				NULL : &net->layers[layer->desc.inputs[0]];
	return layer;
}

static int choose_output(const struct net *net, struct layer_run *run)
{
	const struct net_layer *owner = range_owner(net, run->layer);
	int err;

	run->quantizes = net->train->pass.quantize_activations && owner &&
			 owner->quant.activation_bits && !owner->desc.keep_float &&
			 !run->layer->desc.keep_float;
	if (!run->quantizes)
		return 0;
	err = fake_quant_of_range(owner->range, owner->quant.activation_bits,
				  &run->output);
	return err ? net_layer_error(run->layer, "its output can't be quantized", err) :
		     0;
}

static int update_output(struct net *net, struct layer_run *run)
{
	struct net_train *train = net->train;
	float min = INFINITY, max = -INFINITY;

	for (uint32_t i = 0; i < net_chunks(train->batch); i++) {
		min = fminf(min, run->extremes[2 * i]);
		max = fmaxf(max, run->extremes[2 * i + 1]);
	}
	if (!isfinite(min) || !isfinite(max))
		return qaccel_error(EDOM, "layer %s: its outputs are from %g to %g",
				    run->layer->desc.name, (double)min, (double)max);
	update_range(run->layer->range, min, max, train->pass.range_momentum);
	return choose_output(net, run);
}

/* -------------------------------------------------------------- layers -- */

static void start_channels(struct net_train *train, struct layer_run *run)
{
	struct net_layer *layer = run->layer;
	const float *bias = layer->bias;

	run->statistics = layer->gamma && train->pass.batch_statistics;
	run->normalizes = run->statistics && !train->pass.fold;
	/* The shift is the folded bias. */
	if (layer->gamma)
		use_running(run);
	for (uint32_t c = 0; c < run->channels; c++) {
		if (!layer->gamma || train->pass.fold)
			run->scale[c] = 1;
		if (!layer->gamma)
			run->shift[c] = bias ? bias[c] : 0;
	}
}

static int forward_pool(struct net *net, struct layer_run *run)
{
	int err = choose_output(net, run);

	if (!err)
		net_for_chunks(net->train, run, pool_chunk);
	return err;
}

static int forward_weights(struct net *net, struct layer_run *run)
{
	struct net_train *train = net->train;
	int err;

	err = net_prepare_weights(train, run);
	if (err)
		return err;
	net_for_chunks(train, run, product_chunk);
	if (run->statistics)
		update_statistics(train, run);
	if (run->normalizes)
		net_for_chunks(train, run, finish_chunk);
	return 0;
}

static int forward_layer(struct net *net, struct layer_run *run)
{
	struct net_train *train = net->train;
	int err = 0;

	if (layer_is_pool(run->layer))
		return forward_pool(net, run);
	start_channels(train, run);
	if (!train->pass.update_ranges)
		err = choose_output(net, run);
	if (err)
		return err;
	if (run->layer->desc.kind == NET_ADD)
		net_for_chunks(train, run, sum_chunk);
	else
		err = forward_weights(net, run);
	if (err || !train->pass.update_ranges)
		return err;
	err = update_output(net, run);
	if (!err && run->quantizes)
		net_for_chunks(train, run, quantize_chunk);
	return err;
}

int net_forward(struct net *net, const float *images)
{
	struct net_train *train = net->train;
	int err = 0;

	for (uint32_t i = 0; i < net->num_layers && !err; i++) {
		struct layer_run *run = &train->runs[i];
		uint32_t inputs = run->layer->desc.kind == NET_ADD ? 2 : 1;

		for (uint32_t j = 0; j < inputs; j++) {
			int32_t input = run->layer->desc.inputs[j];

			run->x[j] = input == NET_INPUT ? images : train->runs[input].y;
		}
		err = forward_layer(net, run);
	}
	return err;
}
