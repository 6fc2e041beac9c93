/* SPDX-License-Identifier: MIT */
/*
 * ADD and MUL whose channels do not repeat, LUT, REQUANTIZE of bytes; the rest
 * is ref's.
 */
#include <stdbool.h>

#include "avx2.h"
#include "lut_avx2.h"
#include "requant_avx2.h"
#include "../ref/ref.h"

/*
 * ADD in single precision. In units of 2^-16, t = A (x0 - Z0) + B (x1 - Z1) + C
 * differs from what is rounded in the end by no more than the guard, of which
 *
 *   32              are for binary32, where the terms' magnitudes add up to
 *                   2^27 at most: 2^3 for A and B, 2^2 for each sum and 1 for C
 *   2 Mout 2^16     for the inputs, each scaled with an error of at most 1
 *   2^(15 + shift)  for the first of the result's two roundings
 *
 * The guard is added too: a fraction below twice of it takes the exact way, and
 * so does INT32_MIN, what the conversion makes of values beyond 32 bits.
 */
#define ADD_GUARD	64
#define ADD_NOT_CLOSE	(0xffff & ~(2 * ADD_GUARD - 1))

/* struct binary - the constants of an ADD or MUL */
struct binary {
	bool fast;			/* ADD's guard holds */
	__m256 factor[2], addend;
	__m256i zero_point[2];
	struct qk_vscale in_scale[2], out_scale;
	struct qk_vfinish fin;
	__m128i left_shift;
	int is_unsigned, single;
};

/* m 2^(shift - 31); exact. */
static double real_scale(int32_t multiplier, int32_t shift)
{
	const uint64_t bits = (uint64_t)(1023 - 31 + shift) << 52;
	double power;

	memcpy(&power, &bits, sizeof(power));
	return multiplier * power;
}

static void add_set_float(const struct qaccel_cmd_binary *cmd,
			  struct binary *b)
{
	double out = real_scale(cmd->out_multiplier, cmd->out_shift) * 65536;
	double left = (double)(1u << cmd->left_shift) * out;
	double f0 = real_scale(cmd->in0_multiplier, cmd->in0_shift) * left;
	double f1 = real_scale(cmd->in1_multiplier, cmd->in1_shift) * left;
	double c = 65536 * (cmd->out.zero_point + 0.5) + ADD_GUARD;
	double guard = 32 + 2 * out + real_scale(1 << 30, cmd->out_shift) *
				      65536;

	/* Shifts to the left could leave 32 bits on the way. */
	b->fast = cmd->in0_shift <= 0 && cmd->in1_shift <= 0 &&
		  cmd->out_shift <= 0 && guard <= ADD_GUARD &&
		  255 * (f0 + f1) + (c < 0 ? -c : c) <= 1 << 27;
	b->factor[0] = _mm256_set1_ps((float)f0);
	b->factor[1] = _mm256_set1_ps((float)f1);
	b->addend = _mm256_set1_ps((float)c);
}

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

	if (cmd->hdr.opcode == QACCEL_OP_ADD)
		add_set_float(cmd, &b);
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

/* The same in units of 2^-16, not clamped. */
static inline __m256i add8_float(const struct binary *b, const uint8_t *in0,
				 const uint8_t *in1)
{
	__m256 t = _mm256_fmadd_ps(_mm256_cvtepi32_ps(load(b, 0, in0)),
				   b->factor[0], b->addend);

	return _mm256_cvtps_epi32(_mm256_fmadd_ps(
		_mm256_cvtepi32_ps(load(b, 1, in1)), b->factor[1], t));
}

/* False: nothing stored, a value is too close to call. */
static inline bool add16_float(const struct binary *b, const uint8_t *in0,
			       const uint8_t *in1, uint8_t *out)
{
	const __m256i mask = _mm256_set1_epi32(ADD_NOT_CLOSE);
	__m256i lo = add8_float(b, in0, in1);
	__m256i hi = add8_float(b, in0 + 8, in1 + 8);
	__m256i least = _mm256_min_epu32(_mm256_and_si256(lo, mask),
					 _mm256_and_si256(hi, mask));

	least = _mm256_cmpeq_epi32(least, _mm256_setzero_si256());
	if (!_mm256_testz_si256(least, least))
		return false;
	lo = _mm256_srai_epi32(lo, 16);
	hi = _mm256_srai_epi32(hi, 16);
	lo = _mm256_min_epi32(_mm256_max_epi32(lo, b->fin.lo), b->fin.hi);
	hi = _mm256_min_epi32(_mm256_max_epi32(hi, b->fin.lo), b->fin.hi);
	_mm_storeu_si128((__m128i *)out, qk_vpack16(lo, hi));
	return true;
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

	if (!is_mul && b->fast && add16_float(b, in0, in1, out))
		return;
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

static void add(const struct qaccel_cmd_binary *cmd, const uint8_t *in0,
		const uint8_t *in1, uint8_t *out, size_t count)
{
	binary(cmd, in0, in1, out, count, 0);
}

static void mul(const struct qaccel_cmd_binary *cmd, const uint8_t *in0,
		const uint8_t *in1, uint8_t *out, size_t count)
{
	binary(cmd, in0, in1, out, count, 1);
}

typedef void (*binary_fn)(const struct qaccel_cmd_binary *, const uint8_t *,
			  const uint8_t *, uint8_t *, size_t);

static int same_shape(const struct qaccel_tensor *a,
		      const struct qaccel_tensor *b)
{
	return a->n == b->n && a->h == b->h && a->w == b->w && a->c == b->c;
}

/* Where an input's pixel is for one of the output: dimensions of 1 repeat. */
static size_t pixel_at(const struct qaccel_tensor *t, uint32_t n, uint32_t h,
		       uint32_t w)
{
	return qk_offset(t, t->n == 1 ? 0 : n, t->h == 1 ? 0 : h,
			 t->w == 1 ? 0 : w);
}

/* Row y where all have the same channels and other dimensions may repeat. */
static void broadcast_row(const struct qaccel_cmd_binary *cmd,
			  const uint8_t *in0, const uint8_t *in1, uint8_t *out,
			  uint32_t y, binary_fn run)
{
	uint32_t n = y / cmd->out.h, h = y % cmd->out.h;

	for (uint32_t w = 0; w < cmd->out.w; w++)
		run(cmd, in0 + pixel_at(&cmd->in0, n, h, w),
		    in1 + pixel_at(&cmd->in1, n, h, w),
		    out + qk_offset(&cmd->out, n, h, w), cmd->out.c);
}

/* False: channels repeat, nothing done. */
static bool binary_tile(const struct qaccel_cmd_binary *cmd,
			const uint8_t *in0, const uint8_t *in1, uint8_t *out,
			const struct qk_tile *tile, binary_fn run)
{
	size_t row = (size_t)cmd->out.w * cmd->out.c, at = tile->y0 * row;

	if (cmd->in0.c != cmd->out.c || cmd->in1.c != cmd->out.c)
		return false;
	if (same_shape(&cmd->in0, &cmd->out) &&
	    same_shape(&cmd->in1, &cmd->out)) {
		run(cmd, in0 + at, in1 + at, out + at,
		    (tile->y1 - tile->y0) * row);
		return true;
	}
	for (uint32_t y = tile->y0; y < tile->y1; y++)
		broadcast_row(cmd, in0, in1, out, y, run);
	return true;
}

QK_DECL_BINARY(qk_add_avx2)
{
	if (!binary_tile(cmd, in0, in1, out, tile, add))
		qk_add_ref(cmd, in0, in1, out, tile);
}

QK_DECL_BINARY(qk_mul_avx2)
{
	if (!binary_tile(cmd, in0, in1, out, tile, mul))
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
