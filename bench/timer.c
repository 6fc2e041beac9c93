// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <time.h>

#include "bench.h"

#define MAX_SAMPLES	20000
#define MIN_SAMPLES	5
/* Shorter calls are timed several at a time. */
#define MIN_SAMPLE	40e-6

double clock_now(uint32_t threads)
{
	struct timespec t;

	clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC,
		      &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double sample(int (*run)(void *arg), void *arg, uint32_t threads,
		     int times)
{
	double start = clock_now(threads);

	for (int i = 0; i < times; i++)
		if (run(arg))
			return -1;
	return (clock_now(threads) - start) / times;
}

/*
 * Not the minimum: on a virtual machine stolen time may be counted wrongly, and
 * single samples come out impossibly fast.
 */
double time_run(int (*run)(void *arg), void *arg, uint32_t threads,
		double budget)
{
	double *samples, spent = 0, once, result;
	int times, n = 0;

	/* The first call touches its memory for the first time. */
	if (run(arg))
		return -1;
	once = sample(run, arg, threads, 1);
	samples = malloc(MAX_SAMPLES * sizeof(*samples));
	if (once < 0 || !samples) {
		free(samples);
		return -1;
	}
	times = once < MIN_SAMPLE ? (int)(MIN_SAMPLE / (once + 1e-7)) : 1;
	times = times < 1 ? 1 : times;
	while (n < MIN_SAMPLES || (spent < budget && n < MAX_SAMPLES)) {
		samples[n] = sample(run, arg, threads, times);
		if (samples[n] < 0)
			break;
		spent += samples[n++] * times;
	}
	qsort(samples, (size_t)n, sizeof(*samples), by_value);
	result = n ? samples[n / 10] : -1;
	free(samples);
	return result;
}
