/* SPDX-License-Identifier: MIT */
/*
 * Observers: from the values that a tensor takes to the range to quantize
 *
 * An observer is shown values, batch by batch, and proposes a range; then
 * qaccel_choose_params() makes a scale and a zero point of it. One thread at a
 * time per observer.
 */
#ifndef QACCEL_OBSERVER_H
#define QACCEL_OBSERVER_H

#include <qaccel/qaccel.h>

#ifdef __cplusplus
extern "C" {
#endif

enum qaccel_observer_kind {
	QACCEL_OBSERVER_MIN_MAX = 0,	/* of all values seen */
	/*
	 * Exponential moving average of each batch's minimum and maximum (section
	 * 3.1), started at the first batch's.
	 */
	QACCEL_OBSERVER_EMA = 1,
	/* All but the outermost values, as many at each end, from a histogram. */
	QACCEL_OBSERVER_PERCENTILE = 2,
	/*
	 * The range, within the one seen, with the smallest mean squared error of
	 * values quantized by it, from a histogram.
	 */
	QACCEL_OBSERVER_MSE = 3,
};

/* struct qaccel_observer_options - zero what you do not set */
struct qaccel_observer_options {
	enum qaccel_observer_kind kind;
	float decay;			/* EMA: what stays of the old; 0: 0.99 */
	float percentile;		/* PERCENTILE: kept, 0 to 100; 0: 99.99 */
	uint32_t bits;			/* MSE: 2 to 8; 0: 8 */
	uint64_t reserved[2];		/* zero */
};

struct qaccel_observer;

/* options NULL: min-max. -EINVAL: an option out of range. -ENOMEM. */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_observer_create(const struct qaccel_observer_options *options,
		       struct qaccel_observer **observer);
QACCEL_API void qaccel_observer_destroy(struct qaccel_observer *observer);

/*
 * Shows a batch. -EDOM: NaN or an infinity among the values; the observer is
 * as before. count may be 0.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_observer_update(struct qaccel_observer *observer, const float *values,
		       size_t count);

/* The proposed range. -ENODATA: nothing seen. -ENOMEM. */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_observer_range(const struct qaccel_observer *observer, float *min,
		      float *max);

#ifdef __cplusplus
}
#endif

#endif /* QACCEL_OBSERVER_H */
