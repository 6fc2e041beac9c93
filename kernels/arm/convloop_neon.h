/* SPDX-License-Identifier: MIT */
/*
 * CONV2D on Arm: what the loops over the output and the micro-kernels of each
 * ISA agree on. The input comes as a strip (strip_neon.h), made once for all
 * output channels: a pixel is a pointer, a filter row a run of bytes behind it.
 * A 1x1 convolution over S8 whose channels fill whole groups of 4 reads its
 * input in place.
 *
 * A micro-kernel reads the weights of one block of 16 channels in the order in
 * which they lie in QACCEL_LAYOUT_O16K4: for each filter row and segment in it,
 * groups of 4 values times 16 channels, 64 bytes each. Of a pixel it may read
 * whole groups, no more.
 */
#ifndef QK_CONVLOOP_NEON_H
#define QK_CONVLOOP_NEON_H

#include "scale_neon.h"
#include "strip_neon.h"

/* struct qk_conv - one call, with what its loops share */
struct qk_conv {
	const struct qaccel_cmd_conv *cmd;
	struct qk_strip strip;
	struct qk_finish finish;
	bool single;			/* one rounding */
	uint32_t zw;			/* zero point of the weights */
	uint32_t k;			/* values in a window */
	uint32_t segments;		/* in a filter row */
	uint32_t groups;		/* of 4 values in a segment */
	size_t segment_step;		/* bytes in the strip between segments */
	size_t filter_row_step;		/* bytes in the strip between filter rows */
	size_t base_step;		/* bytes between windows of a pixel, or 0 */
	size_t out_step;		/* bytes between output pixels */
	size_t block_bytes;		/* packed weights of 16 channels */
};

/* struct qk_pixels - neighbours */
struct qk_pixels {
	const uint8_t *base;		/* of the strip, or of the first */
	const int32_t *offset;		/* of each, in bytes */
	const int32_t *sum;		/* of each window, with QK_SUMS */
	uint8_t *out;			/* the block's first channel of the first */
};

/*
 * Tiles of pixels, one after the other, times 16 channels. How many pixels a
 * tile has, its place in struct qk_micros says.
 */
typedef void (*qk_micro_fn)(const struct qk_conv *conv,
			    const struct qk_lanes *lanes,
			    const int8_t *weights, struct qk_pixels px,
			    uint32_t tiles);

/* struct qk_micros - of an ISA; those of fn[i] have i + 1 pixels */
struct qk_micros {
	uint32_t tile;			/* most pixels */
	qk_micro_fn fn[QK_MAX_TILE];
	/* The same for blocks without a weight of -128, or NULLs. */
	qk_micro_fn narrow[QK_MAX_TILE];
	/*
	 * Or NULL: puts the weights of a block into another order, each run in
	 * an even number of groups. Does not pay for few pixels.
	 */
	void (*prepare)(const struct qk_conv *conv, const int8_t *weights,
			int8_t *to);
	const struct qk_micros *few;
};

/* From this many pixels on. */
#define QK_PREPARE_PIXELS	12u
/* Larger blocks are not prepared. */
#define QK_PREPARED_SIZE	(128u << 10)

/* On to the next but count. */
static inline void qk_pixels_advance(struct qk_pixels *px,
				     const struct qk_conv *conv, uint32_t count)
{
	px->base += count * conv->base_step;
	px->offset += conv->base_step ? 0 : count;
	px->sum += count;
	px->out += count * conv->out_step;
}

/*
 * Hides from the compiler where a pointer comes from. Or else it counts from
 * where a loop began, at an instruction a load.
 */
#define QK_KEEP(pointer)	__asm__("" : "+r"(pointer))

/* micro_m(), a qk_micro_fn, from micro(), which is inlined. */
#define QK_MICRO(micro, m)						\
	static void micro##_##m(const struct qk_conv *conv,		\
				const struct qk_lanes *lanes,		\
				const int8_t *weights,			\
				struct qk_pixels px, uint32_t tiles)	\
	{								\
		bool pointwise = conv->base_step != 0;			\
									\
		for (; pointwise && tiles; tiles--) {			\
			micro(conv, lanes, weights, &px, m, true);	\
			qk_pixels_advance(&px, conv, m);		\
		}							\
		for (; tiles; tiles--) {				\
			micro(conv, lanes, weights, &px, m, false);	\
			qk_pixels_advance(&px, conv, m);		\
		}							\
	}

/* A whole call. */
void qk_convloop(const struct qk_micros *micros,
		 const struct qaccel_cmd_conv *cmd, const void *in,
		 const int8_t *weights, const struct qaccel_channel *channels,
		 void *out, const struct qk_tile *tile, void *scratch);

/* An int32_t that lies anywhere. */
typedef int32_t __attribute__((aligned(1), may_alias)) qk_unaligned32;

/* A group of 4 values, in each quarter. */
static inline int8x16_t qk_broadcast4(const uint8_t *p)
{
	return vreinterpretq_s8_s32(vdupq_n_s32(*(const qk_unaligned32 *)p));
}

static inline const uint8_t *qk_segment(const struct qk_conv *conv,
					const struct qk_pixels *px,
					uint32_t ky, uint32_t s)
{
	return px->base + ky * conv->filter_row_step + s * conv->segment_step;
}

/* Finishes a tile of m pixels, constant where it is inlined. */
static inline __attribute__((always_inline)) void
qk_conv_store(const struct qk_conv *conv, const struct qk_lanes *lanes,
	      const struct qk_pixels *px, int32x4_t (*sum)[4], const int m)
{
	if (lanes->special & QK_SUMS)
#pragma GCC unroll 8
		for (int i = 0; i < m; i++) {
			uint32_t minus = conv->zw * (uint32_t)px->sum[i];

#pragma GCC unroll 4
			for (int q = 0; q < 4; q++)
				sum[i][q] = qk_wrapping_sub(sum[i][q],
					vdupq_n_s32((int32_t)minus));
		}
	qk_lanes_store(lanes, &conv->finish, conv->single, sum, m, px->out,
		       conv->out_step);
}

#endif /* QK_CONVLOOP_NEON_H */
