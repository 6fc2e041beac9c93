/* SPDX-License-Identifier: MIT */
/*
 * The one definition of rounding
 *
 * scale(x, M0, shift) of docs/numerics.md: x * M0 * 2^(shift - 31) on integers.
 * Every ISA is held against these functions. They are total: any int32 x, any
 * multiplier in [0, 2^31), any shift in [-31, 30] has a defined result.
 */
#ifndef QK_REQUANT_H
#define QK_REQUANT_H

#include <stdint.h>

/* x * 2^n modulo 2^32, n in [0, 31]. */
static inline int32_t qk_shift_left(int32_t x, int n)
{
	return (int32_t)((uint32_t)x << n);
}

/*
 * round(a * b / 2^31), ties towards +inf: the doubling high multiply of
 * gemmlowp. Its nudge differs by sign but the division truncates, so that it
 * equals floor((ab + 2^30) / 2^31), which vector code may use. Saturates for
 * a = b = -2^31 alone. |ab| <= 2^62, and the nudge keeps it inside int64.
 */
static inline int32_t qk_srdhm(int32_t a, int32_t b)
{
	int64_t ab = (int64_t)a * b;
	int64_t nudge = ab >= 0 ? INT64_C(1) << 30 : 1 - (INT64_C(1) << 30);

	if (a == INT32_MIN && b == INT32_MIN)
		return INT32_MAX;
	return (int32_t)((ab + nudge) / (INT64_C(1) << 31));
}

/* round(x / 2^n), ties away from zero; n in [0, 31]. */
static inline int32_t qk_rounding_shift_right(int32_t x, int n)
{
	int32_t mask = (int32_t)((UINT32_C(1) << n) - 1);
	int32_t remainder = x & mask;
	int32_t threshold = (mask >> 1) + (x < 0);

	return (x >> n) + (remainder > threshold);
}

/*
 * TFLite's default: two roundings, the first with ties towards +inf, the
 * second with ties away from zero.
 */
static inline int32_t qk_scale_double(int32_t x, int32_t multiplier, int shift)
{
	int left = shift > 0 ? shift : 0;
	int right = shift > 0 ? 0 : -shift;

	return qk_rounding_shift_right(qk_srdhm(qk_shift_left(x, left),
						multiplier), right);
}

/*
 * TFLITE_SINGLE_ROUNDING: ties towards +inf. |x * multiplier| < 2^62 and the
 * rounding term is at most 2^61, so the sum fits; the result is taken modulo
 * 2^32.
 */
static inline int32_t qk_scale_single(int32_t x, int32_t multiplier, int shift)
{
	int total = 31 - shift;
	int64_t sum = (int64_t)x * multiplier + (INT64_C(1) << (total - 1));

	return (int32_t)(uint32_t)(uint64_t)(sum >> total);
}

static inline int32_t qk_scale(int32_t x, int32_t multiplier, int shift,
			       int single_rounding)
{
	return single_rounding ? qk_scale_single(x, multiplier, shift)
			       : qk_scale_double(x, multiplier, shift);
}

/* struct qk_scale - multiplier and shift within the domain of qk_scale() */
struct qk_scale {
	int32_t multiplier;
	int shift;
};

/*
 * The scale of a channel record. Records are memory that nobody validated, so
 * each value is clamped to its domain; the same in every ISA, so that even
 * garbage gives the same bytes everywhere.
 */
static inline struct qk_scale qk_channel_scale(int32_t multiplier,
					       int32_t shift)
{
	struct qk_scale s = {
		.multiplier = multiplier < 0 ? 0 : multiplier,
		.shift = shift < -31 ? -31 : shift > 30 ? 30 : shift,
	};

	return s;
}

static inline int32_t qk_clamp(int32_t x, int32_t lo, int32_t hi)
{
	return x < lo ? lo : x > hi ? hi : x;
}

/*
 * The last step of every operation: zero point and clamp. Modulo 2^32, as
 * the scaled value may be anything when the parameters are.
 */
static inline int32_t qk_finish(int32_t scaled, int32_t zero_point,
				int32_t lo, int32_t hi)
{
	return qk_clamp((int32_t)((uint32_t)scaled + (uint32_t)zero_point),
			lo, hi);
}

#endif /* QK_REQUANT_H */
