/* SPDX-License-Identifier: MIT */
/*
 * Writes small .tflite files for tests
 *
 * From a plain description that a test may bend as it likes: nothing is checked
 * here, wrong descriptions make wrong files.
 */
#ifndef TFLITE_WRITER_H
#define TFLITE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_FILE	16384
#define MAX_TENSORS	32
#define MAX_OPS		16
#define MAX_CHANNELS	8
#define MAX_OPTIONS	8

/* Values of the schema's TensorType. */
enum {
	T_FLOAT32 = 0, T_FLOAT16 = 1, T_INT32 = 2, T_UINT8 = 3, T_INT64 = 4,
	T_INT16 = 7, T_INT8 = 9,
};

struct test_tensor {
	uint8_t type;
	uint32_t rank;
	int32_t dims[8];
	const char *name;
	uint32_t num_scales;
	float scales[MAX_CHANNELS];
	uint32_t num_zero_points;
	int64_t zero_points[MAX_CHANNELS];
	int32_t quantized_dim;
	uint8_t details_type;
	const void *data;		/* NULL: no contents */
	uint32_t data_size;
	bool data_outside;		/* behind the flatbuffer, by offset and size */
	bool data_unaligned;		/* and at an odd place */
	bool is_variable;
	bool sparse;
	int32_t buffer;			/* 0: its own, else this index */
};

/* A field of an options table: size 0 is left out, 4 a word, -1 a vector. */
struct test_option {
	int size;
	int32_t value;
	float real;			/* where it is not 0: instead of value */
	const int32_t *vector;
	uint32_t count;
};

struct test_op {
	int32_t code;
	int32_t version;		/* 0: 1 */
	bool old_code_only;		/* in the deprecated byte alone */
	const char *custom;
	uint32_t num_inputs, num_outputs;
	int32_t inputs[20], outputs[2];
	uint8_t options_type;
	struct test_option options[MAX_OPTIONS];
	int32_t code_index;		/* 0: its own, else this */
};

struct test_model {
	const char *identifier;		/* NULL: "TFL3" */
	uint32_t version;		/* 0: 3 */
	uint32_t num_subgraphs;		/* 0: 1 */
	bool no_subgraphs;
	const char *description;
	uint32_t num_tensors, num_ops;
	struct test_tensor tensors[MAX_TENSORS];
	struct test_op ops[MAX_OPS];
	uint32_t num_inputs, num_outputs;
	int32_t inputs[4], outputs[4];
};

/* Returns the size of the file. */
size_t write_model(const struct test_model *model, uint8_t file[MAX_FILE]);

/* A valid model with one operator of every kind. */
void make_model(struct test_model *model);

#endif /* TFLITE_WRITER_H */
