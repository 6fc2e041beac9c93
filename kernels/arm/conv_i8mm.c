// SPDX-License-Identifier: MIT
/*
 * CONV2D micro-kernels with smmla, which multiplies 2 pixels by 2 channels over
 * 8 values: twice the products of sdot.
 *
 * The packed weights hold 4 channels of 4 values in a register, so the same 4
 * channels of two groups have to be zipped into two registers of 2 channels
 * times 8 values. That is done once for a block, into scratch memory. 8 values
 * of 6 pixels by 16 channels are then 24 smmla with 8 loads. Calls of few pixels
 * are left to sdot, which takes the weights as they are. Inputs are signed in
 * the strip already, which leaves usdot and usmmla nothing to save.
 */
#include "convloop_neon.h"
#include "dotprod.h"
#include "i8mm.h"

#define TILE	6
#define PAIRS	(TILE / 2)

/* Two groups of 16 channels; the second may be none. */
static inline void zip_groups(const int8_t *from, bool both, int8_t *to)
{
	int8x16x4_t a = vld1q_s8_x4(from), b = { { vdupq_n_s8(0) } };
	int8x16x4_t z[2];

	if (both)
		b = vld1q_s8_x4(from + 64);
#pragma GCC unroll 4
	for (int q = 0; q < 4; q++) {
		int32x4_t x = vreinterpretq_s32_s8(a.val[q]);
		int32x4_t y = vreinterpretq_s32_s8(both ? b.val[q] :
						   vdupq_n_s8(0));

		z[q / 2].val[q % 2 * 2] =
			vreinterpretq_s8_s32(vzip1q_s32(x, y));
		z[q / 2].val[q % 2 * 2 + 1] =
			vreinterpretq_s8_s32(vzip2q_s32(x, y));
	}
	vst1q_s8_x4(to, z[0]);
	vst1q_s8_x4(to + 64, z[1]);
}

static void prepare(const struct qk_conv *conv, const int8_t *w, int8_t *to)
{
	uint32_t runs = conv->cmd->kh * conv->segments;

	for (uint32_t run = 0; run < runs; run++) {
		uint32_t k = conv->groups;

		for (; k >= 2; k -= 2, w += 128, to += 128)
			zip_groups(w, true, to);
		if (!k)
			continue;
		zip_groups(w, false, to);
		w += 64;
		to += 128;
	}
}

/* 8 values of two pixels. */
static inline int8x16_t load_pair(const uint8_t *p0, const uint8_t *p1)
{
	int64x2_t x = vreinterpretq_s64_u8(vcombine_u8(vld1_u8(p0),
						       vdup_n_u8(0)));

	return vreinterpretq_s8_s64(vld1q_lane_s64((const int64_t *)p1, x, 1));
}

/* Channels 2 j and 2 j + 1 of two pixels. */
static inline int32x4_t init_of(const struct qk_lanes *lanes, int j)
{
	int64x2_t two = vreinterpretq_s64_s32(lanes->init[j / 2]);

	return vreinterpretq_s32_s64(j % 2 ? vdupq_laneq_s64(two, 1) :
				     vdupq_laneq_s64(two, 0));
}

/* From 2 pixels by 2 channels each to pixel 0 or 1 of the pair, 4 channels. */
static inline int32x4_t pixel_of(const int32x4_t acc[2], int number)
{
	int64x2_t a = vreinterpretq_s64_s32(acc[0]);
	int64x2_t b = vreinterpretq_s64_s32(acc[1]);

	return vreinterpretq_s32_s64(number ? vzip2q_s64(a, b) :
				     vzip1q_s64(a, b));
}

/* 8 values at a time. Returns the weights behind them. */
static inline __attribute__((always_inline)) const int8_t *
add_run(int32x4_t (*acc)[8], const int8_t *w, const uint8_t *const *from,
	size_t at, uint32_t groups, const int pairs)
{
	const uint8_t *p[TILE];

#pragma GCC unroll 6
	for (int i = 0; i < 2 * pairs; i++)
		p[i] = from[i] + at;
	for (uint32_t k = (groups + 1) / 2; k; k--) {
		int8x16_t x[PAIRS];

#pragma GCC unroll 3
		for (int i = 0; i < pairs; i++) {
			x[i] = load_pair(p[2 * i], p[2 * i + 1]);
			p[2 * i] += 8;
			p[2 * i + 1] += 8;
			QK_KEEP(p[2 * i]);
			QK_KEEP(p[2 * i + 1]);
		}
#pragma GCC unroll 2
		for (int half = 0; half < 2; half++) {
			int8x16x4_t wv = vld1q_s8_x4(w);

			w += 64;
			QK_KEEP(w);
#pragma GCC unroll 4
			for (int j = 0; j < 4; j++)
#pragma GCC unroll 3
				for (int i = 0; i < pairs; i++)
					acc[i][4 * half + j] = vmmlaq_s32(
						acc[i][4 * half + j], x[i],
						wv.val[j]);
		}
	}
	return w;
}

/*
 * A tile of m pixels; m and pointwise are constant where it is inlined. Without
 * a partner the last pixel is its own.
 */
static inline __attribute__((always_inline)) void
micro(const struct qk_conv *conv, const struct qk_lanes *lanes, const int8_t *w,
      const struct qk_pixels *px, const int m, const bool pointwise)
{
	const int pairs = (m + 1) / 2;
	int32x4_t acc[PAIRS][8], sum[TILE][4];
	const uint8_t *from[TILE];

#pragma GCC unroll 6
	for (int i = 0; i < 2 * pairs; i++) {
		int j = i < m ? i : m - 1;

		from[i] = px->base + (pointwise ? (size_t)j * conv->base_step :
				      (size_t)px->offset[j]);
	}
#pragma GCC unroll 3
	for (int i = 0; i < pairs; i++)
#pragma GCC unroll 8
		for (int j = 0; j < 8; j++)
			acc[i][j] = init_of(lanes, j);
	if (pointwise)
		add_run(acc, w, from, 0, conv->groups, pairs);
	for (uint32_t ky = 0; !pointwise && ky < conv->cmd->kh; ky++)
		for (uint32_t s = 0; s < conv->segments; s++)
			w = add_run(acc, w, from,
				    ky * conv->filter_row_step +
				    s * conv->segment_step, conv->groups,
				    pairs);
#pragma GCC unroll 6
	for (int i = 0; i < m; i++)
#pragma GCC unroll 4
		for (int q = 0; q < 4; q++)
			sum[i][q] = pixel_of(&acc[i / 2][2 * q], i % 2);
	qk_conv_store(conv, lanes, px, sum, m);
}

QK_MICRO(micro, 1) QK_MICRO(micro, 2) QK_MICRO(micro, 3)
QK_MICRO(micro, 4) QK_MICRO(micro, 5) QK_MICRO(micro, 6)

static const struct qk_micros micros = {
	.tile = TILE,
	.fn = { micro_1, micro_2, micro_3, micro_4, micro_5, micro_6 },
	.prepare = prepare,
	.few = &qk_micros_dotprod,
};

static QK_DECL_CONV(conv2d_i8mm)
{
	qk_convloop(&micros, cmd, in, weights, channels, out, tile, scratch);
}

void qk_init_i8mm(struct qk_table *table)
{
	table->conv2d = conv2d_i8mm;
}
