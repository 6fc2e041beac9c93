/* SPDX-License-Identifier: MIT */
/* From a trained network to a float model; qaccel/convert.h goes on from there. */
#ifndef QACCEL_TRAIN_CONVERT_H
#define QACCEL_TRAIN_CONVERT_H

#include <qaccel/convert.h>

#include "net.h"

/*
 * The float model of a network: input "input" of 1 x H x W x C, batch norm
 * folded, a tensor with the name of each layer for its output, and softmax at
 * the end ("probabilities") if asked for. ranges: those that training or
 * calibration set, one for each tensor of the model, to be freed; that of the
 * input is [0, 1]. NULL: not wanted.
 */
int convert_from_net(const struct net *net, bool softmax,
		     struct qaccel_model **model, struct qaccel_range **ranges);

#endif /* QACCEL_TRAIN_CONVERT_H */
