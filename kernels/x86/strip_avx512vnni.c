// SPDX-License-Identifier: MIT
#include <immintrin.h>

#include "strip_avx512vnni.h"

void qk_copy_flipped(uint8_t *to, const uint8_t *from, size_t count,
		     uint8_t flip)
{
	__m512i mask = _mm512_set1_epi8((char)flip);
	size_t i = 0;

	for (; i + 64 <= count; i += 64) {
		__m512i x = _mm512_loadu_si512(from + i);

		_mm512_storeu_si512(to + i, _mm512_xor_si512(x, mask));
	}
	if (i < count) {
		__mmask64 rest = ~UINT64_C(0) >> (64 - (count - i));
		__m512i x = _mm512_maskz_loadu_epi8(rest, from + i);

		_mm512_mask_storeu_epi8(to + i, rest,
					_mm512_xor_si512(x, mask));
	}
}

static void copy(const struct qk_strip *s, void *to, const uint8_t *from,
		 size_t count)
{
	qk_copy_flipped(to, from, count, s->flip);
}

static void set(const struct qk_strip *s, void *to, int32_t value, size_t count)
{
	memset(to, value + s->flip, count);
}

static const struct qk_strip_element element = {
	.size = 1,
	.copy = copy,
	.set = set,
};

void qk_strip_fill(const struct qaccel_cmd_conv *cmd,
		   const struct qk_strip *s, const uint8_t *image, uint32_t oy,
		   uint32_t ox, uint32_t rows, uint8_t *to)
{
	qk_strip_fill_with(&element, cmd, s, image, oy, ox, rows, to);
}
