// SPDX-License-Identifier: MIT
#include <string.h>

#include "commands.h"
#include "qk.h"

#define HALF	(1 << 30)	/* multiplier of 0.5 */

struct qaccel_tensor tensor(uint64_t va, uint8_t dtype, uint32_t n, uint32_t h,
			    uint32_t w, uint32_t c)
{
	struct qaccel_tensor t = {
		.va = va, .n = n, .h = h, .w = w, .c = c, .dtype = dtype,
	};

	return t;
}

static struct qaccel_tensor s8(uint64_t va, uint32_t n, uint32_t h, uint32_t w,
			       uint32_t c)
{
	return tensor(va, QACCEL_DTYPE_S8, n, h, w, c);
}

static void make_conv(struct qaccel_cmd_conv *cmd)
{
	bool depthwise = cmd->hdr.opcode == QACCEL_OP_DWCONV2D;

	cmd->in = s8(VA_IN0, 2, 9, 8, 5);
	cmd->out = s8(VA_OUT, 2, 4, 8, depthwise ? 10 : 20);
	cmd->weights_va = VA_WEIGHTS;
	cmd->channels_va = VA_CHANNELS;
	cmd->act_min = -128;
	cmd->act_max = 127;
	cmd->kh = 3;
	cmd->kw = 3;
	cmd->stride_h = 2;
	cmd->stride_w = 1;
	cmd->dilation_h = 1;
	cmd->dilation_w = 1;
	cmd->pad_top = 1;
	cmd->pad_left = 1;
	cmd->depth_multiplier = depthwise ? 2 : 1;
	cmd->layout = depthwise ? QACCEL_LAYOUT_C16 : QACCEL_LAYOUT_O16K4;
	cmd->weights_size = (uint32_t)qk_weights_size(cmd);
}

static void make_binary(struct qaccel_cmd_binary *cmd)
{
	cmd->in0 = s8(VA_IN0, 2, 3, 4, 5);
	cmd->in1 = s8(VA_IN1, 2, 3, 4, 5);
	cmd->out = s8(VA_OUT, 2, 3, 4, 5);
	cmd->out_multiplier = HALF;
	cmd->act_min = -128;
	cmd->act_max = 127;
	if (cmd->hdr.opcode == QACCEL_OP_MUL)
		return;
	cmd->in0_multiplier = HALF;
	cmd->in1_multiplier = HALF;
	cmd->out_shift = -18;
	cmd->left_shift = 20;
}

static void make_pool(struct qaccel_cmd_pool *cmd)
{
	cmd->in = s8(VA_IN0, 2, 8, 9, 5);
	cmd->out = s8(VA_OUT, 2, 4, 5, 5);
	cmd->kh = 3;
	cmd->kw = 3;
	cmd->stride_h = 2;
	cmd->stride_w = 2;
	cmd->pad_top = 1;
	cmd->pad_left = 1;
	cmd->act_min = -128;
	cmd->act_max = 127;
}

static void make_mean(struct qaccel_cmd_mean *cmd)
{
	cmd->in = s8(VA_IN0, 2, 4, 4, 5);
	cmd->out = s8(VA_OUT, 2, 1, 1, 5);
	cmd->multiplier = HALF;
	cmd->shift = -3;	/* 1 / 16 */
	cmd->act_min = -128;
	cmd->act_max = 127;
	cmd->mode = QACCEL_MEAN_SCALE;
}

static void make_pad(struct qaccel_cmd_pad *cmd)
{
	cmd->in = tensor(VA_IN0, QACCEL_DTYPE_S16, 1, 3, 4, 5);
	cmd->out = tensor(VA_OUT, QACCEL_DTYPE_S16, 2, 5, 6, 7);
	cmd->before[0] = 1;
	cmd->before[1] = 1;
	cmd->before[2] = 0;
	cmd->before[3] = 2;
	cmd->value = 0x1234;
}

static void make_copy(struct qaccel_cmd_copy *cmd)
{
	cmd->src_va = VA_IN0 + 1;
	cmd->dst_va = VA_OUT + 3;
	cmd->rows = 7;
	cmd->row_bytes = 5;
	cmd->src_stride = 5;
	cmd->dst_stride = 9;
}

static void make_lut(struct qaccel_cmd_lut *cmd)
{
	cmd->in = s8(VA_IN0, 1, 2, 3, 50);
	cmd->out = s8(VA_OUT, 1, 1, 6, 50);
	cmd->table_va = VA_IN1;
}

static void make_softmax(struct qaccel_cmd_softmax *cmd)
{
	cmd->in = s8(VA_IN0, 1, 2, 3, 10);
	cmd->out = s8(VA_OUT, 1, 2, 3, 10);
	cmd->out.zero_point = -128;
	cmd->multiplier = HALF;
	cmd->left_shift = 23;
	cmd->diff_min = -248;
}

static void make_requantize(struct qaccel_cmd_requantize *cmd)
{
	cmd->in = s8(VA_IN0, 1, 2, 3, 50);
	cmd->out = tensor(VA_OUT, QACCEL_DTYPE_S8, 1, 2, 3, 50);
	cmd->multiplier = HALF;
	cmd->act_min = -128;
	cmd->act_max = 127;
}

static void make_quantize(struct qaccel_cmd_quantize *cmd)
{
	bool forward = cmd->hdr.opcode == QACCEL_OP_QUANTIZE;

	cmd->in = tensor(VA_IN0, forward ? QACCEL_DTYPE_F32 : QACCEL_DTYPE_S8,
			 1, 2, 3, 50);
	cmd->out = tensor(VA_OUT, forward ? QACCEL_DTYPE_S8 : QACCEL_DTYPE_F32,
			  1, 2, 3, 50);
	cmd->scale = 0x3f000000;	/* 0.5 */
}

union qaccel_cmd valid_command(enum qaccel_opcode opcode)
{
	union qaccel_cmd cmd;

	memset(&cmd, 0, sizeof(cmd));
	cmd.hdr.opcode = opcode;
	cmd.hdr.version = QACCEL_CMD_VERSION;
	cmd.hdr.tag = 1000 + opcode;
	switch (opcode) {
	case QACCEL_OP_CONV2D:
	case QACCEL_OP_DWCONV2D:
		make_conv(&cmd.conv);
		break;
	case QACCEL_OP_ADD:
	case QACCEL_OP_MUL:
		make_binary(&cmd.binary);
		break;
	case QACCEL_OP_AVGPOOL:
	case QACCEL_OP_MAXPOOL:
		make_pool(&cmd.pool);
		break;
	case QACCEL_OP_MEAN:
		make_mean(&cmd.mean);
		break;
	case QACCEL_OP_PAD:
		make_pad(&cmd.pad);
		break;
	case QACCEL_OP_COPY:
		make_copy(&cmd.copy);
		break;
	case QACCEL_OP_LUT:
		make_lut(&cmd.lut);
		break;
	case QACCEL_OP_SOFTMAX:
		make_softmax(&cmd.softmax);
		break;
	case QACCEL_OP_REQUANTIZE:
		make_requantize(&cmd.requantize);
		break;
	case QACCEL_OP_QUANTIZE:
	case QACCEL_OP_DEQUANTIZE:
		make_quantize(&cmd.quantize);
		break;
	default:
		break;
	}
	return cmd;
}
