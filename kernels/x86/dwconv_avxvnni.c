// SPDX-License-Identifier: MIT
/*
 * DWCONV2D for AVX-VNNI
 *
 * Filters 3 by 3 whose weights have no zero point: four rows of bytes, moved to
 * unsigned and multiplied by vpdpbusd. Rows of results are in pairs; where they
 * are two rows apart, AVX2's words, of which rows are kept for the next results,
 * take no longer. All other filters go that way, too.
 */
#include "avx2.h"
#include "avxvnni.h"
#include "scale_avx2.h"

#define DW_TAPS		3u
#define DW_PARTS	1u
#define DW_ROWS		4u

static inline __m256i dw_dot(__m256i acc, __m256i x, __m256i w)
{
	acc = qk_dpbusd(acc, x, w);
	QK_PIN(acc);
	return acc;
}

/* Four rows of 16 channels, two columns at a time, to quads of 4 channels. */
static inline void interleave_quads(const __m256i x[4], __m256i quad[4])
{
	__m256i ab_lo = _mm256_unpacklo_epi8(x[0], x[1]);
	__m256i ab_hi = _mm256_unpackhi_epi8(x[0], x[1]);
	__m256i cd_lo = _mm256_unpacklo_epi8(x[2], x[3]);
	__m256i cd_hi = _mm256_unpackhi_epi8(x[2], x[3]);

	quad[0] = _mm256_unpacklo_epi16(ab_lo, cd_lo);
	quad[1] = _mm256_unpackhi_epi16(ab_lo, cd_lo);
	quad[2] = _mm256_unpacklo_epi16(ab_hi, cd_hi);
	quad[3] = _mm256_unpackhi_epi16(ab_hi, cd_hi);
}

static inline __m256i load_two(const uint8_t *p, const uint8_t *q)
{
	return _mm256_inserti128_si256(_mm256_castsi128_si256(
		_mm_loadu_si128((const __m128i *)(const void *)p)),
		_mm_loadu_si128((const __m128i *)(const void *)q), 1);
}

/* columns is one or two; the array must become registers. */
static inline __attribute__((always_inline)) void
interleave_columns(const uint8_t *const p[4], const size_t step[4],
		   const uint32_t columns, __m256i flip, uint8_t *to)
{
	__m128i *v = (__m128i *)(void *)to;
	__m256i x[4], quad[4];

#pragma GCC unroll 4
	for (uint32_t j = 0; j < 4; j++)
		x[j] = _mm256_xor_si256(load_two(p[j], p[j] +
					(columns - 1) * step[j]), flip);
	interleave_quads(x, quad);
#pragma GCC unroll 4
	for (uint32_t j = 0; j < 4; j++) {
		_mm_store_si128(v + j, _mm256_castsi256_si128(quad[j]));
		if (columns > 1)
			_mm_store_si128(v + 4 + j,
					_mm256_extracti128_si256(quad[j], 1));
	}
}

static void dw_interleave(const struct qk_final *f,
			  const uint8_t *const row[DW_ROWS],
			  const size_t step[DW_ROWS], uint32_t columns,
			  uint8_t *to)
{
	const __m256i flip = _mm256_set1_epi8((char)f->flip);
	const uint8_t *p[4] = { row[0], row[1], row[2], row[3] };

	for (; columns > 1; columns -= 2, to += 128) {
		interleave_columns(p, step, 2, flip, to);
#pragma GCC unroll 4
		for (uint32_t j = 0; j < 4; j++)
			p[j] += 2 * step[j];
	}
	if (columns)
		interleave_columns(p, step, 1, flip, to);
}

/* 16 channels of the filter's tap; of rows that it has not, 0. */
static __m256i tap_weights(const int8_t *w, uint32_t row, uint32_t tap)
{
	const uint8_t *p = (const uint8_t *)w;

	if (row >= DW_TAPS)
		return _mm256_setzero_si256();
	p += (size_t)(DW_TAPS * row + tap) * QK_BLOCK;
	return load_two(p, p);
}

static void dw_weights(const struct qaccel_cmd_conv *cmd, const int8_t *w,
		       __m256i to[DW_PARTS][DW_TAPS][2][2])
{
	__m256i x[4], quad[4];

	(void)cmd;
	for (uint32_t tap = 0; tap < DW_TAPS; tap++)
		for (uint32_t y = 0; y < 2; y++) {
			/* Before the first row wraps around: no row. */
			for (uint32_t j = 0; j < 4; j++)
				x[j] = tap_weights(w, j - y, tap);
			interleave_quads(x, quad);
			for (uint32_t h = 0; h < 2; h++)
				to[0][tap][h][y] = _mm256_permute2x128_si256(
					quad[2 * h], quad[2 * h + 1], 0x20);
		}
}

static void dw_pad(const struct qk_final *f, uint8_t *to, uint32_t columns)
{
	memset(to, f->cmd->in.zero_point + f->flip, 64 * (size_t)columns);
}

#include "dwloop_avx2.h"

static bool applies(struct dw_job *job, const struct qaccel_cmd_conv *cmd)
{
	return !cmd->weight_zero_point && cmd->stride_h == 1 &&
	       dw_init(job, cmd);
}

size_t qk_dwconv2d_scratch_avxvnni(const struct qaccel_cmd_conv *cmd)
{
	struct dw_job job;

	return applies(&job, cmd) ? dw_scratch(&job) :
				    qk_dwconv2d_scratch_avx2(cmd);
}

QK_DECL_CONV(qk_dwconv2d_avxvnni)
{
	uint8_t flip = cmd->in.dtype == QACCEL_DTYPE_S8 ? 0x80 : 0;
	struct dw_job job = {
		.weights = weights,
		.channels = channels,
		.final = qk_final_set(cmd, DW_TAPS * DW_TAPS, flip,
				      QK_ORDER_PLAIN),
		.copy = scratch,
	};

	if (applies(&job, cmd))
		dw_run(&job, in, out, tile);
	else
		qk_dwconv2d_avx2(cmd, in, weights, channels, out, tile,
				 scratch);
}
