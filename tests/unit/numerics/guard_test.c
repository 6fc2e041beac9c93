// SPDX-License-Identifier: MIT
/*
 * The guard band of docs/numerics.md, one value at a time: whatever is not
 * flagged as close must be what the two roundings give. Accumulators are taken
 * from where it is decided, next to every tie of every result.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "qk_requant.h"

#define GUARD		4
#define MULTIPLIERS	400
#define LIMIT		(1 << 30)

/* struct scale - the constants of a channel, as the kernels make them */
struct scale {
	int32_t multiplier;
	int shift;
	int zero_point;
	int lowest, highest;		/* of the type that this is of */
	float factor, above, below;
};

static uint64_t checked, flagged;

static uint32_t next(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32);
}

static struct scale make_scale(int32_t multiplier, int shift, int zero_point,
			       int lowest)
{
	float c = 65536.0f * ((float)zero_point + 0.5f) + GUARD;
	float d = shift < 0 ? ldexpf(1, shift + 15) : 0;
	struct scale s = {
		.multiplier = multiplier,
		.shift = shift,
		.zero_point = zero_point,
		.lowest = lowest,
		.highest = lowest + 255,
		.factor = ldexpf((float)multiplier, shift - 15),
		.above = c + d,
		.below = c - d,
	};

	return s;
}

/* False: too close to call. */
static bool scale_float(const struct scale *s, int32_t acc, int32_t *result)
{
	float t = fmaf((float)acc, s->factor, acc < 0 ? s->below : s->above);
	int32_t u;

	t = fminf(t, 2147483520.0f);
	u = t < -2147483648.0f ? INT32_MIN : (int32_t)lrintf(t);
	*result = u >> 16;
	return (u & 0xffff & ~(2 * GUARD - 1)) != 0;
}

static bool check(const struct scale *s, int64_t acc)
{
	int32_t fast, exact;

	if (acc >= LIMIT || acc <= -LIMIT)
		return true;
	checked++;
	if (!scale_float(s, (int32_t)acc, &fast)) {
		flagged++;
		return true;
	}
	exact = qk_finish(qk_scale_double((int32_t)acc, s->multiplier,
					  s->shift), s->zero_point, s->lowest,
			  s->highest);
	if (qk_clamp(fast, s->lowest, s->highest) == exact)
		return true;
	printf("acc %lld, multiplier %d, shift %d, zero point %d: %d, not %d\n",
	       (long long)acc, s->multiplier, s->shift, s->zero_point, fast,
	       exact);
	return false;
}

/* Accumulators that fall next to the ties of all results that are not clamped. */
static bool check_scale(const struct scale *s)
{
	long double unit = ldexpl(1, 31 - s->shift) / s->multiplier;
	bool good = true;

	for (int result = -520; result <= 520; result++) {
		int64_t tie = (int64_t)((result + 0.5L) * unit);

		for (int64_t acc = tie - 3; acc <= tie + 3; acc++)
			good &= check(s, acc);
		/* Where the moved threshold lies. */
		good &= check(s, tie - (int64_t)(unit * ldexpl(1, s->shift - 1)));
		good &= check(s, tie + (int64_t)(unit * ldexpl(1, s->shift - 1)));
		good &= check(s, (int32_t)next() >> (next() % 24));
	}
	return good;
}

int main(void)
{
	static const struct {
		int lowest, zero_point;
	} types[] = {
		{ -128, -128 }, { -128, -5 }, { -128, 127 },
		{ 0, 0 }, { 0, 7 }, { 0, 255 },
	};
	bool good = true;

	/* To the left only while |acc| 2^shift stays below 2^30: not here. */
	for (int shift = -31; shift <= 0; shift++) {
		for (int i = 0; i < MULTIPLIERS; i++) {
			int32_t m = i == 0 ? 1 << 30 : i == 1 ? INT32_MAX :
				    (1 << 30) | (int32_t)(next() >> 2);
			struct scale s = make_scale(m, shift,
						    types[i % 6].zero_point,
						    types[i % 6].lowest);

			good &= check_scale(&s);
		}
	}
	printf("%llu accumulators, %llu of them too close to call: %s\n",
	       (unsigned long long)checked, (unsigned long long)flagged,
	       good ? "good" : "BAD");
	return !good;
}
