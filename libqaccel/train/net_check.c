// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "error.h"
#include "net_check.h"

/* So that products of a few of them fit in 64 bits, and any in an int. */
#define MAX_SIZE	(UINT32_C(1) << 24)
#define MAX_CHUNK	(UINT64_C(1) << 31)	/* values in a chunk's array */
#define MAX_WEIGHTS	(UINT64_C(1) << 28)

/* -------------------------------------------------------- descriptions -- */

static bool name_is_valid(const char *name)
{
	size_t length = strnlen(name, sizeof(((struct net_layer_desc *)0)->name));

	return length > 0 &&
	       length < sizeof(((struct net_layer_desc *)0)->name) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static int check_name(const struct net_layer_desc *descs, uint32_t index)
{
	if (!name_is_valid(descs[index].name))
		return qaccel_error(EINVAL,
				    "layer %u: a name is 1 to 31 of a to z, 0 to 9 and _",
				    index);
	for (uint32_t i = 0; i < index; i++)
		if (!strcmp(descs[i].name, descs[index].name))
			return qaccel_error(EINVAL, "layer %s: layer %u has that name too",
					    descs[index].name, i);
	return 0;
}

static int check_enums(const struct net_layer_desc *desc)
{
	bool pool = desc->kind == NET_AVGPOOL || desc->kind == NET_MAXPOOL;

	if ((uint32_t)desc->kind > NET_MAXPOOL)
		return qaccel_error(EINVAL, "layer %s: kind %d is unknown",
				    desc->name, (int)desc->kind);
	if ((uint32_t)desc->activation > NET_RELU6)
		return qaccel_error(EINVAL, "layer %s: activation %d is unknown",
				    desc->name, (int)desc->activation);
	if (pool && desc->activation != NET_LINEAR)
		return qaccel_error(EINVAL, "layer %s: a pool with an activation",
				    desc->name);
	if ((pool || desc->kind == NET_ADD) && desc->batch_norm)
		return qaccel_error(EINVAL,
				    "layer %s: batch normalisation without weights",
				    desc->name);
	if (desc->kind == NET_AVGPOOL && desc->same_padding)
		return qaccel_error(EINVAL,
				    "layer %s: an average over padding is not supported",
				    desc->name);
	return 0;
}

static int check_inputs(const struct net_layer_desc *desc, uint32_t index)
{
	uint32_t inputs = desc->kind == NET_ADD ? 2 : 1;

	for (uint32_t i = 0; i < inputs; i++)
		if (desc->inputs[i] < NET_INPUT || desc->inputs[i] >= (int32_t)index)
			return qaccel_error(EINVAL,
					    "layer %s: input %d is not an earlier layer",
					    desc->name, desc->inputs[i]);
	return 0;
}

static int check_readers(const struct net_layer_desc *descs, uint32_t num_layers)
{
	bool read[NET_MAX_LAYERS] = { false };

	for (uint32_t i = 0; i < num_layers; i++) {
		uint32_t inputs = descs[i].kind == NET_ADD ? 2 : 1;

		for (uint32_t j = 0; j < inputs; j++)
			if (descs[i].inputs[j] != NET_INPUT)
				read[descs[i].inputs[j]] = true;
	}
	for (uint32_t i = 0; i + 1 < num_layers; i++)
		if (!read[i])
			return qaccel_error(EINVAL, "layer %s: no layer reads it",
					    descs[i].name);
	return 0;
}

/* -------------------------------------------------------------- shapes -- */

/* Values of a picture of that shape; more than fit in a chunk: -EINVAL. */
static int check_shape(const char *name, struct net_shape shape)
{
	uint64_t area = (uint64_t)shape.h * shape.w;

	if (!shape.h || !shape.w || !shape.c)
		return qaccel_error(EINVAL, "layer %s: a shape of %u x %u x %u", name,
				    shape.h, shape.w, shape.c);
	if (shape.h > MAX_SIZE || shape.w > MAX_SIZE || shape.c > MAX_SIZE ||
	    area > MAX_CHUNK / NET_CHUNK / shape.c)
		return qaccel_error(EINVAL,
				    "layer %s: a shape of %u x %u x %u is too large",
				    name, shape.h, shape.w, shape.c);
	return 0;
}

/* One direction: the output's size and the padding before the first. */
static int place_window(const struct net_layer_desc *desc, uint32_t in,
			uint32_t size, uint32_t *out, uint32_t *pad)
{
	uint64_t covered;

	*pad = 0;
	if (!desc->same_padding) {
		if (size > in)
			return qaccel_error(EINVAL,
					    "layer %s: a window of %u on a picture of %u",
					    desc->name, size, in);
		*out = (in - size) / desc->stride + 1;
		return 0;
	}
	*out = (in - 1) / desc->stride + 1;
	covered = (uint64_t)(*out - 1) * desc->stride + size;
	if (covered > in)
		*pad = (uint32_t)(covered - in) / 2;
	return 0;
}

static int shape_window(struct net_layer *layer)
{
	struct net_layer_desc *desc = &layer->desc;
	int err;

	if (desc->kind == NET_AVGPOOL && !desc->size_h && !desc->size_w) {
		desc->size_h = layer->in.h;
		desc->size_w = layer->in.w;
		desc->stride = 1;
	}
	if (!desc->size_h || !desc->size_w || !desc->stride)
		return qaccel_error(EINVAL,
				    "layer %s: a window of %u x %u with a stride of %u",
				    desc->name, desc->size_h, desc->size_w,
				    desc->stride);
	if (desc->size_h > MAX_SIZE || desc->size_w > MAX_SIZE ||
	    desc->stride > MAX_SIZE)
		return qaccel_error(EINVAL, "layer %s: its window is too large",
				    desc->name);
	err = place_window(desc, layer->in.h, desc->size_h, &layer->out.h,
			   &layer->pad_top);
	if (!err)
		err = place_window(desc, layer->in.w, desc->size_w, &layer->out.w,
				   &layer->pad_left);
	return err;
}

static int check_weights(const struct net_layer *layer, uint64_t outputs,
			 uint64_t depth, uint64_t *count)
{
	if (!outputs)
		return qaccel_error(EINVAL, "layer %s: no filters", layer->desc.name);
	if (outputs > MAX_WEIGHTS || depth > MAX_WEIGHTS / outputs)
		return qaccel_error(EINVAL, "layer %s: more than 2^28 weights",
				    layer->desc.name);
	*count = outputs * depth;
	return 0;
}

/* A convolution's inputs of all windows, as a matrix, are an array too. */
static int check_columns(const struct net_layer *layer, uint64_t depth)
{
	uint64_t area = (uint64_t)layer->out.h * layer->out.w;

	/* With a filter's size around it: the padding. */
	uint64_t padded = ((uint64_t)layer->in.h + 2 * layer->desc.size_h) *
			  ((uint64_t)layer->in.w + 2 * layer->desc.size_w);

	if (depth > MAX_CHUNK || area > MAX_CHUNK / depth ||
	    padded > MAX_CHUNK / layer->in.c)
		return qaccel_error(EINVAL, "layer %s: its windows are too large",
				    layer->desc.name);
	return 0;
}

static int shape_conv(struct net_layer *layer)
{
	uint64_t area, count = 0;
	int err;

	err = shape_window(layer);
	if (err)
		return err;
	layer->out.c = layer->desc.kind == NET_DWCONV ? layer->in.c :
							layer->desc.filters;
	area = (uint64_t)layer->desc.size_h * layer->desc.size_w;
	err = check_weights(layer, layer->out.c, area, &count);
	if (!err && layer->desc.kind == NET_CONV)
		err = check_weights(layer, count, layer->in.c, &count);
	if (!err)
		err = check_columns(layer, area * layer->in.c);
	layer->weights_count = count;
	return err;
}

static int shape_fc(struct net_layer *layer)
{
	uint64_t count = 0;
	int err;

	layer->out = (struct net_shape){ 1, 1, layer->desc.filters };
	err = check_weights(layer, layer->desc.filters,
			    (uint64_t)layer->in.h * layer->in.w * layer->in.c,
			    &count);
	layer->weights_count = count;
	return err;
}

static int shape_add(struct net_layer *layer, struct net_shape other)
{
	if (layer->in.h != other.h || layer->in.w != other.w ||
	    layer->in.c != other.c)
		return qaccel_error(EINVAL,
				    "layer %s: the sum of %u x %u x %u and %u x %u x %u",
				    layer->desc.name, layer->in.h, layer->in.w,
				    layer->in.c, other.h, other.w, other.c);
	layer->out = layer->in;
	return 0;
}

static int shape_layer(struct net_layer *layer, struct net_shape other)
{
	switch (layer->desc.kind) {
	case NET_CONV:
	case NET_DWCONV:
		return shape_conv(layer);
	case NET_FC:
		return shape_fc(layer);
	case NET_ADD:
		return shape_add(layer, other);
	default:
		layer->out.c = layer->in.c;
		return shape_window(layer);
	}
}

/* ----------------------------------------------------------------- all -- */

static int check_layer(const struct net_layer_desc *descs, uint32_t index)
{
	int err = check_name(descs, index);

	if (!err)
		err = check_enums(&descs[index]);
	if (!err)
		err = check_inputs(&descs[index], index);
	return err;
}

static struct net_shape input_shape(const struct net_layer *layers,
				    struct net_shape in, int32_t input)
{
	return input == NET_INPUT ? in : layers[input].out;
}

int net_check(struct net_shape in, const struct net_layer_desc *descs,
	      uint32_t num_layers, struct net_layer *layers)
{
	uint64_t weights = 0;
	int err;

	err = check_shape("input", in);
	for (uint32_t i = 0; i < num_layers && !err; i++) {
		struct net_layer *layer = &layers[i];

		err = check_layer(descs, i);
		if (err)
			break;
		layer->desc = descs[i];
		layer->in = input_shape(layers, in, descs[i].inputs[0]);
		err = shape_layer(layer, descs[i].kind != NET_ADD ? layer->in :
				  input_shape(layers, in, descs[i].inputs[1]));
		if (!err)
			err = check_shape(descs[i].name, layer->out);
		weights += layer->weights_count + 2 * (uint64_t)layer->out.c;
		if (!err && weights > MAX_WEIGHTS)
			err = qaccel_error(EINVAL,
					   "layer %s: the network has more than 2^28 weights",
					   descs[i].name);
	}
	return err ? err : check_readers(descs, num_layers);
}
