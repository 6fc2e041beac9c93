/* SPDX-License-Identifier: MIT */
/*
 * Building a model in memory, and writing models
 *
 * What a .tflite file would hold, made by calls: tensors are added, operators
 * connect them, and the builder turns into a model, to be used like one that
 * was loaded.
 *
 *     struct qaccel_builder *b;
 *     struct qaccel_model *model;
 *
 *     if (qaccel_builder_create("one layer", &b))
 *             return fail(qaccel_last_error());
 *     int32_t x = qaccel_builder_input(b, &(struct qaccel_tensor_desc){
 *             .type = QACCEL_TYPE_INT8, .rank = 2, .dims = { 1, 64 },
 *             .scale = 0.1f, .zero_point = -5 });
 *     int32_t w = qaccel_builder_constant(b, &(struct qaccel_tensor_desc){
 *             .type = QACCEL_TYPE_INT8, .rank = 2, .dims = { 10, 64 },
 *             .scale = 0.01f }, weights);
 *     int32_t y = qaccel_builder_fully_connected(b, x, w, QACCEL_NO_TENSOR,
 *             NULL, &(struct qaccel_tensor_desc){
 *             .type = QACCEL_TYPE_INT8, .scale = 0.25f });
 *     qaccel_builder_output(b, y);
 *     int err = qaccel_builder_finish(b, &model);
 *     qaccel_builder_destroy(b);
 *
 * Rules
 * -----
 * - Functions that add a tensor or an operator return the tensor's number, 0 or
 *   more, or a negative errno. The builder remembers its first failure: all
 *   calls after it return the same and do nothing, so one check, that of
 *   qaccel_builder_finish(), is enough.
 * - Everything that is passed in is copied.
 * - Operators run in the order in which they are added. What they need of their
 *   operands (types, shapes, scales) is what TensorFlow Lite needs; it is
 *   checked at the end, and the message names the operator.
 * - A builder is used by one thread at a time.
 */
#ifndef QACCEL_GRAPH_H
#define QACCEL_GRAPH_H

#include <qaccel/qaccel.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fused activations; values are TFLite's ActivationFunctionType. */
enum qaccel_activation {
	QACCEL_ACTIVATION_NONE = 0,
	QACCEL_ACTIVATION_RELU = 1,
	QACCEL_ACTIVATION_RELU_N1_TO_1 = 2,
	QACCEL_ACTIVATION_RELU6 = 3,
};

/* Values are TFLite's Padding. */
enum qaccel_padding {
	QACCEL_PADDING_SAME = 0,	/* outputs: input / stride, rounded up */
	QACCEL_PADDING_VALID = 1,	/* windows stay inside of the input */
};

struct qaccel_builder;

/* A bias that is left out. */
#define QACCEL_NO_TENSOR	(-1)

/* struct qaccel_tensor_desc - a tensor to be; zero what you do not set */
struct qaccel_tensor_desc {
	const char *name;		/* NULL: "" */
	enum qaccel_type type;
	/*
	 * Of an operator's output, the shape is worked out: rank 0 leaves it so,
	 * another one says what it must be.
	 */
	uint32_t rank;
	int32_t dims[QACCEL_MAX_RANK];	/* positive */
	float scale;			/* 0: not quantized as a whole */
	int32_t zero_point;
	/* Weights: dims[channel_dim] scales, zero points 0; NULL: none. */
	const float *channel_scales;
	uint32_t channel_dim;
	uint32_t pad;			/* zero */
	uint64_t reserved[4];		/* zero */
};

/* description may be NULL. Destroy the builder, finished or not. */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_builder_create(const char *description, struct qaccel_builder **builder);
QACCEL_API void qaccel_builder_destroy(struct qaccel_builder *builder);

/*
 * An input of the model, in the order of the calls, and a constant with its
 * contents (dense, of the tensor's type). -EINVAL: not a possible tensor.
 * -EFBIG: 4 GiB or more.
 */
QACCEL_API int32_t qaccel_builder_input(struct qaccel_builder *builder,
					const struct qaccel_tensor_desc *desc);
QACCEL_API int32_t qaccel_builder_constant(struct qaccel_builder *builder,
					   const struct qaccel_tensor_desc *desc,
					   const void *data);
/* Makes a tensor the model's next output: one that an operator writes. */
QACCEL_API int qaccel_builder_output(struct qaccel_builder *builder,
				     int32_t tensor);

/*
 * Operators. Each adds its output tensor and returns its number. out describes
 * it; NULL: type and quantization as the first input's, where not said
 * otherwise. -EINVAL: no such tensor, or an impossible description.
 */

/* struct qaccel_conv_options - zero what you do not set */
struct qaccel_conv_options {
	enum qaccel_padding padding;
	enum qaccel_activation activation;
	int32_t stride_h, stride_w;	/* 0: 1 */
	int32_t dilation_h, dilation_w;	/* 0: 1 */
	uint64_t reserved[2];		/* zero */
};

/*
 * in: N x H x W x C; weights: O x KH x KW x C, constant; bias: O of INT32,
 * constant, or QACCEL_NO_TENSOR, of scale in * weights. options may be NULL.
 */
QACCEL_API int32_t
qaccel_builder_conv2d(struct qaccel_builder *builder, int32_t in,
		      int32_t weights, int32_t bias,
		      const struct qaccel_conv_options *options,
		      const struct qaccel_tensor_desc *out);
/* weights: 1 x KH x KW x O, where O is a multiple of C. */
QACCEL_API int32_t
qaccel_builder_depthwise_conv2d(struct qaccel_builder *builder, int32_t in,
				int32_t weights, int32_t bias,
				const struct qaccel_conv_options *options,
				const struct qaccel_tensor_desc *out);

/* struct qaccel_fully_connected_options - zero what you do not set */
struct qaccel_fully_connected_options {
	enum qaccel_activation activation;
	bool keep_num_dims;		/* out: in's shape but for the last one */
	uint64_t reserved[2];		/* zero */
};

/* in: any shape of rows of K; weights: O x K; out: rows x O. options may be NULL. */
QACCEL_API int32_t
qaccel_builder_fully_connected(struct qaccel_builder *builder, int32_t in,
			       int32_t weights, int32_t bias,
			       const struct qaccel_fully_connected_options *options,
			       const struct qaccel_tensor_desc *out);

/* Shapes may differ where one has 1, or fewer dimensions in front. */
QACCEL_API int32_t qaccel_builder_add(struct qaccel_builder *builder, int32_t a,
				      int32_t b,
				      enum qaccel_activation activation,
				      const struct qaccel_tensor_desc *out);
QACCEL_API int32_t qaccel_builder_mul(struct qaccel_builder *builder, int32_t a,
				      int32_t b,
				      enum qaccel_activation activation,
				      const struct qaccel_tensor_desc *out);

/* struct qaccel_pool_options - zero what you do not set */
struct qaccel_pool_options {
	enum qaccel_padding padding;
	enum qaccel_activation activation;
	int32_t filter_h, filter_w;
	int32_t stride_h, stride_w;	/* 0: 1 */
	uint64_t reserved[2];		/* zero */
};

/* in and out are quantized alike. */
QACCEL_API int32_t
qaccel_builder_average_pool2d(struct qaccel_builder *builder, int32_t in,
			      const struct qaccel_pool_options *options,
			      const struct qaccel_tensor_desc *out);
QACCEL_API int32_t
qaccel_builder_max_pool2d(struct qaccel_builder *builder, int32_t in,
			  const struct qaccel_pool_options *options,
			  const struct qaccel_tensor_desc *out);

/* Over axes, negative ones from the end; keep_dims leaves them as 1. */
QACCEL_API int32_t qaccel_builder_mean(struct qaccel_builder *builder,
				       int32_t in, const int32_t *axes,
				       uint32_t num_axes, bool keep_dims,
				       const struct qaccel_tensor_desc *out);

/*
 * paddings: before and after, for each of in's rank dimensions; out's zero point
 * fills.
 */
QACCEL_API int32_t qaccel_builder_pad(struct qaccel_builder *builder,
				      int32_t in, const int32_t (*paddings)[2],
				      uint32_t rank,
				      const struct qaccel_tensor_desc *out);

/* One of dims may be -1: what is left. */
QACCEL_API int32_t qaccel_builder_reshape(struct qaccel_builder *builder,
					  int32_t in, const int32_t *dims,
					  uint32_t rank,
					  const struct qaccel_tensor_desc *out);

/* Over the last dimension. out NULL: scale 1/256, zero point the type's minimum. */
QACCEL_API int32_t qaccel_builder_softmax(struct qaccel_builder *builder,
					  int32_t in, float beta,
					  const struct qaccel_tensor_desc *out);

/* FLOAT32 to integer, or integer to integer of another scale; out is needed. */
QACCEL_API int32_t qaccel_builder_quantize(struct qaccel_builder *builder,
					   int32_t in,
					   const struct qaccel_tensor_desc *out);
/* out NULL: FLOAT32. */
QACCEL_API int32_t qaccel_builder_dequantize(struct qaccel_builder *builder,
					     int32_t in,
					     const struct qaccel_tensor_desc *out);

QACCEL_API int32_t qaccel_builder_relu(struct qaccel_builder *builder, int32_t in,
				       const struct qaccel_tensor_desc *out);
QACCEL_API int32_t qaccel_builder_relu6(struct qaccel_builder *builder,
					int32_t in,
					const struct qaccel_tensor_desc *out);

/*
 * Checks the graph and makes it a model of its own; after that the builder can
 * only be destroyed. The first failure of any call before, or -EINVAL: an
 * operator's operands don't fit. -EOPNOTSUPP: they do, but that is not
 * supported.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_builder_finish(struct qaccel_builder *builder,
		      struct qaccel_model **model);

/*
 * The model, built or loaded, as a .tflite file: loading it gives the same
 * model, and TensorFlow Lite takes it, provided that each CONV_2D has a bias. The
 * same model gives the same bytes.
 * Tensors that no operator uses and that this library has no type for lose
 * their type.
 *
 * -EFBIG: 2 GiB or more. *data is malloc()ed: free() it.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_model_serialize(const struct qaccel_model *model, void **data,
		       size_t *size);
/* Also -ENOENT, -EACCES, -ENOSPC, ...: a part of the file may be there then. */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_model_write(const struct qaccel_model *model, const char *path);

#ifdef __cplusplus
}
#endif

#endif /* QACCEL_GRAPH_H */
