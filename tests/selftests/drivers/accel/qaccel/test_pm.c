// SPDX-License-Identifier: GPL-2.0
/* The device sleeps: runtime PM when it is idle, and system sleep under load */
#include <limits.h>
#include <sys/sysmacros.h>

#include "qaccel_test.h"

FIXTURE(pm)
{
	struct qaccel_ctx c;
	char power[PATH_MAX];
	char control[32];
};

static int read_file(const char *dir, const char *name, char *text, size_t size)
{
	char path[PATH_MAX + 64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	close(fd);
	if (n < 0)
		return -errno;
	text[n] = 0;
	return 0;
}

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX + 64];
	int fd, ret = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

FIXTURE_SETUP(pm)
{
	char path[64];
	struct stat st;

	qaccel_setup(&self->c);
	ASSERT_EQ(0, fstat(self->c.fd, &st));
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device/power", major(st.st_rdev),
		 minor(st.st_rdev));
	ASSERT_NE(NULL, realpath(path, self->power));
	/* PCI leaves it to user space whether a device may sleep. */
	ASSERT_EQ(0, read_file(self->power, "control", self->control, sizeof(self->control)));
	if (write_file(self->power, "control", "auto"))
		SKIP(return, "needs root");
}

FIXTURE_TEARDOWN(pm)
{
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
	qaccel_ctx_fini(&self->c);
	write_file(self->power, "control", self->control);
}

static bool is_suspended(const char *power)
{
	char text[32] = "";

	return !read_file(power, "runtime_status", text, sizeof(text)) &&
	       !strncmp(text, "suspended", 9);
}

/* Idle for long enough. False if it never sleeps. */
static bool wait_suspended(const char *power)
{
	const __s64 deadline = qaccel_now() + 20 * 1000000000ll;

	while (!is_suspended(power)) {
		if (qaccel_now() > deadline)
			return false;
		usleep(50000);
	}
	return true;
}

#define wait_suspended_or_skip(power) do { \
	if (!wait_suspended(power)) \
		SKIP(return, "the device does not runtime suspend"); \
} while (0)

TEST_F(pm, job_wakes_the_device)
{
	int i;

	for (i = 0; i < 3; i++) {
		wait_suspended_or_skip(self->power);
		EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
	}
}

TEST_F(pm, awake_while_a_job_waits_or_runs)
{
	struct qaccel_gate gate;

	qaccel_gate_or_skip(&gate, self->c.fd);
	wait_suspended_or_skip(self->power);
	qaccel_ctx_tagged(&self->c, 0, QACCEL_TAG_SLOW);
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 2, gate.syncobj, 0));
	/* Longer than the delay of autosuspend. */
	usleep(2000000);
	EXPECT_FALSE(is_suspended(self->power));
	ASSERT_EQ(0, qaccel_gate_open(&gate));
	EXPECT_EQ(0, qaccel_bo_wait(self->c.fd, self->c.bo.handle, qaccel_patience()));
	qaccel_gate_fini(&gate, self->c.fd);
	EXPECT_TRUE(wait_suspended(self->power));
}

TEST_F(pm, bindings_change_while_it_sleeps)
{
	const __u64 va = self->c.free_va;
	struct qaccel_bo bo[2];
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, qaccel_bo_init(&bo[i], self->c.fd, 4096, 0));
		qaccel_fill(bo[i].map, 4096, i);
	}
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, va, 4096);
	qaccel_cmd_end(&self->c.cmds[1]);
	ASSERT_EQ(0, qaccel_map(self->c.fd, self->c.vm, bo[0].handle, 0, va, 4096, 0));
	/* The device has the translation when it falls asleep. */
	ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 2));
	EXPECT_TRUE(qaccel_filled(self->c.dst, 4096, 0));
	wait_suspended_or_skip(self->power);
	ASSERT_EQ(0, qaccel_unmap(self->c.fd, self->c.vm, va, 4096));
	ASSERT_EQ(0, qaccel_map(self->c.fd, self->c.vm, bo[1].handle, 0, va, 4096, 0));
	qaccel_bo_fini(&bo[0]);
	ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 2));
	EXPECT_TRUE(qaccel_filled(self->c.dst, 4096, 1));
	qaccel_bo_fini(&bo[1]);
}

TEST_F(pm, counters_survive_runtime_suspend)
{
	struct drm_qaccel_dev_counters before, after;

	ASSERT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
	ASSERT_EQ(0, qaccel_counters(self->c.fd, &before));
	wait_suspended_or_skip(self->power);
	ASSERT_EQ(0, qaccel_counters(self->c.fd, &after));
	EXPECT_EQ(before.jobs, after.jobs);
	EXPECT_EQ(before.submits, after.submits);
	EXPECT_EQ(before.irqs, after.irqs);
}

TEST_F(pm, files_come_and_go_while_it_sleeps)
{
	struct qaccel_ctx other;

	wait_suspended_or_skip(self->power);
	ASSERT_EQ(0, qaccel_ctx_init(&other));
	qaccel_ctx_fini(&other);
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
}

/* 9p over virtio does not survive the sleep of its device, nor who waits for it. */
static bool has_9p(void)
{
	char text[4096] = "";

	return !read_file("/proc", "mounts", text, sizeof(text)) && strstr(text, " 9p ");
}

/*
 * Suspends devices, and wakes them at once: the machine itself stays awake. 1:
 * the machine cannot.
 */
static int sleep_and_wake(void)
{
	int ret;

	if (geteuid() || has_9p() || write_file("/sys/power", "pm_test", "devices"))
		return 1;
	write_file("/sys/module/suspend/parameters", "pm_test_delay", "0");
	ret = write_file("/sys/power", "state", "mem");
	write_file("/sys/power", "pm_test", "none");
	return ret;
}

#define sleep_or_skip(expected) do { \
	int __ret = sleep_and_wake(); \
	if (__ret == 1) \
		SKIP(return, "no pm_test in this kernel, or 9p is mounted"); \
	EXPECT_EQ(expected, __ret); \
} while (0)

TEST_F(pm, system_sleep_when_idle)
{
	sleep_or_skip(0);
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
	sleep_or_skip(0);
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
}

TEST_F(pm, system_sleep_when_runtime_suspended)
{
	wait_suspended_or_skip(self->power);
	sleep_or_skip(0);
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
}

TEST_F(pm, system_sleep_with_jobs_in_flight)
{
	struct drm_qaccel_queue_get_state state;
	__u32 out, i;

	/* Those that run end first, the others run afterwards: none is lost. */
	ASSERT_EQ(0, qaccel_syncobj_create(self->c.fd, &out));
	qaccel_ctx_tagged(&self->c, 0, QACCEL_TAG_SLOW);
	for (i = 0; i < 6; i++) {
		ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 2, 0, out));
	}
	sleep_or_skip(0);
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, out, qaccel_patience()));
	EXPECT_EQ(FENCE_SIGNALED, qaccel_syncobj_status(self->c.fd, out));
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->c.queue, &state));
	EXPECT_EQ(0, state.state);
	EXPECT_EQ(6, state.jobs_completed);
}

TEST_F(pm, system_sleep_with_a_job_that_hangs)
{
	__u32 queue, out;
	int ret;

	ASSERT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm, DRM_QACCEL_PRIORITY_NORMAL,
					 &queue));
	ASSERT_EQ(0, qaccel_syncobj_create(self->c.fd, &out));
	qaccel_ctx_tagged(&self->c, 0, QACCEL_TAG_HANG);
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, queue, 2, 0, out));
	/* It goes to sleep without the job, or not at all. */
	ret = sleep_and_wake();
	/* In any case: its reset must not fall into another test. */
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, out, qaccel_patience()));
	if (ret == 1)
		SKIP(return, "no pm_test in this kernel, or 9p is mounted");
	EXPECT_TRUE(ret == 0 || ret == -EBUSY);
	EXPECT_NE(FENCE_ACTIVE, qaccel_syncobj_status(self->c.fd, out));
}

TEST_HARNESS_MAIN
