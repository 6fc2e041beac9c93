/* SPDX-License-Identifier: MIT */
/*
 * Convolutions as products of matrices: a row of the columns is what one output
 * pixel's window sees, size_h * size_w * in.c values in the filter's order.
 */
#ifndef QACCEL_TRAIN_CONV_H
#define QACCEL_TRAIN_CONV_H

#include "window.h"

/* False: the pictures are their own columns. */
bool conv_has_columns(const struct window *window);
/* Values in one row. */
size_t conv_depth(const struct window *window);

/* The pictures' columns: in buffer, or x itself. */
const float *conv_columns(const struct window *window, const float *x,
			  size_t pictures, float *buffer);
/* z = columns * weights' */
void conv_product(const struct window *window, const float *columns,
		  const float *weights, size_t pictures, float *z);
/* d_weights = dz' * columns, or added to it */
void conv_weights_gradient(const struct window *window, const float *columns,
			   const float *dz, size_t pictures, bool add,
			   float *d_weights);
/* dx = dz * weights through the windows, or added to it; buffer: of columns */
void conv_input_gradient(const struct window *window, const float *dz,
			 const float *weights, size_t pictures, float *buffer,
			 bool add, float *dx);

#endif /* QACCEL_TRAIN_CONV_H */
