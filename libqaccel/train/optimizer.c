// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "error.h"
#include "optimizer.h"

int optimizer_init(struct optimizer *o, const struct net *net,
		   const struct qaccel_train_options *options)
{
	*o = (struct optimizer){.options = *options};
	for (uint32_t i = 0; i < net->num_params; i++)
		o->count += net->params[i].count;
	o->num_moments = options->optimizer == QACCEL_OPTIMIZER_ADAM ? 2 : 1;
	for (uint32_t i = 0; i < o->num_moments; i++) {
		o->moments[i] = calloc(o->count, sizeof(float));
		if (!o->moments[i]) {
			optimizer_finish(o);
			return qaccel_error(ENOMEM, "out of memory");
		}
	}
	return 0;
}

void optimizer_finish(struct optimizer *o)
{
	free(o->moments[0]);
	free(o->moments[1]);
	o->moments[0] = NULL;
	o->moments[1] = NULL;
}

/* Weight decay is a part of the gradient; Nesterov's form looks a step ahead. */
static void sgd(const struct optimizer *o, const struct net_param *p,
		float *velocity, float rate)
{
	float momentum = o->options.momentum;
	float decay = p->decay ? o->options.weight_decay : 0;

	for (size_t i = 0; i < p->count; i++) {
		float g = p->grad[i] + decay * p->value[i];
		float v = momentum * velocity[i] + g;

		velocity[i] = v;
		p->value[i] -= rate * (o->options.nesterov ? g + momentum * v : v);
	}
}

/* Decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2). */
static void adam(const struct optimizer *o, const struct net_param *p,
		 float *mean, float *square, float rate)
{
	float b1 = o->options.beta1, b2 = o->options.beta2;
	float decay = p->decay ? rate * o->options.weight_decay : 0;
	float c1 = (float)(1 / (1 - pow((double)b1, (double)o->step)));
	float c2 = (float)(1 / (1 - pow((double)b2, (double)o->step)));

	for (size_t i = 0; i < p->count; i++) {
		float g = p->grad[i];

		mean[i] = b1 * mean[i] + (1 - b1) * g;
		square[i] = b2 * square[i] + (1 - b2) * g * g;
		p->value[i] -= decay * p->value[i] + rate * mean[i] * c1 /
			       (sqrtf(square[i] * c2) + o->options.epsilon);
	}
}

void optimizer_step(struct optimizer *o, struct net *net, double rate)
{
	size_t at = 0;

	o->step++;
	for (uint32_t i = 0; i < net->num_params; i++) {
		const struct net_param *p = &net->params[i];

		if (o->options.optimizer == QACCEL_OPTIMIZER_ADAM)
			adam(o, p, o->moments[0] + at, o->moments[1] + at,
			     (float)rate);
		else
			sgd(o, p, o->moments[0] + at, (float)rate);
		at += p->count;
	}
}
