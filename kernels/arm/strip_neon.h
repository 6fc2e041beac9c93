/* SPDX-License-Identifier: MIT */
/*
 * A strip: a part of a convolution's input, copied to scratch memory with its
 * padding filled in and moved to signed (x' = x - 128 for U8), so that the
 * loops behind it know nothing of borders and signs. That of a depthwise
 * convolution has a channel for each output channel.
 */
#ifndef QK_STRIP_NEON_H
#define QK_STRIP_NEON_H

#include <stdbool.h>

#include "../internal.h"

/* Pixels of output that one strip serves, at most. */
#define QK_STRIP_PIXELS		2048u
/* Bytes past the strip's end that may be read, though not used. */
#define QK_STRIP_SLACK		64u

/* struct qk_strip - sizes in bytes where nothing else is said */
struct qk_strip {
	uint32_t rows, columns;		/* output rows and columns that it serves */
	uint32_t width;			/* pixels in a row */
	uint32_t step_y, step_x;	/* pixels between those of neighbouring outputs */
	size_t pixel;			/* of one pixel: its channels */
	size_t row;			/* of one row */
	size_t size;
	uint8_t flip;			/* 0x80 for U8, else 0 */
};

/*
 * Chooses the largest strip that stays in cache for an output of rows by
 * columns: whole rows if they fit. False if not even the window of a single
 * pixel is small enough, which takes an enormous dilation.
 */
bool qk_strip_choose(const struct qaccel_cmd_conv *cmd, uint32_t rows,
		     uint32_t columns, struct qk_strip *strip);

/*
 * Fills it with what output rows [oy, oy + rows) and columns from ox on read;
 * image is the batch element's first pixel.
 */
void qk_strip_fill(const struct qaccel_cmd_conv *cmd,
		   const struct qk_strip *strip, const uint8_t *image,
		   uint32_t oy, uint32_t ox, uint32_t rows, uint8_t *to);

/* Offset of each output pixel's window in the strip; returns how many. */
uint32_t qk_strip_offsets(const struct qk_strip *strip, uint32_t rows,
			  uint32_t columns, int32_t *offset);

/* to[i] = from[i] ^ flip */
void qk_copy_flipped(uint8_t *to, const uint8_t *from, size_t count,
		     uint8_t flip);

#endif /* QK_STRIP_NEON_H */
