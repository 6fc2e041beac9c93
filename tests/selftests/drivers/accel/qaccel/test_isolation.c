// SPDX-License-Identifier: GPL-2.0
/* Processes and VMs do not see each other */
#include "qaccel_test.h"

FIXTURE(isolation)
{
	struct qaccel_ctx c;
};

FIXTURE_SETUP(isolation)
{
	qaccel_setup(&self->c);
}

FIXTURE_TEARDOWN(isolation)
{
	qaccel_ctx_fini(&self->c);
}

TEST_F(isolation, same_address_in_two_files)
{
	struct qaccel_ctx other;

	ASSERT_EQ(0, qaccel_ctx_init(&other));
	ASSERT_EQ(self->c.src_va, other.src_va);
	qaccel_fill(self->c.src, 4096, 1);
	qaccel_fill(other.src, 4096, 2);
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, self->c.src_va, 4096);
	qaccel_cmd_end(&self->c.cmds[1]);
	memcpy(other.cmds, self->c.cmds, 2 * QACCEL_CMD_SIZE);
	EXPECT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 2));
	EXPECT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&other, other.queue, 2));
	EXPECT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 2));
	EXPECT_TRUE(qaccel_filled(self->c.dst, 4096, 1));
	EXPECT_TRUE(qaccel_filled(other.dst, 4096, 2));
	qaccel_ctx_fini(&other);
}

TEST_F(isolation, same_address_in_two_vms_of_a_file)
{
	const __u64 va = self->c.free_va;
	struct qaccel_bo bo[2];
	__u32 vm, queue, i;

	ASSERT_EQ(0, qaccel_vm_create(self->c.fd, &vm));
	ASSERT_EQ(0, qaccel_queue_create(self->c.fd, vm, DRM_QACCEL_PRIORITY_NORMAL, &queue));
	ASSERT_EQ(0, qaccel_map(self->c.fd, vm, self->c.bo.handle, 0, self->c.va,
				self->c.bo.size, 0));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, qaccel_bo_init(&bo[i], self->c.fd, 4096, 0));
		qaccel_fill(bo[i].map, 4096, 3 + i);
		ASSERT_EQ(0, qaccel_map(self->c.fd, i ? vm : self->c.vm, bo[i].handle, 0, va,
					4096, 0));
	}
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, va, 4096);
	qaccel_cmd_end(&self->c.cmds[1]);
	for (i = 0; i < 6; i++) {
		ASSERT_EQ(FENCE_SIGNALED,
			  qaccel_ctx_run(&self->c, i % 2 ? queue : self->c.queue, 2));
		EXPECT_TRUE(qaccel_filled(self->c.dst, 4096, 3 + i % 2));
	}
}

TEST_F(isolation, mapping_of_one_vm_is_not_in_another)
{
	struct drm_qaccel_queue_get_state state;
	__u32 vm, queue, handle;

	ASSERT_EQ(0, qaccel_vm_create(self->c.fd, &vm));
	ASSERT_EQ(0, qaccel_queue_create(self->c.fd, vm, DRM_QACCEL_PRIORITY_NORMAL, &queue));
	ASSERT_EQ(0, qaccel_map(self->c.fd, vm, self->c.bo.handle, 0, self->c.va,
				self->c.bo.size, 0));
	ASSERT_EQ(0, qaccel_handle_create(self->c.fd, 4096, 0, &handle));
	ASSERT_EQ(0, qaccel_map(self->c.fd, self->c.vm, handle, 0, self->c.free_va, 4096, 0));
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, self->c.free_va, 64);
	qaccel_cmd_end(&self->c.cmds[1]);
	/* Through the VM that has it first, so that the TLB knows the page. */
	EXPECT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 2));
	EXPECT_LT(qaccel_ctx_run(&self->c, queue, 2), 0);
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, queue, &state));
	EXPECT_EQ(QACCEL_ERR_TRANSLATION, state.fault_status);
	EXPECT_EQ(self->c.free_va, state.fault_va);
}

/* Computes without pause; exit 0 when all results were right until told to stop. */
static int neighbour(int ready, int stop)
{
	struct pollfd pfd = { .fd = stop, .events = POLLIN };
	struct drm_qaccel_queue_get_state state;
	struct qaccel_ctx c;
	struct qaccel_bo secret;
	unsigned int rounds = 0;

	if (qaccel_ctx_init(&c) || qaccel_bo_init(&secret, c.fd, 65536, 0))
		return 10;
	/* Where the attacker has nothing. */
	if (qaccel_map(c.fd, c.vm, secret.handle, 0, c.free_va, 65536, 0))
		return 11;
	qaccel_fill(secret.map, 65536, 99);
	qaccel_cmd_copy(&c.cmds[0], c.dst_va, c.free_va, 32768);
	qaccel_cmd_conv1x1(&c.cmds[1], c.dst_va + 32768, c.free_va, 1000, c.params, c.params_va);
	qaccel_cmd_end(&c.cmds[2]);
	do {
		memset(c.dst, 0, 32768);
		if (qaccel_ctx_run(&c, c.queue, 3) != FENCE_SIGNALED)
			return 12;
		if (!qaccel_filled(c.dst, 32768, 99) || !qaccel_filled(secret.map, 65536, 99))
			return 13;
		if (++rounds == 1 && write(ready, "r", 1) != 1)
			return 14;
	} while (!poll(&pfd, 1, 0));
	if (qaccel_queue_state(c.fd, c.queue, &state) || state.state || state.fault_status)
		return 15;
	return state.jobs_completed == rounds ? 0 : 16;
}

/* One attempt on a queue of its own: must fault precisely and give nothing. */
static int attack(struct qaccel_ctx *c, __u64 dst, __u64 src, __u32 access)
{
	struct drm_qaccel_queue_get_state state;
	__u32 queue, i;
	int ret;

	ret = qaccel_queue_create(c->fd, c->vm, DRM_QACCEL_PRIORITY_NORMAL, &queue);
	if (ret)
		return ret;
	memset(c->dst, 0, 4096);
	qaccel_cmd_copy(&c->cmds[0], dst, src, 4096);
	qaccel_cmd_end(&c->cmds[1]);
	if (qaccel_ctx_run(c, queue, 2) >= 0)
		return -EPERM;
	ret = qaccel_queue_state(c->fd, queue, &state);
	if (ret)
		return ret;
	if (state.fault_status != QACCEL_ERR_TRANSLATION || state.fault_access != access ||
	    state.fault_va != (access == QACCEL_ACCESS_READ ? src : dst))
		return -EPROTO;
	for (i = 0; i < 4096; i++)
		if (c->dst[i])
			return -EILSEQ;
	return qaccel_queue_destroy(c->fd, queue);
}

TEST_F(isolation, neighbour_cannot_be_read_or_written)
{
	int ready[2], stop[2];
	pid_t pid;
	char byte;
	int i;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(stop));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		/* With our end of the pipe open its own read would never end. */
		close(stop[1]);
		_exit(neighbour(ready[1], stop[0]));
	}
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	for (i = 0; i < 20; i++) {
		const __u64 va = self->c.free_va + i % 16 * 4096;

		EXPECT_EQ(0, attack(&self->c, self->c.dst_va, va, QACCEL_ACCESS_READ));
		EXPECT_EQ(0, attack(&self->c, va, self->c.src_va, QACCEL_ACCESS_WRITE));
	}
	ASSERT_EQ(1, write(stop[1], "s", 1));
	EXPECT_EQ(0, qaccel_wait_child(pid));
}

TEST_F(isolation, neighbours_compute_at_the_same_time)
{
	int ready[2], stop[2];
	pid_t pids[4];
	char byte;
	int i;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(stop));
	for (i = 0; i < 4; i++) {
		pids[i] = fork();
		ASSERT_GE(pids[i], 0);
		if (!pids[i]) {
			close(stop[1]);
			_exit(neighbour(ready[1], stop[0]));
		}
	}
	close(ready[1]);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(1, read(ready[0], &byte, 1));
	}
	for (i = 0; i < 10; i++) {
		EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
	}
	/* Nobody reads it, so it stays readable for all four. */
	ASSERT_EQ(1, write(stop[1], "s", 1));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, qaccel_wait_child(pids[i]));
	}
}

TEST_F(isolation, ids_and_handles_of_another_process)
{
	pid_t pid = fork();

	ASSERT_GE(pid, 0);
	if (!pid) {
		struct drm_qaccel_queue_get_state state;
		__u64 offset;
		int fd = qaccel_open();

		if (fd < 0)
			_exit(1);
		if (qaccel_vm_destroy(fd, self->c.vm) != -ENOENT)
			_exit(2);
		if (qaccel_queue_state(fd, self->c.queue, &state) != -ENOENT)
			_exit(3);
		if (qaccel_mmap_offset(fd, self->c.bo.handle, &offset) != -ENOENT)
			_exit(4);
		if (qaccel_bo_wait(fd, self->c.bo.handle, 0) != -ENOENT)
			_exit(5);
		_exit(qaccel_ctx_submit(&(struct qaccel_ctx){ .fd = fd }, self->c.queue, 1, 0,
					0) == -ENOENT ? 0 : 6);
	}
	EXPECT_EQ(0, qaccel_wait_child(pid));
}

TEST_F(isolation, forked_child_shares_the_file)
{
	pid_t pid;

	/* The file is the identity: who has the descriptor has what is in it. */
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(qaccel_ctx_check(&self->c, self->c.queue) ? 1 : 0);
	EXPECT_EQ(0, qaccel_wait_child(pid));
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
}

TEST_F(isolation, freed_memory_is_not_seen_by_the_next)
{
	const __u32 size = 1 << 20;
	struct qaccel_ctx other;
	struct qaccel_bo bo;
	__u32 i, j;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, qaccel_ctx_init(&other));
		ASSERT_EQ(0, qaccel_bo_init(&bo, other.fd, size, 0));
		memset(bo.map, 0x5c, size);
		qaccel_bo_fini(&bo);
		qaccel_ctx_fini(&other);

		ASSERT_EQ(0, qaccel_bo_init(&bo, self->c.fd, size, 0));
		ASSERT_EQ(0, qaccel_map(self->c.fd, self->c.vm, bo.handle, 0, self->c.free_va,
					size, 0));
		memset(self->c.dst, 0xee, QACCEL_CTX_DATA);
		for (j = 0; j < size / QACCEL_CTX_DATA; j++) {
			/* Read by the device, before the CPU has touched the pages. */
			qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va,
					self->c.free_va + j * QACCEL_CTX_DATA, QACCEL_CTX_DATA);
			qaccel_cmd_end(&self->c.cmds[1]);
			ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 2));
			ASSERT_EQ(NULL, memchr(self->c.dst, 0x5c, QACCEL_CTX_DATA));
		}
		ASSERT_EQ(0, qaccel_unmap(self->c.fd, self->c.vm, self->c.free_va, size));
		qaccel_bo_fini(&bo);
	}
}

TEST_HARNESS_MAIN
