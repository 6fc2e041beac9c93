// SPDX-License-Identifier: MIT
/* A network's memory: what it is made of, not how it is run. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "net_check.h"
#include "net_run.h"
#include "random.h"

/* Arrays start where a vector does. */
static size_t padded(size_t count)
{
	return (count + 15) & ~(size_t)15;
}

/* ---------------------------------------------------------- parameters -- */

/* A layer's arrays; counts of 0: it has none. */
struct arrays {
	size_t weights, bias, channels;
};

static struct arrays arrays_of(const struct net_layer *layer)
{
	bool weights = layer_has_weights(layer);
	struct arrays arrays = {
		.weights = layer->weights_count,
		.bias = weights && !layer->desc.batch_norm ? layer->out.c : 0,
		.channels = layer->desc.batch_norm ? layer->out.c : 0,
	};

	return arrays;
}

static void count_arrays(const struct net *net, size_t *values, size_t *statistics)
{
	*values = *statistics = 0;
	for (uint32_t i = 0; i < net->num_layers; i++) {
		struct arrays arrays = arrays_of(&net->layers[i]);

		*values += padded(arrays.weights) + padded(arrays.bias) +
			   2 * padded(arrays.channels);
		*statistics += 2 * padded(arrays.channels);
	}
}

static float *allocate(size_t count)
{
	size_t size = (count + 16) / 16 * 64;
	float *array = aligned_alloc(64, size);

	if (array)
		memset(array, 0, size);
	return array;
}

static int allocate_net(struct net *net)
{
	uint32_t n = net->num_layers;
	struct net_train *train;
	size_t values, statistics;

	count_arrays(net, &values, &statistics);
	net->params = calloc(3 * n, sizeof(*net->params));
	net->states = calloc(3 * n, sizeof(*net->states));
	train = net->train = calloc(1, sizeof(*train));
	if (!net->params || !net->states || !train)
		return -ENOMEM;
	train->values = allocate(values);
	train->grads = allocate(values);
	train->statistics = allocate(statistics);
	train->ranges = calloc(n, sizeof(*train->ranges));
	train->runs = calloc(n, sizeof(*train->runs));
	if (!train->values || !train->grads || !train->statistics ||
	    !train->ranges || !train->runs)
		return -ENOMEM;
	return 0;
}

/* Where the next parameter's and the next statistic's array are. */
struct cursor {
	struct net *net;
	float *value, *grad, *statistic;
};

/* Adds layer's parameter and gives its arrays out. */
static void add_param(struct cursor *at, const struct net_layer *layer,
		      const char *name, size_t count, float **value, float **grad)
{
	struct net_param *param;

	if (!count)
		return;
	param = &at->net->params[at->net->num_params++];
	snprintf(param->name, sizeof(param->name), "%s/%s", layer->desc.name, name);
	param->value = *value = at->value;
	param->grad = *grad = at->grad;
	param->count = count;
	param->decay = count == layer->weights_count && *value == layer->weights;
	at->value += padded(count);
	at->grad += padded(count);
}

static void add_state(struct net *net, const struct net_layer *layer,
		      const char *name, float *value, size_t count)
{
	struct net_state *state = &net->states[net->num_states++];

	snprintf(state->name, sizeof(state->name), "%s/%s", layer->desc.name, name);
	state->value = value;
	state->count = count;
}

static void add_statistic(struct cursor *at, const struct net_layer *layer,
			  const char *name, size_t count, float **value)
{
	if (!count)
		return;
	*value = at->statistic;
	at->statistic += padded(count);
	add_state(at->net, layer, name, *value, count);
}

static void add_range(struct net *net, struct net_layer *layer, uint32_t index)
{
	int32_t input = layer->desc.inputs[0];

	if (layer_is_pool(layer)) {
		layer->range = input == NET_INPUT ? NULL : net->layers[input].range;
		return;
	}
	layer->range = &net->train->ranges[index];
	add_state(net, layer, "range", &layer->range->min,
		  sizeof(*layer->range) / sizeof(float));
}

static void add_arrays(struct net *net)
{
	struct cursor at = {
		net, net->train->values, net->train->grads, net->train->statistics
	};

	for (uint32_t i = 0; i < net->num_layers; i++) {
		struct net_layer *layer = &net->layers[i];
		struct layer_run *run = &net->train->runs[i];
		struct arrays n = arrays_of(layer);

		add_param(&at, layer, "weights", n.weights, &layer->weights,
			  &run->d_weights);
		add_param(&at, layer, "bias", n.bias, &layer->bias, &run->d_bias);
		add_param(&at, layer, "gamma", n.channels, &layer->gamma,
			  &run->d_gamma);
		add_param(&at, layer, "beta", n.channels, &layer->beta,
			  &run->d_beta);
		add_statistic(&at, layer, "mean", n.channels, &layer->mean);
		add_statistic(&at, layer, "variance", n.channels,
			      &layer->variance);
		add_range(net, layer, i);
	}
}

/* -------------------------------------------------------- how it is run -- */

/* Columns, or values where there are none, a quarter of a second-level cache. */
#define BLOCK_VALUES	(UINT32_C(1) << 16)

static uint32_t block_pictures(size_t values)
{
	size_t pictures = BLOCK_VALUES / values;

	return pictures < 1 ? 1 : pictures > NET_CHUNK ? NET_CHUNK : (uint32_t)pictures;
}

static struct window window_of(const struct net_layer *layer)
{
	struct window window = {
		.in = layer->in,
		.out = layer->out,
		.size_h = layer->desc.size_h,
		.size_w = layer->desc.size_w,
		.stride = layer->desc.stride,
		.pad_top = layer->pad_top,
		.pad_left = layer->pad_left,
	};

	/* A filter of one pixel, whose channels are all of the picture. */
	if (layer->desc.kind == NET_FC) {
		window.in = (struct net_shape){
			1, 1, (uint32_t)shape_values(layer->in)
		};
		window.size_h = window.size_w = window.stride = 1;
	}
	return window;
}

static void set_run(struct layer_run *run, struct net_layer *layer)
{
	size_t values;

	run->layer = layer;
	run->window = window_of(layer);
	run->in_values = shape_values(layer->in);
	run->out_values = shape_values(layer->out);
	run->channels = layer->out.c;
	run->rows = run->out_values / run->channels;
	values = run->out_values;
	if (layer->desc.kind == NET_CONV) {
		size_t columns = run->rows * (layer->weights_count / layer->out.c);

		values = columns > values ? columns : values;
	}
	run->block = block_pictures(values);
}

/* -------------------------------------------------------------- public -- */

int net_create(struct net_shape in, const struct net_layer_desc *layers,
	       uint32_t num_layers, struct net **out)
{
	struct net *net;
	int err;

	*out = NULL;
	if (!num_layers || num_layers > NET_MAX_LAYERS)
		return qaccel_error(EINVAL, "%u layers, not 1 to %u", num_layers,
				    NET_MAX_LAYERS);
	net = calloc(1, sizeof(*net));
	if (!net)
		return qaccel_error(ENOMEM, "no memory for a network");
	net->in = in;
	net->num_layers = num_layers;
	net->layers = calloc(num_layers, sizeof(*net->layers));
	err = net->layers ? net_check(in, layers, num_layers, net->layers) : -ENOMEM;
	if (!err)
		err = allocate_net(net);
	if (err == -ENOMEM)
		qaccel_error(ENOMEM, "no memory for a network");
	if (err) {
		net_destroy(net);
		return err;
	}
	add_arrays(net);
	for (uint32_t i = 0; i < num_layers; i++)
		set_run(&net->train->runs[i], &net->layers[i]);
	net->classes = (uint32_t)net->train->runs[num_layers - 1].out_values;
	net_init(net, 0);
	*out = net;
	return 0;
}

void net_destroy(struct net *net)
{
	struct net_train *train;

	if (!net)
		return;
	train = net->train;
	if (train) {
		net_release(train);
		free(train->values);
		free(train->grads);
		free(train->statistics);
		free(train->ranges);
		free(train->runs);
		free(train);
	}
	free(net->params);
	free(net->states);
	free(net->layers);
	free(net);
}

/* So that a ReLU keeps the variance of what goes through (He et al. 2015). */
static void init_weights(struct net_layer *layer, uint64_t seed, uint32_t stream)
{
	size_t fan_in = layer->weights_count / layer->out.c;
	float deviation = (float)sqrt(2.0 / (double)fan_in);
	struct random random;

	random_seed(&random, seed, stream);
	for (size_t i = 0; i < layer->weights_count; i++)
		layer->weights[i] = deviation * random_normal(&random);
	if (layer->bias)
		memset(layer->bias, 0, layer->out.c * sizeof(float));
}

void net_init(struct net *net, uint64_t seed)
{
	for (uint32_t i = 0; i < net->num_layers; i++) {
		struct net_layer *layer = &net->layers[i];

		if (layer->weights)
			init_weights(layer, seed, i);
		for (uint32_t c = 0; layer->gamma && c < layer->out.c; c++) {
			layer->gamma[c] = layer->variance[c] = 1;
			layer->beta[c] = layer->mean[c] = 0;
		}
		if (layer->range)
			*layer->range = (struct net_range){ 0 };
	}
}

uint64_t net_macs(const struct net *net)
{
	uint64_t macs = 0;

	for (uint32_t i = 0; i < net->num_layers; i++)
		macs += net->layers[i].weights_count * net->train->runs[i].rows;
	return macs;
}

size_t net_num_weights(const struct net *net)
{
	size_t count = 0;

	for (uint32_t i = 0; i < net->num_params; i++)
		count += net->params[i].count;
	return count;
}
