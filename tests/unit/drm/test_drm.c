// SPDX-License-Identifier: MIT
/* What the drm backend asks of the driver, and what it makes of the answers. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fake_driver.h"
#include "graphs.h"

struct context {
	struct qaccel_device *device;
	struct qaccel_model *model;
	struct qaccel_session *session;
};

static void begin(struct context *c, bool profile)
{
	struct qaccel_session_options options = { .profile = profile };
	struct random r = { 4 };

	fake_driver_reset();
	c->device = NULL;
	c->session = NULL;
	c->model = random_model(6);
	assert_int_equal(qaccel_device_open(NULL, FAKE_NODE, &c->device), 0);
	assert_int_equal(qaccel_session_create(c->device, c->model, &options,
					       &c->session), 0);
	random_fill(&r, qaccel_session_input(c->session, 0), 8 * 8 * 4);
}

static void end(struct context *c)
{
	fake.fail_request = 0;
	qaccel_session_destroy(c->session);
	qaccel_device_close(c->device);
	qaccel_model_destroy(c->model);
	assert_int_equal(fake.vms, 0);
	assert_int_equal(fake.queues, 0);
	assert_int_equal(fake.syncobjs, 0);
	assert_int_equal(fake.buffers, 0);
}

static void says(const char *text)
{
	if (!strstr(qaccel_last_error(), text))
		fail_msg("\"%s\" does not say \"%s\"", qaccel_last_error(),
			 text);
}

/* The same bytes as on the CPU, with SUBMIT, a wait and QUEUE_GET_STATE a run. */
static void test_run(void **state)
{
	struct qaccel_device *cpu = open_cpu(1);
	struct qaccel_session *other = NULL;
	struct qaccel_tensor_info info;
	struct context c;

	(void)state;
	begin(&c, false);
	assert_int_equal(qaccel_session_create(cpu, c.model, NULL, &other), 0);
	memcpy(qaccel_session_input(other, 0),
	       qaccel_session_input(c.session, 0), 8 * 8 * 4);
	assert_int_equal(qaccel_session_run(other), 0);
	fake.ioctls = 0;
	assert_int_equal(qaccel_session_run(c.session), 0);
	assert_int_equal(fake.ioctls, 2);
	for (uint32_t i = 0; !qaccel_model_output(c.model, i, &info); i++)
		assert_memory_equal(qaccel_session_output(c.session, i),
				    qaccel_session_output(other, i), info.size);
	qaccel_session_destroy(other);
	qaccel_device_close(cpu);
	end(&c);
}

static void test_info(void **state)
{
	struct qaccel_counters counters;
	struct qaccel_device_info info;
	struct context c;

	(void)state;
	begin(&c, false);
	qaccel_device_get_info(c.device, &info);
	assert_string_equal(info.name, FAKE_NODE);
	assert_false(info.is_cpu);
	assert_int_equal(info.engines, 2);
	assert_int_equal(info.local_mem, 64 << 20);
	assert_int_equal(qaccel_session_run(c.session), 0);
	assert_int_equal(qaccel_device_get_counters(c.device, &counters), 0);
	assert_int_equal(counters.submits, 1);
	assert_int_equal(counters.interrupts, 5);
	end(&c);
}

static void test_stats(void **state)
{
	struct qaccel_run_stats first, second;
	struct qaccel_op_stats op;
	struct context c;
	uint64_t macs = 0;

	(void)state;
	begin(&c, true);
	assert_int_equal(qaccel_session_run(c.session), 0);
	qaccel_session_stats(c.session, &first);
	assert_int_equal(qaccel_session_run(c.session), 0);
	qaccel_session_stats(c.session, &second);
	assert_int_equal(first.cycles, second.cycles);
	assert_int_equal(first.macs, second.macs);
	assert_true(second.compute_cycles > 0 && second.dma_cycles > 0);
	assert_true(second.utilization > 0 && second.utilization <= 1);
	for (uint32_t i = 0; !qaccel_session_op_stats(c.session, i, &op); i++)
		macs += op.macs;
	assert_int_equal(second.macs, macs);
	end(&c);
}

static void test_start_and_wait(void **state)
{
	struct context c;
	int fd = -1;

	(void)state;
	begin(&c, false);
	assert_int_equal(qaccel_session_fence(c.session, &fd), -EINVAL);
	fake.never_ends = true;
	assert_int_equal(qaccel_session_start(c.session), 0);
	assert_int_equal(qaccel_session_start(c.session), -EBUSY);
	assert_int_equal(qaccel_session_fence(c.session, &fd), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(qaccel_session_wait(c.session, 0), -EAGAIN);
	assert_int_equal(qaccel_session_wait(c.session, 1000), -EAGAIN);
	fake.never_ends = false;
	assert_int_equal(qaccel_session_wait(c.session, 0), 0);
	assert_int_equal(qaccel_session_start(c.session), 0);
	/* Destroyed while it runs. */
	end(&c);
}

/* What the driver says of a job that failed, and what becomes of the session. */
static void check_verdict(const struct drm_qaccel_queue_get_state *verdict,
			  int code, const char *text)
{
	struct context c;

	begin(&c, false);
	fake.verdict = *verdict;
	assert_int_equal(qaccel_session_run(c.session), code);
	says(text);
	assert_int_equal(qaccel_session_run(c.session), -ECANCELED);
	end(&c);
}

static void test_verdicts(void **state)
{
	struct drm_qaccel_queue_get_state verdict = {
		.state = DRM_QACCEL_QUEUE_STATE_BANNED,
		.fault_status = QACCEL_ERR_PERMISSION,
		.fault_access = QACCEL_ACCESS_WRITE,
		.fault_va = 0x1000000040,
		.fault_cmd = 1,
	};

	(void)state;
	check_verdict(&verdict, -EIO, "command 1 (operator ");
	check_verdict(&verdict, -EIO,
		      "access not allowed, writing at address 0x1000000040");
	verdict.fault_access = 0;
	verdict.fault_status = 255;
	check_verdict(&verdict, -EIO, "unknown error");
	verdict.fault_cmd = 100000;
	check_verdict(&verdict, -EIO, "command 100000: ");
	verdict.state |= DRM_QACCEL_QUEUE_STATE_TIMEDOUT;
	check_verdict(&verdict, -ETIME, "made no progress");
	verdict.state = DRM_QACCEL_QUEUE_STATE_BANNED |
			DRM_QACCEL_QUEUE_STATE_INNOCENT;
	check_verdict(&verdict, -EIO, "another one caused");
}

/* Each ioctl of a session's creation fails once, and nothing is left. */
static void test_create_fails(void **state)
{
	static const unsigned long requests[] = {
		DRM_IOCTL_QACCEL_BO_CREATE, DRM_IOCTL_QACCEL_BO_MMAP_OFFSET,
		DRM_IOCTL_QACCEL_VM_CREATE, DRM_IOCTL_QACCEL_VM_BIND,
		DRM_IOCTL_QACCEL_QUEUE_CREATE,
	};
	struct qaccel_session *s = NULL;
	struct context c;

	(void)state;
	begin(&c, false);
	qaccel_session_destroy(c.session);
	c.session = NULL;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		fake.fail_request = requests[i];
		fake.fail_errno = ENODEV;
		assert_int_equal(qaccel_session_create(c.device, c.model, NULL,
						       &s), -ENODEV);
		fake.fail_errno = EINVAL;
		assert_int_equal(qaccel_session_create(c.device, c.model, NULL,
						       &s), -EIO);
		assert_null(s);
		assert_int_equal(fake.buffers + fake.vms + fake.queues +
				 fake.syncobjs, 0);
	}
	end(&c);
}

static void test_gone(void **state)
{
	struct qaccel_counters counters;
	struct context c;

	(void)state;
	begin(&c, false);
	fake.fail_errno = ENODEV;
	fake.fail_request = DRM_IOCTL_QACCEL_DEV_QUERY;
	assert_int_equal(qaccel_device_get_counters(c.device, &counters),
			 -ENODEV);
	fake.fail_request = DRM_IOCTL_QACCEL_QUEUE_GET_STATE;
	assert_int_equal(qaccel_session_run(c.session), -ENODEV);
	says("the device is gone");
	end(&c);
	begin(&c, false);
	fake.fail_errno = ENODEV;
	fake.fail_request = DRM_IOCTL_QACCEL_SUBMIT;
	assert_int_equal(qaccel_session_run(c.session), -ENODEV);
	end(&c);
}

static void refuse(int code)
{
	struct qaccel_device *device = NULL;

	assert_int_equal(qaccel_device_open(NULL, FAKE_NODE, &device), code);
	assert_null(device);
}

static void test_open_refused(void **state)
{
	(void)state;
	fake_driver_reset();
	fake.name = "i915";
	refuse(-ENODEV);
	fake_driver_reset();
	fake.info.hw_version = (QACCEL_HW_VERSION_MAJOR + 1) << 16;
	refuse(-EPROTO);
	fake_driver_reset();
	fake.info.va_end = QACCEL_PERF_VA;
	refuse(-EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_stats),
		cmocka_unit_test(test_start_and_wait),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_create_fails),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_open_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
