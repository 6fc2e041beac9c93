// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "qaccel_hw.h"

#include "plan_fuse.h"

int32_t qaccel_const_int(const struct qaccel_graph_tensor *tensor, uint32_t i)
{
	return ((const int32_t *)tensor->data)[i];
}

uint32_t qaccel_op_num_operands(const struct qaccel_graph_op *op)
{
	bool binary = op->builtin == QACCEL_BUILTIN_ADD ||
		      op->builtin == QACCEL_BUILTIN_MUL;

	return binary ? 2 : 1;
}

int32_t qaccel_step_input(const struct qaccel_graph_op *op,
			  const struct qaccel_step *step, uint32_t i)
{
	return i ? op->inputs[i] : step->input;
}

bool qaccel_same_quantization(const struct qaccel_tensor_info *a,
			      const struct qaccel_tensor_info *b)
{
	return a->type == b->type && a->num_scales == 1 && b->num_scales == 1 &&
	       a->scales[0] == b->scales[0] &&
	       a->zero_points[0] == b->zero_points[0];
}

static void type_range(enum qaccel_type type, int32_t *min, int32_t *max)
{
	switch (type) {
	case QACCEL_TYPE_UINT8:
		*min = 0;
		*max = UINT8_MAX;
		break;
	case QACCEL_TYPE_INT8:
		*min = INT8_MIN;
		*max = INT8_MAX;
		break;
	case QACCEL_TYPE_INT16:
		*min = INT16_MIN;
		*max = INT16_MAX;
		break;
	default:
		*min = INT32_MIN;
		*max = INT32_MAX;
	}
}

/* f quantized, in single precision as TFLite does it; far off is as good as off. */
static int32_t quantize_bound(float f, const struct qaccel_tensor_info *info)
{
	float q = roundf(f / info->scales[0]);

	if (q > 1e6f)
		return 1000000;
	if (q < -1e6f)
		return -1000000;
	return info->zero_points[0] + (int32_t)q;
}

static int32_t clamp(int32_t x, int32_t min, int32_t max)
{
	return x < min ? min : x > max ? max : x;
}

void qaccel_activation_range(enum qaccel_activation activation,
			     const struct qaccel_tensor_info *info,
			     int32_t *min, int32_t *max)
{
	int32_t type_min, type_max;

	type_range(info->type, &type_min, &type_max);
	*min = type_min;
	*max = type_max;
	if (activation == QACCEL_ACTIVATION_NONE)
		return;
	*min = quantize_bound(activation == QACCEL_ACTIVATION_RELU_N1_TO_1 ?
				      -1.0f : 0.0f, info);
	if (activation == QACCEL_ACTIVATION_RELU6)
		*max = quantize_bound(6.0f, info);
	else if (activation == QACCEL_ACTIVATION_RELU_N1_TO_1)
		*max = quantize_bound(1.0f, info);
	*min = clamp(*min, type_min, type_max);
	*max = clamp(*max, type_min, type_max);
}

/* ------------------------------------------------------------ the passes -- */

struct fuse {
	const struct qaccel_graph *graph;
	struct qaccel_fusion *fusion;
	int32_t *writer;	/* per tensor: operator whose step writes it */
};

static const struct qaccel_tensor_info *info_of(const struct fuse *f,
						int32_t tensor)
{
	return &f->graph->tensors[tensor].info;
}

static bool is_output(const struct qaccel_graph *graph, int32_t tensor)
{
	for (uint32_t i = 0; i < graph->num_outputs; i++)
		if (graph->outputs[i] == (uint32_t)tensor)
			return true;
	return false;
}

static bool is_input(const struct qaccel_graph *graph, int32_t tensor)
{
	for (uint32_t i = 0; i < graph->num_inputs; i++)
		if (graph->inputs[i] == (uint32_t)tensor)
			return true;
	return false;
}

static void count_uses(const struct qaccel_graph *graph, uint32_t *uses)
{
	for (uint32_t i = 0; i < graph->num_ops; i++)
		for (uint32_t j = 0; j < graph->ops[i].num_inputs; j++)
			if (graph->ops[i].inputs[j] >= 0)
				uses[graph->ops[i].inputs[j]]++;
	for (uint32_t i = 0; i < graph->num_outputs; i++)
		uses[graph->outputs[i]]++;
}

static bool has_clamp(const struct fuse *f, uint32_t op)
{
	const struct qaccel_graph_op *o = &f->graph->ops[op];

	switch (o->builtin) {
	case QACCEL_BUILTIN_CONV_2D:
	case QACCEL_BUILTIN_DEPTHWISE_CONV_2D:
	case QACCEL_BUILTIN_FULLY_CONNECTED:
	case QACCEL_BUILTIN_ADD:
	case QACCEL_BUILTIN_MUL:
	case QACCEL_BUILTIN_AVERAGE_POOL_2D:
	case QACCEL_BUILTIN_MAX_POOL_2D:
	case QACCEL_BUILTIN_MEAN:
	case QACCEL_BUILTIN_RELU:
	case QACCEL_BUILTIN_RELU6:
		return true;
	case QACCEL_BUILTIN_QUANTIZE:
		return info_of(f, o->inputs[0])->type != QACCEL_TYPE_FLOAT32;
	default:
		return false;
	}
}

/* The step that alone writes what op alone reads; -1: there is none. */
static int32_t sole_writer(const struct fuse *f, uint32_t op)
{
	int32_t tensor = f->graph->ops[op].inputs[0];
	int32_t writer = f->writer[tensor];

	if (writer < 0 || f->fusion->uses[tensor] != 1 ||
	    !f->fusion->steps[writer].emit)
		return -1;
	return writer;
}

static void fuse_relu(struct fuse *f, uint32_t op)
{
	const struct qaccel_graph_op *o = &f->graph->ops[op];
	int32_t writer = sole_writer(f, op);
	struct qaccel_step *step;
	int32_t min, max;

	if (writer < 0 || !has_clamp(f, (uint32_t)writer) ||
	    !qaccel_same_quantization(info_of(f, o->inputs[0]),
				      info_of(f, o->outputs[0])))
		return;
	qaccel_activation_range(o->builtin == QACCEL_BUILTIN_RELU ?
					QACCEL_ACTIVATION_RELU :
					QACCEL_ACTIVATION_RELU6,
				info_of(f, o->outputs[0]), &min, &max);
	step = &f->fusion->steps[writer];
	step->act_min = clamp(step->act_min, min, max);
	step->act_max = clamp(step->act_max, min, max);
	step->output = o->outputs[0];
	f->writer[step->output] = writer;
	f->fusion->steps[op].emit = false;
}

/* Height and width alone, and not beyond what a command can say. */
static bool pads_picture(const struct fuse *f, const struct qaccel_graph_op *pad,
			 uint32_t *top, uint32_t *left)
{
	const struct qaccel_graph_tensor *t = &f->graph->tensors[pad->inputs[1]];

	if (info_of(f, pad->inputs[0])->rank != 4 ||
	    qaccel_const_int(t, 0) || qaccel_const_int(t, 1) ||
	    qaccel_const_int(t, 6) || qaccel_const_int(t, 7))
		return false;
	*top = (uint32_t)qaccel_const_int(t, 2);
	*left = (uint32_t)qaccel_const_int(t, 4);
	return *top <= QACCEL_MAX_FILTER && *left <= QACCEL_MAX_FILTER;
}

static void fuse_pad(struct fuse *f, uint32_t op)
{
	const struct qaccel_graph_op *o = &f->graph->ops[op];
	int32_t writer = sole_writer(f, op);
	struct qaccel_step *step = &f->fusion->steps[op];
	const struct qaccel_graph_op *pad;
	uint32_t top, left;

	if (writer < 0 || o->u.conv.padding != QACCEL_PADDING_VALID)
		return;
	pad = &f->graph->ops[writer];
	if (pad->builtin != QACCEL_BUILTIN_PAD ||
	    !pads_picture(f, pad, &top, &left) ||
	    !qaccel_same_quantization(info_of(f, pad->inputs[0]),
				      info_of(f, pad->outputs[0])))
		return;
	step->input = f->fusion->steps[writer].input;
	step->pad_top = top;
	step->pad_left = left;
	f->fusion->steps[writer].emit = false;
}

/* The output becomes another name for the input's memory. */
static void fuse_alias(struct fuse *f, uint32_t op)
{
	const struct qaccel_graph_op *o = &f->graph->ops[op];
	int32_t root = f->fusion->root[o->inputs[0]];

	/* An output of its own is not the caller's input, nor a constant. */
	if ((is_input(f->graph, root) || f->graph->tensors[root].data) &&
	    is_output(f->graph, o->outputs[0]))
		return;
	f->fusion->root[o->outputs[0]] = root;
	f->fusion->steps[op].emit = false;
}

static void fuse_op(struct fuse *f, uint32_t op)
{
	const struct qaccel_graph_op *o = &f->graph->ops[op];

	switch (o->builtin) {
	case QACCEL_BUILTIN_RELU:
	case QACCEL_BUILTIN_RELU6:
		fuse_relu(f, op);
		break;
	case QACCEL_BUILTIN_CONV_2D:
	case QACCEL_BUILTIN_DEPTHWISE_CONV_2D:
		fuse_pad(f, op);
		break;
	case QACCEL_BUILTIN_RESHAPE:
	case QACCEL_BUILTIN_SQUEEZE:
		fuse_alias(f, op);
		break;
	case QACCEL_BUILTIN_QUANTIZE:
		if (qaccel_same_quantization(info_of(f, o->inputs[0]),
					     info_of(f, o->outputs[0])))
			fuse_alias(f, op);
		break;
	default:
		break;
	}
}

static void init_steps(const struct qaccel_graph *graph,
		       struct qaccel_step *steps)
{
	for (uint32_t i = 0; i < graph->num_ops; i++)
		steps[i] = (struct qaccel_step) {
			.emit = true,
			.input = graph->ops[i].inputs[0],
			.output = graph->ops[i].outputs[0],
			.act_min = INT32_MIN,
			.act_max = INT32_MAX,
		};
}

int qaccel_fuse(const struct qaccel_graph *graph, bool keep_tensors,
		struct qaccel_fusion *fusion)
{
	struct fuse f = { .graph = graph, .fusion = fusion };
	uint32_t tensors = graph->num_tensors + 1;	/* none is no failure */

	fusion->steps = calloc(graph->num_ops + 1, sizeof(*fusion->steps));
	fusion->root = calloc(tensors, sizeof(*fusion->root));
	fusion->uses = calloc(tensors, sizeof(*fusion->uses));
	f.writer = calloc(tensors, sizeof(*f.writer));
	if (!fusion->steps || !fusion->root || !fusion->uses || !f.writer) {
		free(f.writer);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < graph->num_tensors; i++) {
		fusion->root[i] = (int32_t)i;
		f.writer[i] = graph->tensors[i].producer;
	}
	init_steps(graph, fusion->steps);
	count_uses(graph, fusion->uses);
	for (uint32_t i = 0; !keep_tensors && i < graph->num_ops; i++)
		fuse_op(&f, i);
	free(f.writer);
	return 0;
}

void qaccel_fusion_finish(struct qaccel_fusion *fusion)
{
	free(fusion->steps);
	free(fusion->root);
	free(fusion->uses);
}
