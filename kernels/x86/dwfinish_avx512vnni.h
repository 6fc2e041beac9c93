/* SPDX-License-Identifier: MIT */
/*
 * From the accumulators of four quads to a vector of DWCONV2D's results, for
 * AVX512-VNNI
 */
#ifndef QK_DWFINISH_AVX512VNNI_H
#define QK_DWFINISH_AVX512VNNI_H

#include "dwquads_avx512vnni.h"

/* Vectors of bytes from words: the first and last two quads of each. */
static inline __attribute__((always_inline)) void
qk_dw_clamp(const struct qk_dwjob *job, const __m512i words[][2], __m512i v[],
	    const uint32_t count)
{
	if (job->cmd->out.dtype == QACCEL_DTYPE_U8) {
#pragma GCC unroll 4
		for (uint32_t i = 0; i < count; i++) {
			v[i] = _mm512_packus_epi16(words[i][0], words[i][1]);
			v[i] = _mm512_max_epu8(v[i], job->low);
			v[i] = _mm512_min_epu8(v[i], job->high);
		}
	} else {
#pragma GCC unroll 4
		for (uint32_t i = 0; i < count; i++) {
			v[i] = _mm512_packs_epi16(words[i][0], words[i][1]);
			v[i] = _mm512_max_epi8(v[i], job->low);
			v[i] = _mm512_min_epi8(v[i], job->high);
		}
	}
}

/* The first bytes of a vector. Masked stores are slow. */
static inline void qk_dw_store_part(__m512i v, uint32_t count, uint8_t *out)
{
	if (count == 32)
		_mm256_storeu_si256((__m256i *)(void *)out,
				    _mm512_castsi512_si256(v));
	else if (count == 16)
		_mm_storeu_si128((__m128i *)(void *)out,
				 _mm512_castsi512_si128(v));
	else
		_mm512_mask_storeu_epi8(out, qk_low_bits(count), v);
}

/*
 * Values of even and odd channels in units of 2^-16: the integer parts, channel
 * by channel; least becomes the smallest fraction at each place, in the low words.
 */
static inline __m512i qk_dw_integers(__m512i even, __m512i odd, __m512i *least)
{
	*least = _mm512_min_epu16(*least, _mm512_min_epu16(even, odd));
	return qk_dw_merge_swapped(odd, QK_DW_LOW, even);
}

/* Which of the fractions are too close to an integer. */
static inline __mmask32 qk_dw_close(__m512i least)
{
	const __mmask32 low = 0x55555555;

	return _mm512_mask_cmplt_epu16_mask(low, least,
					    _mm512_set1_epi16(2 * QK_GUARD));
}

/* Integers of even and odd channels, as words. */
static inline __m512i qk_dw_words(__m512i even, __m512i odd)
{
	return qk_dw_merge_swapped(even, QK_DW_HIGH, odd);
}

#endif /* QK_DWFINISH_AVX512VNNI_H */
