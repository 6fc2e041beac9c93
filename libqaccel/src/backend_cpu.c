// SPDX-License-Identifier: MIT
/*
 * The CPU: the device's own interpreter, in this process
 *
 * A device is a pool of threads, the kernels of one ISA and memory that they work
 * in; a session is an interpreter and two pieces of plain memory. Several sessions
 * may run at once: the pool takes their commands in turn.
 */
#define _GNU_SOURCE		/* sched_getaffinity() */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pthreadpool.h>

#include "qaccel_interp.h"
#include "qk.h"

#include "backend.h"
#include "error.h"
#include "status.h"

#define MAX_THREADS	1024
#define PAGE		4096
#define HUGE_PAGE	(2u << 20)
/* Segments from this size on get some, of which the rest may stay unused. */
#define HUGE_PAGE_FROM	(64u << 10)

struct cpu_device {
	const struct qk_table *kernels;
	pthreadpool_t pool;		/* NULL: one thread, the caller's */
	struct qaccel_workspace *workspace;
	unsigned int threads;
	/* Of all sessions; each only grows. */
	atomic_uint_fast64_t jobs, commands, faults;
	atomic_uint_fast64_t macs, bytes_read, bytes_written;
};

struct cpu_session {
	struct qaccel_session *session;
	struct qaccel_interp *interp;
	struct qaccel_parallel parallel;
	uint64_t image_size, arena_size;
	int64_t command_started_ns, ended_ns;
	uint32_t commands;		/* retired by the last run */
	struct qaccel_fault fault;	/* and how it ended */
	struct qaccel_perf total;
};

/* ------------------------------------------------------------------ threads -- */

struct batch {
	void (*task)(void *arg, size_t index, unsigned int worker);
	void *arg;
	size_t count;
	atomic_size_t next;
};

/* The pool's own tasks are workers, so that each knows which one it is. */
static void run_worker(void *opaque, size_t worker)
{
	struct batch *batch = opaque;
	size_t i;

	while ((i = atomic_fetch_add(&batch->next, 1)) < batch->count)
		batch->task(batch->arg, i, (unsigned int)worker);
}

static void run_batch(void *opaque,
		      void (*task)(void *arg, size_t index, unsigned int worker),
		      void *arg, size_t count)
{
	const struct cpu_device *cpu = opaque;
	struct batch batch = { .task = task, .arg = arg, .count = count };

	if (!cpu->pool || count < 2)
		run_worker(&batch, 0);
	else
		pthreadpool_parallelize_1d(cpu->pool, run_worker, &batch,
					   count < cpu->threads ? count
								: cpu->threads,
					   0);
}

static unsigned int count_cpus(void)
{
	cpu_set_t set;
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	/* More than CPU_SETSIZE CPUs: the call fails. */
	if (!sched_getaffinity(0, sizeof(set), &set))
		return (unsigned int)CPU_COUNT(&set);
	return online > 0 ? (unsigned int)online : 1;
}

static int choose_threads(const struct qaccel_device_options *options,
			  unsigned int *threads)
{
	const char *env = qaccel_env("QACCEL_THREADS");
	unsigned long value = options->threads;
	char *end;

	if (!value && env) {
		value = strtoul(env, &end, 10);
		if (*end || !value)
			return qaccel_error(EINVAL,
					    "QACCEL_THREADS: not a number of threads: %s",
					    env);
	}
	if (!value) {
		value = count_cpus();
		value = value < MAX_THREADS ? value : MAX_THREADS;
	}
	if (value > MAX_THREADS)
		return qaccel_error(EINVAL, "%lu threads, at most %u are possible",
				    value, MAX_THREADS);
	*threads = (unsigned int)value;
	return 0;
}

/* ------------------------------------------------------------------- device -- */

static int choose_kernels(const struct qaccel_device_options *options,
			  const struct qk_table **kernels)
{
	const char *isa = options->isa ? options->isa : qaccel_env("QACCEL_ISA");

	*kernels = qk_select(isa);
	if (!*kernels)
		return qaccel_error(EINVAL, "this CPU has no ISA called %s",
				    isa ? isa : "ref");
	return 0;
}

static int create_workers(struct cpu_device *cpu)
{
	cpu->workspace = qaccel_workspace_create(cpu->threads);
	if (cpu->threads > 1)
		cpu->pool = pthreadpool_create(cpu->threads);
	return cpu->workspace && (cpu->threads == 1 || cpu->pool) ? 0 :
	       qaccel_error(ENOMEM, "out of memory");
}

static void destroy(struct cpu_device *cpu)
{
	if (cpu->pool)
		pthreadpool_destroy(cpu->pool);
	qaccel_workspace_destroy(cpu->workspace);
	free(cpu);
}

static void describe(struct qaccel_device *device, const struct cpu_device *cpu)
{
	struct qaccel_device_info *info = &device->info;

	info->is_cpu = true;
	snprintf(info->isa, sizeof(info->isa), "%s", cpu->kernels->name);
	info->threads = cpu->threads;
	info->engines = 1;
	info->hw_version = QACCEL_HW_VERSION_MAJOR << 16 |
			   QACCEL_HW_VERSION_MINOR;
	info->local_mem = UINT64_MAX;
	device->target = (struct qaccel_target) {
		.opcodes = (UINT64_C(1) << QACCEL_OP_COUNT) - 1,
		.layouts = 1u << QACCEL_LAYOUT_O16K4 | 1u << QACCEL_LAYOUT_C16,
		.max_stream = QACCEL_MAX_STREAM,
		.local_mem = UINT64_MAX,
	};
}

static int cpu_open(struct qaccel_device *device, const char *name,
		    const struct qaccel_device_options *options)
{
	struct cpu_device *cpu = calloc(1, sizeof(*cpu));
	int ret;

	(void)name;
	if (!cpu)
		return qaccel_error(ENOMEM, "out of memory");
	ret = choose_kernels(options, &cpu->kernels);
	if (!ret)
		ret = choose_threads(options, &cpu->threads);
	if (!ret)
		ret = create_workers(cpu);
	if (ret) {
		destroy(cpu);
		return ret;
	}
	describe(device, cpu);
	device->priv = cpu;
	return 0;
}

static void cpu_close(struct qaccel_device *device)
{
	destroy(device->priv);
}

static int cpu_get_counters(struct qaccel_device *device,
			    struct qaccel_counters *counters)
{
	struct cpu_device *cpu = device->priv;
	uint64_t jobs = atomic_load(&cpu->jobs);

	*counters = (struct qaccel_counters) {
		.submits = jobs,
		.jobs = jobs,
		.commands = atomic_load(&cpu->commands),
		.faults = atomic_load(&cpu->faults),
		.macs = atomic_load(&cpu->macs),
		.bytes_read = atomic_load(&cpu->bytes_read),
		.bytes_written = atomic_load(&cpu->bytes_written),
	};
	return 0;
}

/* ------------------------------------------------------------------- memory -- */

/* Whether [va, va + size) begins in the segment; *left: bytes from va on. */
static bool in_segment(uint64_t va, uint64_t base, uint64_t size, uint64_t *left)
{
	if (va < base || va - base >= size)
		return false;
	*left = size - (va - base);
	return true;
}

static bool refuse(struct qaccel_fault *fault, enum qaccel_status status,
		   enum qaccel_access access, uint64_t va)
{
	fault->status = status;
	fault->access = access;
	fault->va = va;
	return false;
}

static bool cpu_map(void *opaque, uint64_t va, uint64_t size,
		    enum qaccel_access access, void **host,
		    struct qaccel_fault *fault)
{
	const struct cpu_session *cpu = opaque;
	const struct qaccel_session *s = cpu->session;
	uint64_t left;

	if (in_segment(va, QACCEL_ARENA_VA, cpu->arena_size, &left)) {
		*host = s->arena + (va - QACCEL_ARENA_VA);
	} else if (in_segment(va, QACCEL_CONST_VA, cpu->image_size, &left)) {
		if (access == QACCEL_ACCESS_WRITE)
			return refuse(fault, QACCEL_ERR_PERMISSION, access, va);
		*host = s->constants + (va - QACCEL_CONST_VA);
	} else {
		return refuse(fault, QACCEL_ERR_TRANSLATION, access, va);
	}
	if (size > left)
		return refuse(fault, QACCEL_ERR_TRANSLATION, access, va + left);
	return true;
}

/* All spans are in place. */
static bool cpu_release(void *opaque, bool commit, struct qaccel_fault *fault)
{
	(void)opaque;
	(void)commit;
	(void)fault;
	return true;
}

static const struct qaccel_mem_ops cpu_mem_ops = {
	.map = cpu_map,
	.release = cpu_release,
};

/*
 * Weights are read once a run, so that small pages would miss the TLB all the
 * time; several sessions compete for it even if each is small. Asked for before
 * the first touch; no matter if the kernel declines.
 */
static uint8_t *alloc_segment(uint64_t size)
{
	uint64_t page = size >= HUGE_PAGE_FROM ? HUGE_PAGE : PAGE;
	uint64_t room = (size + page - 1) & ~(page - 1);
	uint8_t *memory = aligned_alloc(page, room ? room : PAGE);

	if (!memory)
		return NULL;
	if (page == HUGE_PAGE)
		madvise(memory, room, MADV_HUGEPAGE);
	memset(memory, 0, room);
	return memory;
}

/* --------------------------------------------------------------------- runs -- */

static bool before_command(void *opaque, uint32_t index,
			   const union qaccel_cmd *cmd)
{
	struct cpu_session *cpu = opaque;

	(void)index;
	(void)cmd;
	cpu->command_started_ns = qaccel_now_ns();
	return true;
}

static void after_command(void *opaque, const struct qaccel_perf *perf)
{
	struct cpu_session *cpu = opaque;
	struct qaccel_op_stats *stats = &cpu->session->op_stats[perf->cmd_index];

	stats->elapsed_ns = (uint64_t)(qaccel_now_ns() -
				       cpu->command_started_ns);
	stats->macs = perf->macs;
	stats->bytes_read = perf->bytes_read;
	stats->bytes_written = perf->bytes_written;
}

static int create_interp(struct cpu_session *cpu, struct cpu_device *device)
{
	struct qaccel_interp_config config = {
		.kernels = device->kernels,
		.mem = &cpu_mem_ops,
		.mem_opaque = cpu,
		.parallel = &cpu->parallel,
		.workspace = device->workspace,
		.timing = QACCEL_TIMING_DEFAULT,
		.local_mem = UINT64_MAX,
		.opaque = cpu,
	};

	cpu->parallel = (struct qaccel_parallel) {
		.run = run_batch,
		.opaque = device,
		.workers = device->threads,
	};
	if (cpu->session->profile) {
		config.before = before_command;
		config.after = after_command;
	}
	cpu->interp = qaccel_interp_create(&config);
	return cpu->interp ? 0 : -ENOMEM;
}

static void cpu_detach(struct qaccel_session *session)
{
	struct cpu_session *cpu = session->priv;

	qaccel_interp_destroy(cpu->interp);
	free(session->constants);
	free(session->arena);
	free(cpu);
}

static int create_memory(struct qaccel_session *session)
{
	const struct qaccel_plan *plan = session->plan;

	session->constants = alloc_segment(plan->image_size);
	session->arena = alloc_segment(plan->arena_size);
	if (!session->constants || !session->arena)
		return -ENOMEM;
	memcpy(session->constants, plan->image, plan->image_size);
	return 0;
}

static int cpu_attach(struct qaccel_session *session)
{
	struct cpu_session *cpu = calloc(1, sizeof(*cpu));
	int ret;

	if (!cpu)
		return qaccel_error(ENOMEM, "out of memory");
	session->priv = cpu;
	cpu->session = session;
	cpu->image_size = session->plan->image_size;
	cpu->arena_size = session->plan->arena_size;
	ret = create_memory(session);
	if (!ret)
		ret = create_interp(cpu, session->device->priv);
	if (!ret)
		return 0;
	cpu_detach(session);
	return qaccel_error(ENOMEM, "out of memory");
}

static void count(struct cpu_device *device, const struct cpu_session *cpu)
{
	atomic_fetch_add(&device->jobs, 1);
	atomic_fetch_add(&device->commands, cpu->commands);
	atomic_fetch_add(&device->faults, cpu->fault.status != QACCEL_OK);
	atomic_fetch_add(&device->macs, cpu->total.macs);
	atomic_fetch_add(&device->bytes_read, cpu->total.bytes_read);
	atomic_fetch_add(&device->bytes_written, cpu->total.bytes_written);
}

/* Does the whole work; wait tells how it went. */
static int cpu_start(struct qaccel_session *session)
{
	struct cpu_session *cpu = session->priv;
	const struct qaccel_plan *plan = session->plan;

	cpu->commands = qaccel_interp_run(cpu->interp, plan->stream_va,
					  plan->stream_size, &cpu->total,
					  &cpu->fault);
	cpu->ended_ns = qaccel_now_ns();
	count(session->device->priv, cpu);
	return 0;
}

static int explain(const struct cpu_session *cpu)
{
	const struct qaccel_fault *fault = &cpu->fault;
	char where[96];

	/* There is no limit here but the scratch memory of the interpreter. */
	if (fault->status == QACCEL_ERR_LOCAL_MEM)
		return qaccel_error(ENOMEM, "out of memory");
	qaccel_session_describe(cpu->session, cpu->commands, where,
				sizeof(where));
	if (!fault->access)
		return qaccel_error(EIO, "%s: %s", where,
				    qaccel_status_text(fault->status));
	return qaccel_error(EIO, "%s: %s at address 0x%llx", where,
			    qaccel_status_text(fault->status),
			    (unsigned long long)fault->va);
}

static int cpu_wait(struct qaccel_session *session, int64_t deadline_ns)
{
	struct cpu_session *cpu = session->priv;

	(void)deadline_ns;
	if (cpu->fault.status != QACCEL_OK)
		return explain(cpu);
	session->stats = (struct qaccel_run_stats) {
		.elapsed_ns = (uint64_t)(cpu->ended_ns - session->started_ns),
		.macs = cpu->total.macs,
		.bytes_read = cpu->total.bytes_read,
		.bytes_written = cpu->total.bytes_written,
		.commands = cpu->commands,
	};
	return 0;
}

const struct qaccel_backend qaccel_backend_cpu = {
	.open = cpu_open,
	.close = cpu_close,
	.get_counters = cpu_get_counters,
	.attach = cpu_attach,
	.detach = cpu_detach,
	.start = cpu_start,
	.wait = cpu_wait,
};
