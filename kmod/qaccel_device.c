// SPDX-License-Identifier: GPL-2.0
/* Registers: identification, reset, rings, translation cache, counters. */
#include <linux/dma-mapping.h>
#include <linux/dmapool.h>
#include <linux/iopoll.h>
#include <linux/pm_runtime.h>

#include <drm/drm_managed.h>

#include "qaccel_device.h"
#include "qaccel_gem.h"
#include "qaccel_job.h"

/* An engine that is reset stops within one piece of a command. */
#define RESET_TIMEOUT_US	(2 * USEC_PER_SEC)
#define RESET_POLL_US		100
#define TLB_POLL_US		20

/* The first 2 MiB stay unmapped, so that stray small addresses fault. */
#define VA_START		QACCEL_BLOCK_SIZE

u64 qaccel_read64(struct qaccel_device *qdev, u32 reg)
{
#ifdef CONFIG_64BIT
	return readq(qdev->regs + reg);
#else
	u32 hi, lo;

	do {
		hi = qaccel_read(qdev, reg + 4);
		lo = qaccel_read(qdev, reg);
	} while (hi != qaccel_read(qdev, reg + 4));

	return (u64)hi << 32 | lo;
#endif
}

void qaccel_write_addr(struct qaccel_device *qdev, u32 reg_lo, dma_addr_t addr)
{
	qaccel_write(qdev, reg_lo, lower_32_bits(addr));
	qaccel_write(qdev, reg_lo + 4, upper_32_bits(addr));
}

/* Waits until the bits are clear; -ENODEV if the device went away meanwhile. */
static int wait_clear(struct qaccel_device *qdev, u32 reg, u32 bits, u64 poll_us,
		      u64 timeout_us)
{
	u32 v;
	int ret = read_poll_timeout(qaccel_read, v, !(v & bits) || v == ~0u,
				    poll_us, timeout_us, false, qdev, reg);

	if (v == ~0u)
		return -ENODEV;

	return ret;
}

/* Stops everything. On success nothing of the device accesses memory. */
int qaccel_hw_reset(struct qaccel_device *qdev)
{
	qaccel_write(qdev, QACCEL_REG_CTRL, QACCEL_CTRL_RESET);

	return wait_clear(qdev, QACCEL_REG_STATUS, QACCEL_STATUS_RESET_BUSY,
			  RESET_POLL_US, RESET_TIMEOUT_US);
}

/* Drops the job of the ring's engine. On success it accesses memory no more. */
int qaccel_engine_reset(struct qaccel_ring *ring)
{
	u32 regs = QACCEL_REGS_ENGINE(ring->id);

	qaccel_write(ring->qdev, regs + QACCEL_REG_ENGINE_CTRL, QACCEL_ENGINE_RESET);

	return wait_clear(ring->qdev, regs + QACCEL_REG_ENGINE_STATUS,
			  QACCEL_ENGINE_RESET_BUSY, RESET_POLL_US, RESET_TIMEOUT_US);
}

/* (Re-)programs the hardware queue, which starts empty. */
void qaccel_ring_enable(struct qaccel_ring *ring)
{
	struct qaccel_device *qdev = ring->qdev;
	u32 regs = QACCEL_REGS_QUEUE(ring->id);
	/* With one vector there is none behind it: all rings share vector 0. */
	u32 vector = qdev->num_vectors > 1 ? ring->id + 1 : 0;
	unsigned long flags;

	qaccel_write(qdev, regs + QACCEL_REG_QUEUE_CTRL, 0);
	qaccel_write_addr(qdev, regs + QACCEL_REG_QUEUE_RING_LO, ring->dma);
	qaccel_write(qdev, regs + QACCEL_REG_QUEUE_RING_ORDER, QACCEL_RING_ORDER);
	qaccel_write_addr(qdev, regs + QACCEL_REG_QUEUE_RESULT_LO,
			  ring->dma + QACCEL_PAGE_SIZE);
	qaccel_write_addr(qdev, regs + QACCEL_REG_QUEUE_FENCE_LO,
			  ring->dma + 2 * QACCEL_PAGE_SIZE);
	qaccel_write(qdev, regs + QACCEL_REG_QUEUE_VECTOR, vector);
	qaccel_write(qdev, regs + QACCEL_REG_QUEUE_COALESCE,
		     QACCEL_QUEUE_COALESCE(qaccel_irq_coalesce, qaccel_irq_coalesce_us));

	spin_lock_irqsave(&ring->lock, flags);
	ring->tail = 0;
	spin_unlock_irqrestore(&ring->lock, flags);

	qaccel_write(qdev, regs + QACCEL_REG_QUEUE_CTRL,
		     QACCEL_QUEUE_ENABLE | QACCEL_QUEUE_ENGINE(ring->id));
}

/* Brings a device that is reset, or was never used, into service. */
void qaccel_hw_start(struct qaccel_device *qdev)
{
	unsigned int i;

	pci_set_master(qdev->pdev);
	for (i = 0; i < qdev->num_rings; i++)
		qaccel_ring_enable(&qdev->rings[i]);
	qaccel_irq_enable(qdev);
	qaccel_write(qdev, QACCEL_REG_CTRL, QACCEL_CTRL_ENABLE);
}

/* The counterpart; no job may be running. */
void qaccel_hw_stop(struct qaccel_device *qdev)
{
	unsigned int i;

	qaccel_irq_disable(qdev);
	for (i = 0; i < qdev->num_rings; i++)
		qaccel_write(qdev, QACCEL_REGS_QUEUE(i) + QACCEL_REG_QUEUE_CTRL, 0);
	qaccel_write(qdev, QACCEL_REG_CTRL, 0);
}

/* For a device without jobs. */
void qaccel_tlb_flush_all(struct qaccel_device *qdev)
{
	mutex_lock(&qdev->tlb_lock);
	qaccel_write(qdev, QACCEL_REG_TLB_CTRL, QACCEL_TLB_INVALIDATE_ALL);
	wait_clear(qdev, QACCEL_REG_TLB_CTRL, QACCEL_TLB_BUSY, TLB_POLL_US,
		   RESET_TIMEOUT_US);
	mutex_unlock(&qdev->tlb_lock);
}

/* False if the invalidation did not come to an end. */
static bool tlb_invalidate(struct qaccel_device *qdev, dma_addr_t root)
{
	/*
	 * It waits for the commands that are running; one that hangs is killed
	 * at the latest when it was found at the same place twice.
	 */
	u64 timeout_us = 3ull * qaccel_job_timeout_ms * USEC_PER_MSEC + 2 * RESET_TIMEOUT_US;
	int ret;

	mutex_lock(&qdev->tlb_lock);
	qaccel_write_addr(qdev, QACCEL_REG_TLB_ROOT_LO, root);
	qaccel_write(qdev, QACCEL_REG_TLB_CTRL, QACCEL_TLB_INVALIDATE_ROOT);
	ret = wait_clear(qdev, QACCEL_REG_TLB_CTRL, QACCEL_TLB_BUSY, TLB_POLL_US,
			 timeout_us);
	mutex_unlock(&qdev->tlb_lock);

	/* One that is gone accesses nothing. */
	return !ret || ret == -ENODEV;
}

/**
 * qaccel_tlb_flush() - make the device forget translations
 * @qdev: device
 * @root: of the page tables they came from
 *
 * On return nothing that the caller unmapped is in use, come what may: as a
 * last resort the device is reset, or cut off from memory.
 */
void qaccel_tlb_flush(struct qaccel_device *qdev, dma_addr_t root)
{
	int active, idx;

	if (!drm_dev_enter(&qdev->drm, &idx))
		return;

	/*
	 * A suspended device has no job, and forgets everything when it is
	 * resumed. An error means that there is no runtime PM, so it is not.
	 */
	active = pm_runtime_get_if_active(qdev->drm.dev);
	if (active && !READ_ONCE(qdev->wedged) && !tlb_invalidate(qdev, root))
		qaccel_device_recover(qdev, "translation cache does not respond");
	if (active > 0)
		pm_runtime_put_autosuspend(qdev->drm.dev);

	drm_dev_exit(idx);
}

/* Under drm_dev_enter(). */
static void read_counters(struct qaccel_device *qdev, struct drm_qaccel_dev_counters *c)
{
	c->doorbells = qaccel_read64(qdev, QACCEL_REG_CNT_DOORBELLS);
	c->jobs = qaccel_read64(qdev, QACCEL_REG_CNT_JOBS);
	c->commands = qaccel_read64(qdev, QACCEL_REG_CNT_COMMANDS);
	c->faults = qaccel_read64(qdev, QACCEL_REG_CNT_FAULTS);
	c->irqs = qaccel_read64(qdev, QACCEL_REG_CNT_IRQS);
	c->cycles = qaccel_read64(qdev, QACCEL_REG_CNT_CYCLES);
	c->macs = qaccel_read64(qdev, QACCEL_REG_CNT_MACS);
	c->bytes_read = qaccel_read64(qdev, QACCEL_REG_CNT_BYTES_READ);
	c->bytes_written = qaccel_read64(qdev, QACCEL_REG_CNT_BYTES_WRITTEN);
	c->tlb_hits = qaccel_read64(qdev, QACCEL_REG_CNT_TLB_HITS);
	c->tlb_misses = qaccel_read64(qdev, QACCEL_REG_CNT_TLB_MISSES);
}

int qaccel_read_counters(struct qaccel_device *qdev, struct drm_qaccel_dev_counters *c)
{
	int ret, idx;

	if (!drm_dev_enter(&qdev->drm, &idx))
		return -ENODEV;

	ret = pm_runtime_resume_and_get(qdev->drm.dev);
	if (ret)
		goto out_exit;

	/* Not while the bus resets the device. */
	mutex_lock(&qdev->reset_lock);
	read_counters(qdev, c);
	if (qaccel_is_gone(qdev))
		ret = -ENODEV;
	mutex_unlock(&qdev->reset_lock);

	c->submits = atomic64_read(&qdev->submits);
	c->resets = atomic64_read(&qdev->resets);
	pm_runtime_put_autosuspend(qdev->drm.dev);

out_exit:
	drm_dev_exit(idx);
	return ret;
}

static int check_identity(struct qaccel_device *qdev)
{
	struct drm_device *drm = &qdev->drm;
	u32 id = qaccel_read(qdev, QACCEL_REG_ID);
	u32 version = qaccel_read(qdev, QACCEL_REG_VERSION);

	if (id != QACCEL_ID_MAGIC) {
		drm_err(drm, "not a qaccel: identification 0x%08x\n", id);
		return -ENODEV;
	}
	if (version >> 16 != QACCEL_HW_VERSION_MAJOR) {
		drm_err(drm, "hardware version %u.%u is not supported\n",
			version >> 16, version & 0xffff);
		return -ENODEV;
	}

	return 0;
}

static void read_info(struct qaccel_device *qdev)
{
	u32 caps = qaccel_read(qdev, QACCEL_REG_CAPS);
	u32 mac = qaccel_read(qdev, QACCEL_REG_MAC_ARRAY);

	qdev->num_rings = min(QACCEL_CAPS_QUEUES(caps), QACCEL_CAPS_ENGINES(caps));
	qdev->num_rings = min(qdev->num_rings, QACCEL_MAX_ENGINES);

	qdev->info = (struct drm_qaccel_dev_info) {
		.hw_version = qaccel_read(qdev, QACCEL_REG_VERSION),
		.num_engines = qdev->num_rings,
		.opcodes = qaccel_read64(qdev, QACCEL_REG_OPCODES),
		.layouts = qaccel_read(qdev, QACCEL_REG_LAYOUTS),
		.layout_preferred = qaccel_read(qdev, QACCEL_REG_LAYOUT_PREFERRED),
		.va_start = VA_START,
		.va_end = 1ull << QACCEL_CAPS_VA_BITS(caps),
		.local_mem = (u64)qaccel_read(qdev, QACCEL_REG_LOCAL_MEM) << 10,
		.max_stream = qaccel_read(qdev, QACCEL_REG_MAX_STREAM),
		.page_size = QACCEL_PAGE_SIZE,
		.mac_rows = mac & 0xffff,
		.mac_columns = mac >> 16,
		.clock_khz = qaccel_read(qdev, QACCEL_REG_CLOCK_KHZ),
		.dma_bytes_per_cycle = qaccel_read(qdev, QACCEL_REG_DMA_BYTES),
		.job_timeout_ms = qaccel_job_timeout_ms,
		.max_jobs = QACCEL_MAX_JOBS,
		.max_syncs = QACCEL_MAX_SYNCS,
		.max_bind_ops = QACCEL_MAX_BIND_OPS,
	};
}

/* What the page-table code and the rings are written for. */
static int check_caps(struct qaccel_device *qdev)
{
	u32 caps = qaccel_read(qdev, QACCEL_REG_CAPS);

	if (!qdev->num_rings || QACCEL_CAPS_VA_BITS(caps) != QACCEL_VA_BITS) {
		drm_err(&qdev->drm, "unusable capabilities 0x%08x\n", caps);
		return -ENODEV;
	}

	return 0;
}

static int init_dma(struct qaccel_device *qdev)
{
	struct device *dev = qdev->drm.dev;
	/* An entry of the page tables holds 52 bits. */
	int ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(52));

	if (ret)
		ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(32));
	if (ret)
		return ret;

	dma_set_max_seg_size(dev, UINT_MAX);

	qdev->pt_pool = dmam_pool_create("qaccel-pt", dev, QACCEL_PAGE_SIZE,
					 QACCEL_PAGE_SIZE, 0);
	return qdev->pt_pool ? 0 : -ENOMEM;
}

static int init_ring(struct qaccel_device *qdev, unsigned int id)
{
	struct qaccel_ring *ring = &qdev->rings[id];

	ring->qdev = qdev;
	ring->id = id;
	ring->fence_context = dma_fence_context_alloc(1);
	spin_lock_init(&ring->lock);
	init_waitqueue_head(&ring->idle);
	snprintf(ring->name, sizeof(ring->name), "qaccel-%u", id);

	ring->entries = dmam_alloc_coherent(qdev->drm.dev, 3 * QACCEL_PAGE_SIZE,
					    &ring->dma, GFP_KERNEL);
	if (!ring->entries)
		return -ENOMEM;
	ring->results = (void *)ring->entries + QACCEL_PAGE_SIZE;
	ring->fence = (void *)ring->entries + 2 * QACCEL_PAGE_SIZE;

	qdev->scheds[id] = &ring->sched;
	return qaccel_job_init_sched(ring);
}

static int init_rings(struct qaccel_device *qdev)
{
	struct drm_device *drm = &qdev->drm;
	unsigned int i;
	int ret;

	qdev->rings = drmm_kcalloc(drm, qdev->num_rings, sizeof(*qdev->rings), GFP_KERNEL);
	qdev->scheds = drmm_kcalloc(drm, qdev->num_rings, sizeof(*qdev->scheds), GFP_KERNEL);
	if (!qdev->rings || !qdev->scheds)
		return -ENOMEM;

	for (i = 0; i < qdev->num_rings; i++) {
		ret = init_ring(qdev, i);
		if (ret)
			return ret;
	}

	return 0;
}

static void destroy_wq(struct drm_device *drm, void *wq)
{
	destroy_workqueue(wq);
}

static int init_workqueues(struct qaccel_device *qdev)
{
	int ret;

	/* Fences wait for it, and reclaim may wait for fences. */
	qdev->reset_wq = alloc_ordered_workqueue("qaccel-reset", WQ_MEM_RECLAIM);
	if (!qdev->reset_wq)
		return -ENOMEM;
	ret = drmm_add_action_or_reset(&qdev->drm, destroy_wq, qdev->reset_wq);
	if (ret)
		return ret;

	qdev->wq = alloc_workqueue("qaccel", WQ_UNBOUND | WQ_FREEZABLE, 0);
	if (!qdev->wq)
		return -ENOMEM;
	return drmm_add_action_or_reset(&qdev->drm, destroy_wq, qdev->wq);
}

static int init_locks(struct qaccel_device *qdev)
{
	struct drm_device *drm = &qdev->drm;
	int ret;

	INIT_LIST_HEAD(&qdev->vms);
	INIT_LIST_HEAD(&qdev->queues);
	INIT_LIST_HEAD(&qdev->bos);
	init_waitqueue_head(&qdev->jobs_gone);

	ret = drmm_mutex_init(drm, &qdev->reset_lock);
	if (!ret)
		ret = drmm_mutex_init(drm, &qdev->tlb_lock);
	if (!ret)
		ret = drmm_mutex_init(drm, &qdev->lists_lock);
	if (!ret)
		ret = drmm_mutex_init(drm, &qdev->bos_lock);

	return ret;
}

/* Everything of probe that needs registers mapped, up to a device at rest. */
int qaccel_device_init(struct qaccel_device *qdev)
{
	int ret;

	ret = check_identity(qdev);
	if (ret)
		return ret;

	/* Something else may have used it: a firmware, or the kernel before kexec. */
	ret = qaccel_hw_reset(qdev);
	if (ret) {
		drm_err(&qdev->drm, "device does not come out of reset\n");
		return ret;
	}

	read_info(qdev);
	ret = check_caps(qdev);
	if (ret)
		return ret;

	ret = init_locks(qdev);
	if (ret)
		return ret;
	ret = init_dma(qdev);
	if (ret)
		return ret;
	ret = init_workqueues(qdev);
	if (ret)
		return ret;
	qaccel_coredump_init(qdev);
	qaccel_gem_init(qdev);

	return init_rings(qdev);
}
