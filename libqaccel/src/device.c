// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"
#include "error.h"

/* Accel minors are at most this many. */
#define MAX_NODES	256

int64_t qaccel_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

const char *qaccel_env(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static int open_with(const struct qaccel_backend *backend,
		     const struct qaccel_device_options *options,
		     const char *name, struct qaccel_device **device)
{
	struct qaccel_device *dev = calloc(1, sizeof(*dev));
	int ret;

	if (!dev)
		return qaccel_error(ENOMEM, "out of memory");
	atomic_init(&dev->refs, 1);
	dev->backend = backend;
	snprintf(dev->info.name, sizeof(dev->info.name), "%s", name);
	ret = backend->open(dev, name, options);
	if (ret) {
		free(dev);
		return ret;
	}
	*device = dev;
	return 0;
}

static int open_named(const struct qaccel_device_options *options,
		      const char *name, struct qaccel_device **device)
{
	return open_with(strcmp(name, "cpu") ? &qaccel_backend_drm
					     : &qaccel_backend_cpu,
			 options, name, device);
}

/* The first node that opens; what is wrong with the others is nobody's matter. */
static int open_any(const struct qaccel_device_options *options,
		    struct qaccel_device **device)
{
	char path[sizeof("/dev/accel/accel") + 10];

	for (unsigned int i = 0; i < MAX_NODES; i++) {
		snprintf(path, sizeof(path), "/dev/accel/accel%u", i);
		if (!access(path, R_OK | W_OK) &&
		    !open_named(options, path, device))
			return 0;
	}
	return open_named(options, "cpu", device);
}

static bool options_known(const struct qaccel_device_options *options)
{
	if (!options)
		return true;
	for (size_t i = 0; i < sizeof(options->reserved) /
			       sizeof(options->reserved[0]); i++)
		if (options->reserved[i])
			return false;
	return !options->pad;
}

int qaccel_device_open(const struct qaccel_device_options *options,
		       const char *name, struct qaccel_device **device)
{
	static const struct qaccel_device_options defaults;

	if (!options_known(options))
		return qaccel_error(EINVAL, "device options that this version does not know");
	if (!options)
		options = &defaults;
	if (!name || !strcmp(name, "auto"))
		name = qaccel_env("QACCEL_DEVICE");
	if (!name || !strcmp(name, "auto"))
		return open_any(options, device);
	return open_named(options, name, device);
}

void qaccel_device_ref(struct qaccel_device *device)
{
	atomic_fetch_add(&device->refs, 1);
}

void qaccel_device_unref(struct qaccel_device *device)
{
	if (atomic_fetch_sub(&device->refs, 1) != 1)
		return;
	device->backend->close(device);
	free(device);
}

void qaccel_device_close(struct qaccel_device *device)
{
	if (device)
		qaccel_device_unref(device);
}

void qaccel_device_get_info(const struct qaccel_device *device,
			    struct qaccel_device_info *info)
{
	*info = device->info;
}

int qaccel_device_get_counters(struct qaccel_device *device,
			       struct qaccel_counters *counters)
{
	return device->backend->get_counters(device, counters);
}
