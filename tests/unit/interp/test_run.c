// SPDX-License-Identifier: MIT
/* Streams: order, faults, callbacks, and work that is cut in any way. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "qk.h"

#define VA_STREAM	UINT64_C(0x1000)
#define MAX_WORKERS	4

/* Memory at VA 0, of which [low, high) may be touched. */
struct memory {
	uint8_t *data;
	uint64_t low, high;
	bool in_place;		/* READ | WRITE may be mapped whole */
	unsigned int open;	/* spans not released */
	unsigned int maps, stream_maps, commits;
	bool fail_release;
};

static struct memory mem;

static bool mem_map(void *opaque, uint64_t va, uint64_t size,
		    enum qaccel_access access, void **host,
		    struct qaccel_fault *fault)
{
	struct memory *m = opaque;
	uint64_t bad = va < m->low ? va : m->high;

	m->maps++;
	m->stream_maps += va >= VA_STREAM && va < VA_IN0;
	if (va < m->low || va + size > m->high) {
		fault->status = QACCEL_ERR_TRANSLATION;
		fault->va = bad;
		fault->access = access;
		return false;
	}
	m->open++;
	*host = m->data + va;
	if (access == (QACCEL_ACCESS_READ | QACCEL_ACCESS_WRITE) &&
	    !m->in_place)
		*host = NULL;
	return true;
}

static bool mem_release(void *opaque, bool commit, struct qaccel_fault *fault)
{
	struct memory *m = opaque;

	m->open = 0;
	m->commits += commit;
	if (!commit || !m->fail_release)
		return true;
	fault->status = QACCEL_ERR_BUS;
	fault->va = 42;
	fault->access = QACCEL_ACCESS_WRITE;
	return false;
}

static const struct qaccel_mem_ops mem_ops = {
	.map = mem_map,
	.release = mem_release,
};

/* Tasks from the last to the first, on threads. */
struct pool {
	void (*task)(void *arg, size_t index, unsigned int worker);
	void *arg;
	size_t next;
	pthread_mutex_t lock;
	unsigned int workers;
	size_t most;		/* tasks of the largest run */
};

struct pool_thread {
	struct pool *pool;
	unsigned int worker;
	pthread_t thread;
};

static void *pool_main(void *opaque)
{
	struct pool_thread *t = opaque;
	struct pool *pool = t->pool;

	for (;;) {
		size_t left;

		pthread_mutex_lock(&pool->lock);
		left = pool->next ? pool->next-- : 0;
		pthread_mutex_unlock(&pool->lock);
		if (!left)
			return NULL;
		pool->task(pool->arg, left - 1, t->worker);
	}
}

static void pool_run(void *opaque,
		     void (*task)(void *arg, size_t index, unsigned int worker),
		     void *arg, size_t count)
{
	struct pool_thread threads[MAX_WORKERS];
	struct pool *pool = opaque;

	pool->task = task;
	pool->arg = arg;
	pool->next = count;
	pool->most = count > pool->most ? count : pool->most;
	for (unsigned int i = 0; i < pool->workers; i++) {
		threads[i].pool = pool;
		threads[i].worker = i;
		assert_int_equal(pthread_create(&threads[i].thread, NULL,
						pool_main, &threads[i]), 0);
	}
	for (unsigned int i = 0; i < pool->workers; i++)
		pthread_join(threads[i].thread, NULL);
}

static struct qaccel_interp_config config(void)
{
	struct qaccel_interp_config c = {
		.kernels = qk_select("ref"),
		.mem = &mem_ops,
		.mem_opaque = &mem,
		.timing = QACCEL_TIMING_DEFAULT,
		.local_mem = LOCAL_MEM,
	};

	return c;
}

static void fill(uint32_t seed)
{
	for (size_t i = VA_IN0; i < MEMORY_SIZE; i++) {
		seed = seed * 1664525 + 1013904223;
		mem.data[i] = (uint8_t)(seed >> 24);
	}
}

static int setup(void **state)
{
	(void)state;
	memset(&mem, 0, sizeof(mem));
	mem.data = aligned_alloc(4096, MEMORY_SIZE);
	assert_non_null(mem.data);
	memset(mem.data, 0, MEMORY_SIZE);
	mem.high = MEMORY_SIZE;
	mem.in_place = true;
	fill(1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(mem.open, 0);
	free(mem.data);
	return 0;
}

/* Commands and an END behind them, at VA_STREAM. */
static uint32_t put_stream(const union qaccel_cmd *cmds, unsigned int count)
{
	union qaccel_cmd end = valid_command(QACCEL_OP_END);

	memcpy(mem.data + VA_STREAM, cmds, count * sizeof(*cmds));
	memcpy(mem.data + VA_STREAM + count * sizeof(*cmds), &end, sizeof(end));
	return (count + 1) * QACCEL_CMD_SIZE;
}

static uint32_t run_with(const struct qaccel_interp_config *c, uint32_t size,
			 struct qaccel_perf *total, struct qaccel_fault *fault)
{
	struct qaccel_interp *interp = qaccel_interp_create(c);
	uint32_t retired;

	assert_non_null(interp);
	retired = qaccel_interp_run(interp, VA_STREAM, size, total, fault);
	qaccel_interp_destroy(interp);
	return retired;
}

static uint32_t run_one(enum qaccel_opcode opcode, struct qaccel_fault *fault)
{
	union qaccel_cmd cmd = valid_command(opcode);
	struct qaccel_interp_config c = config();

	return run_with(&c, put_stream(&cmd, 1), NULL, fault);
}

/* ------------------------------------------------------------- streams -- */

static void expect_stream_error(uint64_t va, uint32_t size,
				enum qaccel_status status, uint64_t bad)
{
	struct qaccel_interp_config c = config();
	struct qaccel_interp *interp = qaccel_interp_create(&c);
	struct qaccel_perf total;
	struct qaccel_fault fault;

	assert_int_equal(qaccel_interp_run(interp, va, size, &total, &fault),
			 0);
	assert_int_equal(fault.status, status);
	assert_int_equal(fault.va, bad);
	assert_int_equal(total.cycles, 0);
	qaccel_interp_destroy(interp);
}

static void bad_streams(void **state)
{
	union qaccel_cmd cmd = valid_command(QACCEL_OP_ADD);
	const uint64_t end = UINT64_C(1) << 39;

	(void)state;
	put_stream(&cmd, 1);
	expect_stream_error(VA_STREAM, 0, QACCEL_ERR_STREAM, 0);
	expect_stream_error(VA_STREAM, 1, QACCEL_ERR_STREAM, 0);
	expect_stream_error(VA_STREAM, 257, QACCEL_ERR_STREAM, 0);
	expect_stream_error(VA_STREAM, 0xffffff00, QACCEL_ERR_STREAM, 0);
	expect_stream_error(VA_STREAM, QACCEL_MAX_STREAM + 256,
			    QACCEL_ERR_STREAM, 0);
	expect_stream_error(VA_STREAM, 256, QACCEL_ERR_STREAM, 0);
	expect_stream_error(VA_STREAM + 128, 512, QACCEL_ERR_ADDRESS,
			    VA_STREAM + 128);
	expect_stream_error(end, 512, QACCEL_ERR_ADDRESS, end);
	expect_stream_error(end - 256, 512, QACCEL_ERR_ADDRESS, end);
	expect_stream_error(~UINT64_C(255), 512, QACCEL_ERR_ADDRESS,
			    ~UINT64_C(255));
	expect_stream_error(MEMORY_SIZE, 512, QACCEL_ERR_TRANSLATION,
			    MEMORY_SIZE);
	assert_int_equal(mem.maps, 2);	/* the good one, and the unmapped */
}

static void end_before_the_end(void **state)
{
	union qaccel_cmd cmds[2] = {
		valid_command(QACCEL_OP_ADD), valid_command(QACCEL_OP_END),
	};
	struct qaccel_interp_config c = config();
	struct qaccel_fault fault;

	(void)state;
	assert_int_equal(run_with(&c, put_stream(cmds, 2), NULL, &fault), 1);
	assert_int_equal(fault.status, QACCEL_ERR_STREAM);
}

static void commands_are_read_once(void **state)
{
	union qaccel_cmd cmds[3];
	struct qaccel_interp_config c = config();
	struct qaccel_fault fault;

	(void)state;
	for (int i = 0; i < 3; i++)
		cmds[i] = valid_command(QACCEL_OP_LUT);
	assert_int_equal(run_with(&c, put_stream(cmds, 3), NULL, &fault), 4);
	assert_int_equal(fault.status, QACCEL_OK);
	assert_int_equal(mem.stream_maps, 4);
}

/* The first one that fails ends the run; those before it took effect. */
static void error_in_the_middle(void **state)
{
	union qaccel_cmd cmds[3] = {
		valid_command(QACCEL_OP_COPY), valid_command(QACCEL_OP_ADD),
		valid_command(QACCEL_OP_COPY),
	};
	struct qaccel_interp_config c = config();
	struct qaccel_fault fault;
	struct qaccel_perf total, first;

	(void)state;
	cmds[1].binary.left_shift = 99;
	cmds[2].copy.dst_va += 0x1000;
	memset(mem.data + VA_OUT, 0, 0x2000);
	assert_int_equal(run_with(&c, put_stream(cmds, 3), &total, &fault), 1);
	assert_int_equal(fault.status, QACCEL_ERR_FIELD);
	assert_int_equal(fault.va, 0);
	qaccel_cmd_timing(&c.timing, &cmds[0], &first);
	assert_int_equal(total.cycles, first.cycles);
	assert_int_equal(total.cmd_index, 1);
	assert_memory_equal(mem.data + VA_OUT + 3, mem.data + VA_IN0 + 1, 5);
	for (int i = 0; i < 64; i++)
		assert_int_equal(mem.data[VA_OUT + 0x1000 + i], 0);
}

static void address_error_names_the_address(void **state)
{
	union qaccel_cmd cmd = valid_command(QACCEL_OP_LUT);
	struct qaccel_interp_config c = config();
	struct qaccel_fault fault;

	(void)state;
	cmd.lut.table_va = VA_IN1 + 3;
	assert_int_equal(run_with(&c, put_stream(&cmd, 1), NULL, &fault), 0);
	assert_int_equal(fault.status, QACCEL_ERR_ADDRESS);
	assert_int_equal(fault.va, VA_IN1 + 3);
	assert_int_equal(fault.access, QACCEL_ACCESS_READ);
	cmd = valid_command(QACCEL_OP_LUT);
	cmd.lut.out.va = (UINT64_C(1) << 39) - 299;
	assert_int_equal(run_with(&c, put_stream(&cmd, 1), NULL, &fault), 0);
	assert_int_equal(fault.status, QACCEL_ERR_ADDRESS);
	assert_int_equal(fault.va, UINT64_C(1) << 39);
	assert_int_equal(fault.access, QACCEL_ACCESS_WRITE);
}

/* -------------------------------------------------------------- memory -- */

/* Of each command: all operands to the byte, and not one byte less. */
static void first_and_last_byte(void **state)
{
	(void)state;
	for (int op = QACCEL_OP_CONV2D; op < QACCEL_OP_COUNT; op++) {
		union qaccel_cmd cmd = valid_command(op);
		struct qaccel_operand list[QACCEL_MAX_OPERANDS];
		unsigned int count = qaccel_cmd_operands(&cmd, list);
		const struct qaccel_operand *out = &list[count - 1];
		struct qaccel_fault fault;

		/* The output lies highest: its last byte bounds the memory. */
		mem.high = out->va + out->size;
		assert_int_equal(run_one(op, &fault), 2);
		assert_int_equal(fault.status, QACCEL_OK);
		mem.high--;
		assert_int_equal(run_one(op, &fault), 0);
		assert_int_equal(fault.status, QACCEL_ERR_TRANSLATION);
		assert_true(fault.access & QACCEL_ACCESS_WRITE);
		mem.high = MEMORY_SIZE;
		assert_int_equal(mem.open, 0);
	}
}

/* The first input lies lowest: the stream has to be above it for this. */
static void first_byte_of_the_input(void **state)
{
	(void)state;
	for (int op = QACCEL_OP_CONV2D; op < QACCEL_OP_COUNT; op++) {
		union qaccel_cmd cmds[2] = {
			valid_command(op), valid_command(QACCEL_OP_END),
		};
		struct qaccel_operand list[QACCEL_MAX_OPERANDS];
		struct qaccel_interp_config c = config();
		struct qaccel_interp *interp = qaccel_interp_create(&c);
		const uint64_t va = 0x70000;
		struct qaccel_fault fault;

		qaccel_cmd_operands(&cmds[0], list);
		memcpy(mem.data + va, cmds, sizeof(cmds));
		mem.low = list[0].va;
		assert_int_equal(qaccel_interp_run(interp, va, sizeof(cmds),
						   NULL, &fault), 2);
		mem.low++;
		assert_int_equal(qaccel_interp_run(interp, va, sizeof(cmds),
						   NULL, &fault), 0);
		assert_int_equal(fault.status, QACCEL_ERR_TRANSLATION);
		assert_int_equal(fault.va, list[0].va);
		assert_int_equal(fault.access, QACCEL_ACCESS_READ);
		mem.low = 0;
		qaccel_interp_destroy(interp);
	}
}

static void failed_commit(void **state)
{
	union qaccel_cmd cmd = valid_command(QACCEL_OP_MUL);
	struct qaccel_interp_config c = config();
	struct qaccel_fault fault;

	(void)state;
	put_stream(&cmd, 1);
	mem.fail_release = true;
	assert_int_equal(run_with(&c, 512, NULL, &fault), 0);
	assert_int_equal(fault.status, QACCEL_ERR_BUS);
	assert_int_equal(fault.va, 42);
}

/* A copy with gaps writes its rows alone, mapped whole or one by one. */
static void copy_with_gaps(void **state)
{
	const struct qaccel_cmd_copy copy =
		valid_command(QACCEL_OP_COPY).copy;
	struct qaccel_fault fault;

	(void)state;
	for (int in_place = 0; in_place < 2; in_place++) {
		mem.in_place = in_place;
		memset(mem.data + VA_OUT, 0xcc, 256);
		assert_int_equal(run_one(QACCEL_OP_COPY, &fault), 2);
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t row = (i - 3) / copy.dst_stride;
			uint32_t column = (i - 3) % copy.dst_stride;
			bool inside = i >= 3 && row < copy.rows &&
				      column < copy.row_bytes;
			uint8_t want = inside ?
				mem.data[copy.src_va + row * copy.src_stride +
					 column] : 0xcc;

			assert_int_equal(mem.data[VA_OUT + i], want);
		}
	}
}

/* ----------------------------------------------------------- callbacks -- */

struct calls {
	uint32_t before, after;
	uint32_t stop_at;
	struct qaccel_perf sum;
};

static bool before(void *opaque, uint32_t index, const union qaccel_cmd *cmd)
{
	struct calls *calls = opaque;

	assert_int_equal(index, calls->before);
	assert_int_equal(cmd->hdr.version, QACCEL_CMD_VERSION);
	assert_int_equal(mem.open, 0);
	calls->before++;
	return index != calls->stop_at;
}

static void after(void *opaque, const struct qaccel_perf *perf)
{
	struct calls *calls = opaque;

	assert_int_equal(perf->cmd_index, calls->after);
	assert_int_equal(mem.open, 0);
	calls->after++;
	calls->sum.cycles += perf->cycles;
	calls->sum.macs += perf->macs;
	calls->sum.bytes_read += perf->bytes_read;
	calls->sum.bytes_written += perf->bytes_written;
}

static void callbacks(void **state)
{
	union qaccel_cmd cmds[QACCEL_OP_COUNT];
	struct calls calls = { .stop_at = UINT32_MAX };
	struct qaccel_interp_config c = config();
	struct qaccel_fault fault;
	struct qaccel_perf total;
	unsigned int count = 0;

	(void)state;
	for (int op = QACCEL_OP_CONV2D; op < QACCEL_OP_COUNT; op++)
		cmds[count++] = valid_command(op);
	c.before = before;
	c.after = after;
	c.opaque = &calls;
	assert_int_equal(run_with(&c, put_stream(cmds, count), &total, &fault),
			 count + 1);
	assert_int_equal(fault.status, QACCEL_OK);
	assert_int_equal(calls.before, count + 1);
	assert_int_equal(calls.after, count + 1);
	assert_int_equal(total.cmd_index, count + 1);
	assert_int_equal(total.cycles, calls.sum.cycles);
	assert_int_equal(total.macs, calls.sum.macs);
	assert_int_equal(total.bytes_read, calls.sum.bytes_read);
	assert_int_equal(total.bytes_written, calls.sum.bytes_written);
	assert_true(total.macs > 0);
}

static void before_ends_the_run(void **state)
{
	union qaccel_cmd cmds[2] = {
		valid_command(QACCEL_OP_ADD), valid_command(QACCEL_OP_MUL),
	};
	struct calls calls = { .stop_at = 1 };
	struct qaccel_interp_config c = config();
	struct qaccel_fault fault;

	(void)state;
	c.before = before;
	c.opaque = &calls;
	assert_int_equal(run_with(&c, put_stream(cmds, 2), NULL, &fault), 1);
	assert_int_equal(fault.status, QACCEL_ERR_ABORTED);
}

/* --------------------------------------------------------------- tiles -- */

/* Larger ones, so that there is something to cut. */
static union qaccel_cmd large(enum qaccel_opcode opcode)
{
	union qaccel_cmd cmd = valid_command(opcode);

	switch (opcode) {
	case QACCEL_OP_CONV2D:
		cmd.conv.in = tensor(VA_IN0, QACCEL_DTYPE_S8, 1, 20, 20, 32);
		cmd.conv.out = tensor(VA_OUT, QACCEL_DTYPE_S8, 1, 10, 20, 40);
		break;
	case QACCEL_OP_DWCONV2D:
		cmd.conv.in = tensor(VA_IN0, QACCEL_DTYPE_S8, 1, 40, 40, 20);
		cmd.conv.out = tensor(VA_OUT, QACCEL_DTYPE_S8, 1, 20, 40, 40);
		break;
	case QACCEL_OP_ADD:
	case QACCEL_OP_MUL:
		cmd.binary.in0 = tensor(VA_IN0, QACCEL_DTYPE_S8, 1, 1, 1,
					0x10000);
		cmd.binary.in1 = tensor(VA_IN1, QACCEL_DTYPE_S8, 1, 1, 1,
					0x10000);
		cmd.binary.out = tensor(VA_OUT, QACCEL_DTYPE_S8, 1, 1, 1,
					0x10000);
		break;
	case QACCEL_OP_AVGPOOL:
	case QACCEL_OP_MAXPOOL:
		cmd.pool.in = tensor(VA_IN0, QACCEL_DTYPE_S8, 1, 60, 60, 16);
		cmd.pool.out = tensor(VA_OUT, QACCEL_DTYPE_S8, 1, 30, 30, 16);
		cmd.pool.kh = 8;
		cmd.pool.kw = 8;
		break;
	case QACCEL_OP_SOFTMAX:
		cmd.softmax.in = tensor(VA_IN0, QACCEL_DTYPE_S8, 1, 1, 600, 20);
		cmd.softmax.out = tensor(VA_OUT, QACCEL_DTYPE_S8, 1, 1, 600,
					 20);
		cmd.softmax.out.zero_point = -128;
		break;
	default:
		break;
	}
	if (opcode == QACCEL_OP_CONV2D || opcode == QACCEL_OP_DWCONV2D)
		cmd.conv.weights_size = (uint32_t)qk_weights_size(&cmd.conv);
	return cmd;
}

/* Fully connected: one pixel, many channels. */
static union qaccel_cmd one_row(void)
{
	union qaccel_cmd cmd = valid_command(QACCEL_OP_CONV2D);

	cmd.conv.in = tensor(VA_IN0, QACCEL_DTYPE_S8, 1, 1, 1, 500);
	cmd.conv.out = tensor(VA_OUT, QACCEL_DTYPE_S8, 1, 1, 1, 1000);
	cmd.conv.kh = 1;
	cmd.conv.kw = 1;
	cmd.conv.stride_h = 1;
	cmd.conv.pad_top = 0;
	cmd.conv.pad_left = 0;
	cmd.conv.channels_va = 0xb0000;
	cmd.conv.out.va = 0xc0000;
	cmd.conv.weights_size = (uint32_t)qk_weights_size(&cmd.conv);
	return cmd;
}

/* Reads [va, va + size) of the memory after a run with so many workers. */
static size_t run_cut(const union qaccel_cmd *cmd, const char *isa,
		      unsigned int workers, uint8_t *out)
{
	struct pool pool = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.workers = workers,
	};
	struct qaccel_parallel parallel = {
		.run = pool_run, .opaque = &pool, .workers = workers,
	};
	struct qaccel_operand list[QACCEL_MAX_OPERANDS];
	unsigned int count = qaccel_cmd_operands(cmd, list);
	const struct qaccel_operand *o = &list[count - 1];
	struct qaccel_interp_config c = config();
	struct qaccel_fault fault;

	c.kernels = qk_select(isa);
	c.parallel = workers ? &parallel : NULL;
	memset(mem.data + o->va, 0x77, o->size);
	assert_int_equal(run_with(&c, put_stream(cmd, 1), NULL, &fault), 2);
	memcpy(out, mem.data + o->va, o->size);
	if (workers > 1)
		assert_true(pool.most >= 1);
	return workers ? pool.most : o->size;
}

/*
 * Weights and records that belong together: what other ones give is not the
 * same on all ISAs.
 */
static void pack(const struct qaccel_cmd_conv *cmd)
{
	static uint8_t weights[1 << 20];
	const int32_t multiplier = (1 << 30) + 12345, shift = -9;
	uint32_t seed = 3;

	if (cmd->hdr.opcode != QACCEL_OP_CONV2D &&
	    cmd->hdr.opcode != QACCEL_OP_DWCONV2D)
		return;
	for (size_t i = 0; i < sizeof(weights); i++) {
		seed = seed * 1664525 + 1013904223;
		weights[i] = (uint8_t)(seed >> 24);
	}
	qk_pack_weights(cmd, weights, 0, (int8_t *)mem.data + cmd->weights_va);
	qk_pack_channels(cmd, (int8_t *)mem.data + cmd->weights_va, NULL,
			 &multiplier, &shift, 0,
			 (void *)(mem.data + cmd->channels_va));
}

static void expect_same(const union qaccel_cmd *cmd, bool cut)
{
	static uint8_t want[0x20000], got[0x20000];
	const struct qk_table *table;
	size_t size;

	pack(&cmd->conv);
	size = run_cut(cmd, "ref", 0, want);
	for (unsigned int i = 0; (table = qk_enumerate(i)); i++) {
		for (unsigned int workers = 1; workers <= MAX_WORKERS;
		     workers++) {
			size_t tiles = run_cut(cmd, table->name, workers, got);

			if (workers == MAX_WORKERS && cut)
				assert_true(tiles > 1);
			assert_memory_equal(got, want, size);
		}
	}
}

/* However the work is cut, and on every ISA: the bytes are the same. */
static void partitions(void **state)
{
	(void)state;
	for (int op = QACCEL_OP_CONV2D; op < QACCEL_OP_COUNT; op++) {
		union qaccel_cmd small = valid_command(op), big = large(op);

		expect_same(&small, false);
		expect_same(&big, op == QACCEL_OP_CONV2D ||
				  op == QACCEL_OP_DWCONV2D ||
				  op == QACCEL_OP_AVGPOOL);
	}
}

static void one_row_is_cut_by_channels(void **state)
{
	union qaccel_cmd cmd = one_row();

	(void)state;
	mem.data = realloc(mem.data, 0x100000);
	assert_non_null(mem.data);
	mem.high = 0x100000;
	for (size_t i = MEMORY_SIZE; i < 0x100000; i++)
		mem.data[i] = (uint8_t)(i * 7 >> 3);
	expect_same(&cmd, true);
}

static void in_place(void **state)
{
	static const enum qaccel_opcode opcodes[] = {
		QACCEL_OP_ADD, QACCEL_OP_MUL, QACCEL_OP_LUT,
		QACCEL_OP_REQUANTIZE,
	};
	static uint8_t want[0x10000];
	struct qaccel_interp_config c = config();
	struct qaccel_fault fault;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		union qaccel_cmd cmd = large(opcodes[i]);
		struct qaccel_operand list[QACCEL_MAX_OPERANDS];
		unsigned int count = qaccel_cmd_operands(&cmd, list);
		uint64_t size = list[count - 1].size;

		fill(5);
		run_cut(&cmd, "ref", 0, want);
		fill(5);
		if (opcodes[i] == QACCEL_OP_LUT)
			cmd.lut.out.va = VA_IN0;
		else if (opcodes[i] == QACCEL_OP_REQUANTIZE)
			cmd.requantize.out.va = VA_IN0;
		else
			cmd.binary.out.va = VA_IN0;
		assert_int_equal(run_with(&c, put_stream(&cmd, 1), NULL,
					  &fault), 2);
		assert_memory_equal(mem.data + VA_IN0, want, size);
	}
}

/* ----------------------------------------------------------- workspace -- */

#define RUNNERS		3
#define OUT_SIZE	8000u	/* of the large convolution */

/* struct runner - an interpreter on a thread, with memory of its own */
struct runner {
	struct memory memory;
	struct qaccel_interp *interp;
	uint32_t size;
	uint8_t want[OUT_SIZE];
	int differences;
	pthread_t thread;
};

static bool run_again(struct runner *r)
{
	struct qaccel_fault fault;

	memset(r->memory.data + VA_OUT, 0x77, OUT_SIZE);
	return qaccel_interp_run(r->interp, VA_STREAM, r->size, NULL,
				 &fault) == 2;
}

static void *runner_main(void *opaque)
{
	struct runner *r = opaque;

	for (int i = 0; i < 100; i++)
		r->differences += !run_again(r) ||
				  memcmp(r->memory.data + VA_OUT, r->want,
					 OUT_SIZE) != 0;
	return NULL;
}

static void runner_start(struct runner *r, uint32_t seed,
			 const struct qk_table *kernels,
			 struct qaccel_workspace *workspace)
{
	union qaccel_cmd cmd = large(QACCEL_OP_CONV2D);
	struct qaccel_interp_config c = config();

	fill(seed);
	pack(&cmd.conv);
	r->size = put_stream(&cmd, 1);
	r->memory = mem;
	r->memory.data = aligned_alloc(4096, MEMORY_SIZE);
	assert_non_null(r->memory.data);
	memcpy(r->memory.data, mem.data, MEMORY_SIZE);
	r->differences = 0;
	c.kernels = kernels;
	c.mem_opaque = &r->memory;
	c.workspace = workspace;
	r->interp = qaccel_interp_create(&c);
	assert_non_null(r->interp);
	assert_true(run_again(r));
	memcpy(r->want, r->memory.data + VA_OUT, OUT_SIZE);
}

/* Who comes second works elsewhere: the results are those of each alone. */
static void workspace_is_taken(void **state)
{
	static struct runner runners[RUNNERS];
	const struct qk_table *table;

	(void)state;
	for (unsigned int i = 0; (table = qk_enumerate(i)); i++) {
		struct qaccel_workspace *w = qaccel_workspace_create(1);

		assert_non_null(w);
		for (uint32_t j = 0; j < RUNNERS; j++)
			runner_start(&runners[j], j + 1, table, w);
		assert_memory_not_equal(runners[0].want, runners[1].want,
					OUT_SIZE);
		for (uint32_t j = 0; j < RUNNERS; j++)
			assert_int_equal(pthread_create(&runners[j].thread,
				NULL, runner_main, &runners[j]), 0);
		for (uint32_t j = 0; j < RUNNERS; j++) {
			pthread_join(runners[j].thread, NULL);
			assert_int_equal(runners[j].differences, 0);
			qaccel_interp_destroy(runners[j].interp);
			free(runners[j].memory.data);
		}
		qaccel_workspace_destroy(w);
	}
}

/* What tiles said, in order. */
static char hints[16];

static QK_DECL_CONV(record_hint)
{
	(void)cmd;
	(void)in;
	(void)weights;
	(void)channels;
	(void)out;
	(void)scratch;
	if (strlen(hints) + 1 < sizeof(hints))
		strcat(hints, tile->cold ? "c" : "h");
}

/* What the first command of a run works on, if others ran in between. */
static void tensors_are_cold(void **state)
{
	const union qaccel_cmd conv = valid_command(QACCEL_OP_CONV2D);
	const union qaccel_cmd cmds[2] = { conv, conv };
	struct qaccel_workspace *w = qaccel_workspace_create(1);
	struct qk_table kernels = *qk_select("ref");
	struct qaccel_interp_config c = config();
	uint32_t size = put_stream(cmds, 2);
	struct qaccel_interp *interp[2];
	struct qaccel_fault fault;
	static const int order[] = { 0, 0, 1, 0 };

	(void)state;
	kernels.conv2d = record_hint;
	c.kernels = &kernels;
	c.workspace = w;
	for (int i = 0; i < 2; i++)
		interp[i] = qaccel_interp_create(&c);
	hints[0] = 0;
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		assert_int_equal(qaccel_interp_run(interp[order[i]], VA_STREAM,
						   size, NULL, &fault), 3);
	assert_string_equal(hints, "chhhchch");
	for (int i = 0; i < 2; i++)
		qaccel_interp_destroy(interp[i]);
	qaccel_workspace_destroy(w);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bad_streams),
		TEST(end_before_the_end),
		TEST(commands_are_read_once),
		TEST(error_in_the_middle),
		TEST(address_error_names_the_address),
		TEST(first_and_last_byte),
		TEST(first_byte_of_the_input),
		TEST(failed_commit),
		TEST(copy_with_gaps),
		TEST(callbacks),
		TEST(before_ends_the_run),
		TEST(partitions),
		TEST(one_row_is_cut_by_channels),
		TEST(in_place),
		TEST(workspace_is_taken),
		TEST(tensors_are_cold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
