// SPDX-License-Identifier: MIT
/* Conversion with memory that runs out, at every allocation: an error, no leak. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <qaccel/convert.h>

#include "memory.h"
#include "models.h"

/* What is tried; 0 or a negative errno, and nothing left either way. */
typedef int attempt_fn(const struct qaccel_model *real);

static void try_all(const struct qaccel_model *real, attempt_fn *attempt)
{
	int err = -ENOMEM;

	for (long n = 0; err; n++) {
		long before = live;

		assert_true(n < 1000);
		fail_after = n;
		err = attempt(real);
		fail_after = -1;
		assert_true(!err || err == -ENOMEM);
		assert_int_equal(live, before);
	}
}

static struct qaccel_range ranges[128];

static int convert(const struct qaccel_model *real)
{
	static const struct qaccel_convert_options options = { .float_io = true };
	struct qaccel_model *model;
	int err = qaccel_convert(real, ranges, &options, &model);

	if (!err)
		qaccel_model_destroy(model);
	return err;
}

static int calibrate_once(const struct qaccel_model *real)
{
	static const struct qaccel_observer_options options = {
		.kind = QACCEL_OBSERVER_MSE,
	};
	static const float input[512];
	const float *const inputs[] = { input };
	struct qaccel_calibrator *c;
	int err;

	err = qaccel_calibrator_create(real, &options, &c);
	if (err)
		return err;
	err = qaccel_calibrator_run(c, inputs);
	qaccel_calibrator_destroy(c);
	return err;
}

static int run(const struct qaccel_model *real)
{
	static const float input[512];
	const float *const inputs[] = { input };
	float logits[10], probabilities[10];
	float *const outputs[] = { logits, probabilities };

	return qaccel_float_model_run(real, inputs, outputs);
}

static void test_no_memory(void **state)
{
	struct qaccel_model *real = build_float_model();
	struct qaccel_range *r = calibrate(real, 2);
	uint32_t count = qaccel_model_num_tensors(real);

	(void)state;
	assert_true(count <= 128);
	for (uint32_t i = 0; i < count; i++)
		ranges[i] = r[i];
	free(r);
	try_all(real, convert);
	try_all(real, calibrate_once);
	try_all(real, run);
	qaccel_model_destroy(real);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
