// SPDX-License-Identifier: MIT
/*
 * The .tflite reader: loads the input, asks for all that a model tells, and
 * writes it: what was taken can be written, and is taken again
 *
 * Without a corpus random bytes hardly ever become a model. An input that does
 * not carry the file identifier is therefore taken as changes to a valid file:
 * three bytes each, where (little endian) and to what.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <qaccel/graph.h>
#include <qaccel/qaccel.h>

#include "graph.h"
#include "tflite_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint64_t sink;

static void walk_tensors(const struct qaccel_model *model)
{
	struct qaccel_tensor_info t;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < qaccel_model_num_tensors(model); i++) {
		const unsigned char *contents = model->graph->tensors[i].data;

		if (qaccel_model_tensor(model, i, &t))
			abort();
		sum += strlen(t.name);
		for (uint32_t j = 0; j < t.num_scales; j++)
			sum += (uint32_t)t.zero_points[j] + (t.scales[j] > 1);
		for (size_t j = 0; contents && j < t.size; j++)
			sum += contents[j];
	}
	sink = sum;
}

/* A checked graph keeps what graph.h promises. */
static void walk_ops(const struct qaccel_model *model)
{
	const struct qaccel_graph *graph = model->graph;
	struct qaccel_op_info op;

	for (uint32_t i = 0; i < qaccel_model_num_ops(model); i++) {
		if (qaccel_model_op(model, i, &op) || op.num_outputs != 1)
			abort();
		for (uint32_t j = 0; j < op.num_inputs; j++)
			if (op.inputs[j] >= 0 &&
			    graph->tensors[op.inputs[j]].producer >= (int32_t)i)
				abort();
		if (graph->tensors[op.outputs[0]].producer != (int32_t)i)
			abort();
	}
}

static void walk_ends(const struct qaccel_model *model)
{
	struct qaccel_tensor_info t;

	for (uint32_t i = 0; i < qaccel_model_num_inputs(model); i++)
		if (qaccel_model_input(model, i, &t) || !t.size)
			abort();
	for (uint32_t i = 0; i < qaccel_model_num_outputs(model); i++)
		if (qaccel_model_output(model, i, &t) || !t.size)
			abort();
}

/* What the copy is written as is what the model was. */
static void rewrite(const struct qaccel_model *model)
{
	struct qaccel_model *copy;
	size_t size, size2;
	void *data, *data2;

	if (qaccel_model_serialize(model, &data, &size) ||
	    qaccel_model_load_memory(NULL, data, size, &copy) ||
	    qaccel_model_serialize(copy, &data2, &size2) ||
	    size != size2 || memcmp(data, data2, size))
		abort();
	qaccel_model_destroy(copy);
	free(data);
	free(data2);
}

/* Applies the changes to a valid file; returns its size. */
static size_t patch(uint8_t file[MAX_FILE], const uint8_t *data, size_t size)
{
	static uint8_t valid[MAX_FILE];
	static size_t file_size;
	struct test_model model;

	if (!file_size) {
		make_model(&model);
		file_size = write_model(&model, valid);
	}
	memcpy(file, valid, file_size);
	for (; size >= 3; data += 3, size -= 3)
		file[(data[0] | (size_t)data[1] << 8) % file_size] = data[2];
	return file_size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[MAX_FILE];
	/* Large enough for any real use of a small file. */
	const struct qaccel_load_options options = { .max_memory = 64 << 20 };
	struct qaccel_model *model;

	if (size < 8 || memcmp(data + 4, "TFL3", 4)) {
		size = patch(file, data, size);
		data = file;
	}
	if (qaccel_model_load_memory(&options, data, size, &model)) {
		if (!qaccel_last_error()[0])
			abort();
		return 0;
	}
	walk_tensors(model);
	walk_ops(model);
	walk_ends(model);
	rewrite(model);
	qaccel_model_destroy(model);
	return 0;
}
