/* SPDX-License-Identifier: MIT */
/*
 * The interpreter of command streams
 *
 * The only one there is: the device's engines run it behind their MMU, and
 * libqaccel's CPU backend runs it in process on plain memory. It copies each
 * command once, checks the copy completely, maps the operands through
 * qaccel_mem_ops and calls the kernels. Every byte of a stream is hostile.
 */
#ifndef QACCEL_INTERP_H
#define QACCEL_INTERP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qaccel_hw.h"

#ifdef __cplusplus
extern "C" {
#endif

struct qk_table;

/* struct qaccel_fault - why a run ended early */
struct qaccel_fault {
	uint32_t status;	/* enum qaccel_status */
	uint32_t access;	/* enum qaccel_access, for the address errors */
	uint64_t va;		/* first bad address, for the address errors */
};

/* struct qaccel_mem_ops - how the interpreter reaches memory */
struct qaccel_mem_ops {
	/*
	 * Gives [va, va + size) as one span of host memory, until release().
	 * access is READ (the span holds the bytes) or WRITE (what the span
	 * holds at release() is stored; its contents before are undefined, all
	 * of it gets written). READ | WRITE is for a destination with gaps that
	 * must stay as they are: writing needs to be allowed, reading not; if
	 * the span is not one piece of host memory in place, *host is set to
	 * NULL and the caller maps the rows one by one.
	 * size is not zero and va + size does not wrap.
	 * Returns false with *fault filled in (access and va included).
	 */
	bool (*map)(void *opaque, uint64_t va, uint64_t size,
		    enum qaccel_access access, void **host,
		    struct qaccel_fault *fault);
	/*
	 * Ends all spans mapped since the last release(). With commit, written
	 * spans that are not in place are stored; without, they are dropped.
	 * Returns false with *fault filled in if a store failed.
	 */
	bool (*release)(void *opaque, bool commit, struct qaccel_fault *fault);
};

/* struct qaccel_parallel - runs tasks side by side; the results never depend on how */
struct qaccel_parallel {
	/* Calls task(arg, i, worker) once for each i < count; worker < workers. */
	void (*run)(void *opaque,
		    void (*task)(void *arg, size_t index, unsigned int worker),
		    void *arg, size_t count);
	void *opaque;
	unsigned int workers;	/* at least 1 */
};

/*
 * struct qaccel_timing - the timing model of docs/hardware.md
 *
 * Never changes a result.
 */
struct qaccel_timing {
	uint32_t mac_rows;		/* reduction lanes */
	uint32_t mac_columns;		/* output channels at a time */
	uint32_t clock_khz;
	uint32_t dma_bytes_per_cycle;
};

#define QACCEL_TIMING_DEFAULT { 32, 32, 1000000, 16 }

/*
 * struct qaccel_workspace - memory that kernels work in, for several interpreters
 *
 * One at a time: an interpreter that finds it taken works in memory of its own. So
 * those that run one after the other need it once, and find it in the cache.
 */
struct qaccel_workspace;

/* For so many workers; NULL when out of memory. */
struct qaccel_workspace *qaccel_workspace_create(unsigned int workers);
void qaccel_workspace_destroy(struct qaccel_workspace *workspace);

struct qaccel_interp_config {
	const struct qk_table *kernels;
	const struct qaccel_mem_ops *mem;
	void *mem_opaque;
	/* NULL: one worker, the caller's thread. */
	const struct qaccel_parallel *parallel;
	/* Of at least as many workers; NULL: the interpreter's own alone. */
	struct qaccel_workspace *workspace;
	struct qaccel_timing timing;
	/* Largest sum of the operands' bytes of one command. */
	uint64_t local_mem;
	/*
	 * Called before each command with its validated copy; false ends the
	 * run with QACCEL_ERR_ABORTED. NULL: go on. No operand is mapped then.
	 */
	bool (*before)(void *opaque, uint32_t index, const union qaccel_cmd *cmd);
	/* Called after each command with its counters; NULL: nobody asks. */
	void (*after)(void *opaque, const struct qaccel_perf *perf);
	void *opaque;
};

struct qaccel_interp;

/* NULL when out of memory. The config is copied, what it points to must live. */
struct qaccel_interp *qaccel_interp_create(const struct qaccel_interp_config *config);
void qaccel_interp_destroy(struct qaccel_interp *interp);

/*
 * Runs the stream at [va, va + size). Returns the counters of the whole run in
 * *total (may be NULL) and the number of commands retired, END included;
 * fault->status is QACCEL_OK or why the command of that index failed. Commands
 * before it have taken effect; whether a failed one wrote a part of its output
 * is unspecified. Not to be called twice at once on one interpreter.
 */
uint32_t qaccel_interp_run(struct qaccel_interp *interp, uint64_t va,
			   uint32_t size, struct qaccel_perf *total,
			   struct qaccel_fault *fault);

/*
 * Checks one command as a run does, without its operands' memory. On success
 * returns QACCEL_OK.
 */
enum qaccel_status qaccel_cmd_validate(const union qaccel_cmd *cmd,
				       uint64_t local_mem);

/* struct qaccel_operand - one operand of a command */
struct qaccel_operand {
	uint64_t va;
	uint64_t size;
	enum qaccel_access access;
};

#define QACCEL_MAX_OPERANDS	4

/* Lists the operands of a validated command; returns how many. */
unsigned int qaccel_cmd_operands(const union qaccel_cmd *cmd,
				 struct qaccel_operand operands[QACCEL_MAX_OPERANDS]);

/* Counters of a validated command by the timing model; index and engine stay zero. */
void qaccel_cmd_timing(const struct qaccel_timing *timing,
		       const union qaccel_cmd *cmd, struct qaccel_perf *perf);

#ifdef __cplusplus
}
#endif

#endif /* QACCEL_INTERP_H */
