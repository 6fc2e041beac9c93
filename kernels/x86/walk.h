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

/*
 * What it takes to place a strip where its loads do not wait for stores. A load
 * whose address has the same low 12 bits as that of an earlier store waits for
 * it; where windows are as far from each other as results, that is each one.
 */
#define QK_WALK_APART		4096u

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
	bool apart;			/* copy has QK_WALK_APART bytes more */
	void (*run)(const void *job, const struct qk_pixels *pixels);
	const void *job;
};

/* Calls run for all pixels of the tile's rows. */
void qk_walk(const struct qk_walk *walk);

#endif /* QK_WALK_H */
