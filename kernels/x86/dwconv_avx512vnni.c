// SPDX-License-Identifier: MIT
/*
 * DWCONV2D for AVX512-VNNI, depth multiplier 1
 *
 * Four taps at a time: their bytes of 64 channels are interleaved, so that each
 * 32-bit lane holds one channel's four, and vpdpbusd does the rest. Interleaving
 * leaves vector q of 4 with channels 16 L + 4 q + j in lane 4 L + j; packing the
 * results puts them back in order. Where 64 is a multiple of the channels and
 * the stride is 1, neighbouring pixels fill a vector together.
 */
#include "avx2.h"
#include "avx512vnni.h"
#include "scale_avx512vnni.h"
#include "strip_avx512vnni.h"

#define LANES	64u

/* struct job - one call, with what its loops share */
struct job {
	const struct qaccel_cmd_conv *cmd;
	struct qk_strip strip;
	struct qk_finish finish;
	uint32_t taps;
	uint32_t quads;			/* of taps, each within a filter row */
	uint32_t row_quads;		/* in a filter row */
	uint32_t pixels;		/* that fill a vector together */
	bool pairs;			/* 3 taps wide, stride 1: two pixels share quads */
};

/* struct work - scratch memory */
struct work {
	int32_t *tap;			/* of each tap of the quads in the window */
	__m512i (*weights)[4];		/* of each quad */
	__m512i (*ones)[4];		/* the same filter, each weight 1 */
	__m512i (*shifted)[4];		/* weights, one tap later; with pairs */
	uint8_t *strip;
};

/* struct group - up to 64 channels, or fewer of several pixels */
struct group {
	struct qk_lanes lanes[4];
	struct qk_bounds bounds;
	uint32_t block[4];		/* of weights, for each 128 bits */
	uint32_t count;			/* channels to store, 1 to 64 */
	bool sums;			/* the weight zero point takes sums of x' */
};

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

/* A tap of a filter row; past its end there is none: zeros. */
static __m512i tap_weights(const struct job *job, const struct group *g,
			   const int8_t *weights, uint32_t ky, uint32_t kx)
{
	__m512i w = _mm512_setzero_si512();
	const int8_t *at;

	if (kx >= job->cmd->kw)
		return w;
	at = weights + ((size_t)ky * job->cmd->kw + kx) * QK_BLOCK;
#define BLOCK(l) _mm_loadu_si128((const __m128i *)(at +			\
			(size_t)g->block[l] * job->taps * QK_BLOCK))
	w = _mm512_castsi128_si512(BLOCK(0));
	w = _mm512_inserti32x4(w, BLOCK(1), 1);
	w = _mm512_inserti32x4(w, BLOCK(2), 2);
	return _mm512_inserti32x4(w, BLOCK(3), 3);
#undef BLOCK
}

/* Quads of all filter rows, with the taps moved back by shift. */
static void make_quads(const struct job *job, const struct group *g,
		       const int8_t *weights, uint32_t shift, int8_t zw,
		       __m512i (*quads)[4])
{
	const __m512i minus = _mm512_set1_epi8(zw);

	for (uint32_t ky = 0; ky < job->cmd->kh; ky++) {
		for (uint32_t i = 0; i < job->row_quads; i++) {
			__m512i w[4];

			for (uint32_t j = 0; j < 4; j++) {
				/* Wraps below 0: no tap there either. */
				uint32_t kx = 4 * i + j - shift;

				w[j] = tap_weights(job, g, weights, ky, kx);
				if (kx < job->cmd->kw)
					w[j] = _mm512_sub_epi8(w[j], minus);
			}
			interleave(w[0], w[1], w[2], w[3], *quads++);
		}
	}
}

/* Whether w - Zw is a signed byte for each weight of the group. */
static bool difference_fits(const struct job *job, const struct group *g,
			    const int8_t *weights)
{
	const __m512i zw = _mm512_set1_epi8(
		(int8_t)job->cmd->weight_zero_point);
	__mmask64 wrong = 0;

	for (uint32_t ky = 0; ky < job->cmd->kh; ky++) {
		for (uint32_t kx = 0; kx < job->cmd->kw; kx++) {
			__m512i w = tap_weights(job, g, weights, ky, kx);

			wrong |= _mm512_cmpneq_epi8_mask(
				_mm512_subs_epi8(w, zw),
				_mm512_sub_epi8(w, zw));
		}
	}
	return !wrong;
}

static void make_ones(const struct job *job, __m512i (*ones)[4])
{
	for (uint32_t i = 0; i < job->quads; i++) {
		uint32_t left = job->cmd->kw - i % job->row_quads * 4;
		uint32_t word = left >= 4 ? 0x01010101 :
				0x01010101 & ((1u << (8 * left)) - 1);

#pragma GCC unroll 4
		for (int q = 0; q < 4; q++)
			ones[i][q] = _mm512_set1_epi32((int32_t)word);
	}
}

/*
 * Where w - Zw fits a byte it takes the weights' place, and the sums of x' are
 * not needed; the accumulators start with the same value either way.
 */
static void group_weights(const struct job *job, struct group *g,
			  const int8_t *weights, const struct work *work)
{
	int8_t zw = (int8_t)job->cmd->weight_zero_point;

	g->sums = zw && !difference_fits(job, g, weights);
	if (g->sums) {
		zw = 0;
		make_ones(job, work->ones);
	}
	make_quads(job, g, weights, 0, zw, work->weights);
	if (job->pairs)
		make_quads(job, g, weights, 1, zw, work->shifted);
}

static void group_init(const struct job *job, struct group *g,
		       const int8_t *weights,
		       const struct qaccel_channel *channels, uint32_t c0,
		       uint32_t c1, const struct work *work)
{
	uint32_t blocks = (c1 - c0 + QK_BLOCK - 1) / QK_BLOCK;
	const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2,
					       3, 0, 1, 2, 3);
	__m512i first;

	g->count = c1 - c0 < LANES ? c1 - c0 : LANES;
	for (uint32_t l = 0; l < 4; l++)
		g->block[l] = c0 / QK_BLOCK + (job->pixels > 1 ? l % blocks :
					       l < blocks ? l : blocks - 1);
	/* 16 times the block of each lane's 128 bits. */
	first = _mm512_slli_epi32(_mm512_permutexvar_epi32(
		_mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3,
				  3),
		_mm512_castsi128_si512(_mm_loadu_si128(
			(const __m128i *)g->block))), 4);
	g->bounds = (struct qk_bounds){ .fast = true };
#pragma GCC unroll 4
	for (int q = 0; q < 4; q++)
		qk_lanes_init(&g->lanes[q], &g->bounds, &job->finish, channels,
			      _mm512_add_epi32(first, _mm512_add_epi32(lane,
						_mm512_set1_epi32(4 * q))));
	group_weights(job, g, weights, work);
}

/* ------------------------------------------------------------ epilogue -- */

/* The integer parts of two vectors, side by side in each 128 bits. */
static inline __m512i high_words(__m512i u0, __m512i u1)
{
	const __m512i odd = _mm512_set_epi16(63, 61, 59, 57, 31, 29, 27, 25,
					     55, 53, 51, 49, 23, 21, 19, 17,
					     47, 45, 43, 41, 15, 13, 11, 9,
					     39, 37, 35, 33, 7, 5, 3, 1);

	return _mm512_permutex2var_epi16(u0, odd, u1);
}

static inline void clamp_store(const struct job *job, __m512i lo, __m512i hi,
			       __mmask64 mask, uint8_t *out)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	__m512i v;

	if (cmd->out.dtype == QACCEL_DTYPE_U8) {
		v = _mm512_packus_epi16(lo, hi);
		v = _mm512_max_epu8(v, _mm512_set1_epi8((char)cmd->act_min));
		v = _mm512_min_epu8(v, _mm512_set1_epi8((char)cmd->act_max));
	} else {
		v = _mm512_packs_epi16(lo, hi);
		v = _mm512_max_epi8(v, _mm512_set1_epi8((char)cmd->act_min));
		v = _mm512_min_epi8(v, _mm512_set1_epi8((char)cmd->act_max));
	}
	/* Masked stores are slow, even with nothing masked. */
	if (mask == ~UINT64_C(0))
		_mm512_storeu_si512(out, v);
	else
		_mm512_mask_storeu_epi8(out, mask, v);
}

static __attribute__((noinline)) void
store_exact(const struct job *job, const struct group *g, const __m512i acc[4],
	    __mmask64 mask, uint8_t *out)
{
	__m512i v[4];

#pragma GCC unroll 4
	for (int q = 0; q < 4; q++)
		v[q] = qk_finish_exact(acc[q], &g->lanes[q], &g->bounds,
				       &job->finish);
	clamp_store(job, _mm512_packs_epi32(v[0], v[1]),
		    _mm512_packs_epi32(v[2], v[3]), mask, out);
}

static inline void store(const struct job *job, const struct group *g,
			 const __m512i acc[4], __mmask64 mask, uint8_t *out)
{
	const struct qk_finish *f = &job->finish;
	__mmask16 close[4];
	__m512i u[4];

#pragma GCC unroll 4
	for (int q = 0; q < 4; q++)
		u[q] = qk_scale_float(acc[q], &g->lanes[q], f, &close[q]);
	if (!g->bounds.fast || ((close[0] | close[1]) | (close[2] | close[3])))
		store_exact(job, g, acc, mask, out);
	else
		clamp_store(job, high_words(u[0], u[1]),
			    high_words(u[2], u[3]), mask, out);
}

/* --------------------------------------------------------- micro-kernels -- */

static inline void load_quad(const uint8_t *p, const int32_t tap[4],
			     int32_t last, __mmask64 mask, __m512i q[4])
{
	interleave(_mm512_maskz_loadu_epi8(mask, p + tap[0]),
		   _mm512_maskz_loadu_epi8(mask, p + tap[1]),
		   _mm512_maskz_loadu_epi8(mask, p + tap[2]),
		   _mm512_maskz_loadu_epi8(mask, p + last), q);
}

/* Any filter: one vector of results. Channels in load, of which store go out. */
static inline void micro(const struct job *job, const struct group *g,
			 const struct work *work, const uint8_t *p,
			 __mmask64 load, __mmask64 keep, uint8_t *out)
{
	__m512i acc[4], sum[4];

#pragma GCC unroll 4
	for (int q = 0; q < 4; q++) {
		acc[q] = g->lanes[q].init;
		sum[q] = _mm512_setzero_si512();
	}
	for (uint32_t i = 0; i < job->quads; i++) {
		__m512i x[4];

		load_quad(p, work->tap + 4 * i, work->tap[4 * i + 3], load, x);
#pragma GCC unroll 4
		for (int q = 0; q < 4; q++)
			acc[q] = _mm512_dpbusd_epi32(acc[q], x[q],
						     work->weights[i][q]);
		if (!g->sums)
			continue;
#pragma GCC unroll 4
		for (int q = 0; q < 4; q++)
			sum[q] = _mm512_dpbusd_epi32(sum[q], x[q],
						     work->ones[i][q]);
	}
	if (g->sums) {
		const __m512i zw = _mm512_set1_epi32(
			job->cmd->weight_zero_point);

#pragma GCC unroll 4
		for (int q = 0; q < 4; q++)
			acc[q] = _mm512_sub_epi32(acc[q],
					_mm512_mullo_epi32(sum[q], zw));
	}
	store(job, g, acc, keep, out);
}

/*
 * Two neighbouring pixels of a filter 3 wide: the four inputs under both are
 * interleaved once. Without sums of x'.
 */
static inline void micro_pair(const struct job *job, const struct group *g,
			      const struct work *work, const uint8_t *p,
			      __mmask64 mask, uint8_t *out)
{
	__m512i left[4], right[4];

#pragma GCC unroll 4
	for (int q = 0; q < 4; q++)
		left[q] = right[q] = g->lanes[q].init;
	for (uint32_t i = 0; i < job->quads; i++) {
		const int32_t *tap = work->tap + 4 * i;
		__m512i x[4];

		load_quad(p, tap, tap[2] + (int32_t)job->cmd->in.c, mask, x);
#pragma GCC unroll 4
		for (int q = 0; q < 4; q++) {
			left[q] = _mm512_dpbusd_epi32(left[q], x[q],
						      work->weights[i][q]);
			right[q] = _mm512_dpbusd_epi32(right[q], x[q],
						       work->shifted[i][q]);
		}
	}
	store(job, g, left, mask, out);
	store(job, g, right, mask, out + job->cmd->out.c);
}

/* ---------------------------------------------------------------- call -- */

static __mmask64 low_bits(uint32_t count)
{
	return count >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << count) - 1;
}

/* One output row of a strip: columns pixels from the first's offset on. */
static void run_row(const struct job *job, const struct group *g,
		    const struct work *work, const uint8_t *p, uint32_t columns,
		    uint8_t *out)
{
	size_t oc = job->cmd->out.c, step = job->strip.step_x * oc;
	__mmask64 mask = low_bits(g->count);
	uint32_t x = 0;

	if (job->pixels > 1) {
		for (; x < columns; x += job->pixels) {
			uint32_t n = columns - x;

			micro(job, g, work, p + x * oc, ~UINT64_C(0),
			      low_bits(n < job->pixels ? n * (uint32_t)oc : 64),
			      out + x * oc);
		}
		return;
	}
	if (job->pairs && !g->sums)
		for (; x + 2 <= columns; x += 2)
			micro_pair(job, g, work, p + x * step, mask,
				   out + x * oc);
	for (; x < columns; x++)
		micro(job, g, work, p + x * step, mask, mask, out + x * oc);
}

static void make_taps(const struct job *job, int32_t *tap)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;

	for (uint32_t ky = 0; ky < cmd->kh; ky++) {
		for (uint32_t kx = 0; kx < 4 * job->row_quads; kx++) {
			/* Where there is no tap, an input that is read anyway. */
			uint32_t x = kx < cmd->kw ? kx : cmd->kw - 1u;

			*tap++ = (int32_t)((size_t)ky * cmd->dilation_h *
					   job->strip.row +
					   (size_t)x * cmd->dilation_w *
					   cmd->in.c);
		}
	}
}

static void run_strip(const struct job *job, const int8_t *weights,
		      const struct qaccel_channel *channels,
		      const struct qk_tile *tile, const struct work *work,
		      uint32_t rows, uint32_t columns, uint8_t *out)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	size_t out_row = (size_t)cmd->out.w * cmd->out.c;
	struct group g;

	for (uint32_t c = tile->c0; c < tile->c1; c += LANES) {
		const uint8_t *p = work->strip + c;

		group_init(job, &g, weights, channels, c, tile->c1, work);
		for (uint32_t y = 0; y < rows; y++)
			run_row(job, &g, work,
				p + y * job->strip.step_y * job->strip.row,
				columns, out + y * out_row + c);
	}
}

static void run_rows(const struct job *job, const uint8_t *in,
		     const int8_t *weights,
		     const struct qaccel_channel *channels, uint8_t *out,
		     const struct qk_tile *tile, const struct work *work)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	uint32_t rows, columns;

	for (uint32_t y = tile->y0; y < tile->y1; y += rows) {
		uint32_t n = y / cmd->out.h, oy = y % cmd->out.h;

		/* A strip lies in one image. */
		rows = job->strip.rows;
		rows = rows < cmd->out.h - oy ? rows : cmd->out.h - oy;
		rows = rows < tile->y1 - y ? rows : tile->y1 - y;
		for (uint32_t x = 0; x < cmd->out.w; x += columns) {
			columns = job->strip.columns;
			columns = columns < cmd->out.w - x ? columns :
				  cmd->out.w - x;
			qk_strip_fill(cmd, &job->strip,
				      in + qk_offset(&cmd->in, n, 0, 0), oy, x,
				      rows, work->strip);
			run_strip(job, weights, channels, tile, work, rows,
				  columns, out + qk_offset(&cmd->out, n, oy, x));
		}
	}
}

static bool job_init(struct job *job, const struct qaccel_cmd_conv *cmd)
{
	if (cmd->depth_multiplier != 1 ||
	    !qk_strip_choose(cmd, cmd->out.h, cmd->out.w, QACCEL_DTYPE_S8,
			     &job->strip))
		return false;
	job->cmd = cmd;
	job->taps = (uint32_t)cmd->kh * cmd->kw;
	job->row_quads = (cmd->kw + 3u) / 4;
	job->quads = cmd->kh * job->row_quads;
	job->pixels = 1;
	job->pairs = false;
	job->finish = (struct qk_finish){
		.cmd = cmd,
		.k = job->taps,
		.flip = job->strip.flip,
		.single = qk_single_rounding(&cmd->hdr),
		.clamps_negative = cmd->act_min >= cmd->out.zero_point,
	};
	return true;
}

/* How pixels share vectors depends on whether all channels are wanted. */
static void choose_sharing(struct job *job, const struct qk_tile *tile)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	uint32_t c = cmd->out.c;

	if (cmd->stride_w != 1)
		return;
	if ((c == 16 || c == 32) && tile->c1 - tile->c0 == c)
		job->pixels = LANES / c;
	else
		job->pairs = cmd->kw == 3 && cmd->dilation_w == 1;
}

/* Sizes of the parts of scratch; returns the sum. */
static size_t split_scratch(const struct job *job, void *scratch,
			    struct work *work)
{
	size_t taps = qk_round_up(4 * job->quads * sizeof(*work->tap), 64);
	size_t quads = job->quads * sizeof(*work->weights);
	uint8_t *at = scratch;

	if (at) {
		work->tap = (int32_t *)at;
		work->weights = (__m512i(*)[4])(void *)(at + taps);
		work->ones = work->weights + job->quads;
		work->shifted = work->ones + job->quads;
		work->strip = (uint8_t *)(work->shifted + job->quads);
	}
	return taps + 3 * quads +
	       qk_round_up(job->strip.size + QK_STRIP_SLACK, 64);
}

size_t qk_dwconv2d_scratch_avx512vnni(const struct qaccel_cmd_conv *cmd)
{
	struct job job;

	return job_init(&job, cmd) ? split_scratch(&job, NULL, NULL) : 0;
}

QK_DECL_CONV(qk_dwconv2d_avx512vnni)
{
	struct work work = { 0 };
	struct job job;

	if (!job_init(&job, cmd)) {
		qk_dwconv2d_avx2(cmd, in, weights, channels, out, tile,
				 scratch);
		return;
	}
	choose_sharing(&job, tile);
	split_scratch(&job, scratch, &work);
	make_taps(&job, work.tap);
	run_rows(&job, in, weights, channels, out, tile, &work);
}
