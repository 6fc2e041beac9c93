/* SPDX-License-Identifier: MIT */
/* Small arithmetic on untrusted numbers. */
#ifndef QACCEL_CHECKED_H
#define QACCEL_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

#include "qaccel_hw.h"

/* No value saturates by accident: counters stick at the maximum. */
static inline uint64_t qaccel_sat_add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static inline uint64_t qaccel_sat_mul(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static inline uint64_t qaccel_div_up(uint64_t a, uint64_t b)
{
	return a / b + (a % b != 0);
}

/* Bytes of an element, 0 for an unknown type. */
static inline unsigned int qaccel_dtype_size(uint8_t dtype)
{
	static const uint8_t size[] = {
		[QACCEL_DTYPE_U8] = 1,
		[QACCEL_DTYPE_S8] = 1,
		[QACCEL_DTYPE_S16] = 2,
		[QACCEL_DTYPE_S32] = 4,
		[QACCEL_DTYPE_F32] = 4,
	};

	return dtype < sizeof(size) ? size[dtype] : 0;
}

/* Of validated tensors only: the products fit. */
static inline uint64_t qaccel_tensor_pixels(const struct qaccel_tensor *t)
{
	return (uint64_t)t->n * t->h * t->w;
}

static inline uint64_t qaccel_tensor_elements(const struct qaccel_tensor *t)
{
	return qaccel_tensor_pixels(t) * t->c;
}

static inline uint64_t qaccel_tensor_size(const struct qaccel_tensor *t)
{
	return qaccel_tensor_elements(t) * qaccel_dtype_size(t->dtype);
}

/* Records of a channel array: the channels rounded up to whole blocks. */
static inline uint64_t qaccel_channel_records(uint32_t channels)
{
	return ((uint64_t)channels + 15) & ~UINT64_C(15);
}

#endif /* QACCEL_CHECKED_H */
