/* SPDX-License-Identifier: MIT */
/*
 * Lowering: operators to commands
 *
 * One function for each family of operators, lower_<family>.c. Each fills in a
 * command and hands it to qaccel_lower_emit(), which checks it as the device
 * will. Failures name the operator: return qaccel_lower_refuse(...).
 */
#ifndef QACCEL_LOWER_H
#define QACCEL_LOWER_H

#include "plan.h"
#include "plan_fuse.h"

/* struct qaccel_lowering - a plan in the making */
struct qaccel_lowering {
	const struct qaccel_graph *graph;
	const struct qaccel_target *target;
	const struct qaccel_fusion *fusion;
	struct qaccel_plan *plan;
	uint64_t image_room;	/* allocated bytes of the image */
	uint32_t cmds_room;	/* allocated commands */
	uint32_t op;		/* the operator that is lowered */
};

int qaccel_lower_conv(struct qaccel_lowering *l);
int qaccel_lower_fully_connected(struct qaccel_lowering *l);
int qaccel_lower_add(struct qaccel_lowering *l);
int qaccel_lower_mul(struct qaccel_lowering *l);
int qaccel_lower_pool(struct qaccel_lowering *l);
int qaccel_lower_mean(struct qaccel_lowering *l);
int qaccel_lower_pad(struct qaccel_lowering *l);
int qaccel_lower_reshape(struct qaccel_lowering *l);
int qaccel_lower_relu(struct qaccel_lowering *l);
int qaccel_lower_quantize(struct qaccel_lowering *l);
int qaccel_lower_dequantize(struct qaccel_lowering *l);
int qaccel_lower_softmax(struct qaccel_lowering *l);

/* ------------------------------------------------- what they have in common -- */

/* The operator that is lowered. */
const struct qaccel_graph_op *qaccel_lower_op(const struct qaccel_lowering *l);
const struct qaccel_step *qaccel_lower_step(const struct qaccel_lowering *l);

/* Its input i and output as the model has them: for the arithmetic. */
const struct qaccel_graph_tensor *
qaccel_lower_input(const struct qaccel_lowering *l, uint32_t i);
const struct qaccel_graph_tensor *
qaccel_lower_output(const struct qaccel_lowering *l);

/*
 * Its input i and output as the command has them, fusion included: address,
 * shape in four dimensions (leading ones added, leading ones too many merged),
 * zero point. Constants are put in the image.
 */
int qaccel_lower_operand(struct qaccel_lowering *l, uint32_t i,
			 struct qaccel_tensor *operand);
int qaccel_lower_result(struct qaccel_lowering *l,
			struct qaccel_tensor *operand);

/* Device address of a tensor; a constant is put in the image when first asked. */
int qaccel_lower_address(struct qaccel_lowering *l, int32_t tensor,
			 uint64_t *va);

/* The operator's clamp with what fusion added. */
void qaccel_lower_clamp(const struct qaccel_lowering *l,
			enum qaccel_activation activation, int32_t *min,
			int32_t *max);

/* qaccel_quantize_multiplier(), refusing the operator when it is out of range. */
int qaccel_lower_multiplier(const struct qaccel_lowering *l, double real,
			    int32_t *multiplier, int32_t *shift);

/*
 * Room for size zeroed bytes in the image, aligned to QACCEL_SEGMENT_ALIGN.
 * Pointers into the image are valid until the next call.
 */
int qaccel_lower_reserve(struct qaccel_lowering *l, uint64_t size, uint64_t *va);
void *qaccel_lower_image(struct qaccel_lowering *l, uint64_t va);

/* Checks the command and puts it in the stream; version and tag are set here. */
int qaccel_lower_emit(struct qaccel_lowering *l, union qaccel_cmd *cmd);

/* Sets the last error to "operator 3 (ADD): ..." and returns -code. */
int qaccel_lower_refuse(const struct qaccel_lowering *l, int code,
			const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif /* QACCEL_LOWER_H */
