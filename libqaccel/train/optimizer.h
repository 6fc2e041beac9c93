/* SPDX-License-Identifier: MIT */
/* Optimizers: from gradients to the next weights. */
#ifndef QACCEL_TRAIN_OPTIMIZER_H
#define QACCEL_TRAIN_OPTIMIZER_H

#include <qaccel/train.h>

#include "net.h"

struct optimizer {
	struct qaccel_train_options options;
	uint64_t step;			/* taken so far: Adam's bias correction */
	/*
	 * moments[0]: SGD's velocity or Adam's mean, moments[1]: Adam's second
	 * moment; of all parameters, in their order.
	 */
	size_t count;
	uint32_t num_moments;
	float *moments[2];
};

/* -ENOMEM. */
int optimizer_init(struct optimizer *o, const struct net *net,
		   const struct qaccel_train_options *options);
void optimizer_finish(struct optimizer *o);

/* Moves net's parameters by their gradients. */
void optimizer_step(struct optimizer *o, struct net *net, double rate);

#endif /* QACCEL_TRAIN_OPTIMIZER_H */
