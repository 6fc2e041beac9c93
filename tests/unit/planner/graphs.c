// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "graphs.h"

#define SIDE		8
#define MAX_TENSORS	24

const struct qaccel_target any_target = {
	.opcodes = UINT64_MAX,
	.layouts = UINT32_MAX,
	.max_stream = QACCEL_MAX_STREAM,
	.local_mem = UINT64_MAX,
};

uint32_t random_below(struct random *r, uint32_t below)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return (uint32_t)((r->state >> 32) % below);
}

void random_fill(struct random *r, void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)data)[i] = (uint8_t)random_below(r, 256);
}

struct qaccel_tensor_desc int8_desc(uint32_t rank, const int32_t *dims)
{
	struct qaccel_tensor_desc desc = {
		.type = QACCEL_TYPE_INT8,
		.rank = rank,
		.scale = 0.05f,
		.zero_point = -3,
	};

	for (uint32_t i = 0; i < rank; i++)
		desc.dims[i] = dims[i];
	return desc;
}

int32_t add_input(struct qaccel_builder *b)
{
	struct qaccel_tensor_desc desc =
		int8_desc(4, (int32_t[]){ 1, SIDE, SIDE, 4 });

	return qaccel_builder_input(b, &desc);
}

static int32_t add_weights(struct qaccel_builder *b, struct random *r,
			   const int32_t *dims)
{
	struct qaccel_tensor_desc desc = int8_desc(4, dims);
	size_t size = (size_t)dims[0] * (size_t)dims[1] * (size_t)dims[2] *
		      (size_t)dims[3];
	int8_t *data = malloc(size);
	int32_t tensor;

	assert_non_null(data);
	desc.scale = 0.01f;
	desc.zero_point = 0;
	random_fill(r, data, size);
	tensor = qaccel_builder_constant(b, &desc, data);
	free(data);
	return tensor;
}

static int32_t add_bias(struct qaccel_builder *b, struct random *r,
			int32_t channels)
{
	struct qaccel_tensor_desc desc = {
		.type = QACCEL_TYPE_INT32,
		.rank = 1,
		.dims = { channels },
		.scale = 0.05f * 0.01f,
	};
	int32_t data[64];

	assert_true(channels <= 64);
	for (int32_t i = 0; i < channels; i++)
		data[i] = (int32_t)random_below(r, 2000) - 1000;
	return qaccel_builder_constant(b, &desc, data);
}

int32_t add_conv(struct qaccel_builder *b, struct random *r, int32_t in,
		 int32_t in_channels, int32_t channels,
		 enum qaccel_padding padding)
{
	struct qaccel_conv_options options = { .padding = padding };
	int32_t w = add_weights(b, r, (int32_t[]){ channels, 3, 3,
						   in_channels });
	int32_t bias = add_bias(b, r, channels);
	struct qaccel_tensor_desc out = int8_desc(0, NULL);

	return qaccel_builder_conv2d(b, in, w, bias, &options, &out);
}

int32_t add_depthwise(struct qaccel_builder *b, struct random *r, int32_t in,
		      int32_t channels)
{
	int32_t w = add_weights(b, r, (int32_t[]){ 1, 3, 3, channels });
	int32_t bias = add_bias(b, r, channels);
	struct qaccel_tensor_desc out = int8_desc(0, NULL);

	return qaccel_builder_depthwise_conv2d(b, in, w, bias, NULL, &out);
}

struct qaccel_model *finish(struct qaccel_builder *b)
{
	struct qaccel_model *model = NULL;

	if (qaccel_builder_finish(b, &model))
		fail_msg("%s", qaccel_last_error());
	qaccel_builder_destroy(b);
	return model;
}

/* ------------------------------------------------------------ random graphs -- */

struct pool {
	struct qaccel_builder *b;
	struct random r;
	struct {
		int32_t tensor, channels;
		bool used;
	} tensors[MAX_TENSORS];
	uint32_t count;
};

/* Any tensor there is; the newest more often, so that graphs get deep. */
static uint32_t pick(struct pool *p)
{
	uint32_t i = random_below(&p->r, 2) ? p->count - 1
					    : random_below(&p->r, p->count);

	p->tensors[i].used = true;
	return i;
}

/* Another one of as many channels, or the same one. */
static uint32_t pick_alike(struct pool *p, uint32_t like)
{
	uint32_t i = pick(p);

	if (p->tensors[i].channels == p->tensors[like].channels)
		return i;
	return like;
}

static int32_t add_padded_conv(struct pool *p, int32_t in, int32_t in_channels,
			       int32_t channels)
{
	static const int32_t around[4][2] = { { 0 }, { 1, 1 }, { 2, 0 }, { 0 } };

	return add_conv(p->b, &p->r, qaccel_builder_pad(p->b, in, around, 4,
							NULL),
			in_channels, channels, QACCEL_PADDING_VALID);
}

static int32_t add_reshapes(struct pool *p, int32_t in, int32_t channels)
{
	int32_t flat = qaccel_builder_reshape(p->b, in, (int32_t[]){ 1, -1 }, 2,
					      NULL);

	return qaccel_builder_reshape(p->b, flat,
				      (int32_t[]){ 1, SIDE, SIDE, channels }, 4,
				      NULL);
}

static int32_t add_pool(struct pool *p, int32_t in)
{
	struct qaccel_pool_options options = { .filter_h = 3, .filter_w = 2 };

	return qaccel_builder_max_pool2d(p->b, in, &options, NULL);
}

static void add_layer(struct pool *p)
{
	uint32_t i = pick(p);
	int32_t in = p->tensors[i].tensor, channels = p->tensors[i].channels;
	int32_t more = 4 * (1 + (int32_t)random_below(&p->r, 8)), out;

	switch (random_below(&p->r, 9)) {
	case 0:
		out = add_conv(p->b, &p->r, in, channels, more,
			       QACCEL_PADDING_SAME);
		channels = more;
		break;
	case 1:
		out = add_padded_conv(p, in, channels, more);
		channels = more;
		break;
	case 2:
		out = add_depthwise(p->b, &p->r, in, channels);
		break;
	case 3:
		out = add_reshapes(p, in, channels);
		break;
	case 4:
		out = add_pool(p, in);
		break;
	case 5:
		out = qaccel_builder_relu(p->b, in, NULL);
		break;
	case 6:
		out = qaccel_builder_relu6(p->b, in, NULL);
		break;
	case 7:
		out = qaccel_builder_mul(p->b, in,
					 p->tensors[pick_alike(p, i)].tensor,
					 QACCEL_ACTIVATION_RELU, NULL);
		break;
	default:
		out = qaccel_builder_add(p->b, in,
					 p->tensors[pick_alike(p, i)].tensor,
					 QACCEL_ACTIVATION_NONE, NULL);
	}
	p->tensors[p->count].tensor = out;
	p->tensors[p->count++].channels = channels;
}

struct qaccel_model *random_model(uint64_t seed)
{
	struct pool p = { .r = { seed * 0x9e3779b97f4a7c15u + 1 } };

	assert_int_equal(qaccel_builder_create("random", &p.b), 0);
	p.tensors[0].tensor = add_input(p.b);
	p.tensors[0].channels = 4;
	p.count = 1;
	while (p.count < MAX_TENSORS)
		add_layer(&p);
	for (uint32_t i = 1; i < p.count; i++)
		if (!p.tensors[i].used)
			qaccel_builder_output(p.b, p.tensors[i].tensor);
	return finish(p.b);
}

struct qaccel_device *open_cpu(uint32_t threads)
{
	struct qaccel_device_options options = { .threads = threads };
	struct qaccel_device *device = NULL;

	assert_int_equal(qaccel_device_open(&options, "cpu", &device), 0);
	return device;
}
