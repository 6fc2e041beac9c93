/* SPDX-License-Identifier: MIT */
/* Packing of weights and channel records, once for each model. */
#include "internal.h"

uint64_t qk_packed_k(uint32_t kh, uint32_t kw, uint32_t ic, uint32_t dilation_w)
{
	uint32_t taps = qk_segment_taps(kw, dilation_w);
	uint64_t segments = (uint64_t)kh * kw / taps;

	return segments * qk_round_up((uint64_t)taps * ic, 4);
}

uint64_t qk_weights_size(const struct qaccel_cmd_conv *cmd)
{
	uint64_t channels = qk_round_up(cmd->out.c, QK_BLOCK);

	if (cmd->hdr.opcode == QACCEL_OP_CONV2D &&
	    cmd->layout == QACCEL_LAYOUT_O16K4)
		return channels * qk_packed_k(cmd->kh, cmd->kw, cmd->in.c,
					      cmd->dilation_w);
	if (cmd->hdr.opcode == QACCEL_OP_DWCONV2D &&
	    cmd->layout == QACCEL_LAYOUT_C16)
		return channels * cmd->kh * cmd->kw;
	return 0;
}

/* The packed value of a weight: 128 less for the unsigned, by their top bit. */
static int8_t convert(uint8_t w, int weights_unsigned)
{
	return (int8_t)(weights_unsigned ? w ^ 0x80 : w);
}

static void pack_conv(const struct qaccel_cmd_conv *cmd, const uint8_t *weights,
		      int weights_unsigned, int8_t *packed)
{
	size_t packed_k = qk_packed_k(cmd->kh, cmd->kw, cmd->in.c,
				      cmd->dilation_w);

	for (uint32_t o = 0; o < cmd->out.c; o++)
		for (uint32_t ky = 0; ky < cmd->kh; ky++)
			for (uint32_t kx = 0; kx < cmd->kw; kx++) {
				size_t k = qk_k_index(cmd, ky, kx, 0);

				for (uint32_t ic = 0; ic < cmd->in.c; ic++)
					packed[qk_o16k4_index(packed_k, o,
							      k + ic)] =
						convert(*weights++,
							weights_unsigned);
			}
}

static void pack_dwconv(const struct qaccel_cmd_conv *cmd,
			const uint8_t *weights, int weights_unsigned,
			int8_t *packed)
{
	uint32_t taps = (uint32_t)cmd->kh * cmd->kw;

	for (uint32_t tap = 0; tap < taps; tap++)
		for (uint32_t o = 0; o < cmd->out.c; o++)
			packed[qk_c16_index(taps, o, tap)] =
				convert(*weights++, weights_unsigned);
}

void qk_pack_weights(const struct qaccel_cmd_conv *cmd, const void *weights,
		     int weights_unsigned, int8_t *packed)
{
	memset(packed, 0, qk_weights_size(cmd));
	if (cmd->layout == QACCEL_LAYOUT_O16K4)
		pack_conv(cmd, weights, weights_unsigned, packed);
	else if (cmd->layout == QACCEL_LAYOUT_C16)
		pack_dwconv(cmd, weights, weights_unsigned, packed);
}

/*
 * The padding of the packed weights is zero, so it may be summed too. At most
 * 4 * 65793 values of 7 bits and a sign: no overflow.
 */
static int32_t weight_sum(const struct qaccel_cmd_conv *cmd,
			   const int8_t *packed, uint32_t o)
{
	int32_t sum = 0;

	if (cmd->layout == QACCEL_LAYOUT_C16) {
		uint32_t taps = (uint32_t)cmd->kh * cmd->kw;

		for (uint32_t tap = 0; tap < taps; tap++)
			sum += packed[qk_c16_index(taps, o, tap)];
	} else {
		size_t packed_k = qk_packed_k(cmd->kh, cmd->kw, cmd->in.c,
					      cmd->dilation_w);

		for (size_t k = 0; k < packed_k; k++)
			sum += packed[qk_o16k4_index(packed_k, o, k)];
	}
	return sum;
}

void qk_pack_channels(const struct qaccel_cmd_conv *cmd, const int8_t *packed,
		      const int32_t *bias, const int32_t *multiplier,
		      const int32_t *shift, unsigned int step,
		      struct qaccel_channel *channels)
{
	uint32_t records = (uint32_t)qk_round_up(cmd->out.c, QK_BLOCK);
	uint32_t zx = (uint32_t)cmd->in.zero_point;
	uint32_t zw = (uint32_t)cmd->weight_zero_point;
	uint32_t k = (uint32_t)cmd->kh * cmd->kw;

	if (cmd->hdr.opcode == QACCEL_OP_CONV2D)
		k *= cmd->in.c;
	memset(channels, 0, records * sizeof(*channels));
	for (uint32_t o = 0; o < cmd->out.c; o++) {
		int32_t sum = weight_sum(cmd, packed, o);
		uint32_t b = bias ? (uint32_t)bias[o] : 0;

		channels[o].bias = (int32_t)(b - zx * (uint32_t)sum +
					     k * zx * zw);
		channels[o].multiplier = multiplier[(size_t)o * step];
		channels[o].shift = shift[(size_t)o * step];
		channels[o].weight_sum = sum;
	}
}
