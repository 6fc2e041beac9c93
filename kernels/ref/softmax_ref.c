/* SPDX-License-Identifier: MIT */
/*
 * SOFTMAX, on integers alone. A number in "Qm.n" has m integer bits and n
 * fraction bits beside its sign; products of them are doubling high multiplies,
 * so that Qa times Qb is Q(a+b). docs/numerics.md derives the steps.
 */
#include "../internal.h"
#include "ref.h"

/* x * 2^n, saturated; n in [0, 31]. */
static int32_t shift_left_saturating(int32_t x, int n)
{
	int64_t wide = (int64_t)x * (INT64_C(1) << n);

	return (int32_t)(wide < INT32_MIN ? INT32_MIN :
			 wide > INT32_MAX ? INT32_MAX : wide);
}

/*
 * exp(a) for a in [-1/4, 0), Q0.31: Taylor's series of 4th degree around -1/8.
 * The powers of x stay below 2^-3 of one, so no sum leaves the range.
 */
static int32_t exp_quarter(int32_t a)
{
	const int32_t exp_minus_eighth = 1895147668;
	const int32_t third = 715827883;
	int32_t x = a + (1 << 28);
	int32_t x2 = qk_srdhm(x, x);
	int32_t x3 = qk_srdhm(x2, x);
	int32_t x4 = qk_srdhm(x2, x2);
	int32_t x4_over_4 = qk_rounding_shift_right(x4, 2);
	/* x^4/24 + x^3/6 + x^2/2 */
	int32_t tail = qk_rounding_shift_right(
		qk_srdhm(x4_over_4 + x3, third) + x2, 1);

	return exp_minus_eighth + qk_srdhm(exp_minus_eighth, x + tail);
}

/*
 * exp(a) in Q0.31 for a <= 0 in Q5.26: the last quarter by the series, each
 * bit above it by a factor. Total: any int32 gives a value in [0, 2^31).
 */
static int32_t exp_negative(int32_t a)
{
	/* exp(-2^i) for i = -2 to 4, Q0.31 */
	static const int32_t factors[] = {
		1672461947, 1302514674, 790015084, 290630308, 39332535,
		720401, 242,
	};
	const int32_t quarter = 1 << 24;
	int32_t part = (a & (quarter - 1)) - quarter;	/* [-1/4, 0) */
	uint32_t rest = (uint32_t)part - (uint32_t)a;
	int32_t result = exp_quarter(part * 32);	/* [-2^29, -32] */

	for (int i = 0; i < 7; i++)
		if (rest & (UINT32_C(1) << (24 + i)))
			result = qk_srdhm(result, factors[i]);
	return a == 0 ? INT32_MAX : result;
}

/*
 * 1 / (1 + a) for a in [0, 1), Q0.31: three steps of Newton-Raphson on
 * d = (1 + a) / 2 in Q2.29, from 48/17 - 32/17 d.
 */
static int32_t reciprocal(int32_t a)
{
	const int32_t c_48_17 = 1515870810, c_minus_32_17 = -1010580540;
	/* (a + one + 1) / 2 for one = 2^31 - 1: rounded half up. */
	int32_t d = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
	int32_t x = c_48_17 + qk_srdhm(d, c_minus_32_17);

	for (int i = 0; i < 3; i++) {
		int32_t error = (1 << 29) - qk_srdhm(d, x);

		x += shift_left_saturating(qk_srdhm(x, error), 2);
	}
	/* x / 2 in Q1.30 has the bits of x in Q2.29. */
	return shift_left_saturating(x, 1);
}

static int leading_zeros(uint32_t x)
{
	int n = 0;

	for (; !(x & UINT32_C(0x80000000)); x <<= 1)
		n++;
	return n;
}

static int32_t exp_of(const struct qaccel_cmd_softmax *cmd, int32_t diff)
{
	return exp_negative(qk_scale(diff, cmd->multiplier, cmd->left_shift,
				     qk_single_rounding(&cmd->hdr)));
}

static int32_t maximum(const void *in, size_t at, uint32_t depth,
		       unsigned int dtype)
{
	int32_t max = INT32_MIN;

	for (uint32_t c = 0; c < depth; c++) {
		int32_t v = qk_get8(in, at + c, dtype);

		max = v > max ? v : max;
	}
	return max;
}

/*
 * Sum of the exponentials in Q12.19. The greatest element alone gives 2^19, so
 * it is not zero. More than 8191 elements could pass 32 bits: it saturates.
 */
static uint32_t sum_of_exps(const struct qaccel_cmd_softmax *cmd,
			    const void *in, size_t at, int32_t max)
{
	uint64_t sum = 0;

	for (uint32_t c = 0; c < cmd->in.c; c++) {
		int32_t diff = qk_get8(in, at + c, cmd->in.dtype) - max;

		if (diff >= cmd->diff_min)
			sum += (uint64_t)qk_rounding_shift_right(
				exp_of(cmd, diff), 12);
	}
	return sum > UINT32_MAX ? UINT32_MAX : sum ? (uint32_t)sum : 1;
}

static void softmax(const struct qaccel_cmd_softmax *cmd, const void *in,
		    void *out, size_t at)
{
	int32_t lowest = cmd->out.dtype == QACCEL_DTYPE_U8 ? 0 : INT8_MIN;
	int32_t max = maximum(in, at, cmd->in.c, cmd->in.dtype);
	uint32_t sum = sum_of_exps(cmd, in, at, max);
	int zeros = leading_zeros(sum);
	/* sum = (1 + a) 2^(12 - zeros), a in [0, 1) */
	int32_t scale = reciprocal((int32_t)((sum << zeros) -
					     UINT32_C(0x80000000)));
	int right = 12 - zeros + 31 - 8;

	for (uint32_t c = 0; c < cmd->in.c; c++) {
		int32_t diff = qk_get8(in, at + c, cmd->in.dtype) - max;
		int32_t p = 0;

		/* Below 2^31, so that a shift by more than 31 gives 0. */
		if (diff >= cmd->diff_min && right <= 31)
			p = qk_rounding_shift_right(
				qk_srdhm(scale, exp_of(cmd, diff)), right);
		qk_put8(out, at + c, qk_clamp(p, 0, 255) + lowest);
	}
}

QK_DECL_SOFTMAX(qk_softmax_ref)
{
	(void)scratch;
	for (uint32_t y = tile->y0; y < tile->y1; y++)
		for (uint32_t w = 0; w < cmd->in.w; w++)
			softmax(cmd, in, out,
				((size_t)y * cmd->in.w + w) * cmd->in.c);
}
