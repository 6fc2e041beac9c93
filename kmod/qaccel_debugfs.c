// SPDX-License-Identifier: GPL-2.0
/* State for people, in /sys/kernel/debug/accel/. */
#include <linux/pm_runtime.h>
#include <linux/seq_file.h>

#include <drm/drm_debugfs.h>

#include "qaccel_device.h"
#include "qaccel_job.h"
#include "qaccel_queue.h"
#include "qaccel_vm.h"

static struct qaccel_device *to_device(struct seq_file *m)
{
	struct drm_debugfs_entry *entry = m->private;

	return to_qaccel_device(entry->dev);
}

struct named_reg {
	const char *name;
	u32 reg;
};

static const struct named_reg global_regs[] = {
	{ "ID", QACCEL_REG_ID },
	{ "VERSION", QACCEL_REG_VERSION },
	{ "CAPS", QACCEL_REG_CAPS },
	{ "CTRL", QACCEL_REG_CTRL },
	{ "STATUS", QACCEL_REG_STATUS },
	{ "IRQ_DONE", QACCEL_REG_IRQ_DONE },
	{ "IRQ_ERROR", QACCEL_REG_IRQ_ERROR },
	{ "IRQ_DONE_ENABLE", QACCEL_REG_IRQ_DONE_ENABLE },
	{ "IRQ_ERROR_ENABLE", QACCEL_REG_IRQ_ERROR_ENABLE },
	{ "TLB_CTRL", QACCEL_REG_TLB_CTRL },
};

static const struct named_reg engine_regs[] = {
	{ "ENGINE_STATUS", QACCEL_REG_ENGINE_STATUS },
	{ "ENGINE_PROGRESS", QACCEL_REG_ENGINE_PROGRESS },
	{ "ENGINE_CMD", QACCEL_REG_ENGINE_CMD },
};

static const struct named_reg queue_regs[] = {
	{ "QUEUE_CTRL", QACCEL_REG_QUEUE_CTRL },
	{ "QUEUE_STATUS", QACCEL_REG_QUEUE_STATUS },
	{ "QUEUE_HEAD", QACCEL_REG_QUEUE_HEAD },
	{ "QUEUE_TAIL", QACCEL_REG_QUEUE_TAIL },
	{ "QUEUE_VECTOR", QACCEL_REG_QUEUE_VECTOR },
	{ "QUEUE_COALESCE", QACCEL_REG_QUEUE_COALESCE },
};

static void show_regs(struct seq_file *m, struct qaccel_device *qdev, u32 base,
		      const struct named_reg *regs, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		seq_printf(m, "%05x %-16s 0x%08x\n", base + regs[i].reg, regs[i].name,
			   qaccel_read(qdev, base + regs[i].reg));
}

static int registers_show(struct seq_file *m, void *data)
{
	struct qaccel_device *qdev = to_device(m);
	unsigned int i;
	int ret, idx;

	if (!drm_dev_enter(&qdev->drm, &idx))
		return -ENODEV;
	ret = pm_runtime_resume_and_get(qdev->drm.dev);
	if (ret)
		goto out_exit;

	show_regs(m, qdev, QACCEL_REGS_GLOBAL, global_regs, ARRAY_SIZE(global_regs));
	for (i = 0; i < qdev->num_rings; i++) {
		show_regs(m, qdev, QACCEL_REGS_ENGINE(i), engine_regs, ARRAY_SIZE(engine_regs));
		show_regs(m, qdev, QACCEL_REGS_QUEUE(i), queue_regs, ARRAY_SIZE(queue_regs));
	}

	pm_runtime_put_autosuspend(qdev->drm.dev);
out_exit:
	drm_dev_exit(idx);
	return ret;
}

static void show_ring(struct seq_file *m, struct qaccel_ring *ring)
{
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	seq_printf(m, "engine %u: seqno %llu, ", ring->id, ring->seqno);
	if (ring->job)
		seq_printf(m, "runs job %llu of queue %llu since %lld us\n", ring->job->number,
			   ring->job->queue->entity.fence_context,
			   ktime_us_delta(ktime_get(), ring->job->started));
	else
		seq_puts(m, "idle\n");
	spin_unlock_irqrestore(&ring->lock, flags);
}

static void show_queue(struct seq_file *m, struct qaccel_queue *queue)
{
	struct drm_qaccel_queue_get_state s;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	s = queue->state;
	spin_unlock_irqrestore(&queue->lock, flags);

	seq_printf(m, "queue %llu: pid %d, priority %u, jobs %llu of %llu, state 0x%x",
		   queue->entity.fence_context, queue->vm->pid, queue->priority,
		   s.jobs_completed, s.jobs_submitted, s.state);
	if (s.state)
		seq_printf(m, ", status %u in job %llu, command %u, va 0x%llx",
			   s.fault_status, s.fault_job, s.fault_cmd, s.fault_va);
	seq_putc(m, '\n');
}

static int queues_show(struct seq_file *m, void *data)
{
	struct qaccel_device *qdev = to_device(m);
	struct qaccel_queue *queue;
	unsigned int i;

	seq_printf(m, "submits %lld, resets %lld, jobs alive %d%s\n",
		   (s64)atomic64_read(&qdev->submits), (s64)atomic64_read(&qdev->resets),
		   atomic_read(&qdev->num_jobs), READ_ONCE(qdev->wedged) ? ", wedged" : "");
	for (i = 0; i < qdev->num_rings; i++)
		show_ring(m, &qdev->rings[i]);

	mutex_lock(&qdev->lists_lock);
	list_for_each_entry(queue, &qdev->queues, link)
		show_queue(m, queue);
	mutex_unlock(&qdev->lists_lock);

	return 0;
}

static void show_vm(struct seq_file *m, struct qaccel_vm *vm)
{
	struct drm_mm_node *node;

	mutex_lock(&vm->lock);
	seq_printf(m, "vm: pid %d, %u mappings\n", vm->pid, vm->num_mappings);
	drm_mm_for_each_node(node, &vm->mm)
		seq_printf(m, "  0x%010llx 0x%llx\n", node->start, node->size);
	mutex_unlock(&vm->lock);
}

static int vms_show(struct seq_file *m, void *data)
{
	struct qaccel_device *qdev = to_device(m);
	struct qaccel_vm *vm;

	mutex_lock(&qdev->lists_lock);
	list_for_each_entry(vm, &qdev->vms, link)
		show_vm(m, vm);
	mutex_unlock(&qdev->lists_lock);

	return 0;
}

static const struct drm_debugfs_info files[] = {
	{ "registers", registers_show },
	{ "queues", queues_show },
	{ "vms", vms_show },
};

void qaccel_debugfs_init(struct qaccel_device *qdev)
{
	drm_debugfs_add_files(&qdev->drm, files, ARRAY_SIZE(files));
}
