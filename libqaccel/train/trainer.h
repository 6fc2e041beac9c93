/* SPDX-License-Identifier: MIT */
#ifndef QACCEL_TRAIN_TRAINER_H
#define QACCEL_TRAIN_TRAINER_H

#include "checkpoint.h"
#include "dataset.h"
#include "handle.h"
#include "optimizer.h"

struct qaccel_trainer {
	struct qaccel_net *net;
	const struct qaccel_dataset *data;
	struct qaccel_train_options options;
	struct optimizer optimizer;
	uint32_t epoch, step;		/* finished, and within the next */
	uint32_t steps;			/* of an epoch; the rest of pictures is left out */
	double loss;			/* sums over the steps of this epoch */
	uint64_t correct;
	double rate;			/* of the last step */
	uint32_t *order;		/* of this epoch's pictures */
	float *pictures;		/* a batch */
	uint8_t *labels;
	struct qaccel_epoch *history;	/* room for all epochs */
};

/* -EINVAL: a value that makes no sense, named in the last error. */
int trainer_check_options(const struct qaccel_train_options *options);

#endif /* QACCEL_TRAIN_TRAINER_H */
