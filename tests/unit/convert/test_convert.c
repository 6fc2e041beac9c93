// SPDX-License-Identifier: MIT
/* Float models to integer ones: how near they come, and what is refused. */
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

#include <qaccel/convert.h>
#include <qaccel/quantize.h>

#include "graph.h"
#include "models.h"

static struct qaccel_device *device;

static struct qaccel_model *convert(const struct qaccel_model *real,
				    enum qaccel_scheme scheme, bool float_io)
{
	const struct qaccel_convert_options options = {
		.scheme = scheme, .float_io = float_io,
	};
	struct qaccel_range *ranges = calibrate(real, 20);
	struct qaccel_model *model;

	if (qaccel_convert(real, ranges, &options, &model))
		fail_msg("%s", qaccel_last_error());
	free(ranges);
	return model;
}

/* ------------------------------------------------------- how near it is -- */

static void check_near(const struct qaccel_model *real,
		       const struct qaccel_model *model, double min_sqnr)
{
	struct qaccel_comparison *c;
	struct qaccel_difference d;
	struct qaccel_op_info op;

	if (qaccel_comparison_create(device, real, model, &c))
		fail_msg("%s", qaccel_last_error());
	for (uint32_t i = 0; i < 20; i++) {
		float input[512];
		const float *const inputs[] = { input };

		make_floats(100 + i, -1, 1, input, 512);
		assert_int_equal(qaccel_comparison_run(c, inputs), 0);
	}
	for (uint32_t i = 0; !qaccel_model_op(real, i, &op); i++) {
		assert_int_equal(qaccel_comparison_tensor(c,
				(uint32_t)op.outputs[0], &d), 0);
		if (!(d.sqnr >= min_sqnr))
			fail_msg("operator %u (%s): %g dB", i, op.name, d.sqnr);
	}
	assert_int_equal(d.examples, 20);
	assert_true(d.same_largest >= 17);
	qaccel_comparison_destroy(c);
}

static void test_near(void **state)
{
	struct qaccel_model *real = build_float_model(), *model;
	static const double sqnr[] = { 23, 23, 23 };

	(void)state;
	for (int i = 0; i < 6; i++) {
		model = convert(real, (enum qaccel_scheme)(i / 2), i % 2);
		check_near(real, model, sqnr[i / 2]);
		qaccel_model_destroy(model);
	}
	qaccel_model_destroy(real);
}

/* ------------------------------------------------------- one dense layer -- */

/*
 * Rows of two weights and a bias from inputs in [-1, 1]: all that weights can be.
 * twice: two layers of the same weights and bias, one after the other.
 */
static struct qaccel_model *dense(const float (*weights)[2], const float *bias,
				  int32_t rows, bool twice)
{
	const struct qaccel_tensor_desc in = {
		.name = "x", .type = QACCEL_TYPE_FLOAT32, .rank = 2,
		.dims = { 1, 2 },
	}, matrix = {
		.name = "w", .type = QACCEL_TYPE_FLOAT32, .rank = 2,
		.dims = { rows, 2 },
	}, list = {
		.type = QACCEL_TYPE_FLOAT32, .rank = 1, .dims = { rows },
	}, out = { .name = "y", .type = QACCEL_TYPE_FLOAT32 };
	struct qaccel_builder *b;
	struct qaccel_model *model;
	int32_t x, w, c;

	assert_int_equal(qaccel_builder_create("dense", &b), 0);
	x = qaccel_builder_input(b, &in);
	w = qaccel_builder_constant(b, &matrix, weights);
	c = bias ? qaccel_builder_constant(b, &list, bias) : QACCEL_NO_TENSOR;
	x = qaccel_builder_fully_connected(b, x, w, c, NULL, &out);
	if (twice)
		x = qaccel_builder_fully_connected(b, x, w, c, NULL, &out);
	qaccel_builder_output(b, x);
	if (qaccel_float_model_finish(b, &model))
		fail_msg("%s", qaccel_last_error());
	qaccel_builder_destroy(b);
	return model;
}

/* Input and outputs of real values, through the integer model. */
static void run_dense(const struct qaccel_model *model, const float *in,
		      float *out, size_t rows)
{
	struct qaccel_tensor_info x, y;
	struct qaccel_session *s;

	qaccel_model_input(model, 0, &x);
	qaccel_model_output(model, 0, &y);
	assert_int_equal(qaccel_session_create(device, model, NULL, &s), 0);
	assert_int_equal(qaccel_quantize(x.type, x.scales[0], x.zero_points[0], in,
					 qaccel_session_input(s, 0), 2), 0);
	assert_int_equal(qaccel_session_run(s), 0);
	assert_int_equal(qaccel_dequantize(y.type, y.scales[0], y.zero_points[0],
					   qaccel_session_output(s, 0), out, rows),
			 0);
	qaccel_session_destroy(s);
}

/* All zero, tiny beside a large bias, and usual ones: one step off at most. */
static void test_degenerate(void **state)
{
	static const float weights[4][2] = {
		{ 0, 0 }, { 1e-12f, -1e-12f }, { 0.5f, -0.25f }, { 0, 0 },
	};
	static const float bias[4] = { 0.7f, -0.9f, 0.1f, 0 };
	static const float in[2] = { 0.5f, -0.5f };
	const struct qaccel_range ranges[] = {
		{ -1, 1 }, { 1, -1 }, { 1, -1 }, { -1, 1 },
	};

	(void)state;
	for (int scheme = 0; scheme < 3; scheme++) {
		const struct qaccel_convert_options options = {
			.scheme = (enum qaccel_scheme)scheme,
		};
		struct qaccel_model *real = dense(weights, bias, 4, false), *model;
		float out[4];

		if (qaccel_convert(real, ranges, &options, &model))
			fail_msg("%s", qaccel_last_error());
		run_dense(model, in, out, 4);
		assert_true(fabsf(out[0] - 0.7f) < 0.01f);
		assert_true(fabsf(out[1] + 0.9f) < 0.01f);
		assert_true(fabsf(out[2] - 0.475f) < 0.01f);
		assert_true(fabsf(out[3]) < 0.01f);
		qaccel_model_destroy(real);
		qaccel_model_destroy(model);
	}
}

/* Nothing but zeros: the bias alone decides. */
static void test_zero_weights(void **state)
{
	static const float weights[2][2], bias[2] = { 0.3f, -1e6f };
	static const float in[2] = { 1, 1 };
	const struct qaccel_range ranges[] = {
		{ -1, 1 }, { 1, -1 }, { 1, -1 }, { -1, 1 },
	};

	(void)state;
	for (int scheme = 0; scheme < 3; scheme++) {
		const struct qaccel_convert_options options = {
			.scheme = (enum qaccel_scheme)scheme,
		};
		struct qaccel_model *real = dense(weights, bias, 2, false), *model;
		float out[2];

		assert_int_equal(qaccel_convert(real, ranges, &options, &model), 0);
		run_dense(model, in, out, 2);
		assert_true(fabsf(out[0] - 0.3f) < 0.01f);
		assert_true(fabsf(out[1] + 1) < 0.01f);
		qaccel_model_destroy(real);
		qaccel_model_destroy(model);
	}
}

/* The weights stay one tensor; the bias can't, as its scale is the input's too. */
static void test_shared_weights(void **state)
{
	static const float weights[2][2] = { { 1, 0.5f }, { -0.5f, 1 } };
	static const float bias[2] = { 0.25f, -0.25f };
	const struct qaccel_range ranges[] = {
		{ -1, 1 }, { 1, -1 }, { 1, -1 }, { -2, 2 }, { -4, 4 },
	};
	struct qaccel_model *real = dense(weights, bias, 2, true), *model;
	struct qaccel_op_info first, second;
	struct qaccel_tensor_info a, b;

	(void)state;
	assert_int_equal(qaccel_convert(real, ranges, NULL, &model), 0);
	assert_int_equal(qaccel_model_op(model, 0, &first), 0);
	assert_int_equal(qaccel_model_op(model, 1, &second), 0);
	assert_int_equal(first.inputs[1], 1);
	assert_int_equal(second.inputs[1], 1);
	assert_int_equal(first.inputs[2], 2);
	assert_int_equal(second.inputs[2], 5);
	assert_int_equal(qaccel_model_tensor(model, 2, &a), 0);
	assert_int_equal(qaccel_model_tensor(model, 5, &b), 0);
	assert_true(a.scales[0] == 2.f / 255 * (1.f / 127));
	assert_true(b.scales[0] == 4.f / 255 * (1.f / 127));
	qaccel_model_destroy(real);
	qaccel_model_destroy(model);
}

/* ------------------------------------------------------------ refusals -- */

static void refuse(const struct qaccel_model *real,
		   const struct qaccel_range *ranges, int err, const char *text)
{
	struct qaccel_model *model = NULL;

	for (int scheme = 0; scheme < 3; scheme++) {
		const struct qaccel_convert_options options = {
			.scheme = (enum qaccel_scheme)scheme,
		};

		assert_int_equal(qaccel_convert(real, ranges, &options, &model),
				 err);
		if (!strstr(qaccel_last_error(), text))
			fail_msg("'%s' has no '%s'", qaccel_last_error(), text);
		assert_null(model);
	}
}

static void test_bad_numbers(void **state)
{
	static const float bads[] = { NAN, INFINITY, -INFINITY };
	struct qaccel_range ranges[] = {
		{ -1, 1 }, { 1, -1 }, { 1, -1 }, { -2, 2 },
	};

	(void)state;
	for (int i = 0; i < 3; i++) {
		float weights[2][2] = { { 1, 2 }, { 3, 4 } }, bias[2] = { 0, 1 };
		struct qaccel_model *real;

		weights[1][0] = bads[i];
		real = dense(weights, bias, 2, false);
		refuse(real, ranges, -EDOM, "operator 0 (FULLY_CONNECTED): ");
		qaccel_model_destroy(real);
		weights[1][0] = 0;
		bias[1] = bads[i];
		real = dense(weights, bias, 2, false);
		refuse(real, ranges, -EDOM, "operator 0 (FULLY_CONNECTED): channel 1 has a bias of");
		bias[1] = 0;
		qaccel_model_destroy(real);
		real = dense(weights, bias, 2, false);
		ranges[3].max = bads[i];
		ranges[3].min = -INFINITY;
		refuse(real, ranges, -EDOM, "tensor 3 (y): a range from");
		ranges[3] = (struct qaccel_range){ -2, 2 };
		qaccel_model_destroy(real);
	}
}

static void test_missing_ranges(void **state)
{
	static const float weights[2][2] = { { 1, 2 }, { 3, 4 } };
	struct qaccel_range ranges[] = { { -1, 1 }, { 1, -1 }, { 1, -1 } };
	struct qaccel_model *real = dense(weights, NULL, 2, false);
	struct qaccel_calibrator *c;

	(void)state;
	refuse(real, ranges, -ENODATA, "tensor 2 (y): its range is not known");
	ranges[0].min = 2;
	refuse(real, ranges, -ENODATA, "tensor 0 (x): its range is not known");
	assert_int_equal(qaccel_calibrator_create(real, NULL, &c), 0);
	assert_int_equal(qaccel_calibrator_ranges(c, ranges), -ENODATA);
	qaccel_calibrator_destroy(c);
	qaccel_model_destroy(real);
}

static void test_not_finite_values(void **state)
{
	static const float weights[2][2] = { { 1, 2 }, { 3, 4 } };
	static const float good[2] = { 1, 2 }, bad[2] = { NAN, 0 };
	const float *const inputs[] = { good }, *const bads[] = { bad };
	struct qaccel_model *real = dense(weights, NULL, 2, false);
	struct qaccel_calibrator *c;
	struct qaccel_range ranges[3];

	(void)state;
	assert_int_equal(qaccel_calibrator_create(real, NULL, &c), 0);
	assert_int_equal(qaccel_calibrator_run(c, inputs), 0);
	assert_int_equal(qaccel_calibrator_run(c, bads), -EDOM);
	assert_non_null(strstr(qaccel_last_error(), "tensor 0 (x): "));
	assert_int_equal(qaccel_calibrator_ranges(c, ranges), 0);
	assert_true(ranges[0].min == 1 && ranges[0].max == 2);
	assert_true(ranges[1].min > ranges[1].max);
	assert_true(ranges[2].min == 5 && ranges[2].max == 11);
	qaccel_calibrator_destroy(c);
	qaccel_model_destroy(real);
}

/* Each kind of model where the other one is wanted. */
static void test_wrong_models(void **state)
{
	struct qaccel_model *real = build_float_model(), *wrong = NULL;
	struct qaccel_model *model = build_integer_model(QACCEL_TYPE_INT8);
	struct qaccel_convert_options options = { .scheme = 3 };
	struct qaccel_comparison *comparison = NULL;
	struct qaccel_calibrator *c = NULL;
	struct qaccel_session *s = NULL;
	const float *const inputs[] = { NULL };
	float *const outputs[] = { NULL };
	struct qaccel_range range;
	size_t size;
	void *data;

	(void)state;
	assert_int_equal(qaccel_session_create(device, real, NULL, &s),
			 -EOPNOTSUPP);
	assert_int_equal(qaccel_convert(model, &range, NULL, &wrong), -EINVAL);
	assert_int_equal(qaccel_calibrator_create(model, NULL, &c), -EINVAL);
	assert_int_equal(qaccel_float_model_run(model, inputs, outputs), -EINVAL);
	assert_int_equal(qaccel_comparison_create(device, real, model,
						  &comparison), -EINVAL);
	assert_int_equal(qaccel_comparison_create(device, model, real,
						  &comparison), -EINVAL);
	assert_int_equal(qaccel_convert(real, &range, &options, &wrong), -EINVAL);
	options = (struct qaccel_convert_options){ .reserved = { 1 } };
	assert_int_equal(qaccel_convert(real, &range, &options, &wrong), -EINVAL);
	assert_int_equal(qaccel_model_serialize(model, &data, &size), 0);
	assert_int_equal(qaccel_float_model_load_memory(NULL, data, size, &wrong),
			 -EOPNOTSUPP);
	assert_string_equal(qaccel_last_error(),
			    "operator 0 (QUANTIZE): this is no float model, or only in parts");
	free(data);
	assert_int_equal(qaccel_model_serialize(real, &data, &size), 0);
	assert_int_equal(qaccel_model_load_memory(NULL, data, size, &wrong),
			 -EOPNOTSUPP);
	free(data);
	qaccel_model_destroy(real);
	qaccel_model_destroy(model);
}

/* A file cut short or with a byte changed never does harm. */
static void test_broken_files(void **state)
{
	struct qaccel_model *real = build_float_model(), *copy;
	uint8_t *file;
	size_t size;
	void *data;

	(void)state;
	assert_int_equal(qaccel_model_serialize(real, &data, &size), 0);
	file = data;
	for (size_t i = 0; i < size; i += 7)
		assert_true(qaccel_float_model_load_memory(NULL, file, i, &copy) < 0);
	for (size_t i = 0; i < size; i += 3) {
		file[i] ^= 0x41;
		if (!qaccel_float_model_load_memory(NULL, file, size, &copy))
			qaccel_model_destroy(copy);
		file[i] ^= 0x41;
	}
	assert_int_equal(qaccel_float_model_load_memory(NULL, data, size, &copy), 0);
	qaccel_model_destroy(copy);
	free(data);
	qaccel_model_destroy(real);
}

/* Written, read and converted again: the same bytes. */
static void test_same_twice(void **state)
{
	struct qaccel_model *real = build_float_model(), *copy, *a, *b;
	size_t size, size2;
	void *data, *data2;

	(void)state;
	assert_int_equal(qaccel_model_serialize(real, &data, &size), 0);
	assert_int_equal(qaccel_float_model_load_memory(NULL, data, size, &copy), 0);
	free(data);
	a = convert(real, QACCEL_SCHEME_INT8, true);
	b = convert(copy, QACCEL_SCHEME_INT8, true);
	assert_int_equal(qaccel_model_serialize(a, &data, &size), 0);
	assert_int_equal(qaccel_model_serialize(b, &data2, &size2), 0);
	assert_int_equal(size, size2);
	assert_memory_equal(data, data2, size);
	free(data);
	free(data2);
	qaccel_model_destroy(real);
	qaccel_model_destroy(copy);
	qaccel_model_destroy(a);
	qaccel_model_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_near),
		cmocka_unit_test(test_degenerate),
		cmocka_unit_test(test_zero_weights),
		cmocka_unit_test(test_shared_weights),
		cmocka_unit_test(test_bad_numbers),
		cmocka_unit_test(test_missing_ranges),
		cmocka_unit_test(test_not_finite_values),
		cmocka_unit_test(test_wrong_models),
		cmocka_unit_test(test_broken_files),
		cmocka_unit_test(test_same_twice),
	};
	int failed;

	if (qaccel_device_open(NULL, "cpu", &device))
		return 2;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	qaccel_device_close(device);
	return failed;
}
