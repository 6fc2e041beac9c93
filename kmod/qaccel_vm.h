/* SPDX-License-Identifier: GPL-2.0 */
/* Address spaces, and what is bound in them. */
#ifndef _QACCEL_VM_H_
#define _QACCEL_VM_H_

#include <linux/dma-resv.h>
#include <linux/hashtable.h>
#include <linux/kref.h>
#include <linux/mutex.h>

#include <drm/drm_mm.h>

#include "qaccel_mmu.h"

struct dma_fence;
struct drm_device;
struct drm_file;
struct page;
struct qaccel_device;
struct qaccel_file;

/**
 * struct qaccel_resv - reservation that the private buffers of a VM share
 *
 * Apart from the VM, as the buffers need it for as long as they live, and a VM
 * lives for as long as its buffers are bound: each would wait for the other.
 */
struct qaccel_resv {
	struct kref ref;
	struct dma_resv base;
};

struct qaccel_vm {
	/** @ref: held by the id and by each queue. */
	struct kref ref;
	struct qaccel_device *qdev;
	struct qaccel_resv *resv;
	/** @pid: of the creator, for debugfs. */
	pid_t pid;
	/** @link: in &qaccel_device.vms. */
	struct list_head link;

	/**
	 * @lock: Protects what follows. Outside of reservations, and not to be
	 * taken where fences depend on it: its holders wait for the device.
	 */
	struct mutex lock;
	struct qaccel_mmu mmu;
	/** @mm: the mappings, by address. */
	struct drm_mm mm;
	unsigned int num_mappings;
	/** @shared: reservations of bound buffers that others may bind too, in a list... */
	struct list_head shared;
	/** @shared_hash: ...and by address. */
	DECLARE_HASHTABLE(shared_hash, 6);
	/** @dead: torn down by remove. */
	bool dead;
};

struct qaccel_vm *qaccel_vm_lookup(struct qaccel_file *file, u32 id);
void qaccel_vm_put(struct qaccel_vm *vm);
void qaccel_resv_put(struct qaccel_resv *resv);
void qaccel_vm_teardown_all(struct qaccel_device *qdev);

static inline dma_addr_t qaccel_vm_root(const struct qaccel_vm *vm)
{
	return qaccel_mmu_root(&vm->mmu);
}

int qaccel_vm_lock_resvs(struct qaccel_vm *vm, struct ww_acquire_ctx *ctx);
void qaccel_vm_add_fence(struct qaccel_vm *vm, struct dma_fence *fence);
void qaccel_vm_unlock_resvs(struct qaccel_vm *vm, struct ww_acquire_ctx *ctx);

size_t qaccel_vm_peek(struct qaccel_vm *vm, u64 va, void *out, size_t size);

int qaccel_ioctl_vm_create(struct drm_device *drm, void *data, struct drm_file *file);
int qaccel_ioctl_vm_destroy(struct drm_device *drm, void *data, struct drm_file *file);
int qaccel_ioctl_vm_bind(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* _QACCEL_VM_H_ */
