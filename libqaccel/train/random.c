// SPDX-License-Identifier: MIT
#include <math.h>

#include "random.h"

#define PCG_MULTIPLIER	UINT64_C(6364136223846793005)
#define PCG_INCREMENT	UINT64_C(1442695040888963407)

/* splitmix64's finalizer: a bijection that spreads every bit over all. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

void random_seed(struct random *random, uint64_t seed, uint64_t stream)
{
	/* The golden ratio's bits keep seed 0, stream 0 off the fixed point. */
	random->state = mix(mix(seed + UINT64_C(0x9e3779b97f4a7c15)) + stream);
}

uint32_t random_u32(struct random *random)
{
	uint64_t x = random->state;
	uint32_t shifted = (uint32_t)((x >> 18 ^ x) >> 27);
	uint32_t rotation = (uint32_t)(x >> 59);

	random->state = x * PCG_MULTIPLIER + PCG_INCREMENT;
	return shifted >> rotation | shifted << (-rotation & 31);
}

float random_uniform(struct random *random)
{
	return (float)(random_u32(random) >> 8) * 0x1p-24f;
}

/* One of Box and Muller's two: the state has no place for the other. */
float random_normal(struct random *random)
{
	double u = (random_u32(random) + 1.0) * 0x1p-32;
	double v = random_u32(random) * 0x1p-32;

	return (float)(sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v));
}
