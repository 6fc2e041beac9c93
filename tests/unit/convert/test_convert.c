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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_near),
	};
	int failed;

	if (qaccel_device_open(NULL, "cpu", &device))
		return 2;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	qaccel_device_close(device);
	return failed;
}
