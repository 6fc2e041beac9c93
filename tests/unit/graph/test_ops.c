// SPDX-License-Identifier: MIT
/* Single operations against loops that follow the definitions. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qaccel/ops.h>
#include <qaccel/quantize.h>

static struct qaccel_device *device;
static uint64_t seed = 1;

static uint32_t random32(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 32);
}

static void fill(void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)data)[i] = (uint8_t)random32();
}

static int32_t clamp(int32_t x, int32_t min, int32_t max)
{
	return x < min ? min : x > max ? max : x;
}

static int32_t requantized(int32_t x, double real, int32_t zero_point,
			   int32_t min, int32_t max)
{
	int32_t multiplier, shift;

	assert_int_equal(qaccel_quantize_multiplier(real, &multiplier, &shift),
			 0);
	return clamp(qaccel_scale(x, multiplier, shift, false) + zero_point,
		     min, max);
}

static int open_device(void **state)
{
	(void)state;
	return qaccel_device_open(NULL, "cpu", &device);
}

static int close_device(void **state)
{
	(void)state;
	qaccel_device_close(device);
	return 0;
}

static void check_gemm(uint32_t m, uint32_t n, uint32_t k, bool per_channel)
{
	static uint8_t a[4096], b[4096], c[4096];
	static float scales[64];
	static int32_t bias[64];
	struct qaccel_gemm g = {
		.m = m, .n = n, .k = k, .type = QACCEL_TYPE_UINT8,
		.a = a, .b = b, .c = c, .bias = n % 2 ? bias : NULL,
		.a_scale = 0.1f, .b_scale = 0.02f, .c_scale = 0.3f,
		.a_zero_point = 100, .b_zero_point = 120, .c_zero_point = 90,
		.activation = QACCEL_ACTIVATION_RELU,
	};

	fill(a, sizeof(a));
	fill(b, sizeof(b));
	for (int i = 0; i < 64; i++) {
		bias[i] = (int32_t)random32() >> 20;
		scales[i] = 0.01f * (float)(i + 1);
	}
	if (per_channel) {
		g.type = QACCEL_TYPE_INT8;
		g.b_scales = scales;
		g.b_zero_point = 0;
	}
	if (qaccel_op_gemm(device, &g))
		fail_msg("%s", qaccel_last_error());
	for (uint32_t i = 0; i < m * n; i++) {
		uint32_t row = i / n, column = i % n;
		int32_t sum = g.bias ? bias[column] : 0;
		double real = (double)(0.1f * 0.02f) / (double)0.3f;

		for (uint32_t j = 0; j < k; j++) {
			uint8_t x = a[row * k + j], w = b[column * k + j];

			sum += per_channel ? ((int8_t)x - 100) * (int8_t)w
					   : (x - 100) * (w - 120);
		}
		if (per_channel)
			real = (double)0.1f * (double)scales[column] /
			       (double)0.3f;
		sum = requantized(sum, real, 90, 90, per_channel ? 127 : 255);
		assert_int_equal(per_channel ? (int8_t)c[i] : c[i], sum);
	}
}

static void test_gemm(void **state)
{
	(void)state;
	for (uint32_t n = 1; n < 40; n += 3)
		for (uint32_t k = 1; k < 70; k += 11)
			check_gemm(1 + n % 5, n, k, k % 2);
}

/* Of which 3x3, stride 2, SAME on 8x7: one row of padding below, one each side. */
static void check_conv(bool depthwise)
{
	static int8_t in[8 * 7 * 4], weights[9 * 4 * 6], out[4 * 4 * 6];
	static const float scales[6] = { 0.01f, 0.02f, 0.03f, 0.04f, 0.05f,
					 0.06f };
	uint32_t oc = depthwise ? 4 : 6;
	struct qaccel_conv2d conv = {
		.batch = 1, .in_h = 8, .in_w = 7, .in_c = 4,
		.filter_h = 3, .filter_w = 3,
		.out_h = 4, .out_w = 4, .out_c = oc,
		.type = QACCEL_TYPE_INT8, .depthwise = depthwise,
		.options = { .stride_h = 2, .stride_w = 2 },
		.in = in, .weights = weights, .out = out,
		.in_scale = 0.5f, .out_scale = 0.7f,
		.in_zero_point = -9, .out_zero_point = 11,
		.weights_scales = scales,
	};

	fill(in, sizeof(in));
	fill(weights, sizeof(weights));
	if (qaccel_op_conv2d(device, &conv))
		fail_msg("%s", qaccel_last_error());
	for (uint32_t i = 0; i < 4 * 4 * oc; i++) {
		int32_t oy = (int32_t)(i / oc / 4), ox = (int32_t)(i / oc % 4);
		uint32_t o = i % oc;
		int32_t sum = 0;

		for (int32_t t = 0; t < 9 * 4; t++) {
			int32_t y = oy * 2 + t / 12;
			int32_t x = ox * 2 - 1 + t / 4 % 3, c = t % 4;
			uint32_t w = depthwise ?
				(uint32_t)(t / 4) * oc + o :
				o * 36 + (uint32_t)t;

			if (y >= 8 || x < 0 || x >= 7 ||
			    (depthwise && c != (int32_t)o))
				continue;
			sum += (in[(y * 7 + x) * 4 + c] + 9) * weights[w];
		}
		assert_int_equal(out[i], requantized(sum, 0.5 *
				 (double)scales[o] / (double)0.7f, 11, -128,
				 127));
	}
	conv.out_h = 3;
	assert_int_equal(qaccel_op_conv2d(device, &conv), -EINVAL);
}

static void test_conv(void **state)
{
	(void)state;
	check_conv(false);
	check_conv(true);
}

static void test_requantize(void **state)
{
	static int16_t in[1000];
	static int8_t out[1000];
	struct qaccel_requantize r = {
		.count = 1000, .in_type = QACCEL_TYPE_INT16,
		.out_type = QACCEL_TYPE_INT8, .in = in, .out = out,
		.in_scale = 0.001f, .out_scale = 0.11f, .out_zero_point = 4,
		.in_zero_point = 1000,
	};

	(void)state;
	fill(in, sizeof(in));
	assert_int_equal(qaccel_op_requantize(&r), 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(out[i], requantized(in[i] - 1000,
				 (double)0.001f / (double)0.11f, 4, -128, 127));
	r.out_zero_point = 128;
	assert_int_equal(qaccel_op_requantize(&r), -EINVAL);
	r.out_zero_point = 0;
	r.out_type = QACCEL_TYPE_INT32;
	assert_int_equal(qaccel_op_requantize(&r), -EINVAL);
	r.out_type = QACCEL_TYPE_INT8;
	r.in_scale = 1e30f;
	assert_int_equal(qaccel_op_requantize(&r), -ERANGE);
	r.in_scale = (float)NAN;
	assert_int_equal(qaccel_op_requantize(&r), -EINVAL);
}

static void test_bad(void **state)
{
	static int8_t data[64];
	struct qaccel_gemm g = {
		.m = 1, .n = 1, .k = 64, .type = QACCEL_TYPE_INT8, .a = data,
		.b = data, .c = data, .a_scale = 1, .b_scale = 1, .c_scale = 1,
	};

	(void)state;
	assert_int_equal(qaccel_op_gemm(device, &g), 0);
	g.m = 0;
	assert_int_equal(qaccel_op_gemm(device, &g), -EINVAL);
	g.m = UINT32_MAX;
	assert_int_equal(qaccel_op_gemm(device, &g), -EINVAL);
	g.m = 1;
	g.pad = 1;
	assert_int_equal(qaccel_op_gemm(device, &g), -EINVAL);
	g.pad = 0;
	g.type = QACCEL_TYPE_INT16;
	g.k = 32;
	assert_int_equal(qaccel_op_gemm(device, &g), -EOPNOTSUPP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gemm),
		cmocka_unit_test(test_conv),
		cmocka_unit_test(test_requantize),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, open_device, close_device);
}
