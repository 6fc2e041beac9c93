// SPDX-License-Identifier: MIT
/*
 * AVGPOOL, MAXPOOL and MEAN, 16 channels at a time. The last vector overlaps
 * the one before; tensors of fewer channels are ref's.
 */
#include "../ref/ref.h"
#include "../window.h"
#include "neon.h"
#include "scale_neon.h"

/* Sums of so many bytes stay below 2^30, as lanes of 32 bits need. */
#define MAX_SUMMED	(1u << 22)
/* Sums of so many signed bytes fit a word: 255 * 128 < 2^15. */
#define WORD_SUMMED	255u

/* ------------------------------------------------------------------ sums -- */

/* Adds columns pixels from p on, moved to signed by flip. */
static inline void sum_run(const uint8_t *p, uint32_t columns, size_t stride,
			   uint8x16_t flip, int32x4_t s[4])
{
	int16x8_t lo = vdupq_n_s16(0), hi = lo;

	for (uint32_t x = 0; x < columns; x++, p += stride) {
		int8x16_t v = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(p), flip));

		lo = vaddw_s8(lo, vget_low_s8(v));
		hi = vaddw_high_s8(hi, v);
	}
	s[0] = vaddw_s16(s[0], vget_low_s16(lo));
	s[1] = vaddw_high_s16(s[1], lo);
	s[2] = vaddw_s16(s[2], vget_low_s16(hi));
	s[3] = vaddw_high_s16(s[3], hi);
}

static inline void sum_window(const struct window *win, uint32_t c,
			      bool is_unsigned, int32x4_t s[4])
{
	uint32_t moved = is_unsigned ? 128 * win->rows * win->columns : 0;
	uint8x16_t flip = vdupq_n_u8(is_unsigned ? 0x80 : 0);
	const uint8_t *row = win->first + c;
	uint32_t n;

	for (int i = 0; i < 4; i++)
		s[i] = vdupq_n_s32((int32_t)moved);
	for (uint32_t y = 0; y < win->rows; y++, row += win->row_stride) {
		for (uint32_t x = 0; x < win->columns; x += n) {
			n = win->columns - x;
			n = n < WORD_SUMMED ? n : WORD_SUMMED;
			sum_run(row + x * win->pixel_stride, n,
				win->pixel_stride, flip, s);
		}
	}
}

/*
 * sum / count, truncated. A quotient that is not whole is at least 1 / count
 * away from the next whole number, relative to it more than 2^-32; so binary64
 * never rounds it up to there.
 */
static inline int32x4_t divide(int32x4_t sum, float64x2_t count)
{
	float64x2_t lo = vcvtq_f64_s64(vmovl_s32(vget_low_s32(sum)));
	float64x2_t hi = vcvtq_f64_s64(vmovl_high_s32(sum));

	return vmovn_high_s64(vmovn_s64(vcvtq_s64_f64(vdivq_f64(lo, count))),
			      vcvtq_s64_f64(vdivq_f64(hi, count)));
}

/* Half away from zero: half of the count, with the sum's sign, goes in. */
static inline int32x4_t divide_rounding(int32x4_t sum, uint32_t count)
{
	int32x4_t sign = vshrq_n_s32(sum, 31);
	int32x4_t half = vdupq_n_s32((int32_t)(count / 2));

	half = vsubq_s32(veorq_s32(half, sign), sign);
	return divide(vaddq_s32(sum, half), vdupq_n_f64(count));
}

/* The channel that a vector begins with: the last one overlaps. */
static uint32_t vector_at(uint32_t c, uint32_t channels)
{
	return channels - c < 16 ? channels - 16 : c;
}

/* ----------------------------------------------------------------- pools -- */

QK_DECL_POOL(qk_avgpool_neon)
{
	const struct qk_finish fin = qk_finish_set(&cmd->out, 0, cmd->act_min,
						   cmd->act_max);
	bool is_unsigned = cmd->in.dtype == QACCEL_DTYPE_U8;

	if (cmd->in.c < 16 || (uint32_t)cmd->kh * cmd->kw > MAX_SUMMED) {
		qk_avgpool_ref(cmd, in, out, tile, scratch);
		return;
	}
	for (uint32_t y = tile->y0; y < tile->y1; y++) {
		for (uint32_t x = 0; x < cmd->out.w; x++) {
			struct window win = pool_window(cmd, in, y, x);
			uint8_t *to = (uint8_t *)out +
				((size_t)y * cmd->out.w + x) * cmd->out.c;

			for (uint32_t c = 0; c < cmd->in.c; c += 16) {
				uint32_t at = vector_at(c, cmd->in.c);
				int32x4_t s[4];

				sum_window(&win, at, is_unsigned, s);
				for (int i = 0; i < 4; i++)
					s[i] = divide_rounding(
						s[i], win.rows * win.columns);
				vst1q_u8(to + at, qk_finish16(s, &fin));
			}
		}
	}
}

/* Of bytes moved to unsigned order by flip, 0x80 for S8. */
static inline uint8x16_t max_window(const struct window *win, uint32_t c,
				    uint8x16_t flip)
{
	const uint8_t *row = win->first + c;
	uint8x16_t max = vdupq_n_u8(0);

	for (uint32_t y = 0; y < win->rows; y++, row += win->row_stride) {
		const uint8_t *p = row;

		for (uint32_t x = 0; x < win->columns; x++) {
			max = vmaxq_u8(max, veorq_u8(vld1q_u8(p), flip));
			p += win->pixel_stride;
		}
	}
	return max;
}

QK_DECL_POOL(qk_maxpool_neon)
{
	uint8_t top = cmd->in.dtype == QACCEL_DTYPE_U8 ? 0 : 0x80;
	uint8x16_t flip = vdupq_n_u8(top);
	uint8x16_t lo = vdupq_n_u8((uint8_t)cmd->act_min ^ top);
	uint8x16_t hi = vdupq_n_u8((uint8_t)cmd->act_max ^ top);

	if (cmd->in.c < 16) {
		qk_maxpool_ref(cmd, in, out, tile, scratch);
		return;
	}
	for (uint32_t y = tile->y0; y < tile->y1; y++) {
		for (uint32_t x = 0; x < cmd->out.w; x++) {
			struct window win = pool_window(cmd, in, y, x);
			uint8_t *to = (uint8_t *)out +
				((size_t)y * cmd->out.w + x) * cmd->out.c;

			for (uint32_t c = 0; c < cmd->in.c; c += 16) {
				uint32_t at = vector_at(c, cmd->in.c);
				uint8x16_t v = max_window(&win, at, flip);

				v = vminq_u8(vmaxq_u8(v, lo), hi);
				vst1q_u8(to + at, veorq_u8(v, flip));
			}
		}
	}
}

/* ------------------------------------------------------------------ MEAN -- */

/* struct mean - the constants of a MEAN */
struct mean {
	struct qk_scale4 scale;
	struct qk_finish fin;
	int32x4_t offset;		/* count * Zin, below 2^30 */
	float64x2_t count;
	bool single, truncate;
};

static struct mean mean_set(const struct qaccel_cmd_mean *cmd)
{
	uint32_t count = cmd->in.h * cmd->in.w;
	bool truncate = cmd->mode == QACCEL_MEAN_TRUNCATE;
	struct mean m = {
		.scale = qk_scale4_set1(cmd->multiplier, cmd->shift),
		.fin = qk_finish_set(&cmd->out,
				     truncate ? 0 : cmd->out.zero_point,
				     cmd->act_min, cmd->act_max),
		.offset = vdupq_n_s32((int32_t)count * cmd->in.zero_point),
		.count = vdupq_n_f64(count),
		.single = qk_single_rounding(&cmd->hdr),
		.truncate = truncate,
	};

	return m;
}

static inline uint8x16_t mean16(const struct mean *m, int32x4_t s[4])
{
	for (int i = 0; i < 4; i++) {
		if (m->truncate)
			s[i] = divide(s[i], m->count);
		else
			s[i] = qk_scale4(vsubq_s32(s[i], m->offset), &m->scale,
					 m->single);
	}
	return qk_finish16(s, &m->fin);
}

QK_DECL_MEAN(qk_mean_neon)
{
	const struct mean m = mean_set(cmd);
	bool is_unsigned = cmd->in.dtype == QACCEL_DTYPE_U8;
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
		uint8_t *to = (uint8_t *)out + (size_t)n * cmd->out.c;

		for (uint32_t c = 0; c < cmd->in.c; c += 16) {
			uint32_t at = vector_at(c, cmd->in.c);
			int32x4_t s[4];

			sum_window(&win, at, is_unsigned, s);
			vst1q_u8(to + at, mean16(&m, s));
		}
	}
}
