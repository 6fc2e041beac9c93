// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qaccel/quantize.h>

#include "qaccel_interp.h"

#include "error.h"
#include "lower.h"
#include "status.h"

_Static_assert((int)QACCEL_TYPE_UINT8 == QACCEL_DTYPE_U8 &&
	       (int)QACCEL_TYPE_INT8 == QACCEL_DTYPE_S8 &&
	       (int)QACCEL_TYPE_INT16 == QACCEL_DTYPE_S16 &&
	       (int)QACCEL_TYPE_INT32 == QACCEL_DTYPE_S32 &&
	       (int)QACCEL_TYPE_FLOAT32 == QACCEL_DTYPE_F32,
	       "the library's types are the hardware's");

int qaccel_lower_refuse(const struct qaccel_lowering *l, int code,
			const char *format, ...)
{
	char why[256];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	if (l->op >= l->graph->num_ops)		/* END */
		return qaccel_error(code, "%s", why);
	return qaccel_error(code, "operator %u (%s): %s", l->op,
			    qaccel_lower_op(l)->name, why);
}

const struct qaccel_graph_op *qaccel_lower_op(const struct qaccel_lowering *l)
{
	return &l->graph->ops[l->op];
}

const struct qaccel_step *qaccel_lower_step(const struct qaccel_lowering *l)
{
	return &l->fusion->steps[l->op];
}

const struct qaccel_graph_tensor *
qaccel_lower_input(const struct qaccel_lowering *l, uint32_t i)
{
	return &l->graph->tensors[qaccel_lower_op(l)->inputs[i]];
}

const struct qaccel_graph_tensor *
qaccel_lower_output(const struct qaccel_lowering *l)
{
	return &l->graph->tensors[qaccel_lower_op(l)->outputs[0]];
}

/* ---------------------------------------------------------------- operands -- */

/* Leading ones for small ranks; for large ones the first dimensions become one. */
static void set_shape(const struct qaccel_tensor_info *info,
		      struct qaccel_tensor *operand)
{
	uint32_t dims[4] = { 1, 1, 1, 1 };
	uint64_t first = 1;

	for (uint32_t i = 0; i < info->rank; i++) {
		uint32_t left = info->rank - i;

		if (left >= 4)
			first *= (uint32_t)info->dims[i];
		else
			dims[4 - left] = (uint32_t)info->dims[i];
	}
	/* One that does not fit is not valid, and refused with the command. */
	operand->n = first > UINT32_MAX ? 0 : (uint32_t)first;
	operand->h = dims[1];
	operand->w = dims[2];
	operand->c = dims[3];
}

/* Others may come with a zero point, too, but nothing reads it. */
static bool is_quantized(enum qaccel_type type)
{
	return type == QACCEL_TYPE_UINT8 || type == QACCEL_TYPE_INT8 ||
	       type == QACCEL_TYPE_INT16;
}

static int set_operand(struct qaccel_lowering *l, int32_t tensor,
		       struct qaccel_tensor *operand)
{
	const struct qaccel_tensor_info *info = &l->graph->tensors[tensor].info;
	uint64_t va;
	int ret = qaccel_lower_address(l, tensor, &va);

	if (ret)
		return ret;
	memset(operand, 0, sizeof(*operand));
	operand->va = va;
	operand->dtype = (uint8_t)info->type;
	if (info->num_scales && is_quantized(info->type))
		operand->zero_point = info->zero_points[0];
	set_shape(info, operand);
	return 0;
}

int qaccel_lower_operand(struct qaccel_lowering *l, uint32_t i,
			 struct qaccel_tensor *operand)
{
	return set_operand(l, qaccel_step_input(qaccel_lower_op(l),
						qaccel_lower_step(l), i),
			   operand);
}

int qaccel_lower_result(struct qaccel_lowering *l, struct qaccel_tensor *operand)
{
	return set_operand(l, qaccel_lower_step(l)->output, operand);
}

int qaccel_lower_address(struct qaccel_lowering *l, int32_t tensor,
			 uint64_t *va)
{
	int32_t root = l->fusion->root[tensor];
	uint64_t *known = &l->plan->tensor_va[root];
	const struct qaccel_graph_tensor *t = &l->graph->tensors[root];

	if (!*known) {
		int ret = qaccel_lower_reserve(l, t->info.size, va);

		if (ret)
			return ret;
		memcpy(qaccel_lower_image(l, *va), t->data, t->info.size);
		*known = *va;
	}
	*va = *known;
	return 0;
}

static int32_t clamp(int32_t x, int32_t min, int32_t max)
{
	return x < min ? min : x > max ? max : x;
}

void qaccel_lower_clamp(const struct qaccel_lowering *l,
			enum qaccel_activation activation, int32_t *min,
			int32_t *max)
{
	const struct qaccel_step *step = qaccel_lower_step(l);

	qaccel_activation_range(activation, &qaccel_lower_output(l)->info,
				min, max);
	*min = clamp(*min, step->act_min, step->act_max);
	*max = clamp(*max, step->act_min, step->act_max);
}

int qaccel_lower_multiplier(const struct qaccel_lowering *l, double real,
			    int32_t *multiplier, int32_t *shift)
{
	if (qaccel_quantize_multiplier(real, multiplier, shift))
		return qaccel_lower_refuse(l, EOPNOTSUPP,
					   "scales give a multiplier of %g",
					   real);
	return 0;
}

/* ------------------------------------------------------------ image, stream -- */

static int grow_image(struct qaccel_lowering *l, uint64_t size)
{
	uint64_t room = l->image_room ? l->image_room : 4096;
	uint8_t *image;

	while (room < size)
		room *= 2;
	image = realloc(l->plan->image, room);
	if (!image)
		return -ENOMEM;
	l->plan->image = image;
	l->image_room = room;
	return 0;
}

int qaccel_lower_reserve(struct qaccel_lowering *l, uint64_t size, uint64_t *va)
{
	struct qaccel_plan *plan = l->plan;
	uint64_t start = (plan->image_size + QACCEL_SEGMENT_ALIGN - 1) &
			 ~(uint64_t)(QACCEL_SEGMENT_ALIGN - 1);

	if (size > QACCEL_SEGMENT_MAX - start)
		return qaccel_error(EFBIG, "the weights take more than %llu GiB",
				    (unsigned long long)(QACCEL_SEGMENT_MAX >> 30));
	if (start + size > l->image_room) {
		int ret = grow_image(l, start + size);

		if (ret)
			return ret;
	}
	memset(plan->image + plan->image_size, 0,
	       start + size - plan->image_size);
	plan->image_size = start + size;
	*va = QACCEL_CONST_VA + start;
	return 0;
}

void *qaccel_lower_image(struct qaccel_lowering *l, uint64_t va)
{
	return l->plan->image + (va - QACCEL_CONST_VA);
}

static int append(struct qaccel_lowering *l, const union qaccel_cmd *cmd)
{
	struct qaccel_plan *plan = l->plan;

	if (plan->num_cmds == l->cmds_room) {
		uint32_t room = l->cmds_room ? l->cmds_room * 2 : 64;
		union qaccel_cmd *cmds = realloc(plan->cmds,
						 room * sizeof(*cmds));

		if (!cmds)
			return -ENOMEM;
		plan->cmds = cmds;
		l->cmds_room = room;
	}
	plan->cmds[plan->num_cmds++] = *cmd;
	return 0;
}

static int check(const struct qaccel_lowering *l, const union qaccel_cmd *cmd)
{
	enum qaccel_status status;

	if (!(l->target->opcodes >> cmd->hdr.opcode & 1))
		return qaccel_lower_refuse(l, EOPNOTSUPP,
					   "the device has no %s",
					   qaccel_opcode_name(cmd->hdr.opcode));
	status = qaccel_cmd_validate(cmd, l->target->local_mem);
	if (status == QACCEL_OK)
		return 0;
	if (status == QACCEL_ERR_LOCAL_MEM)
		return qaccel_lower_refuse(l, EOPNOTSUPP,
					   "larger than the device's memory of %llu bytes",
					   (unsigned long long)l->target->local_mem);
	return qaccel_lower_refuse(l, status == QACCEL_ERR_REDUCTION ?
				   EOVERFLOW : EOPNOTSUPP, "%s: %s",
				   qaccel_opcode_name(cmd->hdr.opcode),
				   qaccel_status_text(status));
}

int qaccel_lower_emit(struct qaccel_lowering *l, union qaccel_cmd *cmd)
{
	int ret;

	cmd->hdr.version = QACCEL_CMD_VERSION;
	cmd->hdr.tag = l->op;
	ret = check(l, cmd);
	return ret ? ret : append(l, cmd);
}
