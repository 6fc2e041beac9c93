/* SPDX-License-Identifier: MIT */
/* CONV2D and DWCONV2D, one output element at a time. */
#include "../internal.h"
#include "ref.h"

struct pixel {
	uint32_t n, oy, ox;
};

/*
 * Offset of the input pixel under a tap, or -1 if it lies in the padding.
 * oy * stride is below 2^24 * 2^12, hence 64 bits.
 */
static ptrdiff_t tap_offset(const struct qaccel_cmd_conv *cmd,
			    const struct pixel *p, uint32_t ky, uint32_t kx)
{
	int64_t iy = (int64_t)p->oy * cmd->stride_h - cmd->pad_top +
		     (int64_t)ky * cmd->dilation_h;
	int64_t ix = (int64_t)p->ox * cmd->stride_w - cmd->pad_left +
		     (int64_t)kx * cmd->dilation_w;

	if (iy < 0 || iy >= cmd->in.h || ix < 0 || ix >= cmd->in.w)
		return -1;
	return (ptrdiff_t)qk_offset(&cmd->in, p->n, (uint32_t)iy,
				    (uint32_t)ix);
}

/* x (w - Zw), exact: |x| <= 255 and |w - Zw| <= 255. */
static uint32_t product(const struct qaccel_cmd_conv *cmd, int32_t x, int8_t w)
{
	return (uint32_t)(x * (w - cmd->weight_zero_point));
}

static int32_t input(const struct qaccel_cmd_conv *cmd, const void *in,
		     ptrdiff_t offset, uint32_t ic)
{
	if (offset < 0)
		return cmd->in.zero_point;
	return qk_get8(in, (size_t)offset + ic, cmd->in.dtype);
}

/* Sums wrap modulo 2^32, as the channel's bias may be anything. */
static uint32_t sum_conv(const struct qaccel_cmd_conv *cmd, const void *in,
			 const int8_t *weights, const struct pixel *p,
			 uint32_t o)
{
	size_t packed_k = qk_packed_k(cmd->kh, cmd->kw, cmd->in.c,
				      cmd->dilation_w);
	uint32_t acc = 0;

	for (uint32_t ky = 0; ky < cmd->kh; ky++) {
		for (uint32_t kx = 0; kx < cmd->kw; kx++) {
			ptrdiff_t offset = tap_offset(cmd, p, ky, kx);
			size_t k = qk_k_index(cmd, ky, kx, 0);

			for (uint32_t ic = 0; ic < cmd->in.c; ic++) {
				size_t at = qk_o16k4_index(packed_k, o,
							   k + ic);

				acc += product(cmd,
					       input(cmd, in, offset, ic),
					       weights[at]);
			}
		}
	}
	return acc;
}

static uint32_t sum_dwconv(const struct qaccel_cmd_conv *cmd, const void *in,
			   const int8_t *weights, const struct pixel *p,
			   uint32_t o)
{
	uint32_t taps = (uint32_t)cmd->kh * cmd->kw;
	uint32_t ic = o / cmd->depth_multiplier;
	uint32_t acc = 0;

	for (uint32_t tap = 0; tap < taps; tap++) {
		ptrdiff_t offset = tap_offset(cmd, p, tap / cmd->kw,
					      tap % cmd->kw);

		acc += product(cmd, input(cmd, in, offset, ic),
			       weights[qk_c16_index(taps, o, tap)]);
	}
	return acc;
}

static void store(const struct qaccel_cmd_conv *cmd, uint32_t sum,
		  const struct qaccel_channel *channel, void *out,
		  const struct pixel *p, uint32_t o)
{
	struct qk_scale s = qk_channel_scale(channel->multiplier,
					     channel->shift);
	int32_t acc = (int32_t)(sum + (uint32_t)channel->bias);
	int32_t scaled = qk_scale(acc, s.multiplier, s.shift,
				  qk_single_rounding(&cmd->hdr));

	qk_put8(out, qk_offset(&cmd->out, p->n, p->oy, p->ox) + o,
		qk_finish(scaled, cmd->out.zero_point, cmd->act_min,
			  cmd->act_max));
}

typedef uint32_t (*sum_fn)(const struct qaccel_cmd_conv *cmd, const void *in,
			   const int8_t *weights, const struct pixel *p,
			   uint32_t o);

static void conv(const struct qaccel_cmd_conv *cmd, const void *in,
		 const int8_t *weights, const struct qaccel_channel *channels,
		 void *out, const struct qk_tile *tile, sum_fn sum)
{
	for (uint32_t y = tile->y0; y < tile->y1; y++) {
		struct pixel p = { y / cmd->out.h, y % cmd->out.h, 0 };

		for (p.ox = 0; p.ox < cmd->out.w; p.ox++)
			for (uint32_t o = tile->c0; o < tile->c1; o++)
				store(cmd, sum(cmd, in, weights, &p, o),
				      &channels[o], out, &p, o);
	}
}

QK_DECL_CONV(qk_conv2d_ref)
{
	(void)scratch;
	conv(cmd, in, weights, channels, out, tile, sum_conv);
}

QK_DECL_CONV(qk_dwconv2d_ref)
{
	(void)scratch;
	conv(cmd, in, weights, channels, out, tile, sum_dwconv);
}
