// SPDX-License-Identifier: MIT
/*
 * CONV2D micro-kernels with sdot: a register of weights is 4 channels times the
 * 4 values of a group, and one of the input 4 groups of a pixel, a lane each.
 * 16 values of 5 pixels by 16 channels are 80 sdot with 9 loads: 5 of inputs,
 * and 4 of 4 registers of weights each, which is why 6 pixels would not fit.
 */
#include "convloop_neon.h"
#include "dotprod.h"

#define TILE	5

/* Group number lane of the 4 in x, of which the weights begin at w. */
#define DOT(lane)							\
	do {								\
		int8x16x4_t wv = vld1q_s8_x4(w);			\
									\
		w += 64;						\
		QK_KEEP(w);						\
		_Pragma("GCC unroll 4")					\
		for (int q = 0; q < 4; q++)				\
			_Pragma("GCC unroll 5")				\
			for (int i = 0; i < m; i++)			\
				acc[i][q] = vdotq_laneq_s32(acc[i][q],	\
							    wv.val[q],	\
							    x[i], lane);\
	} while (0)

/* 4 groups, of which a pixel's values are in x. */
#define DOT4()								\
	do {								\
		DOT(0);							\
		DOT(1);							\
		DOT(2);							\
		DOT(3);							\
	} while (0)

/* Up to 3 groups behind all others. */
static inline __attribute__((always_inline)) const int8_t *
add_last(int32x4_t (*acc)[4], const int8_t *w, const int8x16_t *x,
	 uint32_t groups, const int m)
{
	DOT(0);
	if (groups > 1)
		DOT(1);
	if (groups > 2)
		DOT(2);
	return w;
}

/* A run of groups of several. Returns the weights behind it. */
static inline __attribute__((always_inline)) const int8_t *
add_run(int32x4_t (*acc)[4], const int8_t *w, const uint8_t *const *from,
	size_t at, uint32_t groups, const int m)
{
	size_t end = at + groups / 4 * 16;
	int8x16_t x[TILE];

	for (; at != end; at += 16) {
		QK_KEEP(at);
#pragma GCC unroll 5
		for (int i = 0; i < m; i++)
			x[i] = vreinterpretq_s8_u8(vld1q_u8(from[i] + at));
		DOT4();
	}
	if (groups % 4 == 0)
		return w;
#pragma GCC unroll 5
	for (int i = 0; i < m; i++)
		x[i] = vreinterpretq_s8_u8(vld1q_u8(from[i] + at));
	return add_last(acc, w, x, groups % 4, m);
}

/* The only one, where pointers need not stay where they are. */
static inline __attribute__((always_inline)) void
add_all(int32x4_t (*acc)[4], const int8_t *w, const uint8_t **from,
	uint32_t groups, const int m)
{
	int8x16_t x[TILE];

	for (uint32_t k = groups / 4; k; k--) {
#pragma GCC unroll 5
		for (int i = 0; i < m; i++) {
			x[i] = vreinterpretq_s8_u8(vld1q_u8(from[i]));
			from[i] += 16;
			QK_KEEP(from[i]);
		}
		DOT4();
	}
	if (groups % 4 == 0)
		return;
#pragma GCC unroll 5
	for (int i = 0; i < m; i++)
		x[i] = vreinterpretq_s8_u8(vld1q_u8(from[i]));
	add_last(acc, w, x, groups % 4, m);
}

/* A tile of m pixels; m and pointwise are constant where it is inlined. */
static inline __attribute__((always_inline)) void
micro(const struct qk_conv *conv, const struct qk_lanes *lanes, const int8_t *w,
      const struct qk_pixels *px, const int m, const bool pointwise)
{
	const uint8_t *from[TILE];
	int32x4_t acc[TILE][4];

#pragma GCC unroll 5
	for (int i = 0; i < m; i++) {
		from[i] = px->base + (pointwise ? (size_t)i * conv->base_step :
				      (size_t)px->offset[i]);
#pragma GCC unroll 4
		for (int q = 0; q < 4; q++)
			acc[i][q] = lanes->init[q];
	}
	if (pointwise)
		add_all(acc, w, from, conv->groups, m);
	for (uint32_t ky = 0; !pointwise && ky < conv->cmd->kh; ky++)
		for (uint32_t s = 0; s < conv->segments; s++)
			w = add_run(acc, w, from,
				    ky * conv->filter_row_step +
				    s * conv->segment_step, conv->groups, m);
	qk_conv_store(conv, lanes, px, acc, m);
}

QK_MICRO(micro, 1) QK_MICRO(micro, 2) QK_MICRO(micro, 3)
QK_MICRO(micro, 4) QK_MICRO(micro, 5)

const struct qk_micros qk_micros_dotprod = {
	.tile = TILE,
	.fn = { micro_1, micro_2, micro_3, micro_4, micro_5 },
};

static QK_DECL_CONV(conv2d_dotprod)
{
	qk_convloop(&qk_micros_dotprod, cmd, in, weights, channels, out, tile, scratch);
}

void qk_init_dotprod(struct qk_table *table)
{
	table->conv2d = conv2d_dotprod;
	table->dwconv2d = qk_dwconv2d_dotprod;
}
