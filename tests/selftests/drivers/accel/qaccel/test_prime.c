// SPDX-License-Identifier: GPL-2.0
/* PRIME: buffers that go to other files and drivers, and that come from them */
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>

#include "qaccel_test.h"

#define SIZE	(64 << 10)

FIXTURE(prime)
{
	struct qaccel_ctx c;
	struct qaccel_ctx other;
	struct qaccel_bo bo;
};

FIXTURE_SETUP(prime)
{
	qaccel_setup(&self->c);
	ASSERT_EQ(0, qaccel_ctx_init(&self->other));
	ASSERT_EQ(0, qaccel_bo_init(&self->bo, self->c.fd, SIZE, 0));
}

FIXTURE_TEARDOWN(prime)
{
	qaccel_bo_fini(&self->bo);
	qaccel_ctx_fini(&self->other);
	qaccel_ctx_fini(&self->c);
}

static int export(int fd, __u32 handle, int *dmabuf)
{
	struct drm_prime_handle args = {
		.handle = handle,
		.flags = DRM_CLOEXEC | DRM_RDWR,
		.fd = -1,
	};
	int ret = qaccel_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args);

	*dmabuf = args.fd;
	return ret;
}

static int import(int fd, int dmabuf, __u32 *handle)
{
	struct drm_prime_handle args = { .fd = dmabuf };
	int ret = qaccel_ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);

	*handle = args.handle;
	return ret;
}

/*
 * Only for a dma-buf that wants it (-1: none does). The system heap does not
 * survive it while it is imported, with DMABUF_DEBUG, which hides the pages of
 * its table from importers, and DMA_API_DEBUG, which looks for them; and our
 * device is coherent.
 */
static int cpu_access(int dmabuf, __u64 flags)
{
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_RW };

	if (dmabuf < 0)
		return 0;
	return qaccel_ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync);
}

/* Device reads and writes the buffer; the CPU sees it through map. */
static int use_by_device(struct qaccel_ctx *c, __u32 handle, __u8 *map, int dmabuf)
{
	int ret;

	ret = qaccel_map(c->fd, c->vm, handle, 0, c->free_va, SIZE, 0);
	if (ret)
		return ret;
	cpu_access(dmabuf, DMA_BUF_SYNC_START);
	qaccel_fill(map, SIZE / 2, 1);
	memset(map + SIZE / 2, 0, SIZE / 2);
	cpu_access(dmabuf, DMA_BUF_SYNC_END);
	memset(c->dst, 0, QACCEL_CTX_DATA);
	qaccel_cmd_copy(&c->cmds[0], c->dst_va, c->free_va, SIZE / 2);
	qaccel_cmd_copy(&c->cmds[1], c->free_va + SIZE / 2, c->dst_va, SIZE / 2);
	qaccel_cmd_end(&c->cmds[2]);
	ret = qaccel_ctx_run(c, c->queue, 3);
	if (ret != FENCE_SIGNALED)
		return ret ?: -EBUSY;
	if (!qaccel_filled(c->dst, SIZE / 2, 1))
		return -EILSEQ;
	cpu_access(dmabuf, DMA_BUF_SYNC_START);
	ret = qaccel_filled(map + SIZE / 2, SIZE / 2, 1) ? 0 : -EILSEQ;
	cpu_access(dmabuf, DMA_BUF_SYNC_END);
	return ret ?: qaccel_unmap(c->fd, c->vm, c->free_va, SIZE);
}

TEST_F(prime, export_unknown_handle)
{
	int dmabuf;

	EXPECT_EQ(-ENOENT, export(self->c.fd, self->bo.handle + 1000, &dmabuf));
}

TEST_F(prime, private_buffer_is_not_exported)
{
	__u32 handle;
	int dmabuf, ret;

	ASSERT_EQ(0, qaccel_handle_create(self->c.fd, 4096, self->c.vm, &handle));
	ret = export(self->c.fd, handle, &dmabuf);
	EXPECT_LT(ret, 0);
	EXPECT_NE(-ENOENT, ret);
	EXPECT_EQ(-1, dmabuf);
}

TEST_F(prime, private_buffer_is_not_exported_after_its_vm_is_gone)
{
	__u32 handle, vm;
	int dmabuf;

	ASSERT_EQ(0, qaccel_vm_create(self->c.fd, &vm));
	ASSERT_EQ(0, qaccel_handle_create(self->c.fd, 4096, vm, &handle));
	ASSERT_EQ(0, qaccel_vm_destroy(self->c.fd, vm));
	EXPECT_LT(export(self->c.fd, handle, &dmabuf), 0);
}

TEST_F(prime, import_what_is_no_dmabuf)
{
	__u32 handle;

	EXPECT_EQ(-EINVAL, import(self->c.fd, self->c.fd, &handle));
	EXPECT_EQ(-EBADF, import(self->c.fd, -1, &handle));
}

TEST_F(prime, import_into_the_same_file_gives_the_same_handle)
{
	__u32 handle;
	int dmabuf;

	ASSERT_EQ(0, export(self->c.fd, self->bo.handle, &dmabuf));
	ASSERT_EQ(0, import(self->c.fd, dmabuf, &handle));
	EXPECT_EQ(self->bo.handle, handle);
	close(dmabuf);
}

TEST_F(prime, export_twice_gives_the_same_buffer)
{
	struct stat a, b;
	int first, second;

	ASSERT_EQ(0, export(self->c.fd, self->bo.handle, &first));
	ASSERT_EQ(0, export(self->c.fd, self->bo.handle, &second));
	ASSERT_EQ(0, fstat(first, &a));
	ASSERT_EQ(0, fstat(second, &b));
	EXPECT_EQ(a.st_ino, b.st_ino);
	close(first);
	close(second);
}

TEST_F(prime, size_by_lseek)
{
	int dmabuf;

	ASSERT_EQ(0, export(self->c.fd, self->bo.handle, &dmabuf));
	EXPECT_EQ(SIZE, lseek(dmabuf, 0, SEEK_END));
	close(dmabuf);
}

TEST_F(prime, mmap_of_the_dmabuf)
{
	int dmabuf;
	__u8 *map;

	ASSERT_EQ(0, export(self->c.fd, self->bo.handle, &dmabuf));
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	ASSERT_NE(MAP_FAILED, map);
	qaccel_fill(self->bo.map, SIZE, 2);
	EXPECT_EQ(0, cpu_access(dmabuf, DMA_BUF_SYNC_START));
	EXPECT_TRUE(qaccel_filled(map, SIZE, 2));
	EXPECT_EQ(0, cpu_access(dmabuf, DMA_BUF_SYNC_END));
	munmap(map, SIZE);
	close(dmabuf);
}

TEST_F(prime, two_files_share_a_buffer)
{
	__u32 handle;
	int dmabuf;

	ASSERT_EQ(0, export(self->c.fd, self->bo.handle, &dmabuf));
	ASSERT_EQ(0, import(self->other.fd, dmabuf, &handle));
	close(dmabuf);
	EXPECT_EQ(0, use_by_device(&self->other, handle, self->bo.map, -1));
	EXPECT_EQ(0, use_by_device(&self->c, self->bo.handle, self->bo.map, -1));
	EXPECT_EQ(0, qaccel_gem_close(self->other.fd, handle));
}

TEST_F(prime, imported_of_our_own_can_be_mapped)
{
	__u64 offset;
	__u32 handle;
	int dmabuf;
	__u8 *map;

	/* The same driver: not really an import, but the buffer itself. */
	ASSERT_EQ(0, export(self->c.fd, self->bo.handle, &dmabuf));
	ASSERT_EQ(0, import(self->other.fd, dmabuf, &handle));
	close(dmabuf);
	ASSERT_EQ(0, qaccel_mmap_offset(self->other.fd, handle, &offset));
	map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->other.fd, offset);
	ASSERT_NE(MAP_FAILED, map);
	qaccel_fill(self->bo.map, SIZE, 3);
	EXPECT_TRUE(qaccel_filled(map, SIZE, 3));
	munmap(map, SIZE);
}

TEST_F(prime, importer_outlives_the_exporter)
{
	struct qaccel_ctx exporter;
	struct qaccel_bo bo;
	__u32 handle;
	int dmabuf;

	ASSERT_EQ(0, qaccel_ctx_init(&exporter));
	ASSERT_EQ(0, qaccel_bo_init(&bo, exporter.fd, SIZE, 0));
	ASSERT_EQ(0, export(exporter.fd, bo.handle, &dmabuf));
	ASSERT_EQ(0, import(self->other.fd, dmabuf, &handle));
	close(dmabuf);
	qaccel_gem_close(exporter.fd, bo.handle);
	qaccel_ctx_fini(&exporter);
	EXPECT_EQ(0, use_by_device(&self->other, handle, bo.map, -1));
	munmap(bo.map, bo.size);
}

/* A dma-buf of another driver with its CPU mapping. */
static int foreign_heap(int *dmabuf)
{
	struct dma_heap_allocation_data data = { .len = SIZE, .fd_flags = O_RDWR | O_CLOEXEC };
	int heap = open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC);
	int ret;

	if (heap < 0)
		return -errno;
	ret = qaccel_ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data);
	*dmabuf = data.fd;
	close(heap);
	return ret;
}

static int foreign_udmabuf(int *dmabuf)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = SIZE };
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	int ret;

	if (dev < 0)
		return -errno;
	create.memfd = memfd_create("udmabuf", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	if ((int)create.memfd < 0 || ftruncate(create.memfd, SIZE) ||
	    fcntl(create.memfd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		ret = -errno;
	} else {
		ret = ioctl(dev, UDMABUF_CREATE, &create);
		*dmabuf = ret;
		ret = ret < 0 ? -errno : 0;
	}
	close(create.memfd);
	close(dev);
	return ret;
}

FIXTURE(foreign)
{
	struct qaccel_ctx c;
	int dmabuf;
	__u8 *map;
	__u32 handle;
};

FIXTURE_VARIANT(foreign)
{
	int (*create)(int *dmabuf);
	const char *name;
	bool sync;
};

FIXTURE_VARIANT_ADD(foreign, heap)
{
	.create = foreign_heap,
	.name = "dma-heap",
};

FIXTURE_VARIANT_ADD(foreign, udmabuf)
{
	.create = foreign_udmabuf,
	.name = "udmabuf",
	.sync = true,
};

FIXTURE_SETUP(foreign)
{
	int ret;

	qaccel_setup(&self->c);
	ret = variant->create(&self->dmabuf);
	if (ret)
		SKIP(return, "no %s: %s", variant->name, strerror(-ret));
	self->map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, self->dmabuf, 0);
	ASSERT_NE(MAP_FAILED, self->map);
	ASSERT_EQ(0, import(self->c.fd, self->dmabuf, &self->handle));
}

FIXTURE_TEARDOWN(foreign)
{
	qaccel_gem_close(self->c.fd, self->handle);
	munmap(self->map, SIZE);
	close(self->dmabuf);
	qaccel_ctx_fini(&self->c);
}

TEST_F(foreign, used_by_a_job)
{
	EXPECT_EQ(0, use_by_device(&self->c, self->handle, self->map,
				   variant->sync ? self->dmabuf : -1));
}

TEST_F(foreign, used_twice)
{
	EXPECT_EQ(0, use_by_device(&self->c, self->handle, self->map,
				   variant->sync ? self->dmabuf : -1));
	EXPECT_EQ(0, use_by_device(&self->c, self->handle, self->map,
				   variant->sync ? self->dmabuf : -1));
}

TEST_F(foreign, has_no_mmap_offset)
{
	__u64 offset;

	EXPECT_EQ(-EINVAL, qaccel_mmap_offset(self->c.fd, self->handle, &offset));
}

TEST_F(foreign, can_be_waited_for)
{
	EXPECT_EQ(0, qaccel_bo_wait(self->c.fd, self->handle, 0));
}

TEST_F(foreign, imported_twice_gives_the_same_handle)
{
	__u32 handle;

	ASSERT_EQ(0, import(self->c.fd, self->dmabuf, &handle));
	EXPECT_EQ(self->handle, handle);
}

TEST_F(foreign, exported_again_is_the_same_dmabuf)
{
	struct stat a, b;
	int dmabuf;

	ASSERT_EQ(0, export(self->c.fd, self->handle, &dmabuf));
	ASSERT_EQ(0, fstat(self->dmabuf, &a));
	ASSERT_EQ(0, fstat(dmabuf, &b));
	EXPECT_EQ(a.st_ino, b.st_ino);
	close(dmabuf);
}

TEST_F(foreign, closed_while_bound)
{
	ASSERT_EQ(0, qaccel_map(self->c.fd, self->c.vm, self->handle, 0, self->c.free_va, SIZE,
				0));
	ASSERT_EQ(0, qaccel_gem_close(self->c.fd, self->handle));
	close(self->dmabuf);
	qaccel_fill(self->map, SIZE, 4);
	qaccel_cmd_copy(&self->c.cmds[0], self->c.dst_va, self->c.free_va, SIZE);
	qaccel_cmd_end(&self->c.cmds[1]);
	EXPECT_EQ(FENCE_SIGNALED, qaccel_ctx_run(&self->c, self->c.queue, 2));
	EXPECT_TRUE(qaccel_filled(self->c.dst, SIZE, 4));
}

TEST_HARNESS_MAIN
