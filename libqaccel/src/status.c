// SPDX-License-Identifier: MIT
#include "qaccel_hw.h"

#include "status.h"

static const char *const opcodes[QACCEL_OP_COUNT] = {
	[QACCEL_OP_END] = "END",
	[QACCEL_OP_CONV2D] = "CONV2D",
	[QACCEL_OP_DWCONV2D] = "DWCONV2D",
	[QACCEL_OP_ADD] = "ADD",
	[QACCEL_OP_MUL] = "MUL",
	[QACCEL_OP_AVGPOOL] = "AVGPOOL",
	[QACCEL_OP_MAXPOOL] = "MAXPOOL",
	[QACCEL_OP_MEAN] = "MEAN",
	[QACCEL_OP_PAD] = "PAD",
	[QACCEL_OP_COPY] = "COPY",
	[QACCEL_OP_LUT] = "LUT",
	[QACCEL_OP_SOFTMAX] = "SOFTMAX",
	[QACCEL_OP_REQUANTIZE] = "REQUANTIZE",
	[QACCEL_OP_QUANTIZE] = "QUANTIZE",
	[QACCEL_OP_DEQUANTIZE] = "DEQUANTIZE",
};

static const char *const statuses[] = {
	[QACCEL_OK] = "no error",
	[QACCEL_ERR_TRANSLATION] = "address not mapped",
	[QACCEL_ERR_PERMISSION] = "access not allowed",
	[QACCEL_ERR_ADDRESS] = "address out of range or not aligned",
	[QACCEL_ERR_BUS] = "bus error",
	[QACCEL_ERR_OPCODE] = "command not implemented",
	[QACCEL_ERR_VERSION] = "command version not implemented",
	[QACCEL_ERR_FIELD] = "parameter out of range",
	[QACCEL_ERR_SHAPE] = "shapes do not fit each other",
	[QACCEL_ERR_LOCAL_MEM] = "operands larger than local memory",
	[QACCEL_ERR_REDUCTION] = "reduction so long that it could overflow",
	[QACCEL_ERR_STREAM] = "malformed command stream",
	[QACCEL_ERR_ENTRY] = "malformed ring entry",
	[QACCEL_ERR_DOORBELL] = "impossible doorbell value",
	[QACCEL_ERR_QUEUE] = "impossible queue registers",
	[QACCEL_ERR_ABORTED] = "dropped by a reset",
};

static const char *lookup(const char *const *table, uint32_t count, uint32_t i,
			  const char *other)
{
	return i < count && table[i] ? table[i] : other;
}

const char *qaccel_opcode_name(uint32_t opcode)
{
	return lookup(opcodes, QACCEL_OP_COUNT, opcode, "?");
}

const char *qaccel_status_text(uint32_t status)
{
	return lookup(statuses, sizeof(statuses) / sizeof(statuses[0]), status,
		      "unknown error");
}
