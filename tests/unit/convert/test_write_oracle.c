// SPDX-License-Identifier: MIT
/* TensorFlow Lite takes what is written, and computes what this library does. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <qaccel/qaccel.h>

#include "models.h"
#include "oracle.h"

static const char *golden;

static void test_golden(void **state)
{
	struct dirent **entries;
	int count;

	(void)state;
	count = scandir(golden, &entries, NULL, alphasort);
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		struct qaccel_model *model;
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s/model.tflite", golden,
			 entries[i]->d_name);
		free(entries[i]);
		if (access(path, R_OK))
			continue;
		print_message("%s\n", path);
		assert_int_equal(qaccel_model_load_file(NULL, path, &model), 0);
		oracle_check(model);
		qaccel_model_destroy(model);
	}
	free(entries);
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
