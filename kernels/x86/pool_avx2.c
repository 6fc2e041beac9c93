/* SPDX-License-Identifier: MIT */
/*
 * AVGPOOL, MAXPOOL and MEAN, 16 channels at a time. The last vector overlaps
 * the one before; tensors of fewer channels are ref's.
 */
#include "avx2.h"
#include "requant_avx2.h"
#include "../ref/ref.h"
#include "../window.h"

/* Sums of so many bytes stay below 2^30, as lanes of 32 bits need. */
#define MAX_SUMMED	(1u << 22)

static inline void sum_window(const struct window *win, uint32_t c,
			      int is_unsigned, __m256i s[2])
{
	const uint8_t *row = win->first + c;

	s[0] = s[1] = _mm256_setzero_si256();
	for (uint32_t y = 0; y < win->rows; y++, row += win->row_stride) {
		const uint8_t *p = row;

		for (uint32_t x = 0; x < win->columns; x++) {
			s[0] = _mm256_add_epi32(s[0],
						qk_vload8(p, is_unsigned));
			s[1] = _mm256_add_epi32(s[1],
						qk_vload8(p + 8, is_unsigned));
			p += win->pixel_stride;
		}
	}
}

/*
 * sum / count, truncated. A quotient that is not whole is at least 1 / count
 * away from the next whole number, relative to it more than 2^-32; so binary64
 * never rounds it up to there.
 */
static inline __m256i divide(__m256i sum, double count)
{
	__m256d d = _mm256_set1_pd(count);
	__m256d lo = _mm256_cvtepi32_pd(_mm256_castsi256_si128(sum));
	__m256d hi = _mm256_cvtepi32_pd(_mm256_extracti128_si256(sum, 1));

	return _mm256_set_m128i(_mm256_cvttpd_epi32(_mm256_div_pd(hi, d)),
				_mm256_cvttpd_epi32(_mm256_div_pd(lo, d)));
}

/* Half away from zero: half of the count, with the sum's sign, goes in. */
static inline __m256i divide_rounding(__m256i sum, uint32_t count)
{
	__m256i half = _mm256_set1_epi32((int32_t)(count / 2));

	return divide(_mm256_add_epi32(sum, _mm256_sign_epi32(half, sum)),
		      count);
}

/* The channel that a vector begins with: the last one overlaps. */
static uint32_t vector_at(uint32_t c, uint32_t channels)
{
	return channels - c < 16 ? channels - 16 : c;
}

QK_DECL_POOL(qk_avgpool_avx2)
{
	const struct qk_vfinish fin = qk_vfinish_set1(0, cmd->act_min,
						      cmd->act_max);
	int is_unsigned = cmd->in.dtype == QACCEL_DTYPE_U8;

	if (cmd->in.c < 16 || (uint32_t)cmd->kh * cmd->kw > MAX_SUMMED) {
		qk_avgpool_ref(cmd, in, out, tile, scratch);
		return;
	}
	for (uint32_t y = tile->y0; y < tile->y1; y++) {
		for (uint32_t x = 0; x < cmd->out.w; x++) {
			struct window win = pool_window(cmd, in, y, x);
			uint8_t *dst = (uint8_t *)out +
				((size_t)y * cmd->out.w + x) * cmd->out.c;

			for (uint32_t c = 0; c < cmd->in.c; c += 16) {
				uint32_t at = vector_at(c, cmd->in.c);
				__m256i s[2];

				sum_window(&win, at, is_unsigned, s);
				for (int i = 0; i < 2; i++)
					s[i] = qk_vfinish(divide_rounding(
						s[i], win.rows * win.columns),
						&fin);
				qk_vstore(dst + at, qk_vpack16(s[0], s[1]), 16);
			}
		}
	}
}

/* Of bytes moved to unsigned order by flip, 0x80 for S8. */
static inline __m128i max_window(const struct window *win, uint32_t c,
				 __m128i flip)
{
	const uint8_t *row = win->first + c;
	__m128i max = _mm_setzero_si128();

	for (uint32_t y = 0; y < win->rows; y++, row += win->row_stride) {
		const uint8_t *p = row;

		for (uint32_t x = 0; x < win->columns; x++) {
			__m128i v = _mm_loadu_si128((const __m128i *)p);

			max = _mm_max_epu8(max, _mm_xor_si128(v, flip));
			p += win->pixel_stride;
		}
	}
	return max;
}

QK_DECL_POOL(qk_maxpool_avx2)
{
	uint8_t top = cmd->in.dtype == QACCEL_DTYPE_U8 ? 0 : 0x80;
	__m128i flip = _mm_set1_epi8((char)top);
	__m128i lo = _mm_set1_epi8((char)((uint8_t)cmd->act_min ^ top));
	__m128i hi = _mm_set1_epi8((char)((uint8_t)cmd->act_max ^ top));

	if (cmd->in.c < 16) {
		qk_maxpool_ref(cmd, in, out, tile, scratch);
		return;
	}
	for (uint32_t y = tile->y0; y < tile->y1; y++) {
		for (uint32_t x = 0; x < cmd->out.w; x++) {
			struct window win = pool_window(cmd, in, y, x);
			uint8_t *dst = (uint8_t *)out +
				((size_t)y * cmd->out.w + x) * cmd->out.c;

			for (uint32_t c = 0; c < cmd->in.c; c += 16) {
				uint32_t at = vector_at(c, cmd->in.c);
				__m128i v = max_window(&win, at, flip);

				v = _mm_min_epu8(_mm_max_epu8(v, lo), hi);
				qk_vstore(dst + at, _mm_xor_si128(v, flip), 16);
			}
		}
	}
}

/* struct mean - the constants of a MEAN */
struct mean {
	struct qk_vscale scale;
	struct qk_vfinish fin;
	__m256i offset;			/* count * Zin, below 2^30 */
	uint32_t count;
	int single, truncate;
};

static struct mean mean_set(const struct qaccel_cmd_mean *cmd)
{
	uint32_t count = cmd->in.h * cmd->in.w;
	int truncate = cmd->mode == QACCEL_MEAN_TRUNCATE;
	struct mean m = {
		.scale = qk_vscale_set1(cmd->multiplier, cmd->shift),
		.fin = qk_vfinish_set1(truncate ? 0 : cmd->out.zero_point,
				       cmd->act_min, cmd->act_max),
		.offset = _mm256_set1_epi32((int32_t)count *
					    cmd->in.zero_point),
		.count = count,
		.single = qk_single_rounding(&cmd->hdr),
		.truncate = truncate,
	};

	return m;
}

static inline __m256i mean8(const struct mean *m, __m256i sum)
{
	if (m->truncate)
		return qk_vfinish(divide(sum, m->count), &m->fin);
	sum = _mm256_sub_epi32(sum, m->offset);
	return qk_vfinish(qk_vscale(sum, &m->scale, m->single), &m->fin);
}

QK_DECL_MEAN(qk_mean_avx2)
{
	const struct mean m = mean_set(cmd);
	int is_unsigned = cmd->in.dtype == QACCEL_DTYPE_U8;
	size_t size = qk_offset(&cmd->in, 1, 0, 0);

	if (cmd->in.c < 16) {
		qk_mean_ref(cmd, in, out, tile, scratch);
		return;
	}
	for (uint32_t n = tile->y0; n < tile->y1; n++) {
		struct window win = {
			.first = (const uint8_t *)in + n * size,
			.rows = cmd->in.h,
			.columns = cmd->in.w,
			.row_stride = (size_t)cmd->in.w * cmd->in.c,
			.pixel_stride = cmd->in.c,
		};
		uint8_t *dst = (uint8_t *)out + (size_t)n * cmd->out.c;

		for (uint32_t c = 0; c < cmd->in.c; c += 16) {
			uint32_t at = vector_at(c, cmd->in.c);
			__m256i s[2];

			sum_window(&win, at, is_unsigned, s);
			qk_vstore(dst + at, qk_vpack16(mean8(&m, s[0]),
						       mean8(&m, s[1])), 16);
		}
	}
}
