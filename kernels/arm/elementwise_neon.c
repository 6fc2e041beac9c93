// SPDX-License-Identifier: MIT
/*
 * ADD and MUL of equal shapes, REQUANTIZE of bytes, and LUT; the rest is ref's.
 * Inputs are moved to signed, x' = x - 128 for U8, and zero points with them:
 * x - Z stays what it is.
 */
#include "../ref/ref.h"
#include "neon.h"
#include "scale_neon.h"

/* struct input - how one input is read */
struct input {
	uint8x16_t flip;
	int16x8_t zero_point;
};

static struct input input_set(const struct qaccel_tensor *t)
{
	bool is_unsigned = t->dtype == QACCEL_DTYPE_U8;
	struct input i = {
		.flip = vdupq_n_u8(is_unsigned ? 0x80 : 0),
		.zero_point = vdupq_n_s16((int16_t)(t->zero_point -
						    (is_unsigned ? 128 : 0))),
	};

	return i;
}

/* x - Z of 16 bytes; a word has room for -255 to 255. */
static inline int16x8x2_t load(const struct input *i, const uint8_t *p)
{
	int8x16_t x = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(p), i->flip));
	int16x8x2_t d = { {
		vsubq_s16(vmovl_s8(vget_low_s8(x)), i->zero_point),
		vsubq_s16(vmovl_high_s8(x), i->zero_point),
	} };

	return d;
}

static inline void widen(int16x8x2_t x, int32x4_t v[4])
{
	v[0] = vmovl_s16(vget_low_s16(x.val[0]));
	v[1] = vmovl_high_s16(x.val[0]);
	v[2] = vmovl_s16(vget_low_s16(x.val[1]));
	v[3] = vmovl_high_s16(x.val[1]);
}

/* -------------------------------------------------------------- ADD, MUL -- */

/* struct binary - the constants of an ADD or MUL */
struct binary {
	struct input in[2];
	struct qk_scale4 in_scale[2], out_scale;
	struct qk_finish fin;
	int32x4_t left_shift;
};

static struct binary binary_set(const struct qaccel_cmd_binary *cmd)
{
	struct binary b = {
		.in = { input_set(&cmd->in0), input_set(&cmd->in1) },
		.in_scale = {
			qk_scale4_set1(cmd->in0_multiplier, cmd->in0_shift),
			qk_scale4_set1(cmd->in1_multiplier, cmd->in1_shift),
		},
		.out_scale = qk_scale4_set1(cmd->out_multiplier,
					    cmd->out_shift),
		.fin = qk_finish_set(&cmd->out, cmd->out.zero_point,
				     cmd->act_min, cmd->act_max),
		.left_shift = vdupq_n_s32(cmd->left_shift),
	};

	return b;
}

/* Differences times 2^left_shift are below 2^30, and so are scaled ones. */
static inline void add16(const struct binary *b, const uint8_t *in0,
			 const uint8_t *in1, int32x4_t v[4], bool single)
{
	int32x4_t x0[4], x1[4];

	widen(load(&b->in[0], in0), x0);
	widen(load(&b->in[1], in1), x1);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		x0[i] = qk_scale4(vshlq_s32(x0[i], b->left_shift),
				  &b->in_scale[0], single);
		x1[i] = qk_scale4(vshlq_s32(x1[i], b->left_shift),
				  &b->in_scale[1], single);
		v[i] = vaddq_s32(x0[i], x1[i]);
	}
}

static inline void mul16(const struct binary *b, const uint8_t *in0,
			 const uint8_t *in1, int32x4_t v[4])
{
	int16x8x2_t x0 = load(&b->in[0], in0), x1 = load(&b->in[1], in1);

#pragma GCC unroll 2
	for (int i = 0; i < 2; i++) {
		v[2 * i] = vmull_s16(vget_low_s16(x0.val[i]),
				     vget_low_s16(x1.val[i]));
		v[2 * i + 1] = vmull_high_s16(x0.val[i], x1.val[i]);
	}
}

/* 16 elements; in and out may be the same memory. */
static inline __attribute__((always_inline)) void
binary16(const struct binary *b, const uint8_t *in0, const uint8_t *in1,
	 uint8_t *out, bool is_mul, bool single)
{
	int32x4_t v[4];

	if (is_mul)
		mul16(b, in0, in1, v);
	else
		add16(b, in0, in1, v, single);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		v[i] = qk_scale4(v[i], &b->out_scale, single);
	vst1q_u8(out, qk_finish16(v, &b->fin));
}

/* is_mul and single are constant where it is inlined. */
static inline __attribute__((always_inline)) void
binary(const struct qaccel_cmd_binary *cmd, const uint8_t *in0,
       const uint8_t *in1, uint8_t *out, size_t count, bool is_mul, bool single)
{
	const struct binary b = binary_set(cmd);
	uint8_t t0[16] = { 0 }, t1[16] = { 0 };

	for (; count >= 16; count -= 16, in0 += 16, in1 += 16, out += 16)
		binary16(&b, in0, in1, out, is_mul, single);
	if (!count)
		return;
	memcpy(t0, in0, count);
	memcpy(t1, in1, count);
	binary16(&b, t0, t1, t0, is_mul, single);
	memcpy(out, t0, count);
}

static bool same_shape(const struct qaccel_tensor *a,
		       const struct qaccel_tensor *b)
{
	return a->n == b->n && a->h == b->h && a->w == b->w && a->c == b->c;
}

/* False: one of the inputs is repeated along a dimension. */
static inline __attribute__((always_inline)) bool
elementwise(const struct qaccel_cmd_binary *cmd, const uint8_t *in0,
	    const uint8_t *in1, uint8_t *out, const struct qk_tile *tile,
	    bool is_mul)
{
	size_t row = (size_t)cmd->out.w * cmd->out.c, at = tile->y0 * row;
	size_t count = (tile->y1 - tile->y0) * row;

	if (!same_shape(&cmd->in0, &cmd->out) ||
	    !same_shape(&cmd->in1, &cmd->out))
		return false;
	if (qk_single_rounding(&cmd->hdr))
		binary(cmd, in0 + at, in1 + at, out + at, count, is_mul, true);
	else
		binary(cmd, in0 + at, in1 + at, out + at, count, is_mul, false);
	return true;
}

QK_DECL_BINARY(qk_add_neon)
{
	if (!elementwise(cmd, in0, in1, out, tile, false))
		qk_add_ref(cmd, in0, in1, out, tile);
}

QK_DECL_BINARY(qk_mul_neon)
{
	if (!elementwise(cmd, in0, in1, out, tile, true))
		qk_mul_ref(cmd, in0, in1, out, tile);
}

/* ------------------------------------------------------------ REQUANTIZE -- */

/* struct requantize - the constants of a REQUANTIZE */
struct requantize {
	struct input in;
	struct qk_scale4 scale;
	struct qk_finish fin;
	bool single;
};

static inline void requantize16(const struct requantize *r, const uint8_t *in,
				uint8_t *out)
{
	int32x4_t v[4];

	widen(load(&r->in, in), v);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		v[i] = qk_scale4(v[i], &r->scale, r->single);
	vst1q_u8(out, qk_finish16(v, &r->fin));
}

QK_DECL_REQUANTIZE(qk_requantize_neon)
{
	const struct requantize r = {
		.in = input_set(&cmd->in),
		.scale = qk_scale4_set1(cmd->multiplier, cmd->shift),
		.fin = qk_finish_set(&cmd->out, cmd->out.zero_point,
				     cmd->act_min, cmd->act_max),
		.single = qk_single_rounding(&cmd->hdr),
	};
	const uint8_t *from = in;
	uint8_t *to = out, rest[16] = { 0 };

	if (qk_elem_size(cmd->in.dtype) != 1 ||
	    qk_elem_size(cmd->out.dtype) != 1) {
		qk_requantize_ref(cmd, in, out, count);
		return;
	}
	for (; count >= 16; count -= 16, from += 16, to += 16)
		requantize16(&r, from, to);
	memcpy(rest, from, count);
	requantize16(&r, rest, rest);
	memcpy(to, rest, count);
}

/* ------------------------------------------------------------------- LUT -- */

/* tbl gives 0 and tbx leaves a byte alone where the index is 64 or more. */
static inline uint8x16_t look_up(const uint8x16x4_t t[4], uint8x16_t x)
{
	uint8x16_t y = vqtbl4q_u8(t[0], x);

	y = vqtbx4q_u8(y, t[1], vsubq_u8(x, vdupq_n_u8(64)));
	y = vqtbx4q_u8(y, t[2], vsubq_u8(x, vdupq_n_u8(128)));
	return vqtbx4q_u8(y, t[3], vsubq_u8(x, vdupq_n_u8(192)));
}

QK_DECL_LUT(qk_lut_neon)
{
	uint8x16x4_t t[4];

	for (int i = 0; i < 4; i++)
		t[i] = vld1q_u8_x4(table + 64 * i);
	for (; count >= 16; count -= 16, in += 16, out += 16)
		vst1q_u8(out, look_up(t, vld1q_u8(in)));
	for (; count; count--)
		*out++ = table[*in++];
}
