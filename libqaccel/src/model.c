// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "graph.h"

void qaccel_model_destroy(struct qaccel_model *model)
{
	if (!model)
		return;
	qaccel_graph_unref(model->graph);
	free(model);
}

const char *qaccel_model_description(const struct qaccel_model *model)
{
	return model->graph->description;
}

uint32_t qaccel_model_num_tensors(const struct qaccel_model *model)
{
	return model->graph->num_tensors;
}

uint32_t qaccel_model_num_inputs(const struct qaccel_model *model)
{
	return model->graph->num_inputs;
}

uint32_t qaccel_model_num_outputs(const struct qaccel_model *model)
{
	return model->graph->num_outputs;
}

uint32_t qaccel_model_num_ops(const struct qaccel_model *model)
{
	return model->graph->num_ops;
}

int qaccel_model_tensor(const struct qaccel_model *model, uint32_t index,
			struct qaccel_tensor_info *info)
{
	if (index >= model->graph->num_tensors)
		return qaccel_error(ERANGE, "the model has no tensor %u", index);
	*info = model->graph->tensors[index].info;
	return 0;
}

int qaccel_model_input(const struct qaccel_model *model, uint32_t i,
		       struct qaccel_tensor_info *info)
{
	if (i >= model->graph->num_inputs)
		return qaccel_error(ERANGE, "the model has no input %u", i);
	return qaccel_model_tensor(model, model->graph->inputs[i], info);
}

int qaccel_model_output(const struct qaccel_model *model, uint32_t i,
			struct qaccel_tensor_info *info)
{
	if (i >= model->graph->num_outputs)
		return qaccel_error(ERANGE, "the model has no output %u", i);
	return qaccel_model_tensor(model, model->graph->outputs[i], info);
}

int qaccel_model_op(const struct qaccel_model *model, uint32_t index,
		    struct qaccel_op_info *info)
{
	const struct qaccel_graph *graph = model->graph;
	const struct qaccel_graph_op *op;

	if (index >= graph->num_ops)
		return qaccel_error(ERANGE, "the model has no operator %u",
				    index);
	op = &graph->ops[index];
	*info = (struct qaccel_op_info){
		.index = index,
		.name = op->name,
		.num_inputs = op->num_inputs,
		.inputs = op->inputs,
		.num_outputs = op->num_outputs,
		.outputs = op->outputs,
		.macs = qaccel_graph_op_macs(graph, op),
	};
	return 0;
}
