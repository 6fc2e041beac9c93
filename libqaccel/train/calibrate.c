// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <qaccel/convert.h>

#include "error.h"
#include "float_run.h"
#include "graph.h"

struct qaccel_calibrator {
	struct qaccel_model model;	/* a reference of our own */
	struct float_run *run;
	struct qaccel_observer **observers;	/* NULL: of no interest */
	bool seen;
};

void qaccel_calibrator_destroy(struct qaccel_calibrator *c)
{
	const struct qaccel_graph *graph;

	if (!c)
		return;
	graph = c->model.graph;
	for (uint32_t i = 0; c->observers && i < graph->num_tensors; i++)
		qaccel_observer_destroy(c->observers[i]);
	free(c->observers);
	float_run_destroy(c->run);
	qaccel_graph_unref(c->model.graph);
	free(c);
}

/* Inputs, and what an operator writes. */
static bool is_observed(const struct qaccel_graph *graph, uint32_t index)
{
	const struct qaccel_graph_tensor *t = &graph->tensors[index];

	if (t->data || t->info.type != QACCEL_TYPE_FLOAT32)
		return false;
	if (t->producer >= 0)
		return true;
	for (uint32_t i = 0; i < graph->num_inputs; i++)
		if (graph->inputs[i] == index)
			return true;
	return false;
}

static int create_observers(struct qaccel_calibrator *c,
			    const struct qaccel_observer_options *options)
{
	const struct qaccel_graph *graph = c->model.graph;
	int err = 0;

	c->observers = calloc(graph->num_tensors, sizeof(*c->observers));
	if (!c->observers)
		return qaccel_error(ENOMEM, "out of memory");
	for (uint32_t i = 0; !err && i < graph->num_tensors; i++)
		if (is_observed(graph, i))
			err = qaccel_observer_create(options, &c->observers[i]);
	return err;
}

int qaccel_calibrator_create(const struct qaccel_model *model,
			     const struct qaccel_observer_options *options,
			     struct qaccel_calibrator **calibrator)
{
	struct qaccel_calibrator *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return qaccel_error(ENOMEM, "out of memory");
	c->model.graph = qaccel_graph_ref(model->graph);
	err = float_run_create(&c->model, &c->run);
	if (!err)
		err = create_observers(c, options);
	if (err)
		qaccel_calibrator_destroy(c);
	else
		*calibrator = c;
	return err;
}

/* The same error, with the tensor before it. */
static int name_tensor(int err, const struct qaccel_tensor_info *info)
{
	char text[320];

	snprintf(text, sizeof(text), "%s", qaccel_last_error());
	return qaccel_error(-err, "tensor %u (%.80s): %s", info->index,
			    info->name, text);
}

int qaccel_calibrator_run(struct qaccel_calibrator *c,
			  const float *const *inputs)
{
	const struct qaccel_graph *graph = c->model.graph;
	int err;

	err = float_run_inputs(c->run, &c->model, inputs);
	if (err)
		return err;
	for (uint32_t i = 0; i < graph->num_tensors; i++) {
		const struct qaccel_tensor_info *info = &graph->tensors[i].info;

		if (!c->observers[i])
			continue;
		err = qaccel_observer_update(c->observers[i],
					     float_run_tensor(c->run, i),
					     info->size / sizeof(float));
		if (err)
			return name_tensor(err, info);
	}
	c->seen = true;
	return 0;
}

int qaccel_calibrator_ranges(const struct qaccel_calibrator *c,
			     struct qaccel_range *ranges)
{
	int err;

	if (!c->seen)
		return qaccel_error(ENODATA, "there was no example to calibrate with");
	for (uint32_t i = 0; i < c->model.graph->num_tensors; i++) {
		ranges[i] = (struct qaccel_range){ 1, -1 };
		if (!c->observers[i])
			continue;
		err = qaccel_observer_range(c->observers[i], &ranges[i].min,
					    &ranges[i].max);
		if (err)
			return err;
	}
	return 0;
}
