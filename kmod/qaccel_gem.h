/* SPDX-License-Identifier: GPL-2.0 */
/* Buffers: shmem GEM objects. */
#ifndef _QACCEL_GEM_H_
#define _QACCEL_GEM_H_

#include <linux/kref.h>

#include <drm/drm_gem_shmem_helper.h>

struct dma_buf;
struct drm_device;
struct drm_file;
struct qaccel_device;
struct qaccel_resv;

struct qaccel_bo {
	struct drm_gem_shmem_object base;
	/**
	 * @vm_resv: reservation of the VM that alone may bind this buffer, which
	 * is the buffer's too; NULL for others. A reference.
	 */
	struct qaccel_resv *vm_resv;
	/** @link: in &qaccel_device.bos. */
	struct list_head link;
};

static inline struct qaccel_bo *to_qaccel_bo(struct drm_gem_object *obj)
{
	return container_of(to_drm_gem_shmem_obj(obj), struct qaccel_bo, base);
}

static inline struct drm_gem_object *qaccel_bo_gem(struct qaccel_bo *bo)
{
	return &bo->base.base;
}

void qaccel_gem_init(struct qaccel_device *qdev);
struct drm_gem_object *qaccel_gem_create_object(struct drm_device *drm, size_t size);
struct drm_gem_object *qaccel_gem_import(struct drm_device *drm, struct dma_buf *dma_buf);
struct sg_table *qaccel_bo_pin(struct qaccel_bo *bo);
void qaccel_bo_unmap_all(struct qaccel_device *qdev);

int qaccel_ioctl_bo_create(struct drm_device *drm, void *data, struct drm_file *file);
int qaccel_ioctl_bo_mmap_offset(struct drm_device *drm, void *data, struct drm_file *file);
int qaccel_ioctl_bo_wait(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* _QACCEL_GEM_H_ */
