// SPDX-License-Identifier: MIT
/* Translation: faults, permissions, blocks, the cache, isolation. */
#include <string.h>

#include "machine.h"

#define STREAM	UINT64_C(0x10000000)
#define SRC	UINT64_C(0x2000000000)
#define DST	UINT64_C(0x7f00000000)
#define PAGES	5
#define SIZE	(PAGES * QACCEL_PAGE_SIZE)

static struct machine *m;
static uint64_t root;
static uint64_t seqno;

static int setup(void **state)
{
	(void)state;
	m = machine_create();
	root = vm_create(m);
	seqno = 0;
	vm_alloc(m, root, STREAM, QACCEL_PAGE_SIZE, RO, false);
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

static void fill(uint8_t *data, size_t size, uint32_t seed)
{
	for (size_t i = 0; i < size; i++) {
		seed = seed * 1664525 + 1013904223;
		data[i] = (uint8_t)(seed >> 24);
	}
}

static struct qaccel_result run_copy(uint64_t dst, uint64_t src, uint32_t size)
{
	union qaccel_cmd cmds[2] = { cmd_copy(dst, src, size), cmd_end() };
	struct qaccel_ring_entry e = entry_of(root, STREAM, 2, ++seqno);

	vm_write(m, root, STREAM, cmds, sizeof(cmds));
	return run_entry(m, 0, &e);
}

static void expect_fault(const struct qaccel_result *r,
			 enum qaccel_status status, uint64_t va,
			 enum qaccel_access access)
{
	assert_int_equal(r->status, status);
	assert_int_equal(r->fault_va, va);
	assert_int_equal(r->fault_access, access);
	assert_int_equal(r->cmd_index, 0);
}

static void map_operands(bool scattered)
{
	vm_alloc(m, root, SRC, SIZE, RO, scattered);
	vm_alloc(m, root, DST, SIZE, WO, scattered);
}

/* Each kind of bad entry, at each level, of each operand. */
static void bad_entries(void **state)
{
	static const struct {
		unsigned int level;
		uint64_t set, clear;
	} bad[] = {
		{ 0, 0, QACCEL_PTE_VALID },
		{ 1, 0, QACCEL_PTE_VALID },
		{ 2, 0, QACCEL_PTE_VALID },
		{ 0, QACCEL_PTE_LEAF, 0 },	/* none at the top */
		{ 1, QACCEL_PTE_LEAF, 0 },	/* not 2 MiB aligned */
		{ 2, 0, QACCEL_PTE_LEAF },	/* no table below */
		{ 0, 1ull << 4, 0 },		/* reserved bits */
		{ 1, 1ull << 11, 0 },
		{ 2, 1ull << 52, 0 },
		{ 2, 1ull << 63, 0 },
	};
	static const struct { uint64_t va; enum qaccel_access access; } at[] = {
		{ SRC + 2 * QACCEL_PAGE_SIZE, QACCEL_ACCESS_READ },
		{ DST + 2 * QACCEL_PAGE_SIZE, QACCEL_ACCESS_WRITE },
	};

	(void)state;
	map_operands(false);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (size_t j = 0; j < 2; j++) {
			_Atomic uint64_t *entry = vm_entry(m, root, at[j].va,
							   bad[i].level);
			uint64_t good = *entry;
			uint64_t base = at[j].va - 2 * QACCEL_PAGE_SIZE;
			struct qaccel_result r;

			*entry = (good | bad[i].set) & ~bad[i].clear;
			tlb_invalidate(m, root);
			r = run_copy(DST, SRC, SIZE);
			/* Upper levels take the first page with them. */
			expect_fault(&r, QACCEL_ERR_TRANSLATION,
				     bad[i].level < 2 ? base : at[j].va,
				     at[j].access);
			*entry = good;
			/* An entry that was bad needs no invalidation. */
			assert_int_equal(run_copy(DST, SRC, SIZE).status,
					 QACCEL_OK);
		}
	}
}

static void permissions(void **state)
{
	struct qaccel_result r;

	(void)state;
	map_operands(false);
	r = run_copy(SRC, DST, SIZE);
	expect_fault(&r, QACCEL_ERR_PERMISSION, DST, QACCEL_ACCESS_READ);
	vm_map(m, root, DST + QACCEL_PAGE_SIZE, RAM_BASE, QACCEL_PAGE_SIZE, RO);
	tlb_invalidate(m, root);
	r = run_copy(DST, SRC, SIZE);
	expect_fault(&r, QACCEL_ERR_PERMISSION, DST + QACCEL_PAGE_SIZE,
		     QACCEL_ACCESS_WRITE);
	vm_map(m, root, SRC + 3 * QACCEL_PAGE_SIZE, RAM_BASE, QACCEL_PAGE_SIZE,
	       0);
	tlb_invalidate(m, root);
	r = run_copy(DST, SRC, SIZE);
	expect_fault(&r, QACCEL_ERR_PERMISSION, SRC + 3 * QACCEL_PAGE_SIZE,
		     QACCEL_ACCESS_READ);
}

/* Write permission gained is seen without an invalidation. */
static void permission_upgrade(void **state)
{
	uint64_t page;

	(void)state;
	vm_alloc(m, root, SRC, QACCEL_PAGE_SIZE, RO, false);
	page = vm_alloc(m, root, DST, QACCEL_PAGE_SIZE, RO, false);
	assert_int_equal(run_copy(DST, SRC, 64).status, QACCEL_ERR_PERMISSION);
	vm_map(m, root, DST, page, QACCEL_PAGE_SIZE, RW);
	assert_int_equal(run_copy(DST, SRC, 64).status, QACCEL_OK);
}

static void stream_is_translated_too(void **state)
{
	struct qaccel_ring_entry e = entry_of(root, 0x1000, 1, ++seqno);
	struct qaccel_result r = run_entry(m, 0, &e);

	(void)state;
	expect_fault(&r, QACCEL_ERR_TRANSLATION, 0x1000, QACCEL_ACCESS_READ);
	vm_alloc(m, root, 0x1000, QACCEL_PAGE_SIZE, WO, false);
	e.seqno = ++seqno;
	r = run_entry(m, 0, &e);
	expect_fault(&r, QACCEL_ERR_PERMISSION, 0x1000, QACCEL_ACCESS_READ);
}

static void bad_root(void **state)
{
	struct qaccel_ring_entry e = entry_of(0x1000, STREAM, 1, ++seqno);
	struct qaccel_result r = run_entry(m, 0, &e);

	(void)state;
	expect_fault(&r, QACCEL_ERR_BUS, STREAM, QACCEL_ACCESS_READ);
}

/* A leaf that points to no memory. */
static void bad_leaf_address(void **state)
{
	struct qaccel_result r;

	(void)state;
	map_operands(false);
	vm_map(m, root, SRC + QACCEL_PAGE_SIZE, 0x1000, QACCEL_PAGE_SIZE, RO);
	r = run_copy(DST, SRC, SIZE);
	expect_fault(&r, QACCEL_ERR_BUS, SRC + QACCEL_PAGE_SIZE,
		     QACCEL_ACCESS_READ);
	vm_map(m, root, SRC + QACCEL_PAGE_SIZE, RAM_BASE, QACCEL_PAGE_SIZE, RO);
	vm_map(m, root, DST + SIZE - QACCEL_PAGE_SIZE, 0x1000,
	       QACCEL_PAGE_SIZE, WO);
	tlb_invalidate(m, root);
	r = run_copy(DST, SRC, SIZE);
	expect_fault(&r, QACCEL_ERR_BUS, DST + SIZE - QACCEL_PAGE_SIZE,
		     QACCEL_ACCESS_WRITE);
}

/* The same bytes, however the memory lies and whatever the bus can map. */
static void layout_does_not_matter(void **state)
{
	static uint8_t in[SIZE], out[SIZE];

	(void)state;
	fill(in, SIZE, 7);
	for (int i = 0; i < 4; i++) {
		bool scattered = i & 1;

		atomic_store(&m->no_map, i & 2);
		map_operands(scattered);
		tlb_invalidate(m, root);
		vm_write(m, root, SRC, in, SIZE);
		assert_int_equal(run_copy(DST + 100, SRC + 33, SIZE - 133)
				 .status, QACCEL_OK);
		vm_read(m, root, DST, out, SIZE);
		assert_memory_equal(out + 100, in + 33, SIZE - 133);
		for (int j = 0; j < 100; j++)
			assert_int_equal(out[j], 0);
	}
}

/* What lies between the rows of a strided destination is not touched. */
static void gaps_stay(void **state)
{
	static uint8_t in[SIZE], out[SIZE];
	union qaccel_cmd cmds[2] = { cmd_copy(DST + 8, SRC, 24), cmd_end() };

	(void)state;
	cmds[0].copy.rows = SIZE / 64;
	cmds[0].copy.src_stride = 32;
	cmds[0].copy.dst_stride = 64;
	fill(in, SIZE, 3);
	for (int i = 0; i < 4; i++) {
		struct qaccel_ring_entry e = entry_of(root, STREAM, 2, ++seqno);

		atomic_store(&m->no_map, i & 2);
		map_operands(i & 1);
		tlb_invalidate(m, root);
		vm_write(m, root, SRC, in, SIZE);
		memset(out, 0xee, SIZE);
		vm_write(m, root, DST, out, SIZE);
		vm_write(m, root, STREAM, cmds, sizeof(cmds));
		assert_int_equal(run_entry(m, 0, &e).status, QACCEL_OK);
		vm_read(m, root, DST, out, SIZE);
		for (size_t at = 0; at < SIZE; at++) {
			size_t column = at % 64;
			bool gap = column < 8 || column >= 32;

			assert_int_equal(out[at], gap ? 0xee :
					 in[at / 64 * 32 + column - 8]);
		}
	}
}

static void blocks(void **state)
{
	const uint64_t half = QACCEL_BLOCK_SIZE / 2;
	uint64_t first = ram_alloc(m, 2 * QACCEL_BLOCK_SIZE, QACCEL_BLOCK_SIZE);
	struct qaccel_result r;
	uint8_t a[64], b[64];

	(void)state;
	/* Two blocks in the wrong order, and a page behind them. */
	vm_map_block(m, root, SRC, first + QACCEL_BLOCK_SIZE, RO);
	vm_map_block(m, root, SRC + QACCEL_BLOCK_SIZE, first, RO);
	vm_alloc(m, root, DST, 256 * 1024, RW, false);
	fill(ram_at(m, first), 2 * QACCEL_BLOCK_SIZE, 11);
	r = run_copy(DST, SRC + half + QACCEL_BLOCK_SIZE - 64, 128);
	assert_int_equal(r.status, QACCEL_OK);
	vm_read(m, root, DST, a, sizeof(a));
	vm_read(m, root, SRC + half + QACCEL_BLOCK_SIZE - 64, b, sizeof(b));
	assert_memory_equal(a, b, sizeof(a));
	r = run_copy(DST, SRC + QACCEL_BLOCK_SIZE - 64, 128);
	assert_int_equal(r.status, QACCEL_OK);
	vm_read(m, root, DST + 64, a, sizeof(a));
	assert_memory_equal(a, ram_at(m, first), sizeof(a));
	/* Past the last byte of the second block. */
	r = run_copy(DST, SRC + 2 * QACCEL_BLOCK_SIZE - 64, 65);
	expect_fault(&r, QACCEL_ERR_TRANSLATION, SRC + 2 * QACCEL_BLOCK_SIZE,
		     QACCEL_ACCESS_READ);
	/* A block that is not aligned is malformed. */
	vm_map_block(m, root, SRC, first + QACCEL_PAGE_SIZE, RO);
	tlb_invalidate(m, root);
	r = run_copy(DST, SRC, 64);
	expect_fault(&r, QACCEL_ERR_TRANSLATION, SRC, QACCEL_ACCESS_READ);
}

static void invalid_entries_are_not_kept(void **state)
{
	(void)state;
	vm_alloc(m, root, SRC, QACCEL_PAGE_SIZE, RO, false);
	assert_int_equal(run_copy(DST, SRC, 64).status,
			 QACCEL_ERR_TRANSLATION);
	vm_alloc(m, root, DST, QACCEL_PAGE_SIZE, WO, false);
	assert_int_equal(run_copy(DST, SRC, 64).status, QACCEL_OK);
}

static void the_cache_hits(void **state)
{
	uint64_t misses;

	(void)state;
	map_operands(false);
	run_copy(DST, SRC, SIZE);
	reg_wait(m, QACCEL_REGS_ENGINE(0), QACCEL_ENGINE_BUSY, 0);
	misses = reg_read64(m, QACCEL_REG_CNT_TLB_MISSES);
	assert_int_equal(misses, 1 + 2 * PAGES);
	run_copy(DST, SRC, SIZE);
	reg_wait(m, QACCEL_REGS_ENGINE(0), QACCEL_ENGINE_BUSY, 0);
	assert_int_equal(reg_read64(m, QACCEL_REG_CNT_TLB_MISSES), misses);
	tlb_invalidate(m, root);
	run_copy(DST, SRC, SIZE);
	reg_wait(m, QACCEL_REGS_ENGINE(0), QACCEL_ENGINE_BUSY, 0);
	assert_int_equal(reg_read64(m, QACCEL_REG_CNT_TLB_MISSES), 2 * misses);
}

/* After an invalidation an idle engine follows the new tables. */
static void remapped_page(void **state)
{
	uint64_t other;
	uint8_t data[64], out[64];

	(void)state;
	map_operands(false);
	run_copy(DST, SRC, 64);
	reg_wait(m, QACCEL_REGS_ENGINE(0), QACCEL_ENGINE_BUSY, 0);
	other = ram_alloc(m, QACCEL_PAGE_SIZE, QACCEL_PAGE_SIZE);
	fill(ram_at(m, other), QACCEL_PAGE_SIZE, 5);
	vm_map(m, root, SRC, other, QACCEL_PAGE_SIZE, RO);
	reg_write(m, QACCEL_REG_TLB_CTRL, QACCEL_TLB_INVALIDATE_ALL);
	assert_int_equal(reg_read(m, QACCEL_REG_TLB_CTRL), 0);
	run_copy(DST, SRC, 64);
	memcpy(data, ram_at(m, other), 64);
	vm_read(m, root, DST, out, 64);
	assert_memory_equal(out, data, 64);
}

/*
 * An engine is in the middle of a command, in DMA. The invalidation is BUSY
 * until the command is over; the next command of the same job already sees the
 * new tables, although the old page would still answer.
 */
static void invalidate_waits_for_the_command(void **state)
{
	union qaccel_cmd cmds[3] = {
		cmd_copy(DST, SRC, 64),
		cmd_copy(DST + 64, SRC, 64),
		cmd_end(),
	};
	struct qaccel_ring_entry e;
	uint64_t old, new;
	uint8_t out[128];

	(void)state;
	old = vm_alloc(m, root, SRC, QACCEL_PAGE_SIZE, RO, false);
	new = ram_alloc(m, QACCEL_PAGE_SIZE, QACCEL_PAGE_SIZE);
	vm_alloc(m, root, DST, QACCEL_PAGE_SIZE, WO, false);
	memset(ram_at(m, old), 1, 64);
	memset(ram_at(m, new), 2, 64);
	vm_write(m, root, STREAM, cmds, sizeof(cmds));
	e = entry_of(root, STREAM, 3, ++seqno);
	atomic_store(&m->gate_addr, old);
	queue_put(m, 0, &e);
	queue_ring(m, 0);
	wait_true(&m->gate_waiting);

	vm_map(m, root, SRC, new, QACCEL_PAGE_SIZE, RO);
	reg_write64(m, QACCEL_REG_TLB_ROOT_LO, root);
	reg_write(m, QACCEL_REG_TLB_CTRL, QACCEL_TLB_INVALIDATE_ROOT);
	assert_int_equal(reg_read(m, QACCEL_REG_TLB_CTRL), QACCEL_TLB_BUSY);
	atomic_store(&m->gate_open, true);
	reg_wait(m, QACCEL_REG_TLB_CTRL, QACCEL_TLB_BUSY, 0);
	queue_wait(m, 0, seqno);
	vm_read(m, root, DST, out, sizeof(out));
	assert_int_equal(out[0], 1);
	assert_int_equal(out[64], 2);
}

/* Another address space's command is not waited for. */
static void invalidate_of_another_root(void **state)
{
	union qaccel_cmd cmds[2] = { cmd_copy(DST, SRC, 64), cmd_end() };
	struct qaccel_ring_entry e;

	(void)state;
	map_operands(false);
	vm_write(m, root, STREAM, cmds, sizeof(cmds));
	e = entry_of(root, STREAM, 2, ++seqno);
	atomic_store(&m->gate_addr,
		     *vm_entry(m, root, SRC, 2) & QACCEL_PTE_ADDR_MASK);
	queue_put(m, 0, &e);
	queue_ring(m, 0);
	wait_true(&m->gate_waiting);
	reg_write64(m, QACCEL_REG_TLB_ROOT_LO, root + QACCEL_PAGE_SIZE);
	reg_write(m, QACCEL_REG_TLB_CTRL, QACCEL_TLB_INVALIDATE_ROOT);
	assert_int_equal(reg_read(m, QACCEL_REG_TLB_CTRL), 0);
	reg_write(m, QACCEL_REG_TLB_CTRL, QACCEL_TLB_INVALIDATE_ALL);
	assert_int_equal(reg_read(m, QACCEL_REG_TLB_CTRL), QACCEL_TLB_BUSY);
	atomic_store(&m->gate_open, true);
	reg_wait(m, QACCEL_REG_TLB_CTRL, QACCEL_TLB_BUSY, 0);
	queue_wait(m, 0, seqno);
}

/* A command that is slow and was fetched before: its operands come after. */
static void unmap_under_a_slow_command(void **state)
{
	struct qaccel_fault_knobs knobs = { .slow_tag = 9, .slow_us = 200000 };
	union qaccel_cmd cmds[2] = { cmd_copy(DST, SRC, 64), cmd_end() };
	struct qaccel_ring_entry e;

	(void)state;
	map_operands(false);
	run_copy(DST, SRC, 64);		/* in the cache */
	cmds[0].hdr.tag = 9;
	vm_write(m, root, STREAM, cmds, sizeof(cmds));
	qaccel_device_set_knobs(m->dev, &knobs);
	e = entry_of(root, STREAM, 2, ++seqno);
	queue_put(m, 0, &e);
	queue_ring(m, 0);
	wait_count(&m->events[QACCEL_EVENT_COMMAND], 3);
	vm_unmap(m, root, SRC, QACCEL_PAGE_SIZE);
	tlb_invalidate(m, root);
	queue_wait(m, 0, seqno);
	expect_fault(queue_result(m, 0, m->tail[0] - 1),
		     QACCEL_ERR_TRANSLATION, SRC, QACCEL_ACCESS_READ);
}

/* One address, two address spaces, two engines at once. */
static void isolation(void **state)
{
	uint64_t roots[2] = { root, vm_create(m) };
	uint8_t out[SIZE];

	(void)state;
	vm_alloc(m, roots[1], STREAM, QACCEL_PAGE_SIZE, RO, false);
	for (unsigned int q = 0; q < 2; q++) {
		union qaccel_cmd cmds[2] = {
			cmd_copy(DST, SRC, SIZE), cmd_end(),
		};
		uint8_t in[SIZE];

		memset(in, 0x10 + q, SIZE);
		vm_alloc(m, roots[q], SRC, SIZE, RO, q);
		vm_alloc(m, roots[q], DST, SIZE, WO, !q);
		vm_write(m, roots[q], STREAM, cmds, sizeof(cmds));
		vm_write(m, roots[q], SRC, in, SIZE);
	}
	/* Both queues on one engine, then each on its own. */
	for (unsigned int engine = 0; engine < 2; engine++) {
		queue_setup(m, 0, 0);
		queue_setup(m, 1, engine);
		for (uint32_t i = 0; i < RING_ENTRIES; i++) {
			for (unsigned int q = 0; q < 2; q++) {
				struct qaccel_ring_entry e = entry_of(
					roots[q], STREAM, 2, 100 + i);

				queue_put(m, q, &e);
				queue_ring(m, q);
			}
		}
		for (unsigned int q = 0; q < 2; q++) {
			queue_wait(m, q, 100 + RING_ENTRIES - 1);
			vm_read(m, roots[q], DST, out, SIZE);
			for (size_t i = 0; i < SIZE; i++)
				assert_int_equal(out[i], 0x10 + q);
		}
		for (unsigned int q = 0; q < 2; q++)
			*(uint64_t *)ram_at(m, m->fence[q]) = 0;
	}
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bad_entries),
		TEST(permissions),
		TEST(permission_upgrade),
		TEST(stream_is_translated_too),
		TEST(bad_root),
		TEST(bad_leaf_address),
		TEST(layout_does_not_matter),
		TEST(gaps_stay),
		TEST(blocks),
		TEST(invalid_entries_are_not_kept),
		TEST(the_cache_hits),
		TEST(remapped_page),
		TEST(invalidate_waits_for_the_command),
		TEST(invalidate_of_another_root),
		TEST(unmap_under_a_slow_command),
		TEST(isolation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
