// SPDX-License-Identifier: MIT
/*
 * The accelerator, through /dev/accel/accelN
 *
 * A device is an open node; a session is a VM with a queue of its own, the two
 * segments as buffers in it, and a syncobj. A run is one SUBMIT of one job, a
 * wait for the syncobj, and a look at the queue's state: the fence of a job
 * tells that it has ended, not how.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xf86drm.h>

#include "drm/qaccel_accel.h"

#include "backend.h"
#include "drm_bo.h"
#include "error.h"
#include "status.h"

#define DRIVER_NAME	"qaccel"

struct drm_device {
	int fd;
};

struct drm_session {
	int fd;
	uint32_t vm, queue, syncobj;	/* 0: there is none */
	struct qaccel_drm_bo constants, arena;
	struct qaccel_drm_bo perf;	/* with profile */
	struct drm_qaccel_queue_get_state last;	/* as of the last run's end */
	bool running;
};

/* ------------------------------------------------------------------- device -- */

static int open_node(const char *path, int *fd)
{
	*fd = open(path, O_RDWR | O_CLOEXEC);
	if (*fd >= 0)
		return 0;
	/* What the codes of open() mean here: see qaccel_device_open(). */
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return qaccel_error(ENOENT, "%s: no such device", path);
	case EACCES:
	case EPERM:
	case EROFS:
		return qaccel_error(EACCES, "%s: %s", path, strerror(errno));
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return qaccel_error(ENOMEM, "%s: %s", path, strerror(errno));
	default:
		return qaccel_error(ENODEV, "%s: %s", path, strerror(errno));
	}
}

static int check_driver(int fd, const char *path)
{
	drmVersionPtr version = drmGetVersion(fd);
	bool ours = version && version->name &&
		    !strcmp(version->name, DRIVER_NAME);

	drmFreeVersion(version);
	return ours ? 0 : qaccel_error(ENODEV, "%s: not a qaccel device", path);
}

static int query(int fd, uint32_t type, void *data, uint32_t size)
{
	struct drm_qaccel_dev_query args = {
		.type = type,
		.size = size,
		.pointer = (uintptr_t)data,
	};

	return qaccel_drm_ioctl(fd, DRM_IOCTL_QACCEL_DEV_QUERY, &args,
				"asking the device");
}

static int check_version(const struct drm_qaccel_dev_info *hw, const char *path)
{
	if (hw->hw_version >> 16 != QACCEL_HW_VERSION_MAJOR)
		return qaccel_error(EPROTO,
				    "%s: hardware version %u.%u, this library speaks %u",
				    path, hw->hw_version >> 16,
				    hw->hw_version & 0xffff,
				    QACCEL_HW_VERSION_MAJOR);
	/* Plans stand at fixed addresses. */
	if (hw->va_start > QACCEL_CONST_VA ||
	    hw->va_end < QACCEL_PERF_VA + QACCEL_SEGMENT_MAX)
		return qaccel_error(EPROTO,
				    "%s: addresses from 0x%llx to 0x%llx are not enough",
				    path, (unsigned long long)hw->va_start,
				    (unsigned long long)hw->va_end);
	return 0;
}

static void describe(struct qaccel_device *device,
		     const struct drm_qaccel_dev_info *hw)
{
	struct qaccel_device_info *info = &device->info;

	info->engines = hw->num_engines;
	info->hw_version = hw->hw_version;
	info->mac_rows = hw->mac_rows;
	info->mac_columns = hw->mac_columns;
	info->clock_khz = hw->clock_khz;
	info->dma_bytes_per_cycle = hw->dma_bytes_per_cycle;
	info->local_mem = hw->local_mem;
	device->target = (struct qaccel_target) {
		.opcodes = hw->opcodes,
		.layouts = hw->layouts,
		.max_stream = hw->max_stream,
		.local_mem = hw->local_mem,
	};
}

static int probe(struct qaccel_device *device, int fd, const char *path)
{
	struct drm_qaccel_dev_info hw;
	int ret = check_driver(fd, path);

	if (!ret)
		ret = query(fd, DRM_QACCEL_DEV_QUERY_INFO, &hw, sizeof(hw));
	if (!ret)
		ret = check_version(&hw, path);
	if (!ret)
		describe(device, &hw);
	return ret;
}

static int drm_open(struct qaccel_device *device, const char *name,
		    const struct qaccel_device_options *options)
{
	struct drm_device *drm = calloc(1, sizeof(*drm));
	int ret;

	(void)options;
	if (!drm)
		return qaccel_error(ENOMEM, "out of memory");
	ret = open_node(name, &drm->fd);
	if (!ret) {
		ret = probe(device, drm->fd, name);
		if (ret)
			close(drm->fd);
	}
	if (ret) {
		free(drm);
		return ret;
	}
	device->priv = drm;
	return 0;
}

static void drm_close(struct qaccel_device *device)
{
	struct drm_device *drm = device->priv;

	close(drm->fd);
	free(drm);
}

static int drm_get_counters(struct qaccel_device *device,
			    struct qaccel_counters *counters)
{
	struct drm_device *drm = device->priv;
	struct drm_qaccel_dev_counters hw;
	int ret = query(drm->fd, DRM_QACCEL_DEV_QUERY_COUNTERS, &hw,
			sizeof(hw));

	if (ret)
		return ret;
	*counters = (struct qaccel_counters) {
		.submits = hw.submits,
		.doorbells = hw.doorbells,
		.interrupts = hw.irqs,
		.jobs = hw.jobs,
		.commands = hw.commands,
		.faults = hw.faults,
		.cycles = hw.cycles,
		.macs = hw.macs,
		.bytes_read = hw.bytes_read,
		.bytes_written = hw.bytes_written,
	};
	return 0;
}

/* ---------------------------------------------------------- attach, detach -- */

static int create_vm(struct drm_session *drm)
{
	struct drm_qaccel_vm_create args = { 0 };
	int ret = qaccel_drm_ioctl(drm->fd, DRM_IOCTL_QACCEL_VM_CREATE, &args,
				   "creating an address space");

	drm->vm = args.id;
	return ret;
}

static int create_queue(struct drm_session *drm)
{
	struct drm_qaccel_queue_create args = {
		.vm_id = drm->vm,
		.priority = DRM_QACCEL_PRIORITY_NORMAL,
	};
	int ret = qaccel_drm_ioctl(drm->fd, DRM_IOCTL_QACCEL_QUEUE_CREATE,
				   &args, "creating a queue");

	drm->queue = args.id;
	return ret;
}

static int create_syncobj(struct drm_session *drm)
{
	int ret = drmSyncobjCreate(drm->fd, 0, &drm->syncobj);

	if (!ret)
		return 0;
	drm->syncobj = 0;
	return qaccel_error(errno == ENODEV ? ENODEV : ENOMEM,
			    "creating a syncobj: %s", strerror(errno));
}

static int create_memory(struct drm_session *drm, struct qaccel_session *s)
{
	const struct qaccel_plan *plan = s->plan;
	int ret = qaccel_drm_bo_create(drm->fd, drm->vm, plan->image_size,
				       QACCEL_CONST_VA, true, &drm->constants);

	if (ret)
		return ret;
	memcpy(drm->constants.map, plan->image, plan->image_size);
	/* A graph without operators has an arena of nothing. */
	ret = qaccel_drm_bo_create(drm->fd, drm->vm,
				   plan->arena_size ? plan->arena_size : 1,
				   QACCEL_ARENA_VA, false, &drm->arena);
	if (ret)
		return ret;
	s->constants = drm->constants.map;
	s->arena = drm->arena.map;
	if (!s->profile)
		return 0;
	return qaccel_drm_bo_create(drm->fd, drm->vm,
				    ((uint64_t)plan->num_cmds + 1) *
					    sizeof(struct qaccel_perf),
				    QACCEL_PERF_VA, false, &drm->perf);
}

static int wait_syncobj(const struct drm_session *drm, int64_t deadline_ns)
{
	uint32_t handle = drm->syncobj;
	int ret = drmSyncobjWait(drm->fd, &handle, 1, deadline_ns,
				 DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL, NULL);

	if (ret == -ETIME)
		return qaccel_error(EAGAIN, "the run has not ended");
	if (ret == -ENODEV)
		return qaccel_error(ENODEV, "the device is gone");
	return ret ? qaccel_error(EIO, "waiting: %s", strerror(-ret)) : 0;
}

static void destroy_queue(const struct drm_session *drm)
{
	struct drm_qaccel_queue_destroy args = { .id = drm->queue };

	if (drm->queue)
		drmIoctl(drm->fd, DRM_IOCTL_QACCEL_QUEUE_DESTROY, &args);
}

static void destroy_vm(const struct drm_session *drm)
{
	struct drm_qaccel_vm_destroy args = { .id = drm->vm };

	if (drm->vm)
		drmIoctl(drm->fd, DRM_IOCTL_QACCEL_VM_DESTROY, &args);
}

static void drm_detach(struct qaccel_session *session)
{
	struct drm_session *drm = session->priv;

	if (drm->running)
		wait_syncobj(drm, INT64_MAX);
	destroy_queue(drm);
	destroy_vm(drm);
	qaccel_drm_bo_destroy(drm->fd, &drm->constants);
	qaccel_drm_bo_destroy(drm->fd, &drm->arena);
	qaccel_drm_bo_destroy(drm->fd, &drm->perf);
	if (drm->syncobj)
		drmSyncobjDestroy(drm->fd, drm->syncobj);
	free(drm);
}

static int drm_attach(struct qaccel_session *session)
{
	const struct drm_device *device = session->device->priv;
	struct drm_session *drm = calloc(1, sizeof(*drm));
	int ret;

	if (!drm)
		return qaccel_error(ENOMEM, "out of memory");
	drm->fd = device->fd;
	session->priv = drm;
	ret = create_vm(drm);
	if (!ret)
		ret = create_memory(drm, session);
	if (!ret)
		ret = create_queue(drm);
	if (!ret)
		ret = create_syncobj(drm);
	if (ret)
		drm_detach(session);
	return ret;
}

/* --------------------------------------------------------------------- runs -- */

static int get_state(const struct drm_session *drm,
		     struct drm_qaccel_queue_get_state *state)
{
	memset(state, 0, sizeof(*state));
	state->queue_id = drm->queue;
	return qaccel_drm_ioctl(drm->fd, DRM_IOCTL_QACCEL_QUEUE_GET_STATE,
				state, "asking the queue");
}

/* What banned the queue, as an error. */
static int explain(const struct qaccel_session *session,
		   const struct drm_qaccel_queue_get_state *state)
{
	char where[96];

	qaccel_session_describe(session, state->fault_cmd, where, sizeof(where));
	if (state->state & DRM_QACCEL_QUEUE_STATE_TIMEDOUT)
		return qaccel_error(ETIME,
				    "%s made no progress and was stopped",
				    where);
	if (state->state & DRM_QACCEL_QUEUE_STATE_INNOCENT)
		return qaccel_error(EIO,
				    "the run was lost to a reset of the device that another one caused");
	if (state->fault_access)
		return qaccel_error(EIO, "%s: %s, %s at address 0x%llx", where,
				    qaccel_status_text(state->fault_status),
				    state->fault_access == QACCEL_ACCESS_WRITE ?
					    "writing" : "reading",
				    (unsigned long long)state->fault_va);
	return qaccel_error(EIO, "%s: %s", where,
			    qaccel_status_text(state->fault_status));
}

static int submit(struct drm_session *drm, const struct drm_qaccel_job *job)
{
	struct drm_qaccel_sync sync = {
		.flags = DRM_QACCEL_SYNC_SIGNAL,
		.handle = drm->syncobj,
	};
	struct drm_qaccel_submit args = {
		.queue_id = drm->queue,
		.jobs = {
			.stride = sizeof(*job),
			.count = 1,
			.array = (uintptr_t)job,
		},
		.syncs = {
			.stride = sizeof(sync),
			.count = 1,
			.array = (uintptr_t)&sync,
		},
	};

	return qaccel_drm_ioctl(drm->fd, DRM_IOCTL_QACCEL_SUBMIT, &args,
				"submitting a job");
}

static int drm_start(struct qaccel_session *session)
{
	struct drm_session *drm = session->priv;
	struct drm_qaccel_job job = {
		.stream_va = session->plan->stream_va,
		.stream_size = session->plan->stream_size,
	};
	int ret;

	if (session->profile) {
		job.flags = DRM_QACCEL_JOB_PERF | DRM_QACCEL_JOB_PERF_CMDS;
		job.perf_va = QACCEL_PERF_VA;
	}
	ret = submit(drm, &job);
	drm->running = !ret;
	return ret;
}

/* Counters of the queue are sums: a run's are what they grew by. */
static void set_stats(struct qaccel_session *session,
		      const struct drm_qaccel_queue_get_state *state)
{
	struct drm_session *drm = session->priv;

	session->stats = (struct qaccel_run_stats) {
		.elapsed_ns = (uint64_t)(qaccel_now_ns() -
					 session->started_ns),
		.cycles = state->cycles - drm->last.cycles,
		.macs = state->macs - drm->last.macs,
		.bytes_read = state->bytes_read - drm->last.bytes_read,
		.bytes_written = state->bytes_written - drm->last.bytes_written,
		.commands = session->plan->num_cmds,
	};
	drm->last = *state;
}

static void set_profile(struct qaccel_session *session)
{
	const struct drm_session *drm = session->priv;
	const struct qaccel_perf *job = drm->perf.map;

	session->stats.compute_cycles = job->compute_cycles;
	session->stats.dma_cycles = job->dma_cycles;
	for (uint32_t i = 0; i < session->plan->num_cmds; i++) {
		const struct qaccel_perf *perf = &job[1 + i];
		struct qaccel_op_stats *stats = &session->op_stats[i];

		stats->cycles = perf->cycles;
		stats->macs = perf->macs;
		stats->bytes_read = perf->bytes_read;
		stats->bytes_written = perf->bytes_written;
	}
}

static int drm_wait(struct qaccel_session *session, int64_t deadline_ns)
{
	struct drm_session *drm = session->priv;
	struct drm_qaccel_queue_get_state state;
	int ret = wait_syncobj(drm, deadline_ns);

	if (ret == -EAGAIN)
		return ret;
	drm->running = false;
	if (!ret)
		ret = get_state(drm, &state);
	if (ret)
		return ret;
	if (state.state)
		return explain(session, &state);
	set_stats(session, &state);
	if (session->profile)
		set_profile(session);
	return 0;
}

static int drm_fence(struct qaccel_session *session, int *fd)
{
	const struct drm_session *drm = session->priv;

	if (!drmSyncobjExportSyncFile(drm->fd, drm->syncobj, fd))
		return 0;
	return qaccel_error(errno == ENODEV ? ENODEV : EIO,
			    "exporting a fence: %s", strerror(errno));
}

const struct qaccel_backend qaccel_backend_drm = {
	.open = drm_open,
	.close = drm_close,
	.get_counters = drm_get_counters,
	.attach = drm_attach,
	.detach = drm_detach,
	.start = drm_start,
	.wait = drm_wait,
	.fence = drm_fence,
};
