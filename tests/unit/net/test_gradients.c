// SPDX-License-Identifier: MIT
/* Outputs and gradients against the reference, whose differences are exact. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests.h"

#define STEP	1e-6

/* -------------------------------------------------------------- checks -- */

struct comparison {
	const struct reference *reference;
	uint32_t layers;
};

static void compare_outputs(void *context, int32_t layer, const float *values,
			    size_t count)
{
	struct comparison *comparison = context;

	if (layer == NET_INPUT) {
		assert_memory_equal(values, comparison->reference->batch->images,
				    count * sizeof(*values));
		return;
	}
	assert_int_equal(layer, comparison->layers++);
	for (size_t i = 0; i < count; i++) {
		double expected = comparison->reference->outputs[layer][i];

		assert_true(fabs((double)values[i] - expected) <
			    1e-4 * (1 + fabs(expected)));
	}
}

static uint32_t layer_of(const struct net *net, const struct net_param *param)
{
	for (uint32_t i = 0; i < net->num_layers; i++) {
		const struct net_layer *layer = &net->layers[i];

		if (param->value == layer->weights || param->value == layer->bias ||
		    param->value == layer->gamma || param->value == layer->beta)
			return i;
	}
	fail();
	return 0;
}

/* Up to 8 of a parameter's values, spread over it. */
static void check_param(struct reference *reference, uint32_t index)
{
	const struct net_param *param = &reference->net->params[index];
	uint32_t first = layer_of(reference->net, param);
	size_t step = param->count / 8 + 1;
	double largest = 0;

	for (size_t i = 0; i < param->count; i++)
		largest = fmax(largest, fabs((double)param->grad[i]));
	for (size_t i = index % step; i < param->count; i += step) {
		double *value = &reference->params[index][i], kept = *value;
		double above, below, expected;

		*value = kept + STEP;
		above = reference_run(reference, first);
		*value = kept - STEP;
		below = reference_run(reference, first);
		*value = kept;
		expected = (above - below) / (2 * STEP);
		if (fabs(expected - (double)param->grad[i]) > 1e-3 * largest + 2e-6)
			fail_msg("%s[%zu]: %g, not %g", param->name, i,
				 (double)param->grad[i], expected);
	}
	reference_run(reference, first);
}

static void check_pass(struct net *net, const struct net_pass *pass, uint32_t count)
{
	struct batch batch = batch_of(net, count, 3);
	struct comparison comparison = { 0 };
	struct reference reference;
	double loss, expected;
	uint32_t correct;

	reference_create(&reference, net, pass, &batch);
	expected = reference_run(&reference, 0);
	/* The running statistics that the reference has are those from before. */
	assert_int_equal(net_train_step(net, pass, batch.images, batch.labels,
					batch.count, 1, &loss, &correct), 0);
	assert_true(fabs(loss - expected) < 1e-5 * (1 + expected));
	assert_true(correct <= count);
	for (uint32_t i = 0; i < net->num_params; i++)
		check_param(&reference, i);
	reference_run(&reference, 0);
	comparison.reference = &reference;
	assert_int_equal(net_watch(net, pass, batch.images, batch.count, 1,
				   compare_outputs, &comparison), 0);
	assert_int_equal(comparison.layers, net->num_layers);
	reference_destroy(&reference);
	batch_free(&batch);
}

/* The EMAs stay where they are: momentum is as close to 1 as a float can be. */
static const struct net_pass passes[] = {
	{ .batch_statistics = true, .bn_momentum = 0x1.fffffep-1f },
	{ .batch_statistics = false },
	{ .batch_statistics = true, .fold = true, .bn_momentum = 0x1.fffffep-1f },
	{ .batch_statistics = false, .fold = true },
};

static void check_plan(const struct plan *plan, uint32_t count)
{
	for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]); i++) {
		struct net *net = plan_build(plan, i + 1);

		check_pass(net, &passes[i], count);
		net_destroy(net);
	}
}

/* -------------------------------------------------------------- layers -- */

/* A layer in the middle: its input's gradient is seen through the stem's. */
static void check_middle(struct net_layer_desc desc, struct net_shape in)
{
	struct plan plan = { .in = in };
	int32_t stem = plan_conv(&plan, NET_INPUT, 5, 1, 1, NET_LINEAR);

	plan.layers[stem].batch_norm = false;
	desc.inputs[0] = stem;
	strcpy(desc.name, "tested");
	plan.layers[plan.count++] = desc;
	plan_fc(&plan, stem + 1, 3);
	check_plan(&plan, 18);
}

static void convolutions(void **state)
{
	static const struct {
		uint32_t h, w, size_h, size_w, stride;
		bool same, batch_norm;
		enum net_activation activation;
	} cases[] = {
		{ 5, 4, 3, 3, 1, true, true, NET_RELU },
		{ 5, 6, 3, 3, 2, true, false, NET_RELU6 },
		{ 6, 5, 3, 2, 2, false, true, NET_LINEAR },
		{ 4, 7, 1, 1, 1, true, true, NET_RELU },
		{ 4, 7, 1, 1, 2, true, false, NET_LINEAR },
		{ 7, 3, 1, 3, 3, true, true, NET_RELU6 },
		{ 3, 3, 5, 5, 1, true, false, NET_RELU },
		{ 1, 1, 3, 3, 2, true, true, NET_LINEAR },
		{ 5, 8, 4, 2, 3, false, false, NET_RELU },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_layer_desc desc = {
			.kind = NET_CONV, .filters = 4,
			.size_h = cases[i].size_h, .size_w = cases[i].size_w,
			.stride = cases[i].stride, .same_padding = cases[i].same,
			.batch_norm = cases[i].batch_norm,
			.activation = cases[i].activation,
		};

		check_middle(desc, (struct net_shape){ cases[i].h, cases[i].w, 2 });
		desc.kind = NET_DWCONV;
		check_middle(desc, (struct net_shape){ cases[i].h, cases[i].w, 2 });
	}
}

/* Of 8 channels or a multiple, 3 x 3 filters are in vectors. */
static void depthwise_in_vectors(void **state)
{
	(void)state;
	for (uint32_t stride = 1; stride <= 3; stride++)
		for (uint32_t same = 0; same < 2; same++) {
			struct plan plan = { .in = { 5, 6, 2 } };
			int32_t x = plan_conv(&plan, NET_INPUT, 16, 1, 1, NET_RELU);

			x = plan_dwconv(&plan, x, 3, stride, NET_RELU6);
			plan.layers[x].same_padding = same;
			plan_fc(&plan, x, 3);
			check_plan(&plan, 17);
		}
}

static void dense(void **state)
{
	struct net_layer_desc desc = { .kind = NET_FC, .filters = 6 };

	(void)state;
	check_middle(desc, (struct net_shape){ 3, 2, 2 });
	desc.batch_norm = true;
	desc.activation = NET_RELU;
	check_middle(desc, (struct net_shape){ 3, 2, 2 });
}

static void pools(void **state)
{
	struct net_layer_desc desc = { .kind = NET_AVGPOOL };

	(void)state;
	check_middle(desc, (struct net_shape){ 4, 5, 2 });
	desc.size_h = 2;
	desc.size_w = 3;
	desc.stride = 2;
	check_middle(desc, (struct net_shape){ 6, 5, 2 });
	desc.kind = NET_MAXPOOL;
	check_middle(desc, (struct net_shape){ 6, 5, 2 });
	desc.stride = 1;
	desc.same_padding = true;
	check_middle(desc, (struct net_shape){ 4, 5, 2 });
	desc.stride = 3;
	check_middle(desc, (struct net_shape){ 4, 5, 2 });
}

/* Readers of one output: an addition's two sides, the same one twice. */
static void additions(void **state)
{
	struct plan plan = { .in = { 3, 4, 2 } };
	int32_t a, b, x;

	(void)state;
	a = plan_conv(&plan, NET_INPUT, 3, 3, 1, NET_LINEAR);
	b = plan_conv(&plan, a, 3, 3, 1, NET_RELU);
	x = plan_add(&plan, a, b, NET_RELU);
	x = plan_add(&plan, x, x, NET_RELU6);
	x = plan_add(&plan, a, x, NET_LINEAR);
	plan_fc(&plan, x, 4);
	check_plan(&plan, 18);
}

/* The pictures themselves in an addition and in pools: no gradient of theirs. */
static void input_readers(void **state)
{
	struct plan plan = { .in = { 4, 4, 3 } };
	int32_t a, x;

	(void)state;
	a = plan_dwconv(&plan, NET_INPUT, 3, 1, NET_LINEAR);
	x = plan_add(&plan, NET_INPUT, a, NET_RELU);
	a = plan_pool(&plan, NET_INPUT, NET_MAXPOOL, 2, 2);
	x = plan_pool(&plan, x, NET_AVGPOOL, 2, 2);
	x = plan_add(&plan, x, a, NET_LINEAR);
	plan_fc(&plan, x, 4);
	check_plan(&plan, 5);
}

static void whole_networks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]); i++) {
		struct net *net = build_mixed(7);

		check_pass(net, &passes[i], 5);
		net_destroy(net);
	}
}

int run_gradient_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(convolutions),
		cmocka_unit_test(depthwise_in_vectors),
		cmocka_unit_test(dense),
		cmocka_unit_test(pools),
		cmocka_unit_test(additions),
		cmocka_unit_test(input_readers),
		cmocka_unit_test(whole_networks),
	};

	return cmocka_run_group_tests_name("gradients", tests, NULL, NULL);
}
