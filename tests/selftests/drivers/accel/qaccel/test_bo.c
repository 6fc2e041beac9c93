// SPDX-License-Identifier: GPL-2.0
/* Buffer objects: BO_CREATE, BO_MMAP_OFFSET, BO_WAIT, GEM_CLOSE and mmap() */
#include <signal.h>

#include "qaccel_test.h"

FIXTURE(bo)
{
	struct qaccel_ctx c;
};

FIXTURE_SETUP(bo)
{
	qaccel_setup(&self->c);
}

FIXTURE_TEARDOWN(bo)
{
	qaccel_ctx_fini(&self->c);
}

static int create(int fd, struct drm_qaccel_bo_create args)
{
	return qaccel_ioctl(fd, DRM_IOCTL_QACCEL_BO_CREATE, &args);
}

#define CREATE(...) create(self->c.fd, (struct drm_qaccel_bo_create){ __VA_ARGS__ })

TEST_F(bo, create_size_zero)
{
	EXPECT_EQ(-EINVAL, CREATE(.size = 0));
}

TEST_F(bo, create_size_wraps_when_rounded_up)
{
	EXPECT_EQ(-EINVAL, CREATE(.size = ~0ull));
}

TEST_F(bo, create_size_too_large)
{
	EXPECT_EQ(-EINVAL, CREATE(.size = 1ull << 62));
	EXPECT_EQ(-EINVAL, CREATE(.size = (1ull << 32) * QACCEL_PAGE_SIZE));
}

TEST_F(bo, create_unknown_flags)
{
	EXPECT_EQ(-EINVAL, CREATE(.size = 4096, .flags = 1));
	EXPECT_EQ(-EINVAL, CREATE(.size = 4096, .flags = 1u << 31));
}

TEST_F(bo, create_pad)
{
	EXPECT_EQ(-EINVAL, CREATE(.size = 4096, .pad = 1));
}

TEST_F(bo, create_unknown_vm)
{
	EXPECT_EQ(-ENOENT, CREATE(.size = 4096, .vm_id = self->c.vm + 1000));
}

TEST_F(bo, create_vm_of_another_file)
{
	int fd = qaccel_open();

	ASSERT_GE(fd, 0);
	EXPECT_EQ(-ENOENT, create(fd, (struct drm_qaccel_bo_create){
					      .size = 4096, .vm_id = self->c.vm }));
	close(fd);
}

TEST_F(bo, create_rounds_size_up)
{
	struct drm_qaccel_bo_create args = { .size = 1 };

	ASSERT_EQ(0, qaccel_ioctl(self->c.fd, DRM_IOCTL_QACCEL_BO_CREATE, &args));
	EXPECT_EQ(self->c.info.page_size, args.size);
	EXPECT_NE(0, args.handle);
	EXPECT_EQ(0, qaccel_gem_close(self->c.fd, args.handle));
}

TEST_F(bo, create_is_zeroed)
{
	const __u64 size = 4 << 20;
	struct qaccel_bo bo;
	__u64 i;

	/* Twice: the second one may get the pages that the first has soiled. */
	ASSERT_EQ(0, qaccel_bo_init(&bo, self->c.fd, size, 0));
	memset(bo.map, 0xee, size);
	qaccel_bo_fini(&bo);
	ASSERT_EQ(0, qaccel_bo_init(&bo, self->c.fd, size, 0));
	for (i = 0; i < size / 8; i++) {
		ASSERT_EQ(0, ((__u64 *)bo.map)[i]);
	}
	qaccel_bo_fini(&bo);
}

TEST_F(bo, device_sees_zeroes_before_the_cpu_touched)
{
	const __u64 va = self->c.free_va;
	__u32 handle, i;

	ASSERT_EQ(0, qaccel_handle_create(self->c.fd, 4096, 0, &handle));
	ASSERT_EQ(0, qaccel_map(self->c.fd, self->c.vm, handle, 0, va, 4096, 0));
	memset(self->c.dst, 0xee, 4096);
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, va, 4096);
	qaccel_cmd_end(&self->c.cmds[1]);
	ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 2));
	for (i = 0; i < 4096; i++) {
		ASSERT_EQ(0, self->c.dst[i]);
	}
}

TEST_F(bo, many_small_ones)
{
	__u32 handles[512], i;

	for (i = 0; i < ARRAY_SIZE(handles); i++) {
		ASSERT_EQ(0, qaccel_handle_create(self->c.fd, 4096, i % 2 ? self->c.vm : 0,
						  &handles[i]));
	}
	for (i = 0; i < ARRAY_SIZE(handles); i++) {
		ASSERT_EQ(0, qaccel_gem_close(self->c.fd, handles[i]));
	}
}

TEST_F(bo, close_unknown_handle)
{
	EXPECT_EQ(-EINVAL, qaccel_gem_close(self->c.fd, self->c.bo.handle + 1000));
}

TEST_F(bo, close_twice)
{
	__u32 handle;

	ASSERT_EQ(0, qaccel_handle_create(self->c.fd, 4096, 0, &handle));
	EXPECT_EQ(0, qaccel_gem_close(self->c.fd, handle));
	EXPECT_EQ(-EINVAL, qaccel_gem_close(self->c.fd, handle));
}

TEST_F(bo, offset_unknown_handle)
{
	__u64 offset;

	EXPECT_EQ(-ENOENT, qaccel_mmap_offset(self->c.fd, self->c.bo.handle + 1000, &offset));
	EXPECT_EQ(-ENOENT, qaccel_mmap_offset(self->c.fd, 0, &offset));
}

TEST_F(bo, offset_pad)
{
	struct drm_qaccel_bo_mmap_offset args = {
		.handle = self->c.bo.handle,
		.pad = 1,
	};

	EXPECT_EQ(-EINVAL, qaccel_ioctl(self->c.fd, DRM_IOCTL_QACCEL_BO_MMAP_OFFSET, &args));
}

TEST_F(bo, offset_is_stable)
{
	__u64 first, second;

	ASSERT_EQ(0, qaccel_mmap_offset(self->c.fd, self->c.bo.handle, &first));
	ASSERT_EQ(0, qaccel_mmap_offset(self->c.fd, self->c.bo.handle, &second));
	EXPECT_EQ(first, second);
	EXPECT_EQ(0, first % self->c.info.page_size);
}

TEST_F(bo, mmap_without_an_offset)
{
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->c.fd, 0));
}

TEST_F(bo, mmap_offset_of_another_file)
{
	int fd = qaccel_open();
	__u64 offset;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, qaccel_mmap_offset(self->c.fd, self->c.bo.handle, &offset));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, offset));
	EXPECT_EQ(EACCES, errno);
	close(fd);
}

TEST_F(bo, mmap_longer_than_the_buffer)
{
	__u64 offset;

	ASSERT_EQ(0, qaccel_mmap_offset(self->c.fd, self->c.bo.handle, &offset));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, self->c.bo.size + 4096, PROT_READ, MAP_SHARED,
				   self->c.fd, offset));
}

TEST_F(bo, mmap_private_is_refused)
{
	__u64 offset;

	ASSERT_EQ(0, qaccel_mmap_offset(self->c.fd, self->c.bo.handle, &offset));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE,
				   self->c.fd, offset));
}

TEST_F(bo, mmap_twice_shows_the_same_pages)
{
	__u64 offset;
	__u8 *again;

	ASSERT_EQ(0, qaccel_mmap_offset(self->c.fd, self->c.bo.handle, &offset));
	again = mmap(NULL, self->c.bo.size, PROT_READ, MAP_SHARED, self->c.fd, offset);
	ASSERT_NE(MAP_FAILED, again);
	qaccel_fill(self->c.src, 4096, 1);
	EXPECT_TRUE(qaccel_filled(again + (self->c.src_va - self->c.va), 4096, 1));
	munmap(again, self->c.bo.size);
}

TEST_F(bo, mapping_outlives_the_handle)
{
	struct qaccel_bo bo;

	ASSERT_EQ(0, qaccel_bo_init(&bo, self->c.fd, 65536, 0));
	qaccel_fill(bo.map, 4096, 2);
	ASSERT_EQ(0, qaccel_gem_close(self->c.fd, bo.handle));
	EXPECT_TRUE(qaccel_filled(bo.map, 4096, 2));
	/* Pages that were never touched come late, to a buffer without a handle. */
	qaccel_fill(bo.map + 4096, 61440, 3);
	EXPECT_TRUE(qaccel_filled(bo.map + 4096, 61440, 3));
	munmap(bo.map, bo.size);
}

TEST_F(bo, mapping_outlives_the_file)
{
	int fd = qaccel_open();
	struct qaccel_bo bo;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, qaccel_bo_init(&bo, fd, 65536, 0));
	close(fd);
	qaccel_fill(bo.map, 65536, 4);
	EXPECT_TRUE(qaccel_filled(bo.map, 65536, 4));
	munmap(bo.map, bo.size);
}

TEST_F(bo, private_buffer_works_in_its_vm)
{
	const __u64 va = self->c.free_va;
	struct qaccel_bo bo;

	ASSERT_EQ(0, qaccel_bo_init(&bo, self->c.fd, 4096, self->c.vm));
	ASSERT_EQ(0, qaccel_map(self->c.fd, self->c.vm, bo.handle, 0, va, 4096, 0));
	qaccel_fill(bo.map, 4096, 5);
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, va, 4096);
	qaccel_cmd_end(&self->c.cmds[1]);
	EXPECT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 2));
	EXPECT_TRUE(qaccel_filled(self->c.dst, 4096, 5));
	qaccel_bo_fini(&bo);
}

TEST_F(bo, wait_unknown_handle)
{
	EXPECT_EQ(-ENOENT, qaccel_bo_wait(self->c.fd, self->c.bo.handle + 1000, 0));
	EXPECT_EQ(-ENOENT, qaccel_bo_wait(self->c.fd, 0, 0));
}

TEST_F(bo, wait_pad)
{
	struct drm_qaccel_bo_wait args = { .handle = self->c.bo.handle, .pad = 1 };

	EXPECT_EQ(-EINVAL, qaccel_ioctl(self->c.fd, DRM_IOCTL_QACCEL_BO_WAIT, &args));
}

TEST_F(bo, wait_idle_polls)
{
	EXPECT_EQ(0, qaccel_bo_wait(self->c.fd, self->c.bo.handle, 0));
	EXPECT_EQ(0, qaccel_bo_wait(self->c.fd, self->c.bo.handle, -1));
	EXPECT_EQ(0, qaccel_bo_wait(self->c.fd, self->c.bo.handle, INT64_MIN));
	EXPECT_EQ(0, qaccel_bo_wait(self->c.fd, self->c.bo.handle, INT64_MAX));
}

/* Its one job waits for the gate. */
static int submit_gated(struct qaccel_ctx *c, struct qaccel_gate *gate)
{
	qaccel_fill(c->src, 4096, 6);
	memset(c->dst, 0, 4096);
	qaccel_cmd_copy(&c->cmds[0], c->dst_va, c->src_va, 4096);
	qaccel_cmd_end(&c->cmds[1]);
	return qaccel_ctx_submit(c, c->queue, 2, gate->syncobj, 0);
}

TEST_F(bo, wait_busy_times_out)
{
	struct qaccel_gate gate;

	qaccel_gate_or_skip(&gate, self->c.fd);
	ASSERT_EQ(0, submit_gated(&self->c, &gate));
	EXPECT_EQ(-ETIME, qaccel_bo_wait(self->c.fd, self->c.bo.handle, 0));
	EXPECT_EQ(-ETIME, qaccel_bo_wait(self->c.fd, self->c.bo.handle, -5));
	EXPECT_EQ(-ETIME, qaccel_bo_wait(self->c.fd, self->c.bo.handle,
					 qaccel_now() + 50000000));
	ASSERT_EQ(0, qaccel_gate_open(&gate));
	EXPECT_EQ(0, qaccel_bo_wait(self->c.fd, self->c.bo.handle, qaccel_patience()));
	EXPECT_TRUE(qaccel_filled(self->c.dst, 4096, 6));
	qaccel_gate_fini(&gate, self->c.fd);
}

TEST_F(bo, wait_without_end)
{
	struct qaccel_gate gate;

	qaccel_gate_or_skip(&gate, self->c.fd);
	ASSERT_EQ(0, submit_gated(&self->c, &gate));
	ASSERT_EQ(0, qaccel_gate_open(&gate));
	EXPECT_EQ(0, qaccel_bo_wait(self->c.fd, self->c.bo.handle, INT64_MAX));
	EXPECT_TRUE(qaccel_filled(self->c.dst, 4096, 6));
	qaccel_gate_fini(&gate, self->c.fd);
}

TEST_F(bo, wait_ignores_other_vms)
{
	struct qaccel_gate gate;
	__u32 handle, vm;

	qaccel_gate_or_skip(&gate, self->c.fd);
	ASSERT_EQ(0, qaccel_vm_create(self->c.fd, &vm));
	ASSERT_EQ(0, qaccel_handle_create(self->c.fd, 4096, 0, &handle));
	ASSERT_EQ(0, qaccel_map(self->c.fd, vm, handle, 0, self->c.free_va, 4096, 0));
	ASSERT_EQ(0, submit_gated(&self->c, &gate));
	EXPECT_EQ(0, qaccel_bo_wait(self->c.fd, handle, 0));
	qaccel_gate_fini(&gate, self->c.fd);
}

TEST_F(bo, wait_for_a_private_buffer)
{
	struct qaccel_gate gate;
	__u32 handle;

	qaccel_gate_or_skip(&gate, self->c.fd);
	ASSERT_EQ(0, qaccel_handle_create(self->c.fd, 4096, self->c.vm, &handle));
	ASSERT_EQ(0, qaccel_map(self->c.fd, self->c.vm, handle, 0, self->c.free_va, 4096, 0));
	ASSERT_EQ(0, submit_gated(&self->c, &gate));
	EXPECT_EQ(-ETIME, qaccel_bo_wait(self->c.fd, handle, 0));
	ASSERT_EQ(0, qaccel_gate_open(&gate));
	EXPECT_EQ(0, qaccel_bo_wait(self->c.fd, handle, qaccel_patience()));
	qaccel_gate_fini(&gate, self->c.fd);
}

static void on_signal(int sig)
{
}

TEST_F(bo, wait_is_interrupted_and_restarted)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct drm_qaccel_bo_wait args = {
		.handle = self->c.bo.handle,
		.timeout_ns = qaccel_patience(),
	};
	struct qaccel_gate gate;
	pid_t parent = getpid(), child;
	int ret;

	qaccel_gate_or_skip(&gate, self->c.fd);
	ASSERT_EQ(0, submit_gated(&self->c, &gate));
	/* No SA_RESTART: the first EINTR shows. */
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		/* Goes on until the parent has seen one; the order does not matter. */
		for (;;) {
			usleep(10000);
			if (kill(parent, SIGUSR1) || getppid() != parent)
				_exit(0);
		}
	}
	ret = ioctl(self->c.fd, DRM_IOCTL_QACCEL_BO_WAIT, &args);
	EXPECT_EQ(-1, ret);
	EXPECT_EQ(EINTR, errno);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	ASSERT_EQ(0, qaccel_gate_open(&gate));
	EXPECT_EQ(0, qaccel_ioctl(self->c.fd, DRM_IOCTL_QACCEL_BO_WAIT, &args));
	qaccel_gate_fini(&gate, self->c.fd);
}

TEST_HARNESS_MAIN
