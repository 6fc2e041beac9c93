/* SPDX-License-Identifier: MIT */
/*
 * CONV2D, DWCONV2D and the packing of their weights. The model is the paper's
 * formula: sums of (x - Zx)(w - Zw) over the taps inside the input, on plain
 * weights and the layer's own bias. It knows neither layouts nor folding.
 */
#include <stdlib.h>
#include <string.h>

#include "checkkern.h"

/* struct layer - a convolution before it is packed */
struct layer {
	union qaccel_cmd u;
	struct qaccel_cmd_conv *cmd;
	bool depthwise, weights_unsigned;
	uint32_t k;			/* products of one output */
	struct buf in;
	uint8_t *weights;		/* OHWI, or 1HWO */
	int32_t *bias;			/* OC each */
	struct qaccel_channel *scales;	/* multiplier and shift alone */
	struct buf packed, channels;
};

/* Of the layer's own type: packed weights are 128 less where it is uint8. */
static int32_t raw_weight_zero_point(const struct layer *l)
{
	return l->cmd->weight_zero_point + (l->weights_unsigned ? 128 : 0);
}

/* ---------------------------------------------------------- naive models -- */

static int64_t naive_weight(const struct layer *l, uint32_t o, uint32_t ky,
			    uint32_t kx, uint32_t ic)
{
	const struct qaccel_cmd_conv *c = l->cmd;
	size_t tap = (size_t)ky * c->kw + kx;
	size_t at = l->depthwise ?
		tap * c->out.c + o :
		((size_t)o * c->kh * c->kw + tap) * c->in.c + ic;

	return l->weights_unsigned ? l->weights[at] : (int8_t)l->weights[at];
}

/* Sum over one tap; ic0 to ic1 are the channels that output o reads. */
static int64_t naive_tap(const struct layer *l, size_t in_at, uint32_t o,
			 uint32_t ky, uint32_t kx)
{
	const struct qaccel_cmd_conv *c = l->cmd;
	int64_t zw = raw_weight_zero_point(l), sum = 0;
	uint32_t ic0 = l->depthwise ? o / c->depth_multiplier : 0;
	uint32_t ic1 = l->depthwise ? ic0 + 1 : c->in.c;

	for (uint32_t ic = ic0; ic < ic1; ic++)
		sum += (naive_weight(l, o, ky, kx, ic) - zw) *
		       (element(l->in.p, in_at + ic, c->in.dtype) -
			c->in.zero_point);
	return sum;
}

static int32_t naive_output(const struct layer *l, uint32_t n, int64_t oy,
			    int64_t ox, uint32_t o)
{
	const struct qaccel_cmd_conv *c = l->cmd;
	int32_t m = l->scales[o].multiplier, s = l->scales[o].shift;
	int64_t acc = l->bias[o];

	for (uint32_t ky = 0; ky < c->kh; ky++) {
		for (uint32_t kx = 0; kx < c->kw; kx++) {
			int64_t iy = oy * c->stride_h - c->pad_top +
				     (int64_t)ky * c->dilation_h;
			int64_t ix = ox * c->stride_w - c->pad_left +
				     (int64_t)kx * c->dilation_w;

			if (iy < 0 || iy >= c->in.h || ix < 0 || ix >= c->in.w)
				continue;
			acc += naive_tap(l, (((size_t)n * c->in.h + (size_t)iy) *
					     c->in.w + (size_t)ix) * c->in.c,
					 o, ky, kx);
		}
	}
	m = m < 0 ? 0 : m;
	s = s < -31 ? -31 : s > 30 ? 30 : s;
	acc = naive_scale(wrap(acc), m, s,
			  c->hdr.flags & QACCEL_CMD_SINGLE_ROUNDING);
	return naive_clamp(wrap(acc + c->out.zero_point), c->act_min,
			   c->act_max);
}

static uint8_t *naive(const struct layer *l)
{
	const struct qaccel_tensor *t = &l->cmd->out;
	uint8_t *out = malloc(element_count(t)), *p = out;

	for (uint32_t n = 0; n < t->n; n++)
		for (uint32_t y = 0; y < t->h; y++)
			for (uint32_t x = 0; x < t->w; x++)
				for (uint32_t o = 0; o < t->c; o++)
					*p++ = (uint8_t)naive_output(l, n, y,
								     x, o);
	return out;
}

/* --------------------------------------------------------- random layers -- */

static uint32_t rnd_channels(void)
{
	/* Many are more than one vector of any ISA holds. */
	if (rnd_once(8))
		return (uint32_t)rnd_range(65, 150);
	switch (rnd_range(0, 3)) {
	case 0:
		return (uint32_t)RND_OF(1, 2, 3, 4, 8, 12, 16, 32, 48, 64);
	case 1:
		return (uint32_t)RND_OF(5, 7, 15, 17, 31, 33, 47, 63);
	default:
		return (uint32_t)rnd_range(1, 40);
	}
}

/* As many outputs as fit the padded input, some cases more: all padding. */
static uint32_t rnd_output_size(uint32_t in, uint32_t pad, uint32_t kernel,
				uint32_t dilation, uint32_t stride)
{
	int64_t room = (int64_t)in + 2 * pad - (int64_t)(kernel - 1) * dilation;
	uint32_t n = room < 1 ? 1 : (uint32_t)((room - 1) / stride + 1);

	return rnd_once(5) ? n + (uint32_t)rnd_range(1, 3) : n;
}

/* What most depthwise layers have. */
static void usual_window(struct qaccel_cmd_conv *c)
{
	c->kh = (uint16_t)(rnd_once(4) ? rnd_range(1, 2) : 3);
	c->kw = 3;
	c->stride_h = c->stride_w = (uint16_t)rnd_range(1, 2);
	if (rnd_once(4))
		c->stride_h = (uint16_t)rnd_range(1, 3);
	c->dilation_h = c->dilation_w = 1;
	c->pad_top = (uint16_t)rnd_range(0, 2);
	c->pad_left = (uint16_t)rnd_range(0, 2);
}

static void rnd_window(struct qaccel_cmd_conv *c)
{
	bool plain = rnd_once(3);	/* a pointwise or fully connected one */

	c->kh = plain ? 1 : (uint16_t)rnd_range(1, 5);
	c->kw = plain ? 1 : (uint16_t)rnd_range(1, 5);
	c->stride_h = plain ? 1 : (uint16_t)rnd_range(1, 3);
	c->stride_w = plain ? 1 : (uint16_t)rnd_range(1, 3);
	c->dilation_h = rnd_once(3) ? (uint16_t)rnd_range(1, 4) : 1;
	c->dilation_w = rnd_once(3) ? (uint16_t)rnd_range(1, 4) : 1;
	if (!plain && rnd_once(3)) {	/* which have loops of their own */
		c->kh = c->kw = (uint16_t)RND_OF(3, 3, 5);
		c->stride_h = c->stride_w = (uint16_t)rnd_range(1, 2);
		c->dilation_h = c->dilation_w = 1;
	}
	c->pad_top = plain ? 0 : (uint16_t)rnd_range(0, c->kh);
	c->pad_left = plain ? 0 : (uint16_t)rnd_range(0, c->kw);
	if (rnd_once(20))
		c->pad_left = c->pad_top = (uint16_t)rnd_range(0, 9);
}

static void rnd_shape(struct layer *l)
{
	struct qaccel_cmd_conv *c = l->cmd;
	uint32_t n = rnd_once(4) ? (uint32_t)rnd_range(1, 3) : 1;
	uint32_t h = (uint32_t)rnd_range(1, 12), w = (uint32_t)rnd_range(1, 14);
	bool wide = rnd_once(8);	/* more than is done at a time */
	uint32_t ic = rnd_channels(), oc = rnd_channels();
	uint32_t oh, ow;

	if (wide) {
		h = (uint32_t)rnd_range(1, 4);
		w = (uint32_t)rnd_range(60, 300);
	}
	rnd_window(c);
	c->depth_multiplier = 1;
	if (l->depthwise) {
		if (rnd_once(2))
			usual_window(c);
		if (rnd_once(2))
			ic = 16 * (uint32_t)rnd_range(1, 13);
		if (rnd_once(4))
			c->depth_multiplier = (uint16_t)rnd_range(2, 5);
		oc = ic * c->depth_multiplier;
	}
	oh = rnd_output_size(h, c->pad_top, c->kh, c->dilation_h, c->stride_h);
	ow = rnd_output_size(w, c->pad_left, c->kw, c->dilation_w,
			     c->stride_w);
	c->in = rnd_tensor(n, h, w, ic, (unsigned int)RND_OF(QACCEL_DTYPE_U8,
							     QACCEL_DTYPE_S8));
	c->out = rnd_tensor(n, oh, ow, oc, (unsigned int)
			    RND_OF(QACCEL_DTYPE_U8, QACCEL_DTYPE_S8));
}

/* The longest reductions, with inputs and weights at their extremes. */
static void longest_shape(struct layer *l)
{
	struct qaccel_cmd_conv *c = l->cmd;
	uint32_t k = l->weights_unsigned ? QACCEL_MAX_K_ASYMMETRIC
					 : QACCEL_MAX_K_SYMMETRIC;
	uint32_t m = (uint32_t)rnd_range(1, 5);

	c->kh = c->kw = c->stride_h = c->stride_w = 1;
	c->dilation_h = c->dilation_w = c->depth_multiplier = 1;
	c->pad_top = c->pad_left = 0;
	c->in = rnd_tensor(1, 1, m, k, QACCEL_DTYPE_U8);
	c->out = rnd_tensor(1, 1, m, (uint32_t)rnd_range(1, 3),
			    QACCEL_DTYPE_S8);
}

/* About 300,000 products, so that a case takes milliseconds. */
static bool small_enough(const struct layer *l)
{
	return element_count(&l->cmd->out) * l->k <= 300000;
}

static int log2_of(uint32_t x)
{
	int n = 0;

	while (x >>= 1)
		n++;
	return n;
}

/* Scales that use the output's range, any valid ones, or garbage. */
static void rnd_scales(struct layer *l)
{
	unsigned int mode = (unsigned int)rnd_range(0, 5);
	int common = -6 - log2_of(l->k) / 2;

	for (uint32_t o = 0; o < l->cmd->out.c; o++) {
		struct qaccel_channel *s = &l->scales[o];

		l->bias[o] = (int32_t)(mode == 0 ? rnd64() :
				       (uint64_t)rnd_range(-20000, 20000));
		s->multiplier = rnd_multiplier();
		s->shift = common + (int32_t)rnd_range(-2, 2);
		if (mode == 1)
			s->shift = (int32_t)rnd_range(-31, 30);
		if (mode == 0) {
			s->multiplier = (int32_t)rnd64();
			s->shift = (int32_t)rnd64();
			if (rnd_once(2))
				s->shift = (int32_t)rnd_range(-40, 40);
		}
	}
}

static void rnd_operands(struct layer *l)
{
	struct qaccel_cmd_conv *c = l->cmd;
	size_t weights = (size_t)l->k * c->out.c;

	rnd_activation(c->out.dtype, &c->act_min, &c->act_max);
	c->layout = l->depthwise ? QACCEL_LAYOUT_C16 : QACCEL_LAYOUT_O16K4;
	c->weights_size = (uint32_t)qk_weights_size(c);
	l->in = buf_new(element_count(&c->in), 1);
	l->weights = malloc(weights);
	l->bias = calloc(c->out.c, sizeof(*l->bias));
	l->scales = calloc(c->out.c, sizeof(*l->scales));
	rnd_fill(l->in.p, l->in.size);
	rnd_fill(l->weights, weights);
	rnd_scales(l);
}

static void pack(struct layer *l)
{
	struct qaccel_cmd_conv *c = l->cmd;
	uint32_t records = (c->out.c + 15) / 16 * 16;
	int32_t *multiplier = calloc(c->out.c, 4);
	int32_t *shift = calloc(c->out.c, 4);
	struct qaccel_channel *channels;

	for (uint32_t o = 0; o < c->out.c; o++) {
		multiplier[o] = l->scales[o].multiplier;
		shift[o] = l->scales[o].shift;
	}
	l->packed = buf_new(c->weights_size, QACCEL_WEIGHT_ALIGN);
	l->channels = buf_new(records * sizeof(*channels), 64);
	qk_pack_weights(c, l->weights, l->weights_unsigned,
			(int8_t *)l->packed.p);
	channels = (void *)l->channels.p;
	qk_pack_channels(c, (int8_t *)l->packed.p, l->bias, multiplier, shift,
			 1, channels);
	/* The records past the channels may hold anything. */
	rnd_fill(channels + c->out.c,
		 (records - c->out.c) * sizeof(*channels));
	free(multiplier);
	free(shift);
}

static struct layer *layer_new(bool depthwise)
{
	struct layer *l = calloc(1, sizeof(*l));
	struct qaccel_cmd_conv *c = l->cmd = &l->u.conv;
	bool longest = !depthwise && rnd_once(100);

	l->depthwise = depthwise;
	l->weights_unsigned = rnd_once(3);
	c->hdr = rnd_header(depthwise ? QACCEL_OP_DWCONV2D : QACCEL_OP_CONV2D,
			    true);
	/* The least is the one whose negative is no signed byte. */
	if (l->weights_unsigned)
		c->weight_zero_point = rnd_once(8) ? -128 :
				       (int32_t)rnd_range(-128, 127);
	do {
		if (longest)
			longest_shape(l);
		else
			rnd_shape(l);
		l->k = (uint32_t)c->kh * c->kw * (depthwise ? 1 : c->in.c);
	} while (!longest && !small_enough(l));
	rnd_operands(l);
	pack(l);
	describe("in %ux%ux%ux%u type %u Z %d, out %ux%ux%ux%u type %u Z %d, "
		 "filter %ux%u stride %u,%u dilation %u,%u pad %u,%u "
		 "multiplier %u Zw %d flags %u",
		 c->in.n, c->in.h, c->in.w, c->in.c, c->in.dtype,
		 c->in.zero_point, c->out.n, c->out.h, c->out.w, c->out.c,
		 c->out.dtype, c->out.zero_point, c->kh, c->kw, c->stride_h,
		 c->stride_w, c->dilation_h, c->dilation_w, c->pad_top,
		 c->pad_left, c->depth_multiplier, c->weight_zero_point,
		 c->hdr.flags);
	return l;
}

static void layer_free(struct layer *l)
{
	buf_free(&l->in);
	buf_free(&l->packed);
	buf_free(&l->channels);
	free(l->weights);
	free(l->bias);
	free(l->scales);
	free(l);
}

/* ---------------------------------------------------------------- checks -- */

struct run {
	const struct layer *l;
	bool cold;
	qk_conv_fn fn;
	struct buf out, scratch;
};

static void run(void *arg, const struct qk_tile *tile)
{
	struct run *r = arg;
	struct qk_tile hinted = *tile;

	hinted.cold = r->cold;
	r->fn(r->l->cmd, r->l->in.p, (const int8_t *)r->l->packed.p,
	      (const void *)r->l->channels.p, r->out.p, &hinted, r->scratch.p);
}

static void check_isa(struct layer *l, qk_conv_fn fn, const uint8_t *expected)
{
	const struct qaccel_tensor *t = &l->cmd->out;
	struct run r = {
		.l = l,
		.cold = rnd_once(2),
		.fn = fn,
		.out = buf_new(element_count(t), 1),
		.scratch = buf_new(isa_scratch_size(&l->u), 64),
	};

	rnd_fill(r.out.p, r.out.size);
	rnd_fill(r.scratch.p, r.scratch.size);
	run_tiles(t->n * t->h, t->c, run, &r);
	expect(&r.out, expected);
	/* Only its surroundings: what it holds is the kernel's own. */
	expect(&r.scratch, r.scratch.p);
	buf_free(&r.out);
	buf_free(&r.scratch);
}

static void check(bool depthwise)
{
	struct layer *l = layer_new(depthwise);
	uint8_t *expected = naive(l);
	const struct qk_table *t;

	buf_seal(&l->in);
	buf_seal(&l->packed);
	buf_seal(&l->channels);
	if (depthwise) {
		FOR_EACH_ISA(t, dwconv2d)
			check_isa(l, t->dwconv2d, expected);
	} else {
		FOR_EACH_ISA(t, conv2d)
			check_isa(l, t->conv2d, expected);
	}
	free(expected);
	layer_free(l);
}

void check_conv2d(void)
{
	check(false);
}

void check_dwconv2d(void)
{
	check(true);
}

/* --------------------------------------------------------------- packing -- */

/* One channel's KP values as the layout's description says, padding first 0. */
static size_t lay_out(const struct layer *l, uint32_t o, int8_t *k)
{
	const struct qaccel_cmd_conv *c = l->cmd;
	bool rows = l->depthwise || c->dilation_w == 1;
	size_t n = 0;

	for (uint32_t ky = 0; ky < c->kh; ky++) {
		for (uint32_t kx = 0; kx < c->kw; kx++) {
			uint32_t ics = l->depthwise ? 1 : c->in.c;

			for (uint32_t ic = 0; ic < ics && o < c->out.c; ic++)
				k[n + ic] = (int8_t)(
					naive_weight(l, o, ky, kx, ic) -
					(l->weights_unsigned ? 128 : 0));
			n += ics;
			if (!rows && !l->depthwise)
				n = (n + 3) / 4 * 4;
		}
		if (!l->depthwise)
			n = (n + 3) / 4 * 4;
	}
	return n;
}

/*
 * [block][group][16][group size]: groups of 4 consecutive k in O16K4 and of
 * one tap in C16.
 */
void check_pack(void)
{
	struct layer *l = layer_new(rnd_once(2));
	const struct qaccel_cmd_conv *c = l->cmd;
	const struct qaccel_channel *records = (const void *)l->channels.p;
	size_t group = l->depthwise ? 1 : 4;
	size_t most = (size_t)c->kh * c->kw * (c->in.c + 3) + 3 * c->kh;
	size_t blocks = (c->out.c + 15) / 16, kp = 0;
	uint8_t *expected = NULL;
	int8_t *k = malloc(most);

	for (uint32_t o = 0; o < blocks * 16; o++) {
		int32_t sum = 0;

		memset(k, 0, most);
		kp = lay_out(l, o, k);
		if (!expected)
			expected = calloc(blocks * 16, kp);
		for (size_t i = 0; i < kp; i++) {
			sum += k[i];
			expected[o / 16 * 16 * kp + i / group * 16 * group +
				 o % 16 * group + i % group] = (uint8_t)k[i];
		}
		if (o < c->out.c && records[o].weight_sum != sum)
			fail("weight sum of channel %u", o);
	}
	if (l->packed.size == blocks * 16 * kp)
		expect(&l->packed, expected);
	else
		fail("%zu bytes of packed weights", l->packed.size);
	free(k);
	free(expected);
	layer_free(l);
}
