// SPDX-License-Identifier: MIT
#include "convloop_neon.h"

#include "../ref/ref.h"
#include "neon.h"

/* sum x' of a run of bytes. */
static int32_t byte_sum(const uint8_t *p, size_t length)
{
	int32x4_t sum = vdupq_n_s32(0);
	int32_t rest = 0;
	size_t i = 0;

	for (; i + 16 <= length; i += 16)
		sum = vpadalq_s16(sum, vpaddlq_s8(vreinterpretq_s8_u8(
					vld1q_u8(p + i))));
	for (; i < length; i++)
		rest += (int8_t)p[i];
	return vaddvq_s32(sum) + rest;
}

/* sum x' of one window. At most 65793 * 128 < 2^31. */
static int32_t window_sum(const struct qk_conv *conv,
			  const struct qk_pixels *px, uint32_t i)
{
	uint32_t runs = conv->cmd->kh * conv->segments;
	int32_t sum = 0;

	for (uint32_t ky = 0; ky < conv->cmd->kh; ky++)
		for (uint32_t s = 0; s < conv->segments; s++)
			sum += byte_sum(qk_segment(conv, px, ky, s) +
					px->offset[i], conv->k / runs);
	return sum;
}

static void make_sums(const struct qk_conv *conv, struct qk_pixels *px,
		      uint32_t count, int32_t *sum)
{
	px->sum = sum;
	if (!conv->cmd->weight_zero_point)
		return;
	for (uint32_t i = 0; i < count; i++)
		sum[i] = window_sum(conv, px, i);
}

static bool is_narrow(const int8_t *weights, size_t bytes)
{
	int8x16_t least = vdupq_n_s8(0);

	for (size_t i = 0; i < bytes; i += 64) {
		int8x16x4_t w = vld1q_s8_x4(weights + i);
		int8x16_t a = vminq_s8(w.val[0], w.val[1]);
		int8x16_t b = vminq_s8(w.val[2], w.val[3]);

		least = vminq_s8(least, vminq_s8(a, b));
	}
	return vminvq_s8(least) != -128;
}

/* struct operands - of one call */
struct operands {
	const uint8_t *in;
	const int8_t *weights;
	const struct qaccel_channel *channels;
	uint8_t *out;
	const struct qk_tile *tile;
	/* scratch */
	int32_t *offset, *sum;
	int8_t *prepared;
	uint8_t *strip;
};

/* Of a block, each run in an even number of groups; 0: too large. */
static size_t prepared_size(const struct qk_conv *conv)
{
	size_t size = (size_t)conv->cmd->kh * conv->segments *
		      qk_round_up(conv->groups, 2) * 4 * QK_BLOCK;

	return size <= QK_PREPARED_SIZE ? size : 0;
}

/* count pixels of 16 channels from out on. */
static void run_block(const struct qk_conv *conv,
		      const struct qk_micros *micros,
		      const struct qk_lanes *lanes, const int8_t *weights,
		      struct qk_pixels px, uint32_t count)
{
	uint32_t tiles = count / micros->tile, rest = count % micros->tile;
	const qk_micro_fn *fn = micros->fn;

	/* Looking costs as much as a pixel could save. */
	if (micros->narrow[0] && count > 1 &&
	    is_narrow(weights, conv->block_bytes))
		fn = micros->narrow;
	if (tiles)
		fn[micros->tile - 1](conv, lanes, weights, px, tiles);
	qk_pixels_advance(&px, conv, count - rest);
	if (rest)
		fn[rest - 1](conv, lanes, weights, px, 1);
}

/* All channels of count pixels whose inputs lie in a strip. */
static void run_pixels(const struct qk_conv *conv,
		       const struct qk_micros *micros,
		       const struct operands *op, const struct qk_pixels *all,
		       uint32_t count)
{
	uint32_t c1 = op->tile->c1;

	if (micros->prepare &&
	    (count < QK_PREPARE_PIXELS || !prepared_size(conv)))
		micros = micros->few;
	for (uint32_t c = op->tile->c0; c < c1; c += QK_BLOCK) {
		const int8_t *weights = op->weights +
					c / QK_BLOCK * conv->block_bytes;
		struct qk_pixels px = *all;
		struct qk_lanes lanes;

		qk_lanes_init(&lanes, conv->cmd, op->channels + c,
			      c1 - c < QK_BLOCK ? c1 - c : QK_BLOCK, conv->k,
			      conv->strip.flip);
		if (micros->prepare) {
			micros->prepare(conv, weights, op->prepared);
			weights = op->prepared;
		}
		px.out += c;
		run_block(conv, micros, &lanes, weights, px, count);
	}
}

static bool conv_init(struct qk_conv *conv, const struct qaccel_cmd_conv *cmd)
{
	uint32_t taps = qk_segment_taps(cmd->kw, cmd->dilation_w);

	*conv = (struct qk_conv){ .cmd = cmd };
	if (!qk_strip_choose_conv2d(cmd, QACCEL_DTYPE_U8, &conv->strip))
		return false;
	conv->finish = qk_finish_set(&cmd->out, cmd->out.zero_point,
				     cmd->act_min, cmd->act_max);
	conv->single = qk_single_rounding(&cmd->hdr);
	conv->zw = (uint32_t)cmd->weight_zero_point;
	conv->k = (uint32_t)cmd->kh * cmd->kw * cmd->in.c;
	conv->segments = cmd->kw / taps;
	conv->groups = (taps * cmd->in.c + 3) / 4;
	conv->segment_step = (size_t)cmd->dilation_w * cmd->in.c;
	conv->filter_row_step = cmd->dilation_h * conv->strip.row;
	if (cmd->kh == 1 && cmd->kw == 1)
		conv->base_step = conv->strip.pixel;
	conv->out_step = cmd->out.c;
	conv->block_bytes = QK_BLOCK * 4 *
			    ((size_t)cmd->kh * conv->segments * conv->groups);
	return true;
}

/* Rows [y, y + rows) of image n, columns [x, x + columns). */
static void run_strip(const struct qk_conv *conv,
		      const struct qk_micros *micros, const struct operands *op,
		      uint32_t n, uint32_t y, uint32_t rows, uint32_t x,
		      uint32_t columns)
{
	const struct qaccel_cmd_conv *cmd = conv->cmd;
	struct qk_pixels px = {
		.base = op->strip,
		.offset = op->offset,
		.out = op->out + qk_offset(&cmd->out, n, y, x),
	};
	uint32_t count = qk_strip_offsets(&conv->strip, rows, columns,
					  op->offset);

	qk_strip_fill(cmd, &conv->strip, op->in + qk_offset(&cmd->in, n, 0, 0),
		      y, x, rows, op->strip);
	make_sums(conv, &px, count, op->sum);
	run_pixels(conv, micros, op, &px, count);
}

static void run_rows(const struct qk_conv *conv, const struct qk_micros *micros,
		     const struct operands *op)
{
	const struct qaccel_cmd_conv *cmd = conv->cmd;
	const struct qk_tile *tile = op->tile;
	uint32_t rows, columns;

	for (uint32_t y = tile->y0; y < tile->y1; y += rows) {
		uint32_t n = y / cmd->out.h, oy = y % cmd->out.h;

		/* A strip lies in one image. */
		rows = conv->strip.rows;
		rows = rows < cmd->out.h - oy ? rows : cmd->out.h - oy;
		rows = rows < tile->y1 - y ? rows : tile->y1 - y;
		for (uint32_t x = 0; x < cmd->out.w; x += columns) {
			columns = conv->strip.columns;
			columns = columns < cmd->out.w - x ? columns :
				  cmd->out.w - x;
			run_strip(conv, micros, op, n, oy, rows, x, columns);
		}
	}
}

/*
 * Without borders the rows of a tile are one run of pixels. What is read in
 * place must not be read past: whole registers only.
 */
static void run_pointwise(const struct qk_conv *conv,
			  const struct qk_micros *micros,
			  const struct operands *op)
{
	const struct qaccel_cmd_conv *cmd = conv->cmd;
	size_t c = cmd->in.c, first = (size_t)op->tile->y0 * cmd->out.w;
	size_t total = (size_t)(op->tile->y1 - op->tile->y0) * cmd->out.w;
	bool in_place = !conv->strip.flip && c % 16 == 0;
	uint32_t chunk = conv->strip.columns, count;

	qk_strip_offsets(&conv->strip, 1, chunk, op->offset);
	for (size_t i = 0; i < total; i += count) {
		const uint8_t *from = op->in + (first + i) * c;
		struct qk_pixels px = {
			.base = in_place ? from : op->strip,
			.offset = op->offset,
			.out = op->out + (first + i) * cmd->out.c,
		};

		count = chunk < total - i ? chunk : (uint32_t)(total - i);
		if (!in_place)
			qk_copy_flipped(op->strip, from, count * c,
					conv->strip.flip);
		make_sums(conv, &px, count, op->sum);
		run_pixels(conv, micros, op, &px, count);
	}
}

size_t qk_conv2d_scratch_neon(const struct qaccel_cmd_conv *cmd)
{
	struct qk_conv conv;

	if (!conv_init(&conv, cmd))
		return 0;
	return qk_round_up(conv.strip.size + QK_STRIP_SLACK, 64) +
	       prepared_size(&conv) +
	       2 * qk_round_up(QK_STRIP_PIXELS * sizeof(int32_t), 64);
}

void qk_convloop(const struct qk_micros *micros,
		 const struct qaccel_cmd_conv *cmd, const void *in,
		 const int8_t *weights, const struct qaccel_channel *channels,
		 void *out, const struct qk_tile *tile, void *scratch)
{
	struct operands op = {
		.in = in,
		.weights = weights,
		.channels = channels,
		.out = out,
		.tile = tile,
	};
	struct qk_conv conv;

	if (!conv_init(&conv, cmd)) {
		qk_conv2d_ref(cmd, in, weights, channels, out, tile, scratch);
		return;
	}
	op.offset = scratch;
	op.sum = op.offset + QK_STRIP_PIXELS;
	op.prepared = (int8_t *)(op.sum + QK_STRIP_PIXELS);
	op.strip = (uint8_t *)op.prepared + prepared_size(&conv);
	if (qk_is_pointwise(cmd))
		run_pointwise(&conv, micros, &op);
	else
		run_rows(&conv, micros, &op);
}
