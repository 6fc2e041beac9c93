/* SPDX-License-Identifier: MIT */
/* A library that is measured beside qaccel: one file peer_NAME.c each. */
#ifndef QACCEL_BENCH_PEER_H
#define QACCEL_BENCH_PEER_H

#include "bench.h"

/* enum peer_form - what is multiplied */
enum peer_form {
	FORM_S8,	/* int8, zero points at input and output, weights per channel */
	FORM_U8,	/* uint8, zero points at all three, per tensor */
	FORM_U8S8,	/* uint8 with int8 weights per channel and no zero point */
	FORM_F32,	/* for comparison */
};

/* struct problem - a layer with its data; all of it outlives the operator */
struct problem {
	const struct layer *layer;
	enum peer_form form;
	uint32_t threads;
	int32_t out_h, out_w;
	int32_t top, left, bottom, right;	/* padding: SAME */
	/* In the type of the form; not for FORM_F32. */
	int32_t in_zero, weight_zero, out_zero, min, max;
	struct layer_parts parts;
	float *f32_weights, *f32_bias;		/* FORM_F32 */
	void *in, *out;				/* NHWC, readable 64 bytes beyond */
};

struct peer {
	const char *name;
	const struct peer_op {
		const char *name;
		enum peer_form form;
	} *ops;					/* ends with a NULL name */
	const char *(*version)(void);
	void *(*open)(const struct problem *problem);
	int (*run)(void *op);
	void (*close)(void *op);
};

extern const struct peer peer;

#endif /* QACCEL_BENCH_PEER_H */
