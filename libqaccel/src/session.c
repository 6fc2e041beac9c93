// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "error.h"
#include "status.h"

/* ---------------------------------------------------------- create, destroy -- */

/* What a failed creation left, or a whole session but for its device memory. */
static void release(struct qaccel_session *s)
{
	qaccel_plan_destroy(s->plan);
	free(s->op_stats);
	qaccel_graph_unref(s->graph);
	qaccel_device_unref(s->device);
	free(s);
}

/* Names the commands once, so that a run only fills in numbers. */
static int create_op_stats(struct qaccel_session *s)
{
	const struct qaccel_plan *plan = s->plan;

	s->op_stats = calloc(plan->num_cmds, sizeof(*s->op_stats));
	if (!s->op_stats)
		return qaccel_error(ENOMEM, "out of memory");
	for (uint32_t i = 0; i < plan->num_cmds; i++) {
		s->op_stats[i].op = plan->cmds[i].hdr.tag;
		s->op_stats[i].command =
			qaccel_opcode_name(plan->cmds[i].hdr.opcode);
	}
	return 0;
}

static int set_up(struct qaccel_session *s)
{
	int ret = qaccel_plan_create(s->graph, &s->device->target,
				     s->keep_tensors, &s->plan);

	if (!ret && s->profile)
		ret = create_op_stats(s);
	if (!ret)
		ret = s->device->backend->attach(s);
	if (ret)
		return ret;
	free(s->plan->image);
	s->plan->image = NULL;
	return 0;
}

static bool options_known(const struct qaccel_session_options *options)
{
	static const struct qaccel_session_options zero;

	return !memcmp(options->pad, zero.pad, sizeof(zero.pad)) &&
	       !memcmp(options->reserved, zero.reserved, sizeof(zero.reserved));
}

int qaccel_session_create(struct qaccel_device *device,
			  const struct qaccel_model *model,
			  const struct qaccel_session_options *options,
			  struct qaccel_session **session)
{
	static const struct qaccel_session_options defaults;
	struct qaccel_session *s;
	int ret;

	if (!options)
		options = &defaults;
	if (!options_known(options))
		return qaccel_error(EINVAL, "session options that this version does not know");
	if (model->graph->real)
		return qaccel_error(EOPNOTSUPP, "a float model can't be run, but be quantized");
	s = calloc(1, sizeof(*s));
	if (!s)
		return qaccel_error(ENOMEM, "out of memory");
	s->device = device;
	qaccel_device_ref(device);
	s->graph = qaccel_graph_ref(model->graph);
	s->keep_tensors = options->keep_tensors;
	s->profile = options->profile;
	ret = set_up(s);
	if (ret) {
		release(s);
		return ret;
	}
	*session = s;
	return 0;
}

void qaccel_session_destroy(struct qaccel_session *session)
{
	if (!session)
		return;
	session->device->backend->detach(session);
	release(session);
}

/* ------------------------------------------------------------------ tensors -- */

static void *tensor_memory(const struct qaccel_session *s, uint32_t tensor)
{
	uint64_t va = s->plan->tensor_va[tensor];

	if (va >= QACCEL_ARENA_VA)
		return s->arena + (va - QACCEL_ARENA_VA);
	return va ? s->constants + (va - QACCEL_CONST_VA) : NULL;
}

void *qaccel_session_input(struct qaccel_session *session, uint32_t i)
{
	const struct qaccel_graph *graph = session->graph;

	return i < graph->num_inputs ?
		       tensor_memory(session, graph->inputs[i]) : NULL;
}

const void *qaccel_session_output(struct qaccel_session *session, uint32_t i)
{
	const struct qaccel_graph *graph = session->graph;

	return i < graph->num_outputs ?
		       tensor_memory(session, graph->outputs[i]) : NULL;
}

static bool contains(const uint32_t *tensors, uint32_t count, uint32_t tensor)
{
	for (uint32_t i = 0; i < count; i++)
		if (tensors[i] == tensor)
			return true;
	return false;
}

const void *qaccel_session_tensor(struct qaccel_session *session,
				  uint32_t index)
{
	const struct qaccel_graph *graph = session->graph;

	if (index >= graph->num_tensors)
		return NULL;
	if (!session->keep_tensors &&
	    !contains(graph->inputs, graph->num_inputs, index) &&
	    !contains(graph->outputs, graph->num_outputs, index))
		return NULL;
	return tensor_memory(session, index);
}

/* --------------------------------------------------------------------- runs -- */

const char *qaccel_session_describe(const struct qaccel_session *session,
				    uint32_t command, char *buffer, size_t size)
{
	const struct qaccel_plan *plan = session->plan;
	uint32_t op = command < plan->num_cmds ? plan->cmds[command].hdr.tag
					       : UINT32_MAX;

	if (op < session->graph->num_ops)
		snprintf(buffer, size, "command %u (operator %u, %s)", command,
			 op, session->graph->ops[op].name);
	else
		snprintf(buffer, size, "command %u", command);
	return buffer;
}

int qaccel_session_start(struct qaccel_session *session)
{
	int ret;

	if (session->state == QACCEL_SESSION_RUNNING)
		return qaccel_error(EBUSY, "a run is under way");
	if (session->state == QACCEL_SESSION_FAILED)
		return qaccel_error(ECANCELED, "the session failed before");
	session->started_ns = qaccel_now_ns();
	ret = session->device->backend->start(session);
	if (!ret)
		session->state = QACCEL_SESSION_RUNNING;
	else if (ret != -ENOMEM)
		session->state = QACCEL_SESSION_FAILED;
	return ret;
}

static int64_t deadline(int64_t timeout_ns)
{
	int64_t now = qaccel_now_ns();

	return timeout_ns < 0 || timeout_ns > INT64_MAX - now ? INT64_MAX
							      : now + timeout_ns;
}

static double utilization(const struct qaccel_session *s)
{
	const struct qaccel_device_info *info = &s->device->info;
	double possible = (double)s->stats.cycles * info->mac_rows *
			  info->mac_columns;

	return possible > 0 ? (double)s->stats.macs / possible : 0;
}

int qaccel_session_wait(struct qaccel_session *session, int64_t timeout_ns)
{
	int ret;

	if (session->state != QACCEL_SESSION_RUNNING)
		return qaccel_error(EINVAL, "no run was started");
	ret = session->device->backend->wait(session, deadline(timeout_ns));
	if (ret == -EAGAIN)
		return ret;
	if (ret) {
		/* Short of memory is not broken: the next run may do better. */
		session->state = ret == -ENOMEM ? QACCEL_SESSION_IDLE
						: QACCEL_SESSION_FAILED;
		return ret;
	}
	session->stats.utilization = utilization(session);
	session->state = QACCEL_SESSION_IDLE;
	session->has_run = true;
	return 0;
}

int qaccel_session_run(struct qaccel_session *session)
{
	int ret = qaccel_session_start(session);

	return ret ? ret : qaccel_session_wait(session, -1);
}

int qaccel_session_fence(struct qaccel_session *session, int *fd)
{
	if (!session->device->backend->fence)
		return qaccel_error(EOPNOTSUPP, "%s has no fences",
				    session->device->info.name);
	if (session->state != QACCEL_SESSION_RUNNING)
		return qaccel_error(EINVAL, "no run was started");
	return session->device->backend->fence(session, fd);
}

/* --------------------------------------------------------------- statistics -- */

void qaccel_session_stats(const struct qaccel_session *session,
			  struct qaccel_run_stats *stats)
{
	*stats = session->stats;
}

uint32_t qaccel_session_num_commands(const struct qaccel_session *session)
{
	return session->plan->num_cmds;
}

int qaccel_session_op_stats(const struct qaccel_session *session,
			    uint32_t command, struct qaccel_op_stats *stats)
{
	if (!session->profile || !session->has_run)
		return qaccel_error(EINVAL, session->profile ?
					    "the session has not run" :
					    "the session has no profile");
	if (command >= session->plan->num_cmds)
		return qaccel_error(ERANGE, "no command %u", command);
	*stats = session->op_stats[command];
	return 0;
}

void qaccel_session_get_info(const struct qaccel_session *session,
			     struct qaccel_session_info *info)
{
	const struct qaccel_plan *plan = session->plan;

	*info = (struct qaccel_session_info) {
		.weights = plan->weights_size,
		.arena = plan->arena_size,
		.arena_unshared = plan->arena_unshared,
		.stream = plan->stream_size,
		.commands = plan->num_cmds,
	};
}
