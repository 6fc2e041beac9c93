// SPDX-License-Identifier: MIT
/* Devices and sessions on the CPU: states, threads, and being out of memory. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "graphs.h"

/* ------------------------------------------------------------------ allocator -- */

/* Allocations left before one fails; negative: none does. */
static _Thread_local long allowed = -1;
static _Thread_local unsigned long allocations;

static bool allow(void)
{
	allocations++;
	if (allowed < 0)
		return true;
	return allowed-- > 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);

void *__wrap_malloc(size_t size)
{
	return allow() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
	return allow() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *old, size_t size)
{
	return allow() ? __real_realloc(old, size) : NULL;
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
	return allow() ? __real_aligned_alloc(align, size) : NULL;
}

/* -------------------------------------------------------------------- helpers -- */

static struct qaccel_session *create(struct qaccel_device *device,
				     struct qaccel_model *model)
{
	struct qaccel_session *session = NULL;
	struct random r = { 9 };

	assert_int_equal(qaccel_session_create(device, model, NULL, &session),
			 0);
	random_fill(&r, qaccel_session_input(session, 0), 8 * 8 * 4);
	return session;
}

/* ---------------------------------------------------------------------- tests -- */

static void test_device(void **state)
{
	struct qaccel_device_options options = { .threads = 3, .isa = "ref" };
	struct qaccel_device_info info;
	struct qaccel_device *device = NULL;

	(void)state;
	assert_int_equal(qaccel_device_open(&options, "cpu", &device), 0);
	qaccel_device_get_info(device, &info);
	assert_string_equal(info.name, "cpu");
	assert_string_equal(info.isa, "ref");
	assert_true(info.is_cpu);
	assert_int_equal(info.threads, 3);
	qaccel_device_close(device);
	qaccel_device_close(NULL);
}

static void refuse(const struct qaccel_device_options *options,
		   const char *name, int code)
{
	struct qaccel_device *device = NULL;

	assert_int_equal(qaccel_device_open(options, name, &device), code);
	assert_null(device);
}

static void test_device_refused(void **state)
{
	struct qaccel_device_options options = { .isa = "z80" };

	(void)state;
	refuse(&options, "cpu", -EINVAL);
	options = (struct qaccel_device_options) { .threads = 100000 };
	refuse(&options, "cpu", -EINVAL);
	options = (struct qaccel_device_options) { .reserved = { [5] = 1 } };
	refuse(&options, "cpu", -EINVAL);
	refuse(NULL, "/no/such/node", -ENOENT);
	refuse(NULL, "/dev/null", -ENODEV);
}

static void test_environment(void **state)
{
	struct qaccel_device_info info;
	struct qaccel_device *device = NULL;

	(void)state;
	setenv("QACCEL_DEVICE", "cpu", 1);
	setenv("QACCEL_THREADS", "2", 1);
	setenv("QACCEL_ISA", "ref", 1);
	assert_int_equal(qaccel_device_open(NULL, "auto", &device), 0);
	qaccel_device_get_info(device, &info);
	qaccel_device_close(device);
	assert_int_equal(info.threads, 2);
	assert_string_equal(info.isa, "ref");
	device = NULL;
	setenv("QACCEL_THREADS", "2x", 1);
	refuse(NULL, NULL, -EINVAL);
	setenv("QACCEL_THREADS", "0", 1);
	refuse(NULL, NULL, -EINVAL);
	unsetenv("QACCEL_THREADS");
	setenv("QACCEL_ISA", "none", 1);
	refuse(NULL, NULL, -EINVAL);
	unsetenv("QACCEL_ISA");
	setenv("QACCEL_DEVICE", "/dev/null", 1);
	refuse(NULL, NULL, -ENODEV);
	unsetenv("QACCEL_DEVICE");
}

static void test_states(void **state)
{
	struct qaccel_device *device = open_cpu(1);
	struct qaccel_model *model = random_model(1);
	struct qaccel_session *s = create(device, model);
	int fd;

	(void)state;
	/* A session keeps what it needs. */
	qaccel_device_close(device);
	qaccel_model_destroy(model);
	assert_int_equal(qaccel_session_wait(s, 0), -EINVAL);
	assert_int_equal(qaccel_session_start(s), 0);
	assert_int_equal(qaccel_session_start(s), -EBUSY);
	assert_int_equal(qaccel_session_wait(s, -1), 0);
	assert_int_equal(qaccel_session_wait(s, -1), -EINVAL);
	assert_int_equal(qaccel_session_fence(s, &fd), -EOPNOTSUPP);
	assert_int_equal(qaccel_session_run(s), 0);
	qaccel_session_destroy(s);
	qaccel_session_destroy(NULL);
}

static void test_options(void **state)
{
	struct qaccel_session_options options = { .pad = { [5] = 1 } };
	struct qaccel_device *device = open_cpu(1);
	struct qaccel_model *model = random_model(1);
	struct qaccel_session *s = NULL;

	(void)state;
	assert_int_equal(qaccel_session_create(device, model, &options, &s),
			 -EINVAL);
	options = (struct qaccel_session_options) { .reserved = { [6] = 1 } };
	assert_int_equal(qaccel_session_create(device, model, &options, &s),
			 -EINVAL);
	assert_null(s);
	qaccel_device_close(device);
	qaccel_model_destroy(model);
}

static void test_tensors(void **state)
{
	struct qaccel_session_options options = { .keep_tensors = true };
	struct qaccel_device *device = open_cpu(1);
	struct qaccel_model *model = random_model(1);
	struct qaccel_session *fused = create(device, model), *kept = NULL;
	struct qaccel_tensor_info in, out;
	struct qaccel_op_info op;

	(void)state;
	assert_int_equal(qaccel_session_create(device, model, &options, &kept),
			 0);
	assert_int_equal(qaccel_model_input(model, 0, &in), 0);
	assert_int_equal(qaccel_model_output(model, 0, &out), 0);
	assert_null(qaccel_session_input(fused, 1));
	assert_null(qaccel_session_output(fused, 1000));
	assert_null(qaccel_session_tensor(fused, 100000));
	assert_ptr_equal(qaccel_session_tensor(fused, in.index),
			 qaccel_session_input(fused, 0));
	assert_ptr_equal(qaccel_session_tensor(fused, out.index),
			 qaccel_session_output(fused, 0));
	for (uint32_t i = 0; !qaccel_model_op(model, i, &op); i++)
		assert_non_null(qaccel_session_tensor(kept,
						      (uint32_t)op.outputs[0]));
	qaccel_session_destroy(fused);
	qaccel_session_destroy(kept);
	qaccel_device_close(device);
	qaccel_model_destroy(model);
}

static void check_op_stats(struct qaccel_session *s)
{
	uint32_t commands = qaccel_session_num_commands(s);
	struct qaccel_run_stats run;
	uint64_t macs = 0, read = 0;

	for (uint32_t i = 0; i < commands; i++) {
		struct qaccel_op_stats op;

		assert_int_equal(qaccel_session_op_stats(s, i, &op), 0);
		assert_non_null(op.command);
		macs += op.macs;
		read += op.bytes_read;
	}
	qaccel_session_stats(s, &run);
	assert_int_equal(run.macs, macs);
	assert_int_equal(run.bytes_read, read);
	assert_int_equal(run.commands, commands);
	assert_true(run.elapsed_ns > 0);
}

static void test_stats(void **state)
{
	struct qaccel_session_options options = { .profile = true };
	struct qaccel_device *device = open_cpu(2);
	struct qaccel_model *model = random_model(1);
	struct qaccel_session *plain = create(device, model), *s = NULL;
	struct qaccel_counters counters;
	struct qaccel_op_stats op;

	(void)state;
	assert_int_equal(qaccel_session_create(device, model, &options, &s), 0);
	assert_int_equal(qaccel_session_op_stats(s, 0, &op), -EINVAL);
	assert_int_equal(qaccel_session_run(s), 0);
	check_op_stats(s);
	assert_int_equal(qaccel_session_op_stats(s, 1000, &op), -ERANGE);
	assert_int_equal(qaccel_session_run(plain), 0);
	assert_int_equal(qaccel_session_op_stats(plain, 0, &op), -EINVAL);
	assert_int_equal(qaccel_device_get_counters(device, &counters), 0);
	assert_int_equal(counters.jobs, 2);
	assert_int_equal(counters.commands,
			 2 * qaccel_session_num_commands(s));
	qaccel_session_destroy(s);
	qaccel_session_destroy(plain);
	qaccel_device_close(device);
	qaccel_model_destroy(model);
}

static void check_same(struct qaccel_model *model, struct qaccel_session *a,
		       struct qaccel_session *b)
{
	struct qaccel_tensor_info info;

	for (uint32_t i = 0; !qaccel_model_output(model, i, &info); i++)
		assert_memory_equal(qaccel_session_output(a, i),
				    qaccel_session_output(b, i), info.size);
}

static void test_thread_counts(void **state)
{
	struct qaccel_device *device = open_cpu(1);
	struct qaccel_model *model = random_model(2);
	struct qaccel_session *first = create(device, model);

	(void)state;
	assert_int_equal(qaccel_session_run(first), 0);
	for (uint32_t threads = 2; threads <= 8; threads++) {
		struct qaccel_device *other = open_cpu(threads);
		struct qaccel_session *s = create(other, model);

		for (int i = 0; i < 5; i++) {
			assert_int_equal(qaccel_session_run(s), 0);
			check_same(model, first, s);
		}
		qaccel_session_destroy(s);
		qaccel_device_close(other);
	}
	qaccel_session_destroy(first);
	qaccel_device_close(device);
	qaccel_model_destroy(model);
}

static void *run_often(void *opaque)
{
	struct qaccel_session *s = opaque;

	for (int i = 0; i < 50; i++)
		if (qaccel_session_run(s))
			return (void *)qaccel_last_error();
	return NULL;
}

/* One device and one model, a thread for each session. */
static void test_concurrent(void **state)
{
	struct qaccel_device *device = open_cpu(2);
	struct qaccel_model *model = random_model(3);
	struct qaccel_session *s[4];
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		s[i] = create(device, model);
		assert_int_equal(pthread_create(&threads[i], NULL, run_often,
						s[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		void *failure;

		pthread_join(threads[i], &failure);
		assert_null(failure);
		check_same(model, s[0], s[i]);
	}
	for (int i = 0; i < 4; i++)
		qaccel_session_destroy(s[i]);
	qaccel_device_close(device);
	qaccel_model_destroy(model);
}

static void test_no_allocation(void **state)
{
	struct qaccel_device *device = open_cpu(1);
	struct qaccel_model *model = random_model(4);
	struct qaccel_session *s = create(device, model);

	(void)state;
	/* The interpreter makes its scratch memory in the first one. */
	assert_int_equal(qaccel_session_run(s), 0);
	allocations = 0;
	assert_int_equal(qaccel_session_run(s), 0);
	assert_int_equal(allocations, 0);
	qaccel_session_destroy(s);
	qaccel_device_close(device);
	qaccel_model_destroy(model);
}

/* Every allocation fails once; nothing leaks or breaks (see the sanitizers). */
static void test_out_of_memory(void **state)
{
	struct qaccel_device_options options = { .threads = 1 };
	struct qaccel_session_options profile = { .profile = true };
	struct qaccel_model *model = random_model(5);
	int ret = -ENOMEM;

	(void)state;
	for (long n = 0; ret; n++) {
		struct qaccel_device *device = NULL;
		struct qaccel_session *s = NULL;

		allowed = n;
		ret = qaccel_device_open(&options, "cpu", &device);
		if (!ret)
			ret = qaccel_session_create(device, model, &profile,
						    &s);
		allowed = -1;
		assert_true(!ret || ret == -ENOMEM);
		assert_true(n < 1000);
		qaccel_session_destroy(s);
		qaccel_device_close(device);
	}
	qaccel_model_destroy(model);
}

/* The same of the first run; the session lives through it. */
static void test_run_out_of_memory(void **state)
{
	struct qaccel_device *device = open_cpu(1);
	struct qaccel_model *model = random_model(5);
	struct qaccel_session *s = create(device, model);
	int ret = -ENOMEM;

	(void)state;
	for (long n = 0; ret; n++) {
		allowed = n;
		ret = qaccel_session_run(s);
		allowed = -1;
		assert_true(!ret || ret == -ENOMEM);
		assert_true(n < 1000);
	}
	qaccel_session_destroy(s);
	qaccel_device_close(device);
	qaccel_model_destroy(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device),
		cmocka_unit_test(test_device_refused),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_tensors),
		cmocka_unit_test(test_stats),
		cmocka_unit_test(test_thread_counts),
		cmocka_unit_test(test_concurrent),
		cmocka_unit_test(test_no_allocation),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_run_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
