// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <qaccel/graph.h>

#include "models.h"

static uint32_t next(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

void make_floats(uint32_t seed, float low, float high, float *out, size_t count)
{
	for (size_t i = 0; i < count; i++)
		out[i] = low + (high - low) * (float)next(&seed) / 0x1p24f;
}

void make_input(const struct qaccel_tensor_info *info, uint32_t seed, void *data)
{
	uint8_t *bytes = data;

	if (info->type == QACCEL_TYPE_FLOAT32) {
		make_floats(seed, -1, 1, data, info->size / 4);
		return;
	}
	for (size_t i = 0; i < info->size; i++)
		bytes[i] = (uint8_t)(next(&seed) >> 8);
}

/* ------------------------------------------------------ integer models -- */

struct maker {
	struct qaccel_builder *b;
	enum qaccel_type type;
	int32_t zero_point;
};

static struct qaccel_tensor_desc activations(const struct maker *m, float scale)
{
	return (struct qaccel_tensor_desc){
		.type = m->type, .scale = scale, .zero_point = m->zero_point,
	};
}

static int32_t weights(const struct maker *m, uint32_t rank,
		       const int32_t *dims, const float *channel_scales,
		       uint32_t channel_dim)
{
	struct qaccel_tensor_desc desc = {
		.name = "weights", .type = m->type, .rank = rank,
	};
	uint8_t values[512];
	size_t count = 1;

	for (uint32_t i = 0; i < rank; i++) {
		desc.dims[i] = dims[i];
		count *= (size_t)dims[i];
	}
	assert_true(count <= sizeof(values));
	for (size_t i = 0; i < count; i++)
		values[i] = (uint8_t)(37 * i + 11);
	desc.scale = 0.02f;
	desc.zero_point = m->type == QACCEL_TYPE_UINT8 ? 128 : 0;
	if (channel_scales && m->type == QACCEL_TYPE_INT8) {
		desc.channel_scales = channel_scales;
		desc.channel_dim = channel_dim;
	}
	return qaccel_builder_constant(m->b, &desc, values);
}

#define DIMS(...)	((const int32_t[]){ __VA_ARGS__ })

static const float four_scales[] = { 0.02f, 0.013f, 0.0071f, 0.004f };
static const int32_t biases[8] = { 100, -200, 300, -4000, 5, 6, 7, 8 };

/* 1x8x6x2 to 1x4x2x8 */
static int32_t add_convolutions(const struct maker *m, int32_t x)
{
	const struct qaccel_conv_options first = {
		.padding = QACCEL_PADDING_SAME,
		.activation = QACCEL_ACTIVATION_RELU6,
		.stride_h = 2, .stride_w = 1,
	}, second = {
		.padding = QACCEL_PADDING_VALID,
		.activation = QACCEL_ACTIVATION_RELU_N1_TO_1,
		.dilation_h = 1, .dilation_w = 2,
	};
	struct qaccel_tensor_desc out = activations(m, 0.5f);
	struct qaccel_tensor_desc bias = {
		.type = QACCEL_TYPE_INT32, .rank = 1, .dims = { 4 },
		.scale = 0.05f * 0.02f,
	};

	out.name = "convolution";
	x = qaccel_builder_conv2d(m->b, x, weights(m, 4, DIMS(4, 3, 3, 2),
						   four_scales, 0),
				  qaccel_builder_constant(m->b, &bias, biases),
				  &first, &out);
	out.name = NULL;
	return qaccel_builder_depthwise_conv2d(m->b, x,
			weights(m, 4, DIMS(1, 1, 3, 8), NULL, 0),
			QACCEL_NO_TENSOR, &second, &out);
}

/* 1x4x2x8 to 1x1x1x8 */
static int32_t add_middle(const struct maker *m, int32_t x)
{
	static const int32_t around[4][2] = { { 0, 0 }, { 1, 0 }, { 0, 2 }, { 0, 0 } };
	static const int32_t axes[] = { 1, -2 };
	const struct qaccel_pool_options pool = {
		.padding = QACCEL_PADDING_SAME, .filter_h = 2, .filter_w = 3,
		.stride_h = 2, .activation = QACCEL_ACTIVATION_RELU,
	};
	struct qaccel_tensor_desc out = activations(m, 0.25f);
	int32_t y = qaccel_builder_relu(m->b, x, &out);

	x = qaccel_builder_add(m->b, x, y, QACCEL_ACTIVATION_RELU, &out);
	x = qaccel_builder_mul(m->b, x, y, QACCEL_ACTIVATION_NONE, &out);
	x = qaccel_builder_pad(m->b, x, around, 4, NULL);
	y = qaccel_builder_average_pool2d(m->b, x, &pool, NULL);
	x = qaccel_builder_max_pool2d(m->b, x, &pool, NULL);
	x = qaccel_builder_add(m->b, x, qaccel_builder_relu6(m->b, y, NULL),
			       QACCEL_ACTIVATION_NONE, NULL);
	return qaccel_builder_mean(m->b, x, axes, 2, true, NULL);
}

/*
 * 1x1x1x8 to 2x4 floats, by way of both forms of dense layers. Kept dimensions
 * go with one scale: TensorFlow Lite 2.14 has a bug where there are several.
 */
static int32_t add_end(const struct maker *m, int32_t x)
{
	const struct qaccel_fully_connected_options keep = {
		.activation = QACCEL_ACTIVATION_RELU, .keep_num_dims = true,
	};
	struct qaccel_tensor_desc out = activations(m, 0.3f);
	struct qaccel_tensor_desc other = activations(m, 0.1f);

	x = qaccel_builder_fully_connected(m->b, x,
			weights(m, 2, DIMS(8, 8), NULL, 0),
			QACCEL_NO_TENSOR, &keep, &out);
	x = qaccel_builder_reshape(m->b, x, DIMS(2, -1), 2, NULL);
	x = qaccel_builder_fully_connected(m->b, x,
			weights(m, 2, DIMS(4, 4), four_scales, 0), QACCEL_NO_TENSOR,
			NULL, &out);
	x = qaccel_builder_quantize(m->b, x, &other);
	x = qaccel_builder_softmax(m->b, x, 0.5f, NULL);
	return qaccel_builder_dequantize(m->b, x, NULL);
}

struct qaccel_model *build_integer_model(enum qaccel_type type)
{
	struct maker m = { .type = type,
			   .zero_point = type == QACCEL_TYPE_INT8 ? -7 : 120 };
	struct qaccel_tensor_desc real = {
		.name = "in", .type = QACCEL_TYPE_FLOAT32, .rank = 4,
		.dims = { 1, 8, 6, 2 },
	};
	struct qaccel_tensor_desc in = activations(&m, 0.05f);
	struct qaccel_model *model;
	int32_t x;

	assert_int_equal(qaccel_builder_create("one of each", &m.b), 0);
	x = qaccel_builder_quantize(m.b, qaccel_builder_input(m.b, &real), &in);
	x = add_middle(&m, add_convolutions(&m, x));
	qaccel_builder_output(m.b, add_end(&m, x));
	qaccel_builder_output(m.b, x);
	if (qaccel_builder_finish(m.b, &model))
		fail_msg("%s", qaccel_last_error());
	qaccel_builder_destroy(m.b);
	return model;
}
