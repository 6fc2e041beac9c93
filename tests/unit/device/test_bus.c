// SPDX-License-Identifier: MIT
/*
 * The bus refuses the n-th access, for every n: each one ends in an error that
 * software sees, and the device goes on.
 */
#include <string.h>

#include "machine.h"

#define STREAM	UINT64_C(0x10000000)
#define SRC	UINT64_C(0x2000000000)
#define DST	UINT64_C(0x7f00000000)
#define PERF	UINT64_C(0x4000000000)
#define PAGES	3
#define SIZE	(PAGES * QACCEL_PAGE_SIZE)

static struct machine *m;
static uint64_t root;
static uint64_t seqno;

static int setup(void **state)
{
	union qaccel_cmd cmds[3] = {
		cmd_copy(DST, SRC, SIZE), cmd_copy(DST + 16, SRC, 8),
		cmd_end(),
	};

	(void)state;
	cmds[1].copy.rows = SIZE / 64;
	cmds[1].copy.dst_stride = 48;
	m = machine_create();
	root = vm_create(m);
	seqno = 0;
	vm_alloc(m, root, STREAM, QACCEL_PAGE_SIZE, RO, false);
	vm_alloc(m, root, SRC, SIZE, RO, true);
	vm_alloc(m, root, DST, SIZE, WO, true);
	vm_alloc(m, root, PERF, QACCEL_PAGE_SIZE, WO, false);
	vm_write(m, root, STREAM, cmds, sizeof(cmds));
	queue_setup(m, 0, 0);
	device_enable(m);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	machine_destroy(m);
	return 0;
}

static void submit(void)
{
	struct qaccel_ring_entry e = entry_of(root, STREAM, 3, ++seqno);

	e.flags |= QACCEL_ENTRY_PERF_JOB | QACCEL_ENTRY_PERF_CMDS;
	e.perf_va = PERF;
	queue_put(m, 0, &e);
	queue_ring(m, 0);
}

/* Until the job ended, well or not; true: with a result. */
static bool wait_end(void)
{
	uint64_t regs = QACCEL_REGS_ENGINE(0);
	uint64_t status = QACCEL_REGS_QUEUE(0) + QACCEL_REG_QUEUE_STATUS;

	reg_wait(m, QACCEL_REGS_QUEUE(0) + QACCEL_REG_QUEUE_HEAD, ~0u,
		 m->tail[0]);
	reg_wait(m, regs, QACCEL_ENGINE_BUSY, 0);
	return !(reg_read(m, status) & QACCEL_QUEUE_HALTED);
}

static void fail_access(long n)
{
	struct qaccel_result *r;

	tlb_invalidate(m, root);
	atomic_store(&m->accesses, 0);
	atomic_store(&m->fail_at, n);
	submit();
	if (!wait_end()) {
		/* The ring entry, the result or the fence. */
		assert_int_equal(QACCEL_QUEUE_ERROR(reg_read(m,
			QACCEL_REGS_QUEUE(0) + QACCEL_REG_QUEUE_STATUS)),
			QACCEL_ERR_BUS);
		assert_int_not_equal(queue_fence(m, 0), seqno);
		reg_write(m, QACCEL_REG_IRQ_ERROR, ~0u);
		queue_setup(m, 0, 0);
		return;
	}
	r = queue_result(m, 0, m->tail[0] - 1);
	assert_int_equal(queue_fence(m, 0), seqno);
	assert_int_equal(r->seqno, seqno);
	assert_int_equal(r->status, QACCEL_ERR_BUS);
	assert_true(r->fault_access == QACCEL_ACCESS_READ ||
		    r->fault_access == QACCEL_ACCESS_WRITE);
	assert_true(r->cmd_index < 3);
}

static void fail_each(bool no_map)
{
	long count;

	atomic_store(&m->no_map, no_map);
	submit();
	queue_wait(m, 0, seqno);
	tlb_invalidate(m, root);
	reg_wait(m, QACCEL_REGS_ENGINE(0), QACCEL_ENGINE_BUSY, 0);
	atomic_store(&m->accesses, 0);
	submit();
	queue_wait(m, 0, seqno);
	reg_wait(m, QACCEL_REGS_ENGINE(0), QACCEL_ENGINE_BUSY, 0);
	count = atomic_load(&m->accesses);
	assert_true(count > 20);
	for (long n = 1; n <= count; n++) {
		fail_access(n);
		assert_int_equal(atomic_load(&m->mapped), 0);
	}
	atomic_store(&m->fail_at, 0);
	submit();
	queue_wait(m, 0, seqno);
	assert_int_equal(queue_result(m, 0, m->tail[0] - 1)->status,
			 QACCEL_OK);
}

static void each_access_fails(void **state)
{
	(void)state;
	fail_each(false);
}

static void each_access_fails_without_map(void **state)
{
	(void)state;
	fail_each(true);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_access_fails),
		TEST(each_access_fails_without_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
