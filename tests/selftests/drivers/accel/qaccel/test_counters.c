// SPDX-License-Identifier: GPL-2.0
/*
 * What a job costs: one doorbell, one interrupt
 *
 * The counters are those of the whole device, so nobody else may use it now.
 */
#include "qaccel_test.h"

FIXTURE(counters)
{
	struct qaccel_ctx c;
	struct drm_qaccel_dev_counters before;
	struct drm_qaccel_dev_counters after;
};

FIXTURE_SETUP(counters)
{
	qaccel_setup(&self->c);
	/* The first job pays for what is set up late. */
	ASSERT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
	ASSERT_EQ(0, qaccel_counters(self->c.fd, &self->before));
}

FIXTURE_TEARDOWN(counters)
{
	qaccel_ctx_fini(&self->c);
}

#define DELTA(name)	(self->after.name - self->before.name)

TEST_F(counters, idle_device_counts_nothing)
{
	ASSERT_EQ(0, qaccel_counters(self->c.fd, &self->after));
	EXPECT_EQ(0, memcmp(&self->before, &self->after, sizeof(self->before)));
}

TEST_F(counters, one_job_one_doorbell_one_interrupt)
{
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, self->c.src_va, 1000);
	qaccel_cmd_end(&self->c.cmds[1]);
	ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 2));
	ASSERT_EQ(0, qaccel_counters(self->c.fd, &self->after));
	EXPECT_EQ(1, DELTA(submits));
	EXPECT_EQ(1, DELTA(doorbells));
	EXPECT_EQ(1, DELTA(irqs));
	EXPECT_EQ(1, DELTA(jobs));
	EXPECT_EQ(2, DELTA(commands));
	EXPECT_EQ(0, DELTA(faults));
	EXPECT_EQ(0, DELTA(resets));
	EXPECT_EQ(1000, DELTA(bytes_written));
	EXPECT_GE(DELTA(bytes_read), 1000);
	EXPECT_LT(0, DELTA(cycles));
	EXPECT_EQ(0, DELTA(macs));
}

TEST_F(counters, many_commands_are_still_one_job)
{
	int i;

	for (i = 0; i < 50; i++)
		qaccel_cmd_copy(&self->c.cmds[i], self->c.dst_va + i * 64, self->c.src_va, 64);
	qaccel_cmd_end(&self->c.cmds[i]);
	ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 51));
	ASSERT_EQ(0, qaccel_counters(self->c.fd, &self->after));
	EXPECT_EQ(1, DELTA(doorbells));
	EXPECT_EQ(1, DELTA(irqs));
	EXPECT_EQ(1, DELTA(jobs));
	EXPECT_EQ(51, DELTA(commands));
}

TEST_F(counters, jobs_one_after_the_other)
{
	int i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
	}
	ASSERT_EQ(0, qaccel_counters(self->c.fd, &self->after));
	EXPECT_EQ(20, DELTA(submits));
	EXPECT_EQ(20, DELTA(doorbells));
	EXPECT_EQ(20, DELTA(irqs));
	EXPECT_EQ(20, DELTA(jobs));
}

TEST_F(counters, macs)
{
	qaccel_cmd_conv1x1(&self->c.cmds[0], self->c.dst_va, self->c.src_va, 100,
			   self->c.params, self->c.params_va);
	qaccel_cmd_end(&self->c.cmds[1]);
	ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 2));
	ASSERT_EQ(0, qaccel_counters(self->c.fd, &self->after));
	EXPECT_EQ(100 * 4 * 16, DELTA(macs));
	EXPECT_EQ(1600, DELTA(bytes_written));
}

TEST_F(counters, failing_job)
{
	__u32 queue;

	ASSERT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm, DRM_QACCEL_PRIORITY_NORMAL,
					 &queue));
	memset(self->c.cmds, 0, QACCEL_CMD_SIZE);
	EXPECT_LT(qaccel_ctx_run(&self->c, queue, 1), 0);
	ASSERT_EQ(0, qaccel_counters(self->c.fd, &self->after));
	EXPECT_EQ(1, DELTA(submits));
	EXPECT_EQ(1, DELTA(jobs));
	EXPECT_EQ(1, DELTA(faults));
	EXPECT_EQ(0, DELTA(resets));
}

TEST_F(counters, refused_submit_does_not_reach_the_device)
{
	EXPECT_EQ(-EINVAL, qaccel_ctx_submit(&self->c, self->c.queue, 0, 0, 0));
	EXPECT_EQ(-ENOENT, qaccel_ctx_submit(&self->c, self->c.queue + 1000, 1, 0, 0));
	ASSERT_EQ(0, qaccel_counters(self->c.fd, &self->after));
	EXPECT_EQ(0, memcmp(&self->before, &self->after, sizeof(self->before)));
}

TEST_F(counters, tlb_serves_repeated_accesses)
{
	int i;

	for (i = 0; i < 50; i++)
		qaccel_cmd_copy(&self->c.cmds[i], self->c.dst_va, self->c.src_va, 64);
	qaccel_cmd_end(&self->c.cmds[i]);
	ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 51));
	ASSERT_EQ(0, qaccel_counters(self->c.fd, &self->after));
	EXPECT_GE(DELTA(tlb_hits), 90);
	EXPECT_LE(DELTA(tlb_misses), 10);
}

TEST_F(counters, resets_are_counted)
{
	qaccel_ctx_tagged(&self->c, 0, QACCEL_TAG_HANG);
	if (qaccel_ctx_run(&self->c, self->c.queue, 2) == FENCE_SIGNALED)
		SKIP(return, "the device has no x-hang-tag");
	ASSERT_EQ(0, qaccel_counters(self->c.fd, &self->after));
	EXPECT_EQ(1, DELTA(resets));
}

TEST_HARNESS_MAIN
