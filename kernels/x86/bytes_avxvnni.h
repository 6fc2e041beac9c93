/* SPDX-License-Identifier: MIT */
/*
 * Strips of CONV2D whose elements are bytes, moved to unsigned: x' = x + 128 for
 * S8.
 */
#ifndef QK_BYTES_AVXVNNI_H
#define QK_BYTES_AVXVNNI_H

#include <immintrin.h>

#include "../strip.h"

/* Bytes past the strip's end that may be read, though not used. */
#define QK_BYTES_SLACK		64u

static void qk_bytes_copy(const struct qk_strip *s, void *to,
			  const uint8_t *from, size_t count)
{
	const __m256i flip = _mm256_set1_epi8((char)s->flip);
	uint8_t *dst = to;
	size_t i = 0;

	for (; i + 32 <= count; i += 32) {
		__m256i x = _mm256_loadu_si256(
			(const __m256i *)(const void *)(from + i));

		_mm256_storeu_si256((__m256i *)(void *)(dst + i),
				    _mm256_xor_si256(x, flip));
	}
	for (; i < count; i++)
		dst[i] = from[i] ^ s->flip;
}

static void qk_bytes_set(const struct qk_strip *s, void *to, int32_t value,
			 size_t count)
{
	memset(to, value + s->flip, count);
}

static const struct qk_strip_element qk_bytes = {
	.size = 1,
	.copy = qk_bytes_copy,
	.set = qk_bytes_set,
};

#endif /* QK_BYTES_AVXVNNI_H */
