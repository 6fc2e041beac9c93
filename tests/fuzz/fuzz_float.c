// SPDX-License-Identifier: MIT
/*
 * Float models that nobody vouches for: loads the input as one, runs it, and
 * makes an integer model of it
 *
 * An input that does not carry the file identifier is taken as changes to a
 * valid file: three bytes each, where (little endian) and to what.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <qaccel/convert.h>

#include "graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a run may take: files of a few bytes can ask for any work. */
#define MAX_MEMORY	(UINT64_C(4) << 20)
#define MAX_WORK	(UINT64_C(16) << 20)

static const struct qaccel_tensor_desc real = { .type = QACCEL_TYPE_FLOAT32 };

static int32_t constant(struct qaccel_builder *b, uint32_t rank, int32_t d0,
			int32_t d1, int32_t d2, int32_t d3)
{
	const struct qaccel_tensor_desc desc = {
		.type = QACCEL_TYPE_FLOAT32, .rank = rank,
		.dims = { d0, d1, d2, d3 },
	};
	float values[64];

	for (int i = 0; i < 64; i++)
		values[i] = (float)(i % 7 - 3) / 4;
	return qaccel_builder_constant(b, &desc, values);
}

static int32_t add_ops(struct qaccel_builder *b, int32_t x)
{
	static const int32_t around[4][2] = { { 0, 0 }, { 1, 0 }, { 0, 1 }, { 0, 0 } };
	static const int32_t axes[] = { 1, 2 }, shape[] = { 1, -1 };
	const struct qaccel_pool_options pool = { .filter_h = 2, .filter_w = 2 };
	int32_t y;

	x = qaccel_builder_conv2d(b, x, constant(b, 4, 4, 2, 2, 2),
				  constant(b, 1, 4, 0, 0, 0), NULL, &real);
	y = qaccel_builder_depthwise_conv2d(b, x, constant(b, 4, 1, 3, 3, 4),
					    QACCEL_NO_TENSOR, NULL, &real);
	x = qaccel_builder_add(b, x, qaccel_builder_relu6(b, y, NULL), 1, NULL);
	x = qaccel_builder_mul(b, x, constant(b, 1, 4, 0, 0, 0), 0, NULL);
	x = qaccel_builder_pad(b, x, around, 4, NULL);
	x = qaccel_builder_average_pool2d(b, x, &pool, NULL);
	x = qaccel_builder_max_pool2d(b, x, &pool, NULL);
	x = qaccel_builder_mean(b, qaccel_builder_relu(b, x, NULL), axes, 2, true,
				NULL);
	x = qaccel_builder_reshape(b, x, shape, 2, NULL);
	x = qaccel_builder_fully_connected(b, x, constant(b, 2, 3, 4, 0, 0),
					   constant(b, 1, 3, 0, 0, 0), NULL, NULL);
	return qaccel_builder_softmax(b, x, 1, &real);
}

static void *make_file(size_t *size)
{
	const struct qaccel_tensor_desc in = {
		.type = QACCEL_TYPE_FLOAT32, .rank = 4, .dims = { 1, 4, 5, 2 },
	};
	struct qaccel_builder *b;
	struct qaccel_model *model;
	void *data;

	if (qaccel_builder_create("valid", &b))
		abort();
	qaccel_builder_output(b, add_ops(b, qaccel_builder_input(b, &in)));
	if (qaccel_float_model_finish(b, &model) ||
	    qaccel_model_serialize(model, &data, size))
		abort();
	qaccel_builder_destroy(b);
	qaccel_model_destroy(model);
	return data;
}

/* Applies the changes to a valid file; returns its size. */
static size_t patch(uint8_t *file, const uint8_t *data, size_t size)
{
	static uint8_t *valid;
	static size_t file_size;

	if (!valid)
		valid = make_file(&file_size);
	memcpy(file, valid, file_size);
	for (; size >= 3; data += 3, size -= 3)
		file[(data[0] | (size_t)data[1] << 8) % file_size] = data[2];
	return file_size;
}

/* Products, and window's elements of what has none. */
static uint64_t work_of(const struct qaccel_graph *graph)
{
	uint64_t work = 0;

	for (uint32_t i = 0; i < graph->num_ops; i++) {
		const struct qaccel_graph_op *op = &graph->ops[i];
		uint64_t macs = qaccel_graph_op_macs(graph, op), window = 1;

		if (op->builtin == QACCEL_BUILTIN_AVERAGE_POOL_2D ||
		    op->builtin == QACCEL_BUILTIN_MAX_POOL_2D)
			window = (uint64_t)graph->tensors[op->inputs[0]].info.size;
		macs += graph->tensors[op->outputs[0]].info.size * window;
		if (macs > MAX_WORK)
			return macs;
		work += macs;
	}
	return work;
}

/* Calibrates with zeros and ones, and converts; what comes out can be written. */
static void convert(const struct qaccel_model *model, enum qaccel_scheme scheme)
{
	const struct qaccel_convert_options options = {
		.scheme = scheme, .float_io = scheme == QACCEL_SCHEME_INT8,
	};
	struct qaccel_range *ranges = calloc(qaccel_model_num_tensors(model),
					     sizeof(*ranges));
	static float ones[MAX_MEMORY / sizeof(float)];
	const float *inputs[64];
	struct qaccel_calibrator *c;
	struct qaccel_model *result;
	void *data;
	size_t size;

	if (!ranges || qaccel_calibrator_create(model, NULL, &c))
		abort();
	for (size_t i = 0; i < MAX_MEMORY / sizeof(float); i++)
		ones[i] = i % 2 ? 1 : -0.5f;
	for (int i = 0; i < 64; i++)
		inputs[i] = ones;
	if (!qaccel_calibrator_run(c, inputs) &&
	    !qaccel_calibrator_ranges(c, ranges) &&
	    !qaccel_convert(model, ranges, &options, &result)) {
		if (!qaccel_model_serialize(result, &data, &size))
			free(data);
		qaccel_model_destroy(result);
	}
	qaccel_calibrator_destroy(c);
	free(ranges);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[1 << 16];
	const struct qaccel_load_options options = { .max_memory = MAX_MEMORY };
	enum qaccel_scheme scheme = size ? data[size - 1] % 3 : 0;
	struct qaccel_model *model;

	if (size < 8 || memcmp(data + 4, "TFL3", 4)) {
		size = patch(file, data, size);
		data = file;
	}
	if (qaccel_float_model_load_memory(&options, data, size, &model)) {
		if (!qaccel_last_error()[0])
			abort();
		return 0;
	}
	if (qaccel_model_num_inputs(model) <= 64 &&
	    work_of(model->graph) <= MAX_WORK)
		convert(model, scheme);
	qaccel_model_destroy(model);
	return 0;
}
