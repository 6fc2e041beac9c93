// SPDX-License-Identifier: MIT
/*
 * SOFTMAX
 *
 * The steps are ref's, on 8 lanes. Differences to a row's greatest value are
 * 0 to 255 with their sign turned, so the exponentials of a call are computed
 * once, in a table.
 */
#include "avx2.h"
#include "requant_avx2.h"
#include "../ref/ref.h"

/* Lanes' sums of so many exponentials, 2^19 at most each, stay below 2^32. */
#define MAX_CHANNELS	(8u * 8191u)

/*
 * qk_srdhm(): floor((a b + 2^30) / 2^31). Nothing here is INT32_MIN twice.
 */
static inline __m256i multiply(__m256i a, __m256i b)
{
	const __m256i nudge = _mm256_set1_epi64x(1 << 30);
	__m256i even = _mm256_mul_epi32(a, b);
	__m256i odd = _mm256_mul_epi32(_mm256_srli_epi64(a, 32),
				       _mm256_srli_epi64(b, 32));

	even = _mm256_srli_epi64(_mm256_add_epi64(even, nudge), 31);
	odd = _mm256_slli_epi64(_mm256_add_epi64(odd, nudge), 1);
	return _mm256_blend_epi32(even, odd, 0xaa);
}

/* qk_rounding_shift_right() */
static inline __m256i shift_right(__m256i x, int n)
{
	const __m128i count = _mm_cvtsi32_si128(n);
	const __m256i mask = _mm256_set1_epi32((int32_t)((1u << n) - 1));
	__m256i rest = _mm256_and_si256(x, mask);
	__m256i threshold = _mm256_sub_epi32(_mm256_srli_epi32(mask, 1),
					     _mm256_srai_epi32(x, 31));

	return _mm256_sub_epi32(_mm256_sra_epi32(x, count),
				_mm256_cmpgt_epi32(rest, threshold));
}

/* exp(a) for a in [-1/4, 0), Q0.31. */
static __m256i exp_quarter(__m256i a)
{
	const __m256i exp_minus_eighth = _mm256_set1_epi32(1895147668);
	const __m256i third = _mm256_set1_epi32(715827883);
	__m256i x = _mm256_add_epi32(a, _mm256_set1_epi32(1 << 28));
	__m256i x2 = multiply(x, x);
	__m256i x3 = multiply(x2, x);
	__m256i x4_over_4 = shift_right(multiply(x2, x2), 2);
	__m256i tail = multiply(_mm256_add_epi32(x4_over_4, x3), third);

	tail = shift_right(_mm256_add_epi32(tail, x2), 1);
	return _mm256_add_epi32(exp_minus_eighth, multiply(exp_minus_eighth,
						_mm256_add_epi32(x, tail)));
}

/* exp(a) in Q0.31 for a <= 0 in Q5.26. */
static __m256i exp_negative(__m256i a)
{
	static const int32_t factors[] = {
		1672461947, 1302514674, 790015084, 290630308, 39332535,
		720401, 242,
	};
	const __m256i quarter = _mm256_set1_epi32(1 << 24);
	const __m256i zero = _mm256_setzero_si256();
	__m256i part = _mm256_sub_epi32(_mm256_and_si256(a,
				_mm256_set1_epi32((1 << 24) - 1)), quarter);
	__m256i rest = _mm256_sub_epi32(part, a);
	__m256i result = exp_quarter(_mm256_slli_epi32(part, 5));

	for (int i = 0; i < 7; i++) {
		/* The bit for this factor, moved to the sign. */
		__m256 set = _mm256_castsi256_ps(_mm256_sll_epi32(rest,
						_mm_cvtsi32_si128(7 - i)));
		__m256i product = multiply(result,
					   _mm256_set1_epi32(factors[i]));

		result = _mm256_castps_si256(_mm256_blendv_ps(
			_mm256_castsi256_ps(result),
			_mm256_castsi256_ps(product), set));
	}
	return _mm256_blendv_epi8(result, _mm256_set1_epi32(INT32_MAX),
				  _mm256_cmpeq_epi32(a, zero));
}

/* e[d] = exp of -d, or 0 where that is below the least difference. */
static void make_exps(const struct qaccel_cmd_softmax *cmd, int32_t e[256])
{
	const struct qk_vscale scale = qk_vscale_set1(cmd->multiplier,
						      cmd->left_shift);
	const __m256i least = _mm256_set1_epi32(cmd->diff_min);
	const int single = qk_single_rounding(&cmd->hdr);
	__m256i d = _mm256_setr_epi32(0, -1, -2, -3, -4, -5, -6, -7);

	for (int i = 0; i < 256; i += 8) {
		__m256i v = exp_negative(qk_vscale(d, &scale, single));

		v = _mm256_andnot_si256(_mm256_cmpgt_epi32(least, d), v);
		_mm256_storeu_si256((__m256i *)(void *)(e + i), v);
		d = _mm256_sub_epi32(d, _mm256_set1_epi32(8));
	}
}

/* x * 4, saturated. */
static int32_t times_4(int32_t x)
{
	return x > INT32_MAX / 4 ? INT32_MAX : x < INT32_MIN / 4 ? INT32_MIN :
	       x * 4;
}

/* 1 / (1 + a) for a in [0, 1), Q0.31. */
static int32_t reciprocal(int32_t a)
{
	int32_t d = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
	int32_t x = 1515870810 + qk_srdhm(d, -1010580540);

	for (int i = 0; i < 3; i++)
		x += times_4(qk_srdhm(x, (1 << 29) - qk_srdhm(d, x)));
	return x > INT32_MAX / 2 ? INT32_MAX : x * 2;
}

/* The greatest of n bytes that have been moved to unsigned order by flip. */
static uint8_t maximum(const uint8_t *x, uint32_t n, uint8_t flip)
{
	const __m128i mask = _mm_set1_epi8((char)flip);
	uint8_t lanes[16], max = 0;
	__m128i v = _mm_setzero_si128();
	uint32_t i = 0;

	for (; i + 16 <= n; i += 16)
		v = _mm_max_epu8(v, _mm_xor_si128(mask, _mm_loadu_si128(
			(const __m128i *)(const void *)(x + i))));
	_mm_storeu_si128((__m128i *)(void *)lanes, v);
	for (uint32_t j = 0; j < 16; j++)
		max = lanes[j] > max ? lanes[j] : max;
	for (; i < n; i++)
		max = (x[i] ^ flip) > max ? x[i] ^ flip : max;
	return max;
}

/* Exponentials of 8 values. */
static inline __m256i exps(const int32_t e[256], __m128i x, uint8_t flip,
			   uint8_t max)
{
	__m128i d = _mm_sub_epi8(_mm_set1_epi8((char)max),
				 _mm_xor_si128(x, _mm_set1_epi8((char)flip)));

	return _mm256_i32gather_epi32(e, _mm256_cvtepu8_epi32(d), 4);
}

static inline __m128i load8(const uint8_t *p, uint32_t n)
{
	uint8_t bytes[16] = { 0 };

	if (n >= 8)
		return _mm_loadl_epi64((const __m128i *)(const void *)p);
	memcpy(bytes, p, n);
	return _mm_loadl_epi64((const __m128i *)(const void *)bytes);
}

/* Q12.19, saturated as ref does. */
static uint32_t sum_of_exps(const int32_t e[256], const uint8_t *x, uint32_t n,
			    uint8_t flip, uint8_t max)
{
	const __m256i half = _mm256_set1_epi32(1 << 11);
	__m256i v = _mm256_setzero_si256();
	uint32_t lanes[8], i = 0;
	uint64_t sum = 0;

	/* Exponentials are not negative: half up, unsigned. */
	for (; i + 8 <= n; i += 8)
		v = _mm256_add_epi32(v, _mm256_srli_epi32(_mm256_add_epi32(
			exps(e, load8(x + i, 8), flip, max), half), 12));
	_mm256_storeu_si256((__m256i *)(void *)lanes, v);
	for (uint32_t j = 0; j < 8; j++)
		sum += lanes[j];
	for (; i < n; i++)
		sum += ((uint32_t)e[max - (x[i] ^ flip)] + (1u << 11)) >> 12;
	return sum > UINT32_MAX ? UINT32_MAX : sum ? (uint32_t)sum : 1;
}

/* struct row - what the elements of a row share */
struct row {
	__m256i scale, half;
	__m128i right;
	uint8_t flip, max;
};

static struct row row_set(const int32_t e[256], const uint8_t *x, uint32_t n,
			  uint8_t flip)
{
	struct row r = { .flip = flip, .max = maximum(x, n, flip) };
	uint32_t sum = sum_of_exps(e, x, n, flip, r.max);
	int zeros = __builtin_clz(sum);
	int right = 12 - zeros + 31 - 8;	/* 4 to 35 */
	int32_t scale = reciprocal((int32_t)((sum << zeros) -
					     UINT32_C(0x80000000)));

	/* Products are below 2^31: a shift by more than 31 gives 0. */
	r.scale = _mm256_set1_epi32(right > 31 ? 0 : scale);
	right = right > 31 ? 31 : right;
	r.half = _mm256_set1_epi32(1 << (right - 1));
	r.right = _mm_cvtsi32_si128(right);
	return r;
}

static void softmax(const int32_t e[256], const uint8_t *x, uint8_t *out,
		    uint32_t n, uint8_t flip, uint8_t lowest)
{
	const struct row r = row_set(e, x, n, flip);
	const __m256i most = _mm256_set1_epi32(255);

	for (uint32_t i = 0; i < n; i += 8) {
		__m256i p = multiply(r.scale, exps(e, load8(x + i, n - i),
						   r.flip, r.max));
		uint8_t bytes[16];

		/* Not negative: half up, unsigned. */
		p = _mm256_srl_epi32(_mm256_add_epi32(p, r.half), r.right);
		p = _mm256_min_epu32(p, most);
		_mm_storeu_si128((__m128i *)(void *)bytes, _mm_xor_si128(
			qk_vpack16(p, p), _mm_set1_epi8((char)lowest)));
		memcpy(out + i, bytes, n - i < 8 ? n - i : 8);
	}
}

QK_DECL_SOFTMAX(qk_softmax_avx2)
{
	uint8_t flip = cmd->in.dtype == QACCEL_DTYPE_S8 ? 0x80 : 0;
	uint8_t lowest = cmd->out.dtype == QACCEL_DTYPE_S8 ? 0x80 : 0;
	size_t at = (size_t)tile->y0 * cmd->in.w * cmd->in.c;
	size_t end = (size_t)tile->y1 * cmd->in.w * cmd->in.c;
	int32_t e[256];

	if (cmd->in.c > MAX_CHANNELS) {
		qk_softmax_ref(cmd, in, out, tile, scratch);
		return;
	}
	make_exps(cmd, e);
	for (; at < end; at += cmd->in.c)
		softmax(e, (const uint8_t *)in + at, (uint8_t *)out + at,
			cmd->in.c, flip, lowest);
}
