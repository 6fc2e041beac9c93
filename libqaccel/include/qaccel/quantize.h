/* SPDX-License-Identifier: MIT */
/*
 * Quantization helpers: from real numbers to integers and back
 *
 * The equations are those of Jacob et al. 2017; docs/numerics.md derives them.
 * No handles, no allocation, thread safe.
 */
#ifndef QACCEL_QUANTIZE_H
#define QACCEL_QUANTIZE_H

#include <qaccel/qaccel.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The fixed-point form of a real multiplier (eq. 5 and 6, and TFLite's
 * QuantizeMultiplier): real = multiplier * 2^(shift - 31), multiplier zero or
 * in [2^30, 2^31), rounded half away from zero; shift -31 to 30, positive to
 * the left. Reals below 2^-32 become 0.
 * -EINVAL: negative, infinite or NaN. -ERANGE: 2^30 or more.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_quantize_multiplier(double real, int32_t *multiplier, int32_t *shift);

/* real_multiplier of the pair, exactly. */
QACCEL_API double qaccel_multiplier_to_double(int32_t multiplier, int32_t shift);

/*
 * x scaled by it, with TFLite's two roundings (single false) or one. Any x;
 * multiplier at least 0 and shift in [-31, 30], others are clamped into it.
 */
QACCEL_API int32_t qaccel_scale(int32_t x, int32_t multiplier, int32_t shift,
				bool single);

/*
 * Scale and zero point for the range [min, max] on the integers [qmin, qmax],
 * such that the real zero is exactly representable (section 3): the range is
 * first widened to hold zero, then moved by less than a step. An empty range
 * gives scale 1 and the zero point that is nearest to 0.
 * -EINVAL: NaN, infinite, min > max, or qmin >= qmax.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_choose_params(float min, float max, int32_t qmin, int32_t qmax,
		     float *scale, int32_t *zero_point);

/*
 * The integers of a type narrowed to so many bits: for activations (narrow
 * false) INT8 and 4 bits give [-8, 7], UINT8 [0, 15]; weights (narrow true)
 * leave the lowest one out, so that products of two fit TFLite's kernels:
 * [-7, 7] and [1, 15]. -EINVAL: bits not 2 to 8, another type.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_integer_range(enum qaccel_type type, uint32_t bits, bool narrow,
		     int32_t *qmin, int32_t *qmax);

/*
 * Symmetric scales for weights, zero point 0 (section 3 with the bounds set to
 * -max|w| and max|w|): channels runs of per_channel weights each, channel-major
 * (OHWI; channels 1: per tensor); scales[channels] = max|w| / qmax, and 1 where
 * all are zero. -EINVAL: NaN or an infinity, qmax not positive.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_choose_weight_scales(const float *weights, size_t channels,
			    size_t per_channel, int32_t qmax, float *scales);

/*
 * q = clamp(round(r / scale) + zero_point) into the type's range, halves away
 * from zero; NaN gives the zero point. type: UINT8, INT8 or INT16.
 * -EINVAL: another type, scale not positive and finite.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_quantize(enum qaccel_type type, float scale, int32_t zero_point,
		const float *in, void *out, size_t count);
/* r = scale * (q - zero_point), eq. 1. Errors: as above. */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_dequantize(enum qaccel_type type, float scale, int32_t zero_point,
		  const void *in, float *out, size_t count);

/*
 * out = dequantize(quantize(in)): what training sees (eq. 12), on the integers
 * [qmin, qmax]. in and out may be the same. -EINVAL: as qaccel_choose_params().
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_fake_quantize(float scale, int32_t zero_point, int32_t qmin,
		     int32_t qmax, const float *in, float *out, size_t count);

/*
 * Folds a batch normalisation into the weights and bias before it (eq. 14):
 * w' = gamma w / sqrt(var + epsilon), b' = beta + (b - mean) gamma / sqrt(...),
 * for channels of weights_per_channel weights each, channel-major (OHWI). bias
 * is read and written; arrays of channels elements.
 * -EINVAL: a variance plus epsilon that is not positive and finite.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_fold_batch_norm(size_t channels, size_t weights_per_channel,
		       const float *gamma, const float *beta, const float *mean,
		       const float *variance, float epsilon, float *weights,
		       float *bias);

#ifdef __cplusplus
}
#endif

#endif /* QACCEL_QUANTIZE_H */
