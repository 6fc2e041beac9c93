/* SPDX-License-Identifier: MIT */
/*
 * DWCONV2D for QACCEL_LAYOUT_C16, 16 channels of a pixel at a time.
 *
 * Two taps are taken together: their input bytes interleaved, widened to 16
 * bits and multiplied with the likewise interleaved weights by vpmaddwd, which
 * gives the exact sum of both products. Windows that lie inside the input are
 * read in place; those that touch the padding, the last channels or have a
 * depth multiplier are gathered first, so that 16 bytes can be read of each
 * tap.
 */
#include "avx2.h"
#include "requant_avx2.h"

/* struct job - the constants of a call, and the scratch memory's parts */
struct job {
	const struct qaccel_cmd_conv *cmd;
	const uint8_t *in, *in_end;
	uint8_t *out;
	uint32_t taps, pairs;
	int16_t *weights;	/* [pairs][16 channels][2], less Zw */
	ptrdiff_t *in_place;	/* [2 pairs]: from the window's first tap */
	ptrdiff_t *in_window;	/* [2 pairs]: within window[] */
	uint8_t *window;	/* [2 pairs][16] */
};

static uint32_t tap_pairs(const struct qaccel_cmd_conv *cmd)
{
	return ((uint32_t)cmd->kh * cmd->kw + 1) / 2;
}

/* Bytes for each pair of taps: every part of the scratch memory. */
#define PAIR_WEIGHTS	(2 * QK_BLOCK * sizeof(int16_t))
#define PAIR_OFFSETS	(2 * sizeof(ptrdiff_t))
#define PAIR_WINDOW	(2 * QK_BLOCK)

size_t qk_dwconv2d_scratch_avx2(const struct qaccel_cmd_conv *cmd)
{
	return tap_pairs(cmd) *
	       (PAIR_WEIGHTS + 2 * PAIR_OFFSETS + PAIR_WINDOW);
}

static void divide_scratch(struct job *job, uint8_t *scratch)
{
	job->weights = (void *)scratch;
	scratch += job->pairs * PAIR_WEIGHTS;
	job->in_place = (void *)scratch;
	scratch += job->pairs * PAIR_OFFSETS;
	job->in_window = (void *)scratch;
	scratch += job->pairs * PAIR_OFFSETS;
	job->window = scratch;
}

/*
 * The second of the last pair, where taps are odd, repeats the first with
 * weights of zero.
 */
static void prepare_offsets(const struct job *job)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;

	for (uint32_t i = 0; i < 2 * job->pairs; i++) {
		uint32_t tap = i < job->taps ? i : i - 1;
		size_t row = (size_t)(tap / cmd->kw) * cmd->dilation_h;
		size_t column = (size_t)(tap % cmd->kw) * cmd->dilation_w;

		job->in_place[i] = (ptrdiff_t)((row * cmd->in.w + column) *
					       cmd->in.c);
		job->in_window[i] = (ptrdiff_t)(tap * QK_BLOCK);
	}
}

/* w - Zw is in [-255, 255]. */
static void prepare_weights(const struct job *job, const int8_t *packed)
{
	int32_t zw = job->cmd->weight_zero_point;

	for (uint32_t i = 0; i < 2 * job->pairs; i++) {
		int16_t *pair = job->weights + (i / 2) * 2 * QK_BLOCK + i % 2;

		for (uint32_t j = 0; j < QK_BLOCK; j++)
			pair[2 * j] = i < job->taps ?
				(int16_t)(packed[i * QK_BLOCK + j] - zw) : 0;
	}
}

/* Sums of 16 channels: s[0] has the first 8. They wrap modulo 2^32. */
static inline __attribute__((always_inline)) void
sum_taps(const struct job *job, const uint8_t *base, const ptrdiff_t *offset,
	 int is_unsigned, __m256i s[2])
{
	const __m256i *w = (const __m256i *)job->weights;

	s[0] = s[1] = _mm256_setzero_si256();
	for (uint32_t i = 0; i < job->pairs; i++, w += 2) {
		__m128i a = _mm_loadu_si128(
			(const __m128i *)(base + offset[2 * i]));
		__m128i b = _mm_loadu_si128(
			(const __m128i *)(base + offset[2 * i + 1]));
		__m128i lo = _mm_unpacklo_epi8(a, b);
		__m128i hi = _mm_unpackhi_epi8(a, b);
		__m256i x0 = is_unsigned ? _mm256_cvtepu8_epi16(lo)
					 : _mm256_cvtepi8_epi16(lo);
		__m256i x1 = is_unsigned ? _mm256_cvtepu8_epi16(hi)
					 : _mm256_cvtepi8_epi16(hi);

		s[0] = _mm256_add_epi32(s[0], _mm256_madd_epi16(
			x0, _mm256_load_si256(w)));
		s[1] = _mm256_add_epi32(s[1], _mm256_madd_epi16(
			x1, _mm256_load_si256(w + 1)));
	}
}

/* struct row - what the windows of one output row share */
struct row {
	uint32_t n;
	int64_t y;		/* of the first tap, perhaps in the padding */
	const uint8_t *first;	/* its pixel 0, channel o */
	int64_t last_x;		/* of the last window read in place, or -1 */
	uint32_t o, channels;
};

/*
 * Windows at x of 0 to last_x have all taps inside the input, and 16 bytes of
 * each tap are the input's own: the last tap lies furthest back.
 */
static int64_t last_in_place(const struct job *job, const struct row *row)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	int64_t y = row->y + (int64_t)(cmd->kh - 1) * cmd->dilation_h;
	int64_t width = (int64_t)(cmd->kw - 1) * cmd->dilation_w;
	int64_t inside, readable;

	if (cmd->depth_multiplier != 1 || row->y < 0 || y >= cmd->in.h)
		return -1;
	inside = (int64_t)cmd->in.w - 1 - width;
	readable = job->in_end - job->in - QK_BLOCK - row->o -
		   (int64_t)qk_offset(&cmd->in, row->n, (uint32_t)y, 0);
	if (readable < 0)
		return -1;
	readable = readable / cmd->in.c - width;
	return inside < readable ? inside : readable;
}

static struct row find_row(const struct job *job, uint32_t y, uint32_t o,
			   uint32_t channels)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	struct row row = {
		.n = y / cmd->out.h,
		.y = (int64_t)(y % cmd->out.h) * cmd->stride_h - cmd->pad_top,
		.o = o,
		.channels = channels,
	};

	row.last_x = last_in_place(job, &row);
	if (row.last_x >= 0)
		row.first = job->in + qk_offset(&cmd->in, row.n,
						(uint32_t)row.y, 0) + o;
	return row;
}

/* Channels of one tap; bytes past the last one are set, but never stored. */
static void gather_tap(const struct job *job, const struct row *row,
		       uint8_t *dst, int64_t y, int64_t x)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	uint32_t multiplier = cmd->depth_multiplier;
	const uint8_t *src;

	if (y < 0 || y >= cmd->in.h || x < 0 || x >= cmd->in.w) {
		memset(dst, (uint8_t)cmd->in.zero_point, QK_BLOCK);
		return;
	}
	src = job->in + qk_offset(&cmd->in, row->n, (uint32_t)y, (uint32_t)x);
	if (multiplier == 1 && row->channels == QK_BLOCK) {
		memcpy(dst, src + row->o, QK_BLOCK);
		return;
	}
	memset(dst, 0, QK_BLOCK);
	for (uint32_t j = 0; j < row->channels; j++)
		dst[j] = src[(row->o + j) / multiplier];
}

static void gather_window(const struct job *job, const struct row *row,
			  int64_t x)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	uint8_t *dst = job->window;

	for (uint32_t ky = 0; ky < cmd->kh; ky++)
		for (uint32_t kx = 0; kx < cmd->kw; kx++, dst += QK_BLOCK)
			gather_tap(job, row, dst,
				   row->y + (int64_t)ky * cmd->dilation_h,
				   x + (int64_t)kx * cmd->dilation_w);
}

static inline __attribute__((always_inline)) void
compute_row(const struct job *job, const struct qk_vblock *block,
	    const struct row *row, uint8_t *out, int is_unsigned, int single)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	struct qk_vfinish fin = qk_vfinish_set1(cmd->out.zero_point,
						cmd->act_min, cmd->act_max);
	int64_t x = -(int64_t)cmd->pad_left;

	for (uint32_t ox = 0; ox < cmd->out.w; ox++, x += cmd->stride_w) {
		__m256i s[2];

		if (x >= 0 && x <= row->last_x) {
			sum_taps(job, row->first + (size_t)x * cmd->in.c,
				 job->in_place, is_unsigned, s);
		} else {
			gather_window(job, row, x);
			sum_taps(job, job->window, job->in_window, is_unsigned,
				 s);
		}
		s[0] = qk_vblock_finish(block, 0, s[0], &fin, single);
		s[1] = qk_vblock_finish(block, 1, s[1], &fin, single);
		qk_vstore(out, qk_vpack16(s[0], s[1]), row->channels);
		out += cmd->out.c;
	}
}

static void compute_block(const struct job *job, const struct qk_vblock *block,
			  uint32_t y, uint32_t o, uint32_t channels)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	struct row row = find_row(job, y, o, channels);
	uint8_t *out = job->out + (size_t)y * cmd->out.w * cmd->out.c + o;
	int is_unsigned = cmd->in.dtype == QACCEL_DTYPE_U8;

	if (qk_single_rounding(&cmd->hdr))
		compute_row(job, block, &row, out, is_unsigned, 1);
	else if (is_unsigned)
		compute_row(job, block, &row, out, 1, 0);
	else
		compute_row(job, block, &row, out, 0, 0);
}

QK_DECL_CONV(qk_dwconv2d_avx2)
{
	struct job job = {
		.cmd = cmd,
		.in = in,
		.in_end = (const uint8_t *)in + qk_offset(&cmd->in, cmd->in.n,
							  0, 0),
		.out = out,
		.taps = (uint32_t)cmd->kh * cmd->kw,
		.pairs = tap_pairs(cmd),
	};

	divide_scratch(&job, scratch);
	prepare_offsets(&job);
	for (uint32_t o = tile->c0; o < tile->c1; o += QK_BLOCK) {
		uint32_t n = tile->c1 - o < QK_BLOCK ? tile->c1 - o : QK_BLOCK;
		struct qk_vblock block = qk_vblock_load(channels + o);

		prepare_weights(&job, weights + qk_c16_index(job.taps, o, 0));
		for (uint32_t y = tile->y0; y < tile->y1; y++)
			compute_block(&job, &block, y, o, n);
	}
}
