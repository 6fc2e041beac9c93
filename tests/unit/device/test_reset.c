// SPDX-License-Identifier: MIT
/* Resets with jobs in flight, pause, destruction. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"

#define STREAM	UINT64_C(0x10000000)
#define SRC	UINT64_C(0x2000000000)
#define DST	UINT64_C(0x7f00000000)
#define SIZE	(64u << 10)
/* Of each queue its own, as they run side by side. */
#define STREAM_OF(q)	(STREAM + (q) * UINT64_C(0x100000))
#define DST_OF(q)	(DST + (q) * UINT64_C(0x100000))
#define COPIES	8
#define HANG	99

static struct machine *m;
static uint64_t root;

static int setup(void **state)
{
	union qaccel_cmd cmds[COPIES + 1];

	(void)state;
	m = machine_create();
	root = vm_create(m);
	vm_alloc(m, root, SRC, SIZE, RO, true);
	for (unsigned int q = 0; q < 2; q++) {
		vm_alloc(m, root, STREAM_OF(q), 2 * QACCEL_PAGE_SIZE, RW,
			 false);
		vm_alloc(m, root, DST_OF(q), SIZE, WO, true);
		for (int i = 0; i < COPIES; i++)
			cmds[i] = cmd_copy(DST_OF(q), SRC, SIZE);
		cmds[COPIES] = cmd_end();
		vm_write(m, root, STREAM_OF(q), cmds, sizeof(cmds));
		queue_setup(m, q, q);
	}
	device_enable(m);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	machine_destroy(m);
	return 0;
}

static void submit(unsigned int q, uint64_t seqno)
{
	struct qaccel_ring_entry e = entry_of(root, STREAM_OF(q), COPIES + 1,
					      seqno);

	queue_put(m, q, &e);
	queue_ring(m, q);
}

static void set_hang_tag(uint32_t tag)
{
	struct qaccel_fault_knobs knobs = { .hang_tag = tag };

	qaccel_device_set_knobs(m->dev, &knobs);
}

/* The first command of the stream never ends. */
static void submit_hanging(unsigned int q, uint64_t seqno)
{
	union qaccel_cmd cmd = cmd_copy(DST_OF(q), SRC, SIZE);
	unsigned int commands = atomic_load(
		&m->events[QACCEL_EVENT_COMMAND]);

	cmd.hdr.tag = HANG;
	vm_write(m, root, STREAM_OF(q), &cmd, sizeof(cmd));
	set_hang_tag(HANG);
	submit(q, seqno);
	wait_count(&m->events[QACCEL_EVENT_COMMAND], commands + 1);
}

static void engine_reset(unsigned int e)
{
	reg_write(m, QACCEL_REGS_ENGINE(e) + QACCEL_REG_ENGINE_CTRL,
		  QACCEL_ENGINE_RESET);
	reg_wait(m, QACCEL_REGS_ENGINE(e), QACCEL_ENGINE_RESET_BUSY, 0);
}

static void engine_reset_drops_the_job(void **state)
{
	uint64_t regs = QACCEL_REGS_ENGINE(0);

	(void)state;
	submit_hanging(0, 1);
	assert_int_equal(reg_read(m, regs), QACCEL_ENGINE_BUSY);
	assert_int_equal(reg_read64(m, regs + QACCEL_REG_ENGINE_SEQNO_LO), 1);
	assert_int_equal(reg_read(m, regs + QACCEL_REG_ENGINE_CMD), 0);
	engine_reset(0);
	assert_int_equal(reg_read(m, regs), 0);
	assert_int_equal(queue_fence(m, 0), 0);
	assert_int_equal(queue_result(m, 0, 0)->seqno, 0);
	assert_int_equal(atomic_load(&m->irqs[0]), 0);
	assert_int_equal(reg_read64(m, QACCEL_REG_CNT_JOBS), 0);
	/* The queue goes on. */
	set_hang_tag(0);
	submit(0, 2);
	queue_wait(m, 0, 2);
	assert_int_equal(queue_result(m, 0, 1)->status, QACCEL_OK);
}

static void engine_reset_when_idle(void **state)
{
	(void)state;
	engine_reset(0);
	submit(0, 1);
	queue_wait(m, 0, 1);
}

static void engine_reset_leaves_the_other(void **state)
{
	(void)state;
	submit_hanging(0, 1);
	submit_hanging(1, 2);
	engine_reset(0);
	assert_int_equal(reg_read(m, QACCEL_REGS_ENGINE(1)),
			 QACCEL_ENGINE_BUSY | 1 << 8);
	set_hang_tag(0);
	engine_reset(1);
}

/* In DMA: RESET_BUSY until the access is over, and nothing after it. */
static void engine_reset_waits_for_dma(void **state)
{
	uint64_t page = *vm_entry(m, root, SRC, 2) & QACCEL_PTE_ADDR_MASK;
	uint64_t regs = QACCEL_REGS_ENGINE(0);
	long accesses;

	(void)state;
	atomic_store(&m->gate_addr, page);
	submit(0, 1);
	wait_true(&m->gate_waiting);
	reg_write(m, regs + QACCEL_REG_ENGINE_CTRL, QACCEL_ENGINE_RESET);
	assert_int_equal(reg_read(m, regs), QACCEL_ENGINE_BUSY |
			 QACCEL_ENGINE_RESET_BUSY);
	accesses = atomic_load(&m->accesses);
	atomic_store(&m->gate_open, true);
	reg_wait(m, regs, QACCEL_ENGINE_RESET_BUSY, 0);
	assert_int_equal(atomic_load(&m->accesses), accesses);
	assert_int_equal(queue_fence(m, 0), 0);
}

static void reset_clears_everything(void **state)
{
	(void)state;
	submit(0, 1);
	queue_wait(m, 0, 1);
	reg_write(m, QACCEL_DOORBELL(1), RING_ENTRIES + 1);
	reg_write64(m, QACCEL_REG_TLB_ROOT_LO, ~0ull);
	qaccel_device_reset(m->dev);
	for (uint64_t r = QACCEL_REG_CTRL; r < 0xd8; r += 4)
		assert_int_equal(reg_read(m, r), 0);
	for (uint64_t r = 0; r < 0x38; r += 4)
		for (unsigned int q = 0; q < QUEUES; q++)
			assert_int_equal(reg_read(m, QACCEL_REGS_QUEUE(q) + r),
					 0);
	assert_int_equal(reg_read(m, QACCEL_REG_ID), QACCEL_ID_MAGIC);
}

static void reset_by_register(void **state)
{
	uint64_t page = *vm_entry(m, root, SRC, 2) & QACCEL_PTE_ADDR_MASK;

	(void)state;
	atomic_store(&m->gate_addr, page);
	submit(0, 1);
	wait_true(&m->gate_waiting);
	/* Returns at once, although the engine is in DMA. */
	reg_write(m, QACCEL_REG_CTRL, QACCEL_CTRL_RESET | QACCEL_CTRL_ENABLE);
	assert_int_equal(reg_read(m, QACCEL_REG_CTRL), 0);
	assert_int_equal(reg_read(m, QACCEL_REG_STATUS),
			 QACCEL_STATUS_RESET_BUSY);
	atomic_store(&m->gate_open, true);
	reg_wait(m, QACCEL_REG_STATUS, ~0u, 0);
	assert_int_equal(queue_fence(m, 0), 0);
	assert_int_equal(reg_read64(m, QACCEL_REG_CNT_JOBS), 0);
}

/* A queue that was set up again must not hear of the job before the reset. */
static void late_completion_is_discarded(void **state)
{
	(void)state;
	/* The fence is being written: too late to drop the job. */
	atomic_store(&m->gate_addr, m->fence[0]);
	submit(0, 1);
	wait_true(&m->gate_waiting);
	reg_write(m, QACCEL_REG_CTRL, QACCEL_CTRL_RESET);
	queue_setup(m, 0, 1);
	device_enable(m);
	atomic_store(&m->gate_open, true);
	reg_wait(m, QACCEL_REG_STATUS, QACCEL_STATUS_RESET_BUSY, 0);
	assert_int_equal(atomic_load(&m->irqs[0]), 0);
	assert_int_equal(reg_read(m, QACCEL_REG_IRQ_DONE), 0);
	assert_int_equal(reg_read64(m, QACCEL_REG_CNT_JOBS), 0);
	submit(0, 2);
	queue_wait(m, 0, 2);
}

/* The same for a queue that was disabled and enabled, without a reset. */
static void completion_of_an_older_queue(void **state)
{
	(void)state;
	atomic_store(&m->gate_addr, m->result[0]);
	submit(0, 1);
	wait_true(&m->gate_waiting);
	queue_setup(m, 0, 0);
	atomic_store(&m->gate_open, true);
	queue_wait(m, 0, 1);
	reg_wait(m, QACCEL_REGS_ENGINE(0), QACCEL_ENGINE_BUSY, 0);
	assert_int_equal(reg_read(m, QACCEL_REG_IRQ_DONE), 0);
	assert_int_equal(reg_read64(m, QACCEL_REG_CNT_JOBS), 1);
}

static void pause_and_resume(void **state)
{
	uint64_t accesses;

	(void)state;
	for (uint64_t i = 1; i <= 8; i++) {
		submit(0, i);
		submit(1, i);
	}
	for (int i = 0; i < 20; i++) {
		qaccel_device_pause(m->dev);
		accesses = atomic_load(&m->accesses);
		usleep(1000);
		assert_int_equal(atomic_load(&m->accesses), accesses);
		qaccel_device_resume(m->dev);
		usleep(100);
	}
	queue_wait(m, 0, 8);
	queue_wait(m, 1, 8);
	assert_int_equal(queue_result(m, 0, 7)->status, QACCEL_OK);
}

static void pause_with_a_hung_command(void **state)
{
	(void)state;
	submit_hanging(0, 1);
	qaccel_device_pause(m->dev);
	engine_reset(0);
	qaccel_device_resume(m->dev);
	assert_int_equal(queue_fence(m, 0), 0);
}

static void reset_while_paused(void **state)
{
	(void)state;
	submit(0, 1);
	submit(1, 1);
	qaccel_device_pause(m->dev);
	qaccel_device_reset(m->dev);
	queue_setup(m, 0, 0);
	device_enable(m);
	submit(0, 2);
	usleep(2000);
	assert_int_equal(reg_read(m, QACCEL_REGS_QUEUE(0) +
				  QACCEL_REG_QUEUE_HEAD), 0);
	qaccel_device_resume(m->dev);
	queue_wait(m, 0, 2);
}

static void destroy_with_jobs(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 8; i++)
		submit(0, i);
	submit_hanging(1, 1);
	qaccel_device_pause(m->dev);
	/* teardown() destroys it */
}

/* ------------------------------------------------------------- stress -- */

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* All of what a guest can do to queues, at random. */
static void random_step(uint64_t *seqno)
{
	unsigned int q = (unsigned int)rand() % 2;

	switch (rand() % 8) {
	case 0:
		reg_write(m, QACCEL_REGS_ENGINE(q) + QACCEL_REG_ENGINE_CTRL,
			  QACCEL_ENGINE_RESET);
		break;
	case 1:
		reg_write(m, QACCEL_REGS_QUEUE(q) + QACCEL_REG_QUEUE_CTRL, 0);
		break;
	case 2:
		reg_write64(m, QACCEL_REG_TLB_ROOT_LO, root);
		reg_write(m, QACCEL_REG_TLB_CTRL,
			  (uint32_t)rand() % 2 + 1);
		break;
	case 3:
		reg_write(m, QACCEL_REG_IRQ_DONE, ~0u);
		break;
	default:
		submit(q, ++*seqno);
		break;
	}
}

/* After any reset at any moment the device works as new. */
static void reset_stress(void **state)
{
	double end = seconds() + 2.5;
	uint64_t seqno = 0;

	(void)state;
	srand(1);
	while (seconds() < end) {
		for (int i = rand() % 12; i; i--)
			random_step(&seqno);
		usleep((useconds_t)(rand() % 300));
		if (rand() % 2) {
			qaccel_device_reset(m->dev);
		} else {
			reg_write(m, QACCEL_REG_CTRL, QACCEL_CTRL_RESET);
			if (rand() % 2)
				qaccel_device_reset(m->dev);
			reg_wait(m, QACCEL_REG_STATUS,
				 QACCEL_STATUS_RESET_BUSY, 0);
		}
		assert_int_equal(atomic_load(&m->mapped), 0);
		assert_int_equal(reg_read64(m, QACCEL_REG_CNT_JOBS), 0);
		queue_setup(m, 0, 0);
		queue_setup(m, 1, 1);
		device_enable(m);
		submit(0, ++seqno);
		queue_wait(m, 0, seqno);
		assert_int_equal(queue_result(m, 0, 0)->status, QACCEL_OK);
	}
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(engine_reset_drops_the_job),
		TEST(engine_reset_when_idle),
		TEST(engine_reset_leaves_the_other),
		TEST(engine_reset_waits_for_dma),
		TEST(reset_clears_everything),
		TEST(reset_by_register),
		TEST(late_completion_is_discarded),
		TEST(completion_of_an_older_queue),
		TEST(pause_and_resume),
		TEST(pause_with_a_hung_command),
		TEST(reset_while_paused),
		TEST(destroy_with_jobs),
		TEST(reset_stress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
