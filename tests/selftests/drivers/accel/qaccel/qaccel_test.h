/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the qaccel selftests share
 *
 * Calls return 0 or a negative errno, so that a test is one line:
 *
 *	EXPECT_EQ(-ENOENT, qaccel_vm_destroy(fd, 77));
 *
 * The device model is started with the tags below (tests/selftests/device-args);
 * a test that needs one is skipped when the device does not act on it.
 */
#ifndef QACCEL_TEST_H
#define QACCEL_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm/qaccel_accel.h>
#include <qaccel_hw.h>

#ifndef QACCEL_TEST_NO_HARNESS
#include "kselftest_harness.h"

/* An emulated CPU with KASAN is slow. This only bounds a test that hangs. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	120
#endif

/* The same for what a test waits for: longer than anything that works. */
#define QACCEL_PATIENCE_S	60

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#endif

#define QACCEL_TAG_HANG		0x48414e47	/* "HANG" */
#define QACCEL_TAG_SLOW		0x534c4f57	/* "SLOW" */
#define QACCEL_TAG_CORRUPT	0x434f5252	/* "CORR" */
#define QACCEL_TAG_DMA_ERROR	0x444d4145	/* "DMAE" */
#define QACCEL_SLOW_US		200000

/* A status that sync_file gives: not yet, well, or a negative errno. */
#define FENCE_ACTIVE		0
#define FENCE_SIGNALED		1

#ifndef DRM_IOCTL_SYNCOBJ_EVENTFD
struct drm_syncobj_eventfd {
	__u32 handle;
	__u32 flags;
	__u64 point;
	__s32 fd;
	__u32 pad;
};

#define DRM_IOCTL_SYNCOBJ_EVENTFD DRM_IOWR(0xCF, struct drm_syncobj_eventfd)
#endif

/* ------------------------------------------------------------ plain calls -- */

int qaccel_ioctl(int fd, unsigned long request, void *arg);
/* Number of our first node among /dev/accel/accel*, -ENODEV if there is none. */
int qaccel_open(void);
/* The same, with the path of the node. */
int qaccel_open_path(char *path, size_t size);

int qaccel_query(int fd, __u32 type, void *data, __u32 size);
int qaccel_info(int fd, struct drm_qaccel_dev_info *info);
int qaccel_counters(int fd, struct drm_qaccel_dev_counters *counters);

int qaccel_vm_create(int fd, __u32 *id);
int qaccel_vm_destroy(int fd, __u32 id);
int qaccel_vm_bind(int fd, __u32 vm, struct drm_qaccel_vm_bind_op *ops, __u32 count);
int qaccel_map(int fd, __u32 vm, __u32 handle, __u64 offset, __u64 va, __u64 size, __u32 flags);
int qaccel_unmap(int fd, __u32 vm, __u64 va, __u64 size);

int qaccel_queue_create(int fd, __u32 vm, __u32 priority, __u32 *id);
int qaccel_queue_destroy(int fd, __u32 id);
int qaccel_queue_state(int fd, __u32 id, struct drm_qaccel_queue_get_state *state);

int qaccel_handle_create(int fd, __u64 size, __u32 vm, __u32 *handle);
int qaccel_gem_close(int fd, __u32 handle);
int qaccel_bo_wait(int fd, __u32 handle, __s64 timeout_ns);
int qaccel_mmap_offset(int fd, __u32 handle, __u64 *offset);

/* -------------------------------------------------------------- a buffer -- */

struct qaccel_bo {
	int fd;
	__u32 handle;
	__u64 size;
	void *map;
};

/* Creates and maps; vm: VM it is private to, or 0. */
int qaccel_bo_init(struct qaccel_bo *bo, int fd, __u64 size, __u32 vm);
void qaccel_bo_fini(struct qaccel_bo *bo);

/* --------------------------------------------------------------- syncobjs -- */

int qaccel_syncobj_create(int fd, __u32 *handle);
int qaccel_syncobj_destroy(int fd, __u32 handle);
int qaccel_syncobj_wait(int fd, __u32 handle, __s64 deadline);
int qaccel_timeline_wait(int fd, __u32 handle, __u64 point, __s64 deadline);
int qaccel_timeline_signal(int fd, __u32 handle, __u64 point);
int qaccel_timeline_query(int fd, __u32 handle, __u64 *point);
/* A sync_file of the fence that the binary syncobj holds. */
int qaccel_syncobj_export(int fd, __u32 handle, int *sync_file);
int qaccel_syncobj_import(int fd, __u32 handle, int sync_file);
/* FENCE_ACTIVE, FENCE_SIGNALED or the error, of what the syncobj holds now. */
int qaccel_syncobj_status(int fd, __u32 handle);
int qaccel_sync_file_status(int sync_file);
/* Waits, then the status: FENCE_SIGNALED, or the error; -ETIMEDOUT: no end. */
int qaccel_sync_file_wait(int sync_file);

__s64 qaccel_now(void);
/* Absolute time that no wait reaches, unless something is broken. */
__s64 qaccel_patience(void);

/*
 * A fence that the test signals when it likes (sw_sync): what depends on it has
 * certainly not started. -ENOTSUP without sw_sync in the kernel.
 */
struct qaccel_gate {
	int timeline;
	__u32 syncobj;
};

int qaccel_gate_init(struct qaccel_gate *gate, int fd);
int qaccel_gate_open(struct qaccel_gate *gate);
void qaccel_gate_fini(struct qaccel_gate *gate, int fd);

/* --------------------------------------------------------------- commands -- */

void qaccel_cmd_end(union qaccel_cmd *cmd);
void qaccel_cmd_copy(union qaccel_cmd *cmd, __u64 dst, __u64 src, __u32 bytes);

/*
 * 1x1 convolution of {1, 1, pixels, 4} to {1, 1, pixels, 16}, S8, all scales 1:
 * each output channel o is the sum of the 4 inputs plus o, clamped. params
 * (QACCEL_CONV_PARAMS bytes at params_va, 64-byte aligned) gets weights and
 * channel records.
 */
#define QACCEL_CONV_PARAMS	512
void qaccel_cmd_conv1x1(union qaccel_cmd *cmd, __u64 out, __u64 in, __u32 pixels,
			void *params, __u64 params_va);

/* ----------------------------------------------------------------- submit -- */

int qaccel_submit(int fd, __u32 queue, struct drm_qaccel_job *jobs, __u32 njobs,
		  struct drm_qaccel_sync *syncs, __u32 nsyncs);

/* ---------------------------------------------------------------- context -- */

#define QACCEL_CTX_CMDS		64	/* room for that many commands */
#define QACCEL_CTX_DATA		65536	/* size of src and of dst */

/* A file with a VM, a queue and a buffer, bound at va, with everything in it. */
struct qaccel_ctx {
	int fd;
	__u32 vm;
	__u32 queue;
	struct drm_qaccel_dev_info info;
	struct qaccel_bo bo;
	__u64 va;
	union qaccel_cmd *cmds;
	__u64 cmds_va;
	__u8 *src;
	__u64 src_va;
	__u8 *dst;
	__u64 dst_va;
	__u8 *params;
	__u64 params_va;
	/* Address space with nothing in it, to this VM's end: at least 1 GiB. */
	__u64 free_va;
};

int qaccel_ctx_init(struct qaccel_ctx *ctx);
/* With a file that is open already; it is closed by fini. */
int qaccel_ctx_init_fd(struct qaccel_ctx *ctx, int fd);
void qaccel_ctx_fini(struct qaccel_ctx *ctx);

/* Submits the first n of ctx->cmds; in, out: binary syncobjs, or 0. */
int qaccel_ctx_submit(struct qaccel_ctx *ctx, __u32 queue, unsigned int n, __u32 in, __u32 out);
/* The same at command index first: jobs that fly together need streams of their own. */
int qaccel_ctx_submit_at(struct qaccel_ctx *ctx, __u32 queue, unsigned int first, unsigned int n,
			 __u32 in, __u32 out);
/*
 * The same, waits, and gives what the fence says: FENCE_SIGNALED, or a negative
 * errno, of submit too.
 */
int qaccel_ctx_run(struct qaccel_ctx *ctx, __u32 queue, unsigned int n);
/* Copies 4 KiB from src to dst on the queue with new contents and compares. */
int qaccel_ctx_check(struct qaccel_ctx *ctx, __u32 queue);
/* Commands first, first + 1: COPY of 64 bytes with the tag, END. */
void qaccel_ctx_tagged(struct qaccel_ctx *ctx, unsigned int first, __u32 tag);

/* Contents that differ with the seed and the position. */
void qaccel_fill(void *data, size_t size, unsigned int seed);
bool qaccel_filled(const void *data, size_t size, unsigned int seed);

/* Clears a capability from the effective and permitted sets of this thread. */
int qaccel_drop_cap(unsigned int cap);

/* Exit status of a child, or 128 + the signal that ended it. */
int qaccel_wait_child(pid_t pid);

/* For FIXTURE_SETUP. */
#define qaccel_setup(ctx) do { \
	int __error = qaccel_ctx_init(ctx); \
	if (__error == -ENODEV) \
		SKIP(return, "no qaccel device"); \
	ASSERT_EQ(0, __error); \
} while (0)

#define qaccel_gate_or_skip(gate, fd) do { \
	int __error = qaccel_gate_init(gate, fd); \
	if (__error == -ENOTSUP) \
		SKIP(return, "no sw_sync in debugfs"); \
	ASSERT_EQ(0, __error); \
} while (0)

#endif /* QACCEL_TEST_H */
