// SPDX-License-Identifier: MIT
/*
 * CONV2D micro-kernels with smmla, which multiplies 2 pixels by 2 channels over
 * 8 values: twice the products of sdot.
 *
 * The packed weights hold 4 channels of 4 values in a register, so the same 4
 * channels of two groups are zipped into two registers of 2 channels times 8
 * values. For 8 values of 6 pixels by 16 channels that makes 24 smmla and 8
 * zips where sdot takes 48 instructions, so zipping as the weights are loaded
 * is a win of a third. With fewer pixels the zips weigh more: 2 pixels are 8
 * smmla and 8 zips, 16 as with sdot. Inputs are signed in the strip already,
 * which leaves usdot and usmmla nothing to save.
 */
#include "convloop_neon.h"
#include "i8mm.h"

#define TILE	6
#define PAIRS	(TILE / 2)

/* 4 values of two pixels, each with 4 zeros behind. */
static inline int8x16_t load_last(const uint8_t *p0, const uint8_t *p1)
{
	int32x4_t x = vdupq_n_s32(0);

	x = vsetq_lane_s32(*(const qk_unaligned32 *)p0, x, 0);
	x = vsetq_lane_s32(*(const qk_unaligned32 *)p1, x, 2);
	return vreinterpretq_s8_s32(x);
}

static inline int8x16_t load_pair(const uint8_t *p0, const uint8_t *p1)
{
	return vreinterpretq_s8_u8(vcombine_u8(vld1_u8(p0), vld1_u8(p1)));
}

/* The same 4 channels of two groups, with pixels in pairs. */
static inline __attribute__((always_inline)) void
add_groups(int32x4_t acc[PAIRS][8], int q, int8x16_t w0, int8x16_t w1,
	   const int8x16_t x[PAIRS], const int pairs)
{
	int32x4_t a = vreinterpretq_s32_s8(w0), b = vreinterpretq_s32_s8(w1);
	int8x16_t lo = vreinterpretq_s8_s32(vzip1q_s32(a, b));
	int8x16_t hi = vreinterpretq_s8_s32(vzip2q_s32(a, b));

#pragma GCC unroll 3
	for (int i = 0; i < pairs; i++)
		acc[i][2 * q] = vmmlaq_s32(acc[i][2 * q], x[i], lo);
#pragma GCC unroll 3
	for (int i = 0; i < pairs; i++)
		acc[i][2 * q + 1] = vmmlaq_s32(acc[i][2 * q + 1], x[i], hi);
}

/* From 2 pixels by 2 channels each to pixel 0 or 1 of the pair, 4 channels. */
static inline int32x4_t pixel_of(const int32x4_t acc[2], int number)
{
	int64x2_t a = vreinterpretq_s64_s32(acc[0]);
	int64x2_t b = vreinterpretq_s64_s32(acc[1]);

	return vreinterpretq_s32_s64(number ? vzip2q_s64(a, b) :
				     vzip1q_s64(a, b));
}

/* Channels 2 j and 2 j + 1, of two pixels. */
static inline int32x4_t init_of(const struct qk_lanes *lanes, int j)
{
	int64x2_t two = vreinterpretq_s64_s32(lanes->init[j / 2]);

	return vreinterpretq_s32_s64(j % 2 ? vdupq_laneq_s64(two, 1) :
				     vdupq_laneq_s64(two, 0));
}

/*
 * m pixels, constant where it is inlined. Without a partner the last one is its
 * own.
 */
static inline __attribute__((always_inline)) void
micro(const struct qk_conv *conv, const struct qk_lanes *lanes, const int8_t *w,
      const struct qk_pixels *px, const int m)
{
	const int pairs = (m + 1) / 2;
	int32x4_t acc[PAIRS][8], sum[TILE][4];

#pragma GCC unroll 3
	for (int i = 0; i < pairs; i++)
#pragma GCC unroll 8
		for (int j = 0; j < 8; j++)
			acc[i][j] = init_of(lanes, j);
	for (uint32_t ky = 0; ky < conv->cmd->kh; ky++) {
		for (uint32_t s = 0; s < conv->segments; s++) {
			const uint8_t *from = qk_segment(conv, px, ky, s);
			const uint8_t *p[TILE];
			uint32_t k = conv->groups;
			int8x16_t x[PAIRS];

#pragma GCC unroll 6
			for (int i = 0; i < 2 * pairs; i++)
				p[i] = from + px->offset[i < m ? i : m - 1];
			for (; k >= 2; k -= 2, w += 128) {
#pragma GCC unroll 3
				for (int i = 0; i < pairs; i++) {
					x[i] = load_pair(p[2 * i],
							 p[2 * i + 1]);
					p[2 * i] += 8;
					p[2 * i + 1] += 8;
				}
#pragma GCC unroll 4
				for (int q = 0; q < 4; q++)
					add_groups(acc, q,
						   vld1q_s8(w + 16 * q),
						   vld1q_s8(w + 64 + 16 * q),
						   x, pairs);
			}
			if (!k)
				continue;
#pragma GCC unroll 3
			for (int i = 0; i < pairs; i++)
				x[i] = load_last(p[2 * i], p[2 * i + 1]);
#pragma GCC unroll 4
			for (int q = 0; q < 4; q++)
				add_groups(acc, q, vld1q_s8(w + 16 * q),
					   vdupq_n_s8(0), x, pairs);
			w += 64;
		}
	}
#pragma GCC unroll 6
	for (int i = 0; i < m; i++)
#pragma GCC unroll 4
		for (int q = 0; q < 4; q++)
			sum[i][q] = pixel_of(&acc[i / 2][2 * q], i % 2);
	qk_conv_store(conv, lanes, px, sum, m);
}

#define MICRO(m)							\
	static void micro_##m(const struct qk_conv *conv,		\
			      const struct qk_lanes *lanes,		\
			      const int8_t *weights,			\
			      struct qk_pixels px, uint32_t tiles)	\
	{								\
		for (; tiles; tiles--) {				\
			micro(conv, lanes, weights, &px, m);		\
			qk_pixels_advance(&px, conv, m);		\
		}							\
	}

MICRO(1) MICRO(2) MICRO(3) MICRO(4) MICRO(5) MICRO(6)

static const struct qk_micros micros = {
	.tile = TILE,
	.fn = { micro_1, micro_2, micro_3, micro_4, micro_5, micro_6 },
};

static QK_DECL_CONV(conv2d_i8mm)
{
	qk_convloop(&micros, cmd, in, weights, channels, out, tile, scratch);
}

void qk_init_i8mm(struct qk_table *table)
{
	table->conv2d = conv2d_i8mm;
}
