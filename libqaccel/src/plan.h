/* SPDX-License-Identifier: MIT */
/*
 * The plan: a graph compiled for a device
 *
 * A plan is a command stream and the memory that it runs in, two segments at
 * fixed device addresses:
 *
 *   constants  read-only: packed weights, channel records, constant operands,
 *              then the stream. Its contents are the plan's image.
 *   arena      read-write: activations, placed by lifetime. Inputs and outputs
 *              keep their place for the whole run, so that inputs persist.
 *
 * Made in four steps, a file each: plan_fuse.c decides which operators become
 * one command and which need none, plan_memory.c gives each tensor that is left
 * an address, lower_*.c turn operators into commands, and plan.c puts the image
 * together. A plan does not change once it is made.
 */
#ifndef QACCEL_PLAN_H
#define QACCEL_PLAN_H

#include "qaccel_hw.h"

#include "graph.h"

/* Device addresses of the segments, 64 GiB apart: none of them gets so large. */
#define QACCEL_CONST_VA		(UINT64_C(1) << 36)
#define QACCEL_ARENA_VA		(UINT64_C(2) << 36)
#define QACCEL_PERF_VA		(UINT64_C(3) << 36)	/* the backend's own */
#define QACCEL_SEGMENT_MAX	(UINT64_C(1) << 36)

/* Of tensors, weights and records in the segments. */
#define QACCEL_SEGMENT_ALIGN	64

/* struct qaccel_target - what the device that a plan is for can do */
struct qaccel_target {
	uint64_t opcodes;	/* bit n: opcode n */
	uint32_t layouts;	/* bit n: weight layout n */
	uint32_t max_stream;	/* bytes */
	uint64_t local_mem;	/* bytes that a command's operands may hold */
};

struct qaccel_plan {
	union qaccel_cmd *cmds;
	uint32_t num_cmds;		/* END included */
	uint32_t num_tensors;
	uint64_t *tensor_va;		/* of each tensor; 0: it has no memory */
	uint8_t *image;			/* contents of the constant segment */
	uint64_t image_size;
	uint64_t weights_size;		/* what of it stands before the stream */
	uint64_t stream_va;
	uint32_t stream_size;
	uint64_t arena_size;
	uint64_t arena_unshared;	/* without sharing by lifetime */
};

/*
 * Plans a checked graph. keep_tensors: no fusion, no aliases, no sharing.
 * -EOPNOTSUPP, -EOVERFLOW: see qaccel_session_create().
 */
int qaccel_plan_create(const struct qaccel_graph *graph,
		       const struct qaccel_target *target, bool keep_tensors,
		       struct qaccel_plan **plan);
void qaccel_plan_destroy(struct qaccel_plan *plan);

#endif /* QACCEL_PLAN_H */
