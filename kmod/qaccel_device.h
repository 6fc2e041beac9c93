/* SPDX-License-Identifier: GPL-2.0 */
/* The device, its rings and its registers. */
#ifndef _QACCEL_DEVICE_H_
#define _QACCEL_DEVICE_H_

#include <linux/io.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <drm/drm_device.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include <drm/qaccel_accel.h>
#include <qaccel_hw.h>

#include "qaccel_compat.h"

#ifdef __BIG_ENDIAN
#error "rings, results and page tables are little endian, and so must be the CPU"
#endif

struct dma_pool;
struct qaccel_coredump;
struct qaccel_job;
struct vfsmount;

/* Per open file. */
#define QACCEL_MAX_VMS		64
#define QACCEL_MAX_USER_QUEUES	64

/* Per call. */
#define QACCEL_MAX_JOBS		256
#define QACCEL_MAX_SYNCS	256
#define QACCEL_MAX_BIND_OPS	1024

/* 64 entries of 64 bytes: one page, and one more for the results. */
#define QACCEL_RING_ORDER	6
#define QACCEL_RING_ENTRIES	BIT(QACCEL_RING_ORDER)

/**
 * struct qaccel_ring - a hardware queue, the engine of the same number, and its scheduler
 *
 * The scheduler gives one job at a time to the ring, so the one that is at
 * fault when the engine hangs is never in doubt.
 */
struct qaccel_ring {
	struct qaccel_device *qdev;
	/** @id: number of the hardware queue and of the engine. */
	unsigned int id;
	char name[24];
	struct drm_gpu_scheduler sched;
	u64 fence_context;

	/* What the device reads and writes: ring, results, fence, in one allocation. */
	struct qaccel_ring_entry *entries;
	struct qaccel_result *results;
	u64 *fence;
	dma_addr_t dma;

	/**
	 * @lock: Protects what follows. Taken in hard interrupt context, held
	 * while the doorbell rings. Outside of &qaccel_queue.lock.
	 */
	spinlock_t lock;
	/** @job: what the engine has, or NULL; who clears it signals the job's fence. */
	struct qaccel_job *job;
	/** @tail: entries ever put in the ring since it was enabled. */
	u32 tail;
	/** @seqno: of the last entry; never starts again, so no old fence value matches. */
	u64 seqno;
	/** @idle: woken when @job becomes NULL. */
	wait_queue_head_t idle;
};

struct qaccel_device {
	struct drm_device drm;
	struct pci_dev *pdev;
	void __iomem *regs;
	/** @info: read from the device by probe, constant afterwards. */
	struct drm_qaccel_dev_info info;

	struct qaccel_ring *rings;
	unsigned int num_rings;
	/** @scheds: of all rings; entities keep a pointer to this. */
	struct drm_gpu_scheduler **scheds;
	unsigned int num_vectors;

	/** @pt_pool: page-table pages; gone after remove. */
	struct dma_pool *pt_pool;

	/** @reset_wq: ordered, so that timeout handlers run one after the other. */
	struct workqueue_struct *reset_wq;
	/**
	 * @wq: for what must not delay the schedulers: releasing queues, and
	 * writing core dumps. Freezable: a release touches registers.
	 */
	struct workqueue_struct *wq;

	/**
	 * @reset_lock: Held while engines or the device are reset, and over
	 * suspend and FLR. Fences wait for its holder: no allocation that may
	 * wait for reclaim, and no &dma_resv, may happen under it.
	 */
	struct mutex reset_lock;
	/** @tlb_lock: Protects TLB_ROOT and TLB_CTRL. */
	struct mutex tlb_lock;
	/** @lists_lock: Protects @vms and @queues. Outside of &qaccel_vm.lock. */
	struct mutex lists_lock;
	struct list_head vms;
	struct list_head queues;
	/** @bos_lock: Protects @bos. Outside of the buffers' reservation locks. */
	struct mutex bos_lock;
	struct list_head bos;
	/** @huge_mnt: where large buffers have their pages, or NULL; constant. */
	struct vfsmount *huge_mnt;

	/** @wedged: set once, when the device cannot be reset any more. */
	bool wedged;
	/** @suspended: set under @reset_lock while the registers are out of reach. */
	bool suspended;

	/** @num_jobs: jobs that exist; remove waits on @jobs_gone until none does. */
	atomic_t num_jobs;
	wait_queue_head_t jobs_gone;

	atomic64_t submits;
	atomic64_t resets;

	/** @coredump: snapshot on its way to devcoredump, or NULL. */
	struct qaccel_coredump *coredump;
	struct work_struct coredump_work;
};

/**
 * struct qaccel_file - an open file
 *
 * Its queues hold references, as their jobs may end after it was closed.
 */
struct qaccel_file {
	struct kref ref;
	/** @vms: by id. */
	struct xarray vms;
	/** @queues: by id. */
	struct xarray queues;
	/** @busy_ns: time that engines spent on jobs of this file. */
	atomic64_t busy_ns;
	/** @cycles: the same by the timing model. */
	atomic64_t cycles;
};

void qaccel_file_put(struct qaccel_file *file);

static inline struct qaccel_device *to_qaccel_device(struct drm_device *drm)
{
	return container_of(drm, struct qaccel_device, drm);
}

static inline u32 qaccel_read(struct qaccel_device *qdev, u32 reg)
{
	return readl(qdev->regs + reg);
}

/* Orders all earlier writes to coherent memory before the register's. */
static inline void qaccel_write(struct qaccel_device *qdev, u32 reg, u32 value)
{
	writel(value, qdev->regs + reg);
}

/* A device that is gone answers every read with ones. */
static inline bool qaccel_is_gone(struct qaccel_device *qdev)
{
	return qaccel_read(qdev, QACCEL_REG_ID) == ~0u;
}

u64 qaccel_read64(struct qaccel_device *qdev, u32 reg);
void qaccel_write_addr(struct qaccel_device *qdev, u32 reg_lo, dma_addr_t addr);

int qaccel_device_init(struct qaccel_device *qdev);
int qaccel_hw_reset(struct qaccel_device *qdev);
int qaccel_engine_reset(struct qaccel_ring *ring);
void qaccel_hw_start(struct qaccel_device *qdev);
void qaccel_hw_stop(struct qaccel_device *qdev);
void qaccel_ring_enable(struct qaccel_ring *ring);
void qaccel_tlb_flush_all(struct qaccel_device *qdev);
void qaccel_tlb_flush(struct qaccel_device *qdev, dma_addr_t root);
int qaccel_read_counters(struct qaccel_device *qdev, struct drm_qaccel_dev_counters *c);

/* qaccel_irq.c */
int qaccel_irq_init(struct qaccel_device *qdev);
void qaccel_irq_fini(struct qaccel_device *qdev);
void qaccel_irq_enable(struct qaccel_device *qdev);
void qaccel_irq_disable(struct qaccel_device *qdev);

/* qaccel_reset.c */
enum drm_gpu_sched_stat qaccel_job_timedout(struct drm_sched_job *sched_job);
void qaccel_device_recover(struct qaccel_device *qdev, const char *why);
int qaccel_quiesce(struct qaccel_device *qdev);
void qaccel_unquiesce(struct qaccel_device *qdev);
void qaccel_reset_prepare(struct pci_dev *pdev);
void qaccel_reset_done(struct pci_dev *pdev);
void qaccel_abort_jobs(struct qaccel_device *qdev, int err);

/* qaccel_coredump.c */
void qaccel_coredump_init(struct qaccel_device *qdev);
void qaccel_coredump_capture(struct qaccel_ring *ring, struct qaccel_job *job);

/* qaccel_debugfs.c */
#ifdef CONFIG_DEBUG_FS
void qaccel_debugfs_init(struct qaccel_device *qdev);
#else
static inline void qaccel_debugfs_init(struct qaccel_device *qdev) { }
#endif

/* Module parameters */
extern unsigned int qaccel_job_timeout_ms;
extern unsigned int qaccel_irq_vectors;
extern ushort qaccel_irq_coalesce;
extern ushort qaccel_irq_coalesce_us;

#endif /* _QACCEL_DEVICE_H_ */
