// SPDX-License-Identifier: MIT
/*
 * What a graph must be, so that the planner may trust it
 *
 * The rules are those of TensorFlow Lite's Prepare functions for quantized
 * types, less what it takes and a device doesn't. Broken rules are -EBADMSG,
 * what is missing here is -EOPNOTSUPP.
 *
 * Float models, to be converted, have the same rules but for types and scales:
 * everything that is computed is FLOAT32, and not quantized.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "graph.h"

/* Producer of a tensor that nothing has written yet. */
#define NOT_YET		(-2)

#define MAX_DEVICE_RANK	4

/* An operator under inspection. */
struct check {
	struct qaccel_graph *graph;
	struct qaccel_graph_op *op;
	uint32_t index;
};

__attribute__((format(printf, 3, 4)))
static int fail(const struct check *c, int code, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return qaccel_error(code, "operator %u (%s): %s", c->index, c->op->name,
			    text);
}

/* Broken, and merely not supported. */
#define bad(c, ...)	fail(c, EBADMSG, __VA_ARGS__)
#define refuse(c, ...)	fail(c, EOPNOTSUPP, __VA_ARGS__)

static struct qaccel_graph_tensor *input(const struct check *c, uint32_t i)
{
	return &c->graph->tensors[c->op->inputs[i]];
}

static struct qaccel_graph_tensor *output(const struct check *c)
{
	return &c->graph->tensors[c->op->outputs[0]];
}

/* Whether input i is there; the general checks have put none at the end. */
static bool has_input(const struct check *c, uint32_t i)
{
	return i < c->op->num_inputs && c->op->inputs[i] >= 0;
}

static uint64_t num_elements(const struct qaccel_graph_tensor *t)
{
	return t->info.size / qaccel_type_size(t->info.type);
}

/* ------------------------------------------------------------- shapes -- */

/* A shape that is computed; int64, so that no sum overflows. */
struct shape {
	uint32_t rank;
	int64_t dims[QACCEL_MAX_RANK];
};

static struct shape shape_of(const struct qaccel_graph_tensor *t)
{
	struct shape s = { .rank = t->info.rank };

	for (uint32_t i = 0; i < s.rank; i++)
		s.dims[i] = t->info.dims[i];
	return s;
}

static void print_shape(char *text, size_t size, const struct shape *s)
{
	size_t used = 0;

	snprintf(text, size, "scalar");
	for (uint32_t i = 0; i < s->rank && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%lld",
					 i ? "x" : "", (long long)s->dims[i]);
}

static bool same_shape(const struct shape *a, const struct shape *b)
{
	return a->rank == b->rank &&
	       !memcmp(a->dims, b->dims, a->rank * sizeof(a->dims[0]));
}

static int infer_output_shape(const struct check *c, const struct shape *s)
{
	struct qaccel_graph_tensor *t = output(c);
	int32_t dims[QACCEL_MAX_RANK];
	int err;

	for (uint32_t i = 0; i < s->rank; i++) {
		if (s->dims[i] > INT32_MAX)
			return bad(c, "an output dimension of %lld",
				   (long long)s->dims[i]);
		dims[i] = (int32_t)s->dims[i];
	}
	err = qaccel_graph_set_shape(t, s->rank, dims);
	if (!err)
		err = qaccel_graph_charge(c->graph, t->info.size);
	t->infer_shape = false;
	return err;
}

static int check_output_shape(const struct check *c, const struct shape *expected)
{
	struct shape actual = shape_of(output(c));
	char is[80], must[80];

	if (output(c)->infer_shape)
		return infer_output_shape(c, expected);
	if (same_shape(&actual, expected))
		return 0;
	print_shape(is, sizeof(is), &actual);
	print_shape(must, sizeof(must), expected);
	return bad(c, "the output's shape is %s, not %s", is, must);
}

static int check_same_shape(const struct check *c)
{
	struct shape s = shape_of(input(c, 0));

	return check_output_shape(c, &s);
}

static int check_rank(const struct check *c, const struct qaccel_graph_tensor *t,
		      uint32_t min, uint32_t max)
{
	if (t->info.rank < min || t->info.rank > max)
		return refuse(c, "tensor %u has %u dimensions", t->info.index,
			      t->info.rank);
	return 0;
}

static int check_padding(const struct check *c, enum qaccel_padding padding)
{
	if (padding != QACCEL_PADDING_SAME && padding != QACCEL_PADDING_VALID)
		return bad(c, "padding %d is not known", (int)padding);
	return 0;
}

/* Outputs of a window along one dimension; all but padding are positive. */
static int64_t window_outputs(enum qaccel_padding padding, int64_t in,
			      int64_t filter, int64_t stride, int64_t dilation)
{
	int64_t reach = (filter - 1) * dilation + 1;

	if (padding == QACCEL_PADDING_SAME)
		return (in + stride - 1) / stride;
	return in < reach ? 0 : (in - reach) / stride + 1;
}

struct window {
	enum qaccel_padding padding;
	int32_t filter[2], stride[2], dilation[2];	/* height, width */
};

/* Output height and width of a window over input 0, with channels. */
static int check_window(const struct check *c, const struct window *w,
			int64_t channels)
{
	struct shape s = shape_of(input(c, 0));
	int err;

	err = check_padding(c, w->padding);
	if (err)
		return err;
	for (unsigned int i = 0; i < 2; i++) {
		if (w->filter[i] < 1 || w->stride[i] < 1 || w->dilation[i] < 1)
			return bad(c, "filter %d, stride %d, dilation %d",
				   w->filter[i], w->stride[i], w->dilation[i]);
		s.dims[1 + i] = window_outputs(w->padding, s.dims[1 + i],
					       w->filter[i], w->stride[i],
					       w->dilation[i]);
		if (!s.dims[1 + i])
			return bad(c, "the filter is larger than the input");
	}
	s.dims[3] = channels;
	return check_output_shape(c, &s);
}

/* ------------------------------------------------- types and scales -- */

static bool is_8bit(const struct qaccel_graph_tensor *t)
{
	return t->info.type == QACCEL_TYPE_UINT8 ||
	       t->info.type == QACCEL_TYPE_INT8;
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
	default:
		/* TFLite has int16 and int32 symmetric. */
		*min = 0;
		*max = 0;
	}
}

/* Any integer tensor, quantized as a whole. */
static int check_quantized(const struct check *c,
			   const struct qaccel_graph_tensor *t)
{
	const struct qaccel_tensor_info *info = &t->info;
	int32_t min, max;

	if (!info->num_scales)
		return refuse(c, "tensor %u is not quantized", info->index);
	if (info->num_scales > 1)
		return refuse(c, "tensor %u is quantized per channel",
			      info->index);
	if (!isnormal(info->scales[0]) || info->scales[0] < 0)
		return bad(c, "tensor %u has a scale of %g", info->index,
			   (double)info->scales[0]);
	type_range(info->type, &min, &max);
	if (info->zero_points[0] < min || info->zero_points[0] > max)
		return bad(c, "tensor %u has a zero point of %d", info->index,
			   info->zero_points[0]);
	return 0;
}

/* Activations: UINT8 or INT8; in float models FLOAT32, whatever scales it has. */
static int check_activations(const struct check *c,
			     const struct qaccel_graph_tensor *t)
{
	if (c->graph->real && t->info.type != QACCEL_TYPE_FLOAT32)
		return refuse(c, "tensor %u is %s: this is no float model, or only in parts",
			      t->info.index, qaccel_type_name(t->info.type));
	if (c->graph->real)
		return 0;
	if (!is_8bit(t))
		return refuse(c, "tensor %u of type %s is not supported, only UINT8 and INT8",
			      t->info.index, qaccel_type_name(t->info.type));
	return check_quantized(c, t);
}

static int check_same_type(const struct check *c,
			   const struct qaccel_graph_tensor *a,
			   const struct qaccel_graph_tensor *b)
{
	if (a->info.type != b->info.type)
		return refuse(c, "types %s of tensor %u and %s of tensor %u together are not supported",
			      qaccel_type_name(a->info.type), a->info.index,
			      qaccel_type_name(b->info.type), b->info.index);
	return 0;
}

/* Input 0 and the output: activations of one type. */
static int check_in_out(const struct check *c)
{
	int err;

	err = check_activations(c, input(c, 0));
	if (!err)
		err = check_activations(c, output(c));
	if (!err)
		err = check_same_type(c, input(c, 0), output(c));
	return err;
}

static int check_constant(const struct check *c,
			  const struct qaccel_graph_tensor *t, const char *what)
{
	if (!t->data)
		return refuse(c, "%s that are not constant are not supported",
			      what);
	return 0;
}

static int check_fused(const struct check *c)
{
	static const char *const others[] = { [4] = "TANH", [5] = "SIGN_BIT" };
	unsigned int a = (unsigned int)c->op->activation;

	if (a <= QACCEL_ACTIVATION_RELU6)
		return 0;
	if (a < sizeof(others) / sizeof(others[0]))
		return refuse(c, "fused activation %s is not supported",
			      others[a]);
	return bad(c, "fused activation %u is not known", a);
}

/* ------------------------------------------------------- convolutions -- */

/*
 * Weights: of the input's type. UINT8 ones have one zero point; of INT8 ones,
 * only those of FULLY_CONNECTED with one scale may have one.
 */
static int check_weights(const struct check *c, int32_t channel_dim)
{
	const struct qaccel_graph_tensor *t = input(c, 1);
	const struct qaccel_tensor_info *info = &t->info;
	int err;

	err = check_constant(c, t, "weights");
	if (!err)
		err = check_same_type(c, input(c, 0), t);
	if (err || c->graph->real)
		return err;
	if (!info->num_scales)
		return refuse(c, "the weights are not quantized");
	if (info->num_scales == 1)
		err = check_quantized(c, t);
	else if (info->type != QACCEL_TYPE_INT8)
		return refuse(c, "%s weights with a scale per channel are not supported",
			      qaccel_type_name(info->type));
	else if (info->quantized_dim != channel_dim)
		return refuse(c, "the weights' scales go along dimension %d, not %d",
			      info->quantized_dim, channel_dim);
	if (err || info->type == QACCEL_TYPE_UINT8)
		return err;
	if (info->num_scales == 1 &&
	    c->op->builtin == QACCEL_BUILTIN_FULLY_CONNECTED)
		return 0;
	for (uint32_t i = 0; i < info->num_scales; i++)
		if (info->zero_points[i])
			return refuse(c, "a zero point of %d in INT8 weights is not supported",
				      info->zero_points[i]);
	return 0;
}

/*
 * TFLite's rule: one step of the bias and one of the products are apart by at
 * most 2% of a step of the output. It has it for scales per tensor alone.
 */
static int check_bias_scale(const struct check *c)
{
	const struct qaccel_tensor_info *bias = &input(c, 2)->info;
	double product = (double)(input(c, 0)->info.scales[0] *
				  input(c, 1)->info.scales[0]);
	double scale = bias->num_scales ? (double)bias->scales[0] : 0;
	double out = (double)output(c)->info.scales[0];

	if (!(fabs(product - scale) / out <= 0.02))
		return bad(c, "the bias has a scale of %g, not %g", scale,
			   product);
	return 0;
}

static int check_bias(const struct check *c, int64_t channels)
{
	const struct qaccel_graph_tensor *t;
	bool legacy = input(c, 0)->info.type == QACCEL_TYPE_UINT8 ||
		      c->op->builtin == QACCEL_BUILTIN_FULLY_CONNECTED;
	enum qaccel_type type = c->graph->real ? QACCEL_TYPE_FLOAT32
					       : QACCEL_TYPE_INT32;
	int err;

	if (!has_input(c, 2))
		return 0;
	t = input(c, 2);
	err = check_constant(c, t, "biases");
	if (err)
		return err;
	if (t->info.type != type)
		return refuse(c, "a bias of type %s is not supported",
			      qaccel_type_name(t->info.type));
	if (num_elements(t) != (uint64_t)channels)
		return bad(c, "%llu biases for %lld channels",
			   (unsigned long long)num_elements(t),
			   (long long)channels);
	if (c->graph->real)
		return 0;
	for (uint32_t i = 0; i < t->info.num_scales; i++)
		if (t->info.zero_points[i])
			return bad(c, "the bias has a zero point of %d",
				   t->info.zero_points[i]);
	if (legacy && input(c, 1)->info.num_scales == 1)
		return check_bias_scale(c);
	return 0;
}

static struct window conv_window(const struct check *c)
{
	const struct qaccel_graph_op *op = c->op;
	const int32_t *filter = input(c, 1)->info.dims;

	return (struct window){
		.padding = op->u.conv.padding,
		.filter = { filter[1], filter[2] },
		.stride = { op->u.conv.stride_h, op->u.conv.stride_w },
		.dilation = { op->u.conv.dilation_h, op->u.conv.dilation_w },
	};
}

static int check_conv_common(const struct check *c, int32_t channel_dim)
{
	int64_t channels;
	struct window w;
	int err;

	err = check_weights(c, channel_dim);
	if (err)
		return err;
	channels = input(c, 1)->info.dims[channel_dim];
	err = check_bias(c, channels);
	if (!err)
		err = check_fused(c);
	if (err)
		return err;
	w = conv_window(c);
	return check_window(c, &w, channels);
}

static int check_conv_ranks(const struct check *c)
{
	int err;

	err = check_in_out(c);
	if (!err)
		err = check_rank(c, input(c, 0), 4, 4);
	if (!err)
		err = check_rank(c, input(c, 1), 4, 4);
	return err;
}

static int check_conv(const struct check *c)
{
	const int32_t *in, *filter;
	int err;

	err = check_conv_ranks(c);
	if (err)
		return err;
	in = input(c, 0)->info.dims;
	filter = input(c, 1)->info.dims;
	if (in[3] != filter[3]) {
		if (in[3] % filter[3])
			return bad(c, "the input has %d channels, the filter %d",
				   in[3], filter[3]);
		return refuse(c, "grouped convolution is not supported");
	}
	return check_conv_common(c, 0);
}

static int check_depthwise(const struct check *c)
{
	const int32_t *in, *filter;
	int err;

	err = check_conv_ranks(c);
	if (err)
		return err;
	in = input(c, 0)->info.dims;
	filter = input(c, 1)->info.dims;
	if (filter[0] != 1 || filter[3] % in[3])
		return bad(c, "the filter is %dx%dx%dx%d for %d input channels",
			   filter[0], filter[1], filter[2], filter[3], in[3]);
	c->op->u.conv.depth_multiplier = filter[3] / in[3];
	return check_conv_common(c, 3);
}

/* Output shape: all but the last dimension as the input, or all in one. */
static int check_fully_connected_shape(const struct check *c)
{
	struct shape s = shape_of(input(c, 0));
	const int32_t *filter = input(c, 1)->info.dims;
	uint64_t elements = num_elements(input(c, 0));

	if (elements % (uint64_t)filter[1])
		return bad(c, "%llu inputs are not rows of %d",
			   (unsigned long long)elements, filter[1]);
	if (c->op->u.fully_connected.keep_num_dims) {
		if (s.dims[s.rank - 1] != filter[1])
			return bad(c, "the input's rows are %lld long, the filter's %d",
				   (long long)s.dims[s.rank - 1], filter[1]);
	} else {
		s.rank = 2;
		s.dims[0] = (int64_t)(elements / (uint64_t)filter[1]);
	}
	s.dims[s.rank - 1] = filter[0];
	return check_output_shape(c, &s);
}

static int check_fully_connected(const struct check *c)
{
	int err;

	err = check_in_out(c);
	if (!err)
		err = check_rank(c, input(c, 0), 1, QACCEL_MAX_RANK);
	if (!err)
		err = check_rank(c, input(c, 1), 2, 2);
	if (!err)
		err = check_weights(c, 0);
	if (!err)
		err = check_bias(c, input(c, 1)->info.dims[0]);
	if (!err)
		err = check_fused(c);
	return err ? err : check_fully_connected_shape(c);
}

/* ------------------------------------------------------------- others -- */

/* Dimension i from the end, of which there may be fewer. */
static int64_t dim_from_end(const struct shape *s, uint32_t i)
{
	return i < s->rank ? s->dims[s->rank - 1 - i] : 1;
}

static int check_broadcast(const struct check *c)
{
	struct shape a = shape_of(input(c, 0)), b = shape_of(input(c, 1)), out;

	out.rank = a.rank > b.rank ? a.rank : b.rank;
	for (uint32_t i = 0; i < out.rank; i++) {
		int64_t x = dim_from_end(&a, i), y = dim_from_end(&b, i);

		if (x != y && x != 1 && y != 1)
			return bad(c, "dimensions %lld and %lld don't go together",
				   (long long)x, (long long)y);
		out.dims[out.rank - 1 - i] = x > y ? x : y;
	}
	return check_output_shape(c, &out);
}

static int check_binary(const struct check *c)
{
	int err;

	err = check_in_out(c);
	if (!err)
		err = check_activations(c, input(c, 1));
	if (!err)
		err = check_same_type(c, input(c, 0), input(c, 1));
	if (!err)
		err = check_rank(c, input(c, 0), 0, MAX_DEVICE_RANK);
	if (!err)
		err = check_rank(c, input(c, 1), 0, MAX_DEVICE_RANK);
	if (!err)
		err = check_fused(c);
	if (!err)
		err = check_broadcast(c);
	return err ? err : check_rank(c, output(c), 1, MAX_DEVICE_RANK);
}

static int check_add(const struct check *c)
{
	double a, b, out;
	int err;

	err = check_binary(c);
	if (err || c->graph->real)
		return err;
	a = (double)input(c, 0)->info.scales[0];
	b = (double)input(c, 1)->info.scales[0];
	out = (double)output(c)->info.scales[0];
	/* TFLite aborts where the output's multiplier is 1 or more. */
	if (2 * fmax(a, b) >= 0x1p20 * out)
		return refuse(c, "scales %g and %g are too far above the output's %g",
			      a, b, out);
	return 0;
}

static int check_pool(const struct check *c)
{
	const struct qaccel_graph_op *op = c->op;
	const struct qaccel_tensor_info *in = &input(c, 0)->info;
	const struct qaccel_tensor_info *out = &output(c)->info;
	struct window w = {
		.padding = op->u.pool.padding,
		.filter = { op->u.pool.filter_h, op->u.pool.filter_w },
		.stride = { op->u.pool.stride_h, op->u.pool.stride_w },
		.dilation = { 1, 1 },
	};
	int err;

	err = check_in_out(c);
	if (!err)
		err = check_rank(c, input(c, 0), 4, 4);
	if (!err)
		err = check_fused(c);
	if (err)
		return err;
	if (!c->graph->real &&
	    (fabsf(in->scales[0] - out->scales[0]) > 1e-6f ||
	     in->zero_points[0] != out->zero_points[0]))
		return refuse(c, "input and output are quantized differently");
	return check_window(c, &w, in->dims[3]);
}

static int check_axes(const struct check *c, uint32_t rank, bool *reduced)
{
	const struct qaccel_graph_tensor *axes = input(c, 1);
	int32_t axis;
	int err;

	err = check_constant(c, axes, "axes");
	if (err)
		return err;
	if (axes->info.type != QACCEL_TYPE_INT32 || axes->info.rank > 1)
		return bad(c, "the axes are no list of INT32");
	for (uint64_t i = 0; i < num_elements(axes); i++) {
		memcpy(&axis, (const char *)axes->data + 4 * i, sizeof(axis));
		if (axis < -(int64_t)rank || axis >= (int64_t)rank)
			return bad(c, "axis %d of %u dimensions", axis, rank);
		reduced[axis < 0 ? axis + (int32_t)rank : axis] = true;
	}
	return 0;
}

static int check_mean(const struct check *c)
{
	bool reduced[QACCEL_MAX_RANK] = { false };
	struct shape s, out = { 0 };
	int err;

	err = check_in_out(c);
	if (!err)
		err = check_rank(c, input(c, 0), 1, MAX_DEVICE_RANK);
	if (err)
		return err;
	s = shape_of(input(c, 0));
	err = check_axes(c, s.rank, reduced);
	if (err)
		return err;
	for (uint32_t i = 0; i < s.rank; i++) {
		if (reduced[i] && c->op->u.mean.keep_dims)
			out.dims[out.rank++] = 1;
		else if (!reduced[i])
			out.dims[out.rank++] = s.dims[i];
	}
	return check_output_shape(c, &out);
}

/* Operators that move values of any type, of float models as activations are. */
static int check_moved(const struct check *c)
{
	if (c->graph->real)
		return check_in_out(c);
	return check_same_type(c, input(c, 0), output(c));
}

static int check_paddings(const struct check *c)
{
	const struct qaccel_graph_tensor *paddings = input(c, 1);
	struct shape s = shape_of(input(c, 0));
	int32_t around[2];
	int err;

	err = check_constant(c, paddings, "paddings");
	if (err)
		return err;
	if (paddings->info.type != QACCEL_TYPE_INT32 ||
	    paddings->info.rank != 2 ||
	    (uint32_t)paddings->info.dims[0] != s.rank ||
	    paddings->info.dims[1] != 2)
		return bad(c, "the paddings are not %ux2 of INT32", s.rank);
	for (uint32_t i = 0; i < s.rank; i++) {
		memcpy(around, (const char *)paddings->data + 8 * i,
		       sizeof(around));
		if (around[0] < 0 || around[1] < 0)
			return bad(c, "a padding of %d and %d", around[0],
				   around[1]);
		s.dims[i] += (int64_t)around[0] + around[1];
	}
	return check_output_shape(c, &s);
}

static int check_pad(const struct check *c)
{
	int err;

	err = check_moved(c);
	if (!err)
		err = check_rank(c, input(c, 0), 1, MAX_DEVICE_RANK);
	/* What is around has the output's zero point; real numbers have 0. */
	if (!err && output(c)->info.type != QACCEL_TYPE_FLOAT32 &&
	    output(c)->info.type != QACCEL_TYPE_INT32)
		err = check_quantized(c, output(c));
	return err ? err : check_paddings(c);
}

/* The new shape with its one -1 resolved; the elements must stay as many. */
static int resolve_shape(const struct check *c, struct shape *s)
{
	int64_t elements = (int64_t)num_elements(input(c, 0)), rest = 1;
	int unknown = -1;

	for (uint32_t i = 0; i < s->rank; i++) {
		if (s->dims[i] == -1 && unknown < 0)
			unknown = (int)i;
		else if (s->dims[i] < 1 || s->dims[i] > elements)
			return bad(c, "a new shape with a dimension of %lld",
				   (long long)s->dims[i]);
		else
			rest *= s->dims[i];
		/* Both are below 2^32: no overflow before this refuses it. */
		if (rest > elements)
			break;
	}
	if (rest > elements || elements % rest ||
	    (unknown < 0 && rest != elements))
		return bad(c, "the new shape doesn't hold %lld elements",
			   (long long)elements);
	if (unknown >= 0)
		s->dims[unknown] = elements / rest;
	return 0;
}

static int new_shape(const struct check *c, struct shape *s)
{
	const struct qaccel_graph_tensor *t;
	int32_t dim;
	int err;

	if (!has_input(c, 1)) {
		if (c->op->u.reshape.num_dims < 0)
			return bad(c, "there is no new shape");
		s->rank = (uint32_t)c->op->u.reshape.num_dims;
		for (uint32_t i = 0; i < s->rank; i++)
			s->dims[i] = c->op->u.reshape.dims[i];
		return 0;
	}
	t = input(c, 1);
	err = check_constant(c, t, "shapes");
	if (err)
		return err;
	if (t->info.type != QACCEL_TYPE_INT32 || t->info.rank != 1)
		return bad(c, "the new shape is no list of INT32");
	if (t->info.dims[0] > QACCEL_MAX_RANK)
		return refuse(c, "%d dimensions are not supported",
			      t->info.dims[0]);
	s->rank = (uint32_t)t->info.dims[0];
	for (uint32_t i = 0; i < s->rank; i++) {
		memcpy(&dim, (const char *)t->data + 4 * i, sizeof(dim));
		s->dims[i] = dim;
	}
	return 0;
}

static int check_reshape(const struct check *c)
{
	struct shape s;
	int err;

	err = check_moved(c);
	if (!err)
		err = new_shape(c, &s);
	if (!err)
		err = resolve_shape(c, &s);
	return err ? err : check_output_shape(c, &s);
}

static int check_squeeze(const struct check *c)
{
	struct shape s = shape_of(input(c, 0)), out = { 0 };
	bool squeezed[QACCEL_MAX_RANK] = { false };
	int err;

	err = check_moved(c);
	if (err)
		return err;
	for (int32_t i = 0; i < c->op->u.squeeze.num_dims; i++) {
		int64_t dim = c->op->u.squeeze.dims[i];

		dim += dim < 0 ? s.rank : 0;
		if (dim < 0 || dim >= s.rank || s.dims[dim] != 1)
			return bad(c, "dimension %d can't be squeezed",
				   c->op->u.squeeze.dims[i]);
		squeezed[dim] = true;
	}
	for (uint32_t i = 0; i < s.rank; i++) {
		if (!c->op->u.squeeze.num_dims)
			squeezed[i] = s.dims[i] == 1;
		if (!squeezed[i])
			out.dims[out.rank++] = s.dims[i];
	}
	return check_output_shape(c, &out);
}

static int check_elementwise(const struct check *c)
{
	int err;

	err = check_rank(c, input(c, 0), 1, MAX_DEVICE_RANK);
	return err ? err : check_same_shape(c);
}

static int check_softmax(const struct check *c)
{
	const struct qaccel_tensor_info *out = &output(c)->info;
	int32_t zero_point = out->type == QACCEL_TYPE_INT8 ? INT8_MIN : 0;
	float beta = c->op->u.softmax.beta;
	int err;

	err = check_in_out(c);
	if (!err)
		err = check_elementwise(c);
	if (err)
		return err;
	if (c->graph->real)
		return isfinite(beta) ? 0 : bad(c, "a beta of %g", (double)beta);
	if (out->zero_points[0] != zero_point ||
	    fabsf(out->scales[0] - 1.f / 256) > 0.001f / 256)
		return refuse(c, "the output has scale %g and zero point %d, not 1/256 and %d",
			      (double)out->scales[0], out->zero_points[0],
			      zero_point);
	/* TFLite aborts where the input's multiplier is below 1. */
	if (!isfinite(beta) ||
	    !((double)beta * (double)input(c, 0)->info.scales[0] * 0x1p26 >= 1))
		return refuse(c, "a beta of %g is not supported with a scale of %g",
			      (double)beta,
			      (double)input(c, 0)->info.scales[0]);
	return 0;
}

/* Integer to integer, as TFLite has it: 8 to 8 bits, 16 and 32 to 8 and 16. */
static int check_requantize(const struct check *c)
{
	const struct qaccel_graph_tensor *in = input(c, 0);
	const struct qaccel_graph_tensor *out = output(c);

	if (is_8bit(in) && !is_8bit(out))
		return refuse(c, "%s to %s is not supported",
			      qaccel_type_name(in->info.type),
			      qaccel_type_name(out->info.type));
	return check_quantized(c, in);
}

/* What has integers is no float model, whatever else is in it. */
static int check_integers(const struct check *c)
{
	return c->graph->real ?
		refuse(c, "this is no float model, or only in parts") : 0;
}

static int check_quantize(const struct check *c)
{
	const struct qaccel_graph_tensor *out = output(c);
	int err;

	err = check_elementwise(c);
	if (!err)
		err = check_integers(c);
	if (err)
		return err;
	if (!is_8bit(out) && out->info.type != QACCEL_TYPE_INT16)
		return refuse(c, "to %s is not supported",
			      qaccel_type_name(out->info.type));
	err = check_quantized(c, out);
	if (!err && input(c, 0)->info.type != QACCEL_TYPE_FLOAT32)
		err = check_requantize(c);
	return err;
}

static int check_dequantize(const struct check *c)
{
	const struct qaccel_graph_tensor *in = input(c, 0);
	int err;

	err = check_elementwise(c);
	if (!err)
		err = check_integers(c);
	if (err)
		return err;
	if ((!is_8bit(in) && in->info.type != QACCEL_TYPE_INT16) ||
	    output(c)->info.type != QACCEL_TYPE_FLOAT32)
		return refuse(c, "%s to %s is not supported",
			      qaccel_type_name(in->info.type),
			      qaccel_type_name(output(c)->info.type));
	return check_quantized(c, in);
}

static int check_relu(const struct check *c)
{
	int err;

	err = check_in_out(c);
	return err ? err : check_elementwise(c);
}

/* -------------------------------------------------------- whole graph -- */

static const struct rule {
	enum qaccel_builtin builtin;
	/* Inputs from min_inputs on may be left out. */
	uint32_t min_inputs, max_inputs;
	int (*check)(const struct check *c);
} rules[] = {
	{ QACCEL_BUILTIN_ADD, 2, 2, check_add },
	{ QACCEL_BUILTIN_AVERAGE_POOL_2D, 1, 1, check_pool },
	{ QACCEL_BUILTIN_CONV_2D, 2, 3, check_conv },
	{ QACCEL_BUILTIN_DEPTHWISE_CONV_2D, 2, 3, check_depthwise },
	{ QACCEL_BUILTIN_DEQUANTIZE, 1, 1, check_dequantize },
	{ QACCEL_BUILTIN_FULLY_CONNECTED, 2, 3, check_fully_connected },
	{ QACCEL_BUILTIN_MAX_POOL_2D, 1, 1, check_pool },
	{ QACCEL_BUILTIN_MUL, 2, 2, check_binary },
	{ QACCEL_BUILTIN_RELU, 1, 1, check_relu },
	{ QACCEL_BUILTIN_RELU6, 1, 1, check_relu },
	{ QACCEL_BUILTIN_RESHAPE, 1, 2, check_reshape },
	{ QACCEL_BUILTIN_SOFTMAX, 1, 1, check_softmax },
	{ QACCEL_BUILTIN_PAD, 2, 2, check_pad },
	{ QACCEL_BUILTIN_MEAN, 2, 2, check_mean },
	{ QACCEL_BUILTIN_SQUEEZE, 1, 1, check_squeeze },
	{ QACCEL_BUILTIN_QUANTIZE, 1, 1, check_quantize },
};

static int check_op_input(const struct check *c, uint32_t i, uint32_t required)
{
	const struct qaccel_graph_tensor *t;
	int32_t index = c->op->inputs[i];

	if (index < 0)
		return i < required ? bad(c, "input %u is left out", i) : 0;
	if ((uint32_t)index >= c->graph->num_tensors)
		return bad(c, "input %u is tensor %d of %u", i, index,
			   c->graph->num_tensors);
	t = input(c, i);
	if (t->unsupported)
		return refuse(c, "tensor %d: %s", index, t->unsupported);
	if (t->producer == NOT_YET)
		return bad(c, "nothing has written input %u, tensor %d", i,
			   index);
	return 0;
}

static int check_op_output(const struct check *c)
{
	const struct qaccel_graph_tensor *t;
	int32_t index = c->op->outputs[0];

	if (index < 0 || (uint32_t)index >= c->graph->num_tensors)
		return bad(c, "the output is tensor %d of %u", index,
			   c->graph->num_tensors);
	t = output(c);
	if (t->unsupported)
		return refuse(c, "tensor %d: %s", index, t->unsupported);
	if (t->producer >= 0)
		return bad(c, "tensor %d is written by operator %d already",
			   index, t->producer);
	if (t->producer != NOT_YET)
		return bad(c, "tensor %d is constant or an input, but written",
			   index);
	return 0;
}

static int check_op_ends(const struct check *c, const struct rule *rule)
{
	const struct qaccel_graph_op *op = c->op;
	int err;

	if (op->num_inputs < rule->min_inputs ||
	    op->num_inputs > rule->max_inputs)
		return bad(c, "%u inputs", op->num_inputs);
	if (op->num_outputs != 1)
		return bad(c, "%u outputs", op->num_outputs);
	for (uint32_t i = 0; i < op->num_inputs; i++) {
		err = check_op_input(c, i, rule->min_inputs);
		if (err)
			return err;
	}
	return check_op_output(c);
}

static int check_op(struct qaccel_graph *graph, uint32_t index)
{
	struct check c = { graph, &graph->ops[index], index };
	size_t i = 0;
	int err;

	while (i < sizeof(rules) / sizeof(rules[0]) &&
	       rules[i].builtin != c.op->builtin)
		i++;
	if (i == sizeof(rules) / sizeof(rules[0]))
		return qaccel_error(EOPNOTSUPP, "operator %u (%s) is not supported",
				    index, c.op->name);
	err = check_op_ends(&c, &rules[i]);
	if (!err)
		err = rules[i].check(&c);
	if (!err)
		output(&c)->producer = (int32_t)index;
	return err;
}

static int check_inputs(struct qaccel_graph *graph)
{
	for (uint32_t i = 0; i < graph->num_inputs; i++) {
		uint32_t index = graph->inputs[i];
		struct qaccel_graph_tensor *t;

		if (index >= graph->num_tensors)
			return qaccel_error(EBADMSG, "input %u is tensor %u of %u",
					    i, index, graph->num_tensors);
		t = &graph->tensors[index];
		if (t->unsupported)
			return qaccel_error(EOPNOTSUPP, "input %u, tensor %u: %s",
					    i, index, t->unsupported);
		if (t->producer != NOT_YET)
			return qaccel_error(EBADMSG, "input %u, tensor %u, is constant or an input already",
					    i, index);
		t->producer = -1;
	}
	return 0;
}

/*
 * An output is what an operator writes: the planner gives it memory of its own,
 * and would have to copy constants and inputs there.
 */
static int check_outputs(const struct qaccel_graph *graph)
{
	if (!graph->num_outputs)
		return qaccel_error(EBADMSG, "the model has no outputs");
	for (uint32_t i = 0; i < graph->num_outputs; i++) {
		uint32_t index = graph->outputs[i];

		if (index >= graph->num_tensors)
			return qaccel_error(EBADMSG, "output %u is tensor %u of %u",
					    i, index, graph->num_tensors);
		if (graph->tensors[index].producer < 0)
			return qaccel_error(EOPNOTSUPP, "output %u, tensor %u, is not written by an operator",
					    i, index);
	}
	return 0;
}

int qaccel_graph_check(struct qaccel_graph *graph)
{
	int err;

	for (uint32_t i = 0; i < graph->num_tensors; i++)
		graph->tensors[i].producer =
			graph->tensors[i].data ? -1 : NOT_YET;
	err = check_inputs(graph);
	for (uint32_t i = 0; !err && i < graph->num_ops; i++)
		err = check_op(graph, i);
	if (!err)
		err = check_outputs(graph);
	for (uint32_t i = 0; i < graph->num_tensors; i++)
		if (graph->tensors[i].producer == NOT_YET)
			graph->tensors[i].producer = -1;
	return err;
}

uint64_t qaccel_graph_op_macs(const struct qaccel_graph *graph,
			      const struct qaccel_graph_op *op)
{
	const struct qaccel_graph_tensor *out = &graph->tensors[op->outputs[0]];
	const int32_t *filter;
	uint64_t taps, macs;

	switch (op->builtin) {
	case QACCEL_BUILTIN_CONV_2D:
		filter = graph->tensors[op->inputs[1]].info.dims;
		taps = (uint64_t)filter[1] * (uint64_t)filter[2] *
		       (uint64_t)filter[3];
		break;
	case QACCEL_BUILTIN_DEPTHWISE_CONV_2D:
		filter = graph->tensors[op->inputs[1]].info.dims;
		taps = (uint64_t)filter[1] * (uint64_t)filter[2];
		break;
	case QACCEL_BUILTIN_FULLY_CONNECTED:
		filter = graph->tensors[op->inputs[1]].info.dims;
		taps = (uint64_t)filter[1];
		break;
	default:
		return 0;
	}
	if (__builtin_mul_overflow(num_elements(out), taps, &macs))
		return UINT64_MAX;
	return macs;
}
