// SPDX-License-Identifier: MIT
/*
 * CONV2D micro-kernels with sdot: a register of weights is 4 channels times the
 * 4 values of a group, and one of the input 4 groups of a pixel, a lane each.
 * 16 values of 6 pixels by 16 channels are 96 sdot with 22 loads. 24
 * accumulators, 6 inputs and 2 weights fill the registers.
 */
#include "convloop_neon.h"
#include "dotprod.h"

#define TILE	6

/* Group number lane of the 4 in x, of which the weights begin at w. */
#define DOT(lane)							\
	_Pragma("GCC unroll 4")						\
	for (int q = 0; q < 4; q++) {					\
		int8x16_t wv = vld1q_s8(w + 64 * lane + 16 * q);	\
									\
		_Pragma("GCC unroll 6")					\
		for (int i = 0; i < m; i++)				\
			acc[i][q] = vdotq_laneq_s32(acc[i][q], wv, x[i],\
						    lane);		\
	}

/* m pixels, constant where it is inlined. */
static inline __attribute__((always_inline)) void
micro(const struct qk_conv *conv, const struct qk_lanes *lanes, const int8_t *w,
      const struct qk_pixels *px, const int m)
{
	int32x4_t acc[TILE][4];

#pragma GCC unroll 6
	for (int i = 0; i < m; i++)
#pragma GCC unroll 4
		for (int q = 0; q < 4; q++)
			acc[i][q] = vdupq_n_s32(0);
	for (uint32_t ky = 0; ky < conv->cmd->kh; ky++) {
		for (uint32_t s = 0; s < conv->segments; s++) {
			const uint8_t *from = qk_segment(conv, px, ky, s);
			const uint8_t *p[TILE];
			uint32_t k = conv->groups;
			int8x16_t x[TILE];

#pragma GCC unroll 6
			for (int i = 0; i < m; i++)
				p[i] = from + px->offset[i];
			for (; k >= 4; k -= 4, w += 256) {
#pragma GCC unroll 6
				for (int i = 0; i < m; i++) {
					x[i] = vreinterpretq_s8_u8(
						vld1q_u8(p[i]));
					p[i] += 16;
				}
				DOT(0)
				DOT(1)
				DOT(2)
				DOT(3)
			}
			for (; k; k--, w += 64) {
#pragma GCC unroll 6
				for (int i = 0; i < m; i++) {
					x[i] = qk_broadcast4(p[i]);
					p[i] += 4;
				}
				DOT(0)
			}
		}
	}
#pragma GCC unroll 6
	for (int i = 0; i < m; i++)
		qk_conv_store(conv, lanes, px, i, acc[i]);
}

#define MICRO(m)							\
	static void micro_##m(const struct qk_conv *conv,		\
			      const struct qk_lanes *lanes,		\
			      const int8_t *weights,			\
			      const struct qk_pixels *px)		\
	{								\
		micro(conv, lanes, weights, px, m);			\
	}

MICRO(1) MICRO(2) MICRO(3) MICRO(4) MICRO(5) MICRO(6)

static const struct qk_micros micros = {
	.tile = TILE,
	.fn = { micro_1, micro_2, micro_3, micro_4, micro_5, micro_6 },
};

static QK_DECL_CONV(conv2d_dotprod)
{
	qk_convloop(&micros, cmd, in, weights, channels, out, tile, scratch);
}

void qk_init_dotprod(struct qk_table *table)
{
	table->conv2d = conv2d_dotprod;
	table->dwconv2d = qk_dwconv2d_dotprod;
}
