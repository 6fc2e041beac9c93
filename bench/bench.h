/* SPDX-License-Identifier: MIT */
/* What the parts of qaccel-bench share. */
#ifndef QACCEL_BENCH_H
#define QACCEL_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* --------------------------------------------------------------- data.c -- */

/* Zero points as int8; of uint8 128 more. Those of weights: uint8 only. */
#define IN_SCALE	(1.0f / 64)
#define OUT_SCALE	(1.0f / 32)
#define IN_ZERO		(-5)
#define OUT_ZERO	7
#define WEIGHT_ZERO	133

/* struct layer_parts - the constants of a layer */
struct layer_parts {
	size_t size;
	int8_t *weights;		/* OHWI, depthwise HWC */
	int32_t *bias;
	float *scales;			/* of the weights, one a channel */
};

/* False: out of memory; free it in any case. */
bool layer_parts(const struct layer *layer, bool per_tensor, float in_scale,
		 float out_scale, struct layer_parts *parts);
void layer_parts_free(struct layer_parts *parts);
/* The same bytes for each call with this size. */
void layer_input(void *data, size_t size);
/* Rows or columns of the output, for those of the input. */
int32_t layer_out(const struct layer *layer, int32_t size);
/* In elements, which are bytes. */
size_t layer_in_size(const struct layer *layer);
size_t layer_out_size(const struct layer *layer);
/* Multiply-accumulates, padding taps included. */
double layer_macs(const struct layer *layer);
/* Input, weights and output, each once. */
double layer_bytes(const struct layer *layer);

/* -------------------------------------------------------------- model.c -- */

struct qaccel_model;

/* How layers are quantized. */
struct bench_form {
	bool uint8;			/* per tensor, weights with a zero point */
	bool relu;			/* clamped below at the zero point */
};

/* A model of this layer alone, with made-up weights; NULL: qaccel_last_error(). */
struct qaccel_model *layer_model(const struct layer *layer,
				 const struct bench_form *form);

/* --------------------------------------------------------------- peak.c -- */

/*
 * Multiply-accumulates a second of one core, by the best instruction of an ISA
 * that products of bytes can use exactly, measured now. 0 if not known.
 */
double peak_macs(const char *isa);
/* The ISA of peak_macs() that suits this machine best. */
const char *peak_isa(void);
/* Bytes a second that one core reads from a buffer of that size; 0: no memory. */
double peak_read(size_t size);

/* -------------------------------------------------------------- timer.c -- */

/*
 * Seconds that run(arg) takes: the 10th percentile of samples over budget
 * seconds, by the clock that fits: the thread's CPU time with one thread (other
 * programs don't count), wall time else. Negative: run() failed.
 */
double time_run(int (*run)(void *arg), void *arg, uint32_t threads,
		double budget);
double clock_now(uint32_t threads);

/* -------------------------------------------------------------- count.c -- */

/*
 * Between two calls, bench/arm/count.c counts the instructions; a program that
 * does not run in an emulator with it notices nothing.
 */
void count_mark(void);

/* --------------------------------------------------------------- sets.c -- */

/* struct target - what layers run on */
struct target {
	const char *peer, *version, *op;	/* columns of the CSV */
	uint32_t threads;
	double budget;			/* seconds for a layer */
	double peak;			/* MACs a second of one core, or 0 */
	bool count;			/* instructions, not time */
	void *arg;
	/* NULL: failed, and said why. */
	void *(*open)(void *arg, const struct layer *layer);
	int (*run)(void *op);
	void (*close)(void *op);
	/* May be NULL. */
	int (*check)(void *arg, const char *set, const struct layer *layer,
		     void *op);
};

extern const char bench_header[];
/* With count: the instructions are missing, the emulator says them. */
extern const char count_header[];
/* names: separated by commas; NULL: all. */
int bench_sets(const struct target *target, const char *names);

#endif /* QACCEL_BENCH_H */
