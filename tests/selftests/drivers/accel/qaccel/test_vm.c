// SPDX-License-Identifier: GPL-2.0
/* VM_CREATE, VM_DESTROY and VM_BIND: each rule of the interface is a test */
#include "qaccel_test.h"

#define OP_MAP		DRM_QACCEL_VM_BIND_OP_MAP
#define OP_UNMAP	DRM_QACCEL_VM_BIND_OP_UNMAP
#define OP_READONLY	DRM_QACCEL_VM_BIND_OP_READONLY

#define BO_SIZE		(64 << 10)

FIXTURE(vm)
{
	struct qaccel_ctx c;
	struct qaccel_bo bo;
	__u64 va;
};

FIXTURE_SETUP(vm)
{
	qaccel_setup(&self->c);
	ASSERT_EQ(0, qaccel_bo_init(&self->bo, self->c.fd, BO_SIZE, 0));
	self->va = self->c.free_va;
}

FIXTURE_TEARDOWN(vm)
{
	qaccel_bo_fini(&self->bo);
	qaccel_ctx_fini(&self->c);
}

static int bind(struct qaccel_ctx *c, struct drm_qaccel_vm_bind_op op)
{
	return qaccel_vm_bind(c->fd, c->vm, &op, 1);
}

#define BIND(...) bind(&self->c, (struct drm_qaccel_vm_bind_op){ __VA_ARGS__ })
#define MAP(...) BIND(.flags = OP_MAP, .bo_handle = self->bo.handle, .va = self->va, \
		      .size = 4096, __VA_ARGS__)

/* Later initialisers win in MAP(). */
#pragma GCC diagnostic ignored "-Woverride-init"

TEST_F(vm, create_flags)
{
	struct drm_qaccel_vm_create args = { .flags = 1 };

	EXPECT_EQ(-EINVAL, qaccel_ioctl(self->c.fd, DRM_IOCTL_QACCEL_VM_CREATE, &args));
}

TEST_F(vm, create_gives_ids_of_their_own)
{
	__u32 first, second;

	ASSERT_EQ(0, qaccel_vm_create(self->c.fd, &first));
	ASSERT_EQ(0, qaccel_vm_create(self->c.fd, &second));
	EXPECT_NE(0, first);
	EXPECT_NE(0, second);
	EXPECT_NE(first, second);
}

TEST_F_TIMEOUT(vm, create_too_many, 300)
{
	int ret = 0;
	__u32 id, n;

	for (n = 0; !ret && n < 100000; n++)
		ret = qaccel_vm_create(self->c.fd, &id);
	EXPECT_EQ(-ENOSPC, ret);
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
}

TEST_F(vm, destroy_unknown)
{
	EXPECT_EQ(-ENOENT, qaccel_vm_destroy(self->c.fd, 0));
	EXPECT_EQ(-ENOENT, qaccel_vm_destroy(self->c.fd, self->c.vm + 1000));
	EXPECT_EQ(-ENOENT, qaccel_vm_destroy(self->c.fd, ~0u));
}

TEST_F(vm, destroy_pad)
{
	struct drm_qaccel_vm_destroy args = { .id = self->c.vm, .pad = 1 };

	EXPECT_EQ(-EINVAL, qaccel_ioctl(self->c.fd, DRM_IOCTL_QACCEL_VM_DESTROY, &args));
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
}

TEST_F(vm, destroy_twice)
{
	__u32 id;

	ASSERT_EQ(0, qaccel_vm_create(self->c.fd, &id));
	EXPECT_EQ(0, qaccel_vm_destroy(self->c.fd, id));
	EXPECT_EQ(-ENOENT, qaccel_vm_destroy(self->c.fd, id));
}

TEST_F(vm, destroy_of_another_file)
{
	int fd = qaccel_open();

	ASSERT_GE(fd, 0);
	EXPECT_EQ(-ENOENT, qaccel_vm_destroy(fd, self->c.vm));
	close(fd);
}

TEST_F(vm, queue_keeps_a_destroyed_vm_alive)
{
	ASSERT_EQ(0, qaccel_vm_destroy(self->c.fd, self->c.vm));
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
	EXPECT_EQ(-ENOENT, MAP());
}

TEST_F(vm, bind_unknown_vm)
{
	struct drm_qaccel_vm_bind_op op = {
		.flags = OP_MAP, .bo_handle = self->bo.handle, .va = self->va, .size = 4096,
	};

	EXPECT_EQ(-ENOENT, qaccel_vm_bind(self->c.fd, self->c.vm + 1000, &op, 1));
	EXPECT_EQ(-ENOENT, qaccel_vm_bind(self->c.fd, 0, &op, 1));
}

TEST_F(vm, bind_flags)
{
	struct drm_qaccel_vm_bind args = { .vm_id = self->c.vm, .flags = 1 };

	EXPECT_EQ(-EINVAL, qaccel_ioctl(self->c.fd, DRM_IOCTL_QACCEL_VM_BIND, &args));
}

TEST_F(vm, bind_no_ops)
{
	EXPECT_EQ(0, qaccel_ioctl(self->c.fd, DRM_IOCTL_QACCEL_VM_BIND,
				  &(struct drm_qaccel_vm_bind){
					  .vm_id = self->c.vm,
					  .ops.stride = sizeof(struct drm_qaccel_vm_bind_op),
				  }));
}

TEST_F(vm, bind_no_ops_but_an_array)
{
	struct drm_qaccel_vm_bind_op op = {};

	EXPECT_EQ(-EINVAL, qaccel_vm_bind(self->c.fd, self->c.vm, &op, 0));
}

TEST_F(vm, bind_too_many_ops)
{
	__u32 n = self->c.info.max_bind_ops + 1;
	struct drm_qaccel_vm_bind_op *ops = calloc(n, sizeof(*ops));

	ASSERT_NE(NULL, ops);
	EXPECT_EQ(-E2BIG, qaccel_vm_bind(self->c.fd, self->c.vm, ops, n));
	EXPECT_EQ(-E2BIG, qaccel_vm_bind(self->c.fd, self->c.vm, ops, ~0u));
	free(ops);
}

TEST_F(vm, bind_bad_array_pointer)
{
	EXPECT_EQ(-EFAULT, qaccel_vm_bind(self->c.fd, self->c.vm, (void *)8, 1));
}

/* One op in an array of one, with a stride; size bytes are there. */
static int bind_stride(struct qaccel_ctx *c, void *op, __u32 stride)
{
	struct drm_qaccel_vm_bind args = {
		.vm_id = c->vm,
		.ops = { .stride = stride, .count = 1, .array = (uintptr_t)op },
	};

	return qaccel_ioctl(c->fd, DRM_IOCTL_QACCEL_VM_BIND, &args);
}

TEST_F(vm, bind_stride_zero)
{
	struct drm_qaccel_vm_bind_op op = {
		.flags = OP_MAP, .bo_handle = self->bo.handle, .va = self->va, .size = 4096,
	};

	EXPECT_EQ(-EINVAL, bind_stride(&self->c, &op, 0));
}

TEST_F(vm, bind_stride_too_small)
{
	struct drm_qaccel_vm_bind_op op = {
		.flags = OP_MAP, .bo_handle = self->bo.handle, .va = self->va, .size = 4096,
	};

	EXPECT_EQ(-EINVAL, bind_stride(&self->c, &op, sizeof(op) - 8));
}

TEST_F(vm, bind_larger_stride_with_zeroes)
{
	struct {
		struct drm_qaccel_vm_bind_op op;
		__u64 more[2];
	} ops[2] = {
		{ .op = { .flags = OP_MAP, .bo_handle = self->bo.handle, .va = self->va,
			  .size = 4096, } },
		{ .op = { .flags = OP_UNMAP, .va = self->va, .size = 4096, } },
	};
	struct drm_qaccel_vm_bind args = {
		.vm_id = self->c.vm,
		.ops = { .stride = sizeof(ops[0]), .count = 2, .array = (uintptr_t)ops },
	};

	EXPECT_EQ(0, qaccel_ioctl(self->c.fd, DRM_IOCTL_QACCEL_VM_BIND, &args));
}

TEST_F(vm, bind_larger_stride_with_unknown_data)
{
	struct {
		struct drm_qaccel_vm_bind_op op;
		__u64 more[2];
	} op = {
		.op = { .flags = OP_MAP, .bo_handle = self->bo.handle, .va = self->va,
			.size = 4096, },
		.more = { 0, 1 },
	};
	int ret = bind_stride(&self->c, &op, sizeof(op));

	/* copy_struct_from_user() says E2BIG for what it does not know. */
	EXPECT_TRUE(ret == -EINVAL || ret == -E2BIG);
}

TEST_F(vm, bind_stride_that_overflows)
{
	struct drm_qaccel_vm_bind_op ops[2] = {};
	struct drm_qaccel_vm_bind args = {
		.vm_id = self->c.vm,
		.ops = { .stride = ~0u, .count = 2, .array = (uintptr_t)ops },
	};
	int ret = qaccel_ioctl(self->c.fd, DRM_IOCTL_QACCEL_VM_BIND, &args);

	EXPECT_TRUE(ret == -EINVAL || ret == -E2BIG || ret == -EFAULT);
}

TEST_F(vm, op_no_flags)
{
	EXPECT_EQ(-EINVAL, MAP(.flags = 0));
}

TEST_F(vm, op_map_and_unmap)
{
	EXPECT_EQ(-EINVAL, MAP(.flags = OP_MAP | OP_UNMAP));
}

TEST_F(vm, op_unknown_flag)
{
	EXPECT_EQ(-EINVAL, MAP(.flags = OP_MAP | 1 << 3));
	EXPECT_EQ(-EINVAL, MAP(.flags = OP_MAP | 1u << 31));
}

TEST_F(vm, op_readonly_alone)
{
	EXPECT_EQ(-EINVAL, MAP(.flags = OP_READONLY));
}

TEST_F(vm, unmap_with_readonly)
{
	ASSERT_EQ(0, MAP());
	EXPECT_EQ(-EINVAL, BIND(.flags = OP_UNMAP | OP_READONLY, .va = self->va, .size = 4096));
}

TEST_F(vm, map_unknown_handle)
{
	EXPECT_EQ(-ENOENT, MAP(.bo_handle = 0));
	EXPECT_EQ(-ENOENT, MAP(.bo_handle = self->bo.handle + 1000));
}

TEST_F(vm, map_handle_of_another_file)
{
	struct qaccel_ctx other;

	ASSERT_EQ(0, qaccel_ctx_init(&other));
	/* A file has as many buffers as this one less one: this handle is unknown there. */
	EXPECT_EQ(-ENOENT, qaccel_map(other.fd, other.vm, self->bo.handle, 0, self->va, 4096, 0));
	qaccel_ctx_fini(&other);
}

TEST_F(vm, map_size_zero)
{
	EXPECT_EQ(-EINVAL, MAP(.size = 0));
}

TEST_F(vm, map_size_unaligned)
{
	EXPECT_EQ(-EINVAL, MAP(.size = 4095));
	EXPECT_EQ(-EINVAL, MAP(.size = 4096 + 64));
}

TEST_F(vm, map_va_unaligned)
{
	EXPECT_EQ(-EINVAL, MAP(.va = self->va + 64));
}

TEST_F(vm, map_offset_unaligned)
{
	EXPECT_EQ(-EINVAL, MAP(.bo_offset = 64));
}

TEST_F(vm, map_below_the_vm)
{
	const struct drm_qaccel_dev_info *info = &self->c.info;

	if (!info->va_start)
		SKIP(return, "the VM starts at 0");
	EXPECT_EQ(-EINVAL, MAP(.va = 0));
	EXPECT_EQ(-EINVAL, MAP(.va = info->va_start - 4096));
	EXPECT_EQ(-EINVAL, MAP(.va = info->va_start - 4096, .size = 8192));
}

TEST_F(vm, map_above_the_vm)
{
	const struct drm_qaccel_dev_info *info = &self->c.info;

	EXPECT_EQ(-EINVAL, MAP(.va = info->va_end));
	EXPECT_EQ(-EINVAL, MAP(.va = info->va_end - 4096, .size = 8192));
	EXPECT_EQ(-EINVAL, MAP(.va = 1ull << 63));
}

TEST_F(vm, map_va_overflow)
{
	EXPECT_EQ(-EINVAL, MAP(.va = -4096ull));
	EXPECT_EQ(-EINVAL, MAP(.va = -4096ull, .size = 8192));
	EXPECT_EQ(-EINVAL, MAP(.size = -4096ull));
	EXPECT_EQ(-EINVAL, MAP(.size = -self->va));
}

TEST_F(vm, map_outside_of_the_buffer)
{
	EXPECT_EQ(-EINVAL, MAP(.bo_offset = BO_SIZE));
	EXPECT_EQ(-EINVAL, MAP(.size = BO_SIZE + 4096));
	EXPECT_EQ(-EINVAL, MAP(.bo_offset = BO_SIZE - 4096, .size = 8192));
}

TEST_F(vm, map_offset_overflow)
{
	EXPECT_EQ(-EINVAL, MAP(.bo_offset = -4096ull));
	EXPECT_EQ(-EINVAL, MAP(.bo_offset = -4096ull, .size = 8192));
}

TEST_F(vm, map_first_and_last_page_of_the_vm)
{
	const struct drm_qaccel_dev_info *info = &self->c.info;

	EXPECT_EQ(0, MAP(.va = info->va_start));
	EXPECT_EQ(0, MAP(.va = info->va_end - 4096));
	qaccel_fill(self->bo.map, 4096, 1);
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, info->va_end - 4096, 4096);
	qaccel_cmd_copy(&self->c.cmds[1], self->c.dst_va + 4096, info->va_start, 4096);
	qaccel_cmd_end(&self->c.cmds[2]);
	EXPECT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 3));
	EXPECT_TRUE(qaccel_filled(self->c.dst, 4096, 1));
	EXPECT_TRUE(qaccel_filled(self->c.dst + 4096, 4096, 1));
}

TEST_F(vm, map_taken_range)
{
	ASSERT_EQ(0, MAP(.size = 8192));
	EXPECT_EQ(-EEXIST, MAP(.size = 8192));
	EXPECT_EQ(-EEXIST, MAP(.va = self->va + 4096));
	EXPECT_EQ(-EEXIST, MAP(.va = self->va - 4096, .size = 8192));
	EXPECT_EQ(-EEXIST, MAP(.va = self->va - 4096, .size = 4 * 4096));
	/* Neighbours are fine. */
	EXPECT_EQ(0, MAP(.va = self->va - 4096));
	EXPECT_EQ(0, MAP(.va = self->va + 8192));
}

TEST_F(vm, map_private_buffer_of_another_vm)
{
	__u32 other, handle;

	ASSERT_EQ(0, qaccel_vm_create(self->c.fd, &other));
	ASSERT_EQ(0, qaccel_handle_create(self->c.fd, 4096, other, &handle));
	EXPECT_EQ(-EINVAL, MAP(.bo_handle = handle));
	EXPECT_EQ(0, qaccel_map(self->c.fd, other, handle, 0, self->va, 4096, 0));
}

TEST_F(vm, unmap_with_handle)
{
	ASSERT_EQ(0, MAP());
	EXPECT_EQ(-EINVAL, BIND(.flags = OP_UNMAP, .va = self->va, .size = 4096,
				.bo_handle = self->bo.handle));
}

TEST_F(vm, unmap_with_offset)
{
	ASSERT_EQ(0, MAP());
	EXPECT_EQ(-EINVAL, BIND(.flags = OP_UNMAP, .va = self->va, .size = 4096,
				.bo_offset = 4096));
}

TEST_F(vm, unmap_unaligned)
{
	ASSERT_EQ(0, MAP());
	EXPECT_EQ(-EINVAL, qaccel_unmap(self->c.fd, self->c.vm, self->va + 8, 4096));
	EXPECT_EQ(-EINVAL, qaccel_unmap(self->c.fd, self->c.vm, self->va, 4095));
	EXPECT_EQ(-EINVAL, qaccel_unmap(self->c.fd, self->c.vm, self->va, 0));
}

TEST_F(vm, unmap_nothing)
{
	EXPECT_EQ(-EINVAL, qaccel_unmap(self->c.fd, self->c.vm, self->va, 4096));
}

TEST_F(vm, unmap_twice)
{
	ASSERT_EQ(0, MAP());
	EXPECT_EQ(0, qaccel_unmap(self->c.fd, self->c.vm, self->va, 4096));
	EXPECT_EQ(-EINVAL, qaccel_unmap(self->c.fd, self->c.vm, self->va, 4096));
}

TEST_F(vm, unmap_part)
{
	ASSERT_EQ(0, MAP(.size = 8192));
	EXPECT_EQ(-EINVAL, qaccel_unmap(self->c.fd, self->c.vm, self->va, 4096));
	EXPECT_EQ(-EINVAL, qaccel_unmap(self->c.fd, self->c.vm, self->va + 4096, 4096));
	EXPECT_EQ(0, qaccel_unmap(self->c.fd, self->c.vm, self->va, 8192));
}

TEST_F(vm, unmap_two_maps_at_once)
{
	ASSERT_EQ(0, MAP());
	ASSERT_EQ(0, MAP(.va = self->va + 4096));
	EXPECT_EQ(-EINVAL, qaccel_unmap(self->c.fd, self->c.vm, self->va, 8192));
}

TEST_F(vm, failing_op_is_reported_and_stops)
{
	struct drm_qaccel_vm_bind_op ops[4] = {
		{ .flags = OP_MAP, .bo_handle = self->bo.handle, .va = self->va, .size = 4096 },
		{ .flags = OP_MAP, .bo_handle = self->bo.handle, .va = self->va + 4096,
		  .size = 4096 },
		{ .flags = OP_MAP, .bo_handle = self->bo.handle, .va = self->va, .size = 4096 },
		{ .flags = OP_MAP, .bo_handle = self->bo.handle, .va = self->va + 8192,
		  .size = 4096 },
	};
	struct drm_qaccel_vm_bind args = {
		.vm_id = self->c.vm,
		.ops = { .stride = sizeof(ops[0]), .count = 4, .array = (uintptr_t)ops },
	};

	EXPECT_EQ(-EEXIST, qaccel_ioctl(self->c.fd, DRM_IOCTL_QACCEL_VM_BIND, &args));
	EXPECT_EQ(2, args.ops.count);
	EXPECT_EQ(0, qaccel_unmap(self->c.fd, self->c.vm, self->va, 4096));
	EXPECT_EQ(0, qaccel_unmap(self->c.fd, self->c.vm, self->va + 4096, 4096));
	EXPECT_EQ(-EINVAL, qaccel_unmap(self->c.fd, self->c.vm, self->va + 8192, 4096));
}

TEST_F(vm, ops_in_order)
{
	struct drm_qaccel_vm_bind_op ops[3] = {
		{ .flags = OP_MAP, .bo_handle = self->bo.handle, .va = self->va, .size = 4096 },
		{ .flags = OP_UNMAP, .va = self->va, .size = 4096 },
		{ .flags = OP_MAP, .bo_handle = self->bo.handle, .bo_offset = 4096,
		  .va = self->va, .size = 4096 },
	};

	ASSERT_EQ(0, qaccel_vm_bind(self->c.fd, self->c.vm, ops, 3));
	qaccel_fill(self->bo.map, 4096, 1);
	qaccel_fill(self->bo.map + 4096, 4096, 2);
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, self->va, 4096);
	qaccel_cmd_end(&self->c.cmds[1]);
	ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 2));
	EXPECT_TRUE(qaccel_filled(self->c.dst, 4096, 2));
}

TEST_F(vm, as_many_ops_as_info_says)
{
	__u32 n = self->c.info.max_bind_ops, i;
	struct drm_qaccel_vm_bind_op *ops = calloc(n, sizeof(*ops));

	ASSERT_NE(NULL, ops);
	for (i = 0; i < n; i++)
		ops[i] = (struct drm_qaccel_vm_bind_op){
			.flags = i % 2 ? OP_UNMAP : OP_MAP,
			.bo_handle = i % 2 ? 0 : self->bo.handle,
			.va = self->va,
			.size = 4096,
		};
	EXPECT_EQ(0, qaccel_vm_bind(self->c.fd, self->c.vm, ops, n));
	free(ops);
}

TEST_F(vm, one_buffer_at_two_addresses)
{
	ASSERT_EQ(0, MAP());
	ASSERT_EQ(0, MAP(.va = self->va + (1 << 21)));
	qaccel_fill(self->bo.map, 4096, 3);
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, self->va, 2048);
	qaccel_cmd_copy(&self->c.cmds[1], self->c.dst_va + 2048, self->va + (1 << 21) + 2048,
			2048);
	qaccel_cmd_end(&self->c.cmds[2]);
	ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 3));
	EXPECT_TRUE(qaccel_filled(self->c.dst, 4096, 3));
}

TEST_F(vm, middle_of_a_buffer)
{
	ASSERT_EQ(0, MAP(.bo_offset = 8192, .size = 8192));
	qaccel_fill(self->bo.map + 8192, 8192, 4);
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, self->va, 8192);
	qaccel_cmd_end(&self->c.cmds[1]);
	ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 2));
	EXPECT_TRUE(qaccel_filled(self->c.dst, 8192, 4));
}

TEST_F(vm, remapped_address_shows_the_new_buffer)
{
	struct qaccel_bo other;

	/* The device has the old translation cached when it changes. */
	ASSERT_EQ(0, qaccel_bo_init(&other, self->c.fd, 4096, 0));
	qaccel_fill(self->bo.map, 4096, 5);
	qaccel_fill(other.map, 4096, 6);
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, self->va, 4096);
	qaccel_cmd_end(&self->c.cmds[1]);
	ASSERT_EQ(0, MAP());
	ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 2));
	EXPECT_TRUE(qaccel_filled(self->c.dst, 4096, 5));
	ASSERT_EQ(0, qaccel_unmap(self->c.fd, self->c.vm, self->va, 4096));
	ASSERT_EQ(0, MAP(.bo_handle = other.handle));
	ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 2));
	EXPECT_TRUE(qaccel_filled(self->c.dst, 4096, 6));
	qaccel_bo_fini(&other);
}

TEST_F(vm, binding_keeps_a_closed_buffer_alive)
{
	__u32 handle;

	ASSERT_EQ(0, qaccel_handle_create(self->c.fd, 4096, 0, &handle));
	ASSERT_EQ(0, MAP(.bo_handle = handle));
	ASSERT_EQ(0, qaccel_gem_close(self->c.fd, handle));
	qaccel_fill(self->c.src, 4096, 7);
	qaccel_cmd_copy(&self->c.cmds[0], self->va, self->c.src_va, 4096);
	qaccel_cmd_copy(&self->c.cmds[1], self->c.dst_va, self->va, 4096);
	qaccel_cmd_end(&self->c.cmds[2]);
	ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 3));
	EXPECT_TRUE(qaccel_filled(self->c.dst, 4096, 7));
	EXPECT_EQ(0, qaccel_unmap(self->c.fd, self->c.vm, self->va, 4096));
}

TEST_F(vm, readonly_can_be_read)
{
	ASSERT_EQ(0, MAP(.flags = OP_MAP | OP_READONLY));
	qaccel_fill(self->bo.map, 4096, 8);
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, self->va, 4096);
	qaccel_cmd_end(&self->c.cmds[1]);
	ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 2));
	EXPECT_TRUE(qaccel_filled(self->c.dst, 4096, 8));
}

TEST_F(vm, large_buffer_with_blocks)
{
	const __u64 size = 8 << 20, step = 1 << 20;
	/* Aligned as blocks want it, and not at all. */
	const __u64 vas[] = { self->va, self->va + (64 << 20) + 4096 };
	struct qaccel_bo bo;
	unsigned int i, j;

	ASSERT_EQ(0, qaccel_bo_init(&bo, self->c.fd, size, 0));
	for (i = 0; i < size / step; i++)
		qaccel_fill(bo.map + i * step + step - 4096, 4096, i);
	for (j = 0; j < ARRAY_SIZE(vas); j++) {
		ASSERT_EQ(0, qaccel_map(self->c.fd, self->c.vm, bo.handle, 0, vas[j], size, 0));
		for (i = 0; i < size / step; i++)
			qaccel_cmd_copy(&self->c.cmds[i], self->c.dst_va + i * 4096,
					vas[j] + i * step + step - 4096, 4096);
		qaccel_cmd_end(&self->c.cmds[i]);
		memset(self->c.dst, 0, QACCEL_CTX_DATA);
		ASSERT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, i + 1));
		for (i = 0; i < size / step; i++) {
			EXPECT_TRUE(qaccel_filled(self->c.dst + i * 4096, 4096, i));
		}
	}
	qaccel_bo_fini(&bo);
}

TEST_F(vm, wide_and_sparse)
{
	const unsigned int n = 32;
	unsigned int i;

	/* Page tables of their own for each, made and thrown away. */
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, MAP(.va = self->va + i * ((1ull << 30) + (1 << 21) + 4096)));
	}
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, qaccel_unmap(self->c.fd, self->c.vm,
					  self->va + i * ((1ull << 30) + (1 << 21) + 4096),
					  4096));
	}
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
}

TEST_HARNESS_MAIN
