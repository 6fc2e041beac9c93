/* SPDX-License-Identifier: MIT */
/*
 * qk_scale() and qk_finish() on 8 lanes, equal to qk_requant.h for every int32
 * and every scale in its domain.
 */
#ifndef QK_REQUANT_AVX2_H
#define QK_REQUANT_AVX2_H

#include <immintrin.h>

#include "../internal.h"

/* struct qk_vscale - what scaling needs of 8 scales, in vectors */
struct qk_vscale {
	__m256i multiplier;		/* of even lanes at [31:0] of 64 */
	__m256i multiplier_odd;		/* of odd lanes, there too */
	/* two roundings */
	__m256i left, right;
	__m256i mask, half;		/* 2^right - 1, and half of it */
	/* one rounding; 64-bit lanes, even and odd */
	__m256i total, total_odd;
	__m256i nudge, nudge_odd;	/* 2^63 + 2^(total - 1) */
	__m256i bias, bias_odd;		/* 2^63 >> total */
};

/* multiplier in [0, 2^31), shift in [-31, 30]. */
static inline struct qk_vscale qk_vscale_set(__m256i multiplier, __m256i shift)
{
	const __m256i zero = _mm256_setzero_si256();
	const __m256i low = _mm256_set1_epi64x(0xffffffff);
	const __m256i one64 = _mm256_set1_epi64x(1);
	const __m256i top = _mm256_set1_epi64x(INT64_MIN);
	__m256i total = _mm256_sub_epi32(_mm256_set1_epi32(31), shift);
	struct qk_vscale v;

	v.multiplier = multiplier;
	v.multiplier_odd = _mm256_srli_epi64(multiplier, 32);
	v.left = _mm256_max_epi32(shift, zero);
	v.right = _mm256_max_epi32(_mm256_sub_epi32(zero, shift), zero);
	v.mask = _mm256_sub_epi32(
		_mm256_sllv_epi32(_mm256_set1_epi32(1), v.right),
		_mm256_set1_epi32(1));
	v.half = _mm256_srli_epi32(v.mask, 1);
	v.total = _mm256_and_si256(total, low);
	v.total_odd = _mm256_srli_epi64(total, 32);
	v.nudge = _mm256_or_si256(top, _mm256_sllv_epi64(
		one64, _mm256_sub_epi64(v.total, one64)));
	v.nudge_odd = _mm256_or_si256(top, _mm256_sllv_epi64(
		one64, _mm256_sub_epi64(v.total_odd, one64)));
	v.bias = _mm256_srlv_epi64(top, v.total);
	v.bias_odd = _mm256_srlv_epi64(top, v.total_odd);
	return v;
}

/* The scale of a whole command. */
static inline struct qk_vscale qk_vscale_set1(int32_t multiplier, int32_t shift)
{
	return qk_vscale_set(_mm256_set1_epi32(multiplier),
			     _mm256_set1_epi32(shift));
}

/*
 * floor((x m + 2^30) / 2^31), which is qk_srdhm() for m >= 0; |x m| < 2^62.
 * The wanted 32 bits of each product begin at bit 31: those of the even lanes
 * are moved down to the low half, those of the odd lanes up by one.
 */
static inline __m256i qk_vsrdhm(__m256i x, const struct qk_vscale *v)
{
	const __m256i nudge = _mm256_set1_epi64x(1 << 30);
	__m256i even = _mm256_mul_epi32(x, v->multiplier);
	__m256i odd = _mm256_mul_epi32(_mm256_srli_epi64(x, 32),
				       v->multiplier_odd);

	even = _mm256_srli_epi64(_mm256_add_epi64(even, nudge), 31);
	odd = _mm256_slli_epi64(_mm256_add_epi64(odd, nudge), 1);
	return _mm256_blend_epi32(even, odd, 0xaa);
}

static inline __m256i qk_vscale_double(__m256i x, const struct qk_vscale *v)
{
	__m256i high = qk_vsrdhm(_mm256_sllv_epi32(x, v->left), v);
	__m256i rest = _mm256_and_si256(high, v->mask);
	/* half, and one more for negative values: ties away from zero */
	__m256i threshold = _mm256_sub_epi32(v->half,
					     _mm256_srai_epi32(high, 31));

	return _mm256_sub_epi32(_mm256_srav_epi32(high, v->right),
				_mm256_cmpgt_epi32(rest, threshold));
}

/*
 * There is no 64-bit arithmetic shift: 2^63 is added before a logical one, and
 * its shifted value taken off again. |x m + nudge| < 2^63.
 */
static inline __m256i qk_vscale_single(__m256i x, const struct qk_vscale *v)
{
	__m256i even = _mm256_mul_epi32(x, v->multiplier);
	__m256i odd = _mm256_mul_epi32(_mm256_srli_epi64(x, 32),
				       v->multiplier_odd);

	even = _mm256_srlv_epi64(_mm256_add_epi64(even, v->nudge), v->total);
	odd = _mm256_srlv_epi64(_mm256_add_epi64(odd, v->nudge_odd),
				v->total_odd);
	even = _mm256_sub_epi64(even, v->bias);
	odd = _mm256_slli_epi64(_mm256_sub_epi64(odd, v->bias_odd), 32);
	return _mm256_blend_epi32(even, odd, 0xaa);
}

static inline __m256i qk_vscale(__m256i x, const struct qk_vscale *v,
				int single_rounding)
{
	return single_rounding ? qk_vscale_single(x, v)
			       : qk_vscale_double(x, v);
}

/* struct qk_vfinish - the last step: zero point and clamp */
struct qk_vfinish {
	__m256i zero_point, lo, hi;
};

static inline struct qk_vfinish qk_vfinish_set1(int32_t zero_point, int32_t lo,
						int32_t hi)
{
	struct qk_vfinish f = {
		_mm256_set1_epi32(zero_point),
		_mm256_set1_epi32(lo),
		_mm256_set1_epi32(hi),
	};

	return f;
}

static inline __m256i qk_vfinish(__m256i x, const struct qk_vfinish *f)
{
	x = _mm256_add_epi32(x, f->zero_point);
	return _mm256_min_epi32(_mm256_max_epi32(x, f->lo), f->hi);
}

/*
 * The low bytes of 16 lanes, in order. Their values are clamped to U8 or S8,
 * whose low byte is the representation of both.
 */
static inline __m128i qk_vpack16(__m256i a, __m256i b)
{
	const __m256i byte = _mm256_set1_epi32(0xff);
	__m256i s16 = _mm256_packus_epi32(_mm256_and_si256(a, byte),
					  _mm256_and_si256(b, byte));

	/* The pack works in 128-bit halves: a0 b0 a1 b1. */
	s16 = _mm256_permute4x64_epi64(s16, 0xd8);
	return _mm_packus_epi16(_mm256_castsi256_si128(s16),
				_mm256_extracti128_si256(s16, 1));
}

/* 16 U8 or S8 values as s16, and 8 as s32. */
static inline __m256i qk_vload16(const uint8_t *p, int is_unsigned)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)p);

	return is_unsigned ? _mm256_cvtepu8_epi16(bytes)
			   : _mm256_cvtepi8_epi16(bytes);
}

static inline __m256i qk_vload8(const uint8_t *p, int is_unsigned)
{
	__m128i bytes = _mm_loadl_epi64((const __m128i *)p);

	return is_unsigned ? _mm256_cvtepu8_epi32(bytes)
			   : _mm256_cvtepi8_epi32(bytes);
}

/* Not inlined, as registers in use would be saved for the call of memcpy(). */
static __attribute__((noinline, unused)) void
qk_vstore_part(uint8_t *p, __m128i bytes, uint32_t n)
{
	uint8_t all[16];

	_mm_storeu_si128((__m128i *)all, bytes);
	memcpy(p, all, n);
}

/* n bytes, at most 16. */
static inline void qk_vstore(uint8_t *p, __m128i bytes, uint32_t n)
{
	if (__builtin_expect(n == 16, 1))
		_mm_storeu_si128((__m128i *)p, bytes);
	else
		qk_vstore_part(p, bytes, n);
}

/* struct qk_vblock - the channel records of 16 output channels */
struct qk_vblock {
	__m256i bias[2];
	struct qk_vscale scale[2];
};

static inline struct qk_vblock qk_vblock_load(const struct qaccel_channel *c)
{
	struct qk_vblock b;

	for (int i = 0; i < 2; i++) {
		int32_t bias[8], multiplier[8], shift[8];

		for (int j = 0; j < 8; j++) {
			struct qk_scale s = qk_channel_scale(
				c[8 * i + j].multiplier, c[8 * i + j].shift);

			bias[j] = c[8 * i + j].bias;
			multiplier[j] = s.multiplier;
			shift[j] = s.shift;
		}
		b.bias[i] = _mm256_loadu_si256((const __m256i *)bias);
		b.scale[i] = qk_vscale_set(
			_mm256_loadu_si256((const __m256i *)multiplier),
			_mm256_loadu_si256((const __m256i *)shift));
	}
	return b;
}

/* From the sums of 8 channels, half 0 or 1 of the block, to clamped values. */
static inline __m256i qk_vblock_finish(const struct qk_vblock *b, int half,
				       __m256i sums,
				       const struct qk_vfinish *fin,
				       int single_rounding)
{
	sums = _mm256_add_epi32(sums, b->bias[half]);
	return qk_vfinish(qk_vscale(sums, &b->scale[half], single_rounding),
			  fin);
}

#endif /* QK_REQUANT_AVX2_H */
