/* SPDX-License-Identifier: MIT */
/* ADD and MUL. */
#include <stdlib.h>
#include <string.h>

#include "checkkern.h"

struct run {
	const struct qaccel_cmd_binary *cmd;
	qk_binary_fn fn;
	const uint8_t *in0, *in1;
	uint8_t *out;
};

static void run(void *arg, const struct qk_tile *tile)
{
	struct run *r = arg;

	r->fn(r->cmd, r->in0, r->in1, r->out, tile);
}

static size_t index_of(const struct qaccel_tensor *t, const uint32_t at[4])
{
	const uint32_t dims[4] = { t->n, t->h, t->w, t->c };
	size_t index = 0;

	for (int d = 0; d < 4; d++)
		index = index * dims[d] + (dims[d] == 1 ? 0 : at[d]);
	return index;
}

static int32_t naive_add(const struct qaccel_cmd_binary *c, int32_t a,
			 int32_t b)
{
	int single = c->hdr.flags & QACCEL_CMD_SINGLE_ROUNDING;
	int32_t one = 1 << c->left_shift;
	int32_t sa = naive_scale(a * one, c->in0_multiplier, c->in0_shift,
				 single);
	int32_t sb = naive_scale(b * one, c->in1_multiplier, c->in1_shift,
				 single);

	return naive_scale(sa + sb, c->out_multiplier, c->out_shift, single);
}

static int32_t naive_mul(const struct qaccel_cmd_binary *c, int32_t a,
			 int32_t b)
{
	return naive_scale(a * b, c->out_multiplier, c->out_shift,
			   c->hdr.flags & QACCEL_CMD_SINGLE_ROUNDING);
}

static uint8_t *naive(const struct qaccel_cmd_binary *c, const uint8_t *in0,
		      const uint8_t *in1)
{
	uint8_t *out = malloc(element_count(&c->out)), *p = out;
	uint32_t at[4];

	for (at[0] = 0; at[0] < c->out.n; at[0]++)
	for (at[1] = 0; at[1] < c->out.h; at[1]++)
	for (at[2] = 0; at[2] < c->out.w; at[2]++)
	for (at[3] = 0; at[3] < c->out.c; at[3]++) {
		int32_t a = element(in0, index_of(&c->in0, at), c->in0.dtype) -
			    c->in0.zero_point;
		int32_t b = element(in1, index_of(&c->in1, at), c->in1.dtype) -
			    c->in1.zero_point;
		int32_t s = c->hdr.opcode == QACCEL_OP_ADD ?
			naive_add(c, a, b) : naive_mul(c, a, b);

		*p++ = (uint8_t)naive_clamp(wrap((int64_t)s +
						 c->out.zero_point),
					    c->act_min, c->act_max);
	}
	return out;
}

/* The output's dimensions, some of them 1 where broadcast asks for it. */
static struct qaccel_tensor rnd_input(const struct qaccel_tensor *out,
				      bool broadcast)
{
	return rnd_tensor(broadcast && rnd_once(2) ? 1 : out->n,
			  broadcast && rnd_once(2) ? 1 : out->h,
			  broadcast && rnd_once(2) ? 1 : out->w,
			  broadcast && rnd_once(2) ? 1 : out->c, out->dtype);
}

static struct qaccel_cmd_binary rnd_command(unsigned int opcode)
{
	unsigned int dtype = (unsigned int)RND_OF(QACCEL_DTYPE_U8,
						  QACCEL_DTYPE_S8);
	bool any = rnd_once(4);
	struct qaccel_cmd_binary c = {
		.hdr = rnd_header(opcode, true),
		.out = rnd_tensor((uint32_t)rnd_range(1, 3),
				  (uint32_t)rnd_range(1, 5),
				  (uint32_t)rnd_range(1, 7),
				  (uint32_t)rnd_range(1, 40), dtype),
		.out_multiplier = rnd_multiplier(),
		.out_shift = (int32_t)(any ? rnd_range(-31, 30) :
				       opcode == QACCEL_OP_ADD ?
				       rnd_range(-21, -17) :
				       rnd_range(-9, -5)),
	};

	c.in0 = rnd_input(&c.out, rnd_once(3));
	c.in1 = rnd_input(&c.out, rnd_once(3));
	rnd_activation(dtype, &c.act_min, &c.act_max);
	if (opcode == QACCEL_OP_ADD) {
		c.in0_multiplier = rnd_multiplier();
		c.in1_multiplier = rnd_multiplier();
		c.in0_shift = (int32_t)rnd_range(any ? -31 : -3, 0);
		c.in1_shift = (int32_t)rnd_range(any ? -31 : -3, 0);
		c.left_shift = any ? (int32_t)rnd_range(0, 22) : 20;
	}
	return c;
}

/* 1 or 2: the output stands in that input's place. 0: in its own. */
static int rnd_in_place(const struct qaccel_cmd_binary *c)
{
	int which = (int)rnd_range(0, 5);

	if (which == 1 && element_count(&c->in0) == element_count(&c->out))
		return 1;
	if (which == 2 && element_count(&c->in1) == element_count(&c->out))
		return 2;
	return 0;
}

static void check_isa(const struct qaccel_cmd_binary *c, qk_binary_fn fn,
		      const struct buf *in0, const struct buf *in1,
		      const uint8_t *expected)
{
	struct buf out = buf_new(element_count(&c->out), 1);
	int in_place = rnd_in_place(c);
	struct run r = { c, fn, in0->p, in1->p, out.p };

	rnd_fill(out.p, out.size);
	if (in_place) {
		memcpy(out.p, in_place == 1 ? in0->p : in1->p, out.size);
		*(in_place == 1 ? &r.in0 : &r.in1) = out.p;
	}
	run_tiles(c->out.n * c->out.h, 0, run, &r);
	expect(&out, expected);
	buf_free(&out);
}

static void check(unsigned int opcode)
{
	struct qaccel_cmd_binary c = rnd_command(opcode);
	struct buf in0 = buf_new(element_count(&c.in0), 1);
	struct buf in1 = buf_new(element_count(&c.in1), 1);
	const struct qk_table *t;
	uint8_t *expected;

	rnd_fill(in0.p, in0.size);
	rnd_fill(in1.p, in1.size);
	expected = naive(&c, in0.p, in1.p);
	describe("in0 %ux%ux%ux%u Z %d, in1 %ux%ux%ux%u Z %d, out %ux%ux%ux%u "
		 "type %u Z %d, left shift %d, scales %d %d, %d %d, %d %d, "
		 "flags %u", c.in0.n, c.in0.h, c.in0.w, c.in0.c,
		 c.in0.zero_point, c.in1.n, c.in1.h, c.in1.w, c.in1.c,
		 c.in1.zero_point, c.out.n, c.out.h, c.out.w, c.out.c,
		 c.out.dtype, c.out.zero_point, c.left_shift, c.in0_multiplier,
		 c.in0_shift, c.in1_multiplier, c.in1_shift, c.out_multiplier,
		 c.out_shift, c.hdr.flags);
	buf_seal(&in0);
	buf_seal(&in1);
	if (opcode == QACCEL_OP_ADD) {
		FOR_EACH_ISA(t, add)
			check_isa(&c, t->add, &in0, &in1, expected);
	} else {
		FOR_EACH_ISA(t, mul)
			check_isa(&c, t->mul, &in0, &in1, expected);
	}
	free(expected);
	buf_free(&in0);
	buf_free(&in1);
}

void check_add(void)
{
	check(QACCEL_OP_ADD);
}

void check_mul(void)
{
	check(QACCEL_OP_MUL);
}
