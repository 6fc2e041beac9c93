/* SPDX-License-Identifier: MIT */
/* What a training came to, epoch by epoch: as a picture and as a table. */
#ifndef QACCEL_CURVE_H
#define QACCEL_CURVE_H

#include <stdio.h>

#include <qaccel/train.h>

/* struct curve - zero epochs are fine; test values may be NaN: left out */
struct curve {
	const char *title;		/* any text */
	const struct qaccel_epoch *epochs;
	uint32_t count;
};

/* An SVG with two plots over the epochs: loss and accuracy. */
void curve_svg(const struct curve *curve, FILE *file);
/* A line of names, then one an epoch; what is NaN is empty. */
void curve_csv(const struct curve *curve, FILE *file);

#endif /* QACCEL_CURVE_H */
