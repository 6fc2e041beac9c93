/* SPDX-License-Identifier: MIT */
/*
 * A histogram whose range need not be known beforehand
 *
 * Bins are 2^exponent wide and start at multiples of that: zero is a border.
 * When values come that don't fit, bins are merged by twos, which loses nothing
 * but resolution; so a bin is at most 2 / HISTOGRAM_BINS of the range of the
 * values seen.
 */
#ifndef QACCEL_TRAIN_HISTOGRAM_H
#define QACCEL_TRAIN_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BINS	8192

struct histogram {
	uint64_t *counts;		/* HISTOGRAM_BINS */
	uint64_t total;
	int64_t first;			/* the first bin starts at first * width */
	int exponent;
	int64_t low, high;		/* numbers, like first, of the bins in use */
};

int histogram_init(struct histogram *histogram);
void histogram_free(struct histogram *histogram);

/* Finite values, from min to max; count is not 0. */
void histogram_add(struct histogram *histogram, const float *values,
		   size_t count, double min, double max);

/* About the value that is at place rank (below total) when all are sorted. */
double histogram_value(const struct histogram *histogram, uint64_t rank);

/*
 * The range, within [*min, *max], such that rounding the values to 2^bits
 * integers that span it makes the smallest mean squared error. -ENOMEM.
 */
int histogram_best_range(const struct histogram *histogram, uint32_t bits,
			 double *min, double *max);

#endif /* QACCEL_TRAIN_HISTOGRAM_H */
