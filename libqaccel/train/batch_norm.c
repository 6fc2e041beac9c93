// SPDX-License-Identifier: MIT
#include "batch_norm.h"
#include "clones.h"

/* Rows that are summed in float32, before the sum goes to float64. */
#define RUN	128

/* ------------------------------------------------------------- moments -- */

NET_CLONES
static void sum_rows(struct rows rows, const float *restrict z,
		     float *restrict sums)
{
	for (size_t c = 0; c < rows.channels; c++)
		sums[c] = 0;
	for (size_t r = 0; r < rows.count; r++, z += rows.channels)
		for (size_t c = 0; c < rows.channels; c++)
			sums[c] += z[c];
}

NET_CLONES
static void sum_squares(struct rows rows, const float *restrict z,
			const float *restrict mean, float *restrict sums)
{
	for (size_t c = 0; c < rows.channels; c++)
		sums[c] = 0;
	for (size_t r = 0; r < rows.count; r++, z += rows.channels)
		for (size_t c = 0; c < rows.channels; c++) {
			float d = z[c] - mean[c];

			sums[c] += d * d;
		}
}

/* Two sets' means and squared deviations (Chan, Golub and LeVeque 1979). */
static void merge(double mean, double squares, size_t n, double *to_mean,
		  double *to_squares, size_t to_n)
{
	double share = (double)n / (double)(n + to_n);
	double difference = mean - *to_mean;

	*to_mean += difference * share;
	*to_squares += squares + difference * difference * share * (double)to_n;
}

void moments_add(struct rows rows, const float *z, double *moments,
		 size_t *count, float *sums)
{
	size_t channels = rows.channels;

	for (size_t done = 0; done < rows.count; ) {
		size_t n = rows.count - done < RUN ? rows.count - done : RUN;
		struct rows run = { n, channels };

		sum_rows(run, z, sums);
		for (size_t c = 0; c < channels; c++)
			sums[c] /= (float)n;
		sum_squares(run, z, sums, sums + channels);
		for (size_t c = 0; c < channels; c++)
			merge((double)sums[c], (double)sums[channels + c], n,
			      &moments[c], &moments[channels + c], *count);
		*count += n;
		done += n;
		z += n * channels;
	}
}

void moments_merge(size_t channels, const double *other, size_t other_count,
		   double *moments, size_t *count)
{
	for (size_t c = 0; c < channels; c++)
		merge(other[c], other[channels + c], other_count, &moments[c],
		      &moments[channels + c], *count);
	*count += other_count;
}

/* ---------------------------------------------------------- activation -- */

/* A NaN stays one. */
NET_CLONES
void activate(struct rows rows, const float *restrict z,
	      const float *restrict scale, const float *restrict shift,
	      float low, float high, float *restrict y)
{
	for (size_t r = 0; r < rows.count; r++, z += rows.channels, y += rows.channels)
		for (size_t c = 0; c < rows.channels; c++) {
			float v = scale[c] * z[c] + shift[c];

			v = v < low ? low : v;
			y[c] = v > high ? high : v;
		}
}

NET_INLINE float masked(float dy, float v, float low, float high)
{
	dy = v < low ? 0 : dy;
	return v > high ? 0 : dy;
}

NET_CLONES
static void mask_and_sum(struct rows rows, const float *restrict z,
			 const float *restrict scale, const float *restrict shift,
			 float low, float high, float *restrict dy,
			 float *restrict sums)
{
	for (size_t c = 0; c < rows.channels; c++)
		sums[c] = 0;
	for (size_t r = 0; r < rows.count; r++, z += rows.channels, dy += rows.channels)
		for (size_t c = 0; c < rows.channels; c++) {
			float v = scale[c] * z[c] + shift[c];

			dy[c] = masked(dy[c], v, low, high);
			sums[c] += dy[c];
		}
}

NET_CLONES
static void sum_products(struct rows rows, const float *restrict z,
			 const float *restrict mean, const float *restrict dy,
			 float *restrict sums)
{
	for (size_t c = 0; c < rows.channels; c++)
		sums[c] = 0;
	for (size_t r = 0; r < rows.count; r++, z += rows.channels, dy += rows.channels)
		for (size_t c = 0; c < rows.channels; c++)
			sums[c] += dy[c] * (z[c] - mean[c]);
}

static void add_sums(size_t channels, const float *from, double *to)
{
	for (size_t c = 0; c < channels; c++)
		to[c] += (double)from[c];
}

void activation_gradient(struct rows rows, const float *z, const float *scale,
			 const float *shift, float low, float high,
			 const float *mean, float *dy, double *sums,
			 float *buffer)
{
	size_t channels = rows.channels;

	for (size_t done = 0; done < rows.count; ) {
		size_t n = rows.count - done < RUN ? rows.count - done : RUN;
		struct rows run = { n, channels };

		mask_and_sum(run, z, scale, shift, low, high, dy, buffer);
		add_sums(channels, buffer, sums);
		if (mean) {
			sum_products(run, z, mean, dy, buffer);
			add_sums(channels, buffer, sums + channels);
		}
		done += n;
		z += n * channels;
		dy += n * channels;
	}
}

NET_CLONES
void batch_norm_gradient(struct rows rows, const float *restrict z,
			 const float *restrict mean, const float *restrict a,
			 const float *restrict b, const float *restrict c,
			 float *restrict dy)
{
	for (size_t r = 0; r < rows.count; r++, z += rows.channels, dy += rows.channels)
		for (size_t i = 0; i < rows.channels; i++)
			dy[i] = a[i] * dy[i] + b[i] * (z[i] - mean[i]) + c[i];
}
