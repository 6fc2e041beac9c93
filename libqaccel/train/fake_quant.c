// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>

#include <qaccel/quantize.h>

#include "clones.h"
#include "error.h"
#include "fake_quant.h"

struct fake_quant fake_quant_from(float scale, int32_t zero_point, int32_t qmin,
				  int32_t qmax)
{
	struct fake_quant quant = {
		.scale = scale,
		.low = (float)(qmin - zero_point),
		.high = (float)(qmax - zero_point),
	};

	return quant;
}

int fake_quant_of_range(const struct net_range *range, uint32_t bits,
			struct fake_quant *quant)
{
	int32_t qmin = 0, qmax = 0, zero_point = 0;
	float scale = 1;
	int err;

	if (range->seen == 0)
		return qaccel_error(EINVAL, "its range is not known yet");
	err = qaccel_integer_range(QACCEL_TYPE_UINT8, bits, false, &qmin, &qmax);
	if (!err)
		err = qaccel_choose_params(range->min, range->max, qmin, qmax,
					   &scale, &zero_point);
	*quant = fake_quant_from(scale, zero_point, qmin, qmax);
	return err;
}

/*
 * Clamped first, which the rounding doesn't notice as the ends are integers.
 * Half away from zero is the largest float below 1/2 added and the rest cut off:
 * 1/2 itself would take the number just below 1/2 up to 1.
 */
NET_CLONES
void fake_quantize(const struct fake_quant *quant, const float *in, float *out,
		   size_t count)
{
	float scale = quant->scale, low = quant->low, high = quant->high;

	for (size_t i = 0; i < count; i++) {
		float x = in[i] / scale;

		x = x < low ? low : x;
		x = x > high ? high : x;
		out[i] = scale * truncf(x + copysignf(0x1.fffffep-2f, x));
	}
}

#define LANES	64

/* Lanes: one minimum would make a chain of all comparisons. */
NET_CLONES
void widen_range(const float *values, size_t count, float *min, float *max)
{
	float low[LANES], high[LANES];
	size_t i;

	for (size_t j = 0; j < LANES; j++) {
		low[j] = *min;
		high[j] = *max;
	}
	for (i = 0; i + LANES <= count; i += LANES)
		for (size_t j = 0; j < LANES; j++) {
			float x = values[i + j];

			low[j] = x < low[j] ? x : low[j];
			high[j] = x > high[j] ? x : high[j];
		}
	for (size_t j = 0; i < count; i++, j++) {
		low[j] = values[i] < low[j] ? values[i] : low[j];
		high[j] = values[i] > high[j] ? values[i] : high[j];
	}
	for (size_t j = 0; j < LANES; j++) {
		*min = low[j] < *min ? low[j] : *min;
		*max = high[j] > *max ? high[j] : *max;
	}
}

void update_range(struct net_range *range, float min, float max, float momentum)
{
	if (range->seen == 0) {
		*range = (struct net_range){ min, max, 1 };
		return;
	}
	range->min = momentum * range->min + (1 - momentum) * min;
	range->max = momentum * range->max + (1 - momentum) * max;
}
