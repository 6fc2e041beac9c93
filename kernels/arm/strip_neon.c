// SPDX-License-Identifier: MIT
#include <arm_neon.h>

#include "strip_neon.h"

void qk_copy_flipped(uint8_t *to, const uint8_t *from, size_t count,
		     uint8_t flip)
{
	uint8x16_t mask = vdupq_n_u8(flip);
	size_t i = 0;

	/* Registers by the four: an instruction each way. */
	for (; !flip && i + 64 <= count; i += 64)
		vst1q_u8_x4(to + i, vld1q_u8_x4(from + i));
	for (; i + 64 <= count; i += 64) {
		uint8x16x4_t v = vld1q_u8_x4(from + i);

#pragma GCC unroll 4
		for (int j = 0; j < 4; j++)
			v.val[j] = veorq_u8(v.val[j], mask);
		vst1q_u8_x4(to + i, v);
	}
	for (; i + 16 <= count; i += 16)
		vst1q_u8(to + i, veorq_u8(vld1q_u8(from + i), mask));
	for (; i < count; i++)
		to[i] = from[i] ^ flip;
}

static void copy(const struct qk_strip *s, void *to, const uint8_t *from,
		 size_t count)
{
	uint8_t *byte = to;

	if (s->repeat == 1) {
		qk_copy_flipped(to, from, count, s->flip);
		return;
	}
	for (size_t i = 0; i < count; i++)
		for (uint32_t j = 0; j < s->repeat; j++)
			*byte++ = from[i] ^ s->flip;
}

static void set(const struct qk_strip *s, void *to, int32_t value, size_t count)
{
	memset(to, (uint8_t)value ^ s->flip, count);
}

static const struct qk_strip_element element = {
	.size = 1,
	.copy = copy,
	.set = set,
};

void qk_strip_fill(const struct qaccel_cmd_conv *cmd,
		   const struct qk_strip *s, const uint8_t *image, uint32_t oy,
		   uint32_t ox, uint32_t rows, uint8_t *to)
{
	qk_strip_fill_with(&element, cmd, s, image, oy, ox, rows, to);
}
