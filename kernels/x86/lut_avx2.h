/* SPDX-License-Identifier: MIT */
/* Tables of 256 bytes, 32 elements at a time. */
#ifndef QK_LUT_AVX2_H
#define QK_LUT_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * struct qk_lut - the table in rows of 16, in both halves of a vector
 *
 * vpshufb looks up the low four bits where the top bit is clear, and gives 0
 * where it is set. As 16 is taken off again and again, each index below 128
 * meets the rows 0 to its own; so a row holds its difference (exclusive or) to
 * the row before, and the results of all are put together. Indices from 128 on
 * saturate at the top and never count; they have 8 rows of their own.
 */
struct qk_lut {
	__m256i row[16];
};

static inline struct qk_lut qk_lut_load(const uint8_t table[256])
{
	struct qk_lut lut;

	for (int i = 0; i < 16; i++)
		lut.row[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128(
			(const __m128i *)(const void *)(table + 16 * i)));
	for (int i = 7; i > 0; i--) {
		lut.row[i] = _mm256_xor_si256(lut.row[i], lut.row[i - 1]);
		lut.row[8 + i] = _mm256_xor_si256(lut.row[8 + i],
						  lut.row[7 + i]);
	}
	return lut;
}

static inline __m256i qk_lut_apply(const struct qk_lut *lut, __m256i x)
{
	const __m256i step = _mm256_set1_epi8(16);
	__m256i high = _mm256_xor_si256(x, _mm256_set1_epi8((char)0x80));
	__m256i lo = _mm256_shuffle_epi8(lut->row[0], x);
	__m256i hi = _mm256_shuffle_epi8(lut->row[8], high);

#pragma GCC unroll 7
	for (int i = 1; i < 8; i++) {
		x = _mm256_subs_epi8(x, step);
		high = _mm256_subs_epi8(high, step);
		lo = _mm256_xor_si256(lo, _mm256_shuffle_epi8(lut->row[i], x));
		hi = _mm256_xor_si256(hi, _mm256_shuffle_epi8(lut->row[8 + i],
							      high));
	}
	return _mm256_xor_si256(lo, hi);
}

/* out may be in. */
static inline void qk_lut_run(const uint8_t table[256], const uint8_t *in,
			      uint8_t *out, size_t count)
{
	const struct qk_lut lut = qk_lut_load(table);

	for (; count >= 32; count -= 32, in += 32, out += 32)
		_mm256_storeu_si256((__m256i *)(void *)out,
				    qk_lut_apply(&lut, _mm256_loadu_si256(
					(const __m256i *)(const void *)in)));
	for (; count; count--)
		*out++ = table[*in++];
}

#endif /* QK_LUT_AVX2_H */
