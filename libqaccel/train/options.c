// SPDX-License-Identifier: MIT
/* Options of training: the defaults, and what makes sense. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "error.h"
#include "trainer.h"

#define MAX_EPOCHS	10000
#define MAX_BATCH	4096
#define MAX_SHIFT	1024

void qaccel_train_defaults(struct qaccel_train_options *options)
{
	*options = (struct qaccel_train_options){
		.seed = 1,
		.epochs = 10,
		.batch = 64,
		.optimizer = QACCEL_OPTIMIZER_SGD,
		.learning_rate = 0.1f,
		.momentum = 0.9f,
		.nesterov = true,
		.beta1 = 0.9f,
		.beta2 = 0.999f,
		.epsilon = 1e-8f,
		.weight_decay = 5e-4f,
		.schedule = QACCEL_SCHEDULE_ONE_CYCLE,
		.warm_up = 0.25f,
		.bn_momentum = 0.97f,
		.range_momentum = 0.99f,
	};
}

/* A share: [0, 1); NaN is none. */
static int check_share(const char *name, float value)
{
	if (!(value >= 0 && value < 1))
		return qaccel_error(EINVAL, "%s of %g is not from 0 to below 1",
				    name, (double)value);
	return 0;
}

static int check_count(const char *name, uint32_t value, uint32_t max)
{
	if (!value || value > max)
		return qaccel_error(EINVAL, "%s of %u: 1 to %u", name, value, max);
	return 0;
}

static int check_rates(const struct qaccel_train_options *o)
{
	if (!isfinite(o->learning_rate) || o->learning_rate <= 0)
		return qaccel_error(EINVAL, "a learning rate of %g",
				    (double)o->learning_rate);
	if (!isfinite(o->weight_decay) || o->weight_decay < 0)
		return qaccel_error(EINVAL, "a weight decay of %g",
				    (double)o->weight_decay);
	if (!isfinite(o->epsilon) || o->epsilon <= 0)
		return qaccel_error(EINVAL, "an epsilon of %g",
				    (double)o->epsilon);
	return 0;
}

static int check_shares(const struct qaccel_train_options *o)
{
	const struct {
		const char *name;
		float value;
	} shares[] = {
		{"a momentum", o->momentum}, {"a beta1", o->beta1},
		{"a beta2", o->beta2}, {"a warm-up", o->warm_up},
		{"a momentum of batch norm", o->bn_momentum},
		{"a momentum of ranges", o->range_momentum},
	};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(shares) / sizeof(*shares); i++)
		err = check_share(shares[i].name, shares[i].value);
	return err;
}

static bool unused_is_zero(const struct qaccel_train_options *o)
{
	static const struct qaccel_train_options zero;

	return !memcmp(o->pad, zero.pad, sizeof(zero.pad)) &&
	       !memcmp(o->reserved, zero.reserved, sizeof(zero.reserved));
}

int trainer_check_options(const struct qaccel_train_options *o)
{
	int err;

	err = check_count("epochs", o->epochs, MAX_EPOCHS);
	if (!err)
		err = check_count("a batch", o->batch, MAX_BATCH);
	if (!err)
		err = check_rates(o);
	if (!err)
		err = check_shares(o);
	if (!err)
		err = handle_check_simulation(&o->simulation);
	if (err)
		return err;
	if (o->optimizer > QACCEL_OPTIMIZER_ADAM)
		return qaccel_error(EINVAL, "no optimizer %u", o->optimizer);
	if (o->schedule > QACCEL_SCHEDULE_ONE_CYCLE)
		return qaccel_error(EINVAL, "no schedule %u", o->schedule);
	if (o->shift > MAX_SHIFT)
		return qaccel_error(EINVAL, "a shift of %u pixels, at most %u",
				    o->shift, MAX_SHIFT);
	if (!unused_is_zero(o))
		return qaccel_error(EINVAL, "a reserved option is not zero");
	return 0;
}
