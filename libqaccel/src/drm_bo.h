/* SPDX-License-Identifier: MIT */
/* Buffers of the device: created, mapped here and bound in a VM at once. */
#ifndef QACCEL_DRM_BO_H
#define QACCEL_DRM_BO_H

#include <stdbool.h>
#include <stdint.h>

struct qaccel_drm_bo {
	uint32_t handle;	/* 0: there is none */
	uint64_t size;		/* whole pages */
	void *map;
};

/*
 * A zeroed buffer of at least size bytes, private to the VM, bound at va.
 * readonly: for commands. On failure nothing is left.
 */
int qaccel_drm_bo_create(int fd, uint32_t vm, uint64_t size, uint64_t va,
			 bool readonly, struct qaccel_drm_bo *bo);
/* Its binding goes with the VM. */
void qaccel_drm_bo_destroy(int fd, struct qaccel_drm_bo *bo);

/*
 * An ioctl of the driver, restarted when interrupted. what: for the message of
 * the failure, which is -ENODEV, -ENOMEM, -ECANCELED, or -EIO for those that
 * should not happen.
 */
int qaccel_drm_ioctl(int fd, unsigned long request, void *arg,
		     const char *what);

#endif /* QACCEL_DRM_BO_H */
