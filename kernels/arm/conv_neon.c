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
add_groups(struct sums *sum, int q, const int8x16_t w[2], const int8x16_t x[2])
{
	int16x8_t lo = vmull_s8(vget_low_s8(w[0]), vget_low_s8(x[0]));
	int16x8_t hi = vmull_high_s8(w[0], x[0]);

	lo = vmlal_s8(lo, vget_low_s8(w[1]), vget_low_s8(x[1]));
	hi = vmlal_high_s8(hi, w[1], x[1]);
	sum->part[2 * q] = vpadalq_s16(sum->part[2 * q], lo);
	sum->part[2 * q + 1] = vpadalq_s16(sum->part[2 * q + 1], hi);
}

/* m pixels and narrow, constant where it is inlined. */
static inline __attribute__((always_inline)) void
micro(const struct qk_conv *conv, const struct qk_lanes *lanes, const int8_t *w,
      const struct qk_pixels *px, const int m, const bool narrow)
{
	int32x4_t acc[TILE][4];
	struct sums sum[TILE];

#pragma GCC unroll 2
	for (int i = 0; i < m; i++)
#pragma GCC unroll 8
		for (int j = 0; j < 8; j++)
			sum[i].part[j] = vdupq_n_s32(0);
	for (uint32_t ky = 0; ky < conv->cmd->kh; ky++) {
		for (uint32_t s = 0; s < conv->segments; s++) {
			const uint8_t *from = qk_segment(conv, px, ky, s);
			const uint8_t *p[TILE];
			uint32_t k = conv->groups;
			int8x16_t x[TILE][2];

#pragma GCC unroll 2
			for (int i = 0; i < m; i++)
				p[i] = from + px->offset[i];
			for (; narrow && k >= 2; k -= 2, w += 128) {
#pragma GCC unroll 2
				for (int i = 0; i < m; i++) {
					x[i][0] = qk_broadcast4(p[i]);
					x[i][1] = qk_broadcast4(p[i] + 4);
					p[i] += 8;
				}
#pragma GCC unroll 4
				for (int q = 0; q < 4; q++) {
					int8x16_t wv[2] = {
						vld1q_s8(w + 16 * q),
						vld1q_s8(w + 16 * q + 64),
					};

#pragma GCC unroll 2
					for (int i = 0; i < m; i++)
						add_groups(&sum[i], q, wv,
							   x[i]);
				}
			}
			for (; k; k--, w += 64) {
#pragma GCC unroll 2
				for (int i = 0; i < m; i++) {
					x[i][0] = qk_broadcast4(p[i]);
					p[i] += 4;
				}
#pragma GCC unroll 4
				for (int q = 0; q < 4; q++) {
					int8x16_t wv = vld1q_s8(w + 16 * q);

#pragma GCC unroll 2
					for (int i = 0; i < m; i++)
						add_group(&sum[i], q, wv,
							  x[i][0]);
				}
			}
		}
	}
#pragma GCC unroll 2
	for (int i = 0; i < m; i++)
#pragma GCC unroll 4
		for (int q = 0; q < 4; q++)
			acc[i][q] = qk_wrapping_add(lanes->init[q],
				vpaddq_s32(sum[i].part[2 * q],
					   sum[i].part[2 * q + 1]));
	qk_conv_store(conv, lanes, px, acc, m);
}

#define MICRO(name, m, narrow)						\
	static void name(const struct qk_conv *conv,			\
			 const struct qk_lanes *lanes,			\
			 const int8_t *weights, struct qk_pixels px,	\
			 uint32_t tiles)				\
	{								\
		for (; tiles; tiles--) {				\
			micro(conv, lanes, weights, &px, m, narrow);	\
			qk_pixels_advance(&px, conv, m);		\
		}							\
	}

MICRO(micro_1, 1, false)
MICRO(micro_2, 2, false)
MICRO(narrow_1, 1, true)
MICRO(narrow_2, 2, true)

static const struct qk_micros micros = {
	.tile = TILE,
	.fn = { micro_1, micro_2 },
	.narrow = { narrow_1, narrow_2 },
};

QK_DECL_CONV(qk_conv2d_neon)
{
	qk_convloop(&micros, cmd, in, weights, channels, out, tile, scratch);
}
