/* SPDX-License-Identifier: MIT */
/*
 * qk_requant.h against its definitions in docs/numerics.md, which are computed
 * here on 128-bit integers by floor division alone, without shifts, masks or
 * truncation.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "qk_requant.h"

typedef __int128 wide;

static unsigned int failures;

static wide power(int n)
{
	return (wide)1 << n;
}

static wide floor_div(wide a, wide b)
{
	wide q = a / b;

	return q * b > a ? q - 1 : q;
}

/* a / b with ties towards +inf: floor(a / b + 1/2). */
static wide round_up(wide a, wide b)
{
	return floor_div(2 * a + b, 2 * b);
}

/* a / b with ties away from zero. */
static wide round_away(wide a, wide b)
{
	return a < 0 ? -round_up(-a, b) : round_up(a, b);
}

static int32_t wrap(wide x)
{
	return (int32_t)(uint32_t)(unsigned __int128)x;
}

static int32_t scale_double(int32_t x, int32_t m, int shift)
{
	int32_t left = shift > 0 ? wrap(x * power(shift)) : x;
	wide high = round_up((wide)left * m, power(31));

	return (int32_t)round_away(high, power(shift > 0 ? 0 : -shift));
}

static int32_t scale_single(int32_t x, int32_t m, int shift)
{
	return wrap(round_up((wide)x * m, power(31 - shift)));
}

static bool equal(const char *what, int32_t x, int32_t m, int shift,
		  int32_t is, int32_t expected)
{
	if (is == expected)
		return true;
	if (failures++ < 10)
		printf("FAIL %s(%" PRId32 ", %" PRId32 ", %d) is %" PRId32
		       ", expected %" PRId32 "\n", what, x, m, shift, is,
		       expected);
	return false;
}

static void check(int32_t x, int32_t m, int shift)
{
	equal("qk_scale, two roundings", x, m, shift, qk_scale(x, m, shift, 0),
	      scale_double(x, m, shift));
	equal("qk_scale, one rounding", x, m, shift, qk_scale(x, m, shift, 1),
	      scale_single(x, m, shift));
}

static uint64_t random64(void)
{
	static uint64_t state = 1;
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static const int32_t multipliers[] = {
	0, 1, 2, 3, 255, 256, (1 << 29) - 1, 1 << 29, (1 << 30) - 1, 1 << 30,
	(1 << 30) + 1, 3 << 29, 1518500250, INT32_MAX - 1, INT32_MAX,
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* Every difference of two bytes, at every shift: ties are dense here. */
static void test_byte_range(void)
{
	for (size_t i = 0; i < COUNT(multipliers); i++)
		for (int shift = -31; shift <= 30; shift++)
			for (int32_t x = -511; x <= 511; x++)
				check(x, multipliers[i], shift);
}

/* Around all powers of two and the ends of the range. */
static void test_extremes(void)
{
	for (size_t i = 0; i < COUNT(multipliers); i++)
		for (int shift = -31; shift <= 30; shift++)
			for (int n = 0; n < 32; n++)
				for (int d = -2; d <= 2; d++) {
					int32_t x = wrap(power(n) + d);

					check(x, multipliers[i], shift);
					check(wrap(-(wide)x), multipliers[i],
					      shift);
				}
}

/*
 * Exact ties of the second rounding: with M0 = 2^30 and an even x, the first
 * is exact and leaves x / 2.
 */
static void test_ties(void)
{
	for (int n = 1; n <= 31; n++) {
		for (int64_t k = -200; k <= 200; k++) {
			int64_t x = (2 * k + 1) * ((int64_t)1 << n);
			int64_t away = k < 0 ? k : k + 1;

			if (x < INT32_MIN || x > INT32_MAX)
				continue;
			equal("tie", (int32_t)x, 1 << 30, -n,
			      qk_scale((int32_t)x, 1 << 30, -n, 0),
			      (int32_t)away);
			/* One rounding: towards +inf. */
			equal("tie", (int32_t)x, 1 << 30, -n,
			      qk_scale((int32_t)x, 1 << 30, -n, 1),
			      (int32_t)(k + 1));
		}
	}
}

static void test_random(void)
{
	for (int i = 0; i < 3000000; i++) {
		int32_t x = (int32_t)random64() >> (random64() % 32);
		int32_t m = (int32_t)(random64() & INT32_MAX);
		int shift = (int)(random64() % 62) - 31;

		check(x, random64() % 2 ? m | 1 << 30 : m, shift);
	}
}

/* The doubling high multiply takes negative factors too, in softmax. */
static void test_high_multiply(void)
{
	for (int i = 0; i < 3000000; i++) {
		int32_t a = (int32_t)random64() >> (random64() % 32);
		int32_t b = (int32_t)random64() >> (random64() % 32);

		equal("qk_srdhm", a, b, 0, qk_srdhm(a, b),
		      (int32_t)round_up((wide)a * b, power(31)));
	}
	equal("qk_srdhm", INT32_MIN, INT32_MIN, 0,
	      qk_srdhm(INT32_MIN, INT32_MIN), INT32_MAX);
	equal("qk_srdhm", INT32_MIN, INT32_MAX, 0,
	      qk_srdhm(INT32_MIN, INT32_MAX), -INT32_MAX);
	equal("qk_srdhm", -1, 1 << 30, 0, qk_srdhm(-1, 1 << 30), 0);
	equal("qk_srdhm", 1, 1 << 30, 0, qk_srdhm(1, 1 << 30), 1);
}

/* Records that nobody validated: always within the domain, or unchanged. */
static void test_sanitize(void)
{
	for (int i = 0; i < 100000; i++) {
		int32_t m = (int32_t)random64();
		int32_t s = (int32_t)random64() >> (random64() % 32);
		struct qk_scale r = qk_channel_scale(m, s);
		bool valid = m >= 0 && s >= -31 && s <= 30;

		if (r.multiplier < 0 || r.shift < -31 || r.shift > 30 ||
		    (valid && (r.multiplier != m || r.shift != s)))
			equal("qk_channel_scale", 0, m, s, r.shift, s);
	}
}

static void test_finish(void)
{
	equal("qk_finish", 100, 100, 0, qk_finish(100, 100, -128, 127), 127);
	equal("qk_finish", -100, -100, 0, qk_finish(-100, -100, -128, 127),
	      -128);
	equal("qk_finish", 3, 4, 0, qk_finish(3, 4, 0, 255), 7);
	/* It wraps rather than overflows. */
	equal("qk_finish", INT32_MAX, 1, 0, qk_finish(INT32_MAX, 1, 0, 255), 0);
}

/* The example of docs/numerics.md. */
static void test_worked_example(void)
{
	equal("example", 3417, 1374389535, -7,
	      qk_scale(3417, 1374389535, -7, 0), 17);
	equal("example", 3417, 1374389535, -7,
	      qk_srdhm(3417, 1374389535), 2187);
	equal("example", -100, 1 << 30, -3, qk_scale(-100, 1 << 30, -3, 0), -6);
	equal("example", -200, 1 << 30, -3, qk_scale(-200, 1 << 30, -3, 0),
	      -13);
	equal("example", -200, 1 << 30, -3, qk_scale(-200, 1 << 30, -3, 1),
	      -12);
}

int main(void)
{
	test_byte_range();
	test_extremes();
	test_ties();
	test_random();
	test_high_multiply();
	test_sanitize();
	test_finish();
	test_worked_example();
	printf("numerics: %u failures\n", failures);
	return failures ? 1 : 0;
}
