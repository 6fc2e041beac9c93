/* SPDX-License-Identifier: MIT */
/*
 * The pixels of a strip, by the part of their windows that lies inside the
 * input. What lies outside adds the same to each pixel of a class, which its
 * accumulators can begin with; the products are skipped.
 */
#ifndef QK_BORDER_H
#define QK_BORDER_H

#include "strip.h"

/* At the beginning, in the middle and at the end, along two axes. */
#define QK_MAX_CLASSES	9u

/*
 * struct qk_class - a rectangle of output pixels, and taps of the filter outside
 * of which their windows have padding only
 *
 * There may be padding inside too, as classes are few; the strip holds it.
 */
struct qk_class {
	uint32_t y0, y1, x0, x1;	/* in the strip */
	uint32_t ky0, ky1, kx0, kx1;
};

/*
 * Divides the strip for output rows [oy, oy + rows) and columns
 * [ox, ox + columns); returns the number of classes.
 */
uint32_t qk_border_classes(const struct qaccel_cmd_conv *cmd, uint32_t oy,
			   uint32_t rows, uint32_t ox, uint32_t columns,
			   struct qk_class classes[QK_MAX_CLASSES]);

/* Does the class leave taps out? */
static inline bool qk_class_skips(const struct qaccel_cmd_conv *cmd,
				  const struct qk_class *class)
{
	return class->ky0 || class->ky1 < cmd->kh || class->kx0 ||
	       class->kx1 < cmd->kw;
}

#endif /* QK_BORDER_H */
