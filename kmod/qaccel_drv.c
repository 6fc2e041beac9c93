// SPDX-License-Identifier: GPL-2.0
/* The driver's entry points: ioctls, files, probe and remove, power. */
#include <linux/compat.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_accel.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_ioctl.h>

#include "qaccel_device.h"
#include "qaccel_gem.h"
#include "qaccel_job.h"
#include "qaccel_queue.h"
#include "qaccel_vm.h"

/* Short pauses between networks are not worth the time to start again. */
#define AUTOSUSPEND_DELAY_MS	1000

/* Shorter ones could not tell a hang from a busy machine. */
#define MIN_JOB_TIMEOUT_MS	50

unsigned int qaccel_job_timeout_ms = 2000;
module_param_named(job_timeout_ms, qaccel_job_timeout_ms, uint, 0444);
MODULE_PARM_DESC(job_timeout_ms, "A job without progress for this long is killed (default 2000)");

unsigned int qaccel_irq_vectors;
module_param_named(irq_vectors, qaccel_irq_vectors, uint, 0444);
MODULE_PARM_DESC(irq_vectors, "Most MSI-X vectors to use: one for all if they are too few for one per engine (default 0: no limit)");

/*
 * An engine has one job at a time, so waiting for more completions would only
 * add to the latency; for experiments with the device.
 */
ushort qaccel_irq_coalesce = 1;
module_param_named(irq_coalesce, qaccel_irq_coalesce, ushort, 0444);
MODULE_PARM_DESC(irq_coalesce, "Completions that one interrupt may stand for (default 1)");

ushort qaccel_irq_coalesce_us = 20;
module_param_named(irq_coalesce_us, qaccel_irq_coalesce_us, ushort, 0444);
MODULE_PARM_DESC(irq_coalesce_us, "Longest delay of such an interrupt in microseconds (default 20)");

/* --------------------------------------------------------------- ioctls -- */

/* Like copy_to_user(), with zeros behind what the kernel knows. */
static int copy_object(struct drm_qaccel_dev_query *args, const void *object, u32 size)
{
	void __user *user = u64_to_user_ptr(args->pointer);
	u32 known = min(size, args->size);

	if (copy_to_user(user, object, known))
		return -EFAULT;
	if (clear_user(user + known, args->size - known))
		return -EFAULT;
	args->size = known;

	return 0;
}

static int query_counters(struct qaccel_device *qdev, struct drm_qaccel_dev_query *args)
{
	struct drm_qaccel_dev_counters counters = { };
	int ret = qaccel_read_counters(qdev, &counters);

	return ret ?: copy_object(args, &counters, sizeof(counters));
}

static int ioctl_dev_query(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct qaccel_device *qdev = to_qaccel_device(drm);
	struct drm_qaccel_dev_query *args = data;

	switch (args->type) {
	case DRM_QACCEL_DEV_QUERY_INFO:
		if (args->pointer)
			return copy_object(args, &qdev->info, sizeof(qdev->info));
		args->size = sizeof(qdev->info);
		return 0;
	case DRM_QACCEL_DEV_QUERY_COUNTERS:
		if (args->pointer)
			return query_counters(qdev, args);
		args->size = sizeof(struct drm_qaccel_dev_counters);
		return 0;
	default:
		return -EINVAL;
	}
}

#define QACCEL_IOCTL(id, func) DRM_IOCTL_DEF_DRV(QACCEL_ ## id, func, 0)

static const struct drm_ioctl_desc ioctls[] = {
	QACCEL_IOCTL(DEV_QUERY, ioctl_dev_query),
	QACCEL_IOCTL(BO_CREATE, qaccel_ioctl_bo_create),
	QACCEL_IOCTL(BO_MMAP_OFFSET, qaccel_ioctl_bo_mmap_offset),
	QACCEL_IOCTL(BO_WAIT, qaccel_ioctl_bo_wait),
	QACCEL_IOCTL(VM_CREATE, qaccel_ioctl_vm_create),
	QACCEL_IOCTL(VM_DESTROY, qaccel_ioctl_vm_destroy),
	QACCEL_IOCTL(VM_BIND, qaccel_ioctl_vm_bind),
	QACCEL_IOCTL(QUEUE_CREATE, qaccel_ioctl_queue_create),
	QACCEL_IOCTL(QUEUE_DESTROY, qaccel_ioctl_queue_destroy),
	QACCEL_IOCTL(SUBMIT, qaccel_ioctl_submit),
	QACCEL_IOCTL(QUEUE_GET_STATE, qaccel_ioctl_queue_get_state),
};

/*
 * What must not reach the DRM core, or not the driver.
 *
 * The core lets any client call GET_MAGIC and GET_UNIQUE, which look into the
 * file's master; a file of an accel node has none, and the kernel oopses.
 */
static int check_ioctl(struct file *filp, unsigned int cmd)
{
	struct drm_file *file = filp->private_data;
	struct qaccel_device *qdev = to_qaccel_device(file->minor->dev);
	unsigned int nr = DRM_IOCTL_NR(cmd);

	if (nr == DRM_IOCTL_NR(DRM_IOCTL_GET_MAGIC) || nr == DRM_IOCTL_NR(DRM_IOCTL_GET_UNIQUE))
		return -EACCES;
	if (nr >= DRM_COMMAND_BASE && nr < DRM_COMMAND_END && READ_ONCE(qdev->wedged))
		return -ENODEV;

	return 0;
}

static long qaccel_unlocked_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return check_ioctl(filp, cmd) ?: drm_ioctl(filp, cmd, arg);
}

#ifdef CONFIG_COMPAT
static long qaccel_compat_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return check_ioctl(filp, cmd) ?: drm_compat_ioctl(filp, cmd, arg);
}
#endif

/* ---------------------------------------------------------------- files -- */

static int qaccel_open(struct drm_device *drm, struct drm_file *file)
{
	struct qaccel_file *qfile = kzalloc(sizeof(*qfile), GFP_KERNEL_ACCOUNT);

	if (!qfile)
		return -ENOMEM;

	kref_init(&qfile->ref);
	xa_init_flags(&qfile->vms, XA_FLAGS_ALLOC1);
	xa_init_flags(&qfile->queues, XA_FLAGS_ALLOC1);
	file->driver_priv = qfile;

	return 0;
}

static void file_release(struct kref *ref)
{
	kfree(container_of(ref, struct qaccel_file, ref));
}

void qaccel_file_put(struct qaccel_file *file)
{
	kref_put(&file->ref, file_release);
}

static void qaccel_postclose(struct drm_device *drm, struct drm_file *file)
{
	struct qaccel_device *qdev = to_qaccel_device(drm);
	struct qaccel_file *qfile = file->driver_priv;
	struct qaccel_queue *queue;
	struct qaccel_vm *vm;
	unsigned long id;

	xa_for_each(&qfile->queues, id, queue)
		qaccel_queue_close(queue);
	xa_destroy(&qfile->queues);

	xa_for_each(&qfile->vms, id, vm)
		qaccel_vm_put(vm);
	xa_destroy(&qfile->vms);

	qaccel_file_put(qfile);

	/*
	 * After remove this may have been the last file, which holds the device.
	 * Releases that it caused must be done before; jobs there are none then.
	 */
	flush_workqueue(qdev->wq);
}

static void qaccel_show_fdinfo(struct drm_printer *p, struct drm_file *file)
{
	struct qaccel_device *qdev = to_qaccel_device(file->minor->dev);
	struct qaccel_file *qfile = file->driver_priv;

	drm_printf(p, "drm-engine-npu:\t%lld ns\n", (s64)atomic64_read(&qfile->busy_ns));
	drm_printf(p, "drm-engine-capacity-npu:\t%u\n", qdev->num_rings);
	drm_printf(p, "drm-cycles-npu:\t%lld\n", (s64)atomic64_read(&qfile->cycles));
	drm_printf(p, "drm-maxfreq-npu:\t%u KHz\n", qdev->info.clock_khz);
	drm_show_memory_stats(p, file);
}

static const struct file_operations fops = {
	.owner		= THIS_MODULE,
	.open		= accel_open,
	.release	= drm_release,
	.unlocked_ioctl	= qaccel_unlocked_ioctl,
#ifdef CONFIG_COMPAT
	.compat_ioctl	= qaccel_compat_ioctl,
#endif
	.poll		= drm_poll,
	.read		= drm_read,
	.llseek		= noop_llseek,
	.mmap		= drm_gem_mmap,
	.show_fdinfo	= drm_show_fdinfo,
	.fop_flags	= FOP_UNSIGNED_OFFSET,
};

/*
 * Driver version:
 * - 1.0 - initial interface
 */
static const struct drm_driver driver = {
	.driver_features	= DRIVER_COMPUTE_ACCEL | DRIVER_GEM | DRIVER_SYNCOBJ |
				  DRIVER_SYNCOBJ_TIMELINE,
	.open			= qaccel_open,
	.postclose		= qaccel_postclose,
	.show_fdinfo		= qaccel_show_fdinfo,
	.ioctls			= ioctls,
	.num_ioctls		= ARRAY_SIZE(ioctls),
	.fops			= &fops,
	.gem_create_object	= qaccel_gem_create_object,
	.gem_prime_import	= qaccel_gem_import,
	/* Not the helpers' macro: that of newer kernels does not map imports for DMA. */
	.gem_prime_import_sg_table = drm_gem_shmem_prime_import_sg_table,
	.name			= "qaccel",
	.desc			= "qaccel int8 inference accelerator",
	.major			= 1,
	.minor			= 0,
};

/* ----------------------------------------------------- probe and remove -- */

static int map_registers(struct qaccel_device *qdev)
{
	struct pci_dev *pdev = qdev->pdev;
	int ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;

	if (pci_resource_len(pdev, QACCEL_PCI_BAR_REGS) < QACCEL_BAR_REGS_SIZE) {
		drm_err(&qdev->drm, "register BAR is too small\n");
		return -ENODEV;
	}

	qdev->regs = pcim_iomap_region(pdev, QACCEL_PCI_BAR_REGS, "qaccel");
	return PTR_ERR_OR_ZERO(qdev->regs);
}

static void runtime_pm_init(struct device *dev)
{
	pm_runtime_set_autosuspend_delay(dev, AUTOSUSPEND_DELAY_MS);
	pm_runtime_use_autosuspend(dev);
	/* The PCI core took a reference for probe. */
	pm_runtime_mark_last_busy(dev);
	pm_runtime_put_autosuspend(dev);
}

static int qaccel_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct qaccel_device *qdev;
	int ret;

	qdev = devm_drm_dev_alloc(&pdev->dev, &driver, struct qaccel_device, drm);
	if (IS_ERR(qdev))
		return PTR_ERR(qdev);
	qdev->pdev = pdev;
	pci_set_drvdata(pdev, &qdev->drm);

	ret = map_registers(qdev);
	if (ret)
		return ret;
	ret = qaccel_device_init(qdev);
	if (ret)
		return ret;
	ret = qaccel_irq_init(qdev);
	if (ret)
		return ret;

	qaccel_hw_start(qdev);
	qaccel_debugfs_init(qdev);

	ret = drm_dev_register(&qdev->drm, 0);
	if (ret) {
		qaccel_hw_stop(qdev);
		qaccel_hw_reset(qdev);
		pci_clear_master(pdev);
		return ret;
	}

	runtime_pm_init(&pdev->dev);
	return 0;
}

/* The device, if it is still there, is cut off, and so are its users. */
static void cut_off(struct qaccel_device *qdev)
{
	/* Waits for all who use registers; nobody will begin to. */
	drm_dev_unplug(&qdev->drm);

	mutex_lock(&qdev->reset_lock);
	qaccel_irq_disable(qdev);
	qaccel_hw_reset(qdev);
	/* Whether that worked or not, from here on memory is out of its reach. */
	pci_clear_master(qdev->pdev);
	qaccel_abort_jobs(qdev, -ENODEV);
	mutex_unlock(&qdev->reset_lock);
}

/*
 * The device may be in use, or be gone already. Open files stay, and can only
 * be closed; when this returns no memory is mapped for DMA on their behalf and
 * none of our work is running.
 */
static void qaccel_remove(struct pci_dev *pdev)
{
	struct qaccel_device *qdev = to_qaccel_device(pci_get_drvdata(pdev));

	cut_off(qdev);

	/* Those that have not started end as soon as what they wait for has. */
	wait_event(qdev->jobs_gone, !atomic_read(&qdev->num_jobs));
	flush_workqueue(qdev->wq);

	qaccel_vm_teardown_all(qdev);
	qaccel_bo_unmap_all(qdev);
	qaccel_irq_fini(qdev);

	/* The reference that probe dropped. */
	pm_runtime_get_noresume(&pdev->dev);
	pm_runtime_dont_use_autosuspend(&pdev->dev);
}

static void qaccel_shutdown(struct pci_dev *pdev)
{
	cut_off(to_qaccel_device(pci_get_drvdata(pdev)));
}

/* ---------------------------------------------------------------- power -- */

static int qaccel_suspend(struct device *dev)
{
	return qaccel_quiesce(to_qaccel_device(dev_get_drvdata(dev)));
}

static int qaccel_resume(struct device *dev)
{
	qaccel_unquiesce(to_qaccel_device(dev_get_drvdata(dev)));
	return 0;
}

/* Every job holds a reference, so there is none. */
static int qaccel_runtime_suspend(struct device *dev)
{
	qaccel_hw_stop(to_qaccel_device(dev_get_drvdata(dev)));
	return 0;
}

static int qaccel_runtime_resume(struct device *dev)
{
	struct qaccel_device *qdev = to_qaccel_device(dev_get_drvdata(dev));

	if (qaccel_is_gone(qdev))
		return -ENODEV;

	/* Nobody told it what was unmapped meanwhile. */
	qaccel_tlb_flush_all(qdev);
	qaccel_hw_start(qdev);
	return 0;
}

static const struct dev_pm_ops pm_ops = {
	SYSTEM_SLEEP_PM_OPS(qaccel_suspend, qaccel_resume)
	RUNTIME_PM_OPS(qaccel_runtime_suspend, qaccel_runtime_resume, NULL)
};

/* --------------------------------------------------------------- module -- */

static const struct pci_device_id pci_ids[] = {
	{ PCI_DEVICE(QACCEL_PCI_VENDOR_ID, QACCEL_PCI_DEVICE_ID) },
	{ }
};
MODULE_DEVICE_TABLE(pci, pci_ids);

static const struct pci_error_handlers err_handlers = {
	.reset_prepare	= qaccel_reset_prepare,
	.reset_done	= qaccel_reset_done,
};

static struct pci_driver pci_driver = {
	.name		= "qaccel",
	.id_table	= pci_ids,
	.probe		= qaccel_probe,
	.remove		= qaccel_remove,
	.shutdown	= qaccel_shutdown,
	.err_handler	= &err_handlers,
	.driver.pm	= pm_ptr(&pm_ops),
};

static int __init qaccel_init(void)
{
	qaccel_job_timeout_ms = max(qaccel_job_timeout_ms, MIN_JOB_TIMEOUT_MS);

	return pci_register_driver(&pci_driver);
}
module_init(qaccel_init);

static void __exit qaccel_exit(void)
{
	pci_unregister_driver(&pci_driver);
}
module_exit(qaccel_exit);

MODULE_DESCRIPTION("qaccel int8 inference accelerator");
MODULE_LICENSE("GPL");
QACCEL_IMPORT_NS_DMA_BUF;
