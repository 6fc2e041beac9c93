/* SPDX-License-Identifier: MIT */
/*
 * Random numbers that are the same on every machine: PCG-XSH-RR 64/32
 * (O'Neill 2014), a linear congruential generator whose output is permuted.
 * Its 64 bits of state are all that a checkpoint has to hold. Streams are runs
 * of one sequence that start far apart. Not for secrets.
 */
#ifndef QACCEL_TRAIN_RANDOM_H
#define QACCEL_TRAIN_RANDOM_H

#include <stdint.h>

struct random {
	uint64_t state;
};

/* Streams of one seed, and seeds, are unrelated: each job has a stream. */
void random_seed(struct random *random, uint64_t seed, uint64_t stream);

uint32_t random_u32(struct random *random);
/* In [0, 1), a multiple of 2^-24. */
float random_uniform(struct random *random);
/* Mean 0, variance 1. */
float random_normal(struct random *random);

#endif /* QACCEL_TRAIN_RANDOM_H */
