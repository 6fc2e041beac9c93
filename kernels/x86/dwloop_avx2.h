/* SPDX-License-Identifier: MIT */
/*
 * DWCONV2D with small square filters on 256 bits, in its own copy for each of
 * them and each level
 *
 * Values of one channel and column, from rows below each other, lie together in
 * a 32-bit lane: two words or four bytes. Then one instruction does a column of
 * a part of the filter, and because the weights of a second output row are those
 * of the first, moved by one row, both rows use the same lanes, as do all windows
 * that a column is in. Interleaved rows are kept for the rows of results that
 * follow.
 *
 * What differs comes from the file that includes this one:
 *
 *   DW_TAPS		in a row and in a column of the filter
 *   DW_PARTS		of the rows under two rows of results, in as many lanes
 *   DW_ROWS		in a part
 *   dw_dot()		accumulator, a part's lanes, weights
 *   dw_interleave()	rows of 16 channels to the lanes of both halves
 *   dw_weights()	the same for weights
 *   dw_pad()		columns of padding
 */
#ifndef QK_DWLOOP_AVX2_H
#define QK_DWLOOP_AVX2_H

#include "../strip.h"
#include "scale_avx2.h"

#define COLUMN		64u		/* bytes of 16 channels of a part */
/* Blocks of channels done in turn, so that most of a cache line is used. */
#define GROUP		2u
/* Interleaved rows at a time, beside which weights stay in the first cache. */
#define PARTS_SIZE	(18u << 10)
/* Input that stays in the next cache while its channels are gone through. */
#define BAND_SIZE	(128u << 10)

/* struct dw_job - one call */
struct dw_job {
	const struct qaccel_cmd_conv *cmd;
	const int8_t *weights;
	const struct qaccel_channel *channels;
	struct qk_final final;
	uint32_t columns;		/* of the output at a time, at most */
	size_t part;			/* bytes */
	size_t line;			/* bytes of an output row */
	uint8_t *copy;			/* scratch: parts of each block */
};

/* struct dw_block - 16 channels, or the last few */
struct dw_block {
	struct qk_lanes lanes;
	/* By tap in a row and half, for the first and second output row. */
	__m256i weights[DW_PARTS][DW_TAPS][2][2];
	uint32_t c, count;
	uint8_t *part[DW_PARTS];	/* interleaved rows, the upper ones first */
};

/* struct dw_span - some columns of the output */
struct dw_span {
	uint32_t x, columns;
	uint32_t first, last;		/* columns of the parts inside the input */
};

/* --------------------------------------------------------- micro-kernel -- */

/* struct dw_shape - of a tile of results, constant where it is inlined */
struct dw_shape {
	uint32_t rows, columns;
	bool clamps_negative;
};

/* struct dw_tile - where its windows and results are */
struct dw_tile {
	size_t window[4];		/* of each column, in all parts */
	uint8_t *out[2][4];		/* by row and column */
	uint32_t row;			/* whose weights the first has */
};

/* Each operand is loaded once, not in each instruction anew. */
static inline __attribute__((always_inline)) void
dw_column(const struct dw_block *b, const struct dw_tile *t,
	  const struct dw_shape s, uint32_t p, uint32_t tap, uint32_t h,
	  __m256i acc[2][4][2])
{
	__m256i w[2];

#pragma GCC unroll 2
	for (uint32_t y = 0; y < s.rows; y++) {
		w[y] = b->weights[p][tap][h][t->row + y];
		QK_PIN(w[y]);
	}
#pragma GCC unroll 4
	for (uint32_t x = 0; x < s.columns; x++) {
		__m256i v = *(const __m256i *)(const void *)(b->part[p] +
				t->window[x] + tap * COLUMN + h * 32);

		if (s.rows > 1)
			QK_PIN(v);
#pragma GCC unroll 2
		for (uint32_t y = 0; y < s.rows; y++)
			acc[y][x][h] = dw_dot(acc[y][x][h], v, w[y]);
	}
}

static inline __attribute__((always_inline)) void
dw_micro(const struct dw_job *job, const struct dw_block *b,
	 const struct dw_tile *t, const struct dw_shape s)
{
	__m256i acc[2][4][2];

#pragma GCC unroll 2
	for (uint32_t y = 0; y < s.rows; y++)
#pragma GCC unroll 4
		for (uint32_t x = 0; x < s.columns; x++)
#pragma GCC unroll 2
			for (uint32_t h = 0; h < 2; h++)
				acc[y][x][h] = b->lanes.init[h];
#pragma GCC unroll 3
	for (uint32_t p = 0; p < DW_PARTS; p++)
#pragma GCC unroll 5
		for (uint32_t tap = 0; tap < DW_TAPS; tap++)
#pragma GCC unroll 2
			for (uint32_t h = 0; h < 2; h++)
				dw_column(b, t, s, p, tap, h, acc);
#pragma GCC unroll 2
	for (uint32_t y = 0; y < s.rows; y++)
#pragma GCC unroll 2
		for (uint32_t x = 0; x < s.columns; x += 2) {
			uint32_t q = x + 1 < s.columns ? x + 1 : x;
			__m128i pixel[2];

			qk_finish_pixels(&job->final, &b->lanes, acc[y][x][0],
					 acc[y][x][1], acc[y][q][0],
					 acc[y][q][1], QK_ORDER_PLAIN,
					 s.clamps_negative, pixel);
			qk_vstore(t->out[y][x], pixel[0], b->count);
			qk_vstore(t->out[y][q], pixel[1], b->count);
		}
}

/* -------------------------------------------------------------- passes -- */

/* struct dw_ahead - what is asked for before it is needed */
struct dw_ahead {
	size_t out;			/* from results to the next ones */
	const uint8_t *in;		/* two rows; NULL: none */
	size_t line, step;		/* bytes of a row and of a pixel */
	uint32_t columns;		/* for each of the output */
};

static inline __attribute__((always_inline)) void
fetch_ahead(const struct dw_ahead *ahead, const struct dw_tile *t, uint32_t x,
	    const struct dw_shape s)
{
	const uint8_t *in;

	if (ahead->out)
#pragma GCC unroll 2
		for (uint32_t y = 0; y < s.rows; y++)
#pragma GCC unroll 4
			for (uint32_t i = 0; i < s.columns; i++)
				__builtin_prefetch(t->out[y][i] + ahead->out,
						   1);
	if (!ahead->in)
		return;
	in = ahead->in + x * ahead->columns * ahead->step;
	for (uint32_t i = s.columns * ahead->columns; i; i--) {
		__builtin_prefetch(in);
		__builtin_prefetch(in + ahead->line);
		in += ahead->step;
	}
}

/* Columns results of rows rows; the last tile moves back as far as it must. */
static inline __attribute__((always_inline)) void
run_tiles(const struct dw_job *job, const struct dw_block *b, uint8_t *out,
	  uint32_t columns, uint32_t row, const struct dw_ahead *ahead,
	  const struct dw_shape s)
{
	size_t oc = job->cmd->out.c, step = job->cmd->stride_w * COLUMN;
	uint32_t last = columns - s.columns;
	struct dw_tile t = { .row = row };

	for (uint32_t x = 0; x < columns; x += s.columns) {
		uint32_t at = x < last ? x : last;

#pragma GCC unroll 4
		for (uint32_t i = 0; i < s.columns; i++) {
			t.window[i] = (at + i) * step;
			t.out[0][i] = out + (at + i) * oc;
			t.out[1][i] = t.out[0][i] + job->line;
		}
		fetch_ahead(ahead, &t, at, s);
		dw_micro(job, b, &t, s);
	}
}

static void run_pass(const struct dw_job *job, const struct dw_block *b,
		     uint8_t *out, uint32_t columns, uint32_t rows,
		     const struct dw_ahead *ahead)
{
	const struct dw_shape two = { 2, 2, false }, two_from_zero = { 2, 2, true };
	const struct dw_shape one = { 1, 4, false }, one_from_zero = { 1, 4, true };
	const struct dw_shape few = { 1, 1, false };
	const struct dw_ahead none = { 0 };
	bool from_zero = job->final.clamps_negative;

	if (rows == 2 && columns >= 2) {
		if (from_zero)
			run_tiles(job, b, out, columns, 0, ahead, two_from_zero);
		else
			run_tiles(job, b, out, columns, 0, ahead, two);
	} else if (rows == 1 && columns >= 4) {
		if (from_zero)
			run_tiles(job, b, out, columns, 0, ahead, one_from_zero);
		else
			run_tiles(job, b, out, columns, 0, ahead, one);
	} else {
		for (uint32_t y = 0; y < rows; y++)
			run_tiles(job, b, out + y * job->line, columns, y, &none, few);
	}
}

/* ---------------------------------------------------------------- fill -- */

/*
 * The part that begins with input row iy. Of the last columns only as many
 * bytes are read as there are channels.
 */
static void fill_part(const struct dw_job *job, const struct dw_block *b,
		      const struct dw_span *span, const uint8_t *image,
		      int64_t iy, const uint8_t padding[QK_BLOCK], uint8_t *to)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	size_t c = cmd->in.c, line = cmd->in.w * c;
	int64_t ix = (int64_t)span->x * cmd->stride_w - cmd->pad_left +
		     span->first;
	uint32_t count = span->last - span->first;
	uint32_t tail = (QK_BLOCK - b->count + (uint32_t)c - 1) / (uint32_t)c;
	const uint8_t *row[DW_ROWS];
	uint8_t few[DW_ROWS][QK_BLOCK] = { 0 };
	size_t step[DW_ROWS];

	if (!count)
		return;
	for (uint32_t j = 0; j < DW_ROWS; j++, iy++) {
		bool inside = iy >= 0 && iy < cmd->in.h;

		row[j] = inside ? image + (size_t)iy * line + (size_t)ix * c +
			 b->c : padding;
		step[j] = inside ? c : 0;
	}
	to += span->first * COLUMN;
	tail = tail < count ? tail : count;
	dw_interleave(&job->final, row, step, count - tail, to);
	for (count -= tail; tail; tail--, count++) {
		const uint8_t *last[DW_ROWS];

		for (uint32_t j = 0; j < DW_ROWS; j++) {
			memcpy(few[j], row[j] + count * step[j], b->count);
			last[j] = few[j];
		}
		dw_interleave(&job->final, last, step, 1, to + count * COLUMN);
	}
}

/*
 * What the pass after this one, rows further down, reads and writes. For
 * every fourth block, as a cache line has four of them.
 */
static struct dw_ahead ahead_of(const struct dw_job *job,
				const struct dw_block *b,
				const struct dw_span *span,
				const uint8_t *image, int64_t iy, size_t out)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	size_t line = (size_t)cmd->in.w * cmd->in.c;
	int64_t ix = (int64_t)span->x * cmd->stride_w - cmd->pad_left;
	struct dw_ahead ahead = { .out = out };

	iy += DW_PARTS * DW_ROWS;
	ix = ix < 0 ? 0 : ix;
	if (iy < 0 || iy + 1 >= cmd->in.h || ix + span->columns *
	    (int64_t)cmd->stride_w > cmd->in.w)
		return ahead;
	ahead.in = image + (size_t)iy * line + (size_t)ix * cmd->in.c + b->c;
	ahead.line = line;
	ahead.step = cmd->in.c;
	ahead.columns = cmd->stride_w;
	return ahead;
}

/* ---------------------------------------------------------------- call -- */

/* The first is the next to be filled. */
static inline void rotate_parts(struct dw_block *b)
{
	uint8_t *first = b->part[0];

	for (uint32_t p = 0; p + 1 < DW_PARTS; p++)
		b->part[p] = b->part[p + 1];
	b->part[DW_PARTS - 1] = first;
}

/* Output rows from oy on of one image, of the group's blocks. */
static void run_band(const struct dw_job *job, struct dw_block *b,
		     uint32_t blocks, const struct dw_span *span,
		     const uint8_t *image, uint8_t *out, uint32_t oy,
		     uint32_t rows)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	int64_t iy = (int64_t)oy * cmd->stride_h - cmd->pad_top;
	uint8_t padding[QK_BLOCK];
	struct dw_ahead ahead = { 0 };
	uint32_t n;

	memset(padding, cmd->in.zero_point, sizeof(padding));
	for (uint32_t i = 0; i < blocks; i++)
		for (uint32_t p = 0; p + 1 < DW_PARTS; p++)
			fill_part(job, &b[i], span, image, iy + p * DW_ROWS,
				  padding, b[i].part[p]);
	/* The next results, two rows or one, begin two rows further down. */
	for (; rows; rows -= n, iy += 2, out += n * job->line) {
		n = cmd->stride_h == 1 && rows > 1 ? 2 : 1;
		for (uint32_t i = 0; i < blocks; i++) {
			fill_part(job, &b[i], span, image,
				  iy + (DW_PARTS - 1) * DW_ROWS, padding,
				  b[i].part[DW_PARTS - 1]);
			if (b[i].c % 64 == 0)
				ahead = ahead_of(job, &b[i], span, image, iy,
						 rows > n ? n * job->line : 0);
			run_pass(job, &b[i], out + b[i].c, span->columns, n,
				 &ahead);
			ahead = (struct dw_ahead){ 0 };
			rotate_parts(&b[i]);
		}
	}
}

static void dw_block_init(const struct dw_job *job, uint32_t c, uint32_t c1,
			  uint8_t *copy, struct dw_block *b)
{
	qk_lanes_init(&b->lanes, &job->final, job->channels + c);
	dw_weights(job->cmd, job->weights +
		   qk_c16_index(DW_TAPS * DW_TAPS, c, 0), b->weights);
	b->c = c;
	b->count = c1 - c < QK_BLOCK ? c1 - c : QK_BLOCK;
	for (uint32_t p = 0; p < DW_PARTS; p++)
		b->part[p] = copy + p * job->part;
}

/* Bands of rows, whose input stays in cache for all groups of channels. */
static void run_span(const struct dw_job *job, const struct dw_span *span,
		     const uint8_t *in, uint8_t *out,
		     const struct qk_tile *tile)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	size_t row = (size_t)cmd->in.w * cmd->in.c * cmd->stride_h;
	uint32_t most = (uint32_t)(BAND_SIZE / row) / 2 * 2 + 2, rows;
	struct dw_block b[GROUP];

	for (uint32_t y = tile->y0; y < tile->y1; y += rows) {
		uint32_t n = y / cmd->out.h, oy = y % cmd->out.h, blocks;

		rows = cmd->out.h - oy;
		rows = rows < most ? rows : most;
		rows = rows < tile->y1 - y ? rows : tile->y1 - y;
		for (uint32_t c = tile->c0; c < tile->c1;
		     c += GROUP * QK_BLOCK) {
			for (blocks = 0; blocks < GROUP &&
			     c + blocks * QK_BLOCK < tile->c1; blocks++)
				dw_block_init(job, c + blocks * QK_BLOCK,
					      tile->c1, job->copy + blocks *
					      DW_PARTS * job->part, &b[blocks]);
			run_band(job, b, blocks, span,
				 in + qk_offset(&cmd->in, n, 0, 0),
				 out + qk_offset(&cmd->out, n, oy, span->x), oy,
				 rows);
		}
	}
}

static struct dw_span span_at(const struct dw_job *job, uint32_t x)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	struct dw_span span = {
		.x = x,
		.columns = cmd->out.w - x < job->columns ? cmd->out.w - x :
							   job->columns,
	};

	qk_columns_inside(cmd, (int64_t)x * cmd->stride_w - cmd->pad_left,
			  (int64_t)(job->part / COLUMN), &span.first,
			  &span.last);
	return span;
}

/* False where these loops do not apply. */
static bool dw_init(struct dw_job *job, const struct qaccel_cmd_conv *cmd)
{
	uint32_t room = PARTS_SIZE / (GROUP * DW_PARTS * COLUMN);
	uint32_t most = (room - DW_TAPS) / cmd->stride_w + 1, parts;

	if (cmd->kh != DW_TAPS || cmd->kw != DW_TAPS || cmd->dilation_h != 1 ||
	    cmd->dilation_w != 1 || cmd->depth_multiplier != 1 ||
	    cmd->stride_h > 2 || cmd->stride_w > 2)
		return false;
	job->cmd = cmd;
	/* All about as wide. */
	parts = (cmd->out.w + most - 1) / most;
	job->columns = (cmd->out.w + parts - 1) / parts;
	job->part = ((size_t)(job->columns - 1) * cmd->stride_w + DW_TAPS) *
		    COLUMN;
	job->line = (size_t)cmd->out.w * cmd->out.c;
	return true;
}

static size_t dw_scratch(const struct dw_job *job)
{
	return GROUP * DW_PARTS * job->part;
}

static void dw_run(struct dw_job *job, const uint8_t *in, uint8_t *out,
			const struct qk_tile *tile)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	uint32_t width = (uint32_t)(job->part / COLUMN);

	for (uint32_t x = 0; x < cmd->out.w; x += job->columns) {
		struct dw_span span = span_at(job, x);

		for (uint32_t i = 0; i < GROUP * DW_PARTS; i++) {
			uint8_t *part = job->copy + i * job->part;

			dw_pad(&job->final, part, span.first);
			dw_pad(&job->final, part + span.last * COLUMN,
			       width - span.last);
		}
		run_span(job, &span, in, out, tile);
	}
}

#endif /* QK_DWLOOP_AVX2_H */
