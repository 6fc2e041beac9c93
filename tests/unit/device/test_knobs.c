// SPDX-License-Identifier: MIT
/* Every fault knob does what it says, to the tagged commands alone. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"

#define STREAM	UINT64_C(0x10000000)
#define SRC	UINT64_C(0x2000000000)
#define DST	UINT64_C(0x7f00000000)
#define TAG	5

static struct machine *m;
static uint64_t root;
static uint64_t seqno;

static int setup(void **state)
{
	union qaccel_cmd cmds[5] = {
		cmd_copy(DST, SRC, 64), cmd_end(),	/* plain */
		cmd_copy(DST, SRC, 64),			/* before the tagged one */
		cmd_copy(DST, SRC, 64), cmd_end(),	/* tagged */
	};

	(void)state;
	cmds[3].hdr.tag = TAG;
	m = machine_create();
	root = vm_create(m);
	seqno = 0;
	vm_alloc(m, root, STREAM, QACCEL_PAGE_SIZE, RO, false);
	vm_alloc(m, root, SRC, QACCEL_PAGE_SIZE, RO, false);
	vm_alloc(m, root, DST, QACCEL_PAGE_SIZE, WO, false);
	vm_write(m, root, STREAM, cmds, sizeof(cmds));
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

static void set(struct qaccel_fault_knobs knobs)
{
	struct qaccel_fault_knobs got;

	qaccel_device_set_knobs(m->dev, &knobs);
	qaccel_device_get_knobs(m->dev, &got);
	assert_memory_equal(&got, &knobs, sizeof(knobs));
}

static struct qaccel_ring_entry entry(bool tagged)
{
	return entry_of(root, STREAM + (tagged ? 3 * QACCEL_CMD_SIZE : 0), 2,
			++seqno);
}

static struct qaccel_result run(bool tagged)
{
	struct qaccel_ring_entry e = entry(tagged);

	return run_entry(m, 0, &e);
}

static void hang(void **state)
{
	struct qaccel_fault_knobs off = { 0 };
	struct qaccel_ring_entry e;

	(void)state;
	set((struct qaccel_fault_knobs){ .hang_tag = TAG });
	assert_int_equal(run(false).status, QACCEL_OK);
	e = entry_of(root, STREAM + 2 * QACCEL_CMD_SIZE, 3, ++seqno);
	queue_put(m, 1, &e);
	queue_ring(m, 1);
	/* It has seen the knob when it is in the tagged command. */
	reg_wait(m, QACCEL_REGS_ENGINE(1) + QACCEL_REG_ENGINE_CMD, ~0u, 1);
	/* The other engine is not concerned. */
	assert_int_equal(run(false).status, QACCEL_OK);
	set(off);
	usleep(20000);
	assert_int_equal(queue_fence(m, 1), 0);
	assert_int_equal(reg_read(m, QACCEL_REGS_ENGINE(1)) & 1, 1);
	assert_int_equal(atomic_load(&m->mapped), 0);
	reg_write(m, QACCEL_REGS_ENGINE(1) + QACCEL_REG_ENGINE_CTRL,
		  QACCEL_ENGINE_RESET);
	reg_wait(m, QACCEL_REGS_ENGINE(1), ~0u, 0);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void slow(void **state)
{
	double begin;

	(void)state;
	set((struct qaccel_fault_knobs){ .slow_tag = TAG, .slow_us = 50000 });
	begin = seconds();
	assert_int_equal(run(true).status, QACCEL_OK);
	assert_true(seconds() - begin >= 0.05);
}

/* A slow command is no reason to wait with a reset. */
static void slow_is_reset(void **state)
{
	struct qaccel_ring_entry e = entry(true);

	(void)state;
	set((struct qaccel_fault_knobs){ .slow_tag = TAG,
					 .slow_us = 2000000000 });
	queue_put(m, 0, &e);
	queue_ring(m, 0);
	qaccel_device_reset(m->dev);
	assert_int_equal(queue_fence(m, 0), 0);
}

static void corrupt(void **state)
{
	(void)state;
	set((struct qaccel_fault_knobs){ .corrupt_tag = TAG });
	assert_int_equal(run(true).status, 0xff);
	assert_int_equal(run(false).status, QACCEL_OK);
}

static void dma_error(void **state)
{
	struct qaccel_result r;

	(void)state;
	set((struct qaccel_fault_knobs){ .dma_error_tag = TAG });
	r = run(true);
	assert_int_equal(r.status, QACCEL_ERR_BUS);
	assert_int_equal(r.fault_va, SRC);
	assert_int_equal(r.fault_access, QACCEL_ACCESS_READ);
	assert_int_equal(run(false).status, QACCEL_OK);
}

static void drop_irq(void **state)
{
	struct qaccel_fault_knobs knobs;

	(void)state;
	set((struct qaccel_fault_knobs){ .drop_irq = 1 });
	run(false);
	reg_wait(m, QACCEL_REGS_ENGINE(0), QACCEL_ENGINE_BUSY, 0);
	assert_int_equal(reg_read(m, QACCEL_REG_IRQ_DONE), 1);
	assert_int_equal(atomic_load(&m->irqs[0]), 0);
	qaccel_device_get_knobs(m->dev, &knobs);
	assert_int_equal(knobs.drop_irq, 0);
	assert_int_equal(reg_read64(m, QACCEL_REG_CNT_IRQS), 0);
	reg_write(m, QACCEL_REG_IRQ_DONE, 1);
	run(false);
	wait_count(&m->irqs[0], 1);
}

static void reset_stuck(void **state)
{
	uint64_t regs = QACCEL_REGS_ENGINE(0);

	(void)state;
	set((struct qaccel_fault_knobs){ .reset_stuck = 1 });
	reg_write(m, regs + QACCEL_REG_ENGINE_CTRL, QACCEL_ENGINE_RESET);
	usleep(10000);
	assert_int_equal(reg_read(m, regs), QACCEL_ENGINE_RESET_BUSY);
	/* The second one is not told to be stuck, but the first still is. */
	reg_write(m, regs + QACCEL_REG_ENGINE_CTRL, QACCEL_ENGINE_RESET);
	assert_int_equal(reg_read(m, regs), QACCEL_ENGINE_RESET_BUSY);
	reg_write(m, QACCEL_REG_CTRL, QACCEL_CTRL_RESET);
	reg_wait(m, regs, ~0u, 0);
	queue_setup(m, 0, 0);
	device_enable(m);
	assert_int_equal(run(false).status, QACCEL_OK);
}

static void gone(void **state)
{
	struct qaccel_ring_entry e;
	long accesses;

	(void)state;
	set((struct qaccel_fault_knobs){ .hang_tag = TAG });
	e = entry(true);
	queue_put(m, 0, &e);
	queue_ring(m, 0);
	set((struct qaccel_fault_knobs){ .gone = true });
	assert_int_equal(reg_read(m, QACCEL_REG_ID), ~0u);
	assert_int_equal(reg_read64(m, QACCEL_REG_CNT_JOBS), ~0ull);
	assert_int_equal(qaccel_device_read(m->dev, 3, 1), 0xff);
	reg_write(m, QACCEL_REG_IRQ_DONE_ENABLE, 1);
	qaccel_device_reset(m->dev);
	accesses = atomic_load(&m->accesses);
	usleep(10000);
	assert_int_equal(atomic_load(&m->accesses), accesses);
	/* Plugged in again: as new. */
	set((struct qaccel_fault_knobs){ 0 });
	assert_int_equal(reg_read(m, QACCEL_REG_ID), QACCEL_ID_MAGIC);
	assert_int_equal(reg_read(m, QACCEL_REG_IRQ_DONE_ENABLE), 0);
	assert_int_equal(reg_read(m, QACCEL_REGS_QUEUE(0)), 0);
	queue_setup(m, 0, 0);
	device_enable(m);
	assert_int_equal(run(false).status, QACCEL_OK);
}

/* The machine's knobs outlive a reset of the guest's. */
static void reset_keeps_knobs(void **state)
{
	(void)state;
	set((struct qaccel_fault_knobs){ .corrupt_tag = TAG });
	qaccel_device_reset(m->dev);
	queue_setup(m, 0, 0);
	device_enable(m);
	assert_int_equal(run(true).status, 0xff);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hang),
		TEST(slow),
		TEST(slow_is_reset),
		TEST(corrupt),
		TEST(dma_error),
		TEST(drop_irq),
		TEST(reset_stuck),
		TEST(gone),
		TEST(reset_keeps_knobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
