// SPDX-License-Identifier: GPL-2.0
/* User queues. */
#include <linux/capability.h>
#include <linux/slab.h>

#include "qaccel_device.h"
#include "qaccel_job.h"
#include "qaccel_queue.h"
#include "qaccel_trace.h"
#include "qaccel_vm.h"

struct qaccel_queue *qaccel_queue_lookup(struct qaccel_file *file, u32 id)
{
	struct qaccel_queue *queue;

	xa_lock(&file->queues);
	queue = xa_load(&file->queues, id);
	if (queue)
		kref_get(&queue->ref);
	xa_unlock(&file->queues);

	return queue;
}

static void queue_release_work(struct work_struct *work)
{
	struct qaccel_queue *queue = container_of(work, struct qaccel_queue, release_work);

	mutex_lock(&queue->qdev->lists_lock);
	list_del(&queue->link);
	mutex_unlock(&queue->qdev->lists_lock);

	/* Each job had a reference, so there is none in the entity. */
	drm_sched_entity_fini(&queue->entity);
	qaccel_vm_put(queue->vm);
	qaccel_file_put(queue->file);
	mutex_destroy(&queue->submit_lock);
	kfree(queue);
}

/*
 * The scheduler drops the references of jobs from its own work queue, which
 * fences depend on, and releasing a VM takes locks under which others wait for
 * fences. So that is done elsewhere.
 */
static void queue_release(struct kref *ref)
{
	struct qaccel_queue *queue = container_of(ref, struct qaccel_queue, ref);

	queue_work(queue->qdev->wq, &queue->release_work);
}

void qaccel_queue_put(struct qaccel_queue *queue)
{
	kref_put(&queue->ref, queue_release);
}

/* For the owner of the id, who gives up its reference. */
void qaccel_queue_close(struct qaccel_queue *queue)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	queue->closed = true;
	spin_unlock_irqrestore(&queue->lock, flags);

	qaccel_queue_put(queue);
}

/* Whether jobs that have not started must not do so any more. */
bool qaccel_queue_is_dead(struct qaccel_queue *queue)
{
	unsigned long flags;
	bool dead;

	spin_lock_irqsave(&queue->lock, flags);
	dead = queue->closed || (queue->state.state & DRM_QACCEL_QUEUE_STATE_BANNED);
	spin_unlock_irqrestore(&queue->lock, flags);

	return dead;
}

/* Under submit_lock. */
void qaccel_queue_job_submitted(struct qaccel_queue *queue, struct qaccel_job *job)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	job->number = ++queue->state.jobs_submitted;
	spin_unlock_irqrestore(&queue->lock, flags);
}

/* The first failure is the one that counts: what follows are its effects. */
static void ban(struct qaccel_queue *queue, struct qaccel_job *job, u32 state,
		const struct qaccel_result *result)
{
	struct drm_qaccel_queue_get_state *s = &queue->state;

	lockdep_assert_held(&queue->lock);

	if (s->state & DRM_QACCEL_QUEUE_STATE_BANNED)
		return;

	s->state |= DRM_QACCEL_QUEUE_STATE_BANNED | state;
	s->fault_status = result->status;
	s->fault_access = result->fault_access;
	s->fault_va = result->fault_va;
	s->fault_cmd = result->cmd_index;
	s->fault_job = job->number;
}

static void add_busy_time(struct qaccel_queue *queue, struct qaccel_job *job, u64 cycles)
{
	atomic64_add(ktime_to_ns(ktime_sub(ktime_get(), job->started)), &queue->file->busy_ns);
	atomic64_add(cycles, &queue->file->cycles);
}

/* The device ended the job. Returns the error for its fence, or 0. */
int qaccel_queue_job_done(struct qaccel_queue *queue, struct qaccel_job *job,
			  const struct qaccel_result *result)
{
	struct drm_qaccel_queue_get_state *s = &queue->state;
	unsigned long flags;

	add_busy_time(queue, job, result->cycles);

	spin_lock_irqsave(&queue->lock, flags);
	s->jobs_completed++;
	s->cycles += result->cycles;
	s->macs += result->macs;
	s->bytes_read += result->bytes_read;
	s->bytes_written += result->bytes_written;
	if (result->status != QACCEL_OK)
		ban(queue, job, 0, result);
	spin_unlock_irqrestore(&queue->lock, flags);

	if (result->status == QACCEL_OK)
		return 0;

	trace_qaccel_job_fault(job, result);
	drm_dbg(&queue->qdev->drm, "job %llu: command %u: error %u at 0x%llx\n", job->number,
		result->cmd_index, result->status, result->fault_va);
	return -EIO;
}

/* The driver ended it while it ran, for the reason given by state and status. */
void qaccel_queue_job_lost(struct qaccel_queue *queue, struct qaccel_job *job,
			   u32 state, u32 status)
{
	struct qaccel_result result = { .status = status, .cmd_index = job->last_cmd };
	unsigned long flags;

	add_busy_time(queue, job, 0);

	spin_lock_irqsave(&queue->lock, flags);
	queue->state.jobs_completed++;
	ban(queue, job, state, &result);
	spin_unlock_irqrestore(&queue->lock, flags);
}

/* It never ran. */
void qaccel_queue_job_skipped(struct qaccel_queue *queue)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	queue->state.jobs_completed++;
	spin_unlock_irqrestore(&queue->lock, flags);
}

static int to_sched_priority(u32 priority, enum drm_sched_priority *out)
{
	switch (priority) {
	case DRM_QACCEL_PRIORITY_LOW:
		*out = DRM_SCHED_PRIORITY_LOW;
		return 0;
	case DRM_QACCEL_PRIORITY_NORMAL:
		*out = DRM_SCHED_PRIORITY_NORMAL;
		return 0;
	case DRM_QACCEL_PRIORITY_HIGH:
		*out = DRM_SCHED_PRIORITY_HIGH;
		return capable(CAP_SYS_NICE) ? 0 : -EACCES;
	default:
		return -EINVAL;
	}
}

/* Takes over the reference to the VM, if it succeeds. */
static struct qaccel_queue *queue_create(struct qaccel_device *qdev, struct qaccel_file *qfile,
					 struct qaccel_vm *vm, enum drm_sched_priority priority)
{
	struct qaccel_queue *queue = kzalloc(sizeof(*queue), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!queue)
		return ERR_PTR(-ENOMEM);

	ret = drm_sched_entity_init(&queue->entity, priority, qdev->scheds, qdev->num_rings,
				    NULL);
	if (ret) {
		kfree(queue);
		return ERR_PTR(ret);
	}

	kref_init(&queue->ref);
	mutex_init(&queue->submit_lock);
	spin_lock_init(&queue->lock);
	INIT_WORK(&queue->release_work, queue_release_work);
	queue->qdev = qdev;
	queue->vm = vm;
	kref_get(&qfile->ref);
	queue->file = qfile;

	mutex_lock(&qdev->lists_lock);
	list_add_tail(&queue->link, &qdev->queues);
	mutex_unlock(&qdev->lists_lock);

	return queue;
}

int qaccel_ioctl_queue_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct qaccel_device *qdev = to_qaccel_device(drm);
	struct qaccel_file *qfile = file->driver_priv;
	struct drm_qaccel_queue_create *args = data;
	enum drm_sched_priority priority;
	struct qaccel_queue *queue;
	struct qaccel_vm *vm;
	int ret;

	if (args->flags)
		return -EINVAL;
	ret = to_sched_priority(args->priority, &priority);
	if (ret)
		return ret;

	vm = qaccel_vm_lookup(qfile, args->vm_id);
	if (!vm)
		return -ENOENT;

	queue = queue_create(qdev, qfile, vm, priority);
	if (IS_ERR(queue)) {
		qaccel_vm_put(vm);
		return PTR_ERR(queue);
	}
	queue->priority = args->priority;

	ret = xa_alloc(&qfile->queues, &args->id, queue, XA_LIMIT(1, QACCEL_MAX_USER_QUEUES),
		       GFP_KERNEL);
	if (ret) {
		qaccel_queue_close(queue);
		return ret == -EBUSY ? -ENOSPC : ret;
	}

	return 0;
}

int qaccel_ioctl_queue_destroy(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct qaccel_file *qfile = file->driver_priv;
	struct drm_qaccel_queue_destroy *args = data;
	struct qaccel_queue *queue;

	if (args->pad)
		return -EINVAL;

	queue = xa_erase(&qfile->queues, args->id);
	if (!queue)
		return -ENOENT;

	qaccel_queue_close(queue);
	return 0;
}

int qaccel_ioctl_queue_get_state(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct qaccel_file *qfile = file->driver_priv;
	struct drm_qaccel_queue_get_state *args = data;
	u32 id = args->queue_id;
	struct qaccel_queue *queue;
	unsigned long flags;

	if (args->pad)
		return -EINVAL;

	queue = qaccel_queue_lookup(qfile, id);
	if (!queue)
		return -ENOENT;

	spin_lock_irqsave(&queue->lock, flags);
	*args = queue->state;
	spin_unlock_irqrestore(&queue->lock, flags);
	args->queue_id = id;

	qaccel_queue_put(queue);
	return 0;
}
