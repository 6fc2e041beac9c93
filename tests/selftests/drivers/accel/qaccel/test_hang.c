// SPDX-License-Identifier: GPL-2.0
/*
 * Jobs that never end: killed after the timeout, their queue banned, and nobody
 * else loses anything
 */
#include <signal.h>

#include "qaccel_test.h"

#define TIMEDOUT	(DRM_QACCEL_QUEUE_STATE_BANNED | DRM_QACCEL_QUEUE_STATE_TIMEDOUT)

FIXTURE(hang)
{
	struct qaccel_ctx c;
	__u32 other;
	__u32 out;
};

FIXTURE_SETUP(hang)
{
	qaccel_setup(&self->c);
	if (self->c.info.job_timeout_ms > 15000)
		SKIP(return, "job_timeout_ms is %u", self->c.info.job_timeout_ms);
	ASSERT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm, DRM_QACCEL_PRIORITY_NORMAL,
					 &self->other));
	ASSERT_EQ(0, qaccel_syncobj_create(self->c.fd, &self->out));
	/* Commands 0 and 1 hang. */
	qaccel_ctx_tagged(&self->c, 0, QACCEL_TAG_HANG);
}

FIXTURE_TEARDOWN(hang)
{
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->other));
	qaccel_ctx_fini(&self->c);
}

/* Waits for self->out: the fence must have the error, unless there is no tag. */
#define EXPECT_HANG(out) do {									\
	int __status;										\
												\
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, out, qaccel_patience()));			\
	__status = qaccel_syncobj_status(self->c.fd, out);					\
	if (__status == FENCE_SIGNALED)								\
		SKIP(return, "the device has no x-hang-tag");					\
	EXPECT_EQ(-ETIME, __status);								\
} while (0)

TEST_F(hang, is_killed_and_reported)
{
	struct drm_qaccel_queue_get_state state;
	struct drm_qaccel_dev_counters before, after;

	ASSERT_EQ(0, qaccel_counters(self->c.fd, &before));
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 2, 0, self->out));
	EXPECT_HANG(self->out);
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->c.queue, &state));
	EXPECT_EQ(TIMEDOUT, state.state);
	EXPECT_EQ(QACCEL_ERR_ABORTED, state.fault_status);
	EXPECT_EQ(1, state.fault_job);
	EXPECT_EQ(0, state.fault_cmd);
	EXPECT_EQ(1, state.jobs_completed);
	EXPECT_EQ(-ECANCELED, qaccel_ctx_submit(&self->c, self->c.queue, 2, 0, 0));
	ASSERT_EQ(0, qaccel_counters(self->c.fd, &after));
	EXPECT_LT(before.resets, after.resets);
}

TEST_F(hang, says_in_which_command)
{
	struct drm_qaccel_queue_get_state state;
	int i;

	for (i = 0; i < 3; i++)
		qaccel_cmd_copy(&self->c.cmds[i], self->c.dst_va, self->c.src_va, 64);
	qaccel_ctx_tagged(&self->c, 3, QACCEL_TAG_HANG);
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 5, 0, self->out));
	EXPECT_HANG(self->out);
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->c.queue, &state));
	EXPECT_EQ(3, state.fault_cmd);
}

TEST_F(hang, not_before_the_timeout)
{
	__s64 start = qaccel_now();

	/*
	 * Later is a slow machine, but earlier is wrong; except that the kernel
	 * counts in ticks, which may come in a bunch when the CPU is emulated.
	 */
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 2, 0, self->out));
	EXPECT_HANG(self->out);
	EXPECT_GE(qaccel_now() - start, self->c.info.job_timeout_ms * 500000ll);
}

TEST_F(hang, next_job_of_another_queue_completes)
{
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 2, 0, self->out));
	/* On this engine it waits for the reset, on another it does not. */
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->other));
	EXPECT_HANG(self->out);
}

TEST_F(hang, jobs_behind_it_are_cancelled)
{
	struct drm_qaccel_queue_get_state state;
	__u32 out[5], i;

	memset(self->c.dst, 0, 64);
	memset(self->c.src, 0xee, 64);
	qaccel_ctx_tagged(&self->c, 2, 0);
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 2, 0, self->out));
	for (i = 0; i < ARRAY_SIZE(out); i++) {
		ASSERT_EQ(0, qaccel_syncobj_create(self->c.fd, &out[i]));
		ASSERT_EQ(0, qaccel_ctx_submit_at(&self->c, self->c.queue, 2, 2, 0, out[i]));
	}
	EXPECT_HANG(self->out);
	for (i = 0; i < ARRAY_SIZE(out); i++) {
		ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, out[i], qaccel_patience()));
		EXPECT_EQ(-ECANCELED, qaccel_syncobj_status(self->c.fd, out[i]));
	}
	EXPECT_EQ(0, self->c.dst[0]);
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->c.queue, &state));
	EXPECT_EQ(6, state.jobs_submitted);
	EXPECT_EQ(6, state.jobs_completed);
}

TEST_F(hang, innocent_queues_lose_nothing)
{
	struct drm_qaccel_queue_get_state state;
	struct {
		__u32 queue;
		__u32 timeline;
	} q[6];
	unsigned int i, j;

	/* Jobs in front of, beside and behind the one that hangs. */
	for (i = 0; i < ARRAY_SIZE(q); i++) {
		ASSERT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm,
						 DRM_QACCEL_PRIORITY_NORMAL, &q[i].queue));
		ASSERT_EQ(0, qaccel_syncobj_create(self->c.fd, &q[i].timeline));
		qaccel_fill(self->c.src + 4096 + i * 512, 512, 10 + i);
		qaccel_cmd_copy(&self->c.cmds[2 + 2 * i], self->c.dst_va + 4096 + i * 512,
				self->c.src_va + 4096 + i * 512, 512);
		qaccel_cmd_end(&self->c.cmds[3 + 2 * i]);
	}
	memset(self->c.dst, 0, 8192);
	for (j = 0; j < 10; j++) {
		if (j == 3) {
			ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 2, 0, self->out));
		}
		for (i = 0; i < ARRAY_SIZE(q); i++) {
			struct drm_qaccel_job job = {
				.stream_va = self->c.cmds_va + (2 + 2 * i) * QACCEL_CMD_SIZE,
				.stream_size = 2 * QACCEL_CMD_SIZE,
			};
			struct drm_qaccel_sync sync = {
				.flags = DRM_QACCEL_SYNC_SIGNAL | DRM_QACCEL_SYNC_TIMELINE,
				.handle = q[i].timeline,
				.timeline_value = j + 1,
			};

			ASSERT_EQ(0, qaccel_submit(self->c.fd, q[i].queue, &job, 1, &sync, 1));
		}
	}
	for (i = 0; i < ARRAY_SIZE(q); i++) {
		ASSERT_EQ(0, qaccel_timeline_wait(self->c.fd, q[i].timeline, 10,
						  qaccel_patience()));
		ASSERT_EQ(0, qaccel_queue_state(self->c.fd, q[i].queue, &state));
		EXPECT_EQ(0, state.state & DRM_QACCEL_QUEUE_STATE_BANNED);
		EXPECT_EQ(0, state.fault_status);
		EXPECT_EQ(10, state.jobs_completed);
		EXPECT_TRUE(qaccel_filled(self->c.dst + 4096 + i * 512, 512, 10 + i));
	}
	EXPECT_HANG(self->out);
}

TEST_F(hang, fresh_queue_after_it)
{
	__u32 id;

	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 2, 0, self->out));
	EXPECT_HANG(self->out);
	ASSERT_EQ(0, qaccel_queue_destroy(self->c.fd, self->c.queue));
	ASSERT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm, DRM_QACCEL_PRIORITY_NORMAL, &id));
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, id));
}

TEST_F(hang, all_engines_at_once)
{
	__u32 n = self->c.info.num_engines + 1, i;
	struct {
		__u32 queue;
		__u32 out;
	} q[QACCEL_MAX_ENGINES + 1];
	int status;

	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm,
						 DRM_QACCEL_PRIORITY_NORMAL, &q[i].queue));
		ASSERT_EQ(0, qaccel_syncobj_create(self->c.fd, &q[i].out));
		ASSERT_EQ(0, qaccel_ctx_submit(&self->c, q[i].queue, 2, 0, q[i].out));
	}
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, q[i].out, qaccel_patience()));
		status = qaccel_syncobj_status(self->c.fd, q[i].out);
		if (status == FENCE_SIGNALED)
			SKIP(return, "the device has no x-hang-tag");
		EXPECT_EQ(-ETIME, status);
	}
}

TEST_F(hang, queue_destroyed_while_it_hangs)
{
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 2, 0, self->out));
	ASSERT_EQ(0, qaccel_queue_destroy(self->c.fd, self->c.queue));
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, self->out, qaccel_patience()));
	/* It may have been cancelled before it started. */
	EXPECT_NE(FENCE_ACTIVE, qaccel_syncobj_status(self->c.fd, self->out));
}

TEST_F(hang, file_closed_while_it_hangs)
{
	struct qaccel_ctx other;
	int file;
	__u32 out;

	ASSERT_EQ(0, qaccel_ctx_init(&other));
	ASSERT_EQ(0, qaccel_syncobj_create(other.fd, &out));
	qaccel_ctx_tagged(&other, 0, QACCEL_TAG_HANG);
	ASSERT_EQ(0, qaccel_ctx_submit(&other, other.queue, 2, 0, out));
	ASSERT_EQ(0, qaccel_syncobj_export(other.fd, out, &file));
	close(other.fd);
	EXPECT_NE(-ETIMEDOUT, qaccel_sync_file_wait(file));
	munmap(other.bo.map, other.bo.size);
	close(file);
}

TEST_F(hang, unmap_of_what_it_uses)
{
	/* Waits for the command at most, so for the reset at most. */
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 2, 0, self->out));
	EXPECT_EQ(0, qaccel_unmap(self->c.fd, self->c.vm, self->c.va, self->c.bo.size));
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, self->out, qaccel_patience()));
	EXPECT_NE(FENCE_ACTIVE, qaccel_syncobj_status(self->c.fd, self->out));
	ASSERT_EQ(0, qaccel_map(self->c.fd, self->c.vm, self->c.bo.handle, 0, self->c.va,
				self->c.bo.size, 0));
}

TEST_F(hang, process_killed_while_it_hangs)
{
	pid_t pid = fork();

	ASSERT_GE(pid, 0);
	if (!pid) {
		struct qaccel_ctx other;

		if (qaccel_ctx_init(&other))
			_exit(1);
		qaccel_ctx_tagged(&other, 0, QACCEL_TAG_HANG);
		if (qaccel_ctx_submit(&other, other.queue, 2, 0, 0))
			_exit(2);
		raise(SIGKILL);
	}
	EXPECT_EQ(128 + SIGKILL, qaccel_wait_child(pid));
}

TEST_HARNESS_MAIN
