/* SPDX-License-Identifier: MIT */
/* What a pass over a network works on; for the net_*.c files. */
#ifndef QACCEL_TRAIN_NET_RUN_H
#define QACCEL_TRAIN_NET_RUN_H

#include <pthreadpool.h>

#include "fake_quant.h"
#include "net.h"
#include "window.h"

/* One thread's. Sizes: the largest that a layer asks for. */
struct scratch {
	float *columns;		/* a block's, as im2col makes them */
	float *product;		/* a block's, of the unfolded weights */
	float *sums;		/* two values a channel */
};

/*
 * A layer with weights computes z = weights * x, v = scale * z + shift and
 * y = fake_quantize(activation(v)); an addition's z is the sum. Pools have y
 * alone. z, y and dy are of all of the batch.
 */
struct layer_run {
	struct net_layer *layer;
	struct window window;
	size_t in_values, out_values;	/* of a picture */
	size_t rows;			/* of a picture's z, of channels each */
	uint32_t channels;
	uint32_t block;			/* pictures at a time: they fit in the cache */
	float *d_weights, *d_bias, *d_gamma, *d_beta;	/* of net.params */

	/* Made on demand, with the buffers. */
	float *z, *y, *dy;
	float *folded, *quantized;	/* weights */
	float *scale, *shift;
	float *mean, *rstd;		/* those that normalise in this pass */
	double *sums;			/* two a channel, for each chunk */
	float *extremes;		/* min and max, for each chunk */
	float *partials;		/* d_weights, for each chunk */

	/* Of the current pass. */
	const float *x[2];
	float *dx[2];			/* NULL: nobody asks for it */
	bool dx_add[2];			/* another reader was there before */
	bool dy_written;
	const float *weights;		/* those of the product */
	bool statistics;		/* the batch's are taken */
	bool normalizes;		/* ... and used: no folding */
	bool quantizes;			/* the output */
	struct fake_quant output;
	struct fake_quant weight_range;	/* asymmetric: where gradients pass */
	bool clips_weights;
};

struct net_train {
	float *values, *grads;		/* of all parameters */
	float *statistics;		/* all states but the ranges */
	struct net_range *ranges;
	struct layer_run *runs;

	uint32_t threads;
	pthreadpool_t pool;
	void *buffers;
	struct scratch *scratch;	/* of each thread */
	uint32_t capacity;		/* pictures that the buffers hold */
	bool has_gradients;

	uint32_t batch;			/* of the current pass */
	struct net_pass pass;
};

/* Pictures [first, first + count) of the batch. */
struct chunk {
	uint32_t index;
	size_t first, count;
};

typedef void chunk_fn(const struct net_train *train, struct layer_run *run,
		      struct chunk chunk, const struct scratch *scratch);
/* fn for all chunks of the batch; which thread has which is chance. */
void net_for_chunks(struct net_train *train, struct layer_run *run, chunk_fn *fn);
uint32_t net_chunks(uint32_t batch);

/* Buffers for the pass, kept until a larger one comes. -ENOMEM. */
int net_prepare(struct net *net, const struct net_pass *pass, uint32_t batch,
		uint32_t threads, bool gradients);
void net_release(struct net_train *train);

int net_forward(struct net *net, const float *images);
/* From the last layer's dy to params[].grad. */
void net_backward(struct net *net);

/* run's weights as the pass asks for them: folded, fake-quantized. */
int net_prepare_weights(const struct net_train *train, struct layer_run *run);
/* The gradient of run's weights in the product, d_weights, and of v's shift. */
void net_weights_backward(const struct net_train *train, struct layer_run *run,
			  const float *d_shift);

/* The last error becomes "layer ...: what: the last error"; returns err. */
int net_layer_error(const struct net_layer *layer, const char *what, int err);

static inline bool layer_has_weights(const struct net_layer *layer)
{
	return layer->desc.kind == NET_CONV || layer->desc.kind == NET_DWCONV ||
	       layer->desc.kind == NET_FC;
}

static inline bool layer_is_pool(const struct net_layer *layer)
{
	return layer->desc.kind == NET_AVGPOOL || layer->desc.kind == NET_MAXPOOL;
}

#endif /* QACCEL_TRAIN_NET_RUN_H */
