// SPDX-License-Identifier: MIT
/*
 * DWCONV2D for AVX512-VNNI, depth multiplier 1
 *
 * Output rows are done 64 channels at a time, and two rows at once where they
 * are neighbours in the input. First the input is brought into quads: a 32-bit
 * lane holds four bytes of one channel and column, from four rows below each
 * other. Then vpdpbusd does a column of the filter, and because the weights of
 * the second row are those of the first, moved down by one byte, both rows use
 * the same quads, as do all windows that a column is in.
 *
 * Interleaving four vectors leaves four vectors of quads; number q has channels
 * 16 L + 4 q + j in lane 4 L + j. They are stored in four planes, a pixel after
 * another. Where 64 is a multiple of the channels and the stride is 1,
 * neighbouring pixels fill a vector together.
 */
#include "avx2.h"
#include "avx512vnni.h"
#include "scale_avx512vnni.h"

#define LANES		64u
/* Of quads at a time, beside which the weights stay in the first-level cache. */
#define QUADS_SIZE	(16u << 10)
/* Four vectors each, in a span. */
#define MAX_BLOCKS	(QUADS_SIZE / (8 * LANES) + 2)
/* Dilation may spread the columns of a single pixel out to more. */
#define QUADS_LIMIT	(4u << 20)
/* Input whose channels are gone through 64 at a time: half of the next cache. */
#define BAND_SIZE	(256u << 10)

/* struct job - one call, with what its loops share */
struct job {
	const struct qaccel_cmd_conv *cmd;
	const int8_t *weights;
	const struct qaccel_channel *channels;
	struct qk_finish finish;
	uint32_t pixels;		/* that fill a vector together */
	uint32_t rows;			/* of the output, done at once: 1 or 2 */
	uint32_t columns;		/* and at most so many columns */
	uint32_t width;			/* columns of the input under these */
	uint32_t quads;			/* below each other in a filter's column */
	uint32_t taps;			/* columns of the filter in all quads */
	size_t pixel;			/* bytes of one in a plane */
	size_t plane;
	size_t step;			/* bytes between windows in a plane */
	size_t line;			/* bytes of an output row */
	__m512i low, high;		/* bounds of the results' bytes */
	__m512 addend;			/* qk_addend() */
	/* scratch */
	int32_t *tap;			/* offset of each tap in its plane */
	__m512i (*quad_weights)[2];	/* [q][tap][output row] */
	int32_t (*extra)[2][2];		/* [quad][part][output row]: struct group */
	uint8_t *copy;			/* the quads: [quad][q] planes */
};

/* struct group - up to 64 channels, or fewer of several pixels */
struct group {
	struct qk_lanes lanes[4];
	struct qk_bounds bounds;
	uint32_t block[4];		/* of weights, for each 128 bits */
	uint32_t c;			/* the first */
	uint32_t count;			/* 1 to 64 */
	uint32_t extras;		/* parts of - Zw that are not in the weights */
};

/* struct span - some columns of the output */
struct span {
	uint32_t x, columns;
	uint32_t first, last;		/* columns of the quads inside the input */
};

static __mmask64 low_bits(size_t count)
{
	return count >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << count) - 1;
}

static inline void interleave(__m512i a, __m512i b, __m512i c, __m512i d,
			      __m512i q[4])
{
	__m512i ab_lo = _mm512_unpacklo_epi8(a, b);
	__m512i ab_hi = _mm512_unpackhi_epi8(a, b);
	__m512i cd_lo = _mm512_unpacklo_epi8(c, d);
	__m512i cd_hi = _mm512_unpackhi_epi8(c, d);

	q[0] = _mm512_unpacklo_epi16(ab_lo, cd_lo);
	q[1] = _mm512_unpackhi_epi16(ab_lo, cd_lo);
	q[2] = _mm512_unpacklo_epi16(ab_hi, cd_hi);
	q[3] = _mm512_unpackhi_epi16(ab_hi, cd_hi);
}

/* ------------------------------------------------------------- weights -- */

/* A tap of the filter; outside of it there is none: zeros. */
static __m512i tap_weights(const struct job *job, const struct group *g,
			   uint32_t ky, uint32_t kx)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	size_t block = (size_t)cmd->kh * cmd->kw * QK_BLOCK;
	const int8_t *at;
	__m512i w;

	if (ky >= cmd->kh)
		return _mm512_setzero_si512();
	at = job->weights + ((size_t)ky * cmd->kw + kx) * QK_BLOCK;
#define BLOCK(l) _mm_loadu_si128((const __m128i *)(at + g->block[l] * block))
	w = _mm512_castsi128_si512(BLOCK(0));
	w = _mm512_inserti32x4(w, BLOCK(1), 1);
	w = _mm512_inserti32x4(w, BLOCK(2), 2);
	return _mm512_inserti32x4(w, BLOCK(3), 3);
#undef BLOCK
}

/* The quads of weights of the pass's output row 0 or 1. */
static void make_quads(const struct job *job, const struct group *g, int8_t zw,
		       uint32_t row)
{
	const __m512i minus = _mm512_set1_epi8(zw);
	uint32_t t = 0;

	for (uint32_t i = 0; i < job->quads; i++) {
		for (uint32_t kx = 0; kx < job->cmd->kw; kx++, t++) {
			__m512i w[4], quad[4];

			for (uint32_t j = 0; j < 4; j++) {
				/* Wraps below 0: no tap there either. */
				uint32_t ky = 4 * i + j - row;

				w[j] = tap_weights(job, g, ky, kx);
				if (ky < job->cmd->kh)
					w[j] = _mm512_sub_epi8(w[j], minus);
			}
			interleave(w[0], w[1], w[2], w[3], quad);
			for (uint32_t q = 0; q < 4; q++)
				job->quad_weights[q * job->taps + t][row] =
					quad[q];
		}
	}
}

/* Whether w - Zw is a signed byte for each weight of the group. */
static bool difference_fits(const struct job *job, const struct group *g)
{
	const __m512i zw = _mm512_set1_epi8(
		(int8_t)job->cmd->weight_zero_point);
	__mmask64 wrong = 0;

	for (uint32_t ky = 0; ky < job->cmd->kh; ky++) {
		for (uint32_t kx = 0; kx < job->cmd->kw; kx++) {
			__m512i w = tap_weights(job, g, ky, kx);

			wrong |= _mm512_cmpneq_epi8_mask(
				_mm512_subs_epi8(w, zw),
				_mm512_sub_epi8(w, zw));
		}
	}
	return !wrong;
}

/*
 * The zero point's part of the sum, - Zw sum x', for weights from which it
 * cannot be taken off: - Zw in each tap of the quads, or 127 and 1 where that
 * is 128.
 */
static void make_extra(const struct job *job)
{
	int32_t minus = -job->cmd->weight_zero_point;
	int32_t first = minus < 127 ? minus : 127;

	for (uint32_t i = 0; i < job->quads; i++) {
		for (uint32_t row = 0; row < 2; row++) {
			uint8_t part[2][4] = { 0 };

			for (uint32_t j = 0; j < 4; j++) {
				if (4 * i + j - row >= job->cmd->kh)
					continue;
				part[0][j] = (uint8_t)first;
				part[1][j] = (uint8_t)(minus - first);
			}
			memcpy(&job->extra[i][0][row], part[0], 4);
			memcpy(&job->extra[i][1][row], part[1], 4);
		}
	}
}

static void group_weights(const struct job *job, struct group *g)
{
	int32_t zw = job->cmd->weight_zero_point;

	g->extras = 0;
	if (zw && !difference_fits(job, g)) {
		g->extras = zw == -128 ? 2 : 1;
		zw = 0;
	}
	for (uint32_t row = 0; row < job->rows; row++)
		make_quads(job, g, (int8_t)zw, row);
}

/* The records of the channels in the lanes of quads q. */
static void group_records(const struct job *job, const struct group *g,
			  uint32_t q, struct qk_records *r)
{
	const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6,
						10, 14, 3, 7, 11, 15);
	__m512i z[4], lo[2], hi[2];

	/* Four records of four members each: transposed, in each 128 bits. */
#pragma GCC unroll 4
	for (uint32_t l = 0; l < 4; l++)
		z[l] = _mm512_loadu_si512(job->channels +
					  g->block[l] * QK_BLOCK + 4 * q);
#pragma GCC unroll 2
	for (uint32_t l = 0; l < 2; l++) {
		lo[l] = _mm512_unpacklo_epi32(z[2 * l], z[2 * l + 1]);
		hi[l] = _mm512_unpackhi_epi32(z[2 * l], z[2 * l + 1]);
	}
#define MEMBER(half, v) _mm512_permutexvar_epi32(order,			\
			_mm512_unpack##half##_epi64(v[0], v[1]))
	r->bias = MEMBER(lo, lo);
	r->multiplier = MEMBER(hi, lo);
	r->shift = MEMBER(lo, hi);
	r->weight_sum = MEMBER(hi, hi);
#undef MEMBER
}

/* Of the channels from c to c1, as many as fit. */
static void group_init(const struct job *job, struct group *g, uint32_t c,
		       uint32_t c1)
{
	uint32_t blocks = (c1 - c + QK_BLOCK - 1) / QK_BLOCK;
	struct qk_records records;

	g->c = c;
	g->count = c1 - c < LANES ? c1 - c : LANES;
	for (uint32_t l = 0; l < 4; l++)
		g->block[l] = c / QK_BLOCK + (job->pixels > 1 ? l % blocks :
					      l < blocks ? l : blocks - 1);
	g->bounds = (struct qk_bounds){ .fast = true };
	for (uint32_t q = 0; q < 4; q++) {
		group_records(job, g, q, &records);
		qk_lanes_set(&g->lanes[q], &g->bounds, &job->finish, &records);
	}
	group_weights(job, g);
}

/* --------------------------------------------------------------- quads -- */

/* struct source - the four rows of the quads, 0 bytes apart in padding */
struct source {
	const uint8_t *row[4];
	size_t step[4];
};

static inline __attribute__((always_inline)) void
fill_one(const struct job *job, const struct source *s, uint32_t i,
	 const __mmask64 mask, uint8_t *to)
{
	const __m512i flip = _mm512_set1_epi8((char)job->finish.flip);
	__m512i x[4], q[4];

#pragma GCC unroll 4
	for (int j = 0; j < 4; j++)
		x[j] = _mm512_xor_si512(flip, _mm512_mask_loadu_epi8(
			_mm512_set1_epi8((char)job->cmd->in.zero_point), mask,
			s->row[j] + i * s->step[j]));
	interleave(x[0], x[1], x[2], x[3], q);
#pragma GCC unroll 4
	for (int j = 0; j < 4; j++)
		_mm512_storeu_si512(to + (size_t)j * job->plane, q[j]);
}

/*
 * Count pixels. What the last vector holds of pixels past them is padding: a
 * row of neighbouring pixels ends with the input.
 */
static void fill_columns(const struct job *job, const struct group *g,
			 const struct source *s, uint32_t count, uint8_t *to)
{
	size_t bytes = count * job->pixel;
	uint32_t all = g->count == LANES ? count : 0, i = 0;
	__mmask64 mask = low_bits(g->count);

	if (job->pixels > 1) {
		all = (uint32_t)(bytes / LANES);
		mask = low_bits(bytes % LANES);
		count = (uint32_t)((bytes + LANES - 1) / LANES);
	}
	for (; i < all; i++, to += LANES)
		fill_one(job, s, i, ~UINT64_C(0), to);
	for (; i < count; i++, to += LANES)
		fill_one(job, s, i, mask, to);
}

/* The quads of one pass: from input row iy on. */
static void fill_quads(const struct job *job, const struct group *g,
		       const struct span *span, const uint8_t *image,
		       int64_t iy, const uint8_t padding[LANES])
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	size_t line = (size_t)cmd->in.w * cmd->in.c;
	size_t step = job->pixels > 1 ? LANES : cmd->in.c;
	int64_t ix = (int64_t)span->x * cmd->stride_w - cmd->pad_left +
		     span->first;
	uint8_t *to = job->copy + span->first * job->pixel;
	struct source s;

	if (span->first == span->last)
		return;
	for (uint32_t i = 0; i < job->quads; i++, to += 4 * job->plane) {
		for (uint32_t j = 0; j < 4; j++, iy += cmd->dilation_h) {
			bool inside = iy >= 0 && iy < cmd->in.h;

			s.row[j] = inside ? image + (size_t)iy * line +
				   (size_t)ix * cmd->in.c + g->c : padding;
			s.step[j] = inside ? step : 0;
		}
		fill_columns(job, g, &s, span->last - span->first, to);
	}
}

/* Columns of the output from x on. */
static struct span span_at(const struct job *job, uint32_t x)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	int64_t width = job->width;
	int64_t ix = (int64_t)x * cmd->stride_w - cmd->pad_left;
	int64_t first = -ix, last = cmd->in.w - ix;

	first = first < 0 ? 0 : first > width ? width : first;
	last = last < first ? first : last > width ? width : last;
	return (struct span){
		.x = x,
		.columns = cmd->out.w - x < job->columns ? cmd->out.w - x :
							   job->columns,
		.first = (uint32_t)first,
		.last = (uint32_t)last,
	};
}

/* The padding beside the input, which stays for all the rows of a span. */
static void fill_padding(const struct job *job, const struct span *span)
{
	int value = job->cmd->in.zero_point + job->finish.flip;
	uint8_t *to = job->copy;

	for (uint32_t i = 0; i < 4 * job->quads; i++, to += job->plane) {
		memset(to, value, span->first * job->pixel);
		memset(to + span->last * job->pixel, value,
		       job->plane - span->last * job->pixel);
	}
}

/* ------------------------------------------------------------ epilogue -- */

/* Vectors of bytes from words: the first and last two quads of each. */
static inline __attribute__((always_inline)) void
clamp(const struct job *job, const __m512i words[][2], __m512i v[],
      const uint32_t count)
{
	if (job->cmd->out.dtype == QACCEL_DTYPE_U8) {
#pragma GCC unroll 4
		for (uint32_t i = 0; i < count; i++) {
			v[i] = _mm512_packus_epi16(words[i][0], words[i][1]);
			v[i] = _mm512_max_epu8(v[i], job->low);
			v[i] = _mm512_min_epu8(v[i], job->high);
		}
	} else {
#pragma GCC unroll 4
		for (uint32_t i = 0; i < count; i++) {
			v[i] = _mm512_packs_epi16(words[i][0], words[i][1]);
			v[i] = _mm512_max_epi8(v[i], job->low);
			v[i] = _mm512_min_epi8(v[i], job->high);
		}
	}
}

/* The first bytes of a vector. Masked stores are slow. */
static inline void store_part(__m512i v, uint32_t count, uint8_t *out)
{
	if (count == 32)
		_mm256_storeu_si256((__m256i *)(void *)out,
				    _mm512_castsi512_si256(v));
	else if (count == 16)
		_mm_storeu_si128((__m128i *)(void *)out,
				 _mm512_castsi512_si128(v));
	else
		_mm512_mask_storeu_epi8(out, low_bits(count), v);
}

/* Which of the fractions, in words, are too close to an integer. */
static inline __mmask32 close_words(__m512i least)
{
	return _mm512_cmplt_epu16_mask(least, _mm512_set1_epi16(2 * QK_GUARD));
}

/*
 * Values in units of 2^-16: the integer parts of both vectors, word by word in
 * turn; least becomes the smallest fraction at each place.
 */
static inline __m512i take_integers(__m512i u0, __m512i u1, __m512i *least)
{
	const __mmask32 odd = 0xaaaaaaaa;
	__m512i swapped = _mm512_rol_epi32(u0, 16);

	*least = _mm512_min_epu16(*least,
				  _mm512_mask_blend_epi16(odd, u1, swapped));
	return _mm512_mask_blend_epi16(odd, swapped, u1);
}

/* The bytes in order, where two quads were taken in turn. */
static inline __m512i order_bytes(__m512i v)
{
	const __m128i order = _mm_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12,
					    14, 9, 11, 13, 15);

	return _mm512_shuffle_epi8(v, _mm512_broadcast_i32x4(order));
}

/* ------------------------------------------------------- micro-kernels -- */

/*
 * struct shape - of a block of four vectors of results. Constant where it is
 * used, so that loops unroll, neighbours share loads and weights are loaded
 * once.
 */
struct shape {
	uint32_t rows, columns;		/* of vectors */
	uint32_t taps;			/* columns of a filter of one quad; 0: any */
	size_t tap;			/* bytes between them, if not any */
	size_t step;			/* and between the vectors' windows */
	bool clamps_negative;
	bool extra;			/* in one part, if not any */
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

/* A filter of one quad; acc: row by row. */
static inline __attribute__((always_inline)) void
dot_few(const struct job *job, const __m512i (*w)[2], const uint8_t *plane,
	const struct shape s, __m512i acc[4])
{
#pragma GCC unroll 4
	for (uint32_t t = 0; t < s.taps; t++) {
#pragma GCC unroll 4
		for (uint32_t x = 0; x < s.columns; x++) {
			__m512i v = _mm512_loadu_si512(plane + x * s.step +
						       t * s.tap);

#pragma GCC unroll 2
			for (uint32_t y = 0; y < s.rows; y++) {
				__m512i *a = &acc[y * s.columns + x];

				*a = _mm512_dpbusd_epi32(*a, v, w[t][y]);
				if (s.extra)
					*a = _mm512_dpbusd_epi32(*a, v,
						_mm512_set1_epi32(
						job->extra[0][0][y]));
			}
		}
	}
}

static inline __attribute__((always_inline)) void
dot_any(const struct job *job, const struct group *g, const __m512i (*w)[2],
	const uint8_t *const window[4], const struct shape s, __m512i acc[4])
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
static inline uint32_t column_of(const struct job *job, const struct pass *pass,
				 uint32_t x, uint32_t i)
{
	uint32_t last = pass->columns > job->pixels ?
			pass->columns - job->pixels : 0;

	x += i * job->pixels;
	return x < last ? x : last;
}

/* The accumulators of the channels in quads q. */
static inline __attribute__((always_inline)) void
dot(const struct job *job, const struct group *g, const struct pass *pass,
    uint32_t x, uint32_t q, const struct shape s, __m512i acc[4])
{
	const __m512i (*w)[2] = (const __m512i(*)[2])job->quad_weights +
				q * job->taps;
	const uint8_t *plane = job->copy + q * job->plane;
	const uint8_t *window[4];

#pragma GCC unroll 4
	for (uint32_t i = 0; i < 4; i++)
		acc[i] = g->lanes[q].init;
	if (s.taps) {
		dot_few(job, w, plane + x * job->step, s, acc);
		return;
	}
#pragma GCC unroll 4
	for (uint32_t i = 0; i < s.columns; i++)
		window[i] = plane + column_of(job, pass, x, i) * job->step;
	dot_any(job, g, w, window, s, acc);
}

static inline __attribute__((always_inline)) void
store_block(const struct job *job, const struct pass *pass, uint32_t x,
	    const struct shape s, const __m512i v[4])
{
	uint8_t *out[4];

#pragma GCC unroll 4
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t column = s.taps ? x + i % s.columns * job->pixels :
				  column_of(job, pass, x, i % s.columns);

		out[i] = pass->out + i / s.columns * job->line +
			 (size_t)column * job->cmd->out.c;
	}
	if (pass->count == LANES) {
#pragma GCC unroll 4
		for (uint32_t i = 0; i < 4; i++)
			_mm512_storeu_si512(out[i], v[i]);
	} else {
#pragma GCC unroll 4
		for (uint32_t i = 0; i < 4; i++)
			store_part(v[i], pass->count, out[i]);
	}
}

/* The block at column x; fills in close and returns if it counts. */
static inline __attribute__((always_inline)) bool
run_block(const struct job *job, const struct group *g,
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
			words[i][half] = take_integers(u[0][i], u[1][i],
						       &least[i]);
	}
	clamp(job, (const __m512i(*)[2])words, v, 4);
#pragma GCC unroll 4
	for (uint32_t i = 0; i < 4; i++)
		v[i] = order_bytes(v[i]);
	store_block(job, pass, x, s, v);
	close->x = x;
#pragma GCC unroll 4
	for (uint32_t i = 0; i < 4; i++)
		close->words[i] = close_words(least[i]);
	return (close->words[0] | close->words[1]) |
	       (close->words[2] | close->words[3]);
}

/* One vector of results, in integers. */
static void vector_exact(const struct job *job, const struct group *g,
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
	words[0][0] = _mm512_packs_epi32(v[0], v[1]);
	words[0][1] = _mm512_packs_epi32(v[2], v[3]);
	clamp(job, (const __m512i(*)[2])words, &bytes, 1);
	store_part(bytes, pass->count, pass->out + row * job->line +
					       (size_t)x * job->cmd->out.c);
}

/* -------------------------------------------------------------- passes -- */

/*
 * Once more, in integers, the vectors that have values too close to call. Late,
 * because jumping to each at once would cost more than it takes.
 */
static void run_close(const struct job *job, const struct group *g,
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

static void run_exact(const struct job *job, const struct group *g,
		      const struct pass *pass)
{
	for (uint32_t x = 0; x < pass->columns; x += job->pixels)
		for (uint32_t y = 0; y < pass->rows; y++)
			vector_exact(job, g, pass,
				     column_of(job, pass, x, 0), y);
}

/* Blocks side by side. The last one of few moves back as far as it must. */
static inline __attribute__((always_inline)) void
run_blocks(const struct job *job, const struct group *g,
	   const struct pass *pass, const struct shape s)
{
	uint32_t wide = s.columns * job->pixels, count = 0;
	uint32_t last = pass->columns - wide;
	struct close close[MAX_BLOCKS];

	for (uint32_t x = 0; x < pass->columns; x += wide)
		count += run_block(job, g, pass, s.taps && x > last ? last : x,
				   s, &close[count]);
	run_close(job, g, pass, s.columns, close, count);
}

/* A copy of the loops for each way to finish. */
static inline __attribute__((always_inline)) void
run_shape(const struct job *job, const struct group *g,
	  const struct pass *pass, struct shape s)
{
	if (s.taps && g->extras) {
		s.extra = true;
		if (job->finish.clamps_negative) {
			s.clamps_negative = true;
			run_blocks(job, g, pass, s);
		} else {
			run_blocks(job, g, pass, s);
		}
	} else if (job->finish.clamps_negative) {
		s.clamps_negative = true;
		run_blocks(job, g, pass, s);
	} else {
		run_blocks(job, g, pass, s);
	}
}

/* Filters 3 wide and at most 4 high have loops of their own. */
static void run_pass(const struct job *job, const struct group *g,
		     const struct pass *pass)
{
	const struct shape pairs = { 2, 2, 3, 64, 64, false, false };
	const struct shape shared = { 2, 2, 3, 32, 64, false, false };
	const struct shape single = { 1, 4, 3, 64, 128, false, false };
	const struct shape any_pairs = { .rows = 2, .columns = 2 };
	const struct shape any_single = { .rows = 1, .columns = 4 };
	const struct qaccel_cmd_conv *cmd = job->cmd;
	bool few = cmd->kw == 3 && cmd->dilation_w == 1 && job->quads == 1 &&
		   g->extras < 2 && pass->columns >= 4;

	if (!g->bounds.fast)
		run_exact(job, g, pass);
	else if (few && pass->rows == 2 && job->pixels == 1 && job->step == 64)
		run_shape(job, g, pass, pairs);
	else if (few && pass->rows == 2 && job->pixels == 2)
		run_shape(job, g, pass, shared);
	else if (few && pass->rows == 1 && job->step == 128)
		run_shape(job, g, pass, single);
	else if (pass->rows == 2)
		run_shape(job, g, pass, any_pairs);
	else
		run_shape(job, g, pass, any_single);
}

/* ---------------------------------------------------------------- call -- */

/* Rows [y, y + rows) of the whole batch, all in one image. */
static void run_band(const struct job *job, const struct group *g,
		     const struct span *span, const uint8_t *in, uint8_t *out,
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
	uint8_t padding[LANES];

	memset(padding, cmd->in.zero_point, LANES);
	if (job->pixels > 1)
		pass.count = cmd->out.c * (span->columns < job->pixels ?
					   span->columns : job->pixels);
	for (; rows; rows -= pass.rows, oy += pass.rows) {
		pass.rows = rows < job->rows ? rows : job->rows;
		fill_quads(job, g, span, image,
			   (int64_t)oy * cmd->stride_h - cmd->pad_top, padding);
		run_pass(job, g, &pass);
		pass.out += pass.rows * job->line;
	}
}

/* Bands of rows, whose input stays in cache for all groups of channels. */
static void run_span(const struct job *job, const struct span *span,
		     const uint8_t *in, uint8_t *out,
		     const struct qk_tile *tile)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	size_t row = (size_t)cmd->in.w * cmd->in.c * cmd->stride_h;
	uint32_t most = (uint32_t)(BAND_SIZE / row) / 2 * 2 + 2, rows;
	struct group g;

	for (uint32_t y = tile->y0; y < tile->y1; y += rows) {
		rows = cmd->out.h - y % cmd->out.h;
		rows = rows < most ? rows : most;
		rows = rows < tile->y1 - y ? rows : tile->y1 - y;
		for (uint32_t c = tile->c0; c < tile->c1; c += LANES) {
			group_init(job, &g, c, tile->c1);
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
static bool choose_columns(struct job *job)
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
	job->plane = qk_round_up(job->width * job->pixel, LANES) + LANES;
	return true;
}

/* pixels: that share a vector. */
static bool job_init(struct job *job, const struct qaccel_cmd_conv *cmd,
		     uint32_t pixels)
{
	if (cmd->depth_multiplier != 1)
		return false;
	job->cmd = cmd;
	job->pixels = pixels;
	job->pixel = LANES / pixels;
	job->step = cmd->stride_w * job->pixel;
	job->line = (size_t)cmd->out.w * cmd->out.c;
	job->rows = cmd->stride_h == 1 && cmd->dilation_h == 1 ? 2 : 1;
	job->quads = (cmd->kh + job->rows + 2) / 4;
	job->taps = job->quads * cmd->kw;
	return choose_columns(job);
}

/* Sizes of the parts of scratch; returns the sum. */
static size_t split_scratch(struct job *job, void *scratch)
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
	struct job job;

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

	return shared ? LANES / c : 1;
}

static void prepare(struct job *job)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;

	job->finish = (struct qk_finish){
		.cmd = cmd,
		.k = (uint32_t)cmd->kh * cmd->kw,
		.flip = cmd->in.dtype == QACCEL_DTYPE_S8 ? 0x80 : 0,
		.single = qk_single_rounding(&cmd->hdr),
		.clamps_negative = cmd->act_min >= cmd->out.zero_point,
	};
	job->low = _mm512_set1_epi8((char)cmd->act_min);
	job->high = _mm512_set1_epi8((char)cmd->act_max);
	job->addend = qk_addend(&job->finish);
	make_extra(job);
	for (uint32_t t = 0; t < job->taps; t++)
		job->tap[t] = (int32_t)(t / cmd->kw * 4 * job->plane +
					(size_t)(t % cmd->kw) *
					cmd->dilation_w * job->pixel);
}

QK_DECL_CONV(qk_dwconv2d_avx512vnni)
{
	struct job job;

	if (!job_init(&job, cmd, choose_pixels(cmd, tile))) {
		qk_dwconv2d_avx2(cmd, in, weights, channels, out, tile,
				 scratch);
		return;
	}
	job.weights = weights;
	job.channels = channels;
	split_scratch(&job, scratch);
	prepare(&job);
	for (uint32_t x = 0; x < cmd->out.w; x += job.columns) {
		struct span span = span_at(&job, x);

		fill_padding(&job, &span);
		run_span(&job, &span, in, out, tile);
	}
}
