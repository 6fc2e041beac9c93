// SPDX-License-Identifier: MIT
/* Plans of random graphs, and what a device makes a plan refuse. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "graphs.h"
#include "qaccel_interp.h"

#define ROUNDS	60

/* ------------------------------------------------------------ random graphs -- */

/* Who wrote a byte of the arena last: a command, or the caller. */
#define NOBODY		UINT32_MAX
#define CALLER		(UINT32_MAX - 1)

static void mark(uint32_t *owner, const struct qaccel_operand *o, uint32_t who)
{
	for (uint64_t i = 0; i < o->size; i++)
		owner[o->va - QACCEL_ARENA_VA + i] = who;
}

/* A tensor is read whole, as one command or the caller wrote it. */
static void check_read(const uint32_t *owner, const struct qaccel_operand *o,
		       const struct qaccel_plan *plan)
{
	uint32_t who;

	if (o->va < QACCEL_ARENA_VA) {
		assert_true(o->va >= QACCEL_CONST_VA);
		assert_true(o->va + o->size <=
			    QACCEL_CONST_VA + plan->weights_size);
		return;
	}
	assert_true(o->va + o->size <= QACCEL_ARENA_VA + plan->arena_size);
	who = owner[o->va - QACCEL_ARENA_VA];
	assert_true(who != NOBODY);
	for (uint64_t i = 0; i < o->size; i++)
		assert_int_equal(owner[o->va - QACCEL_ARENA_VA + i], who);
}

static void check_write(uint32_t *owner, const struct qaccel_operand *o,
			const struct qaccel_plan *plan, uint32_t who)
{
	assert_true(o->va >= QACCEL_ARENA_VA);
	assert_true(o->va + o->size <= QACCEL_ARENA_VA + plan->arena_size);
	for (uint64_t i = 0; i < o->size; i++)
		assert_int_not_equal(owner[o->va - QACCEL_ARENA_VA + i],
				     CALLER);
	mark(owner, o, who);
}

static void check_command(uint32_t *owner, const struct qaccel_plan *plan,
			  uint32_t index)
{
	struct qaccel_operand operands[QACCEL_MAX_OPERANDS];
	unsigned int count = qaccel_cmd_operands(&plan->cmds[index], operands);

	for (unsigned int i = 0; i < count; i++)
		if (operands[i].access == QACCEL_ACCESS_READ)
			check_read(owner, &operands[i], plan);
	for (unsigned int i = 0; i < count; i++)
		if (operands[i].access == QACCEL_ACCESS_WRITE)
			check_write(owner, &operands[i], plan, index);
}

static void check_memory(const struct qaccel_plan *plan,
			 const struct qaccel_graph *graph)
{
	uint32_t *owner = malloc(plan->arena_size * sizeof(*owner));

	assert_non_null(owner);
	memset(owner, 0xff, plan->arena_size * sizeof(*owner));
	for (uint32_t i = 0; i < graph->num_inputs; i++) {
		uint32_t t = graph->inputs[i];
		struct qaccel_operand o = {
			.va = plan->tensor_va[t],
			.size = graph->tensors[t].info.size,
		};

		mark(owner, &o, CALLER);
	}
	for (uint32_t i = 0; i < plan->num_cmds; i++)
		check_command(owner, plan, i);
	for (uint32_t i = 0; i < graph->num_outputs; i++) {
		uint32_t t = graph->outputs[i];
		struct qaccel_operand o = {
			.va = plan->tensor_va[t],
			.size = graph->tensors[t].info.size,
		};

		check_read(owner, &o, plan);
	}
	free(owner);
}

/* Nothing is read that was not written, or was written over. */
static void test_memory(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < ROUNDS; seed++) {
		struct qaccel_model *model = random_model(seed);
		struct qaccel_plan *fused = NULL, *kept = NULL;

		assert_int_equal(qaccel_plan_create(model->graph, &any_target,
						    false, &fused), 0);
		assert_int_equal(qaccel_plan_create(model->graph, &any_target,
						    true, &kept), 0);
		check_memory(fused, model->graph);
		check_memory(kept, model->graph);
		assert_true(fused->num_cmds <= kept->num_cmds);
		assert_true(fused->arena_size <= fused->arena_unshared);
		assert_true(fused->arena_unshared <= kept->arena_unshared);
		assert_int_equal(kept->arena_size, kept->arena_unshared);
		qaccel_plan_destroy(fused);
		qaccel_plan_destroy(kept);
		qaccel_model_destroy(model);
	}
}

static struct qaccel_session *run(struct qaccel_device *device,
				  struct qaccel_model *model, bool keep_tensors,
				  const void *input, size_t size)
{
	struct qaccel_session_options options = { .keep_tensors = keep_tensors };
	struct qaccel_session *session = NULL;

	assert_int_equal(qaccel_session_create(device, model, &options,
					       &session), 0);
	memcpy(qaccel_session_input(session, 0), input, size);
	/* Twice: the first run must not spoil anything. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(qaccel_session_run(session), 0);
	assert_memory_equal(qaccel_session_input(session, 0), input, size);
	return session;
}

/* Fusion and sharing change no byte, nor do threads. */
static void test_outputs(void **state)
{
	struct qaccel_device *one = open_cpu(1), *three = open_cpu(3);
	struct random r = { 5 };
	int8_t input[8 * 8 * 4];

	(void)state;
	for (uint64_t seed = 0; seed < ROUNDS; seed++) {
		struct qaccel_model *model = random_model(seed);
		struct qaccel_session *kept, *fused;
		struct qaccel_tensor_info info;

		random_fill(&r, input, sizeof(input));
		kept = run(one, model, true, input, sizeof(input));
		fused = run(three, model, false, input, sizeof(input));
		for (uint32_t i = 0; !qaccel_model_output(model, i, &info); i++)
			assert_memory_equal(qaccel_session_output(kept, i),
					    qaccel_session_output(fused, i),
					    info.size);
		qaccel_session_destroy(kept);
		qaccel_session_destroy(fused);
		qaccel_model_destroy(model);
	}
	qaccel_device_close(one);
	qaccel_device_close(three);
}

/* ------------------------------------------------------------------ refusals -- */

static void refuse(const struct qaccel_model *model,
		   const struct qaccel_target *target, int code, const char *text)
{
	struct qaccel_plan *plan = NULL;

	assert_int_equal(qaccel_plan_create(model->graph, target, false, &plan),
			 code);
	assert_null(plan);
	if (!strstr(qaccel_last_error(), text))
		fail_msg("\"%s\" does not say \"%s\"", qaccel_last_error(),
			 text);
}

/* A convolution, then a RELU that is no clamp of it. */
static struct qaccel_model *two_layers(void)
{
	struct qaccel_tensor_desc other = int8_desc(0, NULL);
	struct random r = { 3 };
	struct qaccel_builder *b;

	other.scale = 0.06f;
	assert_int_equal(qaccel_builder_create(NULL, &b), 0);
	qaccel_builder_output(b, qaccel_builder_relu(b,
			add_conv(b, &r, add_input(b), 4, 4,
				 QACCEL_PADDING_SAME), &other));
	return finish(b);
}

static void test_target(void **state)
{
	struct qaccel_model *model = two_layers();
	struct qaccel_target target = any_target;

	(void)state;
	target.opcodes &= ~(UINT64_C(1) << QACCEL_OP_REQUANTIZE);
	refuse(model, &target, -EOPNOTSUPP,
	       "operator 1 (RELU): the device has no REQUANTIZE");
	target = any_target;
	target.layouts = 1u << QACCEL_LAYOUT_C16;
	refuse(model, &target, -EOPNOTSUPP, "operator 0 (CONV_2D)");
	target = any_target;
	target.local_mem = 600;
	refuse(model, &target, -EOPNOTSUPP, "operator 0 (CONV_2D)");
	target = any_target;
	target.max_stream = 2 * QACCEL_CMD_SIZE;
	refuse(model, &target, -EOPNOTSUPP, "3 commands, the device takes 2");
	qaccel_model_destroy(model);
}

/* One row of k products for each of three outputs. */
static struct qaccel_model *long_reduction(int32_t k, enum qaccel_type type,
					   int32_t zero_point)
{
	struct qaccel_tensor_desc in = {
		.type = type, .rank = 2, .dims = { 1, k }, .scale = 0.05f,
	};
	struct qaccel_tensor_desc w = {
		.type = type, .rank = 2, .dims = { 3, k }, .scale = 0.01f,
		.zero_point = zero_point,
	};
	struct qaccel_tensor_desc out = { .type = type, .scale = 10 };
	void *weights = calloc(3, (size_t)k);
	struct qaccel_builder *b;
	int32_t x, y;

	assert_non_null(weights);
	assert_int_equal(qaccel_builder_create(NULL, &b), 0);
	x = qaccel_builder_input(b, &in);
	y = qaccel_builder_fully_connected(b, x,
			qaccel_builder_constant(b, &w, weights),
			QACCEL_NO_TENSOR, NULL, &out);
	qaccel_builder_output(b, y);
	free(weights);
	return finish(b);
}

static void check_reduction(int32_t longest, enum qaccel_type type,
			    int32_t zero_point)
{
	struct qaccel_model *model = long_reduction(longest, type, zero_point);
	struct qaccel_plan *plan = NULL;

	assert_int_equal(qaccel_plan_create(model->graph, &any_target, false,
					    &plan), 0);
	qaccel_plan_destroy(plan);
	qaccel_model_destroy(model);
	model = long_reduction(longest + 1, type, zero_point);
	refuse(model, &any_target, -EOVERFLOW, "operator 0 (FULLY_CONNECTED)");
	qaccel_model_destroy(model);
}

static void test_reduction(void **state)
{
	(void)state;
	check_reduction(QACCEL_MAX_K_SYMMETRIC, QACCEL_TYPE_INT8, 0);
	check_reduction(QACCEL_MAX_K_ASYMMETRIC, QACCEL_TYPE_INT8, 1);
	check_reduction(QACCEL_MAX_K_ASYMMETRIC, QACCEL_TYPE_UINT8, 127);
	check_reduction(QACCEL_MAX_K_SYMMETRIC, QACCEL_TYPE_UINT8, 128);
}

static void test_multiplier(void **state)
{
	struct qaccel_tensor_desc tiny = int8_desc(0, NULL);
	struct qaccel_model *model;
	struct qaccel_builder *b;

	(void)state;
	tiny.scale = 1e-30f;
	assert_int_equal(qaccel_builder_create(NULL, &b), 0);
	qaccel_builder_output(b, qaccel_builder_quantize(b, add_input(b),
							 &tiny));
	model = finish(b);
	refuse(model, &any_target, -EOPNOTSUPP, "operator 0 (QUANTIZE): scales");
	qaccel_model_destroy(model);
}

static void test_axes(void **state)
{
	static const int32_t axes[] = { 1, 3 };
	struct qaccel_model *model;
	struct qaccel_builder *b;

	(void)state;
	assert_int_equal(qaccel_builder_create(NULL, &b), 0);
	qaccel_builder_output(b, qaccel_builder_mean(b, add_input(b), axes, 2,
						     true, NULL));
	model = finish(b);
	refuse(model, &any_target, -EOPNOTSUPP, "operator 0 (MEAN): axes");
	qaccel_model_destroy(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_outputs),
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_reduction),
		cmocka_unit_test(test_multiplier),
		cmocka_unit_test(test_axes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
