// SPDX-License-Identifier: MIT
/*
 * The .tflite reader: good files, files with one thing wrong, files cut short,
 * files with every byte changed, and memory running out at every allocation
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <qaccel/graph.h>
#include <qaccel/qaccel.h>

#include "graph.h"
#include "memory.h"
#include "tflite_writer.h"

/* ------------------------------------------------------------- helpers -- */

static uint8_t file[MAX_FILE];

/* Uses all that a model tells, so that a checker sees what it points to. */
static uint64_t walk(const struct qaccel_model *model)
{
	struct qaccel_tensor_info t;
	struct qaccel_op_info op;
	uint64_t sum = strlen(qaccel_model_description(model));

	for (uint32_t i = 0; i < qaccel_model_num_tensors(model); i++) {
		const unsigned char *data = model->graph->tensors[i].data;

		assert_int_equal(qaccel_model_tensor(model, i, &t), 0);
		sum += strlen(t.name) + (uint32_t)t.dims[0] + t.size;
		assert_true(!data || (uintptr_t)data %
			    qaccel_type_size(t.type) == 0);
		for (uint32_t j = 0; j < t.num_scales; j++)
			sum += (uint32_t)t.zero_points[j] + (t.scales[j] > 1);
		for (size_t j = 0; data && j < t.size; j++)
			sum += data[j];
	}
	for (uint32_t i = 0; i < qaccel_model_num_ops(model); i++) {
		assert_int_equal(qaccel_model_op(model, i, &op), 0);
		sum += strlen(op.name) + op.macs;
		for (uint32_t j = 0; j < op.num_inputs; j++)
			sum += (uint32_t)op.inputs[j];
	}
	for (uint32_t i = 0; i < qaccel_model_num_inputs(model); i++)
		assert_int_equal(qaccel_model_input(model, i, &t), 0);
	for (uint32_t i = 0; i < qaccel_model_num_outputs(model); i++)
		assert_int_equal(qaccel_model_output(model, i, &t), 0);
	return sum;
}

/* Loads whatever it is; true if it is a model. */
static bool try_load(const uint8_t *data, size_t size)
{
	struct qaccel_model *model = NULL;
	int err = qaccel_model_load_memory(NULL, data, size, &model);

	if (err) {
		assert_null(model);
		assert_true(err == -EBADMSG || err == -EOPNOTSUPP ||
			    err == -EFBIG);
		assert_true(strlen(qaccel_last_error()) > 5);
		assert_null(strchr(qaccel_last_error(), '\n'));
		return false;
	}
	walk(model);
	qaccel_model_destroy(model);
	return true;
}

static void expect_error(const uint8_t *data, size_t size, int code,
			 const char *message)
{
	struct qaccel_model *model = NULL;
	int err = qaccel_model_load_memory(NULL, data, size, &model);

	if (err != -code || !strstr(qaccel_last_error(), message))
		fail_msg("error %d \"%s\", not %d \"%s\"", err,
			 err ? qaccel_last_error() : "", -code, message);
}

/* ---------------------------------------------------------- good files -- */

static void test_good(void **state)
{
	struct qaccel_model *model;
	struct qaccel_tensor_info t;
	struct qaccel_op_info op;
	struct test_model m;

	(void)state;
	make_model(&m);
	assert_int_equal(qaccel_model_load_memory(NULL, file,
						  write_model(&m, file),
						  &model), 0);
	walk(model);
	assert_string_equal(qaccel_model_description(model), "one of each");
	assert_int_equal(qaccel_model_num_tensors(model), m.num_tensors);
	assert_int_equal(qaccel_model_num_ops(model), m.num_ops);
	assert_int_equal(qaccel_model_num_inputs(model), 1);
	assert_int_equal(qaccel_model_num_outputs(model), 1);

	assert_int_equal(qaccel_model_input(model, 0, &t), 0);
	assert_int_equal(t.type, QACCEL_TYPE_FLOAT32);
	assert_int_equal(t.size, 8 * 8 * 2 * 4);
	assert_int_equal(t.num_scales, 0);
	assert_false(t.constant);
	assert_int_equal(qaccel_model_op(model, 1, &op), 0);
	assert_string_equal(op.name, "CONV_2D");
	assert_int_equal(op.macs, 8 * 8 * 4 * 3 * 3 * 2);
	assert_int_equal(qaccel_model_tensor(model, (uint32_t)op.inputs[1], &t),
			 0);
	assert_true(t.constant);
	assert_int_equal(t.num_scales, 4);
	assert_true(t.scales[3] == 0.01f * 4);
	assert_int_equal(qaccel_model_op(model, 2, &op), 0);
	assert_int_equal(op.macs, 4 * 4 * 4 * 3 * 3);
	assert_int_equal(model->graph->ops[2].u.conv.depth_multiplier, 1);

	assert_int_equal(qaccel_model_tensor(model, m.num_tensors, &t), -ERANGE);
	assert_int_equal(qaccel_model_input(model, 1, &t), -ERANGE);
	assert_int_equal(qaccel_model_output(model, 1, &t), -ERANGE);
	assert_int_equal(qaccel_model_op(model, m.num_ops, &op), -ERANGE);
	qaccel_model_destroy(model);
	qaccel_model_destroy(NULL);
}

static uint32_t find_op(const struct test_model *m, int32_t code)
{
	for (uint32_t i = 0; i < m->num_ops; i++)
		if (m->ops[i].code == code)
			return i;
	fail_msg("no operator of code %d", code);
	return 0;
}

static struct test_tensor *op_input(struct test_model *m, int32_t code,
				    uint32_t i)
{
	return &m->tensors[m->ops[find_op(m, code)].inputs[i]];
}

static struct test_tensor *op_output(struct test_model *m, int32_t code)
{
	return &m->tensors[m->ops[find_op(m, code)].outputs[0]];
}

/* Other ways to say the same. */
static void test_variants(void **state)
{
	struct test_model m;

	(void)state;
	make_model(&m);
	for (uint32_t i = 0; i < m.num_ops; i++)
		m.ops[i].old_code_only = true;
	assert_true(try_load(file, write_model(&m, file)));

	make_model(&m);
	for (uint32_t i = 0; i < m.num_tensors; i++)
		m.tensors[i].data_outside = true;
	assert_true(try_load(file, write_model(&m, file)));

	make_model(&m);
	for (uint32_t i = 0; i < m.num_tensors; i++)
		m.tensors[i].num_zero_points = 0;
	op_output(&m, 25)->num_zero_points = 1;
	assert_true(try_load(file, write_model(&m, file)));

	/* Contents that are not aligned to their type. */
	make_model(&m);
	for (uint32_t i = 0; i < m.num_tensors; i++) {
		m.tensors[i].data_outside = true;
		m.tensors[i].data_unaligned = true;
	}
	assert_true(try_load(file, write_model(&m, file)));

	/* A type that we don't have, where nobody uses it. */
	make_model(&m);
	m.tensors[m.num_tensors++] = (struct test_tensor){
		.type = T_FLOAT16, .rank = 1, .dims = { 7 },
	};
	assert_true(try_load(file, write_model(&m, file)));
}

/* RESHAPE by its option, and SQUEEZE. */
static void test_reshapes(void **state)
{
	static const int32_t shape[2] = { -1, 4 }, squeezed[2] = { 1, -2 };
	struct test_model m;
	struct test_op *op;

	(void)state;
	make_model(&m);
	op = &m.ops[find_op(&m, 22)];
	op->num_inputs = 1;
	op->options_type = 17;
	op->options[0] = (struct test_option){ .size = -1, .vector = shape,
					       .count = 2 };
	assert_true(try_load(file, write_model(&m, file)));
	op->options_type = 0;
	expect_error(file, write_model(&m, file), EBADMSG,
		     "operator 10 (RESHAPE): there is no new shape");

	op->code = 43;
	op->options_type = 30;
	op->options[0].vector = squeezed;
	assert_true(try_load(file, write_model(&m, file)));
	op->options[0].vector = shape;
	expect_error(file, write_model(&m, file), EBADMSG,
		     "(SQUEEZE): dimension -1 can't be squeezed");
}

/* int64 paddings become int32. */
static void test_int64(void **state)
{
	struct qaccel_model *model;
	struct qaccel_tensor_info t;
	struct test_model m;
	uint32_t index;

	(void)state;
	make_model(&m);
	index = (uint32_t)m.ops[find_op(&m, 34)].inputs[1];
	assert_int_equal(qaccel_model_load_memory(NULL, file,
						  write_model(&m, file),
						  &model), 0);
	assert_int_equal(qaccel_model_tensor(model, index, &t), 0);
	assert_int_equal(t.type, QACCEL_TYPE_INT32);
	assert_int_equal(t.size, 4 * 2 * 4);
	assert_int_equal(((const int32_t *)model->graph->tensors[index].data)[3],
			 1);
	qaccel_model_destroy(model);
}

/* ------------------------------------------------------ one thing wrong -- */

static const int8_t junk[1024];
static const int64_t far_paddings[4][2] = { { 0, INT64_C(1) << 40 } };

static void bad_identifier(struct test_model *m) { m->identifier = "TFL2"; }
static void bad_version(struct test_model *m) { m->version = 4; }
static void two_subgraphs(struct test_model *m) { m->num_subgraphs = 2; }
static void no_subgraph(struct test_model *m) { m->no_subgraphs = true; }
static void no_tensors(struct test_model *m) { m->num_tensors = 0; }
static void no_ops(struct test_model *m) { m->num_ops = 0; }
static void no_outputs(struct test_model *m) { m->num_outputs = 0; }

static void other_op(struct test_model *m) { m->ops[1].code = 23; }
static void new_op(struct test_model *m) { m->ops[1].code = 206; }
static void unknown_op(struct test_model *m) { m->ops[1].code = 9999; }
static void negative_op(struct test_model *m)
{
	m->ops[1].code = -7;
}
static void new_version(struct test_model *m) { m->ops[1].version = 99; }
static void custom_op(struct test_model *m)
{
	m->ops[1].code = 32;
	m->ops[1].custom = "My\nOp";
}
static void bad_code(struct test_model *m) { m->ops[1].code_index = 77; }
static void bad_input(struct test_model *m) { m->ops[1].inputs[0] = 99; }
static void low_input(struct test_model *m) { m->ops[1].inputs[0] = -2; }
static void left_out(struct test_model *m) { m->ops[1].inputs[0] = -1; }
static void left_weights(struct test_model *m) { m->ops[1].inputs[1] = -1; }
static void bad_output(struct test_model *m) { m->ops[1].outputs[0] = -1; }
static void many_inputs(struct test_model *m) { m->ops[1].num_inputs = 17; }
static void few_inputs(struct test_model *m) { m->ops[1].num_inputs = 1; }
static void two_outputs(struct test_model *m) { m->ops[1].num_outputs = 2; }
static void zero_outputs(struct test_model *m) { m->ops[1].num_outputs = 0; }
static void other_options(struct test_model *m) { m->ops[1].options_type = 9; }
static void tanh_activation(struct test_model *m)
{
	m->ops[1].options[3].value = 4;
}
static void odd_activation(struct test_model *m)
{
	m->ops[1].options[3].value = 77;
}
static void bad_padding(struct test_model *m)
{
	m->ops[1].options[0] = (struct test_option){ .size = 1, .value = 2 };
}
static void no_stride(struct test_model *m) { m->ops[1].options[1].value = 0; }
static void huge_dilation(struct test_model *m)
{
	m->ops[1].options[0] = (struct test_option){ .size = 1, .value = 1 };
	m->ops[1].options[4] = (struct test_option){ .size = 4,
						     .value = INT32_MAX };
}
static void shuffled(struct test_model *m)
{
	m->ops[find_op(m, 9)].options[1] =
		(struct test_option){ .size = 1, .value = 1 };
}
static void out_of_order(struct test_model *m)
{
	struct test_op op = m->ops[1];

	m->ops[1] = m->ops[2];
	m->ops[2] = op;
}
static void written_twice(struct test_model *m)
{
	m->ops[3].outputs[0] = m->ops[2].outputs[0];
}
static void writes_input(struct test_model *m)
{
	m->ops[2].outputs[0] = m->inputs[0];
}
static void writes_constant(struct test_model *m)
{
	m->ops[2].outputs[0] = m->ops[1].inputs[1];
}
static void same_input(struct test_model *m)
{
	m->num_inputs = 2;
	m->inputs[1] = m->inputs[0];
}
static void constant_input(struct test_model *m)
{
	m->inputs[0] = m->ops[1].inputs[1];
}
static void odd_input(struct test_model *m) { m->inputs[0] = 99; }
static void input_as_output(struct test_model *m)
{
	m->outputs[0] = m->inputs[0];
}

static void odd_type(struct test_model *m) { m->tensors[0].type = 99; }
static void half_type(struct test_model *m) { m->tensors[0].type = T_FLOAT16; }
static void variable(struct test_model *m) { m->tensors[0].is_variable = true; }
static void sparse(struct test_model *m)
{
	op_input(m, 3, 1)->sparse = true;
}
static void seven_dims(struct test_model *m)
{
	m->tensors[0].rank = 7;
	for (int i = 0; i < 7; i++)
		m->tensors[0].dims[i] = 1;
}
static void zero_dim(struct test_model *m) { m->tensors[0].dims[2] = 0; }
static void dynamic(struct test_model *m) { m->tensors[0].dims[0] = -1; }
static void negative_dim(struct test_model *m) { m->tensors[0].dims[0] = -2; }
static void huge(struct test_model *m) { m->tensors[0].dims[1] = 1 << 28; }
static void overflow(struct test_model *m)
{
	for (int i = 0; i < 4; i++)
		m->tensors[0].dims[i] = INT32_MAX;
}
static void bad_buffer(struct test_model *m) { m->tensors[0].buffer = 999; }
static void short_buffer(struct test_model *m) { op_input(m, 3, 1)->data_size--; }
static void long_buffer(struct test_model *m)
{
	struct test_tensor *t = op_input(m, 9, 1);

	t->data = junk;
	t->data_size++;
}
static void no_contents(struct test_model *m) { op_input(m, 3, 1)->data = NULL; }
static void nan_scale(struct test_model *m)
{
	op_output(m, 3)->scales[0] = (float)NAN;
}
static void negative_scale(struct test_model *m)
{
	op_output(m, 3)->scales[0] = -1;
}
static void zero_scale(struct test_model *m) { op_output(m, 3)->scales[0] = 0; }
static void tiny_scale(struct test_model *m)
{
	op_output(m, 3)->scales[0] = 1e-40f;
}
static void no_scale(struct test_model *m)
{
	op_output(m, 3)->num_scales = 0;
	op_output(m, 3)->num_zero_points = 0;
}
static void huge_zero_point(struct test_model *m)
{
	op_output(m, 3)->zero_points[0] = INT64_C(1) << 32;
}
static void far_zero_point(struct test_model *m)
{
	op_output(m, 3)->zero_points[0] = 128;
}
static void few_zero_points(struct test_model *m)
{
	op_input(m, 3, 1)->num_zero_points = 3;
}
static void few_scales(struct test_model *m)
{
	op_input(m, 3, 1)->num_scales = 3;
	op_input(m, 3, 1)->num_zero_points = 3;
}
static void odd_dim(struct test_model *m) { op_input(m, 3, 1)->quantized_dim = 4; }
static void low_dim(struct test_model *m) { op_input(m, 3, 1)->quantized_dim = -1; }
static void custom_quantization(struct test_model *m)
{
	op_input(m, 3, 1)->details_type = 1;
}
static void weights_zero_point(struct test_model *m)
{
	op_input(m, 3, 1)->zero_points[2] = 1;
}
static void bias_zero_point(struct test_model *m)
{
	op_input(m, 3, 2)->zero_points[2] = 1;
}
static void dense_bias_scale(struct test_model *m)
{
	op_input(m, 9, 2)->scales[0] = 0.5f;
}
static void far_padding(struct test_model *m)
{
	op_input(m, 34, 1)->data = far_paddings;
}
static void wrong_shape(struct test_model *m) { op_output(m, 3)->dims[1] = 7; }
static void pool_scale(struct test_model *m) { op_output(m, 17)->scales[0] = 1; }
static void softmax_scale(struct test_model *m)
{
	op_output(m, 25)->scales[0] = 1.f / 128;
}
static void no_beta(struct test_model *m)
{
	m->ops[find_op(m, 25)].options_type = 0;
}

static const struct {
	void (*change)(struct test_model *m);
	int code;
	const char *message;
} cases[] = {
	{ bad_identifier, EBADMSG, "the file identifier is not TFL3" },
	{ bad_version, EOPNOTSUPP, "schema version 4 is not supported" },
	{ two_subgraphs, EOPNOTSUPP, "a model of 2 subgraphs is not supported" },
	{ no_subgraph, EBADMSG, "the model has no subgraph" },
	{ no_tensors, EBADMSG, "the model has no tensors" },
	{ no_ops, EBADMSG, "the model has no operators" },
	{ no_outputs, EBADMSG, "the model has no outputs" },
	{ other_op, EOPNOTSUPP,
	  "operator 1 (RESIZE_BILINEAR) is not supported" },
	{ new_op, EOPNOTSUPP,
	  "operator 1 (STABLEHLO_COMPOSITE) is not supported" },
	{ unknown_op, EOPNOTSUPP, "operator 1 (code 9999) is not supported" },
	{ new_version, EOPNOTSUPP,
	  "operator 1 (CONV_2D) of version 99 is not supported" },
	{ negative_op, EBADMSG, "operator 1: operator code -7" },
	{ custom_op, EOPNOTSUPP, "operator 1 (custom \"My?Op\") is not supported" },
	{ bad_code, EBADMSG, "operator 1: operator code 77 of 14" },
	{ bad_input, EBADMSG, "operator 1 (CONV_2D): inputs: tensor 99 of 23" },
	{ low_input, EBADMSG, "operator 1 (CONV_2D): inputs: tensor -2 of 23" },
	{ left_out, EBADMSG, "operator 1 (CONV_2D): input 0 is left out" },
	{ left_weights, EBADMSG, "operator 1 (CONV_2D): input 1 is left out" },
	{ bad_output, EBADMSG, "operator 1 (CONV_2D): outputs: tensor -1" },
	{ many_inputs, EOPNOTSUPP, "operator 1 (CONV_2D): 17 inputs" },
	{ few_inputs, EBADMSG, "operator 1 (CONV_2D): 1 inputs" },
	{ two_outputs, EOPNOTSUPP, "operator 1 (CONV_2D): 2 outputs" },
	{ zero_outputs, EBADMSG, "operator 1 (CONV_2D): 0 outputs" },
	{ other_options, EBADMSG, "operator 1 (CONV_2D): options of type 9" },
	{ tanh_activation, EOPNOTSUPP, "fused activation TANH is not supported" },
	{ odd_activation, EBADMSG, "fused activation 77 is not known" },
	{ bad_padding, EBADMSG, "padding 2 is not known" },
	{ no_stride, EBADMSG, "filter 3, stride 0, dilation 1" },
	{ huge_dilation, EBADMSG, "the filter is larger than the input" },
	{ shuffled, EOPNOTSUPP, "weights format 1 is not supported" },
	{ out_of_order, EBADMSG, "nothing has written input 0" },
	{ written_twice, EBADMSG, "is written by operator 2 already" },
	{ writes_input, EBADMSG, "is constant or an input, but written" },
	{ writes_constant, EBADMSG, "is constant or an input, but written" },
	{ same_input, EBADMSG, "input 1, tensor 0, is constant or an input" },
	{ constant_input, EBADMSG, "is constant or an input already" },
	{ odd_input, EBADMSG, "inputs: tensor 99 of 23" },
	{ input_as_output, EOPNOTSUPP, "is not written by an operator" },
	{ odd_type, EBADMSG, "tensor 0: type 99 is not known" },
	{ half_type, EOPNOTSUPP,
	  "input 0, tensor 0: type FLOAT16 is not supported" },
	{ variable, EOPNOTSUPP, "variable tensors are not supported" },
	{ sparse, EOPNOTSUPP, "sparse tensors are not supported" },
	{ seven_dims, EOPNOTSUPP, "more than 6 dimensions" },
	{ zero_dim, EOPNOTSUPP, "a tensor without elements" },
	{ dynamic, EOPNOTSUPP, "a shape that is not known before it runs" },
	{ negative_dim, EBADMSG, "tensor 0: shape: dimension 0 is -2" },
	{ huge, EFBIG, "tensor 0 has 2^32 bytes or more" },
	{ overflow, EFBIG, "tensor 0 has 2^32 bytes or more" },
	{ bad_buffer, EBADMSG, "tensor 0: buffer 999 of 24" },
	{ short_buffer, EBADMSG, "the buffer has 71 bytes, the tensor 72" },
	{ long_buffer, EBADMSG, "the buffer has 13 bytes, the tensor 12" },
	{ no_contents, EBADMSG, "nothing has written input 1" },
	{ nan_scale, EBADMSG, "scale 0 is nan" },
	{ negative_scale, EBADMSG, "scale 0 is -1" },
	{ zero_scale, EBADMSG, "has a scale of 0" },
	{ tiny_scale, EBADMSG, "e-41" },
	{ no_scale, EOPNOTSUPP, "is not quantized" },
	{ huge_zero_point, EBADMSG, "zero point 0 is 4294967296" },
	{ far_zero_point, EBADMSG, "has a zero point of 128" },
	{ few_zero_points, EBADMSG, "4 scales and 3 zero points" },
	{ few_scales, EBADMSG, "3 scales for 4 channels" },
	{ odd_dim, EBADMSG, "quantized_dimension 4 of 4" },
	{ low_dim, EBADMSG, "quantized_dimension -1 of 4" },
	{ custom_quantization, EOPNOTSUPP, "custom quantization" },
	{ weights_zero_point, EOPNOTSUPP, "a zero point of 1 in INT8 weights" },
	{ bias_zero_point, EBADMSG, "the bias has a zero point of 1" },
	{ dense_bias_scale, EBADMSG, "the bias has a scale of 0.5, not 0.125" },
	{ far_padding, EOPNOTSUPP, "a value of more than 32 bits" },
	{ wrong_shape, EBADMSG,
	  "(CONV_2D): the output's shape is 1x7x8x4, not 1x8x8x4" },
	{ pool_scale, EOPNOTSUPP, "input and output are quantized differently" },
	{ softmax_scale, EOPNOTSUPP, "not 1/256 and -128" },
	{ no_beta, EOPNOTSUPP, "a beta of 0" },
};

static void test_malformed(void **state)
{
	struct test_model m;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_model(&m);
		cases[i].change(&m);
		expect_error(file, write_model(&m, file), cases[i].code,
			     cases[i].message);
	}
}

/* -------------------------------------------------- thousands of wrongs -- */

static void test_truncated(void **state)
{
	struct test_model m;
	size_t size;

	(void)state;
	make_model(&m);
	size = write_model(&m, file);
	/* The last buffer's contents are at the end: nothing can be spared. */
	for (size_t i = 0; i + 16 < size; i++)
		assert_false(try_load(file, i));
	for (size_t i = size - 16; i <= size; i++)
		try_load(file, i);
	assert_true(try_load(file, size));
}

static void test_bytes(void **state)
{
	static const uint8_t flips[] = { 0x01, 0x02, 0x04, 0x10, 0x40, 0x80,
					 0xff };
	struct test_model m;
	size_t size, good = 0;

	(void)state;
	make_model(&m);
	size = write_model(&m, file);
	for (size_t i = 0; i < size; i++) {
		uint8_t byte = file[i];

		for (size_t j = 0; j < sizeof(flips); j++) {
			file[i] = byte ^ flips[j];
			good += try_load(file, size);
		}
		file[i] = 0;
		good += try_load(file, size);
		file[i] = byte;
	}
	/* Weights and names may be anything. */
	assert_true(good > size / 8);
	assert_true(try_load(file, size));
}

static void test_words(void **state)
{
	static const uint32_t values[] = {
		0, 1, 2, 3, 0x7fff, 0xffff, 0x10000, 0x3fffffff, 0x40000000,
		0x7fffffff, 0x80000000, 0x80000001, 0xfffffffc, 0xfffffffe,
		0xffffffff,
	};
	struct test_model m;
	size_t size;

	(void)state;
	make_model(&m);
	size = write_model(&m, file);
	for (size_t i = 0; i + 4 <= size; i += 2) {
		uint8_t word[4];

		memcpy(word, file + i, 4);
		for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++) {
			memcpy(file + i, &values[j], 4);
			try_load(file, size);
		}
		for (uint32_t j = 0; j < 9; j++) {
			uint32_t near = (uint32_t)(size - i) + j - 4;

			memcpy(file + i, &near, 4);
			try_load(file, size);
		}
		memcpy(file + i, word, 4);
	}
	assert_true(try_load(file, size));
}

/* Several changes at once, at random but the same each time. */
static void test_random(void **state)
{
	uint8_t copy[MAX_FILE];
	uint64_t seed = 1;
	struct test_model m;
	size_t size;

	(void)state;
	make_model(&m);
	size = write_model(&m, file);
	for (int i = 0; i < 20000; i++) {
		memcpy(copy, file, size);
		for (int j = 0; j < 1 + i % 8; j++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			copy[(seed >> 33) % size] = (uint8_t)(seed >> 25);
		}
		try_load(copy, size);
	}
}

/* ------------------------------------------------------- memory, files -- */

static void test_out_of_memory(void **state)
{
	struct qaccel_model *model;
	struct test_model m;
	int err = -ENOMEM;
	size_t size;

	(void)state;
	make_model(&m);
	size = write_model(&m, file);
	for (long n = 0; err; n++) {
		long before = live;

		assert_true(n < 1000);
		model = NULL;
		fail_after = n;
		err = qaccel_model_load_memory(NULL, file, size, &model);
		fail_after = -1;
		if (err) {
			assert_int_equal(err, -ENOMEM);
			assert_null(model);
			assert_string_equal(qaccel_last_error(), "out of memory");
		}
		qaccel_model_destroy(model);
		assert_int_equal(live, before);
	}
}

static void test_no_memory_to_write(void **state)
{
	struct qaccel_model *model = NULL;
	struct test_model m;
	int err = -ENOMEM;
	size_t size;

	(void)state;
	make_model(&m);
	assert_int_equal(qaccel_model_load_memory(NULL, file,
						  write_model(&m, file), &model),
			 0);
	for (long n = 0; err; n++) {
		void *data = NULL;
		long before = live;

		assert_true(n < 100);
		fail_after = n;
		err = qaccel_model_serialize(model, &data, &size);
		fail_after = -1;
		assert_int_equal(err, data ? 0 : -ENOMEM);
		free(data);
		assert_int_equal(live, before);
	}
	qaccel_model_destroy(model);
}

static void test_max_memory(void **state)
{
	struct qaccel_load_options options = { 0 };
	struct qaccel_model *model;
	struct test_model m;
	size_t size;
	bool loaded = false;

	(void)state;
	make_model(&m);
	size = write_model(&m, file);
	/* A limit that is too low by whatever is an error, never a crash. */
	for (uint64_t max = 1; !loaded; max += 61) {
		options.max_memory = max;
		loaded = !qaccel_model_load_memory(&options, file, size, &model);
		if (!loaded)
			assert_non_null(strstr(qaccel_last_error(), " bytes"));
		assert_true(loaded || max < 100000);
	}
	qaccel_model_destroy(model);
	options.reserved[6] = 1;
	assert_int_equal(qaccel_model_load_memory(&options, file, size, &model),
			 -EINVAL);
}

/* Scales that many tensors share must not multiply without limit. */
static void test_shared_scales(void **state)
{
	struct qaccel_load_options options = { .max_memory = 1 << 16 };
	struct qaccel_model *model;
	struct test_model m;

	(void)state;
	make_model(&m);
	for (uint32_t i = m.num_tensors; i < MAX_TENSORS; i++) {
		m.tensors[i] = m.tensors[1];
		m.tensors[i].dims[1] = 64;
		m.num_tensors++;
	}
	assert_int_equal(qaccel_model_load_memory(&options, file,
						  write_model(&m, file),
						  &model), 0);
	qaccel_model_destroy(model);
	for (uint32_t i = 23; i < MAX_TENSORS; i++)
		m.tensors[i].dims[2] = 64;
	assert_int_equal(qaccel_model_load_memory(&options, file,
						  write_model(&m, file),
						  &model), -EFBIG);
	assert_string_equal(qaccel_last_error(),
			    "the model needs more than 65536 bytes");
}

static void test_files(void **state)
{
	char path[] = "/tmp/qaccel-reader-XXXXXX";
	struct qaccel_model *model;
	char expected[128];
	struct test_model m;
	size_t size;
	int fd;

	(void)state;
	assert_int_equal(qaccel_model_load_file(NULL, "/nonexistent", &model),
			 -ENOENT);
	assert_string_equal(qaccel_last_error(),
			    "/nonexistent: No such file or directory");
	assert_int_equal(qaccel_model_load_file(NULL, "/", &model), -EISDIR);

	make_model(&m);
	size = write_model(&m, file);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(qaccel_model_load_file(NULL, path, &model), -EBADMSG);
	snprintf(expected, sizeof(expected), "%s: the file has only 0 bytes",
		 path);
	assert_string_equal(qaccel_last_error(), expected);
	assert_int_equal(write(fd, file, size), size);
	assert_int_equal(qaccel_model_load_file(NULL, path, &model), 0);
	walk(model);
	qaccel_model_destroy(model);
	close(fd);
	unlink(path);
}

/* A device that never ends. */
static void test_endless(void **state)
{
	struct qaccel_load_options options = { .max_memory = 1 << 20 };
	struct qaccel_model *model;

	(void)state;
	assert_int_equal(qaccel_model_load_file(&options, "/dev/zero", &model),
			 -EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_variants),
		cmocka_unit_test(test_reshapes),
		cmocka_unit_test(test_int64),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_no_memory_to_write),
		cmocka_unit_test(test_max_memory),
		cmocka_unit_test(test_shared_scales),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_endless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
