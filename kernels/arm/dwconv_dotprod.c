// SPDX-License-Identifier: MIT
/*
 * DWCONV2D with sdot, where it pays: four taps of a channel have to lie side by
 * side, and interleaving four inputs of 16 channels takes 8 zips for 4 sdot.
 * That is hardly better than NEON's 16 instructions. But under a filter 3 wide
 * the same four inputs serve two neighbouring outputs, with the weights moved
 * by one: 4 pixels by a filter row take 14 zips and 16 sdot where NEON takes 48
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

static void make_quads(const struct qk_dw *dw, const struct qk_dw_work *work)
{
	const int8x16_t zero = vdupq_n_s8(0);

	for (uint32_t ky = 0; ky < dw->cmd->kh; ky++) {
		struct qk_dw_quads *quads = &work->quads[ky];
		int8x16_t w0 = vld1q_s8(work->narrow[3 * ky]);
		int8x16_t w1 = vld1q_s8(work->narrow[3 * ky + 1]);
		int8x16_t w2 = vld1q_s8(work->narrow[3 * ky + 2]);
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

static void micro(const struct qk_dw *dw, const struct qk_lanes *lanes,
		  const struct qk_dw_work *work, const uint8_t *p,
		  uint8_t *out)
{
	size_t row = dw->cmd->dilation_h * dw->strip.row;
	size_t pixel = dw->strip.pixel;
	int32x4_t acc[QK_DW_TILE][4];

#pragma GCC unroll 4
	for (int i = 0; i < QK_DW_TILE; i++)
#pragma GCC unroll 4
		for (int q = 0; q < 4; q++)
			acc[i][q] = lanes->init[q];
	for (uint32_t ky = 0; ky < dw->cmd->kh; ky++, p += row) {
		const struct qk_dw_quads *w = &work->quads[ky];
		int8x16_t x[3][2];	/* inputs 0 and 1, 2 and 3, 4 and 5 */

#pragma GCC unroll 3
		for (int i = 0; i < 3; i++) {
			const uint8_t *at = p + 2 * (size_t)i * pixel;

			zip8(vreinterpretq_s8_u8(vld1q_u8(at)),
			     vreinterpretq_s8_u8(vld1q_u8(at + pixel)), x[i]);
		}
#pragma GCC unroll 4
		for (int q = 0; q < 4; q++) {
			int8x16_t left = vld1q_s8(w->left[q]);
			int8x16_t right = vld1q_s8(w->right[q]);
			int8x16_t x03 = quad(x[0], x[1], q);
			int8x16_t x25 = quad(x[1], x[2], q);

			acc[0][q] = vdotq_s32(acc[0][q], x03, left);
			acc[1][q] = vdotq_s32(acc[1][q], x03, right);
			acc[2][q] = vdotq_s32(acc[2][q], x25, left);
			acc[3][q] = vdotq_s32(acc[3][q], x25, right);
		}
	}
	qk_lanes_store(lanes, &dw->finish, dw->single, acc, QK_DW_TILE, out,
		       dw->cmd->out.c);
}

static const struct qk_dw_threes threes = {
	.make_quads = make_quads,
	.micro = micro,
};

QK_DECL_CONV(qk_dwconv2d_dotprod)
{
	qk_dwloop(&threes, cmd, in, weights, channels, out, tile, scratch);
}
