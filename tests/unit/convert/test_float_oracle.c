// SPDX-License-Identifier: MIT
/*
 * Float models, and what is made of them, in TensorFlow Lite: every float tensor
 * nearly, every integer tensor exactly what is computed here
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <qaccel/convert.h>

#include "float_run.h"
#include "graph.h"
#include "models.h"
#include "oracle.h"

static void check_tensor(const struct qaccel_graph_tensor *t,
			 const struct float_run *run)
{
	float *theirs = oracle_tensor(t->info.index, t->info.size);
	const float *ours = float_run_tensor(run, t->info.index);

	assert_non_null(theirs);
	for (size_t i = 0; i < t->info.size / 4; i++)
		if (!(fabsf(ours[i] - theirs[i]) <=
		      1e-5f * (1 + fabsf(theirs[i]))))
			fail_msg("tensor %u, value %zu: %g, not %g", t->info.index,
				 i, (double)ours[i], (double)theirs[i]);
	free(theirs);
}

static void check_float(const struct qaccel_model *model)
{
	const struct qaccel_graph *graph = model->graph;
	struct float_run *run;
	float input[512];
	const void *inputs[] = { input };
	const float *const floats[] = { input };

	assert_true(graph->tensors[graph->inputs[0]].info.size <= sizeof(input));
	make_floats(3, -1, 1, input, 512);
	assert_true(oracle_run(model, inputs));
	assert_int_equal(float_run_create(model, &run), 0);
	assert_int_equal(float_run_inputs(run, model, floats), 0);
	for (uint32_t i = 0; i < graph->num_ops; i++)
		check_tensor(&graph->tensors[graph->ops[i].outputs[0]], run);
	oracle_end();
	float_run_destroy(run);
}

static void test_float(void **state)
{
	struct qaccel_model *model = build_float_model();

	(void)state;
	check_float(model);
	qaccel_model_destroy(model);
}

static void test_converted(void **state)
{
	struct qaccel_model *real = build_float_model(), *model;

	(void)state;
	for (int i = 0; i < 6; i++) {
		const struct qaccel_convert_options options = {
			.scheme = (enum qaccel_scheme)(i / 2),
			.float_io = i % 2,
		};
		struct qaccel_range *ranges = calibrate(real, 20);

		if (qaccel_convert(real, ranges, &options, &model))
			fail_msg("%s", qaccel_last_error());
		oracle_check(model);
		qaccel_model_destroy(model);
		free(ranges);
	}
	qaccel_model_destroy(real);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_float),
		cmocka_unit_test(test_converted),
	};

	return oracle_there() ? cmocka_run_group_tests(tests, NULL, NULL) : 2;
}
