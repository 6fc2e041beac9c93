// SPDX-License-Identifier: MIT
/*
 * Command streams from hostile hands
 *
 * The input is a recipe: each command is a valid one of some opcode with some
 * of its 16-bit words replaced, or 256 raw bytes. Operands come out of a small
 * memory; each is copied into an allocation of exactly its size, so that the
 * sanitizer sees a kernel that leaves it by one byte.
 *
 * A stream runs three times: on the reference kernels, on them with the tiles
 * in the opposite order and other garbage in the outputs, and on the fastest
 * kernels. The first two must agree in every byte, and the third too where no
 * convolution is in the stream (one with a wrong weight_sum is unspecified).
 */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "qk.h"

#define VA_STREAM	UINT64_C(0x1000)
#define MEMORY		MEMORY_SIZE
#define COMMANDS	6
#define MAX_INPUT	4096
#define SPANS		QACCEL_MAX_OPERANDS
/* Multiply-accumulates and elements of a stream: more would be too slow. */
#define MAX_WORK	(UINT64_C(1) << 19)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct span {
	uint8_t *host;
	uint64_t va, size;
	bool write;
};

struct run {
	uint8_t memory[MEMORY];
	struct span spans[SPANS];
	unsigned int count;
	uint8_t garbage;
	bool backwards;
	bool convolution;
	uint64_t work;
	struct qaccel_fault fault;
	uint32_t retired;
};

struct reader {
	const uint8_t *data;
	size_t size;
};

static uint8_t next(struct reader *r)
{
	if (!r->size)
		return 0;
	r->size--;
	return *r->data++;
}

/* -------------------------------------------------------------- memory -- */

static bool map(void *opaque, uint64_t va, uint64_t size,
		enum qaccel_access access, void **host,
		struct qaccel_fault *fault)
{
	struct run *run = opaque;
	struct span *span = &run->spans[run->count];
	void *data;

	*host = NULL;
	if (va >= MEMORY || size > MEMORY - va) {
		fault->status = QACCEL_ERR_TRANSLATION;
		fault->access = access;
		fault->va = va < MEMORY ? MEMORY : va;
		return false;
	}
	if (access == (QACCEL_ACCESS_READ | QACCEL_ACCESS_WRITE))
		return true;
	if (run->count == SPANS || posix_memalign(&data, 64, size))
		abort();
	run->count++;
	*span = (struct span){ data, va, size, access == QACCEL_ACCESS_WRITE };
	if (span->write)
		memset(data, run->garbage, size);
	else
		memcpy(data, run->memory + va, size);
	*host = data;
	return true;
}

static bool release(void *opaque, bool commit, struct qaccel_fault *fault)
{
	struct run *run = opaque;

	(void)fault;
	for (unsigned int i = 0; i < run->count; i++) {
		struct span *span = &run->spans[i];

		if (span->write && commit)
			memcpy(run->memory + span->va, span->host, span->size);
		free(span->host);
	}
	run->count = 0;
	return true;
}

static const struct qaccel_mem_ops mem_ops = { map, release };

/* ---------------------------------------------------------------- runs -- */

static void run_tiles(void *opaque,
		      void (*task)(void *arg, size_t index,
				   unsigned int worker),
		      void *arg, size_t count)
{
	const struct run *run = opaque;

	for (size_t i = 0; i < count; i++)
		task(arg, run->backwards ? count - 1 - i : i, i % 3);
}

static bool before(void *opaque, uint32_t index, const union qaccel_cmd *cmd)
{
	static const struct qaccel_timing one = { 1, 1, 1, 1 };
	struct run *run = opaque;
	struct qaccel_perf perf;

	(void)index;
	if (run->count)
		abort();
	run->convolution |= cmd->hdr.opcode == QACCEL_OP_CONV2D ||
			    cmd->hdr.opcode == QACCEL_OP_DWCONV2D;
	qaccel_cmd_timing(&one, cmd, &perf);
	if (perf.cycles > MAX_WORK || perf.compute_cycles > MAX_WORK)
		return false;
	run->work += perf.cycles;
	return run->work <= MAX_WORK;
}

static void start(struct run *run, const char *isa, uint32_t size)
{
	const struct qaccel_parallel parallel = {
		.run = run_tiles, .opaque = run, .workers = 3,
	};
	const struct qaccel_interp_config config = {
		.kernels = qk_select(isa),
		.mem = &mem_ops,
		.mem_opaque = run,
		.parallel = &parallel,
		.timing = QACCEL_TIMING_DEFAULT,
		.local_mem = LOCAL_MEM,
		.before = before,
		.opaque = run,
	};
	struct qaccel_interp *interp = qaccel_interp_create(&config);

	if (!interp)
		abort();
	run->retired = qaccel_interp_run(interp, VA_STREAM, size, NULL,
					 &run->fault);
	qaccel_interp_destroy(interp);
	if (run->count || run->fault.status > QACCEL_ERR_ABORTED)
		abort();
}

/* What a failed command has written is its own affair. */
static void expect_equal(const struct run *a, const struct run *b)
{
	if (a->retired != b->retired || a->fault.status != b->fault.status ||
	    a->fault.va != b->fault.va || a->fault.access != b->fault.access)
		abort();
	if (a->fault.status == QACCEL_OK &&
	    memcmp(a->memory, b->memory, MEMORY))
		abort();
}

/* -------------------------------------------------------------- recipe -- */

static void make_command(struct reader *r, union qaccel_cmd *cmd)
{
	uint8_t first = next(r);
	unsigned int patches = first >> 4;

	*cmd = valid_command(first % QACCEL_OP_COUNT);
	if (first == 0xff)
		for (size_t i = 0; i < QACCEL_CMD_SIZE; i++)
			cmd->bytes[i] = next(r);
	for (; patches; patches--) {
		size_t at = next(r) % (QACCEL_CMD_SIZE / 2) * 2;

		cmd->bytes[at] = next(r);
		cmd->bytes[at + 1] = next(r);
	}
}

/* Returns the bytes of the stream. */
static uint32_t make_stream(struct reader *r, union qaccel_cmd *cmds)
{
	uint32_t count = next(r) % COMMANDS;

	for (uint32_t i = 0; i < count; i++)
		make_command(r, &cmds[i]);
	cmds[count] = valid_command(QACCEL_OP_END);
	return (count + 1) * QACCEL_CMD_SIZE;
}

/* Noise, with what is left of the input at the start of each operand. */
static void fill_memory(const struct reader *r, uint8_t *memory)
{
	static uint8_t noise[MEMORY];
	static bool ready;
	uint32_t seed = 1;

	for (size_t i = 0; i < MEMORY && !ready; i++) {
		seed = seed * 1664525 + 1013904223;
		noise[i] = (uint8_t)(seed >> 24);
	}
	ready = true;
	memcpy(memory, noise, MEMORY);
	for (uint64_t va = VA_IN0; va < MEMORY; va += VA_IN1 - VA_IN0)
		memcpy(memory + va, r->data, r->size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run a, b, c;
	struct reader reader = { data, size };
	union qaccel_cmd cmds[COMMANDS + 1];
	uint32_t stream;

	if (size > MAX_INPUT)
		return 0;
	memset(&a, 0, sizeof(a));
	stream = make_stream(&reader, cmds);
	fill_memory(&reader, a.memory);
	memcpy(a.memory + VA_STREAM, cmds, stream);
	b = a;
	c = a;
	b.garbage = 0xff;
	b.backwards = true;
	start(&a, "ref", stream);
	start(&b, "ref", stream);
	expect_equal(&a, &b);
	start(&c, NULL, stream);
	if (!a.convolution)
		expect_equal(&a, &c);
	return 0;
}
