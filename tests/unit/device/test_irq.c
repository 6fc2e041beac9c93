// SPDX-License-Identifier: MIT
/* Interrupts: bits, enables, vectors, coalescing. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"

#define STREAM	UINT64_C(0x10000000)

static struct machine *m;
static uint64_t root;
static uint64_t seqno;

static int setup(void **state)
{
	union qaccel_cmd end = cmd_end();

	(void)state;
	m = machine_create();
	root = vm_create(m);
	seqno = 0;
	vm_alloc(m, root, STREAM, QACCEL_PAGE_SIZE, RO, false);
	vm_write(m, root, STREAM, &end, sizeof(end));
	queue_setup(m, 0, 0);
	queue_setup(m, 1, 1);
	device_enable(m);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	machine_destroy(m);
	return 0;
}

/* Runs n empty jobs; the engine is idle again at return. */
static void run(unsigned int q, unsigned int n, uint32_t flags)
{
	while (n--) {
		struct qaccel_ring_entry e = entry_of(root, STREAM, 1, ++seqno);

		e.flags = flags;
		run_entry(m, q, &e);
		reg_wait(m, QACCEL_REGS_ENGINE(q), QACCEL_ENGINE_BUSY, 0);
	}
}

static unsigned int irqs(unsigned int vector)
{
	return atomic_load(&m->irqs[vector]);
}

static void coalesce(unsigned int q, uint32_t count, uint32_t us)
{
	reg_write(m, QACCEL_REGS_QUEUE(q) + QACCEL_REG_QUEUE_COALESCE,
		  QACCEL_QUEUE_COALESCE(count, us));
}

static void message_once_until_cleared(void **state)
{
	(void)state;
	run(0, 3, QACCEL_ENTRY_IRQ);
	assert_int_equal(irqs(0), 1);
	assert_int_equal(reg_read(m, QACCEL_REG_IRQ_DONE), 1);
	reg_write(m, QACCEL_REG_IRQ_DONE, 1);
	assert_int_equal(reg_read(m, QACCEL_REG_IRQ_DONE), 0);
	run(0, 1, QACCEL_ENTRY_IRQ);
	assert_int_equal(irqs(0), 2);
	assert_int_equal(reg_read64(m, QACCEL_REG_CNT_IRQS), 2);
}

static void clear_leaves_other_bits(void **state)
{
	(void)state;
	run(0, 1, QACCEL_ENTRY_IRQ);
	run(1, 1, QACCEL_ENTRY_IRQ);
	reg_write(m, QACCEL_REG_IRQ_DONE, 1);
	assert_int_equal(reg_read(m, QACCEL_REG_IRQ_DONE), 2);
	reg_write(m, QACCEL_REG_IRQ_DONE, 0);
	assert_int_equal(reg_read(m, QACCEL_REG_IRQ_DONE), 2);
}

static void entry_without_flag_is_silent(void **state)
{
	(void)state;
	run(0, 1, 0);
	assert_int_equal(irqs(0), 0);
	assert_int_equal(reg_read(m, QACCEL_REG_IRQ_DONE), 0);
}

static void enabling_sends_what_is_set(void **state)
{
	(void)state;
	reg_write(m, QACCEL_REG_IRQ_DONE_ENABLE, 0);
	run(0, 1, QACCEL_ENTRY_IRQ);
	assert_int_equal(reg_read(m, QACCEL_REG_IRQ_DONE), 1);
	assert_int_equal(irqs(0), 0);
	reg_write(m, QACCEL_REG_IRQ_DONE_ENABLE, 1);
	assert_int_equal(irqs(0), 1);
	/* Once: it was sent, and not cleared since. */
	reg_write(m, QACCEL_REG_IRQ_DONE_ENABLE, 0);
	reg_write(m, QACCEL_REG_IRQ_DONE_ENABLE, 1);
	assert_int_equal(irqs(0), 1);
}

static void vectors(void **state)
{
	(void)state;
	reg_write(m, QACCEL_REGS_QUEUE(0) + QACCEL_REG_QUEUE_VECTOR, 2);
	reg_write(m, QACCEL_REGS_QUEUE(1) + QACCEL_REG_QUEUE_VECTOR, VECTORS);
	run(0, 1, QACCEL_ENTRY_IRQ);
	assert_int_equal(irqs(2), 1);
	run(1, 1, QACCEL_ENTRY_IRQ);
	assert_int_equal(irqs(0), 1);
	reg_write(m, QACCEL_DOORBELL(0), RING_ENTRIES + 2);
	assert_int_equal(irqs(0), 2);	/* errors: always vector 0 */
	assert_int_equal(irqs(2), 1);
}

static void coalesced_by_count(void **state)
{
	(void)state;
	coalesce(0, 4, 0xffff);
	run(0, 3, QACCEL_ENTRY_IRQ);
	/* 65 ms have most likely not passed; if so, nothing was sent. */
	if (!irqs(0))
		assert_int_equal(reg_read(m, QACCEL_REG_IRQ_DONE), 0);
	run(0, 1, QACCEL_ENTRY_IRQ);
	wait_count(&m->irqs[0], 1);
	assert_int_equal(reg_read(m, QACCEL_REG_IRQ_DONE), 1);
}

static void coalesced_by_time(void **state)
{
	(void)state;
	coalesce(0, 100, 20000);
	run(0, 1, QACCEL_ENTRY_IRQ);
	wait_count(&m->irqs[0], 1);
	assert_int_equal(irqs(0), 1);
	/* The next one waits for its own time. */
	reg_write(m, QACCEL_REG_IRQ_DONE, 1);
	run(0, 1, QACCEL_ENTRY_IRQ);
	wait_count(&m->irqs[0], 2);
}

static void coalescing_off_by_one_or_no_time(void **state)
{
	(void)state;
	coalesce(0, 1, 0xffff);
	run(0, 1, QACCEL_ENTRY_IRQ);
	assert_int_equal(irqs(0), 1);
	reg_write(m, QACCEL_REG_IRQ_DONE, 1);
	coalesce(0, 100, 0);
	run(0, 1, QACCEL_ENTRY_IRQ);
	assert_int_equal(irqs(0), 2);
}

static void new_limits_apply_to_what_waits(void **state)
{
	(void)state;
	coalesce(0, 0xffff, 0xffff);
	run(0, 2, QACCEL_ENTRY_IRQ);
	coalesce(0, 2, 0xffff);
	wait_count(&m->irqs[0], 1);
}

static void errors_are_not_held_back(void **state)
{
	(void)state;
	coalesce(0, 0xffff, 0xffff);
	reg_write(m, QACCEL_DOORBELL(0), RING_ENTRIES + 1);
	assert_int_equal(irqs(0), 1);
}

static void disabling_tells_what_waits(void **state)
{
	(void)state;
	coalesce(0, 0xffff, 0xffff);
	run(0, 1, QACCEL_ENTRY_IRQ);
	reg_write(m, QACCEL_REGS_QUEUE(0) + QACCEL_REG_QUEUE_CTRL, 0);
	wait_count(&m->irqs[0], 1);
}

/*
 * As a driver does it: wait for the message, clear, then look at the fence.
 * With a lost interrupt this waits for ever.
 */
static void nothing_is_lost(void **state)
{
	unsigned int seen = 0;

	(void)state;
	for (unsigned int i = 0; i < 2000; i++) {
		struct qaccel_ring_entry e = entry_of(root, STREAM, 1, ++seqno);

		queue_put(m, 0, &e);
		queue_ring(m, 0);
		for (;;) {
			wait_count(&m->irqs[0], seen + 1);
			seen++;
			reg_write(m, QACCEL_REG_IRQ_DONE, 1);
			if (queue_fence(m, 0) == seqno)
				break;
		}
	}
}

static void error_bit_is_cleared_by_one(void **state)
{
	(void)state;
	reg_write(m, QACCEL_DOORBELL(1), RING_ENTRIES + 1);
	assert_int_equal(reg_read(m, QACCEL_REG_IRQ_ERROR), 2);
	reg_write(m, QACCEL_REG_IRQ_ERROR, 1);
	assert_int_equal(reg_read(m, QACCEL_REG_IRQ_ERROR), 2);
	reg_write(m, QACCEL_REG_IRQ_ERROR, 2);
	assert_int_equal(reg_read(m, QACCEL_REG_IRQ_ERROR), 0);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(message_once_until_cleared),
		TEST(clear_leaves_other_bits),
		TEST(entry_without_flag_is_silent),
		TEST(enabling_sends_what_is_set),
		TEST(vectors),
		TEST(coalesced_by_count),
		TEST(coalesced_by_time),
		TEST(coalescing_off_by_one_or_no_time),
		TEST(new_limits_apply_to_what_waits),
		TEST(errors_are_not_held_back),
		TEST(disabling_tells_what_waits),
		TEST(nothing_is_lost),
		TEST(error_bit_is_cleared_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
