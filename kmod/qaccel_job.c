// SPDX-License-Identifier: GPL-2.0
/* Jobs: SUBMIT, the scheduler's callbacks, completion. */
#include <linux/dma-fence-chain.h>
#include <linux/dma-resv.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_managed.h>
#include <drm/drm_syncobj.h>
#include <drm/drm_utils.h>

#include "qaccel_device.h"
#include "qaccel_job.h"
#include "qaccel_queue.h"
#include "qaccel_trace.h"
#include "qaccel_vm.h"

/* ------------------------------------------------------ hardware fences -- */

/* Signalled when the engine has ended the job; gone when the job is freed. */
struct qaccel_fence {
	struct dma_fence base;
	/* Protects @base, for the fence core. */
	spinlock_t lock;
	/* Whether run_job() has made @base a fence. */
	bool live;
};

static const char *fence_driver_name(struct dma_fence *fence)
{
	return "qaccel";
}

static const char *fence_timeline_name(struct dma_fence *fence)
{
	return "engine";
}

static const struct dma_fence_ops fence_ops = {
	.get_driver_name = fence_driver_name,
	.get_timeline_name = fence_timeline_name,
};

static struct qaccel_fence *fence_alloc(void)
{
	struct qaccel_fence *fence;

	/* dma_fence_put() frees what starts with the fence. */
	BUILD_BUG_ON(offsetof(struct qaccel_fence, base));

	fence = kzalloc(sizeof(*fence), GFP_KERNEL_ACCOUNT);
	if (fence)
		spin_lock_init(&fence->lock);

	return fence;
}

static void fence_put(struct qaccel_fence *fence)
{
	if (fence && fence->live)
		dma_fence_put(&fence->base);
	else
		kfree(fence);
}

/* ----------------------------------------------------------- completion -- */

/*
 * Takes the job off the ring. Whoever does owns the duty to account for it and
 * to signal the fence, of which the reference is returned.
 */
static struct dma_fence *take_job(struct qaccel_ring *ring)
{
	struct dma_fence *fence = dma_fence_get(&ring->job->fence->base);

	lockdep_assert_held(&ring->lock);

	ring->job = NULL;
	wake_up_all(&ring->idle);

	return fence;
}

static void signal_fence(struct dma_fence *fence, int err)
{
	if (err)
		dma_fence_set_error(fence, err);
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

static void read_result(struct qaccel_ring *ring, struct qaccel_job *job,
			struct qaccel_result *out)
{
	/* The device wrote the record before the fence that we saw. */
	dma_rmb();
	*out = ring->results[job->slot];

	/* A record that is not this job's says nothing about it. */
	if (out->seqno != job->seqno)
		*out = (struct qaccel_result){ .status = QACCEL_ERR_BUS };
}

/**
 * qaccel_ring_complete() - end the ring's job if the device has ended it
 * @ring: ring
 *
 * Only looks at memory, so it may be called at any time, in any context. Returns
 * whether there was something to do.
 */
bool qaccel_ring_complete(struct qaccel_ring *ring)
{
	struct dma_fence *fence;
	struct qaccel_result result;
	struct qaccel_job *job;
	unsigned long flags;
	int err;

	spin_lock_irqsave(&ring->lock, flags);
	job = ring->job;
	if (!job || READ_ONCE(*ring->fence) != job->seqno) {
		spin_unlock_irqrestore(&ring->lock, flags);
		return false;
	}

	read_result(ring, job, &result);
	err = qaccel_queue_job_done(job->queue, job, &result);
	trace_qaccel_job_done(job, err);
	fence = take_job(ring);
	spin_unlock_irqrestore(&ring->lock, flags);

	signal_fence(fence, err);
	return true;
}

/**
 * qaccel_ring_abort() - end the ring's job although the device has not
 * @ring: ring, which the device does not work on any more
 * @state: enum drm_qaccel_queue_state_flags for the queue, besides BANNED
 * @status: enum qaccel_status for the queue
 * @err: error of the fence
 *
 * Returns whether there was a job.
 */
bool qaccel_ring_abort(struct qaccel_ring *ring, u32 state, u32 status, int err)
{
	struct dma_fence *fence;
	struct qaccel_job *job;
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	job = ring->job;
	if (!job) {
		spin_unlock_irqrestore(&ring->lock, flags);
		return false;
	}

	qaccel_queue_job_lost(job->queue, job, state, status);
	trace_qaccel_job_done(job, err);
	fence = take_job(ring);
	spin_unlock_irqrestore(&ring->lock, flags);

	signal_fence(fence, err);
	return true;
}

/* -------------------------------------------------- scheduler callbacks -- */

static u32 entry_flags(const struct drm_qaccel_job *desc)
{
	u32 flags = QACCEL_ENTRY_IRQ;

	if (desc->flags & DRM_QACCEL_JOB_PERF)
		flags |= QACCEL_ENTRY_PERF_JOB;
	if (desc->flags & DRM_QACCEL_JOB_PERF_CMDS)
		flags |= QACCEL_ENTRY_PERF_CMDS;

	return flags;
}

static void write_entry(struct qaccel_ring *ring, struct qaccel_job *job)
{
	ring->entries[job->slot] = (struct qaccel_ring_entry) {
		.root = qaccel_vm_root(job->queue->vm),
		.stream_va = job->desc.stream_va,
		.seqno = job->seqno,
		.perf_va = job->desc.perf_va,
		.stream_size = job->desc.stream_size,
		.flags = entry_flags(&job->desc),
	};
}

static void ring_start(struct qaccel_ring *ring, struct qaccel_job *job)
{
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	job->seqno = ++ring->seqno;
	job->slot = ring->tail++ % QACCEL_RING_ENTRIES;
	job->started = ktime_get();
	ring->job = job;

	dma_fence_init(&job->fence->base, &fence_ops, &job->fence->lock,
		       ring->fence_context, job->seqno);
	job->fence->live = true;

	write_entry(ring, job);
	trace_qaccel_job_run(job, ring);
	/* The write of a register is ordered after those to coherent memory. */
	qaccel_write(ring->qdev, QACCEL_DOORBELL(ring->id), ring->tail);
	spin_unlock_irqrestore(&ring->lock, flags);
}

/* Puts the ring's job, which was never begun, into the ring again after a reset. */
void qaccel_ring_restart(struct qaccel_ring *ring)
{
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	if (ring->job) {
		ring->job->slot = ring->tail++ % QACCEL_RING_ENTRIES;
		write_entry(ring, ring->job);
		qaccel_write(ring->qdev, QACCEL_DOORBELL(ring->id), ring->tail);
	}
	spin_unlock_irqrestore(&ring->lock, flags);
}

static struct dma_fence *run_job(struct drm_sched_job *sched_job)
{
	struct qaccel_ring *ring = to_qaccel_ring(sched_job->sched);
	struct qaccel_job *job = to_qaccel_job(sched_job);
	struct dma_fence *fence;
	int idx;

	if (qaccel_queue_is_dead(job->queue)) {
		qaccel_queue_job_skipped(job->queue);
		return ERR_PTR(-ECANCELED);
	}

	if (READ_ONCE(ring->qdev->wedged) || !drm_dev_enter(&ring->qdev->drm, &idx)) {
		qaccel_queue_job_skipped(job->queue);
		return ERR_PTR(-ENODEV);
	}

	ring_start(ring, job);
	/* The job's own reference is put with the job, this is the scheduler's. */
	fence = dma_fence_get(&job->fence->base);

	drm_dev_exit(idx);
	return fence;
}

static void job_destroy(struct qaccel_job *job)
{
	fence_put(job->fence);
	qaccel_queue_put(job->queue);
	kfree(job);
}

/*
 * The scheduler's fence, which users may keep for ever, has a reference to the
 * hardware fence and would keep it, and a pointer to our code with it, beyond
 * the life of the module. Nobody needs it once both have signalled.
 */
static void forget_hw_fence(struct drm_sched_fence *s_fence)
{
	struct dma_fence *parent = s_fence->parent;

	s_fence->parent = NULL;
	dma_fence_put(parent);
}

static void free_job(struct drm_sched_job *sched_job)
{
	struct qaccel_job *job = to_qaccel_job(sched_job);
	struct qaccel_device *qdev = job->queue->qdev;

	forget_hw_fence(sched_job->s_fence);
	drm_sched_job_cleanup(sched_job);
	job_destroy(job);

	pm_runtime_mark_last_busy(qdev->drm.dev);
	pm_runtime_put_autosuspend(qdev->drm.dev);
	if (atomic_dec_and_test(&qdev->num_jobs))
		wake_up_all(&qdev->jobs_gone);
}

static const struct drm_sched_backend_ops sched_ops = {
	.run_job = run_job,
	.timedout_job = qaccel_job_timedout,
	.free_job = free_job,
};

static void fini_sched(struct drm_device *drm, void *sched)
{
	drm_sched_fini(sched);
}

int qaccel_job_init_sched(struct qaccel_ring *ring)
{
	struct qaccel_device *qdev = ring->qdev;
	struct drm_sched_init_args args = {
		.ops = &sched_ops,
		.timeout_wq = qdev->reset_wq,
		.num_rqs = DRM_SCHED_PRIORITY_COUNT,
		.credit_limit = 1,
		.timeout = msecs_to_jiffies(qaccel_job_timeout_ms),
		.name = ring->name,
		.dev = qdev->drm.dev,
	};
	int ret = qaccel_sched_init(&ring->sched, &args);

	if (ret)
		return ret;

	return drmm_add_action_or_reset(&qdev->drm, fini_sched, &ring->sched);
}

/* --------------------------------------------------------------- SUBMIT -- */

/**
 * qaccel_get_objs() - copy an array of extensible objects
 * @in: as user space gave it
 * @min_stride: size of the first version of the object
 * @kernel_stride: size of the object today, and of those in the copy
 * @max: count that is allowed
 *
 * Returns the array, to be freed with kvfree(), NULL for an empty one, or an
 * error.
 */
void *qaccel_get_objs(const struct drm_qaccel_obj_array *in, u32 min_stride,
		      u32 kernel_stride, u32 max)
{
	void __user *user = u64_to_user_ptr(in->array);
	void *out;
	u32 i;

	if (!in->count)
		return in->array ? ERR_PTR(-EINVAL) : NULL;
	if (in->count > max)
		return ERR_PTR(-E2BIG);
	if (in->stride < min_stride || in->stride > PAGE_SIZE)
		return ERR_PTR(-EINVAL);

	out = kvmalloc_array(in->count, kernel_stride, GFP_KERNEL_ACCOUNT);
	if (!out)
		return ERR_PTR(-ENOMEM);

	for (i = 0; i < in->count; i++) {
		int ret = copy_struct_from_user(out + i * kernel_stride, kernel_stride,
						user + (u64)i * in->stride, in->stride);

		if (ret) {
			kvfree(out);
			/* It means members that we do not know: unknown flags, in effect. */
			return ERR_PTR(ret == -E2BIG ? -EINVAL : ret);
		}
	}

	return out;
}

/* A syncobj that SUBMIT signals. */
struct signal_op {
	struct drm_syncobj *syncobj;
	struct dma_fence_chain *chain;
	u64 point;
};

/* Everything that a SUBMIT holds until it has succeeded or failed. */
struct submit {
	struct qaccel_device *qdev;
	struct drm_file *file;
	struct qaccel_queue *queue;

	struct drm_qaccel_job *descs;
	struct drm_qaccel_sync *syncs;
	u32 num_jobs;
	u32 num_syncs;

	struct qaccel_job **jobs;
	/* How many of them exist, and how many have a runtime PM reference. */
	u32 num_made;
	u32 num_powered;

	struct signal_op *signals;
	u32 num_signals;
};

static int check_job(struct qaccel_device *qdev, const struct drm_qaccel_job *job)
{
	const u32 known = DRM_QACCEL_JOB_PERF | DRM_QACCEL_JOB_PERF_CMDS;
	bool perf = job->flags & DRM_QACCEL_JOB_PERF;

	if (job->flags & ~known)
		return -EINVAL;
	if ((job->flags & DRM_QACCEL_JOB_PERF_CMDS) && !perf)
		return -EINVAL;
	if (perf ? !IS_ALIGNED(job->perf_va, sizeof(struct qaccel_perf)) : job->perf_va)
		return -EINVAL;
	if (!job->stream_size || job->stream_size > qdev->info.max_stream)
		return -EINVAL;
	if (!IS_ALIGNED(job->stream_size | job->stream_va, QACCEL_CMD_SIZE))
		return -EINVAL;

	return 0;
}

static int check_sync(const struct drm_qaccel_sync *sync)
{
	const u32 direction = DRM_QACCEL_SYNC_WAIT | DRM_QACCEL_SYNC_SIGNAL;
	bool timeline = sync->flags & DRM_QACCEL_SYNC_TIMELINE;

	if (sync->flags & ~(direction | DRM_QACCEL_SYNC_TIMELINE))
		return -EINVAL;
	if (hweight32(sync->flags & direction) != 1)
		return -EINVAL;
	if (timeline != !!sync->timeline_value)
		return -EINVAL;

	return 0;
}

static int submit_check(struct submit *s)
{
	int ret = 0;
	u32 i;

	for (i = 0; !ret && i < s->num_jobs; i++)
		ret = check_job(s->qdev, &s->descs[i]);
	for (i = 0; !ret && i < s->num_syncs; i++)
		ret = check_sync(&s->syncs[i]);

	return ret;
}

static int submit_copy_in(struct submit *s, const struct drm_qaccel_submit *args)
{
	if (args->flags || !args->jobs.count)
		return -EINVAL;

	s->descs = qaccel_get_objs(&args->jobs, sizeof(*s->descs), sizeof(*s->descs),
				   QACCEL_MAX_JOBS);
	if (IS_ERR(s->descs))
		return PTR_ERR(no_free_ptr(s->descs));
	s->num_jobs = args->jobs.count;

	s->syncs = qaccel_get_objs(&args->syncs, sizeof(*s->syncs), sizeof(*s->syncs),
				   QACCEL_MAX_SYNCS);
	if (IS_ERR(s->syncs))
		return PTR_ERR(no_free_ptr(s->syncs));
	s->num_syncs = args->syncs.count;

	return submit_check(s);
}

static struct qaccel_job *job_create(struct submit *s, const struct drm_qaccel_job *desc)
{
	struct qaccel_job *job = kzalloc(sizeof(*job), GFP_KERNEL_ACCOUNT);
	int ret = -ENOMEM;

	if (!job)
		return ERR_PTR(-ENOMEM);

	job->fence = fence_alloc();
	if (!job->fence)
		goto err_free;

	ret = drm_sched_job_init(&job->base, &s->queue->entity, 1, s->queue,
				 s->file->client_id);
	if (ret)
		goto err_free;

	kref_get(&s->queue->ref);
	job->queue = s->queue;
	job->desc = *desc;
	atomic_inc(&s->qdev->num_jobs);

	return job;

err_free:
	fence_put(job->fence);
	kfree(job);
	return ERR_PTR(ret);
}

static int submit_make_jobs(struct submit *s)
{
	s->jobs = kvcalloc(s->num_jobs, sizeof(*s->jobs), GFP_KERNEL_ACCOUNT);
	if (!s->jobs)
		return -ENOMEM;

	for (; s->num_made < s->num_jobs; s->num_made++) {
		struct qaccel_job *job = job_create(s, &s->descs[s->num_made]);

		if (IS_ERR(job))
			return PTR_ERR(job);
		s->jobs[s->num_made] = job;
	}

	return 0;
}

/* The first job waits, and the others, which come after it in the queue. */
static int add_wait(struct submit *s, const struct drm_qaccel_sync *sync)
{
	struct dma_fence *fence;
	int ret = drm_syncobj_find_fence(s->file, sync->handle, sync->timeline_value, 0, &fence);

	/* It says EINVAL for a point without a fence. */
	if (ret)
		return ret == -EINVAL ? -ENOENT : ret;

	return drm_sched_job_add_dependency(&s->jobs[0]->base, fence);
}

static int add_signal(struct submit *s, const struct drm_qaccel_sync *sync)
{
	struct signal_op *op = &s->signals[s->num_signals];

	op->syncobj = drm_syncobj_find(s->file, sync->handle);
	if (!op->syncobj)
		return -ENOENT;
	s->num_signals++;

	op->point = sync->timeline_value;
	if (op->point) {
		op->chain = dma_fence_chain_alloc();
		if (!op->chain)
			return -ENOMEM;
	}

	return 0;
}

static int submit_add_syncs(struct submit *s)
{
	int ret = 0;
	u32 i;

	if (!s->num_syncs)
		return 0;

	s->signals = kvcalloc(s->num_syncs, sizeof(*s->signals), GFP_KERNEL_ACCOUNT);
	if (!s->signals)
		return -ENOMEM;

	for (i = 0; !ret && i < s->num_syncs; i++) {
		if (s->syncs[i].flags & DRM_QACCEL_SYNC_WAIT)
			ret = add_wait(s, &s->syncs[i]);
		else
			ret = add_signal(s, &s->syncs[i]);
	}

	return ret;
}

/* Each job keeps the device awake until it is freed. */
static int submit_power_up(struct submit *s)
{
	struct device *dev = s->qdev->drm.dev;

	if (pm_runtime_resume_and_get(dev))
		return -ENODEV;

	for (s->num_powered = 1; s->num_powered < s->num_jobs; s->num_powered++)
		pm_runtime_get_noresume(dev);

	return 0;
}

/* From the first arm on nothing may fail. Returns the fence of the last job. */
static struct dma_fence *push_jobs(struct submit *s)
{
	struct dma_fence *last = NULL;
	u32 i;

	for (i = 0; i < s->num_jobs; i++) {
		struct qaccel_job *job = s->jobs[i];

		drm_sched_job_arm(&job->base);
		if (i == s->num_jobs - 1)
			last = dma_fence_get(&job->base.s_fence->finished);
		qaccel_queue_job_submitted(s->queue, job);
		trace_qaccel_job_submit(job);
		/* It may run, end, and be freed at once. */
		drm_sched_entity_push_job(&job->base);
	}

	atomic64_add(s->num_jobs, &s->qdev->submits);
	s->num_made = 0;
	s->num_powered = 0;

	return last;
}

static void install_signals(struct submit *s, struct dma_fence *fence)
{
	u32 i;

	for (i = 0; i < s->num_signals; i++) {
		struct signal_op *op = &s->signals[i];

		if (op->chain) {
			drm_syncobj_add_point(op->syncobj, op->chain, fence, op->point);
			/* It is part of the timeline now. */
			op->chain = NULL;
		} else {
			drm_syncobj_replace_fence(op->syncobj, fence);
		}
	}
}

static int submit_commit(struct submit *s)
{
	struct qaccel_vm *vm = s->queue->vm;
	struct ww_acquire_ctx ctx;
	struct dma_fence *fence;
	int ret;

	mutex_lock(&s->queue->submit_lock);
	if (qaccel_queue_is_dead(s->queue)) {
		ret = -ECANCELED;
		goto out_unlock;
	}

	/* On success the VM is locked, and each reservation has room for a fence. */
	ret = qaccel_vm_lock_resvs(vm, &ctx);
	if (ret)
		goto out_unlock;

	fence = push_jobs(s);
	qaccel_vm_add_fence(vm, fence);
	qaccel_vm_unlock_resvs(vm, &ctx);
	install_signals(s, fence);
	dma_fence_put(fence);

out_unlock:
	mutex_unlock(&s->queue->submit_lock);
	return ret;
}

/* Drops what has not become the scheduler's. */
static void submit_drop(struct submit *s)
{
	struct device *dev = s->qdev->drm.dev;
	u32 i;

	for (i = 0; i < s->num_made; i++) {
		drm_sched_job_cleanup(&s->jobs[i]->base);
		job_destroy(s->jobs[i]);
		if (atomic_dec_and_test(&s->qdev->num_jobs))
			wake_up_all(&s->qdev->jobs_gone);
	}
	for (i = 0; i < s->num_powered; i++)
		pm_runtime_put_autosuspend(dev);
	for (i = 0; i < s->num_signals; i++) {
		dma_fence_chain_free(s->signals[i].chain);
		drm_syncobj_put(s->signals[i].syncobj);
	}

	kvfree(s->signals);
	kvfree(s->jobs);
	if (s->queue)
		qaccel_queue_put(s->queue);
}

static int do_submit(struct submit *s, u32 queue_id)
{
	int ret;

	s->queue = qaccel_queue_lookup(s->file->driver_priv, queue_id);
	if (!s->queue)
		return -ENOENT;

	ret = submit_make_jobs(s);
	if (ret)
		return ret;
	ret = submit_add_syncs(s);
	if (ret)
		return ret;
	ret = submit_power_up(s);
	if (ret)
		return ret;

	return submit_commit(s);
}

int qaccel_ioctl_submit(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct submit s = { .qdev = to_qaccel_device(drm), .file = file };
	struct drm_qaccel_submit *args = data;
	int ret, idx;

	/* Page faults may take as long as user space likes: remove does not wait for these. */
	ret = submit_copy_in(&s, args);
	if (ret)
		goto out_free;

	/* Remove waits for us, and then for the jobs. */
	if (drm_dev_enter(drm, &idx)) {
		ret = do_submit(&s, args->queue_id);
		submit_drop(&s);
		drm_dev_exit(idx);
	} else {
		ret = -ENODEV;
	}

out_free:
	kvfree(s.syncs);
	kvfree(s.descs);
	return ret;
}
