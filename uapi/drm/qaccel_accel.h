/* SPDX-License-Identifier: MIT */
/*
 * qaccel DRM-accel user interface
 *
 * How a process uses the accelerator through /dev/accel/accelN; docs/uapi.md
 * has a worked example. In short: create a VM (an address space of the device),
 * create buffers and bind them at addresses of your choice, create a queue on
 * the VM, submit jobs; syncobjs say when a job may start and that it is done.
 *
 * Rules that hold for every ioctl here:
 *
 * - Padding, reserved members and unknown flags must be zero (MBZ), or the
 *   call fails with EINVAL and changes nothing.
 * - Ids and handles belong to the open file. Zero is never a valid one.
 * - Timeouts are absolute CLOCK_MONOTONIC nanoseconds; zero or a time in the
 *   past polls.
 * - Everything may be called from several threads at once, and restarted after
 *   EINTR with the same argument.
 * - ENODEV: the device is gone or wedged; nothing but closing works.
 * - All structures are the same for 32- and 64-bit processes.
 */
#ifndef _QACCEL_ACCEL_H_
#define _QACCEL_ACCEL_H_

#if defined(__KERNEL__)
#include <drm/drm.h>
#else
#include "drm.h"	/* of libdrm: pkg-config --cflags libdrm */
#endif

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * enum drm_qaccel_ioctl_id - ioctl numbers
 *
 * Place new ioctls at the end, don't re-order, don't replace or remove entries.
 */
enum drm_qaccel_ioctl_id {
	/** @DRM_QACCEL_DEV_QUERY: Query device information and counters. */
	DRM_QACCEL_DEV_QUERY = 0,
	/** @DRM_QACCEL_BO_CREATE: Create a buffer object. */
	DRM_QACCEL_BO_CREATE,
	/** @DRM_QACCEL_BO_MMAP_OFFSET: Get the offset to pass to mmap() for a buffer. */
	DRM_QACCEL_BO_MMAP_OFFSET,
	/** @DRM_QACCEL_BO_WAIT: Wait until no job uses a buffer. */
	DRM_QACCEL_BO_WAIT,
	/** @DRM_QACCEL_VM_CREATE: Create an address space. */
	DRM_QACCEL_VM_CREATE,
	/** @DRM_QACCEL_VM_DESTROY: Destroy an address space. */
	DRM_QACCEL_VM_DESTROY,
	/** @DRM_QACCEL_VM_BIND: Map and unmap buffers in an address space. */
	DRM_QACCEL_VM_BIND,
	/** @DRM_QACCEL_QUEUE_CREATE: Create a queue. */
	DRM_QACCEL_QUEUE_CREATE,
	/** @DRM_QACCEL_QUEUE_DESTROY: Destroy a queue. */
	DRM_QACCEL_QUEUE_DESTROY,
	/** @DRM_QACCEL_SUBMIT: Submit jobs to a queue. */
	DRM_QACCEL_SUBMIT,
	/** @DRM_QACCEL_QUEUE_GET_STATE: Get the state of a queue, and why it failed. */
	DRM_QACCEL_QUEUE_GET_STATE,
};

/**
 * struct drm_qaccel_obj_array - array of objects passed to the kernel
 *
 * @stride is the size of one object as the caller knows it. The kernel reads
 * the members that both know; a larger stride is accepted if the bytes that
 * the kernel does not know are zero. Else, with a stride that is smaller than
 * the first version of the object or larger than a page, the call fails with
 * EINVAL.
 */
struct drm_qaccel_obj_array {
	/** @stride: Size of one object in bytes. */
	__u32 stride;
	/** @count: Number of objects. */
	__u32 count;
	/** @array: User pointer to the first object; MBZ if @count is zero. */
	__u64 array;
};

/** enum drm_qaccel_dev_query_type - what to query; place new ones at the end */
enum drm_qaccel_dev_query_type {
	/** @DRM_QACCEL_DEV_QUERY_INFO: struct drm_qaccel_dev_info. */
	DRM_QACCEL_DEV_QUERY_INFO = 0,
	/** @DRM_QACCEL_DEV_QUERY_COUNTERS: struct drm_qaccel_dev_counters. */
	DRM_QACCEL_DEV_QUERY_COUNTERS,
};

/**
 * struct drm_qaccel_dev_query - Arguments of DRM_IOCTL_QACCEL_DEV_QUERY
 *
 * With @pointer zero the call only returns in @size what the kernel would
 * write. Otherwise it writes the smaller of that and @size, clears what is
 * left of the caller's @size, and returns in @size what it wrote of its own.
 *
 * Errors: EINVAL for an unknown @type; EFAULT.
 */
struct drm_qaccel_dev_query {
	/** @type: enum drm_qaccel_dev_query_type. */
	__u32 type;
	/** @size: Size of the object at @pointer; see above for what is returned. */
	__u32 size;
	/** @pointer: User pointer to the object, or zero. */
	__u64 pointer;
};

/** struct drm_qaccel_dev_info - what the device is and can do; constant while it lives */
struct drm_qaccel_dev_info {
	/** @hw_version: major << 16 | minor, QACCEL_HW_VERSION_* of the device. */
	__u32 hw_version;
	/** @num_engines: Engines that run jobs side by side. */
	__u32 num_engines;
	/** @opcodes: Bit n: commands with opcode n (enum qaccel_opcode) are implemented. */
	__u64 opcodes;
	/** @layouts: Bit n: weight layout n (enum qaccel_layout) is accepted. */
	__u32 layouts;
	/** @layout_preferred: [7:0] for convolution, [15:8] for depthwise convolution. */
	__u32 layout_preferred;
	/** @va_start: Lowest device address that may be bound. */
	__u64 va_start;
	/** @va_end: First device address after the range that may be bound. */
	__u64 va_end;
	/** @local_mem: Bytes that the operands of one command may hold. */
	__u64 local_mem;
	/** @max_stream: Longest command stream in bytes. */
	__u32 max_stream;
	/** @page_size: Granularity of VM_BIND and of buffer sizes, in bytes. */
	__u32 page_size;
	/** @mac_rows: Timing model: rows of the MAC array. */
	__u32 mac_rows;
	/** @mac_columns: Timing model: columns of the MAC array. */
	__u32 mac_columns;
	/** @clock_khz: Timing model: clock. */
	__u32 clock_khz;
	/** @dma_bytes_per_cycle: Timing model: DMA bandwidth. */
	__u32 dma_bytes_per_cycle;
	/** @job_timeout_ms: A job that makes no progress for this long is killed. */
	__u32 job_timeout_ms;
	/** @max_jobs: Jobs in one SUBMIT, at most. */
	__u32 max_jobs;
	/** @max_syncs: Sync operations in one SUBMIT, at most. */
	__u32 max_syncs;
	/** @max_bind_ops: Operations in one VM_BIND, at most. */
	__u32 max_bind_ops;
};

/**
 * struct drm_qaccel_dev_counters - the device's counters, of all users together
 *
 * Since the device was last reset, except for @submits and @resets, which
 * count since the module was loaded.
 */
struct drm_qaccel_dev_counters {
	/** @submits: Jobs that SUBMIT accepted, from every process. */
	__u64 submits;
	/** @resets: Engine and device resets by the driver. */
	__u64 resets;
	/** @doorbells: Doorbell writes that the device saw. */
	__u64 doorbells;
	/** @jobs: Jobs that the device completed, well or not. */
	__u64 jobs;
	/** @commands: Commands retired. */
	__u64 commands;
	/** @faults: Jobs that ended with an error. */
	__u64 faults;
	/** @irqs: Interrupt messages sent. */
	__u64 irqs;
	/** @cycles: Busy cycles of all engines by the timing model. */
	__u64 cycles;
	/** @macs: Multiply-accumulates. */
	__u64 macs;
	/** @bytes_read: Bytes read by commands. */
	__u64 bytes_read;
	/** @bytes_written: Bytes written by commands. */
	__u64 bytes_written;
	/** @tlb_hits: Address translations found in the TLB. */
	__u64 tlb_hits;
	/** @tlb_misses: Address translations that walked the page tables. */
	__u64 tlb_misses;
};

/**
 * struct drm_qaccel_bo_create - Arguments of DRM_IOCTL_QACCEL_BO_CREATE
 *
 * The buffer is zeroed. It is freed when its handle is closed
 * (DRM_IOCTL_GEM_CLOSE), nothing maps it and no job uses it.
 *
 * Errors: EINVAL for @size zero or too large, unknown @flags; ENOENT for an
 * unknown @vm_id; ENOMEM.
 */
struct drm_qaccel_bo_create {
	/** @size: In bytes; rounded up to the page size and returned. */
	__u64 size;
	/** @flags: MBZ. */
	__u32 flags;
	/**
	 * @vm_id: VM that alone may bind this buffer, or zero. A buffer that is
	 * private to a VM costs less per submit but cannot be exported (PRIME).
	 */
	__u32 vm_id;
	/** @handle: Returned GEM handle. */
	__u32 handle;
	/** @pad: MBZ. */
	__u32 pad;
};

/**
 * struct drm_qaccel_bo_mmap_offset - Arguments of DRM_IOCTL_QACCEL_BO_MMAP_OFFSET
 *
 * Mappings are cached and coherent with the device: no flush is ever needed.
 *
 * Errors: ENOENT for an unknown @handle; EINVAL for a @pad, or an imported
 * buffer (map it through its exporter).
 */
struct drm_qaccel_bo_mmap_offset {
	/** @handle: GEM handle. */
	__u32 handle;
	/** @pad: MBZ. */
	__u32 pad;
	/** @offset: Returned offset for mmap() of the device file. */
	__u64 offset;
};

/**
 * struct drm_qaccel_bo_wait - Arguments of DRM_IOCTL_QACCEL_BO_WAIT
 *
 * Waits for the jobs that were submitted before the call on VMs that the
 * buffer is bound in. It tells nothing of how they ended: QUEUE_GET_STATE does.
 *
 * Errors: ENOENT for an unknown @handle; EINVAL for a @pad; ETIME (still
 * busy); EINTR handled by restarting.
 */
struct drm_qaccel_bo_wait {
	/** @handle: GEM handle. */
	__u32 handle;
	/** @pad: MBZ. */
	__u32 pad;
	/** @timeout_ns: Absolute CLOCK_MONOTONIC time; in the past: poll. */
	__s64 timeout_ns;
};

/**
 * struct drm_qaccel_vm_create - Arguments of DRM_IOCTL_QACCEL_VM_CREATE
 *
 * Errors: EINVAL for @flags; ENOMEM; ENOSPC for too many in one file.
 */
struct drm_qaccel_vm_create {
	/** @flags: MBZ. */
	__u32 flags;
	/** @id: Returned id. */
	__u32 id;
};

/**
 * struct drm_qaccel_vm_destroy - Arguments of DRM_IOCTL_QACCEL_VM_DESTROY
 *
 * The id becomes invalid at once. Queues of the VM keep the address space
 * alive until they are destroyed.
 *
 * Errors: ENOENT for an unknown @id; EINVAL for a @pad.
 */
struct drm_qaccel_vm_destroy {
	/** @id: VM id. */
	__u32 id;
	/** @pad: MBZ. */
	__u32 pad;
};

/** enum drm_qaccel_vm_bind_op_flags - of struct drm_qaccel_vm_bind_op */
enum drm_qaccel_vm_bind_op_flags {
	/** @DRM_QACCEL_VM_BIND_OP_MAP: Map a buffer; the range must be free. */
	DRM_QACCEL_VM_BIND_OP_MAP = 1 << 0,
	/**
	 * @DRM_QACCEL_VM_BIND_OP_UNMAP: Unmap what was mapped at @va with this
	 * @size by one MAP; @bo_handle and @bo_offset MBZ.
	 */
	DRM_QACCEL_VM_BIND_OP_UNMAP = 1 << 1,
	/** @DRM_QACCEL_VM_BIND_OP_READONLY: With MAP: commands cannot write it. */
	DRM_QACCEL_VM_BIND_OP_READONLY = 1 << 2,
};

/** struct drm_qaccel_vm_bind_op - One operation of VM_BIND */
struct drm_qaccel_vm_bind_op {
	/** @flags: enum drm_qaccel_vm_bind_op_flags; just one of MAP and UNMAP. */
	__u32 flags;
	/** @bo_handle: Buffer to map. */
	__u32 bo_handle;
	/** @bo_offset: First byte of the buffer to map, page aligned. */
	__u64 bo_offset;
	/** @va: Device address, page aligned. */
	__u64 va;
	/** @size: Bytes, page aligned, not zero. */
	__u64 size;
};

/**
 * struct drm_qaccel_vm_bind - Arguments of DRM_IOCTL_QACCEL_VM_BIND
 *
 * Synchronous: on return the device uses the new mappings. The operations are
 * done in order. If one fails, those before it stay done, those after it are
 * not done, and @ops.count is set to its index. An unmapped buffer stays
 * alive, and the pages in place, until a command that still uses it has ended;
 * later commands fault.
 *
 * Errors: EINVAL for flags, pads, alignment, a range outside of the VM or of
 * the buffer, an UNMAP that matches no MAP, a buffer private to another VM;
 * ENOENT for an unknown @vm_id or handle; EEXIST where the range of a MAP is
 * taken; ENOMEM; E2BIG for too many operations.
 */
struct drm_qaccel_vm_bind {
	/** @vm_id: VM id. */
	__u32 vm_id;
	/** @flags: MBZ. */
	__u32 flags;
	/** @ops: Array of struct drm_qaccel_vm_bind_op. */
	struct drm_qaccel_obj_array ops;
};

/** enum drm_qaccel_priority - of a queue */
enum drm_qaccel_priority {
	/** @DRM_QACCEL_PRIORITY_LOW: Runs when nothing else does. */
	DRM_QACCEL_PRIORITY_LOW = 0,
	/** @DRM_QACCEL_PRIORITY_NORMAL: Default. */
	DRM_QACCEL_PRIORITY_NORMAL,
	/** @DRM_QACCEL_PRIORITY_HIGH: Needs CAP_SYS_NICE. */
	DRM_QACCEL_PRIORITY_HIGH,
};

/**
 * struct drm_qaccel_queue_create - Arguments of DRM_IOCTL_QACCEL_QUEUE_CREATE
 *
 * Jobs of one queue run in order, those of different queues side by side.
 *
 * Errors: EINVAL for an unknown @priority or @flags; EACCES for HIGH
 * without CAP_SYS_NICE; ENOENT for an unknown @vm_id; ENOMEM; ENOSPC for too
 * many in one file.
 */
struct drm_qaccel_queue_create {
	/** @vm_id: VM in which the jobs run. */
	__u32 vm_id;
	/** @priority: enum drm_qaccel_priority. */
	__u32 priority;
	/** @flags: MBZ. */
	__u32 flags;
	/** @id: Returned id. */
	__u32 id;
};

/**
 * struct drm_qaccel_queue_destroy - Arguments of DRM_IOCTL_QACCEL_QUEUE_DESTROY
 *
 * Jobs that have not started are cancelled: their fences signal with
 * ECANCELED. One that runs is left to end.
 *
 * Errors: ENOENT for an unknown @id; EINVAL for a @pad.
 */
struct drm_qaccel_queue_destroy {
	/** @id: Queue id. */
	__u32 id;
	/** @pad: MBZ. */
	__u32 pad;
};

/** enum drm_qaccel_job_flags - of struct drm_qaccel_job */
enum drm_qaccel_job_flags {
	/** @DRM_QACCEL_JOB_PERF: The device writes a struct qaccel_perf at @perf_va. */
	DRM_QACCEL_JOB_PERF = 1 << 0,
	/** @DRM_QACCEL_JOB_PERF_CMDS: With PERF: and one behind it for each command. */
	DRM_QACCEL_JOB_PERF_CMDS = 1 << 1,
};

/** struct drm_qaccel_job - One job: a command stream in the queue's VM */
struct drm_qaccel_job {
	/** @stream_va: Device address of the first command, aligned to 256. */
	__u64 stream_va;
	/** @stream_size: Bytes, a multiple of 256, not zero. */
	__u32 stream_size;
	/** @flags: enum drm_qaccel_job_flags. */
	__u32 flags;
	/** @perf_va: 64-byte aligned device address for PERF, else MBZ. */
	__u64 perf_va;
};

/** enum drm_qaccel_sync_flags - of struct drm_qaccel_sync */
enum drm_qaccel_sync_flags {
	/** @DRM_QACCEL_SYNC_WAIT: The jobs start after this point has signalled. */
	DRM_QACCEL_SYNC_WAIT = 1 << 0,
	/** @DRM_QACCEL_SYNC_SIGNAL: This point signals when the last job has ended. */
	DRM_QACCEL_SYNC_SIGNAL = 1 << 1,
	/** @DRM_QACCEL_SYNC_TIMELINE: @handle is a timeline syncobj. */
	DRM_QACCEL_SYNC_TIMELINE = 1 << 2,
};

/** struct drm_qaccel_sync - A fence to wait for or to signal */
struct drm_qaccel_sync {
	/** @flags: enum drm_qaccel_sync_flags; just one of WAIT and SIGNAL. */
	__u32 flags;
	/** @handle: Syncobj handle. */
	__u32 handle;
	/** @timeline_value: Point of a timeline, not zero; MBZ for a binary syncobj. */
	__u64 timeline_value;
};

/**
 * struct drm_qaccel_submit - Arguments of DRM_IOCTL_QACCEL_SUBMIT
 *
 * All jobs are accepted, or none. A job that fails bans its queue: the job's
 * fence, and those of all later jobs of the queue, signal with an error, and
 * further submits fail with ECANCELED. Other queues are not touched.
 *
 * Errors: EINVAL for flags, pads, alignment, no job, or a stream longer than the
 * device takes; ENOENT for an unknown @queue_id, syncobj, or point without a
 * fence; E2BIG for too many jobs or syncs; ECANCELED for a banned queue; ENOMEM.
 */
struct drm_qaccel_submit {
	/** @queue_id: Queue id. */
	__u32 queue_id;
	/** @flags: MBZ. */
	__u32 flags;
	/** @jobs: Array of struct drm_qaccel_job, at least one. */
	struct drm_qaccel_obj_array jobs;
	/** @syncs: Array of struct drm_qaccel_sync. */
	struct drm_qaccel_obj_array syncs;
};

/** enum drm_qaccel_queue_state_flags - of struct drm_qaccel_queue_get_state */
enum drm_qaccel_queue_state_flags {
	/** @DRM_QACCEL_QUEUE_STATE_BANNED: A job failed; the queue takes no more. */
	DRM_QACCEL_QUEUE_STATE_BANNED = 1 << 0,
	/** @DRM_QACCEL_QUEUE_STATE_TIMEDOUT: Banned as the job made no progress. */
	DRM_QACCEL_QUEUE_STATE_TIMEDOUT = 1 << 1,
	/** @DRM_QACCEL_QUEUE_STATE_INNOCENT: A job was lost to a reset that another queue caused. */
	DRM_QACCEL_QUEUE_STATE_INNOCENT = 1 << 2,
};

/**
 * struct drm_qaccel_queue_get_state - Arguments of DRM_IOCTL_QACCEL_QUEUE_GET_STATE
 *
 * Errors: ENOENT for an unknown @queue_id; EINVAL for a @pad.
 */
struct drm_qaccel_queue_get_state {
	/** @queue_id: Queue id. */
	__u32 queue_id;
	/** @state: Returned enum drm_qaccel_queue_state_flags. */
	__u32 state;
	/** @fault_status: Returned enum qaccel_status of the job that failed, else zero. */
	__u32 fault_status;
	/** @fault_access: Returned enum qaccel_access, for the address errors. */
	__u32 fault_access;
	/** @fault_va: Returned bad address, for the address errors. */
	__u64 fault_va;
	/** @fault_job: Returned number of the failing job, counted from 1 as submitted to the queue. */
	__u64 fault_job;
	/** @fault_cmd: Returned index of the failing command in its stream. */
	__u32 fault_cmd;
	/** @pad: MBZ, returned as zero. */
	__u32 pad;
	/** @jobs_submitted: Returned number of jobs accepted. */
	__u64 jobs_submitted;
	/** @jobs_completed: Returned number of jobs that ended, well or not. */
	__u64 jobs_completed;
	/** @cycles: Returned busy cycles of the ended jobs, timing model. */
	__u64 cycles;
	/** @macs: Returned multiply-accumulates of the ended jobs. */
	__u64 macs;
	/** @bytes_read: Returned bytes read by the ended jobs. */
	__u64 bytes_read;
	/** @bytes_written: Returned bytes written by the ended jobs. */
	__u64 bytes_written;
};

#define DRM_IOCTL_QACCEL(__access, __id, __type) \
	DRM_IO ## __access(DRM_COMMAND_BASE + DRM_QACCEL_ ## __id, \
			   struct drm_qaccel_ ## __type)

enum {
	DRM_IOCTL_QACCEL_DEV_QUERY =
		DRM_IOCTL_QACCEL(WR, DEV_QUERY, dev_query),
	DRM_IOCTL_QACCEL_BO_CREATE =
		DRM_IOCTL_QACCEL(WR, BO_CREATE, bo_create),
	DRM_IOCTL_QACCEL_BO_MMAP_OFFSET =
		DRM_IOCTL_QACCEL(WR, BO_MMAP_OFFSET, bo_mmap_offset),
	DRM_IOCTL_QACCEL_BO_WAIT =
		DRM_IOCTL_QACCEL(W, BO_WAIT, bo_wait),
	DRM_IOCTL_QACCEL_VM_CREATE =
		DRM_IOCTL_QACCEL(WR, VM_CREATE, vm_create),
	DRM_IOCTL_QACCEL_VM_DESTROY =
		DRM_IOCTL_QACCEL(W, VM_DESTROY, vm_destroy),
	DRM_IOCTL_QACCEL_VM_BIND =
		DRM_IOCTL_QACCEL(WR, VM_BIND, vm_bind),
	DRM_IOCTL_QACCEL_QUEUE_CREATE =
		DRM_IOCTL_QACCEL(WR, QUEUE_CREATE, queue_create),
	DRM_IOCTL_QACCEL_QUEUE_DESTROY =
		DRM_IOCTL_QACCEL(W, QUEUE_DESTROY, queue_destroy),
	DRM_IOCTL_QACCEL_SUBMIT =
		DRM_IOCTL_QACCEL(W, SUBMIT, submit),
	DRM_IOCTL_QACCEL_QUEUE_GET_STATE =
		DRM_IOCTL_QACCEL(WR, QUEUE_GET_STATE, queue_get_state),
};

#if defined(__cplusplus)
}
#endif

#endif /* _QACCEL_ACCEL_H_ */
