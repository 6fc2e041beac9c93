// SPDX-License-Identifier: MIT
/* Float models as their users see them. */
#include <errno.h>
#include <string.h>

#include <qaccel/convert.h>

#include "error.h"
#include "float_run.h"
#include "graph.h"

int qaccel_float_model_load_file(const struct qaccel_load_options *options,
				 const char *path, struct qaccel_model **model)
{
	return qaccel_tflite_load_file(options, path, true, model);
}

int qaccel_float_model_load_memory(const struct qaccel_load_options *options,
				   const void *data, size_t size,
				   struct qaccel_model **model)
{
	return qaccel_tflite_load_memory(options, data, size, true, model);
}

int qaccel_float_model_finish(struct qaccel_builder *builder,
			      struct qaccel_model **model)
{
	return qaccel_builder_finish_real(builder, model);
}

int float_run_inputs(struct float_run *run, const struct qaccel_model *model,
		     const float *const *inputs)
{
	const struct qaccel_graph *graph = model->graph;

	for (uint32_t i = 0; i < graph->num_inputs; i++) {
		float *values = float_run_tensor(run, graph->inputs[i]);

		if (!values)
			return qaccel_error(EINVAL, "input %u is not FLOAT32", i);
		memcpy(values, inputs[i],
		       graph->tensors[graph->inputs[i]].info.size);
	}
	return float_run_once(run);
}

int qaccel_float_model_run(const struct qaccel_model *model,
			   const float *const *inputs, float *const *outputs)
{
	const struct qaccel_graph *graph = model->graph;
	struct float_run *run;
	int err;

	err = float_run_create(model, &run);
	if (err)
		return err;
	err = float_run_inputs(run, model, inputs);
	for (uint32_t i = 0; !err && i < graph->num_outputs; i++)
		memcpy(outputs[i], float_run_tensor(run, graph->outputs[i]),
		       graph->tensors[graph->outputs[i]].info.size);
	float_run_destroy(run);
	return err;
}
