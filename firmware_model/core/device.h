/* SPDX-License-Identifier: MIT */
/*
 * What the files of the device share
 *
 * One lock protects all state but what an engine's thread owns while its engine
 * is busy. It is never held in a kernel or in DMA, so that register accesses
 * return at once. Functions of this header are called with the lock held,
 * except where said.
 */
#ifndef QACCEL_DEVICE_PRIV_H
#define QACCEL_DEVICE_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "dma.h"
#include "qaccel_device.h"

struct qk_table;

#define QACCEL_BLOCK_REGS	64	/* 32-bit registers in 0x100 bytes */

struct qaccel_queue {
	uint32_t regs[QACCEL_BLOCK_REGS];	/* stored ones */
	uint32_t head, tail;
	uint32_t error;			/* enum qaccel_status */
	bool halted;
	uint32_t generation;		/* new with each enable and reset */
	uint32_t waiting;		/* completions that no interrupt told */
	uint64_t oldest_ns;		/* when the first of them came */
};

/* struct qaccel_job - a ring entry in an engine, and where its end is told */
struct qaccel_job {
	unsigned int queue;
	uint32_t generation;		/* of the queue */
	uint64_t entry_addr;
	uint64_t result_addr;
	uint64_t fence_addr;
	struct qaccel_ring_entry entry;
	struct qaccel_result result;
	bool corrupt;			/* fault knob */
	bool perf_failed;
	struct qaccel_fault perf_fault;
};

struct qaccel_engine {
	struct qaccel_device *dev;
	unsigned int index;
	bool started;			/* the thread runs */
	pthread_t thread;
	pthread_cond_t wake;

	/* Under the lock. */
	bool busy;			/* has a job, fetch to end */
	bool parked;			/* waits in the job, uses no memory */
	bool resetting;			/* winds down: engine reset */
	bool device_resetting;		/* winds down: device reset */
	bool stuck;			/* fault knob: reset never ends */
	bool flush;			/* the cache is stale */
	bool flush_busy;		/* and TLB_BUSY waits for its flush */
	unsigned int next_queue;	/* first in the next round */
	unsigned int queue;		/* of the job */
	uint64_t root;			/* of the job */
	uint64_t seqno;			/* of the job */
	uint32_t progress;
	uint32_t cmd;

	/* Written under the lock, read by the thread at each tile. */
	atomic_bool abort;

	/* The thread's own while busy; while idle or parked, the lock's. */
	struct qaccel_dma dma;
	struct qaccel_interp *interp;
	struct qaccel_job job;
};

struct qaccel_device {
	struct qaccel_device_config config;
	const struct qk_table *kernels;
	pthread_mutex_t lock;
	pthread_cond_t idle;		/* an engine became idle or parked */
	pthread_cond_t timer;		/* deadlines changed */
	pthread_t timer_thread;
	bool timer_started;
	bool stop;
	bool paused;
	uint32_t regs[QACCEL_BLOCK_REGS];	/* global ones */
	uint32_t irq_done_sent;		/* bits whose message went out */
	uint32_t irq_error_sent;
	struct qaccel_fault_knobs knobs;
	struct qaccel_queue queues[QACCEL_MAX_QUEUES];
	struct qaccel_engine engines[QACCEL_MAX_ENGINES];
};

static inline uint32_t *qaccel_reg(uint32_t *regs, unsigned int offset)
{
	return &regs[offset / 4];
}

static inline uint64_t qaccel_reg_pair(const uint32_t *regs,
				       unsigned int offset)
{
	return regs[offset / 4] | (uint64_t)regs[offset / 4 + 1] << 32;
}

/* device.c */
void qaccel_event(struct qaccel_device *dev, enum qaccel_event event,
		  uint64_t a, uint64_t b);
/* Adds to a QACCEL_REG_CNT_*. */
void qaccel_count(struct qaccel_device *dev, unsigned int counter, uint64_t n);
/* CLOCK_MONOTONIC, which the condition variables use too. */
uint64_t qaccel_now_ns(void);
void qaccel_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock,
		       uint64_t ns);
void qaccel_wake_engines(struct qaccel_device *dev);
/* A thread that takes no signals: those are the program's. Needs no lock. */
bool qaccel_thread_create(pthread_t *thread, void *(*main)(void *), void *arg);

/* queue.c */
void qaccel_queue_ctrl_written(struct qaccel_device *dev, unsigned int q,
			       uint32_t old);
uint32_t qaccel_queue_status(struct qaccel_device *dev, unsigned int q);
void qaccel_queue_doorbell(struct qaccel_device *dev, unsigned int q,
			   uint32_t value);
/* Takes the next entry that the engine may run; false: none. */
bool qaccel_queue_take(struct qaccel_engine *engine);
void qaccel_queue_halt(struct qaccel_device *dev, unsigned int q,
		       enum qaccel_status why);
/* No lock needed. */
bool qaccel_entry_check(const struct qaccel_ring_entry *entry,
			struct qaccel_fault *fault);

/* engine.c */
bool qaccel_engine_create(struct qaccel_device *dev, unsigned int index);
/* Not under the lock; the thread has to be told to stop before. */
void qaccel_engine_destroy(struct qaccel_engine *engine);
uint32_t qaccel_engine_status(struct qaccel_device *dev, unsigned int e);
void qaccel_engine_abort(struct qaccel_engine *engine);

/* reset.c */
void qaccel_engine_ctrl_written(struct qaccel_device *dev, unsigned int e,
				uint32_t value);
void qaccel_reset_start(struct qaccel_device *dev);
bool qaccel_reset_busy(struct qaccel_device *dev);
void qaccel_reset_registers(struct qaccel_device *dev);

/* tlb.c */
void qaccel_tlb_ctrl_written(struct qaccel_device *dev, uint32_t value);
bool qaccel_tlb_busy(struct qaccel_device *dev);
/* The engine is between commands and holds no translation. */
void qaccel_tlb_boundary(struct qaccel_engine *engine);

/* irq.c */
void qaccel_irq_update(struct qaccel_device *dev);
void qaccel_irq_complete(struct qaccel_device *dev, unsigned int q);
void qaccel_irq_error(struct qaccel_device *dev, unsigned int q);
/* Tells the completions of a queue that wait. */
void qaccel_irq_flush(struct qaccel_device *dev, unsigned int q);
void qaccel_irq_coalesce_written(struct qaccel_device *dev);
/* The thread that ends the waiting; takes the lock itself. */
void *qaccel_irq_timer(void *device);

#endif /* QACCEL_DEVICE_PRIV_H */
