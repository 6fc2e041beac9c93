// SPDX-License-Identifier: MIT
/* Rings: doorbells, entries, results, fences, perf records. */
#include <string.h>

#include "machine.h"

#define STREAM	UINT64_C(0x10000000)
#define SRC	UINT64_C(0x20000000)
#define DST	UINT64_C(0x30000000)
#define PERF	UINT64_C(0x40000000)

struct fixture {
	struct machine *m;
	uint64_t root;
};

static struct fixture fix;

/* An address space with a stream that copies 64 bytes and ends. */
static void make_stream(struct machine *m, uint64_t root)
{
	union qaccel_cmd cmds[2] = { cmd_copy(DST, SRC, 64), cmd_end() };
	uint8_t data[64];

	cmds[0].hdr.tag = 77;
	memset(data, 0x5a, sizeof(data));
	vm_alloc(m, root, STREAM, QACCEL_PAGE_SIZE, RO, false);
	vm_alloc(m, root, SRC, QACCEL_PAGE_SIZE, RO, false);
	vm_alloc(m, root, DST, QACCEL_PAGE_SIZE, WO, false);
	vm_alloc(m, root, PERF, QACCEL_PAGE_SIZE, WO, false);
	vm_write(m, root, STREAM, cmds, sizeof(cmds));
	vm_write(m, root, SRC, data, sizeof(data));
}

static int setup(void **state)
{
	fix.m = machine_create();
	fix.root = vm_create(fix.m);
	make_stream(fix.m, fix.root);
	queue_setup(fix.m, 0, 0);
	device_enable(fix.m);
	*state = &fix;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	machine_destroy(fix.m);
	return 0;
}

static uint32_t queue_reg(unsigned int q, uint32_t reg)
{
	return reg_read(fix.m, QACCEL_REGS_QUEUE(q) + reg);
}

static struct qaccel_ring_entry entry(uint64_t seqno)
{
	return entry_of(fix.root, STREAM, 2, seqno);
}

static void job_runs(void **state)
{
	struct qaccel_ring_entry e = entry(41);
	struct qaccel_result r = run_entry(fix.m, 0, &e);
	uint8_t data[64];

	(void)state;
	assert_int_equal(r.seqno, 41);
	assert_int_equal(r.status, QACCEL_OK);
	assert_int_equal(r.cmd_index, 2);
	assert_int_equal(r.engine, 0);
	assert_int_equal(r.fault_va, 0);
	assert_int_equal(r.bytes_read, 2 * QACCEL_CMD_SIZE + 64);
	assert_int_equal(r.bytes_written, 64);
	assert_true(r.cycles > 0);
	vm_read(fix.m, fix.root, DST, data, sizeof(data));
	for (int i = 0; i < 64; i++)
		assert_int_equal(data[i], 0x5a);
	wait_count(&fix.m->irqs[0], 1);
	assert_int_equal(queue_reg(0, QACCEL_REG_QUEUE_HEAD), 1);
	assert_int_equal(queue_reg(0, QACCEL_REG_QUEUE_TAIL), 1);
	assert_int_equal(reg_read64(fix.m, QACCEL_REG_CNT_DOORBELLS), 1);
	assert_int_equal(reg_read64(fix.m, QACCEL_REG_CNT_JOBS), 1);
	assert_int_equal(reg_read64(fix.m, QACCEL_REG_CNT_COMMANDS), 2);
	assert_int_equal(reg_read64(fix.m, QACCEL_REG_CNT_FAULTS), 0);
	assert_int_equal(reg_read64(fix.m, QACCEL_REG_CNT_IRQS), 1);
	assert_int_equal(reg_read64(fix.m, QACCEL_REG_CNT_CYCLES), r.cycles);
	assert_int_equal(reg_read64(fix.m, QACCEL_REG_CNT_BYTES_READ),
			 r.bytes_read);
	assert_int_equal(reg_read64(fix.m, QACCEL_REG_CNT_BYTES_WRITTEN), 64);
	assert_int_equal(reg_read(fix.m, QACCEL_REGS_ENGINE(0) +
				  QACCEL_REG_ENGINE_PROGRESS), 2);
}

static void ring_wraps(void **state)
{
	uint64_t seqno = 0;

	(void)state;
	for (int round = 0; round < 5; round++) {
		for (unsigned int i = 0; i < RING_ENTRIES; i++) {
			struct qaccel_ring_entry e = entry(++seqno);

			queue_put(fix.m, 0, &e);
		}
		queue_ring(fix.m, 0);
		queue_wait(fix.m, 0, seqno);
		for (unsigned int i = 0; i < RING_ENTRIES; i++)
			assert_int_equal(queue_result(fix.m, 0, i)->seqno,
					 seqno - RING_ENTRIES + 1 + i);
	}
}

static void expect_halted(unsigned int q, enum qaccel_status why)
{
	uint32_t status = queue_reg(q, QACCEL_REG_QUEUE_STATUS);

	assert_true(status & QACCEL_QUEUE_HALTED);
	assert_int_equal(QACCEL_QUEUE_ERROR(status), why);
	assert_true(reg_read(fix.m, QACCEL_REG_IRQ_ERROR) & (1u << q));
	assert_true(atomic_load(&fix.m->irqs[0]) > 0);
}

static void doorbell_too_far(void **state)
{
	struct qaccel_ring_entry e = entry(1);

	(void)state;
	reg_write(fix.m, QACCEL_DOORBELL(0), RING_ENTRIES + 1);
	expect_halted(0, QACCEL_ERR_DOORBELL);
	assert_int_equal(reg_read64(fix.m, QACCEL_REG_CNT_DOORBELLS), 0);
	/* A halted queue listens to no doorbell. */
	reg_write(fix.m, QACCEL_DOORBELL(0), 1);
	assert_int_equal(queue_reg(0, QACCEL_REG_QUEUE_TAIL), 0);
	/* Enabling it anew ends the error. */
	reg_write(fix.m, QACCEL_REG_IRQ_ERROR, 1);
	queue_setup(fix.m, 0, 0);
	assert_int_equal(queue_reg(0, QACCEL_REG_QUEUE_STATUS),
			 QACCEL_QUEUE_ENABLED);
	assert_int_equal(run_entry(fix.m, 0, &e).status, QACCEL_OK);
}

static void doorbell_backwards(void **state)
{
	struct qaccel_ring_entry e = entry(1);

	(void)state;
	run_entry(fix.m, 0, &e);
	reg_write(fix.m, QACCEL_DOORBELL(0), 0);
	expect_halted(0, QACCEL_ERR_DOORBELL);
}

static void doorbell_of_disabled_queue(void **state)
{
	(void)state;
	reg_write(fix.m, QACCEL_DOORBELL(1), 1);
	assert_int_equal(queue_reg(1, QACCEL_REG_QUEUE_TAIL), 0);
	assert_int_equal(queue_reg(1, QACCEL_REG_QUEUE_STATUS), 0);
	assert_int_equal(reg_read64(fix.m, QACCEL_REG_CNT_DOORBELLS), 0);
	assert_int_equal(
		atomic_load(&fix.m->events[QACCEL_EVENT_BAD_DOORBELL]), 1);
}

static void full_ring_is_allowed(void **state)
{
	(void)state;
	reg_write(fix.m, QACCEL_REG_CTRL, 0);
	for (unsigned int i = 1; i <= RING_ENTRIES; i++) {
		struct qaccel_ring_entry e = entry(i);

		queue_put(fix.m, 0, &e);
	}
	queue_ring(fix.m, 0);
	assert_int_equal(queue_reg(0, QACCEL_REG_QUEUE_HEAD), 0);
	reg_write(fix.m, QACCEL_REG_CTRL, QACCEL_CTRL_ENABLE);
	queue_wait(fix.m, 0, RING_ENTRIES);
}

static void impossible_registers(void **state)
{
	static const struct { uint32_t reg, value; } bad[] = {
		{ QACCEL_REG_QUEUE_RING_ORDER, 0 },
		{ QACCEL_REG_QUEUE_RING_ORDER, 13 },
		{ QACCEL_REG_QUEUE_RING_ORDER, ~0u },
		{ QACCEL_REG_QUEUE_RING_LO, 0x10 },
		{ QACCEL_REG_QUEUE_RESULT_LO, 0x800 },
		{ QACCEL_REG_QUEUE_FENCE_LO, 4 },
	};
	uint32_t regs = QACCEL_REGS_QUEUE(0);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		queue_setup(fix.m, 0, 0);
		reg_write(fix.m, regs + QACCEL_REG_QUEUE_CTRL, 0);
		reg_write(fix.m, regs + bad[i].reg, bad[i].value);
		reg_write(fix.m, regs + QACCEL_REG_QUEUE_CTRL,
			  QACCEL_QUEUE_ENABLE);
		expect_halted(0, QACCEL_ERR_QUEUE);
		reg_write(fix.m, QACCEL_REG_IRQ_ERROR, 1);
	}
	queue_setup(fix.m, 0, ENGINES);
	expect_halted(0, QACCEL_ERR_QUEUE);
}

static void expect_entry_error(struct qaccel_ring_entry e,
			       enum qaccel_status status, uint64_t va)
{
	struct qaccel_result r = run_entry(fix.m, 0, &e);

	assert_int_equal(r.status, status);
	assert_int_equal(r.cmd_index, 0);
	assert_int_equal(r.fault_va, va);
}

static void bad_entries(void **state)
{
	struct qaccel_ring_entry e;
	uint64_t seqno = 0;

	(void)state;
#define EXPECT(change, status, va)					\
	do {								\
		e = entry(++seqno);					\
		change;							\
		expect_entry_error(e, QACCEL_ERR_##status, va);		\
	} while (0)
	EXPECT(e.reserved[0] = 1, ENTRY, 0);
	EXPECT(e.reserved[2] = 1, ENTRY, 0);
	EXPECT(e.flags |= 8, ENTRY, 0);
	EXPECT(e.root |= 8, ENTRY, 0);
	EXPECT(e.root |= UINT64_C(1) << 52, ENTRY, 0);
	EXPECT(e.perf_va = PERF, ENTRY, 0);
	EXPECT((e.flags |= QACCEL_ENTRY_PERF_JOB, e.perf_va = PERF + 8),
	       ADDRESS, PERF + 8);
	EXPECT((e.flags |= QACCEL_ENTRY_PERF_JOB, e.perf_va = 1ull << 39),
	       ADDRESS, 1ull << 39);
	EXPECT(e.stream_size = 0, STREAM, 0);
	EXPECT(e.stream_size = 100, STREAM, 0);
	EXPECT(e.stream_size = QACCEL_MAX_STREAM + QACCEL_CMD_SIZE, STREAM, 0);
	EXPECT(e.stream_va += 64, ADDRESS, STREAM + 64);
	EXPECT(e.stream_va = 1ull << 39, ADDRESS, 1ull << 39);
	EXPECT(e.stream_va = ~UINT64_C(0) << 8, ADDRESS, ~UINT64_C(0) << 8);
	EXPECT((e.stream_va = (1ull << 39) - 256, e.stream_size = 512),
	       ADDRESS, 1ull << 39);
	assert_int_equal(reg_read64(fix.m, QACCEL_REG_CNT_FAULTS), seqno);
	/* Errors of jobs are no errors of the queue. */
	e = entry(++seqno);
	assert_int_equal(run_entry(fix.m, 0, &e).status, QACCEL_OK);
}

static void perf_records(void **state)
{
	struct qaccel_ring_entry e = entry(1);
	struct qaccel_perf perf[3];
	struct qaccel_result r;

	(void)state;
	e.flags |= QACCEL_ENTRY_PERF_JOB | QACCEL_ENTRY_PERF_CMDS;
	e.perf_va = PERF + 64;
	r = run_entry(fix.m, 0, &e);
	assert_int_equal(r.status, QACCEL_OK);
	vm_read(fix.m, fix.root, PERF + 64, perf, sizeof(perf));
	assert_int_equal(perf[0].cmd_index, 2);
	assert_int_equal(perf[0].opcode, 0);
	assert_int_equal(perf[0].tag, 0);
	assert_int_equal(perf[0].cycles, r.cycles);
	assert_int_equal(perf[0].bytes_read, r.bytes_read);
	assert_int_equal(perf[1].cmd_index, 0);
	assert_int_equal(perf[1].opcode, QACCEL_OP_COPY);
	assert_int_equal(perf[1].tag, 77);
	assert_int_equal(perf[1].bytes_written, 64);
	assert_int_equal(perf[2].cmd_index, 1);
	assert_int_equal(perf[2].opcode, QACCEL_OP_END);
	assert_int_equal(perf[1].cycles + perf[2].cycles, perf[0].cycles);
}

static void perf_fault(void **state)
{
	struct qaccel_ring_entry e = entry(1);
	struct qaccel_result r;

	(void)state;
	e.flags |= QACCEL_ENTRY_PERF_JOB;
	e.perf_va = SRC;	/* read-only */
	r = run_entry(fix.m, 0, &e);
	assert_int_equal(r.status, QACCEL_ERR_PERMISSION);
	assert_int_equal(r.fault_va, SRC);
	assert_int_equal(r.fault_access, QACCEL_ACCESS_WRITE);
	assert_int_equal(r.cmd_index, 1);
	/* The record of command 0 is the first on the unmapped page. */
	e = entry(2);
	e.flags |= QACCEL_ENTRY_PERF_CMDS;
	e.perf_va = PERF + QACCEL_PAGE_SIZE - 64;
	r = run_entry(fix.m, 0, &e);
	assert_int_equal(r.status, QACCEL_ERR_TRANSLATION);
	assert_int_equal(r.fault_va, PERF + QACCEL_PAGE_SIZE);
	assert_int_equal(r.cmd_index, 0);
}

static void bad_ring_address(void **state)
{
	uint32_t regs = QACCEL_REGS_QUEUE(0);

	(void)state;
	reg_write(fix.m, regs + QACCEL_REG_QUEUE_CTRL, 0);
	reg_write64(fix.m, regs + QACCEL_REG_QUEUE_RING_LO, 0x1000);
	reg_write(fix.m, regs + QACCEL_REG_QUEUE_CTRL, QACCEL_QUEUE_ENABLE);
	reg_write(fix.m, QACCEL_DOORBELL(0), 1);
	reg_wait(fix.m, regs + QACCEL_REG_QUEUE_STATUS, QACCEL_QUEUE_HALTED,
		 QACCEL_QUEUE_HALTED);
	expect_halted(0, QACCEL_ERR_BUS);
}

static void bad_completion_address(void **state)
{
	static const uint32_t reg[] = {
		QACCEL_REG_QUEUE_RESULT_LO, QACCEL_REG_QUEUE_FENCE_LO,
	};
	uint32_t regs = QACCEL_REGS_QUEUE(0);

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct qaccel_ring_entry e = entry(1);

		queue_setup(fix.m, 0, 0);
		reg_write(fix.m, regs + QACCEL_REG_QUEUE_CTRL, 0);
		reg_write64(fix.m, regs + reg[i], 0x1000);
		reg_write(fix.m, regs + QACCEL_REG_QUEUE_CTRL,
			  QACCEL_QUEUE_ENABLE);
		queue_put(fix.m, 0, &e);
		queue_ring(fix.m, 0);
		reg_wait(fix.m, regs + QACCEL_REG_QUEUE_STATUS,
			 QACCEL_QUEUE_HALTED, QACCEL_QUEUE_HALTED);
		expect_halted(0, QACCEL_ERR_BUS);
		assert_int_equal(queue_fence(fix.m, 0), 0);
		reg_write(fix.m, QACCEL_REG_IRQ_ERROR, 1);
	}
	assert_int_equal(reg_read(fix.m, QACCEL_REG_IRQ_DONE), 0);
}

/* Two queues of one engine take turns: none waits for all of the other. */
static void round_robin(void **state)
{
	(void)state;
	queue_setup(fix.m, 1, 0);
	reg_write(fix.m, QACCEL_REG_CTRL, 0);
	for (unsigned int i = 1; i <= 8; i++) {
		struct qaccel_ring_entry e = entry(i);

		queue_put(fix.m, 0, &e);
		queue_put(fix.m, 1, &e);
	}
	queue_ring(fix.m, 0);
	queue_ring(fix.m, 1);
	/* Hold the last entry of queue 0: by then queue 1 has done 7. */
	atomic_store(&fix.m->gate_addr, fix.m->ring[0] + 7 * 64);
	reg_write(fix.m, QACCEL_REG_CTRL, QACCEL_CTRL_ENABLE);
	wait_true(&fix.m->gate_waiting);
	assert_int_equal(queue_fence(fix.m, 0), 7);
	assert_in_range(queue_fence(fix.m, 1), 7, 8);
	atomic_store(&fix.m->gate_open, true);
	queue_wait(fix.m, 0, 8);
	queue_wait(fix.m, 1, 8);
}

/* Disabling stops the queue before its next entry; the job goes on. */
static void disable_keeps_running_job(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 2; i++) {
		struct qaccel_ring_entry e = entry(i);

		queue_put(fix.m, 0, &e);
	}
	atomic_store(&fix.m->gate_addr, fix.m->ring[0]);
	queue_ring(fix.m, 0);
	wait_true(&fix.m->gate_waiting);
	assert_int_equal(reg_read(fix.m, QACCEL_REGS_ENGINE(0)),
			 QACCEL_ENGINE_BUSY);
	reg_write(fix.m, QACCEL_REGS_QUEUE(0) + QACCEL_REG_QUEUE_CTRL, 0);
	atomic_store(&fix.m->gate_open, true);
	queue_wait(fix.m, 0, 1);
	reg_wait(fix.m, QACCEL_REGS_ENGINE(0), QACCEL_ENGINE_BUSY, 0);
	assert_int_equal(queue_reg(0, QACCEL_REG_QUEUE_HEAD), 1);
	assert_int_equal(queue_fence(fix.m, 0), 1);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(job_runs),
		TEST(ring_wraps),
		TEST(doorbell_too_far),
		TEST(doorbell_backwards),
		TEST(doorbell_of_disabled_queue),
		TEST(full_ring_is_allowed),
		TEST(impossible_registers),
		TEST(bad_entries),
		TEST(perf_records),
		TEST(perf_fault),
		TEST(bad_ring_address),
		TEST(bad_completion_address),
		TEST(round_robin),
		TEST(disable_keeps_running_job),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
