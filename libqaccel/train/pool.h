/* SPDX-License-Identifier: MIT */
#ifndef QACCEL_TRAIN_POOL_H
#define QACCEL_TRAIN_POOL_H

#include "window.h"

void average_pool(const struct window *window, const float *x, size_t pictures,
		  float *y);
void max_pool(const struct window *window, const float *x, size_t pictures,
	      float *y);

/* dx is set, or added to. */
void average_pool_gradient(const struct window *window, const float *dy,
			   size_t pictures, bool add, float *dx);
/* The first of equal values has it. buffer: of a value a channel. */
void max_pool_gradient(const struct window *window, const float *x,
		       const float *y, const float *dy, size_t pictures,
		       bool add, float *dx, float *buffer);

#endif /* QACCEL_TRAIN_POOL_H */
