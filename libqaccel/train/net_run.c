// SPDX-License-Identifier: MIT
/* Passes over a network: their buffers, their threads, and the public calls. */
#include <cblas.h>
#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <qaccel/qaccel.h>

#include "conv.h"
#include "dwconv.h"
#include "error.h"
#include "loss.h"
#include "net_run.h"

#define MAX_THREADS	1024
#define EVALUATE_BATCH	128

uint32_t net_chunks(uint32_t batch)
{
	return batch / NET_CHUNK + (batch % NET_CHUNK != 0);
}

/* ------------------------------------------------------------- threads -- */

struct job {
	struct net_train *train;
	struct layer_run *run;
	chunk_fn *fn;
	atomic_uint next;
};

/* One call for each thread; all of them take chunks until there are no more. */
static void work(void *context, size_t thread)
{
	struct job *job = context;
	uint32_t batch = job->train->batch, chunks = net_chunks(batch), index;

	while ((index = atomic_fetch_add(&job->next, 1)) < chunks) {
		size_t first = (size_t)index * NET_CHUNK;
		struct chunk chunk = {
			.index = index,
			.first = first,
			.count = batch - first < NET_CHUNK ? batch - first : NET_CHUNK,
		};

		job->fn(job->train, job->run, chunk, &job->train->scratch[thread]);
	}
}

void net_for_chunks(struct net_train *train, struct layer_run *run, chunk_fn *fn)
{
	struct job job = { train, run, fn, 0 };

	pthreadpool_parallelize_1d(train->pool, work, &job, train->threads,
				   PTHREADPOOL_FLAG_DISABLE_DENORMALS |
				   PTHREADPOOL_FLAG_YIELD_WORKERS);
}

/* ------------------------------------------------------------- buffers -- */

/* Counts what is asked for; hands it out as well once there is memory. */
struct arena {
	char *base;
	size_t used;
	bool overflow;
};

static void *take(struct arena *arena, size_t count, size_t size)
{
	size_t bytes, at = arena->used;

	if (__builtin_mul_overflow(count, size, &bytes) ||
	    bytes > SIZE_MAX / 2 - 64 - at) {
		arena->overflow = true;
		return NULL;
	}
	arena->used = (at + bytes + 63) & ~(size_t)63;
	return arena->base ? arena->base + at : NULL;
}

static float *take_floats(struct arena *arena, size_t count, size_t times)
{
	return take(arena, count, times * sizeof(float));
}

static void place_layer(struct arena *arena, struct layer_run *run,
			uint32_t batch, bool gradients)
{
	size_t channels = run->channels, weights = run->layer->weights_count;
	uint32_t chunks = net_chunks(batch);

	run->y = take_floats(arena, run->out_values, batch);
	if (gradients)
		run->dy = take_floats(arena, run->out_values, batch);
	if (layer_is_pool(run->layer))
		return;
	run->z = take_floats(arena, run->out_values, batch);
	run->scale = take_floats(arena, channels, 1);
	run->shift = take_floats(arena, channels, 1);
	run->mean = take_floats(arena, channels, 1);
	run->rstd = take_floats(arena, channels, 1);
	run->extremes = take_floats(arena, 2, chunks);
	run->sums = take(arena, channels, 2 * sizeof(*run->sums) * chunks);
	run->folded = take_floats(arena, weights, 1);
	run->quantized = take_floats(arena, weights, 1);
	if (gradients)
		run->partials = take_floats(arena, weights, chunks);
}

struct scratch_sizes {
	size_t columns, product, sums;
};

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static void add_scratch(struct scratch_sizes *sizes, const struct layer_run *run)
{
	size_t columns = 0;

	if (run->layer->desc.kind == NET_DWCONV)
		columns = dwconv_buffer(&run->window);
	else if (run->layer->desc.kind == NET_CONV && conv_has_columns(&run->window))
		columns = run->block * run->rows * conv_depth(&run->window);
	sizes->columns = larger(sizes->columns, columns);
	if (run->layer->gamma)
		sizes->product = larger(sizes->product, run->block * run->out_values);
	sizes->sums = larger(sizes->sums, 2 * (size_t)run->channels);
}

static void place_all(struct arena *arena, struct net *net, uint32_t batch,
		      uint32_t threads, bool gradients)
{
	struct scratch_sizes sizes = { 0 };
	struct net_train *train = net->train;

	for (uint32_t i = 0; i < net->num_layers; i++) {
		place_layer(arena, &train->runs[i], batch, gradients);
		add_scratch(&sizes, &train->runs[i]);
	}
	train->scratch = take(arena, threads, sizeof(*train->scratch));
	for (uint32_t i = 0; i < threads; i++) {
		struct scratch scratch = {
			.columns = take_floats(arena, sizes.columns, 1),
			.product = take_floats(arena, sizes.product, 1),
			.sums = take_floats(arena, sizes.sums, 1),
		};

		if (arena->base)
			train->scratch[i] = scratch;
	}
}

static void release_buffers(struct net_train *train)
{
	free(train->buffers);
	train->buffers = NULL;
	train->capacity = 0;
	train->has_gradients = false;
}

/* Large pages where there are some: all of it is walked through again and again. */
static void *allocate_large(size_t size)
{
	const size_t page = (size_t)2 << 20;
	size_t rounded = (size + page - 1) & ~(page - 1);
	void *memory = aligned_alloc(page, rounded);

	if (memory)
		madvise(memory, rounded, MADV_HUGEPAGE);
	return memory;
}

static int allocate_buffers(struct net *net, uint32_t batch, uint32_t threads,
			    bool gradients)
{
	struct net_train *train = net->train;
	struct arena arena = { 0 };

	release_buffers(train);
	place_all(&arena, net, batch, threads, gradients);
	if (!arena.overflow)
		train->buffers = allocate_large(arena.used);
	if (!train->buffers)
		return qaccel_error(ENOMEM, "no memory for %u pictures at a time",
				    batch);
	arena = (struct arena){ .base = train->buffers };
	place_all(&arena, net, batch, threads, gradients);
	train->capacity = batch;
	train->has_gradients = gradients;
	return 0;
}

static int start_threads(struct net_train *train, uint32_t threads)
{
	if (train->pool)
		pthreadpool_destroy(train->pool);
	train->pool = NULL;
	train->threads = 0;
	if (threads > 1) {
		train->pool = pthreadpool_create(threads);
		if (!train->pool)
			return qaccel_error(ENOMEM, "no memory for %u threads",
					    threads);
	}
	train->threads = threads;
	return 0;
}

void net_release(struct net_train *train)
{
	if (train->pool)
		pthreadpool_destroy(train->pool);
	train->pool = NULL;
	train->threads = 0;
	release_buffers(train);
}

static int check_momentum(const char *name, float momentum)
{
	if (momentum >= 0 && momentum < 1)
		return 0;
	return qaccel_error(EINVAL, "a momentum of %g for the %s", (double)momentum,
			    name);
}

static int check_pass(const struct net_pass *pass, uint32_t batch, uint32_t threads)
{
	int err = 0;

	if (!batch)
		return qaccel_error(EINVAL, "a batch of no pictures");
	if (!threads || threads > MAX_THREADS)
		return qaccel_error(EINVAL, "%u threads, not 1 to %u", threads,
				    MAX_THREADS);
	if (pass->batch_statistics)
		err = check_momentum("statistics", pass->bn_momentum);
	if (!err && pass->update_ranges)
		err = check_momentum("ranges", pass->range_momentum);
	return err;
}

int net_prepare(struct net *net, const struct net_pass *pass, uint32_t batch,
		uint32_t threads, bool gradients)
{
	struct net_train *train = net->train;
	int err;

	err = check_pass(pass, batch, threads);
	if (err)
		return err;
	/* The threads are ours; those of two libraries would be in each other's way. */
	openblas_set_num_threads(1);
	if (batch > train->capacity || threads > train->threads ||
	    (gradients && !train->has_gradients)) {
		err = allocate_buffers(net, larger(batch, train->capacity), threads,
				       gradients || train->has_gradients);
		if (err)
			return err;
	}
	if (threads != train->threads)
		err = start_threads(train, threads);
	train->pass = *pass;
	train->batch = batch;
	return err;
}

int net_layer_error(const struct net_layer *layer, const char *what, int err)
{
	char text[256];

	/* A copy: the message is written over it. */
	snprintf(text, sizeof(text), "%s", qaccel_last_error());
	return qaccel_error(-err, "layer %s: %s: %s", layer->desc.name, what, text);
}

/* -------------------------------------------------------------- public -- */

static int check_labels(const struct net *net, const uint8_t *labels,
			uint32_t batch)
{
	for (uint32_t i = 0; i < batch; i++)
		if (labels[i] >= net->classes)
			return qaccel_error(EINVAL,
					    "picture %u has label %u, of %u classes",
					    i, labels[i], net->classes);
	return 0;
}

int net_train_step(struct net *net, const struct net_pass *pass,
		   const float *images, const uint8_t *labels, uint32_t batch,
		   uint32_t threads, double *loss, uint32_t *correct)
{
	struct layer_run *last = &net->train->runs[net->num_layers - 1];
	int err;

	err = check_labels(net, labels, batch);
	if (!err)
		err = net_prepare(net, pass, batch, threads, true);
	if (!err)
		err = net_forward(net, images);
	if (err)
		return err;
	*loss = softmax_loss(last->y, labels, batch, net->classes, last->dy, correct);
	if (!isfinite(*loss))
		return qaccel_error(EDOM, "the loss is not a number any more: the learning rate is too high, or the pictures are not finite");
	net_backward(net);
	return 0;
}

int net_evaluate(struct net *net, const struct net_pass *pass,
		 const float *images, size_t count, uint32_t threads,
		 float *logits)
{
	struct layer_run *last = &net->train->runs[net->num_layers - 1];
	size_t picture = shape_values(net->in);
	struct net_pass frozen = *pass;

	frozen.batch_statistics = frozen.update_ranges = false;
	for (size_t i = 0; i < count; i += EVALUATE_BATCH) {
		size_t n = count - i < EVALUATE_BATCH ? count - i : EVALUATE_BATCH;
		int err;

		err = net_prepare(net, &frozen, (uint32_t)n, threads, false);
		if (!err)
			err = net_forward(net, images + i * picture);
		if (err)
			return err;
		memcpy(logits + i * net->classes, last->y,
		       n * net->classes * sizeof(*logits));
	}
	return 0;
}

int net_watch(struct net *net, const struct net_pass *pass, const float *images,
	      uint32_t batch, uint32_t threads, net_watch_fn *watch,
	      void *context)
{
	int err;

	err = net_prepare(net, pass, batch, threads, false);
	if (!err)
		err = net_forward(net, images);
	if (err)
		return err;
	watch(context, NET_INPUT, images, shape_values(net->in) * batch);
	for (uint32_t i = 0; i < net->num_layers; i++)
		watch(context, (int32_t)i, net->train->runs[i].y,
		      net->train->runs[i].out_values * batch);
	return 0;
}
