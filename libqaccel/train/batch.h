/* SPDX-License-Identifier: MIT */
/*
 * Batches: which pictures, and how they are changed
 *
 * All that is random here is a function of (seed, epoch, picture): it doesn't
 * depend on threads, batch sizes or where a resumed training went on.
 */
#ifndef QACCEL_TRAIN_BATCH_H
#define QACCEL_TRAIN_BATCH_H

#include "dataset.h"

struct batch_options {
	uint64_t seed;
	bool flip;			/* left to right, half of the pictures */
	uint32_t shift;			/* pixels, any direction; zeros come in */
	uint32_t erase;			/* side of a square of zeros, somewhere */
};

/* The order of an epoch's pictures: a permutation of 0 to count - 1. */
void batch_order(uint64_t seed, uint32_t epoch, uint32_t *order, size_t count);

/* The picture changed for the epoch, as real values in [0, 1]. */
void batch_picture(const struct batch_options *options, uint32_t epoch,
		   const struct qaccel_dataset *d, uint32_t index,
		   float *picture);

#endif /* QACCEL_TRAIN_BATCH_H */
