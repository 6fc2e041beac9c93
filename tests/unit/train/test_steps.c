// SPDX-License-Identifier: MIT
/* Optimizers and schedules against steps that were worked out by hand. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "optimizer.h"
#include "schedule.h"

static void near(double value, double expected, double tolerance)
{
	if (!(fabs(value - expected) <= tolerance))
		fail_msg("%.9g instead of %.9g", value, expected);
}

/* Two parameters: a filter, which decays, and a bias, which doesn't. */
struct toy {
	float filter[2], bias[1], filter_grad[2], bias_grad[1];
	struct net_param params[2];
	struct net net;
	struct optimizer optimizer;
};

static void make_toy(struct toy *t, const struct qaccel_train_options *o)
{
	*t = (struct toy){
		.filter = {1, -2}, .bias = {0.5f},
		.filter_grad = {0.5f, 0}, .bias_grad = {-1},
	};
	t->params[0] = (struct net_param){
		.value = t->filter, .grad = t->filter_grad, .count = 2,
		.decay = true,
	};
	t->params[1] = (struct net_param){
		.value = t->bias, .grad = t->bias_grad, .count = 1,
	};
	t->net = (struct net){.num_params = 2, .params = t->params};
	assert_int_equal(optimizer_init(&t->optimizer, &t->net, o), 0);
}

static struct qaccel_train_options plain(enum qaccel_optimizer kind)
{
	struct qaccel_train_options o;

	qaccel_train_defaults(&o);
	o.optimizer = kind;
	o.weight_decay = 0;
	return o;
}

static void test_sgd(void **state)
{
	struct qaccel_train_options o = plain(QACCEL_OPTIMIZER_SGD);
	struct toy t;

	(void)state;
	o.nesterov = false;
	o.momentum = 0.5f;
	make_toy(&t, &o);
	optimizer_step(&t.optimizer, &t.net, 0.1);
	/* v = g: 1 - 0.1 * 0.5; 0.5 + 0.1 */
	near((double)t.filter[0], 0.95, 1e-6);
	near((double)t.filter[1], -2, 0);
	near((double)t.bias[0], 0.6, 1e-6);
	optimizer_step(&t.optimizer, &t.net, 0.1);
	/* v = 0.5 * 0.5 + 0.5 = 0.75; -(0.5 + 1) */
	near((double)t.filter[0], 0.875, 1e-6);
	near((double)t.bias[0], 0.75, 1e-6);
	optimizer_finish(&t.optimizer);
}

static void test_nesterov(void **state)
{
	struct qaccel_train_options o = plain(QACCEL_OPTIMIZER_SGD);
	struct toy t;

	(void)state;
	o.momentum = 0.5f;
	make_toy(&t, &o);
	optimizer_step(&t.optimizer, &t.net, 0.1);
	/* g + 0.5 v with v = g: 1 - 0.1 * 0.75 */
	near((double)t.filter[0], 0.925, 1e-6);
	optimizer_step(&t.optimizer, &t.net, 0.1);
	/* v = 0.75; 0.925 - 0.1 * (0.5 + 0.375) */
	near((double)t.filter[0], 0.8375, 1e-6);
	optimizer_finish(&t.optimizer);
}

static void test_decay(void **state)
{
	struct qaccel_train_options o = plain(QACCEL_OPTIMIZER_SGD);
	struct toy t;

	(void)state;
	o.momentum = 0;
	o.weight_decay = 0.1f;
	make_toy(&t, &o);
	optimizer_step(&t.optimizer, &t.net, 0.5);
	/* 1 - 0.5 * (0.5 + 0.1), -2 + 0.5 * 0.2, and a bias without */
	near((double)t.filter[0], 0.7, 1e-6);
	near((double)t.filter[1], -1.9, 1e-6);
	near((double)t.bias[0], 1, 1e-6);
	optimizer_finish(&t.optimizer);

	o = plain(QACCEL_OPTIMIZER_ADAM);
	o.weight_decay = 0.1f;
	make_toy(&t, &o);
	optimizer_step(&t.optimizer, &t.net, 0.5);
	/* Decoupled: a gradient of 0 moves a weight by rate * decay of it. */
	near((double)t.filter[1], -1.9, 1e-6);
	near((double)t.filter[0], 1 - 0.05 - 0.5, 1e-5);
	near((double)t.bias[0], 1, 1e-5);
	optimizer_finish(&t.optimizer);
}

static void test_adam(void **state)
{
	struct qaccel_train_options o = plain(QACCEL_OPTIMIZER_ADAM);
	struct toy t;
	double m, v;

	(void)state;
	o.beta1 = 0.8f;
	o.beta2 = 0.9f;
	o.epsilon = 0.25f;
	make_toy(&t, &o);
	optimizer_step(&t.optimizer, &t.net, 0.1);
	/* Corrected moments are g and g^2: 1 - 0.1 * 0.5 / (0.5 + 0.25). */
	near((double)t.filter[0], 1 - 0.1 * 0.5 / 0.75, 1e-6);
	near((double)t.bias[0], 0.5 + 0.1 / 1.25, 1e-6);
	t.filter_grad[0] = -1;
	optimizer_step(&t.optimizer, &t.net, 0.1);
	/* m = 0.8 * 0.1 - 0.2, over 1 - 0.64; v = 0.9 * 0.025 + 0.1, over 0.19 */
	m = -0.12 / 0.36;
	v = 0.1225 / 0.19;
	near((double)t.filter[0],
	     1 - 0.1 * 0.5 / 0.75 - 0.1 * m / (sqrt(v) + 0.25), 1e-6);
	optimizer_finish(&t.optimizer);
}

static double rate(enum qaccel_schedule schedule, uint64_t step)
{
	return schedule_rate(schedule, 0.5, 0.25, step, 100);
}

static void test_schedules(void **state)
{
	(void)state;
	near(rate(QACCEL_SCHEDULE_CONSTANT, 0), 0.5, 0);
	near(rate(QACCEL_SCHEDULE_CONSTANT, 99), 0.5, 0);

	near(rate(QACCEL_SCHEDULE_STEP, 49), 0.5, 0);
	near(rate(QACCEL_SCHEDULE_STEP, 50), 0.05, 1e-12);
	near(rate(QACCEL_SCHEDULE_STEP, 74), 0.05, 1e-12);
	near(rate(QACCEL_SCHEDULE_STEP, 75), 0.005, 1e-12);

	near(rate(QACCEL_SCHEDULE_COSINE, 0), 0.5, 1e-12);
	near(rate(QACCEL_SCHEDULE_COSINE, 50), 0.25, 1e-12);
	near(rate(QACCEL_SCHEDULE_COSINE, 75), 0.25 * (1 - sqrt(0.5)), 1e-12);

	near(rate(QACCEL_SCHEDULE_ONE_CYCLE, 0), 0.02, 1e-12);
	/* 20 % of the way from a 25th to all */
	near(rate(QACCEL_SCHEDULE_ONE_CYCLE, 5), 0.02 + 0.2 * 0.48, 1e-12);
	near(rate(QACCEL_SCHEDULE_ONE_CYCLE, 25), 0.5, 1e-12);
	near(rate(QACCEL_SCHEDULE_ONE_CYCLE, 50), 0.25 * (1 + 0.5), 1e-12);
	assert_true(rate(QACCEL_SCHEDULE_ONE_CYCLE, 99) > 0);
	assert_true(rate(QACCEL_SCHEDULE_ONE_CYCLE, 99) < 0.001);
	/* No warm-up, and a training of one step. */
	near(schedule_rate(QACCEL_SCHEDULE_ONE_CYCLE, 0.5, 0, 0, 100), 0.5, 0);
	near(schedule_rate(QACCEL_SCHEDULE_ONE_CYCLE, 0.5, 0.25, 0, 1), 0.5, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sgd),
		cmocka_unit_test(test_nesterov),
		cmocka_unit_test(test_decay),
		cmocka_unit_test(test_adam),
		cmocka_unit_test(test_schedules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
