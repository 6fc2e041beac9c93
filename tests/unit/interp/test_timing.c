// SPDX-License-Identifier: MIT
/* The timing model: each line of its table, by hand. */
#include <string.h>

#include "commands.h"

#define OVERHEAD	64

static const struct qaccel_timing timing = QACCEL_TIMING_DEFAULT;

struct expected {
	enum qaccel_opcode opcode;
	uint64_t compute, macs, read, written;
};

/* Of the valid commands, with 32 rows, 32 columns, 16 bytes a cycle. */
static const struct expected table[] = {
	{ QACCEL_OP_END, 0, 0, 0, 0 },
	/* 2*4*8 pixels * ceil(45/32) * ceil(20/32); weights 32 * KP 48 */
	{ QACCEL_OP_CONV2D, 128, 2 * 4 * 8 * 20 * 45,
	  2 * 9 * 8 * 5 + 32 * 48 + 32 * 16, 2 * 4 * 8 * 20 },
	{ QACCEL_OP_DWCONV2D, 64, 2 * 4 * 8 * 10 * 9,
	  2 * 9 * 8 * 5 + 16 * 9 + 16 * 16, 2 * 4 * 8 * 10 },
	{ QACCEL_OP_ADD, 4, 0, 240, 120 },
	{ QACCEL_OP_MUL, 4, 0, 240, 120 },
	{ QACCEL_OP_AVGPOOL, 2 * 4 * 5 * 9, 0, 720, 200 },
	{ QACCEL_OP_MAXPOOL, 2 * 4 * 5 * 9, 0, 720, 200 },
	{ QACCEL_OP_MEAN, 32, 0, 160, 10 },
	{ QACCEL_OP_PAD, 0, 0, 120, 840 },
	{ QACCEL_OP_COPY, 0, 0, 35, 35 },
	{ QACCEL_OP_LUT, 10, 0, 300 + 256, 300 },
	{ QACCEL_OP_SOFTMAX, 18, 0, 60, 60 },
	{ QACCEL_OP_REQUANTIZE, 10, 0, 300, 300 },
	{ QACCEL_OP_QUANTIZE, 10, 0, 1200, 300 },
	{ QACCEL_OP_DEQUANTIZE, 10, 0, 300, 1200 },
};

static void every_opcode(void **state)
{
	(void)state;
	assert_int_equal(sizeof(table) / sizeof(table[0]),
			 QACCEL_OP_COUNT - 1);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct expected *e = &table[i];
		union qaccel_cmd cmd = valid_command(e->opcode);
		uint64_t read = e->read + QACCEL_CMD_SIZE;
		uint64_t dma = (read + e->written + 15) / 16;
		struct qaccel_perf p;

		qaccel_cmd_timing(&timing, &cmd, &p);
		assert_int_equal(p.opcode, e->opcode);
		assert_int_equal(p.tag, cmd.hdr.tag);
		assert_int_equal(p.macs, e->macs);
		assert_int_equal(p.compute_cycles, e->compute);
		assert_int_equal(p.bytes_read, read);
		assert_int_equal(p.bytes_written, e->written);
		assert_int_equal(p.dma_cycles, dma);
		assert_int_equal(p.cycles, OVERHEAD +
				 (dma > e->compute ? dma : e->compute));
		assert_int_equal(p.reserved | p.cmd_index | p.engine, 0);
	}
}

/* The example of docs/hardware.md, section 10. */
static void documented_example(void **state)
{
	union qaccel_cmd cmd = valid_command(QACCEL_OP_CONV2D);
	struct qaccel_perf p;

	(void)state;
	cmd.conv.in = tensor(0, QACCEL_DTYPE_S8, 1, 56, 56, 64);
	cmd.conv.out = tensor(1 << 20, QACCEL_DTYPE_S8, 1, 56, 56, 128);
	cmd.conv.kh = 1;
	cmd.conv.kw = 1;
	cmd.conv.stride_h = 1;
	cmd.conv.weights_size = 8192;
	qaccel_cmd_timing(&timing, &cmd, &p);
	assert_int_equal(p.compute_cycles, 25088);
	assert_int_equal(p.bytes_read, 211200);
	assert_int_equal(p.bytes_written, 401408);
	assert_int_equal(p.dma_cycles, 38288);
	assert_int_equal(p.cycles, 38352);
}

static void other_arrays(void **state)
{
	struct qaccel_timing small = { 1, 1, 1000, 1 };
	struct qaccel_timing none = { 0, 0, 0, 0 };
	union qaccel_cmd cmd = valid_command(QACCEL_OP_CONV2D);
	struct qaccel_perf p, q;

	(void)state;
	qaccel_cmd_timing(&small, &cmd, &p);
	assert_int_equal(p.compute_cycles, p.macs);
	assert_int_equal(p.dma_cycles, p.bytes_read + p.bytes_written);
	/* No sizes at all count as one. */
	qaccel_cmd_timing(&none, &cmd, &q);
	assert_memory_equal(&p, &q, sizeof(p));
}

/* The largest commands there are: sums stick, nothing wraps. */
static void extremes(void **state)
{
	struct qaccel_timing small = { 1, 1, 1000, 1 };
	union qaccel_cmd cmd = valid_command(QACCEL_OP_MAXPOOL);
	struct qaccel_perf p;

	(void)state;
	cmd.pool.in = tensor(0, QACCEL_DTYPE_S8, 1, 1 << 23, 128, 1);
	cmd.pool.out = cmd.pool.in;
	cmd.pool.out.va = UINT64_C(1) << 31;
	cmd.pool.kh = 4096;
	cmd.pool.kw = 4096;
	cmd.pool.stride_h = 1;
	cmd.pool.stride_w = 1;
	assert_int_equal(qaccel_cmd_validate(&cmd, UINT64_MAX), QACCEL_OK);
	qaccel_cmd_timing(&small, &cmd, &p);
	assert_int_equal(p.compute_cycles, UINT64_C(1) << 54);
	/* That was a whole QACCEL_MAX_ROW_WORK in a row. */
	cmd.pool.in = tensor(0, QACCEL_DTYPE_S8, 1, 1, 129, 1);
	cmd.pool.out.h = 1;
	cmd.pool.out.w = 129;
	assert_int_equal(qaccel_cmd_validate(&cmd, UINT64_MAX),
			 QACCEL_ERR_REDUCTION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_opcode),
		cmocka_unit_test(documented_example),
		cmocka_unit_test(other_arrays),
		cmocka_unit_test(extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
