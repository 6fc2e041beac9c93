/* SPDX-License-Identifier: MIT */
/*
 * Fake quantization, the fast one: equal to qaccel_fake_quantize() bit for bit
 * (but a NaN stays one: a training that diverges must show).
 */
#ifndef QACCEL_TRAIN_FAKE_QUANT_H
#define QACCEL_TRAIN_FAKE_QUANT_H

#include <stddef.h>
#include <stdint.h>

#include "net.h"

struct fake_quant {
	float scale;
	float low, high;	/* the integers' ends less the zero point */
};

struct fake_quant fake_quant_from(float scale, int32_t zero_point, int32_t qmin,
				  int32_t qmax);
/* Of an activation. -EINVAL: nothing was seen yet, or no numbers. */
int fake_quant_of_range(const struct net_range *range, uint32_t bits,
			struct fake_quant *quant);
/* in and out may be the same. */
void fake_quantize(const struct fake_quant *quant, const float *in, float *out,
		   size_t count);

/* The smallest and the largest of values and of *min and *max. */
void widen_range(const float *values, size_t count, float *min, float *max);
/* The EMA's step: momentum of it is kept. The first batch sets it. */
void update_range(struct net_range *range, float min, float max, float momentum);

#endif /* QACCEL_TRAIN_FAKE_QUANT_H */
