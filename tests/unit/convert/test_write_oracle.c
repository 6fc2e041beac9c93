// SPDX-License-Identifier: MIT
/* TensorFlow Lite takes what is written, and computes what this library does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <qaccel/qaccel.h>

#include "models.h"
#include "oracle.h"

static const char *golden;

static void test_golden(void **state)
{
	(void)state;
	for_each_golden(golden, oracle_check);
}

static void test_built(void **state)
{
	struct qaccel_model *model;

	(void)state;
	for (int type = QACCEL_TYPE_UINT8; type <= QACCEL_TYPE_INT8; type++) {
		model = build_integer_model((enum qaccel_type)type);
		oracle_check(model);
		qaccel_model_destroy(model);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_built),
	};

	if (argc != 2 || !oracle_there())
		return 2;
	golden = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
