// SPDX-License-Identifier: GPL-2.0
/*
 * Core dumps of hangs, in /sys/class/devcoredump.
 *
 * The snapshot is taken where fences wait for us: no waiting for memory. The
 * text is made from it later. devcoredump keeps the first dump until somebody
 * reads it, or some minutes, and drops the others.
 */
#include <linux/devcoredump.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>

#include <drm/drm_print.h>

#include "qaccel_device.h"
#include "qaccel_job.h"
#include "qaccel_queue.h"
#include "qaccel_vm.h"

#define DUMP_SIZE	SZ_16K

struct qaccel_coredump {
	ktime_t time;
	unsigned int engine;
	pid_t pid;

	u32 ctrl, status, irq_done, irq_error;
	u32 engine_status, engine_progress, engine_cmd;
	u64 engine_seqno;
	u32 queue_status, queue_head, queue_tail;

	u64 fence;
	u64 seqno;
	u64 number;
	u32 tail;
	struct qaccel_ring_entry entry;
	struct qaccel_result result;

	/* The command that the engine is in, and the first of the stream. */
	u8 cmd[QACCEL_CMD_SIZE];
	u8 first_cmd[QACCEL_CMD_SIZE];
	size_t cmd_size;
	size_t first_cmd_size;
};

static void snapshot_registers(struct qaccel_coredump *d, struct qaccel_device *qdev)
{
	u32 engine = QACCEL_REGS_ENGINE(d->engine), queue = QACCEL_REGS_QUEUE(d->engine);

	d->ctrl = qaccel_read(qdev, QACCEL_REG_CTRL);
	d->status = qaccel_read(qdev, QACCEL_REG_STATUS);
	d->irq_done = qaccel_read(qdev, QACCEL_REG_IRQ_DONE);
	d->irq_error = qaccel_read(qdev, QACCEL_REG_IRQ_ERROR);
	d->engine_status = qaccel_read(qdev, engine + QACCEL_REG_ENGINE_STATUS);
	d->engine_progress = qaccel_read(qdev, engine + QACCEL_REG_ENGINE_PROGRESS);
	d->engine_cmd = qaccel_read(qdev, engine + QACCEL_REG_ENGINE_CMD);
	d->engine_seqno = qaccel_read64(qdev, engine + QACCEL_REG_ENGINE_SEQNO_LO);
	d->queue_status = qaccel_read(qdev, queue + QACCEL_REG_QUEUE_STATUS);
	d->queue_head = qaccel_read(qdev, queue + QACCEL_REG_QUEUE_HEAD);
	d->queue_tail = qaccel_read(qdev, queue + QACCEL_REG_QUEUE_TAIL);
}

static void snapshot_job(struct qaccel_coredump *d, struct qaccel_ring *ring,
			 struct qaccel_job *job)
{
	struct qaccel_vm *vm = job->queue->vm;
	u64 offset = (u64)d->engine_cmd * QACCEL_CMD_SIZE;

	d->pid = vm->pid;
	d->fence = READ_ONCE(*ring->fence);
	d->seqno = job->seqno;
	d->number = job->number;
	d->tail = ring->tail;
	d->entry = ring->entries[job->slot];
	d->result = ring->results[job->slot];

	d->first_cmd_size = qaccel_vm_peek(vm, job->desc.stream_va, d->first_cmd,
					   sizeof(d->first_cmd));
	if (offset && offset < job->desc.stream_size)
		d->cmd_size = qaccel_vm_peek(vm, job->desc.stream_va + offset, d->cmd,
					     sizeof(d->cmd));
}

/**
 * qaccel_coredump_capture() - keep what a developer will want to know
 * @ring: of the engine, before its reset
 * @job: that it is in
 */
void qaccel_coredump_capture(struct qaccel_ring *ring, struct qaccel_job *job)
{
	struct qaccel_device *qdev = ring->qdev;
	struct qaccel_coredump *d;

	/* The last one is still on its way. */
	if (!IS_ENABLED(CONFIG_DEV_COREDUMP) || READ_ONCE(qdev->coredump))
		return;

	d = kzalloc(sizeof(*d), GFP_NOWAIT | __GFP_NOWARN);
	if (!d)
		return;

	d->time = ktime_get_real();
	d->engine = ring->id;
	snapshot_registers(d, qdev);
	snapshot_job(d, ring, job);

	WRITE_ONCE(qdev->coredump, d);
	queue_work(qdev->wq, &qdev->coredump_work);
}

/* ------------------------------------------------------------- the text -- */

static void print_registers(struct drm_printer *p, const struct qaccel_coredump *d)
{
	drm_printf(p, "registers:\n");
	drm_printf(p, "  CTRL:            0x%08x\n", d->ctrl);
	drm_printf(p, "  STATUS:          0x%08x\n", d->status);
	drm_printf(p, "  IRQ_DONE:        0x%08x\n", d->irq_done);
	drm_printf(p, "  IRQ_ERROR:       0x%08x\n", d->irq_error);
	drm_printf(p, "  ENGINE_STATUS:   0x%08x\n", d->engine_status);
	drm_printf(p, "  ENGINE_PROGRESS: 0x%08x\n", d->engine_progress);
	drm_printf(p, "  ENGINE_CMD:      0x%08x\n", d->engine_cmd);
	drm_printf(p, "  ENGINE_SEQNO:    0x%016llx\n", d->engine_seqno);
	drm_printf(p, "  QUEUE_STATUS:    0x%08x\n", d->queue_status);
	drm_printf(p, "  QUEUE_HEAD:      0x%08x\n", d->queue_head);
	drm_printf(p, "  QUEUE_TAIL:      0x%08x\n", d->queue_tail);
}

static void print_job(struct drm_printer *p, const struct qaccel_coredump *d)
{
	drm_printf(p, "job:\n");
	drm_printf(p, "  pid:    %d\n", d->pid);
	drm_printf(p, "  number: %llu\n", d->number);
	drm_printf(p, "  seqno:  %llu\n", d->seqno);
	drm_printf(p, "ring:\n");
	drm_printf(p, "  fence:  %llu\n", d->fence);
	drm_printf(p, "  tail:   %u\n", d->tail);
	drm_printf(p, "entry:\n");
	drm_printf(p, "  root:        0x%016llx\n", d->entry.root);
	drm_printf(p, "  stream_va:   0x%016llx\n", d->entry.stream_va);
	drm_printf(p, "  stream_size: %u\n", d->entry.stream_size);
	drm_printf(p, "  seqno:       %llu\n", d->entry.seqno);
	drm_printf(p, "  perf_va:     0x%016llx\n", d->entry.perf_va);
	drm_printf(p, "  flags:       0x%08x\n", d->entry.flags);
	drm_printf(p, "result:\n");
	drm_printf(p, "  seqno:     %llu\n", d->result.seqno);
	drm_printf(p, "  status:    %u\n", d->result.status);
	drm_printf(p, "  cmd_index: %u\n", d->result.cmd_index);
	drm_printf(p, "  fault_va:  0x%016llx\n", d->result.fault_va);
}

static void print_bytes(struct drm_printer *p, const char *title, const u8 *bytes, size_t size)
{
	size_t i;

	if (!size)
		return;

	drm_printf(p, "%s:\n", title);
	for (i = 0; i < size; i += 16)
		drm_printf(p, "  %03zx: %*ph\n", i, 16, bytes + i);
}

static char *print_dump(const struct qaccel_coredump *d, size_t *size)
{
	struct drm_print_iterator iter = { .remain = DUMP_SIZE };
	struct drm_printer p = drm_coredump_printer(&iter);
	char *text = vzalloc(DUMP_SIZE);

	if (!text)
		return NULL;
	iter.data = text;

	drm_printf(&p, "driver: qaccel\n");
	drm_printf(&p, "kernel: %s\n", init_utsname()->release);
	drm_printf(&p, "time:   %lld.%09ld\n", ktime_to_timespec64(d->time).tv_sec,
		   ktime_to_timespec64(d->time).tv_nsec);
	drm_printf(&p, "engine: %u\n", d->engine);
	print_registers(&p, d);
	print_job(&p, d);
	print_bytes(&p, "first command", d->first_cmd, d->first_cmd_size);
	print_bytes(&p, "current command", d->cmd, d->cmd_size);

	*size = DUMP_SIZE - iter.remain;
	return text;
}

static void coredump_work(struct work_struct *work)
{
	struct qaccel_device *qdev = container_of(work, struct qaccel_device, coredump_work);
	struct qaccel_coredump *d = qdev->coredump;
	size_t size;
	char *text = print_dump(d, &size);

	kfree(d);
	WRITE_ONCE(qdev->coredump, NULL);
	if (text)
		dev_coredumpv(qdev->drm.dev, text, size, GFP_KERNEL);
}

void qaccel_coredump_init(struct qaccel_device *qdev)
{
	INIT_WORK(&qdev->coredump_work, coredump_work);
}
