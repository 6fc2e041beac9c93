/* SPDX-License-Identifier: MIT */
/* Checkpoints: a network in a file, and how far its training is. */
#ifndef QACCEL_TRAIN_CHECKPOINT_H
#define QACCEL_TRAIN_CHECKPOINT_H

#include <qaccel/train.h>

/* What a trainer needs besides the network to go on. */
struct checkpoint_training {
	struct qaccel_train_options options;
	uint64_t pictures;		/* of the data, to know them again */
	uint32_t data_crc;
	uint32_t epoch, step;		/* finished, and of the next one */
	double loss;			/* sums over that epoch's steps */
	uint64_t correct;
	uint64_t optimizer_steps;
	uint64_t moments_count;		/* values of each array */
	uint32_t num_moments;
	float *moments[2];
	struct qaccel_epoch *history;	/* epoch entries */
};

/* training NULL: none. -ENOMEM, or an error of the file system. */
int checkpoint_write(const char *path, const struct qaccel_net *net,
		     const struct checkpoint_training *training);

/*
 * training NULL: not wanted. Else what it points to is to be freed by
 * checkpoint_free(); its options are the writer's, still to be checked.
 * -EBADMSG, -ENODATA: as qaccel_trainer_resume().
 */
int checkpoint_read(const char *path, struct qaccel_net **net,
		    struct checkpoint_training *training);
void checkpoint_free(struct checkpoint_training *training);

#endif /* QACCEL_TRAIN_CHECKPOINT_H */
