// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "tests.h"

static int32_t add(struct plan *plan, struct net_layer_desc desc)
{
	snprintf(desc.name, sizeof(desc.name), "layer%u", plan->count);
	plan->layers[plan->count] = desc;
	return (int32_t)plan->count++;
}

int32_t plan_conv(struct plan *plan, int32_t in, uint32_t filters, uint32_t size,
		  uint32_t stride, enum net_activation activation)
{
	return add(plan, (struct net_layer_desc){
		.kind = NET_CONV, .inputs = { in }, .filters = filters,
		.size_h = size, .size_w = size, .stride = stride,
		.same_padding = true, .batch_norm = true,
		.activation = activation,
	});
}

int32_t plan_dwconv(struct plan *plan, int32_t in, uint32_t size, uint32_t stride,
		    enum net_activation activation)
{
	return add(plan, (struct net_layer_desc){
		.kind = NET_DWCONV, .inputs = { in }, .size_h = size,
		.size_w = size, .stride = stride, .same_padding = true,
		.batch_norm = true, .activation = activation,
	});
}

int32_t plan_fc(struct plan *plan, int32_t in, uint32_t filters)
{
	return add(plan, (struct net_layer_desc){
		.kind = NET_FC, .inputs = { in }, .filters = filters,
	});
}

int32_t plan_add(struct plan *plan, int32_t a, int32_t b,
		 enum net_activation activation)
{
	return add(plan, (struct net_layer_desc){
		.kind = NET_ADD, .inputs = { a, b }, .activation = activation,
	});
}

int32_t plan_pool(struct plan *plan, int32_t in, enum net_kind kind, uint32_t size,
		  uint32_t stride)
{
	return add(plan, (struct net_layer_desc){
		.kind = kind, .inputs = { in }, .size_h = size, .size_w = size,
		.stride = stride,
	});
}

struct net *plan_build(const struct plan *plan, uint64_t seed)
{
	struct random random;
	struct net *net;

	assert_int_equal(net_create(plan->in, plan->layers, plan->count, &net), 0);
	net_init(net, seed);
	random_seed(&random, seed, 1000);
	for (uint32_t i = 0; i < net->num_layers; i++) {
		struct net_layer *layer = &net->layers[i];

		for (uint32_t c = 0; c < layer->out.c; c++) {
			if (layer->bias)
				layer->bias[c] = 0.3f * random_normal(&random);
			if (!layer->gamma)
				continue;
			layer->gamma[c] = 0.5f + random_uniform(&random);
			layer->beta[c] = 0.3f * random_normal(&random);
			layer->mean[c] = 0.3f * random_normal(&random);
			layer->variance[c] = 0.5f + random_uniform(&random);
		}
	}
	return net;
}

struct net *build_mixed(uint64_t seed)
{
	struct plan plan = { .in = { 12, 11, 3 } };
	int32_t stem, x, y;

	stem = plan_conv(&plan, NET_INPUT, 8, 3, 1, NET_RELU);
	x = plan_conv(&plan, stem, 16, 3, 2, NET_RELU6);
	x = plan_conv(&plan, x, 16, 3, 1, NET_LINEAR);
	y = plan_conv(&plan, stem, 16, 1, 2, NET_LINEAR);
	y = plan_add(&plan, x, y, NET_RELU);
	x = plan_dwconv(&plan, y, 3, 1, NET_RELU6);
	x = plan_conv(&plan, x, 16, 1, 1, NET_LINEAR);
	x = plan_add(&plan, x, y, NET_RELU);
	x = plan_pool(&plan, x, NET_MAXPOOL, 2, 2);
	x = plan_dwconv(&plan, x, 3, 2, NET_RELU);
	x = plan_pool(&plan, x, NET_AVGPOOL, 0, 0);
	plan_fc(&plan, x, 5);
	return plan_build(&plan, seed);
}

struct batch batch_of(const struct net *net, uint32_t count, uint64_t seed)
{
	size_t values = (size_t)count * net->in.h * net->in.w * net->in.c;
	struct batch batch = {
		.count = count,
		.images = malloc(values * sizeof(*batch.images)),
		.labels = malloc(count),
	};
	struct random random;

	random_seed(&random, seed, 2000);
	for (size_t i = 0; i < values; i++)
		batch.images[i] = random_normal(&random);
	for (uint32_t i = 0; i < count; i++)
		batch.labels[i] = (uint8_t)(random_u32(&random) % net->classes);
	return batch;
}

void batch_free(struct batch *batch)
{
	free(batch->images);
	free(batch->labels);
}
