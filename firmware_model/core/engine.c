// SPDX-License-Identifier: MIT
/*
 * Engines: a thread each, which takes jobs from its queues and runs them
 *
 * A reset sets `abort`. The thread sees it at the next tile, translation or
 * lock, and drops the job: from then on it touches no memory, and nobody hears
 * of the job again. Once the fence is written the job is complete instead.
 */
#include <string.h>

#include "device.h"

/* Root of a job whose ring entry was not read yet: no address space has it. */
#define NO_ROOT		UINT64_MAX
/* What a corrupted status reads: no enum qaccel_status. */
#define BAD_STATUS	0xffu

static uint64_t pair(uint32_t high, uint32_t low)
{
	return (uint64_t)high << 32 | low;
}

static bool aborted(const struct qaccel_engine *engine)
{
	return atomic_load_explicit(&engine->abort, memory_order_relaxed);
}

void qaccel_engine_abort(struct qaccel_engine *engine)
{
	if (!engine->busy)
		return;
	atomic_store_explicit(&engine->abort, true, memory_order_relaxed);
	pthread_cond_broadcast(&engine->wake);
}

uint32_t qaccel_engine_status(struct qaccel_device *dev, unsigned int e)
{
	const struct qaccel_engine *engine = &dev->engines[e];
	bool resetting = engine->resetting || engine->device_resetting ||
			 engine->stuck;

	return (engine->busy ? QACCEL_ENGINE_BUSY | engine->queue << 8 : 0) |
	       (resetting ? QACCEL_ENGINE_RESET_BUSY : 0);
}

/* ------------------------------------------------------------ commands -- */

/* Gives the cache's counts to the device. Under the lock. */
static void count_translations(struct qaccel_engine *engine)
{
	struct qaccel_mmu *mmu = &engine->dma.mmu;

	qaccel_count(engine->dev, QACCEL_REG_CNT_TLB_HITS, mmu->hits);
	qaccel_count(engine->dev, QACCEL_REG_CNT_TLB_MISSES, mmu->misses);
	mmu->hits = 0;
	mmu->misses = 0;
}

/* Waits with no memory in use; until 0: for whatever wakes it. */
static void park(struct qaccel_engine *engine, uint64_t until)
{
	struct qaccel_device *dev = engine->dev;

	engine->parked = true;
	qaccel_tlb_boundary(engine);
	pthread_cond_broadcast(&dev->idle);
	if (until)
		qaccel_wait_until(&engine->wake, &dev->lock, until);
	else
		pthread_cond_wait(&engine->wake, &dev->lock);
	engine->parked = false;
}

static bool wait_to_go(struct qaccel_engine *engine, bool hang, uint64_t until)
{
	while (!aborted(engine)) {
		bool hold = hang || engine->dev->paused;

		if (!hold && (!until || qaccel_now_ns() >= until))
			return true;
		park(engine, hold ? 0 : until);
	}
	return false;
}

static bool hits(uint32_t knob, uint32_t tag)
{
	return knob && knob == tag;
}

static bool before_command(void *opaque, uint32_t index,
			   const union qaccel_cmd *cmd)
{
	struct qaccel_engine *engine = opaque;
	struct qaccel_device *dev = engine->dev;
	const struct qaccel_fault_knobs *knobs = &dev->knobs;
	uint32_t tag = cmd->hdr.tag;
	uint64_t until = 0;
	bool go;

	pthread_mutex_lock(&dev->lock);
	engine->cmd = index;
	qaccel_event(dev, QACCEL_EVENT_COMMAND, pair(engine->index, index),
		     cmd->hdr.opcode);
	engine->job.corrupt |= hits(knobs->corrupt_tag, tag);
	engine->dma.refuse = hits(knobs->dma_error_tag, tag);
	if (hits(knobs->slow_tag, tag))
		until = qaccel_now_ns() + UINT64_C(1000) * knobs->slow_us;
	go = wait_to_go(engine, hits(knobs->hang_tag, tag), until);
	pthread_mutex_unlock(&dev->lock);
	return go && !engine->job.perf_failed;
}

/* Record of command i behind that of the job. */
static void write_perf(struct qaccel_engine *engine,
		       const struct qaccel_perf *perf, uint64_t record)
{
	struct qaccel_job *job = &engine->job;
	uint64_t va = job->entry.perf_va + record * sizeof(*perf);

	if (job->perf_failed)
		return;
	job->perf_failed = !qaccel_dma_write(&engine->dma, va, perf,
					     sizeof(*perf), &job->perf_fault);
}

static void after_command(void *opaque, const struct qaccel_perf *perf)
{
	struct qaccel_engine *engine = opaque;
	struct qaccel_device *dev = engine->dev;
	struct qaccel_perf record = *perf;

	engine->dma.refuse = false;
	record.engine = (uint16_t)engine->index;
	if (engine->job.entry.flags & QACCEL_ENTRY_PERF_CMDS)
		write_perf(engine, &record, UINT64_C(1) + perf->cmd_index);
	pthread_mutex_lock(&dev->lock);
	if (!engine->device_resetting) {
		engine->progress++;
		qaccel_count(dev, QACCEL_REG_CNT_COMMANDS, 1);
		qaccel_count(dev, QACCEL_REG_CNT_CYCLES, perf->cycles);
		qaccel_count(dev, QACCEL_REG_CNT_MACS, perf->macs);
		qaccel_count(dev, QACCEL_REG_CNT_BYTES_READ, perf->bytes_read);
		qaccel_count(dev, QACCEL_REG_CNT_BYTES_WRITTEN,
			     perf->bytes_written);
		count_translations(engine);
	}
	/* The next command is fetched after this. */
	qaccel_tlb_boundary(engine);
	pthread_mutex_unlock(&dev->lock);
}

/* Tiles on the engine's own thread; an abort skips the rest. */
static void run_tiles(void *opaque,
		      void (*task)(void *arg, size_t index,
				   unsigned int worker),
		      void *arg, size_t count)
{
	const struct qaccel_engine *engine = opaque;

	for (size_t i = 0; i < count && !aborted(engine); i++)
		task(arg, i, 0);
}

/* ---------------------------------------------------------------- jobs -- */

static bool fetch_entry(struct qaccel_engine *engine)
{
	struct qaccel_device *dev = engine->dev;
	struct qaccel_job *job = &engine->job;
	const struct qaccel_bus *bus = &dev->config.bus;
	bool ok = bus->read(bus->opaque, job->entry_addr, &job->entry,
			    sizeof(job->entry));

	pthread_mutex_lock(&dev->lock);
	if (ok) {
		engine->root = job->entry.root;
		engine->seqno = job->entry.seqno;
		qaccel_event(dev, QACCEL_EVENT_JOB_START,
			     pair(engine->index, job->queue),
			     job->entry.seqno);
	}
	qaccel_tlb_boundary(engine);
	pthread_mutex_unlock(&dev->lock);
	return ok;
}

static void fill_result(struct qaccel_engine *engine,
			const struct qaccel_perf *total, uint32_t cmd_index,
			const struct qaccel_fault *fault)
{
	struct qaccel_job *job = &engine->job;
	struct qaccel_result *result = &job->result;

	result->seqno = job->entry.seqno;
	result->status = job->corrupt ? BAD_STATUS : fault->status;
	result->cmd_index = cmd_index;
	result->fault_va = fault->va;
	result->fault_access = fault->access;
	result->engine = engine->index;
	result->cycles = total->cycles;
	result->macs = total->macs;
	result->bytes_read = total->bytes_read;
	result->bytes_written = total->bytes_written;
}

/* A record that cannot be written fails the job, at the command it is of. */
static void execute(struct qaccel_engine *engine)
{
	struct qaccel_job *job = &engine->job;
	const struct qaccel_ring_entry *entry = &job->entry;
	struct qaccel_perf total = { 0 };
	struct qaccel_fault fault;
	uint32_t retired = 0;
	bool failed;

	engine->dma.root = entry->root;
	engine->dma.refuse = false;
	if (!qaccel_entry_check(entry, &fault)) {
		fill_result(engine, &total, 0, &fault);
		return;
	}
	retired = qaccel_interp_run(engine->interp, entry->stream_va,
				    entry->stream_size, &total, &fault);
	engine->dma.refuse = false;
	failed = fault.status != QACCEL_OK && !job->perf_failed;
	total.engine = (uint16_t)engine->index;
	if (entry->flags & QACCEL_ENTRY_PERF_JOB)
		write_perf(engine, &total, 0);
	if (!failed && job->perf_failed)
		fill_result(engine, &total, retired - 1, &job->perf_fault);
	else
		fill_result(engine, &total, retired, &fault);
}

static bool still_wanted(struct qaccel_engine *engine)
{
	bool wanted;

	pthread_mutex_lock(&engine->dev->lock);
	wanted = !aborted(engine);
	pthread_mutex_unlock(&engine->dev->lock);
	return wanted;
}

/* Software that sees the fence has to see everything before it. */
static void order_writes(void)
{
#ifndef __SANITIZE_THREAD__	/* which does not know fences */
	atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* Result, then fence; false: dropped or refused. */
static enum qaccel_status write_back(struct qaccel_engine *engine)
{
	const struct qaccel_bus *bus = &engine->dev->config.bus;
	const struct qaccel_job *job = &engine->job;
	uint64_t seqno = job->entry.seqno;

	if (!still_wanted(engine))
		return QACCEL_ERR_ABORTED;
	if (!bus->write(bus->opaque, job->result_addr, &job->result,
			sizeof(job->result)))
		return QACCEL_ERR_BUS;
	order_writes();
	if (!still_wanted(engine))
		return QACCEL_ERR_ABORTED;
	if (!bus->write(bus->opaque, job->fence_addr, &seqno, sizeof(seqno)))
		return QACCEL_ERR_BUS;
	return QACCEL_OK;
}

static enum qaccel_status run_job(struct qaccel_engine *engine)
{
	if (!fetch_entry(engine))
		return QACCEL_ERR_BUS;
	execute(engine);
	return write_back(engine);
}

static void report_fault(struct qaccel_engine *engine)
{
	const struct qaccel_result *result = &engine->job.result;

	if (result->status == QACCEL_OK)
		return;
	qaccel_count(engine->dev, QACCEL_REG_CNT_FAULTS, 1);
	qaccel_event(engine->dev, QACCEL_EVENT_FAULT,
		     pair(result->status, result->cmd_index),
		     result->fault_va);
}

static void complete(struct qaccel_engine *engine)
{
	struct qaccel_device *dev = engine->dev;
	const struct qaccel_job *job = &engine->job;

	qaccel_count(dev, QACCEL_REG_CNT_JOBS, 1);
	report_fault(engine);
	qaccel_event(dev, QACCEL_EVENT_JOB_DONE,
		     pair(engine->index, job->result.status), job->entry.seqno);
	if (job->generation == dev->queues[job->queue].generation &&
	    (job->entry.flags & QACCEL_ENTRY_IRQ))
		qaccel_irq_complete(dev, job->queue);
}

static void begin_job(struct qaccel_engine *engine)
{
	engine->busy = true;
	engine->queue = engine->job.queue;
	engine->root = NO_ROOT;
	engine->seqno = 0;
	engine->cmd = 0;
	atomic_store_explicit(&engine->abort, false, memory_order_relaxed);
}

/* After a device reset the queue is another one, whatever its number. */
static void end_job(struct qaccel_engine *engine, enum qaccel_status status)
{
	struct qaccel_device *dev = engine->dev;
	const struct qaccel_job *job = &engine->job;

	if (!engine->device_resetting) {
		count_translations(engine);
		if (status == QACCEL_OK)
			complete(engine);
		else if (status == QACCEL_ERR_BUS && !aborted(engine) &&
			 job->generation == dev->queues[job->queue].generation)
			qaccel_queue_halt(dev, job->queue, status);
	}
	engine->busy = false;
	engine->resetting = false;
	engine->device_resetting = false;
	qaccel_tlb_boundary(engine);
	pthread_cond_broadcast(&dev->idle);
}

/* -------------------------------------------------------------- thread -- */

static bool may_run(const struct qaccel_engine *engine)
{
	struct qaccel_device *dev = engine->dev;

	return (*qaccel_reg(dev->regs, QACCEL_REG_CTRL) & QACCEL_CTRL_ENABLE) &&
	       !dev->paused && !dev->knobs.gone && !engine->stuck;
}

static void *engine_main(void *arg)
{
	struct qaccel_engine *engine = arg;
	struct qaccel_device *dev = engine->dev;
	enum qaccel_status status;

	pthread_mutex_lock(&dev->lock);
	while (!dev->stop) {
		if (!may_run(engine) || !qaccel_queue_take(engine)) {
			pthread_cond_wait(&engine->wake, &dev->lock);
			continue;
		}
		begin_job(engine);
		pthread_mutex_unlock(&dev->lock);
		status = run_job(engine);
		pthread_mutex_lock(&dev->lock);
		end_job(engine, status);
	}
	pthread_mutex_unlock(&dev->lock);
	return NULL;
}

static struct qaccel_interp *create_interp(struct qaccel_engine *engine)
{
	const struct qaccel_device *dev = engine->dev;
	const struct qaccel_parallel parallel = {
		.run = run_tiles,
		.opaque = engine,
		.workers = 1,
	};
	const struct qaccel_interp_config config = {
		.kernels = dev->kernels,
		.mem = &qaccel_dma_ops,
		.mem_opaque = &engine->dma,
		.parallel = &parallel,
		.timing = dev->config.timing,
		.local_mem = dev->config.local_mem,
		.before = before_command,
		.after = after_command,
		.opaque = engine,
	};

	return qaccel_interp_create(&config);
}

bool qaccel_engine_create(struct qaccel_device *dev, unsigned int index)
{
	struct qaccel_engine *engine = &dev->engines[index];

	engine->dev = dev;
	engine->index = index;
	qaccel_dma_init(&engine->dma, &dev->config.bus, dev->config.local_mem,
			&engine->abort);
	engine->interp = create_interp(engine);
	if (!engine->interp)
		return false;
	engine->started = qaccel_thread_create(&engine->thread, engine_main,
					       engine);
	return engine->started;
}

void qaccel_engine_destroy(struct qaccel_engine *engine)
{
	if (engine->started)
		pthread_join(engine->thread, NULL);
	qaccel_interp_destroy(engine->interp);
	qaccel_dma_finish(&engine->dma);
}
