/* SPDX-License-Identifier: MIT */
/* ADD and MUL of equal shapes, LUT, REQUANTIZE of bytes; the rest is ref's. */
#include "avx2.h"
#include "lut_avx2.h"
#include "requant_avx2.h"
#include "../ref/ref.h"

/* struct binary - the constants of an ADD or MUL */
struct binary {
	__m256i zero_point[2];
	struct qk_vscale in_scale[2], out_scale;
	struct qk_vfinish fin;
	__m128i left_shift;
	int is_unsigned, single;
};

static struct binary binary_set(const struct qaccel_cmd_binary *cmd)
{
	struct binary b = {
		.zero_point = {
			_mm256_set1_epi32(cmd->in0.zero_point),
			_mm256_set1_epi32(cmd->in1.zero_point),
		},
		.in_scale = {
			qk_vscale_set1(cmd->in0_multiplier, cmd->in0_shift),
			qk_vscale_set1(cmd->in1_multiplier, cmd->in1_shift),
		},
		.out_scale = qk_vscale_set1(cmd->out_multiplier,
					    cmd->out_shift),
		.fin = qk_vfinish_set1(cmd->out.zero_point, cmd->act_min,
				       cmd->act_max),
		.left_shift = _mm_cvtsi32_si128(cmd->left_shift),
		.is_unsigned = cmd->out.dtype == QACCEL_DTYPE_U8,
		.single = qk_single_rounding(&cmd->hdr),
	};

	return b;
}

/* x - Z of 8 bytes. */
static inline __m256i load(const struct binary *b, int i, const uint8_t *p)
{
	return _mm256_sub_epi32(qk_vload8(p, b->is_unsigned),
				b->zero_point[i]);
}

static inline __m256i add8(const struct binary *b, const uint8_t *in0,
			   const uint8_t *in1)
{
	__m256i x0 = _mm256_sll_epi32(load(b, 0, in0), b->left_shift);
	__m256i x1 = _mm256_sll_epi32(load(b, 1, in1), b->left_shift);
	__m256i sum = _mm256_add_epi32(
		qk_vscale(x0, &b->in_scale[0], b->single),
		qk_vscale(x1, &b->in_scale[1], b->single));

	return qk_vfinish(qk_vscale(sum, &b->out_scale, b->single), &b->fin);
}

static inline __m256i mul8(const struct binary *b, const uint8_t *in0,
			   const uint8_t *in1)
{
	__m256i product = _mm256_mullo_epi32(load(b, 0, in0), load(b, 1, in1));

	return qk_vfinish(qk_vscale(product, &b->out_scale, b->single),
			  &b->fin);
}

/* 16 elements; in and out may be the same memory. */
static inline void binary16(const struct binary *b, const uint8_t *in0,
			    const uint8_t *in1, uint8_t *out, int is_mul)
{
	__m256i lo, hi;

	if (is_mul) {
		lo = mul8(b, in0, in1);
		hi = mul8(b, in0 + 8, in1 + 8);
	} else {
		lo = add8(b, in0, in1);
		hi = add8(b, in0 + 8, in1 + 8);
	}
	_mm_storeu_si128((__m128i *)out, qk_vpack16(lo, hi));
}

static inline __attribute__((always_inline)) void
binary(const struct qaccel_cmd_binary *cmd, const uint8_t *in0,
       const uint8_t *in1, uint8_t *out, size_t count, int is_mul)
{
	const struct binary b = binary_set(cmd);
	uint8_t t0[16] = { 0 }, t1[16] = { 0 };

	for (; count >= 16; count -= 16, in0 += 16, in1 += 16, out += 16)
		binary16(&b, in0, in1, out, is_mul);
	if (!count)
		return;
	memcpy(t0, in0, count);
	memcpy(t1, in1, count);
	binary16(&b, t0, t1, t0, is_mul);
	memcpy(out, t0, count);
}

static int same_shape(const struct qaccel_tensor *a,
		      const struct qaccel_tensor *b)
{
	return a->n == b->n && a->h == b->h && a->w == b->w && a->c == b->c;
}

static int elementwise(const struct qaccel_cmd_binary *cmd)
{
	return same_shape(&cmd->in0, &cmd->out) &&
	       same_shape(&cmd->in1, &cmd->out);
}

QK_DECL_BINARY(qk_add_avx2)
{
	size_t row = (size_t)cmd->out.w * cmd->out.c;
	size_t at = tile->y0 * row;

	if (elementwise(cmd))
		binary(cmd, (const uint8_t *)in0 + at,
		       (const uint8_t *)in1 + at, (uint8_t *)out + at,
		       (tile->y1 - tile->y0) * row, 0);
	else
		qk_add_ref(cmd, in0, in1, out, tile);
}

QK_DECL_BINARY(qk_mul_avx2)
{
	size_t row = (size_t)cmd->out.w * cmd->out.c;
	size_t at = tile->y0 * row;

	if (elementwise(cmd))
		binary(cmd, (const uint8_t *)in0 + at,
		       (const uint8_t *)in1 + at, (uint8_t *)out + at,
		       (tile->y1 - tile->y0) * row, 1);
	else
		qk_mul_ref(cmd, in0, in1, out, tile);
}

/* struct requantize - the constants of a REQUANTIZE */
struct requantize {
	__m256i zero_point;
	struct qk_vscale scale;
	struct qk_vfinish fin;
	int is_unsigned, single;
};

static inline void requantize16(const struct requantize *r, const uint8_t *in,
				uint8_t *out)
{
	__m256i v[2];

	for (int i = 0; i < 2; i++) {
		v[i] = _mm256_sub_epi32(qk_vload8(in + 8 * i, r->is_unsigned),
					r->zero_point);
		v[i] = qk_vscale(v[i], &r->scale, r->single);
		v[i] = qk_vfinish(v[i], &r->fin);
	}
	_mm_storeu_si128((__m128i *)out, qk_vpack16(v[0], v[1]));
}

QK_DECL_LUT(qk_lut_avx2)
{
	if (count < 64)
		qk_lut_ref(table, in, out, count);
	else
		qk_lut_run(table, in, out, count);
}

/* Of bytes there are 256 different ones: longer runs go through a table. */
static void requantize_table(const struct requantize *r, const uint8_t *in,
			     uint8_t *out, size_t count)
{
	uint8_t table[256];

	for (unsigned int i = 0; i < 256; i++)
		table[i] = (uint8_t)i;
	for (unsigned int i = 0; i < 256; i += 16)
		requantize16(r, table + i, table + i);
	qk_lut_run(table, in, out, count);
}

QK_DECL_REQUANTIZE(qk_requantize_avx2)
{
	const struct requantize r = {
		.zero_point = _mm256_set1_epi32(cmd->in.zero_point),
		.scale = qk_vscale_set1(cmd->multiplier, cmd->shift),
		.fin = qk_vfinish_set1(cmd->out.zero_point, cmd->act_min,
				       cmd->act_max),
		.is_unsigned = cmd->in.dtype == QACCEL_DTYPE_U8,
		.single = qk_single_rounding(&cmd->hdr),
	};
	const uint8_t *src = in;
	uint8_t *dst = out;
	uint8_t rest[16] = { 0 };

	if (qk_elem_size(cmd->in.dtype) != 1 ||
	    qk_elem_size(cmd->out.dtype) != 1) {
		qk_requantize_ref(cmd, in, out, count);
		return;
	}
	if (count >= 512) {
		requantize_table(&r, src, dst, count);
		return;
	}
	for (; count >= 16; count -= 16, src += 16, dst += 16)
		requantize16(&r, src, dst);
	memcpy(rest, src, count);
	requantize16(&r, rest, rest);
	memcpy(dst, rest, count);
}
