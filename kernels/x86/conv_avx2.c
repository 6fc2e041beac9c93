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

#define CONV_ELEMENT	2
#define CONV_ORDER	QK_ORDER_PAIRED

/* Pairs of 8 channels' values by one pair. */
static inline __m256i conv_dot(__m256i acc, __m256i x, __m256i w)
{
	acc = _mm256_add_epi32(acc, _mm256_madd_epi16(w, x));
	QK_PIN(acc);
	return acc;
}

#include "convloop_avx2.h"
#include "words_avx2.h"
#include "../ref/ref.h"

/* With fewer pixels, widening takes longer than it saves. */
#define FEW_PIXELS	3u

/* ------------------------------------------------------------- weights -- */

/*
 * A group of 4 values of 16 channels to two pairs. Lanes of a half are channels
 * 0 1 4 5 2 3 6 7. mask: zeros where the group is padded, as w - Zw would not
 * be 0 there.
 */
static inline __attribute__((always_inline)) void
widen_group(const int8_t *w, const bool asymmetric, __m256i zw, __m256i mask,
	    __m256i pair[4])
{
#pragma GCC unroll 2
	for (int h = 0; h < 2; h++) {
		__m256 v[2];

#pragma GCC unroll 2
		for (int i = 0; i < 2; i++) {
			__m256i x = _mm256_cvtepi8_epi16(_mm_load_si128(
				(const __m128i *)(w + 32 * h + 16 * i)));

			if (asymmetric)
				x = _mm256_and_si256(_mm256_sub_epi16(x, zw),
						     mask);
			v[i] = _mm256_castsi256_ps(x);
		}
		pair[h] = _mm256_castps_si256(
			_mm256_shuffle_ps(v[0], v[1], 0x88));
		pair[2 + h] = _mm256_castps_si256(
			_mm256_shuffle_ps(v[0], v[1], 0xdd));
	}
}

static inline __attribute__((always_inline)) void
widen_runs(const struct job *job, const int8_t *w, const bool asymmetric,
	   __m256i *to)
{
	const __m256i zw = _mm256_set1_epi16(
		(int16_t)job->cmd->weight_zero_point);
	const __m256i all = _mm256_set1_epi32(-1);
	/* 1 to 4 of the last group's values are there. */
	const __m256i rest = _mm256_srl_epi64(all, _mm_cvtsi32_si128(
		16 * (int)(4 * job->groups - job->length)));
	uint32_t runs = job->cmd->kh * job->segments;
	__m256i pair[4];

	for (; runs; runs--) {
		for (uint32_t g = 1; g < job->groups; g++, w += 64, to += 4) {
			widen_group(w, asymmetric, zw, all, pair);
#pragma GCC unroll 4
			for (int i = 0; i < 4; i++)
				_mm256_store_si256(to + i, pair[i]);
		}
		widen_group(w, asymmetric, zw, rest, pair);
		w += 64;
		for (uint32_t i = 0; i < (job->steps % 2 ? 2 : 4); i++)
			_mm256_store_si256(to++, pair[i]);
	}
}

static void widen_weights(const struct job *job, const int8_t *w, void *wide)
{
	if (job->cmd->weight_zero_point)
		widen_runs(job, w, true, wide);
	else
		widen_runs(job, w, false, wide);
}

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
	const int8_t *w = b->weights;
	__m256i s[4] = { _mm256_setzero_si256(), _mm256_setzero_si256(),
			 _mm256_setzero_si256(), _mm256_setzero_si256() };
	__m256i acc[2];

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
	}
	store(job, b, acc[0], acc[1], acc[0], acc[1], i, i, FINISH_ANY);
}

/* ---------------------------------------------------------------- call -- */

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

/* struct wide_job - with memory for the weights of a block, widened */
struct wide_job {
	struct job job;
	void *wide;
};

static void run_pixels(const void *arg, const struct qk_pixels *px)
{
	const struct wide_job *wide = arg;
	const struct job *job = &wide->job;
	struct block b;

	if (px->count <= FEW_PIXELS) {
		run_few(job, px);
		return;
	}
	for (uint32_t c = job->c0; c < job->c1; c += QK_BLOCK) {
		block_init(job, px, c, &b);
		widen_weights(job, b.weights, wide->wide);
		b.weights = wide->wide;
		run_block(job, &b, px, c);
	}
}

/* Of 16 channels: 32 16-bit values for each step. */
static size_t wide_bytes(const struct job *job)
{
	return (size_t)job->cmd->kh * job->segments * job->steps * 64;
}

#define OFFSET_BYTES	(QK_STRIP_PIXELS * sizeof(int32_t))

size_t qk_conv2d_scratch_avx2(const struct qaccel_cmd_conv *cmd)
{
	struct qk_strip s;
	struct job job;

	if (!qk_strip_choose_conv2d(cmd, QACCEL_DTYPE_S8, &s))
		return 0;
	job_init(&job, cmd, &s, 0);
	return OFFSET_BYTES + wide_bytes(&job) + QK_WALK_APART +
	       qk_round_up((s.size + QK_WORDS_SLACK) * sizeof(int16_t), 64);
}

QK_DECL_CONV(qk_conv2d_avx2)
{
	struct wide_job wide = {
		.job.weights = weights,
		.job.channels = channels,
		.job.c0 = tile->c0,
		.job.c1 = tile->c1,
		.wide = (uint8_t *)scratch + OFFSET_BYTES,
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
		.job = &wide,
	};

	if (!qk_strip_choose_conv2d(cmd, QACCEL_DTYPE_S8, &walk.strip)) {
		qk_conv2d_ref(cmd, in, weights, channels, out, tile, scratch);
		return;
	}
	job_init(&wide.job, cmd, &walk.strip, 0);
	walk.copy = (uint8_t *)wide.wide + wide_bytes(&wide.job);
	qk_walk(&walk);
}
