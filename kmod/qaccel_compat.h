/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between kernels, in one place. The HAVE_* macros come from
 * conftest.sh, which asks the compiler: distributions and the longterm trees
 * backport interfaces, so version numbers say nothing.
 */
#ifndef _QACCEL_COMPAT_H_
#define _QACCEL_COMPAT_H_

#include <drm/drm_device.h>
#include <drm/drm_drv.h>
#include <drm/gpu_scheduler.h>

#include "qaccel_autoconf.h"

/* It once took a token and takes a string now. */
#ifdef HAVE_MODULE_IMPORT_NS_TOKEN
#define QACCEL_IMPORT_NS_DMA_BUF MODULE_IMPORT_NS(DMA_BUF)
#else
#define QACCEL_IMPORT_NS_DMA_BUF MODULE_IMPORT_NS("DMA_BUF")
#endif

#ifndef HAVE_DRM_SCHED_INIT_ARGS
struct drm_sched_init_args {
	const struct drm_sched_backend_ops *ops;
	struct workqueue_struct *submit_wq;
	struct workqueue_struct *timeout_wq;
	u32 num_rqs;
	u32 credit_limit;
	unsigned int hang_limit;
	long timeout;
	atomic_t *score;
	const char *name;
	struct device *dev;
};

static inline int qaccel_sched_init(struct drm_gpu_scheduler *sched,
				    const struct drm_sched_init_args *args)
{
	return drm_sched_init(sched, args->ops, args->submit_wq, args->num_rqs,
			      args->credit_limit, args->hang_limit,
			      args->timeout, args->timeout_wq, args->score,
			      args->name, args->dev);
}
#else
#define qaccel_sched_init drm_sched_init
#endif

/*
 * What a timeout handler returns when the scheduler shall keep the job, which
 * it took off its list: either the job still runs, or its fence has signalled
 * meanwhile and only free_job() is left to do.
 */
#ifdef HAVE_DRM_GPU_SCHED_STAT_NO_HANG
static inline enum drm_gpu_sched_stat qaccel_sched_keep_job(struct drm_sched_job *job)
{
	return DRM_GPU_SCHED_STAT_NO_HANG;
}
#else
static inline enum drm_gpu_sched_stat qaccel_sched_keep_job(struct drm_sched_job *job)
{
	struct drm_gpu_scheduler *sched = job->sched;

	spin_lock(&sched->job_list_lock);
	list_add(&job->list, &sched->pending_list);
	/* It may have ended while it was off the list, where nobody saw it. */
	if (!READ_ONCE(sched->pause_submit))
		queue_work(sched->submit_wq, &sched->work_free_job);
	spin_unlock(&sched->job_list_lock);

	return DRM_GPU_SCHED_STAT_NOMINAL;
}
#endif

static inline void qaccel_wedged_event(struct drm_device *drm)
{
#if defined(HAVE_DRM_DEV_WEDGED_EVENT_INFO)
	drm_dev_wedged_event(drm, DRM_WEDGE_RECOVERY_REBIND, NULL);
#elif defined(HAVE_DRM_DEV_WEDGED_EVENT)
	drm_dev_wedged_event(drm, DRM_WEDGE_RECOVERY_REBIND);
#endif
}

#endif /* _QACCEL_COMPAT_H_ */
