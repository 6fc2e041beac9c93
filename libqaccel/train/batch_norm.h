/* SPDX-License-Identifier: MIT */
/*
 * Batch normalisation and activation, which are one pass: v = scale * z + shift
 * for each channel, and y = v clamped. Arrays of rows, of channels values each.
 */
#ifndef QACCEL_TRAIN_BATCH_NORM_H
#define QACCEL_TRAIN_BATCH_NORM_H

#include <stdbool.h>
#include <stddef.h>

struct rows {
	size_t count, channels;
};

/*
 * Adds z's rows to those of which the means are in moments[channels] and the
 * sums of squared deviations behind them. Deviations from the rows' own mean:
 * the difference of squares would lose what is left. sums: two a channel.
 */
void moments_add(struct rows rows, const float *z, double *moments,
		 size_t *count, float *sums);
/* The same of other moments, of other_count rows. */
void moments_merge(size_t channels, const double *other, size_t other_count,
		   double *moments, size_t *count);

void activate(struct rows rows, const float *z, const float *scale,
	      const float *shift, float low, float high, float *y);

/*
 * dy becomes that of v: 0 where v is outside of [low, high]. Its sum and that
 * of dy * (z - mean) are added to sums[channels] and those behind them; without
 * mean the first only.
 */
void activation_gradient(struct rows rows, const float *z, const float *scale,
			 const float *shift, float low, float high,
			 const float *mean, float *dy, double *sums,
			 float *buffer);

/* dy = a * dy + b * (z - mean) + c */
void batch_norm_gradient(struct rows rows, const float *z, const float *mean,
			 const float *a, const float *b, const float *c,
			 float *dy);

#endif /* QACCEL_TRAIN_BATCH_NORM_H */
