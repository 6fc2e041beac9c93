// SPDX-License-Identifier: MIT
#include "dwquads_avx512vnni.h"
#include "../strip.h"

/* Input whose channels are gone through 64 at a time: half of the next cache. */
#define BAND_SIZE	(256u << 10)

/* ------------------------------------------------------------- weights -- */

/* A tap of the filter; outside of it there is none: zeros. */
static __m512i tap_weights(const struct qk_dwjob *job, const struct qk_dwgroup *g,
			   uint32_t ky, uint32_t kx)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	size_t block = (size_t)cmd->kh * cmd->kw * QK_BLOCK;
	const int8_t *at;
	__m512i w;

	if (ky >= cmd->kh)
		return _mm512_setzero_si512();
	at = job->weights + ((size_t)ky * cmd->kw + kx) * QK_BLOCK;
#define BLOCK(l) _mm_loadu_si128((const __m128i *)(at + g->block[l] * block))
	w = _mm512_castsi128_si512(BLOCK(0));
	w = _mm512_inserti32x4(w, BLOCK(1), 1);
	w = _mm512_inserti32x4(w, BLOCK(2), 2);
	return _mm512_inserti32x4(w, BLOCK(3), 3);
#undef BLOCK
}

/* The quads of weights of the pass's output row 0 or 1. */
static void make_quads(const struct qk_dwjob *job, const struct qk_dwgroup *g,
		       int8_t zw, uint32_t row)
{
	const __m512i minus = _mm512_set1_epi8(zw);
	uint32_t t = 0;

	for (uint32_t i = 0; i < job->quads; i++) {
		for (uint32_t kx = 0; kx < job->cmd->kw; kx++, t++) {
			__m512i w[4], quad[4];

			for (uint32_t j = 0; j < 4; j++) {
				/* Wraps below 0: no tap there either. */
				uint32_t ky = 4 * i + j - row;

				w[j] = tap_weights(job, g, ky, kx);
				if (ky < job->cmd->kh)
					w[j] = _mm512_sub_epi8(w[j], minus);
			}
			qk_dw_interleave(w[0], w[1], w[2], w[3], quad);
			for (uint32_t q = 0; q < 4; q++)
				job->quad_weights[q * job->taps + t][row] =
					quad[q];
		}
	}
}

/* Whether w - Zw is a signed byte for each weight of the group. */
static bool difference_fits(const struct qk_dwjob *job, const struct qk_dwgroup *g)
{
	const __m512i zw = _mm512_set1_epi8(
		(int8_t)job->cmd->weight_zero_point);
	__mmask64 wrong = 0;

	for (uint32_t ky = 0; ky < job->cmd->kh; ky++) {
		for (uint32_t kx = 0; kx < job->cmd->kw; kx++) {
			__m512i w = tap_weights(job, g, ky, kx);

			wrong |= _mm512_cmpneq_epi8_mask(
				_mm512_subs_epi8(w, zw),
				_mm512_sub_epi8(w, zw));
		}
	}
	return !wrong;
}

/*
 * The zero point's part of the sum, - Zw sum x', for weights from which it
 * cannot be taken off: - Zw in each tap of the quads, or 127 and 1 where that
 * is 128.
 */
static void set_extra(const struct qk_dwjob *job)
{
	int32_t minus = -job->cmd->weight_zero_point;
	int32_t first = minus < 127 ? minus : 127;

	for (uint32_t i = 0; i < job->quads; i++) {
		for (uint32_t row = 0; row < 2; row++) {
			uint8_t part[2][4] = { 0 };

			for (uint32_t j = 0; j < 4; j++) {
				if (4 * i + j - row >= job->cmd->kh)
					continue;
				part[0][j] = (uint8_t)first;
				part[1][j] = (uint8_t)(minus - first);
			}
			memcpy(&job->extra[i][0][row], part[0], 4);
			memcpy(&job->extra[i][1][row], part[1], 4);
		}
	}
}

void qk_dwjob_finish(struct qk_dwjob *job)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;

	job->finish = (struct qk_finish){
		.cmd = cmd,
		.k = (uint32_t)cmd->kh * cmd->kw,
		.flip = cmd->in.dtype == QACCEL_DTYPE_S8 ? 0x80 : 0,
		.single = qk_single_rounding(&cmd->hdr),
		.clamps_negative = cmd->act_min >= cmd->out.zero_point,
	};
	job->low = _mm512_set1_epi8((char)cmd->act_min);
	job->high = _mm512_set1_epi8((char)cmd->act_max);
	job->addend = qk_addend(&job->finish);
	set_extra(job);
}

static void group_weights(const struct qk_dwjob *job, struct qk_dwgroup *g)
{
	int32_t zw = job->cmd->weight_zero_point;

	g->extras = 0;
	if (zw && !difference_fits(job, g)) {
		g->extras = zw == -128 ? 2 : 1;
		zw = 0;
	}
	for (uint32_t row = 0; row < job->rows; row++)
		make_quads(job, g, (int8_t)zw, row);
}

/* The records of the channels in quads q: every other one of eight. */
static void group_records(const struct qk_dwjob *job, const struct qk_dwgroup *g,
			  uint32_t q, struct qk_records *r)
{
	const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6,
						10, 14, 3, 7, 11, 15);
	__m512i z[4], lo[2], hi[2];

	/* Four records of four members each: transposed, in each 128 bits. */
#pragma GCC unroll 4
	for (uint32_t l = 0; l < 4; l++) {
		const struct qaccel_channel *at = job->channels +
			g->block[l] * QK_BLOCK + q / 2 * 8;
		__m512i first = _mm512_loadu_si512(at);
		__m512i last = _mm512_loadu_si512(at + 4);

		z[l] = q % 2 ? _mm512_shuffle_i32x4(first, last, 0xdd) :
			       _mm512_shuffle_i32x4(first, last, 0x88);
	}
#pragma GCC unroll 2
	for (uint32_t l = 0; l < 2; l++) {
		lo[l] = _mm512_unpacklo_epi32(z[2 * l], z[2 * l + 1]);
		hi[l] = _mm512_unpackhi_epi32(z[2 * l], z[2 * l + 1]);
	}
#define MEMBER(half, v) _mm512_permutexvar_epi32(order,			\
			_mm512_unpack##half##_epi64(v[0], v[1]))
	r->bias = MEMBER(lo, lo);
	r->multiplier = MEMBER(hi, lo);
	r->shift = MEMBER(lo, hi);
	r->weight_sum = MEMBER(hi, hi);
#undef MEMBER
}

void qk_dwgroup_init(const struct qk_dwjob *job, struct qk_dwgroup *g, uint32_t c,
		     uint32_t c1)
{
	uint32_t blocks = (c1 - c + QK_BLOCK - 1) / QK_BLOCK;
	struct qk_records records;

	g->c = c;
	g->count = c1 - c < QK_DW_LANES ? c1 - c : QK_DW_LANES;
	for (uint32_t l = 0; l < 4; l++)
		g->block[l] = c / QK_BLOCK + (job->pixels > 1 ? l % blocks :
					      l < blocks ? l : blocks - 1);
	g->bounds = (struct qk_bounds){ .fast = true };
	for (uint32_t q = 0; q < 4; q++) {
		group_records(job, g, q, &records);
		qk_lanes_set(&g->lanes[q], &g->bounds, &job->finish, &records);
	}
	group_weights(job, g);
}

/* --------------------------------------------------------------- quads -- */

/* struct source - the four rows of the quads, 0 bytes apart in padding */
struct source {
	const uint8_t *row[4];
	size_t step[4];
};

static inline __attribute__((always_inline)) void
fill_one(const struct qk_dwjob *job, const struct source *s, uint32_t i,
	 const __mmask64 mask, uint8_t *to)
{
	const __m512i flip = _mm512_set1_epi8((char)job->finish.flip);
	__m512i x[4], q[4];

#pragma GCC unroll 4
	for (int j = 0; j < 4; j++)
		x[j] = _mm512_xor_si512(flip, _mm512_mask_loadu_epi8(
			_mm512_set1_epi8((char)job->cmd->in.zero_point), mask,
			s->row[j] + i * s->step[j]));
	qk_dw_interleave(x[0], x[1], x[2], x[3], q);
#pragma GCC unroll 4
	for (int j = 0; j < 4; j++)
		_mm512_storeu_si512(to + (size_t)j * job->plane, q[j]);
}

/*
 * Count pixels. What the last vector holds of pixels past them is padding: a
 * row of neighbouring pixels ends with the input.
 */
static void fill_columns(const struct qk_dwjob *job, const struct qk_dwgroup *g,
			 const struct source *s, uint32_t count, uint8_t *to)
{
	size_t bytes = count * job->pixel;
	uint32_t all = g->count == QK_DW_LANES ? count : 0, i = 0;
	__mmask64 mask = qk_low_bits(g->count);

	if (job->pixels > 1) {
		all = (uint32_t)(bytes / QK_DW_LANES);
		mask = qk_low_bits(bytes % QK_DW_LANES);
		count = (uint32_t)((bytes + QK_DW_LANES - 1) / QK_DW_LANES);
	}
	for (; i < all; i++, to += QK_DW_LANES)
		fill_one(job, s, i, ~UINT64_C(0), to);
	for (; i < count; i++, to += QK_DW_LANES)
		fill_one(job, s, i, mask, to);
}

void qk_dwquads_fill(const struct qk_dwjob *job, const struct qk_dwgroup *g,
		     const struct qk_dwspan *span, const uint8_t *image,
		     int64_t iy, const uint8_t padding[QK_DW_LANES])
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	size_t line = (size_t)cmd->in.w * cmd->in.c;
	size_t step = job->pixels > 1 ? QK_DW_LANES : cmd->in.c;
	int64_t ix = (int64_t)span->x * cmd->stride_w - cmd->pad_left +
		     span->first;
	uint8_t *to = job->copy + span->first * job->pixel;
	struct source s;

	if (span->first == span->last)
		return;
	for (uint32_t i = 0; i < job->quads; i++, to += 4 * job->plane) {
		for (uint32_t j = 0; j < 4; j++, iy += cmd->dilation_h) {
			bool inside = iy >= 0 && iy < cmd->in.h;

			s.row[j] = inside ? image + (size_t)iy * line +
				   (size_t)ix * cmd->in.c + g->c : padding;
			s.step[j] = inside ? step : 0;
		}
		fill_columns(job, g, &s, span->last - span->first, to);
	}
}

struct qk_dwspan qk_dwspan_at(const struct qk_dwjob *job, uint32_t x)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	struct qk_dwspan span = {
		.x = x,
		.columns = cmd->out.w - x < job->columns ? cmd->out.w - x :
							   job->columns,
	};

	qk_columns_inside(cmd, (int64_t)x * cmd->stride_w - cmd->pad_left,
			  job->width, &span.first, &span.last);
	return span;
}

void qk_dwquads_pad(const struct qk_dwjob *job, const struct qk_dwspan *span)
{
	int value = job->cmd->in.zero_point + job->finish.flip;
	uint8_t *to = job->copy;

	for (uint32_t i = 0; i < 4 * job->quads; i++, to += job->plane) {
		memset(to, value, span->first * job->pixel);
		memset(to + span->last * job->pixel, value,
		       job->plane - span->last * job->pixel);
	}
}

uint32_t qk_dwband_rows(const struct qk_dwjob *job, const struct qk_tile *tile,
			uint32_t y)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	size_t row = (size_t)cmd->in.w * cmd->in.c * cmd->stride_h;
	uint32_t most = (uint32_t)(BAND_SIZE / row) / 2 * 2 + 2;
	uint32_t rows = cmd->out.h - y % cmd->out.h;

	rows = rows < most ? rows : most;
	return rows < tile->y1 - y ? rows : tile->y1 - y;
}
