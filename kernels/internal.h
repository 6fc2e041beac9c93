/* SPDX-License-Identifier: MIT */
/*
 * What the kernels share among themselves: access to tensors, and the index of
 * a weight in the packed layouts. Everything is inline and static, so that each
 * ISA's object files carry their own copy, built with their own flags.
 */
#ifndef QK_INTERNAL_H
#define QK_INTERNAL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "qk.h"
#include "qk_requant.h"

/* Output channels in a block of both weight layouts. */
#define QK_BLOCK	16u

static inline uint64_t qk_round_up(uint64_t x, uint64_t multiple)
{
	return (x + multiple - 1) / multiple * multiple;
}

static inline int qk_single_rounding(const struct qaccel_cmd_header *hdr)
{
	return (hdr->flags & QACCEL_CMD_SINGLE_ROUNDING) != 0;
}

/* Elements before (n, h, w, 0); a tensor has at most 2^30 bytes. */
static inline size_t qk_offset(const struct qaccel_tensor *t, uint32_t n,
			       uint32_t h, uint32_t w)
{
	return (((size_t)n * t->h + h) * t->w + w) * t->c;
}

/* An element of a U8 or S8 tensor. */
static inline int32_t qk_get8(const void *base, size_t i, unsigned int dtype)
{
	return dtype == QACCEL_DTYPE_U8 ? ((const uint8_t *)base)[i]
					: ((const int8_t *)base)[i];
}

/* The low byte of v is its U8 or S8 representation. */
static inline void qk_put8(void *base, size_t i, int32_t v)
{
	((uint8_t *)base)[i] = (uint8_t)v;
}

static inline size_t qk_elem_size(unsigned int dtype)
{
	switch (dtype) {
	case QACCEL_DTYPE_S16:
		return 2;
	case QACCEL_DTYPE_S32:
	case QACCEL_DTYPE_F32:
		return 4;
	default:
		return 1;
	}
}

/* ------------------------------------------------- QACCEL_LAYOUT_O16K4 -- */

/* Values of one filter row that are one segment: a row of taps, or one tap. */
static inline uint32_t qk_segment_taps(uint32_t kw, uint32_t dilation_w)
{
	return dilation_w == 1 ? kw : 1;
}

/* Place of tap (ky, kx), input channel ic in a channel's KP packed weights. */
static inline size_t qk_k_index(const struct qaccel_cmd_conv *cmd, uint32_t ky,
				uint32_t kx, uint32_t ic)
{
	uint32_t taps = qk_segment_taps(cmd->kw, cmd->dilation_w);
	size_t padded = qk_round_up((uint64_t)taps * cmd->in.c, 4);
	size_t segment = ((size_t)ky * cmd->kw + kx) / taps;

	return segment * padded + (size_t)(kx % taps) * cmd->in.c + ic;
}

/* Byte of the packed weights that holds value k of output channel o. */
static inline size_t qk_o16k4_index(size_t packed_k, uint32_t o, size_t k)
{
	size_t group = (o / QK_BLOCK) * (packed_k / 4) + k / 4;

	return group * 64 + (o % QK_BLOCK) * 4 + k % 4;
}

/* --------------------------------------------------- QACCEL_LAYOUT_C16 -- */

static inline size_t qk_c16_index(uint32_t taps, uint32_t o, uint32_t tap)
{
	return ((size_t)(o / QK_BLOCK) * taps + tap) * QK_BLOCK + o % QK_BLOCK;
}

#endif /* QK_INTERNAL_H */
