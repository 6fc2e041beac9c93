/* SPDX-License-Identifier: GPL-2.0 */
/* Jobs: SUBMIT, the scheduler's callbacks, completion. */
#ifndef _QACCEL_JOB_H_
#define _QACCEL_JOB_H_

#include <linux/ktime.h>

#include <drm/gpu_scheduler.h>
#include <drm/qaccel_accel.h>
#include <qaccel_hw.h>

struct drm_device;
struct drm_file;
struct qaccel_fence;
struct qaccel_queue;
struct qaccel_ring;

struct qaccel_job {
	struct drm_sched_job base;
	/** @queue: a reference; put when the scheduler frees the job. */
	struct qaccel_queue *queue;
	/**
	 * @fence: signalled by whoever takes the job off &qaccel_ring.job, or
	 * never used. Allocated with the job, as run_job() must not allocate.
	 */
	struct qaccel_fence *fence;
	/** @desc: as user space gave it. */
	struct drm_qaccel_job desc;
	/** @number: in the queue, from 1. */
	u64 number;

	/* Since it runs; protected by the ring's lock. */
	u64 seqno;
	u32 slot;
	ktime_t started;
	/** @last_cmd: command it was in at the last timeout. */
	u32 last_cmd;
};

static inline struct qaccel_job *to_qaccel_job(struct drm_sched_job *job)
{
	return container_of(job, struct qaccel_job, base);
}

static inline struct qaccel_ring *to_qaccel_ring(struct drm_gpu_scheduler *sched)
{
	return container_of(sched, struct qaccel_ring, sched);
}

int qaccel_job_init_sched(struct qaccel_ring *ring);
bool qaccel_ring_complete(struct qaccel_ring *ring);
void qaccel_ring_restart(struct qaccel_ring *ring);
bool qaccel_ring_abort(struct qaccel_ring *ring, u32 state, u32 status, int err);

int qaccel_ioctl_submit(struct drm_device *drm, void *data, struct drm_file *file);

/* What the ioctls with arrays share: copies of them, of the kernel's stride. */
void *qaccel_get_objs(const struct drm_qaccel_obj_array *in, u32 min_stride,
		      u32 kernel_stride, u32 max);

#endif /* _QACCEL_JOB_H_ */
