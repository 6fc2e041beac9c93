// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sync_file.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>

/* The harness has variables in its header: one object of a program has it. */
#define QACCEL_TEST_NO_HARNESS
#include "qaccel_test.h"

#define NSEC_PER_SEC	1000000000ll

int qaccel_ioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret && (errno == EINTR || errno == EAGAIN));
	return ret ? -errno : 0;
}

static bool is_qaccel(int fd)
{
	char name[16] = "";
	struct drm_version version = {
		.name = name,
		.name_len = sizeof(name) - 1,
	};

	return !qaccel_ioctl(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "qaccel");
}

int qaccel_open_path(char *path, size_t size)
{
	unsigned int i;
	int fd;

	for (i = 0; i < 64; i++) {
		snprintf(path, size, "/dev/accel/accel%u", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (is_qaccel(fd))
			return fd;
		close(fd);
	}
	return -ENODEV;
}

int qaccel_open(void)
{
	char path[64];

	return qaccel_open_path(path, sizeof(path));
}

int qaccel_query(int fd, __u32 type, void *data, __u32 size)
{
	struct drm_qaccel_dev_query query = {
		.type = type,
		.size = size,
		.pointer = (uintptr_t)data,
	};

	return qaccel_ioctl(fd, DRM_IOCTL_QACCEL_DEV_QUERY, &query);
}

int qaccel_info(int fd, struct drm_qaccel_dev_info *info)
{
	return qaccel_query(fd, DRM_QACCEL_DEV_QUERY_INFO, info, sizeof(*info));
}

int qaccel_counters(int fd, struct drm_qaccel_dev_counters *counters)
{
	return qaccel_query(fd, DRM_QACCEL_DEV_QUERY_COUNTERS, counters, sizeof(*counters));
}

int qaccel_vm_create(int fd, __u32 *id)
{
	struct drm_qaccel_vm_create args = {};
	int ret = qaccel_ioctl(fd, DRM_IOCTL_QACCEL_VM_CREATE, &args);

	*id = args.id;
	return ret;
}

int qaccel_vm_destroy(int fd, __u32 id)
{
	struct drm_qaccel_vm_destroy args = { .id = id };

	return qaccel_ioctl(fd, DRM_IOCTL_QACCEL_VM_DESTROY, &args);
}

int qaccel_vm_bind(int fd, __u32 vm, struct drm_qaccel_vm_bind_op *ops, __u32 count)
{
	struct drm_qaccel_vm_bind args = {
		.vm_id = vm,
		.ops = {
			.stride = sizeof(*ops),
			.count = count,
			.array = (uintptr_t)ops,
		},
	};

	return qaccel_ioctl(fd, DRM_IOCTL_QACCEL_VM_BIND, &args);
}

int qaccel_map(int fd, __u32 vm, __u32 handle, __u64 offset, __u64 va, __u64 size, __u32 flags)
{
	struct drm_qaccel_vm_bind_op op = {
		.flags = DRM_QACCEL_VM_BIND_OP_MAP | flags,
		.bo_handle = handle,
		.bo_offset = offset,
		.va = va,
		.size = size,
	};

	return qaccel_vm_bind(fd, vm, &op, 1);
}

int qaccel_unmap(int fd, __u32 vm, __u64 va, __u64 size)
{
	struct drm_qaccel_vm_bind_op op = {
		.flags = DRM_QACCEL_VM_BIND_OP_UNMAP,
		.va = va,
		.size = size,
	};

	return qaccel_vm_bind(fd, vm, &op, 1);
}

int qaccel_queue_create(int fd, __u32 vm, __u32 priority, __u32 *id)
{
	struct drm_qaccel_queue_create args = {
		.vm_id = vm,
		.priority = priority,
	};
	int ret = qaccel_ioctl(fd, DRM_IOCTL_QACCEL_QUEUE_CREATE, &args);

	*id = args.id;
	return ret;
}

int qaccel_queue_destroy(int fd, __u32 id)
{
	struct drm_qaccel_queue_destroy args = { .id = id };

	return qaccel_ioctl(fd, DRM_IOCTL_QACCEL_QUEUE_DESTROY, &args);
}

int qaccel_queue_state(int fd, __u32 id, struct drm_qaccel_queue_get_state *state)
{
	memset(state, 0, sizeof(*state));
	state->queue_id = id;
	return qaccel_ioctl(fd, DRM_IOCTL_QACCEL_QUEUE_GET_STATE, state);
}

int qaccel_handle_create(int fd, __u64 size, __u32 vm, __u32 *handle)
{
	struct drm_qaccel_bo_create args = {
		.size = size,
		.vm_id = vm,
	};
	int ret = qaccel_ioctl(fd, DRM_IOCTL_QACCEL_BO_CREATE, &args);

	*handle = args.handle;
	return ret;
}

int qaccel_gem_close(int fd, __u32 handle)
{
	struct drm_gem_close args = { .handle = handle };

	return qaccel_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &args);
}

int qaccel_bo_wait(int fd, __u32 handle, __s64 timeout_ns)
{
	struct drm_qaccel_bo_wait args = {
		.handle = handle,
		.timeout_ns = timeout_ns,
	};

	return qaccel_ioctl(fd, DRM_IOCTL_QACCEL_BO_WAIT, &args);
}

int qaccel_mmap_offset(int fd, __u32 handle, __u64 *offset)
{
	struct drm_qaccel_bo_mmap_offset args = { .handle = handle };
	int ret = qaccel_ioctl(fd, DRM_IOCTL_QACCEL_BO_MMAP_OFFSET, &args);

	*offset = args.offset;
	return ret;
}

int qaccel_bo_init(struct qaccel_bo *bo, int fd, __u64 size, __u32 vm)
{
	__u64 offset;
	int ret;

	bo->fd = fd;
	bo->size = size;
	bo->map = MAP_FAILED;
	ret = qaccel_handle_create(fd, size, vm, &bo->handle);
	if (ret)
		return ret;
	ret = qaccel_mmap_offset(fd, bo->handle, &offset);
	if (ret)
		return ret;
	bo->map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	return bo->map == MAP_FAILED ? -errno : 0;
}

void qaccel_bo_fini(struct qaccel_bo *bo)
{
	if (bo->map != MAP_FAILED)
		munmap(bo->map, bo->size);
	qaccel_gem_close(bo->fd, bo->handle);
}

int qaccel_syncobj_create(int fd, __u32 *handle)
{
	struct drm_syncobj_create args = {};
	int ret = qaccel_ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &args);

	*handle = args.handle;
	return ret;
}

int qaccel_syncobj_destroy(int fd, __u32 handle)
{
	struct drm_syncobj_destroy args = { .handle = handle };

	return qaccel_ioctl(fd, DRM_IOCTL_SYNCOBJ_DESTROY, &args);
}

int qaccel_syncobj_wait(int fd, __u32 handle, __s64 deadline)
{
	struct drm_syncobj_wait args = {
		.handles = (uintptr_t)&handle,
		.timeout_nsec = deadline,
		.count_handles = 1,
		.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL,
	};

	return qaccel_ioctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, &args);
}

int qaccel_timeline_wait(int fd, __u32 handle, __u64 point, __s64 deadline)
{
	struct drm_syncobj_timeline_wait args = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)&point,
		.timeout_nsec = deadline,
		.count_handles = 1,
		.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL,
	};

	return qaccel_ioctl(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &args);
}

int qaccel_timeline_signal(int fd, __u32 handle, __u64 point)
{
	struct drm_syncobj_timeline_array args = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)&point,
		.count_handles = 1,
	};

	return qaccel_ioctl(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &args);
}

int qaccel_timeline_query(int fd, __u32 handle, __u64 *point)
{
	struct drm_syncobj_timeline_array args = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)point,
		.count_handles = 1,
	};

	return qaccel_ioctl(fd, DRM_IOCTL_SYNCOBJ_QUERY, &args);
}

int qaccel_syncobj_export(int fd, __u32 handle, int *sync_file)
{
	struct drm_syncobj_handle args = {
		.handle = handle,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		.fd = -1,
	};
	int ret = qaccel_ioctl(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args);

	*sync_file = args.fd;
	return ret;
}

int qaccel_syncobj_import(int fd, __u32 handle, int sync_file)
{
	struct drm_syncobj_handle args = {
		.handle = handle,
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
		.fd = sync_file,
	};

	return qaccel_ioctl(fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &args);
}

int qaccel_sync_file_status(int sync_file)
{
	struct sync_file_info info = {};
	int ret = qaccel_ioctl(sync_file, SYNC_IOC_FILE_INFO, &info);

	return ret ?: info.status;
}

int qaccel_sync_file_wait(int sync_file)
{
	struct pollfd pfd = { .fd = sync_file, .events = POLLIN };

	if (poll(&pfd, 1, QACCEL_PATIENCE_S * 1000) != 1)
		return -ETIMEDOUT;
	return qaccel_sync_file_status(sync_file);
}

int qaccel_syncobj_status(int fd, __u32 handle)
{
	int sync_file, ret;

	ret = qaccel_syncobj_export(fd, handle, &sync_file);
	if (ret)
		return ret;
	ret = qaccel_sync_file_status(sync_file);
	close(sync_file);
	return ret;
}

__s64 qaccel_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

__s64 qaccel_patience(void)
{
	return qaccel_now() + QACCEL_PATIENCE_S * NSEC_PER_SEC;
}

/* The interface of drivers/dma-buf/sw_sync.c, which has no header. */
struct sw_sync_create_fence_data {
	__u32 value;
	char name[32];
	__s32 fence;
};

#define SW_SYNC_IOC_CREATE_FENCE	_IOWR('W', 0, struct sw_sync_create_fence_data)
#define SW_SYNC_IOC_INC			_IOW('W', 1, __u32)

int qaccel_gate_init(struct qaccel_gate *gate, int fd)
{
	struct sw_sync_create_fence_data data = { .value = 1, .name = "gate" };
	int ret;

	gate->timeline = open("/sys/kernel/debug/sync/sw_sync", O_RDWR | O_CLOEXEC);
	if (gate->timeline < 0)
		return -ENOTSUP;
	ret = qaccel_ioctl(gate->timeline, SW_SYNC_IOC_CREATE_FENCE, &data);
	if (ret)
		return ret;
	ret = qaccel_syncobj_create(fd, &gate->syncobj) ?:
	      qaccel_syncobj_import(fd, gate->syncobj, data.fence);
	close(data.fence);
	return ret;
}

int qaccel_gate_open(struct qaccel_gate *gate)
{
	__u32 one = 1;

	return qaccel_ioctl(gate->timeline, SW_SYNC_IOC_INC, &one);
}

void qaccel_gate_fini(struct qaccel_gate *gate, int fd)
{
	qaccel_gate_open(gate);
	close(gate->timeline);
	qaccel_syncobj_destroy(fd, gate->syncobj);
}

static void cmd_init(union qaccel_cmd *cmd, __u16 opcode)
{
	memset(cmd, 0, sizeof(*cmd));
	cmd->hdr.opcode = opcode;
	cmd->hdr.version = QACCEL_CMD_VERSION;
}

void qaccel_cmd_end(union qaccel_cmd *cmd)
{
	cmd_init(cmd, QACCEL_OP_END);
}

void qaccel_cmd_copy(union qaccel_cmd *cmd, __u64 dst, __u64 src, __u32 bytes)
{
	cmd_init(cmd, QACCEL_OP_COPY);
	cmd->copy.src_va = src;
	cmd->copy.dst_va = dst;
	cmd->copy.rows = 1;
	cmd->copy.row_bytes = bytes;
	cmd->copy.src_stride = bytes;
	cmd->copy.dst_stride = bytes;
}

void qaccel_cmd_conv1x1(union qaccel_cmd *cmd, __u64 out, __u64 in, __u32 pixels,
			void *params, __u64 params_va)
{
	struct qaccel_cmd_conv *conv = &cmd->conv;
	struct qaccel_channel *channel = params + QACCEL_WEIGHT_ALIGN;
	int o;

	/* 16 output channels times 4 input channels: one block of the layout. */
	memset(params, 1, QACCEL_WEIGHT_ALIGN);
	for (o = 0; o < 16; o++) {
		channel[o].bias = o;
		channel[o].multiplier = 1 << 30;
		channel[o].shift = 1;
		channel[o].weight_sum = 4;
	}

	cmd_init(cmd, QACCEL_OP_CONV2D);
	conv->in = (struct qaccel_tensor){
		.va = in, .n = 1, .h = 1, .w = pixels, .c = 4, .dtype = QACCEL_DTYPE_S8,
	};
	conv->out = conv->in;
	conv->out.va = out;
	conv->out.c = 16;
	conv->weights_va = params_va;
	conv->weights_size = QACCEL_WEIGHT_ALIGN;
	conv->channels_va = params_va + QACCEL_WEIGHT_ALIGN;
	conv->act_min = -128;
	conv->act_max = 127;
	conv->kh = 1;
	conv->kw = 1;
	conv->stride_h = 1;
	conv->stride_w = 1;
	conv->dilation_h = 1;
	conv->dilation_w = 1;
	conv->depth_multiplier = 1;
	conv->layout = QACCEL_LAYOUT_O16K4;
}

int qaccel_submit(int fd, __u32 queue, struct drm_qaccel_job *jobs, __u32 njobs,
		  struct drm_qaccel_sync *syncs, __u32 nsyncs)
{
	struct drm_qaccel_submit args = {
		.queue_id = queue,
		.jobs = {
			.stride = sizeof(*jobs),
			.count = njobs,
			.array = (uintptr_t)jobs,
		},
		.syncs = {
			.stride = sizeof(*syncs),
			.count = nsyncs,
			.array = nsyncs ? (uintptr_t)syncs : 0,
		},
	};

	return qaccel_ioctl(fd, DRM_IOCTL_QACCEL_SUBMIT, &args);
}

/* Where things are in the context's buffer. */
#define CTX_PARAMS	0x8000
#define CTX_SRC		0x10000
#define CTX_DST		(CTX_SRC + QACCEL_CTX_DATA)
#define CTX_SIZE	(CTX_DST + QACCEL_CTX_DATA)

int qaccel_ctx_init_fd(struct qaccel_ctx *ctx, int fd)
{
	const __u64 gib = 1ull << 30;
	int ret;

	memset(ctx, 0, sizeof(*ctx));
	ctx->fd = fd;
	ret = qaccel_info(fd, &ctx->info);
	if (ret)
		return ret;
	ctx->va = (ctx->info.va_start / gib + 1) * gib;
	ctx->free_va = ctx->va + gib;
	if (ctx->info.va_end < ctx->free_va + gib)
		return -ERANGE;
	ret = qaccel_vm_create(fd, &ctx->vm) ?:
	      qaccel_queue_create(fd, ctx->vm, DRM_QACCEL_PRIORITY_NORMAL, &ctx->queue) ?:
	      qaccel_bo_init(&ctx->bo, fd, CTX_SIZE, 0) ?:
	      qaccel_map(fd, ctx->vm, ctx->bo.handle, 0, ctx->va, CTX_SIZE, 0);
	if (ret)
		return ret;
	ctx->cmds = ctx->bo.map;
	ctx->cmds_va = ctx->va;
	ctx->params = ctx->bo.map + CTX_PARAMS;
	ctx->params_va = ctx->va + CTX_PARAMS;
	ctx->src = ctx->bo.map + CTX_SRC;
	ctx->src_va = ctx->va + CTX_SRC;
	ctx->dst = ctx->bo.map + CTX_DST;
	ctx->dst_va = ctx->va + CTX_DST;
	return 0;
}

int qaccel_ctx_init(struct qaccel_ctx *ctx)
{
	int fd = qaccel_open();

	return fd < 0 ? fd : qaccel_ctx_init_fd(ctx, fd);
}

void qaccel_ctx_fini(struct qaccel_ctx *ctx)
{
	qaccel_bo_fini(&ctx->bo);
	qaccel_queue_destroy(ctx->fd, ctx->queue);
	qaccel_vm_destroy(ctx->fd, ctx->vm);
	close(ctx->fd);
}

int qaccel_ctx_submit_at(struct qaccel_ctx *ctx, __u32 queue, unsigned int first, unsigned int n,
			 __u32 in, __u32 out)
{
	struct drm_qaccel_job job = {
		.stream_va = ctx->cmds_va + first * QACCEL_CMD_SIZE,
		.stream_size = n * QACCEL_CMD_SIZE,
	};
	struct drm_qaccel_sync syncs[2];
	unsigned int nsyncs = 0;

	if (in)
		syncs[nsyncs++] = (struct drm_qaccel_sync){
			.flags = DRM_QACCEL_SYNC_WAIT, .handle = in,
		};
	if (out)
		syncs[nsyncs++] = (struct drm_qaccel_sync){
			.flags = DRM_QACCEL_SYNC_SIGNAL, .handle = out,
		};
	return qaccel_submit(ctx->fd, queue, &job, 1, syncs, nsyncs);
}

int qaccel_ctx_submit(struct qaccel_ctx *ctx, __u32 queue, unsigned int n, __u32 in, __u32 out)
{
	return qaccel_ctx_submit_at(ctx, queue, 0, n, in, out);
}

static int run_at(struct qaccel_ctx *ctx, __u32 queue, unsigned int first, unsigned int n)
{
	__u32 out;
	int ret;

	ret = qaccel_syncobj_create(ctx->fd, &out);
	if (ret)
		return ret;
	ret = qaccel_ctx_submit_at(ctx, queue, first, n, 0, out);
	if (!ret)
		ret = qaccel_syncobj_wait(ctx->fd, out, qaccel_patience());
	if (!ret)
		ret = qaccel_syncobj_status(ctx->fd, out);
	else if (ret == -ETIME)
		ret = -ETIMEDOUT;
	qaccel_syncobj_destroy(ctx->fd, out);
	return ret;
}

int qaccel_ctx_run(struct qaccel_ctx *ctx, __u32 queue, unsigned int n)
{
	return run_at(ctx, queue, 0, n);
}

/* The last commands and the last page are its own, whatever else is in flight. */
int qaccel_ctx_check(struct qaccel_ctx *ctx, __u32 queue)
{
	const size_t at = QACCEL_CTX_DATA - 4096;
	const unsigned int first = QACCEL_CTX_CMDS - 2;
	static atomic_uint last_seed = 1000;
	unsigned int seed = ++last_seed;
	int ret;

	qaccel_fill(ctx->src + at, 4096, seed);
	qaccel_cmd_copy(&ctx->cmds[first], ctx->dst_va + at, ctx->src_va + at, 4096);
	qaccel_cmd_end(&ctx->cmds[first + 1]);
	ret = run_at(ctx, queue, first, 2);
	if (ret != FENCE_SIGNALED)
		return ret;
	return qaccel_filled(ctx->dst + at, 4096, seed) ? 0 : -EILSEQ;
}

void qaccel_ctx_tagged(struct qaccel_ctx *ctx, unsigned int first, __u32 tag)
{
	qaccel_cmd_copy(&ctx->cmds[first], ctx->dst_va, ctx->src_va, 64);
	ctx->cmds[first].hdr.tag = tag;
	qaccel_cmd_end(&ctx->cmds[first + 1]);
}

static __u8 pattern(size_t i, unsigned int seed)
{
	return (i ^ i >> 8 ^ i >> 16) * 31 + seed * 7 + 1;
}

void qaccel_fill(void *data, size_t size, unsigned int seed)
{
	__u8 *p = data;
	size_t i;

	for (i = 0; i < size; i++)
		p[i] = pattern(i, seed);
}

bool qaccel_filled(const void *data, size_t size, unsigned int seed)
{
	const __u8 *p = data;
	size_t i;

	for (i = 0; i < size; i++)
		if (p[i] != pattern(i, seed))
			return false;
	return true;
}

int qaccel_drop_cap(unsigned int cap)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	data[CAP_TO_INDEX(cap)].effective &= ~CAP_TO_MASK(cap);
	data[CAP_TO_INDEX(cap)].permitted &= ~CAP_TO_MASK(cap);
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

int qaccel_wait_child(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
