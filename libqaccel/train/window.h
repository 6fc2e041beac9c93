/* SPDX-License-Identifier: MIT */
/* Where a filter or a pool's window lies on a picture. */
#ifndef QACCEL_TRAIN_WINDOW_H
#define QACCEL_TRAIN_WINDOW_H

#include "net.h"

struct window {
	struct net_shape in, out;
	uint32_t size_h, size_w, stride;
	uint32_t pad_top, pad_left;
};

/* The taps [first, last) of an output's window that are on the picture. */
struct taps {
	uint32_t first, last;
};

static inline struct taps window_taps(uint32_t out, uint32_t stride,
				      uint32_t pad, uint32_t size, uint32_t in)
{
	int64_t start = (int64_t)out * stride - pad;
	struct taps taps = {
		.first = start < 0 ? (uint32_t)-start : 0,
		.last = start + size > in ? (uint32_t)(in - start) : size,
	};

	return taps;
}

static inline size_t shape_values(struct net_shape shape)
{
	return (size_t)shape.h * shape.w * shape.c;
}

#endif /* QACCEL_TRAIN_WINDOW_H */
