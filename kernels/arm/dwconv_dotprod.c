// SPDX-License-Identifier: MIT
/*
 * DWCONV2D with sdot, where it pays: four taps of a channel have to lie side by
 * side, and interleaving four inputs of 16 channels takes 8 zips for 4 sdot.
 * That is hardly better than NEON's 16 instructions. But under a filter 3 wide
 * neighbouring outputs share inputs, and so the first half of those zips, and
 * with stride 1 the whole quad serves two outputs, with the weights moved by
 * one: 4 pixels by a filter row take 14 zips and 16 sdot where NEON takes 48
 * instructions.
 */
#include "dotprod.h"
#include "dwconv_neon.h"

/* Bytes of two vectors in turn, in order. */
static inline void zip8(int8x16_t a, int8x16_t b, int8x16_t z[2])
{
	z[0] = vzip1q_s8(a, b);
	z[1] = vzip2q_s8(a, b);
}

/*
 * Channels 4 q to 4 q + 3 of four vectors, of which the first two and the last
 * two are zipped: four bytes of each channel.
 */
static inline __attribute__((always_inline)) int8x16_t
quad(const int8x16_t ab[2], const int8x16_t cd[2], int q)
{
	int16x8_t lo = vreinterpretq_s16_s8(ab[q / 2]);
	int16x8_t hi = vreinterpretq_s16_s8(cd[q / 2]);

	return vreinterpretq_s8_s16(q % 2 ? vzip2q_s16(lo, hi) :
				    vzip1q_s16(lo, hi));
}

static void make_quads(const struct qk_dw *dw, const int8_t (*w)[16],
		       struct qk_dw_quads *quads)
{
	const int8x16_t zero = vdupq_n_s8(0);

	for (uint32_t ky = 0; ky < dw->cmd->kh; ky++, w += 3, quads++) {
		int8x16_t w0 = vld1q_s8(w[0]);
		int8x16_t w1 = vld1q_s8(w[1]);
		int8x16_t w2 = vld1q_s8(w[2]);
		int8x16_t w01[2], w12[2], w20[2], w00[2];

		zip8(w0, w1, w01);
		zip8(w1, w2, w12);
		zip8(w2, zero, w20);
		zip8(zero, w0, w00);
#pragma GCC unroll 4
		for (int q = 0; q < 4; q++) {
			vst1q_s8(quads->left[q], quad(w01, w20, q));
			vst1q_s8(quads->right[q], quad(w00, w12, q));
		}
	}
}

/* Inputs 2 i and 2 i + 1 of some; the last may be alone. */
static inline __attribute__((always_inline)) void
load_pair(int8x16_t z[2], const uint8_t *p, size_t pixel, int i,
	  const int inputs)
{
	const uint8_t *at = p + 2 * (size_t)i * pixel;
	int8x16_t x0 = vreinterpretq_s8_u8(vld1q_u8(at)), x1 = x0;

	if (2 * i + 1 < inputs)
		x1 = vreinterpretq_s8_u8(vld1q_u8(at + pixel));
	zip8(x0, x1, z);
}

/*
 * One filter row. The fourth of a quad counts nothing on the left, so that the
 * last input may stand for one that is not there. With stride 1 every quad
 * serves two pixels. Pair by pair, or registers would run out.
 */
static inline __attribute__((always_inline)) void
add_row(int32x4_t (*acc)[4], const struct qk_dw_quads *quads, const uint8_t *p,
	size_t pixel, const int m, const int stride)
{
	const int inputs = (m - 1) * stride + 3;
	int8x16x4_t left = vld1q_s8_x4(quads->left[0]);
	int8x16x4_t right = vld1q_s8_x4(quads->right[0]);
	int8x16_t x[5][2];

	load_pair(x[0], p, pixel, 0, inputs);
#pragma GCC unroll 4
	for (int g = 0; 2 * g < m * stride; g++) {
		int i = 2 * g / stride;

		load_pair(x[g + 1], p, pixel, g + 1, inputs);
#pragma GCC unroll 4
		for (int q = 0; q < 4; q++) {
			int8x16_t xq = quad(x[g], x[g + 1], q);

			acc[i][q] = vdotq_s32(acc[i][q], xq, left.val[q]);
			if (stride == 1 && i + 1 < m)
				acc[i + 1][q] = vdotq_s32(acc[i + 1][q], xq,
							  right.val[q]);
		}
	}
}

/* m pixels; m and stride are constant where it is inlined. */
static inline __attribute__((always_inline)) void
micro(const struct qk_dw *dw, const struct qk_lanes *lanes,
      const struct qk_dw_quads *quads, const uint8_t *p, uint8_t *out,
      const int m, const int stride)
{
	size_t row = dw->cmd->dilation_h * dw->strip.row;
	int32x4_t acc[QK_DW_TILE][4];

#pragma GCC unroll 4
	for (int i = 0; i < m; i++)
#pragma GCC unroll 4
		for (int q = 0; q < 4; q++)
			acc[i][q] = lanes->init[q];
	for (uint32_t ky = 0; ky < dw->cmd->kh; ky++, p += row)
		add_row(acc, &quads[ky], p, dw->strip.pixel, m, stride);
	qk_lanes_store(lanes, &dw->finish, dw->single, acc, m, out,
		       dw->strip.pixel);
}

static inline __attribute__((always_inline)) void
run(const struct qk_dw *dw, const struct qk_lanes *lanes,
    const struct qk_dw_quads *quads, const uint8_t *p, uint32_t rows,
    uint32_t columns, uint8_t *out, const int stride)
{
	size_t in_row = dw->strip.step_y * dw->strip.row;
	size_t pixel = dw->strip.pixel, step = (size_t)stride * pixel;
	size_t out_row = dw->cmd->out.w * pixel;

	for (uint32_t y = 0; y < rows; y++, p += in_row, out += out_row) {
		const uint8_t *from = p;
		uint8_t *to = out;
		uint32_t x = columns;

		for (; x >= 4; x -= 4, from += 4 * step, to += 4 * pixel)
			micro(dw, lanes, quads, from, to, 4, stride);
		for (; x >= 2; x -= 2, from += 2 * step, to += 2 * pixel)
			micro(dw, lanes, quads, from, to, 2, stride);
		if (x)
			micro(dw, lanes, quads, from, to, 1, stride);
	}
}

static void run_strip(const struct qk_dw *dw, const struct qk_lanes *lanes,
		      const struct qk_dw_quads *quads, const uint8_t *p,
		      uint32_t rows, uint32_t columns, uint8_t *out)
{
	if (dw->strip.step_x == 1)
		run(dw, lanes, quads, p, rows, columns, out, 1);
	else
		run(dw, lanes, quads, p, rows, columns, out, 2);
}

static const struct qk_dw_threes threes = {
	.make_quads = make_quads,
	.run_strip = run_strip,
};

QK_DECL_CONV(qk_dwconv2d_dotprod)
{
	qk_dwloop(&threes, cmd, in, weights, channels, out, tile, scratch);
}
