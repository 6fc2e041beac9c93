/* SPDX-License-Identifier: MIT */
/* The way of a CONV2D through its strips, the same at every ISA level. */
#ifndef QK_WALK_H
#define QK_WALK_H

#include "../strip.h"

/* struct qk_pixels - neighbours whose inputs lie in a strip */
struct qk_pixels {
	const void *base;		/* of the strip */
	const int32_t *offset;		/* of each window, in elements */
	uint32_t count;
	uint8_t *out;			/* first channel of the first */
};

/* struct qk_walk - one call */
struct qk_walk {
	const struct qaccel_cmd_conv *cmd;
	const struct qk_tile *tile;
	const struct qk_strip_element *element;
	struct qk_strip strip;		/* from qk_strip_choose_conv2d() */
	const uint8_t *in;
	uint8_t *out;
	int32_t *offset;		/* scratch for QK_STRIP_PIXELS */
	void *copy;			/* scratch for the strip */
	bool in_place;			/* for pointwise: reads the input itself */
	void (*run)(const void *job, const struct qk_pixels *pixels);
	const void *job;
};

/* Calls run for all pixels of the tile's rows. */
void qk_walk(const struct qk_walk *walk);

#endif /* QK_WALK_H */
