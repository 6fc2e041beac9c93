// SPDX-License-Identifier: GPL-2.0
/* QUEUE_CREATE, QUEUE_DESTROY and QUEUE_GET_STATE */
#include <linux/capability.h>

#include "qaccel_test.h"

FIXTURE(queue)
{
	struct qaccel_ctx c;
};

FIXTURE_SETUP(queue)
{
	qaccel_setup(&self->c);
}

FIXTURE_TEARDOWN(queue)
{
	qaccel_ctx_fini(&self->c);
}

TEST_F(queue, create_unknown_vm)
{
	__u32 id;

	EXPECT_EQ(-ENOENT, qaccel_queue_create(self->c.fd, 0, DRM_QACCEL_PRIORITY_NORMAL, &id));
	EXPECT_EQ(-ENOENT, qaccel_queue_create(self->c.fd, self->c.vm + 1000,
					       DRM_QACCEL_PRIORITY_NORMAL, &id));
}

TEST_F(queue, create_flags)
{
	struct drm_qaccel_queue_create args = {
		.vm_id = self->c.vm,
		.priority = DRM_QACCEL_PRIORITY_NORMAL,
		.flags = 1,
	};

	EXPECT_EQ(-EINVAL, qaccel_ioctl(self->c.fd, DRM_IOCTL_QACCEL_QUEUE_CREATE, &args));
}

TEST_F(queue, create_unknown_priority)
{
	__u32 id;

	EXPECT_EQ(-EINVAL, qaccel_queue_create(self->c.fd, self->c.vm,
					       DRM_QACCEL_PRIORITY_HIGH + 1, &id));
	EXPECT_EQ(-EINVAL, qaccel_queue_create(self->c.fd, self->c.vm, ~0u, &id));
}

TEST_F(queue, create_ids_of_their_own)
{
	__u32 first, second;

	ASSERT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm, DRM_QACCEL_PRIORITY_LOW, &first));
	ASSERT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm, DRM_QACCEL_PRIORITY_LOW,
					 &second));
	EXPECT_NE(0, first);
	EXPECT_NE(0, second);
	EXPECT_NE(first, second);
	EXPECT_NE(first, self->c.queue);
}

TEST_F(queue, each_priority_runs_jobs)
{
	__u32 id, prio;

	for (prio = DRM_QACCEL_PRIORITY_LOW; prio <= DRM_QACCEL_PRIORITY_HIGH; prio++) {
		int ret = qaccel_queue_create(self->c.fd, self->c.vm, prio, &id);

		if (ret == -EACCES && prio == DRM_QACCEL_PRIORITY_HIGH)
			SKIP(return, "no CAP_SYS_NICE for HIGH");
		ASSERT_EQ(0, ret);
		EXPECT_EQ(0, qaccel_ctx_check(&self->c, id));
		EXPECT_EQ(0, qaccel_queue_destroy(self->c.fd, id));
	}
}

TEST_F(queue, high_priority_without_the_capability)
{
	__u32 id;

	ASSERT_EQ(0, qaccel_drop_cap(CAP_SYS_NICE));
	EXPECT_EQ(-EACCES, qaccel_queue_create(self->c.fd, self->c.vm, DRM_QACCEL_PRIORITY_HIGH,
					       &id));
	EXPECT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm, DRM_QACCEL_PRIORITY_NORMAL, &id));
	EXPECT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm, DRM_QACCEL_PRIORITY_LOW, &id));
}

TEST_F_TIMEOUT(queue, create_too_many, 300)
{
	int ret = 0;
	__u32 id, n;

	for (n = 0; !ret && n < 100000; n++)
		ret = qaccel_queue_create(self->c.fd, self->c.vm, DRM_QACCEL_PRIORITY_NORMAL, &id);
	EXPECT_EQ(-ENOSPC, ret);
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
}

TEST_F(queue, more_queues_than_the_hardware_has)
{
	__u32 ids[QACCEL_MAX_QUEUES + 4], i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		ASSERT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm,
						 DRM_QACCEL_PRIORITY_NORMAL, &ids[i]));
	}
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		ASSERT_EQ(0, qaccel_ctx_check(&self->c, ids[i]));
	}
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		ASSERT_EQ(0, qaccel_queue_destroy(self->c.fd, ids[i]));
	}
}

TEST_F(queue, destroy_unknown)
{
	EXPECT_EQ(-ENOENT, qaccel_queue_destroy(self->c.fd, 0));
	EXPECT_EQ(-ENOENT, qaccel_queue_destroy(self->c.fd, self->c.queue + 1000));
}

TEST_F(queue, destroy_pad)
{
	struct drm_qaccel_queue_destroy args = { .id = self->c.queue, .pad = 1 };

	EXPECT_EQ(-EINVAL, qaccel_ioctl(self->c.fd, DRM_IOCTL_QACCEL_QUEUE_DESTROY, &args));
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
}

TEST_F(queue, destroy_twice)
{
	__u32 id;

	ASSERT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm, DRM_QACCEL_PRIORITY_LOW, &id));
	EXPECT_EQ(0, qaccel_queue_destroy(self->c.fd, id));
	EXPECT_EQ(-ENOENT, qaccel_queue_destroy(self->c.fd, id));
}

TEST_F(queue, destroy_of_another_file)
{
	int fd = qaccel_open();

	ASSERT_GE(fd, 0);
	EXPECT_EQ(-ENOENT, qaccel_queue_destroy(fd, self->c.queue));
	close(fd);
}

TEST_F(queue, destroy_cancels_what_has_not_started)
{
	struct qaccel_gate gate;
	__u32 id, out[3], i;

	qaccel_gate_or_skip(&gate, self->c.fd);
	ASSERT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm, DRM_QACCEL_PRIORITY_NORMAL, &id));
	memset(self->c.dst, 0, 64);
	qaccel_fill(self->c.src, 64, 1);
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, self->c.src_va, 64);
	qaccel_cmd_end(&self->c.cmds[1]);
	for (i = 0; i < ARRAY_SIZE(out); i++) {
		ASSERT_EQ(0, qaccel_syncobj_create(self->c.fd, &out[i]));
		ASSERT_EQ(0, qaccel_ctx_submit(&self->c, id, 2, gate.syncobj, out[i]));
		ASSERT_EQ(FENCE_ACTIVE, qaccel_syncobj_status(self->c.fd, out[i]));
	}
	ASSERT_EQ(0, qaccel_queue_destroy(self->c.fd, id));
	/* The gate may have to open for the kernel to let go of them. */
	ASSERT_EQ(0, qaccel_gate_open(&gate));
	for (i = 0; i < ARRAY_SIZE(out); i++) {
		ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, out[i], qaccel_patience()));
		EXPECT_EQ(-ECANCELED, qaccel_syncobj_status(self->c.fd, out[i]));
	}
	EXPECT_FALSE(qaccel_filled(self->c.dst, 64, 1));
	qaccel_gate_fini(&gate, self->c.fd);
}

TEST_F(queue, destroy_leaves_the_running_job_to_end)
{
	__u32 id, out;

	ASSERT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm, DRM_QACCEL_PRIORITY_NORMAL, &id));
	ASSERT_EQ(0, qaccel_syncobj_create(self->c.fd, &out));
	qaccel_ctx_tagged(&self->c, 0, QACCEL_TAG_SLOW);
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, id, 2, 0, out));
	ASSERT_EQ(0, qaccel_queue_destroy(self->c.fd, id));
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, out, qaccel_patience()));
	/* It may not have started yet. In no case is it anything else. */
	if (qaccel_syncobj_status(self->c.fd, out) != -ECANCELED) {
		EXPECT_EQ(FENCE_SIGNALED, qaccel_syncobj_status(self->c.fd, out));
	}
}

TEST_F(queue, state_unknown)
{
	struct drm_qaccel_queue_get_state state;

	EXPECT_EQ(-ENOENT, qaccel_queue_state(self->c.fd, 0, &state));
	EXPECT_EQ(-ENOENT, qaccel_queue_state(self->c.fd, self->c.queue + 1000, &state));
}

TEST_F(queue, state_pad)
{
	struct drm_qaccel_queue_get_state state = { .queue_id = self->c.queue, .pad = 1 };

	EXPECT_EQ(-EINVAL, qaccel_ioctl(self->c.fd, DRM_IOCTL_QACCEL_QUEUE_GET_STATE, &state));
}

TEST_F(queue, state_of_another_file)
{
	struct drm_qaccel_queue_get_state state;
	int fd = qaccel_open();

	ASSERT_GE(fd, 0);
	EXPECT_EQ(-ENOENT, qaccel_queue_state(fd, self->c.queue, &state));
	close(fd);
}

TEST_F(queue, state_of_a_new_queue)
{
	struct drm_qaccel_queue_get_state state, zero = { .queue_id = self->c.queue };

	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->c.queue, &state));
	EXPECT_EQ(0, memcmp(&state, &zero, sizeof(state)));
}

TEST_F(queue, state_counts)
{
	struct drm_qaccel_queue_get_state state;
	int i;

	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, self->c.src_va, 4096);
	qaccel_cmd_conv1x1(&self->c.cmds[1], self->c.dst_va + 8192, self->c.src_va, 10,
			   self->c.params, self->c.params_va);
	qaccel_cmd_end(&self->c.cmds[2]);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 3));
	}
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->c.queue, &state));
	EXPECT_EQ(0, state.state);
	EXPECT_EQ(0, state.fault_status);
	EXPECT_EQ(3, state.jobs_submitted);
	EXPECT_EQ(3, state.jobs_completed);
	EXPECT_NE(0, state.cycles);
	EXPECT_EQ(3 * 10 * 4 * 16, state.macs);
	EXPECT_GE(state.bytes_read, 3 * (4096 + 40 + 64 + 256));
	EXPECT_EQ(3 * (4096 + 160), state.bytes_written);
	EXPECT_EQ(0, state.pad);
}

TEST_F(queue, state_counts_what_waits)
{
	struct drm_qaccel_queue_get_state state;
	struct qaccel_gate gate;

	qaccel_gate_or_skip(&gate, self->c.fd);
	qaccel_cmd_end(&self->c.cmds[0]);
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 1, gate.syncobj, 0));
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->c.queue, &state));
	EXPECT_EQ(1, state.jobs_submitted);
	EXPECT_EQ(0, state.jobs_completed);
	qaccel_gate_fini(&gate, self->c.fd);
}

TEST_HARNESS_MAIN
