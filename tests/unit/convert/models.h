/* SPDX-License-Identifier: MIT */
/* Models and inputs for the tests of writing and converting. */
#ifndef MODELS_H
#define MODELS_H

#include <stdint.h>

#include <qaccel/convert.h>
#include <qaccel/qaccel.h>

/* The same numbers for the same seed; floats are from -1 to 1. */
void make_input(const struct qaccel_tensor_info *info, uint32_t seed,
		void *data);
void make_floats(uint32_t seed, float low, float high, float *out, size_t count);

/* One of every operator of the builder, with activations of this 8-bit type. */
struct qaccel_model *build_integer_model(enum qaccel_type type);

/* One of every operator of the builder that float models may have. */
struct qaccel_model *build_float_model(void);

/* check() on each model of DIR/NAME/model.tflite; there are many. */
void for_each_golden(const char *dir,
		     void (*check)(const struct qaccel_model *model));

/* Ranges from so many made-up examples of one input, to be freed. */
struct qaccel_range *calibrate(const struct qaccel_model *model, uint32_t count);

#endif /* MODELS_H */
