// SPDX-License-Identifier: GPL-2.0
/*
 * Every ioctl with each of its allocations and user copies failing in turn
 *
 * As iommufd_fail_nth: the n-th call that can fail does, for n = 1, 2, ... until
 * the ioctl gets through without meeting it. It must fail cleanly, and the next
 * one work; KASAN and kmemleak see the rest.
 */
#include <dirent.h>
#include <linux/dma-heap.h>

#include "qaccel_test.h"

#define SIZE		(64 << 10)
#define MAX_SITES	1000

FIXTURE(fail_nth)
{
	struct qaccel_ctx c;
	char node[64];
	int nth;
	/* What the operation under test works on or has made. */
	__u32 id;
	__u32 handle;
	__u32 binary;
	__u32 timeline;
	int dmabuf;
};

typedef FIXTURE_DATA(fail_nth) fixture;

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[600];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -EIO : 0;
}

/* Any allocation may fail, and the log stays quiet about it. */
static int setup_injection(void)
{
	const char *debugfs = "/sys/kernel/debug";
	struct dirent *entry;
	DIR *dir;
	int ret;

	ret = write_file(debugfs, "failslab/ignore-gfp-wait", "N");
	write_file(debugfs, "fail_page_alloc/ignore-gfp-wait", "N");
	write_file(debugfs, "fail_page_alloc/ignore-gfp-highmem", "N");
	dir = opendir(debugfs);
	if (ret || !dir)
		return -ENOTSUP;
	while ((entry = readdir(dir))) {
		char name[300];

		if (strncmp(entry->d_name, "fail", 4))
			continue;
		snprintf(name, sizeof(name), "%s/verbose", entry->d_name);
		write_file(debugfs, name, "0");
	}
	closedir(dir);
	return 0;
}

FIXTURE_SETUP(fail_nth)
{
	int ret;

	if (setup_injection())
		SKIP(return, "no fault injection in this kernel");
	self->nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (self->nth < 0)
		SKIP(return, "no /proc/thread-self/fail-nth");
	ret = qaccel_open_path(self->node, sizeof(self->node));
	if (ret == -ENODEV)
		SKIP(return, "no qaccel device");
	ASSERT_GE(ret, 0);
	ASSERT_EQ(0, qaccel_ctx_init_fd(&self->c, ret));
	ASSERT_EQ(0, qaccel_handle_create(self->c.fd, SIZE, 0, &self->handle));
	ASSERT_EQ(0, qaccel_syncobj_create(self->c.fd, &self->binary));
	ASSERT_EQ(0, qaccel_syncobj_create(self->c.fd, &self->timeline));
	self->dmabuf = -1;
}

FIXTURE_TEARDOWN(fail_nth)
{
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
	qaccel_ctx_fini(&self->c);
	close(self->nth);
}

/* Whether the failure was met. Even this read and write may be what fails. */
static bool disarm(int nth)
{
	bool met = true;
	char left = '0';

	if (pread(nth, &left, 1, 0) == 1)
		met = left == '0';
	while (pwrite(nth, "0", 1, 0) != 1)
		;
	return met;
}

/*
 * Returns 0, or what was wrong. prepare and undo may be NULL and never fail by
 * injection; undo must cope with an op that failed, or that succeeded and could
 * not say so (EFAULT).
 */
static int sweep(fixture *f, int (*prepare)(fixture *), int (*op)(fixture *),
		 void (*undo)(fixture *))
{
	unsigned int n;

	for (n = 1; n < MAX_SITES; n++) {
		char text[16];
		int len, ret;
		bool met;

		ret = prepare ? prepare(f) : 0;
		if (ret)
			return ret;
		len = snprintf(text, sizeof(text), "%u", n);
		if (pwrite(f->nth, text, len, 0) != len)
			return -errno;
		ret = op(f);
		met = disarm(f->nth);
		if (undo)
			undo(f);
		if (!met) {
			printf("# %u calls can fail\n", n - 1);
			return ret;
		}
		if (ret && ret != -ENOMEM && ret != -EFAULT) {
			printf("# site %u: %s\n", n, strerror(-ret));
			return ret;
		}
		if (n % 8 == 0) {
			ret = qaccel_ctx_check(&f->c, f->c.queue);
			if (ret)
				return ret;
		}
	}
	return -E2BIG;
}

static int op_open(fixture *f)
{
	f->id = open(f->node, O_RDWR | O_CLOEXEC);
	return (int)f->id < 0 ? -errno : 0;
}

static void undo_open(fixture *f)
{
	if ((int)f->id >= 0)
		close(f->id);
}

TEST_F(fail_nth, open)
{
	EXPECT_EQ(0, sweep(self, NULL, op_open, undo_open));
}

static int op_query(fixture *f)
{
	struct drm_qaccel_dev_counters counters;

	return qaccel_info(f->c.fd, &f->c.info) ?: qaccel_counters(f->c.fd, &counters);
}

TEST_F(fail_nth, dev_query)
{
	EXPECT_EQ(0, sweep(self, NULL, op_query, NULL));
}

static int op_bo_create(fixture *f)
{
	f->id = 0;
	return qaccel_handle_create(f->c.fd, SIZE, 0, &f->id);
}

static void undo_bo(fixture *f)
{
	qaccel_gem_close(f->c.fd, f->id);
}

TEST_F(fail_nth, bo_create)
{
	EXPECT_EQ(0, sweep(self, NULL, op_bo_create, undo_bo));
}

static int op_bo_create_private(fixture *f)
{
	f->id = 0;
	return qaccel_handle_create(f->c.fd, 4 << 20, f->c.vm, &f->id);
}

TEST_F(fail_nth, bo_create_private)
{
	EXPECT_EQ(0, sweep(self, NULL, op_bo_create_private, undo_bo));
}

static int op_mmap(fixture *f)
{
	__u64 offset;
	void *map;
	int ret;

	ret = qaccel_mmap_offset(f->c.fd, f->id, &offset);
	if (ret)
		return ret;
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, f->c.fd, offset);
	if (map == MAP_FAILED)
		return -errno;
	munmap(map, SIZE);
	return 0;
}

TEST_F(fail_nth, mmap)
{
	EXPECT_EQ(0, sweep(self, op_bo_create, op_mmap, undo_bo));
}

static int op_bo_wait(fixture *f)
{
	return qaccel_bo_wait(f->c.fd, f->handle, 0);
}

TEST_F(fail_nth, bo_wait)
{
	EXPECT_EQ(0, sweep(self, NULL, op_bo_wait, NULL));
}

static int op_vm_create(fixture *f)
{
	f->id = 0;
	return qaccel_vm_create(f->c.fd, &f->id);
}

static void undo_vm(fixture *f)
{
	qaccel_vm_destroy(f->c.fd, f->id);
}

TEST_F(fail_nth, vm_create)
{
	EXPECT_EQ(0, sweep(self, NULL, op_vm_create, undo_vm));
}

static int op_vm_destroy(fixture *f)
{
	return qaccel_vm_destroy(f->c.fd, f->id);
}

TEST_F(fail_nth, vm_destroy)
{
	EXPECT_EQ(0, sweep(self, op_vm_create, op_vm_destroy, undo_vm));
}

/* Far apart, so that each needs page tables of its own. */
static __u64 sparse(fixture *f, unsigned int i)
{
	return f->c.free_va + i * ((1ull << 30) + (1 << 21));
}

static int op_map(fixture *f)
{
	struct drm_qaccel_vm_bind_op ops[3] = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		ops[i] = (struct drm_qaccel_vm_bind_op){
			.flags = DRM_QACCEL_VM_BIND_OP_MAP,
			.bo_handle = f->handle,
			.va = sparse(f, i),
			.size = SIZE,
		};
	return qaccel_vm_bind(f->c.fd, f->c.vm, ops, ARRAY_SIZE(ops));
}

static void undo_map(fixture *f)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		qaccel_unmap(f->c.fd, f->c.vm, sparse(f, i), SIZE);
}

TEST_F(fail_nth, vm_bind_map)
{
	EXPECT_EQ(0, sweep(self, NULL, op_map, undo_map));
}

static int new_buffer(fixture *f)
{
	return qaccel_handle_create(f->c.fd, SIZE, 0, &f->id);
}

/* The first binding of a buffer has to get its pages. */
static int op_map_new(fixture *f)
{
	return qaccel_map(f->c.fd, f->c.vm, f->id, 0, f->c.free_va, SIZE, 0);
}

static void undo_map_new(fixture *f)
{
	qaccel_unmap(f->c.fd, f->c.vm, f->c.free_va, SIZE);
	qaccel_gem_close(f->c.fd, f->id);
}

TEST_F(fail_nth, vm_bind_map_without_pages)
{
	EXPECT_EQ(0, sweep(self, new_buffer, op_map_new, undo_map_new));
}

static int op_unmap(fixture *f)
{
	return qaccel_unmap(f->c.fd, f->c.vm, sparse(f, 0), SIZE);
}

TEST_F(fail_nth, vm_bind_unmap)
{
	EXPECT_EQ(0, sweep(self, op_map, op_unmap, undo_map));
}

static int op_queue_create(fixture *f)
{
	f->id = 0;
	return qaccel_queue_create(f->c.fd, f->c.vm, DRM_QACCEL_PRIORITY_NORMAL, &f->id);
}

static void undo_queue(fixture *f)
{
	qaccel_queue_destroy(f->c.fd, f->id);
}

TEST_F(fail_nth, queue_create)
{
	EXPECT_EQ(0, sweep(self, NULL, op_queue_create, undo_queue));
}

static int op_queue_destroy(fixture *f)
{
	return qaccel_queue_destroy(f->c.fd, f->id);
}

TEST_F(fail_nth, queue_destroy)
{
	EXPECT_EQ(0, sweep(self, op_queue_create, op_queue_destroy, undo_queue));
}

static int op_get_state(fixture *f)
{
	struct drm_qaccel_queue_get_state state;

	return qaccel_queue_state(f->c.fd, f->c.queue, &state);
}

TEST_F(fail_nth, queue_get_state)
{
	EXPECT_EQ(0, sweep(self, NULL, op_get_state, NULL));
}

/* Two jobs, with each kind of sync there is. */
static int op_submit(fixture *f)
{
	struct drm_qaccel_job jobs[2] = {
		{ .stream_va = f->c.cmds_va, .stream_size = QACCEL_CMD_SIZE },
		{ .stream_va = f->c.cmds_va, .stream_size = QACCEL_CMD_SIZE },
	};
	struct drm_qaccel_sync syncs[4] = {
		{ .flags = DRM_QACCEL_SYNC_WAIT, .handle = f->binary },
		{ .flags = DRM_QACCEL_SYNC_SIGNAL, .handle = f->binary },
		{ .flags = DRM_QACCEL_SYNC_WAIT | DRM_QACCEL_SYNC_TIMELINE,
		  .handle = f->timeline, .timeline_value = 1 },
		{ .flags = DRM_QACCEL_SYNC_SIGNAL | DRM_QACCEL_SYNC_TIMELINE,
		  .handle = f->timeline, .timeline_value = ++f->id },
	};

	return qaccel_submit(f->c.fd, f->c.queue, jobs, 2, syncs, 4);
}

TEST_F(fail_nth, submit)
{
	struct drm_qaccel_queue_get_state state;

	/* Something to wait for, to begin with. */
	qaccel_cmd_end(&self->c.cmds[0]);
	self->id = 1;
	ASSERT_EQ(0, qaccel_timeline_signal(self->c.fd, self->timeline, 1));
	ASSERT_EQ(0, qaccel_ctx_submit(&self->c, self->c.queue, 1, 0, self->binary));
	EXPECT_EQ(0, sweep(self, NULL, op_submit, NULL));
	EXPECT_EQ(0, qaccel_bo_wait(self->c.fd, self->c.bo.handle, qaccel_patience()));
	/* All or none: one at first, then pairs, and those of the checks. */
	ASSERT_EQ(0, qaccel_queue_state(self->c.fd, self->c.queue, &state));
	EXPECT_EQ(0, state.state);
	EXPECT_EQ(state.jobs_submitted, state.jobs_completed);
}

static int op_export(fixture *f)
{
	struct drm_prime_handle args = { .handle = f->id, .flags = DRM_CLOEXEC, .fd = -1 };
	int ret = qaccel_ioctl(f->c.fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args);

	f->dmabuf = args.fd;
	return ret;
}

static void undo_export(fixture *f)
{
	if (f->dmabuf >= 0)
		close(f->dmabuf);
	qaccel_gem_close(f->c.fd, f->id);
}

TEST_F(fail_nth, prime_export)
{
	EXPECT_EQ(0, sweep(self, new_buffer, op_export, undo_export));
}

static int new_heap_buffer(fixture *f)
{
	struct dma_heap_allocation_data data = { .len = SIZE, .fd_flags = O_RDWR | O_CLOEXEC };
	int heap = open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC);
	int ret;

	if (heap < 0)
		return -errno;
	ret = qaccel_ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data);
	close(heap);
	f->dmabuf = data.fd;
	return ret;
}

static int op_import(fixture *f)
{
	struct drm_prime_handle args = { .fd = f->dmabuf };
	int ret = qaccel_ioctl(f->c.fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);

	f->id = args.handle;
	return ret ?: qaccel_map(f->c.fd, f->c.vm, f->id, 0, f->c.free_va, SIZE, 0);
}

static void undo_import(fixture *f)
{
	undo_map_new(f);
	close(f->dmabuf);
}

TEST_F(fail_nth, prime_import_and_bind)
{
	if (access("/dev/dma_heap/system", R_OK | W_OK))
		SKIP(return, "no /dev/dma_heap/system");
	EXPECT_EQ(0, sweep(self, new_heap_buffer, op_import, undo_import));
}

TEST_HARNESS_MAIN
