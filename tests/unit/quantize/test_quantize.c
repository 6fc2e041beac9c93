// SPDX-License-Identifier: MIT
#include <errno.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qaccel/quantize.h>

static uint64_t seed = 1;

static uint32_t random32(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 32);
}

/* Any bit pattern that is a number. */
static float random_float(void)
{
	float x;

	do {
		uint32_t bits = random32();

		memcpy(&x, &bits, sizeof(x));
	} while (!isfinite(x));
	return x;
}

/* -------------------------------------------------------- multipliers -- */

/*
 * The same by another road: the double's own 53 bits, rounded by integer
 * arithmetic.
 */
static bool expected_multiplier(double real, int64_t *multiplier, int *shift)
{
	uint64_t bits, fraction;
	int exponent;

	memcpy(&bits, &real, sizeof(bits));
	exponent = (int)(bits >> 52 & 0x7ff) - 1022;
	fraction = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
	*multiplier = (int64_t)((fraction + (1 << 21)) >> 22);
	*shift = exponent;
	if (*multiplier == INT64_C(1) << 31) {
		*multiplier >>= 1;
		(*shift)++;
	}
	/* Subnormal numbers come here too, with a fraction that is too large. */
	if (*shift < -31) {
		*multiplier = 0;
		*shift = 0;
	}
	return *shift <= 30;
}

static void check_multiplier(double real)
{
	int32_t multiplier = 7, shift = 7;
	int64_t expected;
	int err, expected_shift;

	err = qaccel_quantize_multiplier(real, &multiplier, &shift);
	if (!expected_multiplier(real, &expected, &expected_shift)) {
		assert_int_equal(err, -ERANGE);
		assert_int_equal(multiplier, 7);
		return;
	}
	assert_int_equal(err, 0);
	assert_int_equal(multiplier, expected);
	assert_int_equal(shift, expected_shift);
	if (!multiplier)
		return;
	assert_true(multiplier >= 1 << 30);
	assert_true(shift >= -31 && shift <= 30);
	/* Half a step of 2^-31 of the fraction. */
	assert_true(fabs(qaccel_multiplier_to_double(multiplier, shift) - real)
		    <= real * 0x1p-31);
}

static void test_multiplier(void **state)
{
	(void)state;
	for (int i = 0; i < 1000000; i++) {
		uint64_t bits = (uint64_t)random32() << 32 | random32();
		double real;

		/* Exponents from 2^-40 to 2^40, any fraction. */
		bits = (bits & ((UINT64_C(1) << 52) - 1)) |
		       (uint64_t)(1023 - 40 + random32() % 80) << 52;
		memcpy(&real, &bits, sizeof(real));
		check_multiplier(real);
	}
	/* Ties and their neighbours, for each exponent. */
	for (int e = -40; e < 40; e++) {
		for (int i = 0; i < 1000; i++) {
			double tie = ldexp((random32() | 1u << 31) + 0.5, e - 32);

			check_multiplier(tie);
			check_multiplier(nextafter(tie, 0));
			check_multiplier(nextafter(tie, INFINITY));
		}
		check_multiplier(ldexp(1, e));
		check_multiplier(nextafter(ldexp(1, e), 0));
	}
	check_multiplier(DBL_MIN);
	check_multiplier(DBL_TRUE_MIN);
	check_multiplier(DBL_MAX);
}

static void test_multiplier_ends(void **state)
{
	const double bad[] = { -1, -DBL_TRUE_MIN, NAN, INFINITY, -INFINITY };
	int32_t m = 7, s = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(qaccel_quantize_multiplier(bad[i], &m, &s),
				 -EINVAL);
	assert_int_equal(m, 7);
	assert_int_equal(qaccel_quantize_multiplier(0, &m, &s), 0);
	assert_int_equal(m, 0);
	assert_int_equal(s, 0);
	assert_int_equal(qaccel_quantize_multiplier(-0.0, &m, &s), 0);
	assert_int_equal(qaccel_quantize_multiplier(1, &m, &s), 0);
	assert_int_equal(m, 1 << 30);
	assert_int_equal(s, 1);
	/* The fraction rounds up to 1: one shift more instead. */
	assert_int_equal(qaccel_quantize_multiplier(nextafter(1, 0), &m, &s), 0);
	assert_int_equal(m, 1 << 30);
	assert_int_equal(s, 1);
	assert_int_equal(qaccel_quantize_multiplier(0x1p-32, &m, &s), 0);
	assert_int_equal(m, 1 << 30);
	assert_int_equal(s, -31);
	assert_int_equal(qaccel_quantize_multiplier(0x1p-32 * 0.999, &m, &s), 0);
	assert_int_equal(m, 0);
	assert_int_equal(s, 0);
	assert_int_equal(qaccel_quantize_multiplier(0x1p30 * 0.999, &m, &s), 0);
	assert_int_equal(s, 30);
	assert_int_equal(qaccel_quantize_multiplier(0x1p30, &m, &s), -ERANGE);
	assert_int_equal(qaccel_quantize_multiplier(nextafter(0x1p30, 0), &m,
						    &s), -ERANGE);
	assert_true(qaccel_multiplier_to_double(1 << 30, 1) == 1);
	assert_true(qaccel_multiplier_to_double(3 << 28, -31) == 3 * 0x1p-34);
}

/* round(x m 2^(s - 31)) in 128 bits. */
static int32_t expected_single(int32_t x, int32_t m, int s)
{
	__int128 product = (__int128)x * m + ((__int128)1 << (30 - s));

	return (int32_t)(uint32_t)(product >> (31 - s));
}

static int64_t round_away(__int128 x, int shift)
{
	__int128 half = (__int128)1 << shift >> 1;

	return x < 0 ? -(int64_t)((-x + half) >> shift)
		     : (int64_t)((x + half) >> shift);
}

/* High half of twice the product, then the shift, each rounded. */
static int32_t expected_double(int32_t x, int32_t m, int s)
{
	int32_t shifted = (int32_t)((uint32_t)x << (s > 0 ? s : 0));
	__int128 product = (__int128)shifted * m;
	/* The first rounds negative ties up: it truncates after its nudge. */
	int64_t high = product < 0 ?
		-(int64_t)((-product + (1 << 30) - 1) >> 31) :
		(int64_t)((product + (1 << 30)) >> 31);

	return (int32_t)round_away(high, s < 0 ? -s : 0);
}

static void test_scale(void **state)
{
	static const int32_t xs[] = { 0, 1, -1, 2, -2, 3, -3, INT32_MAX,
				      INT32_MIN, INT32_MIN + 1, 1 << 30 };
	static const int32_t ms[] = { 0, 1, 1 << 30, INT32_MAX, 3 << 29 };

	(void)state;
	for (int s = -31; s <= 30; s++) {
		for (int i = 0; i < 20000; i++) {
			int32_t x = (int32_t)random32() >> random32() % 31;
			int32_t m = (int32_t)(random32() >> 1);

			if (i < 55) {
				x = xs[i % 11];
				m = ms[i / 11];
			}
			assert_int_equal(qaccel_scale(x, m, s, true),
					 expected_single(x, m, s));
			assert_int_equal(qaccel_scale(x, m, s, false),
					 expected_double(x, m, s));
		}
	}
	/* What is out of range is moved into it. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(qaccel_scale(1000, INT32_MIN, 0, i), 0);
		assert_int_equal(qaccel_scale(1000, 1 << 30, INT32_MIN, i),
				 qaccel_scale(1000, 1 << 30, -31, i));
		assert_int_equal(qaccel_scale(1000, 1 << 30, INT32_MAX, i),
				 qaccel_scale(1000, 1 << 30, 30, i));
	}
}

/* --------------------------------------------------------- parameters -- */

static void check_params(float min, float max, int32_t qmin, int32_t qmax)
{
	double low, high, slack, span;
	int32_t z = 0;
	float scale = 0;

	assert_int_equal(qaccel_choose_params(min, max, qmin, qmax, &scale, &z),
			 0);
	assert_true(isnormal(scale) && scale > 0);
	/* The real zero is an integer in range. */
	assert_true(z >= qmin && z <= qmax);
	/* What can be said covers the range but for one step. */
	low = (double)scale * ((double)qmin - z);
	high = (double)scale * ((double)qmax - z);
	span = fmax(fabs((double)min), fabs((double)max));
	slack = (double)scale * 0.5000001 + span * 0x1p-22;
	assert_true(low <= fmin((double)min, 0) + slack);
	/* The step of the widest ranges doesn't fit into a float. */
	if (scale < FLT_MAX)
		assert_true(high >= fmax((double)max, 0) - slack);
}

static void test_params(void **state)
{
	static const int32_t ranges[][2] = {
		{ 0, 255 }, { -128, 127 }, { -127, 127 }, { -32768, 32767 },
		{ 0, 1 }, { 5, 9 }, { -9, -5 }, { INT32_MIN, INT32_MAX },
	};

	(void)state;
	for (size_t r = 0; r < sizeof(ranges) / sizeof(ranges[0]); r++) {
		for (int i = 0; i < 50000; i++) {
			float a = random_float(), b = random_float();

			if (i % 2) {
				a = ldexpf(a, -(int)logbf(a));
				b = ldexpf(b, -(int)logbf(b) + i % 9);
			}
			check_params(fminf(a, b), fmaxf(a, b), ranges[r][0],
				     ranges[r][1]);
		}
		check_params(0, FLT_TRUE_MIN, ranges[r][0], ranges[r][1]);
		check_params(-FLT_MAX, FLT_MAX, ranges[r][0], ranges[r][1]);
		check_params(-0.f, 0.f, ranges[r][0], ranges[r][1]);
	}
}

static void test_params_known(void **state)
{
	float scale;
	int32_t z;

	(void)state;
	assert_int_equal(qaccel_choose_params(-1, 1, 0, 255, &scale, &z), 0);
	assert_true(scale == 2.f / 255);
	assert_int_equal(z, 128);
	assert_int_equal(qaccel_choose_params(0, 6, -128, 127, &scale, &z), 0);
	assert_true(scale == (float)(6. / 255));
	assert_int_equal(z, -128);
	/* Widened to hold zero. */
	assert_int_equal(qaccel_choose_params(2, 6, 0, 255, &scale, &z), 0);
	assert_true(scale == (float)(6. / 255));
	assert_int_equal(z, 0);
	assert_int_equal(qaccel_choose_params(-5, -1, 0, 255, &scale, &z), 0);
	assert_int_equal(z, 255);
	/* Empty. */
	assert_int_equal(qaccel_choose_params(0, 0, 3, 255, &scale, &z), 0);
	assert_true(scale == 1);
	assert_int_equal(z, 3);
	assert_int_equal(qaccel_choose_params(0, 0, -128, 127, &scale, &z), 0);
	assert_int_equal(z, 0);
}

static void test_params_bad(void **state)
{
	float scale = 7;
	int32_t z = 7;

	(void)state;
	assert_int_equal(qaccel_choose_params(NAN, 1, 0, 255, &scale, &z),
			 -EINVAL);
	assert_int_equal(qaccel_choose_params(0, NAN, 0, 255, &scale, &z),
			 -EINVAL);
	assert_int_equal(qaccel_choose_params(-INFINITY, 1, 0, 255, &scale, &z),
			 -EINVAL);
	assert_int_equal(qaccel_choose_params(0, INFINITY, 0, 255, &scale, &z),
			 -EINVAL);
	assert_int_equal(qaccel_choose_params(2, 1, 0, 255, &scale, &z), -EINVAL);
	assert_int_equal(qaccel_choose_params(0, 1, 5, 5, &scale, &z), -EINVAL);
	assert_true(scale == 7 && z == 7);
}

/* What the ends of an integer type of so many bits are, by another road. */
static void check_integers(enum qaccel_type type, uint32_t bits, bool narrow)
{
	int32_t qmin = 0, qmax = 0, count = 1;

	for (uint32_t i = 0; i < bits; i++)
		count *= 2;
	assert_int_equal(qaccel_integer_range(type, bits, narrow, &qmin, &qmax),
			 0);
	assert_int_equal(qmax - qmin + 1, narrow ? count - 1 : count);
	if (type == QACCEL_TYPE_UINT8)
		assert_int_equal(qmin, narrow ? 1 : 0);
	else
		assert_int_equal(qmin + qmax, narrow ? 0 : -1);
}

static void test_integers(void **state)
{
	int32_t qmin = 7, qmax = 7;

	(void)state;
	for (uint32_t bits = 2; bits <= 8; bits++) {
		for (int narrow = 0; narrow < 2; narrow++) {
			check_integers(QACCEL_TYPE_INT8, bits, narrow);
			check_integers(QACCEL_TYPE_UINT8, bits, narrow);
		}
	}
	assert_int_equal(qaccel_integer_range(QACCEL_TYPE_INT8, 8, true, &qmin,
					      &qmax), 0);
	assert_int_equal(qmin, -127);
	assert_int_equal(qmax, 127);
	assert_int_equal(qaccel_integer_range(QACCEL_TYPE_INT8, 4, false, &qmin,
					      &qmax), 0);
	assert_int_equal(qmin, -8);
	assert_int_equal(qmax, 7);
	qmin = qmax = 7;
	assert_int_equal(qaccel_integer_range(QACCEL_TYPE_INT8, 1, false, &qmin,
					      &qmax), -EINVAL);
	assert_int_equal(qaccel_integer_range(QACCEL_TYPE_UINT8, 9, false, &qmin,
					      &qmax), -EINVAL);
	assert_int_equal(qaccel_integer_range(QACCEL_TYPE_INT16, 8, false, &qmin,
					      &qmax), -EINVAL);
	assert_int_equal(qaccel_integer_range((enum qaccel_type)0, 8, false,
					      &qmin, &qmax), -EINVAL);
	assert_true(qmin == 7 && qmax == 7);
}

/*
 * On few bits too, zero stays zero, and what is in the range moves by a step at
 * most: half for rounding, half for the range's own move.
 */
static void check_few_bits(float min, float max, int32_t qmin, int32_t qmax)
{
	const float in[] = { 0, -0.f, min, max, min + (max - min) / 3 };
	float out[5], scale;
	int32_t zero;

	assert_int_equal(qaccel_choose_params(min, max, qmin, qmax, &scale,
					      &zero), 0);
	assert_true(zero >= qmin && zero <= qmax);
	assert_int_equal(qaccel_fake_quantize(scale, zero, qmin, qmax, in, out,
					      5), 0);
	assert_true(out[0] == 0 && out[1] == 0);
	for (size_t i = 2; i < 5; i++)
		assert_true(fabs((double)out[i] - (double)in[i]) <=
			    (double)scale * 1.00001);
}

static void test_few_bits(void **state)
{
	(void)state;
	for (uint32_t bits = 2; bits <= 8; bits++) {
		for (int i = 0; i < 40000; i++) {
			enum qaccel_type type = i % 2 ? QACCEL_TYPE_INT8 :
							QACCEL_TYPE_UINT8;
			float a = (float)(int32_t)random32() * 0x1p-31f;
			float b = (float)(int32_t)random32() * 0x1p-29f;
			int32_t qmin, qmax;

			a = ldexpf(a, (int)(random32() % 40) - 20);
			if (i % 8 == 0)
				a = fabsf(a);
			assert_int_equal(qaccel_integer_range(type, bits,
							      i / 2 % 2, &qmin,
							      &qmax), 0);
			check_few_bits(fminf(a, b), fmaxf(a, b), qmin, qmax);
		}
	}
}

static void test_weight_scales(void **state)
{
	float w[4][9], scales[4], one;

	(void)state;
	for (uint32_t bits = 2; bits <= 8; bits++) {
		float largest = 0, rounded[9];
		int32_t qmin, qmax;

		assert_int_equal(qaccel_integer_range(QACCEL_TYPE_INT8, bits,
						      true, &qmin, &qmax), 0);
		for (int i = 0; i < 36; i++)
			w[i / 9][i % 9] = ldexpf((float)(int32_t)random32(),
						 -31 - i / 9 * 5);
		w[1][4] = -3;
		memset(w[2], 0, sizeof(w[2]));
		assert_int_equal(qaccel_choose_weight_scales(&w[0][0], 4, 9, qmax,
							     scales), 0);
		assert_true(scales[1] == 3.f / (float)qmax);
		assert_true(scales[2] == 1);
		for (int c = 0; c < 4; c++) {
			float max = 0;

			for (int i = 0; i < 9; i++)
				max = fmaxf(max, fabsf(w[c][i]));
			largest = fmaxf(largest, max);
			if (max > 0)
				assert_true(scales[c] == max / (float)qmax);
			/* Nothing is clipped. */
			assert_int_equal(qaccel_fake_quantize(scales[c], 0, qmin,
							      qmax, w[c],
							      rounded, 9), 0);
			for (int i = 0; i < 9; i++)
				assert_true(fabsf(rounded[i] - w[c][i]) <=
					    scales[c] * 0.50001f);
		}
		/* Per tensor: one channel. */
		assert_int_equal(qaccel_choose_weight_scales(&w[0][0], 1, 36,
							     qmax, &one), 0);
		assert_true(one == largest / (float)qmax);
	}
}

static void test_weight_scales_ends(void **state)
{
	static const float bad[] = { NAN, INFINITY, -INFINITY };
	float w[4] = { FLT_TRUE_MIN, -FLT_TRUE_MIN, FLT_MAX, -FLT_MAX };
	float scales[2];

	(void)state;
	assert_int_equal(qaccel_choose_weight_scales(w, 2, 2, 127, scales), 0);
	assert_true(scales[0] == FLT_MIN);
	assert_true(scales[1] == FLT_MAX / 127);
	scales[0] = scales[1] = 7;
	for (size_t i = 0; i < 12; i++) {
		float with[4] = { 1, 2, 3, 4 };

		with[i % 4] = bad[i / 4];
		assert_int_equal(qaccel_choose_weight_scales(with, 2, 2, 127,
							     scales), -EINVAL);
	}
	assert_int_equal(qaccel_choose_weight_scales(w, 2, 2, 0, scales),
			 -EINVAL);
	assert_int_equal(qaccel_choose_weight_scales(w, 2, 2, -1, scales),
			 -EINVAL);
	assert_true(scales[0] == 7 && scales[1] == 7);
	/* None: an empty channel is all zeros. */
	assert_int_equal(qaccel_choose_weight_scales(w, 2, 0, 127, scales), 0);
	assert_true(scales[0] == 1 && scales[1] == 1);
}

/* ------------------------------------------------------------- arrays -- */

static const struct {
	enum qaccel_type type;
	int32_t min, max;
} types[] = {
	{ QACCEL_TYPE_UINT8, 0, 255 },
	{ QACCEL_TYPE_INT8, -128, 127 },
	{ QACCEL_TYPE_INT16, -32768, 32767 },
};

static int32_t element(enum qaccel_type type, const void *data, size_t i)
{
	return type == QACCEL_TYPE_UINT8 ? ((const uint8_t *)data)[i] :
	       type == QACCEL_TYPE_INT8 ? ((const int8_t *)data)[i] :
					  ((const int16_t *)data)[i];
}

/* Every integer comes back from its real number. */
static void test_round_trip(void **state)
{
	static float real[65536];
	static int16_t back[65536];

	(void)state;
	for (size_t t = 0; t < 3; t++) {
		int32_t z = types[t].min + 100;
		size_t count = (size_t)(types[t].max - types[t].min + 1);

		for (size_t i = 0; i < count; i++)
			real[i] = 0.37f * (float)(types[t].min + (int32_t)i - z);
		assert_int_equal(qaccel_quantize(types[t].type, 0.37f, z, real,
						 back, count), 0);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(element(types[t].type, back, i),
					 types[t].min + (int32_t)i);
		memset(real, 0, sizeof(real));
		assert_int_equal(qaccel_dequantize(types[t].type, 0.37f, z, back,
						   real, count), 0);
		for (size_t i = 0; i < count; i++)
			assert_true(real[i] == 0.37f *
				    (float)(types[t].min + (int32_t)i - z));
	}
}

static void test_quantize_ends(void **state)
{
	const float in[] = { NAN, INFINITY, -INFINITY, FLT_MAX, -FLT_MAX, 0.5f,
			     -0.5f, 1.5f, -1.5f, 2.5f, 0.49999997f };
	const int32_t away[] = { 1, -1, 2, -2, 3, 0 };
	int16_t out[11];

	(void)state;
	for (size_t t = 0; t < 3; t++) {
		int32_t z = types[t].min + 50;

		assert_int_equal(qaccel_quantize(types[t].type, 1, z, in, out,
						 11), 0);
		assert_int_equal(element(types[t].type, out, 0), z);
		for (size_t i = 1; i < 5; i++)
			assert_int_equal(element(types[t].type, out, i),
					 i % 2 ? types[t].max : types[t].min);
		for (size_t i = 0; i < 6; i++)
			assert_int_equal(element(types[t].type, out, 5 + i),
					 z + away[i]);
	}
	/* A division that overflows is an end of the range. */
	assert_int_equal(qaccel_quantize(QACCEL_TYPE_INT8, FLT_TRUE_MIN, 0,
					 in + 3, out, 2), 0);
	assert_int_equal(element(QACCEL_TYPE_INT8, out, 0), 127);
	assert_int_equal(element(QACCEL_TYPE_INT8, out, 1), -128);
}

static void test_quantize_bad(void **state)
{
	const float bad[] = { 0, -1, NAN, INFINITY };
	float real = 1;
	int8_t out = 7;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(qaccel_quantize(QACCEL_TYPE_INT8, bad[i], 0,
						 &real, &out, 1), -EINVAL);
		assert_int_equal(qaccel_dequantize(QACCEL_TYPE_INT8, bad[i], 0,
						   &out, &real, 1), -EINVAL);
		assert_int_equal(qaccel_fake_quantize(bad[i], 0, 0, 255, &real,
						      &real, 1), -EINVAL);
	}
	assert_int_equal(qaccel_quantize(QACCEL_TYPE_INT32, 1, 0, &real, &out,
					 1), -EINVAL);
	assert_int_equal(qaccel_dequantize(QACCEL_TYPE_FLOAT32, 1, 0, &out,
					   &real, 1), -EINVAL);
	assert_int_equal(qaccel_fake_quantize(1, 0, 3, 3, &real, &real, 1),
			 -EINVAL);
	assert_int_equal(out, 7);
	assert_true(real == 1);
	assert_int_equal(qaccel_quantize(QACCEL_TYPE_INT8, 1, 0, NULL, NULL, 0),
			 0);
}

static void test_fake_quantize(void **state)
{
	float in[256], out[256], expected[256];
	int16_t q[256];

	(void)state;
	for (size_t t = 0; t < 3; t++) {
		for (int i = 0; i < 256; i++)
			in[i] = i ? random_float() : NAN;
		for (int i = 128; i < 256; i++)
			in[i] = (float)(int32_t)random32() * 0x1p-24f;
		assert_int_equal(qaccel_quantize(types[t].type, 0.01f, 17, in, q,
						 256), 0);
		assert_int_equal(qaccel_dequantize(types[t].type, 0.01f, 17, q,
						   expected, 256), 0);
		assert_int_equal(qaccel_fake_quantize(0.01f, 17, types[t].min,
						      types[t].max, in, out,
						      256), 0);
		assert_memory_equal(out, expected, sizeof(out));
		/* Twice is as good as once. */
		assert_int_equal(qaccel_fake_quantize(0.01f, 17, types[t].min,
						      types[t].max, out, out,
						      256), 0);
		assert_memory_equal(out, expected, sizeof(out));
	}
}

/* Convolution then normalisation, and the folded convolution, agree. */
static void test_fold(void **state)
{
	float gamma[3] = { 2, -0.5f, 1 }, beta[3] = { 0.5f, 1, -3 };
	float mean[3] = { 1, -2, 0.25f }, variance[3] = { 4, 0.25f, 1 };
	float w[3][4], folded[3][4], bias[3] = { 0.5f, -1, 2 }, b[3];

	(void)state;
	for (int c = 0; c < 3; c++)
		for (int i = 0; i < 4; i++)
			w[c][i] = (float)(int32_t)random32() * 0x1p-31f;
	memcpy(folded, w, sizeof(w));
	memcpy(b, bias, sizeof(b));
	assert_int_equal(qaccel_fold_batch_norm(3, 4, gamma, beta, mean, variance,
						1e-3f, &folded[0][0], b), 0);
	for (int c = 0; c < 3; c++) {
		const float x[4] = { 0.5f, -1, 2, 0.125f };
		double y = (double)bias[c], z = (double)b[c];

		for (int i = 0; i < 4; i++) {
			y += (double)x[i] * (double)w[c][i];
			z += (double)x[i] * (double)folded[c][i];
		}
		y = (y - (double)mean[c]) * (double)gamma[c] /
		    sqrt((double)variance[c] + 1e-3) + (double)beta[c];
		assert_true(fabs(y - z) < 1e-5);
	}
	memcpy(folded, w, sizeof(w));
	variance[2] = -1;
	assert_int_equal(qaccel_fold_batch_norm(3, 4, gamma, beta, mean, variance,
						0, &folded[0][0], b), -EINVAL);
	variance[2] = NAN;
	assert_int_equal(qaccel_fold_batch_norm(3, 4, gamma, beta, mean, variance,
						0, &folded[0][0], b), -EINVAL);
	assert_memory_equal(folded, w, sizeof(w));
}

static void test_types(void **state)
{
	(void)state;
	assert_int_equal(qaccel_type_size(QACCEL_TYPE_UINT8), 1);
	assert_int_equal(qaccel_type_size(QACCEL_TYPE_INT16), 2);
	assert_int_equal(qaccel_type_size(QACCEL_TYPE_FLOAT32), 4);
	assert_int_equal(qaccel_type_size((enum qaccel_type)0), 0);
	assert_int_equal(qaccel_type_size((enum qaccel_type)6), 0);
	assert_string_equal(qaccel_type_name(QACCEL_TYPE_INT8), "INT8");
	assert_string_equal(qaccel_type_name((enum qaccel_type)99), "?");
	assert_int_equal(qaccel_version() >> 16, QACCEL_VERSION_MAJOR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_multiplier),
		cmocka_unit_test(test_multiplier_ends),
		cmocka_unit_test(test_scale),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_params_known),
		cmocka_unit_test(test_params_bad),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_few_bits),
		cmocka_unit_test(test_weight_scales),
		cmocka_unit_test(test_weight_scales_ends),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_quantize_ends),
		cmocka_unit_test(test_quantize_bad),
		cmocka_unit_test(test_fake_quantize),
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
