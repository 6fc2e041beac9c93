// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>
#include <string.h>

#include <qaccel/ops.h>
#include <qaccel/quantize.h>

#include "qk.h"

#include "error.h"

/* ------------------------------------------------------- one operator -- */

/* Runs a model of one input and one output. */
static int run_model(struct qaccel_device *device,
		     const struct qaccel_model *model, const void *in, void *out)
{
	struct qaccel_tensor_info in_info, out_info;
	struct qaccel_session *session;
	int err;

	err = qaccel_session_create(device, model, NULL, &session);
	if (err)
		return err;
	qaccel_model_input(model, 0, &in_info);
	qaccel_model_output(model, 0, &out_info);
	memcpy(qaccel_session_input(session, 0), in, in_info.size);
	err = qaccel_session_run(session);
	if (!err)
		memcpy(out, qaccel_session_output(session, 0), out_info.size);
	qaccel_session_destroy(session);
	return err;
}

/* Ends the builder, whose last operator gives tensor, and runs the model. */
static int run_builder(struct qaccel_device *device, struct qaccel_builder *b,
		       int32_t tensor, const void *in, void *out)
{
	struct qaccel_model *model;
	int err;

	/* Failures show at the end, too. */
	qaccel_builder_output(b, tensor);
	err = qaccel_builder_finish(b, &model);
	qaccel_builder_destroy(b);
	if (err)
		return err;
	err = run_model(device, model, in, out);
	qaccel_model_destroy(model);
	return err;
}

static bool all_zero(const uint64_t *reserved, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (reserved[i])
			return false;
	return true;
}

/* Sizes that the int32 of a shape holds; 0 and more are the builder's to refuse. */
static int check_sizes(const uint32_t *sizes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (sizes[i] > INT32_MAX)
			return qaccel_error(EINVAL, "a size of %u", sizes[i]);
	return 0;
}

static int32_t add_bias(struct qaccel_builder *b, const int32_t *bias,
			uint32_t count, float scale)
{
	const struct qaccel_tensor_desc desc = {
		.type = QACCEL_TYPE_INT32,
		.rank = 1,
		.dims = { (int32_t)count },
		.scale = scale,
	};

	return bias ? qaccel_builder_constant(b, &desc, bias)
		    : QACCEL_NO_TENSOR;
}

/* --------------------------------------------------------------- gemm -- */

static int32_t build_gemm(struct qaccel_builder *b, const struct qaccel_gemm *g)
{
	const struct qaccel_tensor_desc x = {
		.type = g->type,
		.rank = 2,
		.dims = { (int32_t)g->m, (int32_t)g->k },
		.scale = g->a_scale,
		.zero_point = g->a_zero_point,
	};
	const struct qaccel_tensor_desc w = {
		.type = g->type,
		.rank = 2,
		.dims = { (int32_t)g->n, (int32_t)g->k },
		.scale = g->b_scale,
		.zero_point = g->b_zero_point,
		.channel_scales = g->b_scales,
	};
	const struct qaccel_tensor_desc y = {
		.type = g->type,
		.scale = g->c_scale,
		.zero_point = g->c_zero_point,
	};
	const struct qaccel_fully_connected_options options = {
		.activation = g->activation,
	};
	int32_t in = qaccel_builder_input(b, &x);
	int32_t weights = qaccel_builder_constant(b, &w, g->b);
	int32_t bias = add_bias(b, g->bias, g->n, g->a_scale * g->b_scale);

	return qaccel_builder_fully_connected(b, in, weights, bias, &options,
					      &y);
}

int qaccel_op_gemm(struct qaccel_device *device, const struct qaccel_gemm *gemm)
{
	const uint32_t sizes[] = { gemm->m, gemm->n, gemm->k };
	struct qaccel_builder *b;
	int err;

	if (gemm->pad || !all_zero(gemm->reserved, 4))
		return qaccel_error(EINVAL, "a reserved field is not zero");
	err = check_sizes(sizes, 3);
	if (!err)
		err = qaccel_builder_create("gemm", &b);
	if (err)
		return err;
	return run_builder(device, b, build_gemm(b, gemm), gemm->a, gemm->c);
}

/* ------------------------------------------------------------- conv2d -- */

static int32_t build_weights(struct qaccel_builder *b,
			     const struct qaccel_conv2d *c)
{
	const struct qaccel_tensor_desc w = {
		.type = c->type,
		.rank = 4,
		.dims = {
			c->depthwise ? 1 : (int32_t)c->out_c,
			(int32_t)c->filter_h, (int32_t)c->filter_w,
			c->depthwise ? (int32_t)c->out_c : (int32_t)c->in_c,
		},
		.scale = c->weights_scale,
		.zero_point = c->weights_zero_point,
		.channel_scales = c->weights_scales,
		.channel_dim = c->depthwise ? 3 : 0,
	};

	return qaccel_builder_constant(b, &w, c->weights);
}

static int32_t build_conv(struct qaccel_builder *b, const struct qaccel_conv2d *c)
{
	const struct qaccel_tensor_desc x = {
		.type = c->type,
		.rank = 4,
		.dims = { (int32_t)c->batch, (int32_t)c->in_h,
			  (int32_t)c->in_w, (int32_t)c->in_c },
		.scale = c->in_scale,
		.zero_point = c->in_zero_point,
	};
	const struct qaccel_tensor_desc y = {
		.type = c->type,
		.rank = 4,
		.dims = { (int32_t)c->batch, (int32_t)c->out_h,
			  (int32_t)c->out_w, (int32_t)c->out_c },
		.scale = c->out_scale,
		.zero_point = c->out_zero_point,
	};
	int32_t in = qaccel_builder_input(b, &x);
	int32_t weights = build_weights(b, c);
	int32_t bias = add_bias(b, c->bias, c->out_c,
				c->in_scale * c->weights_scale);

	if (c->depthwise)
		return qaccel_builder_depthwise_conv2d(b, in, weights, bias,
						       &c->options, &y);
	return qaccel_builder_conv2d(b, in, weights, bias, &c->options, &y);
}

int qaccel_op_conv2d(struct qaccel_device *device,
		     const struct qaccel_conv2d *conv)
{
	const uint32_t sizes[] = {
		conv->batch, conv->in_h, conv->in_w, conv->in_c,
		conv->filter_h, conv->filter_w,
		conv->out_h, conv->out_w, conv->out_c,
	};
	struct qaccel_builder *b;
	int err;

	if (!all_zero(conv->reserved, 4))
		return qaccel_error(EINVAL, "a reserved field is not zero");
	err = check_sizes(sizes, sizeof(sizes) / sizeof(sizes[0]));
	if (!err)
		err = qaccel_builder_create("conv2d", &b);
	if (err)
		return err;
	return run_builder(device, b, build_conv(b, conv), conv->in, conv->out);
}

/* --------------------------------------------------------- requantize -- */

static const struct {
	uint8_t dtype;
	int32_t min, max;
} ranges[] = {
	[QACCEL_TYPE_UINT8] = { QACCEL_DTYPE_U8, 0, UINT8_MAX },
	[QACCEL_TYPE_INT8] = { QACCEL_DTYPE_S8, INT8_MIN, INT8_MAX },
	[QACCEL_TYPE_INT16] = { QACCEL_DTYPE_S16, INT16_MIN, INT16_MAX },
	/* It has no zero point. */
	[QACCEL_TYPE_INT32] = { QACCEL_DTYPE_S32, 0, 0 },
};

static int check_array(enum qaccel_type type, enum qaccel_type last,
		       float scale, int32_t zero_point)
{
	if (!qaccel_type_size(type) || type > last)
		return qaccel_error(EINVAL, "type %s", qaccel_type_name(type));
	if (!isfinite(scale) || scale <= 0)
		return qaccel_error(EINVAL, "a scale of %g", (double)scale);
	if (zero_point < ranges[type].min || zero_point > ranges[type].max)
		return qaccel_error(EINVAL, "a zero point of %d in %s",
				    zero_point, qaccel_type_name(type));
	return 0;
}

int qaccel_op_requantize(const struct qaccel_requantize *r)
{
	struct qaccel_cmd_requantize cmd = {
		.hdr = { .opcode = QACCEL_OP_REQUANTIZE,
			 .version = QACCEL_CMD_VERSION },
	};
	int err;

	if (!all_zero(r->reserved, 4))
		return qaccel_error(EINVAL, "a reserved field is not zero");
	err = check_array(r->in_type, QACCEL_TYPE_INT32, r->in_scale,
			  r->in_zero_point);
	if (!err)
		err = check_array(r->out_type, QACCEL_TYPE_INT16, r->out_scale,
				  r->out_zero_point);
	if (!err)
		err = qaccel_quantize_multiplier((double)r->in_scale /
						 (double)r->out_scale,
						 &cmd.multiplier, &cmd.shift);
	if (err)
		return err;
	cmd.in.dtype = ranges[r->in_type].dtype;
	cmd.in.zero_point = r->in_zero_point;
	cmd.out.dtype = ranges[r->out_type].dtype;
	cmd.out.zero_point = r->out_zero_point;
	cmd.act_min = ranges[r->out_type].min;
	cmd.act_max = ranges[r->out_type].max;
	qk_select(NULL)->requantize(&cmd, r->in, r->out, r->count);
	return 0;
}
