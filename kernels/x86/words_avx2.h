/* SPDX-License-Identifier: MIT */
/* Strips whose elements are the input's values, widened to 16 bits. */
#ifndef QK_WORDS_AVX2_H
#define QK_WORDS_AVX2_H

#include <immintrin.h>

#include "../strip.h"

/* Elements past the strip's end that may be read, though not used. */
#define QK_WORDS_SLACK		32u

static inline __m256i qk_widen(const uint8_t *p, bool is_signed)
{
	__m128i x = _mm_loadu_si128((const __m128i *)p);

	return is_signed ? _mm256_cvtepi8_epi16(x) : _mm256_cvtepu8_epi16(x);
}

/* The last vector overlaps the one before, so nothing past from is read. */
static inline __attribute__((always_inline)) void
qk_words_widen(int16_t *to, const uint8_t *from, size_t count, bool is_signed)
{
	size_t i = 0;

	for (; i + 16 <= count; i += 16)
		_mm256_storeu_si256((__m256i *)(void *)(to + i),
				    qk_widen(from + i, is_signed));
	if (i == count)
		return;
	if (i) {
		_mm256_storeu_si256((__m256i *)(void *)(to + count - 16),
				    qk_widen(from + count - 16, is_signed));
		return;
	}
	for (; i < count; i++)
		to[i] = is_signed ? (int8_t)from[i] : from[i];
}

static void qk_words_copy(const struct qk_strip *s, void *to,
			  const uint8_t *from, size_t count)
{
	int16_t *dst = to;

	if (s->repeat > 1) {
		for (size_t i = 0; i < count; i++)
			for (uint32_t j = 0; j < s->repeat; j++)
				*dst++ = (int16_t)((from[i] ^ s->flip) -
						   s->flip);
	} else if (s->flip) {
		qk_words_widen(to, from, count, true);
	} else {
		qk_words_widen(to, from, count, false);
	}
}

static void qk_words_set(const struct qk_strip *s, void *to, int32_t value,
			 size_t count)
{
	const __m256i v = _mm256_set1_epi16((int16_t)value);
	int16_t *dst = to;
	size_t i = 0;

	(void)s;
	for (; i + 16 <= count; i += 16)
		_mm256_storeu_si256((__m256i *)(void *)(dst + i), v);
	for (; i < count; i++)
		dst[i] = (int16_t)value;
}

static const struct qk_strip_element qk_words = {
	.size = sizeof(int16_t),
	.copy = qk_words_copy,
	.set = qk_words_set,
};

#endif /* QK_WORDS_AVX2_H */
