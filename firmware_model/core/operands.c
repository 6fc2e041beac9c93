// SPDX-License-Identifier: MIT
/*
 * The operands of each command
 *
 * Inputs first, the output last; that order is what the executor relies on.
 */
#include "checked.h"
#include "qaccel_interp.h"

static void add(struct qaccel_operand *list, unsigned int *count, uint64_t va,
		uint64_t size, enum qaccel_access access)
{
	list[*count].va = va;
	list[*count].size = size;
	list[*count].access = access;
	++*count;
}

static void add_tensor(struct qaccel_operand *list, unsigned int *count,
		       const struct qaccel_tensor *t,
		       enum qaccel_access access)
{
	add(list, count, t->va, qaccel_tensor_size(t), access);
}

static unsigned int conv_operands(const struct qaccel_cmd_conv *cmd,
				  struct qaccel_operand *list)
{
	uint64_t records = qaccel_channel_records(cmd->out.c);
	unsigned int count = 0;

	add_tensor(list, &count, &cmd->in, QACCEL_ACCESS_READ);
	add(list, &count, cmd->weights_va, cmd->weights_size,
	    QACCEL_ACCESS_READ);
	add(list, &count, cmd->channels_va,
	    records * sizeof(struct qaccel_channel), QACCEL_ACCESS_READ);
	add_tensor(list, &count, &cmd->out, QACCEL_ACCESS_WRITE);
	return count;
}

static unsigned int binary_operands(const struct qaccel_cmd_binary *cmd,
				    struct qaccel_operand *list)
{
	unsigned int count = 0;

	add_tensor(list, &count, &cmd->in0, QACCEL_ACCESS_READ);
	add_tensor(list, &count, &cmd->in1, QACCEL_ACCESS_READ);
	add_tensor(list, &count, &cmd->out, QACCEL_ACCESS_WRITE);
	return count;
}

/* From the first byte to the last one, the gaps between the rows included. */
static uint64_t strided_size(uint32_t rows, uint32_t row_bytes, uint32_t stride)
{
	return (uint64_t)(rows - 1) * stride + row_bytes;
}

static unsigned int copy_operands(const struct qaccel_cmd_copy *cmd,
				  struct qaccel_operand *list)
{
	unsigned int count = 0;

	add(list, &count, cmd->src_va,
	    strided_size(cmd->rows, cmd->row_bytes, cmd->src_stride),
	    QACCEL_ACCESS_READ);
	add(list, &count, cmd->dst_va,
	    strided_size(cmd->rows, cmd->row_bytes, cmd->dst_stride),
	    QACCEL_ACCESS_WRITE);
	return count;
}

static unsigned int lut_operands(const struct qaccel_cmd_lut *cmd,
				 struct qaccel_operand *list)
{
	unsigned int count = 0;

	add_tensor(list, &count, &cmd->in, QACCEL_ACCESS_READ);
	add(list, &count, cmd->table_va, 256, QACCEL_ACCESS_READ);
	add_tensor(list, &count, &cmd->out, QACCEL_ACCESS_WRITE);
	return count;
}

static unsigned int unary_operands(const struct qaccel_tensor *in,
				   const struct qaccel_tensor *out,
				   struct qaccel_operand *list)
{
	unsigned int count = 0;

	add_tensor(list, &count, in, QACCEL_ACCESS_READ);
	add_tensor(list, &count, out, QACCEL_ACCESS_WRITE);
	return count;
}

unsigned int
qaccel_cmd_operands(const union qaccel_cmd *cmd,
		    struct qaccel_operand list[QACCEL_MAX_OPERANDS])
{
	switch (cmd->hdr.opcode) {
	case QACCEL_OP_CONV2D:
	case QACCEL_OP_DWCONV2D:
		return conv_operands(&cmd->conv, list);
	case QACCEL_OP_ADD:
	case QACCEL_OP_MUL:
		return binary_operands(&cmd->binary, list);
	case QACCEL_OP_COPY:
		return copy_operands(&cmd->copy, list);
	case QACCEL_OP_LUT:
		return lut_operands(&cmd->lut, list);
	case QACCEL_OP_AVGPOOL:
	case QACCEL_OP_MAXPOOL:
		return unary_operands(&cmd->pool.in, &cmd->pool.out, list);
	case QACCEL_OP_MEAN:
		return unary_operands(&cmd->mean.in, &cmd->mean.out, list);
	case QACCEL_OP_PAD:
		return unary_operands(&cmd->pad.in, &cmd->pad.out, list);
	case QACCEL_OP_SOFTMAX:
		return unary_operands(&cmd->softmax.in, &cmd->softmax.out,
				      list);
	case QACCEL_OP_REQUANTIZE:
		return unary_operands(&cmd->requantize.in,
				      &cmd->requantize.out, list);
	case QACCEL_OP_QUANTIZE:
	case QACCEL_OP_DEQUANTIZE:
		return unary_operands(&cmd->quantize.in, &cmd->quantize.out,
				      list);
	default:
		return 0;
	}
}
