// SPDX-License-Identifier: MIT
/*
 * CONV2D for AVX512-VNNI
 *
 * vpdpbusd multiplies unsigned by signed bytes exactly. The input comes as a
 * strip (strip_avx512vnni.h), made once for all output channels: a pixel is a
 * pointer, a filter row a run of bytes behind it. A 1x1 convolution over U8
 * whose channels fill whole groups of 4 reads its input in place.
 */
#include "avx2.h"
#include "avx512vnni.h"
#include "scale_avx512vnni.h"
#include "strip_avx512vnni.h"

#define GROUP_BLOCKS	4u
#define GROUP		(GROUP_BLOCKS * QK_BLOCK)
#define MAX_TILE	8

/* Bytes in a cache line. */
#define LINE		64u
/* Pixels from the one that is computed to the one whose line is fetched. */
#define OUTPUT_AHEAD	24u

/* Tiles of products that something can be fetched behind. */
#define MIN_TILES_AHEAD	4u

/* Tile sizes must be constants where registers are given out. */
#define ALWAYS_INLINE	inline __attribute__((always_inline))

/* struct job - one call, with what its loops share */
struct job {
	const struct qaccel_cmd_conv *cmd;
	struct qk_strip strip;
	struct qk_finish finish;
	uint32_t segments;		/* in a filter row */
	uint32_t length;		/* bytes in a segment */
	__mmask64 rest;			/* those past the last whole 64 */
	uint32_t groups;		/* of 4 values in a segment */
	uint32_t steps;			/* groups in a window */
	size_t segment_step;		/* bytes in the strip between segments */
	size_t filter_row_step;		/* bytes in the strip between filter rows */
	size_t block_bytes;		/* packed weights of 16 channels */
	const int32_t *step_offset;	/* of each group in the strip */
};

/* struct late - results that single precision cannot decide */
struct late {
	__m512i acc[GROUP_BLOCKS];
	uint8_t *out;
	int pixels;
};

/*
 * struct group - up to 64 channels
 *
 * Results are finished 64 at a time: those of one pixel, of two with 32 channels
 * or of four with 16. Lanes are repeated to match.
 */
struct group {
	struct qk_lanes lanes[GROUP_BLOCKS];
	struct qk_bounds bounds;
	__m512 addend;			/* qk_addend() */
	__m512i fraction;		/* bits that are zero where it is close */
	__m512i least, most, flip;	/* of the output bytes, as S8 */
	const int8_t *weights;
	uint32_t count;			/* channels, 1 to 64 */
	uint32_t blocks;
	uint32_t late_count;
	struct late late[MAX_TILE];
};

/* sum x' of one window, in 16 parts. All together at most 65793 * 255 < 2^31. */
static ALWAYS_INLINE __m512i window_sum(const struct job *job,
					const uint8_t *pixel)
{
	const __m512i ones = _mm512_set1_epi8(1);
	__m512i sum = _mm512_setzero_si512();

	for (uint32_t ky = 0; ky < job->cmd->kh; ky++) {
		for (uint32_t s = 0; s < job->segments; s++) {
			const uint8_t *p = pixel + ky * job->filter_row_step +
					   s * job->segment_step;
			uint32_t i = 0;

			for (; i + 64 <= job->length; i += 64)
				sum = _mm512_dpbusd_epi32(sum,
					_mm512_loadu_si512(p + i), ones);
			sum = _mm512_dpbusd_epi32(sum,
				_mm512_maskz_loadu_epi8(job->rest, p + i),
				ones);
		}
	}
	return sum;
}

/* The sums of 4 vectors. */
static inline __m128i add_up(__m512i a, __m512i b, __m512i c, __m512i d)
{
	__m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b),
				      _mm512_unpackhi_epi32(a, b));
	__m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d),
				      _mm512_unpackhi_epi32(c, d));
	__m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd),
				       _mm512_unpackhi_epi64(ab, cd));
	__m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all),
					_mm512_extracti64x4_epi64(all, 1));

	return _mm_add_epi32(_mm256_castsi256_si128(half),
			     _mm256_extracti128_si256(half, 1));
}

static void group_init(const struct job *job, const int8_t *weights,
		       const struct qaccel_channel *channels, uint32_t c0,
		       uint32_t c1, struct group *g)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	uint8_t flip = cmd->out.dtype == QACCEL_DTYPE_U8 ? 0x80 : 0;

	g->count = c1 - c0 < GROUP ? c1 - c0 : GROUP;
	g->blocks = (g->count + QK_BLOCK - 1) / QK_BLOCK;
	g->weights = weights + c0 / QK_BLOCK * job->block_bytes;
	g->late_count = 0;
	g->bounds = (struct qk_bounds){ .fast = true };
	for (uint32_t b = 0; b < g->blocks; b++) {
		struct qk_records r = qk_records_load(channels + c0 +
						      b * QK_BLOCK);

		qk_lanes_set(&g->lanes[b], &g->bounds, &job->finish, &r);
	}
	for (uint32_t b = g->blocks; b < GROUP_BLOCKS; b++)
		g->lanes[b] = g->lanes[g->blocks == 3 ? 2 : b % g->blocks];
	g->addend = qk_addend(&job->finish);
	/* Without a bit to test all is close. */
	g->fraction = _mm512_set1_epi32(g->bounds.fast ? QK_NOT_CLOSE : 0);
	g->least = _mm512_set1_epi8((char)(cmd->act_min - flip));
	g->most = _mm512_set1_epi8((char)(cmd->act_max - flip));
	g->flip = _mm512_set1_epi8((char)flip);
}

/* ------------------------------------------------------------ epilogue -- */

/* The integer parts, 32 words in order. */
static inline __m512i high_words(__m512i u0, __m512i u1)
{
	const __m512i odd = _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49,
					     47, 45, 43, 41, 39, 37, 35, 33,
					     31, 29, 27, 25, 23, 21, 19, 17,
					     15, 13, 11, 9, 7, 5, 3, 1);

	return _mm512_permutex2var_epi16(u0, odd, u1);
}

/* Words, packed by 128 bits, to bytes in order. */
static inline __m512i clamp(const struct group *g, __m512i lo, __m512i hi)
{
	const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
	__m512i v = _mm512_packs_epi16(lo, hi);

	v = _mm512_min_epi8(_mm512_max_epi8(v, g->least), g->most);
	return _mm512_permutexvar_epi64(order, _mm512_xor_si512(v, g->flip));
}

/* 64 results of pixels that are step bytes apart, n blocks of channels each. */
static ALWAYS_INLINE void store(__m512i v, uint8_t *out, size_t step,
				const int n, int pixels)
{
	__m256i half = _mm512_castsi512_si256(v);

	if (n == 4 || (pixels * n == 4 && step == (size_t)n * QK_BLOCK)) {
		_mm512_storeu_si512(out, v);
	} else if (n == 3) {
		_mm256_storeu_si256((__m256i *)out, half);
		_mm_storeu_si128((__m128i *)(out + 32),
				 _mm512_extracti32x4_epi32(v, 2));
	} else if (n == 2) {
		_mm256_storeu_si256((__m256i *)out, half);
		if (pixels > 1)
			_mm256_storeu_si256((__m256i *)(out + step),
					    _mm512_extracti64x4_epi64(v, 1));
	} else {
		_mm_storeu_si128((__m128i *)out, _mm512_castsi512_si128(v));
		if (pixels > 1)
			_mm_storeu_si128((__m128i *)(out + step),
					 _mm512_extracti32x4_epi32(v, 1));
		if (pixels > 2)
			_mm_storeu_si128((__m128i *)(out + 2 * step),
					 _mm512_extracti32x4_epi32(v, 2));
		if (pixels > 3)
			_mm_storeu_si128((__m128i *)(out + 3 * step),
					 _mm512_extracti32x4_epi32(v, 3));
	}
}

/*
 * Finishes 64 results in single precision. Those with a value too close to call
 * are put aside, and overwritten later.
 */
static ALWAYS_INLINE void finish(struct group *g, const __m512i acc[4],
				 uint8_t *out, size_t step, const int n,
				 int pixels)
{
	__m512i u[GROUP_BLOCKS], lowest, v;

#pragma GCC unroll 4
	for (int b = 0; b < 4; b++)
		u[b] = qk_scale_units(acc[b], &g->lanes[b], g->addend, false);
	lowest = _mm512_min_epu16(_mm512_min_epu16(u[0], u[1]),
				  _mm512_min_epu16(u[2], u[3]));
	v = clamp(g, high_words(u[0], u[1]), high_words(u[2], u[3]));
	store(v, out, step, n, pixels);
	if (__builtin_expect(_mm512_testn_epi32_mask(lowest, g->fraction), 0)) {
		struct late *late = &g->late[g->late_count++];

#pragma GCC unroll 4
		for (int b = 0; b < 4; b++)
			late->acc[b] = acc[b];
		late->out = out;
		late->pixels = pixels;
	}
}

static __attribute__((noinline)) void
finish_late(const struct job *job, struct group *g, size_t step)
{
	for (uint32_t i = 0; i < g->late_count; i++) {
		const struct late *late = &g->late[i];
		__m512i v[GROUP_BLOCKS];

		for (int b = 0; b < 4; b++) {
			v[b] = qk_finish_exact(late->acc[b], &g->lanes[b],
					       &g->bounds, &job->finish);
			v[b] = _mm512_slli_epi32(_mm512_sub_epi32(v[b],
				_mm512_and_si512(g->flip,
						 _mm512_set1_epi32(0xff))), 16);
		}
		v[0] = clamp(g, high_words(v[0], v[1]), high_words(v[2], v[3]));
		switch (g->blocks) {
		case 1:
			store(v[0], late->out, step, 1, late->pixels);
			break;
		case 2:
			store(v[0], late->out, step, 2, late->pixels);
			break;
		case 3:
			store(v[0], late->out, step, 3, late->pixels);
			break;
		default:
			store(v[0], late->out, step, 4, late->pixels);
		}
	}
	g->late_count = 0;
}

/* --------------------------------------------------------- micro-kernel -- */

static ALWAYS_INLINE __m512i broadcast4(const uint8_t *p)
{
	int32_t word;

	memcpy(&word, p, 4);
	return _mm512_set1_epi32(word);
}

/* struct pixels - up to MAX_TILE neighbours of a strip */
struct pixels {
	const uint8_t *base;		/* of the strip */
	const int32_t *offset;		/* of each, in bytes */
	const int32_t *sum;		/* of each window, or NULL */
	uint8_t *out;			/* first channel of the first */
	size_t step;			/* from pixel to pixel */
	const uint8_t *out_end;		/* of the tile */
	const uint8_t *next;		/* input of the next strip */
	size_t next_size;
};

/* m pixels by n blocks of channels; both constant where it is inlined. */
static ALWAYS_INLINE void
micro(const struct job *job, struct group *g, const struct pixels *px,
      const int m, const int n)
{
	/* Pixels that are finished together. */
	const int together = n == 1 ? 4 : n == 2 ? 2 : 1;
	__m512i acc[MAX_TILE][GROUP_BLOCKS];
	const uint8_t *p[MAX_TILE];
	const int8_t *w = g->weights;
	size_t block = job->block_bytes;

#pragma GCC unroll 8
	for (int i = 0; i < m; i++)
#pragma GCC unroll 4
		for (int b = 0; b < n; b++)
			acc[i][b] = g->lanes[b].init;
#pragma GCC unroll 8
	for (int i = 0; i < m; i++)
		p[i] = px->base + px->offset[i];
	for (uint32_t k = 0; k < job->steps; k++, w += 64) {
		ptrdiff_t step = job->step_offset[k];
		__m512i wv[GROUP_BLOCKS];

#pragma GCC unroll 4
		for (int b = 0; b < n; b++)
			wv[b] = _mm512_loadu_si512(w + (size_t)b * block);
#pragma GCC unroll 8
		for (int i = 0; i < m; i++) {
			__m512i x = broadcast4(p[i] + step);

#pragma GCC unroll 4
			for (int b = 0; b < n; b++)
				acc[i][b] = _mm512_dpbusd_epi32(acc[i][b], x,
								wv[b]);
		}
	}
	if (px->sum) {
		const __m512i zw = _mm512_set1_epi32(
			job->cmd->weight_zero_point);

#pragma GCC unroll 8
		for (int i = 0; i < m; i++) {
			__m512i c = _mm512_mullo_epi32(zw,
					_mm512_set1_epi32(px->sum[i]));

#pragma GCC unroll 4
			for (int b = 0; b < n; b++)
				acc[i][b] = _mm512_sub_epi32(acc[i][b], c);
		}
	}
#pragma GCC unroll 8
	for (int i = 0; i < m; i += together) {
		int count = m - i < together ? m - i : together;
		__m512i all[4];

		/* Where nothing is left, something that does no harm. */
#pragma GCC unroll 4
		for (int b = 0; b < 4; b++)
			all[b] = b < count * n ? acc[i + b / n][b % n] :
						 acc[i][n - 1];
		finish(g, all, px->out + (size_t)i * px->step, px->step, n,
		       count);
	}
	if (__builtin_expect(g->late_count, 0))
		finish_late(job, g, px->step);
}

typedef void (*micro_fn)(const struct job *, struct group *,
			 const struct pixels *);

#define MICRO(m, n)							\
	static void micro_##m##x##n(const struct job *job,		\
				    struct group *g,			\
				    const struct pixels *px)		\
	{								\
		micro(job, g, px, m, n);				\
	}

#define MICROS(n)							\
	MICRO(1, n) MICRO(2, n) MICRO(3, n) MICRO(4, n) MICRO(5, n) MICRO(6, n)

MICROS(1) MICRO(7, 1) MICRO(8, 1)
MICROS(2) MICRO(7, 2) MICRO(8, 2)
MICROS(3)
MICROS(4)

/* 24 accumulators at most: with weights and input they fill 29 to 31 of 32 registers. */
static const struct {
	uint32_t tile;
	micro_fn fn[MAX_TILE];
} micros[GROUP_BLOCKS] = {
	{ 8, { micro_1x1, micro_2x1, micro_3x1, micro_4x1, micro_5x1,
	       micro_6x1, micro_7x1, micro_8x1 } },
	{ 8, { micro_1x2, micro_2x2, micro_3x2, micro_4x2, micro_5x2,
	       micro_6x2, micro_7x2, micro_8x2 } },
	{ 6, { micro_1x3, micro_2x3, micro_3x3, micro_4x3, micro_5x3,
	       micro_6x3 } },
	{ 6, { micro_1x4, micro_2x4, micro_3x4, micro_4x4, micro_5x4,
	       micro_6x4 } },
};

/* ---------------------------------------------------------------- call -- */

/*
 * struct ahead - memory that is read soon
 *
 * A layer finds its weights and buffers outside of the second-level cache: other
 * layers were there before. So what comes next is fetched while products are
 * computed, a piece with each tile.
 */
struct ahead {
	const uint8_t *at;
	size_t left, piece;
};

/* What comes after these channels: the next ones', or the next strip's input. */
static struct ahead ahead_of(const struct job *job, const struct group *g,
			     const struct pixels *all, uint32_t channels_left,
			     uint32_t tiles)
{
	uint32_t next = channels_left - g->count;
	size_t blocks = (next < GROUP ? next + QK_BLOCK - 1 : GROUP) / QK_BLOCK;
	struct ahead a = { all->next, all->next_size, 0 };

	/* Nothing to hide behind; the processor's own prefetching does better. */
	if (tiles < MIN_TILES_AHEAD)
		return (struct ahead){ 0 };
	if (next) {
		a.at = (const uint8_t *)g->weights + g->blocks * job->block_bytes;
		a.left = blocks * job->block_bytes;
	}
	a.piece = qk_round_up((a.left + tiles - 1) / tiles, LINE);
	return a;
}

/* Inlined, or GCC drops the calls: it takes what only prefetches for pure. */
static ALWAYS_INLINE void fetch_ahead(struct ahead *a)
{
	size_t size = a->piece < a->left ? a->piece : a->left;

	if (!size)
		return;
	for (size_t i = 0; i < size; i += LINE)
		_mm_prefetch((const char *)a->at + i, _MM_HINT_T1);
	a->at += size;
	a->left -= size;
}

/* Lines that are stored to soon, or the stores would wait for them. */
static ALWAYS_INLINE void fetch_output(const uint8_t *out, size_t step,
				const uint8_t *end, uint32_t pixels)
{
	if ((size_t)(end - out) < (OUTPUT_AHEAD + pixels) * step)
		return;
	for (uint32_t i = 0; i < pixels; i++)
		__builtin_prefetch(out + (OUTPUT_AHEAD + i) * step, 1);
}

/* From whole blocks to the channels there are. */
static void copy_partial(const struct group *g, const uint8_t *from,
			 uint32_t pixels, uint8_t *out, size_t step)
{
	for (uint32_t i = 0; i < pixels; i++, from += g->blocks * QK_BLOCK)
		memcpy(out + i * step, from, g->count);
}

/* All pixels of a strip, for the channels of a group; out: the first of them. */
static void run_group(const struct job *job, struct group *g,
		      const struct pixels *all, uint32_t count, uint8_t *out,
		      struct ahead ahead)
{
	uint8_t whole[MAX_TILE * GROUP] __attribute__((aligned(64)));
	uint32_t tile = micros[g->blocks - 1].tile, m;
	const micro_fn *fn = micros[g->blocks - 1].fn;
	bool partial = g->count % QK_BLOCK != 0;
	size_t oc = job->cmd->out.c;

	for (uint32_t i = 0; i < count; i += m, out += m * oc) {
		struct pixels px = {
			.base = all->base,
			.offset = all->offset + i,
			.sum = all->sum ? all->sum + i : NULL,
			.out = partial ? whole : out,
			.step = partial ? g->blocks * QK_BLOCK : oc,
		};

		m = tile < count - i ? tile : count - i;
		fetch_ahead(&ahead);
		fetch_output(out, oc, all->out_end, m);
		fn[m - 1](job, g, &px);
		if (partial)
			copy_partial(g, whole, m, out, oc);
	}
}

/* All channels of count pixels whose inputs lie in a strip. */
static void run_pixels(const struct job *job, const int8_t *weights,
		       const struct qaccel_channel *channels,
		       const struct pixels *all, uint32_t count,
		       const struct qk_tile *tile)
{
	struct group g;

	for (uint32_t c = tile->c0; c < tile->c1; c += GROUP) {
		uint32_t size;

		group_init(job, weights, channels, c, tile->c1, &g);
		size = micros[g.blocks - 1].tile;
		run_group(job, &g, all, count, all->out + c,
			  ahead_of(job, &g, all, tile->c1 - c,
				   (count + size - 1) / size));
	}
}

/* struct work - scratch memory */
struct work {
	uint8_t *strip;
	int32_t *offset;		/* of each pixel's window in the strip */
	int32_t *step;			/* of each group in a window */
	int32_t *sum;			/* of each window */
};

static void make_sums(const struct job *job, struct pixels *px, uint32_t count,
		      int32_t *sum)
{
	px->sum = NULL;
	if (!job->cmd->weight_zero_point)
		return;
	/* sum[] holds QK_STRIP_PIXELS, a multiple of 4. */
	for (uint32_t i = 0; i < count; i += 4) {
		__m512i part[4];

#pragma GCC unroll 4
		for (uint32_t j = 0; j < 4; j++) {
			uint32_t at = i + j < count ? i + j : count - 1;

			part[j] = window_sum(job, px->base + px->offset[at]);
		}
		_mm_storeu_si128((__m128i *)(sum + i),
				 add_up(part[0], part[1], part[2], part[3]));
	}
	px->sum = sum;
}

/* One list for all of a window, so that short filter rows cost no loops. */
static void make_steps(struct job *job, int32_t *step)
{
	job->step_offset = step;
	for (uint32_t ky = 0; ky < job->cmd->kh; ky++)
		for (uint32_t s = 0; s < job->segments; s++)
			for (uint32_t k = 0; k < job->groups; k++)
				*step++ = (int32_t)(ky * job->filter_row_step +
						    s * job->segment_step +
						    4 * (size_t)k);
}

static void job_init(struct job *job, const struct qaccel_cmd_conv *cmd)
{
	uint32_t taps = qk_segment_taps(cmd->kw, cmd->dilation_w);

	job->cmd = cmd;
	job->length = taps * cmd->in.c;
	job->rest = (UINT64_C(1) << job->length % 64) - 1;
	job->segments = cmd->kw / taps;
	job->groups = (job->length + 3) / 4;
	job->segment_step = (size_t)cmd->dilation_w * cmd->in.c;
	job->filter_row_step = cmd->dilation_h * job->strip.row;
	job->steps = cmd->kh * job->segments * job->groups;
	job->block_bytes = QK_BLOCK * 4 * (size_t)job->steps;
	job->finish = (struct qk_finish){
		.cmd = cmd,
		.k = (uint32_t)cmd->kh * cmd->kw * cmd->in.c,
		.flip = job->strip.flip,
		.single = qk_single_rounding(&cmd->hdr),
		.as_signed = true,
	};
}

/* What a strip of as many rows reads beyond those below this one. */
static void next_rows(const struct qaccel_cmd_conv *cmd, const uint8_t *in,
		      uint32_t n, uint32_t y, uint32_t rows, struct pixels *px)
{
	int64_t step = (int64_t)rows * cmd->stride_h;
	int64_t first = (int64_t)(y + rows - 1) * cmd->stride_h - cmd->pad_top +
			(int64_t)(cmd->kh - 1) * cmd->dilation_h + 1;
	int64_t end = first + step;

	first = first < 0 ? 0 : first;
	end = end < cmd->in.h ? end : cmd->in.h;
	if (first >= end)
		return;
	px->next = in + qk_offset(&cmd->in, n, (uint32_t)first, 0);
	px->next_size = (size_t)(end - first) * cmd->in.w * cmd->in.c;
}

/* Rows [y, y + rows) of image n, columns [x, x + columns). */
static void run_strip(const struct job *job, const uint8_t *in,
		      const int8_t *weights,
		      const struct qaccel_channel *channels, uint8_t *out,
		      const struct qk_tile *tile, const struct work *work,
		      uint32_t n, uint32_t y, uint32_t rows, uint32_t x,
		      uint32_t columns)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	struct pixels px = {
		.base = work->strip,
		.offset = work->offset,
		.out = out + qk_offset(&cmd->out, n, y, x),
		.out_end = out + qk_offset(&cmd->out, 0, tile->y1, 0),
	};
	uint32_t count = rows * columns;

	next_rows(cmd, in, n, y, rows, &px);
	qk_strip_fill(cmd, &job->strip, in + qk_offset(&cmd->in, n, 0, 0), y,
		      x, rows, work->strip);
	make_sums(job, &px, count, work->sum);
	run_pixels(job, weights, channels, &px, count, tile);
}

static void run_rows(const struct job *job, const uint8_t *in,
		     const int8_t *weights,
		     const struct qaccel_channel *channels, uint8_t *out,
		     const struct qk_tile *tile, const struct work *work)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	uint32_t rows, listed = 0;

	for (uint32_t y = tile->y0; y < tile->y1; y += rows) {
		uint32_t n = y / cmd->out.h, oy = y % cmd->out.h;
		uint32_t columns;

		/* A strip lies in one image. */
		rows = job->strip.rows;
		rows = rows < cmd->out.h - oy ? rows : cmd->out.h - oy;
		rows = rows < tile->y1 - y ? rows : tile->y1 - y;
		for (uint32_t x = 0; x < cmd->out.w; x += columns) {
			columns = job->strip.columns;
			columns = columns < cmd->out.w - x ? columns :
				  cmd->out.w - x;
			if (columns != listed)
				qk_strip_offsets(&job->strip,
						 job->strip.rows, columns,
						 work->offset);
			listed = columns;
			run_strip(job, in, weights, channels, out, tile, work,
				  n, oy, rows, x, columns);
		}
	}
}

/* ---------------------------------------------------------- pointwise -- */

/*
 * Without borders the rows of a tile are one run of pixels. What is read in
 * place must not be read past: whole groups of 4 only.
 */
static void run_pointwise(const struct job *job, const uint8_t *in,
			  const int8_t *weights,
			  const struct qaccel_channel *channels, uint8_t *out,
			  const struct qk_tile *tile, const struct work *work)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	size_t c = cmd->in.c, first = (size_t)tile->y0 * cmd->out.w;
	size_t total = (size_t)(tile->y1 - tile->y0) * cmd->out.w;
	bool in_place = !job->strip.flip && c % 4 == 0;
	uint32_t chunk = job->strip.columns, count;

	qk_strip_offsets(&job->strip, 1, chunk, work->offset);
	for (size_t i = 0; i < total; i += count) {
		const uint8_t *from = in + (first + i) * c;
		struct pixels px = {
			.base = in_place ? from : work->strip,
			.offset = work->offset,
			.out = out + (first + i) * cmd->out.c,
			.out_end = out + (first + total) * cmd->out.c,
		};

		count = chunk < total - i ? chunk : (uint32_t)(total - i);
		px.next = from + count * c;
		px.next_size = (total - i - count) * c;
		if (px.next_size > job->strip.size)
			px.next_size = job->strip.size;
		if (!in_place)
			qk_copy_flipped(work->strip, from, count * c,
					job->strip.flip);
		make_sums(job, &px, count, work->sum);
		run_pixels(job, weights, channels, &px, count, tile);
	}
}

/* Sizes of the parts of scratch; returns the sum. */
static size_t split_scratch(const struct job *job, void *scratch,
			    struct work *work)
{
	size_t pixels = QK_STRIP_PIXELS * sizeof(int32_t);
	size_t steps = qk_round_up(job->steps * sizeof(int32_t), 64);
	uint8_t *at = scratch;

	if (at) {
		work->offset = (int32_t *)(void *)at;
		work->sum = (int32_t *)(void *)(at + pixels);
		work->step = (int32_t *)(void *)(at + 2 * pixels);
		work->strip = at + 2 * pixels + steps;
	}
	return 2 * pixels + steps +
	       qk_round_up(job->strip.size + QK_STRIP_SLACK, 64);
}

size_t qk_conv2d_scratch_avx512vnni(const struct qaccel_cmd_conv *cmd)
{
	struct job job;

	if (!qk_strip_choose_conv2d(cmd, QACCEL_DTYPE_S8, &job.strip))
		return 0;
	job_init(&job, cmd);
	return split_scratch(&job, NULL, NULL);
}

QK_DECL_CONV(qk_conv2d_avx512vnni)
{
	struct work work = { 0 };
	struct job job;

	if (!qk_strip_choose_conv2d(cmd, QACCEL_DTYPE_S8, &job.strip)) {
		qk_conv2d_avx2(cmd, in, weights, channels, out, tile, scratch);
		return;
	}
	job_init(&job, cmd);
	split_scratch(&job, scratch, &work);
	make_steps(&job, work.step);
	if (qk_is_pointwise(cmd))
		run_pointwise(&job, in, weights, channels, out, tile, &work);
	else
		run_rows(&job, in, weights, channels, out, tile, &work);
}
