/* SPDX-License-Identifier: MIT */
/*
 * SOFTMAX: the reference against results of TensorFlow Lite 2.14 and against
 * the real function, the other ISAs against the reference.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "checkkern.h"

#define DEPTH	16

/*
 * One row each, and a hash of 256 more of random bytes modulo spread, computed
 * by TensorFlow Lite's reference kernel for input scales and betas of (0.1, 1),
 * (0.0390625, 1), (0.25, 0.5), (0.003, 1), (2.5, 1), (0.7, 0.37).
 */
static const struct golden {
	uint8_t dtype;
	int32_t multiplier, left_shift, diff_min;
	uint8_t in[DEPTH], out[DEPTH];
	uint32_t spread;
	uint64_t hash;
} golden[] = {
	{ QACCEL_DTYPE_U8, 1717986944, 23, -248,
	  { 120, 160, 109, 125, 141, 103, 104, 152, 134, 106, 123, 137,
	    103, 158, 132, 113 },
	  { 2, 93, 1, 3, 14, 0, 0, 42, 7, 0, 2, 9, 0, 76, 6, 1 },
	  61, UINT64_C(0x6fd85eb8aedd9642) },
	{ QACCEL_DTYPE_U8, 1342177280, 22, -496,
	  { 19, 44, 222, 214, 35, 123, 46, 217, 30, 63, 114, 31, 203,
	    25, 113, 23 },
	  { 0, 0, 83, 61, 0, 2, 0, 68, 0, 0, 1, 0, 39, 0, 1, 0 },
	  256, UINT64_C(0xca777e7306a39da1) },
	{ QACCEL_DTYPE_S8, 1073741824, 24, -124,
	  { 7, 236, 246, 254, 237, 6, 235, 8, 247, 7, 239, 234, 9, 8,
	    12, 240 },
	  { 156, 129, 131, 137, 129, 153, 129, 160, 132, 156, 129, 129,
	    164, 160, 180, 130 },
	  41, UINT64_C(0xc6b4dc78c44b9c04) },
	{ QACCEL_DTYPE_S8, 1649267456, 18, -7936,
	  { 190, 49, 32, 30, 105, 254, 218, 160, 238, 232, 185, 153,
	    127, 92, 124, 41 },
	  { 140, 145, 145, 145, 149, 143, 141, 139, 142, 142, 140, 139,
	    150, 148, 150, 145 },
	  256, UINT64_C(0x20d568a5f4032570) },
	{ QACCEL_DTYPE_S8, 1342177280, 28, -7,
	  { 2, 0, 2, 1, 0, 3, 1, 0, 2, 254, 254, 2, 1, 255, 4, 0 },
	  { 130, 128, 130, 128, 128, 147, 128, 128, 130, 128, 128, 130,
	    128, 128, 102, 128 },
	  7, UINT64_C(0x868dde387282d9e5) },
	{ QACCEL_DTYPE_U8, 1112396511, 25, -62,
	  { 244, 255, 253, 241, 242, 250, 250, 251, 255, 254, 242, 242,
	    248, 255, 242, 241 },
	  { 3, 45, 27, 1, 2, 12, 12, 16, 45, 35, 2, 2, 7, 45, 2, 1 },
	  16, UINT64_C(0xfc91b4b2b682c139) },
};

struct run {
	const struct qaccel_cmd_softmax *cmd;
	qk_softmax_fn fn;
	const uint8_t *in;
	struct buf out, scratch;
};

static void run(void *arg, const struct qk_tile *tile)
{
	struct run *r = arg;

	r->fn(r->cmd, r->in, r->out.p, tile, r->scratch.p);
}

static void check_isa(const struct qaccel_cmd_softmax *c, qk_softmax_fn fn,
		      const uint8_t *in, const uint8_t *expected)
{
	union qaccel_cmd u = { .softmax = *c };
	struct run r = {
		.cmd = c,
		.fn = fn,
		.in = in,
		.out = buf_new(element_count(&c->out), 1),
		.scratch = buf_new(isa_scratch_size(&u), 64),
	};

	rnd_fill(r.out.p, r.out.size);
	run_tiles(c->in.n * c->in.h, 0, run, &r);
	expect(&r.out, expected);
	expect(&r.scratch, r.scratch.p);
	buf_free(&r.out);
	buf_free(&r.scratch);
}

static void check_golden(const struct golden *g)
{
	struct qaccel_cmd_softmax c = {
		.hdr = { .opcode = QACCEL_OP_SOFTMAX },
		.in = { .n = 1, .h = 1, .w = 1, .c = DEPTH, .dtype = g->dtype },
		.multiplier = g->multiplier,
		.left_shift = g->left_shift,
		.diff_min = g->diff_min,
	};
	const struct qk_table *t;

	c.out = c.in;
	describe("golden row, multiplier %d", g->multiplier);
	FOR_EACH_ISA(t, softmax)
		check_isa(&c, t->softmax, g->in, g->out);
}

/* 256 rows of 64 elements, hashed by FNV-1a. */
static void check_hash(const struct golden *g)
{
	struct qaccel_cmd_softmax c = {
		.hdr = { .opcode = QACCEL_OP_SOFTMAX },
		.in = { .n = 1, .h = 256, .w = 1, .c = 64, .dtype = g->dtype },
		.multiplier = g->multiplier,
		.left_shift = g->left_shift,
		.diff_min = g->diff_min,
	};
	struct qk_tile all = { .y1 = 256, .c1 = 64 };
	static uint8_t in[256 * 64], out[256 * 64];
	union qaccel_cmd u;
	struct buf scratch;
	const struct qk_table *t;
	uint32_t x = 12345;

	c.out = c.in;
	for (size_t i = 0; i < sizeof(in); i++) {
		x = x * 1664525 + 1013904223;
		in[i] = (uint8_t)((x >> 24) % g->spread);
	}
	u.softmax = c;
	scratch = buf_new(isa_scratch_size(&u), 64);
	describe("golden rows, multiplier %d", g->multiplier);
	FOR_EACH_ISA(t, softmax) {
		uint64_t hash = UINT64_C(0xcbf29ce484222325);

		t->softmax(&c, in, out, &all, scratch.p);
		for (size_t i = 0; i < sizeof(out); i++)
			hash = (hash ^ out[i]) * UINT64_C(0x100000001b3);
		if (hash != g->hash)
			fail("not what TensorFlow Lite computes");
	}
	buf_free(&scratch);
}

/* multiplier, left_shift and diff_min as TensorFlow Lite finds them. */
static void set_scale(struct qaccel_cmd_softmax *c, double step)
{
	double m = fmin(step * 67108864.0, 2147483647.0);
	int exponent;
	double fraction = frexp(m, &exponent);
	int64_t rounded = (int64_t)round(fraction * 2147483648.0);

	if (rounded == INT64_C(1) << 31) {
		rounded /= 2;
		exponent++;
	}
	c->multiplier = (int32_t)rounded;
	c->left_shift = exponent;
	c->diff_min = -(int32_t)floor(31.0 * 67108864.0 /
				      (double)(INT64_C(1) << exponent));
}

/* The output's steps are 1/256, and the integer arithmetic is off by less. */
static void check_real(const struct qaccel_cmd_softmax *c, const uint8_t *in,
		       const uint8_t *out, double step)
{
	int32_t lowest = type_min(c->in.dtype);

	for (size_t row = 0; row < element_count(&c->in); row += c->in.c) {
		double sum = 0;
		int32_t max = INT32_MIN;

		for (size_t i = row; i < row + c->in.c; i++)
			if (element(in, i, c->in.dtype) > max)
				max = element(in, i, c->in.dtype);
		for (size_t i = row; i < row + c->in.c; i++)
			sum += exp(step * (element(in, i, c->in.dtype) - max));
		for (size_t i = row; i < row + c->in.c; i++) {
			double p = 256 / sum * exp(step * (
				element(in, i, c->in.dtype) - max));
			int32_t q = element(out, i, c->in.dtype) - lowest;

			if (fabs(fmin(p, 255) - q) > 0.6)
				fail("element %zu is %d, really %.3f", i, q, p);
		}
	}
}

/* Parameters of a real layer, or any that are valid: the latter must be safe. */
static void check_random(bool real)
{
	struct qaccel_cmd_softmax c = {
		.hdr = rnd_header(QACCEL_OP_SOFTMAX, !real),
		.in = rnd_tensor((uint32_t)rnd_range(1, 2),
				 (uint32_t)rnd_range(1, 3),
				 (uint32_t)rnd_range(1, 3),
				 (uint32_t)(rnd_once(9) ? rnd_range(1, 1500) :
							  rnd_range(1, 40)),
				 (unsigned int)RND_OF(QACCEL_DTYPE_U8,
						      QACCEL_DTYPE_S8)),
		.multiplier = rnd_multiplier(),
		.left_shift = (int32_t)rnd_range(0, 30),
		.diff_min = -(int32_t)(rnd_once(2) ? rnd_range(1, 300)
						   : rnd_range(1, INT32_MAX)),
	};
	double step = (double)rnd_range(1, 2000) / 1000;
	struct buf in = buf_new(element_count(&c.in), 1);
	uint8_t *expected = malloc(in.size);
	struct qk_tile all = { .y1 = c.in.n * c.in.h, .c1 = c.in.c };
	const struct qk_table *t;

	c.out = c.in;
	if (real)
		set_scale(&c, step);
	rnd_fill(in.p, in.size);
	describe("in %ux%ux%ux%u type %u, scale %d %d, diff_min %d, flags %u",
		 c.in.n, c.in.h, c.in.w, c.in.c, c.in.dtype, c.multiplier,
		 c.left_shift, c.diff_min, c.hdr.flags);
	buf_seal(&in);
	qk_select("ref")->softmax(&c, in.p, expected, &all, NULL);
	if (real)
		check_real(&c, in.p, expected, step);
	FOR_EACH_ISA(t, softmax)
		check_isa(&c, t->softmax, in.p, expected);
	free(expected);
	buf_free(&in);
}

void check_softmax(void)
{
	if (rnd_once(20)) {
		for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]);
		     i++) {
			check_golden(&golden[i]);
			check_hash(&golden[i]);
		}
	}
	check_random(true);
	check_random(false);
}
