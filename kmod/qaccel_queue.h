/* SPDX-License-Identifier: GPL-2.0 */
/* User queues: a scheduler entity on a VM, and what became of its jobs. */
#ifndef _QACCEL_QUEUE_H_
#define _QACCEL_QUEUE_H_

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <drm/gpu_scheduler.h>
#include <drm/qaccel_accel.h>
#include <qaccel_hw.h>

struct drm_device;
struct drm_file;
struct qaccel_device;
struct qaccel_file;
struct qaccel_job;
struct qaccel_vm;

struct qaccel_queue {
	/** @ref: held by the id, and by each job. */
	struct kref ref;
	struct qaccel_device *qdev;
	struct qaccel_file *file;
	struct qaccel_vm *vm;
	struct drm_sched_entity entity;
	u32 priority;
	/** @submit_lock: Keeps the order of arming, numbering and pushing the same. Outermost. */
	struct mutex submit_lock;
	/** @release_work: the last reference may be dropped where sleeping is not possible. */
	struct work_struct release_work;
	/** @link: in &qaccel_device.queues. */
	struct list_head link;

	/** @lock: Protects what follows. Taken in hard interrupt context. */
	spinlock_t lock;
	/** @closed: destroyed by its owner; jobs that have not started will not. */
	bool closed;
	/** @state: as GET_STATE returns it, without the id. */
	struct drm_qaccel_queue_get_state state;
};

int qaccel_ioctl_queue_create(struct drm_device *drm, void *data, struct drm_file *file);
int qaccel_ioctl_queue_destroy(struct drm_device *drm, void *data, struct drm_file *file);
int qaccel_ioctl_queue_get_state(struct drm_device *drm, void *data, struct drm_file *file);

struct qaccel_queue *qaccel_queue_lookup(struct qaccel_file *file, u32 id);
void qaccel_queue_put(struct qaccel_queue *queue);
void qaccel_queue_close(struct qaccel_queue *queue);

bool qaccel_queue_is_dead(struct qaccel_queue *queue);
void qaccel_queue_job_submitted(struct qaccel_queue *queue, struct qaccel_job *job);
int qaccel_queue_job_done(struct qaccel_queue *queue, struct qaccel_job *job,
			  const struct qaccel_result *result);
void qaccel_queue_job_lost(struct qaccel_queue *queue, struct qaccel_job *job,
			   u32 state, u32 status);
void qaccel_queue_job_skipped(struct qaccel_queue *queue);

#endif /* _QACCEL_QUEUE_H_ */
