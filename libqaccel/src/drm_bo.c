// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <xf86drm.h>

#include "drm/qaccel_accel.h"

#include "drm_bo.h"
#include "error.h"

int qaccel_drm_ioctl(int fd, unsigned long request, void *arg, const char *what)
{
	if (!drmIoctl(fd, request, arg))
		return 0;
	switch (errno) {
	case ENODEV:
		return qaccel_error(ENODEV, "the device is gone");
	case ENOMEM:
	case ECANCELED:
		return qaccel_error(errno, "%s: %s", what, strerror(errno));
	default:
		return qaccel_error(EIO, "%s: %s", what, strerror(errno));
	}
}

static int create(int fd, uint32_t vm, uint64_t size, struct qaccel_drm_bo *bo)
{
	struct drm_qaccel_bo_create args = { .size = size, .vm_id = vm };
	int ret = qaccel_drm_ioctl(fd, DRM_IOCTL_QACCEL_BO_CREATE, &args,
				   "creating a buffer");

	if (ret)
		return ret;
	bo->handle = args.handle;
	bo->size = args.size;
	return 0;
}

static int map(int fd, struct qaccel_drm_bo *bo)
{
	struct drm_qaccel_bo_mmap_offset args = { .handle = bo->handle };
	void *memory;
	int ret = qaccel_drm_ioctl(fd, DRM_IOCTL_QACCEL_BO_MMAP_OFFSET, &args,
				   "mapping a buffer");

	if (ret)
		return ret;
	memory = mmap(NULL, bo->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		      (off_t)args.offset);
	if (memory == MAP_FAILED)
		return qaccel_error(errno == ENODEV ? ENODEV : ENOMEM,
				    "mapping a buffer: %s", strerror(errno));
	bo->map = memory;
	return 0;
}

static int bind_at(int fd, uint32_t vm, uint64_t va, bool readonly,
		   const struct qaccel_drm_bo *bo)
{
	struct drm_qaccel_vm_bind_op op = {
		.flags = DRM_QACCEL_VM_BIND_OP_MAP |
			 (readonly ? DRM_QACCEL_VM_BIND_OP_READONLY : 0u),
		.bo_handle = bo->handle,
		.va = va,
		.size = bo->size,
	};
	struct drm_qaccel_vm_bind args = {
		.vm_id = vm,
		.ops = {
			.stride = sizeof(op),
			.count = 1,
			.array = (uintptr_t)&op,
		},
	};

	return qaccel_drm_ioctl(fd, DRM_IOCTL_QACCEL_VM_BIND, &args,
				"binding a buffer");
}

int qaccel_drm_bo_create(int fd, uint32_t vm, uint64_t size, uint64_t va,
			 bool readonly, struct qaccel_drm_bo *bo)
{
	int ret;

	memset(bo, 0, sizeof(*bo));
	ret = create(fd, vm, size, bo);
	if (!ret)
		ret = map(fd, bo);
	if (!ret)
		ret = bind_at(fd, vm, va, readonly, bo);
	if (ret)
		qaccel_drm_bo_destroy(fd, bo);
	return ret;
}

void qaccel_drm_bo_destroy(int fd, struct qaccel_drm_bo *bo)
{
	if (bo->map)
		munmap(bo->map, bo->size);
	if (bo->handle)
		drmCloseBufferHandle(fd, bo->handle);
	memset(bo, 0, sizeof(*bo));
}
