// SPDX-License-Identifier: MIT
/*
 * Each thing that can be wrong with a command, alone: a valid command, one
 * field or two changed, and the status that this gives.
 */
#include <stdio.h>
#include <string.h>

#include "commands.h"

/* A field of union qaccel_cmd, and the value that it gets. */
struct patch {
	const char *name;
	size_t offset, size;
	uint64_t value;
};

#define F(field, v)							\
	{ #field " = " #v, offsetof(union qaccel_cmd, field),		\
	  sizeof(((union qaccel_cmd *)NULL)->field), (uint64_t)(v) }
#define NO_PATCH	{ NULL, 0, 0, 0 }

struct broken {
	enum qaccel_opcode opcode;
	enum qaccel_status status;
	struct patch first, second;
};

#define ONE(op, status, patch)						\
	{ QACCEL_OP_##op, QACCEL_ERR_##status, patch, NO_PATCH }
#define TWO(op, status, patch, other)					\
	{ QACCEL_OP_##op, QACCEL_ERR_##status, patch, other }
#define FINE(op, patch, other)						\
	{ QACCEL_OP_##op, QACCEL_OK, patch, other }

#define VA_END	(UINT64_C(1) << 39)
#define OVER	(QACCEL_MAX_DIM + 1)

/* What every command with `in` and `out` of small integers has in common. */
#define TENSOR(op, t)							\
	ONE(op, FIELD, F(t.n, 0)), ONE(op, FIELD, F(t.n, OVER)),	\
	ONE(op, FIELD, F(t.h, 0)), ONE(op, FIELD, F(t.h, OVER)),	\
	ONE(op, FIELD, F(t.w, 0)), ONE(op, FIELD, F(t.w, OVER)),	\
	ONE(op, FIELD, F(t.c, 0)), ONE(op, FIELD, F(t.c, OVER)),	\
	ONE(op, FIELD, F(t.n, 0xffffffff)),				\
	TWO(op, FIELD, F(t.h, 1 << 24), F(t.w, 1 << 24)),		\
	ONE(op, FIELD, F(t.dtype, 0)), ONE(op, FIELD, F(t.dtype, 6)),	\
	ONE(op, FIELD, F(t.dtype, 255)),				\
	ONE(op, FIELD, F(t.reserved[0], 1)),				\
	ONE(op, FIELD, F(t.reserved[2], 1)),				\
	ONE(op, ADDRESS, F(t.va, VA_END)),				\
	ONE(op, ADDRESS, F(t.va, VA_END - 1)),				\
	ONE(op, ADDRESS, F(t.va, ~0ull & ~3ull))
#define TENSOR_8(op, t)							\
	TENSOR(op, t),							\
	ONE(op, FIELD, F(t.zero_point, 128)),				\
	ONE(op, FIELD, F(t.zero_point, -129)),				\
	ONE(op, FIELD, F(t.dtype, QACCEL_DTYPE_S16)),			\
	ONE(op, FIELD, F(t.dtype, QACCEL_DTYPE_S32)),			\
	ONE(op, FIELD, F(t.dtype, QACCEL_DTYPE_F32))
#define HEADER(op)							\
	ONE(op, VERSION, F(hdr.version, 2)),				\
	ONE(op, FIELD, F(hdr.version, 0)),				\
	ONE(op, FIELD, F(hdr.flags, 2)),				\
	ONE(op, FIELD, F(hdr.flags, 0x80)),				\
	ONE(op, FIELD, F(hdr.reserved, 1)),				\
	ONE(op, FIELD, F(bytes[255], 1))
#define CLAMP(op, s)							\
	ONE(op, FIELD, F(s.act_min, -129)),				\
	ONE(op, FIELD, F(s.act_max, 128)),				\
	TWO(op, FIELD, F(s.act_min, 1), F(s.act_max, 0)),		\
	ONE(op, FIELD, F(s.out.dtype, QACCEL_DTYPE_U8)) /* min -128 */
/* Overlap by the first and by the last byte; exactly in place. */
#define OVERLAP(op, in, out, in_size, out_size)				\
	ONE(op, SHAPE, F(out.va, VA_IN0 + (in_size) - 1)),		\
	ONE(op, SHAPE, F(out.va, VA_IN0 - (out_size) + 1))
#define MULTIPLIER(op, field)						\
	ONE(op, FIELD, F(field, -1)), ONE(op, FIELD, F(field, 1)),	\
	ONE(op, FIELD, F(field, (1 << 30) - 1))
#define SHIFT(op, field)						\
	ONE(op, FIELD, F(field, -32)), ONE(op, FIELD, F(field, 31)),	\
	ONE(op, FIELD, F(field, INT32_MIN))
#define NON_ZERO(op, field)	ONE(op, FIELD, F(field, 1))

#define CONVOLUTION(op)							\
	HEADER(op), TENSOR_8(op, conv.in), TENSOR_8(op, conv.out),	\
	CLAMP(op, conv),						\
	NON_ZERO(op, conv.reserved0), NON_ZERO(op, conv.reserved1),	\
	NON_ZERO(op, conv.reserved[0]),					\
	ONE(op, FIELD, F(conv.weight_zero_point, 128)),			\
	ONE(op, FIELD, F(conv.weight_zero_point, -129)),		\
	ONE(op, FIELD, F(conv.kh, 0)), ONE(op, FIELD, F(conv.kh, 4097)),\
	ONE(op, FIELD, F(conv.kw, 0)), ONE(op, FIELD, F(conv.kw, 4097)),\
	ONE(op, FIELD, F(conv.stride_h, 0)),				\
	ONE(op, FIELD, F(conv.stride_h, 4097)),				\
	ONE(op, FIELD, F(conv.stride_w, 0)),				\
	ONE(op, FIELD, F(conv.stride_w, 4097)),				\
	ONE(op, FIELD, F(conv.dilation_h, 0)),				\
	ONE(op, FIELD, F(conv.dilation_h, 4097)),			\
	ONE(op, FIELD, F(conv.dilation_w, 0)),				\
	ONE(op, FIELD, F(conv.dilation_w, 4097)),			\
	ONE(op, FIELD, F(conv.pad_top, 4097)),				\
	ONE(op, FIELD, F(conv.pad_left, 4097)),				\
	ONE(op, FIELD, F(conv.layout, 0)),				\
	ONE(op, FIELD, F(conv.layout, 3)),				\
	ONE(op, FIELD, F(conv.depth_multiplier, 0)),			\
	ONE(op, SHAPE, F(conv.out.n, 1)),				\
	ONE(op, SHAPE, F(conv.weights_size, 0)),			\
	ONE(op, SHAPE, F(conv.weights_size, 64)),			\
	ONE(op, SHAPE, F(conv.weights_size, 0xffffffff)),		\
	ONE(op, ADDRESS, F(conv.weights_va, VA_WEIGHTS + 32)),		\
	ONE(op, ADDRESS, F(conv.weights_va, VA_END)),			\
	ONE(op, ADDRESS, F(conv.channels_va, VA_CHANNELS + 16)),	\
	ONE(op, ADDRESS, F(conv.channels_va, VA_END - 64)),		\
	ONE(op, SHAPE, F(conv.out.va, VA_WEIGHTS)),			\
	ONE(op, SHAPE, F(conv.out.va, VA_CHANNELS)),			\
	ONE(op, SHAPE, F(conv.out.va, VA_IN0)),				\
	FINE(op, F(conv.out.h, 1000), NO_PATCH),			\
	FINE(op, F(conv.in.va, VA_END - 720), NO_PATCH)

#define BINARY(op)							\
	HEADER(op), TENSOR_8(op, binary.in0), TENSOR_8(op, binary.in1),	\
	TENSOR_8(op, binary.out), CLAMP(op, binary),			\
	MULTIPLIER(op, binary.out_multiplier),				\
	SHIFT(op, binary.out_shift),					\
	ONE(op, SHAPE, F(binary.in0.dtype, QACCEL_DTYPE_U8)),		\
	ONE(op, SHAPE, F(binary.in1.dtype, QACCEL_DTYPE_U8)),		\
	ONE(op, SHAPE, F(binary.in0.n, 3)),				\
	ONE(op, SHAPE, F(binary.in0.h, 2)),				\
	ONE(op, SHAPE, F(binary.in1.w, 2)),				\
	ONE(op, SHAPE, F(binary.in1.c, 6)),				\
	ONE(op, SHAPE, F(binary.out.c, 1)),				\
	OVERLAP(op, binary.in0, binary.out, 120, 120),			\
	ONE(op, SHAPE, F(binary.out.va, VA_IN1 + 119)),			\
	TWO(op, SHAPE, F(binary.out.va, VA_IN0), F(binary.in0.h, 1)),	\
	FINE(op, F(binary.out.va, VA_IN0), NO_PATCH),			\
	FINE(op, F(binary.out.va, VA_IN1), NO_PATCH),			\
	FINE(op, F(binary.in0.c, 1), F(binary.in1.n, 1)),		\
	FINE(op, F(binary.out_multiplier, 0), NO_PATCH)

#define POOL(op)							\
	HEADER(op), TENSOR_8(op, pool.in), TENSOR_8(op, pool.out),	\
	CLAMP(op, pool), NON_ZERO(op, pool.reserved0),			\
	NON_ZERO(op, pool.reserved[0]),					\
	ONE(op, FIELD, F(pool.kh, 0)), ONE(op, FIELD, F(pool.kh, 4097)),\
	ONE(op, FIELD, F(pool.kw, 0)), ONE(op, FIELD, F(pool.kw, 4097)),\
	ONE(op, FIELD, F(pool.stride_h, 0)),				\
	ONE(op, FIELD, F(pool.stride_w, 4097)),				\
	ONE(op, SHAPE, F(pool.pad_top, 3)),				\
	ONE(op, SHAPE, F(pool.pad_left, 0xffff)),			\
	ONE(op, SHAPE, F(pool.out.h, 6)), ONE(op, SHAPE, F(pool.out.w, 6)),\
	FINE(op, F(pool.out.h, 5), NO_PATCH),				\
	ONE(op, SHAPE, F(pool.out.n, 1)), ONE(op, SHAPE, F(pool.out.c, 4)),\
	ONE(op, SHAPE, F(pool.in.zero_point, 1)),			\
	ONE(op, SHAPE, F(pool.in.dtype, QACCEL_DTYPE_U8)),		\
	ONE(op, SHAPE, F(pool.out.va, VA_IN0)),				\
	OVERLAP(op, pool.in, pool.out, 720, 200)

static const struct broken table[] = {
	/* Opcodes. */
	ONE(END, OPCODE, F(hdr.opcode, QACCEL_OP_INVALID)),
	ONE(END, OPCODE, F(hdr.opcode, QACCEL_OP_COUNT)),
	ONE(END, OPCODE, F(hdr.opcode, 0xffff)),
	TWO(END, VERSION, F(hdr.opcode, QACCEL_OP_COUNT), F(hdr.version, 2)),
	HEADER(END), NON_ZERO(END, end.reserved[0]),
	ONE(END, FIELD, F(hdr.flags, QACCEL_CMD_SINGLE_ROUNDING)),

	CONVOLUTION(CONV2D),
	FINE(CONV2D, F(hdr.flags, QACCEL_CMD_SINGLE_ROUNDING), NO_PATCH),
	ONE(CONV2D, FIELD, F(conv.layout, QACCEL_LAYOUT_C16)),
	ONE(CONV2D, FIELD, F(conv.depth_multiplier, 2)),
	ONE(CONV2D, SHAPE, F(conv.out.c, 33)),
	ONE(CONV2D, SHAPE, F(conv.in.c, 8)),
	ONE(CONV2D, SHAPE, F(conv.dilation_w, 2)),	/* pads differently */
	ONE(CONV2D, SHAPE, F(conv.kw, 4)),
	ONE(CONV2D, REDUCTION, F(conv.in.c, 7311)),
	TWO(CONV2D, REDUCTION, F(conv.in.c, 3670),
	    F(conv.weight_zero_point, 1)),
	TWO(CONV2D, SHAPE, F(conv.in.c, 3669), F(conv.weight_zero_point, 1)),
	TWO(CONV2D, REDUCTION, F(conv.kh, 4096), F(conv.kw, 4096)),
	/* Row work: 3 * 4096 * 5 * 16 * w against 2^31; then the weights' size. */
	TWO(CONV2D, SHAPE, F(conv.kw, 4096), F(conv.out.w, 2184)),
	TWO(CONV2D, REDUCTION, F(conv.kw, 4096), F(conv.out.w, 2185)),
	CONVOLUTION(DWCONV2D),
	ONE(DWCONV2D, FIELD, F(conv.layout, QACCEL_LAYOUT_O16K4)),
	ONE(DWCONV2D, SHAPE, F(conv.depth_multiplier, 1)),
	ONE(DWCONV2D, SHAPE, F(conv.out.c, 5)),
	ONE(DWCONV2D, SHAPE, F(conv.kh, 2)),
	TWO(DWCONV2D, REDUCTION, F(conv.kh, 258), F(conv.kw, 256)),

	BINARY(ADD),
	MULTIPLIER(ADD, binary.in0_multiplier),
	MULTIPLIER(ADD, binary.in1_multiplier),
	ONE(ADD, FIELD, F(binary.in0_shift, 1)),
	ONE(ADD, FIELD, F(binary.in1_shift, 1)),
	ONE(ADD, FIELD, F(binary.in0_shift, -32)),
	ONE(ADD, FIELD, F(binary.in1_shift, -32)),
	ONE(ADD, FIELD, F(binary.left_shift, -1)),
	ONE(ADD, FIELD, F(binary.left_shift, 23)),
	BINARY(MUL),
	NON_ZERO(MUL, binary.in0_multiplier), NON_ZERO(MUL, binary.in0_shift),
	NON_ZERO(MUL, binary.in1_multiplier), NON_ZERO(MUL, binary.in1_shift),
	NON_ZERO(MUL, binary.left_shift), NON_ZERO(MUL, binary.reserved[0]),

	POOL(AVGPOOL), POOL(MAXPOOL),
	ONE(AVGPOOL, FIELD, F(hdr.flags, QACCEL_CMD_SINGLE_ROUNDING)),

	HEADER(MEAN), TENSOR_8(MEAN, mean.in), TENSOR_8(MEAN, mean.out),
	CLAMP(MEAN, mean), NON_ZERO(MEAN, mean.reserved[0]),
	ONE(MEAN, FIELD, F(mean.multiplier, -1)), SHIFT(MEAN, mean.shift),
	FINE(MEAN, F(mean.multiplier, 1), NO_PATCH),
	ONE(MEAN, FIELD, F(mean.mode, 2)),
	ONE(MEAN, FIELD, F(mean.mode, QACCEL_MEAN_TRUNCATE)),
	TWO(MEAN, FIELD, F(mean.mode, QACCEL_MEAN_TRUNCATE),
	    F(mean.multiplier, 0)),
	ONE(MEAN, SHAPE, F(mean.out.n, 1)), ONE(MEAN, SHAPE, F(mean.out.h, 2)),
	ONE(MEAN, SHAPE, F(mean.out.w, 2)), ONE(MEAN, SHAPE, F(mean.out.c, 4)),
	ONE(MEAN, SHAPE, F(mean.in.dtype, QACCEL_DTYPE_U8)),
	TWO(MEAN, REDUCTION, F(mean.in.h, 2049), F(mean.in.w, 2048)),
	TWO(MEAN, LOCAL_MEM, F(mean.in.h, 1 << 18), F(mean.in.va, 1 << 20)),
	OVERLAP(MEAN, mean.in, mean.out, 160, 10),

	HEADER(PAD), TENSOR(PAD, pad.in), TENSOR(PAD, pad.out),
	NON_ZERO(PAD, pad.reserved[0]),
	ONE(PAD, FIELD, F(hdr.flags, QACCEL_CMD_SINGLE_ROUNDING)),
	ONE(PAD, FIELD, F(pad.in.zero_point, 32768)),
	ONE(PAD, SHAPE, F(pad.in.dtype, QACCEL_DTYPE_S8)),
	ONE(PAD, SHAPE, F(pad.before[0], 2)),
	ONE(PAD, SHAPE, F(pad.before[1], 3)),
	ONE(PAD, SHAPE, F(pad.before[2], 3)),
	ONE(PAD, SHAPE, F(pad.before[3], 3)),
	ONE(PAD, SHAPE, F(pad.before[3], 0xffffffff)),
	ONE(PAD, SHAPE, F(pad.out.h, 3)),
	ONE(PAD, ADDRESS, F(pad.in.va, VA_IN0 + 1)),
	ONE(PAD, ADDRESS, F(pad.out.va, VA_OUT + 1)),
	OVERLAP(PAD, pad.in, pad.out, 119, 839),

	HEADER(COPY), NON_ZERO(COPY, copy.reserved[0]),
	ONE(COPY, FIELD, F(copy.rows, 0)), ONE(COPY, FIELD, F(copy.row_bytes, 0)),
	ONE(COPY, FIELD, F(copy.src_stride, 4)),
	ONE(COPY, FIELD, F(copy.dst_stride, 4)),
	ONE(COPY, FIELD, F(copy.rows, 0xffffffff)),
	TWO(COPY, FIELD, F(copy.rows, 1 << 20), F(copy.src_stride, 1025)),
	TWO(COPY, FIELD, F(copy.rows, 1 << 20), F(copy.dst_stride, 1025)),
	TWO(COPY, LOCAL_MEM, F(copy.rows, 1 << 18), F(copy.src_va, 1 << 28)),
	ONE(COPY, ADDRESS, F(copy.src_va, VA_END)),
	ONE(COPY, ADDRESS, F(copy.dst_va, VA_END - 58)),
	FINE(COPY, F(copy.dst_va, VA_END - 59), NO_PATCH),
	ONE(COPY, ADDRESS, F(copy.dst_va, ~0ull)),
	ONE(COPY, SHAPE, F(copy.dst_va, VA_IN0 + 35)),
	ONE(COPY, SHAPE, F(copy.dst_va, VA_IN0 + 1)),
	ONE(COPY, SHAPE, F(copy.dst_va, VA_IN0 + 2 - 59)),
	FINE(COPY, F(copy.dst_va, VA_IN0 + 36), NO_PATCH),
	FINE(COPY, F(copy.dst_va, VA_IN0 + 1 - 59), NO_PATCH),

	HEADER(LUT), TENSOR_8(LUT, lut.in), TENSOR_8(LUT, lut.out),
	NON_ZERO(LUT, lut.reserved[0]),
	ONE(LUT, SHAPE, F(lut.out.c, 49)),
	FINE(LUT, F(lut.out.w, 3), F(lut.out.h, 2)),
	ONE(LUT, ADDRESS, F(lut.table_va, VA_IN1 + 1)),
	ONE(LUT, ADDRESS, F(lut.table_va, VA_END - 192)),
	ONE(LUT, SHAPE, F(lut.out.va, VA_IN1 + 255)),
	FINE(LUT, F(lut.out.va, VA_IN0), NO_PATCH),
	OVERLAP(LUT, lut.in, lut.out, 300, 300),

	HEADER(SOFTMAX), TENSOR_8(SOFTMAX, softmax.in),
	TENSOR_8(SOFTMAX, softmax.out), NON_ZERO(SOFTMAX, softmax.reserved[0]),
	ONE(SOFTMAX, FIELD, F(softmax.out.zero_point, 0)),
	ONE(SOFTMAX, FIELD, F(softmax.out.dtype, QACCEL_DTYPE_U8)),
	TWO(SOFTMAX, FIELD, F(softmax.out.dtype, QACCEL_DTYPE_U8),
	    F(softmax.out.zero_point, 1)),
	FINE(SOFTMAX, F(softmax.out.dtype, QACCEL_DTYPE_U8),
	     F(softmax.out.zero_point, 0)),
	MULTIPLIER(SOFTMAX, softmax.multiplier),
	ONE(SOFTMAX, FIELD, F(softmax.left_shift, -1)),
	ONE(SOFTMAX, FIELD, F(softmax.left_shift, 31)),
	ONE(SOFTMAX, FIELD, F(softmax.diff_min, 0)),
	ONE(SOFTMAX, FIELD, F(softmax.diff_min, 1)),
	FINE(SOFTMAX, F(softmax.diff_min, INT32_MIN), NO_PATCH),
	ONE(SOFTMAX, SHAPE, F(softmax.out.w, 4)),
	TWO(SOFTMAX, SHAPE, F(softmax.out.h, 3), F(softmax.out.w, 2)),
	ONE(SOFTMAX, SHAPE, F(softmax.out.va, VA_IN0)),
	OVERLAP(SOFTMAX, softmax.in, softmax.out, 60, 60),

	HEADER(REQUANTIZE), TENSOR(REQUANTIZE, requantize.in),
	TENSOR(REQUANTIZE, requantize.out), CLAMP(REQUANTIZE, requantize),
	NON_ZERO(REQUANTIZE, requantize.reserved[0]),
	MULTIPLIER(REQUANTIZE, requantize.multiplier),
	SHIFT(REQUANTIZE, requantize.shift),
	ONE(REQUANTIZE, FIELD, F(requantize.in.dtype, QACCEL_DTYPE_F32)),
	ONE(REQUANTIZE, FIELD, F(requantize.out.dtype, QACCEL_DTYPE_S32)),
	ONE(REQUANTIZE, FIELD, F(requantize.in.zero_point, 128)),
	TWO(REQUANTIZE, FIELD, F(requantize.in.dtype, QACCEL_DTYPE_S32),
	    F(requantize.in.zero_point, 1)),
	FINE(REQUANTIZE, F(requantize.in.dtype, QACCEL_DTYPE_S32), NO_PATCH),
	TWO(REQUANTIZE, ADDRESS, F(requantize.in.dtype, QACCEL_DTYPE_S32),
	    F(requantize.in.va, VA_IN0 + 2)),
	TWO(REQUANTIZE, ADDRESS, F(requantize.out.dtype, QACCEL_DTYPE_S16),
	    F(requantize.out.va, VA_OUT + 1)),
	ONE(REQUANTIZE, SHAPE, F(requantize.out.c, 51)),
	FINE(REQUANTIZE, F(requantize.out.va, VA_IN0), NO_PATCH),
	TWO(REQUANTIZE, SHAPE, F(requantize.out.va, VA_IN0),
	    F(requantize.in.dtype, QACCEL_DTYPE_S16)),
	OVERLAP(REQUANTIZE, requantize.in, requantize.out, 300, 300),

#define QUANTIZATION(op)						\
	HEADER(op), TENSOR(op, quantize.in), TENSOR(op, quantize.out),	\
	NON_ZERO(op, quantize.reserved[0]),				\
	ONE(op, FIELD, F(quantize.scale, 0)),				\
	ONE(op, FIELD, F(quantize.scale, 0x007fffff)),			\
	ONE(op, FIELD, F(quantize.scale, 0x7f800000)),			\
	ONE(op, FIELD, F(quantize.scale, 0x7fc00000)),			\
	ONE(op, FIELD, F(quantize.scale, 0xbf000000)),			\
	FINE(op, F(quantize.scale, 0x00800000), NO_PATCH),		\
	FINE(op, F(quantize.scale, 0x7f7fffff), NO_PATCH),		\
	ONE(op, SHAPE, F(quantize.out.h, 3)),				\
	ONE(op, FIELD, F(quantize.in.dtype, QACCEL_DTYPE_S32)),		\
	ONE(op, FIELD, F(quantize.out.dtype, QACCEL_DTYPE_S32)),	\
	ONE(op, SHAPE, F(quantize.out.va, VA_IN0))
	QUANTIZATION(QUANTIZE), QUANTIZATION(DEQUANTIZE),
	ONE(QUANTIZE, FIELD, F(quantize.in.dtype, QACCEL_DTYPE_S8)),
	ONE(QUANTIZE, FIELD, F(quantize.in.zero_point, 1)),
	ONE(QUANTIZE, ADDRESS, F(quantize.in.va, VA_IN0 + 2)),
	ONE(DEQUANTIZE, FIELD, F(quantize.out.dtype, QACCEL_DTYPE_S8)),
	ONE(DEQUANTIZE, FIELD, F(quantize.out.zero_point, 1)),
	ONE(DEQUANTIZE, ADDRESS, F(quantize.out.va, VA_OUT + 2)),
};

#define COUNT	(sizeof(table) / sizeof(table[0]))

static void apply(union qaccel_cmd *cmd, const struct patch *patch)
{
	if (patch->name)
		memcpy(cmd->bytes + patch->offset, &patch->value, patch->size);
}

static void run_entry(void **state)
{
	const struct broken *entry = *state;
	union qaccel_cmd cmd = valid_command(entry->opcode);

	assert_int_equal(qaccel_cmd_validate(&cmd, LOCAL_MEM), QACCEL_OK);
	apply(&cmd, &entry->first);
	apply(&cmd, &entry->second);
	assert_int_equal(qaccel_cmd_validate(&cmd, LOCAL_MEM), entry->status);
}

/* The sum of the operands is what counts, to the byte. */
static void local_memory(void **state)
{
	(void)state;
	for (int op = QACCEL_OP_CONV2D; op < QACCEL_OP_COUNT; op++) {
		union qaccel_cmd cmd = valid_command(op);
		struct qaccel_operand list[QACCEL_MAX_OPERANDS];
		unsigned int count = qaccel_cmd_operands(&cmd, list);
		uint64_t sum = 0;

		assert_in_range(count, 2, QACCEL_MAX_OPERANDS);
		for (unsigned int i = 0; i < count; i++)
			sum += list[i].size;
		assert_int_equal(qaccel_cmd_validate(&cmd, sum), QACCEL_OK);
		assert_int_equal(qaccel_cmd_validate(&cmd, sum - 1),
				 QACCEL_ERR_LOCAL_MEM);
	}
}

/* Any single byte of a valid command may turn into anything. */
static void every_byte(void **state)
{
	(void)state;
	for (int op = QACCEL_OP_END; op < QACCEL_OP_COUNT; op++) {
		for (size_t i = 0; i < QACCEL_CMD_SIZE; i++) {
			for (int value = 0; value < 256; value++) {
				union qaccel_cmd cmd = valid_command(op);

				cmd.bytes[i] = (uint8_t)value;
				assert_in_range(
					qaccel_cmd_validate(&cmd, LOCAL_MEM),
					QACCEL_OK, QACCEL_ERR_STREAM);
			}
		}
	}
}

int main(void)
{
	static struct CMUnitTest tests[COUNT + 2];
	static char names[COUNT][160];

	for (size_t i = 0; i < COUNT; i++) {
		const struct broken *b = &table[i];

		snprintf(names[i], sizeof(names[i]), "op %d: %s%s%s",
			 b->opcode, b->first.name,
			 b->second.name ? ", " : "",
			 b->second.name ? b->second.name : "");
		tests[i].name = names[i];
		tests[i].test_func = run_entry;
		tests[i].initial_state = (void *)(uintptr_t)b;
	}
	tests[COUNT] = (struct CMUnitTest)cmocka_unit_test(local_memory);
	tests[COUNT + 1] = (struct CMUnitTest)cmocka_unit_test(every_byte);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
