// SPDX-License-Identifier: MIT
/*
 * A trained network as an integer model: the float model computes what the
 * network does, and the integers are those that training simulated
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qaccel/quantize.h>

#include "convert.h"
#include "graph.h"
#include "models.h"
#include "oracle.h"

#define BATCH	16
#define PIXELS	(12 * 12)
#define CLASSES	5

static const struct net_layer_desc layers[] = {
	{ .name = "stem", .kind = NET_CONV, .inputs = { NET_INPUT }, .filters = 8,
	  .size_h = 3, .size_w = 3, .stride = 2, .same_padding = true,
	  .batch_norm = true, .activation = NET_RELU6 },
	{ .name = "depthwise", .kind = NET_DWCONV, .inputs = { 0 }, .size_h = 3,
	  .size_w = 3, .stride = 1, .same_padding = true, .batch_norm = true,
	  .activation = NET_RELU },
	{ .name = "pointwise", .kind = NET_CONV, .inputs = { 1 }, .filters = 8,
	  .size_h = 1, .size_w = 1, .stride = 1 },
	{ .name = "sum", .kind = NET_ADD, .inputs = { 2, 0 },
	  .activation = NET_RELU },
	{ .name = "maximum", .kind = NET_MAXPOOL, .inputs = { 3 }, .size_h = 2,
	  .size_w = 2, .stride = 2 },
	{ .name = "mean", .kind = NET_AVGPOOL, .inputs = { 4 }, .stride = 1 },
	{ .name = "logits", .kind = NET_FC, .inputs = { 5 }, .filters = CLASSES },
};

#define NUM_LAYERS	(sizeof(layers) / sizeof(layers[0]))

/* The three schemes as training has them. */
static const struct net_quant quants[] = {
	{ .weight_bits = 8, .activation_bits = 8, .per_channel = true },
	{ .weight_bits = 8, .activation_bits = 8 },
	{ .weight_bits = 8, .activation_bits = 8, .asymmetric = true },
};

/* Pictures as the trainer has them: bytes over 255. */
static void make_pictures(uint32_t seed, float *pictures, uint8_t *labels)
{
	make_floats(seed, 0, 255, pictures, BATCH * PIXELS);
	for (size_t i = 0; i < BATCH * PIXELS; i++)
		pictures[i] = roundf(pictures[i]) / 255;
	for (int i = 0; i < BATCH; i++)
		labels[i] = (uint8_t)(i % CLASSES);
}

/* Some steps, so that statistics and ranges are not what they start as. */
static struct net *train(const struct net_quant *quant)
{
	const struct net_pass pass = {
		.batch_statistics = true, .fold = true, .quantize_weights = true,
		.update_ranges = true, .bn_momentum = 0.8f, .range_momentum = 0.8f,
	};
	float pictures[BATCH * PIXELS];
	uint8_t labels[BATCH];
	uint32_t correct;
	struct net *net;
	double loss;

	if (net_create((struct net_shape){ 12, 12, 1 }, layers, NUM_LAYERS, &net))
		fail_msg("%s", qaccel_last_error());
	net_init(net, 7);
	for (uint32_t i = 0; i < NUM_LAYERS; i++)
		net->layers[i].quant = *quant;
	for (uint32_t step = 0; step < 20; step++) {
		make_pictures(step, pictures, labels);
		assert_int_equal(net_train_step(net, &pass, pictures, labels,
						BATCH, 1, &loss, &correct), 0);
		for (uint32_t i = 0; i < net->num_params; i++)
			for (size_t j = 0; j < net->params[i].count; j++)
				net->params[i].value[j] -=
					0.05f * net->params[i].grad[j];
	}
	return net;
}

/* ------------------------------------------------------------ in float -- */

static void test_float(void **state)
{
	const struct net_pass pass = { .fold = true };
	struct net *net = train(&quants[0]);
	float pictures[BATCH * PIXELS], logits[BATCH * CLASSES];
	uint8_t labels[BATCH];
	struct qaccel_model *model;

	(void)state;
	make_pictures(99, pictures, labels);
	assert_int_equal(net_evaluate(net, &pass, pictures, BATCH, 1, logits), 0);
	if (convert_from_net(net, false, &model, NULL))
		fail_msg("%s", qaccel_last_error());
	for (int i = 0; i < BATCH; i++) {
		const float *const inputs[] = { pictures + i * PIXELS };
		float out[CLASSES], *const outputs[] = { out };

		assert_int_equal(qaccel_float_model_run(model, inputs, outputs), 0);
		for (int j = 0; j < CLASSES; j++)
			assert_true(fabsf(out[j] - logits[i * CLASSES + j]) < 1e-4f);
	}
	qaccel_model_destroy(model);
	net_destroy(net);
}

/* ------------------------------------------------------------- weights -- */

static const struct qaccel_graph_tensor *find(const struct qaccel_model *model,
					      const char *layer, const char *what)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s", layer, what);
	for (uint32_t i = 0; i < model->graph->num_tensors; i++)
		if (!strcmp(model->graph->tensors[i].info.name, name))
			return &model->graph->tensors[i];
	fail_msg("there is no tensor %s", name);
	return NULL;
}

/* Weight i, as the integers have it. */
static float weight_at(const struct qaccel_graph_tensor *t, size_t i)
{
	const struct qaccel_tensor_info *info = &t->info;
	size_t count = info->size, channel = 0;

	if (info->num_scales > 1)
		channel = info->quantized_dim ? i % info->num_scales :
			  i / (count / info->num_scales);
	if (info->type == QACCEL_TYPE_INT8)
		return info->scales[channel] * (float)((const int8_t *)t->data)[i];
	return info->scales[0] * (float)(((const uint8_t *)t->data)[i] -
					 info->zero_points[0]);
}

/* What training sees of one channel's weights, or of all where step is 1. */
static void simulate(const struct net_quant *quant, float *w, size_t count)
{
	int32_t qmin, qmax, zero_point = 0;
	float scale, min = 0, max = 0;

	assert_int_equal(qaccel_integer_range(quant->asymmetric ?
			QACCEL_TYPE_UINT8 : QACCEL_TYPE_INT8, 8, true, &qmin,
			&qmax), 0);
	for (size_t i = 0; i < count; i++) {
		min = fminf(min, w[i]);
		max = fmaxf(max, w[i]);
	}
	if (quant->asymmetric)
		assert_int_equal(qaccel_choose_params(min, max, qmin, qmax, &scale,
						      &zero_point), 0);
	else
		assert_int_equal(qaccel_choose_weight_scales(w, 1, count, qmax,
							     &scale), 0);
	assert_int_equal(qaccel_fake_quantize(scale, zero_point, qmin, qmax, w, w,
					      count), 0);
}

static void check_weights(const struct net_layer *layer,
			  const struct qaccel_graph_tensor *t)
{
	size_t count = layer->weights_count, channels = layer->out.c;
	bool last = layer->desc.kind == NET_DWCONV;
	float w[1024], channel[1024], bias[64];

	assert_true(count <= 1024 && channels <= 64);
	assert_int_equal(net_folded(layer, w, bias), 0);
	if (!layer->quant.per_channel)
		simulate(&layer->quant, w, count);
	for (size_t c = 0; layer->quant.per_channel && c < channels; c++) {
		size_t n = count / channels;

		for (size_t i = 0; i < n; i++)
			channel[i] = w[last ? i * channels + c : c * n + i];
		simulate(&layer->quant, channel, n);
		for (size_t i = 0; i < n; i++)
			w[last ? i * channels + c : c * n + i] = channel[i];
	}
	/* Not nearly: bit by bit. */
	for (size_t i = 0; i < count; i++)
		if (w[i] != weight_at(t, i))
			fail_msg("%s: weight %zu is %.9g, not %.9g",
				 layer->desc.name, i, (double)weight_at(t, i),
				 (double)w[i]);
}

/* --------------------------------------------------------- activations -- */

struct watch {
	const struct qaccel_model *model;
	struct qaccel_session *session;
	const struct net *net;
	double worst;			/* steps apart */
	uint64_t values, apart;
};

/* What the integers of one picture are worth, against the simulation. */
static void compare(void *context, int32_t layer, const float *values,
		    size_t count)
{
	struct watch *w = context;
	const struct qaccel_tensor_info *info;
	float real[2048];

	if (layer == NET_INPUT)
		return;
	info = &find(w->model, w->net->layers[layer].desc.name, "")->info;
	assert_int_equal(info->size, count);
	assert_int_equal(qaccel_dequantize(info->type, info->scales[0],
			info->zero_points[0],
			qaccel_session_tensor(w->session, info->index), real,
			count), 0);
	for (size_t i = 0; i < count; i++) {
		double steps = fabs((double)(real[i] - values[i])) /
			       (double)info->scales[0];

		w->worst = fmax(w->worst, steps);
		w->values++;
		w->apart += steps > 0.5;
	}
}

static void check_activations(struct net *net, const struct qaccel_model *model)
{
	const struct qaccel_session_options options = { .keep_tensors = true };
	const struct net_pass pass = {
		.fold = true, .quantize_weights = true,
		.quantize_activations = true,
	};
	struct watch w = { .model = model, .net = net };
	float pictures[BATCH * PIXELS];
	struct qaccel_device *device;
	struct qaccel_tensor_info in;
	uint8_t labels[BATCH];

	make_pictures(77, pictures, labels);
	assert_int_equal(qaccel_device_open(NULL, "cpu", &device), 0);
	assert_int_equal(qaccel_session_create(device, model, &options,
					       &w.session), 0);
	assert_int_equal(qaccel_model_input(model, 0, &in), 0);
	for (int i = 0; i < BATCH; i++) {
		assert_int_equal(qaccel_quantize(in.type, in.scales[0],
				in.zero_points[0], pictures + i * PIXELS,
				qaccel_session_input(w.session, 0), PIXELS), 0);
		assert_int_equal(qaccel_session_run(w.session), 0);
		if (net_watch(net, &pass, pictures + i * PIXELS, 1, 1, compare, &w))
			fail_msg("%s", qaccel_last_error());
	}
	/* Roundings differ where a value is between two integers, and go on. */
	print_message("%g steps apart at most, %g %% not the same\n", w.worst,
		      100 * (double)w.apart / (double)w.values);
	assert_true(w.worst < 4);
	assert_true((double)w.apart < 0.05 * (double)w.values);
	qaccel_session_destroy(w.session);
	qaccel_device_close(device);
}

static void test_schemes(void **state)
{
	(void)state;
	for (int scheme = 0; scheme < 3; scheme++) {
		const struct qaccel_convert_options options = {
			.scheme = (enum qaccel_scheme)scheme,
		};
		struct net *net = train(&quants[scheme]);
		struct qaccel_model *real, *model;
		struct qaccel_range *ranges;

		assert_int_equal(convert_from_net(net, true, &real, &ranges), 0);
		if (qaccel_convert(real, ranges, &options, &model))
			fail_msg("%s", qaccel_last_error());
		for (uint32_t i = 0; i < NUM_LAYERS; i++)
			if (net->layers[i].weights)
				check_weights(&net->layers[i],
					      find(model, layers[i].name,
						   "/weights"));
		check_activations(net, model);
		if (oracle_there())
			oracle_check(model);
		free(ranges);
		qaccel_model_destroy(real);
		qaccel_model_destroy(model);
		net_destroy(net);
	}
}

/* Without any training there are no ranges. */
static void test_no_ranges(void **state)
{
	struct qaccel_model *real, *model = NULL;
	struct qaccel_range *ranges;
	struct net *net;

	(void)state;
	assert_int_equal(net_create((struct net_shape){ 12, 12, 1 }, layers,
				    NUM_LAYERS, &net), 0);
	assert_int_equal(convert_from_net(net, true, &real, &ranges), 0);
	assert_int_equal(qaccel_convert(real, ranges, NULL, &model), -ENODATA);
	assert_non_null(strstr(qaccel_last_error(), "(depthwise): its range is not known"));
	free(ranges);
	ranges = calibrate(real, 3);
	assert_int_equal(qaccel_convert(real, ranges, NULL, &model), 0);
	qaccel_model_destroy(model);
	free(ranges);
	/* Statistics that are no numbers can't be folded. */
	net->layers[0].variance[2] = NAN;
	assert_true(convert_from_net(net, true, &model, NULL) < 0);
	assert_non_null(strstr(qaccel_last_error(), "stem"));
	qaccel_model_destroy(real);
	net_destroy(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_float),
		cmocka_unit_test(test_schemes),
		cmocka_unit_test(test_no_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
