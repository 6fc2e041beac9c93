// SPDX-License-Identifier: MIT
/*
 * DWCONV2D for AVX512-VNNI, depth multiplier 1
 *
 * Most layers are left to dw3_avx512vnni.c. What follows takes any window.
 *
 * Output rows are done 64 channels at a time, and two rows at once where they
 * are neighbours in the input, from quads of the input's rows that both of them
 * and all windows share (dwquads_avx512vnni.h).
 */
#include "dw3_avx512vnni.h"
#include "dwfinish_avx512vnni.h"

/* Of quads at a time, beside which the weights stay in the first-level cache. */
#define QUADS_SIZE	(16u << 10)
/* Four vectors each, in a span. */
#define MAX_BLOCKS	(QUADS_SIZE / (8 * QK_DW_LANES) + 2)
/* Dilation may spread the columns of a single pixel out to more. */
#define QUADS_LIMIT	(4u << 20)

/* ------------------------------------------------------- micro-kernels -- */

/*
 * struct shape - of a block of four vectors of results. Constant where it is
 * used, so that loops unroll, neighbours share loads and weights are loaded
 * once.
 */
struct shape {
	uint32_t rows, columns;		/* of vectors */
	bool clamps_negative;
};

/* struct pass - columns pixels of one output row or of two */
struct pass {
	uint32_t rows, columns;
	uint32_t count;			/* bytes of each vector to store */
	uint8_t *out;
};

/* struct close - a block with values too close to call */
struct close {
	uint32_t x;			/* its first column */
	__mmask32 words[4];		/* of each vector, where */
};

/* acc: row by row */
static inline __attribute__((always_inline)) void
dot_taps(const struct qk_dwjob *job, const struct qk_dwgroup *g,
	 const __m512i (*w)[2], const uint8_t *const window[4],
	 const struct shape s, __m512i acc[4])
{
	for (uint32_t t = 0; t < job->taps; t++) {
		const int32_t (*extra)[2] =
			(const int32_t(*)[2])job->extra[t / job->cmd->kw];

#pragma GCC unroll 4
		for (uint32_t x = 0; x < s.columns; x++) {
			__m512i v = _mm512_loadu_si512(window[x] +
						       job->tap[t]);

#pragma GCC unroll 2
			for (uint32_t y = 0; y < s.rows; y++) {
				__m512i *a = &acc[y * s.columns + x];

				*a = _mm512_dpbusd_epi32(*a, v, w[t][y]);
				for (uint32_t e = 0; e < g->extras; e++)
					*a = _mm512_dpbusd_epi32(*a, v,
						_mm512_set1_epi32(extra[e][y]));
			}
		}
	}
}

/* The block's vector in column i, which ends with the row at the latest. */
static inline uint32_t column_of(const struct qk_dwjob *job,
				 const struct pass *pass, uint32_t x,
				 uint32_t i)
{
	uint32_t last = pass->columns > job->pixels ?
			pass->columns - job->pixels : 0;

	x += i * job->pixels;
	return x < last ? x : last;
}

/* The accumulators of the channels in quads q. */
static inline __attribute__((always_inline)) void
dot(const struct qk_dwjob *job, const struct qk_dwgroup *g, const struct pass *pass,
    uint32_t x, uint32_t q, const struct shape s, __m512i acc[4])
{
	const __m512i (*w)[2] = (const __m512i(*)[2])job->quad_weights +
				q * job->taps;
	const uint8_t *plane = job->copy + q * job->plane;
	const uint8_t *window[4];

#pragma GCC unroll 4
	for (uint32_t i = 0; i < 4; i++)
		acc[i] = g->lanes[q].init;
#pragma GCC unroll 4
	for (uint32_t i = 0; i < s.columns; i++)
		window[i] = plane + column_of(job, pass, x, i) * job->step;
	dot_taps(job, g, w, window, s, acc);
}

static inline __attribute__((always_inline)) void
store_block(const struct qk_dwjob *job, const struct pass *pass, uint32_t x,
	    const struct shape s, const __m512i v[4])
{
	uint8_t *out[4];

#pragma GCC unroll 4
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t column = column_of(job, pass, x, i % s.columns);

		out[i] = pass->out + i / s.columns * job->line +
			 (size_t)column * job->cmd->out.c;
	}
	if (pass->count == QK_DW_LANES) {
#pragma GCC unroll 4
		for (uint32_t i = 0; i < 4; i++)
			_mm512_storeu_si512(out[i], v[i]);
	} else {
#pragma GCC unroll 4
		for (uint32_t i = 0; i < 4; i++)
			qk_dw_store_part(v[i], pass->count, out[i]);
	}
}

/* The block at column x; fills in close and returns if it counts. */
static inline __attribute__((always_inline)) bool
run_block(const struct qk_dwjob *job, const struct qk_dwgroup *g,
	  const struct pass *pass, uint32_t x, const struct shape s,
	  struct close *close)
{
	__m512i words[4][2], v[4], least[4];

#pragma GCC unroll 4
	for (uint32_t i = 0; i < 4; i++)
		least[i] = _mm512_set1_epi16(-1);
#pragma GCC unroll 2
	for (uint32_t half = 0; half < 2; half++) {
		__m512i u[2][4];

#pragma GCC unroll 2
		for (uint32_t j = 0; j < 2; j++) {
			const struct qk_lanes *l = &g->lanes[2 * half + j];
			__m512i acc[4];

			dot(job, g, pass, x, 2 * half + j, s, acc);
#pragma GCC unroll 4
			for (uint32_t i = 0; i < 4; i++)
				u[j][i] = qk_scale_units(acc[i], l,
						job->addend, s.clamps_negative);
		}
#pragma GCC unroll 4
		for (uint32_t i = 0; i < 4; i++)
			words[i][half] = qk_dw_integers(u[0][i], u[1][i],
						       &least[i]);
	}
	qk_dw_clamp(job, (const __m512i(*)[2])words, v, 4);
	store_block(job, pass, x, s, v);
	close->x = x;
#pragma GCC unroll 4
	for (uint32_t i = 0; i < 4; i++)
		close->words[i] = qk_dw_close(least[i]);
	return (close->words[0] | close->words[1]) |
	       (close->words[2] | close->words[3]);
}

/* One vector of results, in integers. */
static void vector_exact(const struct qk_dwjob *job, const struct qk_dwgroup *g,
			 const struct pass *pass, uint32_t x, uint32_t row)
{
	const __m512i (*w)[2] = (const __m512i(*)[2])job->quad_weights;
	const uint8_t *window = job->copy + x * job->step;
	__m512i v[4], words[1][2], bytes;

	for (uint32_t q = 0; q < 4; q++, w += job->taps, window += job->plane) {
		__m512i acc = g->lanes[q].init;

		for (uint32_t t = 0; t < job->taps; t++) {
			const int32_t (*extra)[2] =
				(const int32_t(*)[2])job->extra[t / job->cmd->kw];
			__m512i quad = _mm512_loadu_si512(window + job->tap[t]);

			acc = _mm512_dpbusd_epi32(acc, quad, w[t][row]);
			for (uint32_t e = 0; e < g->extras; e++)
				acc = _mm512_dpbusd_epi32(acc, quad,
					_mm512_set1_epi32(extra[e][row]));
		}
		v[q] = qk_finish_exact(acc, &g->lanes[q], &g->bounds,
				       &job->finish);
	}
	words[0][0] = qk_dw_words(v[0], v[1]);
	words[0][1] = qk_dw_words(v[2], v[3]);
	qk_dw_clamp(job, (const __m512i(*)[2])words, &bytes, 1);
	qk_dw_store_part(bytes, pass->count, pass->out + row * job->line +
					       (size_t)x * job->cmd->out.c);
}

/* -------------------------------------------------------------- passes -- */

/*
 * Once more, in integers, the vectors that have values too close to call. Late,
 * because jumping to each at once would cost more than it takes.
 */
static void run_close(const struct qk_dwjob *job, const struct qk_dwgroup *g,
		      const struct pass *pass, uint32_t columns,
		      const struct close *close, uint32_t count)
{
	for (; count; count--, close++)
		for (uint32_t i = 0; i < 4; i++)
			if (close->words[i])
				vector_exact(job, g, pass,
					     column_of(job, pass, close->x,
						       i % columns),
					     i / columns);
}

static void run_exact(const struct qk_dwjob *job, const struct qk_dwgroup *g,
		      const struct pass *pass)
{
	for (uint32_t x = 0; x < pass->columns; x += job->pixels)
		for (uint32_t y = 0; y < pass->rows; y++)
			vector_exact(job, g, pass,
				     column_of(job, pass, x, 0), y);
}

/* Blocks side by side. */
static inline __attribute__((always_inline)) void
run_blocks(const struct qk_dwjob *job, const struct qk_dwgroup *g,
	   const struct pass *pass, const struct shape s)
{
	uint32_t wide = s.columns * job->pixels, count = 0;
	struct close close[MAX_BLOCKS];

	for (uint32_t x = 0; x < pass->columns; x += wide)
		count += run_block(job, g, pass, x, s, &close[count]);
	run_close(job, g, pass, s.columns, close, count);
}

/* A copy of the loops for each way to finish. */
static inline __attribute__((always_inline)) void
run_shape(const struct qk_dwjob *job, const struct qk_dwgroup *g,
	  const struct pass *pass, struct shape s)
{
	if (job->finish.clamps_negative) {
		s.clamps_negative = true;
		run_blocks(job, g, pass, s);
	} else {
		run_blocks(job, g, pass, s);
	}
}

static void run_pass(const struct qk_dwjob *job, const struct qk_dwgroup *g,
		     const struct pass *pass)
{
	const struct shape pairs = { .rows = 2, .columns = 2 };
	const struct shape single = { .rows = 1, .columns = 4 };

	if (!g->bounds.fast)
		run_exact(job, g, pass);
	else if (pass->rows == 2)
		run_shape(job, g, pass, pairs);
	else
		run_shape(job, g, pass, single);
}

/* ---------------------------------------------------------------- call -- */

/* Rows [y, y + rows) of the whole batch, all in one image. */
static void run_band(const struct qk_dwjob *job, const struct qk_dwgroup *g,
		     const struct qk_dwspan *span, const uint8_t *in, uint8_t *out,
		     uint32_t y, uint32_t rows)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	uint32_t n = y / cmd->out.h, oy = y % cmd->out.h;
	const uint8_t *image = in + qk_offset(&cmd->in, n, 0, 0);
	struct pass pass = {
		.columns = span->columns,
		.count = g->count,
		.out = out + qk_offset(&cmd->out, n, oy, span->x) + g->c,
	};
	uint8_t padding[QK_DW_LANES];

	memset(padding, cmd->in.zero_point, QK_DW_LANES);
	if (job->pixels > 1)
		pass.count = cmd->out.c * (span->columns < job->pixels ?
					   span->columns : job->pixels);
	for (; rows; rows -= pass.rows, oy += pass.rows) {
		pass.rows = rows < job->rows ? rows : job->rows;
		qk_dwquads_fill(job, g, span, image,
				(int64_t)oy * cmd->stride_h - cmd->pad_top,
				padding);
		run_pass(job, g, &pass);
		pass.out += pass.rows * job->line;
	}
}

/* Bands of rows, whose input stays in cache for all groups of channels. */
static void run_span(const struct qk_dwjob *job, const struct qk_dwspan *span,
		     const uint8_t *in, uint8_t *out,
		     const struct qk_tile *tile)
{
	struct qk_dwgroup g;
	uint32_t rows;

	for (uint32_t y = tile->y0; y < tile->y1; y += rows) {
		rows = qk_dwband_rows(job, tile, y);
		for (uint32_t c = tile->c0; c < tile->c1; c += QK_DW_LANES) {
			qk_dwgroup_init(job, &g, c, tile->c1);
			run_band(job, &g, span, in, out, y, rows);
		}
	}
}

/* Columns of the input that so many of the output need. */
static uint64_t input_width(const struct qaccel_cmd_conv *cmd, uint32_t columns)
{
	return (uint64_t)(columns - 1) * cmd->stride_w +
	       (uint64_t)(cmd->kw - 1u) * cmd->dilation_w + 1;
}

/* False if not even the window of a single vector is small enough. */
static bool choose_columns(struct qk_dwjob *job)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	size_t pixel = 4 * job->quads * job->pixel;
	uint64_t room = QUADS_SIZE / pixel, window = input_width(cmd, 1);
	uint64_t most = room > window ? (room - window) / cmd->stride_w + 1 : 1;
	uint32_t least = 4 * job->pixels, parts, columns;

	most = most > least ? most : least;
	parts = (uint32_t)((cmd->out.w + most - 1) / most);
	/* All about as wide. */
	columns = (cmd->out.w + parts - 1) / parts;
	if (input_width(cmd, columns) * pixel > QUADS_LIMIT)
		return false;
	job->columns = columns;
	job->width = (uint32_t)input_width(cmd, columns);
	/* A vector may begin at the last pixel. */
	job->plane = qk_round_up(job->width * job->pixel, QK_DW_LANES) +
		     QK_DW_LANES;
	return true;
}

/* pixels: that share a vector. */
static bool job_init(struct qk_dwjob *job, const struct qaccel_cmd_conv *cmd,
		     uint32_t pixels)
{
	if (cmd->depth_multiplier != 1)
		return false;
	job->cmd = cmd;
	job->pixels = pixels;
	job->pixel = QK_DW_LANES / pixels;
	job->step = cmd->stride_w * job->pixel;
	job->line = (size_t)cmd->out.w * cmd->out.c;
	job->rows = cmd->stride_h == 1 && cmd->dilation_h == 1 ? 2 : 1;
	job->quads = (cmd->kh + job->rows + 2) / 4;
	job->taps = job->quads * cmd->kw;
	return choose_columns(job);
}

/* Sizes of the parts of scratch; returns the sum. */
static size_t split_scratch(struct qk_dwjob *job, void *scratch)
{
	size_t tap = qk_round_up(job->taps * sizeof(*job->tap), 64);
	size_t extra = qk_round_up(job->quads * sizeof(*job->extra), 64);
	size_t weights = 4 * job->taps * sizeof(*job->quad_weights);
	uint8_t *at = scratch;

	if (at) {
		job->tap = (int32_t *)(void *)at;
		job->extra = (void *)(at + tap);
		job->quad_weights = (void *)(at + tap + extra);
		job->copy = at + tap + extra + weights;
	}
	return tap + extra + weights + 4 * job->quads * job->plane;
}

size_t qk_dwconv2d_scratch_avx512vnni(const struct qaccel_cmd_conv *cmd)
{
	size_t most = 0;
	struct qk_dwjob job;

	if (qk_dw3_fits(cmd))
		return 0;
	/* How many pixels share a vector depends on the tile. */
	for (uint32_t pixels = 1; pixels <= 4; pixels *= 2) {
		size_t size = job_init(&job, cmd, pixels) ?
			      split_scratch(&job, NULL) : 0;

		most = size > most ? size : most;
	}
	return most;
}

/* Pixels share vectors where all the channels are wanted. */
static uint32_t choose_pixels(const struct qaccel_cmd_conv *cmd,
			      const struct qk_tile *tile)
{
	uint32_t c = cmd->out.c;
	bool shared = (c == 16 || c == 32) && tile->c1 - tile->c0 == c &&
		      cmd->stride_w == 1;

	return shared ? QK_DW_LANES / c : 1;
}

static void set_taps(struct qk_dwjob *job)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;

	for (uint32_t t = 0; t < job->taps; t++)
		job->tap[t] = (int32_t)(t / cmd->kw * 4 * job->plane +
					(size_t)(t % cmd->kw) *
					cmd->dilation_w * job->pixel);
}

QK_DECL_CONV(qk_dwconv2d_avx512vnni)
{
	struct qk_dwjob job;

	if (qk_dw3_fits(cmd)) {
		qk_dw3_run(cmd, in, weights, channels, out, tile);
		return;
	}
	if (!job_init(&job, cmd, choose_pixels(cmd, tile))) {
		qk_dwconv2d_avx2(cmd, in, weights, channels, out, tile,
				 scratch);
		return;
	}
	job.weights = weights;
	job.channels = channels;
	split_scratch(&job, scratch);
	qk_dwjob_finish(&job);
	set_taps(&job);
	for (uint32_t x = 0; x < cmd->out.w; x += job.columns) {
		struct qk_dwspan span = qk_dwspan_at(&job, x);

		qk_dwquads_pad(&job, &span);
		run_span(&job, &span, in, out, tile);
	}
}
