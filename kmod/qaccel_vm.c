// SPDX-License-Identifier: GPL-2.0
/*
 * Address spaces, and what is bound in them.
 *
 * User space chooses the addresses; drm_mm remembers them. A mapping holds its
 * buffer, so a job needs no references to buffers: what it may access is what
 * is bound, and unbinding waits until the device has forgotten the pages.
 */
#include <linux/highmem.h>
#include <linux/slab.h>

#include "qaccel_device.h"
#include "qaccel_gem.h"
#include "qaccel_job.h"
#include "qaccel_trace.h"
#include "qaccel_vm.h"

/* Each may cost a page-table page, which is not accounted to anybody. */
#define MAX_MAPPINGS	65536

struct mapping {
	struct drm_mm_node node;
	struct qaccel_bo *bo;
	u64 bo_offset;
	/* Unmapped ones, until the device has forgotten them. */
	struct list_head link;
};

/*
 * The reservation of one or more bound buffers. Imported buffers may share one,
 * and it must be locked once only.
 */
struct shared_resv {
	struct list_head link;
	struct hlist_node hash;
	/* One of the buffers; a reference. */
	struct drm_gem_object *obj;
	unsigned int num_mappings;
};

/* --------------------------------------------------------- reservations -- */

static void resv_release(struct kref *ref)
{
	struct qaccel_resv *resv = container_of(ref, struct qaccel_resv, ref);

	dma_resv_fini(&resv->base);
	kfree(resv);
}

void qaccel_resv_put(struct qaccel_resv *resv)
{
	if (resv)
		kref_put(&resv->ref, resv_release);
}

static struct qaccel_resv *resv_create(void)
{
	struct qaccel_resv *resv = kzalloc(sizeof(*resv), GFP_KERNEL_ACCOUNT);

	if (!resv)
		return NULL;

	kref_init(&resv->ref);
	dma_resv_init(&resv->base);

	return resv;
}

static struct shared_resv *shared_find(struct qaccel_vm *vm, struct dma_resv *resv)
{
	struct shared_resv *s;

	hash_for_each_possible(vm->shared_hash, s, hash, (unsigned long)resv)
		if (s->obj->resv == resv)
			return s;

	return NULL;
}

static int shared_get(struct qaccel_vm *vm, struct drm_gem_object *obj)
{
	struct shared_resv *s = shared_find(vm, obj->resv);

	if (s) {
		s->num_mappings++;
		return 0;
	}

	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return -ENOMEM;

	drm_gem_object_get(obj);
	s->obj = obj;
	s->num_mappings = 1;
	list_add_tail(&s->link, &vm->shared);
	hash_add(vm->shared_hash, &s->hash, (unsigned long)obj->resv);

	return 0;
}

static void shared_put(struct qaccel_vm *vm, struct drm_gem_object *obj)
{
	struct shared_resv *s = shared_find(vm, obj->resv);

	if (--s->num_mappings)
		return;

	list_del(&s->link);
	hash_del(&s->hash);
	drm_gem_object_put(s->obj);
	kfree(s);
}

/*
 * Locks the VM's reservation and all shared ones, in the order of the list
 * except that @first is locked before all others. On -EDEADLK @first is set to
 * the one to begin with next time, and none is locked.
 */
static int try_lock_resvs(struct qaccel_vm *vm, struct ww_acquire_ctx *ctx,
			  struct dma_resv **first)
{
	struct dma_resv *contended = *first;
	struct shared_resv *s;
	int ret;

	if (contended) {
		ret = dma_resv_lock_slow_interruptible(contended, ctx);
		if (ret)
			return ret;
	}

	if (&vm->resv->base != contended) {
		ret = dma_resv_lock_interruptible(&vm->resv->base, ctx);
		if (ret) {
			*first = &vm->resv->base;
			goto err_unlock_first;
		}
	}

	list_for_each_entry(s, &vm->shared, link) {
		if (s->obj->resv == contended)
			continue;
		ret = dma_resv_lock_interruptible(s->obj->resv, ctx);
		if (ret) {
			*first = s->obj->resv;
			goto err_unlock;
		}
	}

	return 0;

err_unlock:
	list_for_each_entry_continue_reverse(s, &vm->shared, link)
		if (s->obj->resv != contended)
			dma_resv_unlock(s->obj->resv);
	if (&vm->resv->base != contended)
		dma_resv_unlock(&vm->resv->base);
err_unlock_first:
	if (contended)
		dma_resv_unlock(contended);
	return ret;
}

static void unlock_resvs(struct qaccel_vm *vm)
{
	struct shared_resv *s;

	list_for_each_entry(s, &vm->shared, link)
		dma_resv_unlock(s->obj->resv);
	dma_resv_unlock(&vm->resv->base);
}

static int reserve_slots(struct qaccel_vm *vm)
{
	int ret = dma_resv_reserve_fences(&vm->resv->base, 1);
	struct shared_resv *s;

	list_for_each_entry(s, &vm->shared, link) {
		if (ret)
			break;
		ret = dma_resv_reserve_fences(s->obj->resv, 1);
	}

	return ret;
}

/**
 * qaccel_vm_lock_resvs() - lock what a job's fence is to be added to
 * @vm: address space
 * @ctx: to be given to qaccel_vm_unlock_resvs()
 *
 * On success the VM is locked too, so that the set of reservations stays, and
 * each has room for one fence.
 */
int qaccel_vm_lock_resvs(struct qaccel_vm *vm, struct ww_acquire_ctx *ctx)
{
	struct dma_resv *first = NULL;
	int ret;

	mutex_lock(&vm->lock);
	ww_acquire_init(ctx, &reservation_ww_class);

	do {
		ret = try_lock_resvs(vm, ctx, &first);
	} while (ret == -EDEADLK);
	if (ret)
		goto err_fini;

	ret = reserve_slots(vm);
	if (ret)
		goto err_unlock;

	ww_acquire_done(ctx);
	return 0;

err_unlock:
	unlock_resvs(vm);
err_fini:
	ww_acquire_fini(ctx);
	mutex_unlock(&vm->lock);
	return ret;
}

/* Bookkeeping only: others do not wait for jobs implicitly, BO_WAIT does. */
void qaccel_vm_add_fence(struct qaccel_vm *vm, struct dma_fence *fence)
{
	struct shared_resv *s;

	dma_resv_add_fence(&vm->resv->base, fence, DMA_RESV_USAGE_BOOKKEEP);
	list_for_each_entry(s, &vm->shared, link)
		dma_resv_add_fence(s->obj->resv, fence, DMA_RESV_USAGE_BOOKKEEP);
}

void qaccel_vm_unlock_resvs(struct qaccel_vm *vm, struct ww_acquire_ctx *ctx)
{
	unlock_resvs(vm);
	ww_acquire_fini(ctx);
	mutex_unlock(&vm->lock);
}

/* ------------------------------------------------------------- mappings -- */

/* The device has forgotten it. */
static void mapping_free(struct qaccel_vm *vm, struct mapping *m)
{
	if (!m->bo->vm_resv)
		shared_put(vm, qaccel_bo_gem(m->bo));
	drm_gem_object_put(qaccel_bo_gem(m->bo));
	kfree(m);
}

static void free_mappings(struct qaccel_vm *vm, struct list_head *unmapped)
{
	struct mapping *m, *next;

	list_for_each_entry_safe(m, next, unmapped, link)
		mapping_free(vm, m);
}

/* Takes it out of the address space, but the device may still use the pages. */
static void mapping_remove(struct qaccel_vm *vm, struct mapping *m,
			   struct list_head *unmapped)
{
	qaccel_mmu_unmap(&vm->mmu, m->node.start, m->node.size);
	drm_mm_remove_node(&m->node);
	vm->num_mappings--;
	list_add_tail(&m->link, unmapped);
}

/* Enters the part of the table that begins at bo_offset. */
static int map_sgt(struct qaccel_vm *vm, struct mapping *m, struct sg_table *sgt, bool writable)
{
	u64 va = m->node.start, left = m->node.size, skip = m->bo_offset;
	struct scatterlist *sg;
	unsigned int i;
	int ret;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		dma_addr_t addr = sg_dma_address(sg);
		u64 len = sg_dma_len(sg);

		/* Of an exporter with other ideas about pages. */
		if (!IS_ALIGNED(addr | len, QACCEL_PAGE_SIZE))
			return -EINVAL;

		if (skip >= len) {
			skip -= len;
			continue;
		}

		len = min(len - skip, left);
		ret = qaccel_mmu_map(&vm->mmu, va, addr + skip, len, writable);
		if (ret)
			return ret;
		skip = 0;
		va += len;
		left -= len;
		if (!left)
			return 0;
	}

	return -EINVAL;
}

static struct mapping *mapping_create(struct qaccel_vm *vm, struct qaccel_bo *bo,
				      const struct drm_qaccel_vm_bind_op *op)
{
	struct mapping *m;
	int ret;

	if (vm->num_mappings == MAX_MAPPINGS)
		return ERR_PTR(-ENOMEM);

	m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	if (!m)
		return ERR_PTR(-ENOMEM);

	m->bo = bo;
	m->bo_offset = op->bo_offset;
	m->node.start = op->va;
	m->node.size = op->size;
	ret = drm_mm_reserve_node(&vm->mm, &m->node);
	if (ret) {
		ret = ret == -ENOSPC ? -EEXIST : ret;
		goto err_free;
	}

	if (!bo->vm_resv) {
		ret = shared_get(vm, qaccel_bo_gem(bo));
		if (ret)
			goto err_remove;
	}

	drm_gem_object_get(qaccel_bo_gem(bo));
	vm->num_mappings++;
	return m;

err_remove:
	drm_mm_remove_node(&m->node);
err_free:
	kfree(m);
	return ERR_PTR(ret);
}

/* ----------------------------------------------------------- life cycle -- */

/*
 * Nothing may run in the VM any more, or ever. May be called twice: by remove
 * and by the last reference.
 */
static void vm_teardown(struct qaccel_vm *vm)
{
	struct drm_mm_node *node, *next;
	LIST_HEAD(unmapped);

	mutex_lock(&vm->lock);
	if (!vm->dead) {
		vm->dead = true;
		drm_mm_for_each_node_safe(node, next, &vm->mm)
			mapping_remove(vm, container_of(node, struct mapping, node), &unmapped);
		/* Also if nothing is mapped: the next root may be at the same address. */
		qaccel_tlb_flush(vm->qdev, qaccel_vm_root(vm));
		free_mappings(vm, &unmapped);
		qaccel_mmu_fini(&vm->mmu);
	}
	mutex_unlock(&vm->lock);
}

static void vm_release(struct kref *ref)
{
	struct qaccel_vm *vm = container_of(ref, struct qaccel_vm, ref);
	struct qaccel_device *qdev = vm->qdev;

	vm_teardown(vm);

	/* Remove looks at the list, so this comes last. */
	mutex_lock(&qdev->lists_lock);
	list_del(&vm->link);
	mutex_unlock(&qdev->lists_lock);

	drm_mm_takedown(&vm->mm);
	qaccel_resv_put(vm->resv);
	mutex_destroy(&vm->lock);
	kfree(vm);
}

void qaccel_vm_put(struct qaccel_vm *vm)
{
	kref_put(&vm->ref, vm_release);
}

/* For remove: after it the page tables' memory is the driver's no more. */
void qaccel_vm_teardown_all(struct qaccel_device *qdev)
{
	struct qaccel_vm *vm;

	mutex_lock(&qdev->lists_lock);
	list_for_each_entry(vm, &qdev->vms, link)
		vm_teardown(vm);
	mutex_unlock(&qdev->lists_lock);
}

struct qaccel_vm *qaccel_vm_lookup(struct qaccel_file *file, u32 id)
{
	struct qaccel_vm *vm;

	xa_lock(&file->vms);
	vm = xa_load(&file->vms, id);
	if (vm)
		kref_get(&vm->ref);
	xa_unlock(&file->vms);

	return vm;
}

/* Under drm_dev_enter(), for the pool of page tables. */
static struct qaccel_vm *vm_create(struct qaccel_device *qdev)
{
	struct qaccel_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);

	if (!vm)
		return ERR_PTR(-ENOMEM);

	vm->resv = resv_create();
	if (!vm->resv)
		goto err_free;
	if (qaccel_mmu_init(&vm->mmu, qdev->pt_pool))
		goto err_put_resv;

	kref_init(&vm->ref);
	vm->qdev = qdev;
	vm->pid = task_tgid_nr(current);
	mutex_init(&vm->lock);
	INIT_LIST_HEAD(&vm->shared);
	hash_init(vm->shared_hash);
	drm_mm_init(&vm->mm, qdev->info.va_start, qdev->info.va_end - qdev->info.va_start);

	mutex_lock(&qdev->lists_lock);
	list_add_tail(&vm->link, &qdev->vms);
	mutex_unlock(&qdev->lists_lock);

	return vm;

err_put_resv:
	qaccel_resv_put(vm->resv);
err_free:
	kfree(vm);
	return ERR_PTR(-ENOMEM);
}

int qaccel_ioctl_vm_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct qaccel_file *qfile = file->driver_priv;
	struct drm_qaccel_vm_create *args = data;
	struct qaccel_vm *vm;
	int ret, idx;

	if (args->flags)
		return -EINVAL;

	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;

	vm = vm_create(to_qaccel_device(drm));
	if (IS_ERR(vm)) {
		ret = PTR_ERR(vm);
		goto out_exit;
	}

	ret = xa_alloc(&qfile->vms, &args->id, vm, XA_LIMIT(1, QACCEL_MAX_VMS), GFP_KERNEL);
	if (ret) {
		qaccel_vm_put(vm);
		ret = ret == -EBUSY ? -ENOSPC : ret;
	}

out_exit:
	drm_dev_exit(idx);
	return ret;
}

int qaccel_ioctl_vm_destroy(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct qaccel_file *qfile = file->driver_priv;
	struct drm_qaccel_vm_destroy *args = data;
	struct qaccel_vm *vm;

	if (args->pad)
		return -EINVAL;

	vm = xa_erase(&qfile->vms, args->id);
	if (!vm)
		return -ENOENT;

	qaccel_vm_put(vm);
	return 0;
}

/* -------------------------------------------------------------- VM_BIND -- */

/* What is known of an operation before any of them is done. */
struct bind_op {
	struct drm_qaccel_vm_bind_op user;
	/* Reference to what bo_handle stood for, or NULL. */
	struct drm_gem_object *obj;
	struct sg_table *sgt;
};

static int check_range(const struct qaccel_device *qdev, u64 start, u64 size)
{
	u64 end;

	if (!size || !IS_ALIGNED(start | size, QACCEL_PAGE_SIZE))
		return -EINVAL;
	if (check_add_overflow(start, size, &end))
		return -EINVAL;
	if (start < qdev->info.va_start || end > qdev->info.va_end)
		return -EINVAL;

	return 0;
}

static int op_map(struct qaccel_vm *vm, const struct bind_op *op, struct list_head *unmapped)
{
	const struct drm_qaccel_vm_bind_op *user = &op->user;
	struct drm_gem_object *obj = op->obj;
	struct mapping *m;
	int ret;

	if (!obj)
		return -ENOENT;
	if (!IS_ALIGNED(user->bo_offset, QACCEL_PAGE_SIZE) ||
	    user->bo_offset >= obj->size || user->size > obj->size - user->bo_offset)
		return -EINVAL;
	if (to_qaccel_bo(obj)->vm_resv && to_qaccel_bo(obj)->vm_resv != vm->resv)
		return -EINVAL;
	if (IS_ERR(op->sgt))
		return PTR_ERR(op->sgt);

	m = mapping_create(vm, to_qaccel_bo(obj), user);
	if (IS_ERR(m))
		return PTR_ERR(m);

	ret = map_sgt(vm, m, op->sgt, !(user->flags & DRM_QACCEL_VM_BIND_OP_READONLY));
	if (ret)
		mapping_remove(vm, m, unmapped);

	return ret;
}

static int op_unmap(struct qaccel_vm *vm, const struct drm_qaccel_vm_bind_op *user,
		    struct list_head *unmapped)
{
	struct drm_mm_node *node;

	if (user->bo_handle || user->bo_offset)
		return -EINVAL;

	drm_mm_for_each_node_in_range(node, &vm->mm, user->va, user->va + user->size) {
		if (node->start != user->va || node->size != user->size)
			return -EINVAL;
		mapping_remove(vm, container_of(node, struct mapping, node), unmapped);
		return 0;
	}

	return -EINVAL;
}

static int do_op(struct qaccel_vm *vm, const struct bind_op *op, struct list_head *unmapped)
{
	const struct drm_qaccel_vm_bind_op *user = &op->user;
	int ret = check_range(vm->qdev, user->va, user->size);

	if (ret)
		return ret;

	switch (user->flags) {
	case DRM_QACCEL_VM_BIND_OP_MAP:
	case DRM_QACCEL_VM_BIND_OP_MAP | DRM_QACCEL_VM_BIND_OP_READONLY:
		return op_map(vm, op, unmapped);
	case DRM_QACCEL_VM_BIND_OP_UNMAP:
		return op_unmap(vm, user, unmapped);
	default:
		return -EINVAL;
	}
}

/*
 * What may be interrupted comes first, as the call could not be restarted when
 * some operations are done. Other errors wait for their operation's turn.
 */
static int prepare_op(struct drm_file *file, struct bind_op *op)
{
	if (!(op->user.flags & DRM_QACCEL_VM_BIND_OP_MAP))
		return 0;

	op->obj = drm_gem_object_lookup(file, op->user.bo_handle);
	if (!op->obj)
		return 0;

	op->sgt = qaccel_bo_pin(to_qaccel_bo(op->obj));
	if (IS_ERR(op->sgt) && (PTR_ERR(op->sgt) == -EINTR || PTR_ERR(op->sgt) == -ERESTARTSYS))
		return PTR_ERR(op->sgt);

	return 0;
}

/* Returns how many operations are done in @done. */
static int do_ops(struct qaccel_vm *vm, struct bind_op *ops, u32 count, u32 *done)
{
	LIST_HEAD(unmapped);
	int ret = 0;
	u32 i;

	mutex_lock(&vm->lock);
	for (i = 0; i < count; i++) {
		const struct drm_qaccel_vm_bind_op *user = &ops[i].user;

		ret = do_op(vm, &ops[i], &unmapped);
		trace_qaccel_vm_bind(qaccel_vm_root(vm), user->flags, user->va, user->size, ret);
		if (ret)
			break;
	}
	/* Once for all of them; a page that was unmapped stays until then. */
	if (!list_empty(&unmapped)) {
		qaccel_tlb_flush(vm->qdev, qaccel_vm_root(vm));
		free_mappings(vm, &unmapped);
	}
	mutex_unlock(&vm->lock);

	*done = i;
	return ret;
}

static int bind_ops(struct qaccel_vm *vm, struct drm_file *file, struct bind_op *ops,
		    u32 count, u32 *done)
{
	int ret = 0;
	u32 i;

	for (i = 0; !ret && i < count; i++)
		ret = prepare_op(file, &ops[i]);
	if (!ret)
		ret = do_ops(vm, ops, count, done);

	for (i = 0; i < count; i++)
		if (ops[i].obj)
			drm_gem_object_put(ops[i].obj);

	return ret;
}

static struct bind_op *get_ops(const struct drm_qaccel_obj_array *array)
{
	struct drm_qaccel_vm_bind_op *user;
	struct bind_op *ops;
	u32 i;

	user = qaccel_get_objs(array, sizeof(*user), sizeof(*user), QACCEL_MAX_BIND_OPS);
	if (IS_ERR_OR_NULL(user))
		return ERR_CAST(user);

	ops = kvcalloc(array->count, sizeof(*ops), GFP_KERNEL_ACCOUNT);
	for (i = 0; ops && i < array->count; i++)
		ops[i].user = user[i];

	kvfree(user);
	return ops ?: ERR_PTR(-ENOMEM);
}

int qaccel_ioctl_vm_bind(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_qaccel_vm_bind *args = data;
	u32 done = args->ops.count;
	struct bind_op *ops;
	struct qaccel_vm *vm;
	int ret, idx;

	if (args->flags)
		return -EINVAL;

	ops = get_ops(&args->ops);
	if (IS_ERR(ops))
		return PTR_ERR(ops);

	vm = qaccel_vm_lookup(file->driver_priv, args->vm_id);
	if (!vm) {
		ret = -ENOENT;
		goto out_free;
	}

	if (drm_dev_enter(drm, &idx)) {
		ret = bind_ops(vm, file, ops, args->ops.count, &done);
		args->ops.count = done;
		drm_dev_exit(idx);
	} else {
		ret = -ENODEV;
	}
	qaccel_vm_put(vm);

out_free:
	kvfree(ops);
	return ret;
}

/* ----------------------------------------------------------- core dumps -- */

/**
 * qaccel_vm_peek() - read a few bytes as the device sees them
 * @vm: address space
 * @va: where from
 * @out: where to
 * @size: how much; the bytes must not cross a page
 *
 * Returns how many were read: none if nothing of ours is mapped there, or if
 * the VM is locked, which must not be waited for where this is used.
 */
size_t qaccel_vm_peek(struct qaccel_vm *vm, u64 va, void *out, size_t size)
{
	struct drm_mm_node *node;
	size_t done = 0;

	if (!mutex_trylock(&vm->lock))
		return 0;

	drm_mm_for_each_node_in_range(node, &vm->mm, va, va + size) {
		struct mapping *m = container_of(node, struct mapping, node);
		struct page **pages = m->bo->base.pages;
		u64 offset = va - node->start + m->bo_offset;

		if (!pages || va < node->start)
			break;
		memcpy_from_page(out, pages[offset >> PAGE_SHIFT], offset_in_page(offset), size);
		done = size;
		break;
	}

	mutex_unlock(&vm->lock);
	return done;
}
