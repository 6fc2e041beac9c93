// SPDX-License-Identifier: MIT
/* Networks and calls that are refused, and the small parts. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <qaccel/qaccel.h>

#include "loss.h"
#include "pool.h"
#include "random.h"
#include "tests.h"

/* ------------------------------------------------------------ networks -- */

/* conv 0, dwconv 1, add 2, pool 3, fc 4: right as it is. */
static struct plan good_plan(void)
{
	struct plan plan = { .in = { 8, 8, 3 } };
	int32_t x = plan_conv(&plan, NET_INPUT, 4, 3, 1, NET_RELU);

	x = plan_add(&plan, x, plan_dwconv(&plan, x, 3, 1, NET_LINEAR), NET_RELU);
	x = plan_pool(&plan, x, NET_AVGPOOL, 2, 2);
	plan_fc(&plan, x, 3);
	return plan;
}

static void refused(const struct plan *plan, const char *text)
{
	struct net *net = (struct net *)plan;

	assert_int_equal(net_create(plan->in, plan->layers, plan->count, &net),
			 -EINVAL);
	assert_null(net);
	if (!strstr(qaccel_last_error(), text))
		fail_msg("\"%s\" is not in \"%s\"", text, qaccel_last_error());
}

#define REFUSED(layer, field, value, text)				\
	do {								\
		struct plan plan_ = good_plan();			\
									\
		plan_.layers[layer].field = value;			\
		refused(&plan_, text);					\
	} while (0)

static void wrong_descriptions(void **state)
{
	struct plan plan = good_plan();
	struct net *net;

	(void)state;
	assert_int_equal(net_create(plan.in, plan.layers, plan.count, &net), 0);
	net_destroy(net);
	net_destroy(NULL);
	REFUSED(1, name[0], 0, "layer 1: a name");
	REFUSED(1, name[0], 'L', "layer 1: a name");
	REFUSED(1, name[5], '0', "layer layer0: layer 0 has that name");
	memset(plan.layers[3].name, 'a', sizeof(plan.layers[3].name));
	refused(&plan, "layer 3: a name");
	REFUSED(1, kind, (enum net_kind)6, "layer layer1: kind 6");
	REFUSED(1, kind, (enum net_kind)-1, "layer layer1: kind");
	REFUSED(1, activation, (enum net_activation)3, "layer layer1: activation 3");
	REFUSED(3, activation, NET_RELU, "layer layer3: a pool");
	REFUSED(3, batch_norm, true, "layer layer3: batch norm");
	REFUSED(2, batch_norm, true, "layer layer2: batch norm");
	REFUSED(3, same_padding, true, "layer layer3: an average");
	REFUSED(1, inputs[0], 1, "layer layer1: input 1");
	REFUSED(1, inputs[0], -2, "layer layer1: input -2");
	REFUSED(1, inputs[0], INT32_MAX, "layer layer1: input 2147483647");
	REFUSED(2, inputs[1], 2, "layer layer2: input 2");
	REFUSED(3, inputs[0], 1, "layer layer2: no layer reads it");
	REFUSED(0, filters, 0, "layer layer0: no filters");
	REFUSED(4, filters, 0, "layer layer4: no filters");
	REFUSED(0, size_h, 0, "layer layer0: a window of 0 x 3");
	REFUSED(1, stride, 0, "layer layer1: a window of 3 x 3 with a stride of 0");
	REFUSED(3, size_w, 0, "layer layer3: a window of 2 x 0");
	REFUSED(3, size_h, 9, "layer layer3: a window of 9 on a picture of 8");
	REFUSED(1, same_padding, false, "layer layer2: the sum of 8 x 8 x 4 and 6 x 6 x 4");
}

static void wrong_sizes(void **state)
{
	static const struct net_shape shapes[] = {
		{ 0, 8, 3 }, { 8, 0, 3 }, { 8, 8, 0 }, { UINT32_MAX, 1, 1 },
		{ 1, UINT32_MAX, UINT32_MAX }, { UINT32_MAX, UINT32_MAX, UINT32_MAX },
		{ 1 << 14, 1 << 14, 1 },
	};
	struct plan plan = good_plan();
	struct net *net;

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		plan.in = shapes[i];
		refused(&plan, "layer input: a shape of");
	}
	plan = good_plan();
	assert_int_equal(net_create(plan.in, plan.layers, 0, &net), -EINVAL);
	assert_int_equal(net_create(plan.in, plan.layers, NET_MAX_LAYERS + 1, &net),
			 -EINVAL);
	REFUSED(0, filters, UINT32_MAX, "layer layer0: more than 2^28 weights");
	REFUSED(4, filters, UINT32_MAX, "layer layer4: more than 2^28 weights");
	REFUSED(0, filters, 1 << 22, "layer layer0: a shape of 8 x 8 x 4194304 is too large");
	REFUSED(0, size_w, UINT32_MAX, "layer layer0: its window is too large");
	REFUSED(0, stride, UINT32_MAX, "layer layer0: its window is too large");
	REFUSED(1, size_h, 1 << 24, "layer layer1: its windows are too large");
	/* Each fits, all don't. */
	plan = good_plan();
	plan.layers[4].filters = 1 << 21;
	plan_fc(&plan, 4, 100);
	refused(&plan, "layer layer5: the network has more than 2^28 weights");
}

/* --------------------------------------------------------------- passes -- */

static int step(struct net *net, const struct net_pass *pass,
		const struct batch *batch, uint32_t count, uint32_t threads)
{
	double loss;
	uint32_t correct;

	return net_train_step(net, pass, batch->images, batch->labels, count, threads,
			      &loss, &correct);
}

static void says(int err, int code, const char *text)
{
	assert_int_equal(err, -code);
	if (!strstr(qaccel_last_error(), text))
		fail_msg("\"%s\" is not in \"%s\"", text, qaccel_last_error());
}

static void wrong_passes(void **state)
{
	struct net_pass pass = { 0 };
	struct plan plan = good_plan();
	struct net *net = plan_build(&plan, 1);
	struct batch batch = batch_of(net, 20, 1);

	(void)state;
	says(step(net, &pass, &batch, 0, 1), EINVAL, "no pictures");
	says(step(net, &pass, &batch, 20, 0), EINVAL, "0 threads");
	says(step(net, &pass, &batch, 20, 100000), EINVAL, "100000 threads");
	batch.labels[17] = 3;
	says(step(net, &pass, &batch, 20, 1), EINVAL, "picture 17 has label 3");
	assert_int_equal(step(net, &pass, &batch, 17, 1), 0);
	batch.labels[17] = 0;
	pass.batch_statistics = true;
	pass.bn_momentum = NAN;
	says(step(net, &pass, &batch, 20, 1), EINVAL, "momentum");
	pass.bn_momentum = 1;
	says(step(net, &pass, &batch, 20, 1), EINVAL, "momentum");
	pass = (struct net_pass){ .update_ranges = true, .range_momentum = -1 };
	says(step(net, &pass, &batch, 20, 1), EINVAL, "momentum");
	/* None of it did any harm. */
	assert_int_equal(step(net, &(struct net_pass){ 0 }, &batch, 20, 1), 0);
	batch_free(&batch);
	net_destroy(net);
}

static void wrong_quantization(void **state)
{
	struct net_pass pass = { .quantize_weights = true };
	struct plan plan = good_plan();
	struct net *net = plan_build(&plan, 1);
	struct batch batch = batch_of(net, 20, 1);

	(void)state;
	net->layers[1].quant.weight_bits = 8;
	says(step(net, &pass, &batch, 20, 1), EINVAL, "layer layer1: quantized weights");
	pass.fold = true;
	net->layers[1].quant.weight_bits = 9;
	says(step(net, &pass, &batch, 20, 1), EINVAL, "layer layer1: its weights");
	net->layers[1].quant.weight_bits = 8;
	assert_int_equal(step(net, &pass, &batch, 20, 1), 0);
	net->layers[1].variance[1] = -2;
	says(step(net, &pass, &batch, 20, 1), EDOM, "layer layer1: channel 1");
	net->layers[1].variance[1] = 1;
	net->layers[1].weights[7] = NAN;
	says(step(net, &pass, &batch, 20, 1), EINVAL, "layer layer1: its weights");
	net->layers[1].quant.asymmetric = true;
	says(step(net, &pass, &batch, 20, 1), EINVAL, "layer layer1: its weights");
	net->layers[1].weights[7] = 0;
	pass.quantize_activations = true;
	net->layers[2].quant.activation_bits = 8;
	says(step(net, &pass, &batch, 20, 1), EINVAL, "layer layer2: its output");
	pass.update_ranges = true;
	assert_int_equal(step(net, &pass, &batch, 20, 1), 0);
	net->layers[2].quant.activation_bits = 1;
	says(step(net, &pass, &batch, 20, 1), EINVAL, "layer layer2: its output");
	batch_free(&batch);
	net_destroy(net);
}

static void not_numbers(void **state)
{
	struct net_pass pass = { 0 };
	struct plan plan = good_plan();
	struct net *net = plan_build(&plan, 1);
	struct batch batch = batch_of(net, 20, 1);

	(void)state;
	batch.images[100] = NAN;
	says(step(net, &pass, &batch, 20, 1), EDOM, "the loss is not a number");
	batch.images[100] = INFINITY;
	pass.update_ranges = true;
	says(step(net, &pass, &batch, 20, 1), EDOM, "layer layer0: its outputs are");
	batch_free(&batch);
	net_destroy(net);
}

/* Buffers follow what is asked for, up and down, and results don't (but for the
 * order of sums in products of few rows). */
static void any_order_of_calls(void **state)
{
	static const uint32_t counts[] = { 5, 40, 16, 1, 33 };
	struct net_pass pass = { 0 };
	struct plan plan = good_plan();
	struct net *net = plan_build(&plan, 1);
	struct batch batch = batch_of(net, 40, 1);
	float first[40 * 3], logits[40 * 3];

	(void)state;
	assert_int_equal(net_evaluate(net, &pass, batch.images, 40, 1, first), 0);
	for (uint32_t i = 0; i < 5; i++)
		for (uint32_t threads = 2; threads > 0; threads--) {
			assert_int_equal(step(net, &pass, &batch, counts[i], threads), 0);
			memset(logits, 0, sizeof(logits));
			assert_int_equal(net_evaluate(net, &pass, batch.images,
						      counts[4 - i], 3 - threads,
						      logits), 0);
			for (uint32_t k = 0; k < counts[4 - i] * 3; k++)
				assert_true(fabsf(logits[k] - first[k]) < 1e-5f);
		}
	assert_int_equal(net_evaluate(net, &pass, batch.images, 0, 1, logits), 0);
	batch_free(&batch);
	net_destroy(net);
}

/* --------------------------------------------------------- small parts -- */

static void description_of_a_net(void **state)
{
	struct plan plan = good_plan();
	struct net *net = plan_build(&plan, 1), *other = plan_build(&plan, 1);
	size_t count = 0;

	(void)state;
	assert_int_equal(net->classes, 3);
	assert_int_equal(net_macs(net), 64 * 27 * 4 + 64 * 9 * 4 + 64 * 3);
	assert_int_equal(net_num_weights(net), 27 * 4 + 8 + 9 * 4 + 8 + 64 * 3 + 3);
	assert_int_equal(net->num_params, 8);
	assert_int_equal(net->num_states, 2 * 3 + 2);
	assert_string_equal(net->params[0].name, "layer0/weights");
	assert_string_equal(net->params[2].name, "layer0/beta");
	assert_string_equal(net->params[7].name, "layer4/bias");
	assert_string_equal(net->states[1].name, "layer0/variance");
	assert_string_equal(net->states[6].name, "layer2/range");
	for (uint32_t i = 0; i < net->num_params; i++) {
		count += net->params[i].count;
		assert_int_equal(net->params[i].decay,
				 !!strstr(net->params[i].name, "/weights"));
	}
	assert_int_equal(count, net_num_weights(net));
	assert_int_equal(net->states[6].count, 3);
	/* The same seed, the same network; another, another. */
	net_init(other, 1);
	net_init(net, 1);
	assert_memory_equal(net->params[0].value, other->params[0].value, 27 * 4 * 4);
	net_init(other, 2);
	assert_memory_not_equal(net->params[0].value, other->params[0].value,
				27 * 4 * 4);
	assert_true(net->layers[0].gamma[3] == 1 && net->layers[0].variance[3] == 1);
	assert_true(net->layers[0].beta[3] == 0 && net->layers[0].mean[3] == 0);
	net_destroy(net);
	net_destroy(other);
}

static void losses(void **state)
{
	float logits[] = { 1, 2, 3, 1000, 0, -1000, 2, 2, 0 }, d[9];
	uint8_t labels[] = { 2, 1, 1 };
	uint32_t correct;
	double loss;

	(void)state;
	loss = softmax_loss(logits, labels, 1, 3, d, &correct);
	assert_true(fabs(loss - 0.4076059644) < 1e-9);
	assert_int_equal(correct, 1);
	assert_true(fabsf(d[0] - 0.0900306f) < 1e-6f);
	assert_true(fabsf(d[2] + 0.3347590f) < 1e-6f);
	/* Large ones, and two that are equal: the first is the answer. */
	loss = softmax_loss(logits, labels, 3, 3, d, &correct);
	assert_true(fabs(loss - (0.4076059644 + 1000 + 0.7586266) / 3) < 1e-5);
	assert_int_equal(correct, 1);
	assert_true(fabsf(d[4] + 1.0f / 3) < 1e-6f && fabsf(d[3] - 1.0f / 3) < 1e-6f);
	labels[2] = 0;
	softmax_loss(logits, labels, 3, 3, d, &correct);
	assert_int_equal(correct, 2);
}

/* Quantized values are often equal: one of them has the gradient, not all. */
static void equal_maxima(void **state)
{
	struct window window = {
		.in = { 2, 2, 2 }, .out = { 1, 1, 2 },
		.size_h = 2, .size_w = 2, .stride = 2,
	};
	float x[] = { 1, 5, 3, 5, 3, 2, 0, 5 }, y[2], dy[] = { 7, 9 };
	float expected[] = { 0, 9, 7, 0, 0, 0, 0, 0 }, dx[8], buffer[2];

	(void)state;
	max_pool(&window, x, 1, y);
	assert_true(y[0] == 3 && y[1] == 5);
	max_pool_gradient(&window, x, y, dy, 1, false, dx, buffer);
	for (size_t i = 0; i < 8; i++)
		assert_true(dx[i] == expected[i]);
	max_pool_gradient(&window, x, y, dy, 1, true, dx, buffer);
	for (size_t i = 0; i < 8; i++)
		assert_true(dx[i] == 2 * expected[i]);
}

static void random_numbers(void **state)
{
	enum { COUNT = 100000 };
	struct random a, b;
	double sum = 0, squares = 0, mean = 0;

	(void)state;
	random_seed(&a, 5, 6);
	random_seed(&b, 5, 6);
	for (int i = 0; i < 10; i++)
		assert_int_equal(random_u32(&a), random_u32(&b));
	random_seed(&b, 6, 5);
	assert_true(random_u32(&a) != random_u32(&b));
	/* The state is all there is. */
	a.state = UINT64_C(0x0123456789abcdef);
	assert_int_equal(random_u32(&a), UINT32_C(0x2468a5eb));
	for (int i = 0; i < COUNT; i++) {
		float u = random_uniform(&a), n = random_normal(&b);

		assert_true(u >= 0 && u < 1);
		mean += (double)u / COUNT;
		sum += (double)n / COUNT;
		squares += (double)n * (double)n / COUNT;
	}
	assert_true(fabs(mean - 0.5) < 0.01);
	assert_true(fabs(sum) < 0.02 && fabs(squares - 1) < 0.03);
}

int run_error_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_descriptions),
		cmocka_unit_test(wrong_sizes),
		cmocka_unit_test(wrong_passes),
		cmocka_unit_test(wrong_quantization),
		cmocka_unit_test(not_numbers),
		cmocka_unit_test(any_order_of_calls),
		cmocka_unit_test(description_of_a_net),
		cmocka_unit_test(losses),
		cmocka_unit_test(equal_maxima),
		cmocka_unit_test(random_numbers),
	};

	return cmocka_run_group_tests_name("errors", tests, NULL, NULL);
}
