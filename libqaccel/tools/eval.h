/* SPDX-License-Identifier: MIT */
/* A classifier's predictions for many pictures, as fast as the device gives them. */
#ifndef QACCEL_EVAL_H
#define QACCEL_EVAL_H

#include "idx.h"
#include "tool.h"

struct eval {
	const struct tool_options *options;
	struct qaccel_device *device;
	const struct qaccel_model *model;
	const uint8_t *pixels;		/* count pictures */
	uint32_t count;
	uint32_t batch;			/* pictures that one run takes */
	uint32_t classes;
	struct qaccel_tensor_info input, output;
};

/*
 * Whether the model is a classifier of such pictures: one input, of them, and
 * one output. Sets the rest of eval, given options, device and model.
 */
int eval_prepare(struct eval *eval, const struct idx *images, uint32_t count);

/*
 * predictions[count]: the class with the largest value, the first of equals.
 * seconds: from the first start to the last end.
 */
int eval_predict(const struct eval *eval, uint32_t *predictions,
		 double *seconds);

#endif /* QACCEL_EVAL_H */
