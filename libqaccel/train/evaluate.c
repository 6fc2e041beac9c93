// SPDX-License-Identifier: MIT
/* What a network makes of a data set: verdicts, and the ranges inside. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "dataset.h"
#include "error.h"
#include "handle.h"

#define BLOCK 256			/* pictures at a time */

static size_t block_of(size_t done, size_t count)
{
	return count - done < BLOCK ? count - done : BLOCK;
}

/* --------------------------------------------------------------- verdicts -- */

/* The largest logit, the first of equals, and -log of the label's softmax. */
static uint32_t verdict(const float *logits, uint32_t classes, uint8_t label,
			double *loss)
{
	uint32_t best = 0;
	double sum = 0;

	for (uint32_t i = 1; i < classes; i++)
		if (logits[i] > logits[best])
			best = i;
	for (uint32_t i = 0; i < classes; i++)
		sum += exp((double)logits[i] - (double)logits[best]);
	*loss += log(sum) + (double)logits[best] - (double)logits[label];
	return best;
}

static int check_ranges(const struct net *net, const struct net_pass *pass)
{
	for (uint32_t i = 0; pass->quantize_activations && i < net->num_layers;
	     i++) {
		const struct net_layer *l = &net->layers[i];

		if (l->quant.activation_bits && l->range && l->range->seen <= 0)
			return qaccel_error(ENODATA, "the range of layer %s is not known",
					    l->desc.name);
	}
	return 0;
}

static int evaluate(const struct qaccel_net *net,
		    const struct net_pass *pass, const struct qaccel_dataset *d,
		    uint32_t threads, float *pictures, float *logits,
		    struct qaccel_evaluation *e)
{
	uint32_t classes = net->net->classes;
	double loss = 0;
	int err;

	*e = (struct qaccel_evaluation){.count = d->count};
	for (size_t done = 0, n; done < d->count; done += n) {
		n = block_of(done, d->count);
		dataset_pictures(d, done, n, pictures);
		err = net_evaluate(net->net, pass, pictures, n, threads, logits);
		if (err)
			return err;
		for (size_t i = 0; i < n; i++) {
			uint8_t label = d->labels[done + i];

			e->correct += verdict(logits + i * classes, classes,
					      label, &loss) == label;
		}
	}
	e->loss = loss / (double)d->count;
	return 0;
}

int qaccel_net_evaluate(struct qaccel_net *net,
			const struct qaccel_dataset *dataset, uint32_t threads,
			struct qaccel_evaluation *evaluation)
{
	struct net_pass pass = handle_pass(&net->simulation);
	struct qaccel_evaluation e;
	float *pictures, *logits;
	int err;

	err = dataset_check(dataset, net->net);
	if (!err)
		err = check_ranges(net->net, &pass);
	if (err)
		return err;
	pictures = calloc(dataset_picture_size(dataset), BLOCK * sizeof(float));
	logits = calloc(net->net->classes, BLOCK * sizeof(float));
	if (pictures && logits)
		err = evaluate(net, &pass, dataset, handle_threads(threads),
			       pictures, logits, &e);
	else
		err = qaccel_error(ENOMEM, "out of memory");
	free(pictures);
	free(logits);
	if (!err)
		*evaluation = e;
	return err;
}

/* ------------------------------------------------------------ calibration -- */

struct calibration {
	struct qaccel_observer **observers;	/* one for each layer */
	int err;				/* the first */
};

static void watch(void *context, int32_t layer, const float *values,
		  size_t count)
{
	struct calibration *c = context;

	if (layer >= 0 && !c->err)
		c->err = qaccel_observer_update(c->observers[layer], values,
						count);
}

static int observe(struct calibration *c, struct qaccel_net *net,
		   const struct qaccel_dataset *d, size_t count,
		   uint32_t threads)
{
	const struct net_pass pass = {.fold = true};
	float *pictures;
	int err = 0;

	pictures = calloc(dataset_picture_size(d), BLOCK * sizeof(float));
	if (!pictures)
		return qaccel_error(ENOMEM, "out of memory");
	for (size_t done = 0, n; !err && done < count; done += n) {
		n = block_of(done, count);
		dataset_pictures(d, done, n, pictures);
		err = net_watch(net->net, &pass, pictures, (uint32_t)n, threads,
				watch, c);
		if (!err)
			err = c->err;
	}
	free(pictures);
	return err;
}

/* Pools have their input's range: it is set when its own layer's turn comes. */
static int set_ranges(const struct calibration *c, struct net *net)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < net->num_layers; i++) {
		struct net_layer *l = &net->layers[i];
		float min, max;

		if (!l->range || l->desc.kind == NET_AVGPOOL ||
		    l->desc.kind == NET_MAXPOOL)
			continue;
		err = qaccel_observer_range(c->observers[i], &min, &max);
		if (!err)
			*l->range = (struct net_range){min, max, 1};
	}
	return err;
}

int qaccel_net_calibrate(struct qaccel_net *net,
			 const struct qaccel_dataset *dataset, size_t count,
			 const struct qaccel_observer_options *options,
			 uint32_t threads)
{
	uint32_t layers = net->net->num_layers;
	struct calibration c = {0};
	int err;

	if (!count || count > dataset->count)
		return qaccel_error(EINVAL, "calibration with %zu of %zu pictures",
				    count, dataset->count);
	err = dataset_check(dataset, net->net);
	if (err)
		return err;
	c.observers = calloc(layers, sizeof(*c.observers));
	if (!c.observers)
		return qaccel_error(ENOMEM, "out of memory");
	for (uint32_t i = 0; !err && i < layers; i++)
		err = qaccel_observer_create(options, &c.observers[i]);
	if (!err)
		err = observe(&c, net, dataset, count, handle_threads(threads));
	if (!err)
		err = set_ranges(&c, net->net);
	for (uint32_t i = 0; i < layers; i++)
		qaccel_observer_destroy(c.observers[i]);
	free(c.observers);
	return err;
}
