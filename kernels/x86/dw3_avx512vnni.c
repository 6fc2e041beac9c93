// SPDX-License-Identifier: MIT
#include "dw3_avx512vnni.h"
#include "dwahead_avx512vnni.h"
#include "dwfinish_avx512vnni.h"

/* In a register: loading operands once more for each use keeps loads busy. */
#define QK_PIN(v)	__asm__("" : "+v"(v))

#define TAPS		3u		/* of a row of the filter */

/* Columns, or vectors of pixels, whose quads are there at once. */
#define MAX_SETS	5u

/* Columns between two fetches ahead; more at once would get in each other's way. */
#define PIECE		8u

/* Vectors of results between two looks at those too close to call. */
#define MAX_VECTORS	128u

/*
 * struct shape - of a block of vectors of results. Constant where it is used, so
 * that loops unroll and weights are loaded once for all columns.
 *
 * Set number columns spacing i + t has the quads for tap t of vector i. Those from
 * spacing columns on are also the first of the next block.
 */
struct shape {
	uint32_t rows;			/* of vectors, 1 or 2 */
	uint32_t columns;		/* 1 or 2 */
	uint32_t stride;		/* of the filter in a row, 1 or 2 */
	uint32_t pixels;		/* in a vector: 1, 2 or 4 */
	uint32_t spacing;		/* of the vectors' sets */
	bool together;			/* those pixels, in memory */
	bool part;			/* a single pixel, fewer than 64 channels */
	bool clamps_negative;
	bool extra;
};

/*
 * struct pass - one output row or two
 *
 * The loops have a copy each, of which the compiler knows that stores of results
 * leave it as it is. self is the one in memory.
 */
struct pass {
	const struct pass *self;
	const struct qk_dwjob *job;
	struct qk_dwahead *ahead;
	const uint8_t *row[4];		/* of the input, or padding */
	size_t step[4];			/* from pixel to pixel, 0 in padding */
	const uint8_t *padding;
	uint64_t inside;		/* columns whose vectors are all input */
	uint32_t pixels;		/* in a vector */
	uint32_t count;			/* channels of each */
	uint32_t columns;		/* of the output */
	uint32_t piece;			/* so many of them at most in one go */
	size_t out_pixel, out_line;	/* bytes */
	uint8_t *out;
	const __m512i (*weights)[2];
	__m512i extra[2];		/* a part of - Zw: struct qk_dwgroup */
	__m512i flip, out_flip;		/* what signed and unsigned differ by */
	__m512i low, high;		/* of signed results */
	__m512 addend;
};

/* --------------------------------------------------------------- quads -- */

/* What a vector has of a row: channels of one pixel or of several. */
static inline __attribute__((always_inline)) __m512i
load_row(const struct pass *p, const uint8_t *from, size_t step,
	 const struct shape s)
{
	__m512i v;

	if (s.part)
		return _mm512_maskz_loadu_epi8(qk_low_bits(p->count), from);
	if (s.pixels == 1 || s.together)
		return _mm512_loadu_si512(from);
	if (s.pixels == 2) {
		v = _mm512_castsi256_si512(_mm256_loadu_si256(
			(const __m256i *)(const void *)from));
		return _mm512_inserti64x4(v, _mm256_loadu_si256(
			(const __m256i *)(const void *)(from + step)), 1);
	}
#define QUARTER(i) _mm_loadu_si128((const __m128i *)(const void *)	\
				   (from + (i) * step))
	v = _mm512_castsi128_si512(QUARTER(0));
	v = _mm512_inserti32x4(v, QUARTER(1), 1);
	v = _mm512_inserti32x4(v, QUARTER(2), 2);
	return _mm512_inserti32x4(v, QUARTER(3), 3);
#undef QUARTER
}

/* Several pixels of which at least one is padding. */
static __attribute__((noinline)) void
copy_edge(const struct pass *p, int64_t x, uint8_t bytes[4][QK_DW_LANES])
{
	const struct qaccel_cmd_conv *cmd = p->job->cmd;

	memset(bytes, cmd->in.zero_point, 4 * QK_DW_LANES);
	for (uint32_t i = 0; i < p->pixels; i++, x += cmd->stride_w) {
		if (x < 0 || x >= cmd->in.w)
			continue;
		for (uint32_t j = 0; j < p->job->rows + 2; j++)
			memcpy(bytes[j] + i * p->count,
			       p->row[j] + x * (int64_t)p->step[j], p->count);
	}
}

/* The quads of column x of the input, or of several, stride columns apart. */
static inline __attribute__((always_inline)) void
make_set(const struct pass *p, int64_t x, const struct shape s, __m512i set[4])
{
	bool inside = (uint64_t)x < p->inside;
	__m512i v[4];

	if (s.pixels > 1 && !inside) {
		uint8_t bytes[4][QK_DW_LANES];

		copy_edge(p->self, x, bytes);
#pragma GCC unroll 4
		for (uint32_t j = 0; j < s.rows + 2; j++)
			v[j] = _mm512_loadu_si512(bytes[j]);
	} else {
#pragma GCC unroll 4
		for (uint32_t j = 0; j < s.rows + 2; j++)
			v[j] = load_row(p, inside ?
					p->row[j] + x * (int64_t)p->step[j] :
					p->padding, s.stride * p->step[j], s);
	}
#pragma GCC unroll 4
	for (uint32_t j = 0; j < s.rows + 2; j++)
		v[j] = _mm512_xor_si512(v[j], p->flip);
	if (s.rows == 1)
		v[3] = v[2];	/* of no weight */
	qk_dw_interleave(v[0], v[1], v[2], v[3], set);
}

/* From a vector's pixels and the next one's, those shift pixels on. */
static inline __attribute__((always_inline)) void
shift_pixels(const __m512i from[4], const __m512i next[4], uint32_t shift,
	     const struct shape s, __m512i to[4])
{
#pragma GCC unroll 4
	for (uint32_t q = 0; q < 4; q++)
		to[q] = shift * 8 / s.pixels == 2 ?
			_mm512_alignr_epi64(next[q], from[q], 2) :
			_mm512_alignr_epi64(next[q], from[q], 4);
}

static inline __attribute__((always_inline)) uint32_t
kept_sets(const struct shape s)
{
	return s.pixels == 1 && s.stride == 1 ? 2 : 1;
}

/* The sets of a block but for those kept from the one before it. */
static inline __attribute__((always_inline)) void
make_sets(const struct pass *p, int64_t x, const struct shape s,
	  __m512i set[][4])
{
	const uint32_t last = s.spacing * s.columns;

	if (s.pixels == 1) {
#pragma GCC unroll 4
		for (uint32_t i = kept_sets(s); i < last + kept_sets(s); i++)
			make_set(p, x + i, s, set[i]);
	} else if (s.pixels == 2 && s.stride == 1) {
#pragma GCC unroll 2
		for (uint32_t i = 0; i < last; i += 2) {
			make_set(p, x + i + 2, s, set[i + 2]);
			shift_pixels(set[i], set[i + 2], 1, s, set[i + 1]);
		}
	} else {
		make_set(p, x + s.stride * s.pixels, s, set[last]);
		shift_pixels(set[0], set[last], 3 - s.stride, s, set[2]);
		if (s.stride == 2)
			make_set(p, x + 1, s, set[1]);
		else
			shift_pixels(set[0], set[last], 1, s, set[1]);
	}
}

/* ------------------------------------------------------------- results -- */

/* A vector of several pixels, or of part of one; the last may go past the row. */
static inline __attribute__((always_inline)) void
store_shared(const struct pass *p, __m512i v, uint32_t x, const struct shape s,
	     uint8_t *out)
{
	uint32_t left = p->columns - x;
	size_t c = p->out_pixel;

	if (s.pixels == 1) {
		qk_dw_store_part(v, p->count, out);
	} else if (s.together && left >= s.pixels) {
		_mm512_storeu_si512(out, v);
	} else if (s.pixels == 2) {
		_mm256_storeu_si256((__m256i *)(void *)out,
				    _mm512_castsi512_si256(v));
		if (left > 1)
			_mm256_storeu_si256((__m256i *)(void *)(out + c),
				    _mm512_extracti64x4_epi64(v, 1));
	} else {
#define QUARTER(i) if (left > (i))					\
			_mm_storeu_si128((__m128i *)(void *)(out + (i) * c), \
					 _mm512_extracti32x4_epi32(v, i))
		QUARTER(0);
		QUARTER(1);
		QUARTER(2);
		QUARTER(3);
#undef QUARTER
	}
}

/* Words of signed bytes, flipped back where these stand for unsigned ones. */
static inline __attribute__((always_inline)) __m512i
clamp(const struct pass *p, __m512i first, __m512i last)
{
	__m512i v = _mm512_packs_epi16(first, last);

	v = _mm512_max_epi8(v, p->low);
	v = _mm512_min_epi8(v, p->high);
	return _mm512_xor_si512(v, p->out_flip);
}

/* One vector at column x. */
static inline __attribute__((always_inline)) void
store(const struct pass *p, __m512i v, uint32_t x, uint32_t y,
      const struct shape s)
{
	uint8_t *out = p->out + y * p->out_line + x * p->out_pixel;

	if (s.columns > 1 && x >= p->columns)
		return;
	if (s.pixels > 1 || s.part)
		store_shared(p, v, x, s, out);
	else
		_mm512_storeu_si512(out, v);
}

/*
 * The block's vectors have four quads each; four of all these at a time make a
 * group: one quad of four vectors, two of two, or all of one. While the products
 * of a group are summed up, the group before it is scaled, which needs other
 * ports: what the processor sees at once are not enough instructions for that.
 */
#define GROUP		4u

/* struct group - of results, vector by vector */
struct group {
	__m512i acc[GROUP];
	__m512 value[GROUP], addend[GROUP];
};

/* struct place - of a group's member */
struct place {
	uint32_t q;			/* quad */
	uint32_t vector, row, column;	/* in the block */
};

static inline __attribute__((always_inline)) struct place
place_of(uint32_t group, uint32_t i, const struct shape s)
{
	const uint32_t vectors = s.rows * s.columns;
	const uint32_t vector = i % vectors;

	return (struct place){
		.q = (group * GROUP + i) / vectors,
		.vector = vector,
		.row = vector / s.columns,
		.column = vector % s.columns,
	};
}

static inline __attribute__((always_inline)) void
start_group(const struct qk_dwgroup *g, uint32_t n, const struct shape s,
	    struct group *group)
{
	__m512i init;

#pragma GCC unroll 4
	for (uint32_t i = 0; i < GROUP; i++) {
		struct place at = place_of(n, i, s);

		if (!at.vector) {
			init = g->lanes[at.q].init;
			QK_PIN(init);
		}
		group->acc[i] = init;
	}
}

/* Member i's products with tap t. */
static inline __attribute__((always_inline)) void
dot_tap(const struct pass *p, const __m512i set[][4], uint32_t t,
	const struct place at, __m512i w, const struct shape s, __m512i *acc)
{
	__m512i v = set[at.column * s.spacing + t][at.q];

	*acc = _mm512_dpbusd_epi32(*acc, v, w);
	if (s.extra)
		*acc = _mm512_dpbusd_epi32(*acc, v, p->extra[at.row]);
}

/* qk_scale_units() in three steps but for the conversion at its end. */
static inline __attribute__((always_inline)) void
scale_step(const struct pass *p, const struct qk_lanes *l, uint32_t step,
	   uint32_t i, const struct shape s, struct group *group)
{
	const __m512i sign = _mm512_set1_epi32(INT32_MIN);

	if (step == 0) {
		group->value[i] = _mm512_cvtepi32_ps(group->acc[i]);
	} else if (step == 1 && !s.clamps_negative) {
		__m512i d = _mm512_ternarylogic_epi32(group->acc[i], sign,
				_mm512_castps_si512(l->d), 0xea);

		group->addend[i] = _mm512_add_ps(p->addend,
						 _mm512_castsi512_ps(d));
	} else if (step == 2) {
		group->value[i] = _mm512_fmadd_ps(group->value[i], l->scale,
			s.clamps_negative ? l->above : group->addend[i]);
	}
}

/* Tap t of group n, and a step of scaling the group before it. */
static inline __attribute__((always_inline)) void
run_step(const struct pass *p, const struct qk_dwgroup *g,
	 const __m512i set[][4], uint32_t n, uint32_t t, const struct shape s,
	 struct group *now, struct group *before)
{
	const uint32_t groups = s.rows * s.columns;
	struct qk_lanes l;
	__m512i w;

#pragma GCC unroll 4
	for (uint32_t i = 0; i < GROUP; i++) {
		if (n < groups) {
			struct place at = place_of(n, i, s);

			if (!at.column) {
				w = p->weights[at.q * TAPS + t][at.row];
				if (s.columns > 1)
					QK_PIN(w);
			}
			dot_tap(p, set, t, at, w, s, &now->acc[i]);
		}
		if (n) {
			struct place at = place_of(n - 1, i, s);

			if (!at.vector)
				l = g->lanes[at.q];
			scale_step(p, &l, t, i, s, before);
		}
	}
}

/* Pairs of quads, of which the last ones end group n. */
static inline __attribute__((always_inline)) void
take_words(const struct group *group, uint32_t n, const struct shape s,
	   __m512i even[4], __m512i words[4][2], __m512i least[4])
{
#pragma GCC unroll 4
	for (uint32_t i = 0; i < GROUP; i++) {
		struct place at = place_of(n, i, s);
		__m512i units = _mm512_cvtps_epi32(group->value[i]);

		if (at.q % 2)
			words[at.vector][at.q / 2] =
				qk_dw_integers(even[at.vector], units,
					       &least[at.vector]);
		else
			even[at.vector] = units;
	}
}

/* The block at column x; close: vector by vector, where values are too close. */
static inline __attribute__((always_inline)) void
finish_block(const struct pass *p, const struct qk_dwgroup *g,
	     const __m512i set[][4], uint32_t x, const struct shape s,
	     __mmask32 *close)
{
	const uint32_t vectors = s.rows * s.columns;
	__m512i even[4], words[4][2], least[4];
	struct group group[5];

#pragma GCC unroll 4
	for (uint32_t i = 0; i < vectors; i++)
		least[i] = _mm512_set1_epi16(-1);
#pragma GCC unroll 5
	for (uint32_t n = 0; n <= vectors; n++) {
		struct group *before = &group[n ? n - 1 : 0];

		if (n < vectors)
			start_group(g, n, s, &group[n]);
#pragma GCC unroll 3
		for (uint32_t t = 0; t < TAPS; t++)
			run_step(p, g, set, n, t, s, &group[n], before);
		if (n)
			take_words(before, n - 1, s, even, words, least);
	}
#pragma GCC unroll 4
	for (uint32_t i = 0; i < vectors; i++) {
		store(p, clamp(p, words[i][0], words[i][1]),
		      x + i % s.columns * s.pixels, i / s.columns, s);
		close[i] = qk_dw_close(least[i]);
	}
}

/* --------------------------------------------------------------- exact -- */

/* make_set() for one vector, whatever it has. */
static void make_any_set(const struct pass *p, int64_t x, __m512i set[4])
{
	struct shape s = {
		.rows = 2,
		.stride = p->job->cmd->stride_w,
		.pixels = p->pixels,
	};

	if (p->pixels == 4) {
		s.pixels = 4;
		make_set(p, x, s, set);
	} else if (p->pixels == 2) {
		s.pixels = 2;
		make_set(p, x, s, set);
	} else if (p->count < QK_DW_LANES) {
		s.part = true;
		make_set(p, x, s, set);
	} else {
		make_set(p, x, s, set);
	}
}

/* One vector of results, in integers. */
static void
finish_exact(const struct pass *p, const struct qk_dwgroup *g, uint32_t x,
	     uint32_t y)
{
	const __m512i back = _mm512_and_si512(_mm512_set1_epi32(128),
					      p->out_flip);
	const struct qk_dwjob *job = p->job;
	int64_t ix = (int64_t)x * job->cmd->stride_w - job->cmd->pad_left;
	const struct shape s = { .columns = 2, .pixels = p->pixels,
				 .part = p->count < QK_DW_LANES };
	__m512i v[4], set[TAPS][4];

	for (uint32_t t = 0; t < TAPS; t++)
		make_any_set(p, ix + t, set[t]);
	for (uint32_t q = 0; q < 4; q++) {
		__m512i acc = g->lanes[q].init;

		for (uint32_t t = 0; t < TAPS; t++) {
			acc = _mm512_dpbusd_epi32(acc, set[t][q],
						  p->weights[q * TAPS + t][y]);
			for (uint32_t e = 0; e < g->extras; e++)
				acc = _mm512_dpbusd_epi32(acc, set[t][q],
					_mm512_set1_epi32(job->extra[0][e][y]));
		}
		v[q] = qk_finish_exact(acc, &g->lanes[q], &g->bounds,
				       &job->finish);
		v[q] = _mm512_sub_epi32(v[q], back);
	}
	store(p, clamp(p, qk_dw_words(v[0], v[1]), qk_dw_words(v[2], v[3])),
	      x, y, s);
}

/*
 * Once more, in integers, the vectors that have values too close to call. Late,
 * because jumping to each at once would cost more than it takes.
 */
static void finish_close(const struct pass *p, const struct qk_dwgroup *g,
			 uint32_t x, const struct shape s,
			 const __mmask32 *close, uint32_t count)
{
	const uint32_t vectors = s.rows * s.columns;

	for (uint32_t i = 0; i < count; i += 16) {
		__m512i masks = _mm512_maskz_loadu_epi32(
			(__mmask16)qk_low_bits(count - i), close + i);
		uint32_t left = _mm512_test_epi32_mask(masks, masks);

		for (; left; left &= left - 1) {
			uint32_t n = i + (uint32_t)__builtin_ctz(left);
			uint32_t column = n / vectors * s.columns +
					  n % s.columns;

			finish_exact(p, g, x + column * s.pixels,
				     n % vectors / s.columns);
		}
	}
}

static void run_exact(const struct pass *p, const struct qk_dwgroup *g,
		      uint32_t rows)
{
	for (uint32_t x = 0; x < p->columns; x += p->pixels)
		for (uint32_t y = 0; y < rows; y++)
			finish_exact(p, g, x, y);
}

/* -------------------------------------------------------------- passes -- */

/*
 * Blocks side by side, as many as there is room for those too close to call.
 * Returns where they end.
 */
static inline __attribute__((always_inline)) uint32_t
run_blocks(const struct pass *pass, const struct qk_dwgroup *g, uint32_t x0,
	   const struct shape s)
{
	const struct pass p = *pass;
	const uint32_t wide = s.columns * s.pixels, vectors = s.rows * s.columns;
	const uint32_t kept = kept_sets(s), last = s.spacing * s.columns;
	const uint32_t most = MAX_VECTORS / vectors * wide;
	const uint32_t limit = most < p.piece ? most : p.piece;
	uint32_t end = p.columns - x0 < limit ? p.columns : x0 + limit;
	int64_t ix = (int64_t)x0 * s.stride - p.job->cmd->pad_left;
	__mmask32 close[MAX_VECTORS], *at = close;
	__m512i set[MAX_SETS][4];

#pragma GCC unroll 2
	for (uint32_t i = 0; i < kept; i++)
		make_set(&p, ix + i, s, set[i]);
	for (uint32_t x = x0; x < end; x += wide, at += vectors) {
		make_sets(&p, ix, s, set);
		finish_block(&p, g, (const __m512i(*)[4])set, x, s, at);
#pragma GCC unroll 8
		for (uint32_t i = 0; i < 4 * kept; i++)
			set[i / 4][i % 4] = set[last + i / 4][i % 4];
		ix += s.stride * wide;
	}
	finish_close(pass, g, x0, s, close, (uint32_t)(at - close));
	return end;
}

static inline __attribute__((always_inline)) void
run_row(const struct pass *p, const struct qk_dwgroup *g, const struct shape s)
{
	for (uint32_t x = 0; x < p->columns;) {
		if (p->ahead->tile->cold)
			qk_dwahead_fetch(p->ahead, x * p->out_pixel,
					 PIECE * p->out_pixel, s.stride);
		x = run_blocks(p, g, x, s);
	}
}

/* A copy of the loops for each way to finish. */
static inline __attribute__((always_inline)) void
run_shape(const struct pass *p, const struct qk_dwgroup *g, struct shape s)
{
	if (g->extras) {
		s.extra = true;
		run_row(p, g, s);
	} else if (p->job->finish.clamps_negative) {
		s.clamps_negative = true;
		run_row(p, g, s);
	} else {
		run_row(p, g, s);
	}
}

/* Blocks as large as registers allow. */
static inline __attribute__((always_inline)) void
run_rows(const struct pass *p, const struct qk_dwgroup *g, const uint32_t rows,
	 const uint32_t stride)
{
	const uint32_t columns = stride == 1 ? 2 : 1;
	struct shape s = {
		.rows = rows,
		.columns = columns,
		.stride = stride,
		.pixels = 1,
		.spacing = stride,
	};

	if (p->pixels == 4) {
		s.pixels = 4;
		s.columns = 1;
		s.spacing = TAPS;
		run_shape(p, g, s);
	} else if (p->pixels == 2) {
		s.pixels = 2;
		s.spacing = stride + 1;
		s.together = stride == 1;
		if (s.together && p->out_pixel == p->count) {
			run_shape(p, g, s);
		} else {
			s.together = false;
			run_shape(p, g, s);
		}
	} else if (p->count < QK_DW_LANES) {
		s.part = true;
		run_shape(p, g, s);
	} else {
		run_shape(p, g, s);
	}
}

static void run_pairs(const struct pass *p, const struct qk_dwgroup *g)
{
	run_rows(p, g, 2, 1);
}

static void run_single(const struct pass *p, const struct qk_dwgroup *g)
{
	run_rows(p, g, 1, 1);
}

static void run_apart(const struct pass *p, const struct qk_dwgroup *g)
{
	run_rows(p, g, 1, 2);
}

static void run_pass(const struct pass *p, const struct qk_dwgroup *g,
		     uint32_t rows)
{
	if (!g->bounds.fast || g->extras > 1)
		run_exact(p, g, rows);
	else if (p->job->cmd->stride_w == 2)
		run_apart(p, g);
	else if (rows == 2)
		run_pairs(p, g);
	else
		run_single(p, g);
}

/* ---------------------------------------------------------------- call -- */

static struct pass pass_init(const struct qk_dwjob *job,
			     const struct qk_dwgroup *g)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	uint32_t more = (job->pixels - 1) * cmd->stride_w;
	struct pass p = {
		.job = job,
		.inside = cmd->in.w > more ? cmd->in.w - more : 0,
		.pixels = job->pixels,
		.count = g->count,
		.columns = cmd->out.w,
		.out_pixel = cmd->out.c,
		.out_line = job->line,
		.weights = (const __m512i(*)[2])job->quad_weights,
		.flip = _mm512_set1_epi8((char)job->finish.flip),
		.out_flip = _mm512_set1_epi8(job->finish.as_signed ?
					     (char)0x80 : 0),
		.addend = job->addend,
	};

	for (uint32_t y = 0; y < 2; y++)
		p.extra[y] = _mm512_set1_epi32(job->extra[0][0][y]);
	p.low = _mm512_xor_si512(job->low, p.out_flip);
	p.high = _mm512_xor_si512(job->high, p.out_flip);
	return p;
}

/* Rows [y, y + rows) of the whole batch, all in one image. */
static void run_band(const struct qk_dwjob *job, const struct qk_dwgroup *g,
		     const uint8_t *in, uint8_t *out, uint32_t y, uint32_t rows,
		     struct qk_dwahead *ahead)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	uint32_t n = y / cmd->out.h, oy = y % cmd->out.h, now;
	const uint8_t *image = in + qk_offset(&cmd->in, n, 0, 0) + g->c;
	size_t line = (size_t)cmd->in.w * cmd->in.c;
	struct pass p = pass_init(job, g);
	uint8_t padding[QK_DW_LANES];

	memset(padding, cmd->in.zero_point, QK_DW_LANES);
	p.self = &p;
	p.padding = padding;
	p.ahead = ahead;
	p.piece = ahead->tile->cold ? PIECE : cmd->out.w;
	p.out = out + qk_offset(&cmd->out, n, oy, 0) + g->c;
	for (; rows; rows -= now, oy += now) {
		int64_t iy = (int64_t)oy * cmd->stride_h - cmd->pad_top;

		now = rows < job->rows ? rows : job->rows;
		for (uint32_t j = 0; j < 4; j++, iy++) {
			bool inside = iy >= 0 && iy < cmd->in.h;

			p.row[j] = inside ? image + (size_t)iy * line : padding;
			p.step[j] = inside ? cmd->in.c : 0;
		}
		qk_dwahead_next(ahead);
		run_pass(&p, g, now);
		p.out += now * job->line;
	}
}

/*
 * Channels done together, and how many pixels a vector has of them: the last 16,
 * 32 or 48 do not leave lanes empty.
 */
static uint32_t choose_channels(struct qk_dwjob *job, uint32_t left)
{
	uint32_t count = qk_dw3_channels(left);

	job->pixels = count == 32 || count == 16 ? QK_DW_LANES / count : 1;
	return count;
}

bool qk_dw3_fits(const struct qaccel_cmd_conv *cmd)
{
	return cmd->depth_multiplier == 1 && cmd->kw == TAPS && cmd->kh <= 3 &&
	       cmd->stride_w <= 2 && cmd->dilation_w == 1 &&
	       cmd->dilation_h == 1;
}

void qk_dw3_run(const struct qaccel_cmd_conv *cmd, const uint8_t *in,
		const int8_t *weights, const struct qaccel_channel *channels,
		uint8_t *out, const struct qk_tile *tile)
{
	__m512i quad_weights[4 * TAPS][2];
	int32_t extra[1][2][2];
	struct qk_dwjob job = {
		.cmd = cmd,
		.weights = weights,
		.channels = channels,
		.rows = cmd->stride_h == 1 && cmd->stride_w == 1 ? 2 : 1,
		.quads = 1,
		.taps = TAPS,
		.line = (size_t)cmd->out.w * cmd->out.c,
		.quad_weights = quad_weights,
		.extra = extra,
	};
	struct qk_dwahead ahead;
	uint32_t rows, count;
	struct qk_dwgroup g;

	qk_dwjob_finish(&job);
	/* Signed results cost less to clamp; job.addend has to know. */
	job.finish.as_signed = cmd->out.dtype == QACCEL_DTYPE_U8;
	job.addend = qk_addend(&job.finish);
	qk_dwahead_start(&ahead, &job, tile, in, out);
	for (uint32_t y = tile->y0; y < tile->y1; y += rows) {
		rows = qk_dwband_rows(&job, tile, y);
		for (uint32_t c = tile->c0; c < tile->c1; c += count) {
			count = choose_channels(&job, tile->c1 - c);
			qk_dwgroup_init(&job, &g, c, c + count);
			run_band(&job, &g, in, out, y, rows, &ahead);
		}
	}
}
