/* SPDX-License-Identifier: MIT */
/*
 * Quads: what DWCONV2D for AVX512-VNNI multiplies
 *
 * A 32-bit lane holds four bytes of one channel and column, from four rows below
 * each other. Then vpdpbusd does a column of the filter, and because the weights
 * of a second output row are those of the first, moved down by one byte, both
 * rows use the same quads, as do all windows that a column is in.
 *
 * Interleaving four vectors leaves four vectors of quads: number 0 has channels
 * 16 L + 2 j in lane 4 L + j, number 1 those after them, and the next two begin with
 * channel 8. So the results' words come in order when those of two quads are merged.
 *
 * For most layers quads stay in registers (dw3_avx512vnni.h). For others they are
 * stored in four planes, a pixel after another. Where 64 is a multiple of the
 * channels and the stride is 1, neighbouring pixels fill a vector together.
 */
#ifndef QK_DWQUADS_AVX512VNNI_H
#define QK_DWQUADS_AVX512VNNI_H

#include "avx2.h"
#include "avx512vnni.h"
#include "scale_avx512vnni.h"

#define QK_DW_LANES	64u

/* struct qk_dwjob - one call, with what its loops share */
struct qk_dwjob {
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
	int32_t (*extra)[2][2];		/* [quad][part][output row]: struct qk_dwgroup */
	uint8_t *copy;			/* the quads: [quad][q] planes */
};

/* struct qk_dwgroup - up to 64 channels, or fewer of several pixels */
struct qk_dwgroup {
	struct qk_lanes lanes[4];
	struct qk_bounds bounds;
	uint32_t block[4];		/* of weights, for each 128 bits */
	uint32_t c;			/* the first */
	uint32_t count;			/* 1 to 64 */
	uint32_t extras;		/* parts of - Zw that are not in the weights */
};

/* struct qk_dwspan - some columns of the output */
struct qk_dwspan {
	uint32_t x, columns;
	uint32_t first, last;		/* columns of the quads inside the input */
};

static inline __mmask64 qk_low_bits(size_t count)
{
	return count >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << count) - 1;
}

/* a with b's bytes where mask has them, of which the words of 32 bits are swapped. */
static inline __m512i qk_dw_merge_swapped(__m512i a, __mmask64 mask, __m512i b)
{
	const __m128i swap = _mm_setr_epi8(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9,
					   14, 15, 12, 13);

	return _mm512_mask_shuffle_epi8(a, mask, b,
					_mm512_broadcast_i32x4(swap));
}

#define QK_DW_LOW	UINT64_C(0x3333333333333333)	/* words of 32 bits */
#define QK_DW_HIGH	UINT64_C(0xcccccccccccccccc)

static inline void qk_dw_interleave(__m512i a, __m512i b, __m512i c, __m512i d,
				    __m512i q[4])
{
	__m512i ab_lo = _mm512_unpacklo_epi8(a, b);
	__m512i ab_hi = _mm512_unpackhi_epi8(a, b);
	__m512i cd_lo = _mm512_unpacklo_epi8(c, d);
	__m512i cd_hi = _mm512_unpackhi_epi8(c, d);

	q[0] = qk_dw_merge_swapped(ab_lo, QK_DW_HIGH, cd_lo);
	q[1] = qk_dw_merge_swapped(cd_lo, QK_DW_LOW, ab_lo);
	q[2] = qk_dw_merge_swapped(ab_hi, QK_DW_HIGH, cd_hi);
	q[3] = qk_dw_merge_swapped(cd_hi, QK_DW_LOW, ab_hi);
}

/* Weights and constants of the channels from c to c1, as many as fit. */
void qk_dwgroup_init(const struct qk_dwjob *job, struct qk_dwgroup *g,
		     uint32_t c, uint32_t c1);

/* Fills in how the call finishes its results, and job->extra. */
void qk_dwjob_finish(struct qk_dwjob *job);

/* Rows from y on, in one image, whose input stays in cache for all channels. */
uint32_t qk_dwband_rows(const struct qk_dwjob *job, const struct qk_tile *tile,
			uint32_t y);

/* Columns of the output from x on. */
struct qk_dwspan qk_dwspan_at(const struct qk_dwjob *job, uint32_t x);

/* The padding beside the input, which stays for all the rows of a span. */
void qk_dwquads_pad(const struct qk_dwjob *job, const struct qk_dwspan *span);

/* The quads of one pass: from input row iy on. padding: a vector of zero points. */
void qk_dwquads_fill(const struct qk_dwjob *job, const struct qk_dwgroup *g,
		     const struct qk_dwspan *span, const uint8_t *image,
		     int64_t iy, const uint8_t padding[QK_DW_LANES]);

#endif /* QK_DWQUADS_AVX512VNNI_H */
