/* SPDX-License-Identifier: MIT */
/* Strips whose elements are the input's values, widened to 16 bits. */
#ifndef QK_WORDS_AVX2_H
#define QK_WORDS_AVX2_H

#include <immintrin.h>

#include "strip.h"

/* Elements past the strip's end that may be read, though not used. */
#define QK_WORDS_SLACK		32u

static void qk_words_copy(const struct qk_strip *s, void *to,
			  const uint8_t *from, size_t count)
{
	/* Moved to unsigned, widened and moved back: one code for both types. */
	const __m128i flip = _mm_set1_epi8((char)s->flip);
	const __m256i back = _mm256_set1_epi16(s->flip);
	int16_t *dst = to;
	size_t i = 0;

	for (; i + 16 <= count; i += 16) {
		__m128i x = _mm_xor_si128(flip, _mm_loadu_si128(
			(const __m128i *)(from + i)));

		_mm256_storeu_si256((__m256i *)(dst + i), _mm256_sub_epi16(
			_mm256_cvtepu8_epi16(x), back));
	}
	for (; i < count; i++)
		dst[i] = (int16_t)((from[i] ^ s->flip) - s->flip);
}

static void qk_words_set(const struct qk_strip *s, void *to, int32_t value,
			 size_t count)
{
	int16_t *dst = to;

	(void)s;
	for (size_t i = 0; i < count; i++)
		dst[i] = (int16_t)value;
}

static const struct qk_strip_element qk_words = {
	.size = sizeof(int16_t),
	.copy = qk_words_copy,
	.set = qk_words_set,
};

#endif /* QK_WORDS_AVX2_H */
