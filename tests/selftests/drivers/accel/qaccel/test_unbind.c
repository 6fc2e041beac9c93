// SPDX-License-Identifier: GPL-2.0
/*
 * The device goes away under its users, by sysfs: unbind, PCI remove and reset
 *
 * Each test leaves a device that works.
 */
#include <limits.h>
#include <linux/dma-heap.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/sysmacros.h>

#include "qaccel_test.h"

FIXTURE(unbind)
{
	struct qaccel_ctx c;
	__u32 out;
	mode_t mode;
	char pci[PATH_MAX];
	char driver[PATH_MAX];
	char slot[64];
};

static int write_sysfs(const char *dir, const char *name, const char *text)
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

/* PCI directory of the device behind a node, and what it is called. */
static int find_pci(int fd, char *pci, char *slot, char *driver, mode_t *mode)
{
	char path[PATH_MAX + 16];
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	*mode = st.st_mode & 0777;
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device", major(st.st_rdev),
		 minor(st.st_rdev));
	if (!realpath(path, pci))
		return -errno;
	snprintf(slot, 64, "%s", strrchr(pci, '/') + 1);
	snprintf(path, sizeof(path), "%s/driver", pci);
	return realpath(path, driver) ? 0 : -errno;
}

FIXTURE_SETUP(unbind)
{
	qaccel_setup(&self->c);
	ASSERT_EQ(0, find_pci(self->c.fd, self->pci, self->slot, self->driver, &self->mode));
	ASSERT_EQ(0, qaccel_syncobj_create(self->c.fd, &self->out));
	if (geteuid())
		SKIP(return, "needs root");
}

static int unbind(FIXTURE_DATA(unbind) *self)
{
	return write_sysfs(self->driver, "unbind", self->slot);
}

/* Binds, if it is not, and tells whether a job runs. */
static int bind_and_check(FIXTURE_DATA(unbind) *self)
{
	char path[PATH_MAX + 16];
	struct qaccel_ctx c;
	char node[64];
	int fd, ret;

	if (access(self->pci, F_OK))
		write_sysfs("/sys/bus/pci", "rescan", "1");
	snprintf(path, sizeof(path), "%s/driver", self->pci);
	if (access(path, F_OK)) {
		ret = write_sysfs(self->driver, "bind", self->slot);
		if (ret)
			return ret;
	}
	fd = qaccel_open_path(node, sizeof(node));
	if (fd < 0)
		return fd;
	chmod(node, self->mode);
	ret = qaccel_ctx_init_fd(&c, fd);
	if (ret)
		return ret;
	ret = qaccel_ctx_check(&c, c.queue);
	qaccel_ctx_fini(&c);
	return ret;
}

FIXTURE_TEARDOWN(unbind)
{
	/* The other way round than most tests: the file is closed late. */
	EXPECT_EQ(0, bind_and_check(self));
	qaccel_ctx_fini(&self->c);
}

/* What a process holds of one submit without the device: a sync_file. */
static int submit_tagged(struct qaccel_ctx *c, __u32 tag, __u32 in, int *file)
{
	__u32 out;

	qaccel_ctx_tagged(c, 0, tag);
	return qaccel_syncobj_create(c->fd, &out) ?:
	       qaccel_ctx_submit(c, c->queue, 2, in, out) ?:
	       qaccel_syncobj_export(c->fd, out, file);
}

TEST_F(unbind, idle)
{
	close(self->c.fd);
	munmap(self->c.bo.map, self->c.bo.size);
	self->c.bo.map = MAP_FAILED;
	self->c.fd = -1;
	ASSERT_EQ(0, unbind(self));
	EXPECT_EQ(-ENODEV, qaccel_open());
}

TEST_F(unbind, every_ioctl_says_enodev)
{
	struct drm_qaccel_queue_get_state state;
	struct drm_qaccel_dev_counters counters;
	struct drm_version version = {};
	__u64 offset;
	__u32 id;

	ASSERT_EQ(0, unbind(self));
	EXPECT_EQ(-ENODEV, qaccel_counters(self->c.fd, &counters));
	EXPECT_EQ(-ENODEV, qaccel_handle_create(self->c.fd, 4096, 0, &id));
	EXPECT_EQ(-ENODEV, qaccel_mmap_offset(self->c.fd, self->c.bo.handle, &offset));
	EXPECT_EQ(-ENODEV, qaccel_bo_wait(self->c.fd, self->c.bo.handle, 0));
	EXPECT_EQ(-ENODEV, qaccel_vm_create(self->c.fd, &id));
	EXPECT_EQ(-ENODEV, qaccel_unmap(self->c.fd, self->c.vm, self->c.va, self->c.bo.size));
	EXPECT_EQ(-ENODEV, qaccel_vm_destroy(self->c.fd, self->c.vm));
	EXPECT_EQ(-ENODEV, qaccel_queue_create(self->c.fd, self->c.vm,
					       DRM_QACCEL_PRIORITY_NORMAL, &id));
	EXPECT_EQ(-ENODEV, qaccel_queue_state(self->c.fd, self->c.queue, &state));
	EXPECT_EQ(-ENODEV, qaccel_ctx_submit(&self->c, self->c.queue, 1, 0, 0));
	EXPECT_EQ(-ENODEV, qaccel_queue_destroy(self->c.fd, self->c.queue));
	EXPECT_EQ(-ENODEV, qaccel_gem_close(self->c.fd, self->c.bo.handle));
	EXPECT_EQ(-ENODEV, qaccel_ioctl(self->c.fd, DRM_IOCTL_VERSION, &version));
}

TEST_F(unbind, old_file_stays_dead_after_rebind)
{
	struct drm_qaccel_dev_counters counters;

	ASSERT_EQ(0, unbind(self));
	ASSERT_EQ(0, bind_and_check(self));
	EXPECT_EQ(-ENODEV, qaccel_counters(self->c.fd, &counters));
}

TEST_F(unbind, mappings_stay)
{
	struct qaccel_bo bo;

	/* One with pages, one without any yet: neither may raise SIGBUS. */
	ASSERT_EQ(0, qaccel_bo_init(&bo, self->c.fd, 65536, 0));
	qaccel_fill(self->c.src, 4096, 1);
	ASSERT_EQ(0, unbind(self));
	EXPECT_TRUE(qaccel_filled(self->c.src, 4096, 1));
	qaccel_fill(self->c.dst, QACCEL_CTX_DATA, 2);
	EXPECT_TRUE(qaccel_filled(self->c.dst, QACCEL_CTX_DATA, 2));
	qaccel_fill(bo.map, 65536, 3);
	EXPECT_TRUE(qaccel_filled(bo.map, 65536, 3));
	munmap(bo.map, 65536);
}

TEST_F(unbind, mappings_stay_over_rebind_and_close)
{
	struct qaccel_bo bo;

	ASSERT_EQ(0, qaccel_bo_init(&bo, self->c.fd, 65536, 0));
	ASSERT_EQ(0, unbind(self));
	ASSERT_EQ(0, bind_and_check(self));
	close(self->c.fd);
	self->c.fd = -1;
	qaccel_fill(bo.map, 65536, 4);
	EXPECT_TRUE(qaccel_filled(bo.map, 65536, 4));
	munmap(bo.map, 65536);
}

TEST_F(unbind, no_new_mapping)
{
	__u64 offset;

	ASSERT_EQ(0, qaccel_mmap_offset(self->c.fd, self->c.bo.handle, &offset));
	ASSERT_EQ(0, unbind(self));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->c.fd, offset));
}

TEST_F(unbind, job_that_runs)
{
	int file;

	ASSERT_EQ(0, submit_tagged(&self->c, QACCEL_TAG_SLOW, 0, &file));
	ASSERT_EQ(0, unbind(self));
	EXPECT_NE(-ETIMEDOUT, qaccel_sync_file_wait(file));
	close(file);
}

TEST_F(unbind, job_that_hangs)
{
	int file, status;

	ASSERT_EQ(0, submit_tagged(&self->c, QACCEL_TAG_HANG, 0, &file));
	ASSERT_EQ(0, unbind(self));
	status = qaccel_sync_file_wait(file);
	if (status == FENCE_SIGNALED)
		SKIP(return, "the device has no x-hang-tag");
	EXPECT_LT(status, 0);
	EXPECT_NE(-ETIMEDOUT, status);
	close(file);
}

TEST_F(unbind, jobs_behind_one_that_hangs)
{
	int files[6], i;

	for (i = 0; i < 6; i++) {
		ASSERT_EQ(0, submit_tagged(&self->c, QACCEL_TAG_HANG, 0, &files[i]));
	}
	ASSERT_EQ(0, unbind(self));
	for (i = 0; i < 6; i++) {
		EXPECT_NE(-ETIMEDOUT, qaccel_sync_file_wait(files[i]));
		close(files[i]);
	}
}

static void *open_late(void *arg)
{
	usleep(300000);
	qaccel_gate_open(arg);
	return NULL;
}

TEST_F(unbind, job_that_waits_for_another_driver)
{
	struct qaccel_gate gate;
	pthread_t thread;
	int file, status;

	/* Removal may wait for a fence: that is bound to come, unlike user space. */
	qaccel_gate_or_skip(&gate, self->c.fd);
	ASSERT_EQ(0, submit_tagged(&self->c, 0, gate.syncobj, &file));
	ASSERT_EQ(0, pthread_create(&thread, NULL, open_late, &gate));
	EXPECT_EQ(0, unbind(self));
	pthread_join(thread, NULL);
	status = qaccel_sync_file_wait(file);
	EXPECT_NE(-ETIMEDOUT, status);
	close(file);
	qaccel_gate_fini(&gate, self->c.fd);
}

struct waiter {
	struct qaccel_ctx *c;
	atomic_bool started;
	int ret;
};

static void *wait_for_buffer(void *arg)
{
	struct waiter *w = arg;

	w->started = true;
	w->ret = qaccel_bo_wait(w->c->fd, w->c->bo.handle, qaccel_patience());
	return NULL;
}

TEST_F(unbind, thread_that_waits)
{
	struct waiter w = { .c = &self->c };
	pthread_t thread;
	int file;

	ASSERT_EQ(0, submit_tagged(&self->c, QACCEL_TAG_HANG, 0, &file));
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_for_buffer, &w));
	while (!w.started)
		usleep(1000);
	usleep(10000);
	ASSERT_EQ(0, unbind(self));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_TRUE(w.ret == 0 || w.ret == -ENODEV);
	close(file);
}

TEST_F(unbind, exported_buffer_stays)
{
	struct drm_prime_handle args = {
		.handle = self->c.bo.handle,
		.flags = DRM_CLOEXEC | DRM_RDWR,
	};
	__u8 *map;

	ASSERT_EQ(0, qaccel_ioctl(self->c.fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args));
	qaccel_fill(self->c.src, 4096, 5);
	ASSERT_EQ(0, unbind(self));
	map = mmap(NULL, self->c.bo.size, PROT_READ, MAP_SHARED, args.fd, 0);
	if (map != MAP_FAILED) {
		EXPECT_TRUE(qaccel_filled(map + (self->c.src_va - self->c.va), 4096, 5));
		munmap(map, self->c.bo.size);
	}
	ASSERT_EQ(0, bind_and_check(self));
	close(args.fd);
}

TEST_F(unbind, imported_buffer_goes_to_the_new_device)
{
	struct drm_prime_handle args = {
		.handle = self->c.bo.handle,
		.flags = DRM_CLOEXEC | DRM_RDWR,
	};
	int fd, dmabuf;

	/* The old device's buffer is a foreign one for the new device. */
	ASSERT_EQ(0, qaccel_ioctl(self->c.fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args));
	dmabuf = args.fd;
	ASSERT_EQ(0, unbind(self));
	ASSERT_EQ(0, bind_and_check(self));
	fd = qaccel_open();
	ASSERT_GE(fd, 0);
	/* Refused or not: it must not end in the dead device. */
	args.handle = 0;
	qaccel_ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);
	close(fd);
	close(dmabuf);
}

TEST_F(unbind, foreign_buffer_that_is_bound)
{
	struct dma_heap_allocation_data data = { .len = 65536, .fd_flags = O_RDWR | O_CLOEXEC };
	struct drm_prime_handle args = {};
	int heap = open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC);

	/* Nothing of it may stay mapped for a device that has no driver. */
	if (heap < 0)
		SKIP(return, "no /dev/dma_heap/system");
	ASSERT_EQ(0, qaccel_ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data));
	close(heap);
	args.fd = data.fd;
	ASSERT_EQ(0, qaccel_ioctl(self->c.fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args));
	ASSERT_EQ(0, qaccel_map(self->c.fd, self->c.vm, args.handle, 0, self->c.free_va, 65536,
				0));
	ASSERT_EQ(0, unbind(self));
	close(data.fd);
}

TEST_F(unbind, again_and_again)
{
	int i;

	for (i = 0; i < 6; i++) {
		ASSERT_EQ(0, unbind(self));
		ASSERT_EQ(0, bind_and_check(self));
	}
}

struct user {
	pthread_t thread;
	atomic_bool stop;
	unsigned int done;
};

/* Lives on whatever device there is. Any error will do, as long as it is one. */
static void *use_device(void *arg)
{
	struct user *u = arg;
	struct qaccel_ctx c;

	while (!u->stop) {
		int fd = qaccel_open();

		if (fd < 0) {
			usleep(1000);
			continue;
		}
		if (!qaccel_ctx_init_fd(&c, fd)) {
			while (!u->stop && !qaccel_ctx_check(&c, c.queue))
				u->done++;
			if (c.bo.map != MAP_FAILED)
				munmap(c.bo.map, c.bo.size);
		}
		close(fd);
	}
	return NULL;
}

TEST_F(unbind, under_load)
{
	struct user users[4] = {};
	int i, j;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, pthread_create(&users[i].thread, NULL, use_device, &users[i]));
	}
	for (j = 0; j < 4; j++) {
		usleep(100000);
		EXPECT_EQ(0, unbind(self));
		EXPECT_EQ(0, bind_and_check(self));
	}
	for (i = 0; i < 4; i++) {
		users[i].stop = true;
		pthread_join(users[i].thread, NULL);
	}
}

TEST_F(unbind, pci_remove_and_rescan)
{
	struct drm_qaccel_dev_counters counters;

	ASSERT_EQ(0, write_sysfs(self->pci, "remove", "1"));
	EXPECT_EQ(-ENODEV, qaccel_counters(self->c.fd, &counters));
	qaccel_fill(self->c.src, 4096, 6);
	ASSERT_EQ(0, write_sysfs("/sys/bus/pci", "rescan", "1"));
	EXPECT_EQ(0, bind_and_check(self));
}

TEST_F(unbind, pci_remove_with_jobs_in_flight)
{
	int files[2], i;

	ASSERT_EQ(0, submit_tagged(&self->c, QACCEL_TAG_SLOW, 0, &files[0]));
	ASSERT_EQ(0, submit_tagged(&self->c, QACCEL_TAG_HANG, 0, &files[1]));
	ASSERT_EQ(0, write_sysfs(self->pci, "remove", "1"));
	for (i = 0; i < 2; i++) {
		EXPECT_NE(-ETIMEDOUT, qaccel_sync_file_wait(files[i]));
		close(files[i]);
	}
}

/* -1: the kernel offers none. */
static int function_reset(FIXTURE_DATA(unbind) *self)
{
	int ret = write_sysfs(self->pci, "reset", "1");

	return ret == -ENOENT ? -1 : ret;
}

TEST_F(unbind, function_reset_of_an_idle_device)
{
	int i;

	for (i = 0; i < 3; i++) {
		int ret = function_reset(self);

		if (ret == -1)
			SKIP(return, "no reset method");
		ASSERT_EQ(0, ret);
		/* Memory and queues are the driver's: they are as before. */
		EXPECT_EQ(0, qaccel_ctx_check(&self->c, self->c.queue));
	}
}

TEST_F(unbind, function_reset_with_jobs_in_flight)
{
	int files[4], i, ret;
	__u32 queue;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, submit_tagged(&self->c, QACCEL_TAG_SLOW, 0, &files[i]));
	}
	ret = function_reset(self);
	if (ret == -1)
		SKIP(return, "no reset method");
	ASSERT_EQ(0, ret);
	for (i = 0; i < 4; i++) {
		EXPECT_NE(-ETIMEDOUT, qaccel_sync_file_wait(files[i]));
		close(files[i]);
	}
	ASSERT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm, DRM_QACCEL_PRIORITY_NORMAL,
					 &queue));
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, queue));
}

TEST_F(unbind, function_reset_with_a_job_that_hangs)
{
	int file, ret;
	__u32 queue;

	ASSERT_EQ(0, submit_tagged(&self->c, QACCEL_TAG_HANG, 0, &file));
	ret = function_reset(self);
	if (ret == -1)
		SKIP(return, "no reset method");
	ASSERT_EQ(0, ret);
	EXPECT_NE(-ETIMEDOUT, qaccel_sync_file_wait(file));
	close(file);
	ASSERT_EQ(0, qaccel_queue_create(self->c.fd, self->c.vm, DRM_QACCEL_PRIORITY_NORMAL,
					 &queue));
	EXPECT_EQ(0, qaccel_ctx_check(&self->c, queue));
}

TEST_HARNESS_MAIN
