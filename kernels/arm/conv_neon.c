// SPDX-License-Identifier: MIT
/*
 * CONV2D micro-kernels for ARMv8.0, which has no dot product. A register of
 * weights is 4 channels times the 4 values of a group; it is multiplied by a
 * group of the input, to words, and sadalp adds neighbouring words to sums:
 * two for each channel, put together at the end.
 *
 * |x' w| is at most 128 * 128 = 2^14, and two such products, 2^15, pass a word
 * only where both weights are -128. In a block without them, which int8 models
 * have alone, |x' w| <= 128 * 127 and two products fit, 32512: smull and smlal
 * over two groups before one sadalp, 3 instructions instead of 4.
 */
#include "convloop_neon.h"
#include "neon.h"

/* 16 accumulators, 4 inputs, weights and products. */
#define TILE	2

/* struct sums - of a pixel, channels 2 i and 2 i + 1 in part i */
struct sums {
	int32x4_t part[8];
};

/* One group. */
static inline __attribute__((always_inline)) void
add_group(struct sums *sum, int q, int8x16_t w, int8x16_t x)
{
	int16x8_t lo = vmull_s8(vget_low_s8(w), vget_low_s8(x));
	int16x8_t hi = vmull_high_s8(w, x);

	sum->part[2 * q] = vpadalq_s16(sum->part[2 * q], lo);
	sum->part[2 * q + 1] = vpadalq_s16(sum->part[2 * q + 1], hi);
}

/* Two groups, no weight is -128. */
static inline __attribute__((always_inline)) void
add_groups(struct sums *sum, int q, int8x16_t w0, int8x16_t w1,
	   const int8x16_t x[2])
{
	int16x8_t lo = vmull_s8(vget_low_s8(w0), vget_low_s8(x[0]));
	int16x8_t hi = vmull_high_s8(w0, x[0]);

	lo = vmlal_s8(lo, vget_low_s8(w1), vget_low_s8(x[1]));
	hi = vmlal_high_s8(hi, w1, x[1]);
	sum->part[2 * q] = vpadalq_s16(sum->part[2 * q], lo);
	sum->part[2 * q + 1] = vpadalq_s16(sum->part[2 * q + 1], hi);
}

/* Two groups of m pixels. */
static inline __attribute__((always_inline)) const int8_t *
add_two(struct sums *sum, const int8_t *w, const uint8_t **p, const int m)
{
	int8x16_t x[TILE][2];

#pragma GCC unroll 2
	for (int i = 0; i < m; i++)
#pragma GCC unroll 2
		for (int j = 0; j < 2; j++) {
			x[i][j] = qk_broadcast4(p[i]);
			p[i] += 4;
			QK_KEEP(p[i]);
		}
	/* Neighbours together: one instruction loads both. */
#pragma GCC unroll 2
	for (int q = 0; q < 4; q += 2, w += 32) {
		int8x16_t w00 = vld1q_s8(w), w01 = vld1q_s8(w + 16);
		int8x16_t w10 = vld1q_s8(w + 64), w11 = vld1q_s8(w + 80);

#pragma GCC unroll 2
		for (int i = 0; i < m; i++) {
			add_groups(&sum[i], q, w00, w10, x[i]);
			add_groups(&sum[i], q + 1, w01, w11, x[i]);
		}
	}
	return w + 64;
}

static inline __attribute__((always_inline)) const int8_t *
add_one(struct sums *sum, const int8_t *w, const uint8_t **p, const int m)
{
	int8x16x4_t wv = vld1q_s8_x4(w);
	int8x16_t x[TILE];

#pragma GCC unroll 2
	for (int i = 0; i < m; i++) {
		x[i] = qk_broadcast4(p[i]);
		p[i] += 4;
		QK_KEEP(p[i]);
	}
#pragma GCC unroll 4
	for (int q = 0; q < 4; q++)
#pragma GCC unroll 2
		for (int i = 0; i < m; i++)
			add_group(&sum[i], q, wv.val[q], x[i]);
	return w + 64;
}

/* A run of groups. Returns the weights behind it. */
static inline __attribute__((always_inline)) const int8_t *
add_run(struct sums *sum, const int8_t *w, const uint8_t *const *from,
	size_t at, uint32_t groups, const int m, const bool is_narrow)
{
	const uint8_t *p[TILE];

#pragma GCC unroll 2
	for (int i = 0; i < m; i++)
		p[i] = from[i] + at;
	for (uint32_t k = groups / 2; is_narrow && k; k--) {
		w = add_two(sum, w, p, m);
		QK_KEEP(w);
	}
	for (uint32_t k = is_narrow ? groups % 2 : groups; k; k--) {
		w = add_one(sum, w, p, m);
		QK_KEEP(w);
	}
	return w;
}

/*
 * A tile of m pixels; m, pointwise and is_narrow are constant where it is
 * inlined.
 */
static inline __attribute__((always_inline)) void
run(const struct qk_conv *conv, const struct qk_lanes *lanes, const int8_t *w,
    const struct qk_pixels *px, const int m, const bool pointwise,
    const bool is_narrow)
{
	const int32x4_t zero = vdupq_n_s32(0);
	const uint8_t *from[TILE];
	int32x4_t acc[TILE][4];
	struct sums sum[TILE];

#pragma GCC unroll 2
	for (int i = 0; i < m; i++) {
		from[i] = px->base + (pointwise ? (size_t)i * conv->base_step :
				      (size_t)px->offset[i]);
#pragma GCC unroll 4
		for (int q = 0; q < 4; q++) {
			sum[i].part[2 * q] = vzip1q_s32(lanes->init[q], zero);
			sum[i].part[2 * q + 1] = vzip2q_s32(lanes->init[q],
							    zero);
		}
	}
	if (pointwise)
		add_run(sum, w, from, 0, conv->groups, m, is_narrow);
	for (uint32_t ky = 0; !pointwise && ky < conv->cmd->kh; ky++)
		for (uint32_t s = 0; s < conv->segments; s++)
			w = add_run(sum, w, from,
				    ky * conv->filter_row_step +
				    s * conv->segment_step, conv->groups, m,
				    is_narrow);
#pragma GCC unroll 2
	for (int i = 0; i < m; i++)
#pragma GCC unroll 4
		for (int q = 0; q < 4; q++)
			acc[i][q] = vpaddq_s32(sum[i].part[2 * q],
					       sum[i].part[2 * q + 1]);
	qk_conv_store(conv, lanes, px, acc, m);
}

static inline __attribute__((always_inline)) void
wide(const struct qk_conv *conv, const struct qk_lanes *lanes, const int8_t *w,
     const struct qk_pixels *px, const int m, const bool pointwise)
{
	run(conv, lanes, w, px, m, pointwise, false);
}

static inline __attribute__((always_inline)) void
narrow(const struct qk_conv *conv, const struct qk_lanes *lanes,
       const int8_t *w, const struct qk_pixels *px, const int m,
       const bool pointwise)
{
	run(conv, lanes, w, px, m, pointwise, true);
}

QK_MICRO(wide, 1) QK_MICRO(wide, 2)
QK_MICRO(narrow, 1) QK_MICRO(narrow, 2)

static const struct qk_micros micros = {
	.tile = TILE,
	.fn = { wide_1, wide_2 },
	.narrow = { narrow_1, narrow_2 },
};

QK_DECL_CONV(qk_conv2d_neon)
{
	qk_convloop(&micros, cmd, in, weights, channels, out, tile, scratch);
}
