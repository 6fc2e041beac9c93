// SPDX-License-Identifier: MIT
/* A model that was built in memory gives the numbers that it must. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qaccel/graph.h>
#include <qaccel/qaccel.h>

/* Scales that are powers of two: the arithmetic by hand is exact. */
static struct qaccel_model *dense(const int8_t w[3][4], const int32_t bias[3])
{
	struct qaccel_builder *b;
	struct qaccel_model *model;
	int32_t x, k, c, y;

	assert_int_equal(qaccel_builder_create("dense", &b), 0);
	x = qaccel_builder_input(b, &(struct qaccel_tensor_desc){
		.type = QACCEL_TYPE_INT8, .rank = 2, .dims = { 1, 4 },
		.scale = 0.5f, .zero_point = -5 });
	k = qaccel_builder_constant(b, &(struct qaccel_tensor_desc){
		.type = QACCEL_TYPE_INT8, .rank = 2, .dims = { 3, 4 },
		.scale = 0.25f }, w);
	c = qaccel_builder_constant(b, &(struct qaccel_tensor_desc){
		.type = QACCEL_TYPE_INT32, .rank = 1, .dims = { 3 },
		.scale = 0.125f }, bias);
	y = qaccel_builder_fully_connected(b, x, k, c, NULL,
		&(struct qaccel_tensor_desc){
		.type = QACCEL_TYPE_INT8, .scale = 1, .zero_point = 7 });
	qaccel_builder_output(b, y);
	if (qaccel_builder_finish(b, &model))
		fail_msg("%s", qaccel_last_error());
	qaccel_builder_destroy(b);
	return model;
}

static void test_dense(void **state)
{
	static const int8_t w[3][4] = { { 8, 0, 0, 0 }, { 0, -16, 8, 0 },
					{ 127, 127, 127, 127 } };
	static const int32_t bias[3] = { 80, 0, -8000 };
	const int8_t x[4] = { 10, 20, 30, -128 };
	struct qaccel_model *model = dense(w, bias);
	struct qaccel_session *session;
	struct qaccel_device *device;
	const int8_t *y;

	(void)state;
	assert_int_equal(qaccel_device_open(NULL, "cpu", &device), 0);
	assert_int_equal(qaccel_session_create(device, model, NULL, &session),
			 0);
	/* The session keeps what it needs. */
	qaccel_model_destroy(model);
	memcpy(qaccel_session_input(session, 0), x, sizeof(x));
	assert_int_equal(qaccel_session_run(session), 0);
	y = qaccel_session_output(session, 0);
	for (int o = 0; o < 3; o++) {
		int32_t sum = bias[o], want;

		for (int i = 0; i < 4; i++)
			sum += (x[i] + 5) * w[o][i];
		/* Of 1/8: all but the last are whole, that is out of range. */
		want = sum / 8 + 7;
		assert_int_equal(y[o], want < -128 ? -128 : want > 127 ? 127 :
				 want);
	}
	qaccel_session_destroy(session);
	qaccel_device_close(device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
