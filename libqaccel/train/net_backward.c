// SPDX-License-Identifier: MIT
#include <float.h>
#include <math.h>
#include <string.h>

#include "batch_norm.h"
#include "conv.h"
#include "dwconv.h"
#include "net_run.h"
#include "pool.h"

/* ---------------------------------------------------------- activation -- */

/*
 * The values of v that have a gradient: where the activation is not flat, and
 * straight through the fake quantization of what it holds.
 */
static void gradient_range(const struct layer_run *run, float *low, float *high)
{
	enum net_activation activation = run->layer->desc.activation;

	*low = activation == NET_LINEAR ? -INFINITY : FLT_MIN;
	*high = activation == NET_RELU6 ? nextafterf(6, 0) : INFINITY;
	if (run->quantizes) {
		*low = fmaxf(*low, run->output.low * run->output.scale);
		*high = fminf(*high, run->output.high * run->output.scale);
	}
}

/* dy of pictures [first, first + count) becomes that of v. */
static void through_activation(const struct net_train *train,
			       struct layer_run *run, size_t first, size_t count,
			       double *sums, const struct scratch *scratch)
{
	struct rows rows = { count * run->rows, run->channels };
	bool normalized = run->layer->gamma && !train->pass.fold;
	float low, high;

	gradient_range(run, &low, &high);
	activation_gradient(rows, run->z + first * run->out_values, run->scale,
			    run->shift, low, high, normalized ? run->mean : NULL,
			    run->dy + first * run->out_values, sums, scratch->sums);
}

static double *chunk_sums(struct layer_run *run, struct chunk chunk)
{
	double *sums = run->sums + 2 * (size_t)run->channels * chunk.index;

	memset(sums, 0, 2 * run->channels * sizeof(*sums));
	return sums;
}

static void activation_chunk(const struct net_train *train, struct layer_run *run,
			     struct chunk chunk, const struct scratch *scratch)
{
	through_activation(train, run, chunk.first, chunk.count,
			   chunk_sums(run, chunk), scratch);
}

/* --------------------------------------------------------------- chunks -- */

static void block_gradient(struct layer_run *run, size_t first, size_t count,
			   bool add, float *d_weights,
			   const struct scratch *scratch)
{
	const struct window *window = &run->window;
	const float *x = run->x[0] + first * run->in_values;
	const float *dz = run->dy + first * run->out_values;
	float *dx = run->dx[0] ? run->dx[0] + first * run->in_values : NULL;
	float *buffer = scratch->columns;

	if (run->layer->desc.kind == NET_DWCONV) {
		dwconv_weights_gradient(window, x, dz, count, buffer, add, d_weights);
		if (dx)
			dwconv_input_gradient(window, dz, run->weights, count,
					      buffer, run->dx_add[0], dx);
		return;
	}
	x = conv_columns(window, x, count, buffer);
	conv_weights_gradient(window, x, dz, count, add, d_weights);
	if (dx)
		conv_input_gradient(window, dz, run->weights, count, buffer,
				    run->dx_add[0], dx);
}

/* scale, shift and rstd are the coefficients now: see normalize_backward(). */
static void through_norm(struct layer_run *run, size_t first, size_t count)
{
	struct rows rows = { count * run->rows, run->channels };

	batch_norm_gradient(rows, run->z + first * run->out_values, run->mean,
			    run->scale, run->rstd, run->shift,
			    run->dy + first * run->out_values);
}

static void weights_chunk(const struct net_train *train, struct layer_run *run,
			  struct chunk chunk, const struct scratch *scratch)
{
	bool normalized = run->layer->gamma && !train->pass.fold;
	float *partial = run->partials + run->layer->weights_count * chunk.index;
	size_t end = chunk.first + chunk.count;
	double *sums = normalized ? NULL : chunk_sums(run, chunk);

	for (size_t i = chunk.first; i < end; i += run->block) {
		size_t n = end - i < run->block ? end - i : run->block;

		if (normalized)
			through_norm(run, i, n);
		else
			through_activation(train, run, i, n, sums, scratch);
		block_gradient(run, i, n, i != chunk.first, partial, scratch);
	}
}

static void sum_chunk(const struct net_train *train, struct layer_run *run,
		      struct chunk chunk, const struct scratch *scratch)
{
	size_t first = chunk.first * run->out_values;
	size_t count = chunk.count * run->out_values;
	const float *dy = run->dy + first;

	activation_chunk(train, run, chunk, scratch);
	for (uint32_t j = 0; j < 2; j++) {
		float *dx;

		if (!run->dx[j])
			continue;
		dx = run->dx[j] + first;
		if (!run->dx_add[j])
			memcpy(dx, dy, count * sizeof(*dx));
		for (size_t i = 0; run->dx_add[j] && i < count; i++)
			dx[i] += dy[i];
	}
}

static void pool_chunk(const struct net_train *train, struct layer_run *run,
		       struct chunk chunk, const struct scratch *scratch)
{
	size_t in = chunk.first * run->in_values, out = chunk.first * run->out_values;

	(void)train;
	if (run->layer->desc.kind == NET_AVGPOOL)
		average_pool_gradient(&run->window, run->dy + out, chunk.count,
				      run->dx_add[0], run->dx[0] + in);
	else
		max_pool_gradient(&run->window, run->x[0] + in, run->y + out,
				  run->dy + out, chunk.count, run->dx_add[0],
				  run->dx[0] + in, scratch->sums);
}

/* ---------------------------------------------------- sums over chunks -- */

/* All to the first chunk's, in their order. */
static void add_sums(const struct net_train *train, struct layer_run *run)
{
	size_t count = 2 * (size_t)run->channels;

	for (uint32_t i = 1; i < net_chunks(train->batch); i++)
		for (size_t c = 0; c < count; c++)
			run->sums[c] += run->sums[count * i + c];
}

static void add_partials(const struct net_train *train, struct layer_run *run)
{
	size_t count = run->layer->weights_count;

	memcpy(run->d_weights, run->partials, count * sizeof(*run->partials));
	for (uint32_t i = 1; i < net_chunks(train->batch); i++) {
		const float *partial = run->partials + count * i;

		for (size_t k = 0; k < count; k++)
			run->d_weights[k] += partial[k];
	}
}

/*
 * With g of v, xh = (z - mean) rstd and n rows: dgamma = sum(g xh), dbeta =
 * sum(g), dz = gamma rstd (g - dbeta / n - xh dgamma / n). The last two are
 * there because mean and rstd are of the batch. dz = a g + b (z - mean) + c:
 * a is in scale already, b replaces rstd and c the shift.
 */
static void normalize_backward(const struct net_train *train, struct layer_run *run)
{
	double rows = (double)run->rows * train->batch;

	add_sums(train, run);
	for (uint32_t c = 0; c < run->channels; c++) {
		double rstd = (double)run->rstd[c], a = (double)run->scale[c];
		double d_beta = run->sums[c];
		double d_gamma = run->sums[run->channels + c] * rstd;

		run->d_beta[c] = (float)d_beta;
		run->d_gamma[c] = (float)d_gamma;
		if (!run->normalizes)
			a = d_beta = d_gamma = 0;
		run->rstd[c] = (float)(-a * rstd * d_gamma / rows);
		run->shift[c] = (float)(-a * d_beta / rows);
	}
}

/* -------------------------------------------------------------- layers -- */

static void backward_weights(struct net_train *train, struct layer_run *run)
{
	if (run->layer->gamma && !train->pass.fold) {
		net_for_chunks(train, run, activation_chunk);
		normalize_backward(train, run);
		net_for_chunks(train, run, weights_chunk);
		add_partials(train, run);
		return;
	}
	net_for_chunks(train, run, weights_chunk);
	add_partials(train, run);
	add_sums(train, run);
	/* shift's gradient in shift's place: v is not needed any more */
	for (uint32_t c = 0; c < run->channels; c++)
		run->shift[c] = (float)run->sums[c];
	net_weights_backward(train, run, run->shift);
}

static void backward_layer(struct net_train *train, struct layer_run *run)
{
	if (layer_has_weights(run->layer))
		backward_weights(train, run);
	else if (run->layer->desc.kind == NET_ADD)
		net_for_chunks(train, run, sum_chunk);
	else if (run->dx[0])
		net_for_chunks(train, run, pool_chunk);
}

/* The first reader in this order sets its input's gradient, others add. */
static void link_gradients(struct net_train *train, struct layer_run *run)
{
	uint32_t inputs = run->layer->desc.kind == NET_ADD ? 2 : 1;

	for (uint32_t j = 0; j < inputs; j++) {
		int32_t input = run->layer->desc.inputs[j];
		struct layer_run *from;

		run->dx[j] = NULL;
		if (input == NET_INPUT)
			continue;
		from = &train->runs[input];
		run->dx[j] = from->dy;
		run->dx_add[j] = from->dy_written;
		from->dy_written = true;
	}
}

void net_backward(struct net *net)
{
	struct net_train *train = net->train;

	for (uint32_t i = 0; i < net->num_layers; i++)
		train->runs[i].dy_written = false;
	for (uint32_t i = net->num_layers; i-- > 0; ) {
		link_gradients(train, &train->runs[i]);
		backward_layer(train, &train->runs[i]);
	}
}
