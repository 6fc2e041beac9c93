// SPDX-License-Identifier: MIT
/*
 * CONV2D for AVX512-VNNI
 *
 * vpdpbusd multiplies unsigned by signed bytes exactly. The input comes as a
 * strip (strip_avx512vnni.h), made once for all output channels: a pixel is a
 * pointer, a filter row a run of bytes behind it. A 1x1 convolution whose
 * channels fill whole groups of 4 reads its input in place where that is U8 or
 * needed but once.
 *
 * Padding at the borders costs nothing where taps are long enough: pixels are
 * sorted by the taps that lie inside (border.h), the products of the others are
 * left out.
 */
#include "../border.h"
#include "avx2.h"
#include "avx512vnni.h"
#include "convtile_avx512vnni.h"
#include "strip_avx512vnni.h"

/* Bytes in a cache line, and in a quarter of a vector. */
#define LINE		64u
#define LANE		16u
/* Pixels whose channels don't fill their blocks, at a time. */
#define PARTIAL_PIXELS	96u
/* Filters whose taps may be left out: at most so many rows and columns, */
#define MAX_SKIP_FILTER	8u
/* over so many channels. */
#define MIN_SKIP_CHANNELS 16u

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
	bool skips;			/* taps in the padding */
	uint8_t padding;		/* x' of it */
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

static inline __m128i load_lane(const uint8_t *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
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

/* --------------------------------------------------------------- pixels -- */

/* struct part - the pixels of a class, neighbours in the strip's list */
struct part {
	struct qk_class class;
	uint32_t first, count;
};

/* struct pixels - those of a strip */
struct pixels {
	const uint8_t *base;		/* of the strip */
	const int32_t *offset;		/* of each window, in bytes */
	const uint32_t *index;		/* of each pixel; NULL: in order */
	const int32_t *correction;	/* of each window, or NULL */
	uint32_t count;
	uint8_t flip;			/* still to do */
	uint8_t *out;			/* first channel of the first */
	const uint8_t *out_end;		/* of the tile */
	const uint8_t *next;		/* input of the next strip */
	size_t next_size;
	struct part parts[QK_MAX_CLASSES];
	uint32_t part_count;
	bool skips;			/* some part leaves taps out */
};

/* What comes after these channels: the next ones', or the next strip's input. */
static struct qk_ahead ahead_of(const struct job *job,
				const struct qk_convgroup *g,
				const struct pixels *all, uint32_t channels_left)
{
	uint32_t next = channels_left - g->count;
	size_t blocks = (next < QK_GROUP ? next + QK_BLOCK - 1 : QK_GROUP) /
			QK_BLOCK;
	struct qk_ahead a = { all->next, all->next_size };

	if (next) {
		a.at = (const uint8_t *)g->weights + g->blocks * job->block_bytes;
		a.left = blocks * job->block_bytes;
	}
	return a;
}

/*
 * Channels that are no multiple of 8: through memory, in whole blocks. The pixels
 * may be any.
 */
static void run_partial(struct qk_convgroup *g, struct qk_convpixels px,
			const __m512i *init, struct qk_ahead *ahead)
{
	uint8_t whole[PARTIAL_PIXELS * QK_GROUP] __attribute__((aligned(64)));
	uint32_t left = px.count, count = g->count;
	const uint32_t *index = px.index;
	size_t pixel = px.pixel;
	uint8_t *out = px.out;

	g->count = g->blocks * QK_BLOCK;
	px.index = NULL;
	px.pixel = g->count;
	px.out = whole;
	px.out_end = whole + sizeof(whole);
	for (uint32_t at = 0; left; left -= px.count) {
		px.count = left < PARTIAL_PIXELS ? left : PARTIAL_PIXELS;
		qk_conv_pixels(g, &px, init, ahead);
		for (uint32_t i = 0; i < px.count; i++, at++)
			memcpy(out + (index ? index[at] : at) * pixel,
			       whole + i * px.pixel, count);
		px.offset += px.count;
		if (px.correction)
			px.correction += px.count;
	}
	g->count = count;
}

/* What is left of the window: rows of taps, or all of them in one. */
static uint32_t make_runs(const struct job *job, const struct qk_class *class,
			  struct qk_convrun runs[MAX_SKIP_FILTER])
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	uint32_t tap = job->skips ? cmd->in.c / 4 : 0, count = 0;
	uint32_t row = cmd->kw * tap;

	if (!job->skips || !qk_class_skips(cmd, class)) {
		runs[0] = (struct qk_convrun){ 0, job->steps };
		return 1;
	}
	if (class->kx0 == 0 && class->kx1 == cmd->kw) {
		runs[0] = (struct qk_convrun){ class->ky0 * row,
					       class->ky1 * row };
		return 1;
	}
	runs[0] = (struct qk_convrun){ 0 };
	for (uint32_t ky = class->ky0; ky < class->ky1; ky++)
		runs[count++] = (struct qk_convrun){
			ky * row + class->kx0 * tap,
			ky * row + class->kx1 * tap,
		};
	return count ? count : 1;
}

static bool in_class(const struct qk_class *c, uint32_t ky, uint32_t kx)
{
	return ky >= c->ky0 && ky < c->ky1 && kx >= c->kx0 && kx < c->kx1;
}

/* Is this tap left out for some pixels? */
static bool some_skip(const struct pixels *px, uint32_t ky, uint32_t kx)
{
	for (uint32_t i = 0; i < px->part_count; i++)
		if (!in_class(&px->parts[i].class, ky, kx))
			return true;
	return false;
}

/* sum w x' of a tap in the padding, for each block. */
static void make_tap(const struct job *job, const struct qk_convgroup *g,
		     uint32_t tap, __m512i sum[QK_GROUP_BLOCKS])
{
	const __m512i x = _mm512_set1_epi8((char)job->padding);
	uint32_t length = job->cmd->in.c / 4;
	const int8_t *w = g->weights + (size_t)tap * length * 64;
	__m512i s[QK_GROUP_BLOCKS] = { 0 };

	for (uint32_t k = 0; k < length; k++, w += 64) {
#pragma GCC unroll 4
		for (uint32_t b = 0; b < QK_GROUP_BLOCKS; b++) {
			/* Blocks that are not there: the last one again. */
			size_t at = b < g->blocks ? b : g->blocks - 1;

			s[b] = _mm512_dpbusd_epi32(s[b], x,
				_mm512_loadu_si512(w + at * job->block_bytes));
		}
	}
	memcpy(sum, s, sizeof(s));
}

static void make_taps(const struct job *job, const struct qk_convgroup *g,
		      const struct pixels *px,
		      __m512i (*taps)[QK_GROUP_BLOCKS])
{
	const struct qaccel_cmd_conv *cmd = job->cmd;

	for (uint32_t ky = 0; ky < cmd->kh; ky++)
		for (uint32_t kx = 0; kx < cmd->kw; kx++)
			if (some_skip(px, ky, kx))
				make_tap(job, g, ky * cmd->kw + kx,
					 taps[ky * cmd->kw + kx]);
}

/* Where accumulators begin: with all that is left out. */
static void make_init(const struct job *job, const struct qk_convgroup *g,
		      const struct qk_class *class,
		      const __m512i (*taps)[QK_GROUP_BLOCKS],
		      __m512i init[QK_GROUP_BLOCKS])
{
	const struct qaccel_cmd_conv *cmd = job->cmd;

	for (uint32_t b = 0; b < QK_GROUP_BLOCKS; b++)
		init[b] = g->lanes[b].init;
	if (!job->skips || !job->padding || !qk_class_skips(cmd, class))
		return;
	for (uint32_t ky = 0; ky < cmd->kh; ky++)
		for (uint32_t kx = 0; kx < cmd->kw; kx++, taps++) {
			if (in_class(class, ky, kx))
				continue;
			for (uint32_t b = 0; b < g->blocks; b++)
				init[b] = _mm512_add_epi32(init[b], (*taps)[b]);
		}
}

/* The pixels of a part, for the channels of a group; out: the first of them. */
static void run_part(const struct job *job, struct qk_convgroup *g,
		     const struct pixels *all, const struct part *part,
		     const __m512i (*taps)[QK_GROUP_BLOCKS], uint8_t *out,
		     struct qk_ahead *ahead)
{
	struct qk_convrun runs[MAX_SKIP_FILTER];
	__m512i init[QK_GROUP_BLOCKS];
	struct qk_convpixels px = {
		.base = all->base,
		.offset = all->offset + part->first,
		.step = job->step_offset,
		.correction = all->correction ? all->correction + part->first :
						NULL,
		.runs = runs,
		.run_count = make_runs(job, &part->class, runs),
		.count = part->count,
		.flip = all->flip,
		.out = out,
		.out_end = all->out_end,
		.index = all->index ? all->index + part->first : NULL,
		.pixel = job->cmd->out.c,
	};

	make_init(job, g, &part->class, taps, init);
	if (g->count % 8)
		run_partial(g, px, init, ahead);
	else
		qk_conv_pixels(g, &px, init, ahead);
}

/* The records of the next channels. */
static ALWAYS_INLINE void fetch_records(const struct qaccel_channel *channels,
					uint32_t c, uint32_t end)
{
	uint32_t count = c < end ? end - c : 0;

	count = count < QK_GROUP ? count : QK_GROUP;
	for (uint32_t i = 0; i < count; i += LINE / sizeof(*channels))
		_mm_prefetch((const char *)(channels + c + i), _MM_HINT_T0);
}

/* All channels of the pixels whose inputs lie in a strip. */
static void run_pixels(const struct job *job, const int8_t *weights,
		       const struct qaccel_channel *channels,
		       const struct pixels *all, const struct qk_tile *tile)
{
	__m512i taps[MAX_SKIP_FILTER * MAX_SKIP_FILTER][QK_GROUP_BLOCKS];
	struct qk_convgroup g;

	for (uint32_t c = tile->c0; c < tile->c1; c += g.count) {
		struct qk_ahead ahead;

		qk_convgroup_init(&g, &job->finish, weights, job->block_bytes,
				  channels, c, tile->c1);
		fetch_records(channels, c + QK_GROUP, tile->c1);
		if (all->skips && job->padding)
			make_taps(job, &g, all, taps);
		ahead = ahead_of(job, &g, all, tile->c1 - c);
		for (uint32_t i = 0; i < all->part_count; i++)
			run_part(job, &g, all, &all->parts[i],
				 (const __m512i(*)[QK_GROUP_BLOCKS])taps,
				 all->out + c, &ahead);
	}
}

/* struct work - scratch memory */
struct work {
	uint8_t *strip;
	int32_t *offset;		/* of each pixel's window in the strip */
	uint32_t *index;		/* of each pixel */
	int32_t *step;			/* of each group in a window */
	int32_t *correction;		/* of each window */
};

/* All as one, in order. */
static void list_whole(struct pixels *px)
{
	px->index = NULL;
	px->skips = false;
	px->part_count = 1;
	px->parts[0] = (struct part){ .count = px->count };
}

/* Class by class. */
static void list_classes(const struct job *job, struct pixels *px, uint32_t y,
			 uint32_t rows, uint32_t x, uint32_t columns,
			 const struct work *work)
{
	const struct qk_strip *strip = &job->strip;
	struct qk_class classes[QK_MAX_CLASSES];
	uint32_t count = 0;

	px->part_count = qk_border_classes(job->cmd, y, rows, x, columns,
					   classes);
	for (uint32_t i = 0; i < px->part_count; i++) {
		const struct qk_class *c = &classes[i];
		uint32_t first = count;

		for (uint32_t py = c->y0; py < c->y1; py++)
			for (uint32_t pc = c->x0; pc < c->x1; pc++, count++) {
				work->offset[count] = (int32_t)(
					py * strip->step_y * strip->row +
					pc * strip->step_x * strip->pixel);
				work->index[count] = py * columns + pc;
			}
		px->parts[i] = (struct part){ *c, first, count - first };
		px->skips |= qk_class_skips(job->cmd, c);
	}
	px->index = work->index;
}

/* sum x' of 4 windows. */
static ALWAYS_INLINE __m128i sums_of(const struct job *job,
				     const uint8_t *const p[4])
{
	__m512i part[4];

#pragma GCC unroll 4
	for (uint32_t j = 0; j < 4; j++)
		part[j] = window_sum(job, p[j]);
	return add_up(part[0], part[1], part[2], part[3]);
}

/*
 * The same where segments are no longer than LANE bytes and that much may be
 * read: 4 windows share a vector.
 */
static ALWAYS_INLINE __m128i sums_of_short(const struct job *job,
					   const uint8_t *const p[4])
{
	const __m512i firsts = _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0,
						 0, 0, 0, 0, 0, 0);
	const __m512i ones = _mm512_broadcast_i32x4(_mm_maskz_set1_epi8(
			(__mmask16)((1u << job->length) - 1), 1));
	__m512i sum = _mm512_setzero_si512();

	for (uint32_t ky = 0; ky < job->cmd->kh; ky++) {
		size_t at = ky * job->filter_row_step;

		for (uint32_t s = 0; s < job->segments; s++) {
			__m512i x = _mm512_castsi128_si512(load_lane(p[0] + at));

			x = _mm512_inserti32x4(x, load_lane(p[1] + at), 1);
			x = _mm512_inserti32x4(x, load_lane(p[2] + at), 2);
			x = _mm512_inserti32x4(x, load_lane(p[3] + at), 3);
			sum = _mm512_dpbusd_epi32(sum, x, ones);
			at += job->segment_step;
		}
	}
	sum = _mm512_add_epi32(sum, _mm512_shuffle_epi32(sum, 0x4e));
	sum = _mm512_add_epi32(sum, _mm512_shuffle_epi32(sum, 0xb1));
	return _mm512_castsi512_si128(_mm512_permutexvar_epi32(firsts, sum));
}

static void make_corrections(const struct job *job, struct pixels *px,
			     bool in_strip, int32_t *correction)
{
	const __m128i zw = _mm_set1_epi32(-job->cmd->weight_zero_point);
	bool is_short = in_strip && job->length <= LANE;

	px->correction = NULL;
	if (!job->cmd->weight_zero_point)
		return;
	/* correction[] holds QK_STRIP_PIXELS, a multiple of 4. */
	for (uint32_t i = 0; i < px->count; i += 4) {
		const uint8_t *p[4];
		__m128i sums;

		for (uint32_t j = 0; j < 4; j++)
			p[j] = px->base + px->offset[i + j < px->count ? i + j :
						     px->count - 1];
		sums = is_short ? sums_of_short(job, p) : sums_of(job, p);
		_mm_storeu_si128((__m128i *)(correction + i),
				 _mm_mullo_epi32(zw, sums));
	}
	px->correction = correction;
}

/* ---------------------------------------------------------------- call -- */

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

/* Is there padding, and are taps whole groups of 4? */
static bool can_skip(const struct qaccel_cmd_conv *cmd)
{
	const struct qaccel_tensor *in = &cmd->in, *out = &cmd->out;

	if (in->c % 4 || in->c < MIN_SKIP_CHANNELS ||
	    cmd->kh > MAX_SKIP_FILTER || cmd->kw > MAX_SKIP_FILTER)
		return false;
	return cmd->pad_top || cmd->pad_left ||
	       (uint64_t)(out->h - 1) * cmd->stride_h +
	       (uint64_t)(cmd->kh - 1u) * cmd->dilation_h >= in->h ||
	       (uint64_t)(out->w - 1) * cmd->stride_w +
	       (uint64_t)(cmd->kw - 1u) * cmd->dilation_w >= in->w;
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
	job->skips = can_skip(cmd);
	job->padding = (uint8_t)cmd->in.zero_point ^ job->strip.flip;
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
		.count = rows * columns,
		.out = out + qk_offset(&cmd->out, n, y, x),
		.out_end = out + qk_offset(&cmd->out, 0, tile->y1, 0),
	};

	if (job->skips)
		list_classes(job, &px, y, rows, x, columns, work);
	else
		list_whole(&px);
	next_rows(cmd, in, n, y, rows, &px);
	qk_strip_fill(cmd, &job->strip, in + qk_offset(&cmd->in, n, 0, 0), y,
		      x, rows, work->strip);
	make_corrections(job, &px, true, work->correction);
	run_pixels(job, weights, channels, &px, tile);
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
			if (columns != listed && !job->skips)
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
	bool once = tile->c1 - tile->c0 <= QK_GROUP && !cmd->weight_zero_point;
	bool in_place = c % 4 == 0 && (once || !job->strip.flip);
	uint32_t chunk = job->strip.columns, count;

	qk_strip_offsets(&job->strip, 1, chunk, work->offset);
	for (size_t i = 0; i < total; i += count) {
		const uint8_t *from = in + (first + i) * c;
		struct pixels px = {
			.base = in_place ? from : work->strip,
			.offset = work->offset,
			.flip = in_place ? job->strip.flip : 0,
			.out = out + (first + i) * cmd->out.c,
			.out_end = out + (first + total) * cmd->out.c,
		};

		count = chunk < total - i ? chunk : (uint32_t)(total - i);
		px.count = count;
		list_whole(&px);
		px.next = from + count * c;
		px.next_size = (total - i - count) * c;
		if (px.next_size > job->strip.size)
			px.next_size = job->strip.size;
		if (!in_place)
			qk_copy_flipped(work->strip, from, count * c,
					job->strip.flip);
		make_corrections(job, &px, !in_place, work->correction);
		run_pixels(job, weights, channels, &px, tile);
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
		work->index = (uint32_t *)(void *)(at + pixels);
		work->correction = (int32_t *)(void *)(at + 2 * pixels);
		work->step = (int32_t *)(void *)(at + 3 * pixels);
		work->strip = at + 3 * pixels + steps;
	}
	return 3 * pixels + steps +
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
