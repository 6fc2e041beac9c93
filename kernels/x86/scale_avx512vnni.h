/* SPDX-License-Identifier: MIT */
/*
 * From accumulators to results, 16 channels at a time, for AVX512
 *
 * Inputs were moved to unsigned, x' = x + f (f = 128 for S8, else 0), so
 *
 *   bias + sum w x - Zw sum x
 *     = (bias - f sum w + f K Zw) + sum w x' - Zw sum x'
 *
 * and the part in parentheses is what an accumulator starts with.
 */
#ifndef QK_SCALE_AVX512VNNI_H
#define QK_SCALE_AVX512VNNI_H

#include <immintrin.h>
#include <stdbool.h>

#include "../internal.h"

/*
 * Scaling in single precision, docs/numerics.md "The guard band". For
 * y = acc m 2^(shift - 31) and n = -shift > 0, TFLite's two roundings are one
 * floor of y + 1/2 + d for acc >= 0 and of y + 1/2 - d for acc < 0, with
 * d = 2^-(n+1); for n <= 0, d = 0. In units of 2^-16 all of it, and the zero
 * point, is one multiply-add whose error is below the guard where the result is
 * not clamped anyway: only a value that close to the next integer needs the
 * exact way. The guard is added too, so that close means a fraction below twice
 * of it.
 */
#define QK_FRACTION_BITS	16
#define QK_GUARD		4
#define QK_NOT_CLOSE		(0xffff & ~(2 * QK_GUARD - 1))

/* struct qk_lanes - constants of 16 channels, a lane each */
struct qk_lanes {
	__m512i init;			/* of the accumulator */
	__m512i multiplier;		/* even lanes count */
	__m512i multiplier_odd;		/* those of odd lanes, moved down */
	__m512i left, right;		/* the shift, split by its sign */
	__m512i half;			/* 2^(right - 1), or 0 */
	__m512 scale;			/* in units of 2^-16, as the next two */
	__m512 d;			/* what the sign decides upon */
	__m512 above;			/* the sum for accumulators from 0 */
	__mmask16 rounds;		/* right > 0 */
};

/* struct qk_finish - what the lanes of one call share */
struct qk_finish {
	const struct qaccel_cmd_conv *cmd;
	uint32_t k;			/* values in a window */
	uint8_t flip;
	bool single;			/* one rounding */
	bool clamps_negative;		/* act_min is the zero point or more */
	bool as_signed;			/* fixed point of U8: 128 less, as S8 */
};

/* struct qk_bounds - of all lanes together that are finished at once */
struct qk_bounds {
	bool any_left;			/* some shift is to the left */
	bool fast;			/* no intermediate can overflow, two roundings */
};

/* struct qk_records - channel records by member, 16 channels */
struct qk_records {
	__m512i bias, multiplier, shift, weight_sum;
};

/* Those with these numbers. */
static inline struct qk_records
qk_records_gather(const struct qaccel_channel *channels, __m512i number)
{
	const char *base = (const char *)channels;
	__m512i at = _mm512_slli_epi32(number, 2);
#define MEMBER(name)							\
	_mm512_i32gather_epi32(at, base + offsetof(struct qaccel_channel, name), \
			       4)
	struct qk_records r = {
		MEMBER(bias), MEMBER(multiplier), MEMBER(shift),
		MEMBER(weight_sum),
	};
#undef MEMBER
	return r;
}

/* Neighbours; gathering costs ten times as much as transposing. */
static inline struct qk_records
qk_records_load(const struct qaccel_channel *channels)
{
	const __m512i even = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 2, 6,
					       10, 14, 18, 22, 26, 30);
	const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
	__m512i a = _mm512_loadu_si512(channels);
	__m512i b = _mm512_loadu_si512(channels + 4);
	__m512i c = _mm512_loadu_si512(channels + 8);
	__m512i d = _mm512_loadu_si512(channels + 12);
	/* Members 0 and 2 of 8 channels, then 1 and 3. */
	__m512i ab = _mm512_permutex2var_epi32(a, even, b);
	__m512i cd = _mm512_permutex2var_epi32(c, even, d);
	__m512i ab_odd = _mm512_permutex2var_epi32(a, odd, b);
	__m512i cd_odd = _mm512_permutex2var_epi32(c, odd, d);
	struct qk_records r = {
		.bias = _mm512_shuffle_i64x2(ab, cd, 0x44),
		.multiplier = _mm512_shuffle_i64x2(ab_odd, cd_odd, 0x44),
		.shift = _mm512_shuffle_i64x2(ab, cd, 0xee),
		.weight_sum = _mm512_shuffle_i64x2(ab_odd, cd_odd, 0xee),
	};

	return r;
}

static inline uint64_t qk_max_abs(__m512i x)
{
	/* The minimum is its own absolute value, but for an unsigned maximum. */
	return _mm512_reduce_max_epu32(_mm512_abs_epi32(x));
}

/* What all lanes add in single precision, but for d. */
static inline __m512 qk_addend(const struct qk_finish *f)
{
	int32_t flip = f->as_signed && f->cmd->out.dtype == QACCEL_DTYPE_U8 ?
		       128 : 0;

	return _mm512_set1_ps(65536.0f *
			      ((float)(f->cmd->out.zero_point - flip) + 0.5f) +
			      QK_GUARD);
}

static inline void qk_lanes_init_float(struct qk_lanes *l,
				       const struct qk_finish *f, __m512i m,
				       __m512i shift)
{
	__m512 power = _mm512_cvtepi32_ps(shift);
	/* 2^-(n+1) in units of 2^-16. */
	__m512 d = _mm512_maskz_scalef_ps(l->rounds, _mm512_set1_ps(1),
			_mm512_add_ps(power,
				      _mm512_set1_ps(QK_FRACTION_BITS - 1)));
	__m512 c = qk_addend(f);

	l->scale = _mm512_scalef_ps(_mm512_cvtepi32_ps(m),
			_mm512_add_ps(power,
				      _mm512_set1_ps(QK_FRACTION_BITS - 31)));
	l->above = _mm512_add_ps(c, d);
	l->d = d;
}

/* Constants of channels; narrows the bounds. */
static inline void qk_lanes_set(struct qk_lanes *l, struct qk_bounds *bounds,
				const struct qk_finish *f,
				const struct qk_records *r)
{
	const __m512i zero = _mm512_setzero_si512(), one = _mm512_set1_epi32(1);
	int32_t zw = f->cmd->weight_zero_point;
	__m512i m, shift;
	uint64_t bound;

	l->init = _mm512_sub_epi32(r->bias, _mm512_mullo_epi32(r->weight_sum,
					_mm512_set1_epi32(f->flip)));
	l->init = _mm512_add_epi32(l->init, _mm512_set1_epi32(
			(int32_t)(f->flip * f->k * (uint32_t)zw)));
	/* As qk_channel_scale() has it. */
	m = _mm512_max_epi32(r->multiplier, zero);
	shift = _mm512_max_epi32(r->shift, _mm512_set1_epi32(-31));
	shift = _mm512_min_epi32(shift, _mm512_set1_epi32(30));
	l->multiplier = m;
	l->multiplier_odd = _mm512_srli_epi64(m, 32);
	l->left = _mm512_max_epi32(shift, zero);
	l->right = _mm512_max_epi32(_mm512_sub_epi32(zero, shift), zero);
	l->rounds = _mm512_test_epi32_mask(l->right, l->right);
	/* A count outside of 0 to 31 gives 0, as right = 0 wants. */
	l->half = _mm512_sllv_epi32(one, _mm512_sub_epi32(l->right, one));
	qk_lanes_init_float(l, f, m, shift);

	/* |accumulator| * 2^left below 2^30 leaves room for all that follows. */
	bound = qk_max_abs(l->init) + (uint64_t)f->k * 255 * (zw ? 256 : 128);
	bound <<= _mm512_reduce_max_epi32(l->left);
	bounds->fast &= !f->single && bound < (UINT64_C(1) << 30);
	bounds->any_left |= _mm512_cmpgt_epi32_mask(shift, zero) != 0;
}

/* The same for the channels with these numbers. */
static inline void qk_lanes_init(struct qk_lanes *l, struct qk_bounds *bounds,
				 const struct qk_finish *f,
				 const struct qaccel_channel *c, __m512i number)
{
	struct qk_records r = qk_records_gather(c, number);

	qk_lanes_set(l, bounds, f, &r);
}

/* qk_scale_double() where bounds->fast holds. */
static inline __m512i qk_scale_fast(__m512i x, const struct qk_lanes *l,
				    const struct qk_bounds *bounds)
{
	const __m512i nudge = _mm512_set1_epi64(INT64_C(1) << 30);
	__m512i even, odd, high, sum;

	if (bounds->any_left)
		x = _mm512_sllv_epi32(x, l->left);
	/* floor((x m + 2^30) / 2^31) in both halves of each 64 bits. */
	even = _mm512_mul_epi32(x, l->multiplier);
	odd = _mm512_mul_epi32(_mm512_srli_epi64(x, 32), l->multiplier_odd);
	even = _mm512_srli_epi64(_mm512_add_epi64(even, nudge), 31);
	odd = _mm512_slli_epi64(_mm512_add_epi64(odd, nudge), 1);
	high = _mm512_mask_blend_epi32(0xaaaa, even, odd);
	/* Half away from zero: one less for the negative ones. */
	sum = _mm512_add_epi32(high, l->half);
	sum = _mm512_mask_add_epi32(sum, l->rounds, sum,
				    _mm512_srai_epi32(high, 31));
	return _mm512_srav_epi32(sum, l->right);
}

/* Any rounding, any garbage: lane by lane. */
static inline __m512i qk_scale_slow(__m512i x, const struct qk_lanes *l,
				    const struct qk_finish *f)
{
	int32_t v[16], m[16], left[16], right[16];

	_mm512_storeu_si512(v, x);
	_mm512_storeu_si512(m, l->multiplier);
	_mm512_storeu_si512(left, l->left);
	_mm512_storeu_si512(right, l->right);
	for (int i = 0; i < 16; i++)
		v[i] = qk_scale(v[i], m[i], left[i] - right[i], f->single);
	return _mm512_loadu_si512(v);
}

/* Zero point and clamp: results in the low bytes. Exact, always. */
static inline __m512i qk_finish_exact(__m512i acc, const struct qk_lanes *l,
				      const struct qk_bounds *bounds,
				      const struct qk_finish *f)
{
	const struct qaccel_cmd_conv *cmd = f->cmd;
	__m512i v = bounds->fast ? qk_scale_fast(acc, l, bounds) :
				   qk_scale_slow(acc, l, f);

	v = _mm512_add_epi32(v, _mm512_set1_epi32(cmd->out.zero_point));
	v = _mm512_max_epi32(v, _mm512_set1_epi32(cmd->act_min));
	return _mm512_min_epi32(v, _mm512_set1_epi32(cmd->act_max));
}

/*
 * 16 values in units of 2^-16, zero point included. One is too close to call where
 * its low 16 bits have none of QK_NOT_CLOSE; so are all that do not fit, as the
 * conversion makes INT32_MIN of them. For bounds->fast only.
 *
 * addend is qk_addend(). d with the accumulator's sign is added to it, as a choice
 * by a mask register would compete with the products for ports.
 */
static inline __m512i qk_scale_units(__m512i acc, const struct qk_lanes *l,
				     __m512 addend, bool clamps_negative)
{
	const __m512i sign = _mm512_set1_epi32(INT32_MIN);
	__m512 c = l->above;

	if (!clamps_negative) {
		/* (acc & sign) | d */
		__m512i d = _mm512_ternarylogic_epi32(acc, sign,
				_mm512_castps_si512(l->d), 0xea);

		c = _mm512_add_ps(addend, _mm512_castsi512_ps(d));
	}
	return _mm512_cvtps_epi32(_mm512_fmadd_ps(_mm512_cvtepi32_ps(acc),
						  l->scale, c));
}

#endif /* QK_SCALE_AVX512VNNI_H */
