/* SPDX-License-Identifier: MIT */
/* What the parts of qaccel-bench share. */
#ifndef QACCEL_BENCH_H
#define QACCEL_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qaccel/graph.h>
#include <qaccel/qaccel.h>

/* ------------------------------------------------------------- layers.c -- */

enum layer_kind { GEMM, CONV, DEPTHWISE };

/* struct layer - one layer of a network; convolutions are padded SAME */
struct layer {
	const char *name;
	enum layer_kind kind;
	int32_t h, w;			/* GEMM: M, 1 */
	int32_t in_channels;		/* GEMM: K */
	int32_t out_channels;		/* GEMM: N */
	int32_t filter, stride;
	int32_t count;			/* how often the network has it */
};

struct layer_set {
	const char *name;
	const struct layer *layers;
	size_t count;
};

/* Ends with a set without a name. */
extern const struct layer_set layer_sets[];

/* -------------------------------------------------------------- model.c -- */

/* How layers are quantized. */
struct bench_form {
	bool uint8;			/* per tensor, weights with a zero point */
	bool relu;			/* clamped below at the zero point */
};

/* A model of this layer alone, with made-up weights; NULL: qaccel_last_error(). */
struct qaccel_model *layer_model(const struct layer *layer,
				 const struct bench_form *form);
/* The same bytes for each call with this size. */
void layer_input(void *data, size_t size);
/* Multiply-accumulates, padding taps included. */
double layer_macs(const struct layer *layer);

/* --------------------------------------------------------------- peak.c -- */

/*
 * Multiply-accumulates a second of one core, by the best instruction of an ISA
 * that products of bytes can use exactly, measured now. 0 if not known.
 */
double peak_macs(const char *isa);

/* -------------------------------------------------------------- timer.c -- */

/*
 * Seconds that run(arg) takes: the 10th percentile of samples over budget
 * seconds, by the clock that fits: the thread's CPU time with one thread (other
 * programs don't count), wall time else. Negative: run() failed.
 */
double time_run(int (*run)(void *arg), void *arg, uint32_t threads,
		double budget);
double clock_now(uint32_t threads);

#endif /* QACCEL_BENCH_H */
