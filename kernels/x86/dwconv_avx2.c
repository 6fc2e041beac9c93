/* SPDX-License-Identifier: MIT */
/*
 * DWCONV2D for QACCEL_LAYOUT_C16, 16 channels of two pixels at a time. Common
 * filters, 3 by 3 and 5 by 5, have loops of their own (dwloop_avx2.h).
 *
 * The input comes as a strip of 16-bit values, which has a depth multiplier's
 * repetitions, so that it has as many channels as the output. Two taps are
 * taken together: their values interleaved and multiplied with the likewise
 * interleaved weights by vpmaddwd, which gives the exact sum of both products:
 * |x| <= 255 and |w - Zw| <= 255. An odd number of taps is filled up with a
 * weight of 0.
 */
#include "avx2.h"
#include "scale_avx2.h"
#include "../strip.h"
#include "words_avx2.h"
#include "../ref/ref.h"

#define SMALL_FILTER	5u		/* pairs of taps of a filter 3 by 3 */

/* struct job - one call, with what its loops share */
struct job {
	const struct qaccel_cmd_conv *cmd;
	const int8_t *weights;
	const struct qaccel_channel *channels;
	const struct qk_tile *tile;
	struct qk_final final;
	struct qk_strip strip;
	uint32_t taps, pairs;
	int32_t *tap;			/* [2 pairs]: from the window's first */
	int16_t *wide;			/* [pairs][2][8 channels][2], less Zw */
	int16_t *copy;			/* the strip */
};

/* struct block - 16 channels, or the last few */
struct block {
	struct qk_lanes lanes;
	uint32_t count;
};

static inline void interleave(__m256i a, __m256i b, __m256i pair[2])
{
	pair[0] = _mm256_unpacklo_epi16(a, b);
	pair[1] = _mm256_unpackhi_epi16(a, b);
}

static inline __m256i load(const int16_t *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* ------------------------------------------------------------- weights -- */

static __m256i tap_weights(const struct job *job, const int8_t *w, uint32_t tap)
{
	const __m256i zw = _mm256_set1_epi16(
		(int16_t)job->cmd->weight_zero_point);

	if (tap >= job->taps)
		return _mm256_setzero_si256();
	return _mm256_sub_epi16(_mm256_cvtepi8_epi16(_mm_loadu_si128(
		(const __m128i *)(w + (size_t)tap * QK_BLOCK))), zw);
}

static void block_init(const struct job *job, uint32_t c, struct block *b)
{
	const int8_t *w = job->weights + qk_c16_index(job->taps, c, 0);
	__m256i *to = (__m256i *)(void *)job->wide;

	qk_lanes_init(&b->lanes, &job->final, job->channels + c);
	b->count = job->tile->c1 - c < QK_BLOCK ? job->tile->c1 - c : QK_BLOCK;
	for (uint32_t i = 0; i < job->pairs; i++, to += 2)
		interleave(tap_weights(job, w, 2 * i),
			   tap_weights(job, w, 2 * i + 1), to);
}

/* The one that fills up repeats the first: it is read as well. */
static void make_taps(const struct job *job)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;

	for (uint32_t i = 0; i < 2 * job->pairs; i++) {
		uint32_t tap = i < job->taps ? i : 0;
		size_t y = (size_t)(tap / cmd->kw) * cmd->dilation_h;
		size_t x = (size_t)(tap % cmd->kw) * cmd->dilation_w;

		job->tap[i] = (int32_t)(y * job->strip.row + x * cmd->out.c);
	}
}

/* --------------------------------------------------------- micro-kernel -- */

/* Two pixels; out1 may be out0, and p1 then p0. */
static inline __attribute__((always_inline)) void
micro(const struct job *job, const struct block *b, const int16_t *p0,
      const int16_t *p1, uint8_t *out0, uint8_t *out1, const uint32_t pairs)
{
	const __m256i *w = (const __m256i *)(const void *)job->wide;
	const int32_t *tap = job->tap;
	__m256i acc[4] = { b->lanes.init[0], b->lanes.init[1],
			   b->lanes.init[0], b->lanes.init[1] };
	__m128i pixel[2];

#pragma GCC unroll 5
	for (uint32_t i = 0; i < pairs; i++) {
		__m256i x[4];

		interleave(load(p0 + tap[2 * i]), load(p0 + tap[2 * i + 1]), x);
		interleave(load(p1 + tap[2 * i]), load(p1 + tap[2 * i + 1]),
			   x + 2);
#pragma GCC unroll 4
		for (uint32_t j = 0; j < 4; j++) {
			acc[j] = _mm256_add_epi32(acc[j], _mm256_madd_epi16(
				x[j], w[2 * i + j % 2]));
			QK_PIN(acc[j]);
		}
	}
	qk_finish_pixels(&job->final, &b->lanes, acc[0], acc[1], acc[2], acc[3],
			 QK_ORDER_SPLIT, job->final.clamps_negative, pixel);
	qk_vstore(out0, pixel[0], b->count);
	qk_vstore(out1, pixel[1], b->count);
}

/* columns pixels of an output row. */
static inline __attribute__((always_inline)) void
run_row(const struct job *job, const struct block *b, const int16_t *p,
	uint32_t columns, uint8_t *out, const uint32_t pairs)
{
	size_t oc = job->cmd->out.c, step = job->strip.step_x * oc;

	for (; columns >= 2; columns -= 2, p += 2 * step, out += 2 * oc)
		micro(job, b, p, p + step, out, out + oc, pairs);
	if (columns)
		micro(job, b, p, p, out, out, pairs);
}

/* ---------------------------------------------------------------- call -- */

static void run_block(const struct job *job, const struct block *b,
		      const int16_t *p, uint32_t rows, uint32_t columns,
		      uint8_t *out)
{
	size_t step = job->strip.step_y * job->strip.row;
	size_t out_row = (size_t)job->cmd->out.w * job->cmd->out.c;

	for (; rows; rows--, p += step, out += out_row) {
		if (job->pairs == SMALL_FILTER)
			run_row(job, b, p, columns, out, SMALL_FILTER);
		else
			run_row(job, b, p, columns, out, job->pairs);
	}
}

/* Output rows [y, y + rows) of the whole batch, columns from x on. */
static void run_strip(const struct job *job, const uint8_t *in, uint8_t *out,
		      uint32_t y, uint32_t rows, uint32_t x, uint32_t columns)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	uint32_t n = y / cmd->out.h, oy = y % cmd->out.h;
	struct block b;

	qk_strip_fill_with(&qk_words, cmd, &job->strip,
			   in + qk_offset(&cmd->in, n, 0, 0), oy, x, rows,
			   job->copy);
	out += qk_offset(&cmd->out, n, oy, x);
	for (uint32_t c = job->tile->c0; c < job->tile->c1; c += QK_BLOCK) {
		block_init(job, c, &b);
		run_block(job, &b, job->copy + c, rows, columns, out + c);
	}
}

static void run_rows(const struct job *job, const uint8_t *in, uint8_t *out)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	uint32_t rows, columns;

	for (uint32_t y = job->tile->y0; y < job->tile->y1; y += rows) {
		uint32_t left = cmd->out.h - y % cmd->out.h;

		/* A strip lies in one image. */
		rows = job->strip.rows < left ? job->strip.rows : left;
		rows = rows < job->tile->y1 - y ? rows : job->tile->y1 - y;
		for (uint32_t x = 0; x < cmd->out.w; x += columns) {
			columns = job->strip.columns;
			columns = columns < cmd->out.w - x ? columns :
				  cmd->out.w - x;
			run_strip(job, in, out, y, rows, x, columns);
		}
	}
}

static bool job_init(struct job *job, const struct qaccel_cmd_conv *cmd)
{
	if (!qk_strip_choose(cmd, cmd->out.h, cmd->out.w, QACCEL_DTYPE_S8,
			     &job->strip))
		return false;
	job->cmd = cmd;
	job->taps = (uint32_t)cmd->kh * cmd->kw;
	job->pairs = (job->taps + 1) / 2;
	job->final = qk_final_set(cmd, job->taps,
				  0, QK_ORDER_SPLIT);
	return true;
}

/* Sets the parts of scratch; returns the sum of their sizes. */
static size_t split_scratch(struct job *job, void *scratch)
{
	size_t wide = job->pairs * 2 * QK_BLOCK * sizeof(*job->wide);
	size_t tap = qk_round_up(job->pairs * 2 * sizeof(*job->tap), 64);
	size_t copy = (job->strip.size + QK_WORDS_SLACK) * sizeof(*job->copy);
	uint8_t *at = scratch;

	if (at) {
		job->wide = (void *)at;
		job->tap = (void *)(at + wide);
		job->copy = (void *)(at + wide + tap);
	}
	return wide + tap + qk_round_up(copy, 64);
}

size_t qk_dwconv2d_scratch_avx2(const struct qaccel_cmd_conv *cmd)
{
	size_t size = qk_dw3x3_scratch_avx2(cmd);
	struct job job;

	if (!size)
		size = qk_dw5x5_scratch_avx2(cmd);
	if (!size && job_init(&job, cmd))
		size = split_scratch(&job, NULL);
	return size;
}

QK_DECL_CONV(qk_dwconv2d_avx2)
{
	struct job job;

	if (qk_dw3x3_scratch_avx2(cmd)) {
		qk_dw3x3_avx2(cmd, in, weights, channels, out, tile, scratch);
		return;
	}
	if (qk_dw5x5_scratch_avx2(cmd)) {
		qk_dw5x5_avx2(cmd, in, weights, channels, out, tile, scratch);
		return;
	}
	if (!job_init(&job, cmd)) {
		qk_dwconv2d_ref(cmd, in, weights, channels, out, tile, scratch);
		return;
	}
	job.weights = weights;
	job.channels = channels;
	job.tile = tile;
	split_scratch(&job, scratch);
	make_taps(&job);
	run_rows(&job, in, out);
}
