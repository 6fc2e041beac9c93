/* SPDX-License-Identifier: MIT */
/* LUT, REQUANTIZE, QUANTIZE, DEQUANTIZE, and the choice of an ISA. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../../kernels/cpu.h"
#include "checkkern.h"

static size_t size_of(unsigned int dtype)
{
	return dtype <= QACCEL_DTYPE_S8 ? 1 : dtype == QACCEL_DTYPE_S16 ? 2 : 4;
}

static void put(void *p, size_t i, unsigned int dtype, int32_t v)
{
	size_t size = size_of(dtype);

	memcpy((uint8_t *)p + i * size, &v, size);	/* little endian */
}

static size_t rnd_count(void)
{
	return (size_t)(rnd_once(4) ? rnd_range(1, 3000) : rnd_range(1, 70));
}

/* ------------------------------------------------------------------- lut -- */

void check_lut(void)
{
	struct buf table = buf_new(256, 64), in = buf_new(rnd_count(), 1);
	uint8_t *expected = malloc(in.size);
	const struct qk_table *t;

	rnd_fill(table.p, table.size);
	rnd_fill(in.p, in.size);
	for (size_t i = 0; i < in.size; i++)
		expected[i] = table.p[in.p[i]];
	describe("%zu elements", in.size);
	buf_seal(&table);
	FOR_EACH_ISA(t, lut) {
		struct buf out = buf_new(in.size, 1);
		bool in_place = rnd_once(3);

		memcpy(out.p, in.p, in.size);
		t->lut(table.p, in_place ? out.p : in.p, out.p, in.size);
		expect(&out, expected);
		buf_free(&out);
	}
	free(expected);
	buf_free(&table);
	buf_free(&in);
}

/* ------------------------------------------------------------ requantize -- */

static uint8_t *naive_requantize(const struct qaccel_cmd_requantize *c,
				 const uint8_t *in, size_t count)
{
	uint8_t *out = malloc(count * size_of(c->out.dtype));

	for (size_t i = 0; i < count; i++) {
		int64_t x = (int64_t)element(in, i, c->in.dtype) -
			    c->in.zero_point;
		int64_t y = naive_scale(wrap(x), c->multiplier, c->shift,
					c->hdr.flags &
					QACCEL_CMD_SINGLE_ROUNDING);

		y = naive_clamp(wrap(y + c->out.zero_point), c->act_min,
				c->act_max);
		put(out, i, c->out.dtype, (int32_t)y);
	}
	return out;
}

static struct qaccel_cmd_requantize rnd_requantize(uint32_t count)
{
	unsigned int from = (unsigned int)rnd_range(QACCEL_DTYPE_U8,
						    QACCEL_DTYPE_S32);
	unsigned int to = (unsigned int)rnd_range(QACCEL_DTYPE_U8,
						  QACCEL_DTYPE_S16);
	struct qaccel_cmd_requantize c = {
		.hdr = rnd_header(QACCEL_OP_REQUANTIZE, true),
		.in = rnd_tensor(1, 1, 1, count, from),
		.out = rnd_tensor(1, 1, 1, count, to),
		.multiplier = rnd_multiplier(),
		.shift = (int32_t)(rnd_once(2) ? rnd_range(-31, 30) :
						 rnd_range(-2, 2)),
	};

	rnd_activation(to, &c.act_min, &c.act_max);
	return c;
}

static void check_requantize_isa(const struct qaccel_cmd_requantize *c,
				 qk_requantize_fn fn, const struct buf *in,
				 const uint8_t *expected)
{
	size_t count = c->in.c;
	struct buf out = buf_new(count * size_of(c->out.dtype), 1);
	bool in_place = in->size == out.size && rnd_once(3);

	rnd_fill(out.p, out.size);
	if (in_place)
		memcpy(out.p, in->p, in->size);
	fn(c, in_place ? out.p : in->p, out.p, count);
	expect(&out, expected);
	buf_free(&out);
}

void check_requantize(void)
{
	size_t count = rnd_count();
	struct qaccel_cmd_requantize c = rnd_requantize((uint32_t)count);
	struct buf in = buf_new(count * size_of(c.in.dtype), 1);
	const struct qk_table *t;
	uint8_t *expected;

	rnd_fill(in.p, in.size);
	expected = naive_requantize(&c, in.p, count);
	describe("%zu of type %u Z %d to type %u Z %d, scale %d %d, flags %u",
		 count, c.in.dtype, c.in.zero_point, c.out.dtype,
		 c.out.zero_point, c.multiplier, c.shift, c.hdr.flags);
	buf_seal(&in);
	FOR_EACH_ISA(t, requantize)
		check_requantize_isa(&c, t->requantize, &in, expected);
	free(expected);
	buf_free(&in);
}

/* ------------------------------------------------- quantize, dequantize -- */

static struct qaccel_cmd_quantize rnd_quantize(unsigned int opcode,
					       uint32_t count)
{
	unsigned int dtype = (unsigned int)rnd_range(QACCEL_DTYPE_U8,
						     QACCEL_DTYPE_S16);
	struct qaccel_tensor integer = rnd_tensor(1, 1, 1, count, dtype);
	struct qaccel_tensor real = rnd_tensor(1, 1, 1, count,
					       QACCEL_DTYPE_F32);
	bool to = opcode == QACCEL_OP_QUANTIZE;
	struct qaccel_cmd_quantize c = {
		.hdr = rnd_header(opcode, false),
		.in = to ? real : integer,
		.out = to ? integer : real,
	};

	/* Powers of two make ties; any normal binary32 is valid. */
	c.scale = (uint32_t)(rnd_range(rnd_once(4) ? 1 : 110,
				       rnd_once(4) ? 254 : 135) << 23);
	if (rnd_once(2))
		c.scale |= (uint32_t)rnd_range(0, (1 << 23) - 1);
	return c;
}

static float as_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

/* Multiples of half a step around the range, and any bit pattern. */
static float rnd_real(float scale)
{
	switch (rnd_range(0, 3)) {
	case 0:
		return as_float((uint32_t)rnd64());
	case 1:
		return (float)rnd_range(-1000, 1000) * 0.5f * scale;
	case 2:
		return as_float((uint32_t)RND_OF(0x7f800000, 0xff800000,
						 0x7fc00000, 0x7f7fffff,
						 0xff7fffff, 0x80000000, 1));
	default:
		return (float)rnd_range(-10000000, 10000000) * 1e-5f * scale;
	}
}

static int32_t naive_quantize(const struct qaccel_cmd_quantize *c, float x)
{
	float q = roundf(x / as_float(c->scale));
	int32_t lo = type_min(c->out.dtype), hi = type_max(c->out.dtype);

	if (isnan(q))
		return c->out.zero_point;
	if (q > 1e6f || q < -1e6f)
		return q > 0 ? hi : lo;
	return naive_clamp((int64_t)q + c->out.zero_point, lo, hi);
}

void check_quantize(void)
{
	size_t count = rnd_count();
	struct qaccel_cmd_quantize c = rnd_quantize(QACCEL_OP_QUANTIZE,
						    (uint32_t)count);
	struct buf in = buf_new(count * 4, 1);
	size_t size = size_of(c.out.dtype);
	uint8_t *expected = malloc(count * size);
	const struct qk_table *t;

	for (size_t i = 0; i < count; i++) {
		float x = rnd_real(as_float(c.scale));

		memcpy(in.p + 4 * i, &x, 4);
		put(expected, i, c.out.dtype, naive_quantize(&c, x));
	}
	describe("%zu to type %u Z %d, scale %a", count, c.out.dtype,
		 c.out.zero_point, (double)as_float(c.scale));
	buf_seal(&in);
	FOR_EACH_ISA(t, quantize) {
		struct buf out = buf_new(count * size, 1);

		t->quantize(&c, in.p, out.p, count);
		expect(&out, expected);
		buf_free(&out);
	}
	free(expected);
	buf_free(&in);
}

/* TensorFlow Lite multiplies in binary64 and rounds the product. */
void check_dequantize(void)
{
	size_t count = rnd_count();
	struct qaccel_cmd_quantize c = rnd_quantize(QACCEL_OP_DEQUANTIZE,
						    (uint32_t)count);
	struct buf in = buf_new(count * size_of(c.in.dtype), 1);
	uint8_t *expected = malloc(count * 4);
	const struct qk_table *t;

	rnd_fill(in.p, in.size);
	for (size_t i = 0; i < count; i++) {
		double x = (double)as_float(c.scale) *
			   (element(in.p, i, c.in.dtype) - c.in.zero_point);
		float rounded = (float)x;

		memcpy(expected + 4 * i, &rounded, 4);
	}
	describe("%zu of type %u Z %d, scale %a", count, c.in.dtype,
		 c.in.zero_point, (double)as_float(c.scale));
	buf_seal(&in);
	FOR_EACH_ISA(t, dequantize) {
		struct buf out = buf_new(count * 4, 1);

		t->dequantize(&c, in.p, out.p, count);
		expect(&out, expected);
		buf_free(&out);
	}
	free(expected);
	buf_free(&in);
}

/* -------------------------------------------------------------- dispatch -- */

/* The same with AVX512, whose registers the system may not save. */
static void check_cpu_avx512(const struct qk_cpuid *avx2)
{
	struct qk_cpuid id = *avx2;

	id.leaf7_ebx |= 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
	id.leaf7_ecx = 1u << 11;
	if (qk_cpu_flags(&id) != QK_CPU_AVX2)
		fail("AVX512 without saved registers");
	id.xcr0 = 0xe7;
	if (qk_cpu_flags(&id) != (QK_CPU_AVX2 | QK_CPU_AVX512VNNI))
		fail("AVX512-VNNI not seen");
	id.leaf7_ebx &= ~(1u << 30);
	if (qk_cpu_flags(&id) != QK_CPU_AVX2)
		fail("AVX512-VNNI without BW");
}

/* Of Arm's extensions each is a bit of its own. */
static void check_cpu_arm(void)
{
	struct qk_cpuid id = { .hwcap = 1u << 1 };

	if (qk_cpu_flags(&id) != QK_CPU_NEON)
		fail("NEON not seen");
	id.hwcap |= 1u << 20;
	if (qk_cpu_flags(&id) != (QK_CPU_NEON | QK_CPU_DOTPROD))
		fail("dot product not seen");
	id.hwcap2 = ~(UINT64_C(1) << 13);
	if (qk_cpu_flags(&id) & QK_CPU_I8MM)
		fail("I8MM from other bits");
	id.hwcap2 = 1u << 13;
	if (qk_cpu_flags(&id) !=
	    (QK_CPU_NEON | QK_CPU_DOTPROD | QK_CPU_I8MM))
		fail("I8MM not seen");
}

/* A processor with AVX2, under an operating system that knows it or not. */
void check_cpu(void)
{
	const struct qk_cpuid good = {
		.max_leaf = 13,
		.leaf1_ecx = 1u << 12 | 1u << 27 | 1u << 28,
		.leaf7_ebx = 1u << 5,
		.xcr0 = 7,
	};
	struct qk_cpuid id = good;

	describe("made-up processors");
	if (qk_cpu_flags(&id) != QK_CPU_AVX2)
		fail("AVX2 not seen");
	id.xcr0 = 3;
	if (qk_cpu_flags(&id))
		fail("AVX2 without saved registers");
	id = good;
	id.leaf1_ecx &= ~(1u << 27);
	if (qk_cpu_flags(&id))
		fail("AVX2 without OSXSAVE");
	id = good;
	id.leaf1_ecx &= ~(1u << 12);
	if (qk_cpu_flags(&id))
		fail("AVX2 without FMA");
	id = good;
	id.leaf7_1_eax = 1u << 4;
	if (qk_cpu_flags(&id) != (QK_CPU_AVX2 | QK_CPU_AVXVNNI))
		fail("AVX-VNNI not seen");
	id.xcr0 = 3;
	if (qk_cpu_flags(&id))
		fail("AVX-VNNI without saved registers");
	id = good;
	id.max_leaf = 6;
	if (qk_cpu_flags(&id))
		fail("AVX2 from a leaf that does not exist");
	id = (struct qk_cpuid){ 0 };
	if (qk_cpu_flags(&id))
		fail("AVX2 from nothing");
	check_cpu_avx512(&good);
	check_cpu_arm();
	if (!qk_select(NULL) || !qk_select("ref") || qk_select("none") ||
	    qk_select("ref") != qk_enumerate(0) ||
	    strcmp(qk_select("ref")->name, "ref"))
		fail("table choice");
}
