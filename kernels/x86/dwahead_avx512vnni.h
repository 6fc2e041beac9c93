/* SPDX-License-Identifier: MIT */
/*
 * What depthwise layers fetch ahead, where their tensors are out of the cache
 *
 * A pass reads some lines of several rows, which processors do not foresee, and
 * stores as many. So every few columns of a pass fetch their part of what the pass
 * after the next one reads and stores. That is not for nothing if all of it is
 * there: struct qk_tile says when.
 */
#ifndef QK_DWAHEAD_AVX512VNNI_H
#define QK_DWAHEAD_AVX512VNNI_H

#include "dwquads_avx512vnni.h"

/* struct qk_dwahead - a pass, and the rows to fetch for it */
struct qk_dwahead {
	const struct qk_dwjob *job;
	const struct qk_tile *tile;
	const uint8_t *in, *out;
	uint32_t band, rows;		/* its band's first row, and how many */
	uint32_t c, y;			/* its first channel and row */
	uint32_t ins, outs;
	const uint8_t *row_in[4], *row_out[2];
	size_t step;			/* from line to line of a row */
};

/* Channels that a pass does, of those left. */
static inline uint32_t qk_dw3_channels(uint32_t left)
{
	return left >= 64 ? 64 : left == 48 ? 32 : left;
}

/* Fetches what the first passes need; nothing ever unless the tile is cold. */
void qk_dwahead_start(struct qk_dwahead *a, const struct qk_dwjob *job,
		      const struct qk_tile *tile, const uint8_t *in,
		      const uint8_t *out);

/* To be called with each pass. */
void qk_dwahead_next(struct qk_dwahead *a);

/*
 * Size bytes of the output rows, and of the input what is above them. Inlined, or
 * GCC drops the calls: it takes what only prefetches for pure.
 */
static inline __attribute__((always_inline)) void
qk_dwahead_fetch(const struct qk_dwahead *a, size_t at, size_t size,
		 size_t stride)
{
	for (uint32_t i = 0; i < a->ins; i++)
		for (size_t j = at * stride; j < (at + size) * stride;
		     j += a->step)
			_mm_prefetch((const char *)a->row_in[i] + j,
				     _MM_HINT_T1);
	for (uint32_t i = 0; i < a->outs; i++)
		for (size_t j = at; j < at + size; j += a->step)
			_mm_prefetch((const char *)a->row_out[i] + j,
				     _MM_HINT_T1);
}

#endif /* QK_DWAHEAD_AVX512VNNI_H */
