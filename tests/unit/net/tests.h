/* SPDX-License-Identifier: MIT */
/* What the tests of the network share. */
#ifndef TESTS_H
#define TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net.h"

/* --------------------------------------------------------------- build.c -- */

/* A network under construction; each call adds a layer and gives its index. */
struct plan {
	struct net_shape in;
	struct net_layer_desc layers[NET_MAX_LAYERS];
	uint32_t count;
};

int32_t plan_conv(struct plan *plan, int32_t in, uint32_t filters, uint32_t size,
		  uint32_t stride, enum net_activation activation);
int32_t plan_dwconv(struct plan *plan, int32_t in, uint32_t size, uint32_t stride,
		    enum net_activation activation);
int32_t plan_fc(struct plan *plan, int32_t in, uint32_t filters);
int32_t plan_add(struct plan *plan, int32_t a, int32_t b,
		 enum net_activation activation);
int32_t plan_pool(struct plan *plan, int32_t in, enum net_kind kind, uint32_t size,
		  uint32_t stride);
/* Created, with parameters and running statistics that are nothing special. */
struct net *plan_build(const struct plan *plan, uint64_t seed);
/* A residual network with a depthwise block and both pools; 12 x 11 x 3. */
struct net *build_mixed(uint64_t seed);

struct batch {
	uint32_t count;
	float *images;
	uint8_t *labels;
};

struct batch batch_of(const struct net *net, uint32_t count, uint64_t seed);
void batch_free(struct batch *batch);

/* ----------------------------------------------------------- reference.c -- */

/* The same network by loops over its definition, in double; no quantization. */
struct reference {
	const struct net *net;
	const struct net_pass *pass;
	const struct batch *batch;
	double *params[3 * NET_MAX_LAYERS];	/* copies of net's, to change */
	double *outputs[NET_MAX_LAYERS];
	double *mean[NET_MAX_LAYERS], *variance[NET_MAX_LAYERS]; /* the batch's */
};

void reference_create(struct reference *reference, const struct net *net,
		      const struct net_pass *pass, const struct batch *batch);
void reference_destroy(struct reference *reference);
/* The loss; outputs are there afterwards. Layers before first are as they were. */
double reference_run(struct reference *reference, uint32_t first);

/* ------------------------------------------------------------------ tests -- */

int run_gradient_tests(void);
int run_quantized_tests(void);
int run_error_tests(void);

#endif /* TESTS_H */
