// SPDX-License-Identifier: MIT
/* Which commands a plan has, and what it takes for two operators to become one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "graphs.h"
#include "status.h"

struct context {
	struct qaccel_builder *b;
	struct random r;
	int32_t x;		/* input {1, 8, 8, 4} */
};

static void begin(struct context *c)
{
	c->r.state = 7;
	assert_int_equal(qaccel_builder_create(NULL, &c->b), 0);
	c->x = add_input(c->b);
}

/* commands: "CONV2D ADD ", without END. */
static void check(const struct qaccel_model *model, bool keep_tensors,
		  const char *commands)
{
	struct qaccel_plan *plan = NULL;
	char text[512] = "";

	if (qaccel_plan_create(model->graph, &any_target, keep_tensors, &plan))
		fail_msg("%s", qaccel_last_error());
	for (uint32_t i = 0; i + 1 < plan->num_cmds; i++) {
		strcat(text, qaccel_opcode_name(plan->cmds[i].hdr.opcode));
		strcat(text, " ");
	}
	assert_int_equal(plan->cmds[plan->num_cmds - 1].hdr.opcode,
			 QACCEL_OP_END);
	assert_string_equal(text, commands);
	qaccel_plan_destroy(plan);
}

/* Makes tensor the output, and checks the fused and the unfused plan. */
static void expect(struct context *c, int32_t tensor, const char *fused,
		   const char *unfused)
{
	struct qaccel_model *model;

	qaccel_builder_output(c->b, tensor);
	model = finish(c->b);
	check(model, false, fused);
	check(model, true, unfused);
	qaccel_model_destroy(model);
}

static int32_t conv(struct context *c, int32_t in, enum qaccel_padding padding)
{
	return add_conv(c->b, &c->r, in, 4, 4, padding);
}

static int32_t pad(struct context *c, int32_t in, int32_t batch, int32_t top)
{
	int32_t around[4][2] = { { batch, 0 }, { top, 1 }, { 2, 0 }, { 0 } };

	return qaccel_builder_pad(c->b, in, around, 4, NULL);
}

static void test_relu(void **state)
{
	struct context c;

	(void)state;
	begin(&c);
	expect(&c, qaccel_builder_relu6(c.b, qaccel_builder_relu(c.b,
		       conv(&c, c.x, QACCEL_PADDING_SAME), NULL), NULL),
	       "CONV2D ", "CONV2D REQUANTIZE REQUANTIZE ");
}

static void test_relu_rescales(void **state)
{
	struct qaccel_tensor_desc other = int8_desc(0, NULL);
	struct context c;

	(void)state;
	other.scale = 0.06f;
	begin(&c);
	expect(&c, qaccel_builder_relu(c.b, conv(&c, c.x, QACCEL_PADDING_SAME),
				       &other),
	       "CONV2D REQUANTIZE ", "CONV2D REQUANTIZE ");
}

/* Its input is wanted without the RELU, by another operator or by the caller. */
static void test_relu_shared(void **state)
{
	struct context c;
	int32_t y;

	(void)state;
	begin(&c);
	y = conv(&c, c.x, QACCEL_PADDING_SAME);
	expect(&c, qaccel_builder_add(c.b, y, qaccel_builder_relu(c.b, y, NULL),
				      QACCEL_ACTIVATION_NONE, NULL),
	       "CONV2D REQUANTIZE ADD ", "CONV2D REQUANTIZE ADD ");
	begin(&c);
	y = conv(&c, c.x, QACCEL_PADDING_SAME);
	qaccel_builder_output(c.b, y);
	expect(&c, qaccel_builder_relu(c.b, y, NULL), "CONV2D REQUANTIZE ",
	       "CONV2D REQUANTIZE ");
}

/* Nothing that could clamp comes before it. */
static void test_relu_alone(void **state)
{
	struct context c;

	(void)state;
	begin(&c);
	expect(&c, qaccel_builder_relu(c.b, c.x, NULL), "REQUANTIZE ",
	       "REQUANTIZE ");
	begin(&c);
	expect(&c, qaccel_builder_relu(c.b, pad(&c, c.x, 0, 1), NULL),
	       "PAD REQUANTIZE ", "PAD REQUANTIZE ");
}

static void test_pad(void **state)
{
	struct context c;

	(void)state;
	begin(&c);
	expect(&c, conv(&c, pad(&c, c.x, 0, 1), QACCEL_PADDING_VALID),
	       "CONV2D ", "PAD CONV2D ");
	begin(&c);
	expect(&c, conv(&c, pad(&c, c.x, 0, 1), QACCEL_PADDING_SAME),
	       "PAD CONV2D ", "PAD CONV2D ");
	begin(&c);
	expect(&c, conv(&c, pad(&c, c.x, 1, 1), QACCEL_PADDING_VALID),
	       "PAD CONV2D ", "PAD CONV2D ");
}

/* Padded by more than a command can say. */
static void test_pad_far(void **state)
{
	struct context c;

	(void)state;
	begin(&c);
	expect(&c, conv(&c, pad(&c, c.x, 0, QACCEL_MAX_FILTER),
			QACCEL_PADDING_VALID), "CONV2D ", "PAD CONV2D ");
	begin(&c);
	expect(&c, conv(&c, pad(&c, c.x, 0, QACCEL_MAX_FILTER + 1),
			QACCEL_PADDING_VALID), "PAD CONV2D ", "PAD CONV2D ");
}

static void test_pad_shared(void **state)
{
	struct context c;
	int32_t padded;

	(void)state;
	begin(&c);
	padded = pad(&c, c.x, 0, 1);
	expect(&c, qaccel_builder_add(c.b,
				      conv(&c, padded, QACCEL_PADDING_VALID),
				      conv(&c, padded, QACCEL_PADDING_VALID),
				      QACCEL_ACTIVATION_NONE, NULL),
	       "PAD CONV2D CONV2D ADD ", "PAD CONV2D CONV2D ADD ");
}

static void test_reshape(void **state)
{
	static const int32_t flat[] = { -1 }, back[] = { 1, 8, 8, 4 };
	struct context c;
	int32_t y;

	(void)state;
	begin(&c);
	y = qaccel_builder_reshape(c.b, conv(&c, c.x, QACCEL_PADDING_SAME), flat,
				   1, NULL);
	y = qaccel_builder_reshape(c.b, y, back, 4, NULL);
	expect(&c, conv(&c, y, QACCEL_PADDING_SAME), "CONV2D CONV2D ",
	       "CONV2D COPY COPY CONV2D ");
	begin(&c);
	expect(&c, qaccel_builder_reshape(c.b, conv(&c, c.x,
						    QACCEL_PADDING_SAME),
					  flat, 1, NULL),
	       "CONV2D ", "CONV2D COPY ");
}

/* The caller's input stays the caller's. */
static void test_reshape_input(void **state)
{
	static const int32_t flat[] = { -1 };
	struct context c;

	(void)state;
	begin(&c);
	expect(&c, qaccel_builder_reshape(c.b, c.x, flat, 1, NULL), "COPY ",
	       "COPY ");
}

static void test_quantize(void **state)
{
	struct qaccel_tensor_desc same = int8_desc(0, NULL), other = same;
	struct context c;

	(void)state;
	other.zero_point = 4;
	begin(&c);
	expect(&c, qaccel_builder_quantize(c.b, conv(&c, c.x,
						     QACCEL_PADDING_SAME),
					   &same),
	       "CONV2D ", "CONV2D REQUANTIZE ");
	begin(&c);
	expect(&c, qaccel_builder_quantize(c.b, conv(&c, c.x,
						     QACCEL_PADDING_SAME),
					   &other),
	       "CONV2D REQUANTIZE ", "CONV2D REQUANTIZE ");
}

/* An operand that is constant is in the read-only segment. */
static void test_constant(void **state)
{
	static const int8_t data[4] = { 1, -2, 3, -4 };
	struct qaccel_tensor_desc desc = int8_desc(1, (int32_t[]){ 4 });
	struct qaccel_plan *plan = NULL;
	struct qaccel_model *model;
	struct context c;
	uint64_t va;

	(void)state;
	begin(&c);
	qaccel_builder_output(c.b, qaccel_builder_add(c.b, c.x,
			qaccel_builder_constant(c.b, &desc, data),
			QACCEL_ACTIVATION_NONE, NULL));
	model = finish(c.b);
	assert_int_equal(qaccel_plan_create(model->graph, &any_target, false,
					    &plan), 0);
	va = plan->cmds[0].binary.in1.va;
	assert_true(va >= QACCEL_CONST_VA);
	assert_true(va + sizeof(data) <= QACCEL_CONST_VA + plan->weights_size);
	assert_memory_equal(plan->image + (va - QACCEL_CONST_VA), data,
			    sizeof(data));
	qaccel_plan_destroy(plan);
	qaccel_model_destroy(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_relu),
		cmocka_unit_test(test_relu_rescales),
		cmocka_unit_test(test_relu_shared),
		cmocka_unit_test(test_relu_alone),
		cmocka_unit_test(test_pad),
		cmocka_unit_test(test_pad_far),
		cmocka_unit_test(test_pad_shared),
		cmocka_unit_test(test_reshape),
		cmocka_unit_test(test_reshape_input),
		cmocka_unit_test(test_quantize),
		cmocka_unit_test(test_constant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
