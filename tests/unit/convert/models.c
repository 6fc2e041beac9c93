// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <qaccel/convert.h>
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

/* -------------------------------------------------------- float models -- */

static struct qaccel_tensor_desc real(const char *name, uint32_t rank,
				      const int32_t *dims)
{
	struct qaccel_tensor_desc desc = {
		.name = name, .type = QACCEL_TYPE_FLOAT32, .rank = rank,
	};

	memcpy(desc.dims, dims, rank * sizeof(*dims));
	return desc;
}

/* Each channel (by the dimension given) of another size, as real ones are. */
static int32_t constant(struct qaccel_builder *b, uint32_t rank,
			const int32_t *dims, uint32_t channel_dim, float size)
{
	struct qaccel_tensor_desc desc = real("constant", rank, dims);
	float values[1024];
	size_t count = 1, inner = 1;

	for (uint32_t i = 0; i < rank; i++) {
		count *= (size_t)dims[i];
		inner *= i > channel_dim ? (size_t)dims[i] : 1;
	}
	assert_true(count <= 1024);
	make_floats((uint32_t)count, -size, size, values, count);
	for (size_t i = 0; i < count; i++)
		values[i] *= 1 + (float)(i / inner % (size_t)dims[channel_dim]) / 2;
	return qaccel_builder_constant(b, &desc, values);
}

/* 1x12x10x3 to 1x4x6x8 */
static int32_t add_real_convolutions(struct qaccel_builder *b, int32_t x)
{
	const struct qaccel_conv_options strided = {
		.stride_h = 2, .stride_w = 1, .activation = QACCEL_ACTIVATION_RELU6,
	}, dilated = {
		.padding = QACCEL_PADDING_VALID, .dilation_h = 1, .dilation_w = 2,
	}, pointwise = { .activation = QACCEL_ACTIVATION_RELU };
	struct qaccel_tensor_desc out = { .type = QACCEL_TYPE_FLOAT32 };

	out.name = "strided";
	x = qaccel_builder_conv2d(b, x, constant(b, 4, DIMS(4, 3, 3, 3), 0, 0.3f),
				  constant(b, 1, DIMS(4), 0, 0.5f), &strided,
				  &out);
	out.name = "depthwise";
	x = qaccel_builder_depthwise_conv2d(b, x,
			constant(b, 4, DIMS(1, 3, 3, 8), 3, 0.4f),
			constant(b, 1, DIMS(8), 0, 0.5f), &dilated, &out);
	out.name = "pointwise";
	return qaccel_builder_conv2d(b, x, constant(b, 4, DIMS(8, 1, 1, 8), 0, 0.3f),
				     constant(b, 1, DIMS(8), 0, 0.1f),
				     &pointwise, &out);
}

/* 1x4x6x8 to 1x1x1x8 */
static int32_t add_real_middle(struct qaccel_builder *b, int32_t x)
{
	static const int32_t around[4][2] = { { 0, 0 }, { 1, 0 }, { 0, 2 }, { 0, 0 } };
	static const int32_t axes[] = { 1, -2 };
	const struct qaccel_pool_options pool = {
		.padding = QACCEL_PADDING_SAME, .filter_h = 2, .filter_w = 3,
		.stride_h = 2, .stride_w = 2,
	};
	int32_t y = qaccel_builder_mul(b, x, constant(b, 1, DIMS(8), 0, 0.5f),
				       QACCEL_ACTIVATION_NONE, NULL);

	x = qaccel_builder_add(b, x, y, QACCEL_ACTIVATION_RELU_N1_TO_1, NULL);
	y = qaccel_builder_add(b, constant(b, 3, DIMS(4, 1, 8), 2, 0.2f),
			       qaccel_builder_relu(b, y, NULL),
			       QACCEL_ACTIVATION_NONE, NULL);
	x = qaccel_builder_add(b, x, qaccel_builder_relu6(b, y, NULL),
			       QACCEL_ACTIVATION_NONE, NULL);
	x = qaccel_builder_pad(b, x, around, 4, NULL);
	y = qaccel_builder_average_pool2d(b, x, &pool, NULL);
	x = qaccel_builder_max_pool2d(b, x, &pool, NULL);
	x = qaccel_builder_add(b, x, y, QACCEL_ACTIVATION_NONE, NULL);
	return qaccel_builder_mean(b, x, axes, 2, true, NULL);
}

struct qaccel_model *build_float_model(void)
{
	const struct qaccel_fully_connected_options keep = {
		.activation = QACCEL_ACTIVATION_RELU, .keep_num_dims = true,
	};
	struct qaccel_tensor_desc in = real("in", 4, DIMS(1, 12, 10, 3));
	struct qaccel_builder *b;
	struct qaccel_model *model;
	int32_t x;

	assert_int_equal(qaccel_builder_create("floats", &b), 0);
	x = add_real_convolutions(b, qaccel_builder_input(b, &in));
	x = add_real_middle(b, x);
	x = qaccel_builder_fully_connected(b, x, constant(b, 2, DIMS(16, 8), 0, 0.2f),
					   constant(b, 1, DIMS(16), 0, 0.3f),
					   &keep, NULL);
	x = qaccel_builder_reshape(b, x, DIMS(1, -1), 2, NULL);
	x = qaccel_builder_fully_connected(b, x, constant(b, 2, DIMS(10, 16), 0, 0.2f),
					   QACCEL_NO_TENSOR, NULL, NULL);
	qaccel_builder_output(b, x);
	qaccel_builder_output(b, qaccel_builder_softmax(b, x, 1, &(struct qaccel_tensor_desc){
		.name = "probabilities", .type = QACCEL_TYPE_FLOAT32 }));
	if (qaccel_float_model_finish(b, &model))
		fail_msg("%s", qaccel_last_error());
	qaccel_builder_destroy(b);
	return model;
}

struct qaccel_range *calibrate(const struct qaccel_model *model, uint32_t count)
{
	struct qaccel_range *ranges = calloc(qaccel_model_num_tensors(model),
					     sizeof(*ranges));
	struct qaccel_tensor_info info;
	struct qaccel_calibrator *c;
	float input[512];
	const float *const inputs[] = { input };

	assert_int_equal(qaccel_model_input(model, 0, &info), 0);
	assert_true(info.size <= sizeof(input));
	assert_int_equal(qaccel_calibrator_create(model, NULL, &c), 0);
	for (uint32_t i = 0; i < count; i++) {
		make_floats(1000 + i, -1, 1, input, 512);
		if (qaccel_calibrator_run(c, inputs))
			fail_msg("%s", qaccel_last_error());
	}
	assert_int_equal(qaccel_calibrator_ranges(c, ranges), 0);
	qaccel_calibrator_destroy(c);
	return ranges;
}

void for_each_golden(const char *dir,
		     void (*check)(const struct qaccel_model *model))
{
	struct dirent **entries;
	unsigned int found = 0;
	int count;

	count = scandir(dir, &entries, NULL, alphasort);
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		struct qaccel_model *model;
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s/model.tflite", dir,
			 entries[i]->d_name);
		free(entries[i]);
		if (access(path, R_OK))
			continue;
		found++;
		print_message("%s\n", path);
		assert_int_equal(qaccel_model_load_file(NULL, path, &model), 0);
		check(model);
		qaccel_model_destroy(model);
	}
	free(entries);
	assert_true(found > 10);
}
