// SPDX-License-Identifier: GPL-2.0
/*
 * Jobs that fail: what QUEUE_GET_STATE says, and that nobody else is touched
 */
#include "qaccel_test.h"

FIXTURE(fault)
{
	struct qaccel_ctx c;
	__u32 other;
	/* Never mapped. */
	__u64 hole;
};

FIXTURE_SETUP(fault)
{
	qaccel_setup(&self->c);
	ASSERT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm, DRM_QACCEL_PRIORITY_NORMAL,
					 &self->other));
	self->hole = self->c.free_va + (16 << 20);
}

FIXTURE_TEARDOWN(fault)
{
	/* Whatever a queue does, another one goes on. */
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->other));
	qaccel_ctx_fini(&self->c);
}

/* Runs the first n commands: they must fail, and just so. */
#define EXPECT_FAULT(n, status_, va_, access_, cmd_) do {					\
	struct drm_qaccel_queue_get_state __s;							\
	int __f = qaccel_ctx_run(&self->c, self->c.queue, n);					\
												\
	EXPECT_LT(__f, 0);									\
	EXPECT_NE(-ETIMEDOUT, __f);								\
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->c.queue, &__s));			\
	EXPECT_EQ(DRM_QACCEL_QUEUE_STATE_BANNED, __s.state);					\
	EXPECT_EQ(status_, __s.fault_status);							\
	EXPECT_EQ(va_, __s.fault_va);								\
	EXPECT_EQ(access_, __s.fault_access);							\
	EXPECT_EQ(cmd_, __s.fault_cmd);								\
	EXPECT_EQ(1, __s.fault_job);								\
	EXPECT_EQ(1, __s.jobs_completed);							\
	EXPECT_EQ(-ECANCELED, qaccel_ctx_submit(&self->c, self->c.queue, n, 0, 0));		\
} while (0)

TEST_F(fault, read_of_unmapped_address)
{
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, self->hole + 0x40, 64);
	qaccel_cmd_end(&self->c.cmds[1]);
	EXPECT_FAULT(2, QACCEL_ERR_TRANSLATION, self->hole + 0x40, QACCEL_ACCESS_READ, 0);
}

TEST_F(fault, write_to_unmapped_address)
{
	qaccel_cmd_copy(&self->c.cmds[0], self->hole, self->c.src_va, 64);
	qaccel_cmd_end(&self->c.cmds[1]);
	EXPECT_FAULT(2, QACCEL_ERR_TRANSLATION, self->hole, QACCEL_ACCESS_WRITE, 0);
}

TEST_F(fault, range_that_runs_out_of_a_mapping)
{
	__u64 end = self->c.dst_va + QACCEL_CTX_DATA;

	/* dst is the last of the buffer. */
	qaccel_cmd_copy(&self->c.cmds[0], end - 4096, self->c.src_va, 8192);
	qaccel_cmd_end(&self->c.cmds[1]);
	EXPECT_FAULT(2, QACCEL_ERR_TRANSLATION, end, QACCEL_ACCESS_WRITE, 0);
}

TEST_F(fault, index_of_the_failing_command)
{
	int i;

	for (i = 0; i < 5; i++)
		qaccel_cmd_copy(&self->c.cmds[i], self->c.dst_va, self->c.src_va, 64);
	qaccel_cmd_copy(&self->c.cmds[5], self->c.dst_va, self->hole, 64);
	qaccel_cmd_end(&self->c.cmds[6]);
	EXPECT_FAULT(7, QACCEL_ERR_TRANSLATION, self->hole, QACCEL_ACCESS_READ, 5);
}

TEST_F(fault, number_of_the_failing_job)
{
	struct drm_qaccel_queue_get_state state;
	int i;

	qaccel_cmd_end(&self->c.cmds[0]);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 1));
	}
	self->c.cmds[0].hdr.opcode = QACCEL_OP_INVALID;
	EXPECT_LT(qaccel_ctx_run(&self->c, self->c.queue, 1), 0);
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->c.queue, &state));
	EXPECT_EQ(5, state.fault_job);
}

TEST_F(fault, write_to_readonly_address)
{
	struct qaccel_bo bo;

	ASSERT_EQ(0, qaccel_bo_init(&bo, self->c.fd, 4096, 0));
	qaccel_fill(bo.map, 4096, 1);
	ASSERT_EQ(0, qaccel_map(self->c.fd, self->c.vm, bo.handle, 0, self->c.free_va, 4096,
				DRM_QACCEL_VM_BIND_OP_READONLY));
	memset(self->c.src, 0, 64);
	qaccel_cmd_copy(&self->c.cmds[0], self->c.free_va + 128, self->c.src_va, 64);
	qaccel_cmd_end(&self->c.cmds[1]);
	EXPECT_FAULT(2, QACCEL_ERR_PERMISSION, self->c.free_va + 128, QACCEL_ACCESS_WRITE, 0);
	EXPECT_TRUE(qaccel_filled(bo.map, 4096, 1));
	qaccel_bo_fini(&bo);
}

TEST_F(fault, unmapped_again)
{
	__u32 handle;

	/* The device has used the translation before it goes. */
	ASSERT_EQ(0, qaccel_handle_create(self->c.fd, 4096, 0, &handle));
	ASSERT_EQ(0, qaccel_map(self->c.fd, self->c.vm, handle, 0, self->c.free_va, 4096, 0));
	qaccel_cmd_copy(&self->c.cmds[0], self->c.free_va, self->c.src_va, 64);
	qaccel_cmd_end(&self->c.cmds[1]);
	ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->other, 2));
	ASSERT_EQ(0, qaccel_unmap(self->c.fd, self->c.vm, self->c.free_va, 4096));
	EXPECT_FAULT(2, QACCEL_ERR_TRANSLATION, self->c.free_va, QACCEL_ACCESS_WRITE, 0);
}

TEST_F(fault, address_out_of_the_space)
{
	const __u64 va = 1ull << QACCEL_VA_BITS;

	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, va, 64);
	qaccel_cmd_end(&self->c.cmds[1]);
	EXPECT_FAULT(2, QACCEL_ERR_ADDRESS, va, QACCEL_ACCESS_READ, 0);
}

TEST_F(fault, null_address)
{
	qaccel_cmd_copy(&self->c.cmds[0], 0, self->c.src_va, 64);
	qaccel_cmd_end(&self->c.cmds[1]);
	EXPECT_FAULT(2, QACCEL_ERR_TRANSLATION, 0, QACCEL_ACCESS_WRITE, 0);
}

TEST_F(fault, zeroed_memory_is_no_command)
{
	memset(&self->c.cmds[0], 0, QACCEL_CMD_SIZE);
	qaccel_cmd_end(&self->c.cmds[1]);
	EXPECT_FAULT(2, QACCEL_ERR_OPCODE, 0, 0, 0);
}

TEST_F(fault, zeroed_memory_is_no_stream)
{
	memset(&self->c.cmds[0], 0, QACCEL_CMD_SIZE);
	EXPECT_FAULT(1, QACCEL_ERR_STREAM, 0, 0, 0);
}

TEST_F(fault, unknown_opcode)
{
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, self->c.src_va, 64);
	self->c.cmds[0].hdr.opcode = QACCEL_OP_COUNT;
	qaccel_cmd_end(&self->c.cmds[1]);
	EXPECT_FAULT(2, QACCEL_ERR_OPCODE, 0, 0, 0);
}

TEST_F(fault, newer_version)
{
	qaccel_cmd_end(&self->c.cmds[0]);
	self->c.cmds[0].hdr.version = QACCEL_CMD_VERSION + 1;
	EXPECT_FAULT(1, QACCEL_ERR_VERSION, 0, 0, 0);
}

TEST_F(fault, reserved_field)
{
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, self->c.src_va, 64);
	self->c.cmds[0].copy.reserved[207] = 1;
	qaccel_cmd_end(&self->c.cmds[1]);
	EXPECT_FAULT(2, QACCEL_ERR_FIELD, 0, 0, 0);
}

TEST_F(fault, reserved_field_of_the_header)
{
	qaccel_cmd_end(&self->c.cmds[0]);
	self->c.cmds[0].hdr.reserved = 1;
	EXPECT_FAULT(1, QACCEL_ERR_FIELD, 0, 0, 0);
}

TEST_F(fault, unknown_command_flag)
{
	qaccel_cmd_end(&self->c.cmds[0]);
	self->c.cmds[0].hdr.flags = 0x80;
	EXPECT_FAULT(1, QACCEL_ERR_FIELD, 0, 0, 0);
}

TEST_F(fault, stride_below_the_row)
{
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, self->c.src_va, 64);
	self->c.cmds[0].copy.src_stride = 63;
	qaccel_cmd_end(&self->c.cmds[1]);
	EXPECT_FAULT(2, QACCEL_ERR_FIELD, 0, 0, 0);
}

TEST_F(fault, tensors_that_do_not_fit)
{
	qaccel_cmd_conv1x1(&self->c.cmds[0], self->c.dst_va, self->c.src_va, 10,
			   self->c.params, self->c.params_va);
	self->c.cmds[0].conv.out.n = 2;
	qaccel_cmd_end(&self->c.cmds[1]);
	EXPECT_FAULT(2, QACCEL_ERR_SHAPE, 0, 0, 0);
}

TEST_F(fault, stream_without_end)
{
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, self->c.src_va, 64);
	qaccel_cmd_copy(&self->c.cmds[1], self->c.dst_va, self->c.src_va, 64);
	EXPECT_FAULT(2, QACCEL_ERR_STREAM, 0, 0, 1);
}

TEST_F(fault, stream_that_ends_early)
{
	qaccel_cmd_end(&self->c.cmds[0]);
	qaccel_cmd_end(&self->c.cmds[1]);
	EXPECT_FAULT(2, QACCEL_ERR_STREAM, 0, 0, 0);
}

static int run_job(struct qaccel_ctx *c, struct drm_qaccel_job job)
{
	struct drm_qaccel_sync sync = { .flags = DRM_QACCEL_SYNC_SIGNAL };
	int ret;

	ret = qaccel_syncobj_create(c->fd, &sync.handle) ?:
	      qaccel_submit(c->fd, c->queue, &job, 1, &sync, 1) ?:
	      qaccel_syncobj_wait(c->fd, sync.handle, qaccel_patience());
	return ret ?: qaccel_syncobj_status(c->fd, sync.handle);
}

TEST_F(fault, unmapped_stream)
{
	struct drm_qaccel_queue_get_state state;

	EXPECT_LT(run_job(&self->c, (struct drm_qaccel_job){
					    .stream_va = self->hole, .stream_size = 256 }), 0);
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->c.queue, &state));
	EXPECT_EQ(QACCEL_ERR_TRANSLATION, state.fault_status);
	EXPECT_EQ(self->hole, state.fault_va);
	EXPECT_EQ(QACCEL_ACCESS_READ, state.fault_access);
	EXPECT_EQ(0, state.fault_cmd);
}

TEST_F(fault, unmapped_perf_record)
{
	struct drm_qaccel_queue_get_state state;

	qaccel_cmd_end(&self->c.cmds[0]);
	EXPECT_LT(run_job(&self->c, (struct drm_qaccel_job){
					    .stream_va = self->c.cmds_va,
					    .stream_size = 256,
					    .flags = DRM_QACCEL_JOB_PERF,
					    .perf_va = self->hole }), 0);
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->c.queue, &state));
	EXPECT_EQ(QACCEL_ERR_TRANSLATION, state.fault_status);
	EXPECT_EQ(self->hole, state.fault_va);
	EXPECT_EQ(QACCEL_ACCESS_WRITE, state.fault_access);
}

TEST_F(fault, bus_error)
{
	struct drm_qaccel_queue_get_state state;

	qaccel_ctx_tagged(&self->c, 0, QACCEL_TAG_DMA_ERROR);
	if (qaccel_ctx_run(&self->c, self->other, 2) == FENCE_SIGNALED)
		SKIP(return, "the device has no x-dma-error-tag");
	ASSERT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm, DRM_QACCEL_PRIORITY_NORMAL,
					 &self->other));
	EXPECT_LT(qaccel_ctx_run(&self->c, self->c.queue, 2), 0);
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->c.queue, &state));
	EXPECT_EQ(DRM_QACCEL_QUEUE_STATE_BANNED, state.state);
	EXPECT_EQ(QACCEL_ERR_BUS, state.fault_status);
	EXPECT_EQ(0, state.fault_cmd);
}

TEST_F(fault, status_that_no_driver_knows)
{
	struct drm_qaccel_queue_get_state state;
	int ret;

	qaccel_ctx_tagged(&self->c, 0, QACCEL_TAG_CORRUPT);
	ret = qaccel_ctx_run(&self->c, self->c.queue, 2);
	if (ret == FENCE_SIGNALED)
		SKIP(return, "the device has no x-corrupt-tag");
	EXPECT_LT(ret, 0);
	EXPECT_NE(-ETIMEDOUT, ret);
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->c.queue, &state));
	EXPECT_TRUE(state.state & DRM_QACCEL_QUEUE_STATE_BANNED);
	EXPECT_NE(0, state.fault_status);
}

TEST_F(fault, later_jobs_of_the_queue_are_cancelled)
{
	struct drm_qaccel_queue_get_state state;
	struct qaccel_gate gate;
	__u32 out[4], i;

	qaccel_gate_or_skip(&gate, self->c.fd);
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, self->hole, 64);
	qaccel_cmd_end(&self->c.cmds[1]);
	/* The others would be fine, and leave a trace. */
	memset(self->c.dst, 0, 64);
	memset(self->c.src, 0xee, 64);
	qaccel_cmd_copy(&self->c.cmds[2], self->c.dst_va, self->c.src_va, 64);
	qaccel_cmd_end(&self->c.cmds[3]);
	for (i = 0; i < ARRAY_SIZE(out); i++) {
		ASSERT_EQ(0, qaccel_syncobj_create(self->c.fd, &out[i]));
		ASSERT_EQ(0, qaccel_ctx_submit_at(&self->c, self->c.queue, i ? 2 : 0, 2,
						  i ? 0 : gate.syncobj, out[i]));
	}
	ASSERT_EQ(0, qaccel_gate_open(&gate));
	for (i = 0; i < ARRAY_SIZE(out); i++) {
		ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, out[i], qaccel_patience()));
		EXPECT_LT(qaccel_syncobj_status(self->c.fd, out[i]), 0);
	}
	EXPECT_EQ(-ECANCELED, qaccel_syncobj_status(self->c.fd, out[3]));
	EXPECT_EQ(0, self->c.dst[0]);
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->c.queue, &state));
	EXPECT_EQ(1, state.fault_job);
	EXPECT_EQ(4, state.jobs_submitted);
	EXPECT_EQ(4, state.jobs_completed);
	qaccel_gate_fini(&gate, self->c.fd);
}

TEST_F(fault, other_queue_of_the_vm_goes_on)
{
	struct drm_qaccel_queue_get_state state;

	self->c.cmds[0].hdr.opcode = QACCEL_OP_INVALID;
	EXPECT_LT(qaccel_ctx_run(&self->c, self->c.queue, 1), 0);
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->other));
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->other, &state));
	EXPECT_EQ(0, state.state);
	EXPECT_EQ(0, state.fault_status);
}

TEST_F(fault, banned_queue_can_be_destroyed_and_replaced)
{
	__u32 id;

	self->c.cmds[0].hdr.opcode = QACCEL_OP_INVALID;
	EXPECT_LT(qaccel_ctx_run(&self->c, self->c.queue, 1), 0);
	EXPECT_EQ(0, qaccel_queue_destroy(self->c.fd, self->c.queue));
	ASSERT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm, DRM_QACCEL_PRIORITY_NORMAL, &id));
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, id));
}

TEST_F(fault, fault_needs_no_reset)
{
	struct drm_qaccel_dev_counters before, after;

	ASSERT_EQ(0, qaccel_counters(self->c.fd, &before));
	self->c.cmds[0].hdr.opcode = QACCEL_OP_INVALID;
	EXPECT_LT(qaccel_ctx_run(&self->c, self->c.queue, 1), 0);
	ASSERT_EQ(0, qaccel_counters(self->c.fd, &after));
	EXPECT_EQ(before.resets, after.resets);
	EXPECT_EQ(before.faults + 1, after.faults);
}

TEST_F(fault, wait_for_a_failed_buffer_ends)
{
	/* It tells nothing of how the job ended. */
	self->c.cmds[0].hdr.opcode = QACCEL_OP_INVALID;
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 1, 0, 0));
	EXPECT_EQ(0, qaccel_bo_wait(self->c.fd, self->c.bo.handle, qaccel_patience()));
}

TEST_F(fault, failed_fence_lets_the_next_one_decide)
{
	__u32 failed, out;

	/* A job that waits for a fence with an error runs, or ends with an error. */
	ASSERT_EQ(0, qaccel_syncobj_create(self->c.fd, &failed));
	ASSERT_EQ(0, qaccel_syncobj_create(self->c.fd, &out));
	memset(&self->c.cmds[0], 0, QACCEL_CMD_SIZE);
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 1, 0, failed));
	qaccel_cmd_end(&self->c.cmds[1]);
	ASSERT_EQ(0, qaccel_ctx_submit_at(&self->c, self->other, 1, 1, failed, out));
	ASSERT_EQ(0, qaccel_syncobj_wait(self->c.fd, out, qaccel_patience()));
	EXPECT_NE(FENCE_ACTIVE, qaccel_syncobj_status(self->c.fd, out));
}

TEST_HARNESS_MAIN
