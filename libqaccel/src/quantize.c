// SPDX-License-Identifier: MIT
#include <errno.h>
#include <float.h>
#include <math.h>

#include <qaccel/quantize.h>

#include "error.h"
#include "qk_requant.h"

#define SHIFT_MIN	(-31)
#define SHIFT_MAX	30

/* -------------------------------------------------------- multipliers -- */

int qaccel_quantize_multiplier(double real, int32_t *multiplier, int32_t *shift)
{
	int exponent;
	int64_t fixed;

	if (!isfinite(real) || real < 0)
		return qaccel_error(EINVAL, "a multiplier of %g", real);
	/* real = q * 2^exponent with q in [1/2, 1). */
	fixed = llround(frexp(real, &exponent) * 0x1p31);
	if (fixed == INT64_C(1) << 31) {
		fixed /= 2;
		exponent++;
	}
	if (exponent > SHIFT_MAX)
		return qaccel_error(ERANGE, "a multiplier of %g is 2^30 or more",
				    real);
	/* Nothing of an int32 would be left. */
	if (exponent < SHIFT_MIN) {
		fixed = 0;
		exponent = 0;
	}
	*multiplier = (int32_t)fixed;
	*shift = exponent;
	return 0;
}

double qaccel_multiplier_to_double(int32_t multiplier, int32_t shift)
{
	return ldexp(multiplier, shift - 31);
}

int32_t qaccel_scale(int32_t x, int32_t multiplier, int32_t shift, bool single)
{
	if (multiplier < 0)
		multiplier = 0;
	return qk_scale(x, multiplier, qk_clamp(shift, SHIFT_MIN, SHIFT_MAX),
			single);
}

/* --------------------------------------------------------- parameters -- */

/*
 * The zero point that the range's nearer end asks for: the errors of the two
 * differ, as they are differences of numbers of that size.
 */
static double real_zero_point(double min, double max, double qmin, double qmax,
			      double scale)
{
	double from_min = qmin - min / scale;
	double from_max = qmax - max / scale;
	double min_error = fabs(qmin) + fabs(min / scale);
	double max_error = fabs(qmax) + fabs(max / scale);

	return min_error < max_error ? from_min : from_max;
}

static int32_t clamp_to_int(double x, int32_t min, int32_t max)
{
	return x <= min ? min : x >= max ? max : (int32_t)x;
}

int qaccel_choose_params(float min, float max, int32_t qmin, int32_t qmax,
			 float *scale, int32_t *zero_point)
{
	double steps = (double)qmax - qmin, step, z;

	if (!isfinite(min) || !isfinite(max) || min > max)
		return qaccel_error(EINVAL, "a range from %g to %g",
				    (double)min, (double)max);
	if (qmin >= qmax)
		return qaccel_error(EINVAL, "integers from %d to %d", qmin, qmax);
	min = fminf(min, 0);
	max = fmaxf(max, 0);
	if (min == max) {
		*scale = 1;
		*zero_point = qk_clamp(0, qmin, qmax);
		return 0;
	}
	step = ((double)max - (double)min) / steps;
	/* Ranges at the ends of what a float can say. */
	step = fmin(fmax(step, (double)FLT_MIN), (double)FLT_MAX);
	z = real_zero_point((double)min, (double)max, qmin, qmax, step);
	*scale = (float)step;
	*zero_point = clamp_to_int(round(z), qmin, qmax);
	return 0;
}

int qaccel_integer_range(enum qaccel_type type, uint32_t bits, bool narrow,
			 int32_t *qmin, int32_t *qmax)
{
	if (bits < 2 || bits > 8)
		return qaccel_error(EINVAL, "%u bits: not 2 to 8", bits);
	if (type == QACCEL_TYPE_INT8) {
		*qmax = (INT32_C(1) << (bits - 1)) - 1;
		*qmin = -*qmax - !narrow;
	} else if (type == QACCEL_TYPE_UINT8) {
		*qmax = (INT32_C(1) << bits) - 1;
		*qmin = narrow;
	} else {
		return qaccel_error(EINVAL, "type %s has no range of %u bits",
				    qaccel_type_name(type), bits);
	}
	return 0;
}

/* NaN if there is one, as no comparison would find it. */
static float max_abs(const float *x, size_t count)
{
	float max = 0;

	for (size_t i = 0; i < count; i++) {
		float a = fabsf(x[i]);

		if (isnan(a))
			return a;
		if (a > max)
			max = a;
	}
	return max;
}

int qaccel_choose_weight_scales(const float *weights, size_t channels,
				size_t per_channel, int32_t qmax, float *scales)
{
	if (qmax <= 0)
		return qaccel_error(EINVAL, "integers up to %d", qmax);
	for (size_t c = 0; c < channels; c++) {
		float max = max_abs(weights + c * per_channel, per_channel);

		if (!isfinite(max))
			return qaccel_error(EINVAL, "channel %zu has a weight of %g",
					    c, (double)max);
	}
	for (size_t c = 0; c < channels; c++) {
		float max = max_abs(weights + c * per_channel, per_channel);

		/* Not a subnormal number, whose few bits would be too coarse. */
		scales[c] = max == 0 ? 1 : fmaxf(max / (float)qmax, FLT_MIN);
	}
	return 0;
}

/* ------------------------------------------------------------- arrays -- */

static int check_scale(float scale)
{
	if (!isfinite(scale) || scale <= 0)
		return qaccel_error(EINVAL, "a scale of %g", (double)scale);
	return 0;
}

static int type_range(enum qaccel_type type, int32_t *min, int32_t *max)
{
	switch (type) {
	case QACCEL_TYPE_UINT8:
		*min = 0;
		*max = UINT8_MAX;
		return 0;
	case QACCEL_TYPE_INT8:
		*min = INT8_MIN;
		*max = INT8_MAX;
		return 0;
	case QACCEL_TYPE_INT16:
		*min = INT16_MIN;
		*max = INT16_MAX;
		return 0;
	default:
		return qaccel_error(EINVAL, "type %s is not a quantized one",
				    qaccel_type_name(type));
	}
}

/* The division is one of floats, as TFLite's is. */
static int32_t quantize_one(float x, float scale, int32_t zero_point,
			    int32_t min, int32_t max)
{
	if (isnan(x))
		return qk_clamp(zero_point, min, max);
	return clamp_to_int((double)roundf(x / scale) + zero_point, min, max);
}

static float dequantize_one(int32_t q, float scale, int32_t zero_point)
{
	return scale * (float)((int64_t)q - zero_point);
}

static void store(enum qaccel_type type, void *out, size_t i, int32_t value)
{
	if (type == QACCEL_TYPE_UINT8)
		((uint8_t *)out)[i] = (uint8_t)value;
	else if (type == QACCEL_TYPE_INT8)
		((int8_t *)out)[i] = (int8_t)value;
	else
		((int16_t *)out)[i] = (int16_t)value;
}

static int32_t load(enum qaccel_type type, const void *in, size_t i)
{
	if (type == QACCEL_TYPE_UINT8)
		return ((const uint8_t *)in)[i];
	if (type == QACCEL_TYPE_INT8)
		return ((const int8_t *)in)[i];
	return ((const int16_t *)in)[i];
}

int qaccel_quantize(enum qaccel_type type, float scale, int32_t zero_point,
		    const float *in, void *out, size_t count)
{
	int32_t min = 0, max = 0;
	int err;

	err = type_range(type, &min, &max);
	if (!err)
		err = check_scale(scale);
	if (err)
		return err;
	for (size_t i = 0; i < count; i++)
		store(type, out, i,
		      quantize_one(in[i], scale, zero_point, min, max));
	return 0;
}

int qaccel_dequantize(enum qaccel_type type, float scale, int32_t zero_point,
		      const void *in, float *out, size_t count)
{
	int32_t min = 0, max = 0;
	int err;

	err = type_range(type, &min, &max);
	if (!err)
		err = check_scale(scale);
	if (err)
		return err;
	for (size_t i = 0; i < count; i++)
		out[i] = dequantize_one(load(type, in, i), scale, zero_point);
	return 0;
}

int qaccel_fake_quantize(float scale, int32_t zero_point, int32_t qmin,
			 int32_t qmax, const float *in, float *out,
			 size_t count)
{
	int err;

	err = check_scale(scale);
	if (err)
		return err;
	if (qmin >= qmax)
		return qaccel_error(EINVAL, "integers from %d to %d", qmin, qmax);
	for (size_t i = 0; i < count; i++)
		out[i] = dequantize_one(quantize_one(in[i], scale, zero_point,
						     qmin, qmax),
					scale, zero_point);
	return 0;
}

int qaccel_fold_batch_norm(size_t channels, size_t weights_per_channel,
			   const float *gamma, const float *beta,
			   const float *mean, const float *variance,
			   float epsilon, float *weights, float *bias)
{
	for (size_t c = 0; c < channels; c++) {
		double v = (double)variance[c] + (double)epsilon;

		if (!isfinite(v) || v <= 0)
			return qaccel_error(EINVAL, "channel %zu has a variance of %g",
					    c, v);
	}
	for (size_t c = 0; c < channels; c++) {
		double factor = (double)gamma[c] /
				sqrt((double)variance[c] + (double)epsilon);
		float *w = weights + c * weights_per_channel;

		for (size_t i = 0; i < weights_per_channel; i++)
			w[i] = (float)((double)w[i] * factor);
		bias[c] = (float)((double)beta[c] +
				  ((double)bias[c] - (double)mean[c]) * factor);
	}
	return 0;
}
