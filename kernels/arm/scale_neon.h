/* SPDX-License-Identifier: MIT */
/*
 * From accumulators to results, 16 channels at a time, for NEON
 *
 * Inputs were moved to signed, x' = x + f (f = -128 for U8, else 0), so
 *
 *   bias + sum w x - Zw sum x
 *     = (bias - f sum w + f K Zw) + sum w x' - Zw sum x'
 *
 * and the part in parentheses is what the sums are added to.
 *
 * Scaling is exact as it is: sqrdmulh is qk_srdhm(), and both roundings take a
 * few instructions. So there is one way for all values, garbage included.
 */
#ifndef QK_SCALE_NEON_H
#define QK_SCALE_NEON_H

#include <arm_neon.h>
#include <stdbool.h>

#include "../internal.h"

/* Pixels of a tile, at most. */
#define QK_MAX_TILE	6

/*
 * Sums modulo 2^32, where channel records may hold garbage: vaddq_s32() is C's
 * own + to the compiler, which must not overflow.
 */
static inline int32x4_t qk_wrapping_add(int32x4_t a, int32x4_t b)
{
	return vreinterpretq_s32_u32(vaddq_u32(vreinterpretq_u32_s32(a),
					       vreinterpretq_u32_s32(b)));
}

static inline int32x4_t qk_wrapping_sub(int32x4_t a, int32x4_t b)
{
	return vreinterpretq_s32_u32(vsubq_u32(vreinterpretq_u32_s32(a),
					       vreinterpretq_u32_s32(b)));
}

/* struct qk_scale4 - 4 scales, a lane each */
struct qk_scale4 {
	int32x4_t multiplier;
	int32x4_t right;		/* the shift where it is negative, or 0 */
	int32x4_t left;			/* the shift where it is positive, or 0 */
};

/* multiplier in [0, 2^31), shift in [-31, 30]. */
static inline struct qk_scale4 qk_scale4_set(int32x4_t multiplier,
					     int32x4_t shift)
{
	const int32x4_t zero = vdupq_n_s32(0);
	struct qk_scale4 s = {
		.multiplier = multiplier,
		.left = vmaxq_s32(shift, zero),
		.right = vminq_s32(shift, zero),
	};

	return s;
}

/* The scale of a whole command. */
static inline struct qk_scale4 qk_scale4_set1(int32_t multiplier, int32_t shift)
{
	return qk_scale4_set(vdupq_n_s32(multiplier), vdupq_n_s32(shift));
}

/*
 * qk_scale_double(). sqrdmulh is floor((2 a m + 2^31) / 2^32) and never
 * saturates, as m >= 0. srshl rounds ties up: one less before it for negative
 * values makes that away from zero. As m < 2^31, high > -2^31, and one less
 * does not wrap. Where nothing is shifted right the mask has no sign bit.
 */
static inline int32x4_t qk_scale4_double(int32x4_t x, const struct qk_scale4 *s)
{
	int32x4_t high = vqrdmulhq_s32(vshlq_s32(x, s->left), s->multiplier);

	high = vsraq_n_s32(high, vandq_s32(high, s->right), 31);
	return vrshlq_s32(high, s->right);
}

/*
 * qk_scale_single(). |x m| < 2^62; srshl rounds ties up without overflow, and
 * xtn takes the result modulo 2^32.
 */
static inline int32x4_t qk_scale4_single(int32x4_t x, const struct qk_scale4 *s)
{
	int32x4_t total = vsubq_s32(vaddq_s32(s->left, s->right),
				    vdupq_n_s32(31));
	int64x2_t lo = vmull_s32(vget_low_s32(x),
				 vget_low_s32(s->multiplier));
	int64x2_t hi = vmull_high_s32(x, s->multiplier);

	lo = vrshlq_s64(lo, vmovl_s32(vget_low_s32(total)));
	hi = vrshlq_s64(hi, vmovl_high_s32(total));
	return vmovn_high_s64(vmovn_s64(lo), hi);
}

static inline int32x4_t qk_scale4(int32x4_t x, const struct qk_scale4 *s,
				  bool single)
{
	return single ? qk_scale4_single(x, s) : qk_scale4_double(x, s);
}

/* struct qk_finish - the last step: zero point and clamp, of all channels */
struct qk_finish {
	int32x4_t zero_point;
	int16x8_t zero_word;		/* the same, where it is that of a type */
	uint8x16_t lo, hi;		/* bytes of the output's type */
	bool is_unsigned;
};

static inline struct qk_finish qk_finish_set(const struct qaccel_tensor *out,
					     int32_t zero_point, int32_t lo,
					     int32_t hi)
{
	struct qk_finish f = {
		.zero_point = vdupq_n_s32(zero_point),
		.zero_word = vdupq_n_s16((int16_t)zero_point),
		.lo = vdupq_n_u8((uint8_t)lo),
		.hi = vdupq_n_u8((uint8_t)hi),
		.is_unsigned = out->dtype == QACCEL_DTYPE_U8,
	};

	return f;
}

/*
 * 16 scaled values to bytes. The zero point is added modulo 2^32, as
 * qk_finish() does; narrowing with saturation before the clamp changes nothing,
 * as the bounds lie within the type.
 */
static inline uint8x16_t qk_finish16(const int32x4_t v[4],
				     const struct qk_finish *f)
{
	int16x8_t lo, hi;
	int32x4_t u[4];
	int8x16_t s;

#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		u[i] = qk_wrapping_add(v[i], f->zero_point);
	lo = vqmovn_high_s32(vqmovn_s32(u[0]), u[1]);
	hi = vqmovn_high_s32(vqmovn_s32(u[2]), u[3]);
	if (f->is_unsigned) {
		uint8x16_t bytes = vqmovun_high_s16(vqmovun_s16(lo), hi);

		return vminq_u8(vmaxq_u8(bytes, f->lo), f->hi);
	}
	s = vqmovn_high_s16(vqmovn_s16(lo), hi);
	s = vmaxq_s8(s, vreinterpretq_s8_u8(f->lo));
	s = vminq_s8(s, vreinterpretq_s8_u8(f->hi));
	return vreinterpretq_u8_s8(s);
}

/* The first n bytes, 1 to 16. */
static inline void qk_store(uint8_t *p, uint8x16_t bytes, uint32_t n)
{
	uint8_t all[16];

	if (n == 16) {
		vst1q_u8(p, bytes);
		return;
	}
	vst1q_u8(all, bytes);
	memcpy(p, all, n);
}

/*
 * What a block of channels needs beyond the common case, which is all of 16
 * channels, int8 without an activation function, and shifts to the right.
 */
enum qk_special {
	QK_GENERAL = 1 << 0,	/* a shift that is not to the right; one rounding */
	QK_SUMS = 1 << 1,	/* Zw sum x' is to be subtracted */
	QK_UNSIGNED = 1 << 2,
	QK_CLAMPED = 1 << 3,	/* to less than the type holds */
	QK_PARTIAL = 1 << 4,	/* fewer than 16 channels */
};

/* struct qk_lanes - constants of 16 output channels */
struct qk_lanes {
	int32x4_t init[4];
	struct qk_scale4 scale[4];
	uint32_t count;			/* channels that exist, 1 to 16 */
	unsigned int special;		/* enum qk_special */
};

static inline unsigned int qk_special_of(const struct qaccel_cmd_conv *cmd)
{
	bool is_unsigned = cmd->out.dtype == QACCEL_DTYPE_U8;
	int32_t least = is_unsigned ? 0 : -128;
	unsigned int special = 0;

	if (qk_single_rounding(&cmd->hdr))
		special |= QK_GENERAL;
	/* DWCONV2D subtracts Zw from its weights instead. */
	if (cmd->weight_zero_point && cmd->hdr.opcode == QACCEL_OP_CONV2D)
		special |= QK_SUMS;
	if (is_unsigned)
		special |= QK_UNSIGNED;
	if (cmd->act_min > least || cmd->act_max < least + 255)
		special |= QK_CLAMPED;
	return special;
}

/* k: values in a window; flip: 0x80 where f is -128. */
static inline void qk_lanes_init(struct qk_lanes *l,
				 const struct qaccel_cmd_conv *cmd,
				 const struct qaccel_channel *c, uint32_t count,
				 uint32_t k, uint8_t flip)
{
	const int32x4_t zero = vdupq_n_s32(0), one = vdupq_n_s32(1);
	uint32_t minus_f = flip;
	uint32x4_t fold = vdupq_n_u32(minus_f * k *
				      (uint32_t)cmd->weight_zero_point);
	int32x4_t most = vdupq_n_s32(-1);

	l->count = count;
	l->special = qk_special_of(cmd);
	for (int i = 0; i < 4; i++) {
		/* bias, multiplier, shift, weight_sum */
		int32x4x4_t r = vld4q_s32(&c[4 * i].bias);
		uint32x4_t init = vmlaq_n_u32(vreinterpretq_u32_s32(r.val[0]),
					      vreinterpretq_u32_s32(r.val[3]),
					      minus_f);

		l->init[i] = vreinterpretq_s32_u32(vsubq_u32(init, fold));
		/* As qk_channel_scale() has it. */
		r.val[1] = vmaxq_s32(r.val[1], zero);
		r.val[2] = vmaxq_s32(r.val[2], vdupq_n_s32(-31));
		r.val[2] = vminq_s32(r.val[2], vdupq_n_s32(30));
		l->scale[i] = qk_scale4_set(r.val[1], r.val[2]);
		/* Zero stays zero, however it is shifted. */
		most = vmaxq_s32(most, vminq_s32(r.val[2],
			vsubq_s32(vminq_s32(r.val[1], one), one)));
	}
	if (vmaxvq_s32(most) >= 0)
		l->special |= QK_GENERAL;
	if (count < 16)
		l->special |= QK_PARTIAL;
}

/*
 * qk_scale_double() where all shifts are to the right: nothing is shifted left,
 * and no result has its zero point carry it past 2^31. See qk_scale4_double().
 */
static inline int32x4_t qk_scale4_right(int32x4_t x, const struct qk_scale4 *s)
{
	int32x4_t high = vqrdmulhq_s32(x, s->multiplier);

	return vrshlq_s32(vsraq_n_s32(high, high, 31), s->right);
}

/*
 * 16 scaled values to bytes that nothing clamps further. Narrowing before the
 * zero point is added, and both with saturation, changes nothing where
 * qk_scale4_right() scaled.
 */
static inline __attribute__((always_inline)) uint8x16_t
qk_pack(const int32x4_t v[4], const struct qk_finish *f, bool is_unsigned)
{
	int16x8_t lo = vqmovn_high_s32(vqmovn_s32(v[0]), v[1]);
	int16x8_t hi = vqmovn_high_s32(vqmovn_s32(v[2]), v[3]);

	lo = vqaddq_s16(lo, f->zero_word);
	hi = vqaddq_s16(hi, f->zero_word);
	if (is_unsigned)
		return vqmovun_high_s16(vqmovun_s16(lo), hi);
	return vreinterpretq_u8_s8(vqmovn_high_s16(vqmovn_s16(lo), hi));
}

/* 16 channels of m pixels, whatever is special about them. */
static __attribute__((noinline, unused)) void
qk_store_special(const struct qk_lanes *l, const struct qk_finish *f,
		 bool single, int32x4_t (*sum)[4], int m, uint8_t *out,
		 size_t step)
{
	for (int i = 0; i < m; i++, out += step) {
		for (int q = 0; q < 4; q++)
			sum[i][q] = qk_scale4(sum[i][q], &l->scale[q], single);
		qk_store(out, qk_finish16(sum[i], f), l->count);
	}
}

/*
 * Scales the sums of m pixels, that include init, and stores 16 channels each,
 * step bytes apart. m is constant where it is inlined. Channel by channel, as
 * the scales would not fit into registers beside all the sums.
 */
static inline __attribute__((always_inline)) void
qk_lanes_store(const struct qk_lanes *l, const struct qk_finish *f, bool single,
	       int32x4_t (*sum)[4], const int m, uint8_t *out, size_t step)
{
	unsigned int special = l->special & ~(unsigned int)QK_SUMS;

	if (special & ~(unsigned int)QK_UNSIGNED) {
		/* A copy, so that sum itself may live in registers. */
		int32x4_t copy[QK_MAX_TILE][4];

#pragma GCC unroll 8
		for (int i = 0; i < m; i++)
#pragma GCC unroll 4
			for (int q = 0; q < 4; q++)
				copy[i][q] = sum[i][q];
		qk_store_special(l, f, single, copy, m, out, step);
		return;
	}
#pragma GCC unroll 4
	for (int q = 0; q < 4; q++)
#pragma GCC unroll 8
		for (int i = 0; i < m; i++)
			sum[i][q] = qk_scale4_right(sum[i][q], &l->scale[q]);
	if (special) {
#pragma GCC unroll 8
		for (int i = 0; i < m; i++, out += step)
			vst1q_u8(out, qk_pack(sum[i], f, true));
	} else {
#pragma GCC unroll 8
		for (int i = 0; i < m; i++, out += step)
			vst1q_u8(out, qk_pack(sum[i], f, false));
	}
}

#endif /* QK_SCALE_NEON_H */
