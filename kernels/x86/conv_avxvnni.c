// SPDX-License-Identifier: MIT
/*
 * CONV2D for AVX-VNNI
 *
 * vpdpbusd multiplies unsigned by signed bytes exactly. The input comes as a
 * strip, made once for all output channels: a pixel is a pointer, a filter row
 * a run of bytes behind it. The weights are used as they are packed: 4 values
 * of 8 channels fill a register. A 1x1 convolution over U8 whose channels fill
 * whole groups of 4 reads its input in place.
 */
#include "avxvnni.h"
#include "scale_avx2.h"
#include "walk.h"
#include "bytes_avxvnni.h"
#include "../ref/ref.h"

#define TILE	6u			/* pixels in registers */

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
	size_t segment_step;		/* in the strip, between segments */
	size_t row_step;		/* in the strip, between filter rows */
	size_t block_bytes;		/* packed weights of 16 channels */
	int32_t *sum;			/* of x' in each pixel's window */
};

/* struct block - 16 channels, or the last few */
struct block {
	struct qk_lanes lanes;
	const int8_t *weights;
	uint32_t count;
	uint8_t *out;			/* of the first pixel */
};

/* --------------------------------------------------------- micro-kernels -- */

/* Less Zw times the windows' sums, where there are any. */
static inline void subtract_sum(const struct job *job, uint32_t i,
				__m256i acc[2])
{
	uint32_t zw = (uint32_t)job->cmd->weight_zero_point;
	__m256i less;

	if (!zw)
		return;
	less = _mm256_set1_epi32((int32_t)(zw * (uint32_t)job->sum[i]));
	acc[0] = _mm256_sub_epi32(acc[0], less);
	acc[1] = _mm256_sub_epi32(acc[1], less);
}

static inline __attribute__((always_inline)) void
store(const struct job *job, const struct block *b, __m256i acc[4], uint32_t p,
      uint32_t q)
{
	size_t oc = job->cmd->out.c;
	__m128i pixel[2];

	subtract_sum(job, p, acc);
	subtract_sum(job, q, acc + 2);
	qk_finish_pixels(&job->final, &b->lanes, acc, QK_ORDER_PLAIN, pixel);
	qk_vstore(b->out + p * oc, pixel[0], b->count);
	qk_vstore(b->out + q * oc, pixel[1], b->count);
}

/* Four values of a pixel, in every lane. */
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
	x##p = from + px->offset[n > p ? first + p : first];

#define ACCUMULATE(p)							\
	if (n > p) {							\
		__m256i v = load_four(x##p + 4 * (size_t)g);		\
									\
		lo##p = qk_dpbusd(lo##p, v, w0);			\
		hi##p = qk_dpbusd(hi##p, v, w1);			\
	}

/* Two pixels, of which the second may not exist: the first once more. */
#define STORE(p, q)							\
	if (n > p) {							\
		__m256i acc[4] = { lo##p, hi##p, n > q ? lo##q : lo##p,	\
				   n > q ? hi##q : hi##p };		\
									\
		store(job, b, acc, first + p, first + (n > q ? q : p));	\
	}

/* n pixels from the first on; n is constant where it is inlined. */
static inline __attribute__((always_inline)) void
micro(const struct job *job, const struct block *b, const struct qk_pixels *px,
      uint32_t first, const uint32_t n)
{
	const int8_t *w = b->weights;
	EACH(DECLARE)

	for (uint32_t ky = 0; ky < job->cmd->kh; ky++) {
		for (uint32_t s = 0; s < job->segments; s++) {
			const uint8_t *from = (const uint8_t *)px->base +
					      ky * job->row_step +
					      s * job->segment_step;

			EACH(POINT)
			for (uint32_t g = 0; g < job->groups; g++, w += 64) {
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

/* ---------------------------------------------------------------- call -- */

/* sum x' over n bytes. */
static int32_t sum_bytes(const uint8_t *p, size_t n)
{
	__m256i sums = _mm256_setzero_si256();
	int64_t s[4];
	int32_t sum = 0;
	size_t i = 0;

	for (; i + 32 <= n; i += 32)
		sums = _mm256_add_epi64(sums, _mm256_sad_epu8(
			_mm256_loadu_si256(
				(const __m256i *)(const void *)(p + i)),
			_mm256_setzero_si256()));
	_mm256_storeu_si256((__m256i *)(void *)s, sums);
	for (; i < n; i++)
		sum += p[i];
	return sum + (int32_t)(s[0] + s[1] + s[2] + s[3]);
}

/* At most 33025 * 255 < 2^31 each. */
static void make_sums(const struct job *job, const struct qk_pixels *px)
{
	for (uint32_t i = 0; i < px->count; i++) {
		const uint8_t *p = (const uint8_t *)px->base + px->offset[i];

		job->sum[i] = 0;
		for (uint32_t ky = 0; ky < job->cmd->kh; ky++)
			for (uint32_t s = 0; s < job->segments; s++)
				job->sum[i] += sum_bytes(
					p + ky * job->row_step +
					s * job->segment_step, job->length);
	}
}

static void run_pixels(const void *arg, const struct qk_pixels *px)
{
	const struct job *job = arg;
	struct block b;
	uint32_t n;

	if (job->cmd->weight_zero_point)
		make_sums(job, px);
	for (uint32_t c = job->c0; c < job->c1; c += QK_BLOCK) {
		qk_lanes_init(&b.lanes, &job->final, job->channels + c);
		b.weights = job->weights + c / QK_BLOCK * job->block_bytes;
		b.count = job->c1 - c < QK_BLOCK ? job->c1 - c : QK_BLOCK;
		b.out = px->out + c;
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
	job->segment_step = (size_t)cmd->dilation_w * cmd->in.c;
	job->row_step = cmd->dilation_h * strip->row;
	job->block_bytes = QK_BLOCK * 4 *
			   ((size_t)cmd->kh * job->segments * job->groups);
	job->final = (struct qk_final){
		.cmd = cmd,
		.k = (uint32_t)cmd->kh * cmd->kw * cmd->in.c,
		.flip = strip->flip,
		.single = qk_single_rounding(&cmd->hdr),
		.clamps_negative = cmd->act_min >= cmd->out.zero_point,
		.order = QK_ORDER_PLAIN,
	};
}

/* Offsets and sums of pixels, then the strip. */
#define PIXEL_BYTES	(QK_STRIP_PIXELS * sizeof(int32_t))

size_t qk_conv2d_scratch_avxvnni(const struct qaccel_cmd_conv *cmd)
{
	struct qk_strip s;

	if (!qk_strip_choose_conv2d(cmd, QACCEL_DTYPE_S8, &s))
		return 0;
	return 2 * PIXEL_BYTES + QK_WALK_APART +
	       qk_round_up(s.size + QK_BYTES_SLACK, 64);
}

QK_DECL_CONV(qk_conv2d_avxvnni)
{
	struct job job = {
		.weights = weights,
		.channels = channels,
		.c0 = tile->c0,
		.c1 = tile->c1,
	};
	struct qk_walk walk = {
		.cmd = cmd,
		.tile = tile,
		.element = &qk_bytes,
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
	job.sum = walk.offset + QK_STRIP_PIXELS;
	walk.copy = job.sum + QK_STRIP_PIXELS;
	/* Whole groups of 4 only: nothing past the input must be read. */
	walk.in_place = !walk.strip.flip && cmd->in.c % 4 == 0;
	qk_walk(&walk);
}
