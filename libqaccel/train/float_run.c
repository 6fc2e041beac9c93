// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "float_ops.h"
#include "float_run.h"

struct float_run {
	struct qaccel_graph *graph;
	float **values;		/* of tensors that are not constant; else NULL */
};

void float_run_destroy(struct float_run *run)
{
	if (!run)
		return;
	for (uint32_t i = 0; run->values && i < run->graph->num_tensors; i++)
		free(run->values[i]);
	free(run->values);
	qaccel_graph_unref(run->graph);
	free(run);
}

static bool is_computed(const struct qaccel_graph_tensor *t)
{
	return !t->data && !t->unsupported &&
	       t->info.type == QACCEL_TYPE_FLOAT32;
}

static int allocate(struct float_run *run)
{
	const struct qaccel_graph *graph = run->graph;

	run->values = calloc(graph->num_tensors, sizeof(*run->values));
	if (!run->values)
		return qaccel_error(ENOMEM, "out of memory");
	for (uint32_t i = 0; i < graph->num_tensors; i++) {
		const struct qaccel_graph_tensor *t = &graph->tensors[i];

		if (!is_computed(t))
			continue;
		run->values[i] = calloc(1, t->info.size);
		if (!run->values[i])
			return qaccel_error(ENOMEM, "out of memory");
	}
	return 0;
}

int float_run_create(const struct qaccel_model *model, struct float_run **run)
{
	struct float_run *r;
	int err;

	if (!model->graph->real)
		return qaccel_error(EINVAL, "the model is not a float model");
	r = calloc(1, sizeof(*r));
	if (!r)
		return qaccel_error(ENOMEM, "out of memory");
	r->graph = qaccel_graph_ref(model->graph);
	err = allocate(r);
	if (err)
		float_run_destroy(r);
	else
		*run = r;
	return err;
}

static const void *contents(const struct float_run *run, uint32_t index)
{
	const struct qaccel_graph_tensor *t = &run->graph->tensors[index];

	return t->data ? t->data : run->values[index];
}

float *float_run_tensor(const struct float_run *run, uint32_t index)
{
	if (run->graph->tensors[index].info.type != QACCEL_TYPE_FLOAT32)
		return NULL;
	/* Constants are not to be written; who has only one kind knows. */
	return (float *)contents(run, index);
}

/* ----------------------------------------------------------- operators -- */

static int copy(const struct float_op *f)
{
	memcpy(f->out, f->values[0], f->out_info->size);
	return 0;
}

static int float_op_run(const struct float_op *f)
{
	switch (f->op->builtin) {
	case QACCEL_BUILTIN_CONV_2D:
		return float_conv(f);
	case QACCEL_BUILTIN_DEPTHWISE_CONV_2D:
		return float_depthwise(f);
	case QACCEL_BUILTIN_FULLY_CONNECTED:
		return float_fully_connected(f);
	case QACCEL_BUILTIN_ADD:
	case QACCEL_BUILTIN_MUL:
		return float_binary(f);
	case QACCEL_BUILTIN_AVERAGE_POOL_2D:
		return float_average_pool(f);
	case QACCEL_BUILTIN_MAX_POOL_2D:
		return float_max_pool(f);
	case QACCEL_BUILTIN_MEAN:
		return float_mean(f);
	case QACCEL_BUILTIN_PAD:
		return float_pad(f);
	case QACCEL_BUILTIN_SOFTMAX:
		return float_softmax(f);
	case QACCEL_BUILTIN_RELU:
	case QACCEL_BUILTIN_RELU6:
	case QACCEL_BUILTIN_RESHAPE:
	case QACCEL_BUILTIN_SQUEEZE:
		return copy(f);
	case QACCEL_BUILTIN_QUANTIZE:
	case QACCEL_BUILTIN_DEQUANTIZE:
		break;
	}
	return qaccel_error(EOPNOTSUPP, "%s in a float model", f->op->name);
}

static enum qaccel_activation activation_of(const struct qaccel_graph_op *op)
{
	if (op->builtin == QACCEL_BUILTIN_RELU)
		return QACCEL_ACTIVATION_RELU;
	if (op->builtin == QACCEL_BUILTIN_RELU6)
		return QACCEL_ACTIVATION_RELU6;
	return op->activation;
}

static void clamp(float *values, size_t count, float min, float max)
{
	for (size_t i = 0; i < count; i++) {
		/* NaN stays, to be found. */
		if (values[i] < min)
			values[i] = min;
		else if (values[i] > max)
			values[i] = max;
	}
}

static void activate(const struct float_op *f)
{
	size_t count = float_elements(f->out_info);

	switch (activation_of(f->op)) {
	case QACCEL_ACTIVATION_NONE:
		break;
	case QACCEL_ACTIVATION_RELU:
		clamp(f->out, count, 0, INFINITY);
		break;
	case QACCEL_ACTIVATION_RELU_N1_TO_1:
		clamp(f->out, count, -1, 1);
		break;
	case QACCEL_ACTIVATION_RELU6:
		clamp(f->out, count, 0, 6);
		break;
	}
}

static struct float_op prepare(const struct float_run *run,
			       const struct qaccel_graph_op *op)
{
	uint32_t out = (uint32_t)op->outputs[0];
	struct float_op f = {
		.op = op,
		.out_info = &run->graph->tensors[out].info,
		.out = run->values[out],
	};

	for (uint32_t i = 0; i < op->num_inputs && i < 3; i++) {
		if (op->inputs[i] < 0)
			continue;
		f.in[i] = &run->graph->tensors[op->inputs[i]].info;
		f.values[i] = contents(run, (uint32_t)op->inputs[i]);
	}
	return f;
}

int float_run_once(struct float_run *run)
{
	for (uint32_t i = 0; i < run->graph->num_ops; i++) {
		struct float_op f = prepare(run, &run->graph->ops[i]);
		int err = float_op_run(&f);

		if (err)
			return err;
		activate(&f);
	}
	return 0;
}
