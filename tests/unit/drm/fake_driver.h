/* SPDX-License-Identifier: MIT */
/*
 * A driver in this process, behind libdrm's functions
 *
 * The node FAKE_NODE is a memfd that holds all buffers; SUBMIT runs the stream
 * with the interpreter at once, through the VM's bindings. There is one VM, one
 * queue and one syncobj at a time.
 */
#ifndef FAKE_DRIVER_H
#define FAKE_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "drm/qaccel_accel.h"

#define FAKE_NODE	"/dev/accel/fake"

struct fake_driver {
	/* What a test sets. */
	struct drm_qaccel_dev_info info;
	const char *name;		/* of the driver */
	unsigned long fail_request;	/* this ioctl fails with fail_errno */
	int fail_errno;
	bool never_ends;		/* waits time out */
	struct drm_qaccel_queue_get_state verdict;	/* if its state is not 0 */

	/* What it sees. */
	unsigned int vms, queues, syncobjs, buffers;	/* that exist */
	unsigned int submits, ioctls;
};

extern struct fake_driver fake;

/* Power on: no objects, no failures, a device like QEMU's. */
void fake_driver_reset(void);

#endif /* FAKE_DRIVER_H */
