// SPDX-License-Identifier: MIT
/* The same layers and data as qaccel-bench, on another library. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

/* Vector kernels may read beyond the end. */
#define SLACK	64

/* struct op - an operator and what it works on */
struct op {
	struct problem problem;
	void *op;
};

static void close_op(void *arg)
{
	struct op *op = arg;
	struct problem *p = &op->problem;

	if (op->op)
		peer.close(op->op);
	layer_parts_free(&p->parts);
	free(p->f32_weights);
	free(p->f32_bias);
	free(p->in);
	free(p->out);
	free(op);
}

static int run_op(void *arg)
{
	return peer.run(((struct op *)arg)->op);
}

static void pad_same(const struct layer *l, int32_t size, int32_t out,
		     int32_t *before, int32_t *after)
{
	int32_t total = (out - 1) * l->stride + l->filter - size;

	if (total < 0)
		total = 0;
	*before = total / 2;
	*after = total - total / 2;
}

static void set_zeros(struct problem *p)
{
	bool uint8 = p->form == FORM_U8;

	p->min = p->form == FORM_S8 ? -128 : 0;
	p->max = p->form == FORM_S8 ? 127 : 255;
	if (p->form == FORM_U8S8)
		return;
	p->in_zero = IN_ZERO + (uint8 ? 128 : 0);
	p->out_zero = OUT_ZERO + (uint8 ? 128 : 0);
	p->weight_zero = uint8 ? WEIGHT_ZERO : 0;
}

static bool to_floats(struct problem *p)
{
	size_t channels = (size_t)p->layer->out_channels;
	size_t inputs = layer_in_size(p->layer);

	p->f32_weights = malloc(p->parts.size * sizeof(float));
	p->f32_bias = malloc(channels * sizeof(float));
	if (!p->f32_weights || !p->f32_bias)
		return false;
	for (size_t i = 0; i < p->parts.size; i++)
		p->f32_weights[i] = (float)p->parts.weights[i] / 128;
	for (size_t i = 0; i < channels; i++)
		p->f32_bias[i] = (float)p->parts.bias[i] / 16384;
	/* Denormal numbers would be slow. */
	for (size_t i = 0; i < inputs; i++)
		((float *)p->in)[i] = (float)(i % 251) / 128 - 1;
	return true;
}

static bool fill(struct problem *p, const struct layer *l)
{
	bool per_tensor = p->form == FORM_U8 || l->kind == GEMM;
	size_t element = p->form == FORM_F32 ? sizeof(float) : 1;

	p->layer = l;
	p->out_h = layer_out(l, l->h);
	p->out_w = layer_out(l, l->w);
	pad_same(l, l->h, p->out_h, &p->top, &p->bottom);
	pad_same(l, l->w, p->out_w, &p->left, &p->right);
	set_zeros(p);
	p->in = calloc(1, layer_in_size(l) * element + SLACK);
	p->out = calloc(1, layer_out_size(l) * element + SLACK);
	if (!p->in || !p->out ||
	    !layer_parts(l, per_tensor, IN_SCALE, OUT_SCALE, &p->parts))
		return false;
	layer_input(p->in, layer_in_size(l));
	return p->form != FORM_F32 || to_floats(p);
}

/* struct run - what all layers have in common */
struct run {
	enum peer_form form;
	uint32_t threads;
};

static void *open_op(void *arg, const struct layer *layer)
{
	const struct run *run = arg;
	struct op *op = calloc(1, sizeof(*op));

	if (!op)
		return NULL;
	op->problem.form = run->form;
	op->problem.threads = run->threads;
	if (fill(&op->problem, layer))
		op->op = peer.open(&op->problem);
	if (op->op)
		return op;
	close_op(op);
	return NULL;
}

static const struct peer_op *find_op(const char *name)
{
	for (const struct peer_op *op = peer.ops; op->name; op++)
		if (!strcmp(op->name, name))
			return op;
	return NULL;
}

static int bench_op(const struct peer_op *op, const char *sets,
		    uint32_t threads, double budget, bool count)
{
	struct run run = { op->form, threads };
	double peak = op->form == FORM_F32 || count ? 0 :
		      peak_macs(peak_isa());
	struct target target = {
		.peer = peer.name,
		.version = peer.version(),
		.op = op->name,
		.threads = threads,
		.budget = budget,
		.peak = peak,
		.count = count,
		.arg = &run,
		.open = open_op,
		.run = run_op,
		.close = close_op,
	};

	return bench_sets(&target, sets);
}

static int usage(void)
{
	fprintf(stderr, "usage: peer [--set gemm,mv1,rn50,mv2] [--threads N] "
		"[--budget SECONDS] [--op NAME] [--count]\nops:");
	for (const struct peer_op *op = peer.ops; op->name; op++)
		fprintf(stderr, " %s", op->name);
	fputc('\n', stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "set", required_argument, NULL, 's' },
		{ "threads", required_argument, NULL, 't' },
		{ "budget", required_argument, NULL, 'b' },
		{ "op", required_argument, NULL, 'o' },
		{ "count", no_argument, NULL, 'n' },
		{ 0 }
	};
	const char *sets = NULL, *name = NULL;
	uint32_t threads = 1;
	double budget = 0.08;
	bool count = false;
	int c, ret = 0;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			sets = optarg;
		else if (c == 't')
			threads = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'b')
			budget = strtod(optarg, NULL);
		else if (c == 'o')
			name = optarg;
		else if (c == 'n')
			count = true;
		else
			return usage();
	}
	if (optind < argc || !threads || budget <= 0 || (name && !find_op(name)))
		return usage();
	puts(count ? count_header : bench_header);
	for (const struct peer_op *op = peer.ops; op->name && !ret; op++)
		if (!name || !strcmp(op->name, name))
			ret = bench_op(op, sets, threads, budget, count);
	return ret ? 1 : 0;
}
