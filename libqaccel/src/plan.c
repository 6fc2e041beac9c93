// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "lower.h"
#include "plan.h"
#include "plan_fuse.h"
#include "plan_memory.h"

/* ------------------------------------------------------------------- arena -- */

struct arena {
	const struct qaccel_graph *graph;
	const struct qaccel_fusion *fusion;
	struct qaccel_buffer *buffers;	/* one per tensor; size 0: none */
};

/* The operator reads or writes the tensor: its memory is needed then. */
static void touch(struct arena *a, int32_t tensor, uint32_t op)
{
	int32_t root = a->fusion->root[tensor];
	struct qaccel_buffer *b = &a->buffers[root];

	if (a->graph->tensors[root].data)
		return;
	if (!b->size) {
		b->size = a->graph->tensors[root].info.size;
		b->first = op;
	}
	b->last = op;
}

static void pin(struct arena *a, uint32_t tensor)
{
	int32_t root = a->fusion->root[tensor];
	struct qaccel_buffer *b = &a->buffers[root];

	touch(a, root, 0);
	b->first = 0;
	b->last = a->graph->num_ops;
}

static void find_lifetimes(struct arena *a)
{
	for (uint32_t i = 0; i < a->graph->num_ops; i++) {
		const struct qaccel_graph_op *op = &a->graph->ops[i];
		const struct qaccel_step *step = &a->fusion->steps[i];

		if (!step->emit)
			continue;
		for (uint32_t j = 0; j < qaccel_op_num_operands(op); j++)
			touch(a, qaccel_step_input(op, step, j), i);
		touch(a, step->output, i);
	}
	for (uint32_t i = 0; i < a->graph->num_inputs; i++)
		pin(a, a->graph->inputs[i]);
	for (uint32_t i = 0; i < a->graph->num_outputs; i++)
		pin(a, a->graph->outputs[i]);
}

/* Gives each buffer that is used its address. */
static int place(struct arena *a, bool share, struct qaccel_plan *plan)
{
	uint32_t tensors = a->graph->num_tensors;
	int ret = qaccel_place_buffers(a->buffers, tensors, false,
				       &plan->arena_unshared);

	if (!ret)
		ret = qaccel_place_buffers(a->buffers, tensors, share,
					   &plan->arena_size);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < tensors; i++)
		if (a->buffers[i].size)
			plan->tensor_va[i] = QACCEL_ARENA_VA +
					     a->buffers[i].offset;
	return 0;
}

static int plan_arena(const struct qaccel_graph *graph,
		      const struct qaccel_fusion *fusion, bool share,
		      struct qaccel_plan *plan)
{
	struct arena a = { .graph = graph, .fusion = fusion };
	int ret;

	a.buffers = calloc((size_t)graph->num_tensors + 1, sizeof(*a.buffers));
	if (!a.buffers)
		return -ENOMEM;
	find_lifetimes(&a);
	ret = place(&a, share, plan);
	free(a.buffers);
	return ret;
}

/* ---------------------------------------------------------------- commands -- */

static int lower_op(struct qaccel_lowering *l)
{
	switch (qaccel_lower_op(l)->builtin) {
	case QACCEL_BUILTIN_CONV_2D:
	case QACCEL_BUILTIN_DEPTHWISE_CONV_2D:
		return qaccel_lower_conv(l);
	case QACCEL_BUILTIN_FULLY_CONNECTED:
		return qaccel_lower_fully_connected(l);
	case QACCEL_BUILTIN_ADD:
		return qaccel_lower_add(l);
	case QACCEL_BUILTIN_MUL:
		return qaccel_lower_mul(l);
	case QACCEL_BUILTIN_AVERAGE_POOL_2D:
	case QACCEL_BUILTIN_MAX_POOL_2D:
		return qaccel_lower_pool(l);
	case QACCEL_BUILTIN_MEAN:
		return qaccel_lower_mean(l);
	case QACCEL_BUILTIN_PAD:
		return qaccel_lower_pad(l);
	case QACCEL_BUILTIN_RESHAPE:
	case QACCEL_BUILTIN_SQUEEZE:
		return qaccel_lower_reshape(l);
	case QACCEL_BUILTIN_RELU:
	case QACCEL_BUILTIN_RELU6:
		return qaccel_lower_relu(l);
	case QACCEL_BUILTIN_QUANTIZE:
		return qaccel_lower_quantize(l);
	case QACCEL_BUILTIN_DEQUANTIZE:
		return qaccel_lower_dequantize(l);
	case QACCEL_BUILTIN_SOFTMAX:
		return qaccel_lower_softmax(l);
	}
	return qaccel_lower_refuse(l, EOPNOTSUPP, "not supported");
}

static int lower_ops(struct qaccel_lowering *l)
{
	union qaccel_cmd end = { .end = { .hdr = { .opcode = QACCEL_OP_END } } };
	int ret = 0;

	for (l->op = 0; !ret && l->op < l->graph->num_ops; l->op++)
		if (qaccel_lower_step(l)->emit)
			ret = lower_op(l);
	return ret ? ret : qaccel_lower_emit(l, &end);
}

/* Puts the stream behind the weights. */
static int add_stream(struct qaccel_lowering *l)
{
	struct qaccel_plan *plan = l->plan;
	uint64_t size = (uint64_t)plan->num_cmds * QACCEL_CMD_SIZE;
	uint64_t va;
	int ret;

	if (size > l->target->max_stream)
		return qaccel_error(EOPNOTSUPP,
				    "%u commands, the device takes %u",
				    plan->num_cmds,
				    l->target->max_stream / QACCEL_CMD_SIZE);
	plan->weights_size = plan->image_size;
	/* Commands are aligned to their size. */
	ret = qaccel_lower_reserve(l, size + QACCEL_CMD_SIZE, &va);
	if (ret)
		return ret;
	plan->stream_va = (va + QACCEL_CMD_SIZE - 1) &
			  ~(uint64_t)(QACCEL_CMD_SIZE - 1);
	plan->stream_size = (uint32_t)size;
	memcpy(qaccel_lower_image(l, plan->stream_va), plan->cmds, size);
	return 0;
}

static int plan_commands(const struct qaccel_graph *graph,
			 const struct qaccel_target *target,
			 const struct qaccel_fusion *fusion,
			 struct qaccel_plan *plan)
{
	struct qaccel_lowering l = {
		.graph = graph,
		.target = target,
		.fusion = fusion,
		.plan = plan,
	};
	int ret = lower_ops(&l);

	return ret ? ret : add_stream(&l);
}

/* A tensor that is in another's memory is where that one is. */
static void share_addresses(const struct qaccel_fusion *fusion,
			    struct qaccel_plan *plan)
{
	for (uint32_t i = 0; i < plan->num_tensors; i++)
		plan->tensor_va[i] = plan->tensor_va[fusion->root[i]];
}

static int make(const struct qaccel_graph *graph,
		const struct qaccel_target *target, bool keep_tensors,
		struct qaccel_fusion *fusion, struct qaccel_plan *plan)
{
	int ret = qaccel_fuse(graph, keep_tensors, fusion);

	plan->num_tensors = graph->num_tensors;
	plan->tensor_va = calloc((size_t)graph->num_tensors + 1,
				 sizeof(*plan->tensor_va));
	if (!ret && !plan->tensor_va)
		ret = -ENOMEM;
	if (!ret)
		ret = plan_arena(graph, fusion, !keep_tensors, plan);
	if (!ret)
		ret = plan_commands(graph, target, fusion, plan);
	if (!ret)
		share_addresses(fusion, plan);
	return ret;
}

int qaccel_plan_create(const struct qaccel_graph *graph,
		       const struct qaccel_target *target, bool keep_tensors,
		       struct qaccel_plan **plan)
{
	struct qaccel_fusion fusion = { 0 };
	struct qaccel_plan *p = calloc(1, sizeof(*p));
	int ret = p ? make(graph, target, keep_tensors, &fusion, p) : -ENOMEM;

	qaccel_fusion_finish(&fusion);
	if (ret) {
		qaccel_plan_destroy(p);
		return ret == -ENOMEM ? qaccel_error(ENOMEM, "out of memory")
				      : ret;
	}
	*plan = p;
	return 0;
}

void qaccel_plan_destroy(struct qaccel_plan *plan)
{
	if (!plan)
		return;
	free(plan->cmds);
	free(plan->tensor_va);
	free(plan->image);
	free(plan);
}
