/* SPDX-License-Identifier: MIT */
/* What the planner's tests have in common: cmocka, graphs, random numbers. */
#ifndef GRAPHS_H
#define GRAPHS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <qaccel/graph.h>
#include <qaccel/qaccel.h>

#include "plan.h"

/* The same numbers everywhere: xorshift64. */
struct random {
	uint64_t state;
};

/* In [0, below). */
uint32_t random_below(struct random *r, uint32_t below);
void random_fill(struct random *r, void *data, size_t size);

/* A tensor description of INT8 and scale 0.05, zero point -3, which most are. */
struct qaccel_tensor_desc int8_desc(uint32_t rank, const int32_t *dims);

/* An input {1, 8, 8, 4}. */
int32_t add_input(struct qaccel_builder *b);
/* Layers with random weights and bias, 3x3; out has int8_desc()'s quantization. */
int32_t add_conv(struct qaccel_builder *b, struct random *r, int32_t in,
		 int32_t in_channels, int32_t channels,
		 enum qaccel_padding padding);
int32_t add_depthwise(struct qaccel_builder *b, struct random *r, int32_t in,
		      int32_t channels);

/*
 * A model of many layers that branch and join, with one input {1, 8, 8, 4};
 * everything that nothing reads is an output.
 */
struct qaccel_model *random_model(uint64_t seed);

/* Builds and destroys the builder; fails the test if it can't. */
struct qaccel_model *finish(struct qaccel_builder *b);

/* A device without limits. */
extern const struct qaccel_target any_target;

/* Opens the CPU with these many threads. */
struct qaccel_device *open_cpu(uint32_t threads);

#endif /* GRAPHS_H */
