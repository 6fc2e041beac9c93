/* SPDX-License-Identifier: MIT */
/*
 * The network being trained
 *
 * One layer here is one fused layer of the integer network (section 2.4 of the
 * paper): a convolution with its batch normalisation, bias and activation, or
 * an addition with its activation. What is simulated while training is then
 * just what the integers do, and conversion is layer by layer.
 *
 * Activations are float32, NHWC; filters OHWI (depthwise: 1HWO), as TensorFlow
 * Lite has them. Every layer has one output; the last one's are the logits.
 * Results don't depend on the number of threads: work is cut into chunks of
 * NET_CHUNK pictures, and sums over chunks are added in their order.
 */
#ifndef QACCEL_TRAIN_NET_H
#define QACCEL_TRAIN_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_MAX_LAYERS	128
#define NET_CHUNK	16		/* pictures */
#define NET_INPUT	(-1)		/* as a layer's input: the pictures */
#define NET_BN_EPSILON	1e-3f

enum net_kind {
	NET_CONV,
	NET_DWCONV,			/* depth multiplier 1 */
	NET_FC,				/* in's picture as one row */
	NET_ADD,
	NET_AVGPOOL,			/* valid padding; size 0: the whole picture */
	NET_MAXPOOL,
};

enum net_activation { NET_LINEAR, NET_RELU, NET_RELU6 };

struct net_shape {
	uint32_t h, w, c;
};

/* Quantization of a layer while training and in net_evaluate(). */
struct net_quant {
	uint32_t weight_bits;		/* 2 to 8, or 0: float */
	uint32_t activation_bits;	/* 2 to 8, or 0: float */
	bool per_channel;		/* weights; symmetric. Else see asymmetric */
	bool asymmetric;		/* weights per tensor with a zero point: uint8 */
};

/* What a layer is; net_create() checks all of it. */
struct net_layer_desc {
	char name[32];			/* unique, [a-z0-9_]; not empty */
	enum net_kind kind;
	int32_t inputs[2];		/* earlier layers or NET_INPUT; [1]: ADD only */
	uint32_t filters;		/* CONV, FC: output channels */
	uint32_t size_h, size_w;	/* filter or window */
	uint32_t stride;
	bool same_padding;		/* as TensorFlow's SAME; else VALID */
	bool batch_norm;		/* CONV, DWCONV, FC: instead of a bias */
	enum net_activation activation;
	bool keep_float;		/* per-layer control: never quantized in training */
};

/* A trained array and its gradient: what the optimizer sees. */
struct net_param {
	char name[48];			/* "stem/weights" */
	float *value, *grad;
	size_t count;
	bool decay;			/* weight decay applies: filters only */
};

/* A running statistic or range: with the parameters, all that a checkpoint holds. */
struct net_state {
	char name[48];			/* "stem/mean", "stem/range" */
	float *value;
	size_t count;
};

/* The range of a layer's output, an EMA of batches' minima and maxima. */
struct net_range {
	float min, max;
	float seen;			/* 0: none yet; the EMA's correction needs no more */
};

struct net_layer {
	struct net_layer_desc desc;
	struct net_shape in, out;
	uint32_t pad_top, pad_left;
	size_t weights_count;		/* of the filter: OHWI or 1HWO; 0: none */
	float *weights, *bias;		/* bias: NULL with batch norm */
	float *gamma, *beta, *mean, *variance;	/* out.c each; NULL without */
	struct net_range *range;	/* of the output; pools: their input's, NULL for
					 * the pictures' */
	struct net_quant quant;
};

struct net {
	struct net_shape in;
	uint32_t classes;		/* the last layer's values */
	uint32_t num_layers;
	struct net_layer *layers;
	uint32_t num_params, num_states;
	struct net_param *params;
	struct net_state *states;
	struct net_train *train;	/* buffers, made on demand; net.c's own */
};

/*
 * -EINVAL with the layer named in the last error: unknown input, shapes that
 * don't fit, a layer that nobody reads, too large (more than 2^31 values in an
 * activation of one chunk, 2^28 parameters), zero sizes, and so on.
 */
int net_create(struct net_shape in, const struct net_layer_desc *layers,
	       uint32_t num_layers, struct net **net);
void net_destroy(struct net *net);

/* He initialisation from the seed; gamma 1, beta 0, mean 0, variance 1. */
void net_init(struct net *net, uint64_t seed);

uint64_t net_macs(const struct net *net);	/* of one picture */
size_t net_num_weights(const struct net *net);	/* all trained values */

/* How one forward pass is to treat statistics and quantization. */
struct net_pass {
	bool batch_statistics;		/* training: batch's mean, and EMA's update */
	/*
	 * Batch norm folded into the weights before them (eq. 14): with the EMA
	 * statistics, which a convolution with the unfolded weights keeps up to
	 * date while batch_statistics is set (figure C.8): this batch's count from
	 * the next one on. Needed for weight_bits of layers with batch norm.
	 */
	bool fold;
	bool quantize_weights;		/* layers' quant.weight_bits */
	bool quantize_activations;	/* layers' quant.activation_bits */
	bool update_ranges;		/* EMA of the outputs' ranges, this batch's in it */
	float bn_momentum;		/* of the EMAs: 0.99 keeps 99 % */
	float range_momentum;
};

/*
 * Forward, loss (mean softmax cross-entropy), backward; gradients are in
 * params[].grad, overwritten. images: batch pictures, real values (the input
 * is quantized as pixels are: nothing to simulate); labels below classes.
 * threads: 1 up. -ENOMEM. -EINVAL: a label too large, a range that is needed
 * and was never seen, bits out of range. -EDOM: the loss, an output or a
 * statistic is not a finite number: nothing after it has been done.
 */
int net_train_step(struct net *net, const struct net_pass *pass,
		   const float *images, const uint8_t *labels, uint32_t batch,
		   uint32_t threads, double *loss, uint32_t *correct);

/*
 * Forward only, with the running statistics and the ranges as they are: count x
 * classes logits. Errors: as above.
 */
int net_evaluate(struct net *net, const struct net_pass *pass,
		 const float *images, size_t count, uint32_t threads,
		 float *logits);

/*
 * Forward as pass says, EMAs included, and each layer's outputs shown to watch()
 * as they are: for observers and tests. layer NET_INPUT: the pictures. values: NHWC, of all of
 * the batch.
 */
typedef void net_watch_fn(void *context, int32_t layer, const float *values,
			  size_t count);
int net_watch(struct net *net, const struct net_pass *pass, const float *images,
	      uint32_t batch, uint32_t threads, net_watch_fn *watch,
	      void *context);

/* The layer's filter and bias with batch norm folded in (copies). */
int net_folded(const struct net_layer *layer, float *weights, float *bias);

#endif /* QACCEL_TRAIN_NET_H */
