// SPDX-License-Identifier: MIT
/* Registers: reset values, what a write changes, and accesses that are none. */
#include <string.h>

#include "machine.h"

static int setup(void **state)
{
	*state = machine_create();
	return 0;
}

static int teardown(void **state)
{
	machine_destroy(*state);
	return 0;
}

static void reset_values(void **state)
{
	static const struct { uint32_t offset, value; } global[] = {
		{ QACCEL_REG_ID, QACCEL_ID_MAGIC },
		{ QACCEL_REG_VERSION, QACCEL_HW_VERSION_MAJOR << 16 |
				      QACCEL_HW_VERSION_MINOR },
		{ QACCEL_REG_CAPS, QUEUES | ENGINES << 8 | 39 << 16 },
		{ QACCEL_REG_OPCODES, 0xfffe },
		{ QACCEL_REG_OPCODES + 4, 0 },
		{ QACCEL_REG_LAYOUTS, 0x6 },
		{ QACCEL_REG_LAYOUT_PREFERRED, 0x201 },
		{ QACCEL_REG_LOCAL_MEM, MACHINE_LOCAL_MEM >> 10 },
		{ QACCEL_REG_MAX_STREAM, QACCEL_MAX_STREAM },
		{ QACCEL_REG_MAC_ARRAY, 32 | 32 << 16 },
		{ QACCEL_REG_CLOCK_KHZ, 1000000 },
		{ QACCEL_REG_DMA_BYTES, 16 },
		{ QACCEL_REG_CTRL, 0 },
		{ QACCEL_REG_STATUS, 0 },
		{ QACCEL_REG_IRQ_DONE, 0 },
		{ QACCEL_REG_IRQ_ERROR, 0 },
		{ QACCEL_REG_IRQ_DONE_ENABLE, 0 },
		{ QACCEL_REG_IRQ_ERROR_ENABLE, 0 },
		{ QACCEL_REG_TLB_ROOT_LO, 0 },
		{ QACCEL_REG_TLB_ROOT_HI, 0 },
		{ QACCEL_REG_TLB_CTRL, 0 },
	};
	struct machine *m = *state;

	for (size_t i = 0; i < sizeof(global) / sizeof(global[0]); i++)
		assert_int_equal(reg_read(m, global[i].offset),
				 global[i].value);
	for (uint32_t c = QACCEL_REG_CNT_DOORBELLS;
	     c <= QACCEL_REG_CNT_TLB_MISSES; c += 8)
		assert_int_equal(reg_read64(m, c), 0);
	for (unsigned int e = 0; e < ENGINES; e++)
		for (uint32_t r = 0; r < 0x18; r += 4)
			assert_int_equal(reg_read(m, QACCEL_REGS_ENGINE(e) + r),
					 0);
	for (unsigned int q = 0; q < QUEUES; q++)
		for (uint32_t r = 0; r < 0x38; r += 4)
			assert_int_equal(reg_read(m, QACCEL_REGS_QUEUE(q) + r),
					 0);
}

/* What stays of ones, and of zeros after them. */
static void expect_mask(struct machine *m, uint32_t offset, uint32_t rw)
{
	uint32_t before = reg_read(m, offset);

	reg_write(m, offset, ~0u);
	assert_int_equal(reg_read(m, offset), (before & ~rw) | rw);
	reg_write(m, offset, 0);
	assert_int_equal(reg_read(m, offset), before & ~rw);
}

static void global_masks(void **state)
{
	static const uint32_t read_only[] = {
		QACCEL_REG_ID, QACCEL_REG_VERSION, QACCEL_REG_CAPS,
		QACCEL_REG_OPCODES, QACCEL_REG_OPCODES + 4, QACCEL_REG_LAYOUTS,
		QACCEL_REG_LAYOUT_PREFERRED, QACCEL_REG_LOCAL_MEM,
		QACCEL_REG_MAX_STREAM, QACCEL_REG_MAC_ARRAY,
		QACCEL_REG_CLOCK_KHZ, QACCEL_REG_DMA_BYTES, QACCEL_REG_STATUS,
		QACCEL_REG_IRQ_DONE, QACCEL_REG_IRQ_ERROR, QACCEL_REG_TLB_CTRL,
		QACCEL_REG_CNT_DOORBELLS, QACCEL_REG_CNT_TLB_MISSES + 4,
	};
	static const uint32_t writable[] = {
		QACCEL_REG_IRQ_DONE_ENABLE, QACCEL_REG_IRQ_ERROR_ENABLE,
		QACCEL_REG_TLB_ROOT_LO, QACCEL_REG_TLB_ROOT_HI,
	};
	struct machine *m = *state;

	for (size_t i = 0; i < sizeof(read_only) / sizeof(read_only[0]); i++)
		expect_mask(m, read_only[i], 0);
	for (size_t i = 0; i < sizeof(writable) / sizeof(writable[0]); i++)
		expect_mask(m, writable[i], ~0u);
	reg_write(m, QACCEL_REG_CTRL, ~0u & ~QACCEL_CTRL_RESET);
	assert_int_equal(reg_read(m, QACCEL_REG_CTRL), QACCEL_CTRL_ENABLE);
	assert_int_equal(reg_read(m, QACCEL_REG_STATUS), QACCEL_STATUS_ENABLED);
}

static void queue_masks(void **state)
{
	static const uint32_t writable[] = {
		QACCEL_REG_QUEUE_RING_LO, QACCEL_REG_QUEUE_RING_HI,
		QACCEL_REG_QUEUE_RING_ORDER, QACCEL_REG_QUEUE_RESULT_LO,
		QACCEL_REG_QUEUE_RESULT_HI, QACCEL_REG_QUEUE_FENCE_LO,
		QACCEL_REG_QUEUE_FENCE_HI, QACCEL_REG_QUEUE_VECTOR,
		QACCEL_REG_QUEUE_COALESCE,
	};
	struct machine *m = *state;
	uint32_t regs = QACCEL_REGS_QUEUE(1);

	for (size_t i = 0; i < sizeof(writable) / sizeof(writable[0]); i++)
		expect_mask(m, regs + writable[i], ~0u);
	expect_mask(m, regs + QACCEL_REG_QUEUE_STATUS, 0);
	expect_mask(m, regs + QACCEL_REG_QUEUE_HEAD, 0);
	expect_mask(m, regs + QACCEL_REG_QUEUE_TAIL, 0);
	reg_write(m, regs + QACCEL_REG_QUEUE_CTRL, ~0u & ~QACCEL_QUEUE_ENABLE);
	assert_int_equal(reg_read(m, regs + QACCEL_REG_QUEUE_CTRL), 0xff00);
}

static void engine_masks(void **state)
{
	struct machine *m = *state;

	for (uint32_t r = 0; r < 0x18; r += 4)
		expect_mask(m, QACCEL_REGS_ENGINE(1) + r, 0);
}

static void enabled_queue_is_locked(void **state)
{
	static const uint32_t locked[] = {
		QACCEL_REG_QUEUE_RING_LO, QACCEL_REG_QUEUE_RING_HI,
		QACCEL_REG_QUEUE_RING_ORDER, QACCEL_REG_QUEUE_RESULT_LO,
		QACCEL_REG_QUEUE_RESULT_HI, QACCEL_REG_QUEUE_FENCE_LO,
		QACCEL_REG_QUEUE_FENCE_HI,
	};
	struct machine *m = *state;
	uint32_t regs = QACCEL_REGS_QUEUE(0);
	uint32_t ctrl;

	queue_setup(m, 0, 1);
	for (size_t i = 0; i < sizeof(locked) / sizeof(locked[0]); i++) {
		uint32_t before = reg_read(m, regs + locked[i]);

		reg_write(m, regs + locked[i], ~before);
		assert_int_equal(reg_read(m, regs + locked[i]), before);
	}
	/* Nor does it move to another engine. */
	ctrl = reg_read(m, regs + QACCEL_REG_QUEUE_CTRL);
	reg_write(m, regs + QACCEL_REG_QUEUE_CTRL,
		  QACCEL_QUEUE_ENABLE | QACCEL_QUEUE_ENGINE(0));
	assert_int_equal(reg_read(m, regs + QACCEL_REG_QUEUE_CTRL), ctrl);
	reg_write(m, regs + QACCEL_REG_QUEUE_VECTOR, 2);
	assert_int_equal(reg_read(m, regs + QACCEL_REG_QUEUE_VECTOR), 2);
}

static void pairs_as_64_bits(void **state)
{
	struct machine *m = *state;
	uint32_t regs = QACCEL_REGS_QUEUE(2);
	uint64_t value = UINT64_C(0x123456789abcd000);

	assert_int_equal(reg_read64(m, QACCEL_REG_OPCODES), 0xfffe);
	reg_write64(m, QACCEL_REG_TLB_ROOT_LO, value);
	assert_int_equal(reg_read64(m, QACCEL_REG_TLB_ROOT_LO), value);
	assert_int_equal(reg_read(m, QACCEL_REG_TLB_ROOT_HI), 0x12345678);
	reg_write64(m, regs + QACCEL_REG_QUEUE_FENCE_LO, value);
	assert_int_equal(reg_read64(m, regs + QACCEL_REG_QUEUE_FENCE_LO),
			 value);
	assert_int_equal(reg_read64(m, QACCEL_REGS_ENGINE(0) +
				    QACCEL_REG_ENGINE_SEQNO_LO), 0);
}

static void bad_accesses(void **state)
{
	static const struct { uint64_t offset; unsigned int size; } bad[] = {
		{ QACCEL_REG_ID, 1 },		/* too narrow */
		{ QACCEL_REG_ID, 2 },
		{ QACCEL_REG_ID, 8 },		/* no pair */
		{ QACCEL_REG_ID + 1, 4 },	/* not aligned */
		{ QACCEL_REG_OPCODES + 4, 8 },
		{ QACCEL_REG_CNT_JOBS + 4, 8 },
		{ 0x00c, 4 },			/* no register */
		{ 0x100, 4 },
		{ 0xffc, 4 },
		{ QACCEL_REGS_ENGINE(0) + 0x18, 4 },
		{ QACCEL_REGS_ENGINE(ENGINES), 4 },
		{ QACCEL_REGS_QUEUE(0) + 0x1c, 4 },
		{ QACCEL_REGS_QUEUE(QUEUES), 4 },
		{ QACCEL_REGS_QUEUE(0) + QACCEL_REG_QUEUE_RING_HI, 8 },
		{ QACCEL_DOORBELL(0) + 4, 4 },
		{ QACCEL_DOORBELL(0), 8 },
		{ QACCEL_DOORBELL(QUEUES), 4 },
		{ QACCEL_BAR_REGS_SIZE, 4 },
		{ UINT64_MAX - 3, 4 },
		{ UINT64_MAX - 7, 8 },
	};
	struct machine *m = *state;
	const size_t count = sizeof(bad) / sizeof(bad[0]);

	for (size_t i = 0; i < count; i++) {
		qaccel_device_write(m->dev, bad[i].offset, ~0ull, bad[i].size);
		assert_int_equal(qaccel_device_read(m->dev, bad[i].offset,
						    bad[i].size), 0);
	}
	assert_int_equal(atomic_load(&m->events[QACCEL_EVENT_BAD_ACCESS]),
			 2 * count);
	reset_values(state);
}

static void every_offset(void **state)
{
	struct machine *m = *state;

	for (uint64_t o = 0; o < QACCEL_BAR_REGS_SIZE; o += 4) {
		reg_write(m, o, 0xa5a5a5a5);
		reg_read(m, o);
		reg_write64(m, o, ~0ull);
		reg_read64(m, o);
	}
	qaccel_device_reset(m->dev);
	reset_values(state);
}

static void *no_map(void *opaque, uint64_t addr, uint64_t *size, bool write)
{
	(void)opaque;
	(void)addr;
	(void)size;
	(void)write;
	return NULL;
}

static void no_unmap(void *opaque, void *host, uint64_t size, bool written)
{
	(void)opaque;
	(void)host;
	(void)size;
	(void)written;
}

static bool no_read(void *opaque, uint64_t addr, void *data, uint64_t size)
{
	(void)opaque;
	(void)addr;
	(void)data;
	(void)size;
	return false;
}

static bool no_write(void *opaque, uint64_t addr, const void *data,
		     uint64_t size)
{
	(void)opaque;
	(void)addr;
	(void)data;
	(void)size;
	return false;
}

static void no_interrupt(void *opaque, unsigned int vector)
{
	(void)opaque;
	(void)vector;
}

static void bad_configs(void **state)
{
	struct qaccel_device_config good = machine_config(), c;
	struct qaccel_device *dev;
	const char *error = NULL;

	(void)state;
	good.bus.map = no_map;
	good.bus.unmap = no_unmap;
	good.bus.read = no_read;
	good.bus.write = no_write;
	good.bus.interrupt = no_interrupt;
	dev = qaccel_device_create(&good, &error);
	assert_non_null(dev);
	assert_null(error);
	qaccel_device_destroy(dev);
#define EXPECT_REFUSED(field, bad)					\
	do {								\
		c = good;						\
		c.field = bad;						\
		assert_null(qaccel_device_create(&c, &error));		\
		assert_non_null(error);					\
	} while (0)
	EXPECT_REFUSED(queues, 0);
	EXPECT_REFUSED(queues, QACCEL_MAX_QUEUES + 1);
	EXPECT_REFUSED(engines, 0);
	EXPECT_REFUSED(engines, QACCEL_MAX_ENGINES + 1);
	EXPECT_REFUSED(vectors, 0);
	EXPECT_REFUSED(local_mem, 1000);
	EXPECT_REFUSED(local_mem, (UINT64_C(1) << 30) + 1);
	EXPECT_REFUSED(timing.mac_rows, 0);
	EXPECT_REFUSED(timing.mac_columns, 0x10000);
	EXPECT_REFUSED(timing.clock_khz, 0);
	EXPECT_REFUSED(timing.dma_bytes_per_cycle, 0);
	EXPECT_REFUSED(isa, "abacus");
	EXPECT_REFUSED(bus.map, NULL);
	EXPECT_REFUSED(bus.unmap, NULL);
	EXPECT_REFUSED(bus.read, NULL);
	EXPECT_REFUSED(bus.write, NULL);
	EXPECT_REFUSED(bus.interrupt, NULL);
	qaccel_device_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reset_values, setup, teardown),
		cmocka_unit_test_setup_teardown(global_masks, setup, teardown),
		cmocka_unit_test_setup_teardown(queue_masks, setup, teardown),
		cmocka_unit_test_setup_teardown(engine_masks, setup, teardown),
		cmocka_unit_test_setup_teardown(enabled_queue_is_locked, setup,
						teardown),
		cmocka_unit_test_setup_teardown(pairs_as_64_bits, setup,
						teardown),
		cmocka_unit_test_setup_teardown(bad_accesses, setup, teardown),
		cmocka_unit_test_setup_teardown(every_offset, setup, teardown),
		cmocka_unit_test(bad_configs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
