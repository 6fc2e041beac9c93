// SPDX-License-Identifier: MIT
/* How far an integer model is from the float one that it was made of. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <qaccel/convert.h>
#include <qaccel/quantize.h>

#include "error.h"
#include "float_run.h"
#include "graph.h"

struct sums {
	double signal, noise, max_error;
	uint64_t same_largest;
};

struct qaccel_comparison {
	struct qaccel_model real, model;	/* references of our own */
	struct float_run *run;
	struct qaccel_session *session;
	struct sums *sums;		/* of each tensor of the float model */
	float *values;			/* room for the largest of them */
	uint64_t examples;
};

void qaccel_comparison_destroy(struct qaccel_comparison *c)
{
	if (!c)
		return;
	float_run_destroy(c->run);
	qaccel_session_destroy(c->session);
	qaccel_graph_unref(c->real.graph);
	qaccel_graph_unref(c->model.graph);
	free(c->sums);
	free(c->values);
	free(c);
}

/* Whether the tensor is computed in both. */
static bool is_compared(const struct qaccel_comparison *c, uint32_t index)
{
	return c->real.graph->tensors[index].producer >= 0 &&
	       c->model.graph->tensors[index].producer >= 0;
}

static bool same_shape(const struct qaccel_tensor_info *a,
		       const struct qaccel_tensor_info *b)
{
	return a->rank == b->rank &&
	       !memcmp(a->dims, b->dims, a->rank * sizeof(a->dims[0]));
}

static int check_pair(const struct qaccel_comparison *c)
{
	const struct qaccel_graph *real = c->real.graph, *model = c->model.graph;
	bool fits = !model->real && model->num_tensors >= real->num_tensors &&
		    model->num_inputs == real->num_inputs;

	for (uint32_t i = 0; fits && i < real->num_tensors; i++)
		fits = !is_compared(c, i) ||
		       (same_shape(&real->tensors[i].info,
				   &model->tensors[i].info) &&
			model->tensors[i].info.num_scales == 1);
	for (uint32_t i = 0; fits && i < real->num_inputs; i++)
		fits = same_shape(&real->tensors[real->inputs[i]].info,
				  &model->tensors[model->inputs[i]].info);
	if (!fits)
		return qaccel_error(EINVAL, "the integer model was not made of the float model");
	return 0;
}

static int set_up(struct qaccel_comparison *c, struct qaccel_device *device)
{
	const struct qaccel_session_options options = { .keep_tensors = true };
	const struct qaccel_graph *graph = c->real.graph;
	size_t largest = 1;
	int err;

	err = float_run_create(&c->real, &c->run);
	if (!err)
		err = check_pair(c);
	if (err)
		return err;
	for (uint32_t i = 0; i < graph->num_tensors; i++)
		if (graph->tensors[i].info.size > largest)
			largest = graph->tensors[i].info.size;
	c->sums = calloc(graph->num_tensors, sizeof(*c->sums));
	c->values = malloc(largest);
	if (!c->sums || !c->values)
		return qaccel_error(ENOMEM, "out of memory");
	return qaccel_session_create(device, &c->model, &options, &c->session);
}

int qaccel_comparison_create(struct qaccel_device *device,
			     const struct qaccel_model *real,
			     const struct qaccel_model *model,
			     struct qaccel_comparison **comparison)
{
	struct qaccel_comparison *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return qaccel_error(ENOMEM, "out of memory");
	c->real.graph = qaccel_graph_ref(real->graph);
	c->model.graph = qaccel_graph_ref(model->graph);
	err = set_up(c, device);
	if (err)
		qaccel_comparison_destroy(c);
	else
		*comparison = c;
	return err;
}

/* Real numbers into an input of the integer model, as it wants them. */
static int fill_input(struct qaccel_comparison *c, uint32_t i,
		      const float *values)
{
	const struct qaccel_graph *graph = c->model.graph;
	const struct qaccel_tensor_info *info =
		&graph->tensors[graph->inputs[i]].info;
	void *to = qaccel_session_input(c->session, i);

	if (info->type == QACCEL_TYPE_FLOAT32) {
		memcpy(to, values, info->size);
		return 0;
	}
	return qaccel_quantize(info->type, info->scales[0],
			       info->zero_points[0], values, to,
			       info->size / qaccel_type_size(info->type));
}

static size_t find_largest(const float *values, size_t count)
{
	size_t largest = 0;

	for (size_t i = 1; i < count; i++)
		if (values[i] > values[largest])
			largest = i;
	return largest;
}

static int add_tensor(struct qaccel_comparison *c, uint32_t index)
{
	const struct qaccel_tensor_info *info =
		&c->model.graph->tensors[index].info;
	size_t count = info->size / qaccel_type_size(info->type);
	const float *real = float_run_tensor(c->run, index);
	struct sums *sums = &c->sums[index];
	int err;

	err = qaccel_dequantize(info->type, info->scales[0],
				info->zero_points[0],
				qaccel_session_tensor(c->session, index),
				c->values, count);
	if (err)
		return err;
	for (size_t i = 0; i < count; i++) {
		double x = (double)real[i], error = (double)c->values[i] - x;

		sums->signal += x * x;
		sums->noise += error * error;
		sums->max_error = fmax(sums->max_error, fabs(error));
	}
	sums->same_largest += find_largest(real, count) ==
			      find_largest(c->values, count);
	return 0;
}

int qaccel_comparison_run(struct qaccel_comparison *c,
			  const float *const *inputs)
{
	int err;

	err = float_run_inputs(c->run, &c->real, inputs);
	for (uint32_t i = 0; !err && i < c->real.graph->num_inputs; i++)
		err = fill_input(c, i, inputs[i]);
	if (!err)
		err = qaccel_session_run(c->session);
	for (uint32_t i = 0; !err && i < c->real.graph->num_tensors; i++)
		if (is_compared(c, i))
			err = add_tensor(c, i);
	if (!err)
		c->examples++;
	return err;
}

int qaccel_comparison_tensor(const struct qaccel_comparison *c, uint32_t index,
			     struct qaccel_difference *difference)
{
	const struct sums *sums;
	double count;

	if (index >= c->real.graph->num_tensors || !is_compared(c, index))
		return qaccel_error(ERANGE, "there is no tensor %u to compare",
				    index);
	if (!c->examples)
		return qaccel_error(ENODATA, "there was no example to compare");
	sums = &c->sums[index];
	count = (double)c->examples *
		(double)(c->real.graph->tensors[index].info.size / 4);
	*difference = (struct qaccel_difference){
		.signal = sums->signal / count,
		.noise = sums->noise / count,
		.sqnr = 10 * log10(sums->signal / sums->noise),
		.max_error = sums->max_error,
		.examples = c->examples,
		.same_largest = sums->same_largest,
	};
	/* Nothing but zeros in both. */
	if (sums->noise == 0)
		difference->sqnr = INFINITY;
	return 0;
}
