/* SPDX-License-Identifier: MIT */
/*
 * The inner loops of CONV2D on 256 bits, in their own copy for each level. All
 * that differs comes from the file that includes this one: how 4 bytes of a
 * pixel, two words or four bytes, are multiplied with those of 8 channels.
 *
 *   CONV_ELEMENT	bytes of an element in the strip
 *   CONV_ORDER		of the accumulators' lanes
 *   conv_dot()		accumulator, pixel, weights
 */
#ifndef QK_CONVLOOP_AVX2_H
#define QK_CONVLOOP_AVX2_H

#include "scale_avx2.h"
#include "walk.h"

#define TILE	6u			/* pixels in registers */
#define AHEAD	(2 * TILE)		/* so far lines are asked for */

/* struct job - one call, with what its loops share */
struct job {
	const struct qaccel_cmd_conv *cmd;
	const int8_t *weights;
	const struct qaccel_channel *channels;
	uint32_t c0, c1;
	struct qk_final final;
	uint32_t segments;		/* in a filter row */
	uint32_t length;		/* values in a segment */
	uint32_t groups;		/* of 4 values in a segment, padded */
	uint32_t steps;			/* of 4 bytes in a segment, padded */
	size_t segment_step;		/* in the strip, between segments */
	size_t row_step;		/* in the strip, between filter rows */
	size_t block_bytes;		/* packed weights of 16 channels */
	int32_t *sum;			/* of x' in each pixel's window */
};

/* struct block - 16 channels, or the last few */
struct block {
	struct qk_lanes lanes;
	const void *weights;		/* 64 bytes for each step */
	uint32_t count;
	uint8_t *out;			/* of the first pixel */
};

/* enum finish - ways from accumulators to results, with loops of their own */
enum finish {
	FINISH_ANY,
	FINISH_FROM_ZERO,		/* final.clamps_negative */
	FINISH_SUMS,			/* weights have a zero point left */
	FINISH_HALF,			/* any, of at most 8 channels */
	FINISH_COUNT
};

static void job_init(struct job *job, const struct qaccel_cmd_conv *cmd,
		     const struct qk_strip *strip, uint8_t flip)
{
	uint32_t taps = qk_segment_taps(cmd->kw, cmd->dilation_w);

	job->cmd = cmd;
	job->segments = cmd->kw / taps;
	job->length = taps * cmd->in.c;
	job->groups = (job->length + 3) / 4;
	job->steps = (job->length * CONV_ELEMENT + 3) / 4;
	job->segment_step = (size_t)cmd->dilation_w * cmd->in.c;
	job->row_step = cmd->dilation_h * strip->row;
	job->block_bytes = QK_BLOCK * 4 *
			   ((size_t)cmd->kh * job->segments * job->groups);
	job->final = qk_final_set(cmd, (uint32_t)cmd->kh * cmd->kw * cmd->in.c,
				  flip, CONV_ORDER);
}

static void block_init(const struct job *job, const struct qk_pixels *px,
		       uint32_t c, struct block *b)
{
	qk_lanes_init(&b->lanes, &job->final, job->channels + c);
	b->weights = job->weights + c / QK_BLOCK * job->block_bytes;
	b->count = job->c1 - c < QK_BLOCK ? job->c1 - c : QK_BLOCK;
	b->out = px->out + c;
}

/* Zw times the sum of a pixel's window. */
static inline __m256i zero_points(const struct job *job, uint32_t pixel)
{
	return _mm256_set1_epi32((int32_t)(
		(uint32_t)job->cmd->weight_zero_point *
		(uint32_t)job->sum[pixel]));
}

/* Two pixels, p and q, of two halves each. */
static inline __attribute__((always_inline)) void
store(const struct job *job, const struct block *b, __m256i p0, __m256i p1,
      __m256i q0, __m256i q1, uint32_t p, uint32_t q, const enum finish finish)
{
	size_t oc = job->cmd->out.c;
	__m128i pixel[2];

	if (finish == FINISH_SUMS) {
		p0 = _mm256_sub_epi32(p0, zero_points(job, p));
		p1 = _mm256_sub_epi32(p1, zero_points(job, p));
		q0 = _mm256_sub_epi32(q0, zero_points(job, q));
		q1 = _mm256_sub_epi32(q1, zero_points(job, q));
	}
	qk_finish_pixels(&job->final, &b->lanes, p0, p1, q0, q1, CONV_ORDER,
			 finish == FINISH_FROM_ZERO, pixel);
	qk_vstore(b->out + p * oc, pixel[0], b->count);
	qk_vstore(b->out + q * oc, pixel[1], b->count);
}

/* Four bytes of a pixel, in every lane. */
static inline __m256i load_four(const uint8_t *x)
{
	int32_t four;

	memcpy(&four, x, sizeof(four));
	return _mm256_set1_epi32(four);
}

#define EACH(DO)	DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)

/* Each accumulator is a variable: compilers keep an array of them in memory. */
#define DECLARE(p)							\
	__m256i lo##p = b->lanes.init[0], hi##p = b->lanes.init[1];	\
	const uint8_t *x##p;

#define POINT(p)							\
	x##p = from + (ptrdiff_t)CONV_ELEMENT *				\
		      px->offset[n > p ? first + p : first];

#define ACCUMULATE(p)							\
	if (n > p) {							\
		__m256i v = load_four(x##p + i);			\
									\
		lo##p = conv_dot(lo##p, v, w0);				\
		if (finish != FINISH_HALF)				\
			hi##p = conv_dot(hi##p, v, w1);			\
	}

/* Two pixels, of which the second may not exist: the first once more. */
#define STORE(p, q)							\
	if (n > p)							\
		store(job, b, lo##p, hi##p, n > q ? lo##q : lo##p,	\
		      n > q ? hi##q : hi##p, first + p,			\
		      first + (n > q ? q : p), finish);

/* n pixels from the first on; n is constant where it is inlined. */
static inline __attribute__((always_inline)) void
micro(const struct job *job, const struct block *b, const struct qk_pixels *px,
      uint32_t first, const uint32_t n, const enum finish finish)
{
	const __m256i *w = b->weights;
	const size_t length = 4 * (size_t)job->steps;
	EACH(DECLARE)

	for (uint32_t ky = 0; ky < job->cmd->kh; ky++) {
		for (uint32_t s = 0; s < job->segments; s++) {
			const uint8_t *from = (const uint8_t *)px->base +
				CONV_ELEMENT * (ky * job->row_step +
						s * job->segment_step);

			EACH(POINT)
			for (size_t i = 0; i < length; i += 4, w += 2) {
				__m256i w0 = _mm256_load_si256(w);
				__m256i w1 = _mm256_load_si256(w + 1);

				EACH(ACCUMULATE)
			}
		}
	}
	STORE(0, 1)
	STORE(2, 3)
	STORE(4, 5)
}

#define MICRO(name, n, finish)						\
	static void name##_##n(const struct job *job,			\
			       const struct block *b,			\
			       const struct qk_pixels *px, uint32_t first) \
	{								\
		micro(job, b, px, first, n, finish);			\
	}

#define MICROS(name, finish)						\
	MICRO(name, 1, finish) MICRO(name, 2, finish)			\
	MICRO(name, 3, finish) MICRO(name, 4, finish)			\
	MICRO(name, 5, finish) MICRO(name, 6, finish)

MICROS(micro_any, FINISH_ANY)
MICROS(micro_from_zero, FINISH_FROM_ZERO)
MICROS(micro_half, FINISH_HALF)
#if CONV_ELEMENT == 1
MICROS(micro_sums, FINISH_SUMS)
#endif

#define ALL(name) { name##_1, name##_2, name##_3, name##_4, name##_5, name##_6 }

static void (*const micros[FINISH_COUNT][TILE])(const struct job *,
						const struct block *,
						const struct qk_pixels *,
						uint32_t) = {
	[FINISH_ANY] = ALL(micro_any),
	[FINISH_FROM_ZERO] = ALL(micro_from_zero),
	[FINISH_HALF] = ALL(micro_half),
#if CONV_ELEMENT == 1
	[FINISH_SUMS] = ALL(micro_sums),
#endif
};

/* Lines that are stored to soon, or the stores would wait for them. */
static inline void fetch_output(const struct job *job, const struct block *b,
				const struct qk_pixels *px, uint32_t first)
{
	size_t oc = job->cmd->out.c;
	const uint8_t *out = b->out + first * oc;

	if (first + TILE > px->count)
		return;
#pragma GCC unroll 6
	for (uint32_t i = 0; i < TILE; i++, out += oc)
		__builtin_prefetch(out, 1);
}

/* struct ahead - weights of the next block, asked for piece by piece */
struct ahead {
	const int8_t *at;
	size_t left, piece;
};

static inline void fetch_weights(struct ahead *ahead)
{
	size_t size = ahead->piece < ahead->left ? ahead->piece : ahead->left;

	for (size_t i = 0; i < size; i += 64)
		_mm_prefetch((const char *)ahead->at + i, _MM_HINT_T1);
	if (size)
		ahead->at += size;
	ahead->left -= size;
}

static enum finish finish_of(const struct job *job, const struct block *b)
{
	if (CONV_ELEMENT == 1 && job->cmd->weight_zero_point)
		return FINISH_SUMS;
	if (b->count <= QK_BLOCK / 2)
		return FINISH_HALF;
	return job->final.clamps_negative ? FINISH_FROM_ZERO : FINISH_ANY;
}

/* All the pixels' results of the block of channels from c on. */
static void run_block(const struct job *job, const struct block *b,
		      const struct qk_pixels *px, uint32_t c)
{
	size_t size = c + QK_BLOCK < job->c1 ? job->block_bytes : 0;
	struct ahead ahead = {
		.at = job->weights + c / QK_BLOCK * job->block_bytes + size,
		.left = size,
		.piece = qk_round_up(size * TILE / px->count, 64),
	};
	enum finish finish = finish_of(job, b);
	uint32_t n;

	for (uint32_t i = 0; i < px->count; i += n) {
		n = px->count - i < TILE ? px->count - i : TILE;
		fetch_weights(&ahead);
		fetch_output(job, b, px, i + AHEAD);
		micros[finish][n - 1](job, b, px, i);
	}
}

#endif /* QK_CONVLOOP_AVX2_H */
