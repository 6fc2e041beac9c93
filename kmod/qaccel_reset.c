// SPDX-License-Identifier: GPL-2.0
/*
 * Timeouts and resets.
 *
 * An engine that makes no progress is reset, which costs only the job it is
 * in. If that does not help the whole device is, and if that fails too it is
 * given up: wedged.
 *
 * The scheduler is stopped (its work, not its list of jobs) while its engine is
 * reset. The job that is lost ends through its hardware fence, as any other
 * does, so there is nothing to resubmit and nothing to put back.
 */
#include <linux/pm_runtime.h>

#include "qaccel_device.h"
#include "qaccel_job.h"
#include "qaccel_queue.h"
#include "qaccel_trace.h"

#define DEVICE_RESET_TRIES	3

static void stop_scheds(struct qaccel_device *qdev)
{
	unsigned int i;

	for (i = 0; i < qdev->num_rings; i++)
		drm_sched_wqueue_stop(&qdev->rings[i].sched);
}

static void start_scheds(struct qaccel_device *qdev)
{
	unsigned int i;

	for (i = 0; i < qdev->num_rings; i++)
		drm_sched_wqueue_start(&qdev->rings[i].sched);
}

static void count_reset(struct qaccel_device *qdev)
{
	atomic64_inc(&qdev->resets);
}

/* Ends the jobs of all rings, which must be at rest, or unable to do harm. */
void qaccel_abort_jobs(struct qaccel_device *qdev, int err)
{
	unsigned int i;

	for (i = 0; i < qdev->num_rings; i++)
		qaccel_ring_abort(&qdev->rings[i], 0, QACCEL_ERR_ABORTED, err);
}

/*
 * Gives up: without bus mastering the device cannot reach memory any more, so
 * everything that waits for it may go on.
 */
static void wedge(struct qaccel_device *qdev, struct qaccel_ring *guilty)
{
	WRITE_ONCE(qdev->wedged, true);
	pci_clear_master(qdev->pdev);
	if (guilty)
		qaccel_ring_abort(guilty, DRM_QACCEL_QUEUE_STATE_TIMEDOUT,
				  QACCEL_ERR_ABORTED, -ETIME);
	qaccel_abort_jobs(qdev, -ENODEV);

	if (qaccel_is_gone(qdev)) {
		drm_err(&qdev->drm, "device is gone\n");
	} else {
		drm_err(&qdev->drm, "device does not come out of reset, giving up\n");
		qaccel_wedged_event(&qdev->drm);
	}
}

/*
 * What the interrupt handler does, in case the interrupt was lost. The bit must
 * be cleared too, or there will not be another one.
 */
static bool poll_ring(struct qaccel_ring *ring)
{
	qaccel_write(ring->qdev, QACCEL_REG_IRQ_DONE, BIT(ring->id));

	return qaccel_ring_complete(ring);
}

/* Lets the jobs that run come to their end, but not that of the ring to skip. */
static bool wait_idle(struct qaccel_device *qdev, const struct qaccel_ring *skip)
{
	long left = msecs_to_jiffies(qaccel_job_timeout_ms);
	bool idle = true;
	unsigned int i;

	for (i = 0; i < qdev->num_rings; i++) {
		struct qaccel_ring *ring = &qdev->rings[i];

		if (ring == skip)
			continue;
		left = max(wait_event_timeout(ring->idle, !READ_ONCE(ring->job), left), 1L);
		poll_ring(ring);
		if (READ_ONCE(ring->job))
			idle = false;
	}

	return idle;
}

/*
 * Restarting a job that an engine has begun is no option: it may have
 * overwritten its own input. One whose entry was not even taken can be put
 * into the ring again by the caller, after the reset.
 */
static bool entry_is_taken(struct qaccel_ring *ring)
{
	u32 head = qaccel_read(ring->qdev, QACCEL_REGS_QUEUE(ring->id) + QACCEL_REG_QUEUE_HEAD);

	return head == READ_ONCE(ring->tail);
}

static int reset_hw(struct qaccel_device *qdev)
{
	int ret = -ENODEV, i;

	for (i = 0; i < DEVICE_RESET_TRIES; i++) {
		count_reset(qdev);
		ret = qaccel_hw_reset(qdev);
		if (!ret || ret == -ENODEV)
			break;
	}

	return ret;
}

/* With nothing running any more: ends the jobs that will not be run again. */
static void end_lost_jobs(struct qaccel_device *qdev, const struct qaccel_ring *guilty,
			  const unsigned long *again)
{
	unsigned int i;

	for (i = 0; i < qdev->num_rings; i++) {
		struct qaccel_ring *ring = &qdev->rings[i];

		/* It may have ended just before. */
		if (test_bit(i, again) || qaccel_ring_complete(ring))
			continue;
		if (ring == guilty)
			qaccel_ring_abort(ring, DRM_QACCEL_QUEUE_STATE_TIMEDOUT,
					  QACCEL_ERR_ABORTED, -ETIME);
		else
			qaccel_ring_abort(ring, DRM_QACCEL_QUEUE_STATE_INNOCENT,
					  QACCEL_ERR_ABORTED, -ECANCELED);
	}
}

/* Resets the device, for the sake of the guilty ring if there is one. */
static void device_reset(struct qaccel_device *qdev, struct qaccel_ring *guilty,
			 const char *why)
{
	DECLARE_BITMAP(again, QACCEL_MAX_ENGINES) = { };
	unsigned int i;

	trace_qaccel_reset(qdev, -1, why);
	drm_warn(&qdev->drm, "resetting the device: %s\n", why);
	stop_scheds(qdev);

	/* Jobs of healthy engines are not to suffer. */
	wait_idle(qdev, guilty);
	for (i = 0; i < qdev->num_rings; i++) {
		struct qaccel_ring *ring = &qdev->rings[i];

		if (ring != guilty && READ_ONCE(ring->job) && !entry_is_taken(ring))
			__set_bit(i, again);
	}

	qaccel_irq_disable(qdev);
	if (reset_hw(qdev)) {
		wedge(qdev, guilty);
	} else {
		end_lost_jobs(qdev, guilty, again);
		qaccel_hw_start(qdev);
		for_each_set_bit(i, again, qdev->num_rings)
			qaccel_ring_restart(&qdev->rings[i]);
	}

	start_scheds(qdev);
}

/* For those who find the device stuck outside of a job's timeout. */
void qaccel_device_recover(struct qaccel_device *qdev, const char *why)
{
	mutex_lock(&qdev->reset_lock);
	if (!qdev->wedged && !qdev->suspended)
		device_reset(qdev, NULL, why);
	mutex_unlock(&qdev->reset_lock);
}

/* ------------------------------------------------------------- timeouts -- */

static u32 halt_reason(struct qaccel_ring *ring)
{
	u32 status = qaccel_read(ring->qdev,
				 QACCEL_REGS_QUEUE(ring->id) + QACCEL_REG_QUEUE_STATUS);

	if (!(status & QACCEL_QUEUE_HALTED))
		return QACCEL_OK;

	/* Some reason there must be. */
	return QACCEL_QUEUE_ERROR(status) ?: QACCEL_ERR_QUEUE;
}

/* Whether the engine is in this job, and further than at the last timeout. */
static bool makes_progress(struct qaccel_ring *ring, struct qaccel_job *job)
{
	u32 regs = QACCEL_REGS_ENGINE(ring->id);
	u32 status = qaccel_read(ring->qdev, regs + QACCEL_REG_ENGINE_STATUS);
	u32 cmd = qaccel_read(ring->qdev, regs + QACCEL_REG_ENGINE_CMD);

	if (!(status & QACCEL_ENGINE_BUSY) || QACCEL_ENGINE_QUEUE(status) != ring->id)
		return false;
	if (qaccel_read64(ring->qdev, regs + QACCEL_REG_ENGINE_SEQNO_LO) != job->seqno)
		return false;
	if (cmd == job->last_cmd)
		return false;

	job->last_cmd = cmd;
	return true;
}

/* Gets the engine going again, at the expense of its job. */
static void engine_recover(struct qaccel_ring *ring, struct qaccel_job *job)
{
	struct qaccel_device *qdev = ring->qdev;
	u32 halted = halt_reason(ring);

	trace_qaccel_reset(qdev, ring->id, halted ? "queue halted" : "job timeout");
	drm_dbg(&qdev->drm, "engine %u: job %llu %s, resetting\n", ring->id, job->number,
		halted ? "halted the queue" : "makes no progress");
	qaccel_coredump_capture(ring, job);

	count_reset(qdev);
	if (qaccel_engine_reset(ring)) {
		device_reset(qdev, ring, "engine does not come out of reset");
		return;
	}

	/* The reset may have come just after the end. */
	if (!poll_ring(ring)) {
		if (halted)
			qaccel_ring_abort(ring, 0, halted, -EIO);
		else
			qaccel_ring_abort(ring, DRM_QACCEL_QUEUE_STATE_TIMEDOUT,
					  QACCEL_ERR_ABORTED, -ETIME);
	}
	if (halted)
		qaccel_ring_enable(ring);
}

static void timeout_locked(struct qaccel_ring *ring, struct qaccel_job *job)
{
	struct qaccel_device *qdev = ring->qdev;

	if (qdev->suspended || qdev->wedged)
		return;

	poll_ring(ring);
	if (READ_ONCE(ring->job) != job)
		return;

	if (qaccel_is_gone(qdev)) {
		wedge(qdev, NULL);
		return;
	}
	if (!halt_reason(ring) && makes_progress(ring, job))
		return;

	drm_sched_wqueue_stop(&ring->sched);
	engine_recover(ring, job);
	drm_sched_wqueue_start(&ring->sched);
}

/*
 * Runs on reset_wq, one at a time. Whatever it does to the job is done through
 * the job's hardware fence; the scheduler keeps the job until that signals.
 */
enum drm_gpu_sched_stat qaccel_job_timedout(struct drm_sched_job *sched_job)
{
	struct qaccel_ring *ring = to_qaccel_ring(sched_job->sched);
	struct qaccel_device *qdev = ring->qdev;
	int idx;

	/* When the device was unplugged, remove ends its jobs. */
	if (drm_dev_enter(&qdev->drm, &idx)) {
		mutex_lock(&qdev->reset_lock);
		timeout_locked(ring, to_qaccel_job(sched_job));
		mutex_unlock(&qdev->reset_lock);
		drm_dev_exit(idx);
	}

	return qaccel_sched_keep_job(sched_job);
}

/* ------------------------------------------------- suspend and bus reset -- */

/**
 * qaccel_quiesce() - bring the device to rest, for suspend
 * @qdev: device
 *
 * On success registers are not touched until qaccel_unquiesce().
 */
int qaccel_quiesce(struct qaccel_device *qdev)
{
	int ret = 0;

	mutex_lock(&qdev->reset_lock);
	stop_scheds(qdev);
	if (!qdev->wedged) {
		if (wait_idle(qdev, NULL)) {
			qaccel_hw_stop(qdev);
			qdev->suspended = true;
		} else {
			/* If the job hangs, its timeout sorts that out first. */
			start_scheds(qdev);
			ret = -EBUSY;
		}
	}
	mutex_unlock(&qdev->reset_lock);

	return ret;
}

void qaccel_unquiesce(struct qaccel_device *qdev)
{
	mutex_lock(&qdev->reset_lock);
	if (!qdev->wedged) {
		qdev->suspended = false;
		/* It may have lost its state, or kept it. */
		if (reset_hw(qdev))
			wedge(qdev, NULL);
		else
			qaccel_hw_start(qdev);
	}
	start_scheds(qdev);
	mutex_unlock(&qdev->reset_lock);
}

/*
 * A reset that comes from the PCI core, such as "echo 1 > reset" in sysfs. The
 * lock is held until it is done.
 */
void qaccel_reset_prepare(struct pci_dev *pdev)
{
	struct qaccel_device *qdev = to_qaccel_device(pci_get_drvdata(pdev));

	pm_runtime_get_sync(&pdev->dev);
	mutex_lock(&qdev->reset_lock);
	trace_qaccel_reset(qdev, -1, "bus reset");
	stop_scheds(qdev);
	if (qdev->wedged)
		return;

	wait_idle(qdev, NULL);
	qaccel_irq_disable(qdev);
	count_reset(qdev);
	/* What it does about memory must end here; if it is stuck, done() sees. */
	qaccel_hw_reset(qdev);
	qdev->suspended = true;
}

void qaccel_reset_done(struct pci_dev *pdev)
{
	struct qaccel_device *qdev = to_qaccel_device(pci_get_drvdata(pdev));
	unsigned int i;

	if (!qdev->wedged) {
		qdev->suspended = false;
		for (i = 0; i < qdev->num_rings; i++)
			qaccel_ring_abort(&qdev->rings[i], DRM_QACCEL_QUEUE_STATE_INNOCENT,
					  QACCEL_ERR_ABORTED, -ECANCELED);
		if (qaccel_hw_reset(qdev))
			wedge(qdev, NULL);
		else
			qaccel_hw_start(qdev);
	}

	start_scheds(qdev);
	mutex_unlock(&qdev->reset_lock);
	pm_runtime_mark_last_busy(&pdev->dev);
	pm_runtime_put_autosuspend(&pdev->dev);
}
