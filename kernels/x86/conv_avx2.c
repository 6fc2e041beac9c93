/* SPDX-License-Identifier: MIT */
/*
 * CONV2D for QACCEL_LAYOUT_O16K4.
 *
 * A strip of output pixels is gathered first: the KP input values under each
 * pixel's window, widened to 16 bits, with Z_x where the window lies in the
 * padding and zeros where the packed weights are padded. Then each block of 16
 * output channels runs over the strip, 4 pixels by 8 channels in registers.
 *
 * Products are exact: vpmaddwd of 16-bit values |x| <= 255, |w - Zw| <= 255
 * gives pairs below 2^18. So the weights' zero point is subtracted from the
 * widened weights, and no sum over the input is needed.
 */
#include "avx2.h"
#include "requant_avx2.h"

#define PIXELS		4u		/* in registers */
#define STRIP_PIXELS	64u
#define STRIP_BYTES	(128u << 10)	/* about half of a common L2 cache */

/* Pixels in a strip: as many as fit the cache, at least one register tile. */
static uint32_t strip_pixels(size_t packed_k)
{
	size_t n = STRIP_BYTES / (2 * packed_k) / PIXELS * PIXELS;

	return n < PIXELS ? PIXELS : n > STRIP_PIXELS ? STRIP_PIXELS
						      : (uint32_t)n;
}

size_t qk_conv2d_scratch_avx2(const struct qaccel_cmd_conv *cmd)
{
	size_t packed_k = qk_packed_k(cmd->kh, cmd->kw, cmd->in.c,
				      cmd->dilation_w);

	return strip_pixels(packed_k) * packed_k * sizeof(int16_t);
}

/* struct job - the constants of a call */
struct job {
	const struct qaccel_cmd_conv *cmd;
	const uint8_t *in;
	const int8_t *weights;
	const struct qaccel_channel *channels;
	uint8_t *out;
	int16_t *gathered;		/* [pixel][packed_k] */
	size_t packed_k;
	uint32_t c0, c1;
	int in_unsigned;
};

/* ---------------------------------------------------------------- gather -- */

static inline void widen8(int16_t *dst, const uint8_t *src, int is_unsigned)
{
	__m128i v = _mm_loadl_epi64((const __m128i *)src);

	_mm_storeu_si128((__m128i *)dst, is_unsigned ? _mm_cvtepu8_epi16(v)
						     : _mm_cvtepi8_epi16(v));
}

/* The last vector overlaps the one before, so nothing past src is read. */
static int16_t *widen(int16_t *dst, const uint8_t *src, size_t n,
		      int is_unsigned)
{
	size_t i = 0;

	if (n >= 16) {
		for (; i + 16 <= n; i += 16)
			_mm256_storeu_si256((__m256i *)(dst + i),
					    qk_vload16(src + i, is_unsigned));
		if (i < n)
			_mm256_storeu_si256((__m256i *)(dst + n - 16),
					    qk_vload16(src + n - 16,
						       is_unsigned));
		return dst + n;
	}
	if (n >= 8) {
		widen8(dst, src, is_unsigned);
		widen8(dst + n - 8, src + n - 8, is_unsigned);
		return dst + n;
	}
	for (; i < n; i++)
		dst[i] = is_unsigned ? src[i] : (int8_t)src[i];
	return dst + n;
}

static int16_t *fill(int16_t *dst, int16_t value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = value;
	return dst + n;
}

/*
 * One segment: taps columns from ix on of input row iy. Columns are clipped in
 * 64 bits; ix may lie far outside on either side.
 */
static int16_t *gather_segment(const struct job *job, int16_t *dst, uint32_t n,
			       int64_t iy, int64_t ix, uint32_t taps)
{
	const struct qaccel_tensor *t = &job->cmd->in;
	int16_t zero = (int16_t)t->zero_point;
	int16_t *end = dst + qk_round_up((uint64_t)taps * t->c, 4);
	int64_t first = ix < 0 ? -ix : 0;
	int64_t last = t->w - ix;

	if (last > taps)
		last = taps;
	if (iy < 0 || iy >= t->h || first >= last) {
		dst = fill(dst, zero, (size_t)taps * t->c);
		return fill(dst, 0, (size_t)(end - dst));
	}
	dst = fill(dst, zero, (size_t)first * t->c);
	dst = widen(dst, job->in + qk_offset(t, n, (uint32_t)iy,
					     (uint32_t)(ix + first)),
		    (size_t)(last - first) * t->c, job->in_unsigned);
	dst = fill(dst, zero, (size_t)(taps - last) * t->c);
	return fill(dst, 0, (size_t)(end - dst));
}

static void gather_pixel(const struct job *job, int16_t *dst, uint64_t pixel)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	uint32_t y = (uint32_t)(pixel / cmd->out.w);
	uint32_t ox = (uint32_t)(pixel % cmd->out.w);
	uint32_t taps = qk_segment_taps(cmd->kw, cmd->dilation_w);
	int64_t iy = (int64_t)(y % cmd->out.h) * cmd->stride_h - cmd->pad_top;
	int64_t ix = (int64_t)ox * cmd->stride_w - cmd->pad_left;

	for (uint32_t ky = 0; ky < cmd->kh; ky++)
		for (uint32_t kx = 0; kx < cmd->kw; kx += taps)
			dst = gather_segment(job, dst, y / cmd->out.h,
					     iy + (int64_t)ky * cmd->dilation_h,
					     ix + (int64_t)kx * cmd->dilation_w,
					     taps);
}

/* --------------------------------------------------------------- compute -- */

/* Four weights of four channels, less their zero point. */
static inline __m256i load_weights(const int8_t *w, __m256i zero_point)
{
	__m256i v = _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)w));

	return _mm256_sub_epi16(v, zero_point);
}

/* Four values of a pixel, in each quarter of a vector. */
static inline __m256i load_inputs(const int16_t *x)
{
	int64_t four;

	memcpy(&four, x, sizeof(four));
	return _mm256_set1_epi64x(four);
}

/*
 * Pins a sum to its register at this place. Left alone, gcc computes all
 * products before the first sum, runs out of registers and spills a sum, whose
 * way through memory then takes longer than the whole loop.
 */
#define PIN(v)	__asm__("" : "+x"(v))

/* Adds pixel p's products with both weight vectors; np is a constant. */
#define ACCUMULATE(p)							\
	if (np > (p)) {							\
		__m256i v = load_inputs(x##p + k);			\
									\
		lo##p = _mm256_add_epi32(lo##p,				\
					 _mm256_madd_epi16(w0, v));	\
		hi##p = _mm256_add_epi32(hi##p,				\
					 _mm256_madd_epi16(w1, v));	\
		PIN(lo##p);						\
		PIN(hi##p);						\
	}

/* The horizontal add gives channels 0 1 4 5, 2 3 6 7. */
static inline __m256i join(__m256i lo, __m256i hi)
{
	return _mm256_permute4x64_epi64(_mm256_hadd_epi32(lo, hi), 0xd8);
}

/*
 * Sums of np pixels by 8 channels; w points at the 8 channels' half of the
 * block. Sums wrap modulo 2^32. The two partial sums of each channel lie side
 * by side until the end. Each accumulator is a variable of its own: compilers
 * keep an array of them in memory.
 */
static inline __attribute__((always_inline)) void
dot(const struct job *job, const int16_t *x, const int8_t *w, uint32_t np,
    __m256i sums[PIXELS])
{
	const __m256i zw = _mm256_set1_epi16(
		(int16_t)job->cmd->weight_zero_point);
	const __m256i zero = _mm256_setzero_si256();
	const size_t packed_k = job->packed_k;
	const int16_t *x0 = x;
	const int16_t *x1 = np > 1 ? x0 + packed_k : x;
	const int16_t *x2 = np > 2 ? x1 + packed_k : x;
	const int16_t *x3 = np > 3 ? x2 + packed_k : x;
	__m256i lo0 = zero, lo1 = zero, lo2 = zero, lo3 = zero;
	__m256i hi0 = zero, hi1 = zero, hi2 = zero, hi3 = zero;

	for (size_t k = 0; k < packed_k; k += 4, w += 64) {
		__m256i w0 = load_weights(w, zw);
		__m256i w1 = load_weights(w + 16, zw);

		ACCUMULATE(0)
		ACCUMULATE(1)
		ACCUMULATE(2)
		ACCUMULATE(3)
	}
	sums[0] = join(lo0, hi0);
	sums[1] = join(lo1, hi1);
	sums[2] = join(lo2, hi2);
	sums[3] = join(lo3, hi3);
}

/* Sums of one pixel by 16 channels: each group of weights is read once. */
static void dot_pixel(const struct job *job, const int16_t *x, const int8_t *w,
		      __m256i *sums0, __m256i *sums1)
{
	const __m256i zw = _mm256_set1_epi16(
		(int16_t)job->cmd->weight_zero_point);
	const __m256i zero = _mm256_setzero_si256();
	__m256i a = zero, b = zero, c = zero, d = zero;

	for (size_t k = 0; k < job->packed_k; k += 4, w += 64) {
		__m256i v = load_inputs(x + k);

		a = _mm256_add_epi32(a, _mm256_madd_epi16(
			load_weights(w, zw), v));
		b = _mm256_add_epi32(b, _mm256_madd_epi16(
			load_weights(w + 16, zw), v));
		c = _mm256_add_epi32(c, _mm256_madd_epi16(
			load_weights(w + 32, zw), v));
		d = _mm256_add_epi32(d, _mm256_madd_epi16(
			load_weights(w + 48, zw), v));
	}
	*sums0 = join(a, b);
	*sums1 = join(c, d);
}

/* One block of 16 channels at np pixels, channels of which are stored. */
static inline __attribute__((always_inline)) void
compute_tile(const struct job *job, const int16_t *x, const int8_t *w,
	     const struct qk_vblock *block, uint8_t *out, uint32_t channels,
	     uint32_t np)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	struct qk_vfinish fin = qk_vfinish_set1(cmd->out.zero_point,
						cmd->act_min, cmd->act_max);
	int single = qk_single_rounding(&cmd->hdr);
	__m256i sums[2][PIXELS];

	if (np == 1) {
		dot_pixel(job, x, w, &sums[0][0], &sums[1][0]);
	} else {
		dot(job, x, w, np, sums[0]);
		dot(job, x, w + 32, np, sums[1]);
	}
	for (uint32_t p = 0; p < np; p++) {
		__m256i lo = qk_vblock_finish(block, 0, sums[0][p], &fin,
					      single);
		__m256i hi = qk_vblock_finish(block, 1, sums[1][p], &fin,
					      single);

		qk_vstore(out + (size_t)p * cmd->out.c, qk_vpack16(lo, hi),
			  channels);
	}
}

/* All pixels of the strip for the block of channels from o on. */
static void compute_block(const struct job *job, uint64_t pixel,
			  uint32_t count, uint32_t o)
{
	const int16_t *x = job->gathered;
	const int8_t *w = job->weights + qk_o16k4_index(job->packed_k, o, 0);
	struct qk_vblock records = qk_vblock_load(job->channels + o);
	uint32_t channels = job->c1 - o < QK_BLOCK ? job->c1 - o : QK_BLOCK;
	uint8_t *out = job->out + pixel * job->cmd->out.c + o;

	for (; count >= PIXELS; count -= PIXELS) {
		compute_tile(job, x, w, &records, out, channels, PIXELS);
		x += PIXELS * job->packed_k;
		out += (size_t)PIXELS * job->cmd->out.c;
	}
	switch (count) {
	case 3:
		compute_tile(job, x, w, &records, out, channels, 3);
		break;
	case 2:
		compute_tile(job, x, w, &records, out, channels, 2);
		break;
	case 1:
		compute_tile(job, x, w, &records, out, channels, 1);
		break;
	}
}

static void strip(const struct job *job, uint64_t pixel, uint32_t count)
{
	for (uint32_t p = 0; p < count; p++)
		gather_pixel(job, job->gathered + p * job->packed_k,
			     pixel + p);
	for (uint32_t o = job->c0; o < job->c1; o += QK_BLOCK)
		compute_block(job, pixel, count, o);
}

/* The tile's rows are whole, so its pixels are consecutive. */
QK_DECL_CONV(qk_conv2d_avx2)
{
	struct job job = {
		.cmd = cmd,
		.in = in,
		.weights = weights,
		.channels = channels,
		.out = out,
		.gathered = scratch,
		.packed_k = qk_packed_k(cmd->kh, cmd->kw, cmd->in.c,
					cmd->dilation_w),
		.c0 = tile->c0,
		.c1 = tile->c1,
		.in_unsigned = cmd->in.dtype == QACCEL_DTYPE_U8,
	};
	uint32_t step = strip_pixels(job.packed_k);
	uint64_t pixel = (uint64_t)tile->y0 * cmd->out.w;
	uint64_t end = (uint64_t)tile->y1 * cmd->out.w;

	for (; pixel < end; pixel += step)
		strip(&job, pixel,
		      end - pixel < step ? (uint32_t)(end - pixel) : step);
}
