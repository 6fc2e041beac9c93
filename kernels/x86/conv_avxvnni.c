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

#define CONV_ELEMENT	1
#define CONV_ORDER	QK_ORDER_PLAIN

/* Four values of 8 channels by four. */
static inline __m256i conv_dot(__m256i acc, __m256i x, __m256i w)
{
	acc = qk_dpbusd(acc, x, w);
	QK_PIN(acc);
	return acc;
}

#include "convloop_avx2.h"
#include "bytes_avxvnni.h"
#include "../ref/ref.h"

/* ---------------------------------------------------------------- sums -- */

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

/* ---------------------------------------------------------------- call -- */

static void run_pixels(const void *arg, const struct qk_pixels *px)
{
	const struct job *job = arg;
	struct block b;

	if (job->cmd->weight_zero_point)
		make_sums(job, px);
	for (uint32_t c = job->c0; c < job->c1; c += QK_BLOCK) {
		block_init(job, px, c, &b);
		run_block(job, &b, px, c);
	}
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
	job_init(&job, cmd, &walk.strip, walk.strip.flip);
	job.sum = walk.offset + QK_STRIP_PIXELS;
	walk.copy = job.sum + QK_STRIP_PIXELS;
	/* Whole groups of 4 only: nothing past the input must be read. */
	walk.in_place = !walk.strip.flip && cmd->in.c % 4 == 0;
	qk_walk(&walk);
}
