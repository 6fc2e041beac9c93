// SPDX-License-Identifier: MIT
#define _GNU_SOURCE		/* memfd_create() */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xf86drm.h>

#include "qaccel_interp.h"
#include "qk.h"

#include "fake_driver.h"

#define MAX_BUFFERS	8
#define NODE_SIZE	(64u << 20)
#define PAGE		4096

static struct buffer {
	bool used, bound, readonly;
	uint64_t offset, size, va;
} buffers[MAX_BUFFERS];

static int node = -1;
static uint8_t *memory;
static uint64_t next_offset;
static struct drm_qaccel_queue_get_state queue;

struct fake_driver fake;

void fake_driver_reset(void)
{
	memset(buffers, 0, sizeof(buffers));
	memset(&queue, 0, sizeof(queue));
	next_offset = 0;
	fake = (struct fake_driver) {
		.name = "qaccel",
		.info = {
			.hw_version = QACCEL_HW_VERSION_MAJOR << 16,
			.num_engines = 2,
			.opcodes = (1u << QACCEL_OP_COUNT) - 2,
			.layouts = 1u << QACCEL_LAYOUT_O16K4 |
				   1u << QACCEL_LAYOUT_C16,
			.va_end = UINT64_C(1) << QACCEL_VA_BITS,
			.local_mem = 64 << 20,
			.max_stream = QACCEL_MAX_STREAM,
			.page_size = PAGE,
			.mac_rows = 32,
			.mac_columns = 32,
		},
	};
}

/* --------------------------------------------------------------------- runs -- */

static bool map(void *opaque, uint64_t va, uint64_t size,
		enum qaccel_access access, void **host,
		struct qaccel_fault *fault)
{
	(void)opaque;
	fault->va = va;
	fault->access = access;
	fault->status = QACCEL_ERR_TRANSLATION;
	for (struct buffer *b = buffers; b < buffers + MAX_BUFFERS; b++) {
		if (!b->bound || va < b->va || va + size > b->va + b->size)
			continue;
		fault->status = QACCEL_ERR_PERMISSION;
		if (b->readonly && access == QACCEL_ACCESS_WRITE)
			return false;
		*host = memory + b->offset + (va - b->va);
		return true;
	}
	return false;
}

static bool release(void *opaque, bool commit, struct qaccel_fault *fault)
{
	(void)opaque;
	(void)commit;
	(void)fault;
	return true;
}

/* Where the records of the commands go; NULL without PERF_CMDS. */
static struct qaccel_perf *perf;

static void after(void *opaque, const struct qaccel_perf *command)
{
	(void)opaque;
	if (perf)
		perf[1 + command->cmd_index] = *command;
}

static void end_job(const struct qaccel_perf *total, uint32_t retired,
		    const struct qaccel_fault *fault)
{
	if (perf)
		perf[0] = *total;
	queue.jobs_submitted++;
	queue.jobs_completed++;
	queue.cycles += total->cycles;
	queue.macs += total->macs;
	queue.bytes_read += total->bytes_read;
	queue.bytes_written += total->bytes_written;
	if (fake.verdict.state)
		queue = fake.verdict;
	if (fault->status == QACCEL_OK)
		return;
	queue.state = DRM_QACCEL_QUEUE_STATE_BANNED;
	queue.fault_status = fault->status;
	queue.fault_access = fault->access;
	queue.fault_va = fault->va;
	queue.fault_cmd = retired;
}

static int run(const struct drm_qaccel_job *job)
{
	static const struct qaccel_mem_ops mem = { map, release };
	struct qaccel_interp_config config = {
		.kernels = qk_select("ref"),
		.mem = &mem,
		.timing = QACCEL_TIMING_DEFAULT,
		.local_mem = fake.info.local_mem,
		.after = after,
	};
	struct qaccel_interp *interp = qaccel_interp_create(&config);
	struct qaccel_fault fault;
	struct qaccel_perf total;
	uint32_t retired;
	void *host = NULL;

	if (!interp)
		return -ENOMEM;
	if (job->flags & DRM_QACCEL_JOB_PERF_CMDS)
		map(NULL, job->perf_va, sizeof(*perf), QACCEL_ACCESS_WRITE,
		    &host, &fault);
	perf = host;
	retired = qaccel_interp_run(interp, job->stream_va, job->stream_size,
				    &total, &fault);
	end_job(&total, retired, &fault);
	qaccel_interp_destroy(interp);
	return 0;
}

/* ------------------------------------------------------------------- ioctls -- */

static int dev_query(struct drm_qaccel_dev_query *args)
{
	struct drm_qaccel_dev_counters counters = {
		.submits = fake.submits,
		.irqs = 5,
	};
	bool info = args->type == DRM_QACCEL_DEV_QUERY_INFO;

	memcpy((void *)(uintptr_t)args->pointer,
	       info ? (void *)&fake.info : (void *)&counters, args->size);
	return 0;
}

static struct buffer *find(uint32_t handle)
{
	return handle && handle <= MAX_BUFFERS && buffers[handle - 1].used ?
		       &buffers[handle - 1] : NULL;
}

static int bo_create(struct drm_qaccel_bo_create *args)
{
	uint32_t i = 0;

	while (i < MAX_BUFFERS && buffers[i].used)
		i++;
	args->size = (args->size + PAGE - 1) / PAGE * PAGE;
	if (i == MAX_BUFFERS || args->size > NODE_SIZE - next_offset)
		return -ENOMEM;
	buffers[i] = (struct buffer) {
		.used = true,
		.offset = next_offset,
		.size = args->size,
	};
	memset(memory + next_offset, 0, args->size);
	next_offset += args->size;
	args->handle = i + 1;
	fake.buffers++;
	return 0;
}

static int bo_mmap_offset(struct drm_qaccel_bo_mmap_offset *args)
{
	const struct buffer *b = find(args->handle);

	if (!b)
		return -ENOENT;
	args->offset = b->offset;
	return 0;
}

static int vm_bind(const struct drm_qaccel_vm_bind *args)
{
	const struct drm_qaccel_vm_bind_op *op =
		(const void *)(uintptr_t)args->ops.array;
	struct buffer *b = find(op->bo_handle);

	if (!b || args->vm_id != 1)
		return -ENOENT;
	if (op->va % PAGE || op->size % PAGE || op->size > b->size ||
	    !(op->flags & DRM_QACCEL_VM_BIND_OP_MAP))
		return -EINVAL;
	b->bound = true;
	b->va = op->va;
	b->readonly = op->flags & DRM_QACCEL_VM_BIND_OP_READONLY;
	return 0;
}

static int submit(const struct drm_qaccel_submit *args)
{
	const struct drm_qaccel_sync *sync =
		(const void *)(uintptr_t)args->syncs.array;

	if (args->queue_id != 2 || args->syncs.count != 1 ||
	    sync->handle != 3 || args->jobs.count != 1)
		return -ENOENT;
	if (queue.state)
		return -ECANCELED;
	fake.submits++;
	return run((const void *)(uintptr_t)args->jobs.array);
}

static int get_state(struct drm_qaccel_queue_get_state *args)
{
	*args = queue;
	return 0;
}

static int dispatch(unsigned long request, void *arg)
{
	switch (request) {
	case DRM_IOCTL_QACCEL_DEV_QUERY:
		return dev_query(arg);
	case DRM_IOCTL_QACCEL_BO_CREATE:
		return bo_create(arg);
	case DRM_IOCTL_QACCEL_BO_MMAP_OFFSET:
		return bo_mmap_offset(arg);
	case DRM_IOCTL_QACCEL_VM_CREATE:
		((struct drm_qaccel_vm_create *)arg)->id = 1;
		fake.vms++;
		return 0;
	case DRM_IOCTL_QACCEL_VM_DESTROY:
		fake.vms--;
		return 0;
	case DRM_IOCTL_QACCEL_VM_BIND:
		return vm_bind(arg);
	case DRM_IOCTL_QACCEL_QUEUE_CREATE:
		((struct drm_qaccel_queue_create *)arg)->id = 2;
		fake.queues++;
		return 0;
	case DRM_IOCTL_QACCEL_QUEUE_DESTROY:
		fake.queues--;
		return 0;
	case DRM_IOCTL_QACCEL_SUBMIT:
		return submit(arg);
	case DRM_IOCTL_QACCEL_QUEUE_GET_STATE:
		return get_state(arg);
	}
	return -EINVAL;
}

/* ---------------------------------------------------------- libdrm's functions -- */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_drmIoctl(int fd, unsigned long request, void *arg);
drmVersionPtr __wrap_drmGetVersion(int fd);
void __wrap_drmFreeVersion(drmVersionPtr version);
int __wrap_drmSyncobjCreate(int fd, uint32_t flags, uint32_t *handle);
int __wrap_drmSyncobjDestroy(int fd, uint32_t handle);
int __wrap_drmSyncobjWait(int fd, uint32_t *handles, unsigned int count,
			  int64_t timeout_ns, unsigned int flags,
			  uint32_t *first);
int __wrap_drmSyncobjExportSyncFile(int fd, uint32_t handle, int *sync_file);
int __wrap_drmCloseBufferHandle(int fd, uint32_t handle);

int __wrap_open(const char *path, int flags, ...)
{
	va_list args;
	int mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, int) : 0;
	va_end(args);
	if (strcmp(path, FAKE_NODE))
		return __real_open(path, flags, mode);
	if (node < 0) {
		node = memfd_create("node", MFD_CLOEXEC);
		if (node < 0 || ftruncate(node, NODE_SIZE))
			return -1;
		memory = mmap(NULL, NODE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_SHARED, node, 0);
	}
	return dup(node);
}

int __wrap_drmIoctl(int fd, unsigned long request, void *arg)
{
	int ret = request == fake.fail_request ? -fake.fail_errno
					       : dispatch(request, arg);

	(void)fd;
	fake.ioctls++;
	errno = -ret;
	return ret ? -1 : 0;
}

drmVersionPtr __wrap_drmGetVersion(int fd)
{
	static drmVersion version;

	(void)fd;
	version.name = (char *)(uintptr_t)fake.name;
	return &version;
}

void __wrap_drmFreeVersion(drmVersionPtr version)
{
	(void)version;
}

int __wrap_drmSyncobjCreate(int fd, uint32_t flags, uint32_t *handle)
{
	(void)fd;
	(void)flags;
	*handle = 3;
	fake.syncobjs++;
	return 0;
}

int __wrap_drmSyncobjDestroy(int fd, uint32_t handle)
{
	(void)fd;
	(void)handle;
	fake.syncobjs--;
	return 0;
}

int __wrap_drmSyncobjWait(int fd, uint32_t *handles, unsigned int count,
			  int64_t timeout_ns, unsigned int flags,
			  uint32_t *first)
{
	(void)fd;
	(void)handles;
	(void)count;
	(void)flags;
	(void)first;
	return fake.never_ends && timeout_ns != INT64_MAX ? -ETIME : 0;
}

int __wrap_drmSyncobjExportSyncFile(int fd, uint32_t handle, int *sync_file)
{
	(void)handle;
	*sync_file = dup(fd);
	return 0;
}

int __wrap_drmCloseBufferHandle(int fd, uint32_t handle)
{
	struct buffer *b = find(handle);

	(void)fd;
	if (!b)
		return -ENOENT;
	b->used = b->bound = false;
	fake.buffers--;
	return 0;
}
