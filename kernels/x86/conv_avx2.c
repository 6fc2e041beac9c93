/* SPDX-License-Identifier: MIT */
/*
 * CONV2D for QACCEL_LAYOUT_O16K4.
 *
 * The input comes as a strip of 16-bit values, made once for all output
 * channels: a pixel is a pointer, a filter row a run of values behind it. Of
 * each block of 16 channels the weights are widened once for all pixels of the
 * strip, in pairs: 8 channels by 2 values in a register, which vpmaddwd
 * multiplies with a pair of input values in all lanes.
 *
 * Products are exact: |x| <= 255, |w - Zw| <= 255 gives pairs below 2^18. So
 * the weights' zero point is subtracted from the widened weights, and no sum
 * over the input is needed.
 */
#include "avx2.h"
#include "scale_avx2.h"
#include "walk.h"
#include "words_avx2.h"
#include "../ref/ref.h"

#define TILE		6u		/* pixels in registers */
#define PAIR		(2u * QK_BLOCK)	/* widened weights for two values */
/* With fewer pixels, widening takes longer than it saves. */
#define FEW_PIXELS	3u

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
	uint32_t pairs;			/* of values in a segment, padded */
	size_t segment_step;		/* in the strip, between segments */
	size_t row_step;		/* in the strip, between filter rows */
	size_t block_bytes;		/* packed weights of 16 channels */
	int16_t *wide;			/* the same, widened */
};

/* struct block - 16 channels, or the last few */
struct block {
	struct qk_lanes lanes;
	const int8_t *packed;
	uint32_t count;
	uint8_t *out;			/* of the first pixel */
};

/* ------------------------------------------------------------- weights -- */

/*
 * A group of 4 values of 16 channels to two pairs. Lanes of a half are channels
 * 0 1 4 5 2 3 6 7. mask: zeros where the group is padded, as w - Zw would not
 * be 0 there.
 */
static inline void widen_group(const int8_t *w, __m256i zw, __m256i mask,
			       __m256i pair[4])
{
	for (int h = 0; h < 2; h++) {
		__m256i v[2];

		for (int i = 0; i < 2; i++) {
			v[i] = _mm256_cvtepi8_epi16(_mm_load_si128(
				(const __m128i *)(w + 32 * h + 16 * i)));
			v[i] = _mm256_and_si256(_mm256_sub_epi16(v[i], zw),
						mask);
		}
		pair[h] = _mm256_castps_si256(_mm256_shuffle_ps(
			_mm256_castsi256_ps(v[0]), _mm256_castsi256_ps(v[1]),
			0x88));
		pair[2 + h] = _mm256_castps_si256(_mm256_shuffle_ps(
			_mm256_castsi256_ps(v[0]), _mm256_castsi256_ps(v[1]),
			0xdd));
	}
}

static void widen_weights(const struct job *job, const int8_t *w)
{
	const __m256i zw = _mm256_set1_epi16(
		(int16_t)job->cmd->weight_zero_point);
	const __m256i all = _mm256_set1_epi32(-1);
	/* 1 to 4 of the last group's values are there. */
	const __m256i rest = _mm256_srl_epi64(all, _mm_cvtsi32_si128(
		16 * (int)(4 * job->groups - job->length)));
	uint32_t runs = job->cmd->kh * job->segments;
	__m256i *to = (__m256i *)(void *)job->wide, pair[4];

	for (; runs; runs--) {
		for (uint32_t g = 1; g < job->groups; g++, w += 64, to += 4) {
			widen_group(w, zw, all, pair);
			for (int i = 0; i < 4; i++)
				_mm256_store_si256(to + i, pair[i]);
		}
		widen_group(w, zw, rest, pair);
		w += 64;
		for (uint32_t i = 0; i < (job->pairs % 2 ? 2 : 4); i++)
			_mm256_store_si256(to++, pair[i]);
	}
}

/* --------------------------------------------------------- micro-kernels -- */

static inline __attribute__((always_inline)) void
store(const struct job *job, const struct block *b, const __m256i acc[4],
      uint32_t p, uint32_t q)
{
	size_t oc = job->cmd->out.c;
	__m128i pixel[2];

	qk_finish_pixels(&job->final, &b->lanes, acc, QK_ORDER_PAIRED,
			 pixel);
	qk_vstore(b->out + p * oc, pixel[0], b->count);
	qk_vstore(b->out + q * oc, pixel[1], b->count);
}

/* A pair of values of a pixel, in every lane. */
static inline __m256i load_pair(const int16_t *x)
{
	int32_t pair;

	memcpy(&pair, x, sizeof(pair));
	return _mm256_set1_epi32(pair);
}

#define EACH(DO)	DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)

/* Each accumulator is a variable: compilers keep an array of them in memory. */
#define DECLARE(p)							\
	__m256i lo##p = b->lanes.init[0], hi##p = b->lanes.init[1];	\
	const int16_t *x##p;

#define POINT(p)							\
	x##p = from + px->offset[n > p ? first + p : first];

#define ACCUMULATE(p)							\
	if (n > p) {							\
		__m256i v = load_pair(x##p + k);			\
									\
		lo##p = _mm256_add_epi32(lo##p, _mm256_madd_epi16(w0, v)); \
		hi##p = _mm256_add_epi32(hi##p, _mm256_madd_epi16(w1, v)); \
		QK_PIN(lo##p);						\
		QK_PIN(hi##p);						\
	}

/* Two pixels, of which the second may not exist: the first once more. */
#define STORE(p, q)							\
	if (n > p) {							\
		const __m256i acc[4] = { lo##p, hi##p,			\
					 n > q ? lo##q : lo##p,		\
					 n > q ? hi##q : hi##p };	\
									\
		store(job, b, acc, first + p, first + (n > q ? q : p));	\
	}

/* n pixels from the first on; n is constant where it is inlined. */
static inline __attribute__((always_inline)) void
micro(const struct job *job, const struct block *b, const struct qk_pixels *px,
      uint32_t first, const uint32_t n)
{
	const int16_t *w = job->wide;
	const size_t length = 2 * (size_t)job->pairs;
	EACH(DECLARE)

	for (uint32_t ky = 0; ky < job->cmd->kh; ky++) {
		for (uint32_t s = 0; s < job->segments; s++) {
			const int16_t *from = (const int16_t *)px->base +
					      ky * job->row_step +
					      s * job->segment_step;

			EACH(POINT)
			for (size_t k = 0; k < length; k += 2, w += PAIR) {
				__m256i w0 = _mm256_load_si256(
					(const __m256i *)(const void *)w);
				__m256i w1 = _mm256_load_si256(
					(const __m256i *)(const void *)w + 1);

				EACH(ACCUMULATE)
			}
		}
	}
	STORE(0, 1)
	STORE(2, 3)
	STORE(4, 5)
}

#define MICRO(n)							\
	static void micro_##n(const struct job *job,			\
			      const struct block *b,			\
			      const struct qk_pixels *px, uint32_t first) \
	{								\
		micro(job, b, px, first, n);				\
	}

MICRO(1) MICRO(2) MICRO(3) MICRO(4) MICRO(5) MICRO(6)

static void (*const micros[TILE])(const struct job *, const struct block *,
				  const struct qk_pixels *, uint32_t) = {
	micro_1, micro_2, micro_3, micro_4, micro_5, micro_6,
};

/* ---------------------------------------------------------- few pixels -- */

/* Products of a group of 4 values of 4 channels, two sums for each. */
static inline __m256i add_group(__m256i sum, const int8_t *w, __m256i x)
{
	__m256i v = _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)w));

	return _mm256_add_epi32(sum, _mm256_madd_epi16(v, x));
}

/* sum x over the window; at most 33025 * 255 < 2^31. */
static int32_t window_sum(const struct job *job, const int16_t *pixel)
{
	int32_t sum = 0;

	for (uint32_t ky = 0; ky < job->cmd->kh; ky++)
		for (uint32_t s = 0; s < job->segments; s++)
			for (uint32_t i = 0; i < job->length; i++)
				sum += pixel[ky * job->row_step +
					     s * job->segment_step + i];
	return sum;
}

/*
 * One pixel with the weights as they are packed. Padding needs no care, as its
 * weights are 0.
 */
static void run_pixel(const struct job *job, const struct block *b,
		      const struct qk_pixels *px, uint32_t i, int32_t sum)
{
	const int16_t *pixel = (const int16_t *)px->base + px->offset[i];
	uint32_t zw = (uint32_t)job->cmd->weight_zero_point;
	const __m256i less = _mm256_set1_epi32((int32_t)(zw * (uint32_t)sum));
	const int8_t *w = b->packed;
	__m256i s[4] = { _mm256_setzero_si256(), _mm256_setzero_si256(),
			 _mm256_setzero_si256(), _mm256_setzero_si256() };
	__m256i acc[4];

	for (uint32_t ky = 0; ky < job->cmd->kh; ky++) {
		for (uint32_t t = 0; t < job->segments; t++) {
			const int16_t *from = pixel + ky * job->row_step +
					      t * job->segment_step;

			for (uint32_t g = 0; g < job->groups; g++, w += 64) {
				int64_t four;
				__m256i x;

				memcpy(&four, from + 4 * g, sizeof(four));
				x = _mm256_set1_epi64x(four);
				s[0] = add_group(s[0], w, x);
				s[1] = add_group(s[1], w + 16, x);
				s[2] = add_group(s[2], w + 32, x);
				s[3] = add_group(s[3], w + 48, x);
			}
		}
	}
	for (int h = 0; h < 2; h++) {
		acc[h] = _mm256_hadd_epi32(s[2 * h], s[2 * h + 1]);
		acc[h] = _mm256_sub_epi32(_mm256_add_epi32(
			acc[h], b->lanes.init[h]), less);
		acc[2 + h] = acc[h];
	}
	store(job, b, acc, i, i);
}

/* ---------------------------------------------------------------- call -- */

static void block_init(const struct job *job, const struct qk_pixels *px,
		       uint32_t c, struct block *b)
{
	qk_lanes_init(&b->lanes, &job->final, job->channels + c);
	b->packed = job->weights + c / QK_BLOCK * job->block_bytes;
	b->count = job->c1 - c < QK_BLOCK ? job->c1 - c : QK_BLOCK;
	b->out = px->out + c;
}

static void run_few(const struct job *job, const struct qk_pixels *px)
{
	int32_t sum[FEW_PIXELS] = { 0 };
	struct block b;

	if (job->cmd->weight_zero_point)
		for (uint32_t i = 0; i < px->count; i++)
			sum[i] = window_sum(job, (const int16_t *)px->base +
						 px->offset[i]);
	for (uint32_t c = job->c0; c < job->c1; c += QK_BLOCK) {
		block_init(job, px, c, &b);
		for (uint32_t i = 0; i < px->count; i++)
			run_pixel(job, &b, px, i, sum[i]);
	}
}

static void run_pixels(const void *arg, const struct qk_pixels *px)
{
	const struct job *job = arg;
	struct block b;
	uint32_t n;

	if (px->count <= FEW_PIXELS) {
		run_few(job, px);
		return;
	}
	for (uint32_t c = job->c0; c < job->c1; c += QK_BLOCK) {
		block_init(job, px, c, &b);
		widen_weights(job, b.packed);
		for (uint32_t i = 0; i < px->count; i += n) {
			n = px->count - i < TILE ? px->count - i : TILE;
			micros[n - 1](job, &b, px, i);
		}
	}
}

static void job_init(struct job *job, const struct qaccel_cmd_conv *cmd,
		     const struct qk_strip *strip)
{
	uint32_t taps = qk_segment_taps(cmd->kw, cmd->dilation_w);

	job->cmd = cmd;
	job->segments = cmd->kw / taps;
	job->length = taps * cmd->in.c;
	job->groups = (job->length + 3) / 4;
	job->pairs = (job->length + 1) / 2;
	job->segment_step = (size_t)cmd->dilation_w * cmd->in.c;
	job->row_step = cmd->dilation_h * strip->row;
	job->block_bytes = QK_BLOCK * 4 *
			   ((size_t)cmd->kh * job->segments * job->groups);
	job->final = (struct qk_final){
		.cmd = cmd,
		.k = (uint32_t)cmd->kh * cmd->kw * cmd->in.c,
		.single = qk_single_rounding(&cmd->hdr),
		.clamps_negative = cmd->act_min >= cmd->out.zero_point,
		.order = QK_ORDER_PAIRED,
	};
}

static size_t wide_bytes(const struct job *job)
{
	return (size_t)job->cmd->kh * job->segments * job->pairs * PAIR *
	       sizeof(int16_t);
}

#define OFFSET_BYTES	(QK_STRIP_PIXELS * sizeof(int32_t))

size_t qk_conv2d_scratch_avx2(const struct qaccel_cmd_conv *cmd)
{
	struct qk_strip s;
	struct job job;

	if (!qk_strip_choose_conv2d(cmd, QACCEL_DTYPE_S8, &s))
		return 0;
	job_init(&job, cmd, &s);
	return OFFSET_BYTES + wide_bytes(&job) + QK_WALK_APART +
	       qk_round_up((s.size + QK_WORDS_SLACK) * sizeof(int16_t), 64);
}

QK_DECL_CONV(qk_conv2d_avx2)
{
	struct job job = {
		.weights = weights,
		.channels = channels,
		.c0 = tile->c0,
		.c1 = tile->c1,
		.wide = (void *)((uint8_t *)scratch + OFFSET_BYTES),
	};
	struct qk_walk walk = {
		.cmd = cmd,
		.tile = tile,
		.element = &qk_words,
		.in = in,
		.out = out,
		.offset = scratch,
		.apart = true,
		.run = run_pixels,
		.job = &job,
	};

	if (!qk_strip_choose_conv2d(cmd, QACCEL_DTYPE_S8, &walk.strip)) {
		qk_conv2d_ref(cmd, in, weights, channels, out, tile, scratch);
		return;
	}
	job_init(&job, cmd, &walk.strip);
	walk.copy = (uint8_t *)job.wide + wide_bytes(&job);
	qk_walk(&walk);
}
