/* SPDX-License-Identifier: MIT */
/* --bench: nanoseconds and GOPS (two per product) of every ISA, one thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "checkkern.h"

/* struct shape - square images and filters, "same" padding */
struct shape {
	const char *what;
	unsigned int opcode;
	uint32_t size, in_c, out_c;
	uint16_t kernel, stride;
};

static const struct shape shapes[] = {
	{ "conv2d", QACCEL_OP_CONV2D, 224, 3, 32, 3, 2 },
	{ "conv2d", QACCEL_OP_CONV2D, 56, 64, 128, 1, 1 },
	{ "conv2d", QACCEL_OP_CONV2D, 14, 512, 512, 1, 1 },
	{ "conv2d", QACCEL_OP_CONV2D, 112, 32, 16, 1, 1 },
	{ "conv2d", QACCEL_OP_CONV2D, 28, 128, 128, 3, 1 },
	{ "conv2d", QACCEL_OP_CONV2D, 7, 512, 512, 3, 1 },
	{ "conv2d", QACCEL_OP_CONV2D, 1, 1024, 1001, 1, 1 },
	{ "dwconv2d", QACCEL_OP_DWCONV2D, 112, 32, 32, 3, 1 },
	{ "dwconv2d", QACCEL_OP_DWCONV2D, 56, 128, 128, 3, 2 },
	{ "dwconv2d", QACCEL_OP_DWCONV2D, 14, 512, 512, 3, 1 },
	{ "add", QACCEL_OP_ADD, 56, 24, 24, 1, 1 },
	{ "mul", QACCEL_OP_MUL, 56, 24, 24, 1, 1 },
	{ "avgpool", QACCEL_OP_AVGPOOL, 7, 1024, 1024, 7, 7 },
	{ "maxpool", QACCEL_OP_MAXPOOL, 112, 64, 64, 3, 2 },
	{ "mean", QACCEL_OP_MEAN, 7, 1280, 1280, 7, 7 },
	{ "requantize", QACCEL_OP_REQUANTIZE, 56, 64, 64, 1, 1 },
	{ "lut", QACCEL_OP_LUT, 56, 64, 64, 1, 1 },
	{ "softmax", QACCEL_OP_SOFTMAX, 1, 1001, 1001, 1, 1 },
};

/* struct work - a shape with its operands */
struct work {
	union qaccel_cmd u;
	void *in, *in1, *out, *weights, *channels, *scratch;
};

static void *filled(size_t size)
{
	void *p = aligned_alloc(64, (size + 64) / 64 * 64);
	uint8_t *bytes = p;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)rnd64();
	return p;
}

static void set_conv(struct work *w, const struct shape *s)
{
	struct qaccel_cmd_conv *c = &w->u.conv;
	bool depthwise = s->opcode == QACCEL_OP_DWCONV2D;
	struct qaccel_channel *records;

	c->kh = c->kw = s->kernel;
	c->stride_h = c->stride_w = s->stride;
	c->dilation_h = c->dilation_w = c->depth_multiplier = 1;
	c->pad_top = c->pad_left = (uint16_t)((s->kernel - 1) / 2);
	c->act_min = -128;
	c->act_max = 127;
	c->layout = depthwise ? QACCEL_LAYOUT_C16 : QACCEL_LAYOUT_O16K4;
	c->weights_size = (uint32_t)qk_weights_size(c);
	w->weights = filled(c->weights_size);
	w->channels = records = filled((s->out_c + 15) / 16 * 16 *
				       sizeof(*records));
	for (uint32_t o = 0; o < s->out_c; o++)
		records[o] = (struct qaccel_channel){
			.multiplier = 1500000000, .shift = -10,
		};
}

static void set_others(union qaccel_cmd *u, const struct shape *s)
{
	switch (s->opcode) {
	case QACCEL_OP_ADD:
	case QACCEL_OP_MUL:
		u->binary.in1 = u->binary.out = u->binary.in0;
		u->binary.left_shift = 20;
		u->binary.in0_multiplier = u->binary.in1_multiplier =
			u->binary.out_multiplier = 1500000000;
		u->binary.out_shift = -18;
		u->binary.act_min = -128;
		u->binary.act_max = 127;
		break;
	case QACCEL_OP_AVGPOOL:
	case QACCEL_OP_MAXPOOL:
		u->pool.kh = u->pool.kw = s->kernel;
		u->pool.stride_h = u->pool.stride_w = s->stride;
		u->pool.act_min = -128;
		u->pool.act_max = 127;
		break;
	case QACCEL_OP_MEAN:
		u->mean.multiplier = 1500000000;
		u->mean.shift = -5;
		u->mean.act_min = -128;
		u->mean.act_max = 127;
		break;
	case QACCEL_OP_REQUANTIZE:
		u->requantize.multiplier = 1500000000;
		u->requantize.act_min = -128;
		u->requantize.act_max = 127;
		break;
	case QACCEL_OP_SOFTMAX:
		u->softmax.multiplier = 1717986944;
		u->softmax.left_shift = 23;
		u->softmax.diff_min = -248;
		break;
	}
}

/* in and out stand at the same place in all commands but ADD and MUL. */
static struct work work_new(const struct shape *s)
{
	uint32_t size = s->opcode == QACCEL_OP_MEAN ||
			s->opcode == QACCEL_OP_AVGPOOL ? 1 :
			(s->size - 1) / s->stride + 1;
	struct work w = { .u.conv = {
		.hdr = { .opcode = (uint16_t)s->opcode },
		.in = { .n = 1, .h = s->size, .w = s->size, .c = s->in_c,
			.dtype = QACCEL_DTYPE_S8 },
		.out = { .n = 1, .h = size, .w = size, .c = s->out_c,
			 .dtype = QACCEL_DTYPE_S8 },
	} };

	if (s->opcode == QACCEL_OP_CONV2D || s->opcode == QACCEL_OP_DWCONV2D)
		set_conv(&w, s);
	else
		set_others(&w.u, s);
	w.in = filled(element_count(&w.u.conv.in));
	w.in1 = filled(element_count(&w.u.conv.in));
	w.out = filled((size_t)size * size * s->out_c);
	w.scratch = filled(isa_scratch_size(&w.u));
	return w;
}

static void work_free(struct work *w)
{
	free(w->in);
	free(w->in1);
	free(w->out);
	free(w->weights);
	free(w->channels);
	free(w->scratch);
}

static void call(const struct qk_table *t, const struct work *w,
		 const struct shape *s)
{
	uint32_t rows = s->opcode == QACCEL_OP_MEAN ? 1 :
			s->opcode == QACCEL_OP_ADD ||
			s->opcode == QACCEL_OP_MUL ? s->size :
			w->u.conv.out.h;
	struct qk_tile all = { .y1 = rows, .c1 = s->out_c };
	size_t count = element_count(&w->u.conv.in);

	switch (s->opcode) {
	case QACCEL_OP_CONV2D:
		t->conv2d(&w->u.conv, w->in, w->weights, w->channels, w->out,
			  &all, w->scratch);
		break;
	case QACCEL_OP_DWCONV2D:
		t->dwconv2d(&w->u.conv, w->in, w->weights, w->channels, w->out,
			    &all, w->scratch);
		break;
	case QACCEL_OP_ADD:
		t->add(&w->u.binary, w->in, w->in1, w->out, &all);
		break;
	case QACCEL_OP_MUL:
		t->mul(&w->u.binary, w->in, w->in1, w->out, &all);
		break;
	case QACCEL_OP_AVGPOOL:
		t->avgpool(&w->u.pool, w->in, w->out, &all, w->scratch);
		break;
	case QACCEL_OP_MAXPOOL:
		t->maxpool(&w->u.pool, w->in, w->out, &all, w->scratch);
		break;
	case QACCEL_OP_MEAN:
		t->mean(&w->u.mean, w->in, w->out, &all, w->scratch);
		break;
	case QACCEL_OP_REQUANTIZE:
		t->requantize(&w->u.requantize, w->in, w->out, count);
		break;
	case QACCEL_OP_LUT:
		t->lut(w->in1, w->in, w->out, count);
		break;
	case QACCEL_OP_SOFTMAX:
		t->softmax(&w->u.softmax, w->in, w->out, &all, w->scratch);
		break;
	}
}

/* Of this thread, so that neighbours on the machine count less. */
static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

#define SAMPLES		256
#define SAMPLE_NS	5e4
#define BENCH_NS	1e8

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of one call, where a sample is so many of them. */
static double sample_ns(const struct qk_table *t, const struct work *w,
			const struct shape *s, unsigned int calls)
{
	double at = now_ns();

	for (unsigned int i = 0; i < calls; i++)
		call(t, w, s);
	return (now_ns() - at) / calls;
}

/*
 * The tenth percentile of the samples in a tenth of a second. Not the least:
 * on virtual machines a sample now and then is impossibly short.
 */
static double typical_ns(const struct qk_table *t, const struct work *w,
			 const struct shape *s)
{
	double samples[SAMPLES], begin;
	unsigned int calls = 1;
	size_t n = 0;

	while (calls < 1u << 20 &&
	       sample_ns(t, w, s, calls) * calls < SAMPLE_NS)
		calls *= 2;
	begin = now_ns();
	do
		samples[n++] = sample_ns(t, w, s, calls);
	while (n < SAMPLES && now_ns() - begin < BENCH_NS);
	qsort(samples, n, sizeof(samples[0]), compare);
	return samples[n / 10];
}

/* Two for each product; for the other operations one for each input read. */
static double operations(const struct work *w, const struct shape *s)
{
	double out = (double)element_count(&w->u.conv.out);
	double taps = (double)s->kernel * s->kernel;

	switch (s->opcode) {
	case QACCEL_OP_CONV2D:
		return 2 * out * taps * s->in_c;
	case QACCEL_OP_DWCONV2D:
		return 2 * out * taps;
	case QACCEL_OP_MAXPOOL:
		return out * taps;
	default:
		return (double)element_count(&w->u.conv.in);
	}
}

void bench(const char *isa, const char *func)
{
	printf("%-10s %-22s %-10s %12s %8s\n", "function", "shape", "isa", "ns",
	       "GOPS");
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct shape *s = &shapes[i];
		const struct qk_table *t;
		struct work w;
		char shape[64];

		if (func && strcmp(func, s->what))
			continue;
		w = work_new(s);
		snprintf(shape, sizeof(shape), "%ux%ux%u>%u %ux%u/%u", s->size,
			 s->size, s->in_c, s->out_c, s->kernel, s->kernel,
			 s->stride);
		for (unsigned int j = 0; (t = isa_at(j)); j++) {
			double ns;

			if (isa && strcmp(isa, t->name))
				continue;
			ns = typical_ns(t, &w, s);
			printf("%-10s %-22s %-10s %12.0f %8.2f\n", s->what,
			       shape, t->name, ns, operations(&w, s) / ns);
		}
		work_free(&w);
	}
}
