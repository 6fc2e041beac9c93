// SPDX-License-Identifier: MIT
#include "dwahead_avx512vnni.h"

#define LINE		64u
/* A pass takes about a microsecond, a line from memory a part of that. */
#define PASSES_AHEAD	2u

/* The records and weights of the channels that the passes come to. */
static inline __attribute__((always_inline)) void
fetch_constants(const struct qk_dwahead *a)
{
	const struct qaccel_cmd_conv *cmd = a->job->cmd;
	size_t taps = (size_t)cmd->kh * cmd->kw;
	const char *records = (const char *)(a->job->channels + a->c);
	const char *weights = (const char *)a->job->weights + a->c * taps;
	uint32_t count = qk_dw3_channels(a->tile->c1 - a->c);

	for (size_t i = 0; i < count * sizeof(*a->job->channels); i += LINE)
		_mm_prefetch(records + i, _MM_HINT_T1);
	for (size_t i = 0; i < count * taps; i += LINE)
		_mm_prefetch(weights + i, _MM_HINT_T1);
}

/* Of the input those that the pass before this one did not have. */
static void set_rows(struct qk_dwahead *a)
{
	const struct qaccel_cmd_conv *cmd = a->job->cmd;
	uint32_t n = a->y / cmd->out.h, oy = a->y % cmd->out.h;
	uint32_t left = a->band + a->rows - a->y;
	uint32_t now = left < a->job->rows ? left : a->job->rows;
	int64_t first = (int64_t)oy * cmd->stride_h - cmd->pad_top;
	int64_t end = first + (int64_t)(now - 1) * cmd->stride_h + cmd->kh;

	if (a->y > a->band && end - first > (int64_t)now * cmd->stride_h)
		first = end - (int64_t)now * cmd->stride_h;
	first = first < 0 ? 0 : first;
	end = end < cmd->in.h ? end : cmd->in.h;
	for (; first < end; first++)
		a->row_in[a->ins++] = a->in + a->c +
			qk_offset(&cmd->in, n, (uint32_t)first, 0);
	for (; a->outs < now; a->outs++)
		a->row_out[a->outs] = a->out + a->c +
			qk_offset(&cmd->out, n, oy + a->outs, 0);
}

/* Where pixels end within a line, the first channels' passes fetch all of them. */
static inline __attribute__((always_inline)) void set(struct qk_dwahead *a)
{
	uint32_t c = a->job->cmd->in.c;
	bool whole = c % LINE && a->tile->c1 - a->tile->c0 == c;

	if (a->y == a->band)
		fetch_constants(a);
	a->step = whole ? LINE : c;
	if (!whole || a->c == a->tile->c0)
		set_rows(a);
}

/* In the order of qk_dw3_run(). False after the last pass. */
static bool advance(struct qk_dwahead *a)
{
	if (a->band >= a->tile->y1)
		return false;
	a->y += a->job->rows;
	if (a->y < a->band + a->rows)
		return true;
	a->c += qk_dw3_channels(a->tile->c1 - a->c);
	if (a->c >= a->tile->c1) {
		a->c = a->tile->c0;
		a->band += a->rows;
		if (a->band >= a->tile->y1)
			return false;
		a->rows = qk_dwband_rows(a->job, a->tile, a->band);
	}
	a->y = a->band;
	return true;
}

void qk_dwahead_next(struct qk_dwahead *a)
{
	a->ins = a->outs = 0;
	if (advance(a))
		set(a);
}

void qk_dwahead_start(struct qk_dwahead *a, const struct qk_dwjob *job,
		      const struct qk_tile *tile, const uint8_t *in,
		      const uint8_t *out)
{
	const struct qaccel_cmd_conv *cmd = job->cmd;
	size_t line = (size_t)cmd->out.w * cmd->out.c;

	*a = (struct qk_dwahead){
		.job = job, .tile = tile, .in = in, .out = out,
		.band = tile->y1,
	};
	if (!tile->cold || tile->y0 >= tile->y1)
		return;
	a->band = a->y = tile->y0;
	a->c = tile->c0;
	a->rows = qk_dwband_rows(job, tile, a->band);
	set(a);
	for (uint32_t i = 1; i < PASSES_AHEAD; i++) {
		qk_dwahead_fetch(a, 0, line, cmd->stride_w);
		qk_dwahead_next(a);
	}
	qk_dwahead_fetch(a, 0, line, cmd->stride_w);
}
