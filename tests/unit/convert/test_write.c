// SPDX-License-Identifier: MIT
/*
 * The .tflite writer: what is read from a written file is the model that was
 * written, and gives the same outputs
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <qaccel/graph.h>
#include <qaccel/qaccel.h>

#include "graph.h"
#include "models.h"

static const char *golden;
static struct qaccel_device *device;

/* --------------------------------------------------------- same models -- */

static void check_same_tensor(const struct qaccel_graph_tensor *a,
			      const struct qaccel_graph_tensor *b)
{
	assert_string_equal(a->info.name, b->info.name);
	assert_int_equal(a->info.index, b->info.index);
	assert_int_equal(a->info.type, b->info.type);
	assert_int_equal(a->info.rank, b->info.rank);
	assert_memory_equal(a->info.dims, b->info.dims, sizeof(a->info.dims));
	assert_int_equal(a->info.size, b->info.size);
	assert_int_equal(a->info.constant, b->info.constant);
	assert_int_equal(a->info.num_scales, b->info.num_scales);
	assert_int_equal(a->info.quantized_dim, b->info.quantized_dim);
	for (uint32_t i = 0; i < a->info.num_scales; i++) {
		assert_memory_equal(&a->info.scales[i], &b->info.scales[i], 4);
		assert_int_equal(a->info.zero_points[i],
				 b->info.zero_points[i]);
	}
	assert_int_equal(a->producer, b->producer);
	assert_int_equal(!a->data, !b->data);
	if (a->data)
		assert_memory_equal(a->data, b->data, a->info.size);
}

static void check_same_op(const struct qaccel_graph_op *a,
			  const struct qaccel_graph_op *b)
{
	assert_int_equal(a->builtin, b->builtin);
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->num_inputs, b->num_inputs);
	assert_int_equal(a->num_outputs, b->num_outputs);
	assert_memory_equal(a->inputs, b->inputs,
			    a->num_inputs * sizeof(a->inputs[0]));
	assert_int_equal(a->outputs[0], b->outputs[0]);
	assert_int_equal(a->activation, b->activation);
	assert_memory_equal(&a->u, &b->u, sizeof(a->u));
}

static void check_same(const struct qaccel_graph *a, const struct qaccel_graph *b)
{
	assert_string_equal(a->description, b->description);
	assert_int_equal(a->num_tensors, b->num_tensors);
	assert_int_equal(a->num_ops, b->num_ops);
	assert_int_equal(a->num_inputs, b->num_inputs);
	assert_int_equal(a->num_outputs, b->num_outputs);
	for (uint32_t i = 0; i < a->num_tensors; i++)
		check_same_tensor(&a->tensors[i], &b->tensors[i]);
	for (uint32_t i = 0; i < a->num_ops; i++)
		check_same_op(&a->ops[i], &b->ops[i]);
	if (a->num_inputs)
		assert_memory_equal(a->inputs, b->inputs, 4 * a->num_inputs);
	assert_memory_equal(a->outputs, b->outputs, 4 * a->num_outputs);
}

/* Made-up inputs into a session of the model, run. */
static struct qaccel_session *run(const struct qaccel_model *model)
{
	struct qaccel_tensor_info info;
	struct qaccel_session *session;

	if (qaccel_session_create(device, model, NULL, &session))
		fail_msg("%s", qaccel_last_error());
	for (uint32_t i = 0; !qaccel_model_input(model, i, &info); i++)
		make_input(&info, 1 + i, qaccel_session_input(session, i));
	assert_int_equal(qaccel_session_run(session), 0);
	return session;
}

static void check_same_outputs(const struct qaccel_model *a,
			       const struct qaccel_model *b)
{
	struct qaccel_session *x = run(a), *y = run(b);
	struct qaccel_tensor_info info;

	for (uint32_t i = 0; !qaccel_model_output(a, i, &info); i++)
		assert_memory_equal(qaccel_session_output(x, i),
				    qaccel_session_output(y, i), info.size);
	qaccel_session_destroy(x);
	qaccel_session_destroy(y);
}

/* Writing what was read from a written file gives the same bytes again. */
static void check_round_trip(const struct qaccel_model *model)
{
	struct qaccel_model *copy = NULL;
	size_t size, size2;
	void *data, *data2;

	if (qaccel_model_serialize(model, &data, &size))
		fail_msg("%s", qaccel_last_error());
	if (qaccel_model_load_memory(NULL, data, size, &copy))
		fail_msg("%s", qaccel_last_error());
	check_same(model->graph, copy->graph);
	assert_int_equal(qaccel_model_serialize(copy, &data2, &size2), 0);
	assert_int_equal(size, size2);
	assert_memory_equal(data, data2, size);
	check_same_outputs(model, copy);
	free(data);
	free(data2);
	qaccel_model_destroy(copy);
}

/* --------------------------------------------------------------- tests -- */

static void test_golden(void **state)
{
	(void)state;
	for_each_golden(golden, check_round_trip);
}

static void test_built(void **state)
{
	struct qaccel_model *model;

	(void)state;
	for (int type = QACCEL_TYPE_UINT8; type <= QACCEL_TYPE_INT8; type++) {
		model = build_integer_model((enum qaccel_type)type);
		check_round_trip(model);
		qaccel_model_destroy(model);
	}
}

static uint32_t word(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

/* Interpreters map the file and use constants in place: aligned to 16 bytes. */
static void test_layout(void **state)
{
	struct qaccel_model *model = build_integer_model(QACCEL_TYPE_INT8);
	const struct qaccel_graph *graph = model->graph;
	uint8_t *file;
	size_t size;
	void *data;

	(void)state;
	assert_int_equal(qaccel_model_serialize(model, &data, &size), 0);
	file = data;
	assert_memory_equal(file + 4, "TFL3", 4);
	assert_true(word(file) < size && word(file) % 4 == 0);
	for (uint32_t i = 0; i < graph->num_tensors; i++) {
		const struct qaccel_graph_tensor *t = &graph->tensors[i];
		bool aligned = false;

		for (size_t at = 16; t->data && at + t->info.size <= size;
		     at += 16)
			aligned |= word(file + at - 4) == t->info.size &&
				   !memcmp(file + at, t->data, t->info.size);
		assert_true(aligned == !!t->data);
	}
	free(data);
	qaccel_model_destroy(model);
}

static void test_file(void **state)
{
	struct qaccel_model *model = build_integer_model(QACCEL_TYPE_UINT8);
	struct qaccel_model *copy;
	char path[] = "/tmp/qaccel-write-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(qaccel_model_write(model, path), 0);
	assert_int_equal(qaccel_model_load_file(NULL, path, &copy), 0);
	check_same(model->graph, copy->graph);
	qaccel_model_destroy(copy);
	unlink(path);
	assert_int_equal(qaccel_model_write(model, "/nonexistent/m.tflite"),
			 -ENOENT);
	assert_string_equal(qaccel_last_error(),
			    "/nonexistent/m.tflite: No such file or directory");
	if (!access("/dev/full", W_OK))
		assert_int_equal(qaccel_model_write(model, "/dev/full"),
				 -ENOSPC);
	qaccel_model_destroy(model);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_built),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_file),
	};
	int failed;

	if (argc != 2 || qaccel_device_open(NULL, "cpu", &device))
		return 2;
	golden = argv[1];
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	qaccel_device_close(device);
	return failed;
}
