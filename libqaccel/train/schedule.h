/* SPDX-License-Identifier: MIT */
#ifndef QACCEL_TRAIN_SCHEDULE_H
#define QACCEL_TRAIN_SCHEDULE_H

#include <stdint.h>

#include <qaccel/train.h>

/*
 * The learning rate of a step, from 0, of a training of steps; rate: the
 * highest; warm_up: the share of the steps in which one-cycle rises.
 */
double schedule_rate(enum qaccel_schedule schedule, double rate, double warm_up,
		     uint64_t step, uint64_t steps);

#endif /* QACCEL_TRAIN_SCHEDULE_H */
