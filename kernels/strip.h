/* SPDX-License-Identifier: MIT */
/*
 * A strip: a part of a convolution's input, copied to scratch memory with its
 * padding filled in, so that the loops behind it know nothing of borders.
 *
 * Its geometry is the same at every ISA level; how an element is stored and
 * copied is not. So sizes count elements here.
 */
#ifndef QK_STRIP_H
#define QK_STRIP_H

#include <stdbool.h>

#include "internal.h"

/* Pixels of output that one strip serves, at most. */
#define QK_STRIP_PIXELS		2048u

/* struct qk_strip - sizes in elements where nothing else is said */
struct qk_strip {
	uint32_t rows, columns;		/* of the output, that it serves */
	uint32_t width;			/* pixels in a row */
	uint32_t step_y, step_x;	/* pixels between neighbours' windows */
	size_t pixel;			/* of one pixel: its channels, repeated */
	size_t row;			/* of one row */
	size_t size;
	uint8_t flip;			/* 0x80 where the sign is moved, else 0 */
	uint32_t repeat;		/* each value; the depth multiplier */
};

/* struct qk_strip_element - how a level stores the input's elements */
struct qk_strip_element {
	size_t size;
	/* count bytes of the input, each repeat times */
	void (*copy)(const struct qk_strip *strip, void *to,
		     const uint8_t *from, size_t count);
	/* count elements of this value */
	void (*set)(const struct qk_strip *strip, void *to, int32_t value,
		    size_t count);
};

/*
 * Chooses the largest strip that stays in cache for an output of rows by
 * columns: whole rows if they fit. False if not even the window of a single
 * pixel is small enough, which takes an enormous dilation. Inputs of the type
 * flipped are moved to the other signedness: S8 where products take unsigned
 * ones, U8 where they take signed ones.
 */
bool qk_strip_choose(const struct qaccel_cmd_conv *cmd, uint32_t rows,
		     uint32_t columns, enum qaccel_dtype flipped,
		     struct qk_strip *strip);

/*
 * The strip of a CONV2D. Rows of a matrix product are one run of pixels, so
 * that its strip is one row of them.
 */
bool qk_strip_choose_conv2d(const struct qaccel_cmd_conv *cmd,
			    enum qaccel_dtype flipped, struct qk_strip *strip);

/*
 * Fills it with what output rows [oy, oy + rows) and columns from ox on read;
 * image is the batch element's first pixel.
 */
void qk_strip_fill_with(const struct qk_strip_element *element,
			const struct qaccel_cmd_conv *cmd,
			const struct qk_strip *strip, const uint8_t *image,
			uint32_t oy, uint32_t ox, uint32_t rows, void *to);

/* Offset of each output pixel's window in the strip; returns how many. */
uint32_t qk_strip_offsets(const struct qk_strip *strip, uint32_t rows,
			  uint32_t columns, int32_t *offset);

/*
 * Of width columns that stand for the input's from ix on, [*first, *last) are
 * inside; the others are padding. Both are the same where none is.
 */
static inline void qk_columns_inside(const struct qaccel_cmd_conv *cmd,
				     int64_t ix, int64_t width, uint32_t *first,
				     uint32_t *last)
{
	int64_t begin = -ix, end = cmd->in.w - ix;

	begin = begin < 0 ? 0 : begin > width ? width : begin;
	end = end < begin ? begin : end > width ? width : end;
	*first = (uint32_t)begin;
	*last = (uint32_t)end;
}

#endif /* QK_STRIP_H */
