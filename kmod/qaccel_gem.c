// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers: shmem GEM objects, mapped cached, as DMA is coherent.
 *
 * Pages are allocated when the buffer is first bound or mapped and stay in
 * place from then on.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include <drm/drm_gem.h>
#include <drm/drm_managed.h>
#include <drm/drm_prime.h>
#include <drm/drm_utils.h>

#include "qaccel_device.h"
#include "qaccel_gem.h"
#include "qaccel_vm.h"

static void bo_free(struct drm_gem_object *obj)
{
	struct qaccel_device *qdev = to_qaccel_device(obj->dev);
	struct qaccel_bo *bo = to_qaccel_bo(obj);
	struct qaccel_resv *resv = bo->vm_resv;

	mutex_lock(&qdev->bos_lock);
	list_del(&bo->link);
	mutex_unlock(&qdev->bos_lock);

	/* It locks the reservation. */
	drm_gem_shmem_free(&bo->base);
	qaccel_resv_put(resv);
}

static struct dma_buf *bo_export(struct drm_gem_object *obj, int flags)
{
	/* Nobody else could tell that its reservation is a whole VM's. */
	if (to_qaccel_bo(obj)->vm_resv)
		return ERR_PTR(-EPERM);

	return drm_gem_prime_export(obj, flags);
}

/* Under the file's table lock. */
static enum drm_gem_object_status bo_status(struct drm_gem_object *obj)
{
	struct drm_gem_shmem_object *shmem = to_drm_gem_shmem_obj(obj);

	if (drm_gem_is_imported(obj) || READ_ONCE(shmem->pages))
		return DRM_GEM_OBJECT_RESIDENT;

	return 0;
}

static const struct drm_gem_object_funcs bo_funcs = {
	.free = bo_free,
	.export = bo_export,
	.status = bo_status,
	.print_info = drm_gem_shmem_object_print_info,
	.pin = drm_gem_shmem_object_pin,
	.unpin = drm_gem_shmem_object_unpin,
	.get_sg_table = drm_gem_shmem_object_get_sg_table,
	.vmap = drm_gem_shmem_object_vmap,
	.vunmap = drm_gem_shmem_object_vunmap,
	.mmap = drm_gem_shmem_object_mmap,
	.vm_ops = &drm_gem_shmem_vm_ops,
};

/* For the shmem helpers: our own objects and imported ones. */
struct drm_gem_object *qaccel_gem_create_object(struct drm_device *drm, size_t size)
{
	struct qaccel_bo *bo = kzalloc(sizeof(*bo), GFP_KERNEL_ACCOUNT);

	if (!bo)
		return ERR_PTR(-ENOMEM);

	INIT_LIST_HEAD(&bo->link);
	bo->base.base.funcs = &bo_funcs;

	return &bo->base.base;
}

/**
 * qaccel_bo_pin() - allocate and DMA-map the pages, if they are not
 * @bo: buffer
 *
 * They stay until the buffer is freed. Waits interruptibly for its reservation.
 */
struct sg_table *qaccel_bo_pin(struct qaccel_bo *bo)
{
	return drm_gem_shmem_get_pages_sgt(&bo->base);
}

static void bo_unmap(struct qaccel_device *qdev, struct drm_gem_shmem_object *shmem)
{
	dma_resv_lock(shmem->base.resv, NULL);
	if (shmem->sgt) {
		dma_unmap_sgtable(qdev->drm.dev, shmem->sgt, DMA_BIDIRECTIONAL, 0);
		sg_free_table(shmem->sgt);
		kfree(shmem->sgt);
		shmem->sgt = NULL;
	}
	dma_resv_unlock(shmem->base.resv);
}

/* The buffer stays attached; without a table the helpers only detach it later. */
static void bo_unmap_imported(struct drm_gem_shmem_object *shmem)
{
	struct sg_table *sgt = shmem->sgt;

	shmem->sgt = NULL;
	if (sgt)
		dma_buf_unmap_attachment_unlocked(shmem->base.import_attach, sgt,
						  DMA_BIDIRECTIONAL);
}

/*
 * For remove: DMA mappings must not outlive the driver's hold on the device,
 * but buffers do, while files are open. The pages stay.
 */
void qaccel_bo_unmap_all(struct qaccel_device *qdev)
{
	struct qaccel_bo *bo;

	mutex_lock(&qdev->bos_lock);
	list_for_each_entry(bo, &qdev->bos, link) {
		if (drm_gem_is_imported(qaccel_bo_gem(bo)))
			bo_unmap_imported(&bo->base);
		else
			bo_unmap(qdev, &bo->base);
	}
	mutex_unlock(&qdev->bos_lock);
}

/* ----------------------------------------------------------- huge pages -- */

/*
 * Buffers come from a tmpfs mount of our own that uses huge pages, where there
 * is one. The device then needs one translation for 2 MiB, and sees memory in
 * longer pieces. Without it everything works all the same.
 */
#if defined(HAVE_DRM_GEM_HUGE_MNT)

void qaccel_gem_init(struct qaccel_device *qdev)
{
	if (drm_gem_huge_mnt_create(&qdev->drm, "within_size"))
		drm_dbg(&qdev->drm, "no huge pages for buffers\n");
}

static void use_huge_pages(struct qaccel_device *qdev, struct drm_gem_object *obj)
{
	/* The core has done it. */
}

#elif IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) && IS_ENABLED(CONFIG_TMPFS)

static void unmount(struct drm_device *drm, void *mnt)
{
	kern_unmount(mnt);
}

void qaccel_gem_init(struct qaccel_device *qdev)
{
	char options[] = "huge=within_size";
	struct file_system_type *type = get_fs_type("tmpfs");
	struct vfsmount *mnt;

	mnt = type ? vfs_kern_mount(type, SB_KERNMOUNT, type->name, options) :
		     ERR_PTR(-ENODEV);
	if (IS_ERR(mnt)) {
		drm_dbg(&qdev->drm, "no huge pages for buffers\n");
		return;
	}

	if (!drmm_add_action_or_reset(&qdev->drm, unmount, mnt))
		qdev->huge_mnt = mnt;
}

/* Before there are pages: puts a file of our mount in place of the helper's. */
static void use_huge_pages(struct qaccel_device *qdev, struct drm_gem_object *obj)
{
	struct file *filp;

	if (!qdev->huge_mnt || obj->size < QACCEL_BLOCK_SIZE)
		return;

	filp = shmem_file_setup_with_mnt(qdev->huge_mnt, "qaccel", obj->size, VM_NORESERVE);
	if (IS_ERR(filp))
		return;

	mapping_set_gfp_mask(filp->f_mapping, mapping_gfp_mask(obj->filp->f_mapping));
	fput(obj->filp);
	obj->filp = filp;
}

#else

void qaccel_gem_init(struct qaccel_device *qdev)
{
}

static void use_huge_pages(struct qaccel_device *qdev, struct drm_gem_object *obj)
{
}

#endif

/* --------------------------------------------------------------- ioctls -- */

static void bo_enlist(struct qaccel_device *qdev, struct qaccel_bo *bo)
{
	mutex_lock(&qdev->bos_lock);
	list_add(&bo->link, &qdev->bos);
	mutex_unlock(&qdev->bos_lock);
}

static struct qaccel_bo *bo_create(struct qaccel_device *qdev, size_t size)
{
	struct drm_gem_shmem_object *shmem = drm_gem_shmem_create(&qdev->drm, size);
	struct qaccel_bo *bo;

	/* shmem says that there is no space when it cannot allocate an inode. */
	if (IS_ERR(shmem))
		return PTR_ERR(shmem) == -ENOSPC ? ERR_PTR(-ENOMEM) : ERR_CAST(shmem);
	bo = to_qaccel_bo(&shmem->base);

	use_huge_pages(qdev, &shmem->base);

	/* What was written through a mapping that is gone must reach the swap. */
	shmem->pages_mark_dirty_on_put = true;

	/* Bounce buffers would not be coherent. */
	if (dma_get_mask(qdev->drm.dev) == DMA_BIT_MASK(32))
		mapping_set_gfp_mask(shmem->base.filp->f_mapping,
				     GFP_USER | __GFP_DMA32 | __GFP_RETRY_MAYFAIL |
				     __GFP_NOWARN);

	bo_enlist(qdev, bo);
	return bo;
}

/* PRIME. The core has looked whether the file has the buffer already. */
struct drm_gem_object *qaccel_gem_import(struct drm_device *drm, struct dma_buf *dma_buf)
{
	struct drm_gem_object *obj;
	int idx;

	/* It is mapped at once, so remove must know of it, or wait. */
	if (!drm_dev_enter(drm, &idx))
		return ERR_PTR(-ENODEV);

	obj = drm_gem_prime_import(drm, dma_buf);
	/* Those that we exported come back as they are. */
	if (!IS_ERR(obj) && drm_gem_is_imported(obj))
		bo_enlist(to_qaccel_device(drm), to_qaccel_bo(obj));

	drm_dev_exit(idx);
	return obj;
}

/* Before anybody else can know the buffer. */
static void bo_set_vm(struct qaccel_bo *bo, struct qaccel_vm *vm)
{
	kref_get(&vm->resv->ref);
	bo->vm_resv = vm->resv;
	qaccel_bo_gem(bo)->resv = &vm->resv->base;
}

int qaccel_ioctl_bo_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct qaccel_device *qdev = to_qaccel_device(drm);
	struct drm_qaccel_bo_create *args = data;
	struct qaccel_vm *vm = NULL;
	struct qaccel_bo *bo;
	int ret;

	if (args->flags || args->pad)
		return -EINVAL;
	/* More than all memory cannot succeed, and trying would harm others. */
	if (!args->size || args->size > qdev->info.va_end - qdev->info.va_start ||
	    PFN_UP(args->size) > totalram_pages())
		return -EINVAL;

	if (args->vm_id) {
		vm = qaccel_vm_lookup(file->driver_priv, args->vm_id);
		if (!vm)
			return -ENOENT;
	}

	bo = bo_create(qdev, args->size);
	if (IS_ERR(bo)) {
		ret = PTR_ERR(bo);
		goto out_put_vm;
	}
	if (vm)
		bo_set_vm(bo, vm);
	args->size = qaccel_bo_gem(bo)->size;

	ret = drm_gem_handle_create(file, qaccel_bo_gem(bo), &args->handle);
	/* The handle has a reference of its own. */
	drm_gem_object_put(qaccel_bo_gem(bo));

out_put_vm:
	if (vm)
		qaccel_vm_put(vm);
	return ret;
}

int qaccel_ioctl_bo_mmap_offset(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_qaccel_bo_mmap_offset *args = data;
	struct drm_gem_object *obj;
	int ret = 0;

	if (args->pad)
		return -EINVAL;

	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj)
		return -ENOENT;

	if (drm_gem_is_imported(obj))
		ret = -EINVAL;
	else
		args->offset = drm_vma_node_offset_addr(&obj->vma_node);

	drm_gem_object_put(obj);
	return ret;
}

static int wait_resv(struct dma_resv *resv, s64 timeout_ns)
{
	long left = drm_timeout_abs_to_jiffies(timeout_ns);

	/* The jobs' fences are for bookkeeping only: nothing waits implicitly. */
	if (!left)
		return dma_resv_test_signaled(resv, DMA_RESV_USAGE_BOOKKEEP) ? 0 : -ETIME;

	left = dma_resv_wait_timeout(resv, DMA_RESV_USAGE_BOOKKEEP, true, left);
	if (left < 0)
		return left;

	return left ? 0 : -ETIME;
}

int qaccel_ioctl_bo_wait(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_qaccel_bo_wait *args = data;
	struct drm_gem_object *obj;
	int ret;

	if (args->pad)
		return -EINVAL;

	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj)
		return -ENOENT;

	ret = wait_resv(obj->resv, args->timeout_ns);
	drm_gem_object_put(obj);

	return ret;
}
