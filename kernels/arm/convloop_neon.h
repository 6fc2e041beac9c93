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

#define QK_MAX_TILE	6

/* struct qk_conv - one call, with what its loops share */
struct qk_conv {
	const struct qaccel_cmd_conv *cmd;
	struct qk_strip strip;
	struct qk_finish finish;
	bool single;			/* one rounding */
	uint32_t k;			/* values in a window */
	uint32_t segments;		/* in a filter row */
	uint32_t groups;		/* of 4 values in a segment */
	size_t segment_step;		/* bytes in the strip between segments */
	size_t filter_row_step;		/* bytes in the strip between filter rows */
	size_t block_bytes;		/* packed weights of 16 channels */
};

/* struct qk_pixels - up to QK_MAX_TILE neighbours */
struct qk_pixels {
	const uint8_t *base;		/* of the strip */
	const int32_t *offset;		/* of each, in bytes */
	const int32_t *sum;		/* of each window, or NULL */
	uint8_t *out;			/* the block's first channel of the first */
};

/* How many pixels, its place in struct qk_micros says; times 16 channels. */
typedef void (*qk_micro_fn)(const struct qk_conv *conv,
			    const struct qk_lanes *lanes,
			    const int8_t *weights,
			    const struct qk_pixels *px);

/* struct qk_micros - of an ISA; fn[i] does i + 1 pixels */
struct qk_micros {
	uint32_t tile;			/* most pixels */
	qk_micro_fn fn[QK_MAX_TILE];
	/* The same for blocks without a weight of -128, or NULLs. */
	qk_micro_fn narrow[QK_MAX_TILE];
};

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

/* Finishes pixel i of a tile. */
static inline void qk_conv_store(const struct qk_conv *conv,
				 const struct qk_lanes *lanes,
				 const struct qk_pixels *px, int i,
				 const int32x4_t sum[4])
{
	const struct qaccel_cmd_conv *cmd = conv->cmd;
	uint32_t minus = px->sum ? (uint32_t)cmd->weight_zero_point *
				   (uint32_t)px->sum[i] : 0;

	qk_lanes_store(lanes, &conv->finish, conv->single, sum,
		       vdupq_n_s32((int32_t)minus),
		       px->out + (size_t)i * cmd->out.c);
}

#endif /* QK_CONVLOOP_NEON_H */
