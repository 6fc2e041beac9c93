// SPDX-License-Identifier: MIT
/*
 * On a device, several sessions have a job under way each, so that its queues
 * are never empty. On the CPU, where a job of a small network is too short to
 * be shared, each thread has a session of its own.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <qaccel/quantize.h>

#include "eval.h"

#define MAX_LANES	16
#define NO_JOB		UINT32_MAX

/* A session, and the first of the pictures that it is running. */
struct lane {
	struct qaccel_session *session;
	uint32_t first;
};

struct worker {
	struct pool *pool;
	pthread_t thread;
	struct qaccel_device *device;	/* its own on the CPU, else NULL */
	struct lane lanes[MAX_LANES];
	uint32_t num_lanes;
	int ret;
};

struct pool {
	const struct eval *eval;
	uint32_t *predictions;
	uint8_t table[256 * sizeof(float)];	/* a pixel as the input has it */
	size_t element;			/* bytes of that */
	atomic_uint next;		/* picture that nobody has taken */
	atomic_uint done;
	struct worker *workers;
	uint32_t num_workers;
};

/* ------------------------------------------------------------- pictures -- */

static bool same_shape(const struct qaccel_tensor_info *input,
		       const struct idx *images)
{
	uint32_t rank = input->rank;

	/* Rows of pixels, or the pictures' own dimensions; one channel may lack. */
	if (rank == 2)
		return (size_t)input->dims[1] == images->size / images->dims[0];
	if (rank < images->rank || rank > 4)
		return false;
	for (uint32_t d = 1; d < rank; d++)
		if ((uint32_t)input->dims[d] != images->dims[d])
			return false;
	return true;
}

int eval_prepare(struct eval *eval, const struct idx *images, uint32_t count)
{
	struct qaccel_tensor_info *in = &eval->input, *out = &eval->output;
	char have[96];

	if (qaccel_model_num_inputs(eval->model) != 1 ||
	    qaccel_model_num_outputs(eval->model) != 1)
		return tool_error("eval needs a model with one input and one output; this one has %u and %u",
				  qaccel_model_num_inputs(eval->model),
				  qaccel_model_num_outputs(eval->model));
	if (qaccel_model_input(eval->model, 0, in) ||
	    qaccel_model_output(eval->model, 0, out))
		return tool_library_error();
	if (in->rank < 2 || !same_shape(in, images))
		return tool_error("the model takes pictures of %s, not of %u x %u x %u",
				  report_shape(in, have), images->dims[1],
				  images->dims[2], images->dims[3]);
	if (in->type == QACCEL_TYPE_INT32 ||
	    (in->type != QACCEL_TYPE_FLOAT32 && in->num_scales != 1))
		return tool_error("the model's input is not quantized");
	eval->batch = (uint32_t)in->dims[0];
	if (out->rank < 2 || out->dims[0] != in->dims[0])
		return tool_error("the model's output, %s, is not a row of classes for each picture",
				  report_shape(out, have));
	eval->classes = (uint32_t)(out->size / qaccel_type_size(out->type) /
				   eval->batch);
	eval->pixels = images->values;
	eval->count = count;
	return TOOL_OK;
}

/* The real value of a pixel is pixel / 255. */
static int make_table(struct pool *pool)
{
	const struct qaccel_tensor_info *in = &pool->eval->input;
	float real[256];

	for (int p = 0; p < 256; p++)
		real[p] = (float)p / 255;
	pool->element = qaccel_type_size(in->type);
	if (in->type == QACCEL_TYPE_FLOAT32)
		memcpy(pool->table, real, sizeof(real));
	else if (qaccel_quantize(in->type, in->scales[0], in->zero_points[0],
				 real, pool->table, 256))
		return tool_library_error();
	return TOOL_OK;
}

static void fill(const struct pool *pool, uint8_t *data, const uint8_t *pixels,
		 size_t count)
{
	if (pool->element == 1) {
		for (size_t i = 0; i < count; i++)
			data[i] = pool->table[pixels[i]];
		return;
	}
	for (size_t i = 0; i < count; i++)
		memcpy(data + i * pool->element,
		       pool->table + pixels[i] * pool->element, pool->element);
}

static double element(enum qaccel_type type, const void *data, size_t i)
{
	switch (type) {
	case QACCEL_TYPE_UINT8:
		return ((const uint8_t *)data)[i];
	case QACCEL_TYPE_INT8:
		return ((const int8_t *)data)[i];
	case QACCEL_TYPE_INT16:
		return ((const int16_t *)data)[i];
	case QACCEL_TYPE_INT32:
		return ((const int32_t *)data)[i];
	case QACCEL_TYPE_FLOAT32:
		return (double)((const float *)data)[i];
	}
	return 0;
}

/* Scales are positive: the integers are in their real values' order. */
static uint32_t largest(enum qaccel_type type, const void *data, size_t first,
			uint32_t count)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < count; i++)
		if (element(type, data, first + i) >
		    element(type, data, first + best))
			best = i;
	return best;
}

/* ----------------------------------------------------------------- runs -- */

static void show_progress(struct pool *pool, uint32_t more)
{
	uint32_t done = atomic_fetch_add(&pool->done, more) + more;
	uint32_t count = pool->eval->count, step = count / 100 + 1;

	if (done / step == (done - more) / step || !isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r%u of %u pictures", done, count);
}

/* Waits for what the lane is running, if anything, and takes its predictions. */
static int collect(struct pool *pool, struct lane *lane)
{
	const struct eval *eval = pool->eval;
	uint32_t n = eval->batch;
	const void *data;

	if (lane->first == NO_JOB)
		return TOOL_OK;
	if (qaccel_session_wait(lane->session, -1))
		return tool_library_error();
	data = qaccel_session_output(lane->session, 0);
	if (n > eval->count - lane->first)
		n = eval->count - lane->first;
	for (uint32_t i = 0; i < n; i++)
		pool->predictions[lane->first + i] =
			largest(eval->output.type, data,
				(size_t)i * eval->classes, eval->classes);
	lane->first = NO_JOB;
	show_progress(pool, n);
	return TOOL_OK;
}

/* The last batch may be short: what is left from an earlier one fills it up. */
static int start(struct pool *pool, struct lane *lane, uint32_t first)
{
	const struct eval *eval = pool->eval;
	size_t picture = eval->input.size / eval->batch / pool->element;
	uint32_t n = eval->batch;

	if (n > eval->count - first)
		n = eval->count - first;
	fill(pool, qaccel_session_input(lane->session, 0),
	     eval->pixels + first * picture, n * picture);
	if (qaccel_session_start(lane->session))
		return tool_library_error();
	lane->first = first;
	return TOOL_OK;
}

/* The lanes in turn: that whose run began first is the next to be waited for. */
static int run_lanes(struct worker *worker)
{
	struct pool *pool = worker->pool;
	const struct eval *eval = pool->eval;
	uint32_t turn = 0, first;
	int ret = TOOL_OK;

	while (!ret) {
		struct lane *lane = &worker->lanes[turn++ % worker->num_lanes];

		first = atomic_fetch_add(&pool->next, eval->batch);
		if (first >= eval->count)
			break;
		ret = collect(pool, lane);
		if (!ret)
			ret = start(pool, lane, first);
	}
	for (uint32_t i = 0; i < worker->num_lanes && !ret; i++)
		ret = collect(pool, &worker->lanes[i]);
	return ret;
}

static void *work(void *data)
{
	struct worker *worker = data;

	worker->ret = run_lanes(worker);
	/* No more for the others either. */
	if (worker->ret)
		atomic_store(&worker->pool->next, worker->pool->eval->count);
	return NULL;
}

/* -------------------------------------------------------------- workers -- */

static int open_worker(struct worker *worker, const struct eval *eval,
		       bool is_cpu)
{
	struct qaccel_device_options options = {
		.threads = 1,
		.isa = eval->options->isa,
	};

	if (is_cpu && qaccel_device_open(&options, "cpu", &worker->device))
		return tool_library_error();
	for (uint32_t i = 0; i < worker->num_lanes; i++) {
		worker->lanes[i].first = NO_JOB;
		if (qaccel_session_create(is_cpu ? worker->device : eval->device,
					  eval->model, NULL,
					  &worker->lanes[i].session))
			return tool_library_error();
	}
	return TOOL_OK;
}

static void close_workers(struct pool *pool)
{
	for (uint32_t w = 0; w < pool->num_workers; w++) {
		struct worker *worker = &pool->workers[w];

		for (uint32_t i = 0; i < worker->num_lanes; i++)
			qaccel_session_destroy(worker->lanes[i].session);
		qaccel_device_close(worker->device);
	}
	free(pool->workers);
}

static uint32_t at_most(uint32_t x, uint32_t max)
{
	return x < max ? x : max;
}

static int open_workers(struct pool *pool)
{
	const struct eval *eval = pool->eval;
	uint32_t jobs = (eval->count - 1) / eval->batch + 1;
	struct qaccel_device_info info;
	int ret = TOOL_OK;

	qaccel_device_get_info(eval->device, &info);
	pool->num_workers = info.is_cpu ? at_most(info.threads, jobs) : 1;
	pool->workers = calloc(pool->num_workers, sizeof(*pool->workers));
	if (!pool->workers) {
		pool->num_workers = 0;
		return tool_error("out of memory");
	}
	for (uint32_t w = 0; w < pool->num_workers && !ret; w++) {
		struct worker *worker = &pool->workers[w];

		worker->pool = pool;
		/* One that runs and one that is queued, for each engine. */
		worker->num_lanes = info.is_cpu ? 1 :
			at_most(at_most(2 * info.engines, MAX_LANES), jobs);
		ret = open_worker(worker, eval, info.is_cpu);
	}
	return ret;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* This thread is the first worker's. */
static int run_workers(struct pool *pool, double *seconds)
{
	double begin = now();
	int ret = TOOL_OK;
	uint32_t started;

	for (started = 1; started < pool->num_workers; started++)
		if (pthread_create(&pool->workers[started].thread, NULL, work,
				   &pool->workers[started]))
			break;
	work(&pool->workers[0]);
	for (uint32_t w = 1; w < started; w++)
		pthread_join(pool->workers[w].thread, NULL);
	*seconds = now() - begin;
	for (uint32_t w = 0; w < started && !ret; w++)
		ret = pool->workers[w].ret;
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%40s\r", "");
	return ret;
}

int eval_predict(const struct eval *eval, uint32_t *predictions,
		 double *seconds)
{
	struct pool pool = { .eval = eval, .predictions = predictions };
	int ret;

	ret = make_table(&pool);
	if (!ret)
		ret = open_workers(&pool);
	if (!ret)
		ret = run_workers(&pool, seconds);
	close_workers(&pool);
	return ret;
}
