/* SPDX-License-Identifier: MIT */
/*
 * From accumulators to results, 16 channels of one or two pixels at a time
 *
 * Where the input was moved to unsigned, x' = x + f (f = 128 for S8, else 0),
 *
 *   bias + sum w x - Zw sum x
 *     = (bias - f sum w + f K Zw) + sum w x' - Zw sum x'
 *
 * and the part in parentheses is what an accumulator starts with. Where it was
 * not, f is 0 and that is the bias.
 */
#ifndef QK_SCALE_AVX2_H
#define QK_SCALE_AVX2_H

#include <stdbool.h>

#include "requant_avx2.h"

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
#define QK_CLOSE		(2 * QK_GUARD - 1)

/*
 * Pins a sum to its register at this place. Left alone, gcc computes all
 * products before the first sum, runs out of registers and spills a sum, whose
 * way through memory then takes longer than the whole loop.
 */
#define QK_PIN(v)	__asm__("" : "+x"(v))

/* enum qk_order - which channels the two halves' lanes hold */
enum qk_order {
	QK_ORDER_PLAIN,		/* 0 to 7, 8 to 15 */
	QK_ORDER_PAIRED,	/* 0 1 4 5 2 3 6 7, as vphaddd leaves them */
	QK_ORDER_SPLIT,		/* 0 to 3 and 8 to 11, as vpunpcklwd does */
};

/* struct qk_lanes - constants of 16 channels, in two halves of 8 */
struct qk_lanes {
	__m256i init[2];		/* of the accumulators */
	__m256 scale[2];		/* in units of 2^-16, as the next two */
	__m256 above[2];		/* addend for accumulators from 0 */
	__m256 below[2];		/* and for negative ones */
	struct qk_vscale exact[2];
	/* Words: fractions up to this are close. All, if some value may
	 * overflow on the way, or where there is one rounding. */
	__m256i close;
};

/* struct qk_final - what the lanes of one call share */
struct qk_final {
	const struct qaccel_cmd_conv *cmd;
	uint32_t k;			/* values in a window */
	uint8_t flip;
	bool single;			/* one rounding */
	bool clamps_negative;		/* act_min is the zero point or more */
	enum qk_order order;
	__m256i low, high;		/* bounds of the results' bytes */
};

static inline struct qk_final qk_final_set(const struct qaccel_cmd_conv *cmd,
					   uint32_t k, uint8_t flip,
					   enum qk_order order)
{
	return (struct qk_final){
		.cmd = cmd,
		.k = k,
		.flip = flip,
		.single = qk_single_rounding(&cmd->hdr),
		.clamps_negative = cmd->act_min >= cmd->out.zero_point,
		.order = order,
		.low = _mm256_set1_epi8((char)cmd->act_min),
		.high = _mm256_set1_epi8((char)cmd->act_max),
	};
}

/* struct qk_records - channel records by member, 8 channels */
struct qk_records {
	__m256i bias, multiplier, shift, weight_sum;
};

/* Those of half h. Gathering costs several times as much as transposing. */
static inline struct qk_records
qk_records_load(const struct qaccel_channel *c, enum qk_order order, int h)
{
	static const uint8_t number[][8] = {
		[QK_ORDER_PLAIN] = { 0, 1, 2, 3, 4, 5, 6, 7 },
		[QK_ORDER_PAIRED] = { 0, 1, 4, 5, 2, 3, 6, 7 },
		[QK_ORDER_SPLIT] = { 0, 1, 2, 3, 8, 9, 10, 11 },
	};
	const uint8_t *n = number[order];
	__m256i v[4], even[2], odd[2];

	c += order == QK_ORDER_SPLIT ? 4 * h : 8 * h;
	for (int i = 0; i < 4; i++)
		v[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(
			_mm_loadu_si128((const __m128i *)(c + n[i]))),
			_mm_loadu_si128((const __m128i *)(c + n[4 + i])), 1);
	for (int i = 0; i < 2; i++) {
		even[i] = _mm256_unpacklo_epi32(v[2 * i], v[2 * i + 1]);
		odd[i] = _mm256_unpackhi_epi32(v[2 * i], v[2 * i + 1]);
	}
	return (struct qk_records){
		.bias = _mm256_unpacklo_epi64(even[0], even[1]),
		.multiplier = _mm256_unpackhi_epi64(even[0], even[1]),
		.shift = _mm256_unpacklo_epi64(odd[0], odd[1]),
		.weight_sum = _mm256_unpackhi_epi64(odd[0], odd[1]),
	};
}

/* 2^n for n in [-126, 127]. */
static inline __m256 qk_power(__m256i n)
{
	n = _mm256_add_epi32(n, _mm256_set1_epi32(127));
	return _mm256_castsi256_ps(_mm256_slli_epi32(n, 23));
}

/* m in [0, 2^31), shift in [-31, 30]. */
static inline void qk_lanes_init_float(struct qk_lanes *l, int h,
				       const struct qk_final *f, __m256i m,
				       __m256i shift)
{
	/* 2^-(n+1) in units of 2^-16, where n > 0. */
	__m256 d = _mm256_and_ps(
		qk_power(_mm256_add_epi32(shift, _mm256_set1_epi32(
			QK_FRACTION_BITS - 1))),
		_mm256_castsi256_ps(_mm256_srai_epi32(shift, 31)));
	__m256 c = _mm256_set1_ps(65536.0f *
				  ((float)f->cmd->out.zero_point + 0.5f) +
				  QK_GUARD);

	l->scale[h] = _mm256_mul_ps(_mm256_cvtepi32_ps(m),
		qk_power(_mm256_add_epi32(shift, _mm256_set1_epi32(
			QK_FRACTION_BITS - 31))));
	l->above[h] = _mm256_add_ps(c, d);
	l->below[h] = _mm256_sub_ps(c, d);
}

/* |accumulator| * 2^left below 2^30 leaves room for all that follows. */
static inline bool qk_lanes_bounded(const struct qk_final *f, __m256i init,
				    __m256i shift)
{
	uint64_t reach = (uint64_t)f->k * 255 *
			 (f->cmd->weight_zero_point ? 256 : 128);
	__m256i left = _mm256_max_epi32(shift, _mm256_setzero_si256());
	__m256i limit = _mm256_srlv_epi32(_mm256_set1_epi32(1 << 30), left);
	/* At most 2^31 + 2^30, unsigned. */
	__m256i bound = _mm256_add_epi32(_mm256_abs_epi32(init),
					 _mm256_set1_epi32((int32_t)reach));
	__m256i over = _mm256_cmpeq_epi32(_mm256_max_epu32(bound, limit),
					  bound);

	return reach < (1u << 30) && _mm256_testz_si256(over, over);
}

/* Constants of the 16 channels from c on. */
static inline void qk_lanes_init(struct qk_lanes *l, const struct qk_final *f,
				 const struct qaccel_channel *c)
{
	int32_t zw = f->cmd->weight_zero_point;
	bool fast = !f->single;

	for (int h = 0; h < 2; h++) {
		struct qk_records r = qk_records_load(c, f->order, h);
		__m256i m, shift, init;

		init = _mm256_sub_epi32(r.bias,
				_mm256_mullo_epi32(r.weight_sum,
						   _mm256_set1_epi32(f->flip)));
		init = _mm256_add_epi32(init, _mm256_set1_epi32(
				(int32_t)(f->flip * f->k * (uint32_t)zw)));
		/* As qk_channel_scale() has it. */
		m = _mm256_max_epi32(r.multiplier, _mm256_setzero_si256());
		shift = _mm256_max_epi32(r.shift, _mm256_set1_epi32(-31));
		shift = _mm256_min_epi32(shift, _mm256_set1_epi32(30));
		l->init[h] = init;
		l->exact[h] = qk_vscale_set(m, shift);
		qk_lanes_init_float(l, h, f, m, shift);
		fast = fast && qk_lanes_bounded(f, init, shift);
	}
	l->close = _mm256_set1_epi16(fast ? QK_CLOSE : -1);
}

/*
 * 8 values in units of 2^-16, zero point included. Of those beyond 32 bits the
 * conversion makes INT32_MIN, whose fraction of 0 is close to an integer. Wrong
 * where lanes->close says that all are close.
 */
static inline __m256i qk_scale_float(__m256i acc, const struct qk_lanes *l,
				     int h, bool clamps_negative)
{
	__m256 c = l->above[h];

	if (!clamps_negative)
		c = _mm256_blendv_ps(c, l->below[h], _mm256_castsi256_ps(acc));
	return _mm256_cvtps_epi32(_mm256_fmadd_ps(_mm256_cvtepi32_ps(acc),
						  l->scale[h], c));
}

/*
 * The integer parts of two halves, word by word in turn; least becomes the
 * smallest fraction at each place.
 */
static inline __m256i qk_take_integers(__m256i u0, __m256i u1, __m256i *least)
{
	const __m256i swap = _mm256_setr_epi8(
		2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13,
		2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
	__m256i swapped = _mm256_shuffle_epi8(u0, swap);

	*least = _mm256_min_epu16(*least,
				  _mm256_blend_epi16(u1, swapped, 0xaa));
	return _mm256_blend_epi16(swapped, u1, 0xaa);
}

/*
 * Two pixels from words of both halves in turn, clamped: 8 bytes of each in
 * both halves, those of the first half's lanes first.
 */
static inline __m256i qk_pack_words(const struct qk_final *f, __m256i p,
				    __m256i q)
{
	const __m256i order = _mm256_setr_epi8(
		0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15,
		0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15);
	__m256i v;

	if (f->cmd->out.dtype == QACCEL_DTYPE_U8) {
		v = _mm256_packus_epi16(p, q);
		v = _mm256_min_epu8(_mm256_max_epu8(v, f->low), f->high);
	} else {
		v = _mm256_packs_epi16(p, q);
		v = _mm256_min_epi8(_mm256_max_epi8(v, f->low), f->high);
	}
	return _mm256_shuffle_epi8(v, order);
}

/* Two pixels' bytes in order. */
static inline void qk_order_bytes(__m256i v, enum qk_order order,
				  __m128i pixel[2])
{
	__m128i lo = _mm256_castsi256_si128(v);
	__m128i hi = _mm256_extracti128_si256(v, 1);

	if (order == QK_ORDER_SPLIT) {
		pixel[0] = _mm_unpacklo_epi64(lo, hi);
		pixel[1] = _mm_unpackhi_epi64(lo, hi);
	} else if (order == QK_ORDER_PAIRED) {
		pixel[0] = _mm_unpacklo_epi16(lo, hi);
		pixel[1] = _mm_unpackhi_epi16(lo, hi);
	} else {
		pixel[0] = _mm_unpacklo_epi32(lo, hi);
		pixel[1] = _mm_unpackhi_epi32(lo, hi);
	}
}

/* Both take vectors as arguments, as arrays would go through memory. */
static __attribute__((noinline)) __m256i
qk_finish_exact(const struct qk_final *f, const struct qk_lanes *l, __m256i p0,
		__m256i p1, __m256i q0, __m256i q1)
{
	struct qk_vfinish fin = qk_vfinish_set1(f->cmd->out.zero_point,
						f->cmd->act_min,
						f->cmd->act_max);
	__m256i v[4] = { p0, p1, q0, q1 }, words[2];

	for (int i = 0; i < 4; i++)
		v[i] = qk_vfinish(qk_vscale(v[i], &l->exact[i % 2],
					    f->single), &fin);
	for (int i = 0; i < 2; i++)
		words[i] = _mm256_blend_epi16(v[2 * i],
				_mm256_slli_epi32(v[2 * i + 1], 16), 0xaa);
	return qk_pack_words(f, words[0], words[1]);
}

/*
 * 16 channels of two pixels, p and q, in two halves each. order and
 * clamps_negative are those of f, constant where this is inlined.
 */
static inline __attribute__((always_inline)) void
qk_finish_pixels(const struct qk_final *f, const struct qk_lanes *l, __m256i p0,
		 __m256i p1, __m256i q0, __m256i q1, enum qk_order order,
		 bool clamps_negative, __m128i pixel[2])
{
	__m256i least = _mm256_set1_epi16(-1), p, q, close, v;

	p = qk_take_integers(qk_scale_float(p0, l, 0, clamps_negative),
			     qk_scale_float(p1, l, 1, clamps_negative), &least);
	q = qk_take_integers(qk_scale_float(q0, l, 0, clamps_negative),
			     qk_scale_float(q1, l, 1, clamps_negative), &least);
	close = _mm256_cmpeq_epi16(_mm256_min_epu16(least, l->close), least);
	if (__builtin_expect(!_mm256_testz_si256(close, close), 0))
		v = qk_finish_exact(f, l, p0, p1, q0, q1);
	else
		v = qk_pack_words(f, p, q);
	qk_order_bytes(v, order, pixel);
}

#endif /* QK_SCALE_AVX2_H */
