/* SPDX-License-Identifier: MIT */
/* AVGPOOL, MAXPOOL, MEAN and PAD. */
#include <stdlib.h>
#include <string.h>

#include "checkkern.h"

static unsigned int rnd_byte_type(void)
{
	return (unsigned int)RND_OF(QACCEL_DTYPE_U8, QACCEL_DTYPE_S8);
}

static size_t index_of(const struct qaccel_tensor *t, size_t n, size_t h,
		       size_t w, size_t c)
{
	return ((n * t->h + h) * t->w + w) * t->c + c;
}

/* ----------------------------------------------------------------- pools -- */

struct pool_run {
	const struct qaccel_cmd_pool *cmd;
	qk_pool_fn fn;
	const uint8_t *in;
	struct buf out, scratch;
};

static void run_pool(void *arg, const struct qk_tile *tile)
{
	struct pool_run *r = arg;

	r->fn(r->cmd, r->in, r->out.p, tile, r->scratch.p);
}

static int32_t naive_pool(const struct qaccel_cmd_pool *c, const uint8_t *in,
			  uint32_t n, uint32_t oy, uint32_t ox, uint32_t ch)
{
	int64_t sum = 0, count = 0, max = -1000;

	for (int64_t ky = 0; ky < c->kh; ky++) {
		for (int64_t kx = 0; kx < c->kw; kx++) {
			int64_t y = (int64_t)oy * c->stride_h - c->pad_top + ky;
			int64_t x = (int64_t)ox * c->stride_w - c->pad_left +
				    kx;
			int32_t v;

			if (y < 0 || y >= c->in.h || x < 0 || x >= c->in.w)
				continue;
			v = element(in, index_of(&c->in, n, (size_t)y,
						 (size_t)x, ch), c->in.dtype);
			sum += v;
			count++;
			max = v > max ? v : max;
		}
	}
	if (c->hdr.opcode == QACCEL_OP_MAXPOOL)
		return naive_clamp(max, c->act_min, c->act_max);
	/* half away from zero */
	max = (2 * (sum < 0 ? -sum : sum) + count) / (2 * count);
	return naive_clamp(sum < 0 ? -max : max, c->act_min, c->act_max);
}

/* Padding below the filter's size, so that no window lies in it alone. */
static struct qaccel_cmd_pool rnd_pool(unsigned int opcode)
{
	struct qaccel_cmd_pool c = { .hdr = rnd_header(opcode, false) };
	unsigned int dtype = rnd_byte_type();
	uint32_t h = (uint32_t)rnd_range(1, 12), w = (uint32_t)rnd_range(1, 12);

	c.in = rnd_tensor((uint32_t)rnd_range(1, 2), h, w,
			  (uint32_t)rnd_range(1, 50), dtype);
	c.kh = (uint16_t)rnd_range(1, rnd_once(9) ? 40 : h);
	c.kw = (uint16_t)rnd_range(1, rnd_once(9) ? 40 : w);
	c.stride_h = (uint16_t)rnd_range(1, 3);
	c.stride_w = (uint16_t)rnd_range(1, 3);
	c.pad_top = (uint16_t)rnd_range(0, c.kh - 1);
	c.pad_left = (uint16_t)rnd_range(0, c.kw - 1);
	c.out = c.in;
	/* The last window begins inside the input at the latest. */
	c.out.h = (uint32_t)rnd_range(1, (h + c.pad_top - 1) / c.stride_h + 1);
	c.out.w = (uint32_t)rnd_range(1, (w + c.pad_left - 1) / c.stride_w + 1);
	rnd_activation(dtype, &c.act_min, &c.act_max);
	return c;
}

static uint8_t *naive_pools(const struct qaccel_cmd_pool *c, const uint8_t *in)
{
	uint8_t *out = malloc(element_count(&c->out)), *p = out;

	for (uint32_t n = 0; n < c->out.n; n++)
		for (uint32_t y = 0; y < c->out.h; y++)
			for (uint32_t x = 0; x < c->out.w; x++)
				for (uint32_t ch = 0; ch < c->out.c; ch++)
					*p++ = (uint8_t)naive_pool(c, in, n, y,
								   x, ch);
	return out;
}

static void check_pool_isa(const struct qaccel_cmd_pool *c, qk_pool_fn fn,
			   const uint8_t *in, const uint8_t *expected)
{
	union qaccel_cmd u = { .pool = *c };
	struct pool_run r = {
		.cmd = c,
		.fn = fn,
		.in = in,
		.out = buf_new(element_count(&c->out), 1),
		.scratch = buf_new(isa_scratch_size(&u), 64),
	};

	rnd_fill(r.out.p, r.out.size);
	rnd_fill(r.scratch.p, r.scratch.size);
	run_tiles(c->out.n * c->out.h, 0, run_pool, &r);
	expect(&r.out, expected);
	expect(&r.scratch, r.scratch.p);
	buf_free(&r.out);
	buf_free(&r.scratch);
}

static void check_pool(unsigned int opcode)
{
	struct qaccel_cmd_pool c = rnd_pool(opcode);
	struct buf in = buf_new(element_count(&c.in), 1);
	const struct qk_table *t;
	uint8_t *expected;

	describe("in %ux%ux%ux%u type %u, out %ux%u, window %ux%u stride %u,%u "
		 "pad %u,%u", c.in.n, c.in.h, c.in.w, c.in.c, c.in.dtype,
		 c.out.h, c.out.w, c.kh, c.kw, c.stride_h, c.stride_w,
		 c.pad_top, c.pad_left);
	rnd_fill(in.p, in.size);
	expected = naive_pools(&c, in.p);
	buf_seal(&in);
	if (opcode == QACCEL_OP_AVGPOOL) {
		FOR_EACH_ISA(t, avgpool)
			check_pool_isa(&c, t->avgpool, in.p, expected);
	} else {
		FOR_EACH_ISA(t, maxpool)
			check_pool_isa(&c, t->maxpool, in.p, expected);
	}
	free(expected);
	buf_free(&in);
}

void check_avgpool(void)
{
	check_pool(QACCEL_OP_AVGPOOL);
}

void check_maxpool(void)
{
	check_pool(QACCEL_OP_MAXPOOL);
}

/* ------------------------------------------------------------------ mean -- */

struct mean_run {
	const struct qaccel_cmd_mean *cmd;
	qk_mean_fn fn;
	const uint8_t *in;
	struct buf out, scratch;
};

static void run_mean(void *arg, const struct qk_tile *tile)
{
	struct mean_run *r = arg;

	r->fn(r->cmd, r->in, r->out.p, tile, r->scratch.p);
}

static int32_t naive_mean(const struct qaccel_cmd_mean *c, const uint8_t *in,
			  uint32_t n, uint32_t ch)
{
	int64_t count = (int64_t)c->in.h * c->in.w, sum = 0;

	for (uint32_t y = 0; y < c->in.h; y++)
		for (uint32_t x = 0; x < c->in.w; x++)
			sum += element(in, index_of(&c->in, n, y, x, ch),
				       c->in.dtype);
	if (c->mode == QACCEL_MEAN_TRUNCATE)
		return naive_clamp(sum / count, c->act_min, c->act_max);
	sum = naive_scale((int32_t)(sum - count * c->in.zero_point),
			  c->multiplier, c->shift,
			  c->hdr.flags & QACCEL_CMD_SINGLE_ROUNDING);
	return naive_clamp(wrap(sum + c->out.zero_point), c->act_min,
			   c->act_max);
}

/* The multiplier is not normalised: it holds 1 / count. */
static struct qaccel_cmd_mean rnd_mean(void)
{
	struct qaccel_cmd_mean c = { .hdr = rnd_header(QACCEL_OP_MEAN, true) };
	unsigned int dtype = rnd_byte_type();
	uint32_t h = (uint32_t)rnd_range(1, 12), w = (uint32_t)rnd_range(1, 12);

	c.in = rnd_tensor((uint32_t)rnd_range(1, 4), h, w,
			  (uint32_t)rnd_range(1, 60), dtype);
	c.out = rnd_tensor(c.in.n, 1, 1, c.in.c, dtype);
	rnd_activation(dtype, &c.act_min, &c.act_max);
	if (rnd_once(4)) {
		c.mode = QACCEL_MEAN_TRUNCATE;
		c.out.zero_point = c.in.zero_point;
		c.hdr.flags = 0;
		return c;
	}
	c.multiplier = rnd_multiplier() / (int32_t)rnd_range(1, h * w);
	c.shift = (int32_t)(rnd_once(4) ? rnd_range(-31, 30) :
					  rnd_range(-6, 2));
	return c;
}

static void check_mean_isa(const struct qaccel_cmd_mean *c, qk_mean_fn fn,
			   const uint8_t *in, const uint8_t *expected)
{
	union qaccel_cmd u = { .mean = *c };
	struct mean_run r = {
		.cmd = c,
		.fn = fn,
		.in = in,
		.out = buf_new(element_count(&c->out), 1),
		.scratch = buf_new(isa_scratch_size(&u), 64),
	};

	rnd_fill(r.out.p, r.out.size);
	run_tiles(c->out.n, 0, run_mean, &r);
	expect(&r.out, expected);
	expect(&r.scratch, r.scratch.p);
	buf_free(&r.out);
	buf_free(&r.scratch);
}

void check_mean(void)
{
	struct qaccel_cmd_mean c = rnd_mean();
	struct buf in = buf_new(element_count(&c.in), 1);
	uint8_t *expected = malloc(element_count(&c.out));
	const struct qk_table *t;

	describe("in %ux%ux%ux%u type %u Z %d, Zout %d, mode %u, scale %d %d, "
		 "flags %u", c.in.n, c.in.h, c.in.w, c.in.c, c.in.dtype,
		 c.in.zero_point, c.out.zero_point, c.mode, c.multiplier,
		 c.shift, c.hdr.flags);
	rnd_fill(in.p, in.size);
	for (uint32_t n = 0; n < c.in.n; n++)
		for (uint32_t ch = 0; ch < c.in.c; ch++)
			expected[(size_t)n * c.in.c + ch] =
				(uint8_t)naive_mean(&c, in.p, n, ch);
	buf_seal(&in);
	FOR_EACH_ISA(t, mean)
		check_mean_isa(&c, t->mean, in.p, expected);
	free(expected);
	buf_free(&in);
}

/* ------------------------------------------------------------------- pad -- */

struct pad_run {
	const struct qaccel_cmd_pad *cmd;
	qk_pad_fn fn;
	const uint8_t *in;
	uint8_t *out;
};

static void run_pad(void *arg, const struct qk_tile *tile)
{
	struct pad_run *r = arg;

	r->fn(r->cmd, r->in, r->out, tile);
}

static size_t size_of(unsigned int dtype)
{
	return dtype <= QACCEL_DTYPE_S8 ? 1 : dtype == QACCEL_DTYPE_S16 ? 2 : 4;
}

/* Fills the output, then copies the input's elements to their places. */
static uint8_t *naive_pad(const struct qaccel_cmd_pad *c, const uint8_t *in)
{
	size_t size = size_of(c->in.dtype);
	size_t count = element_count(&c->out);
	uint8_t *out = malloc(count * size);

	for (size_t i = 0; i < count; i++)
		memcpy(out + i * size, &c->value, size);
	for (size_t n = 0; n < c->in.n; n++)
		for (size_t h = 0; h < c->in.h; h++)
			for (size_t w = 0; w < c->in.w; w++)
				memcpy(out + size * index_of(
						&c->out, n + c->before[0],
						h + c->before[1],
						w + c->before[2],
						c->before[3]),
				       in + size * index_of(&c->in, n, h, w, 0),
				       size * c->in.c);
	return out;
}

static uint32_t padded(uint32_t dim, uint32_t before)
{
	return dim + before + (uint32_t)(rnd_once(2) ? rnd_range(0, 4) : 0);
}

void check_pad(void)
{
	struct qaccel_cmd_pad c = { .hdr = rnd_header(QACCEL_OP_PAD, false) };
	unsigned int dtype = (unsigned int)rnd_range(QACCEL_DTYPE_U8,
						     QACCEL_DTYPE_F32);
	const struct qk_table *t;
	uint8_t *expected;
	struct buf in;

	c.in = rnd_tensor((uint32_t)rnd_range(1, 3), (uint32_t)rnd_range(1, 6),
			  (uint32_t)rnd_range(1, 6), (uint32_t)rnd_range(1, 20),
			  dtype);
	for (int d = 0; d < 4; d++)
		c.before[d] = (uint32_t)(rnd_once(2) ? rnd_range(0, 4) : 0);
	c.out = rnd_tensor(padded(c.in.n, c.before[0]),
			   padded(c.in.h, c.before[1]),
			   padded(c.in.w, c.before[2]),
			   padded(c.in.c, c.before[3]), dtype);
	c.value = (uint32_t)rnd64();
	describe("in %ux%ux%ux%u type %u, out %ux%ux%ux%u, before %u %u %u %u",
		 c.in.n, c.in.h, c.in.w, c.in.c, dtype, c.out.n, c.out.h,
		 c.out.w, c.out.c, c.before[0], c.before[1], c.before[2],
		 c.before[3]);
	in = buf_new(element_count(&c.in) * size_of(dtype), 1);
	rnd_fill(in.p, in.size);
	expected = naive_pad(&c, in.p);
	buf_seal(&in);
	FOR_EACH_ISA(t, pad) {
		struct buf out = buf_new(element_count(&c.out) * size_of(dtype),
					 1);
		struct pad_run r = { &c, t->pad, in.p, out.p };

		rnd_fill(out.p, out.size);
		run_tiles(c.out.n * c.out.h, 0, run_pad, &r);
		expect(&out, expected);
		buf_free(&out);
	}
	free(expected);
	buf_free(&in);
}
