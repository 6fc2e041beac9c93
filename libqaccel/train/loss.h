/* SPDX-License-Identifier: MIT */
#ifndef QACCEL_TRAIN_LOSS_H
#define QACCEL_TRAIN_LOSS_H

#include <stdint.h>

/*
 * The mean cross-entropy of the logits' softmax (batch rows of classes) and the
 * labels, its gradient, and how many rows' largest logit is the label's (the
 * first of equal ones).
 */
double softmax_loss(const float *logits, const uint8_t *labels, uint32_t batch,
		    uint32_t classes, float *d_logits, uint32_t *correct);

#endif /* QACCEL_TRAIN_LOSS_H */
