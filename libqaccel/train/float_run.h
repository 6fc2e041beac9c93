/* SPDX-License-Identifier: MIT */
/*
 * Running a float model
 *
 * For calibration and comparison, not for speed: every tensor has memory of its
 * own and keeps its values until the next run.
 */
#ifndef QACCEL_TRAIN_FLOAT_RUN_H
#define QACCEL_TRAIN_FLOAT_RUN_H

#include <qaccel/qaccel.h>

struct float_run;

/* -EINVAL: not a float model. */
int float_run_create(const struct qaccel_model *model, struct float_run **run);
void float_run_destroy(struct float_run *run);

/*
 * The values of a tensor: an input's, to be set, or what the last run computed.
 * Of constants, those of type FLOAT32 alone; NULL where there are none.
 */
float *float_run_tensor(const struct float_run *run, uint32_t index);

/* -ENOMEM. */
int float_run_once(struct float_run *run);
/* The same with these inputs, one array for each of the model's. -EINVAL. */
int float_run_inputs(struct float_run *run, const struct qaccel_model *model,
		     const float *const *inputs);

#endif /* QACCEL_TRAIN_FLOAT_RUN_H */
