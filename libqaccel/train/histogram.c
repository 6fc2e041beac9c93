// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <qaccel/quantize.h>

#include "error.h"
#include "histogram.h"

/* Narrow enough for two neighbouring floats, wide enough for int64_t. */
#define BITS_BELOW_VALUE	36
/* Below the smallest float. */
#define LOWEST_EXPONENT		(-149 - BITS_BELOW_VALUE)
/* Steps of an eighth of an octave: down to 1/256 of the widest range. */
#define SEARCH_STEPS		64

int histogram_init(struct histogram *histogram)
{
	memset(histogram, 0, sizeof(*histogram));
	histogram->counts = calloc(HISTOGRAM_BINS, sizeof(*histogram->counts));
	if (!histogram->counts)
		return qaccel_error(ENOMEM, "out of memory");
	return 0;
}

void histogram_free(struct histogram *histogram)
{
	free(histogram->counts);
	histogram->counts = NULL;
}

/* ------------------------------------------------------------ filling -- */

/* The exponent must not be much lower than the number's. */
static int64_t bin_of(double x, int exponent)
{
	return (int64_t)floor(ldexp(x, -exponent));
}

/*
 * The narrowest bins, not below exponent, that hold [min, max]; numbers of bins
 * stay far from the ends of an int64_t.
 */
static int fitting_exponent(double min, double max, int exponent)
{
	double size = fmax(fabs(min), fabs(max));

	if (size > 0 && exponent < ilogb(size) - BITS_BELOW_VALUE)
		exponent = ilogb(size) - BITS_BELOW_VALUE;
	while (bin_of(max, exponent) - bin_of(min, exponent) >= HISTOGRAM_BINS)
		exponent++;
	return exponent;
}

/* Adds up n bins from the number low on, by so many that 2^shift become one. */
static void merge(uint64_t *counts, int64_t n, int64_t low, int shift)
{
	for (int64_t i = 0; i < n; i++) {
		int64_t to = ((low + i) >> shift) - (low >> shift);
		uint64_t count = counts[i];

		counts[i] = 0;
		counts[to] += count;
	}
}

/* Merges, and makes first the number of the first bin. The bins in use fit. */
static void move(struct histogram *h, int64_t first, int shift)
{
	uint64_t *c = h->counts;
	int64_t n = h->high - h->low + 1, from = h->low - h->first;
	/* Of a bin's number no more than the sign is left. */
	int bits = shift < 62 ? shift : 62;

	memmove(c, c + from, (size_t)n * sizeof(*c));
	memset(c + n, 0, (size_t)(HISTOGRAM_BINS - n) * sizeof(*c));
	merge(c, n, h->low, bits);
	from = (h->low >> bits) - first;
	memmove(c + from, c, (size_t)(HISTOGRAM_BINS - from) * sizeof(*c));
	memset(c, 0, (size_t)from * sizeof(*c));
	h->exponent += shift;
	h->first = first;
}

/* Makes room for [min, max] besides what is there. */
static void grow(struct histogram *h, double min, double max)
{
	double width = ldexp(1, h->exponent);
	int64_t low, high;
	int exponent;

	min = fmin(min, (double)h->low * width);
	max = fmax(max, (double)h->high * width);
	exponent = fitting_exponent(min, max, h->exponent);
	low = bin_of(min, exponent);
	high = bin_of(max, exponent);
	if (exponent != h->exponent || low < h->first ||
	    high >= h->first + HISTOGRAM_BINS)
		move(h, low, exponent - h->exponent);
	h->low = low;
	h->high = high;
}

static void start(struct histogram *h, double min, double max)
{
	h->exponent = fitting_exponent(min, max, LOWEST_EXPONENT);
	h->low = bin_of(min, h->exponent);
	h->high = bin_of(max, h->exponent);
	h->first = h->low;
}

void histogram_add(struct histogram *histogram, const float *values,
		   size_t count, double min, double max)
{
	struct histogram *h = histogram;
	double per_width;

	if (!h->total)
		start(h, min, max);
	else
		grow(h, min, max);
	per_width = ldexp(1, -h->exponent);
	for (size_t i = 0; i < count; i++)
		h->counts[(int64_t)floor((double)values[i] * per_width) -
			  h->first]++;
	h->total += count;
}

/* ------------------------------------------------------------- ranges -- */

double histogram_value(const struct histogram *histogram, uint64_t rank)
{
	const uint64_t *c = histogram->counts;
	uint64_t before = 0;
	int64_t i = 0;

	while (before + c[i] <= rank)
		before += c[i++];
	/* As if the bin's values were evenly spread. */
	return ldexp((double)(histogram->first + i) +
		     ((double)(rank - before) + 0.5) / (double)c[i],
		     histogram->exponent);
}

/* Sums over the bins below one: of values, as if all were at their bin's middle. */
struct sums {
	double *count, *x, *xx;		/* one more than bins */
	double per_width;
	double first;			/* in bins, of their middles */
	int64_t bins;
};

static int sums_init(struct sums *s, const struct histogram *h)
{
	const uint64_t *c = h->counts + (h->low - h->first);
	size_t n = (size_t)(h->high - h->low + 1);

	s->count = calloc(3 * (n + 1), sizeof(*s->count));
	if (!s->count)
		return qaccel_error(ENOMEM, "out of memory");
	s->x = s->count + n + 1;
	s->xx = s->x + n + 1;
	s->per_width = ldexp(1, -h->exponent);
	s->first = (double)h->low + 0.5;
	s->bins = (int64_t)n;
	for (size_t i = 0; i < n; i++) {
		double x = ldexp((double)h->low + (double)i + 0.5, h->exponent);
		double count = (double)c[i];

		s->count[i + 1] = s->count[i] + count;
		s->x[i + 1] = s->x[i] + count * x;
		s->xx[i + 1] = s->xx[i] + count * x * x;
	}
	return 0;
}

/* How many bins have their middle below x. */
static int64_t bins_below(const struct sums *s, double x)
{
	double n = ceil(x * s->per_width - s->first);

	return n <= 0 ? 0 : n >= (double)s->bins ? s->bins : (int64_t)n;
}

/* The squared errors' sum when all is rounded to levels integers for [a, b]. */
static double range_error(const struct sums *s, double a, double b,
			  int32_t levels)
{
	double error = 0;
	int64_t from = 0;
	int32_t zero;
	float scale;

	if (qaccel_choose_params((float)a, (float)b, 0, levels - 1, &scale,
				 &zero))
		return INFINITY;
	for (int32_t q = 0; q < levels; q++) {
		double real = (double)scale * (q - zero);
		int64_t to = s->bins;

		if (q < levels - 1)
			to = bins_below(s, real + (double)scale / 2);
		error += s->xx[to] - s->xx[from] -
			 2 * real * (s->x[to] - s->x[from]) +
			 real * real * (s->count[to] - s->count[from]);
		from = to;
	}
	return error;
}

struct search {
	const struct sums *sums;
	int32_t levels;
	double low, high;		/* the widest range */
	double error, a, b;		/* the best so far */
};

static void try_range(struct search *s, double a, double b)
{
	double error;

	a = fmax(a, s->low);
	b = fmin(b, s->high);
	if (a == b)
		return;
	error = range_error(s->sums, a, b, s->levels);
	if (error < s->error) {
		s->error = error;
		s->a = a;
		s->b = b;
	}
}

/*
 * Ends shrink by powers of a ratio: the best end may be far below the widest.
 * Each end is at 0 too, as it is for values of one sign.
 */
static void search_widely(struct search *s)
{
	for (int i = 0; i <= SEARCH_STEPS; i++) {
		double a = i < SEARCH_STEPS ? s->low * exp2(-i / 8.) : 0;

		for (int j = 0; j <= SEARCH_STEPS; j++)
			try_range(s, a, j < SEARCH_STEPS ?
					s->high * exp2(-j / 8.) : 0);
	}
}

/* Around the best, at 1 / per_octave of an octave. */
static void search_closely(struct search *s, double per_octave)
{
	double a = s->a, b = s->b;

	for (int i = -8; i <= 8; i++)
		for (int j = -8; j <= 8; j++)
			try_range(s, a * exp2(i / per_octave),
				  b * exp2(j / per_octave));
}

int histogram_best_range(const struct histogram *histogram, uint32_t bits,
			 double *min, double *max)
{
	struct sums sums;
	struct search search = { .sums = &sums, .levels = 1 << bits,
				 .low = fmin(*min, 0), .high = fmax(*max, 0),
				 .error = INFINITY };
	int err;

	if (search.low == search.high)
		return 0;
	err = sums_init(&sums, histogram);
	if (err)
		return err;
	search.a = search.low;
	search.b = search.high;
	search_widely(&search);
	search_closely(&search, 64);
	search_closely(&search, 512);
	free(sums.count);
	/* What holds zero now held it only for the integers' sake. */
	*min = fmax(*min, search.a);
	*max = fmin(*max, search.b);
	return 0;
}
