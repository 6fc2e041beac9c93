/* SPDX-License-Identifier: MIT */
/*
 * DWCONV2D for AVX2: pairs of rows, widened to 16 bits and multiplied by
 * vpmaddwd. The sums are exact: |x| <= 255 and |w - Zw| <= 255. DW_TAPS comes
 * from the file that includes this one.
 */
#ifndef QK_DWPAIRS_AVX2_H
#define QK_DWPAIRS_AVX2_H

#include "avx2.h"
#include "scale_avx2.h"

#define DW_PARTS	((DW_TAPS + 1) / 2)
#define DW_ROWS		2u

static inline __m256i dw_dot(__m256i acc, __m256i x, __m256i w)
{
	acc = _mm256_add_epi32(acc, _mm256_madd_epi16(x, w));
	QK_PIN(acc);
	return acc;
}

static inline __attribute__((always_inline)) void
interleave_pairs(const uint8_t *const row[2], const size_t step[2],
		 uint32_t columns, uint8_t *to, bool is_signed)
{
	const uint8_t *a = row[0], *b = row[1];
	size_t step_a = step[0], step_b = step[1];

	for (; columns; columns--, a += step_a, b += step_b, to += 64) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)a);
		__m128i y = _mm_loadu_si128((const __m128i *)(const void *)b);
		__m128i lo = _mm_unpacklo_epi8(x, y);
		__m128i hi = _mm_unpackhi_epi8(x, y);
		__m256i *v = (__m256i *)(void *)to;

		_mm256_store_si256(v, is_signed ? _mm256_cvtepi8_epi16(lo) :
						  _mm256_cvtepu8_epi16(lo));
		_mm256_store_si256(v + 1, is_signed ?
				   _mm256_cvtepi8_epi16(hi) :
				   _mm256_cvtepu8_epi16(hi));
	}
}

static void dw_interleave(const struct qk_final *f,
			  const uint8_t *const row[DW_ROWS],
			  const size_t step[DW_ROWS], uint32_t columns,
			  uint8_t *to)
{
	if (f->cmd->in.dtype == QACCEL_DTYPE_S8)
		interleave_pairs(row, step, columns, to, true);
	else
		interleave_pairs(row, step, columns, to, false);
}

/* 16 channels of the filter's tap; of rows that it has not, 0. */
static __m256i tap_weights(const struct qaccel_cmd_conv *cmd, const int8_t *w,
			   uint32_t row, uint32_t tap)
{
	const __m256i zw = _mm256_set1_epi16((int16_t)cmd->weight_zero_point);

	if (row >= DW_TAPS)
		return _mm256_setzero_si256();
	return _mm256_sub_epi16(_mm256_cvtepi8_epi16(_mm_loadu_si128(
		(const __m128i *)(w + (size_t)(DW_TAPS * row + tap) * QK_BLOCK))),
		zw);
}

static void dw_weights(const struct qaccel_cmd_conv *cmd, const int8_t *w,
		       __m256i to[DW_PARTS][DW_TAPS][2][2])
{
	for (uint32_t p = 0; p < DW_PARTS; p++)
		for (uint32_t tap = 0; tap < DW_TAPS; tap++)
			for (uint32_t y = 0; y < 2; y++) {
				/* Before the first row wraps around: no row. */
				__m256i a = tap_weights(cmd, w, 2 * p - y, tap);
				__m256i b = tap_weights(cmd, w, 2 * p + 1 - y,
							tap);
				__m256i lo = _mm256_unpacklo_epi16(a, b);
				__m256i hi = _mm256_unpackhi_epi16(a, b);

				to[p][tap][0][y] = _mm256_permute2x128_si256(
					lo, hi, 0x20);
				to[p][tap][1][y] = _mm256_permute2x128_si256(
					lo, hi, 0x31);
			}
}

static void dw_pad(const struct qk_final *f, uint8_t *to, uint32_t columns)
{
	const __m256i v = _mm256_set1_epi16((int16_t)f->cmd->in.zero_point);

	for (uint32_t i = 0; i < 2 * columns; i++)
		_mm256_store_si256((__m256i *)(void *)to + i, v);
}

#include "dwloop_avx2.h"

/* 0 where these loops do not apply. */
static size_t dw_pairs_scratch(const struct qaccel_cmd_conv *cmd)
{
	struct dw_job job;

	return dw_init(&job, cmd) ? dw_scratch(&job) : 0;
}

static QK_DECL_CONV(dw_pairs)
{
	struct dw_job job = {
		.weights = weights,
		.channels = channels,
		.final = qk_final_set(cmd, DW_TAPS * DW_TAPS, 0,
				      QK_ORDER_PLAIN),
		.copy = scratch,
	};

	dw_init(&job, cmd);
	dw_run(&job, in, out, tile);
}

#endif /* QK_DWPAIRS_AVX2_H */
