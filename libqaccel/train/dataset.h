/* SPDX-License-Identifier: MIT */
#ifndef QACCEL_TRAIN_DATASET_H
#define QACCEL_TRAIN_DATASET_H

#include <qaccel/train.h>

#include "net.h"

struct qaccel_dataset {
	struct net_shape shape;
	size_t count;
	uint8_t *images;		/* NHWC */
	uint8_t *labels;
	uint8_t max_label;
	uint32_t crc;			/* of all of it: to know it again */
};

static inline size_t dataset_picture_size(const struct qaccel_dataset *d)
{
	return (size_t)d->shape.h * d->shape.w * d->shape.c;
}

/* -EINVAL: pictures or labels that aren't the network's. */
int dataset_check(const struct qaccel_dataset *d, const struct net *net);

/* Pictures from first on as real values in [0, 1], as they are. */
void dataset_pictures(const struct qaccel_dataset *d, size_t first,
		      size_t count, float *pictures);

#endif /* QACCEL_TRAIN_DATASET_H */
