/* SPDX-License-Identifier: MIT */
/*
 * The micro-kernels of CONV2D for AVX512-VNNI: pixels of a strip by up to 64
 * channels
 *
 * Products take one kind of port and finishing results mostly others. So few
 * pixels are computed at a time, in one half of the accumulators, while those in
 * the other half are finished. The processor's own reordering does not reach
 * from one to the other; the code has to be mixed.
 */
#ifndef QK_CONVTILE_AVX512VNNI_H
#define QK_CONVTILE_AVX512VNNI_H

#include "scale_avx512vnni.h"

#define QK_GROUP_BLOCKS	4u
#define QK_GROUP	(QK_GROUP_BLOCKS * QK_BLOCK)

/*
 * struct qk_convgroup - up to 64 channels
 *
 * Results are finished 64 at a time: those of one pixel, of two with 32 channels
 * or of four with 16. Lanes are repeated to match.
 */
struct qk_convgroup {
	struct qk_lanes lanes[QK_GROUP_BLOCKS];
	struct qk_bounds bounds;
	const struct qk_finish *finish;
	__m512 addend;			/* qk_addend() */
	__m512i fraction;		/* bits that are zero where it is close */
	__m512i least, most, flip;	/* of the output bytes, as S8 */
	const int8_t *weights;
	size_t block_bytes;		/* packed weights of 16 channels */
	uint32_t count;			/* channels, 1 to 64 */
	uint32_t blocks;
};

/* struct qk_convrun - neighbours among the groups of 4 values of a window */
struct qk_convrun {
	uint32_t first, end;
};

/*
 * struct qk_ahead - memory that is read soon
 *
 * A layer finds its weights and buffers outside of the second-level cache: other
 * layers were there before. So what comes next is fetched while products are
 * computed, a line with each few of them.
 */
struct qk_ahead {
	const uint8_t *at;
	size_t left;
};

/* struct qk_convpixels - pixels of a strip whose windows have the same parts */
struct qk_convpixels {
	const uint8_t *base;		/* of the strip */
	const int32_t *offset;		/* of each window in it */
	const int32_t *step;		/* of each group of 4 in a window */
	const int32_t *correction;	/* of each window: - Zw sum x'; or NULL */
	const struct qk_convrun *runs;	/* what a window consists of */
	uint32_t run_count;		/* at least 1 */
	uint32_t count;			/* of pixels */
	uint8_t flip;			/* still to do: 0x80 or 0 */
	uint8_t *out;			/* first channel of pixel 0 */
	const uint8_t *out_end;		/* of the output that may be fetched */
	const uint32_t *index;		/* of each pixel; NULL: 0, 1, 2... */
	size_t pixel;			/* bytes of a pixel of the output */
};

/*
 * All pixels; init: where the accumulators of each block begin. The group's
 * channels must be a multiple of 8.
 */
void qk_conv_pixels(const struct qk_convgroup *group,
		    const struct qk_convpixels *pixels,
		    const __m512i init[QK_GROUP_BLOCKS],
		    struct qk_ahead *ahead);

/* The channels [c0, c1), or the first 64 of them. */
void qk_convgroup_init(struct qk_convgroup *group,
		       const struct qk_finish *finish, const int8_t *weights,
		       size_t block_bytes,
		       const struct qaccel_channel *channels, uint32_t c0,
		       uint32_t c1);

#endif /* QK_CONVTILE_AVX512VNNI_H */
