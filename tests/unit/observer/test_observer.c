// SPDX-License-Identifier: MIT
#include <errno.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qaccel/observer.h>
#include <qaccel/quantize.h>

#include "histogram.h"

#define COUNT 20000

static const enum qaccel_observer_kind kinds[] = {
	QACCEL_OBSERVER_MIN_MAX, QACCEL_OBSERVER_EMA,
	QACCEL_OBSERVER_PERCENTILE, QACCEL_OBSERVER_MSE,
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* ------------------------------------------------------ distributions -- */

static uint64_t seed = 1;

/* Between 0 and 1, neither included. */
static double uniform(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return ((double)(seed >> 33) + 0.5) * 0x1p-31;
}

static double normal(void)
{
	return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

static double relu(void)
{
	return fmax(normal(), 0);
}

/* A few values are a hundred times as large as most. */
static double heavy(void)
{
	return pow(uniform(), -0.7) * (uniform() < 0.3 ? -1 : 1);
}

static double far_from_zero(void)
{
	return 100 + uniform();
}

static double negative(void)
{
	return -1 - fabs(normal());
}

static double (*const distributions[])(void) = {
	uniform, normal, relu, heavy, far_from_zero, negative,
};
#define DISTRIBUTIONS (sizeof(distributions) / sizeof(distributions[0]))

static float *draw(size_t distribution, size_t count)
{
	float *x = malloc(count * sizeof(*x));

	assert_non_null(x);
	for (size_t i = 0; i < count; i++)
		x[i] = (float)distributions[distribution]();
	return x;
}

static int by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static struct qaccel_observer *
create(const struct qaccel_observer_options *options)
{
	struct qaccel_observer *o = NULL;

	assert_int_equal(qaccel_observer_create(options, &o), 0);
	return o;
}

static void show(struct qaccel_observer *o, const float *x, size_t count)
{
	assert_int_equal(qaccel_observer_update(o, x, count), 0);
}

static void range(const struct qaccel_observer *o, float *min, float *max)
{
	assert_int_equal(qaccel_observer_range(o, min, max), 0);
	assert_true(*min <= *max);
}

/* In batches of step. */
static void observe(const struct qaccel_observer_options *options,
		    const float *x, size_t count, size_t step, float *min,
		    float *max)
{
	struct qaccel_observer *o = create(options);

	for (size_t i = 0; i < count; i += step)
		show(o, x + i, count - i < step ? count - i : step);
	range(o, min, max);
	qaccel_observer_destroy(o);
}

/* ------------------------------------------------------------- options -- */

static void test_options(void **state)
{
	static const struct qaccel_observer_options bad[] = {
		{ .kind = (enum qaccel_observer_kind)4 },
		{ .kind = (enum qaccel_observer_kind)-1 },
		{ .kind = QACCEL_OBSERVER_EMA, .decay = 1 },
		{ .kind = QACCEL_OBSERVER_EMA, .decay = -0.5f },
		{ .kind = QACCEL_OBSERVER_EMA, .decay = NAN },
		{ .kind = QACCEL_OBSERVER_PERCENTILE, .percentile = -1 },
		{ .kind = QACCEL_OBSERVER_PERCENTILE, .percentile = 100.1f },
		{ .kind = QACCEL_OBSERVER_PERCENTILE, .percentile = NAN },
		{ .kind = QACCEL_OBSERVER_MSE, .bits = 1 },
		{ .kind = QACCEL_OBSERVER_MSE, .bits = 9 },
		{ .reserved = { 0, 1 } },
	};
	struct qaccel_observer *o = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(qaccel_observer_create(&bad[i], &o), -EINVAL);
		assert_null(o);
	}
	qaccel_observer_destroy(NULL);
}

static void test_nothing_seen(void **state)
{
	float min = 7, max = 7;

	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct qaccel_observer_options options = { .kind = kinds[k] };
		struct qaccel_observer *o = create(&options);

		show(o, NULL, 0);
		assert_int_equal(qaccel_observer_range(o, &min, &max), -ENODATA);
		assert_true(min == 7 && max == 7);
		qaccel_observer_destroy(o);
	}
}

/* -------------------------------------------------------- all of them -- */

static void test_not_numbers(void **state)
{
	static const float bad[] = { NAN, INFINITY, -INFINITY };
	float *x = draw(1, COUNT);

	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct qaccel_observer_options options = { .kind = kinds[k] };
		struct qaccel_observer *o = create(&options);
		float expected[2], got[2];

		observe(&options, x, COUNT, 1000, &expected[0], &expected[1]);
		for (size_t i = 0; i < COUNT; i += 1000) {
			/* The bad one is the first or the last, or between. */
			float with[3] = { 1e6f, -1e6f, 1e6f };

			with[i / 1000 % 3] = bad[i / 3000 % 3];
			assert_int_equal(qaccel_observer_update(o, with, 3),
					 -EDOM);
			show(o, x + i, 1000);
		}
		range(o, &got[0], &got[1]);
		assert_memory_equal(got, expected, sizeof(got));
		qaccel_observer_destroy(o);
	}
	free(x);
}

static void test_constant(void **state)
{
	static const float values[] = { 0, 3.7f, -3.7f, FLT_MAX, -FLT_MAX,
					FLT_TRUE_MIN, -FLT_TRUE_MIN };

	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct qaccel_observer_options options = { .kind = kinds[k] };

		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			float x[2] = { values[i], values[i] }, min, max;

			observe(&options, x, 2, 1, &min, &max);
			assert_true(min <= max);
			assert_true(fabsf(min - x[0]) <= fabsf(x[0]) * 1e-6f);
			assert_true(fabsf(max - x[0]) <= fabsf(x[0]) * 1e-6f);
		}
	}
}

/* --------------------------------------------------- min-max and means -- */

static void test_min_max(void **state)
{
	float min, max;

	(void)state;
	for (size_t d = 0; d < DISTRIBUTIONS; d++) {
		float *x = draw(d, COUNT);

		observe(NULL, x, COUNT, 777, &min, &max);
		qsort(x, COUNT, sizeof(*x), by_value);
		assert_true(min == x[0] && max == x[COUNT - 1]);
		free(x);
	}
}

static void test_ema(void **state)
{
	static const float batches[][2] = { { -1, 3 }, { 0, 5 }, { -9, -8 },
					    { 2, 2 } };
	struct qaccel_observer_options options = { .kind = QACCEL_OBSERVER_EMA };
	float min, max;

	(void)state;
	for (int pass = 0; pass < 2; pass++) {
		double decay = pass ? 0.75 : (double)0.99f, low = -1, high = 3;
		struct qaccel_observer *o;

		options.decay = pass ? 0.75f : 0;
		o = create(&options);
		for (size_t i = 0; i < 4; i++) {
			show(o, batches[i], 2);
			/* An empty batch has no minimum to average. */
			show(o, batches[i], 0);
			if (i) {
				low = decay * low + (1 - decay) *
				      (double)batches[i][0];
				high = decay * high + (1 - decay) *
				       (double)batches[i][1];
			}
			range(o, &min, &max);
			assert_true(min == (float)low && max == (float)high);
		}
		qaccel_observer_destroy(o);
	}
}

/* ---------------------------------------------------------- percentiles -- */

static void test_percentile(void **state)
{
	static const float kept[] = { 0.001f, 10, 50, 90, 99, 99.9f, 0, 100 };

	(void)state;
	for (size_t d = 0; d < DISTRIBUTIONS; d++) {
		float *x = draw(d, COUNT), *sorted = malloc(COUNT * sizeof(*x));

		assert_non_null(sorted);
		memcpy(sorted, x, COUNT * sizeof(*x));
		qsort(sorted, COUNT, sizeof(*x), by_value);
		for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
			struct qaccel_observer_options options = {
				.kind = QACCEL_OBSERVER_PERCENTILE,
				.percentile = kept[i],
			};
			double p = kept[i] > 0 ? (double)kept[i] :
						 (double)99.99f;
			size_t cut = (size_t)(COUNT * (1 - p / 100) / 2);
			/* A bin's width. */
			float slack = (sorted[COUNT - 1] - sorted[0]) * 2 /
				      HISTOGRAM_BINS;
			float min, max;

			if (cut > (COUNT - 1) / 2)
				cut = (COUNT - 1) / 2;
			observe(&options, x, COUNT, 1000, &min, &max);
			assert_true(fabsf(min - sorted[cut]) <= slack);
			assert_true(fabsf(max - sorted[COUNT - 1 - cut]) <= slack);
			if (!cut)
				assert_true(min == sorted[0] &&
					    max == sorted[COUNT - 1]);
		}
		free(x);
		free(sorted);
	}
}

/* The histogram is the same however the values came. */
static void check_order(const struct qaccel_observer_options *options,
			const float *x, size_t count)
{
	static const size_t steps[] = { 1, 7, 1000 };
	float *backwards = malloc(count * sizeof(*x));
	float min, max, other[2];

	assert_non_null(backwards);
	for (size_t i = 0; i < count; i++)
		backwards[i] = x[count - 1 - i];
	observe(options, x, count, count, &min, &max);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		observe(options, x, count, steps[i], &other[0], &other[1]);
		assert_true(other[0] == min && other[1] == max);
		observe(options, backwards, count, steps[i], &other[0],
			&other[1]);
		assert_true(other[0] == min && other[1] == max);
	}
	free(backwards);
}

/* From the smallest floats to the largest, on both sides, one by one. */
static float *growing(size_t count)
{
	float *x = malloc(count * sizeof(*x));

	assert_non_null(x);
	for (size_t i = 0; i < count; i++) {
		int exponent = (int)(277 * i / count) - 149;

		x[i] = ldexpf((float)(1 + uniform()) / 2, exponent) *
		       (uniform() < 0.5 ? -1 : 1);
	}
	x[0] = 0;
	x[count - 2] = -FLT_MAX;
	x[count - 1] = FLT_MAX;
	return x;
}

static void test_growth(void **state)
{
	static const struct qaccel_observer_options options[] = {
		{ .kind = QACCEL_OBSERVER_PERCENTILE, .percentile = 80 },
		{ .kind = QACCEL_OBSERVER_PERCENTILE, .percentile = 99 },
		{ .kind = QACCEL_OBSERVER_MSE },
	};
	float *x;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (size_t d = 0; d < DISTRIBUTIONS; d++) {
			x = draw(d, 5000);
			check_order(&options[i], x, 5000);
			/* From one end to the other. */
			qsort(x, 5000, sizeof(*x), by_value);
			check_order(&options[i], x, 5000);
			free(x);
		}
		x = growing(5000);
		check_order(&options[i], x, 5000);
		free(x);
	}
}

/* Whatever the range, many bins are in use: from half of them to all. */
static void test_resolution(void **state)
{
	(void)state;
	for (size_t d = 0; d < DISTRIBUTIONS; d++) {
		float *x = draw(d, COUNT);
		float low = x[0], high = x[0];
		struct histogram h;

		assert_int_equal(histogram_init(&h), 0);
		for (size_t i = 0; i < COUNT; i++) {
			uint64_t sum = 0;

			low = fminf(low, x[i]);
			high = fmaxf(high, x[i]);
			histogram_add(&h, &x[i], 1, (double)x[i], (double)x[i]);
			if (i % 100 != 99)
				continue;
			for (size_t b = 0; b < HISTOGRAM_BINS; b++)
				sum += h.counts[b];
			assert_int_equal(sum, i + 1);
			assert_true(h.high - h.low >= HISTOGRAM_BINS / 2 - 1);
			assert_true(ldexp((double)h.low, h.exponent) <=
				    (double)low);
			assert_true(ldexp((double)(h.high + 1), h.exponent) >
				    (double)high);
		}
		histogram_free(&h);
		free(x);
	}
}

/* ---------------------------------------------------- mean squared errors -- */

static double squared_error(const float *x, size_t count, float min, float max,
			    uint32_t bits)
{
	int32_t zero, qmin, qmax;
	double error = 0;
	float scale;

	assert_int_equal(qaccel_integer_range(QACCEL_TYPE_INT8, bits, false,
					      &qmin, &qmax), 0);
	assert_int_equal(qaccel_choose_params(min, max, qmin, qmax, &scale,
					      &zero), 0);
	for (size_t i = 0; i < count; i++) {
		float rounded;
		double e;

		assert_int_equal(qaccel_fake_quantize(scale, zero, qmin, qmax,
						      &x[i], &rounded, 1), 0);
		e = (double)x[i] - (double)rounded;
		error += e * e;
	}
	return error;
}

/* The smallest of a grid of ranges with low or zero and high or zero as ends. */
static double best_of_grid(const float *x, size_t count, float low, float high,
			   uint32_t bits)
{
	const int steps = 40;
	double best = INFINITY;

	low = fminf(low, 0);
	high = fmaxf(high, 0);
	for (int i = 0; i <= (low < 0 ? steps : 0); i++)
		for (int j = 0; j <= (high > 0 ? steps : 0); j++)
			if (low < 0 || high > 0)
				best = fmin(best, squared_error(x, count,
						low * (float)i / (float)steps,
						high * (float)j / (float)steps,
						bits));
	return best;
}

static void test_mse(void **state)
{
	const size_t count = 1000;

	(void)state;
	for (size_t d = 0; d < DISTRIBUTIONS; d++) {
		float *x = draw(d, count), *sorted = malloc(count * sizeof(*x));

		assert_non_null(sorted);
		memcpy(sorted, x, count * sizeof(*x));
		qsort(sorted, count, sizeof(*x), by_value);
		for (uint32_t bits = 2; bits <= 8; bits++) {
			struct qaccel_observer_options options = {
				.kind = QACCEL_OBSERVER_MSE,
				.bits = bits,
			};
			float low = sorted[0], high = sorted[count - 1];
			double best, error;
			float min, max;

			observe(&options, x, count, 100, &min, &max);
			assert_true(min >= low && max <= high);
			best = best_of_grid(x, count, low, high, bits);
			error = squared_error(x, count, min, max, bits);
			if (error > best * 1.02)
				fail_msg("%zu, %u bits: %g instead of %g", d,
					 bits, error, best);
		}
		free(x);
		free(sorted);
	}
}

/* One in ten thousand is far off: worth its steps with 8 bits, not with 4. */
static void test_mse_outlier(void **state)
{
	struct qaccel_observer_options options = { .kind = QACCEL_OBSERVER_MSE };
	float *x = draw(2, 10000), min, max;

	(void)state;
	x[5000] = 50;
	observe(&options, x, 10000, 1000, &min, &max);
	assert_true(min == 0 && max > 45);
	options.bits = 4;
	observe(&options, x, 10000, 1000, &min, &max);
	assert_true(min == 0 && max < 25);
	free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_nothing_seen),
		cmocka_unit_test(test_not_numbers),
		cmocka_unit_test(test_constant),
		cmocka_unit_test(test_min_max),
		cmocka_unit_test(test_ema),
		cmocka_unit_test(test_percentile),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_resolution),
		cmocka_unit_test(test_mse),
		cmocka_unit_test(test_mse_outlier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
