/* SPDX-License-Identifier: MIT */
/* Strips (strip.h) of bytes, moved to signed: x' = x - 128 for U8. */
#ifndef QK_STRIP_NEON_H
#define QK_STRIP_NEON_H

#include "../strip.h"

/* Bytes past the strip's end that may be read, though not used. */
#define QK_STRIP_SLACK		64u

/*
 * Fills it with what output rows [oy, oy + rows) and columns from ox on read;
 * image is the batch element's first pixel.
 */
void qk_strip_fill(const struct qaccel_cmd_conv *cmd,
		   const struct qk_strip *strip, const uint8_t *image,
		   uint32_t oy, uint32_t ox, uint32_t rows, uint8_t *to);

/* to[i] = from[i] ^ flip */
void qk_copy_flipped(uint8_t *to, const uint8_t *from, size_t count,
		     uint8_t flip);

#endif /* QK_STRIP_NEON_H */
