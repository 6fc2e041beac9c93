/* SPDX-License-Identifier: MIT */
/* Depthwise convolutions: each channel has a filter of its own (1HWO). */
#ifndef QACCEL_TRAIN_DWCONV_H
#define QACCEL_TRAIN_DWCONV_H

#include "window.h"

/* Values that buffer below has. */
size_t dwconv_buffer(const struct window *window);

void dwconv_product(const struct window *window, const float *x,
		    const float *weights, size_t pictures, float *buffer,
		    float *z);
/* Set, or added to. */
void dwconv_weights_gradient(const struct window *window, const float *x,
			     const float *dz, size_t pictures, float *buffer,
			     bool add, float *d_weights);
void dwconv_input_gradient(const struct window *window, const float *dz,
			   const float *weights, size_t pictures, float *buffer,
			   bool add, float *dx);

#endif /* QACCEL_TRAIN_DWCONV_H */
