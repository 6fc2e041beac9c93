// SPDX-License-Identifier: MIT
/*
 * Every command on memory that is contiguous, scattered page by page, or out of
 * reach of the bus's map(): the same bytes, and the same as the interpreter
 * gives on plain memory.
 */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "machine.h"
#include "qk.h"

#define VA_STREAM	UINT64_C(0x1000)
#define DATA_SIZE	(MEMORY_SIZE - VA_IN0)

static uint8_t plain[MEMORY_SIZE], got[MEMORY_SIZE];

static bool map_plain(void *opaque, uint64_t va, uint64_t size,
		      enum qaccel_access access, void **host,
		      struct qaccel_fault *fault)
{
	(void)opaque;
	(void)size;
	(void)access;
	(void)fault;
	*host = plain + va;
	return true;
}

static bool release_plain(void *opaque, bool commit, struct qaccel_fault *fault)
{
	(void)opaque;
	(void)commit;
	(void)fault;
	return true;
}

static void noise(uint8_t *data)
{
	uint32_t seed = 9;

	for (size_t i = VA_IN0; i < MEMORY_SIZE; i++) {
		seed = seed * 1664525 + 1013904223;
		data[i] = (uint8_t)(seed >> 24);
	}
}

static void run_plain(const union qaccel_cmd cmds[2])
{
	static const struct qaccel_mem_ops ops = { map_plain, release_plain };
	const struct qaccel_interp_config config = {
		.kernels = qk_select(NULL),
		.mem = &ops,
		.timing = QACCEL_TIMING_DEFAULT,
		.local_mem = MACHINE_LOCAL_MEM,
	};
	struct qaccel_interp *interp = qaccel_interp_create(&config);
	struct qaccel_fault fault;

	noise(plain);
	memcpy(plain + VA_STREAM, cmds, 2 * sizeof(cmds[0]));
	assert_int_equal(qaccel_interp_run(interp, VA_STREAM, 512, NULL,
					   &fault), 2);
	qaccel_interp_destroy(interp);
}

static void run_device(struct machine *m, uint64_t root,
		       const union qaccel_cmd cmds[2], uint64_t seqno)
{
	struct qaccel_ring_entry e = entry_of(root, VA_STREAM, 2, seqno);

	noise(got);
	vm_write(m, root, VA_IN0, got + VA_IN0, DATA_SIZE);
	vm_write(m, root, VA_STREAM, cmds, 2 * sizeof(cmds[0]));
	assert_int_equal(run_entry(m, 0, &e).status, QACCEL_OK);
	vm_read(m, root, VA_IN0, got + VA_IN0, DATA_SIZE);
}

static void every_opcode(void **state)
{
	struct machine *m = machine_create();
	uint64_t root[2], seqno = 0;

	(void)state;
	for (int scattered = 0; scattered < 2; scattered++) {
		root[scattered] = vm_create(m);
		vm_alloc(m, root[scattered], VA_STREAM, QACCEL_PAGE_SIZE, RO,
			 false);
		vm_alloc(m, root[scattered], VA_IN0, DATA_SIZE, RW, scattered);
	}
	queue_setup(m, 0, 0);
	device_enable(m);
	for (int op = QACCEL_OP_CONV2D; op < QACCEL_OP_COUNT; op++) {
		union qaccel_cmd cmds[2] = { valid_command(op), cmd_end() };

		run_plain(cmds);
		for (int i = 0; i < 4; i++) {
			atomic_store(&m->no_map, i & 2);
			run_device(m, root[i & 1], cmds, ++seqno);
			assert_memory_equal(got + VA_IN0, plain + VA_IN0,
					    DATA_SIZE);
		}
	}
	machine_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_opcode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
