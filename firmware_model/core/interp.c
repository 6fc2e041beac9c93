// SPDX-License-Identifier: MIT
/* Walks a command stream. */
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "interp_priv.h"

static void run_serially(void *opaque,
			 void (*task)(void *arg, size_t index,
				      unsigned int worker),
			 void *arg, size_t count)
{
	(void)opaque;
	for (size_t i = 0; i < count; i++)
		task(arg, i, 0);
}

static const struct qaccel_parallel serial = {
	.run = run_serially,
	.workers = 1,
};

struct qaccel_interp *
qaccel_interp_create(const struct qaccel_interp_config *config)
{
	struct qaccel_interp *interp = calloc(1, sizeof(*interp));

	if (!interp)
		return NULL;
	interp->config = *config;
	interp->parallel = config->parallel ? *config->parallel : serial;
	interp->own = qaccel_workspace_create(interp->parallel.workers);
	if (!interp->own) {
		free(interp);
		return NULL;
	}
	return interp;
}

void qaccel_interp_destroy(struct qaccel_interp *interp)
{
	if (!interp)
		return;
	qaccel_workspace_destroy(interp->own);
	free(interp);
}

static bool fail(struct qaccel_fault *fault, enum qaccel_status status)
{
	fault->status = status;
	fault->va = 0;
	fault->access = 0;
	return false;
}

static bool check_stream(uint64_t va, uint32_t size, struct qaccel_fault *fault)
{
	const uint64_t end = UINT64_C(1) << QACCEL_VA_BITS;

	if (!size || size > QACCEL_MAX_STREAM || size % QACCEL_CMD_SIZE)
		return fail(fault, QACCEL_ERR_STREAM);
	if (va % QACCEL_CMD_SIZE == 0 && va < end && size <= end - va)
		return true;
	fault->status = QACCEL_ERR_ADDRESS;
	fault->access = QACCEL_ACCESS_READ;
	fault->va = va % QACCEL_CMD_SIZE || va >= end ? va : end;
	return false;
}

/* The one look at the command's memory; everything else works on the copy. */
static bool fetch(struct qaccel_interp *interp, uint64_t va,
		  union qaccel_cmd *cmd, struct qaccel_fault *fault)
{
	const struct qaccel_interp_config *config = &interp->config;
	struct qaccel_fault ignored;
	void *host;

	if (!config->mem->map(config->mem_opaque, va, sizeof(*cmd),
			      QACCEL_ACCESS_READ, &host, fault)) {
		config->mem->release(config->mem_opaque, false, &ignored);
		return false;
	}
	memcpy(cmd, host, sizeof(*cmd));
	return config->mem->release(config->mem_opaque, true, fault);
}

static void accumulate(struct qaccel_perf *total,
		       const struct qaccel_perf *perf)
{
	total->cmd_index++;
	total->cycles = qaccel_sat_add(total->cycles, perf->cycles);
	total->compute_cycles = qaccel_sat_add(total->compute_cycles,
					       perf->compute_cycles);
	total->dma_cycles = qaccel_sat_add(total->dma_cycles, perf->dma_cycles);
	total->macs = qaccel_sat_add(total->macs, perf->macs);
	total->bytes_read = qaccel_sat_add(total->bytes_read, perf->bytes_read);
	total->bytes_written = qaccel_sat_add(total->bytes_written,
					      perf->bytes_written);
}

/* END stands at the end, and only there. */
static bool end_in_place(const union qaccel_cmd *cmd, bool last)
{
	return (cmd->hdr.opcode == QACCEL_OP_END) == last;
}

static bool run_command(struct qaccel_interp *interp, uint64_t va,
			uint32_t index, bool last, struct qaccel_perf *total,
			struct qaccel_fault *fault)
{
	const struct qaccel_interp_config *config = &interp->config;
	struct qaccel_perf perf;
	union qaccel_cmd cmd;

	if (!fetch(interp, va, &cmd, fault))
		return false;
	if (!end_in_place(&cmd, last))
		return fail(fault, QACCEL_ERR_STREAM);
	if (qaccel_cmd_check(&cmd, config->local_mem, fault) != QACCEL_OK)
		return false;
	if (config->before && !config->before(config->opaque, index, &cmd))
		return fail(fault, QACCEL_ERR_ABORTED);
	if (!qaccel_cmd_execute(interp, &cmd, fault))
		return false;
	/* From now on inputs are what a command before has just written. */
	interp->cold = false;
	qaccel_cmd_timing(&config->timing, &cmd, &perf);
	perf.cmd_index = index;
	accumulate(total, &perf);
	if (config->after)
		config->after(config->opaque, &perf);
	return true;
}

static uint32_t run_commands(struct qaccel_interp *interp, uint64_t va,
			     uint32_t count, struct qaccel_perf *total,
			     struct qaccel_fault *fault)
{
	uint32_t i = 0;

	fail(fault, QACCEL_OK);
	while (i < count && run_command(interp, va, i, i + 1 == count, total,
					fault)) {
		va += QACCEL_CMD_SIZE;
		i++;
	}
	return i;
}

/*
 * The shared one is the better one: the last run left it in the cache. If that was
 * somebody else's run, it pushed out what this one works on.
 */
static struct qaccel_workspace *take_workspace(struct qaccel_interp *interp)
{
	struct qaccel_workspace *w = interp->config.workspace;
	bool again = false;

	interp->scratch = w ? qaccel_workspace_take(w, interp, &again) : NULL;
	if (!interp->scratch) {
		w = interp->own;
		interp->scratch = qaccel_workspace_take(w, interp, &again);
	}
	interp->cold = !again;
	return w;
}

uint32_t qaccel_interp_run(struct qaccel_interp *interp, uint64_t va,
			   uint32_t size, struct qaccel_perf *total,
			   struct qaccel_fault *fault)
{
	struct qaccel_perf sum = { 0 };
	uint32_t retired = 0;

	if (check_stream(va, size, fault)) {
		struct qaccel_workspace *w = take_workspace(interp);

		retired = run_commands(interp, va, size / QACCEL_CMD_SIZE,
				       &sum, fault);
		qaccel_workspace_give(w);
	}
	if (total)
		*total = sum;
	return retired;
}
