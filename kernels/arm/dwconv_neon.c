// SPDX-License-Identifier: MIT
/*
 * DWCONV2D for NEON, 16 channels of 4 pixels at a time, and the loops of all
 * levels.
 *
 * The weights of a block become w - Zw first, so that no sums of x' are needed.
 * Where all of them lie in [-127, 127] they stay bytes, and as
 * 2 * 128 * 127 < 2^15, the products of two taps are added as words before they
 * go to an accumulator. Other filters multiply words, |w - Zw| <= 255.
 */
#include "dwconv_neon.h"

#include "../ref/ref.h"
#include "neon.h"

/* struct block - 16 channels */
struct block {
	struct qk_lanes lanes;
	bool narrow;
	bool threes;			/* its quads are made */
};

/* ------------------------------------------------------------- weights -- */

/*
 * A tap that is not there has weights of zero. Returns whether all differences
 * lie in [-127, 127].
 */
static bool make_weights(const struct qk_dw *dw, const int8_t *w,
			 const struct qk_dw_work *work)
{
	const int16x8_t zw = vdupq_n_s16(
		(int16_t)dw->cmd->weight_zero_point);
	int16x8_t most = vdupq_n_s16(0);

	for (uint32_t t = 0; t < dw->taps; t++, w += QK_BLOCK) {
		int8x16_t wv = vld1q_s8(w);
		int16x8_t lo = vsubq_s16(vmovl_s8(vget_low_s8(wv)), zw);
		int16x8_t hi = vsubq_s16(vmovl_high_s8(wv), zw);

		most = vmaxq_s16(most, vmaxq_s16(vabsq_s16(lo),
						 vabsq_s16(hi)));
		vst1q_s8(work->narrow[t], vmovn_high_s16(vmovn_s16(lo), hi));
		vst1q_s16(work->wide[t], lo);
		vst1q_s16(work->wide[t] + 8, hi);
	}
	if (dw->padded > dw->taps) {
		memset(work->narrow[dw->taps], 0, sizeof(*work->narrow));
		memset(work->wide[dw->taps], 0, sizeof(*work->wide));
	}
	return vmaxvq_s16(most) <= 127;
}

static void block_init(const struct qk_dw *dw, struct block *b,
		       const int8_t *weights,
		       const struct qaccel_channel *channels, uint32_t c,
		       uint32_t count, const struct qk_dw_work *work)
{
	qk_lanes_init(&b->lanes, dw->cmd, channels + c, count, dw->taps,
		      dw->strip.flip);
	weights += (size_t)c * dw->taps;
	b->threes = dw->threes && !dw->cmd->weight_zero_point;
	if (b->threes) {
		dw->threes->make_quads(dw, (const int8_t(*)[16])weights,
				       work->quads);
		return;
	}
	b->narrow = make_weights(dw, weights, work);
	b->threes = b->narrow && dw->threes;
	if (b->threes)
		dw->threes->make_quads(dw, (const int8_t(*)[16])work->narrow,
				       work->quads);
}

/* --------------------------------------------------------- micro-kernels -- */

/* x' of one tap of a pixel. */
static inline int8x16_t load(const uint8_t *p)
{
	return vreinterpretq_s8_u8(vld1q_u8(p));
}

static inline __attribute__((always_inline)) void
add_narrow(int32x4_t acc[4], const int8x16_t w[2], const int8x16_t x[2])
{
	int16x8_t lo = vmull_s8(vget_low_s8(w[0]), vget_low_s8(x[0]));
	int16x8_t hi = vmull_high_s8(w[0], x[0]);

	lo = vmlal_s8(lo, vget_low_s8(w[1]), vget_low_s8(x[1]));
	hi = vmlal_high_s8(hi, w[1], x[1]);
	acc[0] = vaddw_s16(acc[0], vget_low_s16(lo));
	acc[1] = vaddw_high_s16(acc[1], lo);
	acc[2] = vaddw_s16(acc[2], vget_low_s16(hi));
	acc[3] = vaddw_high_s16(acc[3], hi);
}

static inline __attribute__((always_inline)) void
add_wide(int32x4_t acc[4], int16x8_t w0, int16x8_t w1, int8x16_t x)
{
	int16x8_t x0 = vmovl_s8(vget_low_s8(x)), x1 = vmovl_high_s8(x);

	acc[0] = vmlal_s16(acc[0], vget_low_s16(w0), vget_low_s16(x0));
	acc[1] = vmlal_high_s16(acc[1], w0, x0);
	acc[2] = vmlal_s16(acc[2], vget_low_s16(w1), vget_low_s16(x1));
	acc[3] = vmlal_high_s16(acc[3], w1, x1);
}

/* m pixels, step bytes apart; m and narrow constant where it is inlined. */
static inline __attribute__((always_inline)) void
micro(const struct qk_dw *dw, const struct block *b,
      const struct qk_dw_work *work, const uint8_t *p, size_t step,
      uint8_t *out, const int m, const bool narrow)
{
	int32x4_t acc[QK_DW_TILE][4];

#pragma GCC unroll 4
	for (int i = 0; i < m; i++)
#pragma GCC unroll 4
		for (int q = 0; q < 4; q++)
			acc[i][q] = b->lanes.init[q];
	for (uint32_t t = 0; narrow && t < dw->padded; t += 2) {
		const uint8_t *at[2] = { p + work->tap[t],
					 p + work->tap[t + 1] };
		int8x16_t w[2] = { vld1q_s8(work->narrow[t]),
				   vld1q_s8(work->narrow[t + 1]) };

#pragma GCC unroll 4
		for (int i = 0; i < m; i++) {
			int8x16_t x[2] = { load(at[0] + (size_t)i * step),
					   load(at[1] + (size_t)i * step) };

			add_narrow(acc[i], w, x);
		}
	}
	for (uint32_t t = 0; !narrow && t < dw->taps; t++) {
		int16x8_t w0 = vld1q_s16(work->wide[t]);
		int16x8_t w1 = vld1q_s16(work->wide[t] + 8);
		const uint8_t *at = p + work->tap[t];

#pragma GCC unroll 4
		for (int i = 0; i < m; i++)
			add_wide(acc[i], w0, w1, load(at + (size_t)i * step));
	}
	qk_lanes_store(&b->lanes, &dw->finish, dw->single, acc, m, out,
		       dw->cmd->out.c);
}

/* ---------------------------------------------------------------- call -- */

/* One output row of a strip: columns pixels. */
static inline __attribute__((always_inline)) void
run_row(const struct qk_dw *dw, const struct block *b,
	const struct qk_dw_work *work, const uint8_t *p, uint32_t columns,
	uint8_t *out, const bool narrow)
{
	size_t oc = dw->cmd->out.c, step = dw->strip.step_x * oc;
	uint32_t x = 0;

	for (; x + QK_DW_TILE <= columns; x += QK_DW_TILE)
		micro(dw, b, work, p + x * step, step, out + x * oc, QK_DW_TILE,
		      narrow);
	for (; x < columns; x++)
		micro(dw, b, work, p + x * step, step, out + x * oc, 1,
		      narrow);
}

static void run_strip(const struct qk_dw *dw, const int8_t *weights,
		      const struct qaccel_channel *channels,
		      const struct qk_tile *tile, const struct qk_dw_work *work,
		      uint32_t rows, uint32_t columns, uint8_t *out)
{
	const struct qaccel_cmd_conv *cmd = dw->cmd;
	size_t out_row = (size_t)cmd->out.w * cmd->out.c;
	size_t in_row = dw->strip.step_y * dw->strip.row;
	struct block b;

	for (uint32_t c = tile->c0; c < tile->c1; c += QK_BLOCK) {
		uint32_t left = tile->c1 - c;
		const uint8_t *p = work->strip + c;

		block_init(dw, &b, weights, channels, c,
			   left < QK_BLOCK ? left : QK_BLOCK, work);
		if (b.threes) {
			dw->threes->run_strip(dw, &b.lanes, work->quads, p,
					      rows, columns, out + c);
			continue;
		}
		for (uint32_t y = 0; y < rows; y++, p += in_row) {
			uint8_t *to = out + y * out_row + c;

			if (b.narrow)
				run_row(dw, &b, work, p, columns, to, true);
			else
				run_row(dw, &b, work, p, columns, to, false);
		}
	}
}

static void make_taps(const struct qk_dw *dw, int32_t *tap)
{
	const struct qaccel_cmd_conv *cmd = dw->cmd;

	for (uint32_t ky = 0; ky < cmd->kh; ky++)
		for (uint32_t kx = 0; kx < cmd->kw; kx++)
			*tap++ = (int32_t)(ky * cmd->dilation_h *
					   dw->strip.row +
					   kx * cmd->dilation_w *
					   dw->strip.pixel);
	/* What is no tap reads what is read anyway. */
	*tap = tap[-1];
}

static void run_rows(const struct qk_dw *dw, const uint8_t *in,
		     const int8_t *weights,
		     const struct qaccel_channel *channels, uint8_t *out,
		     const struct qk_tile *tile, const struct qk_dw_work *work)
{
	const struct qaccel_cmd_conv *cmd = dw->cmd;
	uint32_t rows, columns;

	for (uint32_t y = tile->y0; y < tile->y1; y += rows) {
		uint32_t n = y / cmd->out.h, oy = y % cmd->out.h;

		/* A strip lies in one image. */
		rows = dw->strip.rows;
		rows = rows < cmd->out.h - oy ? rows : cmd->out.h - oy;
		rows = rows < tile->y1 - y ? rows : tile->y1 - y;
		for (uint32_t x = 0; x < cmd->out.w; x += columns) {
			columns = dw->strip.columns;
			columns = columns < cmd->out.w - x ? columns :
				  cmd->out.w - x;
			qk_strip_fill(cmd, &dw->strip,
				      in + qk_offset(&cmd->in, n, 0, 0), oy, x,
				      rows, work->strip);
			run_strip(dw, weights, channels, tile, work, rows,
				  columns,
				  out + qk_offset(&cmd->out, n, oy, x));
		}
	}
}

static bool has_threes(const struct qaccel_cmd_conv *cmd)
{
	return cmd->kw == 3 && cmd->stride_w <= 2 && cmd->dilation_w == 1;
}

static bool dw_init(struct qk_dw *dw, const struct qaccel_cmd_conv *cmd)
{
	if (!qk_strip_choose(cmd, cmd->out.h, cmd->out.w, QACCEL_DTYPE_U8,
			     &dw->strip))
		return false;
	dw->cmd = cmd;
	dw->threes = NULL;
	dw->finish = qk_finish_set(&cmd->out, cmd->out.zero_point,
				   cmd->act_min, cmd->act_max);
	dw->single = qk_single_rounding(&cmd->hdr);
	dw->taps = (uint32_t)cmd->kh * cmd->kw;
	dw->padded = (dw->taps + 1) & ~1u;
	return true;
}

/* Places of the parts of scratch; returns the sum of their sizes. */
static size_t split_scratch(const struct qk_dw *dw, void *scratch,
			    struct qk_dw_work *work)
{
	size_t taps = qk_round_up((dw->taps + 1) * sizeof(*work->tap), 64);
	size_t narrow = dw->padded * sizeof(*work->narrow);
	size_t wide = dw->padded * sizeof(*work->wide);
	/* Counted for every level, so that scratch is the same for all. */
	size_t quads = has_threes(dw->cmd) ?
		       dw->cmd->kh * sizeof(*work->quads) : 0;
	uint8_t *at = scratch;

	if (at) {
		work->tap = (int32_t *)at;
		work->narrow = (int8_t(*)[16])(at + taps);
		work->wide = (int16_t(*)[16])(void *)(at + taps + narrow);
		work->quads = (void *)(at + taps + narrow + wide);
		work->strip = at + taps + narrow + wide + quads;
	}
	return taps + narrow + wide + quads + dw->strip.size + QK_STRIP_SLACK;
}

size_t qk_dwconv2d_scratch_neon(const struct qaccel_cmd_conv *cmd)
{
	struct qk_dw dw;

	return dw_init(&dw, cmd) ? split_scratch(&dw, NULL, NULL) : 0;
}

void qk_dwloop(const struct qk_dw_threes *threes,
	       const struct qaccel_cmd_conv *cmd, const void *in,
	       const int8_t *weights, const struct qaccel_channel *channels,
	       void *out, const struct qk_tile *tile, void *scratch)
{
	struct qk_dw_work work = { 0 };
	struct qk_dw dw;

	if (!dw_init(&dw, cmd)) {
		qk_dwconv2d_ref(cmd, in, weights, channels, out, tile,
				scratch);
		return;
	}
	if (has_threes(cmd))
		dw.threes = threes;
	split_scratch(&dw, scratch, &work);
	make_taps(&dw, work.tap);
	run_rows(&dw, in, weights, channels, out, tile, &work);
}

QK_DECL_CONV(qk_dwconv2d_neon)
{
	qk_dwloop(NULL, cmd, in, weights, channels, out, tile, scratch);
}
