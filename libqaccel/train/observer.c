// SPDX-License-Identifier: MIT
/*
 * Observers: what they keep of the values, and the range they make of it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <qaccel/observer.h>
#include <qaccel/quantize.h>

#include "error.h"
#include "histogram.h"

struct qaccel_observer {
	struct qaccel_observer_options options;	/* defaults filled in */
	bool seen;
	double min, max;		/* EMA: the averages */
	struct histogram histogram;	/* PERCENTILE and MSE */
};

static bool uses_histogram(const struct qaccel_observer *o)
{
	return o->options.kind == QACCEL_OBSERVER_PERCENTILE ||
	       o->options.kind == QACCEL_OBSERVER_MSE;
}

static int check_options(struct qaccel_observer_options *o)
{
	if (o->decay == 0)
		o->decay = 0.99f;
	if (o->percentile == 0)
		o->percentile = 99.99f;
	if (!o->bits)
		o->bits = 8;
	if (o->kind < QACCEL_OBSERVER_MIN_MAX || o->kind > QACCEL_OBSERVER_MSE)
		return qaccel_error(EINVAL, "no observer of kind %d", o->kind);
	if (!(o->decay > 0 && o->decay < 1))
		return qaccel_error(EINVAL, "a decay of %g: not between 0 and 1",
				    (double)o->decay);
	if (!(o->percentile > 0 && o->percentile <= 100))
		return qaccel_error(EINVAL, "%g percent kept: not 0 to 100",
				    (double)o->percentile);
	if (o->bits < 2 || o->bits > 8)
		return qaccel_error(EINVAL, "%u bits: not 2 to 8", o->bits);
	if (o->reserved[0] || o->reserved[1])
		return qaccel_error(EINVAL, "reserved observer options are set");
	return 0;
}

int qaccel_observer_create(const struct qaccel_observer_options *options,
			   struct qaccel_observer **observer)
{
	struct qaccel_observer *o = calloc(1, sizeof(*o));
	int err;

	if (!o)
		return qaccel_error(ENOMEM, "out of memory");
	if (options)
		o->options = *options;
	err = check_options(&o->options);
	if (!err && uses_histogram(o))
		err = histogram_init(&o->histogram);
	if (err) {
		free(o);
		return err;
	}
	*observer = o;
	return 0;
}

void qaccel_observer_destroy(struct qaccel_observer *observer)
{
	if (!observer)
		return;
	histogram_free(&observer->histogram);
	free(observer);
}

/* ------------------------------------------------------------ batches -- */

static int batch_range(const float *values, size_t count, float *min, float *max)
{
	*min = INFINITY;
	*max = -INFINITY;
	for (size_t i = 0; i < count; i++) {
		if (!isfinite(values[i]))
			return qaccel_error(EDOM, "value %zu of a batch is %g", i,
					    (double)values[i]);
		*min = fminf(*min, values[i]);
		*max = fmaxf(*max, values[i]);
	}
	return 0;
}

int qaccel_observer_update(struct qaccel_observer *observer, const float *values,
			   size_t count)
{
	struct qaccel_observer *o = observer;
	float min, max;
	int err;

	err = batch_range(values, count, &min, &max);
	if (err || !count)
		return err;
	if (uses_histogram(o))
		histogram_add(&o->histogram, values, count, (double)min,
			      (double)max);
	if (!o->seen) {
		o->min = (double)min;
		o->max = (double)max;
	} else if (o->options.kind == QACCEL_OBSERVER_EMA) {
		double decay = (double)o->options.decay;

		o->min = decay * o->min + (1 - decay) * (double)min;
		o->max = decay * o->max + (1 - decay) * (double)max;
	} else {
		o->min = fmin(o->min, (double)min);
		o->max = fmax(o->max, (double)max);
	}
	o->seen = true;
	return 0;
}

/* ------------------------------------------------------------- ranges -- */

/* As many values are left out at each end. */
static void percentile_range(const struct qaccel_observer *o, double *min,
			     double *max)
{
	const struct histogram *h = &o->histogram;
	double share = 1 - (double)o->options.percentile / 100;
	uint64_t cut = (uint64_t)((double)h->total * share / 2);

	if (cut > (h->total - 1) / 2)
		cut = (h->total - 1) / 2;
	/* Of the outermost values more is known than their bins. */
	if (!cut)
		return;
	*min = fmax(*min, histogram_value(h, cut));
	*max = fmin(*max, histogram_value(h, h->total - 1 - cut));
}

int qaccel_observer_range(const struct qaccel_observer *observer, float *min,
			  float *max)
{
	double low = observer->min, high = observer->max;
	int err = 0;

	if (!observer->seen)
		return qaccel_error(ENODATA, "the observer has seen no values");
	if (observer->options.kind == QACCEL_OBSERVER_PERCENTILE)
		percentile_range(observer, &low, &high);
	else if (observer->options.kind == QACCEL_OBSERVER_MSE)
		err = histogram_best_range(&observer->histogram,
					   observer->options.bits, &low, &high);
	if (err)
		return err;
	*min = (float)low;
	*max = (float)high;
	return 0;
}
