// SPDX-License-Identifier: MIT
#include <math.h>

#include "schedule.h"

#define START_DIVISOR	25

/* From 1 at 0 to 0 at 1. */
static double half_cosine(double x)
{
	return (1 + cos(M_PI * x)) / 2;
}

static double one_cycle(double warm_up, double step, double steps)
{
	double rise = floor(warm_up * steps);

	if (step < rise)
		return (1 + (START_DIVISOR - 1) * step / rise) / START_DIVISOR;
	return half_cosine((step - rise) / (steps - rise));
}

double schedule_rate(enum qaccel_schedule schedule, double rate, double warm_up,
		     uint64_t step, uint64_t steps)
{
	switch (schedule) {
	case QACCEL_SCHEDULE_STEP:
		if (step >= steps - steps / 4)
			return rate / 100;
		return step >= steps - steps / 2 ? rate / 10 : rate;
	case QACCEL_SCHEDULE_COSINE:
		return rate * half_cosine((double)step / (double)steps);
	case QACCEL_SCHEDULE_ONE_CYCLE:
		return rate * one_cycle(warm_up, (double)step, (double)steps);
	default:
		return rate;
	}
}
