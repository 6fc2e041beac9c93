// SPDX-License-Identifier: MIT
/*
 * The graph builder and the rules that operators' operands keep
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qaccel/graph.h>

#include "graph.h"
#include "memory.h"

/* ------------------------------------------------------------- helpers -- */

typedef struct qaccel_tensor_desc desc;

static const int8_t zeros[65536];
static const float channel_scales[8] = { 0.1f, 0.2f, 0.3f, 0.4f,
					 0.5f, 0.6f, 0.7f, 0.8f };

static desc nhwc(enum qaccel_type type, int32_t h, int32_t w, int32_t c)
{
	return (desc){ .type = type, .rank = 4, .dims = { 1, h, w, c },
		       .scale = 0.5f };
}

static int32_t image(struct qaccel_builder *b, int32_t h, int32_t w, int32_t c)
{
	desc d = nhwc(QACCEL_TYPE_INT8, h, w, c);

	return qaccel_builder_input(b, &d);
}

static int32_t weights(struct qaccel_builder *b, int32_t o, int32_t h,
		       int32_t w, int32_t i)
{
	desc d = { .type = QACCEL_TYPE_INT8, .rank = 4, .dims = { o, h, w, i },
		   .channel_scales = channel_scales };

	if (o == 1)
		d.channel_dim = 3;
	return qaccel_builder_constant(b, &d, zeros);
}

static struct qaccel_builder *start(void)
{
	struct qaccel_builder *b;

	assert_int_equal(qaccel_builder_create(NULL, &b), 0);
	return b;
}

/* Ends a graph of one output and compares its shape. */
static struct qaccel_model *finish(struct qaccel_builder *b, int32_t tensor,
				   uint32_t rank, const int32_t *dims)
{
	struct qaccel_tensor_info t;
	struct qaccel_model *model;

	qaccel_builder_output(b, tensor);
	if (qaccel_builder_finish(b, &model))
		fail_msg("%s", qaccel_last_error());
	qaccel_builder_destroy(b);
	assert_int_equal(qaccel_model_output(model, 0, &t), 0);
	assert_int_equal(t.rank, rank);
	assert_memory_equal(t.dims, dims, rank * sizeof(*dims));
	return model;
}

#define DIMS(...)	((const int32_t[]){ __VA_ARGS__ })
#define check_shape(b, tensor, rank, ...)				\
	qaccel_model_destroy(finish(b, tensor, rank, DIMS(__VA_ARGS__)))

/* Ends a graph that is wrong. */
static void check_failure(struct qaccel_builder *b, int32_t tensor, int code,
			  const char *message)
{
	struct qaccel_model *model;
	int err;

	qaccel_builder_output(b, tensor);
	err = qaccel_builder_finish(b, &model);
	if (err != -code || !strstr(qaccel_last_error(), message))
		fail_msg("error %d \"%s\", not %d \"%s\"", err,
			 err ? qaccel_last_error() : "", -code, message);
	qaccel_builder_destroy(b);
}

/* -------------------------------------------------------------- shapes -- */

/* SAME and VALID over every small size, filter, stride and dilation. */
static void test_windows(void **state)
{
	(void)state;
	for (int32_t in = 1; in < 12; in++)
	for (int32_t filter = 1; filter < 5; filter++)
	for (int32_t stride = 1; stride < 4; stride++)
	for (int32_t dilation = 1; dilation < 3; dilation++) {
		struct qaccel_conv_options o = {
			.stride_h = stride, .stride_w = 1,
			.dilation_h = dilation,
		};
		int32_t reach = (filter - 1) * dilation + 1, out = 0;
		struct qaccel_builder *b = start();
		int32_t x = image(b, in, 9, 2);

		x = qaccel_builder_conv2d(b, x, weights(b, 3, filter, 2, 2),
					  QACCEL_NO_TENSOR, &o, NULL);
		check_shape(b, x, 4, 1, (in + stride - 1) / stride, 9, 3);

		o.padding = QACCEL_PADDING_VALID;
		while (out * stride + reach <= in)
			out++;
		b = start();
		x = image(b, in, 9, 2);
		x = qaccel_builder_conv2d(b, x, weights(b, 3, filter, 2, 2),
					  QACCEL_NO_TENSOR, &o, NULL);
		if (out)
			check_shape(b, x, 4, 1, out, 8, 3);
		else
			check_failure(b, x, EINVAL,
				      "the filter is larger than the input");
	}
}

static void test_conv(void **state)
{
	struct qaccel_conv_options o = { .stride_h = 2, .stride_w = 2,
					 .activation = QACCEL_ACTIVATION_RELU6 };
	desc bias = { .type = QACCEL_TYPE_INT32, .rank = 1, .dims = { 8 } };
	struct qaccel_builder *b = start();
	struct qaccel_model *model;
	struct qaccel_op_info op;
	int32_t x, w;

	(void)state;
	x = image(b, 16, 16, 3);
	w = weights(b, 8, 3, 3, 3);
	x = qaccel_builder_conv2d(b, x, w,
				  qaccel_builder_constant(b, &bias, zeros), &o,
				  NULL);
	x = qaccel_builder_depthwise_conv2d(b, x, weights(b, 1, 3, 3, 8),
					    QACCEL_NO_TENSOR, &o, NULL);
	model = finish(b, x, 4, DIMS(1, 4, 4, 8));
	assert_int_equal(qaccel_model_op(model, 0, &op), 0);
	assert_string_equal(op.name, "CONV_2D");
	assert_int_equal(op.macs, 8 * 8 * 8 * 27);
	assert_int_equal(qaccel_model_op(model, 1, &op), 0);
	assert_string_equal(op.name, "DEPTHWISE_CONV_2D");
	assert_int_equal(op.macs, 4 * 4 * 8 * 9);
	assert_int_equal(op.inputs[2], -1);
	qaccel_model_destroy(model);

	/* Two outputs for each input channel. */
	b = start();
	x = image(b, 5, 5, 4);
	x = qaccel_builder_depthwise_conv2d(b, x, weights(b, 1, 3, 3, 8),
					    QACCEL_NO_TENSOR, NULL, NULL);
	model = finish(b, x, 4, DIMS(1, 5, 5, 8));
	assert_int_equal(model->graph->ops[0].u.conv.depth_multiplier, 2);
	qaccel_model_destroy(model);
}

static int32_t rows(struct qaccel_builder *b, int32_t o, int32_t k)
{
	desc d = { .type = QACCEL_TYPE_INT8, .rank = 2, .dims = { o, k },
		   .scale = 0.25f, .zero_point = 3 };

	return qaccel_builder_constant(b, &d, zeros);
}

static void test_fully_connected(void **state)
{
	struct qaccel_fully_connected_options keep = { .keep_num_dims = true };
	struct qaccel_builder *b = start();
	struct qaccel_model *model;
	struct qaccel_op_info op;
	int32_t x;

	(void)state;
	x = qaccel_builder_fully_connected(b, image(b, 2, 3, 4), rows(b, 7, 12),
					   QACCEL_NO_TENSOR, NULL, NULL);
	model = finish(b, x, 2, DIMS(2, 7));
	assert_int_equal(qaccel_model_op(model, 0, &op), 0);
	assert_int_equal(op.macs, 2 * 7 * 12);
	qaccel_model_destroy(model);

	b = start();
	x = qaccel_builder_fully_connected(b, image(b, 2, 3, 4), rows(b, 7, 4),
					   QACCEL_NO_TENSOR, &keep, NULL);
	check_shape(b, x, 4, 1, 2, 3, 7);

	b = start();
	x = qaccel_builder_fully_connected(b, image(b, 2, 3, 4), rows(b, 7, 12),
					   QACCEL_NO_TENSOR, &keep, NULL);
	check_failure(b, x, EINVAL, "the input's rows are 4 long");
	b = start();
	x = qaccel_builder_fully_connected(b, image(b, 2, 3, 4), rows(b, 7, 5),
					   QACCEL_NO_TENSOR, NULL, NULL);
	check_failure(b, x, EINVAL, "24 inputs are not rows of 5");
}

static void test_broadcast(void **state)
{
	desc row = { .type = QACCEL_TYPE_INT8, .rank = 1, .dims = { 4 },
		     .scale = 1 };
	desc column = { .type = QACCEL_TYPE_INT8, .rank = 3,
			.dims = { 2, 1, 1 }, .scale = 1 };
	struct qaccel_builder *b = start();
	int32_t x = image(b, 2, 3, 4), y;

	(void)state;
	y = qaccel_builder_add(b, x, qaccel_builder_constant(b, &row, zeros),
			       QACCEL_ACTIVATION_NONE, NULL);
	y = qaccel_builder_mul(b, qaccel_builder_constant(b, &column, zeros), y,
			       QACCEL_ACTIVATION_RELU, &(desc){
			       .type = QACCEL_TYPE_INT8, .scale = 2 });
	check_shape(b, y, 4, 1, 2, 3, 4);

	b = start();
	row.dims[0] = 3;
	y = qaccel_builder_add(b, image(b, 2, 3, 4),
			       qaccel_builder_constant(b, &row, zeros),
			       QACCEL_ACTIVATION_NONE, NULL);
	check_failure(b, y, EINVAL, "dimensions 4 and 3 don't go together");
}

static void test_pools(void **state)
{
	struct qaccel_pool_options o = { .filter_h = 2, .filter_w = 3,
					 .stride_h = 2, .stride_w = 3 };
	struct qaccel_builder *b = start();
	int32_t x = image(b, 7, 7, 5);

	(void)state;
	x = qaccel_builder_average_pool2d(b, x, &o, NULL);
	o.padding = QACCEL_PADDING_VALID;
	x = qaccel_builder_max_pool2d(b, x, &o, NULL);
	check_shape(b, x, 4, 1, 2, 1, 5);

	b = start();
	x = qaccel_builder_max_pool2d(b, image(b, 7, 7, 5),
				      &(struct qaccel_pool_options){ 0 }, NULL);
	check_failure(b, x, EINVAL, "filter 0, stride 1");
	b = start();
	x = qaccel_builder_max_pool2d(b, image(b, 7, 7, 5), &o, &(desc){
				      .type = QACCEL_TYPE_INT8, .scale = 1 });
	check_failure(b, x, EOPNOTSUPP, "quantized differently");
}

static void test_mean(void **state)
{
	struct qaccel_builder *b = start();
	int32_t x;

	(void)state;
	x = qaccel_builder_mean(b, image(b, 7, 6, 5), DIMS(1, -2), 2, false,
				NULL);
	check_shape(b, x, 2, 1, 5);
	b = start();
	x = qaccel_builder_mean(b, image(b, 7, 6, 5), DIMS(1, 2, 1), 3, true,
				NULL);
	check_shape(b, x, 4, 1, 1, 1, 5);
	b = start();
	x = qaccel_builder_mean(b, image(b, 7, 6, 5), DIMS(4), 1, true, NULL);
	check_failure(b, x, EINVAL, "axis 4 of 4 dimensions");
	b = start();
	x = qaccel_builder_mean(b, image(b, 7, 6, 5), DIMS(INT32_MIN), 1, true,
				NULL);
	check_failure(b, x, EINVAL, "axis -2147483648");
}

static void test_pad(void **state)
{
	const int32_t p[4][2] = { { 0, 0 }, { 1, 2 }, { 3, 0 }, { 0, 1 } };
	const int32_t negative[4][2] = { { 0, 0 }, { 0, -1 } };
	const int32_t huge[4][2] = { { 0, 0 }, { INT32_MAX, INT32_MAX } };
	struct qaccel_builder *b = start();
	int32_t x;

	(void)state;
	x = qaccel_builder_pad(b, image(b, 7, 6, 5), p, 4, NULL);
	check_shape(b, x, 4, 1, 10, 9, 6);
	b = start();
	x = qaccel_builder_pad(b, image(b, 7, 6, 5), p, 3, NULL);
	check_failure(b, x, EINVAL, "the paddings are not 4x2");
	b = start();
	x = qaccel_builder_pad(b, image(b, 7, 6, 5), negative, 4, NULL);
	check_failure(b, x, EINVAL, "a padding of 0 and -1");
	b = start();
	x = qaccel_builder_pad(b, image(b, 7, 6, 5), huge, 4, NULL);
	check_failure(b, x, EINVAL, "an output dimension of 4294967301");
}

static void test_reshape(void **state)
{
	static const struct {
		uint32_t rank;
		int32_t dims[6];
	} bad[] = {
		{ 1, { 23 } }, { 2, { 5, -1 } }, { 2, { -1, -1 } },
		{ 2, { 0, -1 } }, { 2, { -2, 12 } }, { 0, { 0 } },
		{ 2, { 24, 2 } }, { 6, { INT_MAX, INT_MAX, INT_MAX, INT_MAX,
					 INT_MAX, INT_MAX } },
		{ 6, { 24, 24, 24, 24, 24, -1 } },
	};
	struct qaccel_builder *b = start();
	int32_t x;

	(void)state;
	x = qaccel_builder_reshape(b, image(b, 2, 3, 4), DIMS(4, -1), 2, NULL);
	x = qaccel_builder_reshape(b, x, DIMS(1, 2, 3, 1, 1, 4), 6, NULL);
	check_shape(b, x, 6, 1, 2, 3, 1, 1, 4);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		b = start();
		x = qaccel_builder_reshape(b, image(b, 2, 3, 4), bad[i].dims,
					   bad[i].rank, NULL);
		check_failure(b, x, EINVAL, "(RESHAPE)");
	}
	b = start();
	x = image(b, 2, 3, 4);
	assert_int_equal(qaccel_builder_reshape(b, x, DIMS(1), 7, NULL),
			 -EINVAL);
	qaccel_builder_destroy(b);
}

static void test_conversions(void **state)
{
	desc real = { .type = QACCEL_TYPE_FLOAT32, .rank = 2,
		      .dims = { 3, 10 } };
	desc int8 = { .type = QACCEL_TYPE_INT8, .scale = 0.25f,
		      .zero_point = -7 };
	desc uint8 = { .type = QACCEL_TYPE_UINT8, .scale = 0.25f,
		       .zero_point = 121 };
	struct qaccel_builder *b = start();
	struct qaccel_tensor_info t;
	struct qaccel_model *model;
	int32_t x = qaccel_builder_input(b, &real);

	(void)state;
	x = qaccel_builder_quantize(b, x, &uint8);
	x = qaccel_builder_quantize(b, x, &int8);
	x = qaccel_builder_relu(b, x, NULL);
	x = qaccel_builder_relu6(b, x, NULL);
	x = qaccel_builder_softmax(b, x, 1, NULL);
	qaccel_builder_output(b, x);
	x = qaccel_builder_dequantize(b, x, NULL);
	qaccel_builder_output(b, x);
	assert_int_equal(qaccel_builder_finish(b, &model), 0);
	qaccel_builder_destroy(b);
	assert_int_equal(qaccel_model_output(model, 0, &t), 0);
	assert_true(t.scales[0] == 1.f / 256);
	assert_int_equal(t.zero_points[0], -128);
	assert_int_equal(qaccel_model_output(model, 1, &t), 0);
	assert_int_equal(t.type, QACCEL_TYPE_FLOAT32);
	assert_int_equal(t.size, 120);
	qaccel_model_destroy(model);

	b = start();
	x = qaccel_builder_quantize(b, qaccel_builder_input(b, &real), NULL);
	check_failure(b, x, EOPNOTSUPP, "to FLOAT32 is not supported");
	b = start();
	x = qaccel_builder_quantize(b, image(b, 1, 1, 1), &(desc){
				    .type = QACCEL_TYPE_INT16, .scale = 1 });
	check_failure(b, x, EOPNOTSUPP, "INT8 to INT16 is not supported");
	b = start();
	x = qaccel_builder_softmax(b, image(b, 1, 1, 9), NAN, NULL);
	check_failure(b, x, EOPNOTSUPP, "a beta of nan");
	b = start();
	x = qaccel_builder_relu(b, qaccel_builder_input(b, &real), NULL);
	check_failure(b, x, EOPNOTSUPP, "FLOAT32 is not supported, only UINT8");
}

/* --------------------------------------------------------------- rules -- */

static void test_weights(void **state)
{
	desc d = { .type = QACCEL_TYPE_INT8, .rank = 4, .dims = { 4, 1, 1, 3 },
		   .scale = 0.5f };
	desc in8 = nhwc(QACCEL_TYPE_UINT8, 4, 4, 3);
	struct qaccel_builder *b = start();
	int32_t x, w;

	(void)state;
	/* Not constant. */
	x = image(b, 4, 4, 3);
	w = qaccel_builder_input(b, &d);
	x = qaccel_builder_conv2d(b, x, w, QACCEL_NO_TENSOR, NULL, NULL);
	check_failure(b, x, EOPNOTSUPP, "weights that are not constant");
	/* A zero point where the kernels of TFLite ignore it. */
	b = start();
	d.zero_point = 1;
	x = qaccel_builder_conv2d(b, image(b, 4, 4, 3),
				  qaccel_builder_constant(b, &d, zeros),
				  QACCEL_NO_TENSOR, NULL, NULL);
	check_failure(b, x, EOPNOTSUPP, "a zero point of 1 in INT8 weights");
	/* The other type. */
	b = start();
	x = qaccel_builder_conv2d(b, qaccel_builder_input(b, &in8),
				  qaccel_builder_constant(b, &d, zeros),
				  QACCEL_NO_TENSOR, NULL, NULL);
	check_failure(b, x, EOPNOTSUPP, "together are not supported");
	/* UINT8 with a zero point is what it has; per channel it has not. */
	b = start();
	d.type = QACCEL_TYPE_UINT8;
	x = qaccel_builder_conv2d(b, qaccel_builder_input(b, &in8),
				  qaccel_builder_constant(b, &d, zeros),
				  QACCEL_NO_TENSOR, NULL, NULL);
	check_shape(b, x, 4, 1, 4, 4, 4);
	b = start();
	d.channel_scales = channel_scales;
	x = qaccel_builder_conv2d(b, qaccel_builder_input(b, &in8),
				  qaccel_builder_constant(b, &d, zeros),
				  QACCEL_NO_TENSOR, NULL, NULL);
	check_failure(b, x, EOPNOTSUPP, "UINT8 weights with a scale per channel");
	/* Along the wrong dimension. */
	b = start();
	d.type = QACCEL_TYPE_INT8;
	d.channel_dim = 3;
	x = qaccel_builder_conv2d(b, image(b, 4, 4, 3),
				  qaccel_builder_constant(b, &d, zeros),
				  QACCEL_NO_TENSOR, NULL, NULL);
	check_failure(b, x, EOPNOTSUPP, "go along dimension 3, not 0");
	/* Groups. */
	b = start();
	x = qaccel_builder_conv2d(b, image(b, 4, 4, 6), weights(b, 4, 1, 1, 3),
				  QACCEL_NO_TENSOR, NULL, NULL);
	check_failure(b, x, EOPNOTSUPP, "grouped convolution");
	b = start();
	x = qaccel_builder_conv2d(b, image(b, 4, 4, 5), weights(b, 4, 1, 1, 3),
				  QACCEL_NO_TENSOR, NULL, NULL);
	check_failure(b, x, EINVAL, "the input has 5 channels, the filter 3");
	b = start();
	x = qaccel_builder_depthwise_conv2d(b, image(b, 4, 4, 5),
					    weights(b, 1, 1, 1, 8),
					    QACCEL_NO_TENSOR, NULL, NULL);
	check_failure(b, x, EINVAL, "the filter is 1x1x1x8 for 5 input");
}

static void test_bias(void **state)
{
	desc in = nhwc(QACCEL_TYPE_UINT8, 4, 4, 3);
	desc w = { .type = QACCEL_TYPE_UINT8, .rank = 4, .dims = { 4, 1, 1, 3 },
		   .scale = 0.5f };
	static const struct {
		desc bias;
		int code;
		const char *message;
	} cases[] = {
		{ { .type = QACCEL_TYPE_INT32, .rank = 1, .dims = { 3 },
		    .scale = 0.25f }, EINVAL, "3 biases for 4 channels" },
		{ { .type = QACCEL_TYPE_FLOAT32, .rank = 1, .dims = { 4 } },
		  EOPNOTSUPP, "a bias of type FLOAT32" },
		{ { .type = QACCEL_TYPE_INT32, .rank = 1, .dims = { 4 },
		    .scale = 0.27f }, EINVAL, "a scale of 0.27, not 0.25" },
		{ { .type = QACCEL_TYPE_INT32, .rank = 1, .dims = { 4 },
		    .scale = 0.25f, .zero_point = 1 }, EINVAL,
		  "the bias has a zero point of 1" },
		/* 2% of a step of the output, 0.5. */
		{ { .type = QACCEL_TYPE_INT32, .rank = 1, .dims = { 4 },
		    .scale = 0.2599f }, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct qaccel_builder *b = start();
		int32_t x = qaccel_builder_input(b, &in);
		int32_t k = qaccel_builder_constant(b, &w, zeros);
		int32_t bias = qaccel_builder_constant(b, &cases[i].bias, zeros);

		x = qaccel_builder_conv2d(b, x, k, bias, NULL, NULL);
		if (cases[i].code)
			check_failure(b, x, cases[i].code, cases[i].message);
		else
			check_shape(b, x, 4, 1, 4, 4, 4);
	}
}

static void test_scales(void **state)
{
	struct qaccel_builder *b = start();
	int32_t x;

	(void)state;
	/* TFLite aborts on this one. */
	x = image(b, 4, 4, 3);
	x = qaccel_builder_add(b, x, x, QACCEL_ACTIVATION_NONE, &(desc){
			       .type = QACCEL_TYPE_INT8, .scale = 1e-7f });
	check_failure(b, x, EOPNOTSUPP, "too far above the output's");
	b = start();
	x = image(b, 4, 4, 3);
	x = qaccel_builder_add(b, x, x, QACCEL_ACTIVATION_NONE, &(desc){
			       .type = QACCEL_TYPE_INT8, .scale = 1e-40f });
	check_failure(b, x, EINVAL, "has a scale of");
	b = start();
	x = image(b, 4, 4, 3);
	x = qaccel_builder_add(b, x, x, QACCEL_ACTIVATION_NONE, &(desc){
			       .type = QACCEL_TYPE_INT8 });
	check_failure(b, x, EOPNOTSUPP, "is not quantized");
	b = start();
	x = image(b, 4, 4, 3);
	x = qaccel_builder_add(b, x, x, (enum qaccel_activation)5, NULL);
	check_failure(b, x, EOPNOTSUPP, "fused activation SIGN_BIT");
	/* The shape that the caller had in mind. */
	b = start();
	x = image(b, 4, 4, 3);
	x = qaccel_builder_relu(b, x, &(desc){ .type = QACCEL_TYPE_INT8,
		.scale = 1, .rank = 2, .dims = { 4, 4 } });
	check_failure(b, x, EINVAL, "the output's shape is 4x4, not 1x4x4x3");
}

/* ------------------------------------------------------------- builder -- */

static void test_descriptions(void **state)
{
	const desc good = nhwc(QACCEL_TYPE_INT8, 2, 2, 2);
	desc bad[11];
	struct qaccel_builder *b;

	(void)state;
	for (size_t i = 0; i < 11; i++)
		bad[i] = good;
	bad[0].type = (enum qaccel_type)0;
	bad[1].type = (enum qaccel_type)6;
	bad[2].rank = 7;
	bad[3].dims[2] = 0;
	bad[4].dims[2] = -1;
	bad[5].scale = NAN;
	bad[6].scale = -1;
	bad[7].pad = 1;
	bad[8].reserved[3] = 1;
	bad[9].channel_scales = channel_scales;
	bad[9].channel_dim = 4;
	bad[10].channel_scales = &bad[5].scale;
	for (size_t i = 0; i < 11; i++) {
		b = start();
		assert_int_equal(qaccel_builder_input(b, &bad[i]), -EINVAL);
		qaccel_builder_destroy(b);
	}
	b = start();
	bad[0] = good;
	bad[0].dims[0] = INT32_MAX;
	assert_int_equal(qaccel_builder_input(b, &bad[0]), -EFBIG);
	qaccel_builder_destroy(b);
}

/* The first failure stays, with its message. */
static void test_first_failure(void **state)
{
	struct qaccel_builder *b = start();
	struct qaccel_model *model = NULL;
	int32_t x = image(b, 4, 4, 3);

	(void)state;
	assert_int_equal(x, 0);
	assert_int_equal(qaccel_builder_relu(b, 5, NULL), -EINVAL);
	assert_string_equal(qaccel_last_error(), "there is no tensor 5");
	assert_int_equal(qaccel_builder_relu(b, x, NULL), -EINVAL);
	assert_int_equal(qaccel_builder_input(b, &(desc){ .type = 77 }), -EINVAL);
	assert_int_equal(qaccel_builder_output(b, x), -EINVAL);
	assert_int_equal(qaccel_builder_mean(b, x, DIMS(0), 1, 0, NULL), -EINVAL);
	assert_int_equal(qaccel_builder_finish(b, &model), -EINVAL);
	assert_string_equal(qaccel_last_error(), "there is no tensor 5");
	assert_null(model);
	qaccel_builder_destroy(b);
}

static void test_finish(void **state)
{
	struct qaccel_builder *b = start();
	struct qaccel_model *model;
	int32_t x = image(b, 4, 4, 3);

	(void)state;
	x = qaccel_builder_relu(b, x, &(desc){ .type = QACCEL_TYPE_INT8,
					       .scale = 1, .name = "relu" });
	qaccel_builder_output(b, x);
	assert_int_equal(qaccel_builder_finish(b, &model), 0);
	assert_int_equal(qaccel_builder_finish(b, &model), -EINVAL);
	assert_int_equal(image(b, 4, 4, 3), -EINVAL);
	assert_string_equal(qaccel_last_error(), "the builder is finished");
	qaccel_builder_destroy(b);
	assert_string_equal(model->graph->tensors[1].info.name, "relu");
	assert_string_equal(qaccel_model_description(model), "");
	qaccel_model_destroy(model);
	qaccel_builder_destroy(NULL);

	b = start();
	assert_int_equal(qaccel_builder_finish(b, &model), -EINVAL);
	assert_string_equal(qaccel_last_error(), "the model has no outputs");
	qaccel_builder_destroy(b);
	b = start();
	x = image(b, 4, 4, 3);
	check_failure(b, x, EOPNOTSUPP, "is not written by an operator");
}

/* Many tensors and operators: everything that grows. */
static void test_many(void **state)
{
	struct qaccel_builder *b = start();
	int32_t x = image(b, 4, 4, 3);

	(void)state;
	for (int i = 0; i < 5000; i++)
		x = qaccel_builder_relu(b, x, NULL);
	check_shape(b, x, 4, 1, 4, 4, 3);
}

static int build_all(struct qaccel_model **model)
{
	const int32_t paddings[4][2] = { { 0, 0 }, { 1, 1 } };
	struct qaccel_builder *b;
	int err, last;
	int32_t x;

	err = qaccel_builder_create("everything", &b);
	if (err)
		return err;
	x = image(b, 8, 8, 3);
	x = qaccel_builder_conv2d(b, x, weights(b, 4, 3, 3, 3),
				  QACCEL_NO_TENSOR, NULL, NULL);
	x = qaccel_builder_pad(b, x, paddings, 4, NULL);
	x = qaccel_builder_add(b, x, x, QACCEL_ACTIVATION_NONE, NULL);
	x = qaccel_builder_mean(b, x, DIMS(1, 2), 2, true, NULL);
	for (int i = 0; i < 40; i++)
		x = qaccel_builder_relu(b, x, NULL);
	x = qaccel_builder_softmax(b, x, 1, NULL);
	last = qaccel_builder_output(b, x);
	err = qaccel_builder_finish(b, model);
	assert_true(!last || last == err);
	qaccel_builder_destroy(b);
	return err;
}

static void test_out_of_memory(void **state)
{
	struct qaccel_model *model;
	int err = -ENOMEM;

	(void)state;
	for (long n = 0; err; n++) {
		long before = live;

		assert_true(n < 1000);
		model = NULL;
		fail_after = n;
		err = build_all(&model);
		fail_after = -1;
		if (err) {
			assert_int_equal(err, -ENOMEM);
			assert_null(model);
			assert_string_equal(qaccel_last_error(), "out of memory");
		}
		qaccel_model_destroy(model);
		assert_int_equal(live, before);
	}
}

/* A session's reference outlives the model. */
static void test_references(void **state)
{
	struct qaccel_model *model;
	struct qaccel_graph *graph;

	(void)state;
	assert_int_equal(build_all(&model), 0);
	graph = qaccel_graph_ref(model->graph);
	qaccel_model_destroy(model);
	assert_string_equal(graph->description, "everything");
	qaccel_graph_unref(graph);
	qaccel_graph_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_conv),
		cmocka_unit_test(test_fully_connected),
		cmocka_unit_test(test_broadcast),
		cmocka_unit_test(test_pools),
		cmocka_unit_test(test_mean),
		cmocka_unit_test(test_pad),
		cmocka_unit_test(test_reshape),
		cmocka_unit_test(test_conversions),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_bias),
		cmocka_unit_test(test_scales),
		cmocka_unit_test(test_descriptions),
		cmocka_unit_test(test_first_failure),
		cmocka_unit_test(test_finish),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
