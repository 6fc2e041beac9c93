/* SPDX-License-Identifier: MIT */
/* LUT, REQUANTIZE, QUANTIZE and DEQUANTIZE. */
#include "../internal.h"
#include "ref.h"

/* Operands of wider types need no alignment here, hence memcpy. */
static int32_t load(const void *base, size_t i, unsigned int dtype)
{
	const uint8_t *p = base;
	int16_t s16;
	int32_t s32;

	switch (dtype) {
	case QACCEL_DTYPE_S16:
		memcpy(&s16, p + 2 * i, sizeof(s16));
		return s16;
	case QACCEL_DTYPE_S32:
		memcpy(&s32, p + 4 * i, sizeof(s32));
		return s32;
	default:
		return qk_get8(base, i, dtype);
	}
}

static void store(void *base, size_t i, unsigned int dtype, int32_t v)
{
	int16_t s16 = (int16_t)v;

	if (dtype == QACCEL_DTYPE_S16)
		memcpy((uint8_t *)base + 2 * i, &s16, sizeof(s16));
	else
		qk_put8(base, i, v);
}

QK_DECL_LUT(qk_lut_ref)
{
	for (size_t i = 0; i < count; i++)
		out[i] = table[in[i]];
}

/* x - Z wraps for S32, whose Z is zero in valid commands anyway. */
QK_DECL_REQUANTIZE(qk_requantize_ref)
{
	int single = qk_single_rounding(&cmd->hdr);

	for (size_t i = 0; i < count; i++) {
		uint32_t x = (uint32_t)load(in, i, cmd->in.dtype) -
			     (uint32_t)cmd->in.zero_point;
		int32_t scaled = qk_scale((int32_t)x, cmd->multiplier,
					  cmd->shift, single);

		store(out, i, cmd->out.dtype,
		      qk_finish(scaled, cmd->out.zero_point, cmd->act_min,
				cmd->act_max));
	}
}

static int32_t type_min(unsigned int dtype)
{
	return dtype == QACCEL_DTYPE_U8 ? 0 :
	       dtype == QACCEL_DTYPE_S8 ? INT8_MIN : INT16_MIN;
}

static int32_t type_max(unsigned int dtype)
{
	return dtype == QACCEL_DTYPE_U8 ? UINT8_MAX :
	       dtype == QACCEL_DTYPE_S8 ? INT8_MAX : INT16_MAX;
}

/*
 * Half away from zero. Beyond +-2^17 every Z of the types gives a value that
 * the clamp cuts off, so the conversion to integer never leaves its range; up
 * to there a binary32 holds the fraction exactly. NaN becomes zero.
 */
static int32_t round_bounded(float v)
{
	const float bound = 131072.0f;
	int32_t whole;
	float fraction;

	if (v != v)
		return 0;
	v = v < -bound ? -bound : v > bound ? bound : v;
	whole = (int32_t)v;
	fraction = v - (float)whole;
	return whole + (fraction >= 0.5f) - (fraction <= -0.5f);
}

static float scale_of(const struct qaccel_cmd_quantize *cmd)
{
	float scale;

	memcpy(&scale, &cmd->scale, sizeof(scale));
	return scale;
}

QK_DECL_QUANTIZE(qk_quantize_ref)
{
	const uint8_t *p = in;
	float scale = scale_of(cmd);
	unsigned int dtype = cmd->out.dtype;

	for (size_t i = 0; i < count; i++) {
		float x;

		memcpy(&x, p + 4 * i, sizeof(x));
		store(out, i, dtype,
		      qk_clamp(round_bounded(x / scale) + cmd->out.zero_point,
			       type_min(dtype), type_max(dtype)));
	}
}

/* x - Z needs at most 17 bits, so the product alone is rounded. */
QK_DECL_QUANTIZE(qk_dequantize_ref)
{
	float scale = scale_of(cmd);

	for (size_t i = 0; i < count; i++) {
		float x = scale * (float)(load(in, i, cmd->in.dtype) -
					  cmd->in.zero_point);

		memcpy((uint8_t *)out + 4 * i, &x, sizeof(x));
	}
}
