/* SPDX-License-Identifier: MIT */
/* DWCONV2D on Arm: what the loops and the kernels of the ISAs agree on. */
#ifndef QK_DWCONV_NEON_H
#define QK_DWCONV_NEON_H

#include "scale_neon.h"
#include "strip_neon.h"

/* Pixels that a micro-kernel does at once. */
#define QK_DW_TILE	4

/* struct qk_dw_quads - of a filter row of 3, 4 channels in each register */
struct qk_dw_quads {
	int8_t left[4][16];		/* w0 w1 w2 0 of each channel */
	int8_t right[4][16];		/* 0 w0 w1 w2 */
};

/* struct qk_dw_work - scratch memory */
struct qk_dw_work {
	int32_t *tap;			/* of each tap in the window */
	int8_t (*narrow)[16];		/* w - Zw of each tap, or */
	int16_t (*wide)[16];
	struct qk_dw_quads *quads;	/* of each row, where there are threes */
	uint8_t *strip;
};

struct qk_dw;

/*
 * struct qk_dw_threes - a faster way for filters 3 wide whose taps are next to
 * each other, and whose weights are bytes without their zero point
 */
struct qk_dw_threes {
	/* From w - Zw of each tap. */
	void (*make_quads)(const struct qk_dw *dw, const int8_t (*w)[16],
			   struct qk_dw_quads *quads);
	/* 16 channels of a strip, p under the first pixel. */
	void (*run_strip)(const struct qk_dw *dw, const struct qk_lanes *lanes,
			  const struct qk_dw_quads *quads, const uint8_t *p,
			  uint32_t rows, uint32_t columns, uint8_t *out);
};

/* struct qk_dw - one call, with what its loops share */
struct qk_dw {
	const struct qaccel_cmd_conv *cmd;
	const struct qk_dw_threes *threes;	/* or NULL */
	struct qk_strip strip;
	struct qk_finish finish;
	bool single;			/* one rounding */
	uint32_t taps;
	uint32_t padded;		/* taps, rounded up to an even number */
};

/* A whole call; threes may be NULL. */
void qk_dwloop(const struct qk_dw_threes *threes,
	       const struct qaccel_cmd_conv *cmd, const void *in,
	       const int8_t *weights, const struct qaccel_channel *channels,
	       void *out, const struct qk_tile *tile, void *scratch);

#endif /* QK_DWCONV_NEON_H */
