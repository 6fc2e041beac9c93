/* SPDX-License-Identifier: MIT */
/*
 * Backends: where plans run
 *
 * device.c and session.c are the public face: they check arguments, keep
 * states, and know nothing of how a plan is run. A backend does that, and
 * nothing else. cpu: the interpreter in this process; drm: the accelerator.
 */
#ifndef QACCEL_BACKEND_H
#define QACCEL_BACKEND_H

#include <stdatomic.h>

#include "plan.h"

struct qaccel_session;

/* Functions return 0 or a negative errno with the last error set. */
struct qaccel_backend {
	/*
	 * Fills in device->info, target and priv. On failure nothing is left to
	 * close.
	 */
	int (*open)(struct qaccel_device *device, const char *name,
		    const struct qaccel_device_options *options);
	void (*close)(struct qaccel_device *device);
	int (*get_counters)(struct qaccel_device *device,
			    struct qaccel_counters *counters);
	/*
	 * Gives the session's plan its memory: uploads the image, zeroes the
	 * arena, sets session->constants, arena and priv.
	 */
	int (*attach)(struct qaccel_session *session);
	/* Waits for a run that is under way. */
	void (*detach)(struct qaccel_session *session);
	/* Starts a run; none is under way. */
	int (*start)(struct qaccel_session *session);
	/*
	 * Waits for it, until an absolute CLOCK_MONOTONIC time at most (-EAGAIN),
	 * and fills in session->stats and op_stats.
	 */
	int (*wait)(struct qaccel_session *session, int64_t deadline_ns);
	/* (optional) sync_file of the run that is under way. */
	int (*fence)(struct qaccel_session *session, int *fd);
};

extern const struct qaccel_backend qaccel_backend_cpu;
extern const struct qaccel_backend qaccel_backend_drm;

/* Constant once it is open: threads share it without a lock. */
struct qaccel_device {
	atomic_uint refs;		/* the handle and each session */
	const struct qaccel_backend *backend;
	struct qaccel_device_info info;
	struct qaccel_target target;
	void *priv;			/* the backend's */
};

enum qaccel_session_state {
	QACCEL_SESSION_IDLE,
	QACCEL_SESSION_RUNNING,		/* started, nobody saw it end */
	QACCEL_SESSION_FAILED,		/* takes no more runs */
};

struct qaccel_session {
	struct qaccel_device *device;
	struct qaccel_graph *graph;
	struct qaccel_plan *plan;	/* without its image: that is uploaded */
	bool keep_tensors;
	bool profile;
	bool has_run;			/* stats hold a run's */
	enum qaccel_session_state state;
	uint8_t *constants, *arena;	/* where this process sees the segments */
	int64_t started_ns;
	struct qaccel_run_stats stats;
	struct qaccel_op_stats *op_stats;	/* with profile: one per command */
	void *priv;			/* the backend's */
};

/* CLOCK_MONOTONIC. */
int64_t qaccel_now_ns(void);

void qaccel_device_ref(struct qaccel_device *device);
void qaccel_device_unref(struct qaccel_device *device);

/*
 * The environment's value of a setting; NULL if it is not set or empty. Thread
 * safe as far as getenv() is.
 */
const char *qaccel_env(const char *name);

/*
 * "command 3 (operator 1, CONV_2D)" of the session's plan, for messages;
 * buffer is size bytes and returned.
 */
const char *qaccel_session_describe(const struct qaccel_session *session,
				    uint32_t command, char *buffer,
				    size_t size);

#endif /* QACCEL_BACKEND_H */
