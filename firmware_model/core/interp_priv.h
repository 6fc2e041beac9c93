/* SPDX-License-Identifier: MIT */
/* What the files of the interpreter share. */
#ifndef QACCEL_INTERP_PRIV_H
#define QACCEL_INTERP_PRIV_H

#include "qaccel_interp.h"

/* Memory of one worker; grows, and is kept for the next command. */
struct qaccel_scratch {
	void *data;
	size_t size;
};

struct qaccel_interp {
	struct qaccel_interp_config config;
	struct qaccel_parallel parallel;
	struct qaccel_workspace *own;
	struct qaccel_scratch *scratch;		/* during a run, one per worker */
	bool cold;		/* before the first command of a run after others */
};

/*
 * The scratch of each worker, until it is given back. NULL: somebody has it.
 * *again: the last one who had it was the same user.
 */
struct qaccel_scratch *qaccel_workspace_take(struct qaccel_workspace *workspace,
					     const void *user, bool *again);
void qaccel_workspace_give(struct qaccel_workspace *workspace);

/* Makes *scratch hold size bytes, 64-byte aligned; contents are lost. */
bool qaccel_scratch_grow(struct qaccel_scratch *scratch, size_t size);

/* qaccel_cmd_validate() with the address of an address error. */
enum qaccel_status qaccel_cmd_check(const union qaccel_cmd *cmd,
				    uint64_t local_mem,
				    struct qaccel_fault *fault);

/*
 * Runs a validated command; the operands are mapped and released here. False
 * with *fault filled in.
 */
bool qaccel_cmd_execute(struct qaccel_interp *interp,
			const union qaccel_cmd *cmd,
			struct qaccel_fault *fault);

#endif /* QACCEL_INTERP_PRIV_H */
