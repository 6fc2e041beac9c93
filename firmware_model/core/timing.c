// SPDX-License-Identifier: MIT
#include <string.h>

#include "checked.h"
#include "qaccel_interp.h"
#include "timing.h"

/* Passes of `columns` channels over some pixels, `steps` cycles each. */
static uint64_t vector_cycles(uint64_t pixels, uint64_t steps,
			      uint32_t channels, uint64_t columns)
{
	uint64_t passes = qaccel_div_up(channels, columns);

	return qaccel_sat_mul(qaccel_sat_mul(pixels, steps), passes);
}

static uint64_t conv_k(const struct qaccel_cmd_conv *cmd)
{
	uint64_t taps = (uint64_t)cmd->kh * cmd->kw;

	return cmd->hdr.opcode == QACCEL_OP_CONV2D ? taps * cmd->in.c : taps;
}

static uint64_t element_cycles(const struct qaccel_tensor *out,
			       uint64_t columns)
{
	return qaccel_div_up(qaccel_tensor_elements(out), columns);
}

static uint64_t compute_cycles(const union qaccel_cmd *cmd, uint64_t rows,
			       uint64_t columns)
{
	switch (cmd->hdr.opcode) {
	case QACCEL_OP_CONV2D:
	case QACCEL_OP_DWCONV2D:
		return vector_cycles(qaccel_tensor_pixels(&cmd->conv.out),
				     qaccel_div_up(conv_k(&cmd->conv), rows),
				     cmd->conv.out.c, columns);
	case QACCEL_OP_AVGPOOL:
	case QACCEL_OP_MAXPOOL:
		return vector_cycles(qaccel_tensor_pixels(&cmd->pool.out),
				     (uint64_t)cmd->pool.kh * cmd->pool.kw,
				     cmd->pool.out.c, columns);
	case QACCEL_OP_MEAN:
		return vector_cycles(qaccel_tensor_pixels(&cmd->mean.in), 1,
				     cmd->mean.in.c, columns);
	case QACCEL_OP_SOFTMAX:
		return vector_cycles(qaccel_tensor_pixels(&cmd->softmax.in), 3,
				     cmd->softmax.in.c, columns);
	case QACCEL_OP_ADD:
	case QACCEL_OP_MUL:
		return element_cycles(&cmd->binary.out, columns);
	case QACCEL_OP_LUT:
		return element_cycles(&cmd->lut.out, columns);
	case QACCEL_OP_REQUANTIZE:
		return element_cycles(&cmd->requantize.out, columns);
	case QACCEL_OP_QUANTIZE:
	case QACCEL_OP_DEQUANTIZE:
		return element_cycles(&cmd->quantize.out, columns);
	default:
		return 0;
	}
}

static uint64_t macs(const union qaccel_cmd *cmd)
{
	if (cmd->hdr.opcode != QACCEL_OP_CONV2D &&
	    cmd->hdr.opcode != QACCEL_OP_DWCONV2D)
		return 0;
	return qaccel_sat_mul(qaccel_tensor_elements(&cmd->conv.out),
			      conv_k(&cmd->conv));
}

static void count_bytes(const union qaccel_cmd *cmd, struct qaccel_perf *perf)
{
	struct qaccel_operand list[QACCEL_MAX_OPERANDS];
	unsigned int count = qaccel_cmd_operands(cmd, list);

	perf->bytes_read = QACCEL_CMD_SIZE;
	if (cmd->hdr.opcode == QACCEL_OP_COPY) {
		perf->bytes_written = (uint64_t)cmd->copy.rows *
				      cmd->copy.row_bytes;
		perf->bytes_read += perf->bytes_written;
		return;
	}
	for (unsigned int i = 0; i < count; i++) {
		if (list[i].access == QACCEL_ACCESS_READ)
			perf->bytes_read += list[i].size;
		else
			perf->bytes_written += list[i].size;
	}
}

/* A size of zero is nonsense, not a division by zero. */
static uint64_t at_least_1(uint32_t value)
{
	return value ? value : 1;
}

void qaccel_cmd_timing(const struct qaccel_timing *timing,
		       const union qaccel_cmd *cmd, struct qaccel_perf *perf)
{
	uint64_t dma_bytes = at_least_1(timing->dma_bytes_per_cycle);
	uint64_t busy;

	memset(perf, 0, sizeof(*perf));
	perf->opcode = cmd->hdr.opcode;
	perf->tag = cmd->hdr.tag;
	perf->macs = macs(cmd);
	count_bytes(cmd, perf);
	perf->compute_cycles = compute_cycles(cmd, at_least_1(timing->mac_rows),
					      at_least_1(timing->mac_columns));
	perf->dma_cycles = qaccel_div_up(perf->bytes_read + perf->bytes_written,
					 dma_bytes);
	busy = perf->compute_cycles > perf->dma_cycles ? perf->compute_cycles :
							 perf->dma_cycles;
	perf->cycles = qaccel_sat_add(busy, QACCEL_TIMING_COMMAND);
}
