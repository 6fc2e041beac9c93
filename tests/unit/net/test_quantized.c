// SPDX-License-Identifier: MIT
/* Folding, ranges and fake quantization. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <qaccel/quantize.h>

#include "fake_quant.h"
#include "random.h"
#include "tests.h"

/* --------------------------------------------------------- one function -- */

static void fast_is_exact(void **state)
{
	static const float edges[] = {
		0, -0.0f, 0.5f, -0.5f, 1.5f, 2.5f, -2.5f, 0x1.fffffep-2f,
		-0x1.fffffep-2f, 0.5000001f, 127.5f, 1e30f, -1e30f, INFINITY,
		-INFINITY, 1e-40f,
	};
	static const float scales[] = { 1, 0.37f, 1.0f / 255, 1e-6f, 3e5f };
	enum { COUNT = 4099 };
	float in[COUNT], expected[COUNT], out[COUNT];
	struct random random;

	(void)state;
	random_seed(&random, 1, 2);
	for (size_t s = 0; s < sizeof(scales) / sizeof(scales[0]); s++)
		for (int32_t zero_point = -3; zero_point < 260; zero_point += 37) {
			struct fake_quant quant;

			quant = fake_quant_from(scales[s], zero_point, 0, 255);
			for (size_t i = 0; i < COUNT; i++)
				in[i] = scales[s] * 150 * random_normal(&random);
			/* Halves, where the rounding's direction shows. */
			for (size_t i = 0; i < 600; i++)
				in[i] = scales[s] * ((float)i / 2 - 150);
			for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
				in[600 + i] = edges[i];
			assert_int_equal(qaccel_fake_quantize(scales[s], zero_point, 0,
							      255, in, expected,
							      COUNT), 0);
			fake_quantize(&quant, in, out, COUNT);
			for (size_t i = 0; i < COUNT; i++)
				assert_true(out[i] == expected[i]);
			/* In place, and of any length. */
			for (size_t n = 0; n < 40; n++) {
				memcpy(out, in, sizeof(in));
				fake_quantize(&quant, out, out, n);
				for (size_t i = 0; i < n; i++)
					assert_true(out[i] == expected[i]);
				assert_memory_equal(out + n, in + n,
						    sizeof(in) - n * sizeof(*in));
			}
		}
}

static void extremes_are_found(void **state)
{
	float values[300];

	(void)state;
	for (size_t count = 1; count < 300; count += 7)
		for (size_t at = 0; at < count; at += 1 + count / 30) {
			float min = INFINITY, max = -INFINITY;

			for (size_t i = 0; i < count; i++)
				values[i] = (float)(i % 5);
			values[at] = -3;
			values[count - 1 - at] = count == 2 * at + 1 ? -3 : 9;
			widen_range(values, count, &min, &max);
			assert_true(min == -3);
			assert_true(count == 2 * at + 1 || max == 9);
			min = -10;
			max = 20;
			widen_range(values, count, &min, &max);
			assert_true(min == -10 && max == 20);
		}
}

/* ------------------------------------------------------------ statistics -- */

static void check_statistics(bool fold, float offset)
{
	struct plan plan = { .in = { 6, 5, 3 } };
	struct net_pass pass = { .batch_statistics = true, .fold = fold };
	struct reference reference;
	struct batch batch;
	struct net *net;
	double loss;
	uint32_t correct;

	plan_conv(&plan, NET_INPUT, 7, 3, 1, NET_RELU);
	plan_fc(&plan, 0, 3);
	net = plan_build(&plan, 5);
	batch = batch_of(net, 35, 6);
	for (size_t i = 0; i < 35 * 6 * 5 * 3; i++)
		batch.images[i] += offset;
	reference_create(&reference, net, &pass, &batch);
	reference_run(&reference, 0);
	for (uint32_t step = 0; step < 2; step++) {
		float mean = net->layers[0].mean[3];
		float variance = net->layers[0].variance[3];

		/* First all of the batch's, then a quarter. */
		pass.bn_momentum = step ? 0.75f : 0;
		if (step)
			net->layers[0].mean[3] = mean += 8;
		assert_int_equal(net_train_step(net, &pass, batch.images,
						batch.labels, 35, 1, &loss,
						&correct), 0);
		for (uint32_t c = 0; c < 7; c++) {
			double m = reference.mean[0][c], v = reference.variance[0][c];

			if (step && c == 3) {
				m = 0.25 * m + 0.75 * (double)mean;
				v = 0.25 * v + 0.75 * (double)variance;
			}
			assert_true(fabs((double)net->layers[0].mean[c] - m) <
				    1e-6 * (1 + fabs(m)));
			assert_true(fabs((double)net->layers[0].variance[c] - v) <
				    1e-4 * v);
		}
	}
	reference_destroy(&reference);
	batch_free(&batch);
	net_destroy(net);
}

static void statistics(void **state)
{
	(void)state;
	check_statistics(false, 0);
	check_statistics(true, 0);
	/* A mean that is large beside the deviation. */
	check_statistics(false, 40);
	check_statistics(true, 40);
}

static void unfolded_is_folded(void **state)
{
	enum { COUNT = 150 };
	struct net_pass unfolded = { 0 }, folded = { .fold = true };
	struct net *net = build_mixed(11);
	struct batch batch = batch_of(net, COUNT, 2);
	float a[COUNT * 5], b[COUNT * 5];

	(void)state;
	assert_int_equal(net_evaluate(net, &unfolded, batch.images, COUNT, 1, a), 0);
	assert_int_equal(net_evaluate(net, &folded, batch.images, COUNT, 1, b), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	for (size_t i = 0; i < COUNT * 5; i++)
		assert_true(fabsf(a[i] - b[i]) < 1e-4f * (1 + fabsf(a[i])));
	/* Other pictures beside them make no difference. */
	assert_int_equal(net_evaluate(net, &folded, batch.images + 70 * 12 * 11 * 3,
				      3, 1, a), 0);
	for (size_t i = 0; i < 3 * 5; i++)
		assert_true(fabsf(a[i] - b[70 * 5 + i]) < 1e-5f);
	batch_free(&batch);
	net_destroy(net);
}

static void folded_weights(void **state)
{
	struct net *net = build_mixed(12);

	(void)state;
	for (uint32_t l = 0; l < net->num_layers; l++) {
		const struct net_layer *layer = &net->layers[l];
		float weights[4096], bias[64];

		if (!layer->weights) {
			assert_int_equal(net_folded(layer, weights, bias), -EINVAL);
			continue;
		}
		assert_int_equal(net_folded(layer, weights, bias), 0);
		for (size_t i = 0; i < layer->weights_count; i++) {
			size_t c = layer->desc.kind == NET_DWCONV ?
				   i % layer->out.c :
				   i / (layer->weights_count / layer->out.c);
			float factor = 1, expected_bias;

			if (layer->gamma)
				factor = layer->gamma[c] /
					 sqrtf(layer->variance[c] + NET_BN_EPSILON);
			expected_bias = layer->gamma ?
				layer->beta[c] - layer->mean[c] * factor :
				layer->bias[c];
			assert_true(fabsf(weights[i] - layer->weights[i] * factor) <=
				    1e-6f * fabsf(weights[i]));
			assert_true(fabsf(bias[c] - expected_bias) < 1e-6f);
		}
	}
	net->layers[0].variance[2] = -1;
	assert_int_equal(net_folded(&net->layers[0], net->layers[0].weights,
				    net->layers[0].beta), -EDOM);
	net_destroy(net);
}

/* ---------------------------------------------------------------- ranges -- */

struct seen {
	float min[NET_MAX_LAYERS], max[NET_MAX_LAYERS];
	const struct net *net;
	bool on_grid;
};

static void see(void *context, int32_t layer, const float *values, size_t count)
{
	struct seen *seen = context;

	if (layer == NET_INPUT)
		return;
	seen->min[layer] = seen->max[layer] = values[0];
	for (size_t i = 0; i < count; i++) {
		seen->min[layer] = fminf(seen->min[layer], values[i]);
		seen->max[layer] = fmaxf(seen->max[layer], values[i]);
	}
}

static void ranges(void **state)
{
	struct net_pass pass = { .update_ranges = true, .range_momentum = 0.75f };
	struct net *net = build_mixed(13);
	struct batch a = batch_of(net, 20, 1), b = batch_of(net, 9, 2);
	struct seen first, second;

	(void)state;
	assert_int_equal(net_watch(net, &pass, a.images, 20, 2, see, &first), 0);
	for (uint32_t i = 0; i < net->num_layers; i++) {
		struct net_layer *layer = &net->layers[i];

		if (layer->desc.kind == NET_AVGPOOL || layer->desc.kind == NET_MAXPOOL) {
			assert_ptr_equal(layer->range,
					 net->layers[layer->desc.inputs[0]].range);
			continue;
		}
		assert_true(layer->range->seen != 0);
		assert_true(layer->range->min == first.min[i]);
		assert_true(layer->range->max == first.max[i]);
	}
	assert_int_equal(net_watch(net, &pass, b.images, 9, 1, see, &second), 0);
	for (uint32_t i = 0; i < net->num_layers; i++) {
		struct net_layer *layer = &net->layers[i];

		if (layer->desc.kind == NET_AVGPOOL || layer->desc.kind == NET_MAXPOOL)
			continue;
		assert_true(layer->range->min ==
			    0.75f * first.min[i] + 0.25f * second.min[i]);
		assert_true(layer->range->max ==
			    0.75f * first.max[i] + 0.25f * second.max[i]);
	}
	batch_free(&a);
	batch_free(&b);
	net_destroy(net);
}

static bool has_own_grid(const struct net *net, int32_t layer)
{
	return !net->layers[layer].desc.keep_float;
}

static void see_grid(void *context, int32_t index, const float *values, size_t count)
{
	struct seen *seen = context;
	const struct net_layer *layer;
	struct fake_quant quant;
	size_t off = 0;

	if (index == NET_INPUT)
		return;
	layer = &seen->net->layers[index];
	assert_int_equal(fake_quant_of_range(layer->range, 4, &quant), 0);
	for (size_t i = 0; i < count; i++) {
		float q = values[i] / quant.scale;

		off += fabsf(q - roundf(q)) > 1e-4f || q < quant.low - 1e-4f ||
		       q > quant.high + 1e-4f;
	}
	if (has_own_grid(seen->net, index))
		assert_int_equal(off, 0);
	else
		assert_true(off > count / 10);
}

/* All outputs of 4 bits are on their range's 16 values, pools' on their input's. */
static void outputs_are_quantized(void **state)
{
	struct net_pass pass = {
		.fold = true, .quantize_activations = true, .update_ranges = true,
		.range_momentum = 0.5f,
	};
	struct net *net = build_mixed(14);
	struct batch batch = batch_of(net, 20, 1);
	struct seen seen = { .net = net };

	(void)state;
	for (uint32_t i = 0; i < net->num_layers; i++)
		net->layers[i].quant = (struct net_quant){ .activation_bits = 4 };
	net->layers[2].desc.keep_float = true;
	assert_int_equal(net_watch(net, &pass, batch.images, 20, 1, see_grid, &seen), 0);
	pass.update_ranges = false;
	assert_int_equal(net_watch(net, &pass, batch.images, 20, 2, see_grid, &seen), 0);
	batch_free(&batch);
	net_destroy(net);
}

/* ----------------------------------------------------- straight through -- */

/* Two dense layers by hand: 4 inputs, 3 hidden, 3 classes. */
enum { IN = 4, HIDDEN = 3, CLASSES = 3, PICTURES = 6 };

struct dense {
	float folded[16], used[16], bias[4];
	bool passes[16];
	double d_weights[16], d_bias[4];
};

static void quantize_dense(const struct net_layer *layer, struct dense *dense)
{
	size_t n = layer->weights_count, channels = layer->out.c;
	const struct net_quant *quant = &layer->quant;
	float scales[4], min = 0, max = 0, low, high;
	int32_t qmin, qmax, zero_point = 0;

	assert_int_equal(net_folded(layer, dense->folded, dense->bias), 0);
	assert_int_equal(qaccel_integer_range(quant->asymmetric ? QACCEL_TYPE_UINT8 :
					      QACCEL_TYPE_INT8, quant->weight_bits,
					      true, &qmin, &qmax), 0);
	if (!quant->per_channel)
		channels = 1;
	for (size_t i = 0; i < n; i++) {
		min = fminf(min, dense->folded[i]);
		max = fmaxf(max, dense->folded[i]);
	}
	if (quant->asymmetric)
		assert_int_equal(qaccel_choose_params(min, max, qmin, qmax, scales,
						      &zero_point), 0);
	else
		assert_int_equal(qaccel_choose_weight_scales(dense->folded, channels,
							     n / channels, qmax,
							     scales), 0);
	for (size_t c = 0; c < channels; c++)
		assert_int_equal(qaccel_fake_quantize(scales[c], zero_point, qmin, qmax,
						      dense->folded + c * n / channels,
						      dense->used + c * n / channels,
						      n / channels), 0);
	low = scales[0] * (float)(qmin - zero_point);
	high = scales[0] * (float)(qmax - zero_point);
	for (size_t i = 0; i < n; i++)
		dense->passes[i] = !quant->asymmetric ||
				   (dense->folded[i] >= low && dense->folded[i] <= high);
}

/* Output o, fake-quantized; whether a gradient goes through it. */
static float dense_output(const struct net_layer *layer, const struct dense *dense,
			  const float *in, uint32_t o, bool *passes)
{
	uint32_t depth = (uint32_t)layer->weights_count / layer->out.c;
	float v = dense->bias[o], scale, out, low, high;
	int32_t zero_point;

	for (uint32_t i = 0; i < depth; i++)
		v += dense->used[o * depth + i] * in[i];
	assert_int_equal(qaccel_choose_params(layer->range->min, layer->range->max, 0,
					      255, &scale, &zero_point), 0);
	low = scale * (float)(0 - zero_point);
	high = scale * (float)(255 - zero_point);
	*passes = v >= low && v <= high;
	if (layer->desc.activation == NET_RELU) {
		*passes &= v > 0;
		v = fmaxf(v, 0);
	}
	assert_int_equal(qaccel_fake_quantize(scale, zero_point, 0, 255, &v, &out, 1), 0);
	return out;
}

static void add_picture(const struct net *net, struct dense dense[2],
			const float *x, uint8_t label, uint32_t *cut)
{
	bool hidden_passes[HIDDEN], logit_passes[CLASSES];
	float hidden[HIDDEN], logits[CLASSES];
	double d_hidden[HIDDEN] = { 0 }, sum = 0;

	for (uint32_t o = 0; o < HIDDEN; o++)
		hidden[o] = dense_output(&net->layers[0], &dense[0], x, o,
					 &hidden_passes[o]);
	for (uint32_t o = 0; o < CLASSES; o++) {
		logits[o] = dense_output(&net->layers[1], &dense[1], hidden, o,
					 &logit_passes[o]);
		sum += exp((double)logits[o]);
		*cut += !logit_passes[o];
	}
	for (uint32_t o = 0; o < CLASSES; o++) {
		double g = (exp((double)logits[o]) / sum - (o == label)) / PICTURES;

		if (!logit_passes[o])
			continue;
		dense[1].d_bias[o] += g;
		for (uint32_t i = 0; i < HIDDEN; i++) {
			dense[1].d_weights[o * HIDDEN + i] += g * (double)hidden[i];
			d_hidden[i] += g * (double)dense[1].used[o * HIDDEN + i];
		}
	}
	for (uint32_t o = 0; o < HIDDEN; o++) {
		*cut += !hidden_passes[o];
		if (!hidden_passes[o])
			continue;
		dense[0].d_bias[o] += d_hidden[o];
		for (uint32_t i = 0; i < IN; i++)
			dense[0].d_weights[o * IN + i] += d_hidden[o] * (double)x[i];
	}
}

static void assert_near(float value, double expected)
{
	assert_true(fabs((double)value - expected) < 1e-5 * (1 + fabs(expected)));
}

static const float *grad_of(const struct net *net, const float *value)
{
	for (uint32_t i = 0; i < net->num_params; i++)
		if (net->params[i].value == value)
			return net->params[i].grad;
	return NULL;
}

static void check_dense(const struct net *net, uint32_t index, struct dense *dense)
{
	const struct net_layer *layer = &net->layers[index];
	const float *d_weights = grad_of(net, layer->weights);
	size_t depth = layer->weights_count / layer->out.c;

	for (size_t o = 0; o < layer->out.c; o++) {
		double d_gamma = 0, rstd = 1, factor = 1;

		if (layer->gamma) {
			rstd = 1 / sqrt((double)layer->variance[o] +
					(double)NET_BN_EPSILON);
			factor = rstd * (double)layer->gamma[o];
			d_gamma = -dense->d_bias[o] * (double)layer->mean[o];
		}
		for (size_t i = o * depth; i < (o + 1) * depth; i++) {
			double d = dense->passes[i] ? dense->d_weights[i] : 0;

			assert_near(d_weights[i], d * factor);
			d_gamma += d * (double)layer->weights[i];
		}
		if (layer->gamma) {
			assert_near(grad_of(net, layer->gamma)[o], d_gamma * rstd);
			assert_near(grad_of(net, layer->beta)[o], dense->d_bias[o]);
		} else {
			assert_near(grad_of(net, layer->bias)[o], dense->d_bias[o]);
		}
	}
}

static void check_straight_through(struct net_quant quant, bool batch_norm,
				   uint32_t *cut, uint32_t *clipped)
{
	struct net_pass pass = {
		.fold = true, .quantize_weights = true, .quantize_activations = true,
	};
	struct plan plan = { .in = { 1, 2, 2 } };
	struct dense dense[2] = { 0 };
	struct batch batch;
	struct net *net;
	double loss;
	uint32_t correct;

	plan_fc(&plan, NET_INPUT, HIDDEN);
	plan_fc(&plan, 0, CLASSES);
	plan.layers[0].activation = NET_RELU;
	plan.layers[0].batch_norm = batch_norm;
	net = plan_build(&plan, 21);
	batch = batch_of(net, PICTURES, 4);
	*net->layers[0].range = (struct net_range){ 0, 1, 1 };
	*net->layers[1].range = (struct net_range){ -1, 0.6f, 1 };
	for (uint32_t i = 0; i < 2; i++) {
		net->layers[i].quant = quant;
		quantize_dense(&net->layers[i], &dense[i]);
		for (uint32_t k = 0; k < net->layers[i].weights_count; k++)
			*clipped += !dense[i].passes[k];
	}
	for (uint32_t i = 0; i < PICTURES; i++)
		add_picture(net, dense, batch.images + i * IN, batch.labels[i], cut);
	assert_int_equal(net_train_step(net, &pass, batch.images, batch.labels,
					PICTURES, 1, &loss, &correct), 0);
	check_dense(net, 0, &dense[0]);
	check_dense(net, 1, &dense[1]);
	batch_free(&batch);
	net_destroy(net);
}

static void straight_through(void **state)
{
	uint32_t cut = 0, clipped = 0;

	(void)state;
	for (uint32_t bits = 2; bits <= 8; bits += 3)
		for (uint32_t kind = 0; kind < 3; kind++) {
			struct net_quant quant = {
				.weight_bits = bits, .activation_bits = 8,
				.per_channel = kind == 1, .asymmetric = kind == 2,
			};

			check_straight_through(quant, false, &cut, &clipped);
			check_straight_through(quant, true, &cut, &clipped);
		}
	/* What this is about did occur. */
	assert_true(cut > 20);
	assert_true(clipped > 0);
}

/* Depthwise filters have their channels last: the same as dense ones by channel. */
static void depthwise_channels(void **state)
{
	struct net_pass pass = { .fold = true, .quantize_weights = true };
	struct plan plan = { .in = { 3, 3, 4 } };
	float images[9 * 9 * 4] = { 0 }, logits[9 * 4], weights[36], bias[4];
	struct net *net;

	(void)state;
	plan_dwconv(&plan, NET_INPUT, 3, 1, NET_LINEAR);
	plan.layers[0].same_padding = false;
	net = plan_build(&plan, 8);
	net->layers[0].quant = (struct net_quant){
		.weight_bits = 3, .per_channel = true
	};
	/* Picture k shows tap k's weights: one there, nothing elsewhere. */
	for (uint32_t k = 0; k < 9; k++)
		for (uint32_t c = 0; c < 4; c++)
			images[(k * 9 + k) * 4 + c] = 1;
	assert_int_equal(net_evaluate(net, &pass, images, 9, 1, logits), 0);
	assert_int_equal(net_folded(&net->layers[0], weights, bias), 0);
	for (uint32_t c = 0; c < 4; c++) {
		float max = 0;

		for (uint32_t k = 0; k < 9; k++)
			max = fmaxf(max, fabsf(weights[k * 4 + c]));
		for (uint32_t k = 0; k < 9; k++) {
			float q = roundf(weights[k * 4 + c] / (max / 3));

			assert_true(fabsf(logits[k * 4 + c] - bias[c] - q * max / 3) <
				    1e-5f);
		}
	}
	net_destroy(net);
}

/* ------------------------------------------------------------- training -- */

static const struct net_pass qat = {
	.batch_statistics = true, .fold = true, .quantize_weights = true,
	.quantize_activations = true, .update_ranges = true,
	.bn_momentum = 0.9f, .range_momentum = 0.9f,
};

static double train(struct net *net, const struct batch *batch,
		    const struct net_pass *pass, uint32_t steps, uint32_t threads)
{
	double loss = 0;
	uint32_t correct;

	for (uint32_t step = 0; step < steps; step++) {
		assert_int_equal(net_train_step(net, pass, batch->images,
						batch->labels, batch->count, threads,
						&loss, &correct), 0);
		for (uint32_t i = 0; i < net->num_params; i++)
			for (size_t k = 0; k < net->params[i].count; k++)
				net->params[i].value[k] -= 0.1f *
							   net->params[i].grad[k];
	}
	return loss;
}

static void quantize_all(struct net *net)
{
	for (uint32_t i = 0; i < net->num_layers; i++)
		net->layers[i].quant = (struct net_quant){
			.weight_bits = 8, .activation_bits = 8, .per_channel = true,
		};
}

static void assert_same(const struct net *a, const struct net *b)
{
	for (uint32_t i = 0; i < a->num_params; i++) {
		assert_memory_equal(a->params[i].value, b->params[i].value,
				    a->params[i].count * sizeof(float));
		assert_memory_equal(a->params[i].grad, b->params[i].grad,
				    a->params[i].count * sizeof(float));
	}
	for (uint32_t i = 0; i < a->num_states; i++)
		assert_memory_equal(a->states[i].value, b->states[i].value,
				    a->states[i].count * sizeof(float));
}

static void threads_make_no_difference(void **state)
{
	struct net_pass plain = { .batch_statistics = true, .bn_momentum = 0.9f };

	(void)state;
	for (uint32_t quantized = 0; quantized < 2; quantized++) {
		const struct net_pass *pass = quantized ? &qat : &plain;
		struct net *one = build_mixed(30);
		struct batch batch = batch_of(one, 100, 5);

		quantize_all(one);
		train(one, &batch, pass, 3, 1);
		for (uint32_t threads = 2; threads <= 3; threads++) {
			struct net *many = build_mixed(30);

			quantize_all(many);
			train(many, &batch, pass, 3, threads);
			assert_same(one, many);
			net_destroy(many);
		}
		batch_free(&batch);
		net_destroy(one);
	}
}

/* Noise learnt by heart, with everything simulated. */
static void training_works(void **state)
{
	struct net *net = build_mixed(31);
	struct batch batch = batch_of(net, 20, 6);
	float logits[20 * 5];
	uint32_t right = 0;

	(void)state;
	quantize_all(net);
	assert_true(train(net, &batch, &qat, 1, 1) > 1);
	assert_true(train(net, &batch, &qat, 120, 1) < 0.2);
	assert_int_equal(net_evaluate(net, &qat, batch.images, 20, 2, logits), 0);
	for (uint32_t i = 0; i < 20; i++) {
		uint32_t best = 0;

		for (uint32_t c = 1; c < 5; c++)
			best = logits[i * 5 + c] > logits[i * 5 + best] ? c : best;
		right += best == batch.labels[i];
	}
	assert_true(right >= 18);
	batch_free(&batch);
	net_destroy(net);
}

int run_quantized_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fast_is_exact),
		cmocka_unit_test(extremes_are_found),
		cmocka_unit_test(statistics),
		cmocka_unit_test(unfolded_is_folded),
		cmocka_unit_test(folded_weights),
		cmocka_unit_test(ranges),
		cmocka_unit_test(outputs_are_quantized),
		cmocka_unit_test(straight_through),
		cmocka_unit_test(depthwise_channels),
		cmocka_unit_test(threads_make_no_difference),
		cmocka_unit_test(training_works),
	};

	return cmocka_run_group_tests_name("quantized", tests, NULL, NULL);
}
