// SPDX-License-Identifier: MIT
/* Rings: registers, doorbells, and taking entries. */
#include <string.h>

#include "device.h"

#define RING_ORDER_MIN	1
#define RING_ORDER_MAX	12
#define CTRL_ENGINE(ctrl)	(((ctrl) >> 8) & 0xff)

static uint32_t ctrl_of(struct qaccel_queue *queue)
{
	return *qaccel_reg(queue->regs, QACCEL_REG_QUEUE_CTRL);
}

static bool enabled(struct qaccel_queue *queue)
{
	return ctrl_of(queue) & QACCEL_QUEUE_ENABLE;
}

static uint32_t ring_entries(struct qaccel_queue *queue)
{
	return 1u << *qaccel_reg(queue->regs, QACCEL_REG_QUEUE_RING_ORDER);
}

static bool registers_valid(struct qaccel_device *dev,
			    struct qaccel_queue *queue)
{
	uint32_t order = *qaccel_reg(queue->regs, QACCEL_REG_QUEUE_RING_ORDER);
	uint64_t ring = qaccel_reg_pair(queue->regs, QACCEL_REG_QUEUE_RING_LO);
	uint64_t result = qaccel_reg_pair(queue->regs,
					  QACCEL_REG_QUEUE_RESULT_LO);
	uint64_t fence = qaccel_reg_pair(queue->regs,
					 QACCEL_REG_QUEUE_FENCE_LO);

	return order >= RING_ORDER_MIN && order <= RING_ORDER_MAX &&
	       ring % QACCEL_PAGE_SIZE == 0 &&
	       result % QACCEL_PAGE_SIZE == 0 && fence % 8 == 0 &&
	       CTRL_ENGINE(ctrl_of(queue)) < dev->config.engines;
}

void qaccel_queue_halt(struct qaccel_device *dev, unsigned int q,
		       enum qaccel_status why)
{
	struct qaccel_queue *queue = &dev->queues[q];

	if (queue->halted)
		return;
	queue->halted = true;
	queue->error = why;
	qaccel_event(dev, QACCEL_EVENT_QUEUE_HALT, q, why);
	qaccel_irq_error(dev, q);
}

static void enable(struct qaccel_device *dev, unsigned int q)
{
	struct qaccel_queue *queue = &dev->queues[q];

	queue->head = 0;
	queue->tail = 0;
	queue->error = QACCEL_OK;
	queue->halted = false;
	queue->generation++;
	if (!registers_valid(dev, queue))
		qaccel_queue_halt(dev, q, QACCEL_ERR_QUEUE);
}

/* The engine of an enabled queue stays: two must not share a ring. */
void qaccel_queue_ctrl_written(struct qaccel_device *dev, unsigned int q,
			       uint32_t old)
{
	struct qaccel_queue *queue = &dev->queues[q];
	bool was = old & QACCEL_QUEUE_ENABLE;

	if (was && enabled(queue))
		*qaccel_reg(queue->regs, QACCEL_REG_QUEUE_CTRL) = old;
	else if (was)
		qaccel_irq_flush(dev, q);
	else if (enabled(queue))
		enable(dev, q);
}

uint32_t qaccel_queue_status(struct qaccel_device *dev, unsigned int q)
{
	struct qaccel_queue *queue = &dev->queues[q];

	return (enabled(queue) ? QACCEL_QUEUE_ENABLED : 0) |
	       (queue->halted ? QACCEL_QUEUE_HALTED : 0) | queue->error << 8;
}

void qaccel_queue_doorbell(struct qaccel_device *dev, unsigned int q,
			   uint32_t value)
{
	struct qaccel_queue *queue = &dev->queues[q];
	uint32_t engine = CTRL_ENGINE(ctrl_of(queue));

	if (!enabled(queue) || queue->halted) {
		qaccel_event(dev, QACCEL_EVENT_BAD_DOORBELL, q, value);
		return;
	}
	if (value - queue->head > ring_entries(queue)) {
		qaccel_event(dev, QACCEL_EVENT_BAD_DOORBELL, q, value);
		qaccel_queue_halt(dev, q, QACCEL_ERR_DOORBELL);
		return;
	}
	queue->tail = value;
	qaccel_count(dev, QACCEL_REG_CNT_DOORBELLS, 1);
	pthread_cond_signal(&dev->engines[engine].wake);
}

static bool ready(struct qaccel_queue *queue, unsigned int engine)
{
	return enabled(queue) && !queue->halted && queue->head != queue->tail &&
	       CTRL_ENGINE(ctrl_of(queue)) == engine;
}

/* The registers may change while the job runs; it keeps what it began with. */
static void take(struct qaccel_engine *engine, unsigned int q)
{
	struct qaccel_queue *queue = &engine->dev->queues[q];
	struct qaccel_job *job = &engine->job;
	uint64_t slot = queue->head % ring_entries(queue);

	memset(job, 0, sizeof(*job));
	job->queue = q;
	job->generation = queue->generation;
	job->entry_addr = qaccel_reg_pair(queue->regs,
					  QACCEL_REG_QUEUE_RING_LO) +
			  slot * sizeof(struct qaccel_ring_entry);
	job->result_addr = qaccel_reg_pair(queue->regs,
					   QACCEL_REG_QUEUE_RESULT_LO) +
			   slot * sizeof(struct qaccel_result);
	job->fence_addr = qaccel_reg_pair(queue->regs,
					  QACCEL_REG_QUEUE_FENCE_LO);
	queue->head++;
}

bool qaccel_queue_take(struct qaccel_engine *engine)
{
	struct qaccel_device *dev = engine->dev;
	unsigned int count = dev->config.queues;

	for (unsigned int i = 0; i < count; i++) {
		unsigned int q = (engine->next_queue + i) % count;

		if (!ready(&dev->queues[q], engine->index))
			continue;
		engine->next_queue = q + 1;
		take(engine, q);
		return true;
	}
	return false;
}

static bool fail(struct qaccel_fault *fault, enum qaccel_status status)
{
	fault->status = status;
	fault->va = 0;
	fault->access = 0;
	return false;
}

static bool perf_valid(const struct qaccel_ring_entry *entry,
		       struct qaccel_fault *fault)
{
	const uint32_t perf = QACCEL_ENTRY_PERF_JOB | QACCEL_ENTRY_PERF_CMDS;

	if (!(entry->flags & perf))
		return !entry->perf_va || fail(fault, QACCEL_ERR_ENTRY);
	if (entry->perf_va % sizeof(struct qaccel_perf) == 0 &&
	    entry->perf_va >> QACCEL_VA_BITS == 0)
		return true;
	fault->status = QACCEL_ERR_ADDRESS;
	fault->va = entry->perf_va;
	fault->access = QACCEL_ACCESS_WRITE;
	return false;
}

bool qaccel_entry_check(const struct qaccel_ring_entry *entry,
			struct qaccel_fault *fault)
{
	if (entry->reserved[0] | entry->reserved[1] | entry->reserved[2])
		return fail(fault, QACCEL_ERR_ENTRY);
	if (entry->flags & ~QACCEL_ENTRY_FLAGS)
		return fail(fault, QACCEL_ERR_ENTRY);
	if (entry->root & ~QACCEL_PTE_ADDR_MASK)
		return fail(fault, QACCEL_ERR_ENTRY);
	return perf_valid(entry, fault);
}
