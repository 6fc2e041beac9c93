/* SPDX-License-Identifier: MIT */
/*
 * Single operations on plain arrays
 *
 * For tools, tests and first steps: each call builds a model of one operator,
 * compiles it for the device, runs it and throws it away. What is called more
 * than once is better built with graph.h and kept as a session.
 *
 *     const struct qaccel_gemm gemm = {
 *             .m = 1, .n = 10, .k = 64, .type = QACCEL_TYPE_INT8,
 *             .a = x, .a_scale = 0.1f, .a_zero_point = -5,
 *             .b = weights, .b_scale = 0.01f,
 *             .c = y, .c_scale = 0.25f,
 *     };
 *     err = qaccel_op_gemm(device, &gemm);
 *
 * Arrays are dense, the last index fastest. Quantized values follow
 * r = scale * (q - zero_point).
 */
#ifndef QACCEL_OPS_H
#define QACCEL_OPS_H

#include <qaccel/graph.h>
#include <qaccel/qaccel.h>

#ifdef __cplusplus
extern "C" {
#endif

/* struct qaccel_gemm - c = activation(a * transposed b + bias); zero what you do not set */
struct qaccel_gemm {
	uint32_t m, n, k;
	enum qaccel_type type;		/* of a, b and c: INT8 or UINT8 */
	const void *a;			/* m x k */
	const void *b;			/* n x k */
	const int32_t *bias;		/* n, of scale a * b; NULL: zeros */
	void *c;			/* m x n */
	float a_scale, b_scale, c_scale;
	int32_t a_zero_point, b_zero_point, c_zero_point;
	/* INT8: n scales, one for each row of b, instead of b_scale; or NULL. */
	const float *b_scales;
	enum qaccel_activation activation;
	uint32_t pad;			/* zero */
	uint64_t reserved[4];		/* zero */
};

/*
 * -EINVAL: a size, scale or zero point that cannot be. -EOPNOTSUPP, -EOVERFLOW
 * and what a run can give: as qaccel_session_create() and _run().
 */
QACCEL_API QACCEL_MUST_CHECK int qaccel_op_gemm(struct qaccel_device *device,
						const struct qaccel_gemm *gemm);

/* struct qaccel_conv2d - a convolution; zero what you do not set */
struct qaccel_conv2d {
	uint32_t batch, in_h, in_w, in_c;
	uint32_t filter_h, filter_w;
	/* Those that follow from the rest; anything else is -EINVAL. */
	uint32_t out_h, out_w, out_c;
	enum qaccel_type type;		/* of in, weights and out: INT8 or UINT8 */
	bool depthwise;
	struct qaccel_conv_options options;
	const void *in;			/* batch x in_h x in_w x in_c */
	/* out_c x filter_h x filter_w x in_c; depthwise: filter_h x filter_w x out_c */
	const void *weights;
	const int32_t *bias;		/* out_c, of scale in * weights; NULL: zeros */
	void *out;			/* batch x out_h x out_w x out_c */
	float in_scale, weights_scale, out_scale;
	int32_t in_zero_point;
	int32_t weights_zero_point;	/* UINT8 only */
	int32_t out_zero_point;
	/* INT8: out_c scales instead of weights_scale; or NULL. */
	const float *weights_scales;
	uint64_t reserved[4];		/* zero */
};

/* Errors: as qaccel_op_gemm(). */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_op_conv2d(struct qaccel_device *device, const struct qaccel_conv2d *conv);

/* struct qaccel_requantize - to another scale or type; zero what you do not set */
struct qaccel_requantize {
	size_t count;
	enum qaccel_type in_type;	/* UINT8, INT8, INT16, INT32 */
	enum qaccel_type out_type;	/* UINT8, INT8, INT16 */
	const void *in;
	void *out;			/* in itself where the types' sizes are equal */
	float in_scale, out_scale;
	int32_t in_zero_point, out_zero_point;
	uint64_t reserved[4];		/* zero */
};

/*
 * On the calling thread; no device is needed. -EINVAL: another type, a scale
 * that is not positive and finite, a zero point outside of its type. -ERANGE:
 * the input's scale is 2^30 or more times the output's.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_op_requantize(const struct qaccel_requantize *requantize);

#ifdef __cplusplus
}
#endif

#endif /* QACCEL_OPS_H */
