// SPDX-License-Identifier: MIT
/*
 * DWCONV2D for AVX-VNNI, 16 channels of two pixels at a time
 *
 * The input comes as a strip of unsigned bytes, which has a depth multiplier's
 * repetitions. Four taps are taken together: their bytes interleaved, one pixel
 * in the lower half of each register and its neighbour in the upper one, and
 * multiplied with the likewise interleaved weights by vpdpbusd. Where taps are
 * no multiple of four, weights of 0 fill up.
 */
#include "avx2.h"
#include "avxvnni.h"
#include "scale_avx2.h"
#include "../strip.h"
#include "bytes_avxvnni.h"
#include "../ref/ref.h"

#define SMALL_FILTER	3u		/* quads of taps of a filter 3 by 3 */

/* struct quad - four taps of 16 channels, 4 of them in each vector */
struct quad {
	__m256i weights[4];
	__m256i ones;			/* 1 for each tap that there is */
};

/* struct job - one call, with what its loops share */
struct job {
	const struct qaccel_cmd_conv *cmd;
	const int8_t *weights;
	const struct qaccel_channel *channels;
	const struct qk_tile *tile;
	struct qk_final final;
	struct qk_strip strip;
	uint32_t taps, quads;
	int32_t *tap;			/* [4 quads]: from the window's first */
	struct quad *quad;
	uint8_t *copy;			/* the strip */
};

/* struct block - 16 channels, or the last few */
struct block {
	struct qk_lanes lanes;
	__m256i init[4];		/* of 4 channels, in both halves */
	uint32_t count;
};

static inline void interleave(const __m256i x[4], __m256i quad[4])
{
	__m256i ab_lo = _mm256_unpacklo_epi8(x[0], x[1]);
	__m256i ab_hi = _mm256_unpackhi_epi8(x[0], x[1]);
	__m256i cd_lo = _mm256_unpacklo_epi8(x[2], x[3]);
	__m256i cd_hi = _mm256_unpackhi_epi8(x[2], x[3]);

	quad[0] = _mm256_unpacklo_epi16(ab_lo, cd_lo);
	quad[1] = _mm256_unpackhi_epi16(ab_lo, cd_lo);
	quad[2] = _mm256_unpacklo_epi16(ab_hi, cd_hi);
	quad[3] = _mm256_unpackhi_epi16(ab_hi, cd_hi);
}

/* 16 bytes of each of two pixels. */
static inline __m256i load(const void *p, const void *q)
{
	return _mm256_inserti128_si256(_mm256_castsi128_si256(
		_mm_loadu_si128((const __m128i *)p)),
		_mm_loadu_si128((const __m128i *)q), 1);
}

/* ------------------------------------------------------------- weights -- */

static void make_quad(const struct job *job, const int8_t *w, uint32_t i,
		      struct quad *q)
{
	uint32_t left = job->taps - 4 * i;
	__m256i x[4];

	for (uint32_t j = 0; j < 4; j++) {
		const int8_t *tap = w + (size_t)(4 * i + j) * QK_BLOCK;

		x[j] = j < left ? load(tap, tap) : _mm256_setzero_si256();
	}
	interleave(x, q->weights);
	q->ones = _mm256_set1_epi32(left >= 4 ? 0x01010101 :
				    0x01010101 >> (8 * (4 - left)));
}

static void block_init(const struct job *job, uint32_t c, struct block *b)
{
	const int8_t *w = job->weights + qk_c16_index(job->taps, c, 0);

	qk_lanes_init(&b->lanes, &job->final, job->channels + c);
	for (int h = 0; h < 2; h++) {
		__m256i init = b->lanes.init[h];

		b->init[2 * h] = _mm256_permute2x128_si256(init, init, 0x00);
		b->init[2 * h + 1] = _mm256_permute2x128_si256(init, init,
							       0x11);
	}
	b->count = job->tile->c1 - c < QK_BLOCK ? job->tile->c1 - c : QK_BLOCK;
	for (uint32_t i = 0; i < job->quads; i++)
		make_quad(job, w, i, job->quad + i);
}

/* Those that fill up repeat the first: it is read as well. */
static void make_taps(const struct job *job)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;

	for (uint32_t i = 0; i < 4 * job->quads; i++) {
		uint32_t tap = i < job->taps ? i : 0;
		size_t y = (size_t)(tap / cmd->kw) * cmd->dilation_h;
		size_t x = (size_t)(tap % cmd->kw) * cmd->dilation_w;

		job->tap[i] = (int32_t)(y * job->strip.row + x * cmd->out.c);
	}
}

/* --------------------------------------------------------- micro-kernel -- */

static inline void finish(const struct job *job, const struct block *b,
			  const __m256i acc[4], uint8_t *out0, uint8_t *out1)
{
	const __m256i pixels[4] = {
		_mm256_permute2x128_si256(acc[0], acc[1], 0x20),
		_mm256_permute2x128_si256(acc[2], acc[3], 0x20),
		_mm256_permute2x128_si256(acc[0], acc[1], 0x31),
		_mm256_permute2x128_si256(acc[2], acc[3], 0x31),
	};
	__m128i bytes[2];

	qk_finish_pixels(&job->final, &b->lanes, pixels[0], pixels[1],
			 pixels[2], pixels[3], QK_ORDER_PLAIN,
			 job->final.clamps_negative, bytes);
	qk_vstore(out0, bytes[0], b->count);
	qk_vstore(out1, bytes[1], b->count);
}

/*
 * Two pixels; out1 may be out0, and p1 then p0. sums: the weights' zero point
 * takes sums of x'.
 */
static inline __attribute__((always_inline)) void
micro(const struct job *job, const struct block *b, const uint8_t *p0,
      const uint8_t *p1, uint8_t *out0, uint8_t *out1, const uint32_t quads,
      const bool sums)
{
	const __m256i zw = _mm256_set1_epi32(job->cmd->weight_zero_point);
	const int32_t *tap = job->tap;
	__m256i acc[4], sum[4];

#pragma GCC unroll 4
	for (int j = 0; j < 4; j++) {
		acc[j] = b->init[j];
		sum[j] = _mm256_setzero_si256();
	}
#pragma GCC unroll 3
	for (uint32_t i = 0; i < quads; i++, tap += 4) {
		const struct quad *q = job->quad + i;
		const __m256i x[4] = {
			load(p0 + tap[0], p1 + tap[0]),
			load(p0 + tap[1], p1 + tap[1]),
			load(p0 + tap[2], p1 + tap[2]),
			load(p0 + tap[3], p1 + tap[3]),
		};
		__m256i v[4];

		interleave(x, v);
#pragma GCC unroll 4
		for (int j = 0; j < 4; j++) {
			acc[j] = qk_dpbusd(acc[j], v[j], q->weights[j]);
			if (sums)
				sum[j] = qk_dpbusd(sum[j], v[j], q->ones);
		}
	}
	if (sums)
		for (int j = 0; j < 4; j++)
			acc[j] = _mm256_sub_epi32(acc[j],
					_mm256_mullo_epi32(sum[j], zw));
	finish(job, b, acc, out0, out1);
}

/* columns pixels of an output row. */
static inline __attribute__((always_inline)) void
run_row(const struct job *job, const struct block *b, const uint8_t *p,
	uint32_t columns, uint8_t *out, const uint32_t quads, const bool sums)
{
	size_t oc = job->cmd->out.c, step = job->strip.step_x * oc;

	for (; columns >= 2; columns -= 2, p += 2 * step, out += 2 * oc)
		micro(job, b, p, p + step, out, out + oc, quads, sums);
	if (columns)
		micro(job, b, p, p, out, out, quads, sums);
}

/* ---------------------------------------------------------------- call -- */

static void run_block(const struct job *job, const struct block *b,
		      const uint8_t *p, uint32_t rows, uint32_t columns,
		      uint8_t *out)
{
	size_t step = job->strip.step_y * job->strip.row;
	size_t out_row = (size_t)job->cmd->out.w * job->cmd->out.c;

	for (; rows; rows--, p += step, out += out_row) {
		if (job->cmd->weight_zero_point)
			run_row(job, b, p, columns, out, job->quads, true);
		else if (job->quads == SMALL_FILTER)
			run_row(job, b, p, columns, out, SMALL_FILTER, false);
		else
			run_row(job, b, p, columns, out, job->quads, false);
	}
}

/* Output rows [y, y + rows) of the whole batch, columns from x on. */
static void run_strip(const struct job *job, const uint8_t *in, uint8_t *out,
		      uint32_t y, uint32_t rows, uint32_t x, uint32_t columns)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	uint32_t n = y / cmd->out.h, oy = y % cmd->out.h;
	struct block b;

	qk_strip_fill_with(&qk_bytes, cmd, &job->strip,
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
	job->quads = (job->taps + 3) / 4;
	job->final = qk_final_set(cmd, job->taps,
				  job->strip.flip, QK_ORDER_PLAIN);
	return true;
}

/* Sets the parts of scratch; returns the sum of their sizes. */
static size_t split_scratch(struct job *job, void *scratch)
{
	size_t quad = qk_round_up(job->quads * sizeof(*job->quad), 64);
	size_t tap = qk_round_up(job->quads * 4 * sizeof(*job->tap), 64);
	uint8_t *at = scratch;

	if (at) {
		job->quad = (void *)at;
		job->tap = (void *)(at + quad);
		job->copy = at + quad + tap;
	}
	return quad + tap + qk_round_up(job->strip.size + QK_BYTES_SLACK, 64);
}

size_t qk_dwconv2d_scratch_avxvnni(const struct qaccel_cmd_conv *cmd)
{
	size_t size = qk_dw3x3_scratch_avxvnni(cmd);
	struct job job;

	if (!size)
		size = qk_dw3x3_scratch_avx2(cmd);
	if (!size && job_init(&job, cmd))
		size = split_scratch(&job, NULL);
	return size;
}

QK_DECL_CONV(qk_dwconv2d_avxvnni)
{
	struct job job;

	if (qk_dw3x3_scratch_avxvnni(cmd)) {
		qk_dw3x3_avxvnni(cmd, in, weights, channels, out, tile,
				 scratch);
		return;
	}
	if (qk_dw3x3_scratch_avx2(cmd)) {
		qk_dw3x3_avx2(cmd, in, weights, channels, out, tile, scratch);
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
